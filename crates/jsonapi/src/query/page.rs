//! `page[…]`: pages by number and size, and the cursor pagination profile,
//! <https://jsonapi.org/profiles/ethanresnick/cursor-pagination>.

use serde_json::json;

use super::Parameters;
use super::parameters::{invalid, path_segment};
use crate::media_type::CURSOR_PAGINATION;
use crate::{Error, Links};

/// Which page of a collection is asked for, by number.
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

/// Which page of a collection is asked for, by what stands before or behind it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CursorPage {
    /// `page[after]`: the cursor of the resource before the page, as it was sent.
    pub after: Option<String>,
    /// `page[before]`: the cursor of the resource behind the page, as it was sent.
    pub before: Option<String>,
    /// Resources on a page, at least 1.
    pub size: u64,
}

/// A page of either kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Page {
    /// By number and size.
    Number(Pagination),
    /// By cursor and size.
    Cursor(CursorPage),
}

/// How large pages are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageLimits {
    /// The size of a page that asks for none, at most `maximum`.
    pub default: u64,
    /// The largest size, at least 1.
    pub maximum: u64,
}

impl Parameters {
    /// Takes the page that is asked for. It is one by cursor when a cursor is given, or when
    /// `prefers_cursors` (the profile is applied) and no number is. A range, from a cursor to
    /// another, is as large as it may be by default.
    ///
    /// # Errors
    /// 400 for a number or size out of bounds, and for a number together with a cursor.
    pub fn take_page(&mut self, limits: PageLimits, prefers_cursors: bool) -> Result<Page, Error> {
        let after = self.take("page[after]").map(str::to_owned);
        let before = self.take("page[before]").map(str::to_owned);
        let has_cursor = after.is_some() || before.is_some();
        let has_number = self.take("page[number]").is_some();
        if has_cursor && has_number {
            let detail = "'page[number]' cannot be mixed with 'page[after]' and 'page[before]'.";
            return Err(invalid("page[number]").detail(detail));
        }
        if !has_cursor && (has_number || !prefers_cursors) {
            let page = self.take_pagination(limits.default, limits.maximum)?;
            return Ok(Page::Number(page));
        }
        let is_range = after.is_some() && before.is_some();
        let default = if is_range {
            limits.maximum
        } else {
            limits.default
        };
        let size = self
            .take_size("page[size]", limits.maximum)?
            .unwrap_or(default);
        Ok(Page::Cursor(CursorPage {
            after,
            before,
            size,
        }))
    }

    /// Takes `page[number]` (from 1, default 1) and `page[size]` (1 to `maximum`).
    ///
    /// # Errors
    /// 400 for anything else than an integer within these bounds.
    pub fn take_pagination(&mut self, default: u64, maximum: u64) -> Result<Pagination, Error> {
        // The last offset must be a number that stores can count with (a signed 64-bit integer).
        let number_max = i64::MAX.unsigned_abs() / maximum;
        let number = match self.take("page[number]") {
            None => 1,
            Some(text) => {
                integer(text, number_max).map_err(|_| bounds("page[number]", number_max))?
            }
        };
        let size = self.take_size("page[size]", maximum)?.unwrap_or(default);
        Ok(Pagination { number, size })
    }

    /// Takes `page[RELATIONSHIP][size]`: how many resources a parent's relationship includes.
    ///
    /// # Errors
    /// 400 for anything else than an integer from 1 to `maximum`.
    pub fn take_page_size_of(
        &mut self,
        relationship: &str,
        maximum: u64,
    ) -> Result<Option<u64>, Error> {
        self.take_size(&format!("page[{relationship}][size]"), maximum)
    }

    fn take_size(&mut self, name: &str, maximum: u64) -> Result<Option<u64>, Error> {
        let Some(text) = self.take(name) else {
            return Ok(None);
        };
        match integer(text, maximum) {
            Ok(size) => Ok(Some(size)),
            Err(TooLarge(true)) => Err(bounds(name, maximum)
                .meta("page", json!({"maxSize": maximum}))
                .type_link(format!("{CURSOR_PAGINATION}/max-size-exceeded"))),
            Err(TooLarge(false)) => Err(bounds(name, maximum)),
        }
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
        let start = self.url_without_page(path);
        let url = |number: u64| format!("{start}page%5Bnumber%5D={number}&page%5Bsize%5D={size}");
        let prev = (number > 1).then(|| (number - 1).min(last));
        let next = (number < last).then_some(number + 1);
        Links::new(url(number))
            .with("first", Some(url(1)))
            .with("prev", prev.map(url))
            .with("next", next.map(url))
            .with("last", Some(url(last)))
    }

