//! Clustered forests: trees that assign groups of arms alike, and estimate every arm (forest.txt, sections 3.4 and 6.4).
//!
//! ```text
//! 1. fitted    yhat_ik = fhat_k(x_i) of the forest grown without the fold of unit i                         F forests
//! 2. groups    the K vectors yhat_.k in M groups of least within-group sum of squares, the control apart or as one of them
//! 3. forest    grown on all units with groups for arms; estimates by the original arms
//! ```
//!
//! Steps 1 and 2 may be done again with the fold forests grown on the groups, until the groups stay or for a number of rounds. The F forests are
//! grown once for all numbers of groups: with M given, by elbow or by silhouette there are F + 1 forests in all.
//!
//! Folds are stratified by arm. Where all units of an arm are in one fold, the forest without that fold has none of its units, and its
//! estimates of the arm are the leaves' means: the arm is then grouped by what the other folds' forests say.
//!
//! | file | what |
//! |---|---|
//! | `fitted` | folds, their forests and the fitted values |
//! | `number` | how many groups: elbow, silhouette, cross-fitted value |

mod fitted;
mod number;

use ndarray::{Array2, ArrayView2, Axis};
use prescribe_models::arm_clustering::ArmClustering;
use rand::Rng;
use serde::{Deserialize, Serialize};

use super::{Forest, InvalidSettings, LeafTable, Settings, Trial, assign};
use crate::random::stream;
use crate::solve::partition::nearest;
use crate::solve::{Options, SolveError};
pub use fitted::FoldForests;
pub use number::Candidate;

/// Trees of the fold forests split where they gain so little at least, whatever the last forest asks for: groups of arms need no more than a
/// tendency, and a forest without splits tells arms apart by their means alone.
const FOLD_EPSILON: f64 = 0.02;

/// Whether arms are clustered, and in how many groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Groups {
    /// Not at all.
    None,
    /// M groups; the control, where it is kept apart, not counted.
    Fixed(usize),
    /// As many as this says, of 2 to 10.
    Auto(Choice),
}

/// What says how many groups there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// The number after which the within-group sum of squares falls least: farthest below the chord of its curve.
    Elbow,
    /// The largest mean silhouette (Rousseeuw 1987).
    Silhouette,
    /// The cross-fitted value: the fewest groups that are worth no less than the best number, up to a standard error.
    Value,
}

/// Which arm of the best group a unit gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Within {
    /// The one with the largest estimate.
    Best,
    /// Each with the same chance: the group is estimated as one arm (forest.txt, section 6.4).
    Random,
}

/// Which groups the first fold forests are grown on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// Every arm for itself.
    Arms,
    /// Groups by chance; pays with more than one round only.
    Random,
}

/// How arms are clustered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Clustering {
    pub groups: Groups,
    /// Whether arm 0 is a group by itself.
    pub keep_control: bool,
    /// F.
    pub folds: usize,
    /// Trees of each fold's forest.
    pub fold_trees: usize,
    /// Most times that arms are fitted and clustered.
    pub rounds: usize,
    pub start: Start,
    /// Whether what a unit says of an arm counts by how near the arm is to the unit's best.
    pub weighted: bool,
    pub within: Within,
}

impl Default for Clustering {
    fn default() -> Self {
        Clustering {
            groups: Groups::Auto(Choice::Silhouette),
            keep_control: true,
            folds: 5,
            fold_trees: 100,
            rounds: 1,
            start: Start::Arms,
            weighted: false,
            within: Within::Best,
        }
    }
}

impl Clustering {
    /// The numbers of groups that a choice is made among.
    pub const CANDIDATES: std::ops::RangeInclusive<usize> = 2..=10;

    /// Says which parameter makes no sense for this trial.
    ///
    /// # Errors
    /// The first one, with its value and what to give instead.
    pub fn check(&self, trial: &Trial) -> Result<(), InvalidSettings> {
        let clustered = trial.arms - usize::from(self.keep_control);
        let refuse =
            |name, value: usize, remedy| Err(InvalidSettings { name, value: value.to_string(), remedy });
        match self.groups {
            Groups::None => return Ok(()),
            Groups::Fixed(0) => return refuse("clusters", 0, "at least 1"),
            Groups::Fixed(m) if m > clustered => {
                return refuse("clusters", m, "at most as many as there are arms to cluster");
            }
            _ if clustered == 0 => {
                return refuse("arms", trial.arms, "arms besides the control, or no clusters");
            }
            _ => {}
        }
        match () {
            () if self.folds < 2 => refuse("folds", self.folds, "at least 2"),
            () if self.folds > trial.units() => refuse("folds", self.folds, "at most one for each unit"),
            () if self.fold_trees == 0 => refuse("fold_trees", 0, "at least 1"),
            () if self.rounds == 0 => refuse("rounds", 0, "at least 1"),
            () => Ok(()),
        }
    }

