//! Talk goes to stderr: a line a step. In: what happened. Out: one line. Never: data, a colour on a pipe.

use std::time::Instant;

/// Tells the steps of a run.
pub struct Talk {
    started: Instant,
}

impl Talk {
    /// Starts the clock of the whole run.
    pub fn start() -> Talk {
        Talk { started: Instant::now() }
    }

    /// One line: which stage, what it did, how long.
    pub fn step(&self, stage: &str, what: &str, since: Instant) {
        eprintln!("{stage:<10} {what}  [{:.1}s]", since.elapsed().as_secs_f64());
    }

    /// A line below a step.
    pub fn note(&self, text: &str) {
        eprintln!("           {text}");
    }

    /// Seconds since the start.
    pub fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }
}
