//! Which forms there are, which of them this processor can run, and which one is wanted.

use std::fmt;
use std::str::FromStr;

use super::Kernel;
use super::portable::{self, Add, Lookback};
#[cfg(target_arch = "x86_64")]
use super::tiled::{self, Tiled};
#[cfg(target_arch = "x86_64")]
use super::{avx512, compiled};

/// One way to make the text. All make the same text.
///
/// The order is by expected speed, slowest first. Forms for instructions that the target
/// architecture does not have exist by name and are never available.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Form {
    /// `portable`: safe code for any processor.
    Portable,
    /// `portable-sse4.2`: the same code, compiled for SSE4.2.
    PortableSse42,
    /// `portable-avx2`: the same code, compiled for AVX2.
    PortableAvx2,
    /// `portable-avx512`: the same code, compiled for AVX-512 with VBMI.
    PortableAvx512,
    /// `avx512`: four numbers at a time in AVX-512 with VBMI.
    Avx512,
}

impl Form {
    /// Every form, slowest first.
    pub const ALL: [Self; 5] = [
        Self::Portable,
        Self::PortableSse42,
        Self::PortableAvx2,
        Self::PortableAvx512,
        Self::Avx512,
    ];

    /// The fastest form that this processor can run.
    #[must_use]
    pub fn best() -> Self {
        let mut fastest_first = Self::ALL.into_iter().rev();
        fastest_first
            .find(|form| form.is_available())
            .unwrap_or(Self::Portable)
    }

    /// Whether this processor can run it.
    #[must_use]
    pub fn is_available(self) -> bool {
        self.start().is_some()
    }

    fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::PortableSse42 => "portable-sse4.2",
            Self::PortableAvx2 => "portable-avx2",
            Self::PortableAvx512 => "portable-avx512",
            Self::Avx512 => "avx512",
        }
    }

    /// How to start its kernel. None where this processor cannot run it.
    #[cfg(target_arch = "x86_64")]
    fn start(self) -> Option<Start> {
        match self {
            Self::Portable => Some(Start::Lookback(portable::add)),
            Self::PortableSse42 => compiled::sse42().map(Start::Lookback),
            Self::PortableAvx2 => compiled::avx2().map(Start::Lookback),
            Self::PortableAvx512 => compiled::avx512().map(Start::Lookback),
            Self::Avx512 => avx512::pass().map(Start::Tiled),
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn start(self) -> Option<Start> {
        (self == Self::Portable).then_some(Start::Lookback(portable::add))
    }
}

/// What a form's numbers are made with.
enum Start {
    Lookback(Add),
    #[cfg(target_arch = "x86_64")]
    Tiled(tiled::Pass),
}

/// The arithmetic of a form, starting from the digits of two consecutive numbers and never
/// reaching beyond `digits_max`. The portable form stands in for one that cannot run here.
pub(super) fn kernel(form: Form, older: &[u8], newer: &[u8], digits_max: usize) -> Box<dyn Kernel> {
    match form.start().unwrap_or(Start::Lookback(portable::add)) {
        Start::Lookback(add) => Box::new(Lookback::new(older, newer, digits_max, add)),
        #[cfg(target_arch = "x86_64")]
        Start::Tiled(pass) => Box::new(Tiled::new(older, newer, digits_max, pass)),
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The setting: a form, or whatever is fastest here.
///
/// Read from and shown as `auto`, `portable`, `portable-sse4.2`, `portable-avx2`,
/// `portable-avx512` or `avx512`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Generator {
    /// The fastest form that this processor can run.
    #[default]
    Auto,
    /// This form, or no start.
    Forced(Form),
}

impl Generator {
    /// The form to use on this processor.
    pub fn form(self) -> Result<Form, UnavailableForm> {
        match self {
            Self::Auto => Ok(Form::best()),
            Self::Forced(form) if form.is_available() => Ok(form),
            Self::Forced(form) => Err(UnavailableForm(form)),
        }
    }
}

impl fmt::Display for Generator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.pad("auto"),
            Self::Forced(form) => form.fmt(f),
        }
    }
}

impl FromStr for Generator {
    type Err = UnknownGenerator;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        if name == "auto" {
            return Ok(Self::Auto);
        }
        let form = Form::ALL.into_iter().find(|form| form.name() == name);
        form.map(Self::Forced)
            .ok_or_else(|| UnknownGenerator(name.to_owned()))
    }
}

/// A forced form needs instructions that this processor lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this processor cannot run {0}; the fastest it can is {best}", best = Form::best())]
pub struct UnavailableForm(pub Form);

/// A name that is no setting of the generator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a generator; possible are auto{names}", names = names())]
pub struct UnknownGenerator(pub String);

fn names() -> String {
    let mut names = String::new();
    for form in Form::ALL {
        names.push_str(", ");
        names.push_str(form.name());
    }
    names
}
