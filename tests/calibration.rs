//! Calibration weights: both solvers against the shipped answers, against each other, and where there are none.

mod common;

use common::{columns, file, numbers};
use ndarray::{Array1, Array2, Axis, array};
use prescribe::models::Model;
use prescribe::models::calibration::{Calibration, Discrepancy};
use prescribe::solve::clarabel::Clarabel;
use prescribe::solve::highs::HighsOracle;
use prescribe::solve::newton::Newton;
use prescribe::solve::{self, Options, Report, Silent, Solver, TerminationStatus};
use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use rayon::prelude::*;
use serde_json::Value;

/// Random instances with bounds.
const CASES: u64 = 500;

fn solved(model: &Calibration, solver: &dyn Solver<Calibration>) -> Report<Vec<f64>> {
    let report = solve::solve(model, solver, None, &Options::default(), &Silent).unwrap();
    let what = (&report.raw_status, &report.certificate, model.discrepancy());
    assert_eq!(report.termination_status, TerminationStatus::Optimal, "{} {what:?}", report.solver);
    report
}

/// Newton balances to 1e-10 and Clarabel to 1e-8, and their weights agree to 1e-6 of the mean weight. Newton's.
fn both(model: &Calibration) -> Vec<f64> {
    let (weights, other) = (solved(model, &Newton).point.unwrap(), solved(model, &Clarabel).point.unwrap());
    assert!(off(model, &weights) < 1e-10 && off(model, &other) < 1e-8);
    let m = weights.len() as f64;
    let apart = weights.iter().zip(&other).map(|(a, b)| m * (a - b).abs()).fold(0.0, f64::max);
    assert!(apart < 1e-6, "{:?}: {apart}", model.discrepancy());
    weights
}

/// How far the means are from the target beyond the tolerances, in standard deviations.
fn off(model: &Calibration, weights: &[f64]) -> f64 {
    let widths = model.tolerance() / model.scale();
    model.imbalance(weights).iter().zip(&widths).fold(0.0, |most: f64, (r, d)| most.max(r.abs() - d))
}

fn close(a: f64, b: f64, relative: f64) -> bool {
    (a - b).abs() <= relative * b.abs().max(1e-3)
}

