//! The pages: no script, nothing loaded, readable on a phone and by a screen reader.

use crate::words;
use firstline_core::once::Once;
use firstline_core::seal::{Secret, base64};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#4a5360;--back:#f4f6f8;--card:#fff;--line:#8a94a3;--main:#0b57d0;--on:#fff}\
@media(prefers-color-scheme:dark){:root{--ink:#eef1f5;--soft:#b6bfcb;--back:#12161b;--card:#1d232b;--line:#77818f;--main:#a8c7fa;--on:#0b1c36}}\
*{box-sizing:border-box}\
body{margin:0;min-height:100vh;display:flex;align-items:center;justify-content:center;padding:1rem;background:var(--back);color:var(--ink);font:1.0625rem/1.55 system-ui,sans-serif}\
main{width:100%;max-width:30rem;background:var(--card);border-radius:1rem;padding:1.75rem;box-shadow:0 1px 3px rgba(0,0,0,.2)}\
h1{font-size:1.5rem;line-height:1.25;margin:0 0 .75rem}h2{font-size:1.0625rem;margin:1.5rem 0 .25rem}p{margin:.5rem 0}ol{margin:.25rem 0;padding-left:1.4rem}\
.soft{color:var(--soft);font-size:.9375rem}label{display:block;margin-top:1rem;font-weight:600}\
input{width:100%;margin-top:.25rem;padding:.75rem;border:1px solid var(--line);border-radius:.5rem;background:var(--back);color:var(--ink);font:1.25rem/1.4 ui-monospace,Menlo,Consolas,monospace}\
button{width:100%;margin:1.25rem 0 .5rem;padding:.875rem;border:0;border-radius:.5rem;background:var(--main);color:var(--on);font:600 1.0625rem/1.3 system-ui,sans-serif;cursor:pointer}\
:focus-visible{outline:3px solid var(--main);outline-offset:3px}";

/// What the browser may do with a page: apply the one style, send the form back, nothing else.
#[must_use]
pub fn policy() -> String {
    let hash = base64(&Sha256::digest(STYLE.as_bytes()));
    format!("default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
}

fn page(title: &str, content: &Markup) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { main { h1 { (title) } (content) } }
        }
    }
    .into_string()
}

/// The page with the button: the same for every link, whether it works or not. Without an `action`, the form goes to the page's own address.
#[must_use]
pub fn ready() -> String {
    page(
        words::READY,
        &html! {
            p { (words::READY_TEXT) }
            form method="post" { button type="submit" { (words::SHOW) } }
            p.soft { (words::READY_NOTE) }
        },
    )
}

/// The page with the secret.
#[must_use]
pub fn shown(once: &Once, secret: &Secret) -> String {
    let from = words::from(&once.msp, &once.ticket);
    page(
        words::SHOWN,
        &html! {
            @if !from.is_empty() { p.soft { (from) } }
            label for="secret" { (words::FIELD) }
            input id="secret" type="text" readonly autocomplete="off" autocapitalize="off" spellcheck="false" aria-describedby="once" value=(secret.expose());
            p id="once" { strong { (words::SHOWN_ONCE) } }
            h2 { (words::NEXT) }
            ol { @for step in words::STEPS { li { (step) } } }
        },
    )
}

/// The page of every link that shows nothing, whatever the reason.
#[must_use]
pub fn gone() -> String {
    page(words::GONE, &html! { p { (words::GONE_TEXT) } p.soft { (words::GONE_NOTE) } })
}

/// Something is broken here; what it is stands in the log, and named for the operator if it is a variable.
#[must_use]
pub fn fault(detail: &str) -> String {
    page(words::FAULT, &html! { p { (words::FAULT_TEXT) } @if !detail.is_empty() { p.soft { (detail) } } })
}

/// The button was not pressed on our own page.
#[must_use]
pub fn refused() -> String {
    page(words::REFUSED, &html! { p { (words::REFUSED_TEXT) } })
}

/// No link at all.
#[must_use]
pub fn no_link() -> String {
    page(words::NO_LINK, &html! { p { (words::NO_LINK_TEXT) } })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(page: &str, heading: &str) {
        assert!(page.starts_with("<!DOCTYPE html><html lang=\"en\">"), "{page}");
        for (part, times) in [
            ("<h1>", 1),
            ("<main>", 1),
            ("<title>", 1),
            (heading, 2),
            ("<style>", 1),
            ("<script", 0),
            ("style=\"", 0),
            ("onclick", 0),
            ("http", 0),
            ("src=", 0),
        ] {
            assert_eq!(page.matches(part).count(), times, "{part} in {page}");
        }
        assert!(page.contains("name=\"viewport\""));
    }

    fn once(msp: &str, ticket: &str) -> Once {
        Once { sealed: String::new(), tenant: "acme".into(), expires: 0, latest: 0, msp: msp.into(), ticket: ticket.into() }
    }

    #[test]
    fn every_page_is_whole_and_loads_nothing() {
        for (page, heading) in [
            (ready(), words::READY),
            (shown(&once("Northwind IT", "4711"), &Secret::new("pw".into())), words::SHOWN),
            (gone(), words::GONE),
            (fault("x"), words::FAULT),
            (refused(), words::REFUSED),
            (no_link(), words::NO_LINK),
        ] {
            check(&page, heading);
        }
    }

    #[test]
    fn only_the_first_page_has_a_button() {
        assert_eq!(ready().matches("<button").count(), 1);
        for page in [gone(), fault(""), refused(), no_link(), shown(&once("", ""), &Secret::new("pw".into()))] {
            assert!(!page.contains("<button") && !page.contains("<form"));
        }
    }

    #[test]
    fn values_are_text_and_never_markup() {
        let page = shown(&once("<script>alert(1)</script>", "\"><img>"), &Secret::new("a\"<b>&'c".into()));
        check(&page, words::SHOWN);
        assert!(!page.contains("<img") && page.contains("value=\"a&quot;&lt;b&gt;&amp;'c\""), "{page}");
    }

    #[test]
    fn the_field_has_a_label() {
        let page = shown(&once("Northwind IT", ""), &Secret::new("pw".into()));
        assert!(page.contains("<label for=\"secret\">") && page.contains("<input id=\"secret\"") && page.contains("From Northwind IT<"));
    }

    #[test]
    fn the_policy_allows_exactly_the_style_of_the_page() {
        let page = gone();
        let style = page.split_once("<style>").and_then(|(_, rest)| rest.split_once("</style>")).unwrap().0;
        assert!(policy().contains(&format!("'sha256-{}'", base64(&Sha256::digest(style.as_bytes())))));
        assert!(!policy().contains("unsafe"));
    }
}
