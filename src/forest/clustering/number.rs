//! How many groups of arms there are.
//!
//! ```text
//! elbow        the m farthest below the chord of the curve of within-group sums of squares W(m), m = 1, .., both axes scaled to [0, 1]
//! silhouette   the m of the largest mean over arms of (b - a) / max(a, b): a the mean distance to the arms of the own group, b to those of
//!              the nearest other one; 0 for an arm by itself                                                       (Rousseeuw 1987)
//! value        the least m whose cross-fitted value is within one standard error (of the difference) of the largest: without fold f, arms are
//!              clustered by forest f and a forest is grown on the groups; its assignments a of the units of fold f are worth  mean of fhat_a(x_i) + 1{T_i = a} / P_a (Y_i - fhat_a(x_i))
//! ```
//!
//! No unit is valued by anything that it had a part in. Forest f's own estimates fhat stand in for the arm that the unit did not get, so that
//! differences between numbers of groups are not drowned by what arms have in common. The forests on groups are small ones. With some
//! hundred units an arm, values say little about the number of groups all the same: the silhouette is the default.

use ndarray::{Array1, Array2, Axis};
use prescribe_models::arm_groups::Grouping;
use rand::Rng;
use serde::{Deserialize, Serialize};

use super::fitted::{FoldForests, off, on};
use super::{Choice, Clustering, clustered, problem};
use crate::forest::{Forest, Settings, Trial, assign};
use crate::random::stream;
use crate::solve::SolveError;

/// Trees of a forest whose groups are valued.
const VALUED_TREES: usize = 100;

/// A number of groups and what speaks for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// M, the control not counted where it is kept apart.
    pub groups: usize,
    /// The within-group sum of squares, a unit.
    pub within: f64,
    /// What the choice is by: larger is better.
    pub score: f64,
}

/// The groups of arms (K) by the number that the choice falls on, the first on ties, and all numbers there were.
pub(super) fn chosen(
    trial: &Trial,
    settings: &Settings,
    clustering: &Clustering,
    (folds, fitted): (&FoldForests, &Array2<f64>),
    (choice, seed): (Choice, u64),
) -> Result<(Vec<u16>, Vec<Candidate>), SolveError> {
    let arms = trial.arms - usize::from(clustering.keep_control);
    let numbers: Vec<usize> = Clustering::CANDIDATES.filter(|m| *m <= arms).collect();
    let model = problem(fitted, clustering, 1)?;
    let all: Vec<Vec<u16>> =
        numbers.iter().map(|&m| clustered(fitted, clustering, m)).collect::<Result<_, _>>()?;
    let from = usize::from(clustering.keep_control);
    let within: Vec<f64> = all.iter().map(|of| model.total(&clusters(of, from))).collect();
    let (scores, best) = match choice {
        Choice::Elbow => largest(elbows(model.cost_of(0..arms), &within)),
        Choice::Silhouette => {
            let distances = distances(fitted);
            largest(all.iter().map(|of| silhouette(&distances, of, from)).collect())
        }
        Choice::Value => {
            let values = values(trial, settings, clustering, folds, &numbers, seed)?;
            let (means, best) =
                largest(values.mean_axis(Axis(0)).map_or_else(Vec::new, |means| means.to_vec()));
            (means, best.and_then(|best| as_good(&values, best)))
        }
    };
    let candidates = numbers.iter().zip(&within).zip(&scores);
    let candidates =
        candidates.map(|((&groups, &within), &score)| Candidate { groups, within, score }).collect();
    match best {
        Some(best) => Ok((all[best].clone(), candidates)),
        // One arm is one group.
        None => Ok((clustered(fitted, clustering, 1)?, candidates)),
    }
}

/// The scores and which is largest, the first on ties.
fn largest(scores: Vec<f64>) -> (Vec<f64>, Option<usize>) {
    let best = (0..scores.len()).reduce(|best, m| if scores[m] > scores[best] { m } else { best });
    (scores, best)
}

