//! Any text as a filter: a tree that prints as a filter with the same tree, or an error whose place
//! lies inside the text.

#![no_main]

use jsonapi::filter::{Filter, FilterLimits};
use jsonapi::{Error, Parameters};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let limits = FilterLimits {
        depth: 16,
        terms: 200,
        bytes: 4096,
    };
    match read("filter", text, limits) {
        Ok(filter) => {
            let wide = FilterLimits {
                bytes: usize::MAX,
                ..limits
            };
            let printed = filter.expression.to_string();
            let again = read("filter", &printed, wide).expect("a printed filter is a filter");
            assert_eq!(again.expression.to_string(), printed);
        }
        Err(error) => {
            let column = error.meta["column"].as_u64().expect("a column");
            let characters = "filter=".chars().count() + text.chars().count();
            assert!(
                column >= 1 && column <= characters as u64 + 1,
                "{column} in {text}"
            );
        }
    }
    // The same text as what stands in brackets.
    let name = format!("filter[{}", text.replace('=', "]["));
    let _ = read(&name, "a,b", limits);
});

fn read(name: &str, value: &str, limits: FilterLimits) -> Result<Filter, Error> {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair(name, value)
        .finish();
    let mut parameters = Parameters::parse(Some(&query))?;
    let mut filters = parameters.take_filter(limits, &|names| names[0] == "author")?;
    filters
        .pop()
        .ok_or_else(|| Error::malformed_document("This is no filter."))
}
