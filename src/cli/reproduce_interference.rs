//! `prescribe reproduce interference-..`: the experiments of interference.txt.

use std::fmt::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::failure::Failure;
use super::output;
use super::repeated::{Repeated, slope, spread};
use crate::data::write_whole;
use crate::evaluate::{Boxes, aligned};
use crate::reproduce::interference_efficiency::{Efficiency, Line as EfficiencyLine, efficiency};
use crate::reproduce::interference_evaluation::{
    Estimator, Evaluated, Line as EvaluatedLine, Settings, evaluation,
};
use crate::reproduce::interference_learning::{Compared, ExactLine, Figure, Line as LearnedLine, learning};
use crate::reproduce::interference_rate::{Curve, Rate, Varied, rate};
use crate::reproduce::interference_rules::Learned;
use crate::reproduce::journal::Run;
use crate::simulate::{FixedRule, Scenario};

/// Which designs, and how they are repeated.
#[derive(Args)]
struct Designs {
    /// Numbers of clusters
    #[arg(
        long,
        value_name = "N,..",
        value_delimiter = ',',
        value_parser = clusters,
        default_value = "50,100,200,400,800"
    )]
    clusters: Vec<usize>,
    /// Additive interference (A), treated units that strengthen each other (B)
    #[arg(long, value_name = "A|B,..", value_delimiter = ',', default_value = "A,B")]
    scenario: Vec<Scenario>,
    /// Draws the box plots
    #[arg(long, value_name = "FILE.svg")]
    svg: Option<PathBuf>,
    #[command(flatten)]
    repeated: Repeated,
}

#[derive(Args)]
pub struct Figure1 {
    #[command(flatten)]
    designs: Designs,
    /// Whose rules: estimated values maximised, true means maximised (oracle), other learners on the gains of addDR
    #[arg(
        long,
        value_name = "oracle|addDR|addIPW|IPW|anonymous|none|least-squares|bagged|auto,..",
        value_delimiter = ',',
        default_values = Learned::FIGURE.map(Learned::title)
    )]
    methods: Vec<Learned>,
    /// Draws in which the exact optimum is found as well, where the value is a sum of gains
    #[arg(long, value_name = "K", default_value = "0")]
    exact_on: usize,
}

#[derive(Args)]
pub struct Figure2 {
    #[command(flatten)]
    designs: Designs,
}

#[derive(Subcommand)]
pub enum InterferenceTheory {
    /// Regret against the number and the size of clusters and against overlap (Theorem 1)
    Rate(AtClusters),
    /// Variance of addDR against the semiparametric bound (Theorem 2)
    Efficiency(AtClusters),
}

/// How an experiment is repeated at several numbers of clusters.
#[derive(Args)]
pub struct AtClusters {
    /// Numbers of clusters
    #[arg(
        long,
        value_name = "N,..",
        value_delimiter = ',',
        value_parser = clusters,
        default_value = "50,100,200,400,800"
    )]
    clusters: Vec<usize>,
    #[command(flatten)]
    repeated: Repeated,
}

fn clusters(text: &str) -> Result<usize, String> {
    match text.parse() {
        // Cross-fitting needs clusters for more coefficients than 10 outside every fold.
        Ok(count @ 20..) => Ok(count),
        _ => Err("give a whole number of at least 20".into()),
    }
}

impl Designs {
    fn settings(&self) -> Settings {
        let (scenarios, clusters) = (self.scenario.clone(), self.clusters.clone());
        Settings { scenarios, clusters, seed: self.repeated.seed }
    }

    /// Writes the picture, where one is asked for.
    fn picture(&self, draw: impl FnOnce() -> String) -> Result<(), Failure> {
        let Some(path) = &self.svg else { return Ok(()) };
        write_whole(path, draw().as_bytes())
            .map_err(|error| Failure::io(path, &error, "name a file that can be written with --svg"))
    }
}

