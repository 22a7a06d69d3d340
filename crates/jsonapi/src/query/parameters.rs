//! The parameters of a request, decoded, and which of them somebody took.

use ::http::StatusCode;
use percent_encoding::{
    AsciiSet, NON_ALPHANUMERIC, PercentEncode, percent_decode_str, utf8_percent_encode,
};

use crate::Error;

/// Everything but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The decoded parameters of a request.
///
/// Each endpoint takes those that it knows; [`Parameters::finish`] refuses the rest, since
/// JSON:API wants unknown parameters answered with 400. Links repeat all of them.
#[derive(Debug, Default)]
pub struct Parameters {
    given: Vec<Parameter>,
    /// What this URL takes, if somebody has asked for it so far: pages, an order, filters.
    has_pages: bool,
    has_sort: bool,
    has_filters: bool,
}

#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) value: String,
    taken: bool,
}

impl Parameter {
    /// The family and what stands in brackets behind it, each with its place in the name. None
    /// when the brackets are not well-formed.
    fn split(&self) -> Option<(&str, Vec<(usize, &str)>)> {
        let mut at = self.name.find('[').unwrap_or(self.name.len());
        let family = &self.name[..at];
        let mut keys = Vec::new();
        while at < self.name.len() {
            let inside = self.name[at..].strip_prefix('[')?;
            let key = &inside[..inside.find(']')?];
            keys.push((at + 1, key));
            at += key.len() + 2;
        }
        Some((family, keys))
    }

    /// What stands in brackets, each with its place in the name.
    pub(super) fn keys(&self) -> Vec<(usize, &str)> {
        self.split().map(|(_, keys)| keys).unwrap_or_default()
    }
}

