//! Upper and lower case, the same on every store.
//!
//! The lowercase mapping of Unicode's character database decides, character by character and
//! without regard to language. A character whose lowercase form is several characters stays as it
//! is. <https://www.unicode.org/reports/tr44/#Simple_Lowercase_Mapping>

use std::collections::HashMap;
use std::sync::LazyLock;

/// The text in lower case.
#[must_use]
pub fn folded(text: &str) -> String {
    text.chars().map(fold).collect()
}

/// Every character that is the same as this one but for its case, itself included.
#[must_use]
pub fn variants(character: char) -> Vec<char> {
    static UPPER: LazyLock<HashMap<char, Vec<char>>> = LazyLock::new(|| {
        let mut upper: HashMap<char, Vec<char>> = HashMap::new();
        for character in '\0'..=char::MAX {
            let lower = fold(character);
            if lower != character {
                upper.entry(lower).or_default().push(character);
            }
        }
        upper
    });
    let lower = fold(character);
    let upper = UPPER.get(&lower);
    std::iter::once(lower)
        .chain(upper.into_iter().flatten().copied())
        .collect()
}

fn fold(character: char) -> char {
    let mut lower = character.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(lower), None) => lower,
        _ => character,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_differ_from_their_variants_by_case_alone() {
        assert_eq!(folded("ÄbC ΣΑΣ İ"), "äbc σασ İ");
        assert_eq!(variants('K'), ['k', 'K', '\u{212a}']);
        assert_eq!(variants('ß'), ['ß', 'ẞ']);
        assert_eq!(variants('7'), ['7']);
        for character in ('\0'..='\u{2fff}').chain('\u{1e900}'..='\u{1e943}') {
            assert!(variants(character).contains(&character), "{character:?}");
            for variant in variants(character) {
                assert_eq!(folded(&variant.to_string()), folded(&character.to_string()));
            }
        }
    }
}
