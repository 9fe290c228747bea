//! An evaluation as tables of text: a line for the rule, each arm and what was observed; a line for each leaf.

use super::{BEST_ARM, BestArmLabel, Comparison, Estimate, Evaluation, Leaf};
use crate::score::Direction;

const HEADER: [&str; 8] =
    ["", "assigned", "value", "std. error", "95% interval", "rule minus it", "std. error", "95% interval"];
const LEAVES: [&str; 8] =
    ["leaf", "arm", "units", "share", "against", "effect", "std. error", "95% interval"];

impl Evaluation {
    /// The evaluation as aligned tables; all numbers have as many decimals as the error of the value calls for.
    pub fn table(&self) -> String {
        let mut table = format!("{}\n\n{}", self.title(), aligned(&self.lines()));
        match &self.best_arm {
            Some(BestArmLabel::TrainingUnits { .. }) => {
                table.push_str("\n* the best single arm among the units the rule was learned from\n");
            }
            Some(BestArmLabel::OtherFolds { .. }) => {
                table.push_str("\nbest arm: in each fold, the single arm that is best in the other folds\n");
            }
            None => {}
        }
        if !self.leaves.is_empty() {
            table.push('\n');
            table.push_str(&self.leaves_table());
        }
        table
    }

    /// What a picture of the rule says of each leaf: how many units, and what its arm does for them.
    pub fn leaf_notes(&self) -> Vec<Vec<String>> {
        let decimals = decimals(self.value.standard_error);
        let note = |leaf: &Leaf| {
            let units = format!("{} units ({:.0}%)", leaf.units, 100.0 * leaf.share);
            let effect = leaf.effect.zip(leaf.interval).map(|(effect, [lower, upper])| {
                let interval = format!("{lower:.decimals$} to {upper:.decimals$}");
                [format!("{effect:+.decimals$} against {}", leaf.against), interval]
            });
            std::iter::once(units).chain(effect.into_iter().flatten()).collect()
        };
        self.leaves.iter().map(note).collect()
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

    fn lines(&self) -> Vec<[String; 8]> {
        let given = match &self.best_arm {
            Some(BestArmLabel::TrainingUnits { arm }) => Some(arm),
            _ => None,
        };
        lines(&self.value, &self.differences, given, decimals(self.value.standard_error))
    }

    /// The effects, and below them the ways to the leaves, which are too long for a column.
    fn leaves_table(&self) -> String {
        let decimals = decimals(self.value.standard_error);
        let line = |leaf: &Leaf| {
            let effect = leaf.effect.zip(leaf.standard_error).zip(leaf.interval);
            let [effect, error, interval] = effect.map_or([(); 3].map(|()| "-".to_owned()), |parts| {
                let ((estimate, standard_error), interval) = parts;
                cells(&Estimate { estimate, standard_error, interval }, decimals)
            });
            let share = format!("{:.1}%", 100.0 * leaf.share);
            let (number, units) = (leaf.leaf.to_string(), leaf.units.to_string());
            [number, leaf.path.arm.clone(), units, share, leaf.against.clone(), effect, error, interval]
        };
        let lines: Vec<[String; 8]> =
            [LEAVES.map(str::to_owned)].into_iter().chain(self.leaves.iter().map(line)).collect();
        let ways = self.leaves.iter().map(|leaf| format!("{}: {}\n", leaf.leaf, leaf.path.path));
        format!("{}\n{}", aligned(&lines), ways.collect::<String>())
    }
}

/// A line for a rule of this value and one for each comparison, after the header; the arm called `best` is marked.
pub(crate) fn lines(
    value: &Estimate,
    differences: &[Comparison],
    best: Option<&String>,
    decimals: usize,
) -> Vec<[String; 8]> {
    let [value, error, interval] = cells(value, decimals);
    let none = String::new;
    let rule = ["rule".to_owned(), none(), value, error, interval, none(), none(), none()];
    // The best arm of the training units is marked among the arms, and needs no line of its own.
    let shown = differences.iter().filter(|c| best.is_none() || c.against != BEST_ARM || is_arm(c));
    let line = |c: &Comparison| {
        let mark = if is_arm(c) && best == Some(&c.against) { " *" } else { "" };
        let name = match c.against.as_str() {
            arm if is_arm(c) => format!("all {arm}{mark}"),
            BEST_ARM => "best arm".to_owned(),
            other => other.to_owned(),
        };
        let share = c.share.map_or(String::new(), |share| format!("{:.1}%", 100.0 * share));
        let [value, error, interval] = cells(&c.value, decimals);
        let [difference, difference_error, difference_interval] = cells(&c.difference, decimals);
        [name, share, value, error, interval, difference, difference_error, difference_interval]
    };
    [HEADER.map(str::to_owned), rule].into_iter().chain(shown.map(line)).collect()
}

/// Whether this is the comparison with an arm.
fn is_arm(comparison: &Comparison) -> bool {
    comparison.assigned.is_some()
}

/// Three significant digits of the standard error, which is as far as the numbers mean anything.
pub fn decimals(standard_error: f64) -> usize {
    const MOST: f64 = 8.0;
    if standard_error > 0.0 { (2.0 - standard_error.log10().floor()).clamp(0.0, MOST) as usize } else { 4 }
}

/// An estimate, its standard error and its interval as text.
pub fn cells(estimate: &Estimate, decimals: usize) -> [String; 3] {
    let Estimate { estimate, standard_error, interval: [lower, upper] } = estimate;
    [
        format!("{estimate:.decimals$}"),
        format!("{standard_error:.decimals$}"),
        format!("{lower:.decimals$} to {upper:.decimals$}"),
    ]
}

/// Columns two blanks apart: the first aligned to the left, the others to the right.
pub fn aligned<L: AsRef<[String]>>(lines: &[L]) -> String {
    let count = lines.first().map_or(0, |line| line.as_ref().len());
    let width =
        |column: usize| lines.iter().map(|line| line.as_ref()[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count).map(width).collect();
    let text = |line: &L| {
        let cells =
            line.as_ref().iter().zip(&widths).enumerate().map(|(column, (cell, &width))| match column {
                0 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            });
        format!("{}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    lines.iter().map(text).collect()
}
