//! A plan in the making, in whole tenths of a mu. In: lines put on plots and taken off. Out: room, gain and worth, at once.
//! Never: a line that breaks a rule; `room` says what may be put.

use super::field::Field;
use super::market::Market;
use super::risk::Risk;

/// Batches are counted in tenths of a mu.
pub(super) const TENTHS: f64 = 10.0;
/// Mu this far below a whole tenth still make one: free land is a difference of decimal fractions.
const NEARLY: f64 = 1e-6;

/// One sowing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Line {
    pub week: usize,
    pub plot: usize,
    pub crop: usize,
    pub tenths: i32,
}

/// The plan so far and what it is worth.
#[derive(Clone)]
pub(super) struct Draft<'a> {
    pub field: &'a Field,
    pub market: &'a Market,
    pub risk: &'a Risk,
    max_crops: usize,
    lines: Vec<Line>,
    /// Free tenths by plot and week.
    free: Vec<Vec<i32>>,
    /// Free tenths by plot, family, week.
    kin_free: Vec<Vec<Vec<i32>>>,
    /// Lines (and standing crops) by plot, week, crop.
    crowd: Vec<Vec<Vec<u16>>>,
    /// How many crops hold land, by plot and week.
    crops_there: Vec<Vec<usize>>,
    /// kg ripe by crop and week at a yield factor of 1.
    pub ripe: Vec<Vec<f64>>,
    /// CNY by scenario.
    pub profits: Vec<f64>,
    slopes: Vec<f64>,
    pub objective: f64,
    /// Room for one number per scenario, kept so that `gain` asks for no memory.
    scratch: Vec<f64>,
    /// Single scenario-weeks looked at so far: the measure of work.
    pub work: u64,
}

impl<'a> Draft<'a> {
    /// Nothing sown; what stands is harvested.
    pub fn empty(field: &'a Field, market: &'a Market, risk: &'a Risk, max_crops: usize) -> Draft<'a> {
        let tenths = |mu: &f64| (mu * TENTHS + NEARLY).floor() as i32;
        let whole = |weeks: &Vec<f64>| weeks.iter().map(tenths).collect::<Vec<i32>>();
        let crowd = |standing: &Vec<usize>| {
            let mut counts = vec![0; field.crops.len()];
            standing.iter().for_each(|&crop| counts[crop] += 1);
            counts
        };
        let crowd: Vec<Vec<Vec<u16>>> = field.plots.iter().map(|plot| plot.standing.iter().map(crowd).collect()).collect();
        let present = |counts: &Vec<u16>| counts.iter().filter(|count| **count > 0).count();
        let mut draft = Draft {
            field,
            market,
            risk,
            max_crops,
            lines: Vec::new(),
            free: field.plots.iter().map(|plot| whole(&plot.free)).collect(),
            kin_free: field.plots.iter().map(|plot| plot.kin_free.iter().map(whole).collect()).collect(),
            crops_there: crowd.iter().map(|weeks| weeks.iter().map(present).collect()).collect(),
            crowd,
            ripe: field.standing_kg.clone(),
            profits: market.revenues(&field.standing_kg),
            slopes: Vec::new(),
            objective: 0.0,
            scratch: Vec::new(),
            work: 0,
        };
        draft.weigh();
        draft
    }

    /// The same lines counted from the beginning: no running sum has drifted.
    pub fn settled(&self) -> Draft<'a> {
        let mut fresh = Draft::empty(self.field, self.market, self.risk, self.max_crops);
        self.lines.iter().for_each(|line| fresh.put(*line));
        fresh
    }

    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The most tenths that may be put there.
    pub fn room(&self, plot: usize, crop: usize, week: usize) -> i32 {
        if !self.field.crops[crop].sowable[week] {
            return 0;
        }
        let busy = self.field.busy(crop, week);
        let least = |free: &[i32]| free.iter().copied().min().unwrap_or(0);
        let mut room = least(&self.free[plot][busy.clone()]);
        if let Some(family) = self.field.crops[crop].family.filter(|_| room > 0) {
            room = room.min(least(&self.kin_free[plot][family][self.field.kin(crop, week)]));
        }
        let full = |week: usize| self.crops_there[plot][week] >= self.max_crops && self.crowd[plot][week][crop] == 0;
        if room <= 0 || busy.clone().any(full) || self.house_is_taken(plot, crop, week) { 0 } else { room }
    }

