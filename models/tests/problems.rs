//! What a problem is: which data it refuses, what its rules mean, and how it evaluates them.

use ndarray::{Array2, array};
use prescribe_models::linear_rule::{Linear, LinearProblem, LinearRule};
use prescribe_models::maximum_margin::MaximumMargin;
use prescribe_models::tree_rule::{Candidates, Extended, Flow, Node, Tree, TreeProblem};
use prescribe_models::{InvalidModel, Model, ProgramForm, RuleClass, SideConstraint};

fn leaf(arm: usize) -> Node {
    Node::Leaf { arm }
}

fn names(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|j| format!("{prefix}{j}")).collect()
}

fn tree(x: Array2<f64>, rewards: Array2<f64>, depth: usize) -> TreeProblem {
    let class = Tree::over(&x, depth, Candidates::All);
    TreeProblem::new(class, names("x", x.ncols()), names("a", rewards.ncols()), x, rewards).unwrap()
}

#[test]
fn a_unit_at_the_threshold_goes_left() {
    let problem = tree(array![[1.0], [2.0], [2.5]], array![[1.0, 0.0], [2.0, 0.0], [0.0, 4.0]], 1);
    let rule = Node::split(0, 2.0, leaf(0), leaf(1));
    assert_eq!(problem.assignment(&rule), [0, 0, 1]);
    assert_eq!(problem.objective(&rule), 7.0);
    // The largest value splits nothing and is no candidate.
    assert_eq!(problem.class.thresholds, [[1.0, 2.0]]);
    assert_eq!(problem.violations(&Node::split(0, 2.5, leaf(0), leaf(1))).len(), 1);
}

