//! From the data file to what a problem is posed on: study, rewards, held-out units. Where arms are fused, units are held out first, groups are
//! learned from the others, and the scores are those of groups (fusion.txt, Algorithm 2).

use std::collections::BTreeMap;

use super::fused::fused;
use super::sample::{refuse_divided, split, units_of};
use super::scored::{position, score};
use super::{Config, Fused, LearnError, Sample, Scored, Scoring};
use crate::data::{Roles, Study, Table};
use crate::interference::{Clusters, DesignRole, dependence, refuse_repeats};
use crate::score::complete;

/// Study, rewards and held-out units, by the configuration.
pub fn prepare(config: &Config) -> Result<(Scored, Vec<Sample>), LearnError> {
    prepare_study(read_study(&Table::read(&config.data)?, &config.scoring)?, config)
}

/// The study of a table, with all the covariates that serve scores, and with times to an event completed.
pub fn read_study(table: &Table, scoring: &Scoring) -> Result<Study, LearnError> {
    read_drawn(table, scoring, &DesignRole::Bernoulli)
}

/// The same for treatments that were drawn by `design` inside clusters.
pub(super) fn read_drawn(table: &Table, scoring: &Scoring, design: &DesignRole) -> Result<Study, LearnError> {
    let mut study = match &scoring.clustered {
        None => Study::from_table(table, &scoring.roles)?,
        Some(_) => within_clusters(table, &scoring.roles, design)?,
    };
    complete(&mut study)?;
    Ok(study)
}

/// A study of units that affect each other: nobody is left out of the mean of a cluster.
fn within_clusters(table: &Table, roles: &Roles, design: &DesignRole) -> Result<Study, LearnError> {
    let roles = Roles { missing: roles.missing.within_clusters(), ..roles.clone() };
    let mut study = Study::from_table(table, &roles)?;
    let clusters = Clusters::of(&study)?;
    refuse_repeats(&study, &clusters)?;
    if !roles.propensity.is_estimated() && *design == DesignRole::Bernoulli {
        study.warnings.extend(dependence(&clusters));
    }
    Ok(study)
}

/// Rewards and held-out units of a study.
pub fn prepare_study(study: Study, config: &Config) -> Result<(Scored, Vec<Sample>), LearnError> {
    let (scoring, seed) = (&config.scoring, config.solve.random_seed);
    let Some(fusing) = &config.fusion else {
        let scored = pose(score(study, scoring, seed)?, config)?;
        let sample = split(&scored.study, config.test_share, seed)?;
        if scored.clustered.is_some() {
            refuse_divided(&scored.study, &sample)?;
        }
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
