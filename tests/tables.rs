//! Decision tables against enumeration by their definition: every set of questions, every choice of arms for its cells.

use std::collections::BTreeMap;

use ndarray::Array2;
use prescribe::models::table_rule::{Table, TableProblem};
use prescribe::models::tree_rule::{Candidates, Node, Tree, TreeProblem};
use prescribe::models::{AssignmentBound, MinimumArmInLeaf, Model, RuleClass, SideConstraint};
use prescribe::simulate::{Covariates, tree_rewards};
use prescribe::solve::{self, Milp, Options, Report, Silent, Solver, Tables, TerminationStatus, TreeSearch};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn names(prefix: &str, count: usize) -> Vec<String> {
    (1..=count).map(|j| format!("{prefix}{j}")).collect()
}

fn pose(x: &Array2<f64>, rewards: &Array2<f64>, questions: usize, candidates: Candidates) -> TableProblem {
    let class = Table { trees: Tree::over(x, questions, candidates) };
    let (covariates, arms) = (names("x", x.ncols()), names("arm", rewards.ncols()));
    TableProblem::new(class, covariates, arms, x.clone(), rewards.clone()).unwrap()
}

fn solved(problem: &TableProblem, solver: &dyn Solver<TableProblem>, threads: usize) -> Report<Node> {
    let options = Options { threads, ..Options::default() };
    solve::solve(problem, solver, None, &options, &Silent).unwrap()
}

/// An instance small enough to enumerate, and what it must respect.
struct Instance {
    x: Array2<f64>,
    rewards: Array2<f64>,
    least: usize,
    received: Option<(Vec<usize>, usize)>,
    barred: Vec<Vec<usize>>,
    budget: Option<f64>,
    most_covariates: usize,
}

impl Instance {
    fn draw(seed: u64) -> Instance {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let (n, p) = (random.random_range(6..=12), random.random_range(1..=3));
        let arms = random.random_range(2..=3);
        let x = Array2::from_shape_simple_fn((n, p), || f64::from(random.random_range(0..=3)));
        let rewards = Array2::from_shape_simple_fn((n, arms), || f64::from(random.random_range(-8..=8)));
        let mut asked = |share: f64| random.random::<f64>() < share;
        let (sized, counted, bars, bounded, few) =
            (asked(0.3), asked(0.2), asked(0.3), asked(0.4), asked(0.3));
        Instance {
            least: if sized { 3 } else { 1 },
            received: counted.then(|| ((0..n).map(|i| i % arms).collect(), 1)),
            barred: (0..n).map(|i| if bars && i % 5 == 0 { vec![i % arms] } else { vec![] }).collect(),
            budget: bounded.then_some((0.4 * n as f64).floor()),
            most_covariates: if few { 1 } else { p },
            x,
            rewards,
        }
    }

    fn problem(&self, questions: usize) -> TableProblem {
        let (n, arms) = self.rewards.dim();
        let mut problem = pose(&self.x, &self.rewards, questions, Candidates::All);
        let mut add = |side: SideConstraint| problem = problem.clone().with(side).unwrap();
        add(SideConstraint::MinimumLeafSize(self.least));
        if let Some((received, least)) = self.received.clone() {
            add(SideConstraint::MinimumArmInLeaf(MinimumArmInLeaf { received, least }));
        }
        add(SideConstraint::Eligibility(Array2::from_shape_fn((n, arms), |(i, k)| {
            !self.barred[i].contains(&k)
        })));
        if let Some(limit) = self.budget {
            let costs = Array2::from_shape_fn((n, arms), |(_, k)| k as f64);
            add(SideConstraint::Assignment(AssignmentBound::budget(costs, limit)));
        }
        add(SideConstraint::MaximumCovariates(self.most_covariates));
        problem
    }

    /// The largest value of any table of at most so many questions; none where no table is allowed.
    fn best(&self, questions: usize) -> Option<f64> {
        let (n, p) = self.x.dim();
        let all: Vec<(usize, f64)> = (0..p).flat_map(|j| (0..3).map(move |t| (j, f64::from(t)))).collect();
        let mut best: Option<f64> = None;
        for mask in 0..1_u32 << all.len() {
            let asked: Vec<_> = (0..all.len()).filter(|q| mask >> q & 1 == 1).map(|q| all[q]).collect();
            let mut covariates: Vec<usize> = asked.iter().map(|question| question.0).collect();
            covariates.dedup();
            if asked.len() > questions || covariates.len() > self.most_covariates {
                continue;
            }
            let mut cells: BTreeMap<Vec<bool>, Vec<usize>> = BTreeMap::new();
            for i in 0..n {
                cells.entry(asked.iter().map(|&(j, t)| self.x[[i, j]] <= t).collect()).or_default().push(i);
            }
            let cells: Vec<Vec<usize>> = cells.into_values().collect();
            if cells.iter().all(|units| self.holds(units)) {
                let found = self.best_arms(&cells, 0.0, 0.0);
                best = found.into_iter().chain(best).reduce(f64::max);
            }
        }
        best
    }

    fn holds(&self, units: &[usize]) -> bool {
        let enough = |(received, least): &(Vec<usize>, usize)| {
            let observed = (0..self.rewards.ncols()).filter(|k| received.contains(k));
            observed.into_iter().all(|k| units.iter().filter(|i| received[**i] == k).count() >= *least)
        };
        units.len() >= self.least && self.received.iter().all(enough)
    }

