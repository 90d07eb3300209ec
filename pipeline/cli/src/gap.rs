//! What a run could not do, by name. In: a stage's troubles. Out: a list, and the exit code that follows.

use crate::exit::Exit;
use chrono::NaiveDate;

/// How a category stands for one target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Series are fresh and forecast.
    Alive,
    /// Nothing new for longer than the category allows.
    Stale,
    /// No row was ever known.
    Missing,
    /// Fresh, but too short to forecast.
    Short,
    /// What it is read from was refused by its gate.
    Waits,
}

impl Status {
    /// The word in tables.
    pub fn name(self) -> &'static str {
        match self {
            Status::Alive => "alive",
            Status::Stale => "stale",
            Status::Missing => "missing",
            Status::Short => "short",
            Status::Waits => "waits",
        }
    }

    /// The status of that name.
    pub fn named(name: &str) -> Option<Status> {
        [Status::Alive, Status::Stale, Status::Missing, Status::Short, Status::Waits].into_iter().find(|status| status.name() == name)
    }
}

/// One thing a run could not do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Feed, category or base.
    pub subject: String,
    /// What is missing of it.
    pub what: String,
    /// Why.
    pub reason: String,
    /// The exit code it leads to by itself.
    pub code: Exit,
    /// The newest day known, where there is one.
    pub last_day: Option<NaiveDate>,
}

impl Gap {
    /// A gap that leaves the run done.
    pub fn new(subject: impl Into<String>, what: impl Into<String>, reason: impl Into<String>) -> Gap {
        Gap { subject: subject.into(), what: what.into(), reason: reason.into(), code: Exit::Gaps, last_day: None }
    }
}