    /// A house takes one batch at a time: all in, all out. What joins the batch of the same week joins it.
    fn house_is_taken(&self, plot: usize, crop: usize, week: usize) -> bool {
        let stays = self.field.busy(crop, week);
        let overlaps = |line: &Line| {
            let there = self.field.busy(line.crop, line.week);
            line.plot == plot && (line.crop, line.week) != (crop, week) && there.start < stays.end && stays.start < there.end
        };
        self.field.plots[plot].is_house && self.lines.iter().any(overlaps)
    }

    /// Objective won by one more line less what it costs, without putting it: exact where it is above zero, and
    /// otherwise a number not above zero that no exact one passes.
    pub fn gain(&mut self, line: Line, cost: f64) -> f64 {
        let mut changes = std::mem::take(&mut self.scratch);
        self.changes(line.crop, line.week, f64::from(line.tenths), &mut changes);
        let promised: f64 = changes.iter().zip(&self.slopes).map(|(change, slope)| change * slope).sum();
        let mut gain = promised - cost;
        if gain > 0.0 {
            changes.iter_mut().zip(&self.profits).for_each(|(change, profit)| *change += profit);
            gain = self.risk.objective(&changes) - self.objective - cost;
        }
        self.scratch = changes;
        gain
    }

    /// Puts a line; one more batch of a line that is there makes it larger.
    pub fn put(&mut self, line: Line) {
        self.change(line, 1);
        match self.lines.binary_search_by_key(&(line.week, line.plot, line.crop), |line| (line.week, line.plot, line.crop)) {
            Ok(place) => self.lines[place].tenths += line.tenths,
            Err(place) => {
                self.crowd_in(line, 1);
                self.lines.insert(place, line);
            }
        }
    }

    /// Takes the whole line off that grows this crop there since that week.
    pub fn take(&mut self, line: Line) -> Option<Line> {
        let key = (line.week, line.plot, line.crop);
        let place = self.lines.binary_search_by_key(&key, |line| (line.week, line.plot, line.crop)).ok()?;
        let line = self.lines.remove(place);
        self.change(line, -1);
        self.crowd_in(line, -1);
        Some(line)
    }

    /// CNY more in each scenario for `tenths` more of a crop.
    fn changes(&mut self, crop: usize, week: usize, tenths: f64, changes: &mut Vec<f64>) {
        let weeks = &self.field.crops[crop];
        let (mu, sold) = (tenths / TENTHS, weeks.sells_as);
        let (cost, harvest) = (self.field.cost_cny_per_mu(crop, week), self.field.harvest(crop, week));
        self.work += (harvest.len() * self.market.cases.len()) as u64;
        changes.clear();
        for case in &self.market.cases {
            let mut change = -mu * cost;
            for week in harvest.clone() {
                let before = self.ripe[sold][week];
                // never below zero by a rounding error when the last line is taken off
                let after = (before + mu * weeks.kg_per_mu_week).max(0.0);
                change += case.revenue(sold, week, after * case.factor[sold]) - case.revenue(sold, week, before * case.factor[sold]);
            }
            changes.push(change);
        }
    }

    fn change(&mut self, line: Line, sign: i32) {
        let tenths = sign * line.tenths;
        let mut changes = std::mem::take(&mut self.scratch);
        self.changes(line.crop, line.week, f64::from(tenths), &mut changes);
        self.profits.iter_mut().zip(&changes).for_each(|(profit, change)| *profit += change);
        self.scratch = changes;
        let weeks = &self.field.crops[line.crop];
        let (kg, sold) = (f64::from(tenths) / TENTHS * weeks.kg_per_mu_week, weeks.sells_as);
        for week in self.field.harvest(line.crop, line.week) {
            self.ripe[sold][week] = (self.ripe[sold][week] + kg).max(0.0);
        }
        for week in self.field.busy(line.crop, line.week) {
            self.free[line.plot][week] -= tenths;
        }
        if let Some(family) = self.field.crops[line.crop].family {
            for week in self.field.kin(line.crop, line.week) {
                self.kin_free[line.plot][family][week] -= tenths;
            }
        }
        self.weigh();
    }

    fn crowd_in(&mut self, line: Line, sign: i16) {
        for week in self.field.busy(line.crop, line.week) {
            let count = &mut self.crowd[line.plot][week][line.crop];
            let before = *count > 0;
            *count = count.saturating_add_signed(sign);
            let there = &mut self.crops_there[line.plot][week];
            *there = *there + usize::from(*count > 0) - usize::from(before);
        }
    }

    fn weigh(&mut self) {
        self.objective = self.risk.objective(&self.profits);
        self.slopes = self.risk.slopes(&self.profits);
    }
}
