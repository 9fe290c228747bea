//! Exact search along a line for problems whose objective is a step function along it.
//!
//! Along `beta + t d` the heights of a unit's arms are lines in t, and its arm changes at the breakpoints of their upper envelope
//! (two arms: at one, t_i = -(beta'z_i) / (d'z_i)). So sort the breakpoints, sweep once, and the best step is known. Cost
//! O(m log m) for m merged units.

/// A parameter vector in the scaled covariates of merged units: (intercept, b), for each arm but the first.
pub type Beta = Vec<f64>;

/// A problem over merged units whose objective along any line is a step function.
pub trait Stepped: Sync {
    /// The objective at `beta` up to a constant, in floating point; the model decides in the end.
    fn gain(&self, beta: &[f64]) -> f64;

    /// The gain at t = -infinity, and (t, change of the gain) at each breakpoint, in any order.
    fn steps(&self, beta: &[f64], direction: &[f64]) -> (f64, Vec<(f64, f64)>);

    /// The directions that [`climb`] always searches along.
    fn axes(&self) -> Vec<Beta>;
}

/// `beta'z` with the intercept first.
pub fn height(beta: &[f64], z: &[f64]) -> f64 {
    beta[0] + beta[1..].iter().zip(z).map(|(b, v)| b * v).sum::<f64>()
}

/// See [`Stepped::gain`].
pub fn gain(units: &impl Stepped, beta: &[f64]) -> f64 {
    units.gain(beta)
}

/// The best point on the line through `beta` along `direction`, in the middle of its step, and its gain.
pub fn best_on_line(units: &impl Stepped, beta: &[f64], direction: &[f64]) -> (Beta, f64) {
    let (mut total, mut steps) = units.steps(beta, direction);
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

/// Repeats searches along the axes and `directions` until none improves; the point and its gain.
pub fn climb(units: &impl Stepped, beta: Beta, directions: &[Beta]) -> (Beta, f64) {
    let lines: Vec<Beta> = units.axes().into_iter().chain(directions.iter().cloned()).collect();
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

/// The coordinate directions.
pub fn coordinates(dimension: usize) -> Vec<Beta> {
    (0..dimension).map(|j| (0..dimension).map(|l| f64::from(l == j)).collect()).collect()
}

/// Scales so that the largest coefficient is 1: the rule stays the same, breakpoints stay of order 1.
pub fn normalise(beta: &mut [f64]) {
    let largest = beta.iter().fold(0.0_f64, |m, b| m.max(b.abs()));
    if largest > 0.0 && largest.is_finite() {
        beta.iter_mut().for_each(|b| *b /= largest);
    }
}
