//! Paths of member names, such as `author.name` or `address.city`.

use std::fmt;

use super::place::Misplaced;

/// Characters that member names cannot have:
/// <https://jsonapi.org/format/1.1/#document-member-names-reserved-characters>.
const RESERVED: &str = "+,.[]!\"#$%&'()*/:;<=>?@\\^`{|}~";

/// Member names from the outside in; there is at least one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Path {
    /// The names as they were sent.
    pub names: Vec<String>,
    /// Where the path begins: a byte offset into the text that it was read from.
    pub at: usize,
}

impl Path {
    /// Reads names that are separated by dots; `at` is where `text` begins.
    pub(super) fn parse(text: &str, at: usize) -> Result<Self, Misplaced> {
        let mut start = at;
        let mut names = Vec::new();
        for name in text.split('.') {
            check_name(name, start)?;
            names.push(name.to_owned());
            start += name.len() + 1;
        }
        Ok(Self { names, at })
    }
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.names.join("."))
    }
}

/// Whether a name may have this character somewhere.
pub(super) fn is_name_character(character: char) -> bool {
    !character.is_ascii_control() && !RESERVED.contains(character)
}

/// Refuses what can be nobody's name. A name may begin with `_`, other than the format has it,
/// since types may repeat their id as `_id`.
pub(super) fn check_name(name: &str, at: usize) -> Result<(), Misplaced> {
    if name.is_empty() {
        return Err(Misplaced::new(at, "A name is missing"));
    }
    if let Some((offset, character)) = name.char_indices().find(|(_, c)| !is_name_character(*c)) {
        let reason = format!("A name cannot have the character {character:?}");
        return Err(Misplaced::new(at + offset, reason));
    }
    let has_text = name
        .chars()
        .any(|c| c.is_ascii_alphanumeric() || !c.is_ascii());
    if !has_text || name.starts_with([' ', '-']) || name.ends_with(' ') {
        return Err(Misplaced::new(at, "This is no name"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ds_36_and_37_names_are_checked_and_located() {
        for (text, at) in [
            ("", 5),
            ("a.", 7),
            (".a", 5),
            ("a..b", 7),
            ("_", 5),
            (" a", 5),
            ("-a", 5),
            ("a.b ", 7),
            ("ab$", 7),
            ("é\u{7}", 7),
        ] {
            assert_eq!(Path::parse(text, 5).unwrap_err().at, at, "{text:?}");
        }
        let path = Path::parse("_id.first name.größe.a-b_c", 0).unwrap();
        assert_eq!(path.names, ["_id", "first name", "größe", "a-b_c"]);
        assert_eq!(path.to_string(), "_id.first name.größe.a-b_c");
    }
}
