//! Sealing to the public key of the one component that may open it: HPKE (RFC 9180), X25519, HKDF-SHA256, ChaCha20-Poly1305.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hpke::{
    Deserializable, Kem as _, OpModeR, OpModeS, Serializable, aead::ChaCha20Poly1305, kdf::HkdfSha256, kem::X25519HkdfSha256, single_shot_open,
    single_shot_seal,
};
use std::fmt;

type Kem = X25519HkdfSha256;
const INFO: &[u8] = b"firstline sealed secret 1";

/// Base64 with padding.
#[must_use]
pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Reads base64 with padding.
#[must_use]
pub fn unbase64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text.trim()).ok()
}

/// Text that must not be printed, logged or stored in the clear.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes the text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Secret(text)
    }
    /// The text itself; every use is a place to look at.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A component's public key.
#[derive(Clone, Debug)]
pub struct PublicKey(<Kem as hpke::Kem>::PublicKey);

/// A component's private key.
#[derive(Clone)]
pub struct PrivateKey(<Kem as hpke::Kem>::PrivateKey);

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(…)")
    }
}

/// A new key pair: private and public key as base64, for variables.
#[must_use]
pub fn key_pair() -> (Secret, String) {
    let (private, public) = Kem::gen_keypair();
    (Secret(base64(&private.to_bytes())), base64(&public.to_bytes()))
}

fn parse<T: Deserializable>(variable: &str, text: &str) -> Result<T, String> {
    if text.is_empty() {
        return Err(format!("the variable `{variable}` is empty: `cargo run -- keys` makes every key"));
    }
    let bytes = unbase64(text).ok_or_else(|| format!("the variable `{variable}` is not base64"))?;
    T::from_bytes(&bytes).map_err(|_| format!("the variable `{variable}` is not an X25519 key"))
}

impl PublicKey {
    /// From a variable, whose name is used in errors.
    ///
    /// # Errors
    /// A text for the operator.
    pub fn parse(variable: &str, text: &str) -> Result<Self, String> {
        parse(variable, text).map(PublicKey)
    }

    /// Seals a secret; only the private key opens it, and only with the same associated data. `None` if the key is unusable.
    #[must_use]
    pub fn seal(&self, secret: &Secret, associated: &str) -> Option<Vec<u8>> {
        let (encapsulated, mut ciphertext) =
            single_shot_seal::<ChaCha20Poly1305, HkdfSha256, Kem>(&OpModeS::Base, &self.0, INFO, secret.0.as_bytes(), associated.as_bytes()).ok()?;
        let mut out = encapsulated.to_bytes().to_vec();
        out.append(&mut ciphertext);
        Some(out)
    }
}

impl PrivateKey {
    /// From a variable, whose name is used in errors.
    ///
    /// # Errors
    /// A text for the operator.
    pub fn parse(variable: &str, text: &str) -> Result<Self, String> {
        parse(variable, text).map(PrivateKey)
    }

    /// The public half, to seal to oneself.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(Kem::sk_to_pk(&self.0))
    }

    /// Opens what was sealed to this key under the same associated data.
    #[must_use]
    pub fn open(&self, sealed: &[u8], associated: &str) -> Option<Secret> {
        let (encapsulated, ciphertext) = sealed.split_at_checked(32)?;
        let encapsulated = <Kem as hpke::Kem>::EncappedKey::from_bytes(encapsulated).ok()?;
        let plain =
            single_shot_open::<ChaCha20Poly1305, HkdfSha256, Kem>(&OpModeR::Base, &self.0, &encapsulated, INFO, ciphertext, associated.as_bytes()).ok()?;
        String::from_utf8(plain).ok().map(Secret)
    }
}

/// Associated data of a connection's credential: a changed base URL or token URL needs it to be entered again.
#[must_use]
pub fn credential_context(tenant: &str, connection: &str, name: &str, base_url: &str, token_url: &str) -> String {
    ["credential", tenant, connection, name, base_url, token_url].map(|part| format!("{}:{part}", part.len())).concat()
}

/// Associated data of a secret of a case, sealed to the technician.
#[must_use]
pub fn case_context(tenant: &str, case: &str, name: &str) -> String {
    ["case", tenant, case, name].map(|part| format!("{}:{part}", part.len())).concat()
}

/// Associated data of a view-once secret, sealed to the credential link.
#[must_use]
pub fn once_context(token_hash: &str, tenant: &str, expires: u64) -> String {
    ["once", token_hash, tenant, &expires.to_string()].map(|part| format!("{}:{part}", part.len())).concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_key_and_the_same_context_open_it() {
        let (private, public) = key_pair();
        let (other, _) = key_pair();
        let public = PublicKey::parse("p", &public).unwrap();
        let private = PrivateKey::parse("k", private.expose()).unwrap();
        let secret = Secret::new("N3w!pw".into());
        let sealed = public.seal(&secret, "ctx").unwrap();
        assert_eq!(private.open(&sealed, "ctx"), Some(secret));
        assert_eq!(private.open(&sealed, "ctx2"), None);
        assert_eq!(PrivateKey::parse("k", other.expose()).unwrap().open(&sealed, "ctx"), None);
        assert_eq!(private.open(&sealed[..20], "ctx"), None);
    }

    #[test]
    fn a_changed_address_changes_the_context() {
        let base = credential_context("t", "c", "n", "https://a", "https://t");
        for other in [
            credential_context("t2", "c", "n", "https://a", "https://t"),
            credential_context("t", "c2", "n", "https://a", "https://t"),
            credential_context("t", "c", "n", "https://b", "https://t"),
            credential_context("t", "c", "n", "https://a", "https://u"),
            credential_context("tc", "", "n", "https://a", "https://t"),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn secrets_do_not_print() {
        let (private, _) = key_pair();
        let private = PrivateKey::parse("k", private.expose()).unwrap();
        assert_eq!(format!("{:?} {:?}", Secret::new("hunter2".into()), private), "Secret(…) PrivateKey(…)");
        assert!(PublicKey::parse("link_public_key", "").unwrap_err().contains("link_public_key"));
    }
}
