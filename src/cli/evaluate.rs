//! `prescribe evaluate RULE DATA`: the value of a rule on data that it has not seen.

use std::borrow::Cow;
use std::path::PathBuf;

use clap::Args;
use ndarray::{Array2, Axis};

use super::failure::{DONE, Failure};
use super::flags::JsonFlag;
use super::interference::{Evaluated, InterferenceFlags};
use super::output;
use super::study::{StudyFlags, scoring};
use crate::data::{self, Covariate, Missing, Purpose, read_covariates, write_whole};
use crate::evaluate::{Against, BestArm, Evaluation, under};
use crate::interference::Clustered;
use crate::learn::{Scored, Scoring, cluster_study, rows, score_table};
use crate::nuisance::Folds;
use crate::rule::{Header, RuleFile};

#[derive(Args)]
pub struct Evaluate {
    /// rule.json that `learn` wrote; it names the covariates, the arms and the direction
    rule: PathBuf,
    /// CSV, Parquet or Arrow with one row a unit; - for standard input
    data: PathBuf,
    #[command(flatten)]
    study: StudyFlags,
    #[command(flatten)]
    interference: InterferenceFlags,
    /// Another rule, to compare with on the same units; may be repeated. Scores use the covariates of all rules
    #[arg(long, value_name = "OTHER_RULE")]
    against: Vec<PathBuf>,
    /// Draw a tree here, with the units and the effect of each leaf
    #[arg(long, value_name = "FILE.svg", conflicts_with = "interference")]
    svg: Option<PathBuf>,
    /// Root of all randomness
    #[arg(long, default_value = "1")]
    seed: u64,
    #[command(flatten)]
    json: JsonFlag,
}

impl Evaluate {
    pub fn run(&self) -> Result<u8, Failure> {
        output::check(self.json.json.as_deref(), "--json")?;
        output::check(self.svg.as_deref(), "--svg")?;
        let rule = RuleFile::read(&self.rule)?;
        let others = self.others(&rule)?;
        self.interference.check(rule.header.direction)?;
        let scoring = self.scoring(&rule, &others)?;
        let table = data::Table::read(&self.data)?;
        if scoring.roles.missing == Missing::Keep {
            let columns: Vec<Covariate> =
                rule.header.covariates.iter().filter(|covariate| covariate.made.is_none()).cloned().collect();
            read_covariates(&table, &columns, Purpose::Covariate)?;
        }
        if let Some(clustered) = scoring.clustered.clone() {
            return self.under_interference(&rule, &others, &table, scoring, &clustered);
        }
        let mut scored = score_table(&table, &scoring, self.seed)?;
        let best_arm = self.best_arm(&mut scored, &scoring);
        scored.study.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
        let Scored { study, rewards, .. } = &scored;
        let assigned = |rule: &RuleFile| rule.assign(rows(&seen_by(rule, &study.covariates, &study.x)));
        let compared =
            others.iter().map(|(name, other)| Ok((name.clone(), under(rewards, &assigned(other)?))));
        let against = Against { best_arm, others: compared.collect::<Result<_, Failure>>()? };
        let evaluation = Evaluation::new(study, rewards, &assigned(&rule)?, rule.header.direction, &against)?;
        let leaf_of = rule.leaf_of(rows(&seen_by(&rule, &study.covariates, &study.x)))?;
        let evaluation = evaluation.with_leaves(study, rewards, rule.leaf_paths(), &leaf_of)?;
        if let Some(path) = &self.svg {
            let picture = rule.picture(&evaluation.leaf_notes());
            let picture = picture.map_err(|error| Failure::usage(error.to_string()))?;
            write_whole(path, picture.as_bytes())
                .map_err(|error| Failure::io(path, &error, "name a file that can be written with --svg"))?;
        }
        output::print(self.json.json.as_deref(), &evaluation, &evaluation.table())?;
        Ok(DONE)
    }