    fn best_arms(&self, cells: &[Vec<usize>], value: f64, spent: f64) -> Option<f64> {
        let Some((units, rest)) = cells.split_first() else {
            return self.budget.is_none_or(|limit| spent <= limit).then_some(value);
        };
        let arms = (0..self.rewards.ncols()).filter(|k| units.iter().all(|i| !self.barred[*i].contains(k)));
        let given = arms.filter_map(|k| {
            let earned: f64 = units.iter().map(|&i| self.rewards[[i, k]]).sum();
            self.best_arms(rest, value + earned, spent + (k * units.len()) as f64)
        });
        given.reduce(f64::max)
    }
}

#[test]
fn every_solver_finds_the_best_table_under_every_demand() {
    let mut infeasible = 0;
    for seed in 0..60 {
        let instance = Instance::draw(seed);
        for questions in 1..=3 {
            let (problem, best) = (instance.problem(questions), instance.best(questions));
            infeasible += usize::from(best.is_none());
            for solver in [&Tables as &dyn Solver<_>, &Milp::default()] {
                let what = format!("seed {seed}, {questions} questions, {}", solver.name());
                let report = solved(&problem, solver, 1);
                let expected =
                    if best.is_some() { TerminationStatus::Optimal } else { TerminationStatus::Infeasible };
                assert_eq!(report.termination_status, expected, "{what}");
                match (report.objective_value, best) {
                    (Some(found), Some(best)) => {
                        assert!((found - best).abs() < 1e-6, "{what}: {found} {best}")
                    }
                    (None, None) => {}
                    other => panic!("{what}: {other:?}"),
                }
                assert!(report.point.iter().all(|table| problem.violations(table).is_empty()), "{what}");
            }
        }
    }
    assert!(infeasible > 0 && infeasible < 60, "{infeasible}");
}

#[test]
fn tables_lie_between_single_questions_and_trees() {
    let drawn = tree_rewards(Covariates::Continuous, 2_000, 4, 3, 1).unwrap();
    let (x, rewards) = (drawn.x, drawn.rewards);
    let value = |questions: usize| {
        let report = solved(&pose(&x, &rewards, questions, Candidates::Quantiles(15)), &Tables, 0);
        assert_eq!(report.termination_status, TerminationStatus::Optimal);
        assert!(report.certificate.verified);
        report.objective_value.unwrap()
    };
    let tree = |depth: usize| {
        let class = Tree::over(&x, depth, Candidates::Quantiles(15));
        let problem =
            TreeProblem::new(class, names("x", 4), names("arm", 3), x.clone(), rewards.clone()).unwrap();
        let report =
            solve::solve(&problem, &TreeSearch::default(), None, &Options::default(), &Silent).unwrap();
        report.objective_value.unwrap()
    };
    let tables: Vec<f64> = (1..=3).map(value).collect();
    assert!((tables[0] - tree(1)).abs() < 1e-6);
    assert!(tables[0] < tables[1] && tables[1] < tables[2], "{tables:?}");
    assert!(tables[1] < tree(2) && tables[2] < tree(3), "a tree asks more questions: {tables:?}");
}

#[test]
fn the_answer_does_not_depend_on_threads() {
    let drawn = tree_rewards(Covariates::Mixed, 300, 3, 2, 2).unwrap();
    let problem = pose(&drawn.x, &drawn.rewards, 3, Candidates::Quantiles(8));
    let budget = SideConstraint::Assignment(AssignmentBound::budget_share(300, 2, 0.2));
    for problem in [problem.clone(), problem.with(budget).unwrap()] {
        let (one, four) = (solved(&problem, &Tables, 1), solved(&problem, &Tables, 4));
        assert_eq!((one.point, one.nodes), (four.point, four.nodes));
    }
}

#[test]
fn a_tree_of_many_questions_is_no_table() {
    let x = Array2::from_shape_fn((8, 3), |(i, j)| (i >> j & 1) as f64);
    let problem = pose(&x, &Array2::ones((8, 2)), 2, Candidates::All);
    let leaf = |arm: usize| Node::Leaf { arm };
    let tree =
        Node::split(0, 0.0, Node::split(1, 0.0, leaf(0), leaf(1)), Node::split(2, 0.0, leaf(0), leaf(1)));
    let broken = problem.violations(&tree);
    assert_eq!((broken[0].constraint.as_str(), broken[0].amount), ("questions", 1.0));
    // Cells are those of all questions together, wherever the tree asks them.
    let table = Node::split(0, 0.0, Node::split(1, 0.0, leaf(0), leaf(1)), leaf(0));
    assert_eq!(problem.violations(&table), Vec::new());
    let cells: std::collections::BTreeSet<usize> =
        (0..8).map(|i| problem.class.cell(&table, problem.unit(i))).collect();
    assert_eq!(cells.len(), 4);
}

#[test]
fn out_of_time_is_said() {
    let drawn = tree_rewards(Covariates::Continuous, 2_000, 5, 3, 1).unwrap();
    let problem = pose(&drawn.x, &drawn.rewards, 3, Candidates::Quantiles(30));
    let options = Options { time_limit: Some(0.0), threads: 1, ..Options::default() };
    let report = solve::solve(&problem, &Tables, None, &options, &Silent).unwrap();
    assert_eq!(report.termination_status, TerminationStatus::TimeLimit);
    assert!(report.objective_bound.unwrap() >= report.objective_value.unwrap());
}
