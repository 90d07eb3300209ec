//! Bounded Nelder-Mead search with coefficients by dimension (Gao and Han, Implementing the Nelder-Mead simplex
//! algorithm with adaptive parameters, Computational Optimization and Applications 51, 2012).
//! In: an objective, a start, first steps, bounds. Out: the best point seen. Never: randomness, a clock, an allocation.

/// Dimensions at most.
pub(super) const MOST: usize = 6;

/// A point; entries past the search's dimension are zero.
pub(super) type Point = [f64; MOST];

/// Where to search, and how long.
pub(super) struct Search<'a> {
    /// The first point.
    pub start: &'a [f64],
    /// How far the first simplex reaches along each dimension.
    pub steps: &'a [f64],
    /// The lowest value of each dimension.
    pub lower: &'a [f64],
    /// The highest value of each dimension.
    pub upper: &'a [f64],
    /// The search ends when the objective differs by less over the simplex.
    pub tolerance: f64,
    /// Evaluations at most: a limit of work.
    pub evaluations: usize,
}

/// A point and the objective there.
#[derive(Clone, Copy)]
struct Vertex {
    point: Point,
    height: f64,
}

/// The lowest point that was seen, and the objective there. What is not a number counts as infinitely high.
pub(super) fn minimise(search: &Search, mut objective: impl FnMut(&[f64]) -> f64) -> (Point, f64) {
    let dimensions = search.start.len();
    let mut left = search.evaluations;
    let mut at = |mut point: Point| {
        for (entry, (lower, upper)) in point.iter_mut().zip(search.lower.iter().zip(search.upper)) {
            *entry = entry.clamp(*lower, *upper);
        }
        let height = objective(&point[..dimensions]);
        left = left.saturating_sub(1);
        (Vertex { point, height: if height.is_nan() { f64::INFINITY } else { height } }, left)
    };
    let mut vertices = [Vertex { point: [0.0; MOST], height: f64::INFINITY }; MOST + 1];
    let vertices = &mut vertices[..=dimensions];
    for (i, vertex) in vertices.iter_mut().enumerate() {
        let mut point = [0.0; MOST];
        point[..dimensions].copy_from_slice(search.start);
        if let Some(i) = i.checked_sub(1) {
            let step = search.steps[i];
            point[i] += if point[i] + step <= search.upper[i] { step } else { -step };
        }
        *vertex = at(point).0;
    }
    let width = dimensions.max(2) as f64;
    let (expand, contract, shrink) = (1.0 + 2.0 / width, 0.75 - 0.5 / width, 1.0 - 1.0 / width);
    loop {
        vertices.sort_by(|one, other| one.height.total_cmp(&other.height));
        let (best, second_worst, worst) = (vertices[0], vertices[dimensions - 1], vertices[dimensions]);
        if worst.height - best.height < search.tolerance {
            return (best.point, best.height);
        }
        let centre = centre(&vertices[..dimensions]);
        let (reflected, mut left) = at(between(&centre, &worst.point, -1.0));
        let mut accepted = Some(reflected);
        if reflected.height < best.height {
            let expanded = at(between(&centre, &reflected.point, expand)).0;
            accepted = Some(if expanded.height < reflected.height { expanded } else { reflected });
        } else if reflected.height >= second_worst.height {
            let towards = if reflected.height < worst.height { reflected } else { worst };
            let contracted = at(between(&centre, &towards.point, contract)).0;
            accepted = (contracted.height < towards.height).then_some(contracted);
        }
        if let Some(vertex) = accepted {
            vertices[dimensions] = vertex;
        } else {
            for vertex in &mut vertices[1..] {
                (*vertex, left) = at(between(&best.point, &vertex.point, shrink));
            }
        }
        if left == 0 {
            vertices.sort_by(|one, other| one.height.total_cmp(&other.height));
            return (vertices[0].point, vertices[0].height);
        }
    }
}

/// The mean of the points.
fn centre(vertices: &[Vertex]) -> Point {
    let mut mean = [0.0; MOST];
    for vertex in vertices {
        for (sum, entry) in mean.iter_mut().zip(vertex.point) {
            *sum += entry / vertices.len() as f64;
        }
    }
    mean
}

/// The point at `share` of the way from one to another; outside the two when `share` is.
fn between(from: &Point, to: &Point, share: f64) -> Point {
    let mut point = *from;
    for (entry, to) in point.iter_mut().zip(to) {
        *entry += share * (to - *entry);
    }
    point
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDE: [f64; MOST] = [10.0; MOST];
    const LOW: [f64; MOST] = [-10.0; MOST];

    fn search(start: &[f64], upper: f64, evaluations: usize) -> Search<'_> {
        let bound = if upper < 1.0 { &[0.5; MOST] } else { &WIDE };
        Search { start, steps: &[0.3; MOST][..start.len()], lower: &LOW, upper: bound, tolerance: 1e-12, evaluations }
    }

    /// Rosenbrock's valley, with its floor at one in every entry.
    fn valley(point: &[f64]) -> f64 {
        point.windows(2).map(|pair| 100.0 * (pair[1] - pair[0].powi(2)).powi(2) + (1.0 - pair[0]).powi(2)).sum()
    }

    #[test]
    fn the_floor_of_a_bent_valley_is_found() {
        for dimensions in [2, 3, 4, 5] {
            let (point, height) = minimise(&search(&[-1.2; MOST][..dimensions], 10.0, 4000), valley);
            assert!(height < 1e-8, "{dimensions}: {height}");
            assert!(point[..dimensions].iter().all(|entry| (entry - 1.0).abs() < 1e-3), "{dimensions}: {point:?}");
        }
    }

    #[test]
    fn a_bound_holds_and_one_dimension_will_do() {
        let (point, height) = minimise(&search(&[-3.0], 0.5, 400), |point| (point[0] - 2.0).powi(2));
        assert_eq!((point[0], height), (0.5, 2.25));
        let (point, _) = minimise(&search(&[-3.0, 0.4], 0.5, 400), |point| (point[0] - 2.0).powi(2) + (point[1] + 1.0).powi(2));
        assert!((point[0] - 0.5).abs() < 1e-9 && (point[1] + 1.0).abs() < 1e-4, "{point:?}");
    }

    #[test]
    fn work_is_limited_and_what_is_no_number_is_left_alone() {
        let mut evaluated = 0;
        let (point, height) = minimise(&search(&[-1.2; MOST], 10.0, 60), |point| {
            evaluated += 1;
            if point[0] > -1.0 { f64::NAN } else { valley(point) }
        });
        assert!(evaluated < 60 + 2 * MOST, "{evaluated}");
        assert!(point[0] <= -1.0 && height.is_finite());
        assert_eq!(height, valley(&point));
    }
}
