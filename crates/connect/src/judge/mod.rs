//! A judge: a large language model elsewhere that says how good a reply is, by a rubric, or which of two is better.
//!
//! Nothing rests on it. A question that gets no usable answer leaves its case unjudged, with the reason; what was paid
//! for once is kept in a folder, so that the same question is never paid for twice; and a limit is kept by not asking.

mod agreement;
mod ask;
mod budget;
mod cache;
mod rubric;

pub use agreement::{Agreement, agreement};
pub use ask::{Judge, Settings, Spent};
pub use budget::{Limits, Price};
pub use rubric::{Aspect, Case, Mark, Marks, Preference, Said, Winner};

use crate::service::ServiceError;

/// Why a case has no judgement. The rest of an evaluation stands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JudgeError {
    /// The judge cannot be asked.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// It answered in words.
    #[error("the judge wrote prose where JSON was asked for: \"{0}\"; a larger model may keep to the form")]
    Prose(String),
    /// It answered in JSON of another form.
    #[error("the judge's JSON is not of the form that was asked for: {0}")]
    Form(String),
    /// It did not come to an end.
    #[error("the judge's answer was cut off at {0} tokens; a model that thinks less may come to an end")]
    CutOff(u32),
    /// The next question could cost more than is left.
    #[error("not asked: the next question could pass the limit of {0}")]
    Limit(String),
    /// It has failed for good, or too often in a row.
    #[error("not asked, as the judge had failed before: {0}")]
    GivenUp(String),
}

impl JudgeError {
    /// A short name for counting.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Service(ServiceError::Unreachable { .. }) => "unreachable",
            Self::Service(ServiceError::Denied { .. }) => "key",
            Self::Service(ServiceError::Unwell { .. }) => "unwell",
            Self::Service(ServiceError::Declined { .. }) => "declined",
            Self::Service(ServiceError::Garbage { .. }) => "garbage",
            Self::Service(ServiceError::File { .. }) => "file",
            Self::Prose(_) => "prose",
            Self::Form(_) => "form",
            Self::CutOff(_) => "cut_off",
            Self::Limit(_) => "limit",
            Self::GivenUp(_) => "given_up",
        }
    }
}
