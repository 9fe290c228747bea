//! What forests are worth on units unseen, and parameters chosen by it.

use prescribe::forest::{
    Forest, Grid, Method, Plan, Settings, Split, Trial, Tuning, Unseen, assign, learn, tune,
};
use prescribe::simulate::{ManyArmsDesign, ManyArmsPopulation, many_arms, many_arms_population};

/// A trial of the design without its baseline, and units to judge assignments on.
fn drawn(arms: usize, n: usize, seed: u64) -> (Trial, ManyArmsPopulation) {
    let design = ManyArmsDesign { arms, gamma: 10.0, sigma: 20.0 };
    let trial = many_arms(&design, n, seed).expect("a design");
    let utility = trial.outcome.iter().zip(&trial.baseline).map(|(y, b)| y - b).collect();
    let arm = trial.arm.iter().map(|&k| k as u16).collect();
    (
        Trial::new(trial.x, arm, arms + 1, utility),
        many_arms_population(&design, 2000, seed).expect("a design"),
    )
}

/// Estimates for units unseen of a forest grown without their folds, and what its assignments outside each fold are worth in truth.
fn unseen(trial: &Trial, truth: &ManyArmsPopulation, settings: &Settings) -> (Unseen, f64) {
    let split = Split::new(trial, 5, 1);
    let (mut unseen, mut worth) = (Unseen::of(trial.units()), 0.0);
    for part in split.parts() {
        let forest = Forest::grow(&part.outside, settings, None, 1);
        unseen.note(trial, &part.inside, &forest.predict(part.x.view()));
        worth += truth.value(&assign(&forest.predict(truth.x.view()))) / split.parts().len() as f64;
    }
    (unseen, worth)
}

#[test]
fn influence_is_the_derivative_of_the_value_by_the_weight_of_a_unit() {
    let (mut trial, _) = drawn(5, 60, 1);
    let n = trial.units();
    trial.mass = Some((0..n).map(|i| 0.5 + (i % 7) as f64 / 5.0).collect());
    trial.weight = Some((0..n).map(|i| 0.8 + (i % 3) as f64 / 4.0).collect());
    let estimate = |i: usize| ((i * i) as f64 * 0.3).sin() * 8.0;
    let unseen = Unseen {
        received: (0..n).map(|i| estimate(i) + 0.2 * trial.utility[i]).collect(),
        assigned: (0..n).map(|i| 9.0 + estimate(i + 1)).collect(),
    };
    let at = unseen.value(&trial);
    assert!((at.terms.iter().sum::<f64>() / n as f64 - at.value).abs() < 1e-10);
    for i in [0, 17, 59] {
        // One unit by a little more, in the weight of the mean and in the mass alike.
        let mut more = trial.clone();
        let step = 1e-6;
        more.mass.as_mut().expect("masses")[i] *= 1.0 + step;
        more.weight.as_mut().expect("weights")[i] *= 1.0 + step;
        let slope = (unseen.value(&more).value - at.value) / step * n as f64;
        assert!((slope - (at.terms[i] - at.value)).abs() < 1e-3 * (1.0 + slope.abs()), "unit {i}: {slope}");
    }
}

#[test]
fn values_on_units_unseen_are_near_the_truth_where_the_largest_estimate_in_sample_is_not() {
    let settings = Settings { trees: 40, lambda1: 0.0, lambda2: 0.0, epsilon: 0.0, ..Settings::default() };
    let (mut errors, mut covered, mut naive) = (Vec::new(), 0, 0.0);
    let trials = 20;
    for seed in 0..trials {
        let (trial, truth) = drawn(19, 2000, seed);
        let (unseen, worth) = unseen(&trial, &truth, &settings);
        let value = unseen.value(&trial).estimate(&trial);
        errors.push(value.estimate - worth);
        covered += usize::from(value.interval[0] <= worth && worth <= value.interval[1]);
        // Trees that speak for the units they were grown on.
        let forest = Forest::grow(&trial, &settings, None, 1);
        let arms = assign(&forest.predict(trial.x.view()));
        let matched = arms.iter().zip(&trial.arm).zip(&trial.utility);
        let sum: f64 = matched.filter(|((k, t), _)| **k == usize::from(**t)).map(|(_, y)| y * 20.0).sum();
        naive += (sum / 2000.0 - truth.value(&assign(&forest.predict(truth.x.view())))) / trials as f64;
    }
    let mean = errors.iter().sum::<f64>() / trials as f64;
    let spread = (errors.iter().map(|e| (e - mean).powi(2)).sum::<f64>() / (trials - 1) as f64).sqrt();
    println!("error {mean:.2}, spread {spread:.2}, covered {covered} of {trials}; in sample {naive:.2}");
    assert!(mean.abs() < 1.5 && naive > 4.0 * mean.abs().max(1.0), "{mean} {naive}");
    assert!(covered >= 14, "{covered}");
}

