//! What there is to say about propensity scores e (n x K) and outcome predictions mu (n x K) before they are believed:
//! whether every unit could have received every arm (overlap), how many units the weights leave in effect,
//!
//! ```text
//! effective size of arm k     (sum_i w_i / e_ik)^2 / sum_i (w_i / e_ik)^2,     over the units i that received it,
//! ```
//!
//! and whether what is predicted happens (calibration). Scores and predictions are cross-fitted, so all of this is about
//! units that a model has not seen.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::data::{OutcomeModel, PropensityRole, Roles, Study};

/// Bins of a calibration table.
const BINS: usize = 10;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Diagnostics {
    pub propensity: PropensityDiagnostics,
    /// Missing where scores do without outcome predictions.
    pub outcome: Option<OutcomeDiagnostics>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PropensityDiagnostics {
    /// Where the scores come from, as a configuration spells it.
    pub source: PropensityRole,
    #[serde(flatten)]
    pub handling: Handling,
    /// Mean over units of -log of the score of the arm received.
    pub log_loss: f64,
    /// What the log loss would be if all units had the shares of the arms as their scores.
    pub log_loss_of_shares: f64,
    /// In the order of the arms.
    pub arms: Vec<ArmDiagnostics>,
}

/// What was done to scores near 0 and 1, in the order of the arms.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Handling {
    /// Scores were brought into [clip, 1 - clip]; none where they were left as they are.
    pub clip: Option<f64>,
    /// How many scores of each arm were moved.
    pub clipped: Vec<usize>,
    /// Units with a score outside [trim, 1 - trim] were left out.
    pub trim: Option<f64>,
    /// How many of them had received each arm.
    pub trimmed: Vec<usize>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArmDiagnostics {
    pub arm: String,
    /// The units that received it.
    pub received: usize,
    pub effective_size: f64,
    #[serde(flatten)]
    pub overlap: Overlap,
    pub calibration: Vec<Bin>,
}

/// The scores of an arm among all units that may get it, before trimming and clipping.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Overlap {
    pub among_all: Quantiles,
    pub among_received: Quantiles,
}

/// Where numbers lie: the smallest at or above each share of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quantiles {
    pub min: f64,
    pub p01: f64,
    pub p05: f64,
    pub median: f64,
    pub p95: f64,
    pub max: f64,
}

/// Units with predictions next to each other: what was predicted of them on average, and what happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    pub units: usize,
    pub predicted: f64,
    pub observed: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutcomeDiagnostics {
    pub model: OutcomeModel,
    /// 1 - sum_i (Y_i - mu_{i, A_i})^2 / sum_i (Y_i - mean of arm A_i)^2: below 0, the arm's mean would predict better.
    /// Missing where outcomes do not vary within arms.
    pub r_squared: Option<f64>,
    /// Mean over units of the log loss, where every outcome is 0 or 1; predictions outside [1e-6, 1 - 1e-6] count as the
    /// nearest number inside.
    pub log_loss: Option<f64>,
    /// Predictions for the arm received.
    pub calibration: Vec<Bin>,
}

impl Diagnostics {
    /// Those of the study's own scores, and of outcome predictions mu (n x K).
    pub(super) fn new(
        study: &Study,
        mu: Option<&Array2<f64>>,
        roles: &Roles,
        overlap: Vec<Overlap>,
        handling: Handling,
    ) -> Diagnostics {
        let source = roles.propensity.clone();
        Diagnostics {
            propensity: PropensityDiagnostics::new(study, source, overlap, handling),
            outcome: mu.map(|mu| OutcomeDiagnostics::new(study, mu, roles.outcome_model.clone())),
        }
    }

