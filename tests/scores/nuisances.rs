//! Logit models, forests, clipping, trimming and diagnostics, each against what must hold of it or was computed by hand.

use ndarray::{Axis, array, concatenate};
use prescribe::data::{DataError, ErrorKind, OutcomeModel, PropensityRole, Roles, Table};
use prescribe::nuisance::{Estimation, Folds, Nuisances, cross_fit, propensities};
use proptest::prelude::*;

use super::*;

/// Two folds with the same units in each, so that what is predicted of a fold is what was fitted to its like.
fn twice(study: Study) -> (Study, Folds) {
    let n = study.units();
    let twice = study.select(&(0..2 * n).map(|i| i % n).collect::<Vec<_>>());
    (twice, Folds { fold_of: (0..2 * n).map(|i| i / n).collect(), count: 2 })
}

fn estimation() -> Estimation {
    Estimation { clip: None, trim: None, outcome: false, seed: 1 }
}

fn estimate(study: Study, roles: &Roles, how: Estimation) -> Result<Nuisances, DataError> {
    prescribe::nuisance::estimate(study, roles, how, |study| Folds::new(study, 2, 1))
}

fn roles(propensity: PropensityRole, outcome_model: OutcomeModel) -> Roles {
    let roles = "outcome = 'y'\ntreatment = 'a'\ncovariates = ['x']\narms = ['0', '1']";
    Roles { propensity, outcome_model, ..toml::from_str(roles).unwrap() }
}

fn parsed(text: &str, roles: &Roles) -> Study {
    Study::from_table(&Table::parse("trial.csv", text.as_bytes()).unwrap(), roles).unwrap()
}

#[test]
fn the_likelihood_equations_of_a_logit_model_hold_whatever_the_rank() {
    for arms in [2, 3, 5] {
        let mut plain = scattered_study(200, arms, 3);
        // A repeated covariate, a constant and a dependent one, on scales far apart.
        let (first, second) = (plain.x.column(0).to_owned(), plain.x.column(1).to_owned());
        let more = [&first * 1e6, Array1::from_elem(200, 0.1), 3.0 - &first * 2.0 + &second]
            .map(|c| c.insert_axis(Axis(1)));
        let full = propensities(&twice(plain.clone()).0, &twice(plain.clone()).1, &PropensityRole::Logit, 1)
            .unwrap();
        plain.x = concatenate![Axis(1), plain.x, more[0], more[1], more[2]];
        let (study, folds) = twice(plain);
        let e = propensities(&study, &folds, &PropensityRole::Logit, 1).unwrap();
        assert!((&e - &full).iter().all(|off| off.abs() < 1e-10), "redundant covariates change something");
        for k in 0..arms {
            let residual = |i: usize| f64::from(u8::from(study.arm[i] == k)) - e[[i, k]];
            assert_close((0..200).map(residual).sum(), 0.0, 1e-10);
            for j in 0..3 {
                assert_close((0..200).map(|i| study.x[[i, j]] * residual(i)).sum(), 0.0, 1e-10);
            }
        }
        e.rows().into_iter().for_each(|row| assert_close(row.sum(), 1.0, 1e-14));
    }
}

#[test]
fn a_logit_model_of_one_binary_covariate_gives_the_shares() {
    let x = Array2::from_shape_fn((12, 1), |(i, _)| f64::from(i < 5));
    let arm = vec![0, 1, 1, 2, 1, 0, 0, 0, 1, 2, 2, 0];
    let (study, folds) = twice(study(x, arm, Array1::zeros(12), Array2::from_elem((12, 3), 1.0 / 3.0)));
    let e = propensities(&study, &folds, &PropensityRole::Logit, 1).unwrap();
    for (k, (among_first, among_rest)) in [(1.0, 4.0), (3.0, 1.0), (1.0, 2.0)].into_iter().enumerate() {
        assert_close(e[[0, k]], among_first / 5.0, 1e-14);
        assert_close(e[[11, k]], among_rest / 7.0, 1e-14);
    }
}

