//! Propensity scores from the shares of the arms within strata.

use ndarray::array;

use super::*;

const SITES: &str = "\
y,a,age,sex,site
1,b,30,0,north
2,c,31,1,south
3,c,32,1.0,south
4,c,33,0,north
5,b,34,0,north
6,b,35,1,south
7,c,36,0,north
8,c,37,1e0,south
";

fn by(columns: &[&str]) -> Roles {
    let strata = columns.iter().map(|column| (*column).to_owned()).collect();
    Roles { propensity: PropensityRole::Strata(strata), ..roles() }
}

#[test]
fn shares_within_strata_by_hand() {
    let e = study(SITES, &by(&["site"])).unwrap().propensity;
    let (north, south) = ([0.5, 0.5], [0.25, 0.75]);
    assert_eq!(e, array![north, south, south, north, north, south, north, south]);
}

#[test]
fn a_covariate_may_form_strata_and_numbers_are_equal_however_written() {
    let by_site = study(SITES, &by(&["site"])).unwrap().propensity;
    assert_eq!(study(SITES, &by(&["sex"])).unwrap().propensity, by_site);
    assert_eq!(study(SITES, &by(&["site", "sex"])).unwrap().propensity, by_site);
}

#[test]
fn one_stratum_is_the_whole_study() {
    let text = SITES.replace("north", "south");
    assert_eq!(study(&text, &by(&["site"])).unwrap().propensity, study(&text, &roles()).unwrap().propensity);
}

#[test]
fn crossed_columns_form_a_stratum_of_each_pair_of_values() {
    let text = "y,a,age,sex,u,v\n1,b,1,1,1,x\n1,c,1,2,1,x\n1,c,1,2,1,y\n1,b,2,2,1,y\n1,c,2,1,1,y\n1,b,1,2,2,x\n1,c,1,1,2,x\n1,b,0,1,2,x\n1,b,1,1,2,x\n";
    let e = study(text, &by(&["u", "v"])).unwrap().propensity;
    let third = 1.0 / 3.0;
    let treated = [0.5, 0.5, 2.0 * third, 2.0 * third, 2.0 * third, 0.25, 0.25, 0.25, 0.25];
    (0..9).for_each(|i| {
        assert!((e[[i, 1]] - treated[i]).abs() < 1e-15 && (e.row(i).sum() - 1.0).abs() < 1e-15)
    });
}

#[test]
fn a_stratum_without_an_arm_is_refused_by_name() {
    assert_refused(
        study(&SITES.replace("35,1,south", "35,1,north"), &by(&["site", "sex"])),
        "patients.csv: no unit of the stratum site = \"south\", sex = \"1\" (3 rows) received arm \"b\"; merge it with \
         another stratum, form strata by fewer columns with --propensity strata:.., or give known propensities with \
         --propensity",
    );
}

#[test]
fn strata_are_formed_by_what_precedes_treatment() {
    for (column, first, second) in
        [("y", "outcome", "stratum"), ("a", "treatment", "stratum"), ("site", "stratum", "stratum")]
    {
        assert_refused(
            study(SITES, &by(&["site", column])),
            &format!(
                "patients.csv, column \"{column}\": the column has two roles, {first} and {second}; give each role \
                 its own column"
            ),
        );
    }
    let clusters = Roles { cluster: Some("site".into()), ..by(&["site"]) };
    assert!(study(SITES, &clusters).is_ok());
}

#[test]
fn a_missing_stratum_is_a_missing_value() {
    let message = study(&SITES.replace("35,1,south", "35,1,"), &by(&["site"])).unwrap_err().to_string();
    assert!(message.starts_with("patients.csv, line 7, column \"site\": the value is missing"), "{message}");
    let dropping = Roles { missing: Missing::Drop, ..by(&["sex"]) };
    let study = study(&SITES.replace("37,1e0", "37,NA"), &dropping).unwrap();
    assert_eq!(study.warnings, ["patients.csv: 1 of 8 rows dropped because a value is missing (sex: 1)"]);
}

#[test]
fn the_role_survives_a_configuration_file() {
    let text = toml::to_string(&by(&["site", "sex"])).unwrap();
    assert!(text.contains("strata = [\"site\", \"sex\"]"), "{text}");
    assert_eq!(toml::from_str::<Roles>(&text).unwrap(), by(&["site", "sex"]));
}
