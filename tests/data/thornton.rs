//! A real study, read as users read it.

use std::path::PathBuf;

use super::*;

/// Thornton (2008): the counts and means by arm that the notes beside the data file state.
#[test]
fn the_thornton_study_has_its_published_counts_and_means() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples/data/thornton_hiv.csv");
    let table = Table::read(&path).unwrap();
    assert_eq!(table.row_count(), 2834);
    let thornton = Roles {
        outcome: "got".into(),
        treatment: "arm".into(),
        covariates: vec!["distvct".into()],
        ..roles()
    };
    let study = Study::from_table(&table, &thornton).unwrap();
    let expected = [
        ("inc0", 623, 0.33868),
        ("inc_0.5_1", 580, 0.77241),
        ("inc_0_0.5", 560, 0.67321),
        ("inc_1.5_2", 509, 0.87033),
        ("inc_1_1.5", 190, 0.84211),
        ("inc_2_3", 372, 0.85215),
    ];
    assert_eq!(study.arms, expected.map(|(arm, _, _)| arm));
    for (k, (arm, count, mean)) in expected.into_iter().enumerate() {
        let outcomes: Vec<f64> =
            (0..study.units()).filter(|&i| study.arm[i] == k).map(|i| study.outcome[i]).collect();
        assert_eq!(outcomes.len(), count, "{arm}");
        assert!((outcomes.iter().sum::<f64>() / count as f64 - mean).abs() < 5e-6, "{arm}");
        assert_eq!(study.propensity[[0, k]], count as f64 / 2834.0);
    }

    let with_gaps =
        Roles { covariates: vec!["age".into(), "village".into()], missing: Missing::Drop, ..thornton };
    let study = Study::from_table(&table, &with_gaps).unwrap();
    assert!(study.warnings[0].ends_with("dropped because a value is missing (age: 5, village: 4)"));
    assert_eq!(study.units() + study.dropped, 2834);
    let message =
        Study::from_table(&table, &Roles { missing: Missing::Error, ..with_gaps }).unwrap_err().to_string();
    assert!(message.contains("column \"age\": the value is missing"), "{message}");
}
