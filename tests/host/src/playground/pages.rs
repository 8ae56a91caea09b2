//! The pages: no script, nothing loaded from elsewhere, usable by keyboard.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::Value;

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#56606d;--back:#f4f6f8;--card:#fff;--line:#d5dbe3;--main:#0b57d0;--on:#fff;--good:#146c43;--mine:#dfeaff;--bad:#b3261e}\
@media(prefers-color-scheme:dark){:root{--ink:#eef1f5;--soft:#b1bac6;--back:#12161b;--card:#1d232b;--line:#3a434f;--main:#a8c7fa;--on:#0b1c36;--good:#7fd6a8;--mine:#20375c;--bad:#f2b8b5}}\
*{box-sizing:border-box}body{margin:0;background:var(--back);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}\
a{color:var(--main)}:focus-visible{outline:3px solid var(--main);outline-offset:2px}\
header{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;align-items:baseline;padding:.75rem 1.25rem;background:var(--card);border-bottom:1px solid var(--line)}\
header strong{margin-right:auto}main{max-width:46rem;margin:0 auto;padding:1.25rem}h1{font-size:1.375rem;line-height:1.3;margin:0 0 .25rem}h2{font-size:1.0625rem;margin:1.25rem 0 .5rem}\
p{margin:.25rem 0}.soft{color:var(--soft);font-size:.9375rem}.trouble{padding:.75rem 1rem;border:1px solid var(--bad);border-radius:.5rem;color:var(--bad);background:var(--card)}\
ul,ol{list-style:none;margin:0;padding:0}.people{display:grid;grid-template-columns:repeat(auto-fill,minmax(13rem,1fr));gap:.5rem}\
.people a{display:block;padding:.625rem .875rem;border:1px solid var(--line);border-radius:.625rem;background:var(--card);text-decoration:none;color:inherit}.people a:hover{border-color:var(--main)}.people span{display:block}\
.talk{display:flex;flex-direction:column;gap:.75rem;margin:1rem 0}.talk li{max-width:85%;align-self:flex-start;padding:.625rem .875rem;border:1px solid var(--line);border-radius:.875rem .875rem .875rem .25rem;background:var(--card);overflow-wrap:anywhere}\
.talk li.mine{align-self:flex-end;background:var(--mine);border-color:transparent;border-radius:.875rem .875rem .25rem}.talk p,.note{white-space:pre-wrap}\
.buttons{display:flex;flex-wrap:wrap;gap:.5rem;margin:.625rem 0 .25rem}button,.button{display:inline-flex;align-items:center;padding:.5rem 1rem;border:1px solid var(--main);border-radius:.5rem;background:transparent;color:var(--main);font:600 1rem/1.4 system-ui,sans-serif;text-decoration:none;cursor:pointer}\
.primary{background:var(--main);color:var(--on)}.write{position:sticky;bottom:0;padding:.75rem 0 1rem;background:var(--back)}.write div{display:flex;gap:.5rem}label{display:block;font-weight:600;margin-bottom:.25rem}\
input[name=text]{flex:1;min-width:0;padding:.625rem .75rem;border:1px solid var(--soft);border-radius:.5rem;background:var(--card);color:var(--ink);font:inherit}\
article{margin:1rem 0;padding:1rem 1.25rem;border:1px solid var(--line);border-radius:.75rem;background:var(--card)}article h2{margin:0;display:flex;gap:.75rem;justify-content:space-between}\
.status{white-space:nowrap;align-self:flex-start;padding:.0625rem .625rem;border:1px solid currentColor;border-radius:1rem;font-size:.875rem;color:var(--main)}.closed{color:var(--good)}\
h3{font-size:.9375rem;margin:.875rem 0 .125rem}.note{margin:0;padding:.5rem .75rem;border-left:3px solid var(--line);font:.875rem/1.5 ui-monospace,Menlo,Consolas,monospace;overflow-wrap:anywhere}";

fn page(title: &str, refresh: bool, content: &Markup) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                @if refresh { meta http-equiv="refresh" content="5"; }
                title { (title) " · emulated vendors" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header { strong { "Emulated vendors" } nav { a href="/" { "People" } " · " a href="/tickets" { "Tickets" } } }
                main { (content) }
            }
        }
    }
    .into_string()
}

fn list<'a>(value: &'a Value, member: &str) -> impl DoubleEndedIterator<Item = &'a Value> {
    value.get(member).and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn workspaces(state: &Value) -> impl Iterator<Item = &Value> {
    state.get("slack").into_iter().flat_map(|slack| list(slack, "workspaces"))
}

