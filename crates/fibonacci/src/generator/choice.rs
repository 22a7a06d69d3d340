//! Which forms there are, which of them this processor can run, and which one is wanted.

use std::fmt;
use std::str::FromStr;

use super::Kernel;
use super::portable::{self, Lookback};

/// One way to make the text. All make the same text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Form {
    /// Safe code for any processor.
    Portable,
}

impl Form {
    /// Every form, slowest first.
    pub const ALL: [Self; 1] = [Self::Portable];

    /// The fastest form that this processor can run.
    #[must_use]
    pub fn best() -> Self {
        let mut available = Self::ALL
            .into_iter()
            .rev()
            .filter(|form| form.is_available());
        available.next().unwrap_or(Self::Portable)
    }

    /// Whether this processor can run it.
    #[must_use]
    pub fn is_available(self) -> bool {
        match self {
            Self::Portable => true,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The setting: a form, or whatever is fastest here.
///
/// Read from and shown as `auto` or the name of a form, such as `portable`.
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
#[error("this processor cannot run the form {0:?}; {best} is its fastest", best = Form::best())]
pub struct UnavailableForm(pub Form);

/// A name that is no setting of the generator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a generator; there are auto{names}", names = names())]
pub struct UnknownGenerator(pub String);

fn names() -> String {
    let mut names = String::new();
    for form in Form::ALL {
        names.push_str(", ");
        names.push_str(form.name());
    }
    names
}

/// The arithmetic of a form, starting from the digits of two consecutive numbers and never
/// reaching beyond `digits_max`.
pub(super) fn kernel(
    form: Form,
    first: &[u8],
    second: &[u8],
    digits_max: usize,
) -> Box<dyn Kernel> {
    match form {
        Form::Portable => Box::new(Lookback::new(first, second, digits_max, portable::add)),
    }
}
