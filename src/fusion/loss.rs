//! Fusion under another loss than squares: binary outcomes, and outcomes with outliers.
//!
//! ```text
//! M0       = f'(1, X, ..),   f = argmin sum_i w_i l(Y_i, f'(1, X_i, ..))          pooled over arms; log odds if l is logistic
//! b_a      = argmin_b  L_a(b) + b'R_a b / 2                                      R_a = Hess L_a(0) / n_a if l is logistic, 0 otherwise
//! V_a      = H_a^+ (sum w_i^2 l'_i^2 D_i D_i') H_a^+                              H_a = Hess L_a(b_a) + R_a; for Wald weights
//!
//! BIC      = n_e (2 L / K) + p M log n        logistic                           L = sum over groups g of min_b L_g(b), refitted
//! BIC      = n log(2 L / K) + p M log n       squared, Huber                      n_e = sum_a (sum w_i)^2 / sum w_i^2
//! EBIC     = BIC + 2 log C(K p, p M)
//! ```
//!
//! for weights that sum to 1 in each arm, so that L / K is the mean loss of a unit. Twice the negative log-likelihood of n normal
//! outcomes with unknown variance is n log(2 L / K) up to a constant, and that is the criterion of squares; Huber's loss takes the squares' place in it
//! (Machado 1993). A binary outcome has no variance of its own: its log-likelihood is known with its unit, and weights count as the
//! effective number of units. R_a is the information of one unit: an arm whose outcomes a plane separates has no fit without it.
//! Source: fusion.txt, sections 2.3 and 3, whose squares these are.

use ndarray::{Array1, Array2};
use prescribe_models::arm_moments::{Moments, solve_semidefinite};
use prescribe_models::fused_loss::FusedLoss;
use prescribe_models::outcome_loss::{Loss, Units};
use prescribe_models::{InvalidModel, Model};

use super::criteria::ln_choose;
use super::kept::PathKeeper;
use super::main_effect::terms;
use super::pairs::{PairFits, by_fits};
use super::scale::per_free_unit;
use super::{
    Criteria, FusionError, Groups, MainEffect, PathSettings, Penalty, Scale, Settings, Step, main_effect,
};
use crate::data::{Place, Problem, Study};
use crate::solve::admm::{Checkpoint, Goal, Standing, iterate_loss};
use crate::solve::loss_fit::{Added, Fit, fit};
use crate::solve::{Observer, SolveError, Watch};

/// Residuals at which a step of the path is done: groups need coefficients to about 1e-4.
const RESIDUAL: f64 = 1e-6;
/// Shares nearer to 0 or 1 are taken for it.
const LEAST_SHARE: f64 = 0.01;

/// The strengths and distances that fit: those of the residual deviation, with twice the loss of the arms' own fits for squares; as they are for
/// log odds, which have a unit of their own.
pub fn loss_scale(arms: &[Units], loss: Loss) -> Scale {
    let (k, p) = (arms.len(), arms[0].design.ncols());
    let n = arms.iter().map(|arm| arm.outcome.len()).sum();
    let zero = Array1::zeros(p);
    let mean = |of: &dyn Fn(&Units) -> f64| 2.0 * arms.iter().map(of).sum::<f64>() / k as f64;
    match loss {
        Loss::Logistic => Scale::UNIT,
        _ => {
            let spent = mean(&|arm| fit(arm, loss, Added::default(), &zero).value);
            let around_fits = per_free_unit(n, k * p).map(|factor| spent * factor);
            Scale::of_variances(around_fits, mean(&|arm| arm.loss(loss, &zero)))
        }
    }
}

/// M0 of each unit of a study (n) on the link scale; of a forest, the log odds of the shares that it predicts, kept off 0 and 1.
///
/// # Errors
/// An outcome that the loss does not take; as [`pooled_loss_fit`]; of a forest, an arm with fewer units than there are folds.
pub(super) fn loss_main_effect(
    study: &Study,
    features: &Array2<f64>,
    weights: &[f64],
    settings: &Settings,
) -> Result<Vec<f64>, FusionError> {
    let loss = settings.loss;
    if let Some(i) = (0..study.units()).find(|&i| !loss.takes(study.outcome[i])) {
        let (value, row) = (study.outcome[i], study.rows[i] + 1);
        return Err(Place::file(&study.source).refuse(Problem::OutcomeOfLogisticLoss { value, row }).into());
    }
    if settings.main_effect != MainEffect::Forest {
        let outcome = study.outcome.to_vec();
        return Ok(pooled_loss_fit(settings.main_effect, features, &outcome, weights, loss)
            .map_err(SolveError::from)?);
    }
    let predicted = main_effect(MainEffect::Forest, study, features, weights, settings.options.random_seed)?;
    let log_odds = |p: f64| {
        let p = p.clamp(LEAST_SHARE, 1.0 - LEAST_SHARE);
        (p / (1.0 - p)).ln()
    };
    Ok(match loss {
        Loss::Logistic => predicted.into_iter().map(log_odds).collect(),
        _ => predicted,
    })
}

