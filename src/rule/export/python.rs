//! A rule as a Python function without dependencies.
//!
//! The function takes a mapping of covariates and returns the label of the arm. A missing value is None, NaN, an empty text or
//! "NA"; a missing covariate that the rule cannot do without, or a level that it does not know, raises. Linear rules decide in
//! exact rational arithmetic, as `predict` does.

use std::fmt::Write;

use crate::data::{Covariate, Term};
use crate::rule::{Header, Node, Rule, Side, Test};

const READ: &str = r#"def _read(value, name, levels, may_miss):
    if value is None or value != value or value == "" or value == "NA":
        if not may_miss:
            raise ValueError(name + " is missing")
        return None
    if levels is None:
        return float(value)
    if str(value) not in levels:
        raise ValueError(name + " has the unknown level " + repr(value))
    return str(value)


"#;

pub(super) fn function(rule: &Rule, header: &Header) -> String {
    let mut text = String::new();
    if matches!(rule, Rule::Linear { .. } | Rule::MultiLinear { .. } | Rule::Conjunction { .. }) {
        text.push_str("from fractions import Fraction\n\n\n");
    }
    text.push_str(READ);
    text.push_str("def assign(row):\n    \"\"\"The arm for a unit; `row` maps the covariates to values.\"\"\"\n    x = {\n");
    header.covariates.iter().for_each(|covariate| read(covariate, &mut text));
    text.push_str("    }\n");
    match rule {
        Rule::Constant { arm } => {
            let _ = writeln!(text, "    return {}", quoted(arm));
        }
        Rule::Tree { root } => branch(root, 1, &mut text),
        Rule::Linear { arms, intercept, coefficients } => {
            height("height", *intercept, coefficients, header, &mut text);
            let arm = |k: usize| quoted(arms.get(k).map_or("", String::as_str));
            let _ = writeln!(text, "    return {} if height >= 0 else {}", arm(1), arm(0));
        }
        Rule::Conjunction { arms, intercepts, coefficients } => {
            for (name, k) in [("first", 0), ("second", 1)] {
                height(name, intercepts[k], &coefficients[k], header, &mut text);
            }
            let arm = |k: usize| quoted(arms.get(k).map_or("", String::as_str));
            let _ = writeln!(text, "    return {} if first >= 0 and second >= 0 else {}", arm(1), arm(0));
        }
        Rule::MultiLinear { arms, intercepts, coefficients } => {
            let _ = writeln!(text, "    heights = [0] * {}", arms.len());
            for (k, (intercept, b)) in intercepts.iter().zip(coefficients).enumerate() {
                height(&format!("heights[{k}]"), *intercept, b, header, &mut text);
            }
            let labels: Vec<String> = arms.iter().map(|arm| quoted(arm)).collect();
            let _ = writeln!(text, "    return [{}][heights.index(max(heights))]", labels.join(", "));
        }
    }
    text
}

/// The lines that set `variable` to `b0 + z'b`.
fn height(variable: &str, intercept: f64, coefficients: &[f64], header: &Header, text: &mut String) {
    let _ = writeln!(text, "    {variable} = Fraction({intercept:?})");
    for (b, term) in coefficients.iter().zip(&header.encoding).filter(|(b, _)| **b != 0.0) {
        let _ = writeln!(text, "    {variable} += Fraction({b:?}) * Fraction({})", value(term));
    }
}

/// The line of a covariate in the mapping of checked values.
fn read(covariate: &Covariate, text: &mut String) {
    let name = quoted(&covariate.name);
    let levels: Vec<String> = covariate.levels.iter().map(|level| quoted(level)).collect();
    let levels = if levels.is_empty() { "None".into() } else { format!("[{}]", levels.join(", ")) };
    let may_miss = if covariate.missing { "True" } else { "False" };
    let _ = writeln!(text, "        {name}: _read(row[{name}], {name}, {levels}, {may_miss}),");
}

/// A term of linear rules, as a number.
fn value(term: &Term) -> String {
    let x = format!("x[{}]", quoted(term.covariate()));
    match term {
        Term::Value { fill: None, .. } => x,
        Term::Value { fill: Some(fill), .. } => format!("{fill:?} if {x} is None else {x}"),
        Term::Level { level, .. } => format!("int({x} == {})", quoted(level)),
        Term::Missing { .. } => format!("int({x} is None)"),
    }
}

fn branch(node: &Node, depth: usize, text: &mut String) {
    let indent = "    ".repeat(depth);
    match node {
        Node::Leaf { arm } => {
            let _ = writeln!(text, "{indent}return {}", quoted(arm));
        }
        Node::Split { covariate, test, missing, left, right } => {
            let condition = condition(&format!("x[{}]", quoted(covariate)), test, *missing);
            let _ = writeln!(text, "{indent}if {condition}:");
            branch(left, depth + 1, text);
            branch(right, depth, text);
        }
    }
}

/// What sends a unit to the left.
fn condition(x: &str, test: &Test, missing: Option<Side>) -> String {
    let compared = match test {
        Test::AtMost { threshold } => format!("{x} <= {threshold:?}"),
        Test::AnyOf { levels } => {
            let levels: Vec<String> = levels.iter().map(|level| quoted(level)).collect();
            format!("{x} in [{}]", levels.join(", "))
        }
    };
    match missing {
        None => compared,
        Some(Side::Left) => format!("{x} is None or {compared}"),
        Some(Side::Right) => format!("{x} is not None and {compared}"),
    }
}

/// A Python string literal.
fn quoted(label: &str) -> String {
    let escaped: String = label
        .chars()
        .map(|c| match c {
            '\\' => "\\\\".to_string(),
            '"' => "\\\"".to_string(),
            c if c.is_control() => format!("\\U{:08x}", u32::from(c)),
            c => c.to_string(),
        })
        .collect();
    format!("\"{escaped}\"")
}