    /// The links of a page whose collection was not counted: `last` is left out, and `has_more`
    /// says whether there is a next page.
    #[must_use]
    pub fn uncounted_page_links(&self, path: &str, page: Pagination, has_more: bool) -> Links {
        let Pagination { number, size } = page;
        let start = self.url_without_page(path);
        let url = |number: u64| format!("{start}page%5Bnumber%5D={number}&page%5Bsize%5D={size}");
        Links::new(url(number))
            .with("first", Some(url(1)))
            .with("prev", (number > 1).then(|| url(number - 1)))
            .with("next", has_more.then(|| url(number + 1)))
    }

    /// The links of a page by cursor. `first` and `last` are the cursors of its first and last
    /// resource where there are (or may be) others beyond them. A range stays the range.
    #[must_use]
    pub fn cursor_links(
        &self,
        path: &str,
        page: &CursorPage,
        first: Option<&str>,
        last: Option<&str>,
    ) -> Links {
        let start = self.url_without_page(path);
        let url = |after: Option<&str>, before: Option<&str>| {
            let mut url = start.clone();
            for (name, cursor) in [("after", after), ("before", before)] {
                if let Some(cursor) = cursor {
                    url.extend(["page%5B", name, "%5D="]);
                    url.extend(path_segment(cursor));
                    url.push('&');
                }
            }
            format!("{url}page%5Bsize%5D={}", page.size)
        };
        let (after, before) = (page.after.as_deref(), page.before.as_deref());
        let (from, to) = if after.is_some() && before.is_some() {
            (after, before)
        } else {
            (None, None)
        };
        Links::new(url(after, before))
            .with("first", Some(url(None, None)))
            .with("prev", first.map(|cursor| url(from, Some(cursor))))
            .with("next", last.map(|cursor| url(Some(cursor), to)))
    }
}

/// 400: a cursor that was not made for this list. `parameter` is `page[after]` or `page[before]`.
#[must_use]
pub fn invalid_cursor(parameter: &str) -> Error {
    invalid(parameter).detail(format!(
        "'{parameter}' is no cursor of this list with this sort and filter. Take one from its links."
    ))
}

/// 400: this list has no pages between two cursors.
#[must_use]
pub fn range_not_supported() -> Error {
    invalid("page[before]")
        .detail("'page[after]' and 'page[before]' cannot be given together at this URL.")
        .type_link(format!(
            "{CURSOR_PAGINATION}/range-pagination-not-supported"
        ))
}

/// 400: resources sorted like this have no cursors.
#[must_use]
pub fn unsupported_sort(detail: impl Into<String>) -> Error {
    invalid("sort")
        .detail(detail)
        .type_link(format!("{CURSOR_PAGINATION}/unsupported-sort"))
}

/// An integer out of bounds, and whether it is above them.
struct TooLarge(bool);

fn integer(text: &str, maximum: u64) -> Result<u64, TooLarge> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(TooLarge(false));
    }
    match text.parse::<u64>() {
        Ok(0) => Err(TooLarge(false)),
        Ok(value) if value <= maximum => Ok(value),
        _ => Err(TooLarge(true)),
    }
}

