//! The column of sample weights.

use ndarray::array;

use super::*;

fn weighted(fees: [&str; 4]) -> Result<Study, DataError> {
    let text =
        ["0.25,2", "0.5,3", "0.75,4", "0.5,5"].iter().zip(fees).fold(TRIAL.to_owned(), |text, (old, fee)| {
            let (p, _) = old.split_once(',').unwrap();
            text.replace(&format!(",{old}\n"), &format!(",{p},{fee}\n"))
        });
    study(&text, &Roles { weights: Some("fee".into()), ..roles() })
}

#[test]
fn weights_have_a_mean_of_1_and_follow_their_units() {
    let study = weighted(["2", "0", "1", "5"]).unwrap();
    assert_eq!(study.weights, Some(array![1.0, 0.0, 0.5, 2.5]));
    assert_eq!(study.select(&[3, 0]).weights, Some(array![2.5, 1.0]));
    assert_eq!(self::study(TRIAL, &roles()).unwrap().weights, None);
}

#[test]
fn weights_near_the_largest_number_do_not_overflow() {
    assert_eq!(
        weighted(["1e308", "1e308", "1e308", "1e308"]).unwrap().weights,
        Some(array![1.0, 1.0, 1.0, 1.0])
    );
}

#[test]
fn weights_are_checked() {
    assert_refused(
        weighted(["2", "0", "-1", "5"]),
        "patients.csv, line 4, column \"fee\": weight -1 is negative; give a number of at least 0",
    );
    assert_refused(
        weighted(["2", "inf", "1", "5"]),
        "patients.csv, line 3, column \"fee\": \"inf\" is not a finite number; write a decimal number such as 41.5",
    );
    for weights in [["2", "0", "1", "0"], ["1", "-0", "1", "0"]] {
        assert_refused(
            weighted(weights),
            "patients.csv, column \"fee\": the weights of all rows of arm \"none\" are 0; correct them, or drop the arm",
        );
    }
    assert!(weighted(["0", "0", "0", "0"]).is_err());
    assert_refused(
        study(TRIAL, &Roles { weights: Some("age".into()), ..roles() }),
        "patients.csv, column \"age\": the column has two roles, covariate and weight; give each role its own column",
    );
}

#[test]
fn the_role_survives_a_configuration_file() {
    let roles = Roles { weights: Some("fee".into()), ..roles() };
    assert_eq!(toml::from_str::<Roles>(&toml::to_string(&roles).unwrap()).unwrap(), roles);
}
