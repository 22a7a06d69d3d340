//! Characters that could make a log line something else than it is: another line, an order to a
//! terminal, or text that is shown in another direction than it is stored.

/// Whether a character is written as an escape, in every form of the log: controls of ASCII and of
/// Latin-1 (U+009B begins an order to a terminal), what ends lines, what turns the direction of
/// text, and what has no width.
pub(super) fn is_hazard(character: char) -> bool {
    matches!(
        character,
        '\0'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
    )
}

/// Appends the inside of a quoted text. Every escape is one of JSON, which logfmt takes too.
pub(super) fn push_escaped(line: &mut String, text: &str) {
    push(line, text, |byte| matches!(byte, b'"' | b'\\'));
}

/// Appends a text that stands for itself, such as a message for people.
pub(super) fn push_visible(line: &mut String, text: &str) {
    push(line, text, |_| false);
}

fn push(line: &mut String, text: &str, is_special: impl Fn(u8) -> bool) {
    // Nearly all texts are plain: one look at their bytes, one copy.
    let is_plain = |byte: u8| (0x20..0x7f).contains(&byte) && !is_special(byte);
    if text.bytes().all(is_plain) {
        line.push_str(text);
        return;
    }
    for character in text.chars() {
        match character {
            '\n' => line.push_str("\\n"),
            '\t' => line.push_str("\\t"),
            '\r' => line.push_str("\\r"),
            _ if is_hazard(character) => push_unicode(line, character),
            _ => {
                if u8::try_from(character).is_ok_and(&is_special) {
                    line.push('\\');
                }
                line.push(character);
            }
        }
    }
}

/// `\u202e`. All hazards have four digits at most.
fn push_unicode(line: &mut String, character: char) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    line.push_str("\\u");
    for shift in [12, 8, 4, 0] {
        let digit = (u32::from(character) >> shift) & 0xf;
        line.push(char::from(DIGITS[digit as usize]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_terminals_obey_and_what_turns_text_is_escaped() {
        for (text, escaped) in [
            ("plain é 漢", "plain é 漢"),
            ("\u{9b}31m", "\\u009b31m"),
            ("\u{1b}[31m", "\\u001b[31m"),
            ("a\u{202e}b\u{2066}", "a\\u202eb\\u2066"),
            ("a\u{2028}b\u{2029}\r\n", "a\\u2028b\\u2029\\r\\n"),
            ("\u{200b}\u{feff}\u{7f}", "\\u200b\\ufeff\\u007f"),
        ] {
            for push in [push_escaped, push_visible] {
                let mut line = String::new();
                push(&mut line, text);
                assert_eq!(line, escaped);
            }
        }
        let mut line = String::new();
        push_escaped(&mut line, "a \"b\" \\");
        assert_eq!(line, r#"a \"b\" \\"#);
    }
}
