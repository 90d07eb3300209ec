//! Contracts, fetching, parsing: raw bytes become accepted rows **and** rejected rows, each with its reason.
//!
//! In: a contract (`feeds/NAME.toml`) and a store that is rooted where the contract says. Out: the sources as
//! they lie there, and from each a batch in the shape of a landed table. Never: the clock, the lake, a landed row
//! that nobody asked for, a lost one.
//!
//! The way through: `Contract::read` → `fetch` → `members` → `Member::unpack` → `parse`; `count_received` counts the same bytes by other code.

mod archive;
mod arrow_joint;
mod cells;
mod clean;
mod contract;
mod count;
mod dates;
mod decode;
mod digits;
mod distinct;
mod duplicates;
mod error;
mod format;
mod header;
mod history;
mod known_on;
mod number;
mod parse;
mod propose;
mod rows;
mod schema;
mod source;
mod thrift;
mod timely;
mod unpack;
mod unpivot;

pub use contract::{ColumnRule, Contract, Encoding, Format, Gate, KnownOn, Origin, Pieces, RowUnit, Unpivot, UnpivotColumn};
pub use count::count_received;
pub use error::FeedError;
pub use history::{HELD_DAYS, History};
pub use parse::{Parsed, parse, parse_after};
pub use propose::{Proposal, propose};
pub use schema::arrow_schema;
pub use source::{Fault, Landed, Outside, SecretAt, Secrets, Source, Sources, Stamps, fetch};
pub use timely::{Late, late, missing_days};
pub use unpack::{Member, members};
