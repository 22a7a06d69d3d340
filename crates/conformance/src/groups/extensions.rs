//! EX: extensions and profiles.

use serde_json::json;

use super::Checks;
use crate::exchange::Request;
use crate::media_type::{CURSOR, with};
use crate::run::Run;
use crate::verdict::{Verdict, unjudged};

pub(super) const CHECKS: Checks = &[
    ("EX-1", own_uris_lead_to_text),
    ("EX-2", own_extensions_are_for_readers),
    ("EX-3", own_extensions_are_for_readers),
    ("EX-4", own_profiles_are_for_readers),
    ("EX-5", profiles_do_not_conflict),
    ("EX-6", operations_need_their_extension),
];

fn own_uris_lead_to_text(run: &mut Run<'_>) -> Verdict {
    let mut followed = false;
    for uri in &run.world.profiles {
        let Ok(path) = run.target(uri) else {
            continue;
        };
        let mut request = Request::get(path).accept("text/html, */*;q=0.5");
        request.foreign = true;
        run.send(&request)?.is(&[200])?;
        followed = true;
    }
    if !followed {
        return unjudged("the world names no profile of this server's own");
    }
    Ok(())
}

fn own_extensions_are_for_readers(_: &mut Run<'_>) -> Verdict {
    unjudged("the rules of an extension stand in its text, which a person must read")
}

fn own_profiles_are_for_readers(_: &mut Run<'_>) -> Verdict {
    unjudged("the rules of a profile stand in its text, which a person must read")
}

fn profiles_do_not_conflict(run: &mut Run<'_>) -> Verdict {
    let [first, second, ..] = run.world.profiles.as_slice() else {
        return unjudged("the world names fewer than two profiles");
    };
    let accept = with("profile", &format!("{first} {second} {CURSOR}"));
    let request = Request::get(run.collection()).accept(accept);
    run.send(&request)?.is(&[200])?;
    Ok(())
}

fn operations_need_their_extension(run: &mut Run<'_>) -> Verdict {
    let data = run.draft()?["data"].clone();
    let document = json!({"atomic:operations": [{"op": "add", "data": data}]});
    let request = Request::post(run.operations()?, &document);
    run.send(&request)?.is(&[400, 406, 415])?;
    Ok(())
}
