//! One shop selling one product: who comes, what is there, what is left. In: the day's expected demand, a seed.
//! Out: what was asked for, sold, received and thrown away, in grams. Never: more sold than there was.

use crate::products::Product;
use nongshi_domain::Seed;

/// What keeps longer than so many days is shown in twos.
const KEEPS_DAYS: u32 = 7;
/// Log noise of a day, and of a slow mood of the neighbourhood.
const NOISE: f64 = 0.45;
const MOOD: f64 = 0.14;
const MOOD_MEMORY: f64 = 0.96;
/// What one customer takes of what is weighed, grams, and the spread of it around its mean.
const BASKET_GRAMS: f64 = 600.0;
const BASKET_SPREAD: f64 = 0.6;
/// Above this many customers their number is drawn as a normal.
const MANY: f64 = 24.0;
/// What is ordered over what is expected, and its spread from order to order.
const COVER: f64 = 1.24;
const COVER_SPREAD: f64 = 0.13;
/// Chance that deliveries stop, and the most days until they come again.
const STOP_CHANCE: f64 = 0.011;
const STOP_DAYS: f64 = 7.0;
/// Weight of a new day in what is expected, and how much a shelf that ran empty is believed to have missed.
const LEARNING: f64 = 0.10;
const MISSED: f64 = 1.10;
/// Chance that the warehouse helps out at noon where most is gone, and with how much of the day's need.
const HELP_CHANCE: f64 = 0.06;
const HELP_PART: f64 = 0.35;
/// How much of a cut price a shop orders for: log order by log demand.
const FORESIGHT: f64 = 0.85;
/// Share of the day's customers who came before the end of each hour from 06:30 to 21:30.
pub(crate) const CAME_BY: [f64; 16] = [0.03, 0.12, 0.25, 0.36, 0.44, 0.50, 0.55, 0.59, 0.63, 0.68, 0.76, 0.86, 0.93, 0.97, 0.99, 1.0];
/// The hour in which the shops open.
pub(crate) const OPENS: i64 = 6;

/// The shelf between two days.
#[derive(Debug, Clone)]
pub(crate) struct Shelf {
    seed: Seed,
    mood: f64,
    /// What the shop expects of a day like any other, grams, and whether it has sold any yet.
    expected: f64,
    is_new: bool,
    /// Days for which no delivery comes.
    stopped_days: u32,
    /// What came today and what came before, grams.
    fresh: i64,
    old: i64,
}

/// The day of one shelf, grams.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ShelfDay {
    /// Asked for in the shop and online.
    pub asked: [i64; 2],
    pub sold: [i64; 2],
    /// Customers served in the shop and online.
    pub lines: [i64; 2],
    pub received: i64,
    pub transferred: i64,
    pub wasted: i64,
    pub closing: i64,
    /// Hour from which the shelf was empty.
    pub sold_out_hour: Option<i64>,
}

/// What a day looks like from outside the shop.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outlook {
    /// Grams asked for in this shop on such a day, and what everyone could know of it.
    pub grams: f64,
    pub foreseen: f64,
    /// Part of them that is asked for online.
    pub online: f64,
}

impl Shelf {
    pub fn new(seed: Seed) -> Shelf {
        Shelf { seed, mood: 0.0, expected: 0.0, is_new: true, stopped_days: 0, fresh: 0, old: 0 }
    }

