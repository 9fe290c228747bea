//! Linear rules valued cluster by cluster, against every labelling that a line can give and against the estimators themselves.

mod common;
#[path = "common/labellings.rs"]
mod labellings;

use labellings::separable;
use ndarray::Array2;
use prescribe::interference::{Clusters, Interference, JointCost, RuleProblem, Valued, influence};
use prescribe::models::cluster_rule::{Cluster, ClusterProblem};
use prescribe::models::linear_rule::LinearRule;
use prescribe::models::{AssignmentBound, Model, SideConstraint};
use prescribe::solve::{
    self, Chosen, Formulation, Options, Promise, Report, Silent, Stage, TerminationStatus, registry::Settings,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const HARD: [Interference; 4] = [
    Interference::Unknown,
    Interference::Anonymous,
    Interference::Polynomial(2),
    Interference::Polynomial(3),
];

/// Clusters of the `sizes` with two whole covariates from 0 to `reach`, propensities between .2 and .8 and outcomes of both signs.
fn drawn(seed: u64, sizes: &[usize], reach: i32) -> (Clusters, Array2<f64>) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let total = sizes.iter().sum();
    let mut first = 0;
    let mut members = |size: &usize| {
        first += size;
        (first - size..first).collect::<Vec<usize>>()
    };
    let clusters = Clusters {
        members: sizes.iter().map(&mut members).collect(),
        treated: (0..total).map(|_| random.random()).collect(),
        propensity: (0..total).map(|_| random.random_range(0.2..0.8)).collect(),
        outcome: (0..total).map(|_| random.random_range(-1.0..1.5)).collect(),
    };
    let x = Array2::from_shape_simple_fn((total, 2), || f64::from(random.random_range(0..=reach)));
    (clusters, x)
}

fn posed(
    clusters: &Clusters,
    x: &Array2<f64>,
    interference: Interference,
    sign: f64,
    costs: &[f64],
) -> ClusterProblem {
    let valued = Valued { clusters, interference, effects: None, sign, costs };
    match valued.problem(vec!["a".into(), "b".into()], x.clone()).unwrap() {
        RuleProblem::Clusters(problem) => problem,
        RuleProblem::Units(_) => panic!("{interference} is a sum over units"),
    }
}

/// The value of labels as the estimators give it, net of costs.
fn value(clusters: &Clusters, interference: Interference, sign: f64, costs: &[f64], labels: &[bool]) -> f64 {
    let psi = influence(clusters, interference, None, labels).psi;
    let spent = clusters.means(|u| if labels[u] { costs[u] } else { 0.0 });
    psi.iter().zip(spent).map(|(psi, spent)| sign * psi - spent).sum::<f64>() / psi.len() as f64
}

/// The best of all labellings that a line gives for which `allowed` holds.
fn best_by_force(x: &Array2<f64>, value: impl Fn(&[bool]) -> f64, allowed: impl Fn(&[bool]) -> bool) -> f64 {
    let points: Vec<Vec<i128>> =
        x.rows().into_iter().map(|row| row.iter().map(|v| *v as i128).collect()).collect();
    let labels = |mask: u32| -> Vec<bool> { (0..points.len()).map(|i| mask >> i & 1 == 1).collect() };
    let mut worth: Vec<(f64, u32)> = (0..1_u32 << points.len())
        .map(|mask| (labels(mask), mask))
        .filter(|(labels, _)| allowed(labels))
        .map(|(labels, mask)| (value(&labels), mask))
        .collect();
    worth.sort_by(|a, b| b.0.total_cmp(&a.0));
    let found = worth.into_iter().find(|(_, mask)| separable(&points, *mask));
    found.expect("treating nobody is allowed").0
}

fn solved(problem: &ClusterProblem, solver: &str, settings: Settings) -> Report<LinearRule> {
    let options = Options { threads: 1, ..Options::default() };
    let solver = Chosen::of(solver, settings).unwrap();
    solver.solve(problem, None, &options, &Silent).unwrap()
}

fn is_proved(report: &Report<LinearRule>, optimum: f64, what: &str) {
    assert_eq!(report.termination_status, TerminationStatus::Optimal, "{what}: {report:?}");
    assert!(report.certificate.verified, "{what}: {report:?}");
    let found = report.objective_value.unwrap();
    assert!((found - optimum).abs() < 1e-9 * optimum.abs().max(1.0), "{what}: {found} {optimum}");
}

