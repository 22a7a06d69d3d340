//! Texts as regular expressions, which have neither options nor anything of the client's but
//! literals.

use std::fmt::Write as _;

use resources::query::{TextMatch, variants};

/// The longest regular expression, in bytes: MongoDB takes none of 32 KiB.
const LENGTH_MAX: usize = 32_000;

/// Matches the texts that relate so to this one; none if it would be too long.
pub(super) fn pattern(relation: TextMatch, ignores_case: bool, text: &str) -> Option<String> {
    let mut pattern = String::new();
    if matches!(relation, TextMatch::Equals | TextMatch::StartsWith) {
        pattern.push('^');
    }
    for character in text.chars() {
        let same = if ignores_case {
            variants(character)
        } else {
            vec![character]
        };
        match same.as_slice() {
            [only] => push(*only, &mut pattern),
            several => {
                pattern.push('[');
                for one in several {
                    push(*one, &mut pattern);
                }
                pattern.push(']');
            }
        }
    }
    if matches!(relation, TextMatch::Equals | TextMatch::EndsWith) {
        // `$` would match before a newline at the end too.
        pattern.push_str(r"(?![\s\S])");
    }
    (pattern.len() <= LENGTH_MAX).then_some(pattern)
}

/// Letters and digits stand for themselves in every dialect, and so does what is not ASCII.
fn push(character: char, pattern: &mut String) {
    match character {
        '\0'..='\u{1f}' | '\u{7f}' => {
            // A string takes whatever is written to it.
            let _ = write!(pattern, "\\x{:02x}", u32::from(character));
        }
        ' ' | '_' => pattern.push(character),
        ascii if ascii.is_ascii() && !ascii.is_ascii_alphanumeric() => {
            pattern.push('\\');
            pattern.push(ascii);
        }
        other => pattern.push(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_text_is_more_than_a_literal() {
        let of = |relation, ignores_case, text| pattern(relation, ignores_case, text).unwrap();
        assert_eq!(
            of(TextMatch::Contains, false, "a.*[(\\$^|\n\0é"),
            r"a\.\*\[\(\\\$\^\|\x0a\x00é"
        );
        assert_eq!(of(TextMatch::StartsWith, true, "k-7"), "^[kK\u{212a}]\\-7");
        assert_eq!(of(TextMatch::EndsWith, true, "ß"), r"[ßẞ](?![\s\S])");
        assert_eq!(pattern(TextMatch::Equals, false, &"x".repeat(40_000)), None);
    }
}
