//! Exact search along a line for the weighted 0-1 problem.
//!
//! Along `beta + t d` every unit changes side at one breakpoint t_i = -(beta'z_i) / (d'z_i), so the objective is a step function
//! of t: sort the breakpoints, sweep once, and the best step is known. Cost O(m log m) for m merged units.

use prescribe_models::linear_rule::MergedUnits;

/// A parameter vector (intercept, b) in the scaled covariates of [`MergedUnits`].
pub type Beta = Vec<f64>;

/// `beta'z` with the intercept first.
pub fn height(beta: &[f64], z: &[f64]) -> f64 {
    beta[0] + beta[1..].iter().zip(z).map(|(b, v)| b * v).sum::<f64>()
}

/// Total gain of the treated units, in floating point; the model decides in the end.
pub fn gain(units: &MergedUnits, beta: &[f64]) -> f64 {
    units.z.iter().zip(&units.gains).filter(|(z, _)| height(beta, z) >= 0.0).map(|(_, g)| g).sum()
}

/// The best point on the line through `beta` along `direction`, in the middle of its step, and its gain.
pub fn best_on_line(units: &MergedUnits, beta: &[f64], direction: &[f64]) -> (Beta, f64) {
    let mut steps: Vec<(f64, f64)> = Vec::with_capacity(units.gains.len());
    // Gain at t = -infinity, and the change at each breakpoint.
    let mut total = 0.0;
    for (z, gain) in units.z.iter().zip(&units.gains) {
        let (at, slope) = (height(beta, z), height(direction, z));
        match slope {
            slope if slope.abs() < 1e-12 => total += if at >= 0.0 { *gain } else { 0.0 },
            slope if slope > 0.0 => steps.push((-at / slope, *gain)),
            slope => {
                total += gain;
                steps.push((-at / slope, -gain));
            }
        }
    }
    steps.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let Some((first, last)) = steps.first().zip(steps.last()) else {
        return (beta.to_vec(), total);
    };
    let (mut best, mut best_t) = (total, first.0 - 1.0);
    for (position, (t, change)) in steps.iter().enumerate() {
        total += change;
        let next = steps.get(position + 1).map_or(last.0 + 1.0, |step| step.0);
        // A step of no width is a tie: nothing strictly between.
        if total > best && next - t > 1e-12 {
            (best, best_t) = (total, (t + next) / 2.0);
        }
    }
    (beta.iter().zip(direction).map(|(b, d)| b + best_t * d).collect(), best)
}

/// Repeats searches along the coordinates and `directions` until none improves; the point and its gain.
pub fn climb(units: &MergedUnits, beta: Beta, directions: &[Beta]) -> (Beta, f64) {
    let coordinates = (0..beta.len()).map(|j| (0..beta.len()).map(|l| f64::from(l == j)).collect::<Beta>());
    let lines: Vec<Beta> = coordinates.chain(directions.iter().cloned()).collect();
    let mut best = (beta.clone(), gain(units, &beta));
    loop {
        let before = best.1;
        for line in &lines {
            let next = best_on_line(units, &best.0, line);
            if next.1 > best.1 {
                best = next;
            }
        }
        if best.1 <= before {
            return best;
        }
        normalise(&mut best.0);
    }
}

/// Scales so that the largest coefficient is 1: the rule stays the same, breakpoints stay of order 1.
pub fn normalise(beta: &mut [f64]) {
    let largest = beta.iter().fold(0.0_f64, |m, b| m.max(b.abs()));
    if largest > 0.0 && largest.is_finite() {
        beta.iter_mut().for_each(|b| *b /= largest);
    }
}