/// The first column of units' values (n x numbers) that is worse than the best one by no more than a standard error.
fn as_good(values: &Array2<f64>, best: usize) -> Option<usize> {
    let error = |difference: &Array1<f64>| difference.std(1.0) / (values.nrows() as f64).sqrt();
    (0..values.ncols()).find(|&m| {
        let difference = &values.column(best) - &values.column(m);
        m == best || difference.mean().is_some_and(|mean| mean <= error(&difference))
    })
}

/// The groups of the arms that are clustered.
fn clusters(of: &[u16], from: usize) -> Vec<usize> {
    of[from..].iter().map(|g| *g as usize).collect()
}

/// How far each number is below the chord of the curve that begins with one group.
fn elbows(one: f64, within: &[f64]) -> Vec<f64> {
    let (count, last) = (within.len() as f64, within.last().copied().unwrap_or(one));
    let fall = if one > last { one - last } else { 1.0 };
    within.iter().enumerate().map(|(m, w)| (one - w) / fall - (m + 1) as f64 / count).collect()
}

/// Root mean squared differences of the arms (K x K).
fn distances(fitted: &Array2<f64>) -> Array2<f64> {
    let columns: Vec<Array1<f64>> = fitted.columns().into_iter().map(|column| column.to_owned()).collect();
    let mean = |a: usize, b: usize| (&columns[a] - &columns[b]).mapv(|d| d * d).mean().unwrap_or(0.0).sqrt();
    Array2::from_shape_fn((columns.len(), columns.len()), |(a, b)| mean(a, b))
}

fn silhouette(distances: &Array2<f64>, of: &[u16], from: usize) -> f64 {
    let arms: Vec<usize> = (from..of.len()).collect();
    let mut groups: Vec<u16> = of[from..].to_vec();
    groups.sort_unstable();
    groups.dedup();
    let to = |a: usize, group: u16| {
        let others: Vec<usize> = arms.iter().copied().filter(|&b| b != a && of[b] == group).collect();
        let sum: f64 = others.iter().map(|&b| distances[[a, b]]).sum();
        (!others.is_empty()).then(|| sum / others.len() as f64)
    };
    let of_arm = |&a: &usize| {
        let own = to(a, of[a])?;
        let other = groups.iter().filter(|g| **g != of[a]).filter_map(|&g| to(a, g)).reduce(f64::min)?;
        (own.max(other) > 0.0).then(|| (other - own) / own.max(other))
    };
    arms.iter().map(|a| of_arm(a).unwrap_or(0.0)).sum::<f64>() / arms.len() as f64
}

/// What each unit says of each number of groups (n x numbers), without having had a part in it.
fn values(
    trial: &Trial,
    settings: &Settings,
    clustering: &Clustering,
    folds: &FoldForests,
    numbers: &[usize],
    seed: u64,
) -> Result<Array2<f64>, SolveError> {
    let settings = Settings { trees: settings.trees.min(VALUED_TREES), ..settings.clone() };
    let shares = trial.shares();
    let mut values = Array2::zeros((trial.units(), numbers.len()));
    for (fold, forest) in folds.forests.iter().enumerate() {
        let seen = trial.select(&off(&folds.fold_of, fold));
        let held_out = on(&folds.fold_of, fold);
        let x = trial.x.select(Axis(0), &held_out);
        let fitted = forest.predict(seen.x.view());
        let estimates = forest.predict(x.view());
        for (candidate, &m) in numbers.iter().enumerate() {
            let groups = clustered(&fitted, clustering, m)?;
            let seed = stream(seed, &format!("{m} groups without fold {fold}")).random();
            let second = Forest::grow(&seen, &settings, Some(&groups), seed);
            let arms = assign(&second.predict(x.view()));
            for ((row, &i), a) in held_out.iter().enumerate().zip(arms) {
                let received = f64::from(u8::from(trial.arm[i] as usize == a));
                let rest = trial.mass(i) * (trial.utility[i] - estimates[[row, a]]) / shares[a];
                values[[i, candidate]] = estimates[[row, a]] + received * rest;
            }
        }
    }
    Ok(values)
}
