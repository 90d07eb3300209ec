//! The words everyone speaks: units, calendar, days to speak from, series, forecasts, seeds.
//!
//! In: nothing. Out: types and pure functions. Never: I/O, Arrow, the clock, a heavy library.

mod calendar;
mod day;
pub mod failpoint;
mod forecast;
mod hint;
mod months;
mod rejected;
mod seed;
mod series;
mod tables;
mod unit;

pub use calendar::{Festival, days_to_spring_festival, festivals_between, lunar_date, solar_term, spring_festival};
pub use day::{AsOf, Cadence, Cutoff, NoStep, ten_of, week_start};
pub use forecast::{Forecast, ForecastStep, LEVELS, Target};
pub use hint::{Hint, nearest};
pub use months::MonthSet;
pub use rejected::Rejected;
pub use seed::Seed;
pub use series::{Category, Panel, Series, Told};
pub use tables::{BOOKKEEPING, Column, Kind, LANDED, LandedTable};
pub use unit::{Kilograms, Measure, Mu, PricePerKg, Unit, UnitError};
