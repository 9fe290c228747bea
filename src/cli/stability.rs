//! `prescribe stability DIR`: how much of a rule is the sample's doing.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;

use super::failure::{DONE, Failure};
use super::flags::{self, JsonFlag};
use super::output;
use super::progress::Terminal;
use crate::learn::{Stability as Found, prepare, read_config, stability};
use crate::rule::RuleFile;

#[derive(Args)]
pub struct Stability {
    /// Folder that `learn` wrote
    folder: PathBuf,
    /// Bootstrap samples of the training units (whole clusters, where there are any), each to learn a rule from
    #[arg(long, value_name = "B", default_value = "100", value_parser = flags::positive)]
    replications: usize,
    /// The data file, where it is not where the folder's config.toml says
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// Root of all randomness (default: that of the folder)
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Threads, 0 for all; the answer does not depend on it
    #[arg(long, value_name = "N", value_parser = flags::threads)]
    threads: Option<usize>,
    #[command(flatten)]
    json: JsonFlag,
}

impl Stability {
    pub fn run(&self) -> Result<u8, Failure> {
        output::check(self.json.json.as_deref(), "--json")?;
        let mut config = read_config(&self.folder)?;
        if let Some(data) = &self.data {
            config.data = data.clone();
        }
        let rule = RuleFile::read(&self.folder.join("rule.json"))?;
        let (scored, sample) = prepare(&config)?;
        // From here on the seed draws samples; scores and training units are those of the folder.
        config.solve.random_seed = self.seed.unwrap_or(config.solve.random_seed);
        config.solve.threads = self.threads.unwrap_or(config.solve.threads);
        let found = stability(&scored, &sample, &rule, &config, self.replications, &Terminal::new())?;
        output::print(self.json.json.as_deref(), &found, &table(&found))?;
        Ok(DONE)
    }
}

fn table(found: &Found) -> String {
    let percent = |share: f64| format!("{:.1}%", 100.0 * share);
    let clusters = found.clusters.map_or(String::new(), |count| format!(" in {count} clusters"));
    let mut text =
        format!("{} bootstrap samples of {} training units{clusters}\n\n", found.replications, found.units);
    let width = found.covariates.iter().map(|c| c.covariate.chars().count()).max().unwrap_or(0).max(9);
    let _ = writeln!(text, "{:<width$}  asked for", "covariate");
    for covariate in &found.covariates {
        let own = if covariate.in_rule { "  in the rule" } else { "" };
        let _ = writeln!(text, "{:<width$}  {:>9}{own}", covariate.covariate, percent(covariate.share));
    }
    if !found.roots.is_empty() {
        let _ = writeln!(text, "\n{:<width$}  {:>9}  thresholds (median)", "root", "share");
    }
    for root in &found.roots {
        let name = root.covariate.as_deref().unwrap_or("no question");
        let at = root
            .thresholds
            .map_or(String::new(), |[least, median, most]| format!("  {least} to {most} ({median})"));
        let _ = writeln!(text, "{name:<width$}  {:>9}{at}", percent(root.share));
    }
    let settled = |least: f64| found.agreement.by_unit.iter().filter(|unit| unit.share >= least).count();
    let _ = writeln!(
        text,
        "\n{} of the units get the arm of the rule, on average; {} of {} in at least 90% of the samples",
        percent(found.agreement.mean),
        settled(0.9),
        found.units
    );
    let _ = writeln!(
        text,
        "value on the training units {}, less the mean optimism {}: {}",
        output::number(found.optimism.value),
        output::number(found.optimism.mean),
        output::number(found.optimism.value_less_optimism)
    );
    text
}
