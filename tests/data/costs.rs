//! Costs by arm, by unit and by both.

use ndarray::array;

use super::*;

fn with(costs: CostRole) -> Roles {
    Roles { costs, arms: Some(vec!["none".into(), "drug".into()]), ..roles() }
}

#[test]
fn an_arm_without_a_cost_costs_nothing() {
    let per_arm = study(TRIAL, &with(CostRole::PerArm(labelled(&[("drug", 0.5)])))).unwrap();
    assert_eq!(per_arm.costs, array![[0.0, 0.5], [0.0, 0.5], [0.0, 0.5], [0.0, 0.5]]);
    let per_unit = study(TRIAL, &with(CostRole::PerUnit("fee".into()))).unwrap();
    assert_eq!(per_unit.costs, array![[0.0, 2.0], [0.0, 3.0], [0.0, 4.0], [0.0, 5.0]]);
    let by_arm = study(TRIAL, &with(CostRole::PerUnitByArm(columns(&[("none", "p")])))).unwrap();
    assert_eq!(by_arm.costs, array![[0.25, 0.0], [0.5, 0.0], [0.75, 0.0], [0.5, 0.0]]);
}

#[test]
fn a_cost_of_an_unknown_arm_or_no_number_is_refused() {
    let unknown = "patients.csv: the cost names arm \"pill\", which is not in the data; the arms are \"none\", \
                   \"drug\"";
    assert_refused(study(TRIAL, &with(CostRole::PerArm(labelled(&[("pill", 0.5)])))), unknown);
    assert_refused(study(TRIAL, &with(CostRole::PerUnitByArm(columns(&[("pill", "fee")])))), unknown);
    assert_refused(
        study(TRIAL, &with(CostRole::PerArm(labelled(&[("drug", f64::NAN)])))),
        "patients.csv: cost NaN of arm \"drug\" is not a finite number; give a decimal number such as 0.5",
    );
    assert_refused(
        study(&trial_with("0.5,3", "0.5,free"), &with(CostRole::PerUnit("fee".into()))),
        "patients.csv, line 3, column \"fee\": \"free\" is not a number; write a decimal number such as 41.5",
    );
}
