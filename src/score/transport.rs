//! Weights that carry a study to a target population: those nearest to the study's own with the target's means of the
//! covariates, or of their terms where they are categories or miss values ([`Term`]). This is entropy balancing
//! (Hainmueller 2012), which tilts the study exponentially,
//!
//! ```text
//! min_v  sum_i v_i log(v_i / w_i)   s.t.  sum_i v_i = 1,  sum_i v_i x_i = m
//! v_i  = w_i exp(l'z_i) / sum_j w_j exp(l'z_j)        z_ij = (x_ij - m_j) / r_j
//! l    = argmin log sum_i w_i exp(l'z_i)              (the dual, see [`crate::solve::newton`])
//! ```
//!
//! with the sample weights w of the study, the target's means m and the ranges r of the study's covariates. The weighted
//! mean of scores estimates the value in the target population if outcomes given covariates and arm are alike in both,
//! and either the odds of belonging to the target are log-linear in x, or what the rule brings is linear in x (Josey,
//! Berkowitz, Ghosh and Raghavan 2021, "Transporting experimental results with entropy balancing").
//!
//! Standard errors take the weights as known and the target's means as they are: they leave out what the means would
//! vary between samples of the target, and count in what the balance has removed, the part of the scores linear in x.

use ndarray::{Array1, Array2, ArrayView1, Axis};

use crate::data::{
    DataError, Design, Missing, Place, Problem, Study, Table, Term, read_complete_covariates, terms,
};
use crate::models::calibration::{Calibration, Discrepancy};
use crate::solve::highs::HighsOracle;
use crate::solve::newton::Newton;
use crate::solve::{self, Options, Silent};

/// Replaces the weights of a study by those that give it the target's covariate means; a warning says what that costs.
///
/// # Errors
/// Kind `Data` where the target has no such covariates, no weights reach its means, or those that do leave an arm out.
pub fn transport(study: &mut Study, target: &Table, missing: Missing) -> Result<(), DataError> {
    let x = read_complete_covariates(target, &study.covariates, missing)?;
    let z = Design::new(&terms(&study.covariates, &study.x), &study.covariates).matrix(&x);
    let rows = z.nrows();
    // Divided first, because a sum of large numbers may overflow; equal values have just that mean.
    let mean = |column: ArrayView1<f64>| {
        let (least, most) = range(column.iter().copied());
        column.iter().map(|value| value / rows as f64).sum::<f64>().clamp(least, most)
    };
    let means = z.map_axis(Axis(0), mean);
    let weights = tilted(study, means.view())?;
    refuse_empty_arm(study, &weights)?;
    let n = weights.len() as f64;
    let effective = n * n / weights.dot(&weights);
    let largest = weights.fold(0.0, |largest: f64, weight| largest.max(*weight));
    study.warnings.push(format!(
        "{}: weighted to the covariate means of {} ({rows} of {} rows); {} units count as {effective:.1}, the largest \
         weight is {largest:.2} times the mean",
        study.source,
        target.source(),
        target.row_count(),
        study.units()
    ));
    study.weights = Some(weights);
    Ok(())
}

/// An arm of which only units without weight are left tells nothing about the target.
fn refuse_empty_arm(study: &Study, weights: &Array1<f64>) -> Result<(), DataError> {
    let mut weighted = vec![false; study.arms.len()];
    weights.iter().zip(&study.arm).for_each(|(weight, &k)| weighted[k] |= *weight > 0.0);
    match weighted.iter().position(|weighted| !weighted) {
        None => Ok(()),
        Some(k) => {
            let problem = Problem::ArmWithoutWeight { arm: study.arms[k].clone() };
            Err(Place::file(&study.source).refuse(problem))
        }
    }
}

/// Weights (n) of mean 1 that give the terms of the study's covariates (n x q) the means `means` (q), nearest to the
/// weights it has.
///
/// # Errors
/// Kind `Data` where there are none, naming the covariate that lies outside the study's range, or those that together do.
pub fn tilted(study: &Study, means: ArrayView1<f64>) -> Result<Array1<f64>, DataError> {
    let design = study.design();
    let names: Vec<String> = terms(&study.covariates, &study.x).iter().map(Term::name).collect();
    let base = base(study, &design, &names, means)?;
    let kept: Vec<usize> = (0..study.units()).filter(|&i| base[i] > 0.0).collect();
    let z = standardised(&design, means).select(Axis(0), &kept);
    let (n, q) = (study.units() as f64, z.ncols());
    let model = Calibration::new(z, Array1::zeros(q), Discrepancy::ENTROPY)
        .and_then(|model| model.with_base(kept.iter().map(|&i| base[i]).collect()))
        .and_then(|model| model.with_scale(Array1::ones(q)))
        .map_err(|_| not_reached(study, &names, &Array1::ones(q)))?;
    let found = solve::solve(&model, &Newton, None, &Options::default(), &Silent).ok();
    let Some(found) = found.and_then(|report| report.point) else {
        let direction = model.separation(&mut HighsOracle::default()).map(|separation| separation.direction);
        return Err(not_reached(study, &names, &direction.unwrap_or_else(|_| Array1::ones(q))));
    };
    let mut weights = Array1::zeros(study.units());
    kept.iter().zip(found).for_each(|(&i, w)| weights[i] = w * n);
    Ok(weights)
}

/// The weights that the study has, 0 for the units that the target has none like: where a mean lies on the edge of a
/// term's values, nobody off that edge can count.
fn base(
    study: &Study,
    design: &Array2<f64>,
    names: &[String],
    means: ArrayView1<f64>,
) -> Result<Array1<f64>, DataError> {
    let mut base: Array1<f64> = (0..study.units()).map(|i| study.weight(i)).collect();
    for ((name, column), &mean) in names.iter().zip(design.columns()).zip(means) {
        let weighted = column.iter().zip(&base).filter(|(_, weight)| **weight > 0.0);
        let (least, most) = range(weighted.map(|(x, _)| *x));
        if !(least <= mean && mean <= most) {
            let problem = Problem::TargetOutside { covariate: name.clone(), mean, least, most };
            return Err(Place::file(&study.source).refuse(problem));
        }
        if mean == least || mean == most {
            base.zip_mut_with(&column, |weight, &x| *weight = if x == mean { *weight } else { 0.0 });
        }
    }
    Ok(base)
}

/// z (n x q); a covariate that does not vary is at the target already. Halves keep every difference finite.
fn standardised(design: &Array2<f64>, means: ArrayView1<f64>) -> Array2<f64> {
    let mut z = design / 2.0 - &(&means / 2.0);
    for (mut z, x) in z.columns_mut().into_iter().zip(design.columns()) {
        let (least, most) = range(x.iter().copied());
        if least < most {
            z /= most / 2.0 - least / 2.0;
        }
    }
    z
}

fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), x| (least.min(x), most.max(x)))
}

/// Names the covariates that decide the direction in which the target lies outside.
fn not_reached(study: &Study, names: &[String], direction: &Array1<f64>) -> DataError {
    let largest = direction.iter().fold(0.0, |most: f64, l| most.max(l.abs()));
    let decides = |j: &usize| direction[*j].abs() >= 0.1 * largest;
    let covariates = (0..names.len()).filter(decides).map(|j| names[j].clone()).collect();
    Place::file(&study.source).refuse(Problem::TargetNotReached { covariates })
}
