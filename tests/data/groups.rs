//! A study whose arms are fused after it was read.

use ndarray::array;
use prescribe::data::{Choose, Groups};

use super::*;

/// Four arms whose propensities, costs and predictions are columns.
const ARMS: &str = "\
y,a,age,sex,pa,pb,pc,pd,ma,mb,mc,md
1,a,41,0,0.1,0.2,0.3,0.4,1,2,3,4
2,b,30,1,0.1,0.3,0.3,0.3,1,2,3,4
3,c,55,1,0.4,0.1,0.1,0.4,5,0,5,0
4,d,62,0,0.25,0.25,0.25,0.25,1,2,3,4
";

fn arms() -> Study {
    let by_arm = |prefix: &str| ["a", "b", "c", "d"].map(|arm| (arm.into(), format!("{prefix}{arm}"))).into();
    let roles = Roles {
        propensity: PropensityRole::Columns(by_arm("p")),
        outcome_model: OutcomeModel::Columns(by_arm("m")),
        costs: CostRole::PerArm([("a".into(), 1.0), ("b".into(), 2.0), ("c".into(), 3.0)].into()),
        ..roles()
    };
    study(ARMS, &roles).unwrap()
}

fn groups(text: &[(&str, &[&str])]) -> Groups {
    text.iter()
        .map(|(group, arms)| (group.to_string(), arms.iter().map(|a| a.to_string()).collect()))
        .collect()
}

#[test]
fn a_group_is_the_treatment_of_receiving_one_of_its_arms() {
    let fused = arms().fused(&groups(&[("low", &["d", "a"])]), Choose::Random).unwrap();
    assert_eq!(fused.arms, ["low", "b", "c"]);
    assert_eq!(fused.arm, [0, 1, 2, 0]);
    assert_eq!(fused.groups, groups(&[("low", &["d", "a"])]));
    let near = |a: &ndarray::Array2<f64>, b: ndarray::Array2<f64>| (a - &b).iter().all(|d| d.abs() < 1e-15);
    assert!(near(
        &fused.propensity,
        array![[0.5, 0.2, 0.3], [0.4, 0.3, 0.3], [0.8, 0.1, 0.1], [0.5, 0.25, 0.25]]
    ));
    // (.1 1 + .4 4) / .5, (.1 1 + .3 4) / .4, (.4 5 + .4 0) / .8, (1 + 4) / 2.
    let means = [3.4, 3.25, 2.5, 2.5];
    let predictions = fused.predictions.as_ref().unwrap();
    assert!((0..4).all(|i| (predictions[[i, 0]] - means[i]).abs() < 1e-15), "{predictions}");
    assert_eq!(predictions.column(1).to_vec(), [2.0, 2.0, 0.0, 2.0]);
    assert_eq!(fused.costs.row(0).to_vec(), [0.5, 2.0, 3.0]);
    let cheapest = arms().fused(&groups(&[("low", &["d", "a"])]), Choose::Cheapest).unwrap();
    assert_eq!(cheapest.costs.row(0).to_vec(), [0.0, 2.0, 3.0]);
    // Groups of groups name the arms of the data.
    let again = fused.fused(&groups(&[("most", &["b", "low"])]), Choose::Best).unwrap();
    assert_eq!(
        (again.arms, again.groups),
        (vec!["most".into(), "c".into()], groups(&[("most", &["b", "d", "a"])]))
    );
    // Shares of groups are shares of their units.
    let shares =
        study(ARMS, &roles()).unwrap().fused(&groups(&[("low", &["a", "d"])]), Choose::Random).unwrap();
    assert_eq!(shares.propensity.row(0).to_vec(), [0.5, 0.25, 0.25]);
}

#[test]
fn groups_that_are_none_are_refused() {
    let refuse = |text: &[(&str, &[&str])], says: &str| {
        let error = arms().fused(&groups(text), Choose::Random).unwrap_err().to_string();
        assert!(error.starts_with("patients.csv: ") && error.contains(says), "{error}");
    };
    refuse(&[("low", &["a", "z"])], "a group names arm \"z\"");
    refuse(&[("low", &["a", "b"]), ("high", &["b", "c"])], "arm \"b\" is in the groups");
    refuse(&[("c", &["a", "b"])], "has the name of an arm");
    refuse(&[("all", &["a", "b", "c", "d"])], "nothing to choose");
}

#[test]
fn arms_for_different_units_are_not_one() {
    let mut eligible = ndarray::Array2::from_elem((4, 4), true);
    (eligible[[1, 0]], eligible[[1, 3]]) = (false, false);
    let study = Study { eligible: Some(eligible), ..study(ARMS, &roles()).unwrap() };
    let fused = study.fused(&groups(&[("low", &["a", "d"])]), Choose::Random).unwrap();
    assert_eq!(fused.eligible.unwrap().column(0).to_vec(), [true, false, true, true]);
    let error = study.fused(&groups(&[("low", &["a", "b"])]), Choose::Random).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Data);
    let error = error.to_string();
    assert!(error.contains("\"a\"") && error.contains("\"b\"") && error.contains("row 2"), "{error}");
}
