//! `prescribe frontier DATA`: what a learner is worth as its rules may be more complex, or spend more.

use std::fmt::Write;

use clap::{ArgGroup, Args};

use super::failure::{DONE, Failure};
use super::flags;
use super::learn::Learn;
use super::progress::Terminal;
use crate::data::Table;
use crate::evaluate::{BEST_ARM, Comparison, Estimate, Line, OBSERVED, Plot, aligned, cells, decimals};
use crate::learn::{Config, Frontier as Found, Point, frontier, read_study};

#[derive(Args)]
#[command(group = ArgGroup::new("axis").required(true))]
pub struct Frontier {
    /// Depths of the trees
    #[arg(long, value_name = "D,..", value_delimiter = ',', value_parser = flags::positive, group = "axis", help_heading = "Frontier")]
    depths: Vec<usize>,
    /// Numbers of covariates that rules may look at
    #[arg(long, value_name = "K,..", value_delimiter = ',', group = "axis", help_heading = "Frontier")]
    covariate_counts: Vec<usize>,
    /// Shares of the units that may get an arm other than the first
    #[arg(long, value_name = "SHARE,..", value_delimiter = ',', value_parser = flags::nonnegative, group = "axis", help_heading = "Frontier")]
    budget_shares: Vec<f64>,
    #[command(flatten)]
    learn: Learn,
}

impl Frontier {
    pub fn run(&self) -> Result<u8, Failure> {
        let config = self.learn.config()?;
        self.learn.check_targets(&config)?;
        let (axis, values) = self.axis();
        let study = read_study(&Table::read(&config.data)?, &config.scoring)?;
        let found = frontier(&study, &config, axis, &values, &Terminal::new())?;
        study.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
        let table = table(&found, &config);
        self.learn.write(&found, &[("frontier.svg", plot(&found))], "frontier.json", &table, &config)?;
        Ok(DONE)
    }

    /// The axis and the places on it; clap takes just one.
    fn axis(&self) -> (&'static str, Vec<f64>) {
        let numbers = |counts: &[usize]| counts.iter().map(|&count| count as f64).collect();
        match (self.depths.as_slice(), self.covariate_counts.as_slice()) {
            ([], []) => ("budget_share", self.budget_shares.clone()),
            ([], counts) => ("covariates", numbers(counts)),
            (depths, _) => ("depth", numbers(depths)),
        }
    }
}

fn table(found: &Found, config: &Config) -> String {
    let judged = match found.nested {
        Some(folds) => format!("nested cross-fitting over {folds} folds"),
        None => format!("held-out units ({}% of the data)", 100.0 * config.test_share),
    };
    let (first, units) = (&found.points[0], found.points[0].evaluation.units());
    let simplest = Point::name(&found.axis, first.at);
    let header =
        [&found.axis, "value", "std. error", "95% interval", &format!("minus {simplest}"), "95% interval"]
            .map(String::from);
    let decimals = decimals(first.evaluation.value().standard_error);
    let line = |point: &Point| {
        let [value, error, interval] = cells(point.evaluation.value(), decimals);
        let difference = point.evaluation.against(&simplest).map(|c| cells(&c.difference, decimals));
        let [difference, _, of_difference] = difference.unwrap_or_default();
        [point.at.to_string(), value, error, interval, difference, of_difference]
    };
    let lines: Vec<[String; 6]> = [header].into_iter().chain(found.points.iter().map(line)).collect();
    let mut text = format!("Value of the learner on {units} units by {judged}\n\n{}\n", aligned(&lines));
    for (name, words) in [(BEST_ARM, "best single arm"), (OBSERVED, "observed")] {
        if let Some(Comparison { value, .. }) = first.evaluation.against(name) {
            let [value, _, interval] = cells(value, decimals);
            let _ = writeln!(text, "{words}: {value} ({interval})");
        }
    }
    text
}

fn plot(found: &Found) -> String {
    let value = |point: &Point| -> Estimate { *point.evaluation.value() };
    let level = |name: &str| -> Vec<(f64, f64)> {
        let of = |point: &Point| Some((point.at, point.evaluation.against(name)?.value.estimate));
        found.points.iter().filter_map(of).collect()
    };
    Plot {
        title: "Value of the learner, with 95% intervals",
        across: &found.axis.replace('_', " "),
        up: "mean outcome net of costs",
        lines: vec![
            Line {
                name: "rule",
                points: found.points.iter().map(|point| (point.at, value(point).estimate)).collect(),
                intervals: found.points.iter().map(|point| value(point).interval).collect(),
            },
            Line { name: "best single arm", points: level(BEST_ARM), intervals: Vec::new() },
            Line { name: "observed", points: level(OBSERVED), intervals: Vec::new() },
        ],
    }
    .draw()
}
