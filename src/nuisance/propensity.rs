//! Estimated propensity scores: e_ik = P(A_i = k | X_i) by a model fitted to the units outside the fold of i, of all
//! arms; clipped and trimmed, for an inverse that is too large makes a score of one unit outweigh all others.

use ndarray::{Array2, Axis};
use rayon::prelude::*;

use super::Folds;
use super::cross_fit::{Blocks, refuse_separated};
use super::forest::forest;
use super::logit::{Logit, Sample};
use super::moments::Columns;
use crate::data::{DataError, Place, Problem, PropensityRole, Study};

/// Propensity scores e (n x K), each row summing to 1: cross-fitted where the role names a model, else those of the study.
///
/// Fitted in parallel; the result does not depend on the number of threads.
///
/// # Errors
/// Kind `Data` where the folds are not those of the study or one holds all units of an arm, and where covariates separate
/// the arms, so that a logit model has no likelihood maximum.
pub fn propensities(
    study: &Study,
    folds: &Folds,
    role: &PropensityRole,
    seed: u64,
) -> Result<Array2<f64>, DataError> {
    match role {
        PropensityRole::Logit => logit(study, &Blocks::of(study, folds)?),
        PropensityRole::Forest => Ok(forests(study, &Blocks::of(study, folds)?, seed)),
        _ => Ok(study.propensity.clone()),
    }
}

fn logit(study: &Study, blocks: &Blocks) -> Result<Array2<f64>, DataError> {
    let design = study.design();
    let columns = Columns::new(design.view(), None);
    let moments = blocks.moments(&columns);
    let mut e = Array2::zeros(study.propensity.dim());
    // One fold after the other: a fit is itself in parallel.
    for f in 0..blocks.folds {
        let fitted = elsewhere(blocks, f);
        let sample = Sample { columns: &columns, units: &fitted, class: &study.arm, classes: blocks.arms };
        let model = Logit::fit(&sample, &blocks.moments_elsewhere(&moments, f, 0..blocks.arms))
            .map_err(|separated| refuse_separated(study, design.view(), None, &separated))?;
        blocks.fold(f).into_iter().for_each(|i| e.row_mut(i).assign(&model.probabilities(&columns, i)));
    }
    Ok(e)
}

/// One forest an arm, on the indicator of that arm, and rows scaled to a sum of 1; of two arms, one forest.
fn forests(study: &Study, blocks: &Blocks, seed: u64) -> Array2<f64> {
    let design = study.design();
    let first = if blocks.arms == 2 { 1 } else { 0 };
    let jobs: Vec<(usize, usize)> = blocks.pairs().into_iter().filter(|&(_, k)| k >= first).collect();
    let predict = |&(f, k): &(usize, usize)| {
        let received = |i: usize| f64::from(u8::from(study.arm[i] == k));
        let task = format!("propensity forest of fold {f} and arm {k}");
        forest(design.view(), &elsewhere(blocks, f), received, &blocks.fold(f), (seed, &task))
    };
    let predicted: Vec<Vec<f64>> = jobs.par_iter().map(predict).collect();
    let mut e = Array2::zeros(study.propensity.dim());
    for ((f, k), shares) in jobs.into_iter().zip(predicted) {
        blocks.fold(f).into_iter().zip(shares).for_each(|(i, share)| e[[i, k]] = share);
    }
    for mut row in e.rows_mut() {
        if blocks.arms == 2 {
            row[0] = 1.0 - row[1];
        }
        let sum = row.sum();
        row.mapv_inplace(|share| if sum > 0.0 { share / sum } else { 1.0 / blocks.arms as f64 });
    }
    e
}

/// The units outside fold f, of all arms.
fn elsewhere(blocks: &Blocks, f: usize) -> Vec<usize> {
    (0..blocks.arms).flat_map(|k| blocks.elsewhere(f, k)).collect()
}

/// Brings every score into [c, 1 - c], then scales rows to a sum of 1; returns how many scores of each arm (K) it moved.
///
/// # Errors
/// Kind `Usage` where c is 1/K or more.
pub(super) fn clip(study: &Study, e: &mut Array2<f64>, c: f64) -> Result<Vec<usize>, DataError> {
    let arms = e.ncols();
    if c * arms as f64 >= 1.0 {
        return Err(Place::file(&study.source).refuse(Problem::ClipTooLarge { clip: c, arms }));
    }
    let outside = |e: f64| e < c || e > 1.0 - c;
    let clipped = e.columns().into_iter().map(|column| column.iter().filter(|e| outside(**e)).count());
    let clipped: Vec<usize> = clipped.collect();
    for mut row in e.rows_mut().into_iter().filter(|row| row.iter().any(|e| outside(*e))) {
        row.mapv_inplace(|e| e.clamp(c, 1.0 - c));
        let sum = row.sum();
        row /= sum;
    }
    Ok(clipped)
}

/// The units of which every score lies in [t, 1 - t].
///
/// # Errors
/// Kind `Data` where no unit of some arm does.
pub(super) fn overlapping(study: &Study, e: &Array2<f64>, t: f64) -> Result<Vec<usize>, DataError> {
    let inside = |&i: &usize| e.row(i).iter().all(|e| (t..=1.0 - t).contains(e));
    let kept: Vec<usize> = (0..study.units()).filter(inside).collect();
    match (0..study.arms.len()).find(|&k| kept.iter().all(|&i| study.arm[i] != k)) {
        Some(k) => {
            let problem = Problem::ArmTrimmed { arm: study.arms[k].clone(), trim: t };
            Err(Place::file(&study.source).refuse(problem))
        }
        None => Ok(kept),
    }
}

/// Refuses scores of 0 and 1, about which the data say nothing, and less than nothing once they are divided by.
pub(super) fn refuse_unreached(study: &Study, e: &Array2<f64>) -> Result<(), DataError> {
    let outside = e.indexed_iter().find(|(_, e)| !(**e > 0.0 && **e < 1.0));
    let Some(((i, k), &value)) = outside else { return Ok(()) };
    let problem = Problem::PropensityEstimated { value, arm: study.arms[k].clone(), row: study.rows[i] + 1 };
    Err(Place::file(&study.source).refuse(problem))
}

/// The rows of some units.
pub(super) fn rows(matrix: &Array2<f64>, units: &[usize]) -> Array2<f64> {
    matrix.select(Axis(0), units)
}
