//! Cross-fitting: mu_ik, the outcome expected of unit i under arm k, predicted by a model fitted to the units that
//! received arm k and lie outside the fold of i (Chernozhukov et al. 2018, Definition 3.1).

use ndarray::{Array2, ArrayView2, Axis};
use rayon::prelude::*;

use super::{Folds, LinearModel};
use crate::data::{DataError, Place, Problem, Study};

/// Predictions mu (n x K), in outcome units, of one linear model for each fold and arm.
///
/// The models are fitted in parallel; the result does not depend on the number of threads, because each is computed
/// by itself and written where it belongs.
///
/// # Errors
/// Kind `Data` where the folds are not those of the study, or a prediction is not finite because the numbers are
/// too large to compute with.
pub fn cross_fit(study: &Study, folds: &Folds) -> Result<Array2<f64>, DataError> {
    let (n, arms) = study.propensity.dim();
    let file = Place::file(&study.source);
    if folds.fold_of.len() != n {
        let (expected, found) = (format!("{n} long"), format!("{} long", folds.fold_of.len()));
        return Err(file.refuse(Problem::Shape { what: "the fold of each unit", expected, found }));
    }
    let pairs: Vec<(usize, usize)> = (0..folds.count).flat_map(|f| (0..arms).map(move |k| (f, k))).collect();
    let design = study.design();
    let predicted: Vec<Vec<(usize, f64)>> =
        pairs.par_iter().map(|&(f, k)| predict(study, design.view(), folds, f, k)).collect();

    let mut mu = Array2::zeros((n, arms));
    for (&(_, k), predictions) in pairs.iter().zip(predicted) {
        for (i, prediction) in predictions {
            mu[[i, k]] = prediction;
        }
    }
    study.check_matrix("the outcome predictions", &mu)?;
    Ok(mu)
}

/// The outcomes under arm k of the units in fold f, by the model that knows neither.
fn predict(study: &Study, design: ArrayView2<f64>, folds: &Folds, f: usize, k: usize) -> Vec<(usize, f64)> {
    let units = 0..study.units();
    let (fitted, predicted): (Vec<usize>, Vec<usize>) = units.partition(|&i| folds.fold_of[i] != f);
    let fitted: Vec<usize> = fitted.into_iter().filter(|&i| study.arm[i] == k).collect();
    let x = design.select(Axis(0), &fitted);
    let y = study.outcome.select(Axis(0), &fitted);
    let model = LinearModel::fit(x.view(), y.view());
    predicted.into_iter().map(|i| (i, model.predict(design.row(i)))).collect()
}