impl Figure1 {
    pub fn run(&self) -> Result<u8, Failure> {
        output::check(self.designs.svg.as_deref(), "--svg")?;
        let settings = self.designs.settings();
        let compared = Compared { methods: self.methods.clone(), exact_on: self.exact_on };
        let work = |run: &Run| learning(&settings, &compared, run);
        let drawn = |found: &Figure| self.designs.picture(|| learned_boxes(found, &self.methods));
        self.designs.repeated.finish_with(compared.header(&settings), work, learned, drawn)
    }
}

impl Figure2 {
    pub fn run(&self) -> Result<u8, Failure> {
        output::check(self.designs.svg.as_deref(), "--svg")?;
        let settings = self.designs.settings();
        let work = |run: &Run| evaluation(&settings, run);
        let drawn = |found: &Evaluated| self.designs.picture(|| evaluated_boxes(found));
        self.designs.repeated.finish_with(settings.header("interference-figure-2"), work, evaluated, drawn)
    }
}

impl InterferenceTheory {
    pub fn run(&self) -> Result<u8, Failure> {
        match self {
            Self::Rate(how) => {
                let work = |run: &Run| rate(&how.clusters, how.repeated.seed, run);
                how.repeated.finish(how.header("interference-rate"), work, lost)
            }
            Self::Efficiency(how) => {
                let work = |run: &Run| efficiency(&how.clusters, how.repeated.seed, run);
                how.repeated.finish(how.header("interference-efficiency"), work, efficient)
            }
        }
    }
}

impl AtClusters {
    fn header(&self, experiment: &str) -> Value {
        json!({
            "experiment": experiment,
            "clusters": self.clusters,
            "seed": self.repeated.seed,
            "version": env!("CARGO_PKG_VERSION"),
        })
    }
}

fn learned(found: &Figure) -> String {
    let header =
        ["scenario", "clusters", "rule by", "value", "std. error", "CPU s", "exact on", "found", "gap"];
    let line = |line: &LearnedLine| {
        let exact = |of: &dyn Fn(&ExactLine) -> String| line.exact.as_ref().map_or("-".into(), of);
        [
            format!("{:?}", line.scenario),
            line.clusters.to_string(),
            line.method.title().into(),
            spread(line.value, 3),
            format!("{:.4}", line.value.standard_error),
            format!("{:.3}", line.cpu_seconds),
            exact(&|exact| format!("{} ({} proved)", exact.sets, exact.proved)),
            exact(&|exact| exact.found.to_string()),
            exact(&|exact| format!("{:.4} (at most {:.4})", exact.gap.mean, exact.largest_gap)),
        ]
    };
    let lines: Vec<[String; 9]> =
        std::iter::once(header.map(String::from)).chain(found.lines.iter().map(line)).collect();
    let mut text = format!(
        "What learned linear rules are worth on 10,000 test clusters, {} draws: mean (standard deviation)\n\n{}\n",
        found.replications,
        aligned(&lines)
    );
    for paired in &found.differences {
        let _ = writeln!(
            text,
            "{:?}, {} clusters: {} less {}: {:+.4} (std. error {:.4})",
            paired.scenario,
            paired.clusters,
            paired.methods.0.title(),
            paired.methods.1.title(),
            paired.difference.mean,
            paired.difference.standard_error
        );
    }
    let _ = writeln!(text, "\n{:.1} CPU s of learning", found.cpu_seconds);
    text
}

fn evaluated(found: &Evaluated) -> String {
    let header =
        ["scenario", "rule", "clusters", "estimator", "truth", "bias", "sd", "mean std. error", "coverage"];
    let line = |line: &EvaluatedLine| {
        [
            format!("{:?}", line.scenario),
            named(line.rule).into(),
            line.clusters.to_string(),
            line.estimator.title().into(),
            format!("{:.3}", line.truth),
            format!("{:+.4}", line.error.mean),
            format!("{:.4}", line.error.sd),
            format!("{:.4}", line.mean_standard_error),
            format!("{:.4}", line.coverage),
        ]
    };
    let lines: Vec<[String; 9]> =
        std::iter::once(header.map(String::from)).chain(found.lines.iter().map(line)).collect();
    format!("Estimated values of three rules, {} draws\n\n{}", found.replications, aligned(&lines))
}

