//! CN: content negotiation.

use http::Method;
use serde_json::{Value, json};

use super::Checks;
use crate::exchange::{Answer, Request};
use crate::media_type::{ATOMIC, CURSOR, JSON_API, with};
use crate::run::Run;
use crate::verdict::{Miss, Verdict, unjudged};

pub(super) const CHECKS: Checks = &[
    ("CN-3", an_applied_extension_is_named),
    ("CN-4", an_applied_profile_is_named),
    ("CN-6", another_parameter_of_a_body_is_refused),
    ("CN-7", an_unsupported_extension_of_a_body_is_refused),
    ("CN-8", other_parameters_in_accept_are_skipped),
    ("CN-9", only_other_parameters_in_accept_are_refused),
    ("CN-10", only_unsupported_extensions_in_accept_are_refused),
    ("CN-11", one_usable_form_is_enough),
    ("CN-12", a_supported_profile_is_applied),
    ("CN-13", unknown_profiles_are_ignored),
    ("CN-15", the_jsonapi_member_negotiates_nothing),
    ("CN-16", q_is_a_weight),
    ("CN-17", wildcards_are_answered),
    ("CN-18", accept_without_json_api_is_refused),
    ("CN-19", bodies_of_other_types_are_refused),
    ("CN-20", media_types_are_read_leniently),
    ("CN-21", refusals_name_the_header),
];

/// An extension and a profile that nobody has.
const UNKNOWN: &str = "https://conformance.invalid/unknown";

/// The main collection with this Accept.
fn accepting(run: &mut Run<'_>, accept: impl Into<String>) -> Result<Answer, Miss> {
    let request = Request::get(run.collection()).accept(accept);
    run.send(&request)
}

/// Whether the media type of an answer names a URI.
fn names(answer: &Answer, parameter: &str, uri: &str) -> bool {
    let media_type = answer.media_type();
    media_type.is_some_and(|it| it.names(parameter, uri))
}

/// Fails unless it names it as often as expected.
fn must_name(answer: &Answer, parameter: &str, uri: &str, named: bool) -> Verdict {
    let found = answer.header("content-type");
    let sign = if named { "with" } else { "without" };
    let expected = format!("a Content-Type {sign} {parameter} {uri}");
    answer.must(
        names(answer, parameter, uri) == named,
        &expected,
        &json!(found),
    )
}

fn an_applied_extension_is_named(run: &mut Run<'_>) -> Verdict {
    let data = run.draft()?["data"].clone();
    let answer = run.operate(&json!([{"op": "add", "data": data}]))?;
    must_name(answer.is(&[200])?, "ext", ATOMIC, true)
}

/// The cursor profile is applied where its member `meta.page` or its links appear.
fn an_applied_profile_is_named(run: &mut Run<'_>) -> Verdict {
    if !run.world.profiles.iter().any(|it| it == CURSOR) {
        return unjudged("the world does not name the profile of cursor pagination");
    }
    let accept = with("profile", CURSOR);
    let request = Request::get(run.collection())
        .accept(accept)
        .query("page[size]", "1");
    must_name(run.send(&request)?.is(&[200])?, "profile", CURSOR, true)
}

/// Sends a creation, a change and a deletion with this media type, all of which must be a 415.
fn refused(run: &mut Run<'_>, media_types: &[String]) -> Verdict {
    let draft = run.draft()?;
    for media_type in media_types {
        let request = Request::post(run.collection(), &draft).content_type(media_type);
        run.send(&request)?.is(&[415])?;
    }
    let created = run.create()?;
    let change = json!({"data": {"type": run.world.main, "id": created.id}});
    let request = Request::patch(&created.path, &change).content_type(&media_types[0]);
    run.send(&request)?.is(&[415])?;
    Ok(())
}

fn another_parameter_of_a_body_is_refused(run: &mut Run<'_>) -> Verdict {
    let with = |parameter: &str| format!("{JSON_API}; {parameter}");
    refused(run, &[with("charset=utf-8"), with("version=1")])
}

fn an_unsupported_extension_of_a_body_is_refused(run: &mut Run<'_>) -> Verdict {
    let both = format!("{ATOMIC} {UNKNOWN}");
    refused(run, &[with("ext", UNKNOWN), with("ext", &both)])
}