#[test]
fn steep_models_are_no_separation() {
    // One unit of 1000 on the wrong side of a plane: a slope of hundreds, but the likelihood has a maximum.
    let x = Array2::from_shape_fn((1000, 1), |(i, _)| i as f64);
    let arm = (0..1000).map(|i| usize::from((i >= 500) != (i == 495))).collect();
    let (study, folds) = twice(study(x, arm, Array1::zeros(1000), Array2::from_elem((1000, 2), 0.5)));
    let e = propensities(&study, &folds, &PropensityRole::Logit, 1).unwrap();
    let residual = |i: usize| f64::from(u8::from(study.arm[i] == 1)) - e[[i, 1]];
    assert_close((0..1000).map(residual).sum(), 0.0, 1e-9);
    assert_close((0..1000).map(|i| i as f64 * residual(i)).sum(), 0.0, 1e-6);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]
    /// With one covariate, arms are separated just where all of one lie at or below all of the other, and not all at one point.
    #[test]
    fn separation_is_refused_and_nothing_else(
        numbers in proptest::collection::vec((0i32..6, 0usize..2), 4..24),
        stretch in 0i32..4,
    ) {
        let (x, arm): (Vec<f64>, Vec<usize>) =
            numbers.into_iter().map(|(x, arm)| (f64::from(x.pow(stretch as u32 + 1)), arm)).unzip();
        let of = |k: usize| x.iter().zip(&arm).filter(move |(_, arm)| **arm == k).map(|(x, _)| *x);
        prop_assume!(of(0).count() > 0 && of(1).count() > 0);
        let below = |a: usize, b: usize| of(a).fold(f64::MIN, f64::max) <= of(b).fold(f64::MAX, f64::min);
        let separated = (below(0, 1) || below(1, 0)) && x.iter().any(|value| *value != x[0]);
        let n = x.len();
        let design = Array2::from_shape_vec((n, 1), x.clone()).unwrap();
        let (study, folds) = twice(study(design, arm, Array1::zeros(n), Array2::from_elem((n, 2), 0.5)));
        let found = propensities(&study, &folds, &PropensityRole::Logit, 1);
        prop_assert_eq!(found.is_err(), separated);
        if let Ok(e) = found {
            let residual = |i: usize| f64::from(u8::from(study.arm[i] == 1)) - e[[i, 1]];
            prop_assert!((0..n).map(residual).sum::<f64>().abs() < 1e-9);
            prop_assert!((0..n).map(|i| x[i] * residual(i)).sum::<f64>().abs() < 1e-9 * (1.0 + x.iter().sum::<f64>()));
        }
    }
}

#[test]
fn covariates_that_separate_arms_are_refused_by_name() {
    let mut study = scattered_study(60, 3, 3);
    let refused = |study: &Study| {
        let folds = Folds::stratified(study, 2, 1).unwrap();
        let error = propensities(study, &folds, &PropensityRole::Logit, 1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data);
        error.to_string()
    };
    // Everyone above the plane x1 = 0.9 received arm 2, and nobody else did.
    (0..60).for_each(|i| study.x[[i, 1]] = if study.arm[i] == 2 { 0.95 } else { 0.1 + 0.01 * i as f64 });
    let message = refused(&study);
    assert!(message.starts_with("trial.csv, column \"x1\": covariates"), "{message}");
    for part in ["arm \"arm2\"", "--covariates", "--propensity forest"] {
        assert!(message.contains(part), "{message}");
    }
    // The same of the first arm, which the others are compared with.
    (0..60).for_each(|i| study.arm[i] = (study.arm[i] + 1) % 3);
    assert!(refused(&study).contains("arm \"arm0\""));
    // Units at the edge: all with the rare mark received arm 0, but so did others.
    let mut study = scattered_study(60, 3, 3);
    (0..60).for_each(|i| study.x[[i, 2]] = f64::from(study.arm[i] == 0 && i % 4 == 0));
    assert!(refused(&study).starts_with("trial.csv, column \"x2\": covariates"));
}