    /// The same draws on every day, whatever is sold, so that no choice shifts the others.
    pub fn live(&mut self, product: &Product, day: Outlook) -> ShelfDay {
        let [noise, mood, basket, cover] = [(); 4].map(|()| self.seed.normal());
        let [customers, counter, failed, help] = [(); 4].map(|()| self.seed.uniform());
        self.mood = MOOD_MEMORY * self.mood + MOOD * (1.0 - MOOD_MEMORY * MOOD_MEMORY).sqrt() * mood;
        let grams = day.grams * (NOISE * noise + self.mood).exp();
        let basket_grams = product.piece_grams.map_or(BASKET_GRAMS, |grams| grams as f64);
        let lines = arrivals(grams / basket_grams, customers, counter);
        let asked = match product.piece_grams {
            Some(piece) => lines * piece,
            None if lines == 0 => 0,
            None => {
                let spread = 1.0 + BASKET_SPREAD / (lines as f64).sqrt() * basket;
                ((lines as f64 * BASKET_GRAMS * spread.max(0.3) / 5.0).round() * 5.0) as i64
            }
        };
        if self.is_new {
            // a new product is put on the shelf by guess
            (self.expected, self.is_new) = (day.grams / day.foreseen, false);
        }
        let unit = product.piece_grams.unwrap_or(100);
        // a shelf shows a piece at least, two of what keeps
        let shown = unit * if product.traded().shelf_life_days > KEEPS_DAYS { 2 } else { 1 };
        let wanted = (self.expected * day.foreseen.powf(FORESIGHT) * (COVER + COVER_SPREAD * cover)).max(shown as f64);
        let ordered = whole((wanted - (self.old + self.fresh) as f64) / (1.0 - product.loss_share), unit);
        // one draw tells whether deliveries stop and for how long
        if self.stopped_days == 0 && failed < STOP_CHANCE {
            self.stopped_days = 1 + (failed / STOP_CHANCE * STOP_DAYS) as u32;
        }
        let received = if self.stopped_days > 0 { 0 } else { ordered };
        self.stopped_days = self.stopped_days.saturating_sub(1);
        // what does not look well is picked out when the crates are opened
        let picked_out = whole(received as f64 * product.loss_share, unit).min(received);
        self.old += self.fresh;
        self.fresh = received - picked_out;
        let is_short = (self.old + self.fresh) * 2 < asked;
        let transferred = if is_short && help < HELP_CHANCE { whole(asked as f64 * HELP_PART, unit) } else { 0 };
        self.fresh += transferred;
        let there = self.old + self.fresh;
        let sold = if product.piece_grams.is_some() { asked.min(there / unit * unit) } else { asked.min(there) };
        let sold_out_hour = (asked > sold || sold == there && sold > 0).then(|| hour_of(sold as f64 / asked.max(1) as f64));
        if there > 0 {
            self.learn(sold, asked > sold, day.foreseen);
        }
        let wasted = picked_out + self.close(sold, product.traded().shelf_life_days, unit);
        let [asked, sold, lines] = split(product, [asked, sold, lines], day.online);
        ShelfDay { asked, sold, lines, received, transferred, wasted, closing: self.old + self.fresh, sold_out_hour }
    }

    /// Nothing is listed any more: what is left goes.
    pub fn clear(&mut self) -> i64 {
        let left = self.old + self.fresh;
        (self.old, self.fresh) = (0, 0);
        left
    }

    fn learn(&mut self, sold: i64, ran_out: bool, foreseen: f64) {
        let seen = sold as f64 / foreseen * if ran_out { MISSED } else { 1.0 };
        self.expected += LEARNING * (seen - self.expected);
    }

    /// The oldest is sold first; of what has lain for a night a share is thrown away, so that none outlives its days.
    fn close(&mut self, sold: i64, shelf_life_days: u32, unit: i64) -> i64 {
        let from_old = sold.min(self.old);
        self.old -= from_old;
        self.fresh -= sold - from_old;
        let nights = i64::from(shelf_life_days.max(2) - 1);
        let wasted = if nights == 1 { self.old } else { self.old / nights / unit * unit };
        self.old -= wasted;
        wasted
    }
}

/// Whole units, never below none.
fn whole(grams: f64, unit: i64) -> i64 {
    ((grams / unit as f64).round() as i64).max(0) * unit
}

