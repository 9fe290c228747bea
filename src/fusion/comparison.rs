//! One penalty, or every one on the same data by the same criterion.

use cpu_time::ProcessTime;
use prescribe_models::outcome_loss::Loss;
use serde::Serialize;

use super::chosen::{Chosen, Kind};
use super::{Choice, Criteria, Criterion, FusionError, Penalty, Posed, Settings, drawn, drawn_loss, exact};
use crate::evaluate::adjusted_rand_index;
use crate::solve::{Observer, Promise, TerminationStatus};

/// One penalty.
#[derive(Clone, Debug, Serialize)]
pub struct Compared {
    pub penalty: Penalty,
    /// Of the least criterion; the first of those that tie.
    pub chosen: bool,
    pub cpu_seconds: f64,
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What came of a penalty.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Outcome {
    Found {
        /// Of penalties that have one.
        lambda: Option<f64>,
        groups: usize,
        /// Of the refitted groups.
        #[serde(flatten)]
        criteria: Criteria,
        /// Adjusted Rand index with the chosen groups.
        adjusted_rand_index: f64,
        promise: Promise,
        termination_status: TerminationStatus,
    },
    Failed {
        reason: String,
    },
}

/// A penalty, what came of it, and the CPU seconds it took.
type Run = (Penalty, Result<Chosen, FusionError>, f64);

/// Runs the penalty of `settings`.
pub(super) fn choose(
    posed: &Posed,
    settings: &Settings,
    observer: &dyn Observer,
) -> Result<Chosen, FusionError> {
    match settings.penalty {
        _ if settings.loss != Loss::Squared => drawn_loss::drawn_loss(posed, settings, observer),
        Penalty::L0 => exact::exact(posed, settings, observer),
        _ => drawn::drawn(posed, settings, observer),
    }
}

/// Runs every penalty, and chooses by the criterion of `settings` (EBIC where they choose otherwise).
pub(super) fn every(
    posed: &Posed,
    settings: &Settings,
    observer: &dyn Observer,
) -> Result<(Chosen, Vec<Compared>), FusionError> {
    let criterion = match settings.choice {
        Choice::Criterion(criterion) => criterion,
        _ => Criterion::default(),
    };
    let run = |penalty| {
        let choice = Choice::Criterion(criterion);
        let own = Settings { penalty, choice, bootstrap: 0, ..settings.clone() };
        let clock = ProcessTime::now();
        let found = choose(posed, &own, observer);
        (penalty, found, clock.elapsed().as_secs_f64())
    };
    let mut runs: Vec<Run> = Penalty::ALL.into_iter().map(run).collect();
    let value = |run: &Run| run.1.as_ref().map_or(f64::INFINITY, |found| found.criteria.value(criterion));
    let best = (0..runs.len()).min_by(|&a, &b| value(&runs[a]).total_cmp(&value(&runs[b]))).unwrap_or(0);
    let groups = runs[best].1.as_ref().map(|found| found.groups.of.clone()).unwrap_or_default();
    let rows = runs.iter().enumerate().map(|(i, run)| row(run, i == best, &groups)).collect();
    Ok((runs.swap_remove(best).1?, rows))
}

fn row((penalty, found, cpu_seconds): &Run, chosen: bool, groups: &[usize]) -> Compared {
    let outcome = match found {
        Ok(found) => Outcome::Found {
            lambda: match found.kind {
                Kind::Drawn { lambda, .. } => Some(lambda),
                Kind::Partition { .. } => None,
            },
            groups: found.groups.count(),
            criteria: found.criteria,
            adjusted_rand_index: adjusted_rand_index(&found.groups.of, groups),
            promise: found.report.promise,
            termination_status: found.report.termination_status,
        },
        Err(reason) => Outcome::Failed { reason: reason.to_string() },
    };
    Compared { penalty: *penalty, chosen, cpu_seconds: *cpu_seconds, outcome }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_penalty_that_failed_has_a_reason_and_no_numbers() {
        let failed: Run = (Penalty::Mcp, Err(FusionError::Usage("too few".into())), 0.5);
        let told = serde_json::to_value(row(&failed, false, &[0, 1])).unwrap();
        let expected = serde_json::json!({
            "penalty": "mcp", "chosen": false, "cpu_seconds": 0.5, "reason": "too few",
        });
        assert_eq!(told, expected);
    }
}
