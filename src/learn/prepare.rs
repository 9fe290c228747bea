//! From the data file to what a problem is posed on: study, rewards, held-out units. Where arms are fused, units are held out first, groups are
//! learned from the others, and the scores are those of groups (fusion.txt, Algorithm 2).

use std::collections::BTreeMap;

use ndarray::{Array2, Axis};

use super::fused::fused;
use super::sample::{split, units_of};
use super::{Config, FusionReport, LearnError, Sample, Scoring};
use crate::data::{DataError, Study, Table};
use crate::nuisance::{Diagnostics, Estimation, Folds, Nuisances, estimate};
use crate::score::{ScoreKind, aipw, complete, direct, given, hajek, ipw, net, transport};

/// A study with its rewards.
#[derive(Clone, Debug)]
pub struct Scored {
    pub study: Study,
    /// Which units of the study that was read these are, where some were trimmed.
    pub kept: Option<Vec<usize>>,
    /// What a solver maximises, n x K: scores in the user's direction, net of costs.
    pub rewards: Array2<f64>,
    /// What there is to say about the nuisances behind the scores.
    pub diagnostics: Diagnostics,
    /// Values (n) of the covariates that parity compares and subgroups are formed by, whether the rule sees them or not.
    pub groups: BTreeMap<String, Vec<String>>,
    /// Where the arms of the study are groups that were fused.
    pub fused: Option<Box<Fused>>,
}

/// What the arms were before they were fused.
#[derive(Clone, Debug)]
pub struct Fused {
    pub report: FusionReport,
    /// The same units with their own arms.
    pub study: Study,
    /// The rewards of those arms (n x K).
    pub rewards: Array2<f64>,
}

impl Scored {
    /// Study and rewards of the single arms, whether they were fused or not.
    pub fn single(&self) -> (&Study, &Array2<f64>) {
        self.fused.as_ref().map_or((&self.study, &self.rewards), |fused| (&fused.study, &fused.rewards))
    }

    /// Some of the units.
    pub fn select(&self, units: &[usize]) -> Scored {
        let of_units = |values: &Vec<String>| units.iter().map(|&i| values[i].clone()).collect();
        Scored {
            study: self.study.select(units),
            kept: self.kept.as_ref().map(|kept| units.iter().map(|&i| kept[i]).collect()),
            rewards: self.rewards.select(Axis(0), units),
            diagnostics: self.diagnostics.clone(),
            groups: self.groups.iter().map(|(name, values)| (name.clone(), of_units(values))).collect(),
            fused: self.fused.as_ref().map(|fused| {
                let (study, rewards) = (fused.study.select(units), fused.rewards.select(Axis(0), units));
                Box::new(Fused { report: fused.report.clone(), study, rewards })
            }),
        }
    }
}

/// Study, rewards and held-out units, by the configuration.
pub fn prepare(config: &Config) -> Result<(Scored, Vec<Sample>), LearnError> {
    prepare_study(read_study(&Table::read(&config.data)?, &config.scoring)?, config)
}

/// The study of a table, with all the covariates that serve scores, and with times to an event completed.
pub fn read_study(table: &Table, scoring: &Scoring) -> Result<Study, LearnError> {
    let mut study = Study::from_table(table, &scoring.roles)?;
    complete(&mut study)?;
    Ok(study)
}

/// Rewards and held-out units of a study.
pub fn prepare_study(study: Study, config: &Config) -> Result<(Scored, Vec<Sample>), LearnError> {
    let (scoring, seed) = (&config.scoring, config.solve.random_seed);
    let Some(fusing) = &config.fusion else {
        let scored = pose(score(study, scoring, seed)?, config)?;
        let sample = split(&scored.study, config.test_share, seed)?;
        return Ok((scored, sample));
    };
    let sample = split(&study, config.test_share, seed)?;
    let report = fused(&study.select(&units_of(&sample, Sample::Train)), fusing, config)?;
    let mut scored = score(study.fused(&report.groups(), fusing.choose)?, scoring, seed)?;
    scored.study.warnings.extend(report.warnings.clone());
    let Scored { study, rewards, .. } = score(study, scoring, seed)?;
    scored.fused = Some(Box::new(Fused { report, study, rewards }));
    Ok((pose(scored, config)?, sample))
}

