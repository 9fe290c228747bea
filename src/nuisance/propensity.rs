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
        let sample = Sample {
            columns: &columns,
            units: &fitted,
            class: &study.arm,
            classes: blocks.arms,
            may: study.eligible.as_ref(),
        };
        let model = Logit::fit(&sample, &blocks.moments_elsewhere(&moments, f, 0..blocks.arms))
            .map_err(|separated| refuse_separated(study, None, &separated))?;
        for i in blocks.fold(f) {
            let may = study.eligible.as_ref().map(|may| may.row(i));
            e.row_mut(i).assign(&model.probabilities(&columns, i, may));
        }
    }
    Ok(e)
}

/// One forest an arm, on the indicator of that arm among the units that may get it, and rows scaled to a sum of 1; of two
/// arms that all may get, one forest.
fn forests(study: &Study, blocks: &Blocks, seed: u64) -> Array2<f64> {
    let design = study.design();
    let one = blocks.arms == 2 && study.eligible.is_none();
    let jobs: Vec<(usize, usize)> = blocks.pairs().into_iter().filter(|&(_, k)| k > 0 || !one).collect();
    let predict = |&(f, k): &(usize, usize)| {
        let received = |i: usize| f64::from(u8::from(study.arm[i] == k));
        let task = format!("propensity forest of fold {f} and arm {k}");
        let fitted: Vec<usize> = elsewhere(blocks, f).into_iter().filter(|&i| study.may_get(i, k)).collect();
        forest(design.view(), &fitted, received, &blocks.fold(f), (seed, &task))
    };
    let predicted: Vec<Vec<f64>> = jobs.par_iter().map(predict).collect();
    let mut e = Array2::zeros(study.propensity.dim());
    for ((f, k), shares) in jobs.into_iter().zip(predicted) {
        let of_eligible = blocks.fold(f).into_iter().zip(shares).filter(|&(i, _)| study.may_get(i, k));
        of_eligible.for_each(|(i, share)| e[[i, k]] = share);
    }
    for (i, mut row) in e.rows_mut().into_iter().enumerate() {
        if one {
            row[0] = 1.0 - row[1];
        }
        let sum = row.sum();
        let open = (0..blocks.arms).filter(|&k| study.may_get(i, k)).count() as f64;
        for (k, share) in row.iter_mut().enumerate() {
            // Leaves without any unit of an arm, for every arm, say nothing.
            let nothing = if study.may_get(i, k) { 1.0 / open } else { 0.0 };
            *share = if sum > 0.0 { *share / sum } else { nothing };
        }
    }
    e
}

/// The units outside fold f, of all arms.
fn elsewhere(blocks: &Blocks, f: usize) -> Vec<usize> {
    (0..blocks.arms).flat_map(|k| blocks.elsewhere(f, k)).collect()
}

/// Brings every score of an arm that a unit may get, beside another, into [c, 1 - c], then scales rows to a sum of 1; returns
/// how many scores of each arm (K) it moved.
///
/// # Errors
/// Kind `Usage` where c is 1/K or more.
pub(super) fn clip(study: &Study, e: &mut Array2<f64>, c: f64) -> Result<Vec<usize>, DataError> {
    let arms = e.ncols();
    if c * arms as f64 >= 1.0 {
        return Err(Place::file(&study.source).refuse(Problem::ClipTooLarge { clip: c, arms }));
    }
    let mut clipped = vec![0; arms];
    for (i, mut row) in e.rows_mut().into_iter().enumerate() {
        let mut moved = false;
        for (k, e) in row.iter_mut().enumerate().filter(|&(k, _)| is_chance(study, i, k)) {
            let inside = e.clamp(c, 1.0 - c);
            clipped[k] += usize::from(inside != *e);
            moved |= inside != *e;
            *e = inside;
        }
        if moved {
            let sum = row.sum();
            row /= sum;
        }
    }
    Ok(clipped)
}

/// The units of which every score of an arm that they may get, beside another, lies in [t, 1 - t].
///
/// # Errors
/// Kind `Data` where no unit of some arm does.
pub(super) fn overlapping(study: &Study, e: &Array2<f64>, t: f64) -> Result<Vec<usize>, DataError> {
    let inside = |i: usize, k: usize| !is_chance(study, i, k) || (t..=1.0 - t).contains(&e[[i, k]]);
    let kept: Vec<usize> = (0..study.units()).filter(|&i| (0..e.ncols()).all(|k| inside(i, k))).collect();
    match (0..study.arms.len()).find(|&k| kept.iter().all(|&i| study.arm[i] != k)) {
        Some(k) => {
            let problem = Problem::ArmTrimmed { arm: study.arms[k].clone(), trim: t };
            Err(Place::file(&study.source).refuse(problem))
        }
        None => Ok(kept),
    }
}

/// Refuses scores of 0 and 1 where there is a choice: about what chance cannot reach the data say nothing.
pub(super) fn refuse_unreached(study: &Study, e: &Array2<f64>) -> Result<(), DataError> {
    let unreached = |&((i, k), e): &((usize, usize), &f64)| is_chance(study, i, k) && !(*e > 0.0 && *e < 1.0);
    let Some(((i, k), &value)) = e.indexed_iter().find(unreached) else { return Ok(()) };
    let problem = Problem::PropensityEstimated { value, arm: study.arms[k].clone(), row: study.rows[i] + 1 };
    Err(Place::file(&study.source).refuse(problem))
}

/// Whether unit i may get arm k, and might have got another.
fn is_chance(study: &Study, i: usize, k: usize) -> bool {
    study.may_get(i, k) && (0..study.arms.len()).any(|other| other != k && study.may_get(i, other))
}

/// The rows of some units.
pub(super) fn rows(matrix: &Array2<f64>, units: &[usize]) -> Array2<f64> {
    matrix.select(Axis(0), units)
}