#[test]
fn the_objective_is_the_estimate() {
    let (clusters, x) = drawn(1, &[1, 2, 3, 5, 9, 14], 50);
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let costs: Vec<f64> = (0..clusters.units()).map(|_| random.random_range(0.0..0.5)).collect();
    for interference in HARD {
        for sign in [1.0, -1.0] {
            let problem = posed(&clusters, &x, interference, sign, &costs);
            for _ in 0..40 {
                let rule = LinearRule {
                    intercept: random.random_range(-30.0..30.0),
                    coefficients: vec![random.random_range(-1.0..1.0), random.random_range(-1.0..1.0)],
                };
                let labels: Vec<bool> = x.rows().into_iter().map(|x| rule.treats(&x.to_vec())).collect();
                let expected = value(&clusters, interference, sign, &costs, &labels);
                let found = problem.objective(&rule);
                assert!((found - expected).abs() < 1e-12 * expected.abs().max(1.0), "{found} {expected}");
                assert!(found <= problem.trivial_bound() + 1e-9);
            }
            // Clusters that the rule agrees with entirely are rare among such rules.
            let everybody = LinearRule { intercept: 1.0, coefficients: vec![0.0; 2] };
            let expected = value(&clusters, interference, sign, &costs, &vec![true; clusters.units()]);
            assert!((problem.objective(&everybody) - expected).abs() < 1e-12 * expected.abs().max(1.0));
        }
    }
}

#[test]
fn programs_find_the_best_of_all_labellings() {
    let free = Settings::default();
    for (seed, sizes) in [(1, [3, 4, 4]), (2, [2, 5, 4]), (3, [3, 3, 5]), (4, [4, 4, 3])] {
        // Few values, so that units tie, and many.
        let (clusters, x) = drawn(seed, &sizes, if seed % 2 == 0 { 3 } else { 20 });
        let costs = vec![0.1 * seed as f64; clusters.units()];
        for interference in HARD {
            let problem = posed(&clusters, &x, interference, 1.0, &costs);
            let optimum =
                best_by_force(&x, |labels| value(&clusters, interference, 1.0, &costs, labels), |_| true);
            for formulation in [None, Some(Formulation::Radon), Some(Formulation::FacetsRadon)] {
                let what = format!("seed {seed} {interference} {formulation:?}");
                is_proved(&solved(&problem, "milp", Settings { formulation, ..free }), optimum, &what);
            }
            let chosen = Chosen::<ClusterProblem>::of("directions", free).unwrap();
            match interference {
                Interference::Polynomial(3) => assert!(chosen.accepts(&problem).is_err()),
                _ => is_proved(&solved(&problem, "directions", free), optimum, "directions"),
            }
            let smooth = solved(&problem, "smooth", free);
            assert_eq!(smooth.promise, Promise::Local);
            assert!(smooth.objective_value.unwrap() <= optimum + 1e-9);
            let plain = solved(&problem, "smooth", Settings { stage: Some(Stage::Surrogate), ..free });
            assert!(plain.objective_value <= smooth.objective_value);
        }
    }
}

/// Clusters of 5 and 10 units with four continuous covariates.
fn larger(seed: u64, clusters: usize) -> (Clusters, Array2<f64>) {
    let sizes: Vec<usize> = (0..clusters).map(|i| 5 + 5 * (i % 2)).collect();
    let (clusters, _) = drawn(seed, &sizes, 1);
    let mut random = ChaCha8Rng::seed_from_u64(seed + 1);
    let x = Array2::from_shape_simple_fn((clusters.units(), 4), || random.random_range(-1.0..1.0));
    (clusters, x)
}

