//! The vendors' filter languages (OData, SCIM, ConnectWise conditions): three spellings, one meaning.

use serde_json::Value;

/// Which spelling.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Dialect {
    OData,
    Scim,
    ConnectWise,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Op {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    Starts,
    Ends,
    Contains,
    Like,
}

#[derive(Debug, Clone)]
pub(crate) enum Expr {
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    Test {
        path: String,
        op: Op,
        value: Value,
    },
    In {
        path: String,
        values: Vec<Value>,
    },
    /// `path/any(name: expression)`.
    Any {
        path: String,
        name: String,
        inner: Box<Expr>,
    },
}

impl Expr {
    /// Reads a filter.
    pub fn parse(text: &str, dialect: Dialect) -> Result<Expr, String> {
        let tokens = lex(text, dialect)?;
        if tokens.len() > 500 {
            return Err("too long".into());
        }
        let mut parser = Parser { tokens: tokens.into_iter().peekable(), dialect, depth: 0 };
        let expr = parser.or()?;
        match parser.tokens.next() {
            None => Ok(expr),
            Some(token) => Err(format!("unexpected {token:?}")),
        }
    }

    /// Is it so of this object?
    pub fn holds(&self, object: &Value) -> bool {
        self.eval(&|path| find(object, path))
    }

    fn eval(&self, look: &dyn Fn(&str) -> Value) -> bool {
        match self {
            Expr::And(a, b) => a.eval(look) && b.eval(look),
            Expr::Or(a, b) => a.eval(look) || b.eval(look),
            Expr::Not(a) => !a.eval(look),
            Expr::Test { path, op, value } => compare(&look(path), *op, value),
            Expr::In { path, values } => values.iter().any(|value| compare(&look(path), Op::Eq, value)),
            Expr::Any { path, name, inner } => match look(path) {
                Value::Array(items) => items.iter().any(|item| inner.eval(&|path| if path == name { item.clone() } else { look(path) })),
                _ => false,
            },
        }
    }

    /// Every property that is asked for, with the operator (`None` for membership tests).
    pub fn uses(&self) -> Vec<(&str, Option<Op>)> {
        match self {
            Expr::And(a, b) | Expr::Or(a, b) => [a.uses(), b.uses()].concat(),
            Expr::Not(a) => a.uses(),
            Expr::Test { path, op, .. } => vec![(path, Some(*op))],
            Expr::In { path, .. } => vec![(path, None)],
            Expr::Any { path, name, inner } => {
                let mut all = vec![(path.as_str(), None)];
                all.extend(inner.uses().into_iter().filter(|(path, _)| path != name));
                all
            }
        }
    }

    /// Whether some part satisfies this.
    pub fn has(&self, wanted: &dyn Fn(&Expr) -> bool) -> bool {
        wanted(self)
            || match self {
                Expr::And(a, b) | Expr::Or(a, b) => a.has(wanted) || b.has(wanted),
                Expr::Not(a) | Expr::Any { inner: a, .. } => a.has(wanted),
                Expr::Test { .. } | Expr::In { .. } => false,
            }
    }
}

/// A member by its path; separators are `/` and `.`. `Null` where there is none.
pub(crate) fn find(object: &Value, path: &str) -> Value {
    let mut at = object;
    for step in path.split(['/', '.']) {
        match at.get(step) {
            Some(next) => at = next,
            None => return Value::Null,
        }
    }
    at.clone()
}

