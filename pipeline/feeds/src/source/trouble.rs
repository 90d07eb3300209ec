//! What is wrong with a place, and whose fault it is. In: what a server said or did. Out: one error in the reader's words.
//! Never: the address of a server, a secret.

use crate::FeedError;
use nongshi_domain::Hint;

/// Whose fault it is, which is what can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nobody's: the rest comes later.
    Later,
    /// The contract's, or the rights it was given.
    Settings,
    /// The rows cannot be trusted.
    Refused,
    /// The server or the way to it: worth a retry.
    Unreachable,
}

/// What is wrong, and what it means for the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    pub fault: Fault,
    pub what: String,
    pub hint: Option<String>,
}

impl Trouble {
    pub fn new(fault: Fault, what: impl Into<String>, hint: impl Into<String>) -> Trouble {
        Trouble { fault, what: what.into(), hint: Some(hint.into()) }
    }

    /// The same, said of one page.
    pub fn at(self, address: &str) -> Trouble {
        Trouble { what: format!("`{address}`: {}", self.what), ..self }
    }

    /// The same, said of a feed.
    pub fn told(self, feed: &str) -> FeedError {
        FeedError::Place { feed: feed.into(), fault: self.fault, what: self.what, hint: self.hint.map(Hint) }
    }
}