/// Everybody who can write to the assistant.
pub(super) fn people(state: &Value) -> String {
    let content = html! {
        h1 { "Who are you?" }
        p.soft { "Write to the assistant as one of these people." }
        @for workspace in workspaces(state) {
            h2 { (text(workspace, "/name")) " in Slack" }
            ul.people {
                @for user in list(workspace, "users").filter(|user| user["is_bot"] != true) {
                    li { a href={ "/chat/" (text(workspace, "/id")) "/" (text(user, "/id")) } { span { (text(user, "/real_name")) } span.soft { (text(user, "/email")) (standing(user)) } } }
                }
            }
        }
    };
    page("People", false, &content)
}

/// What sets somebody apart in the workspace.
fn standing(user: &Value) -> &'static str {
    if user["team_id"].is_string() {
        ", of another workspace"
    } else if user["is_restricted"] == true || user["is_ultra_restricted"] == true {
        ", a guest of the workspace"
    } else {
        ""
    }
}

/// One person's direct conversation with the assistant.
pub(super) fn chat(state: &Value, workspace: &str, user: &str, typed: &str, trouble: &str) -> Option<String> {
    let workspace = workspaces(state).find(|known| text(known, "/id") == workspace)?;
    let person = list(workspace, "users").find(|known| text(known, "/id") == user)?;
    let bot = text(workspace, "/bot/user");
    let with = |channel: &&Value, id: &str| list(channel, "members").any(|member| member == id);
    let (direct, shared): (Vec<&Value>, Vec<&Value>) =
        list(workspace, "channels").filter(|channel| with(channel, user) && with(channel, bot)).partition(|channel| channel["kind"] == "im");
    let assistant = name(workspace, bot);
    let content = html! {
        h1 { (text(person, "/real_name")) " writes to " (assistant) }
        p.soft { (text(person, "/email")) ", " (text(workspace, "/name")) " in Slack · " a href="/" { "be somebody else" } }
        ol.talk aria-label="Conversation" {
            @for message in direct.into_iter().flat_map(|channel| list(channel, "messages")) { (said(message, user, assistant, "")) }
        }
        @if !trouble.is_empty() { p.trouble role="alert" { (trouble) } }
        form.write method="post" id="end" {
            label for="text" { "Message" }
            div {
                input id="text" name="text" value=(typed) autocomplete="off" autofocus maxlength="3000" placeholder="I'm locked out and I forgot my password";
                button.primary type="submit" { "Send" }
                a.button href={ "/chat/" (text(workspace, "/id")) "/" (user) } { "Refresh" }
            }
        }
        @for channel in shared.iter().filter(|channel| list(channel, "messages").next().is_some()) {
            h2 { "#" (text(channel, "/name")) }
            ol.talk aria-label={ "Channel " (text(channel, "/name")) } {
                @for message in list(channel, "messages") { (said(message, user, name(workspace, text(message, "/user")), text(channel, "/id"))) }
            }
        }
    };
    Some(page(text(person, "/real_name"), false, &content))
}

fn name<'a>(workspace: &'a Value, user: &str) -> &'a str {
    list(workspace, "users").find(|known| text(known, "/id") == user).map_or("the assistant", |known| text(known, "/real_name"))
}

/// A message, in a channel or, without one, in the direct conversation.
fn said(message: &Value, user: &str, author: &str, channel: &str) -> Markup {
    let mine = text(message, "/user") == user;
    let blocks: Vec<&Value> = list(message, "blocks").collect();
    html! {
        li.mine[mine] {
            span.soft { (if mine { "You" } else { author }) " · " (clock(text(message, "/ts"))) }
            @if blocks.is_empty() { p { (words(text(message, "/text"))) } }
            @for block in blocks { (self::block(block, text(message, "/ts"), channel)) }
        }
    }
}

fn block(block: &Value, ts: &str, channel: &str) -> Markup {
    html! {
        @match text(block, "/type") {
            "actions" => form.buttons method="post" {
                input type="hidden" name="ts" value=(ts);
                @if !channel.is_empty() { input type="hidden" name="channel" value=(channel); }
                @for button in list(block, "elements") { (self::button(button)) }
            },
            "context" => @for element in list(block, "elements") { p.soft { (words(text(element, "/text"))) } },
            "divider" => hr;,
            _ => p { (words(text(block, "/text/text"))) },
        }
    }
}