#[test]
fn zeros_of_both_signs_are_one_value() {
    let problem = tree(array![[-0.0], [0.0], [1.0]], array![[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], 1);
    assert_eq!(problem.class.thresholds[0].len(), 1);
    assert_eq!(problem.objective(&Node::split(0, 0.0, leaf(0), leaf(1))), 3.0);
    assert_eq!(problem.objective(&Node::split(0, -0.0, leaf(0), leaf(1))), 3.0);
}

#[test]
fn what_breaks_a_tree_is_named_and_measured() {
    let x = array![[1.0], [2.0], [3.0], [4.0]];
    let problem = tree(x, Array2::zeros((4, 2)), 1).with(SideConstraint::MinimumLeafSize(2)).unwrap();
    let deep = Node::split(0, 1.0, leaf(0), Node::split(0, 2.0, leaf(1), leaf(0)));
    let named = |rule: &Node| -> Vec<(String, f64)> {
        let found = problem.violations(rule).into_iter();
        found.map(|violation| (violation.constraint, violation.amount)).collect()
    };
    assert_eq!(named(&deep), [("depth".to_string(), 1.0), ("minimum_leaf_size".to_string(), 1.0)]);
    assert_eq!(named(&Node::split(0, 2.0, leaf(0), leaf(1))), []);
    assert_eq!(named(&Node::split(0, 1.5, leaf(0), leaf(1)))[0].0, "candidate_thresholds");
}

/// A rule from a file may be over other covariates or arms: it is refused, not evaluated.
#[test]
fn a_rule_of_another_shape_is_no_rule() {
    let x = array![[1.0], [2.0], [3.0], [4.0]];
    let problem = tree(x.clone(), Array2::ones((4, 2)), 1).with(SideConstraint::MinimumLeafSize(2)).unwrap();
    for stranger in [Node::split(1, 1.0, leaf(0), leaf(1)), Node::split(0, 1.0, leaf(0), leaf(2))] {
        assert_eq!(problem.violations(&stranger)[0].constraint, "shape");
        assert!(problem.objective(&stranger).is_nan());
    }
    let linear = LinearProblem::from_gains(names("x", 1), x, &[1.0; 4]).unwrap();
    let margin = MaximumMargin::new(vec![vec![1.0]], vec![vec![0.0]]);
    for coefficients in [vec![], vec![1.0, 1.0]] {
        let stranger = LinearRule { intercept: 1.0, coefficients };
        assert_eq!(linear.violations(&stranger)[0].constraint, "shape");
        assert!(linear.objective(&stranger).is_nan());
        assert_eq!(margin.violations(&stranger)[0].constraint, "shape");
        assert!(margin.objective(&stranger).is_nan());
    }
}

#[test]
fn thresholds_out_of_order_are_refused() {
    for list in [vec![2.0, 1.0], vec![1.0, 1.0], vec![f64::NAN]] {
        let class = Tree { depth: 1, thresholds: vec![list], views_of: vec![0] };
        let x = array![[1.0], [2.0], [3.0]];
        let refused = TreeProblem::new(class, names("x", 1), names("a", 2), x, Array2::zeros((3, 2)));
        assert!(refused.is_err());
    }
}

#[test]
fn a_tree_too_deep_to_be_written_down_is_no_overflow() {
    let x = array![[1.0], [2.0]];
    let problem = tree(x, Array2::zeros((2, 2)), 200);
    assert_eq!(Flow::coefficients(&problem), usize::MAX);
    assert!(Extended::new(&problem).is_none());
}

#[test]
fn data_that_make_no_problem_are_refused_with_their_place() {
    let pose = |x: Array2<f64>, rewards: Array2<f64>, p: usize, k: usize| {
        LinearProblem::new(Linear, names("x", p), names("a", k), x, rewards)
    };
    let reason = |result: Result<LinearProblem, InvalidModel>| result.unwrap_err().0;
    let two = || Array2::zeros((2, 2));
    assert!(reason(pose(array![[1.0], [f64::NAN]], two(), 1, 2)).contains("row 1, column 0"));
    assert!(
        reason(pose(array![[1.0], [2.0]], array![[0.0, f64::INFINITY], [0.0, 0.0]], 1, 2)).contains("reward")
    );
    assert!(reason(pose(array![[1.0]], two(), 1, 2)).contains("1 rows"));
    assert!(reason(pose(array![[1.0], [2.0]], two(), 2, 2)).contains("name"));
    assert!(reason(pose(array![[1.0], [2.0]], Array2::zeros((2, 3)), 1, 3)).contains("two arms"));
    assert!(reason(pose(Array2::zeros((0, 1)), Array2::zeros((0, 2)), 1, 2)).contains("at least one unit"));
}

#[test]
fn a_linear_problem_is_its_gains_and_a_constant() {
    let rewards = array![[1.0, 2.0], [3.0, 0.0], [0.5, 0.5]];
    let problem =
        LinearProblem::new(Linear, names("x", 1), names("a", 2), array![[1.0], [2.0], [3.0]], rewards)
            .unwrap();
    let rule = LinearRule { intercept: 1.0, coefficients: vec![-1.0] };
    assert_eq!(problem.value_of_nobody(), 4.5);
    assert_eq!([problem.gain(0), problem.gain(1), problem.gain(2)], [1.0, -3.0, 0.0]);
    assert_eq!(problem.objective(&rule), 5.5);
    assert_eq!(problem.reference_value(), Some(4.5));
    assert_eq!(problem.trivial_bound(), 5.5);
    let bad = LinearRule { intercept: f64::NAN, coefficients: vec![0.0] };
    assert_eq!(problem.violations(&bad).len(), 1);
}

#[test]
fn hashes_tell_models_from_data() {
    let x = array![[1.0], [2.0], [3.0]];
    let base = tree(x.clone(), Array2::zeros((3, 2)), 1);
    let deeper = tree(x.clone(), Array2::zeros((3, 2)), 2);
    let constrained = base.clone().with(SideConstraint::MinimumLeafSize(2)).unwrap();
    let other = tree(x, Array2::ones((3, 2)), 1);
    assert_eq!(base.data_hash(), deeper.data_hash());
    assert_ne!(base.model_hash(), deeper.model_hash());
    assert_ne!(base.model_hash(), constrained.model_hash());
    assert_ne!(base.data_hash(), other.data_hash());
    assert_eq!(base.model_hash().len(), 64);
}

/// Every feasible tree that a form can write down, written down, satisfies every row and has the tree's value.
#[test]
fn the_flow_program_contains_the_trees() {
    let x = array![[1.0, 0.0], [2.0, 1.0], [3.0, 0.0], [4.0, 1.0]];
    let rewards = array![[1.0, -2.0], [0.5, 3.0], [2.0, 0.0], [-1.0, 4.0]];
    let problem = tree(x, rewards, 2);
    let form = Flow::new(&problem);
    let piece = &form.pieces()[0];
    let trees = [
        leaf(1),
        Node::split(0, 2.0, leaf(0), leaf(1)),
        Node::split(1, 0.0, Node::split(0, 1.0, leaf(1), leaf(0)), leaf(1)),
        Node::split(0, 3.0, Node::split(1, 0.0, leaf(0), leaf(1)), Node::split(0, 1.0, leaf(0), leaf(1))),
    ];
    for rule in trees {
        let columns = form.embed(piece, &rule).unwrap();
        for row in &piece.program.rows {
            let activity = row.activity(&columns);
            assert!(row.lower <= activity && activity <= row.upper, "{rule:?}: {}", row.name);
        }
        assert_eq!(piece.program.objective(&columns), problem.objective(&rule));
    }
    assert_eq!(form.embed(piece, &Node::split(0, 9.0, leaf(0), leaf(1))), None);
    assert_eq!(problem.class.constant(2, 1), leaf(1));
}
