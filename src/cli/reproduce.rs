//! `prescribe reproduce EXPERIMENT`: the experiments of the fusion paper, ours beside the paper's; those of interference.txt in
//! reproduce_interference.rs, those of forest.txt in reproduce_forest.rs.

use std::fmt::Write;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::application::Application;
use super::failure::Failure;
use super::flags;
use super::households::Households;
use super::repeated::{Repeated, slope, spread};
use super::reproduce_forest::{ForestResiduals, ForestTheory};
use super::reproduce_interference::{Figure1, Figure2, InterferenceTheory};
use crate::evaluate::aligned;
use crate::models::tree_rule::Candidates;
use crate::reproduce::journal::Run;
use crate::reproduce::recovery::{METHODS, Recovery, Size, recovery};
use crate::reproduce::regret::{Regret, regret};
use crate::reproduce::robustness::{Cell, Robustness, Weighting, robustness};
use crate::reproduce::tables::{Line, Printed, Reproduced, Settings, Table, table};
use crate::simulate::{Design, Means};

#[derive(Subcommand)]
pub enum Reproduce {
    /// Table 5: 16 arms in four groups
    #[command(name = "fusion-table-5")]
    Table5(Replicated),
    /// Table 8: 32 arms
    #[command(name = "fusion-table-8")]
    Table8(Replicated),
    /// Table 9: 48 arms
    #[command(name = "fusion-table-9")]
    Table9(Replicated),
    /// Table 10: linear means, weights that leave X1 out
    #[command(name = "fusion-table-10")]
    Table10(Replicated),
    /// A stronger covariate shift, under which exact fusion needs weights
    #[command(name = "fusion-shift")]
    Shift(AtSizes),
    /// The theory as experiments
    #[command(subcommand, name = "fusion-theory")]
    Theory(Theory),
    /// The analysis of section 4.2, on a file or on a simulated study of its shape
    #[command(name = "fusion-application")]
    Application(Box<Application>),
    /// Figure 1 of the interference paper: values of rules that are learned from clusters
    #[command(name = "interference-figure-1")]
    InterferenceFigure1(Figure1),
    /// Figure 2 of the interference paper: estimated values of three fixed rules
    #[command(name = "interference-figure-2")]
    InterferenceFigure2(Figure2),
    /// The theory of the interference paper as experiments
    #[command(subcommand, name = "interference-theory")]
    InterferenceTheory(InterferenceTheory),
    /// The analysis of section 7 of the interference paper, on a file or on a simulated study of its shape
    #[command(name = "interference-application")]
    Households(Box<Households>),
    /// The normal model of the forest paper: rules against their closed forms
    #[command(subcommand, name = "forest-theory")]
    ForestTheory(ForestTheory),
    /// The variance that baselines leave under unequal chances of the arms (appendix A of the forest paper)
    #[command(name = "forest-residuals")]
    ForestResiduals(ForestResiduals),
}

#[derive(Subcommand)]
pub enum Theory {
    /// Groups recovered and coefficients missed, against n (Theorems 3.8 and 3.12)
    Recovery(AtSizes),
    /// Regret of trees against n, depth and number of groups (Propositions 3.17 and 3.18)
    Regret(AtSizes),
    /// Weights right or wrong, outcome model right or wrong (Assumption 3.3)
    Robustness(AtSizes),
}

/// How a table is repeated.
#[derive(Args)]
pub struct Replicated {
    /// Thresholds of the trees: every value observed, or those at Q quantiles
    #[arg(long, value_name = "all|quantiles:Q", value_parser = flags::candidates, default_value = "quantiles:15")]
    candidates: Candidates,
    #[command(flatten)]
    repeated: Repeated,
}

/// How an experiment is repeated at several sizes.
#[derive(Args)]
pub struct AtSizes {
    /// Units of the draws, in multiples of 1,800; robustness takes the largest
    #[arg(long, value_name = "S,..", value_delimiter = ',', value_parser = positive_number, default_value = "1,2,4,8")]
    sizes: Vec<f64>,
    #[command(flatten)]
    repeated: Repeated,
}

impl Reproduce {
    pub fn run(&self) -> Result<u8, Failure> {
        match self {
            Self::Table5(how) => how.table(Table::Five),
            Self::Table8(how) => how.table(Table::Eight),
            Self::Table9(how) => how.table(Table::Nine),
            Self::Table10(how) => how.table(Table::Ten),
            Self::Shift(how) => how.recovery(Design::shifted()),
            Self::Application(how) => how.run(),
            Self::InterferenceFigure1(how) => how.run(),
            Self::InterferenceFigure2(how) => how.run(),
            Self::InterferenceTheory(how) => how.run(),
            Self::Households(how) => how.run(),
            Self::ForestTheory(how) => how.run(),
            Self::ForestResiduals(how) => how.run(),
            Self::Theory(Theory::Recovery(how)) => how.recovery(Design::exponential(16)),
            Self::Theory(Theory::Regret(how)) => how.regret(),
            Self::Theory(Theory::Robustness(how)) => how.robustness(),
        }
    }
}

impl Replicated {
    fn table(&self, which: Table) -> Result<u8, Failure> {
        let settings = Settings { table: which, seed: self.repeated.seed, candidates: self.candidates };
        self.repeated.finish(settings.header(), |run| table(&settings, run), |found| text(which, found))
    }
}

impl AtSizes {
    fn header(&self, experiment: &str, design: Option<Design>) -> Value {
        json!({
            "experiment": experiment,
            "design": design,
            "sizes": self.sizes,
            "seed": self.repeated.seed,
            "version": env!("CARGO_PKG_VERSION"),
        })
    }