fn button(button: &Value) -> Markup {
    let label = text(button, "/text/text");
    // The label alone could stand on two buttons.
    let id = [text(button, "/value"), text(button, "/action_id"), label].into_iter().find(|id| !id.is_empty()).unwrap_or_default();
    let primary = button["style"] == "primary";
    html! {
        @match text(button, "/url") {
            "" => button.primary[primary] type="submit" name="press" value=(id) { (label) },
            url => a.button.primary[primary] href=(url) target="_blank" rel="noreferrer" { (label) },
        }
    }
}

/// Slack's markup as far as it is used: links in angle brackets, and three entities.
fn words(text: &str) -> Markup {
    let plain = |text: &str| text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, (inside, after))) = rest.split_once('<').and_then(|(before, rest)| Some((before, rest.split_once('>')?))) {
        parts.push((plain(before), None));
        let (url, label) = inside.split_once('|').unwrap_or((inside, inside));
        parts.push((plain(label), Some(plain(url)).filter(|url| url.starts_with("http://") || url.starts_with("https://") || url.starts_with("mailto:"))));
        rest = after;
    }
    parts.push((plain(rest), None));
    html! {
        @for (label, url) in &parts {
            @match url { Some(url) => a href=(url) target="_blank" rel="noreferrer" { (label) }, None => (label) }
        }
    }
}

/// Hours and minutes of a timestamp such as `1700000000.000100`.
fn clock(ts: &str) -> String {
    let seconds: u64 = ts.split('.').next().and_then(|whole| whole.parse().ok()).unwrap_or_default();
    format!("{:02}:{:02} UTC", seconds / 3600 % 24, seconds / 60 % 60)
}

/// The PSA's tickets as they are, newest first.
pub(super) fn tickets(state: &Value) -> String {
    let psa = state.get("connectwise").unwrap_or(&Value::Null);
    let of = |name: &'static str, member: &'static str, ticket: &Value| {
        let id = ticket["id"].clone();
        list(psa, name).filter(move |item| item[member] == id)
    };
    let content = html! {
        h1 { "Tickets in ConnectWise" }
        p.soft { "This page shows them as they are, every five seconds." }
        @if list(psa, "tickets").next().is_none() { p { "No tickets yet." } }
        @for ticket in list(psa, "tickets").rev() {
            article {
                h2 { span { (ticket["id"]) " " (text(ticket, "/summary")) } span.status.closed[ticket["closedFlag"] == true] { (text(ticket, "/status/name")) } }
                p.soft { (places(ticket)) }
                @for note in of("notes", "ticketId", ticket) {
                    h3 { (kind(note)) }
                    p.note { (text(note, "/text")) }
                }
                @for entry in of("time_entries", "chargeToId", ticket) {
                    h3 { "Time" }
                    p.note { (entry["actualHours"]) " h, " (text(entry, "/billableOption")) }
                }
            }
        }
    };
    page("Tickets", true, &content)
}

/// Company, contact and board, as far as there are any.
fn places(ticket: &Value) -> String {
    ["/company/name", "/contact/name", "/board/name"].map(|at| text(ticket, at)).into_iter().filter(|name| !name.is_empty()).collect::<Vec<_>>().join(" · ")
}

fn kind(note: &Value) -> &'static str {
    if note["internalAnalysisFlag"] == true {
        "Internal note"
    } else if note["resolutionFlag"] == true {
        "Resolution"
    } else {
        "Description"
    }
}

/// The page of every address that leads nowhere.
pub(super) fn missing() -> String {
    page(
        "Nothing here",
        false,
        &html! { h1 { "Nothing here" } p { "There is " a href="/" { "a list of people" } " and " a href="/tickets" { "a list of tickets" } "." } },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slack_markup_becomes_html_and_nothing_else_does() {
        for (text, expect) in [
            ("a &lt;b&gt; &amp;amp; c", "a &lt;b&gt; &amp;amp; c"),
            ("see <https://a.example/x?y=1&amp;z|the page>.", r#"see <a href="https://a.example/x?y=1&amp;z" target="_blank" rel="noreferrer">the page</a>."#),
            ("<javascript:alert(1)|x>", "x"),
            ("<script>alert(1)</script>", "scriptalert(1)/script"),
            ("1 < 2", "1 &lt; 2"),
        ] {
            assert_eq!(words(text).into_string(), expect, "{text}");
        }
    }

    #[test]
    fn times_are_of_the_day() {
        assert_eq!((clock("1700000000.000100").as_str(), clock("").as_str()), ("22:13 UTC", "00:00 UTC"));
    }
}
