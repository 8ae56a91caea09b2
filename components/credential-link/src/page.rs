//! The pages: no script, nothing loaded from elsewhere, readable on a phone and by a screen reader.

use crate::words::Words;
use firstline_core::once::{CodePage, Once};
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
img{display:block;max-width:100%;max-height:4rem;margin:0 0 1rem;padding:.375rem;border-radius:.5rem;background:#fff}\
.soft{color:var(--soft);font-size:.9375rem}label{display:block;margin-top:1rem;font-weight:600}\
input{width:100%;margin-top:.25rem;padding:.75rem;border:1px solid var(--line);border-radius:.5rem;background:var(--back);color:var(--ink);font:1.25rem/1.4 ui-monospace,Menlo,Consolas,monospace}\
button{width:100%;margin:1.25rem 0 .5rem;padding:.875rem;border:0;border-radius:.5rem;background:var(--main);color:var(--on);font:600 1.0625rem/1.3 system-ui,sans-serif;cursor:pointer}\
:focus-visible{outline:3px solid var(--main);outline-offset:3px}";

/// What the browser may do with a page: apply the one style, show the picture that is part of it, send the form back, nothing else.
#[must_use]
pub fn policy() -> String {
    let hash = base64(&Sha256::digest(STYLE.as_bytes()));
    format!("default-src 'none'; style-src 'sha256-{hash}'; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
}

fn page(words: &Words, title: &str, content: &Markup) -> String {
    html! {
        (DOCTYPE)
        html lang=(words.language) {
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
pub fn ready(words: &Words) -> String {
    page(
        words,
        words.ready,
        &html! {
            p { (words.ready_text) }
            form method="post" { button type="submit" { (words.show) } }
            p.soft { (words.ready_note) }
        },
    )
}

/// The page with the secret. `logo` is what [`firstline_core::logo::Logo::source`] gives.
#[must_use]
pub fn shown(words: &Words, once: &Once, logo: Option<&str>, secret: &Secret) -> String {
    let from = words.origin(&once.msp, &once.ticket);
    let about = if once.pass { &words.pass } else { &words.password };
    page(
        words,
        about.shown,
        &html! {
            @if let Some(logo) = logo { img src=(logo) alt=""; }
            @if !from.is_empty() { p.soft { (from) } }
            label for="secret" { (about.field) }
            input id="secret" type="text" readonly autocomplete="off" autocapitalize="off" spellcheck="false" aria-describedby="once" value=(secret.expose());
            p id="once" { strong { (words.shown_once) } }
            h2 { (words.next) }
            ol { @for step in about.steps { li { (step) } } }
        },
    )
}

/// The page on which a code is typed: the same for every link. `again`: what came was no code.
#[must_use]
pub fn code(words: &Words, again: bool) -> String {
    page(
        words,
        words.code.ask,
        &html! {
            p { (words.code.ask_text) }
            @if again { p role="alert" { strong { (words.code.no_code) } } }
            form method="post" {
                label for="code" { (words.code.field) }
                input id="code" name="code" type="text" inputmode="numeric" autocomplete="one-time-code" required maxlength="20" autofocus;
                button type="submit" { (words.code.send) }
            }
            p.soft { (words.code.note) }
        },
    )
}

/// Something was typed; what it was is not shown again.
#[must_use]
pub fn typed(words: &Words, typed: &CodePage, logo: Option<&str>) -> String {
    let from = words.origin(&typed.msp, &typed.ticket);
    page(
        words,
        words.code.taken,
        &html! {
            @if let Some(logo) = logo { img src=(logo) alt=""; }
            @if !from.is_empty() { p.soft { (from) } }
            p { (words.code.taken_text) }
        },
    )
}

/// The page of every link that shows nothing, whatever the reason.
#[must_use]
pub fn gone(words: &Words) -> String {
    page(words, words.gone, &html! { p { (words.gone_text) } p.soft { (words.gone_note) } })
}

/// Something is broken here; what it is stands in the log, and named for the operator if it is a variable.
#[must_use]
pub fn fault(words: &Words, detail: &str) -> String {
    page(words, words.fault, &html! { p { (words.fault_text) } @if !detail.is_empty() { p.soft { (detail) } } })
}

/// The button was not pressed on our own page.
#[must_use]
pub fn refused(words: &Words) -> String {
    page(words, words.refused, &html! { p { (words.refused_text) } })
}

/// No link at all.
#[must_use]
pub fn no_link(words: &Words) -> String {
    page(words, words.no_link, &html! { p { (words.no_link_text) } })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::{ALL, EN};

    fn check(page: &str, heading: &str) {
        assert!(page.starts_with("<!DOCTYPE html><html lang=\""), "{page}");
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
        Once {
            sealed: String::new(),
            tenant: "acme".into(),
            expires: 0,
            latest: 0,
            msp: msp.into(),
            ticket: ticket.into(),
            pass: false,
            locale: String::new(),
            logo: String::new(),
        }
    }

    fn page_of(ticket: &str) -> CodePage {
        let text = String::new;
        CodePage {
            conversation: text(),
            tenant: text(),
            connection: text(),
            case: text(),
            page: text(),
            expires: 0,
            msp: "<b>".into(),
            ticket: ticket.into(),
            locale: text(),
            logo: text(),
        }
    }

    #[test]
    fn every_page_is_whole_and_loads_nothing() {
        for words in ALL {
            let once = once("Northwind IT", "4711");
            for (page, heading) in [
                (ready(words), words.ready),
                (shown(words, &once, None, &Secret::new("pw".into())), words.password.shown),
                (shown(words, &Once { pass: true, ..once.clone() }, None, &Secret::new("pw".into())), words.pass.shown),
                (code(words, false), words.code.ask),
                (code(words, true), words.code.ask),
                (typed(words, &page_of("4711"), None), words.code.taken),
                (gone(words), words.gone),
                (fault(words, "x"), words.fault),
                (refused(words), words.refused),
                (no_link(words), words.no_link),
            ] {
                check(&page, heading);
                assert!(page.contains(&format!("lang=\"{}\"", words.language)));
            }
            assert!(shown(words, &once, None, &Secret::new("pw".into())).contains("Northwind IT, ticket 4711"));
        }
    }

    #[test]
    fn only_pages_that_ask_for_something_have_a_button() {
        assert_eq!(ready(&EN).matches("<button").count(), 1);
        let code = code(&EN, false);
        assert!(code.contains("<label for=\"code\">") && code.contains("autocomplete=\"one-time-code\"") && !code.contains("value="), "{code}");
        assert!(!typed(&EN, &page_of(""), None).contains("<form"));
        for page in [gone(&EN), fault(&EN, ""), refused(&EN), no_link(&EN), shown(&EN, &once("", ""), None, &Secret::new("pw".into()))] {
            assert!(!page.contains("<button") && !page.contains("<form"));
        }
    }

    #[test]
    fn values_are_text_and_never_markup() {
        let page = shown(&EN, &once("<script>alert(1)</script>", "\"><img>"), None, &Secret::new("a\"<b>&'c".into()));
        check(&page, EN.password.shown);
        assert!(!page.contains("<img") && page.contains("value=\"a&quot;&lt;b&gt;&amp;'c\""), "{page}");
    }

    #[test]
    fn a_logo_is_part_of_the_page() {
        let logo = "data:image/png;base64,iVBORw0KGgo=";
        let page = shown(&EN, &once("Northwind IT", ""), Some(logo), &Secret::new("pw".into()));
        assert!(page.contains(&format!("<img src=\"{logo}\" alt=\"\">")) && page.matches("src=").count() == 1, "{page}");
        assert!(policy().contains("default-src 'none'") && policy().contains("; img-src data:;"));
    }

    #[test]
    fn the_field_has_a_label() {
        let page = shown(&EN, &once("Northwind IT", ""), None, &Secret::new("pw".into()));
        assert!(page.contains("<label for=\"secret\">") && page.contains("<input id=\"secret\"") && page.contains("From Northwind IT<"));
    }

    #[test]
    fn the_policy_allows_exactly_the_style_of_the_page() {
        let page = gone(&EN);
        let style = page.split_once("<style>").and_then(|(_, rest)| rest.split_once("</style>")).unwrap().0;
        assert!(policy().contains(&format!("'sha256-{}'", base64(&Sha256::digest(style.as_bytes())))));
        assert!(!policy().contains("unsafe"));
    }
}
