//! Covariates made of who is around a unit.

use std::path::{Path, PathBuf};

use prescribe::data::{Around, Neighbour, Purpose, read_covariates, with_neighbours};

use super::*;

/// Two villages, rows mixed, and a unit alone; one number is missing.
const VILLAGES: &str = "\
id,village,age,y,a
u1,north,10,1,0
v1,7,40,0,1
u2,north,20,1,1
v2,7,NA,0,0
u3,north,60,0,0
w1,east,5,1,1
";

fn made(names: &[&str]) -> Vec<Neighbour> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

/// The covariate `name` of every row, by a table of which these columns say who is around.
fn column(name: &str, edges: Option<&Path>) -> Vec<f64> {
    let around = Around { cluster: Some("village"), id: Some("id"), edges };
    let (table, _) = with_neighbours(&table(VILLAGES), &made(&[name]), around, false).unwrap();
    table.numbers(&made(&[name])[0].to_string(), Purpose::Matrix).unwrap()
}

/// A file of edges that lasts as long as the folder.
fn edges(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("edges.csv");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

#[test]
fn means_and_sizes_by_hand() {
    assert_eq!(column("cluster_size", None), [3.0, 2.0, 3.0, 2.0, 3.0, 1.0]);
    assert_eq!(column("cluster_mean:age", None), [30.0, 40.0, 30.0, 40.0, 30.0, 5.0]);
    // A mean may itself be of a covariate that is made.
    let around = Around { cluster: Some("village"), id: None, edges: None };
    let (sizes, _) = with_neighbours(&table(VILLAGES), &made(&["cluster_size"]), around, false).unwrap();
    let (both, _) = with_neighbours(&sizes, &made(&["cluster_mean:cluster_size"]), around, false).unwrap();
    let of = |name: &str| both.numbers(name, Purpose::Matrix).unwrap();
    assert_eq!(of("cluster_mean(cluster_size)"), of("cluster_size"));
    let (_folder, path) = edges("from,to\nu1,u3\nu3,u2\nv1,v2\n");
    assert_eq!(column("degree", Some(&path)), [1.0, 1.0, 1.0, 1.0, 2.0, 0.0]);
}

#[test]
fn who_is_alone_is_its_own_neighbour_and_who_misses_a_value_counts_for_nobody() {
    // v2 misses its age, so that v1 has nobody to take a mean over but has company: its mean is missing, and east's is its own.
    let around = Around { cluster: Some("village"), id: None, edges: None };
    let (table, said) =
        with_neighbours(&table(VILLAGES), &made(&["mean_others(age)"]), around, false).unwrap();
    assert_eq!(
        said,
        ["patients.csv: 1 unit has nobody around; mean_others(age) is then the unit's own value"]
    );
    let labels = |row: usize| {
        let missing = Covariate { missing: true, ..Covariate::numeric("mean_others(age)") };
        read_covariates(&table, &[missing], Purpose::Matrix).unwrap()[[row, 0]]
    };
    assert_eq!([0, 2, 4, 3, 5].map(labels), [40.0, 35.0, 15.0, 40.0, 5.0]);
    assert!(labels(1).is_nan());
    let (_folder, path) = edges("from,to\nu1,u3\nu3,u2\n");
    assert_eq!(column_but_missing("mean_neighbours:age", &path), [60.0, 40.0, 60.0, 15.0, 5.0]);
}

/// Without the row that misses its age, which has no neighbour either.
fn column_but_missing(name: &str, path: &Path) -> Vec<f64> {
    let text = VILLAGES.replace("v2,7,NA,0,0\n", "");
    let around = Around { cluster: Some("village"), id: Some("id"), edges: Some(path) };
    let (table, _) = with_neighbours(&table(&text), &made(&[name]), around, true).unwrap();
    table.numbers(&made(&[name])[0].to_string(), Purpose::Matrix).unwrap()
}

#[test]
fn edges_count_once_in_either_direction() {
    let (_folder, path) = edges("from,to\nu1,u3\nu3,u1\nu1,u3\n");
    let around = Around { cluster: None, id: Some("id"), edges: Some(&path) };
    let (table, said) = with_neighbours(&table(VILLAGES), &made(&["degree"]), around, true).unwrap();
    assert_eq!(table.numbers("degree", Purpose::Matrix).unwrap(), [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
    assert!(said[0].contains("2 edges are there twice or more"), "{said:?}");
}

#[test]
fn edges_that_cannot_be_are_refused_with_their_line() {
    let cases = [
        ("from,to\nu1,u2\nu1,x9\n", "line 3, column \"to\": \"x9\" is the id of no unit of patients.csv"),
        ("from,to\nu1,u1\n", "line 2: the edge joins \"u1\" to itself"),
        ("from,to\nu1,v1\n", "line 2: the edge joins \"u1\" and \"v1\", which are of two clusters"),
        ("from,to,weight\nu1,u2,3\n", "the file has 3 columns; a file of edges has two"),
        ("from,to\nu1,\n", "line 2, column \"to\": the value is missing"),
    ];
    for (text, message) in cases {
        let (_folder, path) = edges(text);
        let around = Around { cluster: Some("village"), id: Some("id"), edges: Some(&path) };
        let error = with_neighbours(&table(VILLAGES), &made(&["degree"]), around, true).unwrap_err();
        assert!(error.to_string().contains(message), "{error}");
        assert_eq!(error.kind(), ErrorKind::Data);
    }
    let (_folder, path) = edges("from,to\nu1,u2\n");
    let twice = VILLAGES.replace("v1,", "u1,");
    let around = Around { cluster: Some("village"), id: Some("id"), edges: Some(&path) };
    let error = with_neighbours(&table(&twice), &made(&["degree"]), around, true).unwrap_err();
    assert!(
        error.to_string().contains("line 3, column \"id\": \"u1\" is also the id of data row 1"),
        "{error}"
    );
}

#[test]
fn what_is_not_named_is_asked_for() {
    let refuse = |name: &str, around: Around, message: &str| {
        let error = with_neighbours(&table(VILLAGES), &made(&[name]), around, false).unwrap_err();
        assert!(error.to_string().contains(message), "{error}");
        assert_eq!(error.kind(), ErrorKind::Usage);
    };
    refuse("cluster_size", Around::default(), "--cluster");
    refuse("degree", Around::default(), "--edges");
    let (_folder, path) = edges("from,to\nu1,u2\n");
    refuse("degree", Around { edges: Some(&path), ..Around::default() }, "--id");
    let own = VILLAGES.replace(",age,", ",cluster_size,");
    let around = Around { cluster: Some("village"), ..Around::default() };
    let error = with_neighbours(&table(&own), &made(&["cluster_size"]), around, false).unwrap_err();
    assert!(error.to_string().contains("has a column of that name"), "{error}");
    for wrong in ["mean_others", "mean_others:", "neighbours(age)", "degree(age)"] {
        assert!(wrong.parse::<Neighbour>().is_err(), "{wrong}");
    }
}

#[test]
fn a_study_has_them_before_units_are_left_out() {
    let names = ["age", "mean_others(age)", "cluster_size"].map(String::from).to_vec();
    let roles = Roles {
        covariates: names.clone(),
        made: made(&["mean_others:age", "cluster_size"]),
        cluster: Some("village".into()),
        missing: Missing::Drop,
        ..roles()
    };
    let study = study(VILLAGES, &roles).unwrap();
    // v2 misses its age, v1 the mean of the others; the size of no cluster changes.
    assert_eq!(study.rows, [0, 2, 4, 5]);
    assert_eq!(study.x.column(2).to_vec(), [3.0, 3.0, 3.0, 1.0]);
    assert_eq!(study.x.column(1).to_vec(), [40.0, 35.0, 15.0, 5.0]);
    assert_eq!(study.covariates[1].made, Some(Neighbour::MeanOthers("age".into())));
    assert_eq!(study.covariates[0].made, None);
    let text = toml::to_string(&roles).unwrap();
    assert!(text.contains("made = [\"mean_others(age)\", \"cluster_size\"]"), "{text}");
    assert_eq!(toml::from_str::<Roles>(&text).unwrap(), roles);
    // Nothing may be missing where nothing is dropped.
    let error = self::study(VILLAGES, &Roles { missing: Missing::Error, ..roles }).unwrap_err();
    assert!(error.to_string().contains("line 5, column \"age\": the value is missing"), "{error}");
}

#[test]
fn within_clusters_who_misses_a_covariate_is_kept_but_not_reached() {
    let roles = Roles {
        covariates: vec!["age".into()],
        cluster: Some("village".into()),
        missing: Missing::Drop.within_clusters(),
        costs: CostRole::PerArm(labelled(&[("1", 2.0)])),
        ..roles()
    };
    let study = study(VILLAGES, &roles).unwrap();
    assert_eq!(study.reached, Some(vec![true, true, true, false, true, true]));
    assert_eq!((study.units(), study.dropped), (6, 0));
    // The mean of the others' ages, and no cost.
    assert_eq!((study.x[[3, 0]], study.costs[[3, 1]], study.costs[[2, 1]]), (27.0, 0.0, 2.0));
    assert_eq!(study.select(&[3, 0]).reached, Some(vec![false, true]));
    assert!(study.warnings[0].contains("1 of 6 units without a covariate (age: 1)"), "{:?}", study.warnings);
    for (old, new, message) in [
        ("u1,north", "u1,", "line 2, column \"village\": the value is missing; under interference"),
        ("10,1,0", "10,,0", "line 2, column \"y\": the value is missing; under interference"),
        ("20,1,1", "20,1,NA", "line 4, column \"a\": the value is missing; under interference"),
    ] {
        let error = self::study(&VILLAGES.replace(old, new), &roles).unwrap_err();
        assert!(error.to_string().contains(message), "{error}");
    }
    let nobody = "y,a,age,village\n1,0,,x\n0,1,NA,y\n";
    let error = self::study(nobody, &roles).unwrap_err();
    assert!(error.to_string().contains("every unit misses a covariate"), "{error}");
}
