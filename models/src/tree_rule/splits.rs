//! Candidate splits, and the units as the splits see them.

use std::collections::BTreeMap;

use super::{Candidates, Node, TreeProblem};
use crate::Model;
use crate::policy_problem::LeafDemand;
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
    /// Number of units that each demand on leaves counts, see [`crate::PolicyProblem::leaf_demands`]; the first counts all.
    pub counts: Vec<usize>,
    /// Sum of the units' rewards, for each arm.
    pub rewards: Vec<f64>,
    /// For each arm, the number of units that may not get it.
    pub barred: Vec<usize>,
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
    let demands = problem.leaf_demands();
    bins.into_iter()
        .map(|(ranks, units)| {
            let total = |k: usize| crate::exact::sum(units.iter().map(|&i| problem.rewards()[[i, k]]));
            let weight = |bound: &AssignmentBound, k: usize| {
                crate::exact::sum(units.iter().map(|&i| bound.weights[[i, k]]))
            };
            let weights =
                problem.assignment_bounds().flat_map(|b| (0..arms).map(|k| weight(b, k)).collect::<Vec<_>>());
            let counted = |demand: &LeafDemand| units.iter().filter(|&&i| demand.counted[i]).count();
            let barred = |k: usize| units.iter().filter(|&&i| !problem.may_get(i, k)).count();
            Bin {
                ranks,
                counts: demands.iter().map(counted).collect(),
                rewards: (0..arms).map(total).collect(),
                barred: (0..arms).map(barred).collect(),
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

/// Whether a leaf over `bins` meets every demand on leaves.
pub fn is_enough<'b>(bins: impl IntoIterator<Item = &'b Bin>, least: &[usize]) -> bool {
    let mut counts = vec![0; least.len()];
    for bin in bins {
        add(&mut counts, &bin.counts);
    }
    reaches(&counts, least)
}

fn reaches(counts: &[usize], least: &[usize]) -> bool {
    counts.iter().zip(least).all(|(count, least)| count >= least)
}

fn add<T: Copy + std::ops::AddAssign>(totals: &mut [T], more: &[T]) {
    totals.iter_mut().zip(more).for_each(|(total, value)| *total += *value);
}

/// What leaves over bins on one side hold: numbers of units for each demand, total reward of each arm, number of units barred
/// from each arm, total weight of each bound and arm.
#[derive(Clone, Debug)]
struct Totals {
    counts: Vec<usize>,
    rewards: Vec<f64>,
    barred: Vec<usize>,
    weights: Vec<f64>,
}

impl Totals {
    fn none(demands: usize, arms: usize, bounds: usize) -> Self {
        let (counts, rewards, barred) = (vec![0; demands], vec![0.0; arms], vec![0; arms]);
        Self { counts, rewards, barred, weights: vec![0.0; arms * bounds] }
    }

    fn add(&mut self, counts: &[usize], rewards: &[f64], barred: &[usize], weights: &[f64]) {
        add(&mut self.counts, counts);
        add(&mut self.rewards, rewards);
        add(&mut self.barred, barred);
        add(&mut self.weights, weights);
    }

    fn add_bin(&mut self, bin: &Bin) {
        self.add(&bin.counts, &bin.rewards, &bin.barred, &bin.weights);
    }

    fn add_totals(&mut self, totals: &Totals) {
        self.add(&totals.counts, &totals.rewards, &totals.barred, &totals.weights);
    }

    fn without(&self, part: &Totals) -> Self {
        let less = |whole: &[f64], part: &[f64]| whole.iter().zip(part).map(|(t, r)| t - r).collect();
        let fewer = |whole: &[usize], part: &[usize]| whole.iter().zip(part).map(|(t, r)| t - r).collect();
        Self {
            counts: fewer(&self.counts, &part.counts),
            rewards: less(&self.rewards, &part.rewards),
            barred: fewer(&self.barred, &part.barred),
            weights: less(&self.weights, &part.weights),
        }
    }

    /// The arms that a leaf over these units may have to give: of those that all of them may get, under assignment bounds each, else
    /// the best (the lowest of equals).
    fn arms(&self) -> Vec<usize> {
        let arms: Vec<usize> = (0..self.rewards.len()).filter(|&k| self.barred[k] == 0).collect();
        if !self.weights.is_empty() {
            return arms;
        }
        let better = |best, k| if self.rewards[k] > self.rewards[best] { k } else { best };
        arms.into_iter().reduce(better).into_iter().collect()
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

/// Every stump over `bins` whose leaves meet the demands (at least `least` of the units that each counts) and give arms that all
/// their units may get: the leaf first, then by covariate and threshold. Under assignment bounds every choice of arms is a stump
/// of its own, otherwise only the best.
pub fn stumps(bins: &[&Bin], thresholds: &[Vec<f64>], arms: usize, least: &[usize]) -> Vec<Stump> {
    let bounds = bins.first().map_or(0, |bin| bin.weights.len() / arms);
    let none = Totals::none(least.len(), arms, bounds);
    let mut all = none.clone();
    bins.iter().for_each(|bin| all.add_bin(bin));
    if !reaches(&all.counts, least) {
        return Vec::new();
    }
    let leaf =
        |arm: usize| Stump { split: None, value: all.rewards[arm], arms: (arm, arm), used: all.used(arm) };
    let mut found: Vec<Stump> = all.arms().into_iter().map(leaf).collect();
    for (covariate, list) in thresholds.iter().enumerate() {
        let mut by_rank = vec![none.clone(); list.len() + 1];
        bins.iter().for_each(|bin| by_rank[bin.ranks[covariate]].add_bin(bin));
        let mut left = none.clone();
        for (rank, &threshold) in list.iter().enumerate() {
            left.add_totals(&by_rank[rank]);
            let right = all.without(&left);
            if reaches(&left.counts, least) && reaches(&right.counts, least) {
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
