//! The whole way of a forest: a table to a study in canonical order, a learned assignment, its value on units that it has not seen, what it looks at,
//! and a rule in its place where one is asked for.

use super::{
    CrossFit, Distilled, ForestError, ForestFile, ForestReport, Plan, Residualize, Trial, distil, importance,
    learn, served,
};
use crate::data::{DataError, Place, Problem, Purpose, Roles, Table, sorted_labels};
use crate::learn::{Config, Scored, Scoring, score_table};
use crate::nuisance::Folds;
use crate::rule::RuleFile;
use crate::score::ScoreKind;
use crate::solve::{Control, Observer, Progress};

/// Arms are numbered by 16 bits.
pub const MOST_ARMS: usize = u16::MAX as usize;

/// What to learn, and from what.
#[derive(Clone, Debug)]
pub struct Request {
    pub plan: Plan,
    /// Roles, direction and folds; what the units are scored by is the forest's own business.
    pub scoring: Scoring,
    /// The arm that comes first; without it, the order of the roles.
    pub control: Option<String>,
    /// The rule to learn in the place of the forest: class, constraints and solver.
    pub rule: Option<Config>,
}

/// What was learned, found and made.
#[derive(Clone, Debug)]
pub struct Analysis {
    pub file: ForestFile,
    pub report: ForestReport,
    pub rule: Option<RuleFile>,
}

impl Request {
    /// The study of a table: units in the order of their ids where they have any, the control first, propensities estimated where a model is to.
    ///
    /// # Errors
    /// As reading a study; kind `Data` where two units have one id, the control is no arm, or arms are more than [`MOST_ARMS`].
    pub fn read(&self, table: &Table) -> Result<(Scored, Trial), ForestError> {
        let mut scoring = Scoring { score: ScoreKind::Ipw, ..self.scoring.clone() };
        let table = match &scoring.roles.id {
            Some(id) => table.in_order_of(id)?,
            None => table.clone(),
        };
        scoring.roles.arms = arms(&table, &scoring.roles, self.control.as_deref())?;
        let mut scored = score_table(&table, &scoring, self.plan.seed)?;
        if let Some(kept) = served(&scored.study)? {
            let left_out = scored.study.units() - kept.len();
            scored = scored.select(&kept);
            scored.study.warnings.push(format!("{left_out} units of weight 0 left out"));
        }
        let mut trial = Trial::of(&scored.study, self.scoring.direction);
        if let Residualize::Column(column) = &self.plan.residualize {
            let sign = self.scoring.direction.sign();
            let of_units = table.with_rows(scored.study.rows.clone()).numbers(column, Purpose::Role)?;
            trial.baseline = Some(of_units.into_iter().map(|fbar| sign * fbar).collect());
        }
        Ok((scored, trial))
    }

    /// Learns from a study that [`Request::read`] has read.
    ///
    /// # Errors
    /// As learning, scores and solvers; [`ForestError::Interrupted`] where the observer says so.
    pub fn analyse(
        &self,
        (scored, trial): &(Scored, Trial),
        observer: &dyn Observer,
    ) -> Result<Analysis, ForestError> {
        let (study, direction) = (&scored.study, self.scoring.direction);
        let started = std::time::Instant::now();
        let told = |phase: String| {
            let seconds = started.elapsed().as_secs_f64();
            let progress = Progress { seconds, phase, incumbent: None, bound: None, nodes: 0 };
            match observer.progress(&progress) {
                Control::Continue => Ok(()),
                Control::Stop => Err(ForestError::Interrupted),
            }
        };
        let folds = Folds::new(study, self.scoring.folds, self.plan.seed)?;
        told("learning from all units".into())?;
        let whole = learn(trial, &self.plan)?;
        let folds = CrossFit::new(study, trial, &self.plan, direction, folds, &told)?;
        let evaluation = folds.value(study, &folds.assignment(study), &[])?;
        told("importance of covariates".into())?;
        let importance = importance(&whole, &folds, study, self.plan.seed);
        let eligible = &self.scoring.roles.eligible;
        let file = ForestFile::new(&whole, study, trial, (direction, eligible), self.plan.seed);
        let (distilled, rule): (Option<Distilled>, Option<RuleFile>) = match &self.rule {
            None => (None, None),
            Some(config) => {
                let (distilled, rule) = distil(&whole, &folds, scored, trial, config, observer)?;
                (Some(distilled), rule)
            }
        };
        let report = ForestReport::new(self, scored, (&whole, &file), evaluation, importance, distilled);
        Ok(Analysis { file, report, rule })
    }
}

/// The order of the arms, with the control first; none where nothing says another than the roles do.
fn arms(table: &Table, roles: &Roles, control: Option<&str>) -> Result<Option<Vec<String>>, DataError> {
    let place = || Place::file(table.source()).column(&roles.treatment);
    let labels = match roles.missing {
        crate::data::Missing::Error => table.labels(&roles.treatment, Purpose::Role)?,
        // Rows that miss their arm are left out.
        _ => table.labels_or_missing(&roles.treatment)?.into_iter().flatten().collect(),
    };
    let found = sorted_labels(&labels);
    if found.len() > MOST_ARMS {
        return Err(place().refuse(Problem::TooManyArms { arms: found.len(), most: MOST_ARMS }));
    }
    let Some(control) = control else { return Ok(roles.arms.clone()) };
    let groups = &roles.groups;
    let label = |arm: &String| {
        groups.iter().find(|(_, members)| members.contains(arm)).map_or(arm, |(group, _)| group).clone()
    };
    let mut arms =
        roles.arms.clone().unwrap_or_else(|| sorted_labels(&found.iter().map(label).collect::<Vec<_>>()));
    let Some(position) = arms.iter().position(|arm| arm == control) else {
        return Err(place().refuse(Problem::UnknownArm { role: "--control", arm: control.to_owned(), arms }));
    };
    arms[..=position].rotate_right(1);
    Ok(Some(arms))
}
