//! What the data layer reads, and what it refuses: each bad input with the file, line, column, value and remedy that
//! its message must name.

mod arms;
#[cfg(feature = "arrow")]
mod cells;
mod clusters;
#[cfg(feature = "arrow")]
#[path = "../common/columnar.rs"]
mod columnar;
mod costs;
mod eligibility;
mod follow_up;
mod groups;
mod matrices;
mod missing_values;
mod numbers;
mod propensities;
mod reading;
mod roles_of_columns;
mod strata;
mod thornton;
mod weights;

use std::collections::BTreeMap;

use prescribe::data::{
    CostRole, DataError, ErrorKind, Missing, OutcomeModel, PropensityRole, Roles, Study, Table,
};

const TRIAL: &str = "\
id,y,a,age,sex,p,fee
u1,1.5,drug,41.5,0,0.25,2
u2,0,none,30,1,0.5,3
u3,-2,drug,55,1,0.75,4
u4,4e0,none,62,0,0.5,5
";

fn table(text: &str) -> Table {
    Table::parse("patients.csv", text.as_bytes()).expect("a readable table")
}

fn roles() -> Roles {
    Roles {
        outcome: "y".into(),
        treatment: "a".into(),
        covariates: vec!["age".into(), "sex".into()],
        id: None,
        cluster: None,
        weights: None,
        arms: None,
        groups: Default::default(),
        categorical: BTreeMap::new(),
        eligible: BTreeMap::new(),
        split: None,
        missing: Missing::Error,
        propensity: PropensityRole::ObservedShares,
        outcome_model: OutcomeModel::Linear,
        costs: CostRole::None,
        rewards: BTreeMap::new(),
        effects: None,
    }
}

fn study(text: &str, roles: &Roles) -> Result<Study, DataError> {
    Study::from_table(&table(text), roles)
}

/// The trial with one piece of its text replaced.
fn trial_with(old: &str, new: &str) -> String {
    assert!(TRIAL.contains(old), "{old} is not in the trial");
    TRIAL.replacen(old, new, 1)
}

#[track_caller]
fn assert_refused<T>(result: Result<T, DataError>, message: &str) {
    let error = result.err().expect("a refusal");
    assert_eq!(error.to_string(), message);
    assert_eq!(error.kind(), ErrorKind::Data);
}

fn labelled<T: Clone>(pairs: &[(&str, T)]) -> BTreeMap<String, T> {
    pairs.iter().map(|(label, value)| ((*label).to_owned(), value.clone())).collect()
}

fn columns(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|&(arm, column)| (arm.to_owned(), column.to_owned())).collect()
}