    /// What a person should look at before relying on the scores; nothing where all seems well.
    pub fn concerns(&self) -> Vec<String> {
        /// Below this share of the units that received an arm, a few of them decide its mean.
        const FEW: f64 = 0.25;
        /// Cross-fitted models that find nothing are this much worse than means by chance alone.
        const NOISE: f64 = 0.05;
        let of_arm = |arm: &ArmDiagnostics| {
            (arm.effective_size < FEW * arm.received as f64).then(|| {
                format!(
                    "the weights of arm {} leave {:.1} of {} units in effect; its smallest propensity is {:.2e}",
                    arm.arm, arm.effective_size, arm.received, arm.overlap.among_received.min
                )
            })
        };
        let mut concerns: Vec<String> = self.propensity.arms.iter().filter_map(of_arm).collect();
        let (loss, shares) = (self.propensity.log_loss, self.propensity.log_loss_of_shares);
        if loss > (1.0 + NOISE) * shares {
            concerns.push(format!(
                "the propensities predict the arms worse (log loss {loss:.4}) than the shares of the arms do ({shares:.4})"
            ));
        }
        let r_squared = self.outcome.as_ref().and_then(|outcome| outcome.r_squared);
        if let Some(r_squared) = r_squared.filter(|r_squared| *r_squared < -NOISE) {
            concerns.push(format!(
                "the outcome model predicts worse than the mean of each arm (R squared {r_squared:.3})"
            ));
        }
        concerns
    }
}

impl PropensityDiagnostics {
    fn new(study: &Study, source: PropensityRole, overlap: Vec<Overlap>, handling: Handling) -> Self {
        let n = study.units() as f64;
        let received = |k: usize| study.arm.iter().filter(|&&arm| arm == k).count();
        let log_loss =
            study.arm.iter().enumerate().map(|(i, &k)| -study.propensity[[i, k]].ln()).sum::<f64>() / n;
        let share = |k| received(k) as f64 / n;
        let log_loss_of_shares = (0..study.arms.len()).map(|k| -share(k) * share(k).ln()).sum();
        let arm = |(k, overlap): (usize, Overlap)| ArmDiagnostics {
            arm: study.arms[k].clone(),
            received: received(k),
            effective_size: effective_size(study, k),
            overlap,
            calibration: {
                let eligible = || (0..study.units()).filter(|&i| study.may_get(i, k));
                let scores: Vec<f64> = eligible().map(|i| study.propensity[[i, k]]).collect();
                let received: Vec<f64> = eligible().map(|i| f64::from(u8::from(study.arm[i] == k))).collect();
                calibration(&scores, &received)
            },
        };
        let arms = overlap.into_iter().enumerate().map(arm).collect();
        PropensityDiagnostics { source, handling, log_loss, log_loss_of_shares, arms }
    }
}

impl Handling {
    pub(super) fn clip(&mut self, c: f64, clipped: Vec<usize>) {
        (self.clip, self.clipped) = (Some(c), clipped);
    }

    /// Notes the units of the study that are not among those kept.
    pub(super) fn trim(&mut self, study: &Study, kept: &[usize], t: f64) {
        let count = |k: usize, arms: &mut dyn Iterator<Item = usize>| arms.filter(|&arm| arm == k).count();
        let trimmed = |k: usize| {
            count(k, &mut study.arm.iter().copied()) - count(k, &mut kept.iter().map(|&i| study.arm[i]))
        };
        (self.trim, self.trimmed) = (Some(t), (0..study.arms.len()).map(trimmed).collect());
    }

    /// What was done, in words; nothing where nothing was. The study is that of the units kept.
    pub(super) fn warnings(&self, study: &Study) -> Vec<String> {
        let of_arms = |counts: &[usize]| {
            let arms = study.arms.iter().zip(counts).filter(|(_, count)| **count > 0);
            arms.map(|(arm, count)| format!("{arm}: {count}")).collect::<Vec<_>>().join(", ")
        };
        let source = &study.source;
        let mut warnings = Vec::new();
        let (trimmed, clipped): (usize, usize) = (self.trimmed.iter().sum(), self.clipped.iter().sum());
        if let Some(t) = self.trim.filter(|_| trimmed > 0) {
            let (of, upper) = (study.units() + trimmed, 1.0 - t);
            warnings.push(format!(
                "{source}: {trimmed} of {of} units left out because a propensity lies outside [{t}, {upper}] (by arm received, {})",
                of_arms(&self.trimmed)
            ));
        }
        if let Some(c) = self.clip.filter(|_| clipped > 0) {
            let (units, upper) = (study.units(), 1.0 - c);
            warnings.push(format!(
                "{source}: propensities clipped to [{c}, {upper}] ({} of {units} units)",
                of_arms(&self.clipped)
            ));
        }
        warnings
    }
}

