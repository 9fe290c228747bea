//! Candidate splits, and the units as the splits see them.

use std::collections::BTreeMap;

use super::{Candidates, Node, TreeProblem};
use crate::Model;

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
            Bin { ranks, count: units.len(), rewards: (0..arms).map(total).collect() }
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

/// Total reward of each arm and number of units over bins on one side.
#[derive(Clone, Debug)]
pub struct Totals {
    pub count: usize,
    pub rewards: Vec<f64>,
}

impl Totals {
    pub fn none(arms: usize) -> Self {
        Self { count: 0, rewards: vec![0.0; arms] }
    }

    pub fn of<'b>(bins: impl Iterator<Item = &'b Bin>, arms: usize) -> Self {
        bins.fold(Self::none(arms), |mut total, bin| {
            total.add(bin);
            total
        })
    }

    pub fn add(&mut self, bin: &Bin) {
        self.count += bin.count;
        self.rewards.iter_mut().zip(&bin.rewards).for_each(|(t, r)| *t += r);
    }

    pub fn without(&self, part: &Totals) -> Self {
        let rewards = self.rewards.iter().zip(&part.rewards).map(|(t, r)| t - r).collect();
        Self { count: self.count - part.count, rewards }
    }

    /// The best single arm (the lowest of equals) and its reward.
    pub fn best(&self) -> (usize, f64) {
        let better = |best: (usize, f64), (k, &r): (usize, &f64)| if r > best.1 { (k, r) } else { best };
        self.rewards.iter().enumerate().fold((0, f64::NEG_INFINITY), better)
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

/// Every stump over `bins` whose leaves hold at least `least` units: the leaf first, then by covariate and threshold.
pub fn stumps(bins: &[&Bin], thresholds: &[Vec<f64>], arms: usize, least: usize) -> Vec<Stump> {
    let all = Totals::of(bins.iter().copied(), arms);
    let (arm, value) = all.best();
    let mut found = vec![Stump { split: None, value, arms: (arm, arm) }];
    for (covariate, list) in thresholds.iter().enumerate() {
        let mut by_rank = vec![Totals::none(arms); list.len() + 1];
        bins.iter().for_each(|bin| by_rank[bin.ranks[covariate]].add(bin));
        let mut left = Totals::none(arms);
        for (rank, &threshold) in list.iter().enumerate() {
            left.count += by_rank[rank].count;
            left.rewards.iter_mut().zip(&by_rank[rank].rewards).for_each(|(t, r)| *t += r);
            let right = all.without(&left);
            if left.count >= least && right.count >= least {
                let ((a, on_left), (b, on_right)) = (left.best(), right.best());
                let split = Some(Split { covariate, threshold, rank });
                found.push(Stump { split, value: on_left + on_right, arms: (a, b) });
            }
        }
    }
    found
}
