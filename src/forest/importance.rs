//! What a learned assignment looks at.
//!
//! ```text
//! splits   share of the splits at covariate j, a split d levels below the root counting 2^-d: about the share of the units that it sorts
//! changed  share of the units whose arm changes when the values of covariate j are permuted among the units of their fold
//! lost     value of the assignment less its value with these values permuted, by doubly robust rewards; paired, unit by unit
//! ```
//!
//! Permuted values go through what was learned without the fold, so that what is lost is lost on units not learned from (Breiman 2001, section 10, with
//! the value in place of the error). Terms of one covariate (levels, missing or not) are permuted together.

use ndarray::Axis;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use super::{CrossFit, Learned, assign_among};
use crate::data::{Design, Study, terms};
use crate::evaluate::{Estimate, Sampling};
use crate::random::stream;
use crate::solve::growth::{Node, Tree};

/// How much an assignment depends on a covariate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Importance {
    pub covariate: String,
    /// Depth-weighted share of the splits; 0 where no tree splits.
    pub splits: f64,
    /// Share of the units whose arm changes when the covariate is permuted.
    pub changed: f64,
    /// Value lost when the covariate is permuted, in units of the outcome; above 0 where the covariate helps.
    pub lost: Estimate,
}

/// The importance of every covariate of the study, in its order: splits of the assignment learned from all units, the rest by those that were
/// learned without each fold.
pub fn importance(whole: &Learned, folds: &CrossFit, study: &Study, seed: u64) -> Vec<Importance> {
    let splits = splits(whole, study);
    let sampling = Sampling::of(study);
    let given = folds.assignment(study);
    let one = |(j, covariate): (usize, String)| {
        let permuted = permuted(folds, study, j, seed);
        let changed = given.iter().zip(&permuted).filter(|(a, b)| a != b).count();
        let lost = |i: usize| folds.rewards[[i, given[i]]] - folds.rewards[[i, permuted[i]]];
        Importance {
            covariate,
            splits: splits[j],
            changed: changed as f64 / study.units() as f64,
            lost: Estimate::of_mean(lost, &sampling),
        }
    };
    study.covariate_names().into_iter().enumerate().map(one).collect()
}

/// The depth-weighted share of the splits at each covariate.
fn splits(learned: &Learned, study: &Study) -> Vec<f64> {
    let (names, terms) = (study.covariate_names(), terms(&study.covariates, &study.x));
    let of_term: Vec<usize> =
        terms.iter().filter_map(|term| names.iter().position(|name| name == term.covariate())).collect();
    let mut shares = vec![0.0; names.len()];
    for valued in learned.valued_trees() {
        depths(&valued.tree).for_each(|(term, depth)| shares[of_term[term]] += 0.5_f64.powi(depth));
    }
    let total: f64 = shares.iter().sum();
    shares.iter().map(|share| if total > 0.0 { share / total } else { 0.0 }).collect()
}

/// The term and the depth of every split.
fn depths(tree: &Tree) -> impl Iterator<Item = (usize, i32)> {
    let mut depth = vec![0; tree.nodes.len()];
    for (node, kind) in tree.nodes.iter().enumerate() {
        if let Node::Split { left, right, .. } = *kind {
            // Children come after their parent.
            [left, right].iter().for_each(|&child| depth[child as usize] = depth[node] + 1);
        }
    }
    let split = move |(node, kind): (usize, &Node)| match *kind {
        Node::Split { covariate, .. } => Some((covariate as usize, depth[node])),
        Node::Leaf { .. } => None,
    };
    tree.nodes.iter().enumerate().filter_map(split)
}

/// The arm of each unit when the values of covariate j are permuted among the units of its fold.
fn permuted(folds: &CrossFit, study: &Study, j: usize, seed: u64) -> Vec<usize> {
    let mut arms = vec![0; study.units()];
    let terms = terms(&study.covariates, &study.x);
    let design = Design::new(&terms, &study.covariates);
    for (f, learned) in folds.learned.iter().enumerate() {
        let own: Vec<usize> = (0..study.units()).filter(|&i| folds.folds.fold_of[i] == f).collect();
        let mut from = own.clone();
        from.shuffle(&mut stream(seed, &format!("permute {j} in fold {f}")));
        let mut x = study.x.select(Axis(0), &own);
        x.column_mut(j).iter_mut().zip(&from).for_each(|(value, &i)| *value = study.x[[i, j]]);
        let estimates = learned.effects(design.matrix(&x).view());
        let given = assign_among(&estimates, |u, k| study.may_get(own[u], k));
        own.iter().zip(given).for_each(|(&i, arm)| arms[i] = arm);
    }
    arms
}
