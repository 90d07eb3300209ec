//! The heavy rooms, tested in one binary.

mod cluster;
mod functions;
mod lake;
mod serve;
mod transforms;
