//! The heavy rooms, tested in one binary.

mod cluster;
mod serve;
