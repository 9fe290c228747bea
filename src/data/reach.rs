//! Units that miss a covariate, where units affect each other: they stay in the mean of their cluster, and no rule reaches them.

use ndarray::Array2;

use super::covariates::{Covariate, read_covariates};
use super::{DataError, Place, Problem, Purpose, Roles, Table};

/// X (n x p) with every number finite, and the units whose row of X was complete before.
pub(super) struct Reached {
    pub x: Array2<f64>,
    pub reached: Vec<bool>,
    pub warning: Option<String>,
}

/// Missing numbers become the mean of those observed, missing levels the first one: no rule answers for such a unit, and an outcome or
/// propensity model has a number to go on.
///
/// # Errors
/// Kind `Data` where no unit has all covariates; otherwise as [`read_covariates`].
pub(super) fn reached(table: &Table, covariates: &[Covariate]) -> Result<Reached, DataError> {
    let may_miss: Vec<Covariate> =
        covariates.iter().map(|covariate| Covariate { missing: true, ..covariate.clone() }).collect();
    let mut x = read_covariates(table, &may_miss, Purpose::Covariate)?;
    let reached: Vec<bool> = x.rows().into_iter().map(|row| !row.iter().any(|x| x.is_nan())).collect();
    let beyond = reached.iter().filter(|reached| !**reached).count();
    if beyond == reached.len() {
        return Err(Place::file(table.source()).refuse(Problem::NobodyReached));
    }
    let mut counts = Vec::new();
    for (covariate, mut column) in covariates.iter().zip(x.columns_mut()) {
        let known: Vec<f64> = column.iter().copied().filter(|x| !x.is_nan()).collect();
        if known.len() < column.len() {
            counts.push(format!("{}: {}", covariate.name, column.len() - known.len()));
        }
        // Divided first: a sum of large numbers may overflow.
        let mean = known.iter().map(|x| x / known.len() as f64).sum();
        let fill = if covariate.is_categorical() { 0.0 } else { mean };
        column.mapv_inplace(|x| if x.is_nan() { fill } else { x });
    }
    let warning = (beyond > 0).then(|| {
        let (source, units, missing) = (table.source(), reached.len(), counts.join(", "));
        format!(
            "{source}: {beyond} of {units} units without a covariate ({missing}): no rule treats them, but the means of clusters count them"
        )
    });
    Ok(Reached { x, reached, warning })
}

/// Who is not reached costs nothing.
pub(super) fn costs_of_reached(mut costs: Array2<f64>, reached: Option<&[bool]>) -> Array2<f64> {
    for (mut row, _) in
        costs.rows_mut().into_iter().zip(reached.unwrap_or_default()).filter(|(_, reached)| !**reached)
    {
        row.fill(0.0);
    }
    costs
}

/// Every unit counts in the mean of its cluster, so nothing but covariates may be missing.
///
/// # Errors
/// Kind `Data`, naming the first cell that is missing.
pub(super) fn refuse_incomplete(table: &Table, roles: &Roles) -> Result<(), DataError> {
    for (column, role) in roles.columns() {
        if role == "covariate" {
            continue;
        }
        if let Some(i) = table.labels_or_missing(column)?.iter().position(Option::is_none) {
            let problem = Problem::MissingInCluster { of_cluster: role == "cluster" };
            return Err(table.place(i).column(column).refuse(problem));
        }
    }
    Ok(())
}
