//! Propensity scores e_ik = P(A_i = k | X_i) as an n x K matrix, each in (0, 1), each row summing to 1; and outcome
//! predictions mu_ik (n x K) that the file brings along.
//!
//! Where not every unit may get every arm, e_ik is 0 for the arms that unit i may not get: shares are taken among the units
//! that may get the same arms, and known scores are divided by their sum over the arms that the unit may get.

use std::collections::{BTreeMap, HashMap};

use ndarray::{Array2, ArrayView1, Axis};

use super::error::quoted;
use super::labels::members;
use super::matrix::columns;
use super::{DataError, OutcomeModel, Place, Problem, PropensityRole, Purpose, Study, Table};

/// How far a row may sum from 1, for numbers written with few digits.
const SUM_TOLERANCE: f64 = 1e-6;

/// The propensity scores of the rows of `table`, whose units are in the arms `arm` (indices into `arms`); where a model
/// is to estimate them, the observed shares until it has.
pub(super) fn propensity(
    table: &Table,
    role: &PropensityRole,
    arms: &[String],
    arm: &[usize],
    eligible: Option<&Array2<bool>>,
) -> Result<Array2<f64>, DataError> {
    let scores = match role {
        PropensityRole::ObservedShares | PropensityRole::Logit | PropensityRole::Forest
            if eligible.is_none() =>
        {
            Ok(same_for_all(&shares(arms.len(), arm), arm.len()))
        }
        PropensityRole::ObservedShares | PropensityRole::Logit | PropensityRole::Forest => {
            within_strata(table, &[], arms, arm, eligible)
        }
        PropensityRole::Strata(names) => within_strata(table, names, arms, arm, eligible),
        PropensityRole::Constants(constants) => from_constants(table, constants, arms),
        PropensityRole::Columns(names) => from_columns(table, names, arms, eligible),
        PropensityRole::TreatedColumn(name) => from_treated(table, name, arms, eligible),
    }?;
    Ok(match eligible {
        None => scores,
        Some(eligible) => restricted(scores, eligible),
    })
}

/// The propensity scores (m x K) of the rows of `new`, whose arms are not known, as far as they follow from the role: from columns of
/// its own, or from the shares that the study read from `table` has, in all or in the row's stratum. Where a model is to estimate
/// them there are none.
///
/// # Errors
/// As [`Study::from_table`] for the columns of scores; a stratum that the study does not have.
pub fn propensity_elsewhere(
    new: &Table,
    role: &PropensityRole,
    study: &Study,
    table: &Table,
) -> Result<Option<Array2<f64>>, DataError> {
    let arms = &study.arms;
    match role {
        PropensityRole::Logit | PropensityRole::Forest => Ok(None),
        PropensityRole::ObservedShares => {
            Ok(Some(same_for_all(&study.propensity.row(0).to_vec(), new.row_count())))
        }
        PropensityRole::Constants(constants) => from_constants(new, constants, arms).map(Some),
        PropensityRole::Columns(names) => from_columns(new, names, arms, None).map(Some),
        PropensityRole::TreatedColumn(name) => from_treated(new, name, arms, None).map(Some),
        PropensityRole::Strata(names) => from_strata(new, names, study, table).map(Some),
    }
}

/// The shares of the strata of the study that was read from `table`, for the rows of another file.
fn from_strata(
    new: &Table,
    names: &[String],
    study: &Study,
    table: &Table,
) -> Result<Array2<f64>, DataError> {
    let column = |name: &String| {
        let known = table.labels_or_missing(name)?;
        // A unit of the study misses no column with a role.
        let mut labels: Vec<String> =
            study.rows.iter().map(|&row| known[row].clone().unwrap_or_default()).collect();
        labels.extend(new.labels(name, Purpose::Matrix)?);
        Ok(plain_numbers(labels))
    };
    let columns: Vec<Vec<String>> = names.iter().map(column).collect::<Result<_, DataError>>()?;
    let stratum = |i: usize| -> Vec<&str> { columns.iter().map(|column| column[i].as_str()).collect() };
    let n = study.units();
    let known: HashMap<Vec<&str>, usize> = (0..n).map(|i| (stratum(i), i)).collect();
    let mut scores = Array2::zeros((new.row_count(), study.arms.len()));
    for (i, mut row) in scores.rows_mut().into_iter().enumerate() {
        let Some(&like) = known.get(&stratum(n + i)) else {
            let pairs = names.iter().zip(stratum(n + i));
            let stratum: Vec<String> =
                pairs.map(|(name, value)| format!("{name} = {}", quoted(value))).collect();
            let problem =
                Problem::UnknownStratum { study: study.source.clone(), stratum: stratum.join(", ") };
            return Err(new.place(i).refuse(problem));
        };
        row.assign(&study.propensity.row(like));
    }
    Ok(scores)
}

