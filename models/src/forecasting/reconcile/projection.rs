//! The nearest forecasts that add up, some bottom series held at zero. In: hierarchy, covariance, base forecasts.
//! Out: the bottom. Never: an inverse written out.
//!
//! With W = D + U U', the squared distance r' W⁻¹ r of r = S b - ŷ is the least over z of
//! |D^-½ (r - U z)|² + |z|²: least squares in (b, z) jointly, z with one entry a look, and nothing is subtracted from
//! its like as in Woodbury's identity. Its matrix is [M, -F; -F', K] with M = S'D⁻¹S, F = S'D⁻¹U, K = I + U'D⁻¹U. On all series
//! z is eliminated once: X = M⁻¹F, and Σ = K - F'X is split. That elimination, with M's diagonal for M, is the
//! preconditioner; what conjugate gradients are left with is M's own spread, which grows with the number of levels
//! only.
//! Source: Hestenes and Stiefel, Methods of conjugate gradients, Journal of Research of the NBS 49, 1952.

use super::super::moments::cholesky;
use super::covariance::Covariance;
use super::hierarchy::Hierarchy;
use super::{ReconcileError, each};

/// The gradient ends this small, as a share of what it is at zero.
const EXACT: f64 = 1e-12;
/// Where rounding does not let it become that small, this will do.
const EXACT_ENOUGH: f64 = 1e-8;
/// Iterations before the gradient is worked out anew.
const REFRESH: usize = 200;
/// Times it is worked out anew.
const REFRESHES: usize = 50;

/// A point of the joint problem: the bottom, then the looks.
#[derive(Debug, Clone)]
pub(super) struct Point {
    /// By bottom series.
    pub bottom: Vec<f64>,
    /// By look.
    pub looks: Vec<f64>,
}

impl Point {
    fn dot(&self, other: &Point) -> f64 {
        dot(&self.bottom, &other.bottom) + dot(&self.looks, &other.looks)
    }

    /// Adds so much of another.
    fn add(&mut self, share: f64, other: &Point) {
        let (bottom, looks) = (self.bottom.iter_mut().zip(&other.bottom), self.looks.iter_mut().zip(&other.looks));
        bottom.chain(looks).for_each(|(own, other)| *own += share * other);
    }

    /// Leaves out what is held.
    fn free(mut self, held: &[bool]) -> Point {
        self.bottom.iter_mut().zip(held).filter(|(_, held)| **held).for_each(|(value, _)| *value = 0.0);
        self
    }
}

fn dot(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(a, b)| a * b).sum()
}

/// What reconciliation needs of a hierarchy and a covariance.
pub(super) struct Projection {
    /// The hierarchy.
    pub hierarchy: Hierarchy,
    /// The diagonal of M, by bottom series.
    pub diagonal: Vec<f64>,
    /// D⁻¹, by node.
    weights: Vec<f64>,
    /// U, by node, one for each look.
    factors: Vec<f64>,
    looks: usize,
    /// X, by bottom series, one for each look.
    eliminated: Vec<f64>,
    /// The lower triangle of Σ.
    triangle: Vec<f64>,
}

impl Projection {
    pub fn new(hierarchy: Hierarchy, covariance: Covariance, threads: usize) -> Result<Projection, ReconcileError> {
        let Covariance { diagonal, factors, looks, .. } = covariance;
        let weights: Vec<f64> = diagonal.into_iter().map(|variance| 1.0 / variance).collect();
        let diagonal = hierarchy.spread(&weights);
        // without looks it is M alone that is solved
        let plain =
            Projection { hierarchy, diagonal, weights, factors: Vec::new(), looks: 0, eliminated: Vec::new(), triangle: Vec::new() };
        let bottoms = plain.hierarchy.bottoms();
        let columns = each(looks, threads, |look| {
            let column: Vec<f64> = factors.iter().skip(look).step_by(looks).copied().collect();
            let mut point = plain.origin();
            plain.solve(&column, &vec![false; bottoms], &mut point).then_some((point.bottom, column))
        });
        let columns = columns.into_iter().collect::<Option<Vec<_>>>().ok_or(ReconcileError::Unsettled)?;
        // Σ = I + U'D⁻¹(U - S X), which does not subtract F'X from K
        let mut schur = vec![0.0; looks * looks];
        for (column, (solved, factor)) in columns.iter().enumerate() {
            let sums = plain.hierarchy.sum(solved);
            let rest: Vec<f64> =
                factor.iter().zip(&sums).zip(&plain.weights).map(|((factor, sum), weight)| weight * (factor - sum)).collect();
            for (row, (_, factor)) in columns.iter().enumerate() {
                let value = dot(factor, &rest) / 2.0;
                schur[row * looks + column] += value;
                schur[column * looks + row] += value;
            }
            schur[column * looks + column] += 1.0;
        }
        let triangle = cholesky(&schur, looks).ok_or(ReconcileError::Unsettled)?;
        let eliminated = (0..bottoms).flat_map(|series| columns.iter().map(move |(solved, _)| solved[series])).collect();
        Ok(Projection { factors, looks, eliminated, triangle, ..plain })
    }

