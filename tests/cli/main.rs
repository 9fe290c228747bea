//! The command contract: what each subcommand reads, prints, writes and returns, by running the program.

mod categories;
mod clusters;
mod compare;
mod constraints;
mod evaluate;
mod help;
mod instances;
mod learn;
mod limits;
mod models_and_solutions;
mod multi_linear;
mod predict;
#[path = "../common/cli.rs"]
mod shell;
mod solve;
mod verify;
mod weights;