#[test]
fn outcomes_for_a_logistic_model() {
    let mut study = scattered_study(80, 2, 2);
    let folds = Folds::stratified(&study, 2, 1).unwrap();
    study.outcome = Array1::from_shape_fn(80, |i| f64::from(i % 3 == 0));
    let mu = |study: &Study| cross_fit(study, &folds, &OutcomeModel::Logistic, 1);
    assert!(mu(&study).unwrap().iter().all(|p| (0.0..=1.0).contains(p)));

    // Where all outcomes of an arm are the same, that is what is likely.
    let mut same = study.clone();
    (0..80).filter(|&i| same.arm[i] == 1).for_each(|i| same.outcome[i] = 1.0);
    assert!(mu(&same).unwrap().column(1).iter().all(|p| *p == 1.0));

    let mut separated = study.clone();
    (0..80).for_each(|i| separated.outcome[i] = f64::from(separated.x[[i, 1]] > 0.5));
    let message = mu(&separated).unwrap_err().to_string();
    assert!(message.starts_with("trial.csv, column \"x1\": covariates"), "{message}");
    assert!(message.contains("arm \"arm0\"") && message.contains("--outcome-model linear"), "{message}");

    study.outcome[7] = 2.5;
    assert_eq!(
        mu(&study).unwrap_err().to_string(),
        "trial.csv: outcome 2.5 in data row 8 is neither 0 nor 1, as --outcome-model logistic needs; code the outcome as \
         0 and 1, or pass --outcome-model linear"
    );
}

/// A study in which x0 > 0 decides everything, and x1 nothing.
fn step_study(n: usize) -> Study {
    let number = |seed: usize| ((seed as f64 * 12.9898).sin() * 43758.5453).fract();
    let x = Array2::from_shape_fn((n, 2), |(i, j)| number(1 + 2 * i + j));
    let high = |i: usize| x[[i, 0]] > 0.0;
    let arm: Vec<usize> =
        (0..n).map(|i| usize::from(number(10_007 + i).abs() < if high(i) { 0.8 } else { 0.2 })).collect();
    let outcome =
        Array1::from_shape_fn(n, |i| number(50_021 + i) + if high(i) { 3.0 + arm[i] as f64 } else { 0.0 });
    study(x, arm, outcome, Array2::from_elem((n, 2), 0.5))
}

#[test]
fn forests_find_a_step_that_lines_do_not() {
    let study = step_study(600);
    let folds = Folds::stratified(&study, 3, 1).unwrap();
    let e = propensities(&study, &folds, &PropensityRole::Forest, 1).unwrap();
    let mu = cross_fit(&study, &folds, &OutcomeModel::Forest, 1).unwrap();
    let mean_off = |off: &dyn Fn(usize) -> f64| (0..600).map(off).sum::<f64>() / 600.0;
    let high = |i: usize| f64::from(study.x[[i, 0]] > 0.0);
    assert!(mean_off(&|i| (e[[i, 1]] - 0.2 - 0.6 * high(i)).abs()) < 0.12);
    (0..2).for_each(|k| assert!(mean_off(&|i| (mu[[i, k]] - high(i) * (3.0 + k as f64)).abs()) < 0.3));
    let line = cross_fit(&study, &folds, &OutcomeModel::Linear, 1).unwrap();
    assert!(mean_off(&|i| (line[[i, 1]] - 4.0 * high(i)).abs()) > 0.6);
    assert!(e.rows().into_iter().all(|row| (row.sum() - 1.0).abs() < 1e-12));
    assert!(e.iter().all(|e| (0.0..=1.0).contains(e)));
}

#[test]
fn forests_hang_on_the_seed_and_not_on_the_threads() {
    let study = scattered_study(90, 3, 2);
    let folds = Folds::stratified(&study, 2, 7).unwrap();
    let with = |threads, seed| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let e = propensities(&study, &folds, &PropensityRole::Forest, seed).unwrap();
            (e, cross_fit(&study, &folds, &OutcomeModel::Forest, seed).unwrap())
        })
    };
    let once = with(1, 1);
    assert_eq!(once, with(4, 1));
    let other = with(4, 2);
    assert!(once.0 != other.0 && once.1 != other.1);
    let threads = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| propensities(&study, &folds, &PropensityRole::Logit, 1)).unwrap()
    };
    assert_eq!(threads(1), threads(4));
}

#[test]
fn forests_grow_on_few_units_and_no_covariates() {
    for (n, p) in [(4, 2), (7, 1), (12, 3), (12, 0)] {
        let study = scattered_study(n, 2, p);
        let study = Study { arm: (0..n).map(|i| i % 2).collect(), ..study };
        let folds = Folds { fold_of: (0..n).map(|i| i / 2 % 2).collect(), count: 2 };
        let e = propensities(&study, &folds, &PropensityRole::Forest, 1).unwrap();
        assert!(e.iter().all(|e| (0.0..=1.0).contains(e)), "{e}");
        let mu = cross_fit(&study, &folds, &OutcomeModel::Forest, 1).unwrap();
        let (least, most) =
            study.outcome.iter().fold((f64::MAX, f64::MIN), |(a, b), y| (a.min(*y), b.max(*y)));
        assert!(mu.iter().all(|mu| (least..=most).contains(mu)), "{mu}");
    }
}