fn compare(left: &Value, op: Op, right: &Value) -> bool {
    use std::cmp::Ordering;
    let order = match (left, right) {
        (Value::String(a), Value::String(b)) => {
            let (a, b) = (a.to_lowercase(), b.to_lowercase());
            match op {
                Op::Starts => return a.starts_with(&b),
                Op::Ends => return a.ends_with(&b),
                Op::Contains => return a.contains(&b),
                Op::Like => return glob(&b.replace('%', "*"), &a),
                Op::Eq | Op::Ne | Op::Lt | Op::Le | Op::Gt | Op::Ge => Some(a.cmp(&b)),
            }
        }
        (Value::Number(a), Value::Number(b)) => a.as_f64().partial_cmp(&b.as_f64()),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::Null, Value::Null) => Some(Ordering::Equal),
        _ => None,
    };
    match (op, order) {
        (Op::Ne, order) => order != Some(Ordering::Equal),
        (Op::Eq, Some(order)) => order.is_eq(),
        (Op::Lt, Some(order)) => order.is_lt(),
        (Op::Le, Some(order)) => order.is_le(),
        (Op::Gt, Some(order)) => order.is_gt(),
        (Op::Ge, Some(order)) => order.is_ge(),
        (Op::Eq | Op::Lt | Op::Le | Op::Gt | Op::Ge, None) | (Op::Starts | Op::Ends | Op::Contains | Op::Like, _) => false,
    }
}

/// `*` stands for any text.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => match text.strip_prefix(head) {
            None => false,
            Some(rest) => rest.char_indices().map(|(at, _)| at).chain([rest.len()]).any(|at| rest.get(at..).is_some_and(|rest| glob(tail, rest))),
        },
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Sign(&'static str),
}

const SIGNS: [&str; 10] = ["!=", "<=", ">=", "=", "<", ">", "(", ")", ",", ":"];

fn lex(text: &str, dialect: Dialect) -> Result<Vec<Token>, String> {
    let quote = if dialect == Dialect::OData { '\'' } else { '"' };
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if first.is_whitespace() {
            rest = rest.trim_start();
        } else if let Some(moment) = rest.get(..20).filter(|text| dialect == Dialect::OData && is_moment(text)) {
            tokens.push(Token::Text(moment.into()));
            rest = rest.get(20..).unwrap_or_default();
        } else if first == quote {
            let (value, after) = quoted(rest, quote)?;
            tokens.push(Token::Text(value));
            rest = after;
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            tokens.push(Token::Sign(sign));
            rest = rest.get(sign.len()..).unwrap_or_default();
        } else if first == '[' {
            let (value, after) = rest.trim_start_matches('[').split_once(']').ok_or("a date without its end")?;
            tokens.push(Token::Text(value.into()));
            rest = after;
        } else {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || "_./-$@".contains(c))).unwrap_or(rest.len());
            if end == 0 {
                return Err(format!("unexpected `{first}`"));
            }
            tokens.push(Token::Word(rest.get(..end).unwrap_or_default().into()));
            rest = rest.get(end..).unwrap_or_default();
        }
    }
    Ok(tokens)
}

/// OData writes a moment without quotes: `2026-11-24T08:00:00Z`.
fn is_moment(text: &str) -> bool {
    text.bytes().zip("0000-00-00T00:00:00Z".bytes()).all(|(is, form)| if form == b'0' { is.is_ascii_digit() } else { is == form })
}

/// OData doubles a quote; SCIM and ConnectWise escape by a backslash.
fn quoted(text: &str, quote: char) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == '\\' && quote == '"' {
            match chars.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, 't')) => value.push('\t'),
                Some((_, escaped @ ('"' | '\\' | '/'))) => value.push(escaped),
                _ => return Err("a bad escape".into()),
            }
        } else if c == quote {
            if quote == '\'' && chars.peek().is_some_and(|(_, next)| *next == quote) {
                chars.next();
                value.push(quote);
            } else {
                return Ok((value, text.get(at + 1..).unwrap_or_default()));
            }
        } else {
            value.push(c);
        }
    }
    Err("a text without its end".into())
}

struct Parser {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
    dialect: Dialect,
    depth: u8,
}

impl Parser {
    fn word(&mut self, word: &str) -> bool {
        self.tokens.next_if(|token| matches!(token, Token::Word(w) if w.eq_ignore_ascii_case(word))).is_some()
    }

    fn sign(&mut self, sign: &str) -> Result<(), String> {
        match self.tokens.next() {
            Some(Token::Sign(found)) if found == sign => Ok(()),
            other => Err(format!("`{sign}` expected, found {other:?}")),
        }
    }

