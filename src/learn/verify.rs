//! Verification of a folder of results from the data file that it names: nothing in the folder is believed that can be
//! computed again.

use std::path::Path;

use prescribe_models::cluster_rule::ClusterProblem;
use prescribe_models::{Model, PolicyProblem, Sense};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::folder::{ReportFile, bad, read, read_config};
use super::learners::{Gained, LEARNER};
use super::sample::units_of;
use super::{
    Config, Encoding, Judged, LearnError, Policy, Sample, Scored, WithProblem, on_training_units,
    prepare_study, read_study, rows,
};
use crate::data::{Study, Table};
use crate::interference::Learner;
use crate::rule::{NamedClass, RuleFile};
use crate::solve::Solvable;

/// How far a number computed again may differ, relative to max(1, its size).
const TOLERANCE: f64 = 1e-9;

/// One thing that was checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    pub name: String,
    pub passed: bool,
    /// What was compared, in words.
    pub detail: String,
}

/// Recomputes data hash, scores, objective, constraints, hashes and evaluation; `data` replaces the file that the
/// configuration names.
pub fn verify(folder: &Path, data: Option<&Path>) -> Result<Vec<Finding>, LearnError> {
    let mut config = read_config(folder)?;
    if let Some(data) = data {
        config.data = data.into();
    }
    let report: ReportFile =
        serde_json::from_str(&read(folder, "report.json")?).map_err(|e| bad(folder, "report.json", &e))?;
    let rule = RuleFile::read(&folder.join("rule.json"))?;
    let study = read_study(&Table::read(&config.data)?, &config.scoring)?;
    let learner = check_learner(&study, &config, &report)?;
    let (scored, sample) = prepare_study(study, &config)?;
    let Scored { study, .. } = &scored;
    let direction = config.scoring.direction;
    let terms = match config.policy {
        Policy::Linear | Policy::Conjunction => Encoding::linear(study),
        Policy::Tree { .. } | Policy::Table { .. } => Encoding::Columns(Vec::new()),
    };
    let written = RuleFile::new(&report.report, study, terms.terms(), direction);
    let assignment = rule.assign(rows(&study.x))?;
    let mut findings = vec![
        finding("data file", scored.study.data_hash == report.data_file_sha256, &scored.study.data_hash),
        finding(
            "rule of the report",
            written.as_ref() == Some(&rule),
            "rule.json is the report's point, for these arms, covariates and direction",
        ),
        check_scores(folder, &scored, &sample, &assignment)?,
    ];
    match config.learner {
        Learner::Value => {
            let work = CheckModel { rule: &rule, report: &report };
            findings.extend(on_training_units(&scored, &sample, &config, work)?);
        }
        _ => findings.extend(check_learned(&scored, &sample, &config, &rule, &report)?),
    }
    let evaluation = super::evaluate(&scored, &sample, &rule, &assignment, &config)?;
    let value = evaluation.value().estimate;
    let same_table = agree(&json!(evaluation), &json!(report.evaluation));
    findings.push(finding(
        "evaluation",
        same_table,
        &format!("every number of the table; the value is {value}"),
    ));
    let same = agree(&json!(scored.diagnostics), &json!(report.diagnostics));
    findings.push(finding("diagnostics", same, "every number on propensities and outcome predictions"));
    if let Some(fused) = &scored.fused {
        let same = agree(&json!(fused.report), &json!(report.fusion));
        findings.push(finding(
            "fusion",
            same,
            "the groups of arms, their criteria and the balance of their weights",
        ));
    }
    findings.extend(learner);
    Ok(findings)
}

/// Holds rule and report against the model.
struct CheckModel<'a> {
    rule: &'a RuleFile,
    report: &'a ReportFile,
}

impl WithProblem for CheckModel<'_> {
    type Done = Vec<Finding>;

    fn with<C>(self, problem: PolicyProblem<C>, encoding: &Encoding) -> Result<Vec<Finding>, LearnError>
    where
        C: NamedClass,
        PolicyProblem<C>: Solvable + Model<Point = C::Rule>,
    {
        let rule = encoding.encode(&self.rule.rule)?;
        let point = problem.class.indexed(&rule, &problem.covariates, &problem.arms)?;
        Ok(held_against(&problem, &point, self.report))
    }

    fn with_clusters(self, problem: ClusterProblem, encoding: &Encoding) -> Result<Vec<Finding>, LearnError> {
        let (rule, linear) = (encoding.encode(&self.rule.rule)?, problem.linear());
        let point = linear.class.indexed(&rule, &linear.covariates, &linear.arms)?;
        Ok(held_against(&problem, &point, self.report))
    }
}

/// What a report says of a point of the model.
fn held_against<M: Model>(model: &M, point: &M::Point, report: &ReportFile) -> Vec<Finding> {
    let broken = model.violations(point).len();
    let report = &report.report;
    let sign = if model.sense() == Sense::Maximize { 1.0 } else { -1.0 };
    let beyond =
        report.objective_value.zip(report.objective_bound).map(|(value, bound)| sign * (value - bound));
    vec![
        same("objective", Some(model.objective(point)), report.objective_value),
        finding("constraints", broken == 0, &format!("{broken} broken")),
        finding("bound", beyond.is_none_or(|by| by <= 0.0), "the objective is not beyond the reported bound"),
        finding("model hash", model.model_hash() == report.model_hash, &report.model_hash),
        finding("data hash", model.data_hash() == report.data_hash, &report.data_hash),
    ]
}

