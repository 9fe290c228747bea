//! Outcomes made of a time T to an event, which follow-up may end at C before the event comes:
//!
//! ```text
//! U = min(T, C)      Y = min(T, h)  (rmst),   1{T > h}  (survival)      known where T <= C or U >= h
//! ```
//!
//! An event at the same time as the end of follow-up comes first, so a unit followed without event to the horizon h has
//! T > h. Where Y is not known, the study keeps the least that it can be, or 1, in its place.

use ndarray::{Array1, Axis};

use super::labels::numbered;
use super::propensity::stratum_values;
use super::{DataError, Estimand, OutcomeRole, Place, Problem, Purpose, SurvivalRole, Table};

/// How long each unit was followed, and what ended it.
#[derive(Debug, Clone, PartialEq)]
pub struct FollowUp {
    /// The time U (n) that the unit was followed, at least 0.
    pub time: Array1<f64>,
    /// Whether follow-up ended with the event (n).
    pub event: Vec<bool>,
    /// The horizon h, above 0.
    pub horizon: f64,
    pub estimand: Estimand,
    /// The stratum (n) within which, in each arm, follow-up ends at random; numbered in the order in which they appear.
    pub stratum: Vec<usize>,
    /// The columns that form the strata.
    pub strata_names: Vec<String>,
}

impl FollowUp {
    /// Whether the outcome of unit i is known.
    pub fn known(&self, i: usize) -> bool {
        self.event[i] || self.time[i] >= self.horizon
    }

    pub(super) fn select(&self, units: &[usize]) -> FollowUp {
        FollowUp {
            time: self.time.select(Axis(0), units),
            event: units.iter().map(|&i| self.event[i]).collect(),
            stratum: units.iter().map(|&i| self.stratum[i]).collect(),
            strata_names: self.strata_names.clone(),
            ..*self
        }
    }

    fn outcome(&self, i: usize) -> f64 {
        let time = self.time[i];
        match self.estimand {
            Estimand::Rmst => time.min(self.horizon),
            Estimand::Survival if self.event[i] && time <= self.horizon => 0.0,
            Estimand::Survival => 1.0,
        }
    }
}

/// The outcomes of the rows of `table`, and the follow-up that they are made of, if they are.
pub(super) fn outcomes(
    table: &Table,
    role: &OutcomeRole,
) -> Result<(Array1<f64>, Option<FollowUp>), DataError> {
    match role {
        OutcomeRole::Column(name) => Ok((Array1::from(table.numbers(name, Purpose::Role)?), None)),
        OutcomeRole::Survival(role) => {
            let follow_up = follow_up(table, role)?;
            let outcome = (0..table.row_count()).map(|i| follow_up.outcome(i)).collect();
            Ok((outcome, Some(follow_up)))
        }
    }
}

fn follow_up(table: &Table, role: &SurvivalRole) -> Result<FollowUp, DataError> {
    if !(role.horizon > 0.0 && role.horizon.is_finite()) {
        let problem = Problem::HorizonNotPositive { value: role.horizon };
        return Err(Place::file(table.source()).refuse(problem));
    }
    let time = table.numbers(&role.time, Purpose::Role)?;
    if let Some((i, &value)) = time.iter().enumerate().find(|(_, time)| **time < 0.0) {
        return Err(table.place(i).column(&role.time).refuse(Problem::NegativeTime { value }));
    }
    let events = table.numbers(&role.event, Purpose::Role)?;
    if let Some((i, &value)) = events.iter().enumerate().find(|(_, event)| ![0.0, 1.0].contains(*event)) {
        return Err(table.place(i).column(&role.event).refuse(Problem::NotAnEvent { value }));
    }
    let columns: Vec<Vec<String>> =
        role.censoring_strata.iter().map(|name| stratum_values(table, name)).collect::<Result<_, _>>()?;
    let of_unit = |i: usize| -> Vec<&str> { columns.iter().map(|column| column[i].as_str()).collect() };
    Ok(FollowUp {
        time: Array1::from(time),
        event: events.iter().map(|event| *event == 1.0).collect(),
        horizon: role.horizon,
        estimand: role.estimand,
        stratum: numbered(&(0..table.row_count()).map(of_unit).collect::<Vec<_>>()),
        strata_names: role.censoring_strata.clone(),
    })
}