#[test]
fn the_weights_of_sixteen_arms_are_those_of_the_oracle() {
    let table = numbers("tests/oracles/fusion/ds1_exp_K16/data.csv");
    let text = std::fs::read_to_string(file("tests/oracles/fusion/ds1_exp_K16/expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();
    let (_, x) = columns(&table, "X");
    let arm = columns(&table, "A").1;
    let target = x.mean_axis(Axis(0)).unwrap();
    for gamma in [-1.0, 0.0, 1.0] {
        let arms = expected["calibration"][format!("gamma={gamma}")]["arms"].as_array().unwrap();
        assert_eq!(arms.len(), 16);
        for answer in arms {
            let label = answer["arm"].as_f64().unwrap();
            let rows: Vec<usize> = (0..x.nrows()).filter(|&i| arm[[i, 0]] == label).collect();
            let model =
                Calibration::new(x.select(Axis(0), &rows), target.clone(), Discrepancy(gamma)).unwrap();
            let number = |key: &str| answer[key].as_f64().unwrap();
            for solver in [&Newton as &dyn Solver<Calibration>, &Clarabel] {
                let report = solved(&model, solver);
                let objective = report.objective_value.unwrap();
                let what = format!("gamma {gamma}, arm {label}, {}: {objective}", report.solver);
                assert!(close(objective, number("objective"), 1e-8), "{what} for {}", number("objective"));
            }
            let weights = both(&model);
            let first: Vec<f64> = serde_json::from_value(answer["w_first3"].clone()).unwrap();
            weights.iter().zip(&first).for_each(|(ours, theirs)| assert!((ours - theirs).abs() < 1e-9));
            let lambda: Vec<f64> = serde_json::from_value(answer["lambda"].clone()).unwrap();
            let optimal = model.stationarity(&weights);
            optimal
                .multipliers
                .iter()
                .zip(&lambda)
                .for_each(|(a, b)| assert!((a - b).abs() < 1e-7, "{a} {b}"));
            assert!(optimal.residual < 1e-9, "{}", optimal.residual);
        }
    }
}

/// One feature of two values: balance leaves one choice, whatever is near.
#[test]
fn two_units_by_hand() {
    for gamma in [-1.0, -0.5, 0.0, 1.0, 2.0] {
        let model = Calibration::new(array![[0.0], [1.0]], array![0.3], Discrepancy(gamma)).unwrap();
        let weights = both(&model);
        assert!((weights[0] - 0.7).abs() < 1e-12 && (weights[1] - 0.3).abs() < 1e-12, "{gamma}: {weights:?}");
        let expected = match gamma {
            -1.0 => -(1.4_f64.ln() + 0.6_f64.ln()),
            0.0 => 1.4 * 1.4_f64.ln() + 0.6 * 0.6_f64.ln(),
            1.0 => (1.96 + 0.36 - 2.0) / 2.0,
            2.0 => (2.744 + 0.216 - 2.0) / 6.0,
            _ => -4.0 * (1.4_f64.sqrt() + 0.6_f64.sqrt() - 2.0),
        };
        assert!((model.objective(&weights) - expected).abs() < 1e-12);
    }
}

/// Units around 0 and a target well inside their hull.
fn random(seed: u64, m: usize, q: usize, gamma: f64) -> Calibration {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let z = Array2::from_shape_fn((m, q), |_| random.random_range(-1.0..1.0));
    let base = Array1::from_shape_fn(m, |_| random.random_range(0.5..1.5));
    let target = Array1::from_shape_fn(q, |_| random.random_range(-0.15..0.15));
    Calibration::new(z, target, Discrepancy(gamma)).unwrap().with_base(base).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_solvers_agree_on_every_discrepancy(seed in 0u64..1000, q in 1usize..4) {
        for gamma in [-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0] {
            both(&random(seed, 80, q, gamma));
        }
    }

    #[test]
    fn nothing_feasible_is_better(seed in 0u64..1000) {
        for gamma in [-2.0, -0.5, 0.0, 0.5, 2.0] {
            let model = random(seed, 30, 2, gamma);
            let report = solved(&model, &Newton);
            let (weights, best) = (report.point.unwrap(), report.objective_value.unwrap());
            // Any other feasible point: the quadratic weights of another base, where they are not negative, and points between.
            let other = random(seed, 30, 2, 1.0).with_base(Array1::ones(30)).unwrap();
            let other = solved(&other, &Newton).point.unwrap();
            if other.iter().all(|w| *w >= 0.0) {
                for share in [1e-3, 0.1, 1.0] {
                    let mixed = weights.iter().zip(&other).map(|(a, b)| (1.0 - share) * a + share * b).collect();
                    prop_assert!(model.violations(&mixed).iter().all(|v| v.amount < 1e-9));
                    prop_assert!(model.objective(&mixed) >= best - 1e-9);
                }
            }
        }
    }
}

/// Units with normal features, and bounds and tolerances that bind: weights squeezed between the extremes of the free ones.
fn bound(seed: u64, gamma: f64) -> Calibration {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let z = Array2::from_shape_fn((300, 5), |_| random.sample::<f64, _>(StandardNormal));
    let far = random.random_range(0.05..0.4);
    let target = Array1::from_shape_fn(5, |_| far * random.random_range(-1.0..1.0));
    let base = Array1::from_shape_fn(300, |_| random.random_range(0.5..1.5));
    let free = Calibration::new(z, target, Discrepancy(gamma)).unwrap().with_base(base).unwrap();
    let width = random.random_range(0.0..0.05);
    let free = if seed.is_multiple_of(2) {
        free
    } else {
        free.clone().with_tolerance(free.scale() * width).unwrap()
    };
    let weights = solved(&free, &Newton).point.unwrap();
    let ratios: Vec<f64> = weights.iter().zip(free.base()).map(|(w, b)| w / b).collect();
    let (least, most) = ratios.iter().fold((f64::MAX, 0.0_f64), |(l, h), v| (l.min(*v), h.max(*v)));
    let reaches = |model: &Calibration| {
        let report = solve::solve(model, &Newton, None, &Options::default(), &Silent).unwrap();
        report.termination_status == TerminationStatus::Optimal
    };
    let lower = (!seed.is_multiple_of(3)).then_some(0.7 * least.max(0.0) + 0.3);
    // The tightest upper bound of a few that leaves weights.
    let tight = |k: u32| free.clone().with_bounds(lower, Some(1.0 + (most - 1.0) * 0.15 * f64::from(k)));
    (1..=6).map(|k| tight(k).unwrap()).find(reaches).unwrap_or(free.clone())
}

#[test]
fn both_solvers_find_the_same_weights_where_bounds_and_tolerances_bind() {
    // Above 2 the curvature of phi vanishes so fast at 0 that no solver tells weights near 0 to six digits.
    const GAMMAS: [f64; 7] = [-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0];
    let binding = |seed: u64| {
        let model = bound(seed, GAMMAS[seed as usize % 7]);
        let weights = both(&model);
        let (lower, upper) = model.bounds();
        let ratios = || weights.iter().zip(model.base()).map(|(w, b)| w / b);
        assert!(ratios().all(|v| v >= lower - 1e-12 && v <= upper + 1e-12));
        assert!(model.stationarity(&weights).residual < 1e-6, "{seed}");
        ratios().filter(|v| v - lower < 1e-9 || upper - v < 1e-9).count()
    };
    let at_bounds: Vec<usize> = (0..CASES).into_par_iter().map(binding).collect();
    let share = |least: usize| at_bounds.iter().filter(|n| **n >= least).count() as f64 / CASES as f64;
    assert!(share(30) > 0.5 && share(1) > 0.9, "too few bind: {at_bounds:?}");
}

#[test]
fn collinear_constant_and_redundant_features_do_no_harm() {
    let plain = random(3, 50, 2, 0.0);
    let z = plain.features();
    let mut wide = Array2::zeros((50, 4));
    wide.slice_mut(ndarray::s![.., ..2]).assign(z);
    wide.column_mut(2).assign(&(&z.column(0) * 2.0 - z.column(1) + 5.0));
    wide.column_mut(3).fill(7.0);
    let t = plain.target();
    let target = array![t[0], t[1], 2.0 * t[0] - t[1] + 5.0, 7.0];
    let model = Calibration::new(wide, target, Discrepancy::ENTROPY)
        .unwrap()
        .with_base(plain.base().clone())
        .unwrap();
    let (ours, theirs) = (solved(&model, &Newton).point.unwrap(), both(&plain));
    ours.iter().zip(&theirs).for_each(|(a, b)| assert!((a - b).abs() < 1e-10));
}

/// Two units at 0 and 1 and the target 0.3: equal weights are 0.2 off, and are moved no farther than it takes.
#[test]
fn a_tolerance_by_hand() {
    for gamma in [-1.0, -0.5, 0.0, 1.0, 2.0] {
        for (tolerance, second) in [(0.0, 0.3), (0.1, 0.4), (0.2, 0.5), (0.3, 0.5)] {
            let model = Calibration::new(array![[0.0], [1.0]], array![0.3], Discrepancy(gamma)).unwrap();
            let model = model.with_tolerance(array![tolerance]).unwrap();
            // Where equal weights do the objective is flat: half the digits of the gap.
            for (solver, near) in [(&Newton as &dyn Solver<Calibration>, 1e-12), (&Clarabel, 1e-5)] {
                let weights = solved(&model, solver).point.unwrap();
                assert!((weights[1] - second).abs() < near, "{gamma} {tolerance}: {weights:?}");
            }
        }
    }
}

/// A feature whose tolerance is not used has no multiplier, and leaving it out changes nothing.
#[test]
fn what_is_within_its_tolerance_does_not_matter() {
    let model = random(4, 50, 2, 0.0);
    let exact = solved(&model, &Newton);
    let off = model.imbalance(&model.base().to_vec());
    let loose =
        model.clone().with_tolerance(array![0.0, 2.0 * off[1].abs() * model.scale()[1] + 1.0]).unwrap();
    let weights = both(&loose);
    let one = Calibration::new(
        model.features().slice(ndarray::s![.., ..1]).to_owned(),
        array![model.target()[0]],
        Discrepancy::ENTROPY,
    );
    let alone = solved(&one.unwrap().with_base(model.base().clone()).unwrap(), &Newton).point.unwrap();
    weights.iter().zip(&alone).for_each(|(a, b)| assert!((a - b).abs() < 1e-11));
    assert!(loose.objective(&weights) < exact.objective_value.unwrap() - 1e-6);
    assert!(loose.stationarity(&weights).multipliers[1].abs() < 1e-9);
}

/// Two units at 0 and 1 (SD 1/2), target 2: one SD above 1 is 1.5, so 2 standard deviations are missing, along the only feature.
#[test]
fn a_target_outside_is_called_so_with_the_distance() {
    let model = Calibration::new(array![[0.0], [1.0]], array![2.0], Discrepancy::ENTROPY).unwrap();
    for solver in [&Newton as &dyn Solver<Calibration>, &Clarabel] {
        let report = solve::solve(&model, solver, None, &Options::default(), &Silent).unwrap();
        assert_eq!(report.termination_status, TerminationStatus::Infeasible, "{}", report.solver);
        assert!(report.point.is_none());
    }
    let separation = model.separation(&mut HighsOracle::default()).unwrap();
    assert!((separation.shortfall - 2.0).abs() < 1e-9, "{separation:?}");
    assert!((separation.direction[0] + 1.0).abs() < 1e-9);
}

/// The smallest tolerance is the one at which the conic solver begins to find weights, with bounds and without.
#[test]
fn the_smallest_tolerance_works_and_less_does_not() {
    for (seed, gamma, upper) in
        [(1, 0.0, None), (2, 0.0, Some(2.0)), (3, -1.0, None), (4, 1.0, Some(1.5)), (5, 2.0, None)]
    {
        let inside = random(seed, 40, 2, gamma);
        let target = inside.target() + &array![1.2, 1.1];
        let model = Calibration::new(inside.features().clone(), target, Discrepancy(gamma)).unwrap();
        let model = model.with_bounds(None, upper).unwrap();
        let found = model.separation(&mut HighsOracle::default()).unwrap();
        assert!(found.shortfall > 0.01, "{seed}: {found:?}");
        assert!((found.direction.iter().map(|l| l.abs()).sum::<f64>() - 1.0).abs() < 1e-9);
        for (factor, works) in [(1.01, true), (0.99, false)] {
            let with = model.clone().with_tolerance(model.scale() * (factor * found.shortfall)).unwrap();
            let report = solve::solve(&with, &Clarabel, None, &Options::default(), &Silent).unwrap();
            assert_eq!(
                report.termination_status == TerminationStatus::Optimal,
                works,
                "{seed} {factor}: {}",
                report.raw_status
            );
            assert_eq!(with.separation(&mut HighsOracle::default()).unwrap().shortfall > 1e-9, !works);
        }
    }
    let reachable = random(7, 40, 2, 0.0).separation(&mut HighsOracle::default()).unwrap();
    assert!(reachable.shortfall < 1e-9);
}

#[test]
fn what_cannot_be_posed_is_refused() {
    let pose = |z: Array2<f64>, t: Array1<f64>| Calibration::new(z, t, Discrepancy::ENTROPY);
    assert!(pose(Array2::zeros((0, 1)), array![0.0]).is_err());
    assert!(pose(array![[1.0]], array![0.0, 1.0]).is_err());
    assert!(pose(array![[f64::NAN]], array![0.0]).is_err());
    let fine = || pose(array![[0.0], [1.0]], array![0.5]).unwrap();
    assert!(fine().with_base(array![1.0, 0.0]).is_err());
    assert!(fine().with_tolerance(array![-1.0]).is_err());
    assert!(fine().with_bounds(Some(1.5), None).is_err());
    assert!(fine().with_scale(array![0.0]).is_err());
}

/// Entropy weights of 15,992 controls on 52 moments of 185 treated, where the data lie beside the checkout: the effect and the effective
/// sample size that others computed.
#[test]
fn the_effect_of_the_job_training_is_that_of_exact_balance() {
    let (data, folder) =
        ("../shared/data/lalonde_nsw_cps/data.csv.gz", "../shared/data/conformance/lalonde_ebal");
    if !file(data).exists() || !file(folder).exists() {
        return eprintln!("skipped: no {data} or {folder} beside the checkout");
    }
    let unpacked = std::process::Command::new("gzip").args(["-dc".into(), file(data)]).output().unwrap();
    let text = String::from_utf8(unpacked.stdout).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let column = |name: &str| header.iter().position(|known| *known == name).unwrap();
    let rows: Vec<Vec<&str>> = lines.collect();
    let number = |row: &[&str], name: &str| row[column(name)].parse::<f64>().unwrap();
    let factor = |row: &[&str], name: &str| match name {
        "unemployed1974[T.True]" => f64::from(number(row, "re74") == 0.0),
        "unemployed1975[T.True]" => f64::from(number(row, "re75") == 0.0),
        "I(age ** 2)" => number(row, "age").powi(2),
        "I(education ** 2)" => number(row, "educ").powi(2),
        "education" => number(row, "educ"),
        "hispanic" => number(row, "hisp"),
        "married" => number(row, "marr"),
        "earnings1974" => number(row, "re74"),
        "earnings1975" => number(row, "re75"),
        other => number(row, other),
    };
    let constraints = std::fs::read_to_string(file(&format!("{folder}/constraints.csv"))).unwrap();
    let names: Vec<&str> = constraints.lines().skip(1).collect();
    let features = |rows: &[&Vec<&str>]| {
        let value = |(i, j): (usize, usize)| names[j].split(':').map(|name| factor(rows[i], name)).product();
        Array2::<f64>::from_shape_fn((rows.len(), names.len()), value)
    };
    let treated: Vec<&Vec<&str>> = rows.iter().filter(|row| number(row, "treat") == 1.0).collect();
    let controls: Vec<&Vec<&str>> = rows.iter().filter(|row| row[column("sample")] == "cps").collect();
    assert_eq!((treated.len(), controls.len(), names.len()), (185, 15_992, 52));
    let target = features(&treated).mean_axis(Axis(0)).unwrap();
    let model = Calibration::new(features(&controls), target, Discrepancy::ENTROPY).unwrap();
    let weights = solved(&model, &Newton).point.unwrap();
    assert!(model.imbalance(&weights).iter().all(|off| off.abs() < 1e-10));
    let earned = treated.iter().map(|row| number(row, "re78")).sum::<f64>() / 185.0;
    let without: f64 = controls.iter().zip(&weights).map(|(row, w)| w * number(row, "re78")).sum();
    assert!((earned - without - 1571.368).abs() < 1e-3, "{}", earned - without);
    let effective = 1.0 / weights.iter().map(|w| w * w).sum::<f64>();
    assert!((effective - 103.348).abs() < 1e-3, "{effective}");
}
