//! All partitions by recursion over subsets.
//!
//! ```text
//! F_1(S) = cost(S),     F_m(S) = min { cost(T) + F_{m-1}(S \ T) : T in S holds the first arm of S }
//! ```
//!
//! 2^K costs and (M - 1) 3^(K-1) / 2 additions: for 16 arms and M = 12, some 80 million.

use prescribe_models::arm_groups::{Grouping, Partition, canonical};
use serde_json::Map;

use super::super::{
    Answer, BoundProof, Options, Promise, SolveError, Solver, TerminationStatus, Unsupported, Watch,
};
use super::{refuse, usable};

/// The recursion's work triples with every arm.
pub const MOST_ARMS: usize = 16;

/// The recursion.
#[derive(Clone, Copy, Debug)]
pub struct SubsetRecursion;

impl<M: Grouping> Solver<M> for SubsetRecursion {
    fn name(&self) -> &'static str {
        "subsets"
    }

    fn version(&self) -> String {
        format!("prescribe {}", env!("CARGO_PKG_VERSION"))
    }

    fn accepts(&self, model: &M) -> Result<Promise, Unsupported> {
        if model.arms() <= MOST_ARMS {
            return Ok(Promise::Exact);
        }
        Err(refuse("subsets", format!("{} arms (at most {MOST_ARMS})", model.arms()), "use columns"))
    }

    fn wants_start(&self) -> bool {
        false
    }

    fn forecast(&self, model: &M) -> Option<f64> {
        Some(1e-9 * model.groups() as f64 * 3_f64.powi(model.arms() as i32))
    }

    fn search(
        &self,
        model: &M,
        start: Option<&Partition>,
        _options: &Options,
        watch: &Watch,
    ) -> Result<Answer<Partition>, SolveError> {
        let found = match watch.stop() {
            Some(_) => None,
            None => every(model).pop(),
        };
        let done = found.is_some();
        let (point, value) = match found {
            Some((of, value)) => (Some(of), Some(value)),
            None => (usable(model, start).cloned(), None),
        };
        Ok(Answer {
            point,
            claimed: value,
            bound: value.map(|value| (value, BoundProof::Search)),
            termination: if done { TerminationStatus::Optimal } else { watch.termination() },
            raw_status: if done { "all subsets seen" } else { "stopped before it began" }.into(),
            nodes: None,
            iterations: None,
            statistics: Map::new(),
        })
    }
}

/// The best partitions into at most 1, 2, .. groups, up to those the model allows (or its arms), and their costs.
pub fn every(model: &impl Grouping) -> Vec<(Partition, f64)> {
    let arms = model.arms();
    let cost = costs(model);
    // least[m][S] = F_{m+1}(S); the last is needed for all arms alone, the others for sets without the first arm.
    let mut least = vec![cost.clone()];
    let mut partitions = Vec::new();
    for m in 0..model.groups().min(arms) {
        partitions.push((trace(&least, &cost, m), value(&least, &cost, m)));
        if m > 0 && m + 1 < model.groups().min(arms) {
            let next = deeper(&least[m - 1], &cost);
            least.push(next);
        }
    }
    partitions
}

/// The cost of every subset; bit a stands for arm a.
fn costs<M: Grouping>(model: &M) -> Vec<f64> {
    fn fill<M: Grouping>(model: &M, from: usize, set: usize, sums: Option<&M::Sums>, cost: &mut [f64]) {
        for a in from..model.arms() {
            let arm = model.sums(a);
            let wider = sums.map_or_else(|| arm.clone(), |sums| model.pooled(sums, &arm));
            cost[set | 1 << a] = model.cost(&wider);
            fill(model, a + 1, set | 1 << a, Some(&wider), cost);
        }
    }
    let mut cost = vec![0.0; 1 << model.arms()];
    fill(model, 0, 0, None, &mut cost);
    cost
}

/// F_m over the sets without the first arm, from F_{m-1}.
fn deeper(before: &[f64], cost: &[f64]) -> Vec<f64> {
    let mut least = before.to_vec();
    for set in (2..cost.len()).step_by(2) {
        least[set] = split(before, cost, set).1;
    }
    least
}

/// The group of the first arm of `set` that leaves the least, and what it comes to.
fn split(before: &[f64], cost: &[f64], set: usize) -> (usize, f64) {
    let first = set & set.wrapping_neg();
    let others = set ^ first;
    let (mut best, mut rest) = ((set, cost[set]), others);
    // `rest` runs through the subsets of the others: what the group leaves.
    while rest > 0 {
        let value = cost[set ^ rest] + before[rest];
        if value < best.1 {
            best = (set ^ rest, value);
        }
        rest = (rest - 1) & others;
    }
    best
}

fn value(least: &[Vec<f64>], cost: &[f64], m: usize) -> f64 {
    let all = cost.len() - 1;
    if m == 0 { cost[all] } else { split(&least[m - 1], cost, all).1 }
}

/// The partition behind F_{m+1} of all arms.
fn trace(least: &[Vec<f64>], cost: &[f64], m: usize) -> Partition {
    let mut of = vec![0; cost.len().ilog2() as usize];
    let mut set = cost.len() - 1;
    for level in (0..=m).rev() {
        let group = if level == 0 { set } else { split(&least[level - 1], cost, set).0 };
        of.iter_mut().enumerate().filter(|(a, _)| group >> a & 1 == 1).for_each(|(_, g)| *g = level);
        set ^= group;
    }
    canonical(&of)
}
