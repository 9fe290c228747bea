//! The command line: parse, call, print. One file a subcommand.

mod application;
mod compare;
mod convex;
mod curve;
mod effects;
mod evaluate;
mod export;
mod failure;
mod flags;
mod forest;
mod frontier;
mod fuse;
mod fusing;
mod households;
mod interference;
mod intervals;
mod learn;
mod learned;
mod linear_problem;
mod output;
mod overlay;
mod predict;
mod problem;
mod progress;
mod repeated;
mod reproduce;
mod reproduce_forest;
mod reproduce_forest_figures;
mod reproduce_interference;
mod solve;
mod stability;
mod study;
mod verify;
mod weigh;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use failure::Failure;

/// Learn who should get which treatment, as a rule that a person can read, with a proof of how good the rule is.
#[derive(Parser)]
#[command(name = "prescribe", version, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Solve one formal problem from matrices
    #[command(subcommand)]
    Solve(solve::Solve),
    /// Solve one problem by every solver that takes it, side by side
    #[command(subcommand)]
    Compare(compare::Compare),
    /// Learn a rule from a data file: scores, model, certificate, value
    Learn(Box<learn::Learn>),
    /// Estimate the value of a rule on data it has not seen
    Evaluate(Box<evaluate::Evaluate>),
    /// Estimate the effects of arms against one of them, and what they depend on
    Effects(Box<effects::Effects>),
    /// Predict the outcome of each unit under a rule, with an interval that holds it (conformal)
    Intervals(Box<intervals::Intervals>),
    /// Apply a rule or a forest: the arm of each row
    Predict(predict::Predict),
    /// Write a rule as text, policytree's print form, dot, SVG, SQL or Python
    Export(export::Export),
    /// Value of a learner along the depth of its trees or the share of units they may treat
    Frontier(Box<frontier::Frontier>),
    /// Gain against spending, where the largest estimated gains for their cost come first (Qini curve)
    Curve(Box<curve::Curve>),
    /// Learn who should get which of many arms by a joint assignment forest, and a rule in its place
    Forest(Box<forest::Forest>),
    /// Find which of many treatments do the same: groups of arms
    Fuse(Box<fuse::Fuse>),
    /// Run the experiments of the three papers again
    #[command(subcommand)]
    Reproduce(reproduce::Reproduce),
    /// Learn a rule again from bootstrap samples: what of it stays
    Stability(stability::Stability),
    /// Check a folder that `learn` wrote, from its data file
    Verify(verify::Verify),
    /// Weights that give every arm the covariate means of one population
    Weigh(Box<weigh::Weigh>),
}

/// Runs the program on its arguments.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors; clap knows which is which.
            let code = if error.use_stderr() { failure::USAGE } else { failure::DONE };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let done = match cli.command {
        Command::Solve(command) => command.run(),
        Command::Compare(command) => command.run(),
        Command::Learn(command) => command.run(),
        Command::Evaluate(command) => command.run(),
        Command::Effects(command) => command.run(),
        Command::Intervals(command) => command.run(),
        Command::Predict(command) => command.run(),
        Command::Export(command) => command.run(),
        Command::Frontier(command) => command.run(),
        Command::Curve(command) => command.run(),
        Command::Forest(command) => command.run(),
        Command::Fuse(command) => command.run(),
        Command::Reproduce(command) => command.run(),
        Command::Stability(command) => command.run(),
        Command::Verify(command) => command.run(),
        Command::Weigh(command) => command.run(),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(Failure { code, message }) => {
            eprintln!("prescribe: {message}");
            ExitCode::from(code)
        }
    }
}