/// The scores with 0 for the arms that a unit may not get, each row summing to 1.
pub(crate) fn restricted(mut scores: Array2<f64>, eligible: &Array2<bool>) -> Array2<f64> {
    scores.zip_mut_with(eligible, |score, &may| *score = if may { *score } else { 0.0 });
    for mut row in scores.rows_mut() {
        let sum = row.sum();
        row.mapv_inplace(|score| score / sum);
    }
    scores
}

/// The user's own outcome predictions (n x K) for the rows of `table`, where the role names columns.
pub(super) fn predictions(
    table: &Table,
    model: &OutcomeModel,
    arms: &[String],
) -> Result<Option<Array2<f64>>, DataError> {
    let OutcomeModel::Columns(names) = model else { return Ok(None) };
    let names = in_arm_order(names, "the outcome prediction", arms, &Place::file(table.source()))?;
    columns(table, &names, Purpose::Role).map(Some)
}

fn shares(arm_count: usize, arm: &[usize]) -> Vec<f64> {
    let count = |k| arm.iter().filter(|&&received| received == k).count();
    (0..arm_count).map(|k| count(k) as f64 / arm.len() as f64).collect()
}

/// The shares of the arms among the units that have the same values in the columns `names`.
fn within_strata(
    table: &Table,
    names: &[String],
    arms: &[String],
    arm: &[usize],
    eligible: Option<&Array2<bool>>,
) -> Result<Array2<f64>, DataError> {
    let values: Vec<Vec<String>> =
        names.iter().map(|name| stratum_values(table, name)).collect::<Result<_, _>>()?;
    let of_unit = |i: usize| -> Vec<&str> { values.iter().map(|column| column[i].as_str()).collect() };
    let may_get = |i: usize| eligible.map(|eligible| eligible.row(i).to_vec());
    let strata = members(&(0..arm.len()).map(|i| (of_unit(i), may_get(i))).collect::<Vec<_>>());
    let mut scores = Array2::zeros((arm.len(), arms.len()));
    for units in strata {
        let received: Vec<usize> = units.iter().map(|&i| arm[i]).collect();
        let shares = shares(arms.len(), &received);
        let may = |k: usize| eligible.is_none_or(|eligible| eligible[[units[0], k]]);
        if let Some(k) = (0..arms.len()).find(|&k| shares[k] == 0.0 && may(k)) {
            let columns = names.iter().zip(of_unit(units[0]));
            let mut stratum: Vec<String> =
                columns.map(|(name, value)| format!("{name} = {}", quoted(value))).collect();
            if eligible.is_some() {
                let arms = (0..arms.len()).filter(|&k| may(k)).map(|k| quoted(&arms[k])).collect::<Vec<_>>();
                stratum.push(format!("eligible for {}", arms.join(" and ")));
            }
            let (stratum, rows) = (stratum.join(", "), units.len());
            let problem = Problem::ArmNotInStratum { arm: arms[k].clone(), stratum, rows };
            return Err(Place::file(table.source()).refuse(problem));
        }
        units.iter().for_each(|&i| scores.row_mut(i).assign(&ArrayView1::from(&shares)));
    }
    Ok(scores)
}

/// The values of a column that forms strata.
pub(super) fn stratum_values(table: &Table, name: &str) -> Result<Vec<String>, DataError> {
    Ok(plain_numbers(table.labels(name, Purpose::Role)?))
}

/// Labels, of which numbers are equal whichever way they are written, if all are numbers.
fn plain_numbers(labels: Vec<String>) -> Vec<String> {
    let numbers: Option<Vec<f64>> =
        labels.iter().map(|label| label.parse().ok().filter(|number: &f64| number.is_finite())).collect();
    // Adding 0 makes -0 equal to 0 in text too.
    numbers.map_or(labels, |numbers| numbers.iter().map(|number| (number + 0.0).to_string()).collect())
}

