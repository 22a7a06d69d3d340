//! When a resource was created and changed, as its type wants to know it.

use serde_json::Value;
use time::OffsetDateTime;
use time::macros::format_description;

use crate::schema::Attributes;
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

/// RFC 3339 in UTC, always with milliseconds, so that texts compare as times do.
fn now() -> Value {
    let format =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    let text = OffsetDateTime::now_utc().format(format);
    text.map_or(Value::Null, Value::from)
}