#[test]
fn branch_and_bound_and_programs_agree_on_larger_problems() {
    let names = || (1..=4).map(|j| format!("x{j}")).collect();
    for (interference, seed, count) in [
        (Interference::Unknown, 1, 4),
        (Interference::Unknown, 2, 6),
        (Interference::Anonymous, 3, 2),
        (Interference::Polynomial(2), 5, 2),
    ] {
        let (clusters, x) = larger(seed, count);
        let costs = vec![0.02; clusters.units()];
        let valued = Valued { clusters: &clusters, interference, effects: None, sign: 1.0, costs: &costs };
        let RuleProblem::Clusters(problem) = valued.problem(names(), x.clone()).unwrap() else { panic!() };
        let searched = solved(&problem, "directions", Settings::default());
        let programmed = solved(&problem, "milp", Settings::default());
        let what = format!("{interference} {seed}");
        is_proved(&searched, programmed.objective_value.unwrap(), &what);
        is_proved(&programmed, searched.objective_value.unwrap(), &what);
        // The rule's labels, valued by the estimator.
        let rule = searched.point.unwrap();
        let labels: Vec<bool> = x.rows().into_iter().map(|x| rule.treats(&x.to_vec())).collect();
        let estimate = value(&clusters, interference, 1.0, &costs, &labels);
        assert!((estimate - searched.objective_value.unwrap()).abs() < 1e-12 * estimate.abs().max(1.0));
    }
}

#[test]
fn outcomes_can_be_minimised() {
    let (clusters, x) = drawn(7, &[4, 3, 4], 10);
    let costs = vec![0.0; clusters.units()];
    for interference in HARD {
        let problem = posed(&clusters, &x, interference, -1.0, &costs);
        let optimum =
            best_by_force(&x, |labels| value(&clusters, interference, -1.0, &costs, labels), |_| true);
        is_proved(&solved(&problem, "milp", Settings::default()), optimum, &interference.to_string());
    }
}

#[test]
fn joint_costs_and_limits_within_clusters_hold() {
    let (clusters, x) = drawn(11, &[4, 4, 3], 10);
    let none = vec![0.0; clusters.units()];
    let joint = |treated: usize| 0.02 * (treated * treated) as f64;
    for interference in HARD {
        let problem = posed(&clusters, &x, interference, 1.0, &none);
        let priced = |cluster: &Cluster| Cluster {
            joint_cost: (0..=cluster.units.len()).map(joint).collect(),
            ..cluster.clone()
        };
        let mut linear = problem.linear().clone();
        for units in &clusters.members {
            let mut weights = Array2::zeros((clusters.units(), 2));
            units.iter().for_each(|&u| weights[[u, 1]] = 1.0);
            let bound = AssignmentBound {
                name: "most treated in a cluster".into(),
                weights,
                lower: f64::NEG_INFINITY,
                upper: 2.0,
            };
            linear = linear.with(SideConstraint::Assignment(bound)).unwrap();
        }
        let limited = ClusterProblem::new(linear, problem.clusters().iter().map(priced).collect()).unwrap();
        let treated = |labels: &[bool], units: &[usize]| units.iter().filter(|u| labels[**u]).count();
        let spent = |labels: &[bool]| -> f64 {
            clusters.members.iter().map(|units| joint(treated(labels, units))).sum()
        };
        let optimum = best_by_force(
            &x,
            |labels| value(&clusters, interference, 1.0, &none, labels) - spent(labels),
            |labels| clusters.members.iter().all(|units| treated(labels, units) <= 2),
        );
        is_proved(&solved(&limited, "milp", Settings::default()), optimum, &interference.to_string());
        let refused = Chosen::of("smooth", Settings::default()).unwrap().accepts(&limited);
        assert!(refused.unwrap_err().to_string().contains("most treated in a cluster"));
    }
}

/// A problem as learning poses it: sums over units as rewards, the rest and joint costs cluster by cluster.
fn priced(
    clusters: &Clusters,
    x: &Array2<f64>,
    interference: Interference,
    sign: f64,
    (costs, joint): (&[f64], &JointCost),
) -> ClusterProblem {
    let valued = Valued { clusters, interference, effects: None, sign, costs };
    let linear = match valued.problem(vec!["a".into(), "b".into()], x.clone()).unwrap() {
        RuleProblem::Clusters(problem) => problem.linear().clone(),
        RuleProblem::Units(problem) => problem,
    };
    ClusterProblem::new(linear, joint.on(valued.interactions())).unwrap()
}

/// c(s) by hand: given for 0 to 3, the last slope goes on.
fn by_hand(given: &[f64], treated: usize) -> f64 {
    let last = given.len() - 1;
    match treated {
        _ if treated <= last => given[treated],
        _ => given[last] + (given[last] - given[last - 1]) * (treated - last) as f64,
    }
}

