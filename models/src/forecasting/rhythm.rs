//! The numbers that follow from a series' step. In: a cadence. Out: seasons, lags, limits, all in steps.
//! Never: a number that depends on the data.

use super::{ForecastSettings, Growing};
use nongshi_domain::Cadence;

/// What one cadence means for every part of forecasting; all lengths in steps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rhythm {
    /// Whether the steps are days, weeks or months of the calendar; else they are only numbered.
    pub calendar: bool,
    /// Season of the models of one series; 1 for none.
    pub own_season: usize,
    /// Steps after which the models of one series are fitted anew; between, their state moves on.
    pub refit: usize,
    /// Steps after which the trees over all series are grown anew.
    pub regrow: usize,
    /// The same in the first year of the axis, when every week brings much that is new.
    pub regrow_early: usize,
    /// How many of the last growths speak together.
    pub growths: usize,
    /// Whether trees are grown for the outer levels too.
    pub tails: bool,
    /// Lag of the seasonal naive that scales MASE and pinball loss, as in the M4 protocol.
    pub season: usize,
    /// A year whose steps meet the same weekday again.
    pub year: usize,
    /// The longest gap over which the last value is carried.
    pub bridge: usize,
    /// A series without a value for longer than this is refused.
    pub stale: usize,
    /// Lags of the elastic net.
    pub lags: &'static [usize],
    /// Windows of its rolling means; the first also serves as window of its rolling roughness.
    pub windows: &'static [usize],
    /// Two lags at which the kin's common move is shown to it.
    pub kin_lags: [usize; 2],
    /// Half width of the window that smooths last year's values.
    pub smooth: usize,
    /// Window of the level that demand is measured from.
    pub demand_level: usize,
    /// Last horizon of each bucket, both ends inside.
    pub bucket_ends: &'static [u32],
}

const DAY: Rhythm = Rhythm {
    calendar: true,
    own_season: 7,
    refit: 28,
    regrow: 28,
    regrow_early: 7,
    growths: 3,
    tails: true,
    season: 7,
    year: 364,
    bridge: 14,
    stale: 56,
    lags: &[1, 2, 3, 4, 5, 6, 7, 14, 21, 28],
    windows: &[7, 28, 91, 364],
    kin_lags: [7, 28],
    smooth: 3,
    demand_level: 28,
    bucket_ends: &[7, 28, 91, 182],
};

const WEEK: Rhythm = Rhythm {
    calendar: true,
    own_season: 52,
    refit: 13,
    regrow: 8,
    regrow_early: 2,
    growths: 3,
    tails: true,
    season: 52,
    year: 52,
    bridge: 4,
    stale: 13,
    lags: &[1, 2, 3, 4, 8, 13, 26],
    windows: &[4, 13, 26, 52],
    kin_lags: [4, 13],
    smooth: 1,
    demand_level: 8,
    bucket_ends: &[4, 13, 26, 52],
};

const TEN_DAYS: Rhythm = Rhythm {
    calendar: true,
    own_season: 36,
    refit: 9,
    regrow: 6,
    regrow_early: 2,
    growths: 3,
    tails: true,
    season: 36,
    year: 36,
    bridge: 3,
    stale: 9,
    lags: &[1, 2, 3, 4, 6, 9, 18],
    windows: &[3, 9, 18, 36],
    kin_lags: [3, 9],
    smooth: 1,
    demand_level: 6,
    bucket_ends: &[3, 9, 18, 36],
};

const MONTH: Rhythm = Rhythm {
    calendar: true,
    own_season: 12,
    refit: 3,
    regrow: 3,
    regrow_early: 1,
    growths: 3,
    tails: true,
    season: 12,
    year: 12,
    bridge: 2,
    stale: 6,
    lags: &[1, 2, 3, 6],
    windows: &[3, 6, 12],
    kin_lags: [1, 3],
    smooth: 0,
    demand_level: 6,
    bucket_ends: &[3, 6, 12, 24],
};

/// Steps that are only numbered: what a week's or a day's would be, without a calendar.
const NUMBERED: Rhythm = Rhythm {
    calendar: false,
    own_season: 1,
    refit: 13,
    regrow: 8,
    regrow_early: 2,
    growths: 3,
    tails: true,
    season: 1,
    year: 52,
    bridge: 4,
    stale: 13,
    lags: &[1, 2, 3, 4, 8, 13, 26],
    windows: &[4, 13, 26, 52],
    kin_lags: [4, 13],
    smooth: 1,
    demand_level: 8,
    bucket_ends: &[4, 13, 26, 52],
};

/// The numbers of a cadence.
pub(super) fn rhythm(cadence: Cadence) -> Rhythm {
    match cadence {
        Cadence::Day => DAY,
        Cadence::Week => WEEK,
        Cadence::TenDays => TEN_DAYS,
        Cadence::Month => MONTH,
    }
}

/// The numbers of a panel: its cadence's, or those of numbered steps; a season that the user names stands.
pub(super) fn rhythm_of(cadence: Cadence, settings: &ForecastSettings) -> Rhythm {
    let mut found = if settings.numbered { NUMBERED } else { rhythm(cadence) };
    if settings.growing == Growing::Seldom {
        (found.regrow, found.regrow_early, found.growths, found.tails) = (found.year / 2, found.year / 2, 1, false);
    }
    if let Some(&season) = settings.seasons.first() {
        (found.season, found.own_season) = (season as usize, season as usize);
    }
    found
}

impl Rhythm {
    /// Steps between growths of trees around a step.
    pub fn regrow_at(&self, step: usize) -> usize {
        if step < self.year { self.regrow_early } else { self.regrow }
    }
}

/// A run of horizons that is weighted and scored together; both ends inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bucket {
    /// The nearest horizon, from 1.
    pub from: u32,
    /// The farthest horizon.
    pub to: u32,
}

impl Bucket {
    /// The bucket's name in a score table, such as `1-4`.
    pub fn label(self) -> String {
        format!("{}-{}", self.from, self.to)
    }

    /// Its horizons as half-open indices from 0.
    pub fn range(self) -> std::ops::Range<usize> {
        self.from as usize - 1..self.to as usize
    }
}

/// The buckets of a horizon: the cadence's, cut at the horizon; what lies past the last is one more.
pub(super) fn buckets(rhythm: &Rhythm, horizon: u32) -> Vec<Bucket> {
    let mut from = 1;
    let mut found = Vec::new();
    for end in rhythm.bucket_ends.iter().copied().chain([u32::MAX]) {
        if from > horizon {
            break;
        }
        let to = end.min(horizon);
        found.push(Bucket { from, to });
        from = to + 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_cover_every_horizon_once() {
        for (cadence, horizon, expect) in [
            (Cadence::Day, 28, vec!["1-7", "8-28"]),
            (Cadence::Day, 14, vec!["1-7", "8-14"]),
            (Cadence::Week, 13, vec!["1-4", "5-13"]),
            (Cadence::Week, 60, vec!["1-4", "5-13", "14-26", "27-52", "53-60"]),
            (Cadence::TenDays, 12, vec!["1-3", "4-9", "10-12"]),
            (Cadence::Month, 6, vec!["1-3", "4-6"]),
            (Cadence::Month, 0, vec![]),
        ] {
            let labels: Vec<String> = buckets(&rhythm(cadence), horizon).into_iter().map(Bucket::label).collect();
            assert_eq!(labels, expect, "{cadence:?} {horizon}");
        }
    }
}
