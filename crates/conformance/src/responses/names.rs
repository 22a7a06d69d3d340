//! Member names.

use super::Notes;

/// Characters that no name may have.
const RESERVED: &str = "+,.[]!\"#$%&'()*/:;<=>?@\\^`{|}~\u{7f}";

/// Whether a text is a member name.
pub(super) fn is_member_name(name: &str) -> bool {
    let outer = |letter: char| letter.is_ascii_alphanumeric() || letter >= '\u{80}';
    let inner = |letter: char| outer(letter) || matches!(letter, '-' | '_' | ' ');
    name.starts_with(outer) && name.ends_with(outer) && name.chars().all(inner)
}

fn is_reserved(letter: char) -> bool {
    RESERVED.contains(letter) || letter < ' '
}

/// Judges the name of a field or a type. Names that begin with @ mean nothing.
pub(super) fn judge(notes: &mut Notes<'_>, name: &str) {
    if name.starts_with('@') {
        return;
    }
    notes.note(
        "DS-36",
        is_member_name(name) || name.contains(is_reserved),
        || format!("the name '{name}' does not start and end with a letter or digit"),
    );
    notes.note("DS-37", !name.contains(is_reserved), || {
        format!("the name '{name}' has a reserved character")
    });
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    notes.note("DS-38", name.chars().all(plain), || {
        format!("the name '{name}' needs an escape in a URL")
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn member_names_are_told_from_others() {
        for name in ["a", "aB9", "a-b_c d", "ü", "9"] {
            assert!(is_member_name(name), "{name}");
        }
        for name in ["", "-a", "a-", "_", "a b ", "a.b", "a+b", "@a", "a:b"] {
            assert!(!is_member_name(name), "{name}");
        }
    }
}
