//! What was learned, in words: the summary that `prescribe learn` prints and keeps.

use std::fmt::Write;

use super::{fusing, output};
use crate::data::members;
use crate::learn::{Config, Learned, Sample};
use crate::rule::RuleFile;

pub fn summary(learned: &Learned, config: &Config) -> String {
    let study = &learned.scored.study;
    let (single, _) = learned.scored.single();
    let trained = learned.sample.iter().filter(|sample| **sample == Sample::Train).count();
    let clusters = learned.scored.clustered.as_ref().and(study.cluster.as_ref());
    let clusters =
        clusters.map_or(String::new(), |cluster| format!(" in {} clusters", members(cluster).len()));
    let missing = match study.reached.iter().flatten().filter(|reached| !**reached).count() {
        0 => format!("{} left out", study.dropped),
        beyond => format!("{beyond} never treated"),
    };
    let mut text = format!(
        "{}: {} units{clusters} ({missing} for missing values), {} arms; {trained} to learn from, {} held out\n",
        study.source,
        study.units(),
        single.arms.len(),
        study.units() - trained
    );
    for concern in learned.scored.diagnostics.concerns() {
        let _ = writeln!(text, "look at: {concern}");
    }
    if let Some(report) = learned.fusion() {
        let _ = write!(text, "\n{}", fusing::summary(report));
    }
    let terms = learned.rule.as_ref().map(RuleFile::term_names).unwrap_or_default();
    text.push_str(&output::summary(&learned.report, &terms));
    if let Some(by) = learned.by_learner() {
        let _ = write!(text, "\n{}", by.summary());
    }
    if let Some(evaluation) = &learned.evaluation {
        let optimistic =
            if config.test_share > 0.0 { "" } else { "Optimistic: on the units the rule was learned from\n" };
        let _ = write!(text, "\n{optimistic}{}", evaluation.table());
    }
    if let Some(learner) = &learned.learner {
        let folds = learner.folds.len();
        let _ = write!(
            text,
            "\nThe learner, by nested cross-fitting over {folds} folds: \"rule\" is the rule learned without the unit's fold\n{}",
            learner.evaluation.table()
        );
        if let Some(report) = learned.fusion() {
            let _ = write!(text, "\n{}", fusing::of_folds(learner, report));
        }
    }
    text
}