#[test]
fn columns_of_own_predictions_are_taken_as_they_are() {
    let columns = [("0", "low"), ("1", "high")].map(|(arm, column)| (arm.into(), column.into())).into();
    let roles = roles(PropensityRole::ObservedShares, OutcomeModel::Columns(columns));
    let study = parsed("y,a,x,high,low\n1,0,0,2,-1\n2,1,1,3,0.5\n", &roles);
    let how = Estimation { outcome: true, ..estimation() };
    let Nuisances { predictions, diagnostics, .. } = estimate(study, &roles, how).unwrap();
    assert_eq!(predictions.unwrap(), array![[-1.0, 2.0], [0.5, 3.0]]);
    // One unit an arm: outcomes do not vary within arms.
    assert_eq!(diagnostics.outcome.unwrap().r_squared, None);
}

/// Ten units, the second five treated, with the propensity of treatment in p.
const TEN: &str = "y,a,x,p\n0,0,1,0.001\n1,0,2,0.02\n0,0,3,0.3\n1,0,4,0.5\n0,0,5,0.97\n\
                   1,1,6,0.03\n1,1,7,0.5\n0,1,8,0.5\n0,1,9,0.9\n1,1,10,0.995\n";

#[test]
fn what_is_clipped_and_trimmed_is_told() {
    let roles = roles(PropensityRole::TreatedColumn("p".into()), OutcomeModel::Linear);
    let run = |clip, trim| estimate(parsed(TEN, &roles), &roles, Estimation { clip, trim, ..estimation() });
    let plain = run(None, None).unwrap();
    assert_eq!(plain.study.propensity, parsed(TEN, &roles).propensity);
    assert!(plain.study.warnings.is_empty());

    let clipped = run(Some(0.05), None).unwrap();
    let second = clipped.study.propensity.column(1).to_vec();
    let expected = [0.05, 0.05, 0.3, 0.5, 0.95, 0.05, 0.5, 0.5, 0.9, 0.95];
    second.into_iter().zip(expected).for_each(|(found, expected)| assert_close(found, expected, 1e-15));
    assert_eq!(
        clipped.study.warnings,
        ["trial.csv: propensities clipped to [0.05, 0.95] (0: 5, 1: 5 of 10 units)"]
    );
    assert_eq!(clipped.diagnostics.propensity.handling.clipped, [5, 5]);

    let trimmed = run(Some(0.025), Some(0.02)).unwrap();
    assert_eq!(trimmed.study.rows, [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(
        trimmed.study.warnings,
        [
            "trial.csv: 2 of 10 units left out because a propensity lies outside [0.02, 0.98] (by arm received, 0: 1, 1: 1)",
            "trial.csv: propensities clipped to [0.025, 0.975] (0: 1, 1: 1 of 8 units)"
        ]
    );
    assert_eq!(trimmed.diagnostics.propensity.handling.trimmed, [1, 1]);
    assert_eq!(run(None, Some(0.495)).unwrap().study.propensity, array![[0.5, 0.5], [0.5, 0.5], [0.5, 0.5]]);
    let error = run(Some(0.5), None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(error.to_string().contains("--clip 0.5 is too large for 2 arms"), "{error}");
}

#[test]
fn trimming_must_leave_units_of_every_arm() {
    let roles = roles(PropensityRole::TreatedColumn("p".into()), OutcomeModel::Linear);
    let text = "y,a,x,p\n0,0,1,0.5\n1,0,2,0.5\n0,1,3,0.9\n1,1,4,0.95\n";
    let error =
        estimate(parsed(text, &roles), &roles, Estimation { trim: Some(0.2), ..estimation() }).unwrap_err();
    assert_eq!(
        error.to_string(),
        "trial.csv: --trim 0.2 leaves no row of arm \"1\"; trim less, merge the arm with another, or drop it"
    );
}

#[test]
fn estimated_scores_are_clipped_unless_told_otherwise() {
    let roles = roles(PropensityRole::Forest, OutcomeModel::Linear);
    let cell = |i: usize| format!("0,{},{}\n", usize::from(i % 20 >= 10), i % 20);
    let text: String = ["y,a,x\n".to_string()].into_iter().chain((0..80).map(cell)).collect();
    let run = |clip| estimate(parsed(&text, &roles), &roles, Estimation { clip, ..estimation() });
    let clipped = run(None).unwrap();
    let least = clipped.study.propensity.fold(1.0, |least: f64, e| least.min(*e));
    assert_close(least, 0.01, 1e-12);
    assert!(clipped.study.warnings[0].contains("clipped to [0.01, 0.99]"));
    let message = run(Some(0.0)).unwrap_err().to_string();
    assert!(message.contains("estimated propensity") && message.contains("--clip"), "{message}");
}

#[test]
fn diagnostics_by_hand() {
    let columns = [("0", "m"), ("1", "m")].map(|(arm, column)| (arm.into(), column.into())).into();
    let roles = roles(PropensityRole::TreatedColumn("p".into()), OutcomeModel::Columns(columns));
    let text = "y,a,x,p,m\n0,0,1,0.2,0.25\n1,0,2,0.6,0.25\n1,1,3,0.5,0.5\n0,1,4,0.5,1\n";
    let how = Estimation { outcome: true, ..estimation() };
    let found = estimate(parsed(text, &roles), &roles, how).unwrap().diagnostics;
    let [control, treated] = &found.propensity.arms[..] else { panic!("{found:?}") };
    // Weights of the controls 1.25 and 2.5: 3.75^2 / 7.8125.
    assert_close(control.effective_size, 1.8, 1e-12);
    assert_close(treated.effective_size, 2.0, 1e-12);
    assert_close(found.propensity.log_loss, -(0.8_f64 * 0.4 * 0.25).ln() / 4.0, 1e-12);
    assert_close(found.propensity.log_loss_of_shares, 2.0_f64.ln(), 1e-12);
    let all = &treated.overlap.among_all;
    assert_eq!([all.min, all.p01, all.p05, all.median, all.p95, all.max], [0.2, 0.2, 0.2, 0.5, 0.6, 0.6]);
    assert_eq!(treated.overlap.among_received.max, 0.5);
    // 0.2 alone, 0.5 twice, 0.6 alone.
    let bins = |bins: &[prescribe::nuisance::Bin]| -> Vec<(usize, f64, f64)> {
        bins.iter().map(|bin| (bin.units, bin.predicted, bin.observed)).collect()
    };
    assert_eq!(bins(&treated.calibration), [(1, 0.2, 0.0), (2, 0.5, 1.0), (1, 0.6, 0.0)]);
    let outcome = found.outcome.unwrap();
    assert_eq!(bins(&outcome.calibration), [(2, 0.25, 0.5), (1, 0.5, 1.0), (1, 1.0, 0.0)]);
    // (1/16 + 9/16 + 1/4 + 1) of a sum of squares of 1.
    assert_close(outcome.r_squared.unwrap(), 1.0 - 1.875, 1e-12);
    let expected = -(0.75_f64.ln() + 0.25_f64.ln() + 0.5_f64.ln() + 1e-6_f64.ln()) / 4.0;
    assert_close(outcome.log_loss.unwrap(), expected, 1e-9);
}

#[test]
fn what_is_wrong_is_said() {
    let roles = roles(PropensityRole::TreatedColumn("p".into()), OutcomeModel::Linear);
    let concerns =
        |text: &str| estimate(parsed(text, &roles), &roles, estimation()).unwrap().diagnostics.concerns();
    let even = "0,0,1,0.5\n".repeat(20) + &"0,1,1,0.5\n".repeat(20);
    assert!(concerns(&format!("y,a,x,p\n{even}")).is_empty());
    let heavy = even.replacen("0,1,1,0.5", "0,1,1,0.0001", 1);
    let [few, worse] = &concerns(&format!("y,a,x,p\n{heavy}"))[..] else { panic!() };
    assert!(few.contains("arm 1") && few.contains("of 20 units in effect"), "{few}");
    assert!(worse.contains("predict the arms worse"), "{worse}");
}

#[test]
fn arms_that_a_unit_may_not_get_have_no_chance() {
    // Three arms; the last is closed to half of the units, whatever their covariate, and of the others a third receive it.
    let n = 240;
    let mut study = scattered_study(n, 3, 1);
    study.arm = (0..n).map(|i| if i % 2 == 0 { (i / 2) % 3 } else { (i / 2) % 2 }).collect();
    study.eligible = Some(Array2::from_shape_fn((n, 3), |(i, k)| k < 2 || i % 2 == 0));
    let (study, folds) = twice(study);
    for role in [PropensityRole::Logit, PropensityRole::Forest] {
        let e = propensities(&study, &folds, &role, 1).unwrap();
        for (i, row) in e.rows().into_iter().enumerate() {
            assert_close(row.sum(), 1.0, 1e-12);
            assert_eq!(row[2] == 0.0, i % 2 == 1, "{row}");
        }
        if role == PropensityRole::Logit {
            // The likelihood equations, with every unit's own choice of arms.
            for k in 0..3 {
                let residual = |i: usize| f64::from(u8::from(study.arm[i] == k)) - e[[i, k]];
                assert_close((0..n).map(residual).sum(), 0.0, 1e-10);
                assert_close((0..n).map(|i| study.x[[i, 0]] * residual(i)).sum(), 0.0, 1e-10);
            }
        }
    }
}

#[test]
fn arms_that_are_never_open_to_the_same_units_are_no_obstacle() {
    // Half of the units choose between arms 0 and 1, the others between 2 and 3: two logistic models in one.
    let n = 200;
    let mut joint = scattered_study(n, 4, 2);
    joint.arm = (0..n).map(|i| 2 * (i % 2) + (i * i / 3 + i / 7) % 2).collect();
    joint.eligible = Some(Array2::from_shape_fn((n, 4), |(i, k)| k / 2 == i % 2));
    let (joint, folds) = twice(joint);
    let e = propensities(&joint, &folds, &PropensityRole::Logit, 1).unwrap();
    for half in 0..2 {
        let units: Vec<usize> = (0..n).filter(|i| i % 2 == half).collect();
        let x = joint.x.select(Axis(0), &units);
        let arm: Vec<usize> = units.iter().map(|&i| joint.arm[i] - 2 * half).collect();
        let m = units.len();
        let (alone, folds) = twice(study(x, arm, Array1::zeros(m), Array2::from_elem((m, 2), 0.5)));
        let expected = propensities(&alone, &folds, &PropensityRole::Logit, 1).unwrap();
        for (row, &i) in units.iter().enumerate() {
            (0..2).for_each(|k| assert_close(e[[i, 2 * half + k]], expected[[row, k]], 1e-11));
            (0..2).for_each(|k| assert_eq!(e[[i, 2 * (1 - half) + k]], 0.0));
        }
    }
}

#[test]
fn what_is_no_matter_of_chance_is_neither_clipped_nor_trimmed() {
    let toml = "outcome = 'y'\ntreatment = 'a'\ncovariates = ['x']\narms = ['0', '1', '2']\neligible = { 1 = 'x>1', 2 = 'x>2' }";
    let columns =
        [("0", "p0"), ("1", "p1"), ("2", "p2")].map(|(arm, column)| (arm.into(), column.into())).into();
    let roles = Roles { propensity: PropensityRole::Columns(columns), ..toml::from_str(toml).unwrap() };
    let text = "y,a,x,p0,p1,p2\n0,0,1,1,0,0\n1,0,2,0.999,0.001,0\n0,1,2,0.5,0.5,0\n1,2,3,0.001,0.499,0.5\n0,2,3,0.2,0.4,0.4\n";
    let run = |clip, trim| {
        estimate(parsed(text, &roles), &roles, Estimation { clip, trim, ..estimation() }).unwrap()
    };
    let clipped = run(Some(0.1), None);
    let expected = array![
        [1.0, 0.0, 0.0],
        [0.9, 0.1, 0.0],
        [0.5, 0.5, 0.0],
        [0.1 / 1.099, 0.499 / 1.099, 0.5 / 1.099],
        [0.2, 0.4, 0.4]
    ];
    assert!((&clipped.study.propensity - &expected).iter().all(|off| off.abs() < 1e-15));
    assert_eq!(clipped.diagnostics.propensity.handling.clipped, [2, 1, 0]);
    // The arm that only two units may get has its scores counted among those two.
    assert_eq!(clipped.diagnostics.propensity.arms[2].overlap.among_all.min, 0.4);
    let trimmed = run(None, Some(0.1));
    assert_eq!(trimmed.kept, Some(vec![0, 2, 4]));
    assert_eq!(trimmed.study.rows, [0, 2, 4]);
}
