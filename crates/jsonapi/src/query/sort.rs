//! `sort`: <https://jsonapi.org/format/1.1/#fetching-sorting>.

use super::place::Misplaced;
use super::{Parameters, Path};
use crate::Error;

/// One of the keys that resources are sorted by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SortKey {
    /// What is compared.
    pub path: Path,
    /// Whether the largest comes first.
    pub descending: bool,
}

impl Parameters {
    /// Takes `sort`: its keys, the most significant first; none when it is absent.
    ///
    /// # Errors
    /// 400 for an empty or misspelt key, and for more than `keys_max`.
    pub fn take_sort(&mut self, keys_max: usize) -> Result<Vec<SortKey>, Error> {
        self.take_sort_named("sort", keys_max)
    }

    /// Takes `sort[RELATIONSHIP]`, which sorts the included resources of that path.
    ///
    /// # Errors
    /// As [`Self::take_sort`].
    pub fn take_sort_of(
        &mut self,
        relationship: &str,
        keys_max: usize,
    ) -> Result<Vec<SortKey>, Error> {
        self.take_sort_named(&format!("sort[{relationship}]"), keys_max)
    }

    fn take_sort_named(&mut self, name: &str, keys_max: usize) -> Result<Vec<SortKey>, Error> {
        let Some(text) = self.take(name) else {
            return Ok(Vec::new());
        };
        parse(text, keys_max).map_err(|mistake| mistake.in_parameter(name, text))
    }
}

fn parse(text: &str, keys_max: usize) -> Result<Vec<SortKey>, Misplaced> {
    let mut keys = Vec::new();
    let mut at = 0;
    for key in text.split(',') {
        if keys.len() == keys_max {
            let reason = format!("No more than {keys_max} sort keys are taken");
            return Err(Misplaced::new(at, reason));
        }
        let name = key.strip_prefix('-');
        let descending = name.is_some();
        let path = Path::parse(name.unwrap_or(key), at + usize::from(descending))?;
        keys.push(SortKey { path, descending });
        at += key.len() + 1;
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Source;

    fn sort(value: &str) -> Result<Vec<SortKey>, Error> {
        Parameters::parse(Some(&format!("sort={value}")))?.take_sort(3)
    }

    #[test]
    fn so_1_to_3_keys_are_taken_in_order_with_their_directions() {
        let keys = sort("-author.name,title").unwrap();
        let found: Vec<_> = keys
            .iter()
            .map(|key| (key.path.to_string(), key.descending))
            .collect();
        assert_eq!(
            found,
            [
                ("author.name".to_owned(), true),
                ("title".to_owned(), false)
            ]
        );
        assert_eq!(Parameters::parse(None).unwrap().take_sort(3).unwrap(), []);
    }

    #[test]
    fn so_4_empty_and_misspelt_keys_are_refused_with_their_place() {
        for (value, column) in [
            ("", 1),
            ("a,,b", 3),
            ("a,", 3),
            ("-", 2),
            ("a,--b", 4),
            ("a.,b", 3),
            ("%2Ba", 1),
            ("a,b,c,d", 7),
        ] {
            let error = sort(value).unwrap_err();
            assert_eq!(error.source, Some(Source::Parameter("sort".into())));
            assert_eq!(error.meta["column"], column, "{value}: {error:?}");
        }
    }

    #[test]
    fn included_resources_have_a_sort_of_their_own() {
        let mut parameters = Parameters::parse(Some("sort=a&sort%5Bcomments%5D=-b")).unwrap();
        assert!(parameters.take_sort_of("comments", 3).unwrap()[0].descending);
        assert!(!parameters.take_sort(3).unwrap()[0].descending);
        assert!(parameters.finish().is_ok());
    }

    proptest! {
        #[test]
        fn any_text_gives_keys_that_read_the_same_again_or_a_place_inside(text in "[a-c.,\\- é\\[]{0,12}") {
            match parse(&text, 5) {
                Ok(keys) => {
                    let sign = |key: &SortKey| if key.descending { "-" } else { "" };
                    let texts: Vec<_> =
                        keys.iter().map(|key| format!("{}{}", sign(key), key.path)).collect();
                    prop_assert_eq!(texts.join(","), text);
                }
                Err(mistake) => prop_assert!(mistake.at <= text.len()),
            }
        }
    }
}