/// Study and rewards of a table.
pub fn score_table(table: &Table, scoring: &Scoring, seed: u64) -> Result<Scored, LearnError> {
    score(read_study(table, scoring)?, scoring, seed)
}

/// The rewards of a study, cross-fitted over folds of its own.
pub(super) fn score(study: Study, scoring: &Scoring, seed: u64) -> Result<Scored, LearnError> {
    score_over(study, scoring, seed, |study| Folds::new(study, scoring.folds, seed))
}

/// The rewards of a study, cross-fitted over `folds`, which are asked for only where something has to be fitted.
pub(super) fn score_over(
    study: Study,
    scoring: &Scoring,
    seed: u64,
    folds: impl FnOnce(&Study) -> Result<Folds, DataError>,
) -> Result<Scored, LearnError> {
    let outcome = matches!(scoring.score, ScoreKind::Direct | ScoreKind::Aipw);
    let nuisances = nuisances(study, scoring, outcome, seed, folds)?;
    let rewards = rewards_of(&nuisances, scoring)?;
    let Nuisances { study, kept, diagnostics, .. } = nuisances;
    Ok(Scored { study, kept, rewards, diagnostics, groups: BTreeMap::new(), fused: None })
}

/// What scores rest on; outcome predictions only where `outcome` asks for them. Models see the covariates that the scoring names.
pub(super) fn nuisances(
    study: Study,
    scoring: &Scoring,
    outcome: bool,
    seed: u64,
    folds: impl FnOnce(&Study) -> Result<Folds, DataError>,
) -> Result<Nuisances, LearnError> {
    let how = Estimation { clip: scoring.clip, trim: scoring.trim, outcome, seed };
    let mut nuisances = if scoring.covariates.is_empty() {
        estimate(study, &scoring.roles, how, folds)?
    } else {
        let seen = study.over(&positions(&study, "--nuisance-covariates", &scoring.covariates)?);
        let mut nuisances = estimate(seen, &scoring.roles, how, folds)?;
        let Nuisances { study: seen, kept, .. } = &mut nuisances;
        seen.x = kept.as_ref().map_or_else(|| study.x.clone(), |kept| study.x.select(Axis(0), kept));
        seen.covariates = study.covariates;
        nuisances
    };
    if let Some(target) = &scoring.target {
        transport(&mut nuisances.study, &Table::read(target)?, scoring.roles.missing)?;
    }
    Ok(nuisances)
}

/// The rewards (n x K) that rest on nuisances.
pub(super) fn rewards_of(nuisances: &Nuisances, scoring: &Scoring) -> Result<Array2<f64>, LearnError> {
    let Nuisances { study, predictions, .. } = nuisances;
    let scores = match (scoring.score, predictions) {
        (ScoreKind::Direct, Some(mu)) => direct(study, mu)?,
        (ScoreKind::Aipw, Some(mu)) => aipw(study, mu)?,
        (ScoreKind::Hajek, _) => hajek(study)?,
        (ScoreKind::Given, _) => given(study)?,
        _ => ipw(study)?,
    };
    Ok(net(&scores, study, scoring.direction)?)
}

/// What a problem is posed on: a scored study without what the rule must not see.
pub(super) fn pose(mut scored: Scored, config: &Config) -> Result<Scored, LearnError> {
    scored.groups = groups(&scored.study, config.constraints.grouping_covariates())?;
    hide(&mut scored.study, &config.exclude)?;
    Ok(scored)
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
    *study = study.over(&shown);
    Ok(())
}

/// The places of the covariates called `names`; of all where none is named.
pub(super) fn positions(study: &Study, flag: &str, names: &[String]) -> Result<Vec<usize>, LearnError> {
    if names.is_empty() {
        return Ok((0..study.covariates.len()).collect());
    }
    names.iter().map(|name| position(study, flag, name)).collect()
}

fn position(study: &Study, flag: &str, name: &String) -> Result<usize, LearnError> {
    let names = study.covariate_names();
    names.iter().position(|other| other == name).ok_or_else(|| {
        LearnError::Usage(format!("{flag} {name}: not a covariate; the covariates are {}", names.join(", ")))
    })
}
