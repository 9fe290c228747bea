//! `prescribe reproduce forest-..`: the experiments of forest.txt.

use std::fmt::Write;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::failure::Failure;
use super::flags;
use super::repeated::Repeated;
use crate::evaluate::aligned;
use crate::reproduce::forest_normal::NormalRule;
use crate::reproduce::forest_residuals::{Baseline, Chances, Line, Residuals, residuals};
use crate::reproduce::forest_theory::{BestArmLine, Place, Theory, UtilityLine, best_arm, places, utility};
use crate::reproduce::journal::Run;
use crate::simulate::ManyArmsDesign;

#[derive(Subcommand)]
pub enum ForestTheory {
    /// Utility against the oracle's and the optimal rule's (Propositions 1 and 2)
    Utility(NormalModel),
    /// Chance of the best arm (Proposition 1)
    BestArm(NormalModel),
}

/// Where rules are compared in the normal model, and how that is repeated.
#[derive(Args)]
pub struct NormalModel {
    /// Arms besides the control
    #[arg(
        long,
        value_name = "K,..",
        value_delimiter = ',',
        value_parser = clap::value_parser!(u16).range(1..),
        default_value = "2,9,99,1000"
    )]
    arms: Vec<u16>,
    /// Cells from which the arms' effects are learned; infinitely many are shown as well
    #[arg(
        long,
        value_name = "N,..",
        value_delimiter = ',',
        value_parser = clap::value_parser!(u32).range(2..),
        default_value = "5,20,100"
    )]
    cells: Vec<u32>,
    #[command(flatten)]
    repeated: Repeated,
}

/// The variance that baselines leave.
#[derive(Args)]
pub struct ForestResiduals {
    /// Arms besides the control
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u16).range(2..), default_value = "9")]
    arms: u16,
    /// Strength of the effects
    #[arg(long, value_name = "GAMMA", value_parser = flags::nonnegative, default_value = "10")]
    gamma: f64,
    /// Standard deviation of the noise
    #[arg(long, value_name = "SIGMA", value_parser = flags::nonnegative, default_value = "10")]
    sigma: f64,
    /// Units of a draw, at least four an arm
    #[arg(long, value_name = "N", value_parser = flags::positive, default_value = "5000")]
    units: usize,
    #[command(flatten)]
    repeated: Repeated,
}

impl ForestTheory {
    pub fn run(&self) -> Result<u8, Failure> {
        match self {
            Self::Utility(how) => {
                let work = |run: &Run| utility(&how.places(), how.repeated.seed, run);
                how.repeated.finish(how.header("forest-utility"), work, useful)
            }
            Self::BestArm(how) => {
                let work = |run: &Run| best_arm(&how.places(), how.repeated.seed, run);
                how.repeated.finish(how.header("forest-best-arm"), work, found_best)
            }
        }
    }
}

impl ForestResiduals {
    pub fn run(&self) -> Result<u8, Failure> {
        let design = ManyArmsDesign { arms: self.arms.into(), gamma: self.gamma, sigma: self.sigma };
        let header = json!({
            "experiment": "forest-residuals",
            "design": design,
            "units": self.units,
            "seed": self.repeated.seed,
            "version": env!("CARGO_PKG_VERSION"),
        });
        let work = |run: &Run| residuals(&design, self.units, self.repeated.seed, run);
        self.repeated.finish(header, work, left)
    }
}

impl NormalModel {
    fn places(&self) -> Vec<Place> {
        let arms: Vec<usize> = self.arms.iter().map(|&arms| arms.into()).collect();
        places(&arms, &self.cells.iter().map(|&cells| cells as usize).collect::<Vec<_>>())
    }

    fn header(&self, experiment: &str) -> Value {
        json!({
            "experiment": experiment,
            "arms": self.arms,
            "cells": self.cells,
            "seed": self.repeated.seed,
            "version": env!("CARGO_PKG_VERSION"),
        })
    }
}

