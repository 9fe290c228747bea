//! Covariates: what the numbers of a column of X (n x p) mean, and how they become terms of a linear model.
//!
//! In X, a numeric covariate is itself, a categorical one the position of its level (from 0), and a missing value NaN.
//! Linear models (outcomes, propensities, linear rules) see terms instead, Z (n x q), every number finite:
//!
//! ```text
//! value     x_j, or where it is missing the mean of the values observed
//! level l   1{x_j = l}            for every level of a category but the first
//! missing   1{x_j is missing}     for a covariate that misses a value
//! ```

use std::collections::BTreeMap;

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::columns::CompleteRows;
use super::labels::sorted_labels;
use super::{DataError, Missing, Neighbour, Place, Problem, Purpose, Table};

/// A column of X.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Covariate {
    pub name: String,
    /// The levels of a category, in the order of their numbers; none for a number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<String>,
    /// Whether a unit may miss it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub missing: bool,
    /// How it is made, where it is no column of the data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<Neighbour>,
}

/// One column of Z.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Term {
    Value {
        covariate: String,
        /// What a missing value counts as.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fill: Option<f64>,
    },
    Level {
        covariate: String,
        level: String,
    },
    Missing {
        covariate: String,
    },
}

impl Covariate {
    pub fn numeric(name: &str) -> Covariate {
        Covariate { name: name.to_owned(), ..Covariate::default() }
    }

    pub fn is_categorical(&self) -> bool {
        !self.levels.is_empty()
    }
}

impl Term {
    pub fn covariate(&self) -> &str {
        match self {
            Term::Value { covariate, .. } | Term::Level { covariate, .. } | Term::Missing { covariate } => {
                covariate
            }
        }
    }

    /// How formulas call the term.
    pub fn name(&self) -> String {
        match self {
            Term::Value { covariate, .. } => covariate.clone(),
            Term::Level { covariate, level } => format!("[{covariate} = {level}]"),
            Term::Missing { covariate } => format!("[{covariate} missing]"),
        }
    }

    /// The value of the term, given the value `x` of its covariate in X.
    fn of(&self, x: f64, levels: &[String]) -> f64 {
        match self {
            Term::Value { fill, .. } => fill.filter(|_| x.is_nan()).unwrap_or(x),
            Term::Level { level, .. } => {
                let known = (!x.is_nan()).then(|| levels.get(x as usize)).flatten();
                f64::from(known == Some(level))
            }
            Term::Missing { .. } => f64::from(x.is_nan()),
        }
    }
}

/// The terms of the columns of x (n x p).
pub fn terms(covariates: &[Covariate], x: &Array2<f64>) -> Vec<Term> {
    let mut terms = Vec::new();
    for (covariate, column) in covariates.iter().zip(x.columns()) {
        let name = &covariate.name;
        if covariate.is_categorical() {
            let level = |level: &String| Term::Level { covariate: name.clone(), level: level.clone() };
            terms.extend(covariate.levels.iter().skip(1).map(level));
        } else {
            let observed: Vec<f64> = column.iter().copied().filter(|v| !v.is_nan()).collect();
            // Divided first: a sum of large numbers may overflow.
            let mean = observed.iter().map(|v| v / observed.len() as f64).sum();
            terms.push(Term::Value { covariate: name.clone(), fill: covariate.missing.then_some(mean) });
        }
        if covariate.missing {
            terms.push(Term::Missing { covariate: name.clone() });
        }
    }
    terms
}

/// The values of terms for rows of X; a term of no known covariate is NaN.
pub struct Design<'a> {
    columns: Vec<Placed<'a>>,
}

/// A term with the column of X that it looks at, and the levels there.
struct Placed<'a> {
    term: &'a Term,
    position: Option<usize>,
    levels: &'a [String],
}

impl<'a> Design<'a> {
    pub fn new(terms: &'a [Term], covariates: &'a [Covariate]) -> Design<'a> {
        let place = |term: &'a Term| {
            let position = covariates.iter().position(|covariate| covariate.name == term.covariate());
            let levels = position.map_or(&[][..], |j| covariates[j].levels.as_slice());
            Placed { term, position, levels }
        };
        Design { columns: terms.iter().map(place).collect() }
    }

    /// The terms (q) of one unit with covariates x (p).
    pub fn row(&self, x: &[f64]) -> Vec<f64> {
        let value =
            |placed: &Placed| placed.term.of(placed.position.map_or(f64::NAN, |j| x[j]), placed.levels);
        self.columns.iter().map(value).collect()
    }

    /// The terms (n x q) of all units.
    pub fn matrix(&self, x: &Array2<f64>) -> Array2<f64> {
        let mut z = Array2::from_elem((x.nrows(), self.columns.len()), f64::NAN);
        for (placed, mut column) in self.columns.iter().zip(z.columns_mut()) {
            if let Some(j) = placed.position {
                column.zip_mut_with(&x.column(j), |z, &x| *z = placed.term.of(x, placed.levels));
            }
        }
        z
    }
}

