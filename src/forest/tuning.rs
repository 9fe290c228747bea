//! Parameters by what they are worth on units unseen (forest.txt, section 4.2).
//!
//! Every combination of a grid grows a few trees outside each fold; by the gain of their estimates inside ([`super::value`]) the
//! best third goes on with three times the trees, until few are left, and the best of those is taken. lambda2 needs no trees of its own: it
//! is applied to the leaf tables of the same forest. Folds and the trials outside them are made once.

use serde::{Deserialize, Serialize};

use super::value::{Calibrated, Split, Unseen};
use super::{Forest, InvalidSettings, Settings, Trial};
use crate::evaluate::Estimate;
use crate::models::leaf_utility::Form;

/// Trees of the first round.
const FIRST: usize = 10;
/// By how much a round has more trees, and the next fewer combinations.
const STEP: usize = 3;
/// Combinations that are not parted any further.
const FEW: usize = 8;

/// Values of each parameter; all combinations are tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Grid {
    pub min_leaf: Vec<usize>,
    pub lambda1: Vec<f64>,
    pub lambda2: Vec<f64>,
    pub epsilon: Vec<f64>,
    pub kappa: Vec<f64>,
    pub beta: Vec<f64>,
    pub utility: Vec<Form>,
}

impl Default for Grid {
    /// That of the paper, epsilon a unit, with more shrinkage than it considers.
    fn default() -> Grid {
        Grid {
            min_leaf: vec![3, 5],
            lambda1: vec![0.0, 0.5, 1.0, 5.0],
            lambda2: vec![0.0, 0.5, 1.0, 5.0],
            epsilon: vec![0.0, 0.02, 0.05],
            kappa: vec![0.5, 0.8, 1.0],
            beta: vec![0.5],
            utility: vec![Form::N],
        }
    }
}

impl Grid {
    /// Says which of the values makes no sense.
    ///
    /// # Errors
    /// As [`Settings::check`].
    pub fn check(&self, base: &Settings) -> Result<(), InvalidSettings> {
        let growths = self.growths(base);
        crossed(growths, &self.lambda2, |settings, value| settings.lambda2 = value)
            .iter()
            .try_for_each(Settings::check)
    }

    /// What trees can be grown with; lambda2 and all that the grid does not name are as `base` has them.
    fn growths(&self, base: &Settings) -> Vec<Settings> {
        let mut growths = vec![base.clone()];
        growths = crossed(growths, &self.min_leaf, |settings, value| settings.min_leaf = value);
        growths = crossed(growths, &self.lambda1, |settings, value| settings.lambda1 = value);
        growths = crossed(growths, &self.epsilon, |settings, value| settings.epsilon = value);
        growths = crossed(growths, &self.kappa, |settings, value| settings.kappa = value);
        growths = crossed(growths, &self.beta, |settings, value| settings.beta = value);
        crossed(growths, &self.utility, |settings, value| settings.utility = value)
    }
}

/// Each of the settings with each of the values; as they are where there are none.
fn crossed<T: Copy>(settings: Vec<Settings>, values: &[T], set: impl Fn(&mut Settings, T)) -> Vec<Settings> {
    if values.is_empty() {
        return settings;
    }
    let with = |base: &Settings, value: T| {
        let mut settings = base.clone();
        set(&mut settings, value);
        settings
    };
    settings
        .iter()
        .flat_map(|base| values.iter().map(|&value| with(base, value)).collect::<Vec<_>>())
        .collect()
}

/// A combination of parameters and what it is worth, in the last round that it took part in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// `trees` are those of the round.
    pub settings: Settings,
    /// How estimates hold on units unseen: 1 as they are, below where they are too far apart.
    pub slope: f64,
    pub value: Estimate,
    /// What the choice is by: larger is better.
    pub gain: Estimate,
    /// The gain less that of what was chosen, paired; none for those that left before the last round.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub less_chosen: Option<Estimate>,
}

