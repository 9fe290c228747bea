//! `prescribe compare tree|linear|multi-linear|learned`: every solver that takes the problem, side by side.

use std::fmt::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::failure::{DONE, Failure, code_of};
use super::flags::{JsonFlag, SolverFlags};
use super::linear_problem::ComparedFlags;
use super::output::{self, number, word};
use super::problem::{MultiLinearFlags, TreeFlags};
use super::progress::Terminal;
use crate::interference::RuleProblem;
use crate::learn::{Encoding, LearnError, WithProblem, on_training_units, prepare, read_config};
use crate::models::cluster_rule::ClusterProblem;
use crate::models::linear_rule::Linear;
use crate::models::{Model, PolicyProblem};
use crate::rule::{NamedClass, Rule, named_report};
use crate::solve::registry::UnknownChoice;
use crate::solve::{Chosen, Options, Report, Solvable};

#[derive(Subcommand)]
pub enum Compare {
    /// Depth-D policy tree over any number of arms
    Tree {
        #[command(flatten)]
        problem: TreeFlags,
        #[command(flatten)]
        how: How,
    },
    /// Linear rule for two arms, also under interference within clusters: exact program and smooth approximation, stage by stage
    Linear {
        #[command(flatten)]
        problem: Box<ComparedFlags>,
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
    /// The problem of a folder that `learn` wrote
    Learned {
        folder: PathBuf,
        #[command(flatten)]
        how: How,
    },
}

#[derive(Args)]
pub struct How {
    #[command(flatten)]
    solver: SolverFlags,
    #[command(flatten)]
    json: JsonFlag,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Comparison {
    reports: Vec<Report<Rule>>,
    /// Solvers that do not take the problem, and why.
    refused: Map<String, Value>,
    /// How far each solver (and each stage of `smooth`) is from the best value found, which `proved` says is optimal.
    approximation_gap: Map<String, Value>,
    best_value: Option<f64>,
    proved: bool,
}

impl Compare {
    pub fn run(&self) -> Result<u8, Failure> {
        match self {
            Compare::Tree { problem, how } => how.checked()?.compare(problem.problem()?, &|rule| rule),
            Compare::Linear { problem, how } => {
                let seed = how.checked()?.solver.seed.unwrap_or(Options::default().random_seed);
                match problem.problem(seed)? {
                    RuleProblem::Units(problem) => how.compare(problem, &|rule| rule),
                    RuleProblem::Clusters(problem) => how.compare_clusters(&problem, &|rule| rule),
                }
            }
            Compare::MultiLinear { problem, how } => how.checked()?.compare(problem.problem()?, &|rule| rule),
            Compare::Learned { folder, how } => {
                how.checked()?;
                let config = read_config(folder)?;
                let (scored, sample) = prepare(&config)?;
                on_training_units(&scored, &sample, &config, how)?
            }
        }
    }
}

impl WithProblem for &How {
    type Done = Result<u8, Failure>;

    fn with<C>(self, problem: PolicyProblem<C>, encoding: &Encoding) -> Result<Self::Done, LearnError>
    where
        C: NamedClass,
        PolicyProblem<C>: Solvable + Model<Point = C::Rule>,
    {
        Ok(self.compare(problem, &|rule| encoding.decode(rule)))
    }

    fn with_clusters(self, problem: ClusterProblem, encoding: &Encoding) -> Result<Self::Done, LearnError> {
        Ok(self.compare_clusters(&problem, &|rule| encoding.decode(rule)))
    }
}

impl How {
    /// Refuses places that could not be written in the end.
    fn checked(&self) -> Result<&Self, Failure> {
        output::check(self.json.json.as_deref(), "--json")?;
        output::check(self.solver.log_file.as_deref(), "--log-file")?;
        Ok(self)
    }

    /// `decode` leads to the rules that are shown.
    fn compare<C: NamedClass>(
        &self,
        problem: PolicyProblem<C>,
        decode: &dyn Fn(Rule) -> Rule,
    ) -> Result<u8, Failure>
    where
        PolicyProblem<C>: Solvable + Model<Point = C::Rule>,
    {
        let named = |report| named_report(report, &problem).map_point(decode);
        self.solve_all(&problem, &problem.covariates, &named)
    }

    fn compare_clusters(
        &self,
        problem: &ClusterProblem,
        decode: &dyn Fn(Rule) -> Rule,
    ) -> Result<u8, Failure> {
        let linear = problem.linear();
        let named = |rule| decode(Linear::named(&rule, &linear.covariates, &linear.arms));
        self.solve_all(problem, &linear.covariates, &|report| report.map_point(named))
    }

