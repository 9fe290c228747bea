//! Costs c_ik of giving arm k to unit i, in units of the outcome, as an n x K matrix.

use std::collections::BTreeMap;

use ndarray::{Array1, Array2};

use super::{CostRole, DataError, Place, Problem, Purpose, Table};

/// The costs of the rows of `table`; what is not named costs nothing.
pub(super) fn costs(table: &Table, role: &CostRole, arms: &[String]) -> Result<Array2<f64>, DataError> {
    let mut costs = Array2::zeros((table.row_count(), arms.len()));
    match role {
        CostRole::None => {}
        CostRole::Treating(cost) => {
            let constants = arms.iter().skip(1).map(|arm| (arm.clone(), *cost)).collect();
            fill_constants(&mut costs, table, &constants, arms)?;
        }
        CostRole::PerArm(constants) => fill_constants(&mut costs, table, constants, arms)?,
        CostRole::PerUnit(column) => {
            let cost = Array1::from(table.numbers(column, Purpose::Role)?);
            costs.columns_mut().into_iter().skip(1).for_each(|mut arm| arm.assign(&cost));
        }
        CostRole::PerUnitByArm(columns) => {
            for (arm, column) in columns {
                let cost = Array1::from(table.numbers(column, Purpose::Role)?);
                costs.column_mut(index(table, arm, arms)?).assign(&cost);
            }
        }
    }
    Ok(costs)
}

fn fill_constants(
    costs: &mut Array2<f64>,
    table: &Table,
    constants: &BTreeMap<String, f64>,
    arms: &[String],
) -> Result<(), DataError> {
    for (arm, &value) in constants {
        let mut cost = costs.column_mut(index(table, arm, arms)?);
        if !value.is_finite() {
            let problem = Problem::CostNotFinite { value, arm: arm.clone() };
            return Err(Place::file(table.source()).refuse(problem));
        }
        cost.fill(value);
    }
    Ok(())
}

fn index(table: &Table, arm: &str, arms: &[String]) -> Result<usize, DataError> {
    arms.iter().position(|label| label == arm).ok_or_else(|| {
        let unknown = Problem::UnknownArm { role: "the cost", arm: arm.to_owned(), arms: arms.to_vec() };
        Place::file(table.source()).refuse(unknown)
    })
}
