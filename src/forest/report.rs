//! `report.json` of a forest, and its summary in words.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use super::analysis::Request;
use super::distil::{Distilled, FOREST};
use super::{Compared, ForestFile, Importance, Learned, Method, Plan, Tuning};
use crate::data::Study;
use crate::evaluate::{
    BEST_ARM, Comparison, Estimate, Evaluation, OBSERVED, aligned, cells, decimals, lines,
};
use crate::learn::Scored;
use crate::nuisance::Diagnostics;
use crate::solve::TerminationStatus;

/// Arms that the summary shows; the report has all.
const SHOWN: usize = 12;

/// What was learned and how good it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForestReport {
    pub model: String,
    /// The method that the assignment is by.
    pub method: Method,
    /// Every parameter, chosen ones included.
    pub parameters: Plan,
    /// What methods were worth on units unseen, where there was a choice among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choice: Vec<Compared>,
    /// Arms that trees took for one while they grew.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clusters: Vec<Vec<String>>,
    /// What was tried, where parameters were chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tuning: Option<Tuning>,
    pub data_file_sha256: String,
    pub units: usize,
    pub dropped: usize,
    pub trees: usize,
    pub leaves_per_tree: f64,
    /// What the assignment learned from all units gives them.
    pub assignment: Vec<ArmShare>,
    /// The value of the learner by cross-fitting, against every arm and more.
    pub evaluation: Evaluation,
    pub folds: usize,
    pub importance: Vec<Importance>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distilled: Option<Distilled>,
    pub diagnostics: Diagnostics,
    pub warnings: Vec<String>,
}

/// How many units get an arm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArmShare {
    pub arm: String,
    pub received: usize,
    pub assigned: usize,
    pub share: f64,
}

impl ForestReport {
    pub(super) fn new(
        request: &Request,
        scored: &Scored,
        (learned, file): (&Learned, &ForestFile),
        evaluation: Evaluation,
        importance: Vec<Importance>,
        distilled: Option<Distilled>,
    ) -> ForestReport {
        let study = &scored.study;
        let leaves: usize = file.trees.iter().map(|valued| valued.tree.leaves()).sum();
        ForestReport {
            model: "joint_assignment".into(),
            method: file.method,
            parameters: Plan { tuning: request.plan.tuning.clone(), ..learned.plan(&request.plan) },
            choice: learned.choice.clone(),
            clusters: file.clusters.clone(),
            tuning: learned.tuning.clone(),
            data_file_sha256: study.data_hash.clone(),
            units: study.units(),
            dropped: study.dropped,
            trees: file.trees.len(),
            leaves_per_tree: leaves as f64 / file.trees.len() as f64,
            assignment: shares(study, &file.assign(&study.x, study.eligible.as_ref()).arm),
            evaluation,
            folds: request.scoring.folds,
            importance,
            distilled,
            diagnostics: scored.diagnostics.clone(),
            warnings: study.warnings.clone(),
        }
    }

    /// One screen: what was learned, what it is worth, who gets what, what it looks at.
    pub fn summary(&self, source: &str) -> String {
        let mut text = format!(
            "{source}: {} units ({} left out for missing values), {} arms\n",
            self.units,
            self.dropped,
            self.assignment.len()
        );
        self.diagnostics.concerns().iter().for_each(|concern| {
            let _ = writeln!(text, "look at: {concern}");
        });
        let grouped = match self.clusters.len() {
            0 => String::new(),
            groups => format!(", arms in {groups} groups"),
        };
        let _ = writeln!(
            text,
            "{} by {}: trees {}, leaves a tree {:.1}{grouped}; arms are given by the largest estimate",
            self.model,
            self.method.title(),
            self.trees,
            self.leaves_per_tree
        );
        text.push_str(&self.compared());
        text.push_str(&self.chosen());
        text.push_str(&self.values());
        text.push_str(&self.covariates());
        if let Some(distilled) = &self.distilled {
            text.push_str(&distilled.summary());
        }
        text
    }

    /// The parameters, and how they were chosen.
    /// The other methods that there was a choice among.
    fn compared(&self) -> String {
        let [_, others @ ..] = self.choice.as_slice() else { return String::new() };
        let other = |compared: &Compared| {
            let Estimate { estimate, standard_error, .. } = &compared.less_chosen;
            format!("{} {estimate:.3} ({standard_error:.3})", compared.method.title())
        };
        let others: Vec<String> = others.iter().map(other).collect();
        format!(
            "chosen by the gain on units unseen; the others' less its own (std. error): {}\n",
            others.join(", ")
        )
    }

