//! Strings of a record as text of a page, of an attribute, and of embedded JSON.

use std::fmt::{self, Display, Write as _};

/// Longest text of a record in characters that is shown; what is longer is cut, and said to be.
const LONGEST: usize = 8_000;

/// Text that HTML and SVG show as it is, between tags and in quoted attributes.
///
/// A model's name or a peer's message may hold markup, and control characters, which HTML does not
/// have: those are shown as the replacement character.
pub(super) struct Text<'a>(pub(super) &'a str);

impl Display for Text<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => out.write_str("&amp;")?,
                '<' => out.write_str("&lt;")?,
                '>' => out.write_str("&gt;")?,
                '"' => out.write_str("&quot;")?,
                '\'' => out.write_str("&#39;")?,
                '\n' | '\t' => out.write_char(character)?,
                // Direction overrides could make the text around them read otherwise.
                '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => out.write_char('\u{fffd}')?,
                _ if character.is_control() => out.write_char('\u{fffd}')?,
                _ => out.write_char(character)?,
            }
        }
        Ok(())
    }
}

/// `text` without its end, if it is too long to be shown.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        None => text.to_owned(),
        Some((end, _)) => {
            let start = text.get(..end).unwrap_or_default();
            format!("{start}\n… (cut; record.json has all of it)")
        }
    }
}

/// JSON inside a `<script>`: no `<` that could end it, and no line separators.
pub(super) fn script_json(value: &serde_json::Value) -> String {
    let json = value.to_string();
    let json = json.replace('<', "\\u003c").replace('>', "\\u003e");
    json.replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

/// Base64 with padding, for the hashes of a content security policy.
pub(super) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut bits = 0_u32;
        for index in 0..3 {
            bits = bits << 8 | chunk.get(index).copied().map_or(0, u32::from);
        }
        for index in 0..4 {
            let digit = (bits >> (18 - 6 * index) & 63) as usize;
            let is_padding = index > chunk.len();
            text.push(if is_padding {
                '='
            } else {
                ALPHABET.get(digit).copied().map_or('=', char::from)
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_text() {
        let text = Text("</script><b a=\"1\" c='2'>&amp;\u{0}\u{202e}").to_string();
        assert_eq!(
            text,
            "&lt;/script&gt;&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;amp;\u{fffd}\u{fffd}"
        );
    }

    #[test]
    fn json_cannot_end_its_script() {
        let value = serde_json::json!(["</script>", "<!--", "a\u{2028}b"]);
        let json = script_json(&value);
        assert!(!json.contains(['<', '>', '\u{2028}']), "{json}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&json).unwrap(),
            value
        );
    }

    #[test]
    fn base64_is_that_of_rfc_4648() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn long_texts_are_cut_and_say_so() {
        assert_eq!(shortened("short"), "short");
        let long = shortened(&"ä".repeat(20_000));
        assert!(long.chars().count() < 8_100);
        assert!(long.ends_with("(cut; record.json has all of it)"));
    }
}
