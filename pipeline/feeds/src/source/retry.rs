//! Asking again where a server could not answer. In: what failed, the rests and the seed from outside. Out: a rest before
//! the next try, or the trouble for good. Never: a clock (the budget is the sum of the rests), a rest for what another
//! try cannot mend. The caller asks again only what may be asked twice.
//!
//! Rests are drawn evenly from nothing up to a bound that doubles ("full jitter"), unless the server says how long.
//! A server that says nothing useful five times in a row is taken for broken: the circuit opens, the feed stops.

use super::Outside;
use super::trouble::{Fault, Trouble};
use nongshi_domain::Seed;
use std::time::Duration;

/// Up to so long before the second try; up to twice as long before the next.
const FIRST_REST: Duration = Duration::from_millis(200);
const LONGEST_REST: Duration = Duration::from_secs(30);
const MOST_TRIES: u32 = 8;
/// What all rests of one call may come to.
const BUDGET: Duration = Duration::from_secs(300);
const OPENS_AFTER: u32 = 5;

/// A try that failed.
#[derive(Debug)]
pub(super) struct Failed {
    pub trouble: Trouble,
    pub again: Again,
}

/// Whether another try may mend it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    Never,
    /// The server is there and asks for patience, perhaps for how long.
    Later(Option<Duration>),
    /// The server or the way to it is broken.
    Broken,
}

impl From<Trouble> for Failed {
    fn from(trouble: Trouble) -> Failed {
        let again = if trouble.fault == Fault::Unreachable { Again::Broken } else { Again::Never };
        Failed { trouble, again }
    }
}

/// The tries of one call after the other.
pub(super) struct Retry<'a> {
    outside: &'a Outside,
    seed: Seed,
    /// The shortest rest between two tries.
    least: Duration,
    tries: u32,
    rested: Duration,
    broken_in_a_row: u32,
}

impl<'a> Retry<'a> {
    pub fn new(feed: &str, outside: &'a Outside) -> Retry<'a> {
        Retry { outside, seed: outside.seed.derive(feed), least: Duration::ZERO, tries: 0, rested: Duration::ZERO, broken_in_a_row: 0 }
    }

    /// The same, with a rest of at least that between two tries.
    pub fn resting(self, least: Duration) -> Retry<'a> {
        Retry { least, ..self }
    }

    /// The call was answered; the next one begins anew.
    pub fn answered(&mut self) {
        (self.tries, self.rested, self.broken_in_a_row) = (0, Duration::ZERO, 0);
    }

    /// Rests before the next try, if there shall be one.
    pub async fn rest(&mut self, failed: Failed) -> Result<(), Trouble> {
        self.tries += 1;
        let told = match failed.again {
            Again::Never => return Err(failed.trouble),
            Again::Later(told) => {
                self.broken_in_a_row = 0;
                told
            }
            Again::Broken => {
                self.broken_in_a_row += 1;
                None
            }
        };
        let rest = told.unwrap_or_else(|| self.draw()).max(self.least);
        if self.broken_in_a_row == OPENS_AFTER || self.tries == MOST_TRIES {
            return Err(Trouble { what: format!("{}; {} tries", failed.trouble.what, self.tries), ..failed.trouble });
        }
        if self.rested + rest > BUDGET {
            let what = format!("{}; it wants another {} s of patience", failed.trouble.what, rest.as_secs());
            return Err(Trouble { what, ..failed.trouble });
        }
        self.rested += rest;
        (self.outside.pause)(rest).await;
        Ok(())
    }

    fn draw(&mut self) -> Duration {
        let bound = FIRST_REST.saturating_mul(1 << (self.tries - 1).min(16)).min(LONGEST_REST);
        bound.mul_f64(self.seed.uniform())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;
    use std::cell::RefCell;

    thread_local! {
        static RESTS: RefCell<Vec<Duration>> = const { RefCell::new(Vec::new()) };
    }

    fn outside(seed: u64) -> Outside {
        let pause = |rest| {
            RESTS.with_borrow_mut(|rests| rests.push(rest));
            async {}.boxed()
        };
        Outside { pause, seed: Seed(seed), ..Outside::nothing() }
    }

    /// Fails like this for ever; tells the rests and the last word.
    async fn rests(seed: u64, again: Again) -> (Vec<Duration>, String) {
        RESTS.take();
        let outside = outside(seed);
        let mut retry = Retry::new("board", &outside);
        loop {
            let trouble = Trouble::new(Fault::Unreachable, "no answer", "");
            if let Err(trouble) = retry.rest(Failed { trouble, again }).await {
                return (RESTS.take(), trouble.what);
            }
        }
    }

    #[tokio::test]
    async fn rests_are_drawn_up_to_a_bound_that_doubles() {
        let mut means = [0.0; 7];
        for seed in 0..400 {
            let (drawn, said) = rests(seed, Again::Later(None)).await;
            assert_eq!((drawn.len(), said.as_str()), (7, "no answer; 8 tries"));
            for (place, rest) in drawn.iter().enumerate() {
                let bound = 0.2 * f64::from(1 << place);
                assert!(rest.as_secs_f64() < bound, "{rest:?} at {place}");
                means[place] += rest.as_secs_f64() / bound / 400.0;
            }
        }
        // evenly: the mean of 400 is half the bound, give or take 4 standard errors of 0.0144
        assert!(means.iter().all(|mean| (mean - 0.5).abs() < 0.058), "{means:?}");
        assert_eq!(rests(7, Again::Later(None)).await, rests(7, Again::Later(None)).await, "the same seed, the same rests");
    }

    #[tokio::test]
    async fn a_broken_server_is_left_after_five_and_one_that_cannot_be_mended_at_once() {
        let (drawn, said) = rests(1, Again::Broken).await;
        assert_eq!((drawn.len(), said.as_str()), (4, "no answer; 5 tries"));
        assert_eq!(rests(1, Again::Never).await, (Vec::new(), "no answer".to_string()));
    }

    #[tokio::test]
    async fn the_server_s_own_word_counts_and_so_does_the_budget() {
        let seconds = Duration::from_secs;
        let (told, said) = rests(1, Again::Later(Some(seconds(70)))).await;
        assert_eq!((told, said.as_str()), (vec![seconds(70); 4], "no answer; it wants another 70 s of patience"));
        let (told, _) = rests(1, Again::Later(Some(seconds(3)))).await;
        assert_eq!(told, [seconds(3); 7]);
    }

    #[tokio::test]
    async fn an_answer_closes_the_circuit() {
        let outside = outside(1);
        let mut retry = Retry::new("board", &outside);
        for place in 0..40 {
            if place % 4 == 0 {
                retry.answered();
            }
            let trouble = Trouble::new(Fault::Unreachable, "no answer", "");
            assert!(retry.rest(trouble.into()).await.is_ok(), "{place}");
        }
    }
}
