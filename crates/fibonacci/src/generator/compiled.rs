//! The portable form compiled for the vector instructions of x86-64.
//!
//! The code is the safe body of [`portable::add`]; only that it may be called here is a claim
//! that the compiler cannot check.

#![expect(
    unsafe_code,
    reason = "a function for other instructions is unsafe to call"
)]

use super::portable::{self, Add, Operands, WORD};

/// Byte shuffles, for the reversal.
pub(super) fn sse42() -> Option<Add> {
    #[target_feature(enable = "sse4.2")]
    fn compiled(operands: Operands<'_>, sum: &mut [u64], text: &mut [[u8; WORD]]) -> u64 {
        portable::add(operands, sum, text)
    }
    fn add(operands: Operands<'_>, sum: &mut [u64], text: &mut [[u8; WORD]]) -> u64 {
        // SAFETY: this function is handed out only where its instructions have been detected.
        unsafe { compiled(operands, sum, text) }
    }
    is_x86_feature_detected!("sse4.2").then_some(add)
}

/// Four words at a time.
pub(super) fn avx2() -> Option<Add> {
    #[target_feature(enable = "avx2")]
    fn compiled(operands: Operands<'_>, sum: &mut [u64], text: &mut [[u8; WORD]]) -> u64 {
        portable::add(operands, sum, text)
    }
    fn add(operands: Operands<'_>, sum: &mut [u64], text: &mut [[u8; WORD]]) -> u64 {
        // SAFETY: this function is handed out only where its instructions have been detected.
        unsafe { compiled(operands, sum, text) }
    }
    is_x86_feature_detected!("avx2").then_some(add)
}

/// Eight words at a time, and byte shuffles across all of them.
pub(super) fn avx512() -> Option<Add> {
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi")]
    fn compiled(operands: Operands<'_>, sum: &mut [u64], text: &mut [[u8; WORD]]) -> u64 {
        portable::add(operands, sum, text)
    }
    fn add(operands: Operands<'_>, sum: &mut [u64], text: &mut [[u8; WORD]]) -> u64 {
        // SAFETY: this function is handed out only where its instructions have been detected.
        unsafe { compiled(operands, sum, text) }
    }
    let detected = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512vbmi");
    detected.then_some(add)
}
