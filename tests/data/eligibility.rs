//! Who may get which arm, and who is held out, as the data say.

use ndarray::array;
use prescribe::score::{Direction, net};

use super::*;

const WARDS: &str = "\
y,a,age,may,part
1,a,60,1,train
2,b,50,1,test
3,a,70,0,train
4,b,64,1,test
5,a,80,0,train
";

fn eligible(conditions: &[(&str, &str)]) -> Roles {
    let eligible =
        conditions.iter().map(|(arm, condition)| (arm.to_string(), condition.to_string())).collect();
    Roles { covariates: vec!["age".into()], eligible, ..roles() }
}

#[test]
fn shares_are_taken_among_units_that_may_get_the_same_arms() {
    for condition in ["age<=65", "may"] {
        let study = study(WARDS, &eligible(&[("b", condition)])).unwrap();
        let third = 1.0 / 3.0;
        let expected =
            array![[third, 2.0 * third], [third, 2.0 * third], [1.0, 0.0], [third, 2.0 * third], [1.0, 0.0]];
        assert!((&study.propensity - &expected).iter().all(|d| d.abs() < 1e-15), "{}", study.propensity);
        assert!(!study.may_get(2, 1) && study.may_get(2, 0) && study.may_get(0, 1));
    }
}

#[test]
fn known_propensities_are_those_among_the_arms_that_a_unit_may_get() {
    let constants = PropensityRole::Constants([("a".into(), 0.25), ("b".into(), 0.75)].into());
    let study = study(WARDS, &Roles { propensity: constants, ..eligible(&[("b", "may")]) }).unwrap();
    assert_eq!(study.propensity.row(0).to_vec(), [0.25, 0.75]);
    assert_eq!(study.propensity.row(2).to_vec(), [1.0, 0.0]);
}

#[test]
fn an_arm_for_all_is_the_arm_for_those_who_may_get_it() {
    let study = study(WARDS, &eligible(&[("b", "may")])).unwrap();
    let scores = array![[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0], [9.0, 10.0]];
    let rewards = net(&scores, &study, Direction::Maximize).unwrap();
    assert_eq!(rewards.column(1).to_vec(), [2.0, 4.0, 5.0, 8.0, 9.0]);
    assert_eq!(rewards.column(0), scores.column(0));
}

#[test]
fn conditions_that_make_no_sense_are_refused() {
    for (condition, message) in [
        (("b", "age<=55"), "patients.csv, line 5: the unit received arm \"b\", for which it is not eligible"),
        (("c", "may"), "patients.csv: --eligible names arm \"c\", which is not in the data"),
        (("b", "part"), "patients.csv, line 2, column \"part\": \"train\" is neither 0 (no) nor 1 (yes)"),
        (("b", "part<x"), "patients.csv, column \"part\": \"part<x\" compares text by size"),
        (("b", "weight<=3"), "patients.csv, column \"weight\": there is no such column"),
    ] {
        let error = study(WARDS, &eligible(&[condition])).unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
    }
}

#[test]
fn held_out_units_are_those_the_data_name() {
    let split = Roles { covariates: vec!["age".into()], split: Some("part".into()), ..roles() };
    assert_eq!(study(WARDS, &split).unwrap().held_out.unwrap(), [false, true, false, true, false]);
    let error = study(&WARDS.replace("64,1,test", "64,1,later"), &split).unwrap_err().to_string();
    assert!(
        error.starts_with("patients.csv, line 5, column \"part\": \"later\" says neither train nor test"),
        "{error}"
    );
}
