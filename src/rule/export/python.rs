//! A rule as a Python function without dependencies.
//!
//! The function takes a mapping of covariates and returns the label of the arm; a missing covariate raises. A linear rule decides
//! in exact rational arithmetic, as `predict` does.

use std::fmt::Write;

use crate::rule::{Header, Node, Rule};

pub(super) fn function(rule: &Rule, header: &Header) -> String {
    let mut text = String::new();
    if matches!(rule, Rule::Linear { .. }) {
        text.push_str("from fractions import Fraction\n\n\n");
    }
    let names: Vec<String> = header.covariates.iter().map(|name| quoted(name)).collect();
    let _ = writeln!(
        text,
        "def assign(row):\n    \"\"\"The arm for a unit; `row` maps the covariates to numbers.\"\"\"\n    \
         x = {{name: float(row[name]) for name in [{}]}}\n    \
         if any(value != value for value in x.values()):\n        \
         raise ValueError(\"a covariate is missing\")",
        names.join(", ")
    );
    match rule {
        Rule::Constant { arm } => {
            let _ = writeln!(text, "    return {}", quoted(arm));
        }
        Rule::Tree { root } => branch(root, 1, &mut text),
        Rule::Linear { arms, intercept, coefficients } => {
            let terms: Vec<String> =
                coefficients.iter().zip(&names).map(|(b, name)| format!("({name}, {b:?})")).collect();
            let arm = |k: usize| quoted(arms.get(k).map_or("", String::as_str));
            let _ = writeln!(
                text,
                "    height = Fraction({intercept:?}) + sum(Fraction(b) * Fraction(x[name]) for name, b in [{}])\n    \
                 return {} if height >= 0 else {}",
                terms.join(", "),
                arm(1),
                arm(0)
            );
        }
    }
    text
}

fn branch(node: &Node, depth: usize, text: &mut String) {
    let indent = "    ".repeat(depth);
    match node {
        Node::Leaf { arm } => {
            let _ = writeln!(text, "{indent}return {}", quoted(arm));
        }
        Node::Split { covariate, threshold, left, right } => {
            let _ = writeln!(text, "{indent}if x[{}] <= {threshold:?}:", quoted(covariate));
            branch(left, depth + 1, text);
            branch(right, depth, text);
        }
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
