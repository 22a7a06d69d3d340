//! `include`: <https://jsonapi.org/format/1.1/#fetching-includes>.

use super::place::Misplaced;
use super::{Parameters, Path};
use crate::Error;

impl Parameters {
    /// Takes `include`: the paths of relationships, each once. An empty value includes nothing,
    /// which is something else than no value.
    ///
    /// # Errors
    /// 400 for an empty or misspelt path, for one of more than `depth_max` relationships, and for
    /// more than `paths_max` paths.
    pub fn take_include(
        &mut self,
        paths_max: usize,
        depth_max: usize,
    ) -> Result<Option<Vec<Path>>, Error> {
        let Some(text) = self.take("include") else {
            return Ok(None);
        };
        let paths = parse(text, paths_max, depth_max);
        let paths = paths.map_err(|mistake| mistake.in_parameter("include", text))?;
        Ok(Some(paths))
    }
}

fn parse(text: &str, paths_max: usize, depth_max: usize) -> Result<Vec<Path>, Misplaced> {
    let mut paths: Vec<Path> = Vec::new();
    if text.is_empty() {
        return Ok(paths);
    }
    let mut at = 0;
    for path in text.split(',') {
        let path_text = path;
        let path = Path::parse(path_text, at)?;
        if path.names.len() > depth_max {
            let reason = format!("A path goes through {depth_max} relationships at most");
            return Err(Misplaced::new(at, reason));
        }
        if paths.iter().all(|known| known.names != path.names) {
            if paths.len() == paths_max {
                let reason = format!("No more than {paths_max} paths are taken");
                return Err(Misplaced::new(at, reason));
            }
            paths.push(path);
        }
        at += path_text.len() + 1;
    }
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Source;

    fn include(query: &str) -> Result<Option<Vec<Path>>, Error> {
        Parameters::parse(Some(query))?.take_include(3, 2)
    }

    #[test]
    fn in_4_paths_are_taken_and_an_empty_value_includes_nothing() {
        assert_eq!(include("").unwrap(), None);
        assert_eq!(include("include=").unwrap(), Some(Vec::new()));
        let paths = include("include=author,comments.author,author")
            .unwrap()
            .unwrap();
        let names: Vec<_> = paths.iter().map(|path| path.names.clone()).collect();
        assert_eq!(names, [vec!["author"], vec!["comments", "author"]]);
    }

    #[test]
    fn in_5_paths_that_can_lead_nowhere_are_refused_with_their_place() {
        for (value, column) in [
            (",", 1),
            ("a,", 3),
            ("a.", 3),
            ("a..b", 3),
            ("a,b.c.d", 3),
            ("a,b,c,d", 7),
            ("a[b", 2),
        ] {
            let error = include(&format!("include={value}")).unwrap_err();
            assert_eq!(error.source, Some(Source::Parameter("include".into())));
            assert_eq!(error.meta["column"], column, "{value}");
        }
    }

    proptest! {
        #[test]
        fn any_text_gives_paths_or_a_place_inside(text in "[a-c., é\\[]{0,12}") {
            match parse(&text, 9, 9) {
                Ok(paths) => for path in paths {
                    prop_assert!(text[path.at..].starts_with(&path.to_string()));
                },
                Err(mistake) => prop_assert!(mistake.at <= text.len()),
            }
        }
    }
}
