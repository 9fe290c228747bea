//! AIPW scores against statsmodels, which fitted the same models on the same folds (independent.py, independent/SOURCE).

use std::path::Path;

use prescribe::data::{OutcomeModel, PropensityRole, read_matrix};
use prescribe::nuisance::{Folds, cross_fit, propensities};
use prescribe::score::aipw;

use super::*;

const FOLDS: usize = 5;

/// A stored table, column by column.
fn stored(name: &str) -> (Vec<String>, Array2<f64>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scores/independent");
    let matrix = read_matrix(&folder.join(format!("{name}.csv"))).unwrap();
    (matrix.names, matrix.values)
}

fn assert_as_stored(name: &str, arms: usize) {
    let (names, data) = stored(name);
    let column = |wanted: &str| data.column(names.iter().position(|name| name == wanted).unwrap()).to_owned();
    let labels = |wanted: &str| column(wanted).iter().map(|&number| number as usize).collect::<Vec<_>>();
    let x = Array2::from_shape_fn((data.nrows(), 4), |(i, j)| column(&format!("x{}", j + 1))[i]);
    let none = Array2::from_elem((data.nrows(), arms), f64::NAN);
    let mut study = study(x, labels("arm"), column("y"), none);
    let folds = Folds { fold_of: labels("fold"), count: FOLDS };
    study.propensity = propensities(&study, &folds, &PropensityRole::Logit, 1).unwrap();

    let (names, expected) = stored(&format!("{name}_scores"));
    let assert_columns = |kind: &str, found: &Array2<f64>| {
        for ((i, k), found) in found.indexed_iter() {
            let j = names.iter().position(|name| *name == format!("{kind}_{k}")).unwrap();
            let off = (found - expected[[i, j]]).abs();
            assert!(off <= 1e-8, "{name}, {kind}, unit {i}, arm {k}: {found} beside {}", expected[[i, j]]);
        }
    };
    assert_columns("propensity", &study.propensity);
    let mu = cross_fit(&study, &folds, &OutcomeModel::Linear, 1).unwrap();
    assert_columns("linear", &aipw(&study, &mu).unwrap());
    study.outcome = column("z");
    let mu = cross_fit(&study, &folds, &OutcomeModel::Logistic, 1).unwrap();
    assert_columns("logistic", &aipw(&study, &mu).unwrap());
}

#[test]
fn two_arms_as_statsmodels_scores_them() {
    assert_as_stored("two_arms", 2);
}

#[test]
fn three_arms_as_statsmodels_scores_them() {
    assert_as_stored("three_arms", 3);
}