    /// Nothing.
    pub fn origin(&self) -> Point {
        Point { bottom: vec![0.0; self.hierarchy.bottoms()], looks: vec![0.0; self.looks] }
    }

    /// Moves the free part of a point to the nearest there is; false where it cannot be found exactly enough.
    pub fn solve(&self, base: &[f64], held: &[bool], point: &mut Point) -> bool {
        let size = self.norm(&self.downhill(base, &self.origin()));
        let mut before = f64::INFINITY;
        for _ in 0..REFRESHES {
            let downhill = self.downhill(base, point).free(held);
            let now = self.norm(&downhill);
            if now <= EXACT * size {
                return true;
            }
            // rounding leaves no more to gain
            if now > before / 2.0 {
                break;
            }
            before = now;
            self.descend(downhill, held, point, EXACT * size / 2.0);
        }
        self.norm(&self.downhill(base, point).free(held)) <= EXACT_ENOUGH * size
    }

    /// Less the gradient of half the distance: (S'e, -U'e - z) with e = D⁻¹(ŷ - S b + U z).
    pub fn downhill(&self, base: &[f64], point: &Point) -> Point {
        let ahead = self.away(point);
        let e: Vec<f64> = base.iter().zip(&ahead).zip(&self.weights).map(|((base, ahead), weight)| weight * (base - ahead)).collect();
        let mut found = self.back(&e);
        found.looks.iter_mut().zip(&point.looks).for_each(|(value, look)| *value -= look);
        found
    }

    /// S b - U z.
    fn away(&self, point: &Point) -> Vec<f64> {
        let mut nodes = self.hierarchy.sum(&point.bottom);
        if self.looks > 0 {
            for (node, factors) in nodes.iter_mut().zip(self.factors.chunks_exact(self.looks)) {
                *node -= dot(factors, &point.looks);
            }
        }
        nodes
    }

    /// (S'e, -U'e).
    fn back(&self, e: &[f64]) -> Point {
        let mut looks = vec![0.0; self.looks];
        if self.looks > 0 {
            for (e, factors) in e.iter().zip(self.factors.chunks_exact(self.looks)) {
                looks.iter_mut().zip(factors).for_each(|(look, factor)| *look -= e * factor);
            }
        }
        Point { bottom: self.hierarchy.spread(e), looks }
    }

    /// Conjugate gradients from a gradient on.
    fn descend(&self, mut downhill: Point, held: &[bool], point: &mut Point, enough: f64) {
        let mut direction = self.preconditioned(&downhill).free(held);
        let mut steep = downhill.dot(&direction);
        for _ in 0..REFRESH {
            let mut e = self.away(&direction);
            e.iter_mut().zip(&self.weights).for_each(|(e, weight)| *e *= weight);
            let mut bent = self.back(&e).free(held);
            bent.looks.iter_mut().zip(&direction.looks).for_each(|(value, look)| *value += look);
            let curvature = direction.dot(&bent);
            if curvature <= 0.0 || steep <= 0.0 {
                return;
            }
            let stride = steep / curvature;
            point.add(stride, &direction);
            downhill.add(-stride, &bent);
            let next = self.preconditioned(&downhill).free(held);
            let before = steep;
            steep = downhill.dot(&next);
            if steep.max(0.0).sqrt() <= enough {
                return;
            }
            let turn = steep / before;
            direction.bottom.iter_mut().chain(&mut direction.looks).for_each(|value| *value *= turn);
            direction.add(1.0, &next);
        }
    }

    fn norm(&self, downhill: &Point) -> f64 {
        downhill.dot(&self.preconditioned(downhill)).max(0.0).sqrt()
    }

    /// [I, X; 0, I] diag(M's diagonal, Σ)⁻¹ [I, 0; X', I].
    fn preconditioned(&self, point: &Point) -> Point {
        let mut bottom: Vec<f64> = point.bottom.iter().zip(&self.diagonal).map(|(value, diagonal)| value / diagonal).collect();
        if self.looks == 0 {
            return Point { bottom, looks: Vec::new() };
        }
        let mut looks = point.looks.clone();
        for (value, row) in point.bottom.iter().zip(self.eliminated.chunks_exact(self.looks)) {
            looks.iter_mut().zip(row).for_each(|(look, x)| *look += value * x);
        }
        self.divide(&mut looks);
        for (value, row) in bottom.iter_mut().zip(self.eliminated.chunks_exact(self.looks)) {
            *value += dot(row, &looks);
        }
        Point { bottom, looks }
    }

    /// Σ⁻¹, by its triangle and the triangle's transpose.
    fn divide(&self, values: &mut [f64]) {
        let (count, lower) = (self.looks, &self.triangle);
        for i in 0..count {
            let known = dot(&lower[i * count..][..i], &values[..i]);
            values[i] = (values[i] - known) / lower[i * count + i];
        }
        for i in (0..count).rev() {
            let known: f64 = (i + 1..count).map(|k| lower[k * count + i] * values[k]).sum();
            values[i] = (values[i] - known) / lower[i * count + i];
        }
    }
}