/// What the covariates `names` of a table are: `categorical` names the categories with their levels, or with none to take
/// those of the table; a covariate may be missing where `keep` says so and some row misses it.
pub(crate) fn describe(
    table: &Table,
    names: &[String],
    categorical: &BTreeMap<String, Vec<String>>,
    keep: bool,
) -> Result<Vec<Covariate>, DataError> {
    let describe = |name: &String| {
        let missing = keep && table.misses(name)?;
        let levels = match categorical.get(name) {
            Some(given) if given.is_empty() => levels_in(table, name)?,
            given => given.cloned().unwrap_or_default(),
        };
        Ok(Covariate { name: name.clone(), levels, missing, made: None })
    };
    names.iter().map(describe).collect()
}

/// The distinct labels of a column, sorted (as numbers if all of them are).
fn levels_in(table: &Table, name: &str) -> Result<Vec<String>, DataError> {
    let observed: Vec<String> = table.labels_or_missing(name)?.into_iter().flatten().collect();
    Ok(sorted_labels(&observed))
}

/// X (n x p) of a table.
///
/// # Errors
/// Kind `Data`: no such column; a value that is missing where it may not be, no number, not finite, or a level that is
/// not among those of its covariate.
pub fn read_covariates(
    table: &Table,
    covariates: &[Covariate],
    purpose: Purpose,
) -> Result<Array2<f64>, DataError> {
    let mut x = Array2::zeros((table.row_count(), covariates.len()));
    for (covariate, mut column) in covariates.iter().zip(x.columns_mut()) {
        column.assign(&ndarray::Array1::from(values(table, covariate, purpose)?));
    }
    Ok(x)
}

fn values(table: &Table, covariate: &Covariate, purpose: Purpose) -> Result<Vec<f64>, DataError> {
    let name = covariate.name.as_str();
    if covariate.made.is_some() && !table.header().contains(&covariate.name) {
        return Err(Place::file(table.source()).column(name).refuse(Problem::MadeElsewhere));
    }
    if !covariate.is_categorical() {
        return if covariate.missing {
            table.numbers_or_missing(name, purpose)
        } else {
            table.numbers(name, purpose)
        };
    }
    let labels = match covariate.missing {
        true => table.labels_or_missing(name)?,
        false => table.labels(name, purpose)?.into_iter().map(Some).collect(),
    };
    let number = |(i, label): (usize, Option<String>)| {
        let Some(label) = label else { return Ok(f64::NAN) };
        let position = covariate.levels.iter().position(|level| *level == label);
        position.map(|l| l as f64).ok_or_else(|| {
            let unknown = Problem::UnknownLevel { value: label, levels: covariate.levels.clone() };
            table.place(i).column(name).refuse(unknown)
        })
    };
    labels.into_iter().enumerate().map(number).collect()
}

/// X of the rows of a table, or of those among them that miss none of the covariates where units that do are dropped.
///
/// # Errors
/// Kind `Data`: no row left; otherwise as [`read_covariates`].
pub fn read_complete_covariates(
    table: &Table,
    covariates: &[Covariate],
    missing: Missing,
) -> Result<Array2<f64>, DataError> {
    if missing != Missing::Drop {
        return read_covariates(table, covariates, Purpose::Covariate);
    }
    let names: Vec<&str> = covariates.iter().map(|covariate| covariate.name.as_str()).collect();
    let CompleteRows { table: kept, .. } = table.complete_rows(&names)?;
    match kept.row_count() {
        0 => Err(Place::file(table.source()).refuse(Problem::NoRows)),
        _ => read_covariates(&kept, covariates, Purpose::Covariate),
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn terms_by_hand() {
        let covariates = [
            Covariate { missing: true, ..Covariate::numeric("age") },
            Covariate {
                name: "ward".into(),
                levels: ["a", "b", "c"].map(String::from).to_vec(),
                ..Covariate::default()
            },
        ];
        let x = array![[1.0, 0.0], [f64::NAN, 2.0], [4.0, 1.0]];
        let terms = terms(&covariates, &x);
        let names: Vec<String> = terms.iter().map(Term::name).collect();
        assert_eq!(names, ["age", "[age missing]", "[ward = b]", "[ward = c]"]);
        let z = Design::new(&terms, &covariates).matrix(&x);
        assert_eq!(z, array![[1.0, 0.0, 0.0, 0.0], [2.5, 1.0, 0.0, 1.0], [4.0, 0.0, 1.0, 0.0]]);
        assert_eq!(Design::new(&terms, &covariates).row(&[f64::NAN, 1.0]), [2.5, 1.0, 1.0, 0.0]);
    }
}
