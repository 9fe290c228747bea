//! Trees over many arms by leaf utility: the exact search against every tree, the greedy one against the exact.

use ndarray::Array2;
use prescribe::models::Model;
use prescribe::models::leaf_utility::{Covariance, Form, Joint, LeafProblem, LeafValue};
use prescribe::models::tree_rule::{Candidates, Node, Tree};
use prescribe::simulate::{ManyArmsDesign, many_arms};
use prescribe::solve::leaf_utility::{LeafGreedy, LeafSearch};
use prescribe::solve::{Options, Report, Silent, Solver, TerminationStatus, solve};

fn posed(
    (arms, n, seed): (usize, usize, u64),
    (depth, candidates): (usize, Candidates),
    (min_leaf, value): (usize, LeafValue),
) -> LeafProblem {
    let design = ManyArmsDesign { arms, gamma: 10.0, sigma: 5.0 };
    let trial = many_arms(&design, n, seed).unwrap();
    // Rounded, so that units share values.
    let x = trial.x.mapv(|v| (2.0 * v).round() / 2.0);
    let utility = trial.outcome.iter().zip(&trial.baseline).map(|(y, b)| y - b).collect();
    let class = Tree::over(&x, depth, candidates);
    LeafProblem::new(class, (min_leaf, value), x, (trial.arm, arms + 1), utility).unwrap()
}

fn solved(problem: &LeafProblem, solver: &dyn Solver<LeafProblem>) -> Report<Node> {
    let report = solve(problem, solver, None, &Options::default(), &Silent).unwrap();
    assert!(report.certificate.verified, "{:?}", report.certificate);
    report
}

/// Every tree of the class, leaves without their arms.
fn trees(problem: &LeafProblem, depth: usize) -> Vec<Node> {
    let mut all = vec![Node::Leaf { arm: 0 }];
    if depth > 0 {
        let below = trees(problem, depth - 1);
        for (covariate, thresholds) in problem.class.thresholds.iter().enumerate() {
            for &threshold in thresholds {
                for left in &below {
                    all.extend(
                        below
                            .iter()
                            .map(|right| Node::split(covariate, threshold, left.clone(), right.clone())),
                    );
                }
            }
        }
    }
    all
}

/// The largest objective of all trees that break no constraint, by the model's definition.
fn largest(problem: &LeafProblem) -> f64 {
    let assigned = trees(problem, problem.class.depth).into_iter().map(|tree| problem.assigned(&tree));
    let kept = assigned.filter(|tree| problem.violations(tree).is_empty());
    kept.map(|tree| problem.objective(&tree)).fold(f64::NEG_INFINITY, f64::max)
}

fn values() -> Vec<LeafValue> {
    let joint = |covariance| LeafValue::Joint(Joint { covariance, ..Joint::default() });
    vec![
        LeafValue::Shrunken { lambda: 0.0, form: Form::N },
        LeafValue::Shrunken { lambda: 2.5, form: Form::N },
        LeafValue::Shrunken { lambda: 2.5, form: Form::P },
        joint(Covariance::ByLikelihood),
        LeafValue::Evidence(Joint { covariance: Covariance::Common(1), ..Joint::default() }),
        joint(Covariance::Factors(1)),
    ]
}

#[test]
fn the_search_finds_the_best_of_all_trees() {
    for value in values() {
        for (depth, candidates) in [(1, Candidates::All), (2, Candidates::Quantiles(2))] {
            for (min_leaf, seed) in [(1, 1), (8, 2)] {
                let problem = posed((4, 90, seed), (depth, candidates), (min_leaf, value));
                let report = solved(&problem, &LeafSearch);
                assert_eq!(report.termination_status, TerminationStatus::Optimal);
                let (found, best) = (report.objective_value.unwrap(), largest(&problem));
                assert!(
                    (found - best).abs() <= 1e-7 * (1.0 + best.abs()),
                    "{value:?} {depth}: {found} {best}"
                );
                let greedy = solved(&problem, &LeafGreedy).objective_value.unwrap();
                assert!(greedy <= found + 1e-7 * (1.0 + found.abs()), "{value:?} {depth}: {greedy} {found}");
            }
        }
    }
}

#[test]
fn the_answer_does_not_depend_on_threads() {
    let problem = posed((6, 200, 3), (2, Candidates::Quantiles(3)), (5, LeafValue::Joint(Joint::default())));
    let with = |threads| {
        let options = Options { threads, ..Options::default() };
        solve(&problem, &LeafSearch, None, &options, &Silent).unwrap().point
    };
    assert_eq!(with(1), with(4));
}

#[test]
fn the_utility_of_a_tree_by_hand() {
    // Leaf x <= 0: arm 0 has 1 and 3, arm 1 has 5. Leaf x > 0: arm 0 has 2.
    let x = Array2::from_shape_vec((4, 1), vec![0.0, 0.0, 0.0, 1.0]).unwrap();
    let tree = Node::split(0, 0.0, Node::Leaf { arm: 1 }, Node::Leaf { arm: 0 });
    let of = |form| {
        let value = LeafValue::Shrunken { lambda: 1.0, form };
        let class = Tree::over(&x, 1, Candidates::All);
        let utility = vec![1.0, 3.0, 5.0, 2.0];
        LeafProblem::new(class, (1, value), x.clone(), (vec![0, 0, 1, 0], 2), utility).unwrap()
    };
    // Left: target (4/3 + 5/2) / (2/3 + 1/2) = 23/7; arm 0 (4 + 23/7) / 3, arm 1 (5 + 23/7) / 2 = 29/7. Right: 2.
    let left = 29.0 / 7.0;
    assert!((of(Form::N).objective(&tree) - (3.0 * left + 2.0)).abs() < 1e-12);
    // Arm 1 is 1 of 4 units, arm 0 is 3 of 4.
    assert!((of(Form::P).objective(&tree) - (4.0 * left + 4.0 / 3.0 * 2.0)).abs() < 1e-12);
    let worse = Node::split(0, 0.0, Node::Leaf { arm: 0 }, Node::Leaf { arm: 0 });
    let violations = of(Form::N).violations(&worse);
    assert_eq!(violations[0].constraint, "largest_mean");
    assert!((violations[0].amount - (left - 51.0 / 21.0)).abs() < 1e-12);
}