    /// The group of each arm (K) from the groups of the clustered ones.
    fn of_arms(&self, clusters: &[usize]) -> Vec<u16> {
        let control = self.keep_control.then_some(0);
        let others = clusters.iter().map(|g| *g as u16 + u16::from(self.keep_control));
        control.into_iter().chain(others).collect()
    }
}

/// Why there is no clustered forest.
#[derive(Debug, thiserror::Error)]
pub enum ClusteringError {
    #[error(transparent)]
    Settings(#[from] InvalidSettings),
    #[error(transparent)]
    Solve(#[from] SolveError),
}

/// A forest grown on groups of arms.
#[derive(Clone, Debug, PartialEq)]
pub struct Clustered {
    /// Its arms are those of the trial; or the groups, where a unit gets any arm of its group.
    pub forest: Forest,
    /// The group of each arm (K), groups numbered by their first arm.
    pub groups: Vec<u16>,
    pub within: Within,
    /// The numbers of groups that there was a choice among; empty where it was given.
    pub candidates: Vec<Candidate>,
    /// Times that arms were fitted and clustered.
    pub rounds: usize,
}

/// Clusters the arms of a trial and grows a forest on the groups. `settings` have been checked.
///
/// # Errors
/// Settings of the clustering that make no sense for the trial ([`Clustering::check`]).
pub fn grow(
    trial: &Trial,
    settings: &Settings,
    clustering: &Clustering,
    seed: u64,
) -> Result<Clustered, ClusteringError> {
    clustering.check(trial)?;
    let mut stage = match clustering.groups {
        Groups::None => Stage { groups: (0..trial.arms as u16).collect(), candidates: Vec::new(), rounds: 0 },
        _ => clusters(trial, settings, clustering, seed)?,
    };
    let apart = stage.groups.iter().enumerate().all(|(k, g)| k == *g as usize);
    let grown_on = (!apart).then_some(stage.groups.as_slice());
    // Groups are few: a split that may assign some of them only seldom has two that differ.
    let kappa = if apart { settings.kappa } else { 1.0 };
    let mut forest = Forest::grow(trial, &Settings { kappa, ..settings.clone() }, grown_on, seed);
    if clustering.within == Within::Random {
        forest = pooled(forest, &stage.groups, &trial.shares());
    }
    let candidates = std::mem::take(&mut stage.candidates);
    Ok(Clustered {
        forest,
        groups: stage.groups,
        within: clustering.within,
        candidates,
        rounds: stage.rounds,
    })
}

impl Clustered {
    /// Estimated utilities (n x K) of every arm; the same for all arms of a group where a unit gets any of them.
    pub fn predict(&self, x: ArrayView2<f64>) -> Array2<f64> {
        let estimates = self.forest.predict(x);
        match self.within {
            Within::Best => estimates,
            Within::Random => {
                let columns: Vec<usize> = self.groups.iter().map(|g| *g as usize).collect();
                estimates.select(Axis(1), &columns)
            }
        }
    }

    /// The arm of each unit by its estimates ([`Clustered::predict`]) and its id: the best one, or any of the best group, where a unit of the
    /// same id always gets the same.
    pub fn assign(&self, estimates: &Array2<f64>, ids: &[String], seed: u64) -> Vec<usize> {
        let best = assign(estimates);
        if self.within == Within::Best {
            return best;
        }
        let of_group = |g: u16| (0..self.groups.len()).filter(|&k| self.groups[k] == g).collect::<Vec<_>>();
        let members: Vec<Vec<usize>> = self.groups.iter().map(|&g| of_group(g)).collect();
        let drawn = |(&k, id): (&usize, &String)| {
            members[k][stream(seed, &format!("member {id}")).random_range(0..members[k].len())]
        };
        best.iter().zip(ids).map(drawn).collect()
    }
}

/// What clustering came to.
struct Stage {
    groups: Vec<u16>,
    candidates: Vec<Candidate>,
    rounds: usize,
}

fn clusters(
    trial: &Trial,
    settings: &Settings,
    clustering: &Clustering,
    seed: u64,
) -> Result<Stage, ClusteringError> {
    let epsilon = settings.epsilon.min(FOLD_EPSILON);
    let on_folds = Settings { trees: clustering.fold_trees, epsilon, ..settings.clone() };
    let mut groups = match clustering.start {
        Start::Arms => None,
        Start::Random => Some(by_chance(trial, clustering, seed)),
    };
    let mut candidates = Vec::new();
    for round in 1..=clustering.rounds {
        let task = format!("clustering {round}");
        let folds = FoldForests::grow(trial, &on_folds, clustering.folds, groups.as_deref(), (seed, &task));
        let fitted = folds.fitted(trial.x.view());
        let found = match clustering.groups {
            Groups::Auto(choice) => {
                let (chosen, all) =
                    number::chosen(trial, settings, clustering, (&folds, &fitted), (choice, seed))?;
                candidates = all;
                chosen
            }
            Groups::Fixed(m) => clustered(&fitted, clustering, m)?,
            Groups::None => (0..trial.arms as u16).collect(),
        };
        let stays = groups.as_ref() == Some(&found);
        groups = Some(found);
        if stays || round == clustering.rounds {
            return Ok(Stage { groups: groups.unwrap_or_default(), candidates, rounds: round });
        }
    }
    Ok(Stage { groups: groups.unwrap_or_default(), candidates, rounds: clustering.rounds })
}

/// The group of each arm (K) where fitted values (n x K) are put in m groups, or as many as there are arms.
fn clustered(fitted: &Array2<f64>, clustering: &Clustering, m: usize) -> Result<Vec<u16>, SolveError> {
    let model = problem(fitted, clustering, m)?;
    let of = nearest(&model, &Options::default())?.point.unwrap_or_else(|| vec![0; fitted.ncols()]);
    Ok(clustering.of_arms(&of))
}

/// The arms that are clustered, by their fitted values.
fn problem(fitted: &Array2<f64>, clustering: &Clustering, m: usize) -> Result<ArmClustering, SolveError> {
    let from = usize::from(clustering.keep_control);
    let arms = fitted.slice(ndarray::s![.., from..]);
    Ok(match clustering.weighted {
        false => ArmClustering::new(arms, None, None, m)?,
        true => ArmClustering::weighted(arms, chances(fitted).slice(ndarray::s![.., from..]), m)?,
    })
}

/// How likely each arm is chosen for each unit (n x K): exp((yhat_ik - max_j yhat_ij) / s_i), s_i the standard deviation over the unit's
/// arms, divided by n. Every arm counts something everywhere, so that no group takes in an arm for nothing.
fn chances(fitted: &Array2<f64>) -> Array2<f64> {
    let mut chances = fitted.clone();
    for mut row in chances.rows_mut() {
        let spread = row.std(0.0);
        let best = row.fold(f64::NEG_INFINITY, |best, value| best.max(*value));
        let scale = if spread > 0.0 { spread } else { 1.0 };
        row.mapv_inplace(|value| ((value - best) / scale).exp() / fitted.nrows() as f64);
    }
    chances
}

/// Groups by chance, none empty: as many as given, or the most that a choice is made among.
fn by_chance(trial: &Trial, clustering: &Clustering, seed: u64) -> Vec<u16> {
    let arms = trial.arms - usize::from(clustering.keep_control);
    let groups = match clustering.groups {
        Groups::Fixed(m) => m,
        _ => *Clustering::CANDIDATES.end(),
    };
    let mut of: Vec<usize> = (0..arms).map(|a| a % groups.min(arms)).collect();
    rand::seq::SliceRandom::shuffle(of.as_mut_slice(), &mut stream(seed, "groups by chance"));
    clustering.of_arms(&prescribe_models::arm_groups::canonical(&of))
}

/// The same trees with the units of a group's arms as one arm, whose variance is the mean of theirs by their shares (K).
fn pooled(forest: Forest, groups: &[u16], shares: &[f64]) -> Forest {
    let arms = groups.iter().max().map_or(0, |last| *last as usize + 1);
    let of_groups = |of_arms: &dyn Fn(usize) -> f64| {
        let mut sums = vec![0.0; arms];
        groups.iter().enumerate().for_each(|(k, g)| sums[*g as usize] += of_arms(k));
        sums
    };
    let variances = forest.variances.map(|variances| {
        let (of, all) = (of_groups(&|k| shares[k] * variances[k]), of_groups(&|k| shares[k]));
        of.iter().zip(&all).map(|(sum, share)| if *share > 0.0 { sum / share } else { 1.0 }).collect()
    });
    let add = |cells: &Array2<f64>| {
        let rows = cells.rows().into_iter().flat_map(|row| of_groups(&|k| row[k])).collect();
        Array2::from_shape_vec((cells.nrows(), arms), rows).expect("a row of groups for each leaf")
    };
    let table = |table: &LeafTable| LeafTable { sums: add(&table.sums), masses: add(&table.masses) };
    let trees = forest.trees.into_iter();
    let trees =
        trees.map(|fitted| super::FittedTree { table: table(&fitted.table), tree: fitted.tree }).collect();
    Forest { settings: forest.settings, trees, arms, variances }
}