fn tuned(trial: &Trial, grid: &Grid) -> Tuning {
    let split = Split::new(trial, 5, 3);
    tune(trial, &split, (&Settings { trees: 100, ..Settings::default() }, grid), None, 3)
}

#[test]
fn tuning_finds_parameters_that_are_worth_more_in_truth() {
    let grid = Grid {
        min_leaf: vec![3],
        lambda1: vec![0.0, 5.0],
        epsilon: vec![0.0, 0.05],
        kappa: vec![1.0],
        ..Grid::default()
    };
    let (mut gain, trials) = (0.0, 3);
    for seed in 0..trials {
        let (trial, truth) = drawn(29, 3000, seed);
        let tuning = tuned(&trial, &grid);
        assert_eq!(tuning.tried.len(), 16);
        let worth = |settings: &Settings| {
            let forest = Forest::grow(&trial, settings, None, 5);
            truth.value(&assign(&forest.predict(truth.x.view())))
        };
        let plain = Settings { lambda1: 0.0, lambda2: 0.0, epsilon: 0.0, ..tuning.chosen.clone() };
        gain += (worth(&tuning.chosen) - worth(&plain)) / trials as f64;
    }
    println!("gain {gain:.2}");
    assert!(gain > 0.5, "{gain}");
}

#[test]
fn rounds_leave_few_and_threads_change_nothing() {
    let (trial, _) = drawn(4, 400, 2);
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    let [one, four] = [1, 4].map(|threads| pool(threads).install(|| tuned(&trial, &Grid::default())));
    assert_eq!(one, four);
    // 72 ways to grow, each with 4 lambdas: all have an entry, and the last round's are compared with what was chosen.
    assert_eq!(one.tried.len(), 288);
    let last: Vec<_> = one.tried.iter().filter_map(|tried| tried.less_chosen).collect();
    assert_eq!(last.len(), 32);
    assert_eq!((last[0].estimate, last[0].standard_error), (0.0, 0.0));
    assert!(last.iter().all(|less| less.estimate <= 0.0));
    assert_eq!(one.tried[0].settings, Settings { trees: one.tried[0].settings.trees, ..one.chosen.clone() });
}

#[test]
fn learning_takes_the_tuned_parameters() {
    let (trial, _) = drawn(4, 300, 4);
    let grid = Grid {
        lambda1: vec![2.0],
        min_leaf: vec![7],
        kappa: vec![1.0],
        epsilon: vec![0.0],
        ..Grid::default()
    };
    let forest = Settings { trees: 20, ..Settings::default() };
    let learned = learn(&trial, &Plan { forest, tuning: Some(grid), ..Plan::default() }).expect("a forest");
    assert_eq!((learned.settings.lambda1, learned.settings.min_leaf, learned.settings.trees), (2.0, 7, 20));
    let wrong = Grid { kappa: vec![0.0], ..Grid::default() };
    let refused = learn(&trial, &Plan { tuning: Some(wrong), ..Plan::default() });
    assert!(refused.expect_err("no share").to_string().starts_with("kappa 0"));
}

#[test]
fn auto_takes_the_method_of_the_largest_value_and_predicts_with_the_baseline() {
    let (trial, truth) = drawn(6, 600, 4);
    // A baseline that all arms share.
    let utility = trial.utility.iter().zip(trial.x.column(0)).map(|(y, x)| y + 30.0 * x).collect();
    let trial = trial.with_utility(utility);
    let forest = Settings { trees: 30, ..Settings::default() };
    let plan = Plan { method: Method::Auto, forest, ..Plan::default() };
    let learned = learn(&trial, &plan).expect("an assignment");
    let choice = &learned.choice;
    assert_eq!(choice.len(), 2);
    assert_eq!(learned.method, choice[0].method);
    assert!(choice[0].value.estimate >= choice[1].value.estimate);
    assert_eq!(choice[0].less_chosen.estimate, 0.0);
    let again = learn(&trial, &learned.plan(&plan)).expect("an assignment");
    assert_eq!(again.model, learned.model);
    let (gross, net) = (learned.predict(truth.x.view()), learned.effects(truth.x.view()));
    let mean = |i: usize| gross.row(i).iter().zip(net.row(i)).map(|(g, n)| g - n).sum::<f64>() / 7.0;
    let error = (0..2000).map(|i| (mean(i) - 30.0 * truth.x[[i, 0]]).powi(2)).sum::<f64>() / 2000.0;
    assert!(error < 200.0, "{error}");
    assert_eq!(assign(&gross), assign(&net));
}
