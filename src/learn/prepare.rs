//! From the data file to what a problem is posed on: study, rewards, held-out units.

use std::collections::BTreeMap;

use ndarray::{Array2, Axis};

use super::sample::split;
use super::{Config, LearnError, Sample, Scoring};
use crate::data::{Study, Table};
use crate::nuisance::{Diagnostics, Estimation, Folds, Nuisances, estimate};
use crate::score::{ScoreKind, aipw, complete, direct, given, hajek, ipw, net, transport};

/// A study with its rewards.
#[derive(Clone, Debug)]
pub struct Scored {
    pub study: Study,
    /// What a solver maximises, n x K: scores in the user's direction, net of costs.
    pub rewards: Array2<f64>,
    /// What there is to say about the nuisances behind the scores.
    pub diagnostics: Diagnostics,
    /// Values (n) of the covariates that parity compares and subgroups are formed by, whether the rule sees them or not.
    pub groups: BTreeMap<String, Vec<String>>,
}

/// Study, rewards and held-out units, by the configuration.
pub fn prepare(config: &Config) -> Result<(Scored, Vec<Sample>), LearnError> {
    let seed = config.solve.random_seed;
    let mut scored = score_table(&Table::read(&config.data)?, &config.scoring, seed)?;
    scored.groups = groups(&scored.study, config.constraints.grouping_covariates())?;
    hide(&mut scored.study, &config.exclude)?;
    let sample = split(&scored.study, config.test_share, seed)?;
    Ok((scored, sample))
}

/// The values of the covariates called `names` as text: numbers, levels, nothing where a value is missing.
fn groups<'n>(
    study: &Study,
    names: impl Iterator<Item = &'n String>,
) -> Result<BTreeMap<String, Vec<String>>, LearnError> {
    let column = |name: &String| {
        let j = position(study, "--parity or --subgroup-share", name)?;
        let value = |x: &f64| match study.covariates[j].levels.get(*x as usize) {
            _ if x.is_nan() => String::new(),
            Some(level) => level.clone(),
            // Adding 0 makes -0 equal to 0 in text too.
            None => (x + 0.0).to_string(),
        };
        Ok((name.clone(), study.x.column(j).iter().map(value).collect()))
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
    let mut study = Study::from_table(table, &scoring.roles)?;
    complete(&mut study)?;
    let how = Estimation {
        clip: scoring.clip,
        trim: scoring.trim,
        outcome: matches!(scoring.score, ScoreKind::Direct | ScoreKind::Aipw),
        seed,
    };
    let folds = |study: &Study| Folds::new(study, scoring.folds, seed);
    let Nuisances { mut study, predictions, diagnostics, .. } = estimate(study, &scoring.roles, how, folds)?;
    if let Some(target) = &scoring.target {
        transport(&mut study, &Table::read(target)?, scoring.roles.missing)?;
    }
    let scores = match (scoring.score, &predictions) {
        (ScoreKind::Direct, Some(mu)) => direct(&study, mu)?,
        (ScoreKind::Aipw, Some(mu)) => aipw(&study, mu)?,
        (ScoreKind::Hajek, _) => hajek(&study)?,
        (ScoreKind::Given, _) => given(&study)?,
        _ => ipw(&study)?,
    };
    let rewards = net(&scores, &study, scoring.direction)?;
    Ok(Scored { study, rewards, diagnostics, groups: BTreeMap::new() })
}
