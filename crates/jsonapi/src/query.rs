//! Query parameters: <https://jsonapi.org/format/1.1/#query-parameters>.

use ::http::StatusCode;
use percent_encoding::{
    AsciiSet, NON_ALPHANUMERIC, PercentEncode, percent_decode_str, utf8_percent_encode,
};

use crate::{Error, Links};

/// Everything but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Which page of a collection is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pagination {
    /// From 1.
    pub number: u64,
    /// Resources on a page, at least 1.
    pub size: u64,
}

impl Pagination {
    /// How many resources stand before this page.
    #[must_use]
    pub fn offset(&self) -> u64 {
        (self.number - 1).saturating_mul(self.size)
    }
}

/// The decoded parameters of a request.
///
/// Each endpoint takes those that it knows; [`Parameters::finish`] refuses the rest, since
/// JSON:API wants unknown parameters answered with 400. Links repeat those that were taken.
#[derive(Debug)]
pub struct Parameters(Vec<Parameter>);

#[derive(Debug)]
struct Parameter {
    name: String,
    value: String,
    taken: bool,
}

impl Parameters {
    /// Decodes a raw query string.
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
        Ok(Self(parameters))
    }

    /// The value of a parameter, which is known from now on.
    pub fn take(&mut self, name: &str) -> Option<&str> {
        let parameter = self.0.iter_mut().find(|known| known.name == name)?;
        parameter.taken = true;
        Some(&parameter.value)
    }

    /// Takes `page[number]` (from 1, default 1) and `page[size]` (1 to `maximum`).
    ///
    /// # Errors
    /// 400 for anything else than an integer within these bounds.
    pub fn take_pagination(&mut self, default: u64, maximum: u64) -> Result<Pagination, Error> {
        // The last offset must be a number that stores can count with (a signed 64-bit integer).
        let number_max = i64::MAX.unsigned_abs() / maximum;
        let number = self.take_bounded("page[number]", 1, number_max)?;
        let size = self.take_bounded("page[size]", default, maximum)?;
        Ok(Pagination { number, size })
    }

    /// # Errors
    /// 400 for the first parameter that nobody took.
    pub fn finish(&self) -> Result<(), Error> {
        let Some(unknown) = self.0.iter().find(|parameter| !parameter.taken) else {
            return Ok(());
        };
        let name = &unknown.name;
        let family = name.split('[').next().unwrap_or_default();
        let detail = match family {
            "include" | "fields" | "sort" | "filter" => {
                format!("'{name}' is not supported at this URL.")
            }
            "page" => format!("'{name}' is unknown. Pages take page[number] and page[size]."),
            _ => format!("'{name}' is unknown at this URL."),
        };
        Err(invalid(name).detail(detail))
    }

    /// The links of a page: <https://jsonapi.org/format/1.1/#fetching-pagination>. They lead to
    /// `path` with the parameters of the request, but for those of the page.
    ///
    /// `prev` and `next` are null where there is no such page. Before a page past the end lies
    /// the last page that has resources.
    #[must_use]
    pub fn page_links(&self, path: &str, page: Pagination, total: u64) -> Links {
        let Pagination { number, size } = page;
        let last = total.div_ceil(size).max(1);
        let start = format!("{path}?{}", self.without_page());
        let url = |number: u64| format!("{start}page%5Bnumber%5D={number}&page%5Bsize%5D={size}");
        let prev = (number > 1).then(|| (number - 1).min(last));
        let next = (number < last).then_some(number + 1);
        Links::new(url(number))
            .with("first", Some(url(1)))
            .with("prev", prev.map(url))
            .with("next", next.map(url))
            .with("last", Some(url(last)))
    }

    /// Every parameter but those of the page, encoded, each followed by `&`.
    fn without_page(&self) -> String {
        let mut text = String::new();
        for one in self.0.iter().filter(|one| !one.name.starts_with("page[")) {
            text.extend(path_segment(&one.name));
            text.push('=');
            text.extend(path_segment(&one.value));
            text.push('&');
        }
        text
    }

    fn take_bounded(&mut self, name: &str, default: u64, maximum: u64) -> Result<u64, Error> {
        let Some(text) = self.take(name) else {
            return Ok(default);
        };
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse::<u64>() {
            Ok(value) if digits && (1..=maximum).contains(&value) => Ok(value),
            _ => {
                Err(invalid(name).detail(format!("'{name}' takes an integer from 1 to {maximum}.")))
            }
        }
    }
}