#[test]
fn joint_costs_are_taken_from_means_of_clusters_by_every_solver() {
    let mut moved = 0;
    for (seed, given) in
        [(31, vec![0.0, 0.0, 0.05, 0.15]), (32, vec![0.0, 0.3]), (33, vec![0.0, -0.2, -0.1, 0.4])]
    {
        let (clusters, x) = drawn(seed, &[5, 4, 2, 1], 8);
        let costs: Vec<f64> = (0..clusters.units()).map(|u| 0.01 * (u % 4) as f64).collect();
        let joint = JointCost::try_from(given.clone()).unwrap();
        for interference in [Interference::Additive, Interference::None].into_iter().chain(HARD) {
            for sign in [1.0, -1.0] {
                let treated = |labels: &[bool], units: &[usize]| units.iter().filter(|u| labels[**u]).count();
                let free = |labels: &[bool]| value(&clusters, interference, sign, &costs, labels);
                let net = |labels: &[bool]| {
                    let of_cluster = |units: &Vec<usize>| by_hand(&given, treated(labels, units));
                    free(labels) - clusters.members.iter().map(of_cluster).sum::<f64>() / 4.0
                };
                let optimum = best_by_force(&x, net, |_| true);
                moved += usize::from((optimum - best_by_force(&x, free, |_| true)).abs() > 1e-3);
                let problem = priced(&clusters, &x, interference, sign, (&costs, &joint));
                for solver in ["directions", "milp"] {
                    let what = format!("{interference} {solver} {given:?} {sign}");
                    let chosen = Chosen::of(solver, Settings::default()).unwrap();
                    if chosen.accepts(&problem).is_ok() {
                        is_proved(&solved(&problem, solver, Settings::default()), optimum, &what);
                    } else {
                        assert_eq!((solver, interference), ("directions", Interference::Polynomial(3)));
                    }
                }
                let smooth = solved(&problem, "smooth", Settings::default());
                assert!(smooth.objective_value.unwrap() <= optimum + 1e-9 && smooth.certificate.verified);
            }
        }
    }
    assert!(moved > 20, "{moved}: joint costs that change nothing show nothing");
}

#[test]
fn joint_costs_begin_with_nothing_and_are_convex() {
    for (text, words) in [
        ("0,x", "no number"),
        ("0", "at least two"),
        ("0.1,0.2", "begin with 0"),
        ("0,0.2,0.3", "convex"),
        ("0,inf", "finite"),
        ("0,NaN", "finite"),
    ] {
        let said = text.parse::<JointCost>().unwrap_err();
        assert!(said.contains(words), "{text}: {said}");
    }
    // Equal slopes in decimals differ by rounding.
    let even: JointCost = "0,0.1,0.2,0.3".parse().unwrap();
    assert!((even.of(50) - 5.0).abs() < 1e-9 && even.of(0) == 0.0);
}

#[test]
fn sums_over_units_are_posed_as_such() {
    let (clusters, x) = drawn(5, &[4, 4, 3], 10);
    let costs = vec![0.05; clusters.units()];
    for interference in [Interference::Additive, Interference::None] {
        let valued = Valued { clusters: &clusters, interference, effects: None, sign: 1.0, costs: &costs };
        let RuleProblem::Units(problem) = valued.problem(vec!["a".into(), "b".into()], x.clone()).unwrap()
        else {
            panic!("{interference} is a sum over clusters");
        };
        let optimum =
            best_by_force(&x, |labels| value(&clusters, interference, 1.0, &costs, labels), |_| true);
        let report = solve::solve(&problem, &solve::Directions, None, &Options::default(), &Silent).unwrap();
        is_proved(&report, optimum, &interference.to_string());
    }
}

#[test]
fn a_cluster_that_received_the_impossible_is_refused() {
    let (mut clusters, x) = drawn(5, &[4, 4, 3], 10);
    clusters.treated[0] = true;
    clusters.propensity[0] = 1e-320;
    let costs = vec![0.0; clusters.units()];
    let valued = Valued {
        clusters: &clusters,
        interference: Interference::Unknown,
        effects: None,
        sign: 1.0,
        costs: &costs,
    };
    let error = valued.problem(vec!["a".into(), "b".into()], x).unwrap_err().to_string();
    assert!(error.contains("cluster 0") && error.contains("too unlikely"), "{error}");
}