    /// `named` says the rules as they are shown.
    fn solve_all<M: Solvable>(
        &self,
        problem: &M,
        covariates: &[String],
        named: &dyn Fn(Report<M::Point>) -> Report<Rule>,
    ) -> Result<u8, Failure> {
        let options = self.solver.over(Options::default());
        let (mut reports, mut refused) = (Vec::new(), Map::new());
        for name in self.names::<M>() {
            let solver = match Chosen::<M>::of(&name, self.solver.settings()) {
                // A setting of one solver does not concern the others.
                Err(UnknownChoice::Setting { .. }) => Chosen::of(&name, Default::default())?,
                found => found?,
            };
            match solver.accepts(problem) {
                Ok(_) => reports.push(named(solver.solve(problem, None, &options, &Terminal::new())?)),
                Err(error) => {
                    refused.insert(name, error.to_string().into());
                }
            }
        }
        let worst = reports.iter().map(code_of).max().unwrap_or(DONE);
        let comparison = Comparison::of(reports, refused, problem.reference_value(), problem.units());
        output::print(self.json.json.as_deref(), &comparison, &comparison.table(covariates))?;
        Ok(worst)
    }

    /// The solver asked for, or all.
    fn names<M: Solvable>(&self) -> Vec<String> {
        let all = || M::solvers().iter().map(|solver| solver.name().to_string()).collect();
        self.solver.solver.as_ref().map_or_else(all, |name| vec![name.clone()])
    }
}

impl Comparison {
    fn of(
        reports: Vec<Report<Rule>>,
        refused: Map<String, Value>,
        constant: Option<f64>,
        units: usize,
    ) -> Self {
        let best = reports.iter().filter_map(|report| report.objective_value).reduce(f64::max);
        let proved = reports.iter().any(|report| word(&report.termination_status) == "OPTIMAL");
        let mut gaps = Map::new();
        let Some(best_value) = best else {
            return Self { reports, refused, approximation_gap: gaps, best_value: best, proved };
        };
        let mut record = |name: String, value: f64| {
            let lost = best_value - value;
            let over =
                |divisor: f64| Some(if lost == 0.0 { 0.0 } else { lost / divisor }).filter(|r| r.is_finite());
            let gain = constant.and_then(|constant| over(best_value - constant));
            let gap = json!({"objective_value": value, "absolute": lost, "relative": over(best_value.abs()),
                             "gain": gain, "per_unit": over(units as f64)});
            gaps.insert(name, gap);
        };
        for report in &reports {
            for (stage, value) in
                report.statistics.get("stages").and_then(Value::as_object).into_iter().flatten()
            {
                value
                    .as_f64()
                    .into_iter()
                    .for_each(|value| record(format!("{}.{stage}", report.solver), value));
            }
            report.objective_value.into_iter().for_each(|value| record(report.solver.clone(), value));
        }
        Self { reports, refused, approximation_gap: gaps, best_value: best, proved }
    }

    fn table(&self, covariates: &[String]) -> String {
        let mut text = format!(
            "{:<20} {:<16} {:>16} {:>16} {:>10} {:>9}\n",
            "solver", "status", "reward", "at most", "lost gain", "CPU s"
        );
        let lost = |name: &str| {
            let gain = self.approximation_gap.get(name).and_then(|gap| gap["gain"].as_f64());
            gain.map_or("-".into(), |gain| format!("{:.2}%", 100.0 * gain))
        };
        for report in &self.reports {
            let show = |value: Option<f64>| value.map_or("-".into(), number);
            for (stage, value) in
                report.statistics.get("stages").and_then(Value::as_object).into_iter().flatten()
            {
                let name = format!("{}.{stage}", report.solver);
                let _ = writeln!(
                    text,
                    "{name:<20} {:<16} {:>16} {:>16} {:>10}",
                    "",
                    show(value.as_f64()),
                    "",
                    lost(&name)
                );
            }
            let _ = writeln!(
                text,
                "{:<20} {:<16} {:>16} {:>16} {:>10} {:>9.2}",
                report.solver,
                word(&report.termination_status),
                show(report.objective_value),
                show(report.objective_bound),
                lost(&report.solver),
                report.cpu_seconds
            );
        }
        for (solver, why) in &self.refused {
            let _ = writeln!(text, "{solver:<20} {}", why.as_str().unwrap_or_default());
        }
        let best = self.reports.iter().filter(|report| report.objective_value == self.best_value);
        if let Some(rule) = best.filter_map(|report| report.point.as_ref()).next() {
            let proof = if self.proved { "proved best" } else { "best found" };
            let _ = write!(text, "\n{proof}:\n{}", rule.in_words(covariates));
        }
        text
    }
}
