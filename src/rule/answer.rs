//! Another solver's answer, to be certified: a rule as JSON, or the columns of a solution file.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::{Rule, RuleError};

/// What a file said.
#[derive(Clone, Debug, PartialEq)]
pub enum GivenAnswer {
    Rule(Rule),
    /// Values of a written program's columns by name.
    Columns(BTreeMap<String, f64>),
}

/// Reads an answer: JSON (a rule, or a report with a rule as its `point`), or a solution file with a line `name value` for
/// each column, as HiGHS, Gurobi and SCIP write them.
pub fn read_answer(path: &Path) -> Result<GivenAnswer, RuleError> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| RuleError::Unreadable { file: file.clone(), reason: error.to_string() })?;
    let not_a_rule = |reason: String| RuleError::NotARule { file: file.clone(), reason };
    if text.trim_start().starts_with('{') {
        let mut value: Value = serde_json::from_str(&text).map_err(|error| not_a_rule(error.to_string()))?;
        let rule = value.get_mut("point").map(Value::take).unwrap_or(value);
        return serde_json::from_value(rule)
            .map(GivenAnswer::Rule)
            .map_err(|error| not_a_rule(error.to_string()));
    }
    let columns: BTreeMap<String, f64> = text.lines().filter_map(column).collect();
    if columns.is_empty() {
        return Err(not_a_rule("neither JSON nor lines of the form: name value".into()));
    }
    Ok(GivenAnswer::Columns(columns))
}

/// `name value`, with further words allowed behind (SCIP writes the objective coefficient there); headings and comments are
/// passed over.
fn column(line: &str) -> Option<(String, f64)> {
    let mut words = line.split_whitespace();
    let name = words.next().filter(|name| !name.starts_with('#'))?;
    let value = words.next()?.parse().ok().filter(|value: &f64| value.is_finite())?;
    Some((name.into(), value))
}
