//! What must not change an optimum, and what files must not lose.

#[path = "common/highs_file.rs"]
mod highs_file;

use ndarray::{Array2, Axis};
use prescribe::models::linear_rule::LinearProblem;
use prescribe::models::tree_rule::{Candidates, Tree, TreeProblem};
use prescribe::models::{MixedIntegerProgram, Model, Row, Sense};
use prescribe::solve::highs::solve_program;
use prescribe::solve::{self, Milp, Options, Silent, Solver, TerminationStatus, Watch};
use proptest::prelude::*;
use proptest::test_runner::Config;

fn config(cases: u32) -> Config {
    Config { cases, failure_persistence: None, ..Config::default() }
}

fn names(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|j| format!("{prefix}{j}")).collect()
}

/// The proved optimum.
fn optimum<M: Model>(model: &M) -> f64
where
    Milp: Solver<M>,
{
    let report = solve::solve(model, &Milp::default(), None, &Options::default(), &Silent).unwrap();
    assert_eq!(report.termination_status, TerminationStatus::Optimal, "{:?}", report.certificate);
    assert!(report.certificate.verified);
    report.objective_value.unwrap()
}

fn linear(x: &Array2<f64>, rewards: &Array2<f64>) -> f64 {
    let class = prescribe::models::linear_rule::Linear;
    optimum(
        &LinearProblem::new(class, names("x", x.ncols()), names("a", 2), x.clone(), rewards.clone()).unwrap(),
    )
}

fn tree(x: &Array2<f64>, rewards: &Array2<f64>) -> f64 {
    let class = Tree::over(x, 2, Candidates::All);
    let (covariates, arms) = (names("x", x.ncols()), names("a", rewards.ncols()));
    optimum(&TreeProblem::new(class, covariates, arms, x.clone(), rewards.clone()).unwrap())
}

/// Covariates with ties, rewards for `arms` arms, and an order of the units.
fn problem(arms: usize) -> impl Strategy<Value = (Array2<f64>, Array2<f64>, Vec<usize>)> {
    (3usize..14, 1usize..3).prop_flat_map(move |(n, p)| {
        let value = prop_oneof![(-3i32..=3).prop_map(f64::from), -3.0..3.0_f64];
        let x = prop::collection::vec(value, n * p);
        let rewards = prop::collection::vec(-5.0..5.0_f64, n * arms);
        let order = Just((0..n).collect::<Vec<_>>()).prop_shuffle();
        (x, rewards, order).prop_map(move |(x, rewards, order)| {
            let x = Array2::from_shape_vec((n, p), x).unwrap();
            (x, Array2::from_shape_vec((n, arms), rewards).unwrap(), order)
        })
    })
}