    fn or(&mut self) -> Result<Expr, String> {
        let mut left = self.and()?;
        while self.word("or") {
            left = Expr::Or(left.into(), self.and()?.into());
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Expr, String> {
        let mut left = self.one()?;
        while self.word("and") {
            left = Expr::And(left.into(), self.one()?.into());
        }
        Ok(left)
    }

    fn one(&mut self) -> Result<Expr, String> {
        self.depth += 1;
        if self.depth > 40 {
            return Err("nested too deeply".into());
        }
        let expr = self.inner();
        self.depth -= 1;
        expr
    }

    fn inner(&mut self) -> Result<Expr, String> {
        if self.tokens.peek() == Some(&Token::Sign("(")) {
            self.sign("(")?;
            let inner = self.or()?;
            self.sign(")")?;
            return Ok(inner);
        }
        if self.dialect == Dialect::OData && self.word("not") {
            return Ok(Expr::Not(self.one()?.into()));
        }
        let Some(Token::Word(name)) = self.tokens.next() else { return Err("a property expected".into()) };
        if self.dialect == Dialect::OData && self.tokens.peek() == Some(&Token::Sign("(")) {
            return self.call(&name);
        }
        let negated = self.dialect == Dialect::ConnectWise && self.word("not");
        let op = match (self.dialect, self.tokens.next()) {
            (Dialect::ConnectWise, Some(Token::Word(word))) if word.eq_ignore_ascii_case("in") => {
                self.sign("(")?;
                let mut values = vec![self.value()?];
                while self.tokens.next_if_eq(&Token::Sign(",")).is_some() {
                    values.push(self.value()?);
                }
                self.sign(")")?;
                let test = Expr::In { path: name, values };
                return Ok(if negated { Expr::Not(test.into()) } else { test });
            }
            (Dialect::ConnectWise, Some(Token::Word(word))) if word.eq_ignore_ascii_case("like") => Op::Like,
            (Dialect::ConnectWise, Some(Token::Word(word))) if word.eq_ignore_ascii_case("contains") => Op::Contains,
            (Dialect::ConnectWise, Some(Token::Sign("="))) => Op::Eq,
            (Dialect::ConnectWise, Some(Token::Sign("!="))) => Op::Ne,
            (Dialect::ConnectWise, Some(Token::Sign("<"))) => Op::Lt,
            (Dialect::ConnectWise, Some(Token::Sign("<="))) => Op::Le,
            (Dialect::ConnectWise, Some(Token::Sign(">"))) => Op::Gt,
            (Dialect::ConnectWise, Some(Token::Sign(">="))) => Op::Ge,
            (Dialect::OData | Dialect::Scim, Some(Token::Word(word))) => match word.as_str() {
                "eq" => Op::Eq,
                "ne" => Op::Ne,
                "lt" => Op::Lt,
                "le" => Op::Le,
                "gt" => Op::Gt,
                "ge" => Op::Ge,
                "sw" if self.dialect == Dialect::Scim => Op::Starts,
                "co" if self.dialect == Dialect::Scim => Op::Contains,
                _ => return Err(format!("unknown operator `{word}`")),
            },
            (_, other) => return Err(format!("an operator expected, found {other:?}")),
        };
        let test = Expr::Test { path: name, op, value: self.value()? };
        Ok(if negated { Expr::Not(test.into()) } else { test })
    }

    fn call(&mut self, name: &str) -> Result<Expr, String> {
        self.sign("(")?;
        let Some(Token::Word(first)) = self.tokens.next() else { return Err("a name expected".into()) };
        let expr = match (name, name.strip_suffix("/any")) {
            (_, Some(path)) => {
                self.sign(":")?;
                Expr::Any { path: path.into(), name: first, inner: self.or()?.into() }
            }
            ("startswith" | "startsWith", _) => {
                self.sign(",")?;
                Expr::Test { path: first, op: Op::Starts, value: self.value()? }
            }
            ("endswith" | "endsWith", _) => {
                self.sign(",")?;
                Expr::Test { path: first, op: Op::Ends, value: self.value()? }
            }
            _ => return Err(format!("unknown function `{name}`")),
        };
        self.sign(")")?;
        Ok(expr)
    }

    fn value(&mut self) -> Result<Value, String> {
        match self.tokens.next() {
            Some(Token::Text(text)) => Ok(Value::String(text)),
            Some(Token::Word(word)) => match (word.to_ascii_lowercase().as_str(), self.dialect) {
                ("true", _) => Ok(Value::Bool(true)),
                ("false", _) => Ok(Value::Bool(false)),
                ("null", _) => Ok(Value::Null),
                _ => match serde_json::from_str::<serde_json::Number>(&word) {
                    Ok(number) => Ok(Value::Number(number)),
                    Err(_) => Err(format!("a value expected, found `{word}`")),
                },
            },
            other => Err(format!("a value expected, found {other:?}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(dialect: Dialect, filter: &str, object: &Value, expect: Option<bool>) {
        let got = Expr::parse(filter, dialect).map(|expr| expr.holds(object));
        assert_eq!(got.clone().ok(), expect, "{filter}: {got:?}");
    }

    #[test]
    fn odata_filters_hold_or_are_refused() {
        let jane = json!({"mail": "Jane@acme.example", "accountEnabled": true, "surname": "O'Hara", "proxyAddresses": ["SMTP:jane@acme.example", "smtp:j@acme.example"]});
        for (filter, expect) in [
            ("mail eq 'jane@ACME.example'", Some(true)),
            ("mail eq 'x' or surname eq 'o''hara'", Some(true)),
            ("mail eq 'x' and surname eq 'o''hara'", Some(false)),
            ("(mail eq 'x' or accountEnabled eq true) and not(surname eq 'y')", Some(true)),
            ("proxyAddresses/any(p:p eq 'smtp:J@acme.example')", Some(true)),
            ("proxyAddresses/any(p:startswith(p,'smtp:q'))", Some(false)),
            ("startswith(mail,'jane')", Some(true)),
            ("jobTitle eq null", Some(true)),
            ("mail eq \"jane\"", None),
            ("mail eq 'x", None),
            ("mail eq 'x' or", None),
            ("mail = 'x'", None),
            ("mail eq 'x') or (mail eq 'y'", None),
            ("", None),
        ] {
            check(Dialect::OData, filter, &jane, expect);
        }
    }

    #[test]
    fn scim_filters_hold_or_are_refused() {
        let lee = json!({"status": "ACTIVE", "profile": {"email": "lee@globex.example"}});
        for (filter, expect) in [
            ("profile.email eq \"LEE@globex.example\"", Some(true)),
            ("profile.email sw \"lee\" and status eq \"LOCKED_OUT\"", Some(false)),
            (r#"profile.email eq "x\" or status eq \"ACTIVE""#, Some(false)),
            ("profile.email eq 'lee'", None),
            ("profile.email", None),
        ] {
            check(Dialect::Scim, filter, &lee, expect);
        }
    }

    #[test]
    fn connectwise_conditions_hold_or_are_refused() {
        let ticket = json!({"id": 7, "summary": "say \"hi\"", "board": {"id": 1}, "closedFlag": false});
        for (filter, expect) in [
            ("board/id=1 and id>6", Some(true)),
            ("id in (1,7)", Some(true)),
            ("id not in (1,7)", Some(false)),
            (r#"summary="say \"HI\"""#, Some(true)),
            ("summary like \"say%\"", Some(true)),
            ("summary contains \"bye\" or closedFlag=False", Some(true)),
            ("id=", None),
            ("id eq 7", None),
        ] {
            check(Dialect::ConnectWise, filter, &ticket, expect);
        }
    }

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, expect) in [("/a/*/b", "/a/x/y/b", true), ("*", "", true), ("/a/*", "/b/", false), ("é*", "éé", true), ("a", "ab", false)] {
            assert_eq!(glob(pattern, text), expect, "{pattern} {text}");
        }
    }
}
