//! `prescribe evaluate RULE DATA --interference ..`: the value of a rule where units of a cluster affect each other.

use std::path::PathBuf;

use clap::Args;

use super::failure::{DONE, Failure};
use super::flags::named;
use super::output;
use super::overlay::{put, table};
use crate::data::{EffectsRole, Study, Table, write_whole};
use crate::evaluate::{Estimate, aligned, decimals};
use crate::interference::{
    AdditivityCheck, Baseline, Basis, ClusterValue, Clustered, Clusters, DesignRole, Effects, Interference,
    JointCost, NotEstimable, Sizes, Summary, Valuation, ValuedRule, costs_of, left_out, treated,
};
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
    /// Cost of treating 0, 1, 2, .. units of a cluster, in units of the outcome, taken from the mean of the cluster; convex, and the last slope
    /// goes on. Besides --cost
    #[arg(long, value_name = "0,C1,C2,..", value_parser = str::parse::<JointCost>, help_heading = "Interference")]
    joint_cost: Option<JointCost>,
    /// Add outcome models to additive interference: regressions of cluster means cross-fitted over --folds (as many as clusters: with standard errors for few clusters), or --g0 and --g
    #[arg(long, help_heading = "Interference")]
    doubly_robust: bool,
    /// Column of the mean outcome of the unit's cluster if nobody is treated
    #[arg(long, value_name = "COLUMN", requires = "g", help_heading = "Interference")]
    g0: Option<String>,
    /// Column of what treating the unit adds to the mean outcome of its cluster
    #[arg(long, value_name = "COLUMN", requires = "g0", help_heading = "Interference")]
    g: Option<String>,
    /// What the regressions of --doubly-robust see of covariates: their means (means), in effects as well (linear), products of up to D or
    /// natural cubic splines with K knots, whose coefficients are shrunk
    #[arg(long, value_name = "means|linear|polynomial:D|spline:K", help_heading = "Interference")]
    cluster_model: Option<Basis>,
    /// What they see of the other units of a cluster
    #[arg(long, value_name = "mean,second-moment", value_delimiter = ',', value_parser = named::<Summary>, help_heading = "Interference")]
    cluster_summaries: Vec<Summary>,
    /// What they make of the sizes of clusters: nothing, a covariate, or one regression for each; separate goes for --propensity logit too
    #[arg(long, value_name = "ignored|covariate|separate", value_parser = named::<Sizes>, help_heading = "Interference")]
    cluster_sizes: Option<Sizes>,
    /// What they fit the mean without treatment by: series as effects, or a forest, whose rest effects are fitted to
    #[arg(long, value_name = "series|forest", value_parser = named::<Baseline>, help_heading = "Interference")]
    cluster_baseline: Option<Baseline>,
}

impl ClusteredFlags {
    pub fn assumed(interference: Option<Interference>, doubly_robust: bool) -> Self {
        Self { interference, doubly_robust, ..Self::default() }
    }

    pub fn is_set(&self) -> bool {
        self.interference.is_some()
    }

    /// Writes what was typed over the `[scoring]` table of a configuration.
    pub fn over(&self, scoring: &mut toml::Table) -> Result<(), Failure> {
        let models = self.cluster_model.is_some()
            || self.cluster_sizes.is_some()
            || self.cluster_baseline.is_some()
            || !self.cluster_summaries.is_empty();
        if self.interference.is_some() || self.doubly_robust || self.joint_cost.is_some() || models {
            let clustered = table(scoring, "clustered");
            put(clustered, "interference", self.interference)?;
            put(clustered, "doubly_robust", self.doubly_robust.then_some(true))?;
            put(clustered, "joint_cost", self.joint_cost.clone())?;
            if !clustered.contains_key("interference") && self.joint_cost.is_some() {
                return Err(Failure::usage("--joint-cost needs --interference"));
            }
            if !clustered.contains_key("interference") {
                return Err(Failure::usage(
                    "--doubly-robust and --cluster-model, -summaries, -sizes and -baseline need --interference additive",
                ));
            }
        }
        if models {
            let model = table(table(scoring, "clustered"), "model");
            put(model, "basis", self.cluster_model)?;
            put(model, "sizes", self.cluster_sizes)?;
            put(model, "baseline", self.cluster_baseline)?;
            put(model, "others", Some(&self.cluster_summaries).filter(|summaries| !summaries.is_empty()))?;
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
    /// How treatments were drawn inside clusters: each unit by itself (the default), a fixed number of each cluster, or of its units with one label
    /// in a column; or a CSV file of cluster, unit_a, unit_b, probability that both are treated
    #[arg(
        long,
        value_name = "bernoulli|complete|strata:COLUMN|joint:FILE.csv",
        requires = "interference",
        help_heading = "Interference"
    )]
    design: Option<DesignRole>,
    /// The value at several costs of treating a unit, in place of --cost
    #[arg(
        long,
        value_name = "C,..",
        value_delimiter = ',',
        allow_negative_numbers = true,
        requires = "interference",
        conflicts_with = "cost",
        help_heading = "Interference"
    )]
    costs: Vec<f64>,
    /// Larger outcomes are better, as the rule says
    #[arg(long, conflicts_with = "minimize", help_heading = "Interference")]
    maximize: bool,
    /// Smaller outcomes are better, as the rule says
    #[arg(long, help_heading = "Interference")]
    minimize: bool,
}

