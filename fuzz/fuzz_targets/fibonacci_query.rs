//! Any query string gets exactly the list that it asks for, or one of the client's errors.

#![no_main]

use std::sync::LazyLock;

use axum::Router;
use axum::body::Body;
use fibonacci::{Settings, router};
use http::{Request, StatusCode, Uri};
use http_body_util::BodyExt;
use libfuzzer_sys::{Corpus, fuzz_target};
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;

/// The numbers up to here fit into a u128.
const COUNT_MAX: usize = 180;

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().build().expect("a runtime"));

static ROUTER: LazyLock<Router> = LazyLock::new(|| {
    // A small table, so that streams are among the answers.
    let settings = Settings {
        count_max: COUNT_MAX as u64,
        table_count_max: 60,
        index_max: 1_000,
        ..Settings::default()
    };
    router(&settings).expect("a router")
});

static NUMBERS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut state = (0_u128, 1_u128);
    let next = || {
        let number = state.0;
        state = (state.1, state.0 + state.1);
        Some(number.to_string())
    };
    std::iter::from_fn(next).take(COUNT_MAX).collect()
});

fuzz_target!(|query: &[u8]| -> Corpus {
    let target = [b"/fibonacci/list?", query].concat();
    let Ok(uri) = Uri::try_from(target) else {
        return Corpus::Reject;
    };
    let expected = oracle(uri.query().unwrap_or_default());
    let request = Request::get(uri).body(Body::empty()).expect("a request");
    let (status, text) = RUNTIME.block_on(async {
        let response = ROUTER.clone().oneshot(request).await.expect("an answer");
        let status = response.status();
        let body = response.into_body().collect().await.expect("a body");
        (status, body.to_bytes())
    });
    let text = str::from_utf8(&text).expect("text");
    match expected {
        Some(expected) => {
            assert_eq!(status, StatusCode::OK, "{text}");
            assert_eq!(text, expected);
        }
        None => {
            assert_eq!(status, StatusCode::FORBIDDEN, "{text}");
            assert!(text.starts_with("{\"error\":\"ERR_"), "{text}");
            serde_json::from_str::<serde_json::Value>(text).expect("an error as JSON");
        }
    }
    Corpus::Keep
});

/// The answer as the documentation describes it, found without the service's parser.
fn oracle(query: &str) -> Option<String> {
    let (mut count, mut from, mut numbers) = (None, None, None);
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let slot = match &*name {
            "count" => &mut count,
            "from" => &mut from,
            "numbers" => &mut numbers,
            _ => return None,
        };
        if slot.replace(value).is_some() {
            return None;
        }
    }
    let (count, from) = (
        integer(&count?)?,
        from.map_or(Some(0), |from| integer(&from))?,
    );
    let quote = match numbers.as_deref() {
        None | Some("integer") => "",
        Some("string") => "\"",
        Some(_) => return None,
    };
    let numbers = NUMBERS.get(from..from.checked_add(count)?)?;
    let numbers: Vec<_> = numbers
        .iter()
        .map(|n| format!("{quote}{n}{quote}"))
        .collect();
    Some(format!("{{\"answer\":[{}]}}", numbers.join(",")))
}

/// An integer with an optional sign, of any length; None if it is negative or large.
fn integer(text: &str) -> Option<usize> {
    let (negative, digits) = match text.as_bytes() {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| usize::from(byte - b'0'));
    let value = digits.iter().map(digit).try_fold(0_usize, |value, digit| {
        Some(value.saturating_mul(10).saturating_add(digit?))
    })?;
    (!digits.is_empty() && !(negative && value > 0)).then_some(value)
}