/// What was tried and what was chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tuning {
    /// The best combination, with the trees of the settings that tuning began with.
    pub chosen: Settings,
    /// By gain, the best first; those of later rounds before those of earlier ones.
    pub tried: Vec<Tried>,
}

/// A combination in a round.
struct Runner {
    growth: usize,
    settings: Settings,
    value: Calibrated,
}

/// Chooses the parameters of a forest on a trial whose utilities have no baseline any more; `groups` as in [`Forest::grow`]. The same seed gives the same,
/// whatever the number of threads.
pub fn tune(
    trial: &Trial,
    split: &Split,
    (base, grid): (&Settings, &Grid),
    groups: Option<&[u16]>,
    seed: u64,
) -> Tuning {
    let growths = grid.growths(base);
    let lambdas = if grid.lambda2.is_empty() { vec![base.lambda2] } else { grid.lambda2.clone() };
    let (mut left, mut trees) = ((0..growths.len()).collect::<Vec<_>>(), FIRST);
    let mut gone: Vec<Tried> = Vec::new();
    loop {
        let mut runners: Vec<Runner> = left
            .iter()
            .flat_map(|&growth| {
                let settings = Settings { trees, ..growths[growth].clone() };
                let values = values(trial, split, &settings, &lambdas, groups, seed);
                lambdas.iter().zip(values).map(move |(&lambda2, value)| {
                    let settings = Settings { lambda2, ..settings.clone() };
                    Runner { growth, settings, value }
                })
            })
            .collect();
        runners.sort_by(|a, b| b.value.gain.total.total_cmp(&a.value.gain.total));
        if left.len() <= FEW {
            return Tuning::of(trial, runners, gone, base.trees);
        }
        left = best(&runners, left.len().div_ceil(STEP));
        let leaving = runners.into_iter().filter(|runner| !left.contains(&runner.growth));
        gone.splice(0..0, leaving.map(|runner| runner.tried(trial, None)));
        trees *= STEP;
    }
}

/// What a forest is worth under each lambda2.
fn values(
    trial: &Trial,
    split: &Split,
    settings: &Settings,
    lambdas: &[f64],
    groups: Option<&[u16]>,
    seed: u64,
) -> Vec<Calibrated> {
    let mut unseen = vec![Unseen::of(trial.units()); lambdas.len()];
    for part in split.parts() {
        let forest = Forest::grow(&part.outside, settings, groups, seed);
        for (unseen, &lambda2) in unseen.iter_mut().zip(lambdas) {
            unseen.note(trial, &part.inside, &forest.estimator(lambda2).predict(part.x.view()));
        }
    }
    unseen.iter().map(|unseen| unseen.value(trial)).collect()
}

/// The growths of the best runners (sorted), `count` of them, each by its best lambda2.
fn best(runners: &[Runner], count: usize) -> Vec<usize> {
    let mut best = Vec::with_capacity(count);
    for runner in runners {
        if best.len() < count && !best.contains(&runner.growth) {
            best.push(runner.growth);
        }
    }
    best
}

impl Runner {
    fn tried(self, trial: &Trial, chosen: Option<&Calibrated>) -> Tried {
        Tried {
            slope: self.value.slope,
            value: self.value.value.estimate(trial),
            gain: self.value.gain.estimate(trial),
            less_chosen: chosen.map(|chosen| self.value.gain.less(&chosen.gain, trial)),
            settings: self.settings,
        }
    }
}

impl Tuning {
    fn of(trial: &Trial, runners: Vec<Runner>, gone: Vec<Tried>, trees: usize) -> Tuning {
        // A grid has one combination at least.
        let chosen = Settings { trees, ..runners[0].settings.clone() };
        let best = runners[0].value.clone();
        let last = runners.into_iter().map(|runner| runner.tried(trial, Some(&best)));
        Tuning { chosen, tried: last.chain(gone).collect() }
    }
}
