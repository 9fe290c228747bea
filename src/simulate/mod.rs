//! Generated studies with known truth: what benchmarks, tests and tutorials measure against.
//!
//! A design is a function of its sizes and a seed. It returns the data beside the true effect of every unit, so that the
//! value of a rule can be taken both on the scores (what a study sees) and on the truth (what it is after).
//!
//! | design | answers to | signal | noise |
//! |---|---|---|---|
//! | [`cash_transfers()`] | an application under interference (interference.txt, section 7) | effects on students and their siblings | bounded attendance |
//! | [`chronic_leukemia()`] | an application of fusion (fusion.txt, section 4.2) | chances of seven therapies in five groups | confounded therapies, outcomes of 0 and 1 |
//! | [`fused_arms()`] | many treatments in latent groups (fusion.txt, section 4.1) | group means, exponential or linear | normal outcomes |
//! | [`interfering_clusters()`] | units that affect each other within clusters (interference.txt, section 6) | linear effects on one's own and on others' outcomes | normal outcomes |
//! | [`linear_gains()`] | the linear-rule problem | linear effect with a kink | AIPW scores, t5 outcomes |
//! | [`many_arms()`] | a trial of many arms (forest.txt, section 4.1) | effects that turn round with one covariate, under a strong baseline | normal outcomes |
//! | [`multi_linear_rewards()`] | the linear-rule problem over K arms | linear effects with a kink | AIPW scores, normal outcomes |
//! | [`normal_arms()`] | the normal model of many arms (forest.txt, section 5) | effects of cells, of arms, and of arms in cells, all drawn | means of normal outcomes |
//! | [`tree_rewards()`] | the tree-rule problem | steps and interactions of two covariates an arm | AIPW scores, normal outcomes |
//!
//! [`linear_gains()`] and [`tree_rewards()`] are those of tests/oracles/rules/generate.py and tests/oracles/trees/generate.py: the same in
//! distribution, not bit for bit (numpy draws from PCG64, this library from ChaCha8).

mod cash_transfers;
mod chronic_leukemia;
mod fused_arms;
mod interfering_clusters;
mod linear_gains;
mod many_arms;
mod multi_linear_rewards;
mod normal_arms;
mod tree_rewards;

pub use cash_transfers::{COVARIATES as TRANSFER_COVARIATES, CashTransfers, cash_transfers};
pub use chronic_leukemia::{COVARIATES as LEUKEMIA_COVARIATES, ChronicLeukemia, chronic_leukemia};
pub use fused_arms::{Design, FusedArms, GROUPS, Means, Shift, fused_arms, fused_arms_population};
pub use interfering_clusters::{
    ClusterDesign, FixedRule, InterferingClusters, Scenario, interfering_clusters,
};
pub use linear_gains::{LinearGains, linear_gains};
pub use many_arms::{ManyArms, ManyArmsDesign, ManyArmsPopulation, many_arms, many_arms_population};
pub use multi_linear_rewards::{MultiLinearRewards, multi_linear_rewards};
pub use normal_arms::{NormalArms, NormalDesign, normal_arms};
pub use tree_rewards::{Covariates, TreeRewards, tree_rewards};

use prescribe_models::InvalidModel;

/// Refuses the sizes that a design cannot fill: fewer than one unit or covariate, fewer than two arms.
fn check(n: usize, p: usize, arms: usize) -> Result<(), InvalidModel> {
    if n > 0 && p > 0 && arms > 1 {
        return Ok(());
    }
    Err(InvalidModel(format!(
        "a design needs at least 1 unit, 1 covariate and 2 arms; asked for {n}, {p} and {arms}"
    )))
}

/// `prefix1`, .., `prefix<count>`, or from 0.
fn names(prefix: &str, from: usize, count: usize) -> Vec<String> {
    (from..from + count).map(|j| format!("{prefix}{j}")).collect()
}