/// M0 of each unit (n) on the link scale, pooled over all arms; 0 for what is no regression.
///
/// # Errors
/// Where a plane separates the outcomes 0 and 1 of all arms together.
pub fn pooled_loss_fit(
    kind: MainEffect,
    features: &Array2<f64>,
    outcome: &[f64],
    weights: &[f64],
    loss: Loss,
) -> Result<Vec<f64>, InvalidModel> {
    let n = outcome.len();
    let design = match kind {
        MainEffect::None | MainEffect::Forest => return Ok(vec![0.0; n]),
        MainEffect::Linear => terms(features, false),
        MainEffect::Quadratic => terms(features, true),
    };
    let start = Array1::zeros(design.ncols());
    let units = Units { design, outcome: outcome.to_vec(), offset: vec![0.0; n], weights: weights.to_vec() };
    let fit = fit(&units, loss, Added::default(), &start);
    if !fit.settled {
        return Err(InvalidModel(
            "the covariates separate the outcomes 0 and 1 of all arms together, so that no main effect is best; choose the main effect linear or none, or leave out a covariate".into(),
        ));
    }
    Ok(units.design.dot(&fit.coefficients).to_vec())
}

/// T_ab of each pair, as [`pair_weights`](super::pair_weights), from the arms' own fits under the loss.
pub fn loss_pair_weights(penalty: Penalty, arms: &[Units], loss: Loss) -> Vec<f64> {
    let own = |arm: &Units| {
        let zero = Array1::zeros(arm.design.ncols());
        let ridge = (loss == Loss::Logistic).then(|| arm.local(loss, &zero, 0.0).hessian / effective(arm));
        let fit = fit(arm, loss, Added { tilt: None, ridge: ridge.as_ref() }, &zero);
        let variance = variance(arm, loss, &fit.coefficients, ridge);
        (fit.coefficients, variance)
    };
    let (coefficients, variances) = arms.iter().map(own).unzip();
    by_fits(penalty, &PairFits { coefficients, variances, unit: loss_scale(arms, loss).unit() })
}

/// V_a.
fn variance(arm: &Units, loss: Loss, b: &Array1<f64>, ridge: Option<Array2<f64>>) -> Array2<f64> {
    let mut bread = arm.local(loss, b, 0.0).hessian;
    ridge.iter().for_each(|ridge| bread += ridge);
    let fitted = arm.design.dot(b);
    let mut middle = Moments::zero(b.len());
    for (i, row) in arm.design.rows().into_iter().enumerate() {
        let slope = arm.weights[i] * loss.slopes(arm.outcome[i], arm.offset[i] + fitted[i]).0;
        middle.read(row, 0.0, slope * slope);
    }
    let solve = |matrix: &Array2<f64>| {
        let mut solved = Array2::zeros(matrix.dim());
        for (mut column, of) in solved.columns_mut().into_iter().zip(matrix.columns()) {
            column.assign(&solve_semidefinite(&bread, &of.to_owned()));
        }
        solved
    };
    solve(&solve(&middle.gram).t().to_owned())
}

/// (sum w)^2 / sum w^2.
fn effective(arm: &Units) -> f64 {
    let (sum, squares) = arm.weights.iter().fold((0.0, 0.0), |(sum, squares), w| (sum + w, squares + w * w));
    if squares > 0.0 { sum * sum / squares } else { 1.0 }
}