impl Parameters {
    /// Decodes a raw query string, or the body of a form with the same encoding.
    ///
    /// # Errors
    /// 400 for a parameter given twice or one that is not UTF-8 after decoding.
    pub fn parse(query: Option<&str>) -> Result<Self, Error> {
        let mut parameters: Vec<Parameter> = Vec::new();
        for pair in query
            .unwrap_or_default()
            .split('&')
            .filter(|pair| !pair.is_empty())
        {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name, name)?;
            let value = decode(value, &name)?;
            if parameters.iter().any(|known| known.name == name) {
                return Err(invalid(&name).detail(format!("'{name}' is given more than once.")));
            }
            let taken = false;
            parameters.push(Parameter { name, value, taken });
        }
        Ok(Self {
            given: parameters,
            ..Self::default()
        })
    }

    /// The value of a parameter, which is known from now on.
    pub fn take(&mut self, name: &str) -> Option<&str> {
        self.has_pages |= name == "page[size]";
        self.has_sort |= name == "sort";
        let parameter = self.given.iter_mut().find(|known| known.name == name)?;
        parameter.taken = true;
        Some(&parameter.value)
    }

    /// The value of a parameter that nobody took so far.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let parameter = self
            .given
            .iter()
            .find(|known| known.name == name && !known.taken)?;
        Some(&parameter.value)
    }

    /// Takes what is left of a family, as far as what stands in brackets is `wanted`.
    pub(super) fn take_family(
        &mut self,
        family: &str,
        wanted: impl Fn(&[(usize, &str)]) -> bool,
    ) -> Vec<&Parameter> {
        self.has_filters |= family == "filter";
        let mut taken = Vec::new();
        for parameter in self.given.iter_mut().filter(|parameter| !parameter.taken) {
            let split = parameter.split();
            if split.is_some_and(|(name, keys)| name == family && wanted(&keys)) {
                parameter.taken = true;
                taken.push(&*parameter);
            }
        }
        taken
    }

    /// # Errors
    /// 400 for the first parameter that nobody took.
    pub fn finish(&self) -> Result<(), Error> {
        let Some(unknown) = self.given.iter().find(|parameter| !parameter.taken) else {
            return Ok(());
        };
        let name = &unknown.name;
        let family = name.split('[').next().unwrap_or_default();
        let detail = match family {
            _ if unknown.split().is_none() => {
                format!("The brackets of '{name}' are not closed or have text behind them.")
            }
            "include" | "fields" | "sort" | "filter" => {
                format!("'{name}' is not supported at this URL.")
            }
            "page" => format!("'{name}' is unknown. Pages take page[number] and page[size]."),
            _ => format!("'{name}' is unknown at this URL.{}", self.instead_of(name)),
        };
        Err(invalid(name).detail(detail))
    }

    /// What JSON:API has for a parameter that other APIs have, where this URL takes it.
    fn instead_of(&self, name: &str) -> &'static str {
        let name = name.to_ascii_lowercase().replace(['_', '-'], "");
        match name.as_str() {
            "limit" | "size" | "count" | "perpage" | "pagesize" | "top" if self.has_pages => {
                " How many resources a page holds is page[size]."
            }
            "offset" | "skip" | "start" | "p" | "pagenumber" | "pageindex" if self.has_pages => {
                " Which page of page[size] resources is wanted is page[number], from 1."
            }
            "q" | "query" | "search" | "where" if self.has_filters => {
                " Which resources are wanted is filter[ATTRIBUTE]."
            }
            "orderby" | "order" | "sortby" if self.has_sort => {
                " The order is sort, such as sort=name or sort=-name."
            }
            _ => "",
        }
    }

    /// `path` with all parameters: the URL of the document that they shaped.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        let mut url = format!("{path}?");
        self.push_encoded(&mut url, |_| true);
        url.pop();
        url
    }

    /// The filter and the order of an included relationship as those of its own URL:
    /// `sort[comments]=body` becomes `sort=body`.
    #[must_use]
    pub fn of_relationship(&self, path: &str) -> Self {
        let own = |one: &Parameter| {
            let (family, keys) = one.split()?;
            let ((_, first), rest) = keys.split_first()?;
            if *first != path || !["filter", "sort"].contains(&family) {
                return None;
            }
            let mut name = family.to_owned();
            for (_, key) in rest {
                name.extend(["[", key, "]"]);
            }
            Some(Parameter {
                name,
                value: one.value.clone(),
                taken: true,
            })
        };
        Self {
            given: self.given.iter().filter_map(own).collect(),
            ..Self::default()
        }
    }

    /// `path` with the parameters that do not choose the page, ready for those that do.
    pub(super) fn url_without_page(&self, path: &str) -> String {
        let mut url = format!("{path}?");
        self.push_encoded(&mut url, |name| {
            !["number", "size", "after", "before"].iter().any(|key| {
                name.strip_prefix("page[")
                    .and_then(|name| name.strip_suffix(']'))
                    == Some(key)
            })
        });
        url
    }

    /// Adds the wanted parameters, encoded, each followed by `&`.
    fn push_encoded(&self, url: &mut String, wanted: impl Fn(&str) -> bool) {
        for one in self.given.iter().filter(|one| wanted(&one.name)) {
            url.extend(path_segment(&one.name));
            url.push('=');
            url.extend(path_segment(&one.value));
            url.push('&');
        }
    }
}

/// Encodes a text as one segment of a path, piece by piece.
#[must_use]
pub fn path_segment(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, RESERVED)
}

fn decode(text: &str, parameter: &str) -> Result<String, Error> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8().map_err(|_| {
        invalid(parameter).detail("The parameter is not UTF-8 after percent-decoding.")
    })?;
    Ok(decoded.into_owned())
}

