//! As much of the Protocol Buffers encoding as OTLP needs, written straight into bytes:
//! <https://protobuf.dev/programming-guides/encoding/>.

use crate::telemetry::fields::Value;

const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const LENGTH: u32 = 2;
const FIXED32: u32 = 5;

/// Appends a number, seven bits to a byte.
fn push_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(low_bits(number) | 0x80);
        number >>= 7;
    }
    out.push(low_bits(number));
}

fn low_bits(number: u64) -> u8 {
    (number & 0x7f) as u8
}

fn push_tag(out: &mut Vec<u8>, field: u32, kind: u32) {
    push_varint(out, u64::from(field << 3 | kind));
}

pub(super) fn uint(out: &mut Vec<u8>, field: u32, number: u64) {
    push_tag(out, field, VARINT);
    push_varint(out, number);
}

pub(super) fn fixed64(out: &mut Vec<u8>, field: u32, number: u64) {
    push_tag(out, field, FIXED64);
    out.extend_from_slice(&number.to_le_bytes());
}

pub(super) fn fixed32(out: &mut Vec<u8>, field: u32, number: u32) {
    push_tag(out, field, FIXED32);
    out.extend_from_slice(&number.to_le_bytes());
}

pub(super) fn double(out: &mut Vec<u8>, field: u32, number: f64) {
    fixed64(out, field, number.to_bits());
}

pub(super) fn bytes(out: &mut Vec<u8>, field: u32, bytes: &[u8]) {
    push_tag(out, field, LENGTH);
    push_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

pub(super) fn string(out: &mut Vec<u8>, field: u32, text: &str) {
    bytes(out, field, text.as_bytes());
}

/// Appends a message within the message.
pub(super) fn message(out: &mut Vec<u8>, field: u32, write: impl FnOnce(&mut Vec<u8>)) {
    push_tag(out, field, LENGTH);
    // Most are shorter than 128 bytes, so one byte is kept for the length. Others move once.
    let at = out.len();
    out.push(0);
    write(out);
    let length = out.len() - at - 1;
    if length < 0x80 {
        out[at] = low_bits(length as u64);
        return;
    }
    let mut prefix = Vec::with_capacity(5);
    push_varint(&mut prefix, length as u64);
    out.splice(at..=at, prefix);
}

/// Appends an attribute: a name and a value of its kind.
pub(in crate::telemetry) fn attribute(out: &mut Vec<u8>, field: u32, name: &str, value: Value<'_>) {
    message(out, field, |out| {
        string(out, 1, name);
        message(out, 2, |out| any_value(out, value));
    });
}

pub(super) fn any_value(out: &mut Vec<u8>, value: Value<'_>) {
    match value {
        Value::Text(text) => string(out, 1, text),
        Value::Bool(value) => uint(out, 2, u64::from(value)),
        Value::Signed(value) => uint(out, 3, value.cast_unsigned()),
        Value::Unsigned(value) => match i64::try_from(value) {
            Ok(value) => uint(out, 3, value.cast_unsigned()),
            Err(_) => string(out, 1, &value.to_string()),
        },
        Value::Float(value) => double(out, 4, value),
    }
}

/// What a collector says it did not take: the first field of the first field of its answer. 0 for
/// an answer without it, and for one that is none.
pub(super) fn rejected(answer: &[u8]) -> u64 {
    fn varint(bytes: &mut &[u8]) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = bytes.split_first()?;
            *bytes = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }
    fn read(mut answer: &[u8]) -> Option<u64> {
        // partial_success
        (varint(&mut answer)? == u64::from(1 << 3 | LENGTH)).then_some(())?;
        let length = usize::try_from(varint(&mut answer)?).ok()?;
        let mut inner = answer.get(..length)?;
        // rejected_spans, rejected_data_points, rejected_log_records
        (varint(&mut inner)? == u64::from(1 << 3 | VARINT)).then_some(())?;
        varint(&mut inner)
    }
    read(answer).unwrap_or_default()
}
