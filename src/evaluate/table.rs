//! An evaluation as a table of text: a line for the rule, each arm and what was observed.

use super::{Comparison, Estimate, Evaluation};
use crate::score::Direction;

const HEADER: [&str; 8] =
    ["", "assigned", "value", "std. error", "95% interval", "rule minus it", "std. error", "95% interval"];

impl Evaluation {
    /// The evaluation as an aligned table; all numbers have as many decimals as the error of the value calls for.
    pub fn table(&self) -> String {
        let decimals = decimals(self.value.standard_error);
        let mut lines = vec![HEADER.map(str::to_owned), self.rule_line(decimals)];
        for arm in &self.arms {
            let best = if self.best_arm.as_ref() == Some(&arm.arm) { " *" } else { "" };
            let share = format!("{:.1}%", 100.0 * arm.share);
            lines.push(comparison_line(format!("all {}{best}", arm.arm), share, &arm.comparison, decimals));
        }
        lines.push(comparison_line("observed".to_owned(), String::new(), &self.observed, decimals));
        let mut table = format!("{}\n\n{}", self.title(), aligned(&lines));
        if self.best_arm.is_some() {
            table.push_str("\n* the best single arm among the units the rule was learned from\n");
        }
        table
    }

    fn title(&self) -> String {
        let better = match self.direction {
            Direction::Maximize => "higher",
            Direction::Minimize => "lower",
        };
        let clusters = self.clusters.map_or(String::new(), |count| format!(" in {count} clusters"));
        let effective =
            self.effective_units.map_or(String::new(), |n| format!(" (weighted; effectively {n:.1})"));
        format!(
            "Value on {} units{clusters}{effective}: mean outcome net of costs, {better} is better",
            self.units
        )
    }

    fn rule_line(&self, decimals: usize) -> [String; 8] {
        let [value, error, interval] = cells(&self.value, decimals);
        let none = String::new;
        ["rule".to_owned(), none(), value, error, interval, none(), none(), none()]
    }
}

/// Three significant digits of the standard error, which is as far as the numbers mean anything.
fn decimals(standard_error: f64) -> usize {
    const MOST: f64 = 8.0;
    if standard_error > 0.0 { (2.0 - standard_error.log10().floor()).clamp(0.0, MOST) as usize } else { 4 }
}

fn comparison_line(name: String, share: String, comparison: &Comparison, decimals: usize) -> [String; 8] {
    let [value, error, interval] = cells(&comparison.value, decimals);
    let [difference, difference_error, difference_interval] = cells(&comparison.difference, decimals);
    [name, share, value, error, interval, difference, difference_error, difference_interval]
}

fn cells(estimate: &Estimate, decimals: usize) -> [String; 3] {
    let Estimate { estimate, standard_error, lower, upper } = estimate;
    [
        format!("{estimate:.decimals$}"),
        format!("{standard_error:.decimals$}"),
        format!("{lower:.decimals$} to {upper:.decimals$}"),
    ]
}

/// Columns two blanks apart: the first aligned to the left, the numbers to the right.
fn aligned(lines: &[[String; 8]]) -> String {
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..HEADER.len()).map(width).collect();
    let text = |line: &[String; 8]| {
        let cells = line.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| match column {
            0 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    lines.iter().map(text).collect()
}
