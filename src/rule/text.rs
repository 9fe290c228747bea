//! Rules in words.

use std::fmt::Write;

use super::{Node, Rule, Side, Test};

impl Rule {
    /// The rule as a person reads it; `covariates` name the coefficients of linear rules.
    pub fn in_words(&self, covariates: &[String]) -> String {
        match self {
            Rule::Constant { arm } => format!("everyone: {arm}\n"),
            Rule::Tree { root } => {
                let mut text = String::new();
                branch(root, 0, &mut text);
                text
            }
            Rule::Linear { arms, intercept, coefficients } => {
                linear(arms, *intercept, coefficients, covariates)
            }
            Rule::MultiLinear { arms, intercepts, coefficients } => {
                multi_linear(arms, intercepts, coefficients, covariates)
            }
            Rule::Conjunction { arms, intercepts, coefficients } => {
                conjunction(arms, *intercepts, coefficients, covariates)
            }
        }
    }
}

impl Test {
    /// What sends a unit to the left; `at_most` is the sign for it.
    pub(crate) fn in_words(&self, covariate: &str, missing: Option<Side>, at_most: &str) -> String {
        let test = match self {
            Test::AtMost { threshold } if *threshold == f64::MIN => return format!("{covariate} is missing"),
            Test::AnyOf { levels } if levels.is_empty() => return format!("{covariate} is missing"),
            Test::AtMost { threshold } => format!("{covariate} {at_most} {threshold}"),
            Test::AnyOf { levels } => format!("{covariate} is {}", levels.join(" or ")),
        };
        match missing {
            None => test,
            Some(Side::Left) => format!("{test} or missing"),
            Some(Side::Right) => format!("{test} (no, if missing)"),
        }
    }
}

fn branch(node: &Node, depth: usize, text: &mut String) {
    let indent = "    ".repeat(depth);
    match node {
        Node::Leaf { arm } if depth == 0 => {
            let _ = writeln!(text, "everyone: {arm}");
        }
        Node::Leaf { arm } => {
            let _ = writeln!(text, "{indent}{arm}");
        }
        Node::Split { covariate, test, missing, left, right } => {
            let _ = writeln!(text, "{indent}if {}:", test.in_words(covariate, *missing, "<="));
            branch(left, depth + 1, text);
            let _ = writeln!(text, "{indent}otherwise:");
            branch(right, depth + 1, text);
        }
    }
}

fn linear(arms: &[String], intercept: f64, coefficients: &[f64], covariates: &[String]) -> String {
    let arm = |k: usize| arms.get(k).map_or("?", String::as_str);
    if coefficients.iter().all(|b| *b == 0.0) {
        return format!("everyone: {}\n", arm(usize::from(intercept >= 0.0)));
    }
    format!("{} where {} >= 0, otherwise {}\n", arm(1), score(intercept, coefficients, covariates), arm(0))
}

/// A rule that treats everybody goes without saying beside the other.
fn conjunction(
    arms: &[String],
    intercepts: [f64; 2],
    coefficients: &[Vec<f64>; 2],
    covariates: &[String],
) -> String {
    let is_constant = |k: usize| coefficients[k].iter().all(|b| *b == 0.0);
    let of_one = |k: usize| linear(arms, intercepts[k], &coefficients[k], covariates);
    // A constant rule either leaves the decision to the other or treats nobody.
    match [0, 1].into_iter().find(|&k| is_constant(k)) {
        Some(k) if intercepts[k] >= 0.0 => of_one(1 - k),
        Some(k) => of_one(k),
        None => {
            let arm = |k: usize| arms.get(k).map_or("?", String::as_str);
            let score = |k: usize| score(intercepts[k], &coefficients[k], covariates);
            format!("{} where {} >= 0\n    and {} >= 0, otherwise {}\n", arm(1), score(0), score(1), arm(0))
        }
    }
}

/// One line an arm.
fn multi_linear(
    arms: &[String],
    intercepts: &[f64],
    coefficients: &[Vec<f64>],
    covariates: &[String],
) -> String {
    if coefficients.iter().flatten().all(|b| *b == 0.0) {
        let higher = |best: usize, k: usize| if intercepts[k] > intercepts[best] { k } else { best };
        let best = (1..intercepts.len()).fold(0, higher);
        return format!("everyone: {}\n", arms.get(best).map_or("?", String::as_str));
    }
    let mut text = String::from("the highest of\n");
    for ((arm, intercept), b) in arms.iter().zip(intercepts).zip(coefficients) {
        let _ = writeln!(text, "    {arm}: {}", score(*intercept, b, covariates));
    }
    text
}

/// `b0 + b_1 x_1 - ..`, without the zeros.
pub(super) fn score(intercept: f64, coefficients: &[f64], covariates: &[String]) -> String {
    let mut text = significant(intercept);
    for (b, name) in coefficients.iter().zip(covariates).filter(|(b, _)| **b != 0.0) {
        let factor = if b.abs() == 1.0 { String::new() } else { format!("{} ", significant(b.abs())) };
        let _ = write!(text, " {} {factor}{name}", if *b < 0.0 { '-' } else { '+' });
    }
    text
}

/// Six significant digits: enough to read, the JSON has them all.
fn significant(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let decimals = (5 - value.abs().log10().floor() as i64).clamp(0, 12) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').into() } else { text }
}