fn other_parameters_in_accept_are_skipped(run: &mut Run<'_>) -> Verdict {
    let accept = format!("{JSON_API};charset=utf-8, {JSON_API}");
    accepting(run, accept)?.is(&[200])?;
    Ok(())
}

fn only_other_parameters_in_accept_are_refused(run: &mut Run<'_>) -> Verdict {
    let foreign = format!("{JSON_API};charset=utf-8");
    accepting(run, &foreign)?.is(&[406])?;
    accepting(run, format!("{foreign}, */*"))?.is(&[406])?;
    Ok(())
}

fn only_unsupported_extensions_in_accept_are_refused(run: &mut Run<'_>) -> Verdict {
    accepting(run, with("ext", UNKNOWN))?.is(&[406])?;
    accepting(run, with("ext", &format!("{ATOMIC} {UNKNOWN}")))?.is(&[406])?;
    Ok(())
}

fn one_usable_form_is_enough(run: &mut Run<'_>) -> Verdict {
    let accept = format!("{}, {JSON_API}", with("ext", UNKNOWN));
    must_name(accepting(run, accept)?.is(&[200])?, "ext", UNKNOWN, false)
}

fn a_supported_profile_is_applied(run: &mut Run<'_>) -> Verdict {
    let Some(profile) = run.world.profiles.first() else {
        return unjudged("the world names no profile that the server supports");
    };
    must_name(
        accepting(run, with("profile", profile))?.is(&[200])?,
        "profile",
        profile,
        true,
    )
}

fn unknown_profiles_are_ignored(run: &mut Run<'_>) -> Verdict {
    let media_type = with("profile", UNKNOWN);
    let answer = accepting(run, &media_type)?;
    must_name(answer.is(&[200])?, "profile", UNKNOWN, false)?;
    if run.may_write().is_ok() {
        let request = Request::post(run.collection(), &run.draft()?);
        run.send(&request.content_type(media_type))?.is(&[201])?;
    }
    Ok(())
}

fn the_jsonapi_member_negotiates_nothing(run: &mut Run<'_>) -> Verdict {
    let mut draft = run.draft()?;
    draft["jsonapi"] = json!({"ext": [UNKNOWN], "profile": [UNKNOWN]});
    let answer = run.send(&Request::post(run.collection(), &draft))?;
    must_name(answer.is(&[201])?, "ext", UNKNOWN, false)
}

fn q_is_a_weight(run: &mut Run<'_>) -> Verdict {
    accepting(run, format!("{JSON_API};q=0.5"))?.is(&[200])?;
    accepting(run, format!("{JSON_API};q=0"))?.is(&[406])?;
    Ok(())
}

fn wildcards_are_answered(run: &mut Run<'_>) -> Verdict {
    let none = Request {
        accept: None,
        ..Request::get(run.collection())
    };
    run.send(&none)?.is(&[200])?;
    accepting(run, "*/*")?.is(&[200])?;
    accepting(run, "application/*")?.is(&[200])?;
    Ok(())
}

fn accept_without_json_api_is_refused(run: &mut Run<'_>) -> Verdict {
    accepting(run, "text/html")?.is(&[406])?;
    Ok(())
}

fn bodies_of_other_types_are_refused(run: &mut Run<'_>) -> Verdict {
    let draft = run.draft()?;
    let request = Request::post(run.collection(), &draft);
    run.send(&request.clone().content_type("application/json"))?
        .is(&[415])?;
    let untyped = Request {
        content_type: None,
        ..request
    };
    run.send(&untyped)?.is(&[415])?;
    Ok(())
}

fn media_types_are_read_leniently(run: &mut Run<'_>) -> Verdict {
    accepting(run, "Application/Vnd.Api+Json")?.is(&[200])?;
    accepting(run, format!("{JSON_API} ; Profile=unknown"))?.is(&[200])?;
    accepting(run, format!("{JSON_API}; profile=\"a,b\""))?.is(&[200])?;
    Ok(())
}

fn refusals_name_the_header(run: &mut Run<'_>) -> Verdict {
    let answer = accepting(run, with("ext", UNKNOWN))?;
    answer.is(&[406])?.blames("header", "Accept")?;
    run.may_write()?;
    let request = Request::new(Method::POST, run.collection()).json(&Value::Null);
    let answer = run.send(&request.content_type(with("ext", UNKNOWN)))?;
    answer.is(&[415])?.blames("header", "Content-Type")
}
