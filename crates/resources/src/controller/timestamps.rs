//! When a resource was created and changed, as its type wants to know it.

use serde_json::Value;
use time::OffsetDateTime;

use crate::schema::{Attributes, date_of_millis};
use crate::store::{Change, Presence, Write};

/// Gives writes the time at which they are made, where their types have attributes for it.
pub(super) fn stamp(writes: &mut [Write]) {
    if writes
        .iter()
        .any(|write| !write.resource_type.timestamps.is_empty())
    {
        let now = now();
        for write in writes {
            stamp_one(write, &now);
        }
    }
}

fn stamp_one(write: &mut Write, now: &Value) {
    let timestamps = &write.resource_type.timestamps;
    let stamps = |names: &[&Option<String>]| -> Attributes {
        let names = names.iter().filter_map(|name| name.as_ref());
        names.map(|name| (name.clone(), now.clone())).collect()
    };
    match &mut write.change {
        Change::Replace(members) if write.guard.presence == Presence::MustBeNew => {
            members.extend(stamps(&[&timestamps.created_at, &timestamps.updated_at]));
        }
        _ => write.stamps = stamps(&[&timestamps.updated_at]),
    }
}

/// In the normal form of a date, so that texts compare as times do.
fn now() -> Value {
    let millis = OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000;
    let text = i64::try_from(millis).ok().and_then(date_of_millis);
    text.map_or(Value::Null, Value::from)
}
