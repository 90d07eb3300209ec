//! SQL over the Postgres wire, read-only: psql, psycopg and BI tools ask the lake's tables.
//!
//! In: a local session with its tables, settings, PEM bytes. Out: a listener, answers. Never: a write, a
//! statement outside the allow list, a plain password, an open door to other machines; the clock, the
//! environment or a file.
//!
//! What it does not do yet: Postgres' cancel message is not heard (a statement ends by its own timeout), and a
//! statement that never yields keeps its worker thread busy after its client was told of the timeout, so that
//! the next statements may run into theirs.

mod error;
mod limits;
mod login;
mod read_only;
mod server;
mod settings;
mod tls;

pub use error::ServeError;
pub use server::{Bound, bind, serve};
pub use settings::{Secret, ServeSettings, Tls};