    fn recovery(&self, design: Design) -> Result<u8, Failure> {
        let work = |run: &Run| recovery(design, &self.sizes, self.repeated.seed, run);
        self.repeated.finish(self.header("recovery", Some(design)), work, recovered)
    }

    fn regret(&self) -> Result<u8, Failure> {
        let work = |run: &Run| regret(&self.sizes, self.repeated.seed, run);
        self.repeated.finish(self.header("regret", None), work, lost)
    }

    fn robustness(&self) -> Result<u8, Failure> {
        let largest = self.sizes.iter().copied().fold(0.0, f64::max);
        let work = |run: &Run| robustness(largest, self.repeated.seed, run);
        self.repeated.finish(self.header("robustness", None), work, biased)
    }
}

fn positive_number(text: &str) -> Result<f64, String> {
    let number = flags::nonnegative(text)?;
    if number > 0.0 { Ok(number) } else { Err("give a number above 0".into()) }
}

fn text(which: Table, found: &Reproduced) -> String {
    let mut text = format!("{}, {} draws: mean (standard deviation)\n\n", which.name(), found.replications);
    let header = ["", "ARI", "paper", "groups", "paper", "value", "std. error", "paper", "true groups"]
        .map(String::from);
    let lines: Vec<_> = [header].into_iter().chain(found.lines.iter().map(cells)).collect();
    text.push_str(&aligned(&lines));
    let gained = found.ari_gained_by_weights;
    let _ = writeln!(
        text,
        "\nARI of the weighted lasso less that of the unweighted: {:+.3} (std. error {:.3})",
        gained.mean, gained.standard_error
    );
    let _ = writeln!(text, "a rule that knew all means: {:.3}", found.best_value);
    if found.approximately_balanced > 0 {
        let count = found.approximately_balanced;
        let _ = writeln!(text, "draws in which an arm could not be balanced exactly: {count}");
    }
    if found.by_shares > 0 {
        let _ = writeln!(text, "trees with observed shares for propensities: {}", found.by_shares);
    }
    let _ = writeln!(text, "{:.1} CPU s", found.cpu_seconds);
    text
}

fn cells(line: &Line) -> [String; 9] {
    let theirs = |pick: fn(&Printed) -> Option<(f64, f64)>| {
        let figures = line.paper.as_ref().and_then(pick);
        figures.map_or("-".into(), |(mean, sd)| format!("{mean:.2} ({sd:.2})"))
    };
    [
        line.title.into(),
        spread(line.ari, 3),
        theirs(|paper| paper.ari),
        spread(line.groups, 2),
        theirs(|paper| paper.groups),
        spread(line.value, 3),
        format!("{:.3}", line.value.standard_error),
        theirs(|paper| paper.value),
        format!("{:.0}%", 100.0 * line.recovered),
    ]
}

fn recovered(found: &Recovery) -> String {
    // n and the error, then ARI, groups and share of each method.
    let header = |column: usize| match column {
        0 => "n".to_string(),
        1 => "error".into(),
        _ => match (column - 2) % 3 {
            0 => METHODS[(column - 2) / 3].title().replace(" + tree", ""),
            1 => "groups".into(),
            _ => "true groups".into(),
        },
    };
    let cell = |size: &Size, column: usize| match column {
        0 => size.units.to_string(),
        1 => spread(size.error, 3),
        _ => {
            let line = &size.lines[(column - 2) / 3];
            match (column - 2) % 3 {
                0 => spread(line.ari, 3),
                1 => spread(line.groups, 2),
                _ => format!("{:.0}%", 100.0 * line.recovered),
            }
        }
    };
    let line = |size: &Size| std::array::from_fn(|column| cell(size, column));
    let lines: Vec<[String; 14]> =
        std::iter::once(std::array::from_fn(header)).chain(found.sizes.iter().map(line)).collect();
    format!(
        "ARI, groups and share of {} draws with exactly the true groups; error of the oracle estimator\n\n{}\n{}",
        found.replications,
        aligned(&lines),
        slope("error", found.slope)
    )
}

fn lost(found: &Regret) -> String {
    let mut text = format!("Regret of trees, {} draws: mean (standard error)\n\n", found.replications);
    for curve in &found.curves {
        let points = curve
            .points
            .iter()
            .map(|(n, lost)| format!("n = {n}: {:.4} ({:.4})", lost.mean, lost.standard_error));
        let _ = writeln!(
            text,
            "depth {}, {} groups, complexity {:.2}, best {:.3}   {}\n    {}",
            curve.depth,
            curve.groups,
            curve.complexity,
            curve.best,
            points.collect::<Vec<_>>().join("   "),
            slope("regret", curve.slope).trim_end()
        );
    }
    text
}

fn biased(found: &Robustness) -> String {
    let header = ["weights", "outcome model", "bias", "its noise", "ARI of exact fusion"].map(String::from);
    let line = |cell: &Cell| {
        let weights = match cell.weighting {
            Weighting::All => "right: X1, X2, X3",
            Weighting::WithoutFirst => "wrong: X2, X3",
            Weighting::None => "wrong: none",
        };
        let outcome = if cell.means == Means::Linear { "right" } else { "wrong" };
        let [bias, noise] = [cell.bias, cell.noise].map(|number| format!("{number:.4}"));
        [weights.into(), outcome.into(), bias, noise, spread(cell.ari, 3)]
    };
    let lines: Vec<_> = [header].into_iter().chain(found.cells.iter().map(line)).collect();
    format!(
        "Bias of fits within arms, {} units, {} draws\n\n{}",
        found.units,
        found.replications,
        aligned(&lines)
    )
}