/// The rule of a learner against the model that it solved, and how the learner was chosen, judged again.
fn check_learned(
    scored: &Scored,
    sample: &[Sample],
    config: &Config,
    rule: &RuleFile,
    report: &ReportFile,
) -> Result<Vec<Finding>, LearnError> {
    let gained = Gained::new(scored, &units_of(sample, Sample::Train), config)?;
    let problem = &gained.problem;
    let point =
        problem.class.indexed(&gained.encoding.encode(&rule.rule)?, &problem.covariates, &problem.arms)?;
    let choice = gained.choice()?;
    let learner = choice.as_ref().map_or(config.learner, |choice| choice.learner);
    let mut findings = match learner {
        Learner::LeastSquares => held_against(&gained.regression()?, &point, report),
        _ => held_against(problem, &point, report),
    };
    let by = gained.by(learner, &point, choice);
    let same = report.report.statistics.get(LEARNER).is_some_and(|reported| agree(&json!(by), reported));
    let detail = format!(
        "{learner}, by every number of its choice where it was chosen; the rule is worth {}",
        by.value
    );
    findings.push(finding("learner of the rule", same, &detail));
    Ok(findings)
}

fn check_scores(
    folder: &Path,
    scored: &Scored,
    sample: &[Sample],
    assignment: &[usize],
) -> Result<Finding, LearnError> {
    let text = read(folder, "scores.csv")?;
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let arms = scored.study.arms.len();
    let (mut units, mut largest) = (0, 0.0_f64);
    for (i, record) in reader.records().enumerate() {
        let record = record.map_err(|error| bad(folder, "scores.csv", &error))?;
        let written = record
            .iter()
            .skip(record.len().saturating_sub(arms))
            .map(|cell| cell.parse().unwrap_or(f64::NAN));
        units += 1;
        let Some(part) = sample.get(i) else { continue };
        let part = if *part == Sample::Train { "train" } else { "test" };
        let arm = |k: usize| scored.study.arms[k].as_str();
        let known = [scored.study.ids[i].as_str(), part, arm(scored.study.arm[i]), arm(assignment[i])];
        let same_unit = record.iter().take(known.len()).eq(known);
        for (value, known) in written.zip(scored.rewards.row(i)) {
            let off: f64 = (value - known).abs() / known.abs().max(1.0);
            // NaN counts as infinitely far.
            largest = if off.is_nan() || !same_unit { f64::INFINITY } else { largest.max(off) };
        }
    }
    let passed = units == sample.len() && largest <= TOLERANCE;
    Ok(finding("scores", passed, &format!("{units} units, largest deviation {largest:e}")))
}

/// The value of the learner, from the rules of the folds as they are in the report.
fn check_learner(study: &Study, config: &Config, report: &ReportFile) -> Result<Option<Finding>, LearnError> {
    let Some(learner) = &report.learner else {
        let missing = || finding("learner", false, "config.toml asks for its value, the report has none");
        return Ok(config.nested.map(|_| missing()));
    };
    let judged = Judged::new(study, config)?;
    let reported: Vec<_> = learner.folds.iter().map(|fold| fold.fusion.as_ref()).collect();
    if !agree(&json!(judged.fusions()), &json!(reported)) {
        return Ok(Some(finding("learner", false, "the groups of the folds are others")));
    }
    let evaluation = judged.evaluate(&learner.folds, Vec::new(), config)?;
    let passed = agree(&json!(evaluation), &json!(learner.evaluation));
    let value = evaluation.value().estimate;
    Ok(Some(finding(
        "learner",
        passed,
        &format!("every number, by the rules of the folds; the value is {value}"),
    )))
}

/// Whether two JSON values are the same but for rounding.
fn agree(computed: &Value, reported: &Value) -> bool {
    match (computed, reported) {
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter().all(|(key, value)| b.get(key).is_some_and(|other| agree(value, other)))
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| agree(a, b)),
        (Value::Number(a), Value::Number(b)) => a.as_f64().zip(b.as_f64()).is_some_and(close),
        (a, b) => a == b,
    }
}

fn close((a, b): (f64, f64)) -> bool {
    (a - b).abs() <= TOLERANCE * a.abs().max(1.0)
}

fn same(name: &str, computed: Option<f64>, reported: Option<f64>) -> Finding {
    let words = |value: Option<f64>| value.map_or("none".to_string(), |value| value.to_string());
    let detail = format!("computed {}, reported {}", words(computed), words(reported));
    finding(name, computed.zip(reported).is_some_and(close), &detail)
}

fn finding(name: &str, passed: bool, detail: &str) -> Finding {
    Finding { name: name.into(), passed, detail: detail.into() }
}