/// The optima after each change that must not matter, with what each adds to the optimum.
fn unmoved(
    x: &Array2<f64>,
    rewards: &Array2<f64>,
    order: &[usize],
    solve: impl Fn(&Array2<f64>, &Array2<f64>) -> f64,
) -> Result<(), TestCaseError> {
    let (n, best) = (x.nrows() as f64, solve(x, rewards));
    let mut scaled = x.clone();
    scaled.column_mut(0).mapv_inplace(|v| 37.0 * v);
    let mut relabelled = rewards.clone();
    relabelled.invert_axis(Axis(1));
    let changes = [
        ("units in another order", solve(&x.select(Axis(0), order), &rewards.select(Axis(0), order)), 0.0),
        ("a covariate in other units", solve(&scaled, rewards), 0.0),
        (
            "covariates in another order",
            solve(&x.select(Axis(1), &(0..x.ncols()).rev().collect::<Vec<_>>()), rewards),
            0.0,
        ),
        ("a constant on every reward", solve(x, &(rewards + 2.5)), 2.5 * n),
        ("arms relabelled", solve(x, &relabelled), 0.0),
        ("rewards in other units", solve(x, &(rewards * 1024.0)) / 1024.0, 0.0),
    ];
    for (change, value, shift) in changes {
        let scale = best.abs().max(1.0) + shift;
        prop_assert!(
            (value - shift - best).abs() <= 1e-9 * scale,
            "{change}: {value} instead of {best} + {shift}"
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(config(40))]

    #[test]
    fn linear_optima_do_not_move((x, rewards, order) in problem(2)) {
        unmoved(&x, &rewards, &order, linear)?;
    }

    #[test]
    fn tree_optima_do_not_move((x, rewards, order) in problem(3)) {
        unmoved(&x, &rewards, &order, tree)?;
    }
}

/// Names that readers of one format or the other take for something else, and clashes.
const NAMES: [&str; 24] = [
    "x",
    "x",
    "x[1]",
    "x(1)",
    "a<=2.5",
    "größe",
    "grüße",
    "",
    " ",
    "2nd",
    "e1",
    "inf",
    "infant",
    "NaN",
    "free",
    "st",
    "end",
    "max",
    "minute",
    "RHS",
    "bound",
    "objective",
    "x_low",
    "to",
];

fn bounds() -> impl Strategy<Value = (f64, f64)> {
    let (low, high) = (f64::NEG_INFINITY, f64::INFINITY);
    let fixed = vec![
        (0.0, 1.0),
        (0.0, high),
        (low, high),
        (low, 4.0),
        (low, -1.0),
        (2.0, 2.0),
        (-3.0, -3.0),
        (-5.0, 5.0),
        (1.5, high),
        (0.1, 0.3),
        (0.25, 1e6),
        (0.0, 0.0),
    ];
    prop::sample::select(fixed)
}

fn program() -> impl Strategy<Value = MixedIntegerProgram> {
    let coefficient = prop::sample::select(vec![1.0, -1.0, 2.0, -0.5, 3.25, 0.1, -1e-3, 1e3, 0.0]);
    let column = (prop::sample::select(NAMES.to_vec()), bounds(), coefficient.clone(), any::<bool>());
    let columns = prop::collection::vec(column, 1..6);
    let row =
        (prop::sample::select(NAMES.to_vec()), bounds(), prop::collection::vec(coefficient, 6), 0u8..64);
    let rows = prop::collection::vec(row, 0..5);
    let offset = prop::sample::select(vec![0.0, 7.25, -0.1, 1e4]);
    (columns, rows, offset, any::<bool>()).prop_map(|(columns, rows, offset, maximize)| {
        let sense = if maximize { Sense::Maximize } else { Sense::Minimize };
        let mut program = MixedIntegerProgram::new("größe max", sense);
        program.offset = offset;
        for (name, (lower, upper), cost, integer) in columns {
            let j = program.continuous(name, lower, upper, cost);
            // Whole columns without bounds may keep branch and bound busy for ever.
            let whole = [lower, upper].iter().all(|bound| bound.is_finite() && bound.fract() == 0.0);
            program.columns[j].integer = integer && whole;
        }
        for (name, (lower, upper), coefficients, mask) in rows {
            let terms = coefficients.into_iter().enumerate().take(program.columns.len());
            let terms = terms.filter(|(j, _)| mask >> j & 1 == 1).collect();
            program.rows.push(Row { name: name.into(), lower, upper, terms });
        }
        program
    })
}

/// Both files, read back by HiGHS, say what the program says.
fn reads_back(program: &MixedIntegerProgram) -> Result<(), TestCaseError> {
    program.check().unwrap();
    let watch = Watch::start(None, &Silent);
    let direct = solve_program(program, None, &Options::default(), &watch, "").unwrap();
    for (kind, text) in [("mps", program.to_mps()), ("lp", program.to_lp())] {
        let read = match highs_file::read_and_solve(&text, kind) {
            Ok(read) => read,
            Err(reason) => return Err(TestCaseError::fail(reason)),
        };
        prop_assert_eq!(read.columns.len(), program.columns.len(), "{}", &text);
        for name in program.file_names() {
            prop_assert!(read.columns.contains_key(&name), "{name} is lost:\n{text}");
        }
        prop_assert_eq!(read.optimal, direct.status == TerminationStatus::Optimal, "{:?}\n{}", direct, &text);
        if let Some(objective) = direct.objective.filter(|_| read.optimal) {
            let gap = (read.objective - objective).abs();
            prop_assert!(
                gap <= 1e-6 * objective.abs().max(1.0),
                "{} instead of {objective}:\n{text}",
                read.objective
            );
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(config(1000))]

    #[test]
    fn files_read_back_to_the_same_program(program in program()) {
        reads_back(&program)?;
    }
}

/// Every name beside every other, on columns and rows.
#[test]
fn no_name_breaks_a_file() {
    let mut program = MixedIntegerProgram::new("names", Sense::Maximize);
    for (j, name) in NAMES.iter().enumerate() {
        program.binary(*name, 1.0 + j as f64);
    }
    for (j, name) in NAMES.iter().enumerate() {
        let terms = vec![(j, 1.0), ((j + 1) % NAMES.len(), 1.0)];
        program.rows.push(Row { name: (*name).into(), lower: 0.5, upper: 1.5, terms });
    }
    reads_back(&program).unwrap();
}

/// Coefficients of every size survive the way through the files.
#[test]
fn numbers_are_written_in_full() {
    for value in [0.1 + 0.2, 1e-7, 1.0 / 3.0, 123_456_789.123_456_79, 2f64.powi(-20)] {
        let mut program = MixedIntegerProgram::new("numbers", Sense::Maximize);
        let v = program.continuous("v", 0.0, f64::INFINITY, value);
        program.offset = -value;
        program.rows.push(Row::at_most("limit", value, vec![(v, value)]));
        for (kind, text) in [("mps", program.to_mps()), ("lp", program.to_lp())] {
            let digits = format!("{value}");
            assert_eq!(digits.parse::<f64>().unwrap(), value);
            assert!(text.matches(&digits).count() >= 4, "{kind}: {text}");
        }
        reads_back(&program).unwrap();
    }
}