    fn chosen(&self) -> String {
        let settings = &self.parameters.forest;
        let how = match &self.tuning {
            None => "as given".to_owned(),
            Some(tuning) => {
                format!("chosen among {} combinations by the gain on units unseen", tuning.tried.len())
            }
        };
        format!(
            "lambda1 {}, lambda2 {}, at least {} units in a leaf, epsilon {}, beta {}, delta {}, kappa {}: {how}\n",
            settings.lambda1,
            settings.lambda2,
            settings.min_leaf,
            settings.epsilon,
            settings.beta,
            settings.delta,
            settings.kappa
        )
    }

    fn values(&self) -> String {
        let evaluation = &self.evaluation;
        let mut arms: Vec<&Comparison> =
            evaluation.differences.iter().filter(|c| c.assigned.is_some()).collect();
        arms[1..].sort_by_key(|c| std::cmp::Reverse(c.assigned));
        let hidden = arms.len().saturating_sub(SHOWN);
        arms.truncate(SHOWN);
        let others = [BEST_ARM, OBSERVED];
        let is_other = |c: &&Comparison| c.assigned.is_none() && others.contains(&c.against.as_str());
        arms.extend(evaluation.differences.iter().filter(is_other));
        let shown: Vec<Comparison> = arms.into_iter().cloned().collect();
        let title = evaluation.table().lines().next().unwrap_or_default().to_owned();
        let better = format!(
            "\n{title}\nBy cross-fitting over {} folds: each unit is assigned, and its outcome predicted, by what was learned without its fold\n\n",
            self.folds
        );
        let table = aligned(&called(
            FOREST,
            lines(&evaluation.value, &shown, None, decimals(evaluation.value.standard_error)),
        ));
        let more = match hidden {
            0 => String::new(),
            hidden => format!("{hidden} more arms, each given to fewer units, are in report.json\n"),
        };
        format!(
            "{better}{table}{more}\nbest arm: in each fold, the single arm that is best in the other folds\n"
        )
    }

    fn covariates(&self) -> String {
        let header = ["covariate", "splits", "arms changed", "value lost", "std. error", "95% interval"]
            .map(String::from);
        let decimals = decimals(self.evaluation.value.standard_error);
        let mut order: Vec<&Importance> = self.importance.iter().collect();
        order.sort_by(|a, b| b.lost.estimate.total_cmp(&a.lost.estimate));
        let line = |importance: &Importance| {
            let [lost, error, interval] = cells(&importance.lost, decimals);
            let percent = |share: f64| format!("{:.1}%", 100.0 * share);
            [
                importance.covariate.clone(),
                percent(importance.splits),
                percent(importance.changed),
                lost,
                error,
                interval,
            ]
        };
        let lines: Vec<[String; 6]> =
            [header].into_iter().chain(order.into_iter().take(SHOWN).map(line)).collect();
        format!(
            "\nWhat the forest looks at: its splits, and what is lost when a covariate is permuted\n\n{}",
            aligned(&lines)
        )
    }
}

impl Distilled {
    /// What the rule loses, in a table.
    fn summary(&self) -> String {
        let Some((evaluation, agreement)) = self.evaluation.as_ref().zip(self.agreement) else {
            return format!("\nNo rule in place of the forest: {:?}\n", self.report.termination_status);
        };
        let wanted = [FOREST, BEST_ARM, OBSERVED];
        let is_wanted = |c: &&Comparison| c.assigned.is_none() && wanted.contains(&c.against.as_str());
        let shown: Vec<Comparison> = evaluation.differences.iter().filter(is_wanted).cloned().collect();
        let lines = lines(&evaluation.value, &shown, None, decimals(evaluation.value.standard_error));
        format!(
            "\nA rule in place of the forest ({}): the same arm for {:.1}% of the units\n\n{}\nThe value of rules made in this way, by the same folds\n\n{}",
            if self.report.termination_status == TerminationStatus::Optimal {
                "proved the best for its estimates"
            } else {
                "not proved the best"
            },
            100.0 * agreement,
            self.in_words,
            aligned(&lines)
        )
    }
}

/// The lines with what is valued under its own name.
fn called(name: &str, mut lines: Vec<[String; 8]>) -> Vec<[String; 8]> {
    lines[1][0] = name.into();
    lines[0][5] = format!("{name} minus it");
    lines
}

fn shares(study: &Study, given: &[usize]) -> Vec<ArmShare> {
    let count = |arms: &[usize], k: usize| arms.iter().filter(|&&arm| arm == k).count();
    let share = |(k, arm): (usize, &String)| {
        let assigned = count(given, k);
        let received = count(&study.arm, k);
        ArmShare { arm: arm.clone(), received, assigned, share: assigned as f64 / study.units() as f64 }
    };
    study.arms.iter().enumerate().map(share).collect()
}
