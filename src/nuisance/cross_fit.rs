//! Cross-fitting: mu_ik, the outcome expected of unit i under arm k, predicted by a model fitted to the units that
//! received arm k and lie outside the fold of i (Chernozhukov et al. 2018, Definition 3.1).

use ndarray::Array2;
use rayon::prelude::*;

use super::forest::forest;
use super::logit::{Logit, Sample, Separated};
use super::moments::{Columns, Moments};
use super::{Folds, LinearModel};
use crate::data::{DataError, OutcomeModel, Place, Problem, Study, terms};

/// Predictions mu (n x K), in outcome units, of one model for each fold and arm, or the user's own as they are.
///
/// The models are fitted in parallel; the result does not depend on the number of threads, because each is computed
/// by itself and written where it belongs.
///
/// # Errors
/// Kind `Data` where the folds are not those of the study or leave nothing to fit, where a prediction is not finite
/// because the numbers are too large to compute with, where a logistic model has an outcome that is neither 0 nor 1 or
/// covariates that separate 0 from 1, and where the user's own predictions are asked for and the study has none.
pub fn cross_fit(
    study: &Study,
    folds: &Folds,
    model: &OutcomeModel,
    seed: u64,
) -> Result<Array2<f64>, DataError> {
    if let OutcomeModel::Columns(_) = model {
        return own_predictions(study);
    }
    let design = study.design();
    let blocks = Blocks::of(study, folds)?;
    let mu = match model {
        OutcomeModel::Logistic => logistic(study, &design, &blocks)?,
        OutcomeModel::Forest => forests(study, &design, &blocks, seed),
        _ => linear(study, &design, &blocks),
    };
    study.check_matrix("the outcome predictions", &mu)?;
    Ok(mu)
}

/// The predictions (n x K) that the study brings along.
///
/// # Errors
/// Kind `Data` where it brings none.
pub(super) fn own_predictions(study: &Study) -> Result<Array2<f64>, DataError> {
    study.predictions.clone().ok_or_else(|| {
        let (n, arms) = study.propensity.dim();
        let (expected, found) = (format!("{n} x {arms}"), "none".to_string());
        Place::file(&study.source).refuse(Problem::Shape { what: "the outcome predictions", expected, found })
    })
}

/// The units of each fold and arm.
pub(super) struct Blocks {
    pub folds: usize,
    pub arms: usize,
    /// (F x K, an arm after the other within a fold)
    units: Vec<Vec<usize>>,
}

impl Blocks {
    /// # Errors
    /// Kind `Data` where the folds are not those of the study, or one of them holds all units of an arm.
    pub fn of(study: &Study, folds: &Folds) -> Result<Blocks, DataError> {
        let (n, arms) = study.propensity.dim();
        let file = Place::file(&study.source);
        if folds.fold_of.len() != n || folds.fold_of.iter().any(|&f| f >= folds.count) {
            let (expected, found) = (format!("{n} long"), format!("{} long", folds.fold_of.len()));
            return Err(file.refuse(Problem::Shape { what: "the fold of each unit", expected, found }));
        }
        let mut units = vec![Vec::new(); folds.count * arms];
        (0..n).for_each(|i| units[folds.fold_of[i] * arms + study.arm[i]].push(i));
        let blocks = Blocks { folds: folds.count, arms, units };
        for (f, k) in blocks.pairs() {
            if blocks.elsewhere(f, k).next().is_none() {
                let problem = Problem::ArmInOneFold { arm: study.arms[k].clone(), clusters: 1 };
                return Err(file.refuse(problem));
            }
        }
        Ok(blocks)
    }

    /// Every fold and arm.
    pub fn pairs(&self) -> Vec<(usize, usize)> {
        (0..self.folds).flat_map(|f| (0..self.arms).map(move |k| (f, k))).collect()
    }

    /// The units of arm k in fold f.
    pub fn get(&self, f: usize, k: usize) -> &[usize] {
        &self.units[f * self.arms + k]
    }

    /// The units of fold f, arm by arm.
    pub fn fold(&self, f: usize) -> Vec<usize> {
        (0..self.arms).flat_map(|k| self.get(f, k)).copied().collect()
    }

    /// The units of arm k outside fold f.
    pub fn elsewhere(&self, f: usize, k: usize) -> impl Iterator<Item = usize> + '_ {
        (0..self.folds).filter(move |&other| other != f).flat_map(move |other| self.get(other, k)).copied()
    }

    /// The moments of each block, read in parallel.
    pub fn moments(&self, columns: &Columns) -> Vec<Moments> {
        self.units.par_iter().map(|units| Moments::of(columns, units)).collect()
    }

    /// The moments of the units outside fold f and of the arms `which`.
    pub fn moments_elsewhere(&self, moments: &[Moments], f: usize, which: std::ops::Range<usize>) -> Moments {
        let others = (0..self.folds).filter(|&other| other != f);
        let of: Vec<&Moments> =
            others.flat_map(|other| which.clone().map(move |k| &moments[other * self.arms + k])).collect();
        Moments::join(&of).expect("no fold holds all units of an arm")
    }

    /// A matrix (n x K) from what was predicted for each fold and arm, in the order of the units of [`Blocks::fold`].
    fn gather(&self, predicted: Vec<Vec<f64>>) -> Array2<f64> {
        let mut matrix = Array2::zeros((self.units.iter().map(Vec::len).sum(), self.arms));
        for ((f, k), predictions) in self.pairs().into_iter().zip(predicted) {
            self.fold(f).into_iter().zip(predictions).for_each(|(i, prediction)| matrix[[i, k]] = prediction);
        }
        matrix
    }
}