    fn under_interference(
        &self,
        rule: &RuleFile,
        others: &[(String, RuleFile)],
        table: &data::Table,
        scoring: Scoring,
        clustered: &Clustered,
    ) -> Result<u8, Failure> {
        let study = cluster_study(table, &scoring, clustered, &self.interference.design(), self.seed)?;
        study.warnings.iter().for_each(|warning| eprintln!("warning: {warning}"));
        let assigned = |rule: &RuleFile| rule.assign(rows(&seen_by(rule, &study.covariates, &study.x)));
        let compared = others.iter().map(|(name, other)| Ok((name.clone(), assigned(other)?)));
        let of = Evaluated {
            arms: assigned(rule)?,
            others: compared.collect::<Result<_, Failure>>()?,
            table,
            study,
            cluster: scoring.roles.cluster.as_deref().unwrap_or_default(),
            clustered,
            // Own outcome models, and those of other covariates than the rule's, are not fitted again.
            folds: (scoring.roles.effects.is_none() && scoring.covariates.is_empty())
                .then_some(scoring.folds),
            seed: self.seed,
            direction: rule.header.direction,
        };
        self.interference.evaluate(&of, self.json.json.as_deref())
    }

    /// The other rules, by the names of their files.
    fn others(&self, rule: &RuleFile) -> Result<Vec<(String, RuleFile)>, Failure> {
        let read = |path: &PathBuf| {
            let (name, other) = (path.display().to_string(), RuleFile::read(path)?);
            if (&other.header.arms, other.header.direction) != (&rule.header.arms, rule.header.direction) {
                return Err(Failure::usage(format!(
                    "--against {name}: its arms or direction are not those of the rule; compare rules for the same choice"
                )));
            }
            Ok((name, other))
        };
        self.against.iter().map(read).collect()
    }

    /// What was typed, with what the rule files know.
    fn scoring(&self, rule: &RuleFile, others: &[(String, RuleFile)]) -> Result<Scoring, Failure> {
        let mut covariates = rule.header.covariates.clone();
        for (file, covariate) in
            others.iter().flat_map(|(file, o)| o.header.covariates.iter().map(move |c| (file, c)))
        {
            match covariates.iter().find(|known| known.name == covariate.name) {
                None => covariates.push(covariate.clone()),
                Some(known) if known.levels == covariate.levels => {}
                Some(_) => {
                    return Err(Failure::usage(format!(
                        "--against {file}: its levels of {} are not those of the rule; compare rules for the same data",
                        covariate.name
                    )));
                }
            }
        }
        let Header { arms, groups, direction, .. } = &rule.header;
        let scoring = scoring(
            &self.study,
            *direction,
            &covariates,
            Some((arms, groups)),
            &self.interference.clustered,
        )?;
        if scoring.roles.arms.as_ref() != Some(arms) {
            return Err(Failure::usage("--arms must be those of the rule, in its order; leave it out"));
        }
        Ok(scoring)
    }

    /// The best single arm inside the folds of the scores. Where the units are too few for folds, which not every score
    /// needs, there is none, and a warning.
    fn best_arm(&self, scored: &mut Scored, scoring: &Scoring) -> Option<BestArm> {
        match Folds::new(&scored.study, scoring.folds, self.seed) {
            Ok(folds) => Some(BestArm::in_folds(&scored.rewards, &folds)),
            Err(error) => {
                scored.study.warnings.push(format!("no comparison with the best single arm: {error}"));
                None
            }
        }
    }
}

/// The columns of x (n x p) that a rule looks at, in its order; x, whose columns are `covariates`, has them all.
pub(super) fn seen_by<'x>(
    rule: &RuleFile,
    covariates: &[Covariate],
    x: &'x Array2<f64>,
) -> Cow<'x, Array2<f64>> {
    let (seen, names) = (&rule.header.covariates, covariates.iter().map(|covariate| &covariate.name));
    if seen.iter().map(|covariate| &covariate.name).eq(names.clone()) {
        return Cow::Borrowed(x);
    }
    let known = |covariate: &Covariate| names.clone().position(|name| *name == covariate.name);
    let columns: Vec<usize> = seen.iter().filter_map(known).collect();
    Cow::Owned(x.select(Axis(1), &columns).as_standard_layout().into_owned())
}
