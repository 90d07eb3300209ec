//! The heavy rooms, tested in one binary.

mod cluster;
mod functions;
mod lake;
mod realism;
mod serve;
mod transforms;
