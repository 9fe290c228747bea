//! From the data file to what a problem is posed on: study, rewards, held-out units.

use std::collections::BTreeMap;

use ndarray::{Array2, Axis};

use super::sample::split;
use super::{Config, LearnError, Sample, Scoring};
use crate::data::{Study, Table};
use crate::nuisance::{Folds, cross_fit};
use crate::score::{ScoreKind, aipw, direct, hajek, ipw, net};

/// A study with its rewards.
#[derive(Clone, Debug)]
pub struct Scored {
    pub study: Study,
    /// What a solver maximises, n x K: scores in the user's direction, net of costs.
    pub rewards: Array2<f64>,
    /// Values (n) of the covariates that parity compares, whether the rule sees them or not.
    pub groups: BTreeMap<String, Vec<f64>>,
}

/// Study, rewards and held-out units, by the configuration.
pub fn prepare(config: &Config) -> Result<(Scored, Vec<Sample>), LearnError> {
    prepare_study(read_study(config)?, config)
}

/// The study of the data file, with all the covariates that serve scores.
pub fn read_study(config: &Config) -> Result<Study, LearnError> {
    Ok(Study::from_table(&Table::read(&config.data)?, &config.scoring.roles)?)
}

/// Rewards and held-out units of a study.
pub fn prepare_study(study: Study, config: &Config) -> Result<(Scored, Vec<Sample>), LearnError> {
    let (scoring, seed) = (&config.scoring, config.solve.random_seed);
    let rewards = rewards_of(&study, scoring, || Ok(Folds::new(&study, scoring.folds, seed)?))?;
    let scored = pose(study, rewards, config)?;
    let sample = split(&scored.study, config.test_share, seed)?;
    Ok((scored, sample))
}

/// What a problem is posed on: a scored study without what the rule must not see.
pub(super) fn pose(mut study: Study, rewards: Array2<f64>, config: &Config) -> Result<Scored, LearnError> {
    let groups = groups(&study, config.constraints.parity.keys())?;
    hide(&mut study, &config.exclude)?;
    Ok(Scored { study, rewards, groups })
}

/// The values of the covariates called `names`.
fn groups<'n>(
    study: &Study,
    names: impl Iterator<Item = &'n String>,
) -> Result<BTreeMap<String, Vec<f64>>, LearnError> {
    let column = |name: &String| {
        let j = position(study, "--parity", name)?;
        Ok((name.clone(), study.x.column(j).to_vec()))
    };
    names.map(column).collect()
}

/// Hides from the rule, once the scores are there, the covariates that served the scores alone.
fn hide(study: &mut Study, excluded: &[String]) -> Result<(), LearnError> {
    let hidden =
        excluded.iter().map(|name| position(study, "--exclude", name)).collect::<Result<Vec<_>, _>>()?;
    let shown: Vec<usize> = (0..study.covariates.len()).filter(|j| !hidden.contains(j)).collect();
    if shown.is_empty() {
        return Err(LearnError::Usage("--exclude leaves the rule no covariate; keep at least one".into()));
    }
    study.x = study.x.select(Axis(1), &shown).as_standard_layout().into_owned();
    study.covariates = shown.iter().map(|&j| study.covariates[j].clone()).collect();
    Ok(())
}

fn position(study: &Study, flag: &str, name: &String) -> Result<usize, LearnError> {
    let names = study.covariate_names();
    names.iter().position(|other| other == name).ok_or_else(|| {
        LearnError::Usage(format!("{flag} {name}: not a covariate; the covariates are {}", names.join(", ")))
    })
}

/// Study and rewards of a table.
pub fn score_table(table: &Table, scoring: &Scoring, seed: u64) -> Result<Scored, LearnError> {
    let study = Study::from_table(table, &scoring.roles)?;
    let rewards = rewards_of(&study, scoring, || Ok(Folds::new(&study, scoring.folds, seed)?))?;
    Ok(Scored { study, rewards, groups: BTreeMap::new() })
}

/// The rewards of a study (n x K), cross-fitted over `folds`, which are asked for only where a score needs them.
pub(super) fn rewards_of(
    study: &Study,
    scoring: &Scoring,
    folds: impl Fn() -> Result<Folds, LearnError>,
) -> Result<Array2<f64>, LearnError> {
    let predictions = || -> Result<Array2<f64>, LearnError> { Ok(cross_fit(study, &folds()?)?) };
    let scores = match scoring.score {
        ScoreKind::Direct => direct(study, &predictions()?)?,
        ScoreKind::Ipw => ipw(study)?,
        ScoreKind::Hajek => hajek(study)?,
        ScoreKind::Aipw => aipw(study, &predictions()?)?,
    };
    Ok(net(&scores, study, scoring.direction)?)
}