pub(super) fn invalid(parameter: &str) -> Error {
    Error::new(
        StatusCode::BAD_REQUEST,
        "invalid_query_parameter",
        "Invalid query parameter",
    )
    .parameter(parameter)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Source;

    #[test]
    fn qp_9_a_parameter_given_twice_is_refused() {
        let error = Parameters::parse(Some("page[size]=1&page%5Bsize%5D=2")).unwrap_err();
        assert_eq!(error.source, Some(Source::Parameter("page[size]".into())));
    }

    #[test]
    fn what_narrows_an_included_relationship_narrows_its_own_url() {
        let query = "filter[comments]=has(author)&filter[comments][body][gt]=a&sort[comments]=-body\
                     &filter[author]=1&sort=title&page[comments][size]=2";
        let own = Parameters::parse(Some(query))
            .unwrap()
            .of_relationship("comments");
        assert_eq!(
            own.url("/x"),
            "/x?filter=has%28author%29&filter%5Bbody%5D%5Bgt%5D=a&sort=-body"
        );
    }

    #[test]
    fn qp_5_what_nobody_takes_is_refused() {
        for name in [
            "sort",
            "include",
            "fields[contacts]",
            "page[foo]",
            "utm",
            "filter[a",
        ] {
            let parameters = Parameters::parse(Some(&format!("{name}=x"))).unwrap();
            let error = parameters.finish().unwrap_err();
            assert_eq!(error.source, Some(Source::Parameter(name.into())));
        }
        assert!(Parameters::parse(Some("&&")).unwrap().finish().is_ok());
    }

    #[test]
    fn parameters_of_other_apis_are_answered_with_those_of_json_api_that_the_url_takes() {
        for (query, told) in [
            ("limit=3", "page[size]"),
            ("per_page=3", "page[size]"),
            ("pageSize=3", "page[size]"),
            ("offset=3", "page[number]"),
            ("q=ada", "filter[ATTRIBUTE]"),
            ("order_by=name", "sort=-name"),
        ] {
            let mut parameters = Parameters::parse(Some(query)).unwrap();
            let detail = |parameters: &Parameters| parameters.finish().unwrap_err().detail;
            let plain = detail(&parameters).unwrap();
            assert!(plain.ends_with("is unknown at this URL."), "{plain}");
            parameters.take_pagination(20, 100).unwrap();
            parameters.take_sort(3).unwrap();
            parameters.take_family("filter", |_| true);
            let helpful = detail(&parameters).unwrap();
            assert!(helpful.contains(told), "{helpful}");
        }
    }

    #[test]
    fn qp_1_and_3_parameters_are_decoded_as_forms_are() {
        let mut parameters = Parameters::parse(Some("filter%5Ba%5D=a+b%2Bc")).unwrap();
        assert_eq!(parameters.take("filter[a]"), Some("a b+c"));
    }

    #[test]
    fn a_family_is_taken_by_what_its_brackets_say() {
        let query = "f=1&f[a]=2&f[a][b.c]=3&f[a&f[]=4&f[a]x=5&g[a]=6";
        let mut parameters = Parameters::parse(Some(query)).unwrap();
        let taken = parameters.take_family("f", |keys| keys.len() == 2);
        assert_eq!(taken[0].keys(), [(2, "a"), (5, "b.c")]);
        let rest = parameters.take_family("f", |_| true);
        let rest: Vec<_> = rest.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(rest, ["f", "f[a]", "f[]"]);
    }

    #[test]
    fn ds_10_and_qp_8_the_own_url_repeats_the_parameters_encoded() {
        let query = "filter[name]=a%26b ü&sort=-a&page[size]=7&page[comments][size]=3";
        let parameters = Parameters::parse(Some(query)).unwrap();
        let all = "/x?filter%5Bname%5D=a%26b%20%C3%BC&sort=-a&page%5Bsize%5D=7&page%5Bcomments%5D%5Bsize%5D=3";
        assert_eq!(parameters.url("/x"), all);
        assert_eq!(
            parameters.url_without_page("/x"),
            format!("{}&", all.replace("&page%5Bsize%5D=7", ""))
        );
        assert_eq!(Parameters::parse(None).unwrap().url("/x"), "/x");
    }

    proptest! {
        #[test]
        fn any_query_gives_parameters_or_a_refusal(query in "\\PC{0,60}") {
            if let Ok(mut parameters) = Parameters::parse(Some(&query)) {
                let again = Parameters::parse(parameters.url("").strip_prefix('?')).unwrap();
                let pairs = |all: &Parameters| -> Vec<_> {
                    all.given.iter().map(|one| (one.name.clone(), one.value.clone())).collect()
                };
                prop_assert_eq!(pairs(&parameters), pairs(&again));
                parameters.take_family("filter", |_| true);
                let _ = parameters.finish();
            }
        }

        #[test]
        fn any_text_survives_a_path_segment(text in "\\PC{0,20}") {
            let decoded = percent_decode_str(&path_segment(&text).to_string()).decode_utf8().unwrap().into_owned();
            prop_assert_eq!(decoded, text);
        }
    }
}
