//! The known name that a wrong one is likely to mean.

/// How alike two names must be, from 0 to 1, for one to be meant by the other.
pub const ALIKE: f64 = 0.8;

/// The name that is most like `name`, if one is at least as much like it as `least` says. Capitals,
/// blanks, dashes and the like, which people write in different ways, do not count.
#[must_use]
pub fn nearest<'a>(
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
    least: f64,
) -> Option<&'a str> {
    let name = bare(name);
    let likeness = |candidate: &str| strsim::jaro_winkler(&name, &bare(candidate));
    let nearest = known
        .into_iter()
        .map(|candidate| (likeness(candidate), candidate))
        .max_by(|(one, _), (other, _)| one.total_cmp(other));
    nearest
        .filter(|(likeness, _)| *likeness >= least)
        .map(|(_, candidate)| candidate)
}

/// A name without what people write in different ways.
fn bare(name: &str) -> String {
    let letters = name.chars().filter(|character| character.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_however_it_is_written_and_none_where_nothing_is_like_it() {
        let known = ["first_name", "data_dir", "listen"];
        for (name, meant) in [
            ("First Name", Some("first_name")),
            ("lissten", Some("listen")),
            ("datadir", Some("data_dir")),
            ("colour", None),
        ] {
            assert_eq!(nearest(name, known, ALIKE), meant, "{name}");
        }
        assert_eq!(nearest("lissten", known, 1.0), None);
        assert_eq!(nearest("DATA-DIR", known, 1.0), Some("data_dir"));
    }
}
