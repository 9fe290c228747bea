//! Recovery of latent groups as n grows (Theorems 3.8 and 3.12), under the paper's covariate shift and a stronger one.
//!
//! ```text
//! error    || zeta_or - zeta* ||_inf      zeta_or: weighted least squares within the true groups, zeta*: the same on the population
//! share    of draws in which exactly the true groups are found
//! ```
//!
//! Theorem 3.8 has the error fall like sqrt(log n / n), Theorem 3.12 the share rise to 1. Neither asks for a right outcome model where weights
//! are right; without weights, fits within arms differ where covariates do, and the more units there are, the more groups they show.

use ndarray::{Array1, Axis};
use serde::{Deserialize, Serialize};

use super::ReproduceError;
use super::journal::{Run, seed_of};
use super::policy::Population;
use super::recipe::{Method, Posed, calibrated, groups, with_intercept};
use super::spread::{Slope, Spread};
use crate::evaluate::adjusted_rand_index;
use crate::fusion::{MainEffect, pooled_fit};
use crate::models::arm_moments::Moments;
use crate::simulate::{Design, FusedArms, GROUPS, fused_arms};

/// Methods compared.
pub const METHODS: [Method; 4] =
    [Method::Lasso, Method::WeightedLasso, Method::Partition, Method::WeightedPartition];
/// All covariates are balanced.
const BALANCED: [usize; 3] = [0, 1, 2];
/// Units on which zeta* is computed.
const POPULATION: usize = 1_000_000;

/// One size in one draw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found {
    pub units: usize,
    /// Of each method.
    pub ari: Vec<f64>,
    pub groups: Vec<usize>,
    pub error: f64,
    pub tolerance: f64,
}

/// One method at one size.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    pub method: Method,
    pub ari: Spread,
    pub groups: Spread,
    pub recovered: f64,
}

/// One size.
#[derive(Clone, Debug, Serialize)]
pub struct Size {
    pub units: usize,
    /// Of the oracle estimator.
    pub error: Spread,
    pub lines: Vec<Line>,
    /// Draws in which an arm could not be balanced exactly.
    pub approximately_balanced: usize,
}

/// Recovery at several sizes of a design.
#[derive(Clone, Debug, Serialize)]
pub struct Recovery {
    pub design: Design,
    pub replications: usize,
    pub sizes: Vec<Size>,
    /// Of the error against n.
    pub slope: Option<Slope>,
}

/// Runs the experiment at some multiples of the design's units.
///
/// # Errors
/// Of weights, fusion and the journal.
pub fn recovery(design: Design, sizes: &[f64], seed: u64, run: &Run) -> Result<Recovery, ReproduceError> {
    let limit = projections(&Population::draw(&design, POPULATION, seed)?, MainEffect::Quadratic);
    let replicate = |r: usize| {
        let at = |size: &f64| found(&Design { size: design.size * size, ..design }, &limit, seed_of(seed, r));
        sizes.iter().map(at).collect::<Result<Vec<Found>, _>>()
    };
    let draws = run.each(replicate)?;
    let summed = |k: usize| {
        let of: Vec<&Found> = draws.iter().map(|draw| &draw[k]).collect();
        let spread =
            |value: &dyn Fn(&Found) -> f64| Spread::of(&of.iter().map(|f| value(f)).collect::<Vec<_>>());
        let line = |(m, method)| Line {
            method,
            ari: spread(&|found| found.ari[m]),
            groups: spread(&|found| found.groups[m] as f64),
            recovered: spread(&|found| f64::from(u8::from(found.ari[m] == 1.0))).mean,
        };
        Size {
            units: of[0].units,
            error: spread(&|found| found.error),
            lines: METHODS.into_iter().enumerate().map(line).collect(),
            approximately_balanced: of.iter().filter(|found| found.tolerance > 0.0).count(),
        }
    };
    let sizes: Vec<Size> = (0..sizes.len()).map(summed).collect();
    let units: Vec<f64> = sizes.iter().map(|size| size.units as f64).collect();
    let errors: Vec<Spread> = sizes.iter().map(|size| size.error).collect();
    Ok(Recovery { design, replications: draws.len(), sizes, slope: Slope::of(&units, &errors) })
}

fn found(design: &Design, limit: &[Array1<f64>], seed: u64) -> Result<Found, ReproduceError> {
    let drawn = fused_arms(design, seed)?;
    let (groups, tolerance) = groups(&drawn, &BALANCED, &METHODS)?;
    Ok(Found {
        units: drawn.arm.len(),
        ari: groups.iter().map(|found| adjusted_rand_index(&found.of, &drawn.group)).collect(),
        groups: groups.iter().map(|found| found.count()).collect(),
        error: oracle_error(&drawn, limit)?,
        tolerance,
    })
}

/// || zeta_or - zeta* ||_inf.
fn oracle_error(drawn: &FusedArms, limit: &[Array1<f64>]) -> Result<f64, ReproduceError> {
    let posed = Posed::new(drawn, calibrated(drawn, &BALANCED)?.of_units, MainEffect::Quadratic);
    let p = posed.data.design.ncols();
    let off = |(b, limit): (usize, &Array1<f64>)| {
        let members = posed.moments.iter().zip(&drawn.group).filter(|(_, group)| **group == b);
        let fit = Moments::pooled(p, members.map(|(moments, _)| moments)).fit();
        (fit - limit).iter().fold(0.0, |most: f64, off| off.abs().max(most))
    };
    Ok(limit.iter().enumerate().map(off).fold(0.0, f64::max))
}

/// zeta* of each latent group: its mean less the main effect of all, projected on (1, X). Weights give every arm the population's
/// covariates, and every group has as many arms, so that the main effect is that of the plain mean over groups.
pub(super) fn projections(population: &Population, main: MainEffect) -> Vec<Array1<f64>> {
    let (x, means) = (population.x(), population.means());
    let mean = means.mean_axis(Axis(1)).expect("there are groups").to_vec();
    let effect = Array1::from(pooled_fit(main, x, &mean, &vec![1.0; mean.len()]));
    let design = with_intercept(x);
    let project = |b: usize| {
        let rest = &means.column(b) - &effect;
        let mut moments = Moments::zero(design.ncols());
        design.rows().into_iter().zip(&rest).for_each(|(row, y)| moments.read(row, *y, 1.0));
        moments.fit()
    };
    (0..GROUPS).map(project).collect()
}
