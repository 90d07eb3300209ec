//! The standard normal law. In: a level. Out: its quantile. Never: a level of 0 or 1.

/// Numerator and denominator in the middle, then in the tails, the highest power first.
/// Source: Acklam, An algorithm for computing the inverse normal cumulative distribution function, 2003; relative error 1.15e-9.
const MIDDLE: ([f64; 6], [f64; 6]) = (
    [
        -39.696_830_286_653_76,
        220.946_098_424_520_5,
        -275.928_510_446_968_7,
        138.357_751_867_269,
        -30.664_798_066_147_16,
        2.506_628_277_459_239,
    ],
    [-54.476_098_798_224_06, 161.585_836_858_040_9, -155.698_979_859_886_6, 66.801_311_887_719_72, -13.280_681_552_885_72, 1.0],
);
/// See `MIDDLE`.
const TAIL: ([f64; 6], [f64; 5]) = (
    [
        -0.007_784_894_002_430_293,
        -0.322_396_458_041_136_5,
        -2.400_758_277_161_838,
        -2.549_732_539_343_734,
        4.374_664_141_464_968,
        2.938_163_982_698_783,
    ],
    [0.007_784_695_709_041_462, 0.322_467_129_070_039_8, 2.445_134_137_142_996, 3.754_408_661_907_416, 1.0],
);
/// Where the lower tail ends.
const TAIL_ENDS: f64 = 0.024_25;

/// The value below which a share `level` of the law lies.
pub(super) fn normal_quantile(level: f64) -> f64 {
    let horner = |powers: &[f64], x: f64| powers.iter().fold(0.0, |sum, factor| sum * x + factor);
    let tail = |level: f64| {
        let x = (-2.0 * level.ln()).sqrt();
        horner(&TAIL.0, x) / horner(&TAIL.1, x)
    };
    if level < TAIL_ENDS {
        return tail(level);
    }
    if level > 1.0 - TAIL_ENDS {
        return -tail(1.0 - level);
    }
    let x = level - 0.5;
    x * horner(&MIDDLE.0, x * x) / horner(&MIDDLE.1, x * x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_quantiles() {
        // scipy 1.17.0: scipy.stats.norm.ppf(level)
        for (level, expect) in
            [(0.5, 0.0), (0.9, 1.2815515655446004), (0.1, -1.2815515655446004), (0.025, -1.9599639845400545), (0.001, -3.090232306167813)]
        {
            let found = normal_quantile(level);
            // Acklam's bound, as an absolute one
            assert!((found - expect).abs() < 1e-8, "{level}: {found} for {expect}");
        }
    }
}
