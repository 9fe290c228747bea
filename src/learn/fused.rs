//! Arms fused before anything is learned of them: weights, main effect and groups of some units (fusion.txt, Algorithm 1), for the
//! scores, the rule and the value of groups (Algorithm 2).
//!
//! The first round balances every arm by itself. A further one takes the groups found before as arms: weights that balance each group, summing
//! to the number of its arms, and a main effect by these; then the arms are fused again. So small arms borrow from those that they were fused
//! with, as section 5 suggests. Rounds end where groups stay the same.

use std::collections::BTreeMap;

use ndarray::Array1;
use prescribe_models::calibration::Discrepancy;

use super::scored::{positions, score};
use super::{ArmBalance, By, Config, Fusing, FusionReport, GroupOfArms, LearnError, Weigh};
use crate::balance::{self, BalanceError, calibrate};
use crate::data::{Choose, Study, Term, terms};
use crate::fusion::{self, Choice, Criteria, Kind, Penalty, Weighting, fuse};
use crate::solve::registry::AUTO;
use crate::solve::{Options, Silent};

/// Up to so many arms the best groups are proved at once; beyond, they are a heuristic's, which `prescribe fuse` can be given time to bound.
const AT_ONCE: usize = 16;

/// Fuses the arms of `study`, which has all the covariates that serve scores.
///
/// # Errors
/// An arm or a group that cannot be balanced; as [`fuse`]; as scores, where the best member of a group is asked for.
pub(super) fn fused(study: &Study, fusing: &Fusing, config: &Config) -> Result<FusionReport, LearnError> {
    let seed = config.solve.random_seed;
    let arms = study.arms.len();
    let seen = study.over(&positions(study, "--fuse-covariates", &fusing.fuse_covariates)?);
    let (first, balance) = weights(study, fusing, &study.arm, &study.arms)?;
    let mut found = round(&seen, fusing, first, seed)?;
    let (mut rounds, mut settled) = (1, false);
    while rounds <= fusing.iterate && !settled {
        let groups: Vec<usize> = study.arm.iter().map(|&a| found.of[a]).collect();
        let labels: Vec<String> = names(study, &found.of);
        let (mut weights, _) = weights(study, fusing, &groups, &labels)?;
        let mut sizes = vec![0.0; labels.len()];
        (0..arms).for_each(|a| sizes[found.of[a]] += 1.0);
        if fusing.weigh != Weigh::None {
            weights.iter_mut().zip(&groups).for_each(|(w, &g)| *w *= sizes[g]);
        }
        let next = round(&seen, fusing, weights, seed)?;
        settled = next.of == found.of;
        (found, rounds) = (next, rounds + 1);
    }
    let preference = preference(study, fusing.choose, config)?;
    let groups = names(study, &found.of).into_iter().enumerate().map(|(g, group)| {
        let mut members: Vec<usize> = (0..arms).filter(|&a| found.of[a] == g).collect();
        members.sort_by(|&a, &b| preference[b].total_cmp(&preference[a]));
        let units = study.arm.iter().filter(|&&a| found.of[a] == g).count();
        GroupOfArms { group, members: members.into_iter().map(|a| study.arms[a].clone()).collect(), units }
    });
    Ok(FusionReport {
        units: study.units(),
        groups: groups.collect(),
        penalty: fusing.penalty,
        by: fusing.by,
        main_effect: fusing.main_effect,
        weigh: fusing.weigh,
        proved: found.proved,
        ebic: found.criteria.ebic,
        bic: found.criteria.bic,
        rss: found.criteria.rss,
        rounds,
        settled,
        balance,
        warnings: found.warnings,
    })
}

/// Groups of arms, and what criteria say of them.
struct Round {
    /// The group of each arm, groups numbered by their first arm.
    of: Vec<usize>,
    proved: bool,
    criteria: Criteria,
    warnings: Vec<String>,
}

