//! `prescribe curve DATA`: what is gained against what is spent, where the largest estimated gains for their cost come first.

use std::path::PathBuf;

use clap::Args;

use super::failure::{DONE, Failure};
use super::flags::{self, JsonFlag};
use super::interference::ClusteredFlags;
use super::output;
use super::study::{StudyFlags, scoring};
use crate::data::{Covariate, Table, check_folder, write_folder};
use crate::evaluate::{CostCurve, CurvePoint, Estimate, Line, Plot, SpendingUnit, aligned, cells, decimals};
use crate::learn::{cost_curve, read_study};
use crate::score::Direction;

#[derive(Args)]
pub struct Curve {
    /// CSV with one row a unit; - for standard input
    data: PathBuf,
    /// Columns that the outcome models use, by which units are ordered
    #[arg(long, value_name = "COLUMN,..", value_delimiter = ',', required = true, help_heading = "Study")]
    covariates: Vec<String>,
    #[command(flatten)]
    study: StudyFlags,
    /// Larger outcomes are better
    #[arg(long, conflicts_with = "minimize", required_unless_present = "minimize", help_heading = "Study")]
    maximize: bool,
    /// Smaller outcomes are better
    #[arg(long, help_heading = "Study")]
    minimize: bool,
    /// Budgets at which the curve is computed, beside spending nothing
    #[arg(long, value_name = "N", default_value = "100", value_parser = flags::positive)]
    points: usize,
    /// Root of all randomness
    #[arg(long, default_value = "1")]
    seed: u64,
    /// Folder for curve.json, curve.svg and summary.txt
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    json: JsonFlag,
}

impl Curve {
    pub fn run(&self) -> Result<u8, Failure> {
        output::check(self.json.json.as_deref(), "--json")?;
        let remedy = "name a folder that can be written to with --out";
        if let Some(folder) = &self.out {
            check_folder(folder).map_err(|error| Failure::io(folder, &error, remedy))?;
        }
        let direction = if self.minimize { Direction::Minimize } else { Direction::Maximize };
        let covariates: Vec<Covariate> =
            self.covariates.iter().map(|name| Covariate::numeric(name)).collect();
        let scoring = scoring(&self.study, direction, &covariates, None, &ClusteredFlags::default())?;
        let study = read_study(&Table::read(&self.data)?, &scoring)?;
        study.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
        let curve = cost_curve(study, &scoring, self.points, self.seed)?;
        let table = table(&curve);
        if let Some(folder) = &self.out {
            let json = serde_json::to_vec_pretty(&curve).map_err(|error| Failure {
                code: super::failure::INTERNAL,
                message: format!("the curve cannot be written: {error}"),
            })?;
            let files = [
                ("curve.json", json),
                ("curve.svg", plot(&curve).into_bytes()),
                ("summary.txt", table.clone().into_bytes()),
            ];
            write_folder(folder, &files).map_err(|error| Failure::io(folder, &error, remedy))?;
        }
        output::print(self.json.json.as_deref(), &curve, &table)?;
        Ok(DONE)
    }
}

/// About ten of the points.
fn table(curve: &CostCurve) -> String {
    let spent = match curve.spending_in {
        SpendingUnit::Costs => "spent",
        SpendingUnit::ShareOfUnits => "treated",
    };
    let header = [spent, "gain", "std. error", "95% interval", "over random", "std. error", "95% interval"]
        .map(String::from);
    let last = curve.points.len() - 1;
    let decimals = decimals(curve.points[last].gain.standard_error);
    let every = (last / 10).max(1);
    let shown = curve.points.iter().enumerate().filter(|(m, _)| m % every == 0 || *m == last);
    let line = |(_, point): (usize, &CurvePoint)| {
        let [gain, error, interval] = cells(&point.gain, decimals);
        let [over, over_error, over_interval] = cells(&point.over_random, decimals);
        [format!("{:.4}", point.spending), gain, error, interval, over, over_error, over_interval]
    };
    let lines: Vec<[String; 7]> = [header].into_iter().chain(shown.map(line)).collect();
    let clusters = curve.clusters.map_or(String::new(), |count| format!(" in {count} clusters"));
    let [area, error, interval] = cells(&curve.area, decimals);
    format!(
        "Gain over the first arm on {} units{clusters}, against spending, per unit\n\n{}\narea over random allocation: {area} \
         (std. error {error}, 95% interval {interval})\n",
        curve.units,
        aligned(&lines)
    )
}

fn plot(curve: &CostCurve) -> String {
    let line = |of: fn(&CurvePoint) -> Estimate| -> Vec<(f64, f64)> {
        curve.points.iter().map(|point| (point.spending, of(point).estimate)).collect()
    };
    Plot {
        title: "Gain over the first arm, with 95% intervals",
        across: match curve.spending_in {
            SpendingUnit::Costs => "mean spending on a unit",
            SpendingUnit::ShareOfUnits => "share of units treated",
        },
        up: "mean gain",
        lines: vec![
            Line {
                name: "largest estimated gain for its cost first",
                points: line(|point| point.gain),
                intervals: curve.points.iter().map(|point| point.gain.interval).collect(),
            },
            Line { name: "by lot", points: line(|point| point.random), intervals: Vec::new() },
        ],
    }
    .draw()
}