/// Encodes a text as one segment of a path, piece by piece.
pub(crate) fn path_segment(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, RESERVED)
}

fn decode(text: &str, parameter: &str) -> Result<String, Error> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8().map_err(|_| {
        invalid(parameter).detail("The parameter is not UTF-8 after percent-decoding.")
    })?;
    Ok(decoded.into_owned())
}

fn invalid(parameter: &str) -> Error {
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

    fn pagination(query: &str) -> Result<Pagination, Error> {
        Parameters::parse(Some(query))?.take_pagination(500, 1000)
    }

    #[test]
    fn pages_have_defaults() {
        assert_eq!(
            pagination("").unwrap(),
            Pagination {
                number: 1,
                size: 500
            }
        );
        let third = pagination("page[number]=3&page%5Bsize%5D=7").unwrap();
        assert_eq!((third.number, third.size, third.offset()), (3, 7, 14));
    }

    #[test]
    fn pg_6_bad_page_values_are_refused_by_name() {
        for value in [
            "0",
            "-1",
            "abc",
            "",
            "1.5",
            "+1",
            "1e3",
            "99999999999999999999",
            "1001",
        ] {
            let error = pagination(&format!("page[size]={value}")).unwrap_err();
            assert_eq!(
                error.source,
                Some(Source::Parameter("page[size]".into())),
                "{value}"
            );
        }
        assert!(pagination("page[number]=18446744073709551615").is_err());
    }

    #[test]
    fn a_parameter_given_twice_is_refused() {
        let error = Parameters::parse(Some("page[size]=1&page%5Bsize%5D=2")).unwrap_err();
        assert_eq!(error.source, Some(Source::Parameter("page[size]".into())));
    }

    #[test]
    fn what_nobody_takes_is_refused() {
        for name in ["sort", "include", "fields[contacts]", "page[foo]", "utm"] {
            let parameters = Parameters::parse(Some(&format!("{name}=x"))).unwrap();
            let error = parameters.finish().unwrap_err();
            assert_eq!(error.source, Some(Source::Parameter(name.into())));
        }
        assert!(Parameters::parse(Some("&&")).unwrap().finish().is_ok());
    }

    fn links(query: &str, total: u64) -> Links {
        let mut parameters = Parameters::parse(Some(query)).unwrap();
        let page = parameters.take_pagination(10, 100).unwrap();
        parameters.page_links("/contacts", page, total)
    }

    #[test]
    fn pg_2_and_3_links_lead_through_all_pages() {
        let numbers = |number: u64, total| {
            let links = links(&format!("page[number]={number}"), total);
            ["self", "first", "prev", "next", "last"].map(|name| {
                let query = links.get(name)?.split_once('?').unwrap().1;
                let page = pagination(query).unwrap();
                assert_eq!(page.size, 10);
                Some(page.number)
            })
        };
        assert_eq!(numbers(1, 25), [Some(1), Some(1), None, Some(2), Some(3)]);
        assert_eq!(numbers(3, 25), [Some(3), Some(1), Some(2), None, Some(3)]);
        assert_eq!(numbers(1, 0), [Some(1), Some(1), None, None, Some(1)]);
        assert_eq!(numbers(9, 25), [Some(9), Some(1), Some(3), None, Some(3)]);
    }

    #[test]
    fn pg_7_links_repeat_the_other_parameters() {
        let query = "filter[name]=a%26b ü&page[size]=7&include=x,y";
        let expected = "/contacts?filter%5Bname%5D=a%26b%20%C3%BC&include=x%2Cy&\
                        page%5Bnumber%5D=2&page%5Bsize%5D=7";
        assert_eq!(links(query, 30).get("next"), Some(expected));
    }

    proptest! {
        #[test]
        fn any_query_gives_parameters_or_a_refusal(query in "\\PC{0,60}") {
            if let Ok(mut parameters) = Parameters::parse(Some(&query)) {
                let _ = parameters.take_pagination(10, 100);
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
