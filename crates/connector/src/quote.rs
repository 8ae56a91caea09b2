//! Quoting of values for vendors' filter languages. A value enters a filter only through here.

/// An OData string literal, as Microsoft Graph's `$filter` takes it: in single quotes, each quote doubled.
/// Source: OASIS OData 4.01 URL Conventions, `SQUOTE-in-string`.
#[must_use]
pub fn odata(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

/// A ConnectWise `conditions` string: in double quotes; backslash and quote escaped by a backslash.
/// Control characters cannot stand in a condition at all and become spaces.
#[must_use]
pub fn connectwise(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 2);
    out.push('"');
    for c in value.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A SCIM filter string (RFC 7644, 3.4.2.2): a JSON string.
#[must_use]
pub fn scim(value: &str) -> String {
    serde_json::Value::from(value).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_leave_its_quotes() {
        for (value, odata_text, connectwise_text, scim_text) in [
            ("jane", "'jane'", r#""jane""#, r#""jane""#),
            ("o'hara", "'o''hara'", r#""o'hara""#, r#""o'hara""#),
            (r#"x" or id>0 or "y"#, r#"'x" or id>0 or "y'"#, r#""x\" or id>0 or \"y""#, r#""x\" or id>0 or \"y""#),
            (r"end\", r"'end\'", r#""end\\""#, r#""end\\""#),
            ("a\nb", "'a\nb'", "\"a b\"", r#""a\nb""#),
        ] {
            assert_eq!((odata(value), connectwise(value), scim(value)), (odata_text.into(), connectwise_text.into(), scim_text.into()));
        }
    }
}
