//! Thousands of query strings: never a fault, never another answer than the oracle's.

use fibonacci::{Settings, router};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use proptest::prelude::*;

use crate::lists::numbers;

const COUNT_MAX: u64 = 60;

/// Bytes that a client may put into a target.
fn anything() -> impl Strategy<Value = String> {
    "[a-z0-9=&+%;:/?@!$'()*,._~-]{0,40}"
}

/// Almost a good query: known names, likely and unlikely values, any separators.
fn almost() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        4 => Just("count".to_owned()), 2 => Just("from".to_owned()), 1 => Just("numbers".to_owned()),
        1 => "[a-zA-Z%]{0,8}"
    ];
    let value = prop_oneof![
        6 => (0..COUNT_MAX + 3).prop_map(|count| count.to_string()),
        1 => "[+-]?0{0,3}[0-9]{1,30}", 1 => "%3[0-9]", 1 => "(integer|string)",
        1 => "[0-9a-fA-FxX.+%_-]{0,6}"
    ];
    let pair = (name, prop_oneof![9 => Just("="), 1 => Just("")], value);
    let pair = pair.prop_map(|(name, equals, value)| name + equals + &value);
    prop::collection::vec(pair, 0..4).prop_map(|pairs| pairs.join("&"))
}

/// What the documentation promises for good queries, written without the service's parser.
fn oracle(query: &str) -> Option<String> {
    let (mut count, mut from, mut quote) = (None, None, None);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=')?;
        let plain =
            |value: &str| value.bytes().all(|byte| byte.is_ascii_digit()) && value.len() < 4;
        let slot = match (name, value) {
            ("count", value) if plain(value) => &mut count,
            ("from", value) if plain(value) => &mut from,
            ("numbers", "integer" | "string") => {
                let old = quote.replace(if value == "string" { "\"" } else { "" });
                if old.is_some() {
                    return None;
                }
                continue;
            }
            _ => return None,
        };
        if slot.replace(value.parse::<u64>().ok()?).is_some() {
            return None;
        }
    }
    let (count, from, quote) = (count?, from.unwrap_or(0), quote.unwrap_or(""));
    if count + from > COUNT_MAX {
        return None;
    }
    let all = numbers(usize::try_from(from).ok()?, usize::try_from(count).ok()?);
    let all: Vec<String> = all
        .iter()
        .map(|number| format!("{quote}{number}{quote}"))
        .collect();
    Some(format!("{{\"answer\":[{}]}}", all.join(",")))
}

/// Plain queries have one answer; odd ones, such as encoded digits, may have an answer or an error.
fn is_plain(query: &str) -> bool {
    !query.contains(['%', '+', '-']) && !query.contains("=0")
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(10_000)
    })]

    #[test]
    fn every_query_has_its_answer_or_an_error(
        queries in prop::collection::vec(prop_oneof![3 => almost(), 1 => anything()], 1..4)
    ) {
        thread_local! {
            static SERVICE: TowerToHyperService<axum::Router> = {
                // A small table, so that streams are among the answers.
                let settings = Settings {
                    count_max: COUNT_MAX,
                    table_count_max: 20,
                    index_max: 1_000,
                    ..Settings::default()
                };
                TowerToHyperService::new(router(&settings).unwrap())
            };
            static RUNTIME: tokio::runtime::Runtime =
                tokio::runtime::Builder::new_current_thread().build().unwrap();
        }
        for query in queries {
            let target = format!("/fibonacci/list?{query}");
            let request = Request::get(&target).body(Empty::<Bytes>::new()).unwrap();
            let (status, body) = SERVICE.with(|service| RUNTIME.with(|runtime| runtime.block_on(async {
                let response = service.call(request).await.unwrap();
                (response.status(), response.into_body().collect().await.unwrap().to_bytes())
            })));
            let text = std::str::from_utf8(&body).unwrap();
            match oracle(&query) {
                Some(expected) => {
                    prop_assert_eq!(status, StatusCode::OK, "{}", query);
                    prop_assert_eq!(text, expected);
                }
                None if status == StatusCode::OK => prop_assert!(!is_plain(&query), "{}", query),
                None => {
                    prop_assert_eq!(status, StatusCode::FORBIDDEN, "{}", query);
                    let shaped = text.starts_with("{\"error\":\"ERR_") && text.ends_with("\"}");
                    prop_assert!(shaped, "{}", text);
                }
            }
        }
    }
}
