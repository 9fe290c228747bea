//! The folder of results: `rule.json`, `report.json`, `scores.csv`, `summary.txt`, `config.toml`, and of a tree its picture
//! `rule.svg`; all or none are written.

use std::io;
use std::path::Path;

use super::{Config, LearnError, Learned, Sample, Worth};
use crate::data::write_folder;

/// Writes what was learned, with `summary` as the words for people.
pub fn write(learned: &Learned, config: &Config, summary: &str, folder: &Path) -> Result<(), LearnError> {
    let failed = |error: io::Error| LearnError::Io {
        path: folder.display().to_string(),
        reason: error.to_string(),
        remedy: "name a folder that can be written to with --out",
    };
    let report = ReportFile {
        report: learned.report.clone(),
        data_file_sha256: learned.scored.study.data_hash.clone(),
        units: learned.scored.study.units(),
        dropped: learned.scored.study.dropped,
        warnings: learned.scored.study.warnings.clone(),
        evaluation: learned.evaluation.clone(),
        diagnostics: learned.scored.diagnostics.clone(),
        learner: learned.learner.clone(),
        fusion: learned.fusion().cloned(),
    };
    let other = |error: String| failed(io::Error::other(error));
    let json = |value: serde_json::Result<Vec<u8>>| value.map_err(|error| other(error.to_string()));
    let mut files = vec![
        ("report.json", json(serde_json::to_vec_pretty(&report))?),
        ("scores.csv", scores(learned).map_err(|error| other(error.to_string()))?),
        ("summary.txt", summary.as_bytes().to_vec()),
        (
            "config.toml",
            toml::to_string_pretty(config).map_err(|error| other(error.to_string()))?.into_bytes(),
        ),
    ];
    if let Some(rule) = &learned.rule {
        files.push(("rule.json", json(serde_json::to_vec_pretty(rule))?));
        let notes = learned.evaluation.as_ref().map(Worth::leaf_notes).unwrap_or_default();
        // Only a tree has a picture.
        files.extend(rule.picture(&notes).ok().map(|picture| ("rule.svg", picture.into_bytes())));
    }
    write_folder(folder, &files).map_err(failed)?;
    // What an earlier run left must not pass for an answer of this one.
    for name in
        ["rule.json", "rule.svg"].into_iter().filter(|name| files.iter().all(|(written, _)| written != name))
    {
        match std::fs::remove_file(folder.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
    }
    Ok(())
}

/// `report.json`: the solver's report, and the study and value around it.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct ReportFile {
    #[serde(flatten)]
    pub report: crate::solve::Report<crate::rule::Rule>,
    pub data_file_sha256: String,
    pub units: usize,
    pub dropped: usize,
    pub warnings: Vec<String>,
    pub evaluation: Option<Worth>,
    pub diagnostics: crate::nuisance::Diagnostics,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learner: Option<super::LearnerValue>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fusion: Option<super::FusionReport>,
}

/// One row a unit: id, sample, arm received, arm assigned, and the reward of each arm.
fn scores(learned: &Learned) -> csv::Result<Vec<u8>> {
    let study = &learned.scored.study;
    let mut writer = csv::Writer::from_writer(Vec::new());
    let rewards = study.arms.iter().map(|arm| format!("reward[{arm}]"));
    let heading: Vec<String> =
        ["id", "sample", "received", "assigned"].map(String::from).into_iter().chain(rewards).collect();
    writer.write_record(&heading)?;
    for i in 0..study.units() {
        let sample = if learned.sample[i] == Sample::Train { "train" } else { "test" };
        let assigned = learned.assignment.get(i).map_or("", |&k| study.arms[k].as_str());
        let known =
            [study.ids[i].as_str(), sample, study.arms[study.arm[i]].as_str(), assigned].map(String::from);
        let rewards = learned.scored.rewards.row(i).into_iter().map(f64::to_string).collect::<Vec<_>>();
        writer.write_record(known.into_iter().chain(rewards))?;
    }
    writer.into_inner().map_err(|error| csv::Error::from(io::Error::other(error.to_string())))
}

/// The configuration that a folder was made with.
pub fn read_config(folder: &Path) -> Result<Config, LearnError> {
    let config: Config =
        toml::from_str(&read(folder, "config.toml")?).map_err(|e| bad(folder, "config.toml", &e))?;
    config.check()?;
    Ok(config)
}

pub(super) fn read(folder: &Path, name: &str) -> Result<String, LearnError> {
    let path = folder.join(name);
    std::fs::read_to_string(&path).map_err(|error| LearnError::Io {
        path: path.display().to_string(),
        reason: error.to_string(),
        remedy: "name a folder that learn wrote",
    })
}

pub(super) fn bad(folder: &Path, name: &str, error: &dyn std::fmt::Display) -> LearnError {
    LearnError::Io {
        path: folder.join(name).display().to_string(),
        reason: error.to_string(),
        remedy: "name a folder that learn wrote and nobody edited",
    }
}
