//! What a learned tree loses against the best tree of its depth (Propositions 3.17 and 3.18).
//!
//! ```text
//! regret   V(best tree of depth D) - V(tree learned from n units over M groups)
//! bound    ~ ( sqrt((2^D - 1) log p + 2^D log M) + 4/3 D^(1/4) sqrt(2^D - 1) ) sqrt(V* / n)
//! ```
//!
//! On linear means with noise of standard deviation 3, where linear outcome models and a logit of the groups meet Assumption 3.13. The groups
//! are the true ones, the first M of them. Thresholds are quantiles; the best tree is that of the means themselves on a large population.

use ndarray::{Array2, s};
use prescribe_models::policy_problem::RuleClass;
use prescribe_models::tree_rule::{Candidates, Tree, TreeProblem};
use serde::{Deserialize, Serialize};

use super::ReproduceError;
use super::journal::{Run, seed_of};
use super::policy::{GroupTree, Learning, Population, proved};
use super::spread::{Slope, Spread};
use crate::data::OutcomeModel;
use crate::fusion::Groups;
use crate::simulate::{Design, FusedArms, fused_arms};

/// Thresholds of every tree.
const CANDIDATES: Candidates = Candidates::Quantiles(15);
/// Units on which values are taken, and those of them that the best tree is searched on.
const POPULATION: usize = 200_000;
const SEARCHED: usize = 20_000;
/// Depth at most, and numbers of groups.
const DEPTHS: [usize; 3] = [1, 2, 3];
const GROUPS: [usize; 3] = [2, 3, 4];

/// Trees of one depth over so many groups.
#[derive(Clone, Debug, Serialize)]
pub struct Curve {
    pub depth: usize,
    pub groups: usize,
    /// Of the best tree.
    pub best: f64,
    /// n, and what is lost.
    pub points: Vec<(usize, Spread)>,
    pub slope: Option<Slope>,
    /// The bound at n = 1 and V* = 1.
    pub complexity: f64,
}

/// All of them.
#[derive(Clone, Debug, Serialize)]
pub struct Regret {
    pub replications: usize,
    pub curves: Vec<Curve>,
}

/// One tree in one draw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Tried {
    units: usize,
    value: f64,
}

/// Runs the experiment at some multiples of the design's units.
///
/// # Errors
/// Of nuisances, trees and the journal.
pub fn regret(sizes: &[f64], seed: u64, run: &Run) -> Result<Regret, ReproduceError> {
    let population = Population::draw(&Design::linear(), POPULATION, seed)?;
    let shapes = GROUPS.iter().flat_map(|&groups| DEPTHS.map(|depth| (depth, groups)));
    let shapes: Vec<(usize, usize)> = shapes.collect();
    let best = shapes.iter().map(|&(depth, groups)| best(&population, depth, groups));
    let best: Vec<f64> = best.collect::<Result<_, _>>()?;
    let replicate = |r: usize| {
        let cells = shapes.iter().flat_map(|&shape| sizes.iter().map(move |&size| (shape, size)));
        let one = |((depth, groups), size)| tried(&population, depth, groups, size, seed_of(seed, r));
        cells.map(one).collect::<Result<Vec<Tried>, ReproduceError>>()
    };
    let draws = run.each(replicate)?;
    let curve = |(k, (&(depth, groups), &best)): (usize, (&(usize, usize), &f64))| {
        let point = |j: usize| {
            let of: Vec<&Tried> = draws.iter().map(|draw| &draw[k * sizes.len() + j]).collect();
            let lost: Vec<f64> = of.iter().map(|tried| best - tried.value).collect();
            (of[0].units, Spread::of(&lost))
        };
        let points: Vec<(usize, Spread)> = (0..sizes.len()).map(point).collect();
        let units: Vec<f64> = points.iter().map(|(units, _)| *units as f64).collect();
        let lost: Vec<Spread> = points.iter().map(|(_, lost)| *lost).collect();
        let slope = Slope::of(&units, &lost);
        Curve {
            depth,
            groups,
            best,
            points,
            slope,
            complexity: complexity(depth, groups, population.x().ncols()),
        }
    };
    let curves = shapes.iter().zip(&best).enumerate().map(curve).collect();
    Ok(Regret { replications: draws.len(), curves })
}

/// The value of the best tree over the first groups.
fn best(population: &Population, depth: usize, groups: usize) -> Result<f64, ReproduceError> {
    let x = population.x().slice(s![..SEARCHED, ..]).to_owned();
    let means: Array2<f64> = population.means().slice(s![..SEARCHED, ..groups]).to_owned();
    let names = |prefix: &str, count: usize| (1..=count).map(|j| format!("{prefix}{j}")).collect();
    let class = Tree::over(&x, depth, CANDIDATES);
    let problem = TreeProblem::new(class, names("X", x.ncols()), names("group ", groups), x, means)?;
    let rule = proved(&problem)?;
    let latent: Vec<usize> = (0..groups).collect();
    let of = Groups { of: latent.clone() };
    Ok(population.value(&of, &latent, |x| problem.class.assign(&rule, x)))
}

/// A tree from `size` times the units of the design in its first groups, as many for every number of groups.
fn tried(
    population: &Population,
    depth: usize,
    groups: usize,
    size: f64,
    seed: u64,
) -> Result<Tried, ReproduceError> {
    let size = size * crate::simulate::GROUPS as f64 / groups as f64;
    let drawn = first_groups(fused_arms(&Design { size, ..Design::linear() }, seed)?, groups);
    let how = Learning { depth, candidates: CANDIDATES, outcome_model: OutcomeModel::Linear, seed };
    let of = Groups { of: drawn.group.clone() };
    let tree = GroupTree::learn(&drawn, &of, &how)?;
    let value = population.value(&of, &drawn.group, |x| tree.assign(x));
    Ok(Tried { units: drawn.arm.len(), value })
}

/// The arms of the first groups, which stand first.
fn first_groups(drawn: FusedArms, groups: usize) -> FusedArms {
    let arms = drawn.group.iter().take_while(|group| **group < groups).count();
    let units = drawn.arm.iter().take_while(|arm| **arm < arms).count();
    FusedArms {
        x: drawn.x.slice(s![..units, ..]).to_owned(),
        arm: drawn.arm[..units].to_vec(),
        outcome: drawn.outcome[..units].to_vec(),
        group: drawn.group[..arms].to_vec(),
    }
}

fn complexity(depth: usize, groups: usize, covariates: usize) -> f64 {
    let (leaves, p, m) = (2f64.powi(depth as i32), covariates as f64, groups as f64);
    ((leaves - 1.0) * p.ln() + leaves * m.ln()).sqrt()
        + 4.0 / 3.0 * (depth as f64).powf(0.25) * (leaves - 1.0).sqrt()
}
