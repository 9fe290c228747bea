//! The application of interference.txt, section 7, on simulated households: the design's truth, and the tables computed by hand.

use std::collections::BTreeMap;

use ndarray::Array2;
use prescribe::data::{PropensityRole, Roles};
use prescribe::interference::{Clusters, Interference, folds, influence};
use prescribe::models::linear_rule::LinearRule;
use prescribe::reproduce::households::{ASSUMED, Households, Settings, households};
use prescribe::simulate::{CashTransfers, TRANSFER_COVARIATES, cash_transfers};
use prescribe::solve::{Options, Silent};

#[test]
fn the_study_has_the_paper_s_shape() {
    let drawn = cash_transfers(1);
    assert_eq!((drawn.clusters.count(), drawn.clusters.units()), (1_010, 2_129));
    assert!(drawn.clusters.members.iter().all(|units| (1..=5).contains(&units.len())));
    assert!(drawn.clusters.outcome.iter().all(|y| (0.0..=1.0).contains(y)));
    assert_eq!(drawn, cash_transfers(1));
    assert_ne!(drawn.clusters.treated, cash_transfers(2).clusters.treated);
    // One propensity a stratum of locality, school, gender and grade.
    let csv = drawn.csv();
    let mut strata: BTreeMap<Vec<&str>, &str> = BTreeMap::new();
    for line in csv.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let known = strata.entry(cells[1..5].to_vec()).or_insert(cells[9]);
        assert_eq!(*known, cells[9]);
    }
    assert_eq!((csv.lines().count(), strata.len()), (2_130, 48));
}

/// addIPW is unbiased for what the design says a rule is worth.
#[test]
fn the_truth_is_what_additive_weights_estimate() {
    let errors: Vec<f64> = (1..=200)
        .map(|seed| {
            let drawn = cash_transfers(seed);
            let treated: Vec<bool> = drawn.x.rows().into_iter().map(|x| x[0] < 9.0 && x[2] < 12.0).collect();
            let psi = influence(&drawn.clusters, Interference::Additive, None, &treated).psi;
            psi.iter().sum::<f64>() / psi.len() as f64 - drawn.value(&treated)
        })
        .collect();
    let mean = errors.iter().sum::<f64>() / 200.0;
    let sd = (errors.iter().map(|error| (error - mean).powi(2)).sum::<f64>() / 199.0).sqrt();
    assert!(mean.abs() < 4.0 * sd / 200_f64.sqrt(), "{mean} with sd {sd}");
}

const COST: f64 = 0.2;
const FOLDS: usize = 3;

/// The analysis of the first households of a study.
fn analysed(count: usize) -> (Clusters, Array2<f64>, Households) {
    let CashTransfers { clusters, x, .. } = cash_transfers(3);
    let (clusters, units) = clusters.among(&(0..count).collect::<Vec<_>>());
    let csv = cash_transfers(3).csv();
    let lines: Vec<&str> = csv.lines().take(units.len() + 1).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("households.csv");
    std::fs::write(&path, lines.join("\n") + "\n").unwrap();
    let roles = Roles {
        cluster: Some("household".into()),
        propensity: PropensityRole::TreatedColumn("propensity".into()),
        ..Roles::new("attendance", "enrolled", &TRANSFER_COVARIATES.map(String::from))
    };
    let options = Options { time_limit: Some(2.0), threads: 2, ..Options::default() };
    let settings = Settings { roles, costs: vec![COST], folds: FOLDS, options };
    let found = households(&path, &settings, None, &Silent).unwrap();
    let x = x.select(ndarray::Axis(0), &units);
    (clusters, x, found)
}

/// (8) and (4) less the cost, cluster by cluster.
fn by_hand(clusters: &Clusters, x: &Array2<f64>, rule: &LinearRule, of: &[usize], additive: bool) -> f64 {
    let net = |i: usize| {
        let units = &clusters.members[i];
        let size = units.len() as f64;
        let (mut sum, mut product, mut outcome, mut cost) = (1.0, 1.0, 0.0, 0.0);
        for &u in units {
            let height: f64 = x.row(u).iter().zip(&rule.coefficients).map(|(v, b)| v * b).sum();
            let treats = rule.intercept + height >= 0.0;
            let p = clusters.propensity[u];
            let chance = if clusters.treated[u] { p } else { 1.0 - p };
            let weight = if clusters.treated[u] == treats { 1.0 / chance } else { 0.0 };
            sum += weight - 1.0;
            product *= weight;
            outcome += clusters.outcome[u] / size;
            cost += if treats { COST / size } else { 0.0 };
        }
        outcome * if additive { sum } else { product } - cost
    };
    of.iter().map(|&i| net(i)).sum::<f64>() / of.len() as f64
}

#[test]
fn tables_equal_those_by_hand() {
    let (clusters, x, found) = analysed(90);
    assert_eq!((found.clusters, found.units), (90, clusters.units()));
    let fold = folds(&clusters, FOLDS, 1);
    assert_eq!(found.lines.iter().map(|line| line.interference).collect::<Vec<_>>(), ASSUMED);
    for line in &found.lines {
        assert_eq!(line.pairs.len(), FOLDS + 1);
        for additive in [true, false] {
            let of_fold = |l: usize| {
                let held: Vec<usize> = (0..90).filter(|&i| fold[i] == l).collect();
                by_hand(&clusters, &x, &line.pairs[l].smoothed, &held, additive)
            };
            let value = (0..FOLDS).map(of_fold).sum::<f64>() / FOLDS as f64;
            let reported = if additive { line.smoothed.additive } else { line.smoothed.unknown };
            assert!((value - reported.value).abs() < 1e-10, "{}: {value} {reported:?}", line.interference);
            assert!(reported.standard_error > 0.0);
        }
        for (l, pair) in line.pairs.iter().enumerate() {
            // What was maximised is the estimated value on the clusters that were learned from.
            let kept: Vec<usize> = (0..90).filter(|&i| fold[i] != l).collect();
            let estimated = |rule: &LinearRule| match line.interference {
                Interference::Additive => Some(by_hand(&clusters, &x, rule, &kept, true)),
                Interference::Unknown => Some(by_hand(&clusters, &x, rule, &kept, false)),
                _ => None,
            };
            for (rule, value) in [(&pair.smoothed, pair.smoothed_value), (&pair.exact, pair.exact_value)] {
                if let Some(estimated) = estimated(rule) {
                    assert!((estimated - value).abs() < 1e-9, "{}: {estimated} {value}", line.interference);
                }
            }
            assert!(pair.exact_value >= pair.smoothed_value && pair.bound >= pair.exact_value - 1e-9);
            let sums = matches!(line.interference, Interference::Additive | Interference::None);
            assert!(pair.proved || !sums, "{}, fold {l}", line.interference);
        }
        let whole = &line.pairs[FOLDS];
        assert_eq!(whole.without, None);
        if whole.smoothed.intercept != 0.0 {
            assert_eq!(line.normalised[0].abs(), 1.0);
        }
        assert_eq!(line.truth, None);
    }
}
