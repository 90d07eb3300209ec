//! Forecasting and planning on plain data.
//!
//! In: panels, bases, outlooks. Out: quantile forecasts with their scores; plans with their bound.
//! Never: the lake, files, the clock, unseeded randomness.

pub mod forecasting;
pub mod planning;