fn bounds(name: &str, maximum: u64) -> Error {
    invalid(name).detail(format!("'{name}' takes an integer from 1 to {maximum}."))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Source;

    const LIMITS: PageLimits = PageLimits {
        default: 10,
        maximum: 100,
    };

    fn pagination(query: &str) -> Result<Pagination, Error> {
        Parameters::parse(Some(query))?.take_pagination(500, 1000)
    }

    fn page(query: &str, prefers_cursors: bool) -> Result<Page, Error> {
        Parameters::parse(Some(query))?.take_page(LIMITS, prefers_cursors)
    }

    fn cursor(query: &str) -> CursorPage {
        match page(query, true) {
            Ok(Page::Cursor(page)) => page,
            other => panic!("{query}: {other:?}"),
        }
    }

    #[test]
    fn pages_have_defaults() {
        let first = Pagination {
            number: 1,
            size: 500,
        };
        assert_eq!(pagination("").unwrap(), first);
        let third = pagination("page[number]=3&page%5Bsize%5D=7").unwrap();
        assert_eq!((third.number, third.size, third.offset()), (3, 7, 14));
    }

    #[test]
    fn pg_6_and_cp_4_bad_page_values_are_refused_by_name() {
        let values = [
            "0",
            "-1",
            "abc",
            "",
            "1.5",
            "+1",
            "1e3",
            "99999999999999999999",
            "1001",
        ];
        for value in values {
            for query in [
                format!("page[size]={value}"),
                format!("page[after]=x&page[size]={value}"),
            ] {
                let error = Parameters::parse(Some(&query)).unwrap();
                let error = { error }.take_page(
                    PageLimits {
                        default: 1,
                        maximum: 1000,
                    },
                    false,
                );
                let source = error.unwrap_err().source;
                assert_eq!(
                    source,
                    Some(Source::Parameter("page[size]".into())),
                    "{value}"
                );
            }
        }
        assert!(pagination("page[number]=18446744073709551615").is_err());
    }

    #[test]
    fn cp_5_a_size_above_the_maximum_says_so_to_programs() {
        for value in ["101", "99999999999999999999"] {
            let error = page(&format!("page[size]={value}"), false).unwrap_err();
            assert_eq!(error.meta["page"], json!({"maxSize": 100}));
            let kind = error.links.unwrap().kind.unwrap();
            assert_eq!(kind, format!("{CURSOR_PAGINATION}/max-size-exceeded"));
        }
        assert!(page("page[size]=0", false).unwrap_err().links.is_none());
        let error = Parameters::parse(Some("page[comments][size]=6")).unwrap();
        let error = { error }.take_page_size_of("comments", 5).unwrap_err();
        assert_eq!(
            error.source,
            Some(Source::Parameter("page[comments][size]".into()))
        );
    }

    #[test]
    fn cp_6_and_cp_9_to_13_cursors_are_taken_as_they_are() {
        let found = cursor("page[after]=a%3D%3D&page[size]=3");
        assert_eq!(
            (found.after.as_deref(), found.before, found.size),
            (Some("a=="), None, 3)
        );
        assert_eq!(cursor("").size, 10);
        assert_eq!(cursor("page[before]=x").size, 10);
        assert_eq!(cursor("page[before]=x&page[after]=y").size, 100);
        assert!(matches!(page("page[after]=", false), Ok(Page::Cursor(_))));
    }

    #[test]
    fn numbers_and_cursors_do_not_mix() {
        for other in ["page[after]=x", "page[before]=x"] {
            let error = page(&format!("page[number]=1&{other}"), true).unwrap_err();
            assert_eq!(error.source, Some(Source::Parameter("page[number]".into())));
        }
        assert!(matches!(page("page[number]=2", true), Ok(Page::Number(_))));
        assert!(matches!(page("page[size]=2", false), Ok(Page::Number(_))));
    }

    #[test]
    fn cp_3_8_and_12_the_errors_of_the_profile_name_parameter_and_type() {
        assert_eq!(
            invalid_cursor("page[after]").source,
            Some(Source::Parameter("page[after]".into()))
        );
        for (error, parameter, kind) in [
            (unsupported_sort("x"), "sort", "unsupported-sort"),
            (
                range_not_supported(),
                "page[before]",
                "range-pagination-not-supported",
            ),
        ] {
            assert_eq!(error.source, Some(Source::Parameter(parameter.into())));
            let link = error.links.unwrap().kind.unwrap();
            assert_eq!(link, format!("{CURSOR_PAGINATION}/{kind}"));
        }
    }

    #[test]
    fn cp_14_links_of_cursors_lead_to_both_sides_and_stay_in_the_range() {
        let links = |query: &str, first, last| {
            let mut parameters = Parameters::parse(Some(query)).unwrap();
            let Ok(Page::Cursor(page)) = parameters.take_page(LIMITS, true) else {
                panic!("{query}");
            };
            let links = parameters.cursor_links("/x", &page, first, last);
            ["self", "first", "prev", "next"].map(|name| {
                let url = links.get(name)?.strip_prefix("/x?")?;
                Some(url.replace("page%5B", "").replace("%5D", ""))
            })
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            links("sort=a", None, Some("l=")),
            [
                some("sort=a&size=10"),
                some("sort=a&size=10"),
                None,
                some("sort=a&after=l%3D&size=10")
            ]
        );
        assert_eq!(
            links(
                "page[after]=a&page[before]=b&page[size]=2",
                Some("f"),
                Some("l")
            ),
            [
                some("after=a&before=b&size=2"),
                some("size=2"),
                some("after=a&before=f&size=2"),
                some("after=l&before=b&size=2")
            ]
        );
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
    fn pages_that_were_not_counted_have_no_last_link() {
        let parameters = Parameters::parse(None).unwrap();
        let page = Pagination { number: 2, size: 5 };
        let links = parameters.uncounted_page_links("/x", page, true);
        assert!(links.get("next").unwrap().contains("number%5D=3"));
        assert_eq!(links.get("last"), None);
        assert_eq!(
            parameters
                .uncounted_page_links("/x", page, false)
                .get("next"),
            None
        );
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
        fn any_page_is_within_its_bounds_or_refused(size in "\\PC{0,4}|[0-9]{0,21}", number in "[0-9]{0,21}") {
            let query = format!("page[size]={}&page[number]={number}", path_segment(&size));
            if let Ok(page) = pagination(&query) {
                prop_assert!(page.number >= 1 && (1..=1000).contains(&page.size));
                prop_assert!(i64::try_from(page.offset()).is_ok());
            }
        }
    }
}
