//! Ids that are the same each time a file is imported.

use std::time::{SystemTime, UNIX_EPOCH};

use resources::schema::{Id, IdKind};
use uuid::Uuid;

/// Makes the id of a row from the name of the file, the time of its last change and the number of
/// the row. The ids rise with the rows and begin with the time, as fresh ids do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowIds {
    changed_ms: u64,
    name: u64,
}

impl RowIds {
    /// For a file of this name with this time of its last change.
    #[must_use]
    pub fn new(name: &str, changed: SystemTime) -> Self {
        let age = changed.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            changed_ms: u64::try_from(age.as_millis()).unwrap_or(u64::MAX),
            name: hash(name),
        }
    }

    /// Whether ids of this kind can be made so.
    #[must_use]
    pub fn can_make(kind: IdKind) -> bool {
        matches!(kind, IdKind::ObjectId | IdKind::Uuid)
    }

    /// The id of the row with this number, from 1; `None` beyond the number 2^32 - 1.
    pub(super) fn id(&self, kind: IdKind, row: u64) -> Option<Id> {
        let row = u32::try_from(row).ok()?.to_be_bytes();
        let (changed, name) = (self.changed_ms, self.name.to_be_bytes());
        match kind {
            IdKind::ObjectId => {
                let mut bytes = [0; 12];
                bytes[..4].copy_from_slice(&(changed / 1000).to_be_bytes()[4..]);
                bytes[4..8].copy_from_slice(&name[..4]);
                bytes[8..].copy_from_slice(&row);
                Some(Id::ObjectId(bytes))
            }
            IdKind::Uuid => {
                let mut bytes = [0; 16];
                bytes[..6].copy_from_slice(&changed.to_be_bytes()[2..]);
                bytes[6..12].copy_from_slice(&name[..6]);
                bytes[12..].copy_from_slice(&row);
                // The bits that say that it is of version 7.
                bytes[6] = bytes[6] & 0x0f | 0x70;
                bytes[8] = bytes[8] & 0x3f | 0x80;
                Some(Id::Uuid(Uuid::from_bytes(bytes)))
            }
            IdKind::String | IdKind::Integer => None,
        }
    }
}

/// FNV-1a, which is the same in every version of this program and its compiler, with the end of
/// `MurmurHash3`, so that the first bytes differ as much as the last.
fn hash(text: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in text.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(ms: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(ms)
    }

    #[test]
    fn a_row_has_the_same_id_in_every_version_of_the_program() {
        let ids = RowIds::new("contacts.json", at(1_700_000_000_123));
        for (kind, expected) in [
            (IdKind::ObjectId, "6553f10068700ef000000102"),
            (IdKind::Uuid, "018bcfe5-687b-7870-8ef0-d8e600000102"),
        ] {
            let id = ids.id(kind, 258).unwrap();
            assert_eq!(id.to_string(), expected);
            assert_eq!(kind.parse(&id.to_string()).unwrap(), id);
        }
    }

    #[test]
    fn other_rows_files_and_times_have_other_ids_and_rows_rise() {
        let file = |name: &str, ms| RowIds::new(name, at(ms));
        for kind in [IdKind::ObjectId, IdKind::Uuid] {
            let texts: Vec<String> = [
                (file("a", 5000), 1),
                (file("a", 5000), 2),
                (file("a", 5000), 70_000),
                (file("b", 5000), 1),
                (file("a", 6000), 1),
            ]
            .iter()
            .map(|(file, row)| file.id(kind, *row).unwrap().to_string())
            .collect();
            let mut different = texts.clone();
            different.sort();
            different.dedup();
            assert_eq!(different.len(), texts.len(), "{texts:?}");
            assert!(texts[..3].is_sorted(), "{texts:?}");
        }
        assert_eq!(file("a", 5000).id(IdKind::ObjectId, 1 << 32), None);
    }
}
