//! What a check says when the server did not do what was expected.

/// Why a check did not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Miss {
    /// The server did something else: the request, what was expected and what was found.
    Fails(String),
    /// Nobody can say: the reason.
    Unjudged(String),
}

/// What a check finds.
pub(crate) type Verdict = Result<(), Miss>;

/// The obligation cannot be judged with this server or world.
pub(crate) fn unjudged<T>(reason: impl Into<String>) -> Result<T, Miss> {
    Err(Miss::Unjudged(reason.into()))
}