/// Refits the groups, over `units` units in all; `rss` is twice the loss: the deviance of a binary outcome.
///
/// # Errors
/// Arms of different width.
pub fn loss_criteria(
    arms: &[Units],
    loss: Loss,
    groups: &Groups,
    units: usize,
) -> Result<Criteria, InvalidModel> {
    let p = arms[0].design.ncols() as f64;
    let (k, m, n) = (arms.len() as f64, groups.count() as f64, units as f64);
    let mut total = 0.0;
    for members in groups.members() {
        total += 2.0 * group_fit(arms, loss, &members)?.value;
    }
    let mean = total / k;
    let likelihood = match loss {
        Loss::Logistic => arms.iter().map(effective).sum::<f64>() * mean,
        // A perfect fit is the best there is, and still a number.
        Loss::Squared | Loss::Huber(_) => n * mean.max(f64::MIN_POSITIVE).ln(),
    };
    let bic = likelihood + p * m * n.ln();
    Ok(Criteria { rss: total, bic, ebic: bic + 2.0 * ln_choose(k * p, p * m) })
}

/// The fit that some arms share.
///
/// # Errors
/// Arms of different width.
pub fn group_fit(arms: &[Units], loss: Loss, members: &[usize]) -> Result<Fit, InvalidModel> {
    let of: Vec<&Units> = members.iter().map(|&a| &arms[a]).collect();
    let together = Units::pooled(&of).ok_or_else(|| InvalidModel("arms of different width".into()))?;
    Ok(fit(&together, loss, Added::default(), &Array1::zeros(together.design.ncols())))
}

/// The model at one lambda.
///
/// # Errors
/// As [`FusedLoss::new`]; a penalty that is not convex.
pub fn loss_problem(
    arms: &[Units],
    loss: Loss,
    pair_weights: &[f64],
    penalty: Penalty,
    lambda: f64,
) -> Result<FusedLoss, InvalidModel> {
    if !matches!(penalty, Penalty::Lasso | Penalty::Adaptive | Penalty::Wald) {
        return Err(InvalidModel(format!(
            "a {loss:?} loss has no {penalty:?} penalty; choose lasso, adaptive or wald, or the squared loss"
        )));
    }
    FusedLoss::new(arms.to_vec(), loss, pair_weights.iter().map(|weight| lambda * weight).collect())
}

/// The path under the loss, each answer the start of the next, from arms that share one fit down: `lambdas` are computed from the largest,
/// where coefficients exist even for arms whose own outcomes are separated, and returned in their order. Where the observer says stop, those
/// that were reached. A checkpoint works as for [`path_kept`](super::path_kept).
///
/// # Errors
/// As [`loss_problem`]; of the checkpoint; outcomes of all arms together that a plane separates.
pub fn loss_path(
    arms: &[Units],
    loss: Loss,
    pair_weights: &[f64],
    settings: &PathSettings,
    checkpoint: Option<&Checkpoint>,
    observer: &dyn Observer,
) -> Result<Vec<Step>, SolveError> {
    let watch = Watch::start(None, observer);
    let all = loss_problem(arms, loss, pair_weights, settings.penalty, 1.0)?.model_hash();
    let (mut keeper, mut resumed) = PathKeeper::open(checkpoint, format!("{all} {:?}", settings.lambdas))?;
    let (mut standing, mut steps) = (None, Vec::<Step>::with_capacity(settings.lambdas.len()));
    for (j, &lambda) in settings.lambdas.iter().rev().enumerate() {
        if watch.stop().is_some() {
            break;
        }
        let coefficients = match resumed.done.get(j) {
            Some(done) => done.clone(),
            None => {
                let model = loss_problem(arms, loss, pair_weights, settings.penalty, lambda)?;
                let left = resumed.start.take().and_then(|start| Standing::restored(&model, start));
                let from = match standing.take().or(left) {
                    Some(from) => from,
                    None => Standing::new(&model, None)?,
                };
                let start = checkpoint.map(|_| from.saved());
                let (at, reached) = iterate_loss(&model, from, Goal::Residual(RESIDUAL), &watch)?;
                let before = || steps.iter().map(|step| step.coefficients.clone()).collect();
                keeper.between(before, start, watch.stop().is_some())?;
                standing = Some(at);
                reached.zeta
            }
        };
        let groups = Groups::within(&coefficients, settings.threshold);
        let Criteria { rss, ebic, bic } = loss_criteria(arms, loss, &groups, settings.units)?;
        steps.push(Step { lambda, coefficients, groups, rss, ebic, bic });
        watch.tell("path", None, None, steps.len() as u64);
    }
    steps.reverse();
    Ok(steps)
}
