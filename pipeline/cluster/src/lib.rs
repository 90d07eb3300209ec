//! One SQL, far: the same queries on the distributed engine (Ballista).
//!
//! In: a session configuration, the object stores. Out: a session whose queries run as jobs of a scheduler and
//! its executor. Never: a second process, a table that is not plain data.
//!
//! Today the scheduler and one executor live in this process. Ballista 55 answers wrongly after losing an
//! executor (adaptive planning off: rows twice; on: it hangs). In one process an executor is not lost alone;
//! whoever adds processes must fail the job on any loss and let the ledger run it again.

mod error;
mod session;

pub use error::ClusterError;
pub use session::{codec, in_process, session_config};