impl OutcomeDiagnostics {
    fn new(study: &Study, mu: &Array2<f64>, model: OutcomeModel) -> OutcomeDiagnostics {
        let predicted: Vec<f64> = study.arm.iter().enumerate().map(|(i, &k)| mu[[i, k]]).collect();
        let outcome = study.outcome.to_vec();
        let mean = |k: usize| {
            let of_arm = || study.arm.iter().zip(&outcome).filter(|(arm, _)| **arm == k);
            of_arm().map(|(_, y)| y).sum::<f64>() / of_arm().count() as f64
        };
        let means: Vec<f64> = (0..study.arms.len()).map(mean).collect();
        let squares = |predict: &dyn Fn(usize) -> f64| -> f64 {
            outcome.iter().enumerate().map(|(i, y)| (y - predict(i)).powi(2)).sum()
        };
        let (of_model, of_means) = (squares(&|i| predicted[i]), squares(&|i| means[study.arm[i]]));
        let r_squared = Some(1.0 - of_model / of_means).filter(|r| r.is_finite());
        let calibration = calibration(&predicted, &outcome);
        OutcomeDiagnostics { model, r_squared, log_loss: log_loss(&predicted, &outcome), calibration }
    }
}

/// Where the scores of each arm (K) lie.
pub(super) fn overlap(study: &Study, e: &Array2<f64>) -> Vec<Overlap> {
    let of = |k: usize, which: &dyn Fn(&usize) -> bool| {
        Quantiles::of((0..study.units()).filter(which).map(|i| e[[i, k]]).collect())
    };
    let of_arm = |k: usize| Overlap {
        among_all: of(k, &|&i| study.may_get(i, k)),
        among_received: of(k, &|&i| study.arm[i] == k),
    };
    (0..study.arms.len()).map(of_arm).collect()
}

impl Quantiles {
    /// Those of at least one number.
    fn of(mut numbers: Vec<f64>) -> Quantiles {
        numbers.sort_unstable_by(f64::total_cmp);
        let n = numbers.len();
        let at = |share: f64| numbers[((share * n as f64).ceil() as usize).clamp(1, n) - 1];
        Quantiles { min: at(0.0), p01: at(0.01), p05: at(0.05), median: at(0.5), p95: at(0.95), max: at(1.0) }
    }
}

fn effective_size(study: &Study, k: usize) -> f64 {
    let received = study.arm.iter().enumerate().filter(|(_, arm)| **arm == k);
    let weights: Vec<f64> = received.map(|(i, _)| study.weight(i) / study.propensity[[i, k]]).collect();
    // Relative to the largest, no square overflows.
    let largest = weights.iter().fold(0.0, |largest: f64, weight| largest.max(*weight));
    let sum = |power: i32| weights.iter().map(|weight| (weight / largest).powi(power)).sum::<f64>();
    sum(1).powi(2) / sum(2)
}

/// Bins of about equal size, from small to large predictions; units with the same prediction share a bin.
fn calibration(predicted: &[f64], observed: &[f64]) -> Vec<Bin> {
    let n = observed.len();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| predicted[a].total_cmp(&predicted[b]));
    let (mut bins, mut start) = (Vec::new(), 0);
    for b in 1..=BINS {
        let mut end = (b * n).div_ceil(BINS);
        while end > start && end < n && predicted[order[end]] == predicted[order[end - 1]] {
            end += 1;
        }
        if end > start {
            let units = &order[start..end];
            let mean = |sum: f64| sum / units.len() as f64;
            bins.push(Bin {
                units: units.len(),
                predicted: mean(units.iter().map(|&i| predicted[i]).sum()),
                observed: mean(units.iter().map(|&i| observed[i]).sum()),
            });
            start = end;
        }
    }
    bins
}

/// The log loss of probabilities for outcomes of 0 and 1.
fn log_loss(predicted: &[f64], outcome: &[f64]) -> Option<f64> {
    const LEAST: f64 = 1e-6;
    if outcome.iter().any(|y| *y != 0.0 && *y != 1.0) {
        return None;
    }
    let loss = |(p, y): (&f64, &f64)| {
        let p = p.clamp(LEAST, 1.0 - LEAST);
        if *y == 1.0 { -p.ln() } else { -(1.0 - p).ln() }
    };
    Some(predicted.iter().zip(outcome).map(loss).sum::<f64>() / outcome.len() as f64)
}