fn from_constants(
    table: &Table,
    constants: &BTreeMap<String, f64>,
    arms: &[String],
) -> Result<Array2<f64>, DataError> {
    let file = Place::file(table.source());
    let row = in_arm_order(constants, "the propensity", arms, &file)?;
    check(ArrayView1::from(&row), arms, None, |_| file.clone())?;
    Ok(same_for_all(&row, table.row_count()))
}

fn from_columns(
    table: &Table,
    names: &BTreeMap<String, String>,
    arms: &[String],
    eligible: Option<&Array2<bool>>,
) -> Result<Array2<f64>, DataError> {
    let names = in_arm_order(names, "the propensity", arms, &Place::file(table.source()))?;
    let scores = columns(table, &names, Purpose::Role)?;
    for (i, row) in scores.axis_iter(Axis(0)).enumerate() {
        check(row, arms, eligible.map(|eligible| eligible.row(i)), |k| match k {
            Some(k) => table.place(i).column(&names[k]),
            None => table.place(i),
        })?;
    }
    Ok(scores)
}

fn from_treated(
    table: &Table,
    name: &str,
    arms: &[String],
    eligible: Option<&Array2<bool>>,
) -> Result<Array2<f64>, DataError> {
    if arms.len() != 2 {
        let place = Place::file(table.source()).column(name);
        return Err(place.refuse(Problem::NotTwoArms { arms: arms.to_vec() }));
    }
    let treated = table.numbers(name, Purpose::Role)?;
    let scores =
        Array2::from_shape_fn(
            (treated.len(), 2),
            |(i, k)| {
                if k == 1 { treated[i] } else { 1.0 - treated[i] }
            },
        );
    for (i, row) in scores.axis_iter(Axis(0)).enumerate() {
        // The second arm first, because its number is the one in the file.
        for k in [1, 0] {
            let eligible = eligible.map(|eligible| eligible.row(i));
            check_score(row[k], &arms[k], eligible, k, || table.place(i).column(name))?;
        }
    }
    Ok(scores)
}

/// What each arm is given, in the order of the arms; every arm must be named, and no other.
fn in_arm_order<T: Clone>(
    given: &BTreeMap<String, T>,
    role: &'static str,
    arms: &[String],
    file: &Place,
) -> Result<Vec<T>, DataError> {
    if let Some(stranger) = given.keys().find(|label| !arms.contains(label)) {
        let unknown = Problem::UnknownArm { role, arm: stranger.clone(), arms: arms.to_vec() };
        return Err(file.clone().refuse(unknown));
    }
    let value_of = |arm: &String| {
        given.get(arm).cloned().ok_or_else(|| {
            file.clone().refuse(Problem::ArmNotGiven { role, arm: arm.clone(), arms: arms.to_vec() })
        })
    };
    arms.iter().map(value_of).collect()
}

/// Checks a row of scores; `place` names the cell of an arm, or the whole row.
fn check(
    row: ArrayView1<f64>,
    arms: &[String],
    eligible: Option<ArrayView1<bool>>,
    place: impl Fn(Option<usize>) -> Place,
) -> Result<(), DataError> {
    for (k, &value) in row.iter().enumerate() {
        check_score(value, &arms[k], eligible, k, || place(Some(k)))?;
    }
    let sum = row.sum();
    if (sum - 1.0).abs() > SUM_TOLERANCE {
        return Err(place(None).refuse(Problem::PropensitySum { sum }));
    }
    Ok(())
}

/// A score of 0 or 1 leaves an arm that chance could not reach, about whose outcomes the data say nothing; that is as it
/// should be only for an arm that the unit may not get, or the only one that it may.
fn check_score(
    value: f64,
    arm: &str,
    eligible: Option<ArrayView1<bool>>,
    k: usize,
    place: impl Fn() -> Place,
) -> Result<(), DataError> {
    let may = |k: usize| eligible.is_none_or(|eligible| eligible[k]);
    let only = may(k) && eligible.is_some_and(|eligible| eligible.iter().filter(|may| **may).count() == 1);
    let arm = arm.to_owned();
    match (may(k), value) {
        (true, value) if value > 0.0 && (value < 1.0 || (only && value == 1.0)) => Ok(()),
        (true, _) => Err(place().refuse(Problem::PropensityOutside { value, arm })),
        (false, 0.0) => Ok(()),
        (false, _) => Err(place().refuse(Problem::PropensityOfIneligible { value, arm })),
    }
}

fn same_for_all(row: &[f64], units: usize) -> Array2<f64> {
    Array2::from_shape_fn((units, row.len()), |(_, k)| row[k])
}
