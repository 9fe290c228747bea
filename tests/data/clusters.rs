//! The column of clusters.

use super::*;

const WARDS: &str =
    "y,a,age,sex,ward\n1,b,30,0,north\n2,c,31,1,7\n3,b,32,1,north\n4,c,33,0,7\n5,b,34,0,east\n";

fn wards() -> Roles {
    Roles { cluster: Some("ward".into()), ..roles() }
}

#[test]
fn clusters_are_numbered_as_they_appear_and_follow_their_units() {
    let study = study(WARDS, &wards()).unwrap();
    assert_eq!(study.cluster, Some(vec![0, 1, 0, 1, 2]));
    assert_eq!(study.select(&[4, 2, 1]).cluster, Some(vec![2, 0, 1]));
    assert_eq!(self::study(WARDS, &roles()).unwrap().cluster, None);
}

#[test]
fn the_column_of_clusters_is_checked_like_any_other() {
    assert_refused(
        study(&WARDS.replace("7\n3", "\n3"), &wards()),
        "patients.csv, line 3, column \"ward\": the value is missing (\"\"); fill the value in, or pass --missing drop",
    );
    let dropping = Roles { missing: Missing::Drop, ..wards() };
    assert_eq!(study(&WARDS.replace("7\n3", "\n3"), &dropping).unwrap().cluster, Some(vec![0, 0, 1, 2]));
    assert_refused(
        study(WARDS, &Roles { cluster: Some("age".into()), ..roles() }),
        "patients.csv, column \"age\": the column has two roles, covariate and cluster; give each role its own column",
    );
    assert_refused(
        study(WARDS, &Roles { cluster: Some("wards".into()), ..roles() }),
        "patients.csv, column \"wards\": there is no such column; did you mean \"ward\"? the columns are \"y\", \"a\", \
         \"age\", \"sex\", \"ward\"",
    );
}

#[test]
fn the_role_survives_a_configuration_file() {
    let text = toml::to_string(&wards()).unwrap();
    assert!(text.contains("cluster = \"ward\""), "{text}");
    assert_eq!(toml::from_str::<Roles>(&text).unwrap(), wards());
}
