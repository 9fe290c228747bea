//! From a table to a study, by the roles of its columns.

use ndarray::array;

use super::*;

#[test]
fn a_study_is_read_by_roles() {
    let study = study(TRIAL, &Roles { id: Some("id".into()), ..roles() }).unwrap();
    assert_eq!(study.arms, ["drug", "none"]);
    assert_eq!(study.arm, [0, 1, 0, 1]);
    assert_eq!(study.outcome, array![1.5, 0.0, -2.0, 4.0]);
    assert_eq!(study.x, array![[41.5, 0.0], [30.0, 1.0], [55.0, 1.0], [62.0, 0.0]]);
    assert_eq!(study.covariate_names(), ["age", "sex"]);
    assert_eq!(study.propensity, array![[0.5, 0.5], [0.5, 0.5], [0.5, 0.5], [0.5, 0.5]]);
    assert_eq!(study.costs, ndarray::Array2::<f64>::zeros((4, 2)));
    assert_eq!(study.ids, ["u1", "u2", "u3", "u4"]);
    assert_eq!((study.units(), study.dropped, study.rows), (4, 0, vec![0, 1, 2, 3]));
    assert!(study.warnings.is_empty());
}

#[test]
fn without_an_id_units_are_numbered_by_row() {
    assert_eq!(study(TRIAL, &roles()).unwrap().ids, ["1", "2", "3", "4"]);
}

#[test]
fn roles_survive_a_configuration_file() {
    let roles = Roles {
        id: Some("id".into()),
        arms: Some(vec!["none".into(), "drug".into()]),
        missing: Missing::Drop,
        propensity: PropensityRole::Columns(columns(&[("none", "q"), ("drug", "p")])),
        costs: CostRole::PerArm(labelled(&[("drug", 0.5)])),
        ..roles()
    };
    let text = toml::to_string(&roles).unwrap();
    assert_eq!(toml::from_str::<Roles>(&text).unwrap(), roles, "{text}");
    let short = "outcome = 'y'\ntreatment = 'a'\ncovariates = ['age', 'sex']\n";
    assert_eq!(toml::from_str::<Roles>(short).unwrap(), self::roles());
}

#[test]
fn a_column_with_two_roles_is_refused() {
    for (roles, column, first, second) in [
        (Roles { outcome: "a".into(), ..roles() }, "a", "outcome", "treatment"),
        (Roles { covariates: vec!["age".into(), "y".into()], ..roles() }, "y", "outcome", "covariate"),
        (Roles { covariates: vec!["age".into(), "age".into()], ..roles() }, "age", "covariate", "covariate"),
        (Roles { id: Some("sex".into()), ..roles() }, "sex", "covariate", "id"),
        (Roles { costs: CostRole::PerUnit("age".into()), ..roles() }, "age", "covariate", "cost"),
        (
            Roles { propensity: PropensityRole::TreatedColumn("y".into()), ..roles() },
            "y",
            "outcome",
            "propensity",
        ),
    ] {
        assert_refused(
            study(TRIAL, &roles),
            &format!(
                "patients.csv, column \"{column}\": the column has two roles, {first} and {second}; give each \
                 role its own column"
            ),
        );
    }
}

#[test]
fn every_role_needs_an_existing_column() {
    let unknown = || "nowhere".to_owned();
    for roles in [
        Roles { outcome: "nowhere".into(), ..roles() },
        Roles { treatment: unknown(), ..roles() },
        Roles { covariates: vec![unknown()], ..roles() },
        Roles { id: Some(unknown()), ..roles() },
        Roles { propensity: PropensityRole::TreatedColumn(unknown()), ..roles() },
        Roles { costs: CostRole::PerUnit(unknown()), ..roles() },
    ] {
        for missing in [Missing::Error, Missing::Drop] {
            let message = study(TRIAL, &Roles { missing, ..roles.clone() }).unwrap_err().to_string();
            assert!(
                message.starts_with(
                    "patients.csv, column \"nowhere\": there is no such column; the columns are"
                ),
                "{message}"
            );
        }
    }
}

#[test]
fn one_unit_or_one_arm_is_too_few() {
    assert_refused(
        study("y,a,age,sex\n1,b,2,3\n", &roles()),
        "patients.csv: 1 row is too few; at least 2 are needed",
    );
    assert_refused(
        study("y,a,age,sex\n1,b,2,3\n2,b,3,4\n", &roles()),
        "patients.csv, column \"a\": there is one arm only (\"b\"); a rule needs at least two arms to choose from",
    );
}

#[test]
fn bad_values_are_refused_in_every_role() {
    for (old, new, line, column, problem) in [
        (",0,none", ",none,none", 3, "y", "\"none\" is not a number; write a decimal number such as 41.5"),
        (
            "none,62,0",
            "none,old,0",
            5,
            "age",
            "\"old\" is not a number; write a decimal number such as 41.5, name the column in --categorical, or leave it out of \
             --covariates",
        ),
        (
            "none,62,0",
            "none,NA,0",
            5,
            "age",
            "the value is missing (\"NA\"); fill the value in, leave the column out of --covariates, or pass \
             --missing keep or --missing drop",
        ),
        ("-2,drug", "-2,", 4, "a", "the value is missing (\"\"); fill the value in, or pass --missing drop"),
        ("u3,", ",", 4, "id", "the value is missing (\"\"); fill the value in, or pass --missing drop"),
    ] {
        assert_refused(
            study(&trial_with(old, new), &Roles { id: Some("id".into()), ..roles() }),
            &format!("patients.csv, line {line}, column \"{column}\": {problem}"),
        );
    }
}

#[test]
fn a_constant_covariate_is_a_warning() {
    let study = study("y,a,age,sex\n1,b,2,3\n2,c,3,3\n", &roles()).unwrap();
    assert_eq!(
        study.warnings,
        [
            "patients.csv, column \"sex\": every value is 3; a covariate that does not vary cannot tell units apart"
        ]
    );
}