/// What the lines of a place begin with, and the names above.
const PLACE: [&str; 5] = ["a, b, c, d", "s2, m", "K", "cells", "rule"];

fn placed(place: &Place, rule: NormalRule) -> [String; 5] {
    let design = &place.design;
    [
        format!("{}, {}, {}, {}", design.a, design.b, design.c, design.d),
        format!("{}, {}", design.s2, design.m),
        design.arms.to_string(),
        place.cells.map_or("all".into(), |cells| cells.to_string()),
        match rule {
            NormalRule::Optimal => "optimal".into(),
            NormalRule::Separate => "separate".into(),
        },
    ]
}

fn useful(found: &Theory<UtilityLine>) -> String {
    let header = ["share of oracle", "closed form", "printed", "difference", "of optimal", "closed form"];
    let line = |line: &UtilityLine| {
        let cells = [
            format!("{:.4} ({:.4})", line.share, line.standard_error),
            format!("{:.4}", line.closed),
            line.printed.map_or(String::new(), |printed| format!("{printed:.4}")),
            format!("{:+.2}%", 100.0 * line.difference),
            format!("{:.4}", line.of_optimal),
            format!("{:.4}", line.of_optimal_closed),
        ];
        placed(&line.place, line.rule).into_iter().chain(cells).collect()
    };
    laid_out("Utility over an arm at random in the normal model", &header, found, line)
}

fn found_best(found: &Theory<BestArmLine>) -> String {
    let header = ["best arm", "closed form", "at random", "share over random", "closed form"];
    let line = |line: &BestArmLine| {
        let cells = [
            format!("{:.4} ({:.4})", line.rate, line.standard_error),
            format!("{:.4}", line.closed),
            format!("{:.4}", line.random),
            format!("{:.4}", line.share),
            format!("{:.4}", line.share_closed),
        ];
        placed(&line.place, line.rule).into_iter().chain(cells).collect()
    };
    laid_out("Chance of the best arm in the normal model", &header, found, line)
}

fn laid_out<L>(title: &str, header: &[&str], found: &Theory<L>, line: impl Fn(&L) -> Vec<String>) -> String {
    let header = PLACE.iter().chain(header).map(|name| String::from(*name)).collect();
    let lines: Vec<Vec<String>> = std::iter::once(header).chain(found.lines.iter().map(line)).collect();
    let mut text =
        format!("{title}, {} draws: simulated (standard error)\n\n{}", found.replications, aligned(&lines));
    let _ = writeln!(
        text,
        "\nlargest relative difference from the closed forms: {:.2}%",
        100.0 * found.largest_difference
    );
    text
}

fn left(found: &Residuals) -> String {
    let header =
        ["chances", "baseline", "J", "std. error", "closed form", "difference", "excess", "W Var(f - f*)"];
    let line = |line: &Line| {
        [
            match line.chances {
                Chances::Equal => "equal".into(),
                Chances::MostlyControl => "mostly control".into(),
                Chances::RareControl => "rare control".into(),
                Chances::Falling => "falling".into(),
            },
            match line.baseline {
                Baseline::Nothing => "none".into(),
                Baseline::Raw => "raw".into(),
                Baseline::Control => "control".into(),
                Baseline::Weighted => "weighted".into(),
                Baseline::Fitted => "weighted, fitted".into(),
            },
            format!("{:.0}", line.variance.mean),
            format!("{:.0}", line.variance.standard_error),
            format!("{:.0}", line.closed),
            format!("{:+.2}%", 100.0 * line.difference),
            format!("{:.0} ({:.0})", line.excess.mean, line.excess.standard_error),
            format!("{:.0}", line.excess_closed),
        ]
    };
    let lines: Vec<[String; 8]> =
        std::iter::once(header.map(String::from)).chain(found.lines.iter().map(line)).collect();
    format!(
        "Variance J of (Y - f(X)) / p within arms, {} draws; excess over the true weighted mean\n\n{}",
        found.replications,
        aligned(&lines)
    )
}
