//! Units that miss a value.

use ndarray::array;

use super::*;

const GAPS: &str = "\
y,a,age,sex,unused
1,b,20,0,
2,c,NA,0,1
,c,NA,1,1
4,c,30,1,1
5,b,40,1,NA
";

#[test]
fn incomplete_units_are_dropped_and_counted() {
    let study = study(GAPS, &Roles { missing: Missing::Drop, ..roles() }).unwrap();
    assert_eq!(study.dropped, 2);
    assert_eq!(study.rows, [0, 3, 4]);
    assert_eq!(study.ids, ["1", "4", "5"]);
    assert_eq!(study.outcome, array![1.0, 4.0, 5.0]);
    assert_eq!(study.propensity.row(0), array![2.0 / 3.0, 1.0 / 3.0]);
    assert_eq!(
        study.warnings,
        ["patients.csv: 2 of 5 rows dropped because a value is missing (y: 1, age: 2)"]
    );
}

#[test]
fn text_in_a_kept_row_is_still_refused_and_by_its_own_line() {
    let text = GAPS.replace("5,b,40", "5,b,old");
    let message = study(&text, &Roles { missing: Missing::Drop, ..roles() }).unwrap_err().to_string();
    assert!(
        message.starts_with("patients.csv, line 6, column \"age\": \"old\" is not a number"),
        "{message}"
    );
}

#[test]
fn nothing_left_is_too_few() {
    let text = "y,a,age,sex\n,b,1,1\n,c,1,2\n";
    assert_refused(
        study(text, &Roles { missing: Missing::Drop, ..roles() }),
        "patients.csv: 0 rows are too few; at least 2 are needed",
    );
}

#[test]
fn kept_units_miss_covariates_only() {
    let keep = Roles { missing: Missing::Keep, ..roles() };
    let text = TRIAL.replace("u1,1.5,drug,41.5", "u1,1.5,drug,NA").replace("u2,0,none", "u2,,none");
    let study = study(&text, &keep).unwrap();
    let whole = table(TRIAL).row_count();
    assert_eq!((study.units(), study.dropped), (whole - 1, 1));
    assert!(study.x[[0, 0]].is_nan() && study.covariates[0].missing && !study.covariates[1].missing);
    assert_eq!(
        study.warnings,
        [format!("patients.csv: 1 of {whole} rows dropped because a value is missing (y: 1)")]
    );
    // Linear models see the mean of the ages that are there, and that one is not.
    let ages: Vec<f64> = study.x.column(0).iter().copied().filter(|age| !age.is_nan()).collect();
    let design = study.design();
    assert_eq!(design.ncols(), 3);
    assert!((design[[0, 0]] - ages.iter().sum::<f64>() / ages.len() as f64).abs() < 1e-12);
    assert_eq!(design.column(1).to_vec(), study.x.column(0).mapv(|age| f64::from(age.is_nan())).to_vec());
}