fn lost(found: &Rate) -> String {
    let mut text =
        format!("Regret of learned linear rules, {} draws: mean (standard error)\n\n", found.replications);
    for Curve { varied, method, points, slope: fitted } in &found.curves {
        let (what, bound) = match varied {
            Varied::Clusters => ("n", "-0.5"),
            Varied::ClusterSize => ("M", "1"),
            Varied::InverseOverlap => ("1 / eta", "1"),
        };
        let points = points
            .iter()
            .map(|(at, lost)| format!("{what} = {at:.1}: {:.4} ({:.4})", lost.mean, lost.standard_error));
        let _ = writeln!(
            text,
            "{}   {}\n    the bound's slope in {what} is {bound}; {}",
            method.title(),
            points.collect::<Vec<_>>().join("   "),
            slope("regret", *fitted).replace("against log n", &format!("against log {what}")).trim_end()
        );
    }
    text
}

fn efficient(found: &Efficiency) -> String {
    let header = ["noise", "rule", "clusters", "estimator", "n x variance", "bound", "ratio", "95% interval"];
    let line = |line: &EfficiencyLine| {
        let [untreated, treated] = line.noise;
        [
            format!("{untreated}, {treated} if treated"),
            named(line.rule).into(),
            line.clusters.to_string(),
            format!("{:?}", line.estimator),
            format!("{:.4}", line.variance),
            format!("{:.4}", line.bound),
            format!("{:.3}", line.ratio),
            format!("{:.3} to {:.3}", line.interval[0], line.interval[1]),
        ]
    };
    let lines: Vec<[String; 8]> =
        std::iter::once(header.map(String::from)).chain(found.lines.iter().map(line)).collect();
    format!("Variance against the semiparametric bound, {} draws\n\n{}", found.replications, aligned(&lines))
}

fn named(rule: FixedRule) -> &'static str {
    match rule {
        FixedRule::Linear => "linear",
        FixedRule::Tree => "tree",
        FixedRule::Nobody => "nobody",
    }
}

fn learned_boxes(found: &Figure, methods: &[Learned]) -> String {
    let groups = found.lines.chunk_by(|a, b| (a.scenario, a.clusters) == (b.scenario, b.clusters));
    let groups: Vec<(String, Vec<&[f64]>)> = groups
        .map(|lines| {
            let name = format!("{:?}, n = {}", lines[0].scenario, lines[0].clusters);
            (name, lines.iter().map(|line| line.values.as_slice()).collect())
        })
        .collect();
    let truths = vec![None; groups.len()];
    Boxes {
        title: "What learned linear rules are worth",
        up: "mean outcome of test clusters",
        series: methods.iter().map(|method| method.title()).collect(),
        groups,
        truths,
    }
    .draw()
}

fn evaluated_boxes(found: &Evaluated) -> String {
    let of = |line: &EvaluatedLine| (line.scenario, line.clusters, line.rule);
    let groups: Vec<&[EvaluatedLine]> = found.lines.chunk_by(|a, b| of(a) == of(b)).collect();
    let name = |lines: &[EvaluatedLine]| {
        format!("{:?}, {}, n = {}", lines[0].scenario, named(lines[0].rule), lines[0].clusters)
    };
    Boxes {
        title: "Estimated values of three rules; dashed: the truth",
        up: "estimated value",
        series: Estimator::ALL.map(Estimator::title).to_vec(),
        groups: groups
            .iter()
            .map(|lines| (name(lines), lines.iter().map(|line| line.values.as_slice()).collect()))
            .collect(),
        truths: groups.iter().map(|lines| Some(lines[0].truth)).collect(),
    }
    .draw()
}
