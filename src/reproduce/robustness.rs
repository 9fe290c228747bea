//! The two-by-two of Assumption 3.3: fits within arms are biased only where weights and outcome model are both wrong.
//!
//! ```text
//! bias^2   mean over arms and coefficients of  (mean over draws of zeta_a - zeta*_b(a))^2,  less what noise adds to it
//! ```
//!
//! | | right | wrong |
//! |---|---|---|
//! | weights | balance X1, X2, X3 | balance X2 and X3 (as in appendix B.2), or none |
//! | outcome model (1, X) | linear means | exponential means |
//!
//! under the stronger covariate shift; zeta* is the projection of a group's mean on (1, X) over the population.

use ndarray::Array1;
use serde::{Deserialize, Serialize};

use super::ReproduceError;
use super::journal::{Run, seed_of};
use super::policy::Population;
use super::recipe::{Posed, calibrated, equal};
use super::recovery::projections;
use super::spread::Spread;
use crate::evaluate::adjusted_rand_index;
use crate::fusion::MainEffect;
use crate::models::arm_moments::Moments;
use crate::simulate::{Design, Means, fused_arms};

/// Units on which zeta* is computed.
const POPULATION: usize = 1_000_000;

/// What weights balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Weighting {
    All,
    WithoutFirst,
    None,
}

/// One cell of the table.
#[derive(Clone, Debug, Serialize)]
pub struct Cell {
    pub weighting: Weighting,
    pub means: Means,
    pub weights_right: bool,
    pub outcome_right: bool,
    /// Root mean square over arms and coefficients, what noise adds taken off.
    pub bias: f64,
    /// What noise adds: the root mean square standard error of the means over draws.
    pub noise: f64,
    /// Of exact fusion.
    pub ari: Spread,
}

/// The table.
#[derive(Clone, Debug, Serialize)]
pub struct Robustness {
    pub units: usize,
    pub replications: usize,
    pub cells: Vec<Cell>,
}

/// One cell in one draw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Draw {
    /// zeta_a - zeta* (K p numbers).
    off: Vec<f64>,
    ari: f64,
}

/// Runs the experiment.
///
/// # Errors
/// Of weights, fusion and the journal.
pub fn robustness(size: f64, seed: u64, run: &Run) -> Result<Robustness, ReproduceError> {
    let design = |means| Design { means, size, ..Design::shifted() };
    let mut cells = Vec::new();
    for means in [Means::Linear, Means::Exponential] {
        let limit = projections(&Population::draw(&design(means), POPULATION, seed)?, MainEffect::None);
        cells.extend(
            [Weighting::All, Weighting::WithoutFirst, Weighting::None].map(|w| (w, means, limit.clone())),
        );
    }
    let replicate = |r: usize| {
        let one = |(weighting, means, limit): &(Weighting, Means, Vec<Array1<f64>>)| {
            draw(&design(*means), *weighting, limit, seed_of(seed, r))
        };
        cells.iter().map(one).collect::<Result<Vec<Draw>, _>>()
    };
    let draws = run.each(replicate)?;
    let cell = |(k, (weighting, means, _)): (usize, &(Weighting, Means, _))| {
        let of: Vec<&Draw> = draws.iter().map(|draw| &draw[k]).collect();
        let coefficients = of[0].off.len();
        let spreads: Vec<Spread> = (0..coefficients)
            .map(|j| Spread::of(&of.iter().map(|draw| draw.off[j]).collect::<Vec<_>>()))
            .collect();
        let mean = |value: fn(&Spread) -> f64| spreads.iter().map(value).sum::<f64>() / coefficients as f64;
        let noise = mean(|spread| spread.standard_error.powi(2));
        Cell {
            weighting: *weighting,
            means: *means,
            weights_right: *weighting == Weighting::All,
            outcome_right: *means == Means::Linear,
            bias: (mean(|spread| spread.mean.powi(2)) - noise).max(0.0).sqrt(),
            noise: noise.sqrt(),
            ari: Spread::of(&of.iter().map(|draw| draw.ari).collect::<Vec<_>>()),
        }
    };
    let units = (0..16).map(|a| design(Means::Linear).units(a)).sum();
    Ok(Robustness { units, replications: draws.len(), cells: cells.iter().enumerate().map(cell).collect() })
}

fn draw(
    design: &Design,
    weighting: Weighting,
    limit: &[Array1<f64>],
    seed: u64,
) -> Result<Draw, ReproduceError> {
    let drawn = fused_arms(design, seed)?;
    let weights = match weighting {
        Weighting::All => calibrated(&drawn, &[0, 1, 2])?.of_units,
        Weighting::WithoutFirst => calibrated(&drawn, &[1, 2])?.of_units,
        Weighting::None => equal(&drawn),
    };
    let posed = Posed::new(&drawn, weights, MainEffect::None);
    let off = |(moments, group): (&Moments, &usize)| (moments.fit() - &limit[*group]).to_vec();
    let groups = posed.partition()?;
    Ok(Draw {
        off: posed.moments.iter().zip(&drawn.group).flat_map(off).collect(),
        ari: adjusted_rand_index(&groups.of, &drawn.group),
    })
}
