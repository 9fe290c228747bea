//! The command contract: what each subcommand reads, prints, writes and returns, by running the program.

mod categories;
mod censored;
mod clusters;
#[cfg(feature = "arrow")]
#[path = "../common/columnar.rs"]
mod columnar;
mod compare;
mod compare_interference;
mod conjunctions;
mod constraints;
mod convex;
mod curve;
mod effects;
mod evaluate;
mod forest;
#[cfg(feature = "arrow")]
mod formats;
mod frontier;
mod fuse;
mod fuse_exactly;
mod fuse_losses;
mod fusion;
mod given_rewards;
mod groups;
mod help;
mod instances;
mod interference;
mod interference_awkward;
mod interference_models;
mod intervals;
mod joint_costs;
mod learn;
mod learn_interference;
mod learners;
mod limits;
mod models_and_solutions;
mod multi_linear;
mod nested;
mod nuisances;
mod predict;
#[path = "../common/cli.rs"]
mod shell;
mod solve;
mod stability;
mod tables;
mod target;
mod verify;
mod weigh;
mod weights;
