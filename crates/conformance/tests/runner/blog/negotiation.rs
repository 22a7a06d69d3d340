//! Which media types are taken and sent.

use serde_json::json;

use super::{Asked, Refusal};

pub(super) const JSON_API: &str = "application/vnd.api+json";
const ATOMIC: &str = "https://jsonapi.org/ext/atomic";
const CURSOR: &str = "https://jsonapi.org/profiles/ethanresnick/cursor-pagination";

/// A media type: its name, and its parameters without quotes.
fn read(text: &str) -> (String, Vec<(String, String)>) {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default().to_ascii_lowercase();
    let parameters = parts.filter_map(|part| part.split_once('='));
    let parameters = parameters.map(|(name, value)| {
        (
            name.to_ascii_lowercase(),
            value.trim_matches('"').to_owned(),
        )
    });
    (name, parameters.collect())
}

fn supported(parameters: &[(String, String)]) -> bool {
    let fine = |(name, value): &(String, String)| match name.as_str() {
        "ext" => value.split(' ').all(|uri| uri == ATOMIC),
        "profile" => true,
        _ => false,
    };
    parameters.iter().all(fine)
}

fn asks_for(parameters: &[(String, String)], name: &str, uri: &str) -> bool {
    let found = parameters.iter().find(|(known, _)| known == name);
    found.is_some_and(|(_, value)| value.split(' ').any(|it| it == uri))
}

/// The media type of the answer.
pub(super) fn negotiate(asked: &Asked) -> Result<String, Refusal> {
    let mut extended = false;
    if !asked.body.is_empty() {
        let (name, parameters) = read(asked.content_type.as_deref().unwrap_or_default());
        let atomic = asks_for(&parameters, "ext", ATOMIC);
        let expected = asked.path == "/operations";
        if name != JSON_API || !supported(&parameters) || atomic != expected {
            return Err(Refusal::new(415, json!({"header": "Content-Type"})));
        }
        extended = atomic;
    }
    let Some(accept) = &asked.accept else {
        return Ok(JSON_API.to_owned());
    };
    // A comma in quotes is no end of a media type.
    let mut quoted = false;
    let ranges = accept.split(|letter: char| {
        quoted ^= letter == '"';
        letter == ',' && !quoted
    });
    let mut ranges: Vec<_> = ranges.map(read).collect();
    ranges.retain_mut(|(_, parameters)| {
        let zero = parameters
            .iter()
            .any(|(name, value)| name == "q" && value == "0");
        parameters.retain(|(name, _)| name != "q");
        !zero
    });
    let own: Vec<_> = ranges.iter().filter(|(name, _)| name == JSON_API).collect();
    let usable = own.iter().find(|(_, parameters)| supported(parameters));
    let wildcard = ranges
        .iter()
        .any(|(name, _)| matches!(name.as_str(), "*/*" | "application/*"));
    if usable.is_none() && (!own.is_empty() || !wildcard) {
        return Err(Refusal::new(406, json!({"header": "Accept"})));
    }
    let profiled = usable.is_some_and(|(_, it)| asks_for(it, "profile", CURSOR));
    let ext = format!(";ext=\"{ATOMIC}\"");
    let profile = format!(";profile=\"{CURSOR}\"");
    let parameters = [(extended, ext), (profiled, profile)];
    let applied = parameters.into_iter().filter(|(applied, _)| *applied);
    let applied: String = applied.map(|(_, parameter)| parameter).collect();
    Ok(format!("{JSON_API}{applied}"))
}
