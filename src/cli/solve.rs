//! `prescribe solve tree|table|linear|conjunction|multi-linear|calibration|fused-lasso`: one formal problem from matrices, by one solver.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::convex::{CalibrationFlags, ConvexHow, FusedLassoFlags};
use super::failure::{Failure, code_of};
use super::flags::{JsonFlag, SolverFlags};
use super::output;
use super::problem::{LinearFlags, MultiLinearFlags, TreeFlags};
use super::progress::Terminal;
use crate::data::write_whole;
use crate::models::{Model, PolicyProblem};
use crate::rule::{GivenAnswer, NamedClass, named_report, read_answer};
use crate::solve::registry::Settings;
use crate::solve::{Chosen, Options, Programmed, Solvable, SolveError, milp, solve_explained};

#[derive(Subcommand)]
pub enum Solve {
    /// Depth-D policy tree over any number of arms
    Tree {
        #[command(flatten)]
        problem: TreeFlags,
        #[command(flatten)]
        how: How,
    },
    /// Decision table over any number of arms: --depth questions, an arm for each combination of answers
    Table {
        #[command(flatten)]
        problem: TreeFlags,
        #[command(flatten)]
        how: How,
    },
    /// Linear rule for two arms
    Linear {
        #[command(flatten)]
        problem: LinearFlags,
        #[command(flatten)]
        how: How,
    },
    /// Conjunction of two linear rules for two arms: treat where both treat
    Conjunction {
        #[command(flatten)]
        problem: LinearFlags,
        #[command(flatten)]
        how: How,
    },
    /// Linear rule for any number of arms: the arm of the largest b0_k + x'b_k
    MultiLinear {
        #[command(flatten)]
        problem: MultiLinearFlags,
        #[command(flatten)]
        how: How,
    },
    /// Weights nearest to base weights that bring the features of one arm to the target's means
    Calibration {
        #[command(flatten)]
        problem: CalibrationFlags,
        #[command(flatten)]
        how: ConvexHow,
    },
    /// Coefficients of arms by least squares, drawn together pair by pair
    FusedLasso {
        #[command(flatten)]
        problem: FusedLassoFlags,
        #[command(flatten)]
        how: ConvexHow,
    },
}

#[derive(Args)]
pub struct How {
    #[command(flatten)]
    solver: SolverFlags,
    /// Another solver's answer to certify and improve: a rule as JSON, or a solution file of a written model
    #[arg(long, value_name = "FILE", help_heading = "Solver")]
    read_solution: Option<PathBuf>,
    /// Write the program as .mps or .lp (one file a piece) before solving
    #[arg(long, value_name = "FILE.mps|.lp", help_heading = "Solver")]
    write_model: Option<PathBuf>,
    #[command(flatten)]
    json: JsonFlag,
}

impl Solve {
    pub fn run(&self) -> Result<u8, Failure> {
        match self {
            Solve::Tree { problem, how } => how.checked()?.solve(problem.problem()?),
            Solve::Table { problem, how } => how.checked()?.solve(problem.tables()?),
            Solve::Linear { problem, how } => how.checked()?.solve(problem.problem()?),
            Solve::Conjunction { problem, how } => how.checked()?.solve(problem.conjunctions()?),
            Solve::MultiLinear { problem, how } => how.checked()?.solve(problem.problem()?),
            Solve::Calibration { problem, how } => problem.run(how),
            Solve::FusedLasso { problem, how } => problem.run(how),
        }
    }
}

impl How {
    /// Refuses places that could not be written in the end.
    fn checked(&self) -> Result<&Self, Failure> {
        output::check(self.json.json.as_deref(), "--json")?;
        output::check(self.solver.log_file.as_deref(), "--log-file")?;
        output::check(self.write_model.as_deref(), "--write-model")?;
        self.write_model.as_deref().map_or(Ok(false), is_lp)?;
        Ok(self)
    }

    fn solve<C: NamedClass>(&self, problem: PolicyProblem<C>) -> Result<u8, Failure>
    where
        PolicyProblem<C>: Solvable + Programmed + Model<Point = C::Rule>,
    {
        let settings = self.solver.settings();
        let solver = Chosen::of(self.solver.solver(), settings)?;
        solver.accepts(&problem).map_err(|error| Failure::usage(error.to_string()))?;
        let start = self.given(&problem, settings)?;
        if let Some(path) = &self.write_model {
            write_model(&problem, settings, path)?;
        }
        let options = self.solver.over(Options::default());
        let mut report = solve_explained(&problem, &solver, start.as_ref(), &options, &Terminal::new())?;
        if let Some(start) = start {
            report.statistics.insert("read_solution".into(), judge(&problem, &start, report.objective_value));
        }
        let report = named_report(report, &problem);
        output::print(self.json.json.as_deref(), &report, &output::summary(&report, &problem.covariates))?;
        Ok(code_of(&report))
    }

    /// The point of `--read-solution`.
    fn given<C: NamedClass>(
        &self,
        problem: &PolicyProblem<C>,
        settings: Settings,
    ) -> Result<Option<C::Rule>, Failure>
    where
        PolicyProblem<C>: Solvable + Programmed + Model<Point = C::Rule>,
    {
        let Some(path) = &self.read_solution else { return Ok(None) };
        let point = match read_answer(path)? {
            GivenAnswer::Rule(rule) => {
                let point = problem.class.indexed(&rule, &problem.covariates, &problem.arms);
                point.map_err(|error| error.in_file(path))?
            }
            GivenAnswer::Columns(columns) => {
                let form = problem.form(settings.formulation);
                milp::recover_columns(form.as_ref(), &columns).map_err(|reason| Failure {
                    code: super::failure::DATA,
                    message: format!("{}: {reason}", path.display()),
                })?
            }
        };
        Ok(Some(point))
    }
}

/// What another solver's answer is worth by the model's definition, and whether it was the best.
fn judge<M: Model>(model: &M, point: &M::Point, best: Option<f64>) -> serde_json::Value {
    let value = model.objective(point);
    let violations = model.violations(point);
    let improved = best.is_some_and(|best| best > value);
    serde_json::json!({"objective_value": value, "violations": violations, "improved": improved})
}

/// Whether a model file is .lp rather than .mps.
fn is_lp(path: &std::path::Path) -> Result<bool, Failure> {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("mps") => Ok(false),
        Some("lp") => Ok(true),
        _ => Err(Failure::usage(format!("--write-model {}: end the name in .mps or .lp", path.display()))),
    }
}

/// Writes each piece of the form; with several, each file carries its piece's number before the ending.
fn write_model<M: Programmed>(model: &M, settings: Settings, path: &std::path::Path) -> Result<(), Failure> {
    let lp = is_lp(path)?;
    // A solver that needs no program takes models of which none can be written.
    Programmed::accepts(model, settings.formulation).map_err(SolveError::from)?;
    let pieces = model.form(settings.formulation).pieces();
    for (number, piece) in pieces.iter().enumerate() {
        let ending = if lp { "lp" } else { "mps" };
        let target = match pieces.len() {
            1 => path.to_path_buf(),
            _ => path.with_extension(format!("{}.{ending}", number + 1)),
        };
        let text = if lp { piece.program.to_lp() } else { piece.program.to_mps() };
        write_whole(&target, text.as_bytes()).map_err(|error| {
            Failure::io(&target, &error, "name a file that can be written with --write-model")
        })?;
    }
    Ok(())
}
