//! Outcomes made of a time to an event, and columns of scores made elsewhere.

use ndarray::array;
use prescribe::data::{Estimand, FollowUp, OutcomeRole, SurvivalRole};

use super::*;

const FOLLOWED: &str = "\
id,days,died,a,age,site
u1,10,1,drug,41.5,A
u2,30,0,none,30,B
u3,30,1,drug,55,A
u4,45,0,none,62,B
u5,20,0,drug,50,A
";

fn survival(estimand: Estimand) -> Roles {
    let role = SurvivalRole {
        time: "days".into(),
        event: "died".into(),
        horizon: 30.0,
        estimand,
        censoring_strata: vec!["site".into()],
    };
    Roles { outcome: OutcomeRole::Survival(role), covariates: vec!["age".into()], ..roles() }
}

#[test]
fn times_become_outcomes() {
    let restricted = study(FOLLOWED, &survival(Estimand::Rmst)).unwrap();
    assert_eq!(restricted.outcome, array![10.0, 30.0, 30.0, 30.0, 20.0]);
    let survived = study(FOLLOWED, &survival(Estimand::Survival)).unwrap();
    // Nobody survives the horizon who has the event just then.
    assert_eq!(survived.outcome, array![0.0, 1.0, 0.0, 1.0, 1.0]);
    let follow_up = survived.follow_up.unwrap();
    assert_eq!((0..5).map(|i| follow_up.known(i)).collect::<Vec<_>>(), [true, true, true, true, false]);
    let expected = FollowUp {
        time: array![10.0, 30.0, 30.0, 45.0, 20.0],
        event: vec![true, false, true, false, false],
        horizon: 30.0,
        estimand: Estimand::Survival,
        stratum: vec![0, 1, 0, 1, 0],
        strata_names: vec!["site".into()],
    };
    assert_eq!(follow_up, expected);
    let some = restricted.select(&[4, 1]).follow_up.unwrap();
    assert_eq!((some.time, some.event, some.stratum), (array![20.0, 30.0], vec![false, false], vec![0, 1]));
}

#[test]
fn times_and_events_are_checked() {
    let refused = |old: &str, new: &str, message: &str| {
        assert!(FOLLOWED.contains(old), "{old}");
        assert_refused(study(&FOLLOWED.replacen(old, new, 1), &survival(Estimand::Rmst)), message);
    };
    refused(
        "u2,30,0",
        "u2,-3,0",
        "patients.csv, line 3, column \"days\": time -3 is negative; count from the start of follow-up, and give a number \
         of at least 0",
    );
    refused(
        "u2,30,0",
        "u2,30,2",
        "patients.csv, line 3, column \"died\": event 2 is neither 0 nor 1; write 1 where follow-up ended with the event, \
         0 where it ended without",
    );
    refused(
        "u2,30,0",
        "u2,30,",
        "patients.csv, line 3, column \"died\": the value is missing (\"\"); fill the value in, or pass --missing drop",
    );
    let dropping = Roles { missing: Missing::Drop, ..survival(Estimand::Rmst) };
    assert_eq!(study(&FOLLOWED.replacen("u2,30", "u2,NA", 1), &dropping).unwrap().rows, [0, 2, 3, 4]);
    for (column, message) in [
        ("days", "column \"days\": the column has two roles, time and covariate"),
        ("died", "column \"died\": the column has two roles, event and covariate"),
    ] {
        let roles = Roles { covariates: vec![column.into()], ..survival(Estimand::Rmst) };
        assert!(study(FOLLOWED, &roles).unwrap_err().to_string().contains(message));
    }
}

#[test]
fn a_horizon_is_a_number_above_0() {
    for (horizon, value) in [(0.0, "0"), (-1.0, "-1"), (f64::NAN, "NaN"), (f64::INFINITY, "inf")] {
        let mut roles = survival(Estimand::Rmst);
        if let OutcomeRole::Survival(role) = &mut roles.outcome {
            role.horizon = horizon;
        }
        let error = study(FOLLOWED, &roles).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
        let message =
            format!("the horizon {value} is not a number above 0; give it in the units of the time column");
        assert_eq!(error.to_string(), format!("patients.csv: {message}"));
    }
}

#[test]
fn strata_of_censoring_may_be_covariates_clusters_and_strata_of_propensities() {
    let role = survival(Estimand::Rmst);
    for roles in [
        Roles { cluster: Some("site".into()), ..role.clone() },
        Roles { propensity: PropensityRole::Strata(vec!["age".into()]), ..role.clone() },
    ] {
        let found = study(FOLLOWED, &roles);
        // The strata of age have one unit each, which is another matter.
        assert!(!found.is_err_and(|error| error.to_string().contains("two roles")));
    }
    let roles = Roles { id: Some("site".into()), ..role };
    assert!(study(FOLLOWED, &roles).unwrap_err().to_string().contains("two roles, censoring stratum and id"));
}

#[test]
fn the_outcome_survives_a_configuration_file() {
    let rest = "treatment = 'a'\ncovariates = []\n";
    for outcome in ["y", "survival"] {
        let roles: Roles = toml::from_str(&format!("outcome = '{outcome}'\n{rest}")).unwrap();
        assert_eq!(roles.outcome, OutcomeRole::Column(outcome.into()));
    }
    let roles = survival(Estimand::Survival);
    assert_eq!(toml::from_str::<Roles>(&toml::to_string(&roles).unwrap()).unwrap(), roles);
    let wrong = format!("{rest}[outcome.survival]\ntime = 'days'\nevent = 'died'\nhorizons = 3\n");
    let message = toml::from_str::<Roles>(&wrong).unwrap_err().to_string();
    assert!(message.contains("neither a column nor a table `survival`"), "{message}");
}

#[test]
fn rewards_are_read_in_the_order_of_the_arms() {
    let given = columns(&[("none", "age"), ("drug", "fee")]);
    let roles = Roles { rewards: given, covariates: vec!["sex".into()], ..roles() };
    let found = study(TRIAL, &roles).unwrap().given_scores.unwrap();
    assert_eq!(found, array![[2.0, 41.5], [3.0, 30.0], [4.0, 55.0], [5.0, 62.0]]);
    let with = |rewards| Roles { rewards, ..roles.clone() };
    for given in [columns(&[("none", "age")]), columns(&[("none", "age"), ("drug", "fee"), ("both", "p")])] {
        let names: Vec<String> = given.keys().map(|arm| format!("{arm:?}")).collect();
        assert_refused(
            study(TRIAL, &with(given)),
            &format!(
                "patients.csv: rewards are given for {}, the arms in the data are \"drug\", \"none\"; name one column for \
                 each arm of the data",
                names.join(", ")
            ),
        );
    }
    assert_refused(
        study(TRIAL, &with(columns(&[("none", "age"), ("drug", "sex")]))),
        "patients.csv, column \"sex\": the column has two roles, covariate and reward; give each role its own column",
    );
    let missing = trial_with("0.5,3", "0.5,");
    assert!(
        study(&missing, &roles).unwrap_err().to_string().contains("column \"fee\": the value is missing")
    );
}
