//! Flags that say how `learn` fuses arms, and what it tells of the groups.

use std::fmt::Write;

use clap::Args;
use toml::{Table, Value};

use super::failure::Failure;
use super::flags;
use super::output;
use super::overlay::{put, table};
use crate::data::Choose;
use crate::evaluate::adjusted_rand_index;
use crate::fusion::{Criterion, MainEffect, Penalty};
use crate::learn::{By, FusionReport, GroupOfArms, LearnerValue, Weigh};

/// Standard deviations by which means may miss and still count as met.
const BALANCED: f64 = 1e-8;

#[derive(Args, Clone, Debug, Default)]
pub struct FusionFlags {
    /// Learn which arms do the same, from the units the rule is learned from, and let the rule choose among these groups: their number by
    /// EBIC or BIC, or M
    #[arg(long, value_name = "ebic|bic|M", value_parser = by, help_heading = "Fusion")]
    fuse: Option<By>,
    /// Weights that bring each arm to the covariate means of all, for the fusion alone (default entropy)
    #[arg(
        long,
        value_name = "none|entropy|empirical-likelihood|quadratic|hellinger|GAMMA",
        allow_hyphen_values = true,
        help_heading = "Fusion"
    )]
    weigh: Option<Weigh>,
    /// How far the weighted means of an arm may stay from those of all, in standard deviations (default 0)
    #[arg(long, value_name = "D", value_parser = flags::nonnegative, help_heading = "Fusion")]
    weigh_tolerance: Option<f64>,
    /// How arms are drawn together (default l0: the groups of the least residual sum)
    #[arg(long, value_name = "l0|lasso|adaptive|wald|mcp|scad|tlp", value_parser = flags::named::<Penalty>, help_heading = "Fusion")]
    fuse_penalty: Option<Penalty>,
    /// What all arms owe to the covariates, taken off before arms are fused (default quadratic)
    #[arg(long, value_name = "none|linear|quadratic|forest", value_parser = flags::named::<MainEffect>, help_heading = "Fusion")]
    main_effect: Option<MainEffect>,
    /// Those of --covariates whose means are balanced (default: all)
    #[arg(long, value_name = "COLUMN,..", value_delimiter = ',', help_heading = "Fusion")]
    weigh_covariates: Vec<String>,
    /// Those of --covariates that the effects of arms may depend on (default: all)
    #[arg(long, value_name = "COLUMN,..", value_delimiter = ',', help_heading = "Fusion")]
    fuse_covariates: Vec<String>,
    /// Weigh and fuse again, with weights that balance the groups found, until they stay the same or N times
    #[arg(long, value_name = "N", help_heading = "Fusion")]
    iterate_fusion: Option<usize>,
    /// Which member of its group a unit gets: any by chance (default), the one of the best estimated value, or of the least mean cost
    #[arg(long, value_name = "random|best|cheapest", value_parser = flags::named::<Choose>, help_heading = "Fusion")]
    choose: Option<Choose>,
}

impl FusionFlags {
    /// Writes what was typed over a configuration.
    pub fn over(&self, tree: &mut Table) -> Result<(), Failure> {
        let mut typed = Table::new();
        let named = |names: &Vec<String>| Some(names.clone()).filter(|names| !names.is_empty());
        put(&mut typed, "by", self.fuse)?;
        put(&mut typed, "weigh", self.weigh)?;
        put(&mut typed, "weigh_tolerance", self.weigh_tolerance)?;
        put(&mut typed, "penalty", self.fuse_penalty)?;
        put(&mut typed, "main_effect", self.main_effect)?;
        put(&mut typed, "weigh_covariates", named(&self.weigh_covariates))?;
        put(&mut typed, "fuse_covariates", named(&self.fuse_covariates))?;
        put(&mut typed, "iterate", self.iterate_fusion)?;
        put(&mut typed, "choose", self.choose)?;
        if typed.is_empty() {
            return Ok(());
        }
        let fusion = table(tree, "fusion");
        fusion.extend(typed);
        if fusion.get("by").is_none_or(|by| !matches!(by, Value::String(_) | Value::Integer(_))) {
            return Err(Failure::usage(
                "--weigh and the other flags of fusion say how arms are fused, and --fuse is missing: add --fuse ebic (weights of your own \
                 for the whole analysis are --weights COLUMN)",
            ));
        }
        Ok(())
    }
}

/// A criterion, or a number of groups.
fn by(text: &str) -> Result<By, String> {
    let wrong = || "give ebic, bic, or a number of groups of at least 2".to_string();
    if text.starts_with(|first: char| first.is_ascii_digit()) {
        return text.parse().ok().filter(|count| *count >= 2).map(By::Groups).ok_or_else(wrong);
    }
    flags::named::<Criterion>(text).map(By::Criterion).map_err(|_| wrong())
}

/// The groups, how they came about, and how well the weights balance.
pub fn summary(report: &FusionReport) -> String {
    let arms: usize = report.groups.iter().map(|group| group.members.len()).sum();
    let rounds = match (report.rounds, report.settled) {
        (1, _) => String::new(),
        (rounds, true) => format!(", settled after {rounds} rounds"),
        (rounds, false) => format!(", not settled after {rounds} rounds"),
    };
    let mut text = format!(
        "{arms} arms in {} groups, from {} units: {}{}, EBIC {}{rounds}\n",
        report.groups.len(),
        report.units,
        output::word(&report.penalty),
        if report.proved { ", proved best" } else { "" },
        output::number(report.ebic)
    );
    let least = |of: fn(&crate::learn::ArmBalance) -> f64| {
        report.balance.iter().map(of).fold(f64::INFINITY, f64::min)
    };
    if !report.balance.is_empty() {
        let off = report.balance.iter().map(|arm| arm.max_balance_residual).fold(0.0, f64::max);
        let near =
            if off < BALANCED { "at".into() } else { format!("within {off:.1e} standard deviations of") };
        let _ = writeln!(
            text,
            "weights {}: every arm {near} the means of all; effective sample size at least {:.1} ({:.0}% of the arm's units)",
            report.weigh,
            least(|arm| arm.effective_sample_size),
            100.0 * least(|arm| arm.effective_sample_size / arm.units as f64)
        );
    }
    let width = report.groups.iter().map(|group| group.group.chars().count()).max().unwrap_or(0);
    text.push('\n');
    for GroupOfArms { group, members, units } in &report.groups {
        let _ = writeln!(text, "{group:<width$}  {units:>6} units  {}", members.join(" "));
    }
    text.push('\n');
    text
}

/// How many groups each fold found, and how near they are to those of all units.
pub fn of_folds(learner: &LearnerValue, report: &FusionReport) -> String {
    let arms: Vec<&String> = report.groups.iter().flat_map(|group| &group.members).collect();
    let number = |groups: &[Vec<String>]| -> Vec<usize> {
        let of = |arm: &&String| groups.iter().position(|members| members.contains(arm));
        arms.iter().map(|arm| of(arm).unwrap_or(usize::MAX)).collect()
    };
    let whole: Vec<Vec<String>> = report.groups.iter().map(|group| group.members.clone()).collect();
    let each = learner.folds.iter().filter_map(|fold| {
        let groups: Vec<Vec<String>> =
            fold.fusion.as_ref()?.groups.iter().map(|group| group.members.clone()).collect();
        Some(format!("{} ({:.2})", groups.len(), adjusted_rand_index(&number(&groups), &number(&whole))))
    });
    format!(
        "groups of the folds (adjusted Rand index with those above): {}\n",
        each.collect::<Vec<_>>().join(", ")
    )
}