/// Weights that sum to 1 in each arm of `arm` (n), or to the number of arms over all units.
fn weights(
    study: &Study,
    fusing: &Fusing,
    arm: &[usize],
    arms: &[String],
) -> Result<(Vec<f64>, Vec<ArmBalance>), LearnError> {
    let n = study.units();
    let base = study.weights.clone().unwrap_or_else(|| Array1::ones(n));
    let Weigh::Balance(discrepancy) = fusing.weigh else {
        let each = study.arms.len() as f64 / base.sum();
        return Ok((base.iter().map(|weight| each * weight).collect(), Vec::new()));
    };
    let weighing = study.over(&positions(study, "--weigh-covariates", &fusing.weigh_covariates)?);
    let columns: Vec<String> = terms(&weighing.covariates, &weighing.x).iter().map(Term::name).collect();
    let z = weighing.design();
    let settings = balance::Settings {
        discrepancy,
        target: Some(z.t().dot(&base) / base.sum()),
        tolerance: Some(Array1::from_elem(columns.len(), fusing.weigh_tolerance)),
        base: Some(base),
        // Sums of squares with weights below 0 are no loss.
        lower: (discrepancy == Discrepancy::QUADRATIC).then_some(0.0),
        features: columns,
        arms: arms.to_vec(),
        ..balance::Settings::default()
    };
    let found = calibrate(&z, arm, arms.len(), &settings).map_err(unbalanced)?;
    let row = |of: balance::ArmWeights| ArmBalance {
        arm: of.arm,
        units: of.units,
        effective_sample_size: of.effective_sample_size,
        max_balance_residual: of.max_balance_residual,
    };
    Ok((found.weights.to_vec(), found.arms.into_iter().map(row).collect()))
}

/// The same error, with the flags that `learn` has.
fn unbalanced(error: BalanceError) -> LearnError {
    match error {
        BalanceError::Infeasible { cell, units, combination, shortfall, tolerance, .. } => {
            LearnError::Unbalanced { arm: cell.arm, units, combination, shortfall, tolerance }
        }
        BalanceError::Numerical { cell, reason } => LearnError::NoWeights { arm: cell.arm, reason },
        error => LearnError::Balance(error),
    }
}

/// Groups by these weights.
fn round(study: &Study, fusing: &Fusing, weights: Vec<f64>, seed: u64) -> Result<Round, LearnError> {
    let quick = fusing.penalty == Penalty::L0 && study.arms.len() > AT_ONCE;
    let settings = fusion::Settings {
        weighting: Weighting::AsGiven(weights),
        main_effect: fusing.main_effect,
        penalty: fusing.penalty,
        choice: match fusing.by {
            By::Criterion(criterion) => Choice::Criterion(criterion),
            By::Groups(count) => Choice::Groups(count),
        },
        solver: if quick { "merging" } else { AUTO }.into(),
        options: Options { random_seed: seed, ..Options::default() },
        ..fusion::Settings::default()
    };
    let found = fuse(study, &settings, &Silent)?;
    let group_of: BTreeMap<&String, usize> =
        found.groups.iter().enumerate().flat_map(|(g, arms)| arms.iter().map(move |arm| (arm, g))).collect();
    Ok(Round {
        of: study.arms.iter().map(|arm| group_of[arm]).collect(),
        proved: match found.kind {
            Kind::Partition { proved } => proved,
            Kind::Drawn { .. } => false,
        },
        criteria: found.criteria,
        warnings: found.warnings,
    })
}

/// What groups are called: a single arm as it is, several `group` and their number.
fn names(study: &Study, of: &[usize]) -> Vec<String> {
    let count = of.iter().max().map_or(0, |most| most + 1);
    let name = |g: usize| {
        let members: Vec<usize> = (0..of.len()).filter(|&a| of[a] == g).collect();
        if let [only] = members.as_slice() {
            return study.arms[*only].clone();
        }
        let mut name = format!("group {}", g + 1);
        while study.arms.contains(&name) {
            name.push('\'');
        }
        name
    };
    (0..count).map(name).collect()
}

/// How much each arm (K) is preferred to others of its group; the same for all where chance decides.
fn preference(study: &Study, choose: Choose, config: &Config) -> Result<Vec<f64>, LearnError> {
    Ok(match choose {
        Choose::Random => vec![0.0; study.arms.len()],
        Choose::Cheapest => study.costs.columns().into_iter().map(|costs| -costs.sum()).collect(),
        Choose::Best => {
            let scored = score(study.clone(), &config.scoring, config.solve.random_seed)?;
            scored.rewards.columns().into_iter().map(|rewards| rewards.sum()).collect()
        }
    })
}
