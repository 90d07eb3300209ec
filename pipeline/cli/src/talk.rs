//! Talk goes to stderr: a line a step, and on a terminal what is under way. In: what happened. Out: lines.
//! Never: data, a colour or a line that is written over on a pipe.

use std::io::{IsTerminal, Write};
use std::time::Instant;

/// Goes back to the line's begin and clears it.
const CLEAR: &str = "\r\x1b[2K";

/// Tells the steps of a run.
pub struct Talk {
    started: Instant,
    is_terminal: bool,
}

impl Talk {
    /// Starts the clock of the whole run.
    pub fn start() -> Talk {
        Talk { started: Instant::now(), is_terminal: std::io::stderr().is_terminal() }
    }

    /// What is under way: only on a terminal, where the next line takes its place.
    pub fn progress(&self, stage: &str, what: &str) {
        if self.is_terminal {
            eprint!("{CLEAR}{stage:<10} {what}");
            let _ = std::io::stderr().flush();
        }
    }

    /// One line: which stage, what it did, how long.
    pub fn step(&self, stage: &str, what: &str, since: Instant) {
        self.clear();
        eprintln!("{stage:<10} {what}  [{:.1}s]", since.elapsed().as_secs_f64());
    }

    /// A line below a step.
    pub fn note(&self, text: &str) {
        self.clear();
        eprintln!("           {text}");
    }

    /// Seconds since the start.
    pub fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    fn clear(&self) {
        if self.is_terminal {
            eprint!("{CLEAR}");
        }
    }
}
