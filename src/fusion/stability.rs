//! What of the groups is the sample's doing: how often two arms are fused in bootstrap samples.

use ndarray::Array2;
use rand::Rng;

use super::{Data, Groups, Settings};
use crate::random::stream;
use crate::solve::SolveError;

/// Shares of the samples that `settings` ask for (K x K; none where they ask for none) in which two arms are in one of the groups found there.
/// A sample draws the units of each arm from that arm, with their weights scaled back to a sum of 1; the main effect stays.
///
/// # Errors
/// Of the search for groups.
pub fn stability(
    data: &Data,
    settings: &Settings,
    groups: impl Fn(&Data, &[usize]) -> Result<Option<Groups>, SolveError>,
) -> Result<Option<Array2<f64>>, SolveError> {
    if settings.bootstrap == 0 {
        return Ok(None);
    }
    let mut together = Array2::<f64>::zeros((data.arms, data.arms));
    for replication in 0..settings.bootstrap {
        let units = drawn_units(data, settings.options.random_seed, replication);
        let groups = groups(&resampled(data, &units), &units)?
            .unwrap_or_else(|| Groups { of: (0..data.arms).collect() });
        for ((a, b), count) in together.indexed_iter_mut() {
            *count += f64::from(u8::from(groups.of[a] == groups.of[b]));
        }
    }
    Ok(Some(together / settings.bootstrap as f64))
}

/// The units of the sample.
fn drawn_units(data: &Data, seed: u64, replication: usize) -> Vec<usize> {
    let mut random = stream(seed, &format!("fusion bootstrap {replication}"));
    let mut units = Vec::with_capacity(data.arm.len());
    for a in 0..data.arms {
        let of: Vec<usize> =
            (0..data.arm.len()).filter(|&i| data.arm[i] == a && data.weights[i] > 0.0).collect();
        units.extend((0..of.len()).map(|_| of[random.random_range(0..of.len())]));
    }
    units
}

fn resampled(data: &Data, units: &[usize]) -> Data {
    let mut sums = vec![0.0; data.arms];
    units.iter().for_each(|&i| sums[data.arm[i]] += data.weights[i]);
    Data {
        design: data.design.select(ndarray::Axis(0), units),
        outcome: units.iter().map(|&i| data.outcome[i]).collect(),
        weights: units.iter().map(|&i| data.weights[i] / sums[data.arm[i]]).collect(),
        arm: units.iter().map(|&i| data.arm[i]).collect(),
        arms: data.arms,
    }
}
