//! Query string and path to arguments, completely or not at all.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::ApiError;

const LIST: &str = "/fibonacci/list";
const NUMBER: &str = "/fibonacci/{n}";
const AN_INTEGER: &str = "an integer";
/// How much of an unknown name is repeated to the client.
const NAME_CHARS_MAX: usize = 40;

/// How each number is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Numbers {
    Integer,
    String,
}

/// The arguments of a list: `from + count` is at most the maximum.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ListArguments {
    pub(super) from: u64,
    pub(super) count: u64,
    pub(super) numbers: Numbers,
}

pub(super) fn list(query: Option<&str>, count_max: u64) -> Result<ListArguments, ApiError> {
    let [count, from, numbers] = arguments(query, LIST, ["count", "from", "numbers"])?;
    let count = count.ok_or(ApiError::NoArgument("count", LIST))?;
    let count = bounded("count", &count, count_max)?;
    let from = from.map_or(Ok(0), |from| bounded("from", &from, count_max))?;
    if from + count > count_max {
        return Err(ApiError::TooLarge("'from' plus 'count'", count_max));
    }
    Ok(ListArguments {
        from,
        count,
        numbers: notation(numbers.as_deref())?,
    })
}

pub(super) fn number(
    n: &str,
    query: Option<&str>,
    index_max: u64,
) -> Result<(u64, Numbers), ApiError> {
    let [numbers] = arguments(query, NUMBER, ["numbers"])?;
    Ok((bounded("n", n, index_max)?, notation(numbers.as_deref())?))
}

/// The value of each known name, in the order of `names`; no value is empty.
fn arguments<'q, const N: usize>(
    query: Option<&'q str>,
    path: &'static str,
    names: [&'static str; N],
) -> Result<[Option<Cow<'q, str>>; N], ApiError> {
    let mut values = [const { None }; N];
    for pair in query
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty())
    {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decoded(name);
        let Some(known) = names.iter().position(|known| *known == name) else {
            let name = name.chars().take(NAME_CHARS_MAX).collect();
            return Err(ApiError::UnknownArgument(name, path, known_names(path)));
        };
        if values[known].is_some() {
            return Err(ApiError::DuplicateArgument(names[known]));
        }
        values[known] = Some(decoded(value));
    }
    for (name, value) in names.iter().zip(&values) {
        if value.as_ref().is_some_and(|value| value.is_empty()) {
            return Err(ApiError::NoArgument(name, path));
        }
    }
    Ok(values)
}

fn known_names(path: &str) -> &'static str {
    if path == LIST {
        "'count', 'from' and 'numbers'"
    } else {
        "'numbers'"
    }
}

/// Percent-decoding as in forms. Bytes that are not UTF-8 become a character that fits nowhere.
fn decoded(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Cow::Borrowed(text);
    }
    let spaced = text.replace('+', " ");
    Cow::Owned(percent_decode_str(&spaced).decode_utf8_lossy().into_owned())
}

/// An integer of any length between 0 and `max`.
fn bounded(name: &'static str, text: &str, max: u64) -> Result<u64, ApiError> {
    let negative = text.starts_with('-');
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ApiError::InvalidType(name, AN_INTEGER));
    }
    let digits = digits.trim_start_matches('0');
    if negative && !digits.is_empty() {
        return Err(ApiError::Negative(name));
    }
    let value = if digits.is_empty() {
        Ok(0)
    } else {
        digits.parse()
    };
    match value {
        Ok(value) if value <= max => Ok(value),
        // An integer that fits no u64 is above any maximum.
        _ => Err(ApiError::TooLarge(quoted(name), max)),
    }
}

fn quoted(name: &'static str) -> &'static str {
    match name {
        "count" => "'count'",
        "from" => "'from'",
        _ => "'n'",
    }
}

fn notation(value: Option<&str>) -> Result<Numbers, ApiError> {
    match value {
        None | Some("integer") => Ok(Numbers::Integer),
        Some("string") => Ok(Numbers::String),
        Some(_) => Err(ApiError::InvalidType("numbers", "'integer' or 'string'")),
    }
}
