//! Logos: stored once, and named by their hash in the documents that hold them.

use crate::answer::{Refused, problems};
use crate::host::Host;
use firstline_core::logo::{self, Logo};
use firstline_core::tenant::Brand;
use firstline_core::{keys, record};

/// Stores the logo of a brand that was read, and leaves its name in its place.
///
/// # Errors
/// It names one that is not there, or the store failed.
pub async fn keep(host: &impl Host, at: &str, brand: Option<&mut Brand>) -> Result<(), Refused> {
    let Some(text) = brand.and_then(|brand| brand.logo.as_mut()) else { return Ok(()) };
    let wrong = |why: &str| problems(&[format!("`{at}.logo` {why}")]);
    match Logo::entered(text).map_err(|why| wrong(&why))? {
        Some(logo) => {
            host.set_many(vec![(keys::logo(&logo.hash()), record::write(&logo))]).await?;
            *text = logo.name();
        }
        None => {
            let known = match logo::hash(text) {
                Some(hash) => host.get(&keys::logo(hash)).await?.is_some(),
                None => false,
            };
            if !known {
                return Err(wrong("names a picture that is not here: put the picture itself"));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::api::{Body, Request, handle};
    use crate::fake::{Fake, run};
    use firstline_core::seal::base64;

    const HEAD: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x08\0\0\0\x08";

    #[test]
    fn a_logo_is_stored_once_and_named_by_its_hash() {
        let host = Fake::new();
        let put = |logo: &str| {
            let body = format!(r#"{{"brand": {{"name": "Northwind IT", "phone": "1", "logo": "{logo}"}}}}"#);
            let (body, authorization) = (Body::Whole(body.into_bytes()), Some("Bearer a".to_string()));
            let answer = run(handle(&host, &Request { method: "PUT".into(), path: "/api/msp".into(), query: String::new(), authorization, body }));
            (answer.status, answer.body.map(|body| body.to_string()).unwrap_or_default())
        };
        let (status, text) = put(&format!("data:image/png;base64,{}", base64(HEAD)));
        assert_eq!(status, 200, "{text}");
        let name = text.split("sha256:").nth(1).and_then(|rest| rest.split('"').next()).map(|hash| format!("sha256:{hash}")).unwrap();
        assert!(!text.contains("data:image") && host.values.borrow().keys().filter(|key| key.starts_with("logo/")).count() == 1);
        // What was shown can be put again.
        assert_eq!(put(&name).0, 200);
        for (logo, why) in [(format!("sha256:{}", "0".repeat(64)), "is not here"), ("https://elsewhere.example/x.png".into(), "PNG")] {
            let (status, text) = put(&logo);
            assert!(status == 422 && text.contains(why), "{status} {text}");
        }
    }
}
