//! The coefficients along a grid of lambda.

use ndarray::Array2;
use prescribe_models::InvalidModel;
use prescribe_models::arm_moments::Moments;
use prescribe_models::concave_fusion::{Concave, ConcaveFusion};
use prescribe_models::exact::sha256;
use prescribe_models::fused_lasso::FusedLasso;

use super::kept::PathKeeper;
use super::{Groups, Penalty, criteria};
use crate::solve::admm::{Checkpoint, Goal, Sweeps, iterate_kept};
use crate::solve::{Admm, Observer, Options, SolveError, Watch, solve};

/// Residuals at which a step of the path is done: groups need coefficients to about 1e-4.
const RESIDUAL: f64 = 1e-6;

/// What is to be computed.
#[derive(Clone, Debug)]
pub struct PathSettings {
    pub penalty: Penalty,
    /// From small to large.
    pub lambdas: Vec<f64>,
    /// Arms nearer than this are one group.
    pub threshold: f64,
    /// The number of units n, for the criteria.
    pub units: usize,
}

/// One lambda.
#[derive(Clone, Debug)]
pub struct Step {
    pub lambda: f64,
    /// (K x p)
    pub coefficients: Array2<f64>,
    pub groups: Groups,
    /// Of the refitted groups.
    pub rss: f64,
    pub ebic: f64,
    pub bic: f64,
}

/// `n` numbers from `low` to `high`, equally far apart on the logarithmic scale.
pub fn grid(low: f64, high: f64, n: usize) -> Vec<f64> {
    let last = n.saturating_sub(1).max(1) as f64;
    (0..n).map(|i| low * (high / low).powf(i as f64 / last)).collect()
}

/// The path: convex penalties from each answer to the next, concave ones from fused arms at each lambda, because what they
/// find from the arms' own fits leaves those where they are. Stops early, with the steps so far, where the observer says so.
///
/// # Errors
/// Kind of the solver; sums that are no problem, as [`FusedLasso::new`].
pub fn path(
    moments: &[Moments],
    pair_weights: &[f64],
    settings: &PathSettings,
    observer: &dyn Observer,
) -> Result<Vec<Step>, SolveError> {
    path_kept(moments, pair_weights, settings, None, observer)
}

/// As [`path`], going on where a checkpoint of the same path stands, and leaving one behind where the observer says stop: what is
/// computed in two runs is what one would have computed.
///
/// # Errors
/// As [`path`]; a checkpoint that cannot be read or written, or that belongs to another path.
pub fn path_kept(
    moments: &[Moments],
    pair_weights: &[f64],
    settings: &PathSettings,
    checkpoint: Option<&Checkpoint>,
    observer: &dyn Observer,
) -> Result<Vec<Step>, SolveError> {
    let watch = Watch::start(None, observer);
    let (mut keeper, resumed) = PathKeeper::open(checkpoint, name(moments, pair_weights, settings))?;
    let mut sweeps = None;
    let mut steps: Vec<Step> = Vec::with_capacity(settings.lambdas.len());
    let before = |steps: &[Step]| steps.iter().map(|step| step.coefficients.clone()).collect();
    for (j, &lambda) in settings.lambdas.iter().enumerate() {
        if watch.stop().is_some() {
            break;
        }
        let coefficients =
            match (resumed.done.get(j), Problem::new(moments, pair_weights, settings.penalty, lambda)?) {
                (Some(done), _) => done.clone(),
                (None, Problem::Convex(model)) => {
                    let mut from = sweeps.take().unwrap_or_else(|| Sweeps::new(moments));
                    from.limit(model.limits());
                    let keep = keeper.within(|| before(&steps), j == resumed.done.len());
                    let (at, reached) =
                        iterate_kept(&model, from, Goal::Residual(RESIDUAL), &watch, keep.as_ref())?;
                    sweeps = Some(at);
                    reached.zeta
                }
                (None, Problem::Concave(model)) => {
                    let report = solve(&model, &Admm, None, &Options::default(), observer)?;
                    keeper.between(|| before(&steps), None, watch.stop().is_some())?;
                    report.point.ok_or_else(|| InvalidModel("no coefficients were found".into()))?
                }
            };
        let groups = Groups::within(&coefficients, settings.threshold);
        let found = criteria(moments, &groups, settings.units);
        steps.push(Step { lambda, coefficients, groups, rss: found.rss, ebic: found.ebic, bic: found.bic });
        watch.tell("path", None, None, steps.len() as u64);
    }
    Ok(steps)
}

/// What tells a path from others: its data, penalty and lambdas.
fn name(moments: &[Moments], pair_weights: &[f64], settings: &PathSettings) -> String {
    let numbers = moments.iter().flat_map(|arm| arm.gram.iter().chain(&arm.cross).chain([&arm.square]));
    let bytes: Vec<u8> = numbers
        .chain(pair_weights)
        .chain(&settings.lambdas)
        .flat_map(|number| number.to_le_bytes())
        .chain(format!("{:?}", settings.penalty).into_bytes())
        .collect();
    sha256([bytes.as_slice()])
}

/// The model behind a penalty at one lambda.
#[derive(Clone, Debug)]
pub enum Problem {
    Convex(FusedLasso),
    Concave(ConcaveFusion),
}

impl Problem {
    /// # Errors
    /// As [`FusedLasso::new`]; a penalty that counts groups has no such model.
    pub fn new(
        moments: &[Moments],
        pair_weights: &[f64],
        penalty: Penalty,
        lambda: f64,
    ) -> Result<Problem, InvalidModel> {
        let concave = |shape| {
            ConcaveFusion::new(moments.to_vec(), shape, lambda, pair_weights.to_vec()).map(Problem::Concave)
        };
        match penalty {
            Penalty::L0 => {
                Err(InvalidModel("the number of groups is no penalty along a path of lambda".into()))
            }
            Penalty::Lasso | Penalty::Adaptive | Penalty::Wald => {
                let limits = pair_weights.iter().map(|weight| lambda * weight).collect();
                FusedLasso::new(moments.to_vec(), limits).map(Problem::Convex)
            }
            Penalty::Mcp => concave(Concave::Mcp),
            Penalty::Scad => concave(Concave::Scad),
            Penalty::Tlp => concave(Concave::Tlp),
        }
    }
}