fn linear(study: &Study, design: &Array2<f64>, blocks: &Blocks) -> Array2<f64> {
    let columns = Columns::new(design.view(), Some(study.outcome.view()));
    let moments = blocks.moments(&columns);
    let predict = |&(f, k): &(usize, usize)| {
        let model = LinearModel::of(&blocks.moments_elsewhere(&moments, f, k..k + 1), &columns.scales);
        blocks.fold(f).into_iter().map(|i| model.predict(design.row(i))).collect()
    };
    blocks.gather(blocks.pairs().par_iter().map(predict).collect())
}

fn logistic(study: &Study, design: &Array2<f64>, blocks: &Blocks) -> Result<Array2<f64>, DataError> {
    let class = binary(study)?;
    let columns = Columns::new(design.view(), None);
    let moments = blocks.moments(&columns);
    let predict = |&(f, k): &(usize, usize)| -> Result<Vec<f64>, DataError> {
        let (fitted, predicted) = (blocks.elsewhere(f, k).collect::<Vec<_>>(), blocks.fold(f));
        let sample = Sample { columns: &columns, units: &fitted, class: &class, classes: 2, may: None };
        let moments = blocks.moments_elsewhere(&moments, f, k..k + 1);
        probabilities_of_one(study, &sample, &moments, &predicted, k)
    };
    let predicted: Vec<Result<Vec<f64>, DataError>> = blocks.pairs().par_iter().map(predict).collect();
    // Only now for errors, so that the first in order is reported, and not the first in time.
    Ok(blocks.gather(predicted.into_iter().collect::<Result<_, _>>()?))
}

/// The probabilities of outcome 1 of the units `predicted`, by a logistic model of arm k fitted to the sample.
pub(super) fn probabilities_of_one(
    study: &Study,
    sample: &Sample,
    moments: &Moments,
    predicted: &[usize],
    k: usize,
) -> Result<Vec<f64>, DataError> {
    let first = sample.class[sample.units[0]];
    // Likelihood is the greater the nearer the probability is to an outcome that all have.
    if sample.units.iter().all(|&i| sample.class[i] == first) {
        return Ok(vec![first as f64; predicted.len()]);
    }
    let model =
        Logit::fit(sample, moments).map_err(|separated| refuse_separated(study, Some(k), &separated))?;
    Ok(predicted.iter().map(|&i| model.probabilities(sample.columns, i, None)[1]).collect())
}

/// The outcomes as classes.
pub(super) fn binary(study: &Study) -> Result<Vec<usize>, DataError> {
    let class =
        |(i, &value): (usize, &f64)| match value {
            0.0 => Ok(0),
            1.0 => Ok(1),
            _ => Err(Place::file(&study.source)
                .refuse(Problem::OutcomeNotBinary { value, row: study.rows[i] + 1 })),
        };
    study.outcome.iter().enumerate().map(class).collect()
}

fn forests(study: &Study, design: &Array2<f64>, blocks: &Blocks, seed: u64) -> Array2<f64> {
    let predict = |&(f, k): &(usize, usize)| {
        let (fitted, predicted) = (blocks.elsewhere(f, k).collect::<Vec<_>>(), blocks.fold(f));
        let task = format!("outcome forest of fold {f} and arm {k}");
        forest(design.view(), &fitted, |i| study.outcome[i], &predicted, (seed, &task))
    };
    blocks.gather(blocks.pairs().par_iter().map(predict).collect())
}

/// Outcome predictions (n) by forests of all arms together, each on the units outside the fold that it predicts.
pub(crate) fn pooled_forest(study: &Study, folds: &Folds, seed: u64) -> Vec<f64> {
    let design = study.design();
    let mut predicted = vec![0.0; study.units()];
    for f in 0..folds.count {
        let (inside, outside): (Vec<usize>, Vec<usize>) =
            (0..study.units()).partition(|&i| folds.fold_of[i] == f);
        let task = format!("outcome forest of all arms outside fold {f}");
        let values = forest(design.view(), &outside, |i| study.outcome[i], &inside, (seed, &task));
        inside.into_iter().zip(values).for_each(|(i, value)| predicted[i] = value);
    }
    predicted
}

/// Names what separates classes: the arms, or the outcomes within arm k.
pub(super) fn refuse_separated(study: &Study, within: Option<usize>, separated: &Separated) -> DataError {
    let file = Place::file(&study.source);
    let terms = terms(&study.covariates, &study.x);
    let place = match separated.covariate.and_then(|j| terms.get(j)) {
        Some(term) => file.column(term.covariate()),
        None => file,
    };
    place.refuse(match within {
        None => Problem::ArmSeparated { arm: study.arms[separated.class].clone() },
        Some(k) => Problem::OutcomeSeparated { arm: study.arms[k].clone() },
    })
}