/// How many come where `mean` are expected: Poisson by inversion (Devroye, Non-Uniform Random Variate Generation, 1986,
/// p. 505), for many of them the normal that it tends to.
fn arrivals(mean: f64, uniform: f64, second: f64) -> i64 {
    if mean > MANY {
        let normal = (-2.0 * (1.0 - uniform).ln()).sqrt() * (std::f64::consts::TAU * second).cos();
        return (mean + mean.sqrt() * normal).round().max(0.0) as i64;
    }
    let mut chance = (-mean).exp();
    let (mut sum, mut count) = (chance, 0);
    while uniform > sum && chance > f64::MIN_POSITIVE {
        count += 1;
        chance *= mean / f64::from(count);
        sum += chance;
    }
    i64::from(count)
}

/// The hour in which that part of the day's customers had come.
fn hour_of(part: f64) -> i64 {
    OPENS + CAME_BY.iter().position(|by| *by >= part).unwrap_or(CAME_BY.len() - 1) as i64
}

/// Between the shop and the net, each in whole pieces and the same part of what there was.
fn split(product: &Product, [asked, sold, lines]: [i64; 3], online: f64) -> [[i64; 2]; 3] {
    let unit = product.piece_grams.unwrap_or(5);
    let part = |grams: i64| (((grams as f64 * online) / unit as f64).round() as i64 * unit).min(grams);
    let (asked_online, sold_online) = (part(asked), part(sold));
    let served = if asked > 0 { (lines as f64 * sold as f64 / asked as f64).round() as i64 } else { 0 };
    let served = served.max(i64::from(sold > 0));
    let mut lines_online = ((served as f64 * online).round() as i64).clamp(i64::from(sold_online > 0), served);
    if sold_online == 0 {
        lines_online = 0;
    }
    let sold = [sold - sold_online, sold_online];
    let in_shop = (served - lines_online).max(i64::from(sold[0] > 0));
    [[asked - asked_online, asked_online], sold, [if sold[0] > 0 { in_shop } else { 0 }, lines_online]]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SampleSettings, days::Calendar, products};

    #[test]
    fn every_gram_is_accounted_for() {
        let settings = SampleSettings::demo(Seed(1), "2026-11-22".parse().expect("a day"), 1);
        let calendar = Calendar::of(settings.first_day(), settings.last_day);
        for product in products::products(&settings, &calendar).iter().step_by(7) {
            let mut shelf = Shelf::new(Seed(9).derive(&product.code));
            let (mut before, mut empty_days, mut sold) = (0, 0, 0);
            for place in 0..730 {
                let foreseen = 1.0 + 0.1 * f64::from(place % 7 == 5);
                let day = shelf.live(product, Outlook { grams: 9000.0 * foreseen, foreseen, online: 0.15 });
                let sum: i64 = day.sold.iter().sum();
                assert_eq!(before + day.received + day.transferred - sum - day.wasted, day.closing, "{}: {day:?}", product.name);
                assert!(day.closing >= 0 && day.wasted >= 0 && day.sold[0] <= day.asked[0] + 5, "{day:?}");
                assert!(sum <= day.asked.iter().sum() && (sum == 0) == (day.lines == [0, 0]), "{day:?}");
                before = day.closing;
                empty_days += usize::from(day.sold_out_hour.is_some());
                sold += sum;
            }
            assert!((100..600).contains(&empty_days), "{}: {empty_days} days with an empty shelf", product.name);
            assert!(sold > 730 * 5000, "{}: the shop does not starve: {sold}", product.name);
        }
    }

    #[test]
    fn arrivals_have_their_mean() {
        for mean in [0.3, 4.0, 60.0] {
            let mut seed = Seed(3);
            let draws: Vec<f64> = (0..20_000).map(|_| arrivals(mean, seed.uniform(), seed.uniform()) as f64).collect();
            let average = draws.iter().sum::<f64>() / draws.len() as f64;
            // five standard errors
            assert!((average - mean).abs() < 5.0 * (mean / 20_000.0_f64).sqrt() + 0.01, "{mean}: {average}");
        }
    }
}
