//! Candidate splits, and the units as the splits see them.

use std::collections::BTreeMap;

use super::{Candidates, Node, TreeProblem};
use crate::Model;
use crate::side_constraints::AssignmentBound;

/// A named candidate split: `x[covariate] <= threshold` goes left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Split {
    pub covariate: usize,
    pub threshold: f64,
    /// Position of the threshold in the covariate's list.
    pub rank: usize,
}

impl Split {
    pub fn name(&self, names: &[String]) -> String {
        format!("{}<={}", names[self.covariate], self.threshold)
    }
}

/// The candidate splits of a problem, by covariate, then threshold.
pub fn splits(problem: &TreeProblem) -> Vec<Split> {
    let lists = problem.class.thresholds.iter().enumerate();
    lists
        .flat_map(|(covariate, list)| {
            list.iter().enumerate().map(move |(rank, &threshold)| Split { covariate, threshold, rank })
        })
        .collect()
}

/// Units that no candidate split tells apart, merged.
#[derive(Clone, Debug, PartialEq)]
pub struct Bin {
    /// For each covariate, how many of its thresholds are below the unit's value.
    pub ranks: Vec<usize>,
    /// Number of units.
    pub count: usize,
    /// Sum of the units' rewards, for each arm.
    pub rewards: Vec<f64>,
    /// Sum of the units' weights, for each assignment bound and arm.
    pub weights: Vec<f64>,
}

impl Bin {
    pub fn goes_left(&self, split: &Split) -> bool {
        self.ranks[split.covariate] <= split.rank
    }
}

/// The bins of a problem, in the order of their ranks.
pub fn bins(problem: &TreeProblem) -> Vec<Bin> {
    let mut bins: BTreeMap<Vec<usize>, Vec<usize>> = BTreeMap::new();
    for i in 0..problem.units() {
        let ranks = problem
            .unit(i)
            .iter()
            .zip(&problem.class.thresholds)
            .map(|(v, list)| list.partition_point(|t| t < v));
        bins.entry(ranks.collect()).or_default().push(i);
    }
    let arms = problem.arms.len();
    bins.into_iter()
        .map(|(ranks, units)| {
            let total = |k: usize| crate::exact::sum(units.iter().map(|&i| problem.rewards()[[i, k]]));
            let weight = |bound: &AssignmentBound, k: usize| {
                crate::exact::sum(units.iter().map(|&i| bound.weights[[i, k]]))
            };
            let weights =
                problem.assignment_bounds().flat_map(|b| (0..arms).map(|k| weight(b, k)).collect::<Vec<_>>());
            Bin {
                ranks,
                count: units.len(),
                rewards: (0..arms).map(total).collect(),
                weights: weights.collect(),
            }
        })
        .collect()
}

/// The candidate thresholds of a column, ascending.
pub fn thresholds(mut values: Vec<f64>, candidates: Candidates) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    let largest = values.last().copied();
    let mut chosen = match candidates {
        Candidates::All => values,
        Candidates::Quantiles(q) => {
            (1..=q).filter_map(|l| values.get((values.len() * l / (q + 1)).max(1) - 1)).copied().collect()
        }
    };
    chosen.dedup();
    chosen.retain(|v| Some(*v) != largest);
    chosen
}

/// Number of units, total reward of each arm and total weight of each bound and arm over bins on one side.
#[derive(Clone, Debug)]
struct Totals {
    count: usize,
    rewards: Vec<f64>,
    weights: Vec<f64>,
}

impl Totals {
    fn none(arms: usize, bounds: usize) -> Self {
        Self { count: 0, rewards: vec![0.0; arms], weights: vec![0.0; arms * bounds] }
    }

    fn add(&mut self, count: usize, rewards: &[f64], weights: &[f64]) {
        self.count += count;
        self.rewards.iter_mut().zip(rewards).for_each(|(t, r)| *t += r);
        self.weights.iter_mut().zip(weights).for_each(|(t, w)| *t += w);
    }

    fn without(&self, part: &Totals) -> Self {
        let less = |whole: &[f64], part: &[f64]| whole.iter().zip(part).map(|(t, r)| t - r).collect();
        Self {
            count: self.count - part.count,
            rewards: less(&self.rewards, &part.rewards),
            weights: less(&self.weights, &part.weights),
        }
    }

    /// The arms that a leaf over these units may have to give: all under assignment bounds, else the best (the lowest of equals).
    fn arms(&self) -> Vec<usize> {
        let arms = 0..self.rewards.len();
        if !self.weights.is_empty() {
            return arms.collect();
        }
        vec![arms.skip(1).fold(0, |best, k| if self.rewards[k] > self.rewards[best] { k } else { best })]
    }

    /// The weight of each bound when all units get `arm`.
    fn used(&self, arm: usize) -> Vec<f64> {
        self.weights.iter().skip(arm).step_by(self.rewards.len()).copied().collect()
    }
}

/// A way to serve a set of units with at most one split.
#[derive(Clone, Debug)]
pub struct Stump {
    /// None: one leaf.
    pub split: Option<Split>,
    pub value: f64,
    /// Arms of the left and the right leaf (equal where there is no split).
    pub arms: (usize, usize),
    /// What it adds to each assignment bound.
    pub used: Vec<f64>,
}

impl Stump {
    pub fn node(&self) -> Node {
        let (left, right) = (Node::Leaf { arm: self.arms.0 }, Node::Leaf { arm: self.arms.1 });
        match self.split {
            None => left,
            Some(split) => Node::split(split.covariate, split.threshold, left, right),
        }
    }
}

/// Every stump over `bins` whose leaves hold at least `least` units: the leaf first, then by covariate and threshold. Under
/// assignment bounds every choice of arms is a stump of its own, otherwise only the best.
pub fn stumps(bins: &[&Bin], thresholds: &[Vec<f64>], arms: usize, least: usize) -> Vec<Stump> {
    let bounds = bins.first().map_or(0, |bin| bin.weights.len() / arms);
    let mut all = Totals::none(arms, bounds);
    bins.iter().for_each(|bin| all.add(bin.count, &bin.rewards, &bin.weights));
    let leaf =
        |arm: usize| Stump { split: None, value: all.rewards[arm], arms: (arm, arm), used: all.used(arm) };
    let mut found: Vec<Stump> = all.arms().into_iter().map(leaf).collect();
    for (covariate, list) in thresholds.iter().enumerate() {
        let mut by_rank = vec![Totals::none(arms, bounds); list.len() + 1];
        bins.iter().for_each(|bin| by_rank[bin.ranks[covariate]].add(bin.count, &bin.rewards, &bin.weights));
        let mut left = Totals::none(arms, bounds);
        for (rank, &threshold) in list.iter().enumerate() {
            let next = &by_rank[rank];
            left.add(next.count, &next.rewards, &next.weights);
            let right = all.without(&left);
            if left.count >= least && right.count >= least {
                split_stumps(Split { covariate, threshold, rank }, &left, &right, &mut found);
            }
        }
    }
    found
}

/// The stumps with one split, for each choice of arms.
fn split_stumps(split: Split, left: &Totals, right: &Totals, found: &mut Vec<Stump>) {
    for a in left.arms() {
        for b in right.arms() {
            let used = left.used(a).iter().zip(right.used(b)).map(|(l, r)| l + r).collect();
            let value = left.rewards[a] + right.rewards[b];
            found.push(Stump { split: Some(split), value, arms: (a, b), used });
        }
    }
}
