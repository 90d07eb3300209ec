//! Curated tables as SQL files; their order follows from the tables they read.
//!
//! In: SQL texts, a lake, a session with what they read. Out: published tables, made anew only when they say
//! something else. Never: an f64 sum or average, a table whose checks fail, feeds' code.

mod compute;
mod dirt;
mod error;
mod gate;
mod header;
mod order;
mod parts;
mod run;
mod transform;

pub use error::TransformError;
pub use gate::Broken;
pub use header::{Asks, PartBy, Span, Test};
pub use order::in_order;
pub use run::{GROUP_BYTES, Known, Made, Outcome, register_as_known, run};
pub use transform::{BUILT_IN, Transform, built_in};
