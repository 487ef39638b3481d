//! Text made safe for the place in HTML where it stands.

/// Escapes plain text for the content of an element or a quoted attribute.
pub(super) fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

/// Writes JSON that may stand inside a `<script>` element, whatever its strings contain: no `<` is left that could
/// end the element or open a comment. Line separators become spaces: the expressions that figures make of names are
/// scripts, and cannot be read with them.
pub(super) fn script_json(value: &serde_json::Value) -> String {
    value.to_string().replace('<', "\\u003c").replace(['\u{2028}', '\u{2029}'], " ")
}

/// A name that is safe as an HTML id, a fragment and a file name: letters, digits, `-` and `_`.
pub(super) fn name(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_open_an_element_or_leave_an_attribute() {
        assert_eq!(html(r#"<b a="x" b='y'>&"#), "&lt;b a=&quot;x&quot; b=&#39;y&#39;&gt;&amp;");
    }

    #[test]
    fn data_cannot_end_their_script() {
        let value = serde_json::json!({"name": "</script><!--<script>\u{2028}"});
        let text = script_json(&value);
        assert!(!text.contains('<') && !text.contains('\u{2028}'), "{text}");
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["name"], "</script><!--<script> ");
    }

    #[test]
    fn names_keep_only_what_is_safe_everywhere() {
        assert_eq!(name("a b/../c\"<é"), "a-b----c---");
    }
}