/// A study with its nuisances, and the arms (N) that a rule, and others by name, give to its units.
pub struct Evaluated<'a> {
    pub table: &'a Table,
    pub study: Study,
    pub arms: Vec<usize>,
    pub others: Vec<(String, Vec<usize>)>,
    /// The column of clusters.
    pub cluster: &'a str,
    pub clustered: &'a Clustered,
    /// Of the outcome models, where they were fitted to the study.
    pub folds: Option<usize>,
    pub seed: u64,
    pub direction: Direction,
}

impl Evaluated<'_> {
    /// The outcome model of all clusters, where each cluster was a fold.
    fn together(&self, clusters: &Clusters) -> Result<Option<Effects>, Failure> {
        if !self.clustered.doubly_robust || self.folds.is_none_or(|folds| folds < clusters.count()) {
            return Ok(None);
        }
        let one = || Ok(vec![0; clusters.count()]);
        let fitted = Study { effects: None, ..self.study.clone() };
        Ok(self.clustered.effects(&fitted, clusters, one, self.seed)?)
    }
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

    /// How treatments were drawn.
    pub fn design(&self) -> DesignRole {
        self.design.clone().unwrap_or_default()
    }

    /// The value of the rule that gives unit u the second arm where `arms[u]` is 1, against others by name.
    pub fn evaluate(&self, of: &Evaluated, json: Option<&std::path::Path>) -> Result<u8, Failure> {
        let Evaluated { table, study, cluster, clustered, direction, .. } = of;
        if let Some(cost) = self.costs.iter().find(|cost| !cost.is_finite()) {
            return Err(Failure::usage(format!("--costs {cost}: give finite numbers")));
        }
        let clusters = Clusters::of(study)?;
        let effects = study.effects.as_ref().map(|own| Effects::of_units(&clusters, own));
        let design = self.design().design(table, study, &clusters, cluster)?;
        let of_units = costs_of(study, *direction);
        let valuation = Valuation {
            clusters: &clusters,
            design: &design,
            interference: clustered.interference,
            effects: effects.as_ref(),
            costs: clustered.costs(&of_units, *direction),
            everybody: &treated(study, &vec![1; study.units()]),
        };
        let refused = |error: NotEstimable| error.of(study, &clusters);
        let assignment = treated(study, &of.arms);
        let others: Vec<(String, Vec<bool>)> =
            of.others.iter().map(|(name, arms)| (name.clone(), treated(study, arms))).collect();
        let mut found = valuation.evaluation(&assignment, &others).map_err(refused)?;
        if let Some((outside, together)) = effects.as_ref().zip(of.together(&clusters)?) {
            let moved = left_out(&clusters, outside, &together);
            let moved = Valuation { clusters: &moved, effects: Some(&together), ..valuation };
            found = found.with_errors_of(&moved.evaluation(&assignment, &others).map_err(refused)?);
        }
        if !self.costs.is_empty() {
            let costs: Vec<f64> = self.costs.iter().map(|cost| direction.sign() * cost).collect();
            found.cost_curve = valuation.cost_curve(&assignment, &costs).map_err(refused)?;
            found.cost_curve.iter_mut().zip(&self.costs).for_each(|(at, cost)| at.cost = *cost);
        }
        found.value.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
        if let Some(path) = &self.influence {
            write_whole(path, self.csv(&found.value, study, &clusters).as_bytes()).map_err(|error| {
                Failure::io(path, &error, "name a file that can be written with --influence")
            })?;
        }
        output::print(json, &found, &text(&found))?;
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

fn text(found: &ValuedRule) -> String {
    let value = &found.value;
    let decimals = decimals(value.value.standard_error);
    let row = |name: String, of: &Estimate| {
        let [lower, upper] = of.interval;
        [
            name,
            format!("{:.decimals$}", of.estimate),
            format!("{:.decimals$}", of.standard_error),
            format!("{lower:.decimals$} to {upper:.decimals$}"),
        ]
    };
    let mut lines = vec![["", "value", "std. error", "95% interval"].map(String::from)];
    lines.push(row("rule".into(), &value.value));
    lines.extend(found.differences.iter().map(|d| row(format!("rule minus {}", d.against), &d.difference)));
    lines.extend(found.cost_curve.iter().map(|at| row(format!("rule at cost {}", at.cost), &at.value)));
    let mut text = format!(
        "Value {}{}: mean over {} clusters ({} units) of cluster means, net of costs\n\n{}\n\
         treated: {:.1}% of the units of a cluster on average; {} clusters were treated just as the rule says\n\
         effective sample size of the weights: {:.1}\n",
        value.interference.assumed(),
        if value.doubly_robust { ", doubly robust" } else { "" },
        value.clusters,
        value.units,
        aligned(&lines),
        100.0 * value.treated_share,
        value.agreeing_clusters,
        value.effective_sample_size
    );
    if let Some(AdditivityCheck { difference, p_value, effective_clusters }) = &found.additivity_check {
        let p = if *p_value < 0.001 { "< 0.001".to_string() } else { format!("= {p_value:.3}") };
        text.push_str(&format!(
            "additivity: with pairs of treated units the value changes by {:+.decimals$} (std. error {:.decimals$}, p {p}; effectively \
             {effective_clusters:.1} clusters carry it)\n",
            difference.estimate, difference.standard_error
        ));
    }
    text
}
