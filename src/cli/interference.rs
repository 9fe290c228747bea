//! `prescribe evaluate RULE DATA --interference ..`: the value of a rule where units of a cluster affect each other.

use std::path::PathBuf;

use clap::Args;

use super::failure::{DONE, Failure};
use super::output;
use super::study::{put, table};
use crate::data::{EffectsRole, Study, write_whole};
use crate::evaluate::{Estimate, aligned, decimals};
use crate::interference::{ClusterValue, Clustered, Clusters, Interference, cluster_folds, treated};
use crate::score::Direction;

/// What is assumed of interference.
#[derive(Args, Clone, Debug, Default)]
pub struct ClusteredFlags {
    /// Units of a --cluster may affect each other: sums of what each treated unit brings (additive), of sets of at most B (polynomial:B), by the
    /// number of others treated (anonymous), in any way (unknown), or not at all (none). Values are means over clusters of cluster means
    #[arg(
        long,
        value_name = "additive|polynomial:B|unknown|anonymous|none",
        conflicts_with_all = ["score", "outcome_model"],
        help_heading = "Interference"
    )]
    interference: Option<Interference>,
    /// Add outcome models to additive interference: cross-fitted regressions of cluster means, or --g0 and --g
    #[arg(long, help_heading = "Interference")]
    doubly_robust: bool,
    /// Column of the mean outcome of the unit's cluster if nobody is treated
    #[arg(long, value_name = "COLUMN", requires = "g", help_heading = "Interference")]
    g0: Option<String>,
    /// Column of what treating the unit adds to the mean outcome of its cluster
    #[arg(long, value_name = "COLUMN", requires = "g0", help_heading = "Interference")]
    g: Option<String>,
}

impl ClusteredFlags {
    pub fn is_set(&self) -> bool {
        self.interference.is_some()
    }

    /// Writes what was typed over the `[scoring]` table of a configuration.
    pub fn over(&self, scoring: &mut toml::Table) -> Result<(), Failure> {
        if self.interference.is_some() || self.doubly_robust {
            let clustered = table(scoring, "clustered");
            put(clustered, "interference", self.interference)?;
            put(clustered, "doubly_robust", self.doubly_robust.then_some(true))?;
            if !clustered.contains_key("interference") {
                return Err(Failure::usage("--doubly-robust needs --interference additive"));
            }
        }
        let effects = self.g0.clone().zip(self.g.clone()).map(|(g0, g)| EffectsRole { g0, g });
        put(table(scoring, "roles"), "effects", effects)
    }
}

#[derive(Args, Clone, Debug, Default)]
pub struct InterferenceFlags {
    #[command(flatten)]
    pub clustered: ClusteredFlags,
    /// CSV of the influence value of each cluster
    #[arg(long, value_name = "FILE.csv", requires = "interference", help_heading = "Interference")]
    influence: Option<PathBuf>,
    /// Larger outcomes are better, as the rule says
    #[arg(long, conflicts_with = "minimize", help_heading = "Interference")]
    maximize: bool,
    /// Smaller outcomes are better, as the rule says
    #[arg(long, help_heading = "Interference")]
    minimize: bool,
}

impl InterferenceFlags {
    /// Refuses a direction other than the rule's.
    pub fn check(&self, direction: Direction) -> Result<(), Failure> {
        output::check(self.influence.as_deref(), "--influence")?;
        let other = match direction {
            Direction::Maximize => self.minimize,
            Direction::Minimize => self.maximize,
        };
        match other {
            true => Err(Failure::usage(
                "the rule was learned for the other direction; leave --maximize and --minimize out",
            )),
            false => Ok(()),
        }
    }

    /// The value of the rule that gives unit u the second arm where `arms[u]` is 1.
    pub fn evaluate(
        &self,
        study: &Study,
        arms: &[usize],
        clustered: &Clustered,
        direction: Direction,
        (folds_asked, seed): (usize, u64),
        json: Option<&std::path::Path>,
    ) -> Result<u8, Failure> {
        let clusters = Clusters::of(study)?;
        let folds = || cluster_folds(study, &clusters, folds_asked, seed);
        let effects = clustered.effects(study, &clusters, folds)?;
        let assignment = treated(study, arms);
        let cost = |u: usize| direction.sign() * (study.costs[[u, 1]] - study.costs[[u, 0]]);
        let costs: Vec<f64> = (0..study.units()).map(cost).collect();
        let found =
            ClusterValue::new(&clusters, clustered.interference, effects.as_ref(), &assignment, &costs);
        found.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
        if let Some(path) = &self.influence {
            write_whole(path, self.csv(&found, study, &clusters).as_bytes()).map_err(|error| {
                Failure::io(path, &error, "name a file that can be written with --influence")
            })?;
        }
        output::print(json, &found, &table_of(&found))?;
        Ok(DONE)
    }

    fn csv(&self, found: &ClusterValue, study: &Study, clusters: &Clusters) -> String {
        let mut text = String::from("first_unit,units,influence\n");
        for (units, psi) in clusters.members.iter().zip(&found.influence) {
            text.push_str(&format!("{},{},{psi:?}\n", study.ids[units[0]], units.len()));
        }
        text
    }
}

fn table_of(found: &ClusterValue) -> String {
    let decimals = decimals(found.value.standard_error);
    let row = |name: &str, of: &Estimate| {
        let [lower, upper] = of.interval;
        [
            name.to_string(),
            format!("{:.decimals$}", of.estimate),
            format!("{:.decimals$}", of.standard_error),
            format!("{lower:.decimals$} to {upper:.decimals$}"),
        ]
    };
    let header = ["", "value", "std. error", "95% interval"].map(String::from);
    format!(
        "Value under {} interference{}: mean over {} clusters ({} units) of cluster means, net of costs\n\n{}\n\
         treated: {:.1}% of the units of a cluster on average; {} clusters were treated just as the rule says\n\
         effective sample size of the weights: {:.1}\n",
        found.interference,
        if found.doubly_robust { ", doubly robust" } else { "" },
        found.clusters,
        found.units,
        aligned(&[header, row("rule", &found.value), row("rule minus nobody", &found.against_nobody)]),
        100.0 * found.treated_share,
        found.agreeing_clusters,
        found.effective_sample_size
    )
}
