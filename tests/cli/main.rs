//! The command contract: what each subcommand reads, prints, writes and returns, by running the program.

mod clusters;
mod compare;
mod constraints;
mod curve;
mod evaluate;
mod frontier;
mod help;
mod instances;
mod learn;
mod limits;
mod models_and_solutions;
mod nested;
mod predict;
#[path = "../common/cli.rs"]
mod shell;
mod solve;
mod stability;
mod verify;
mod weights;
