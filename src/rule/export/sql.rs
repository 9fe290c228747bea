//! A rule as one SQL expression.
//!
//! A row that misses a covariate which the rule may look at gets NULL, where `predict` refuses it. Columns are cast to double
//! precision first, so that thresholds are compared as the numbers that the rule was learned on. A linear rule is evaluated in
//! floating point: the margin of a certified rule keeps the units that it was learned on away from rounding.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use crate::rule::{Header, Node, Rule};

/// Which database reads it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    #[default]
    Sqlite,
    Duckdb,
    Postgresql,
}

/// `CASE ... END`, the label of the arm.
pub(super) fn case(rule: &Rule, header: &Header, dialect: Dialect) -> String {
    let column = |name: &str| format!("CAST({} AS {})", dialect.identifier(name), dialect.double());
    let mut text = String::from("CASE\n");
    let used = used(rule, header);
    if !used.is_empty() {
        let missing: Vec<String> =
            used.iter().map(|name| format!("{} IS NULL", dialect.identifier(name))).collect();
        let _ = writeln!(text, "  WHEN {} THEN NULL", missing.join(" OR "));
    }
    match rule {
        Rule::Constant { arm } => {
            let _ = writeln!(text, "  ELSE {}", literal(arm));
        }
        Rule::Tree { root } => paths(
            root,
            &mut Vec::new(),
            &|name, sign, threshold| format!("{} {sign} {}", column(name), dialect.number(threshold)),
            &mut text,
        ),
        Rule::Linear { arms, intercept, coefficients } => {
            let terms = coefficients.iter().zip(&header.covariates).filter(|(b, _)| **b != 0.0);
            let sum = terms.fold(dialect.number(*intercept), |sum, (b, name)| {
                format!("{sum} + {} * {}", dialect.number(*b), column(name))
            });
            let arm = |k: usize| literal(arms.get(k).map_or("", String::as_str));
            let _ = writeln!(text, "  WHEN {sum} >= 0 THEN {}\n  ELSE {}", arm(1), arm(0));
        }
    }
    text.push_str("END\n");
    text
}

/// One `WHEN` a leaf: the conjunction of the splits on its path; `compare` writes (covariate, sign, threshold).
fn paths(
    node: &Node,
    path: &mut Vec<String>,
    compare: &dyn Fn(&str, &str, f64) -> String,
    text: &mut String,
) {
    match node {
        Node::Leaf { arm } if path.is_empty() => {
            let _ = writeln!(text, "  ELSE {}", literal(arm));
        }
        Node::Leaf { arm } => {
            let _ = writeln!(text, "  WHEN {} THEN {}", path.join(" AND "), literal(arm));
        }
        Node::Split { covariate, threshold, left, right } => {
            for (child, sign) in [(left, "<="), (right, ">")] {
                path.push(compare(covariate, sign, *threshold));
                paths(child, path, compare, text);
                path.pop();
            }
        }
    }
}

/// The covariates that the rule looks at, in the order of the header.
fn used(rule: &Rule, header: &Header) -> Vec<String> {
    fn in_tree<'n>(node: &'n Node, names: &mut Vec<&'n str>) {
        if let Node::Split { covariate, left, right, .. } = node {
            names.push(covariate);
            in_tree(left, names);
            in_tree(right, names);
        }
    }
    let mut names = Vec::new();
    match rule {
        Rule::Constant { .. } => {}
        Rule::Tree { root } => in_tree(root, &mut names),
        Rule::Linear { coefficients, .. } => {
            let terms = coefficients.iter().zip(&header.covariates).filter(|(b, _)| **b != 0.0);
            names.extend(terms.map(|(_, name)| name.as_str()));
        }
    }
    header.covariates.iter().filter(|name| names.contains(&name.as_str())).cloned().collect()
}

impl Dialect {
    /// The 64-bit floating-point type.
    fn double(self) -> &'static str {
        match self {
            Dialect::Sqlite => "REAL",
            Dialect::Duckdb => "DOUBLE",
            Dialect::Postgresql => "DOUBLE PRECISION",
        }
    }

    /// The number, such that the database reads it to the last bit.
    fn number(self, value: f64) -> String {
        match self {
            // SQLite rounds some decimal literals wrongly (3 in 100,000 random ones in 3.40.1), but not whole numbers.
            Dialect::Sqlite if value.fract() != 0.0 => quotient(value),
            // An exponent keeps a literal from being read as a decimal of fixed scale.
            _ => format!("{value:e}"),
        }
    }

    /// SQLite takes an unknown name in double quotes for a text, so it gets backquotes.
    fn identifier(self, name: &str) -> String {
        match self {
            Dialect::Sqlite => format!("`{}`", name.replace('`', "``")),
            _ => format!("\"{}\"", name.replace('"', "\"\"")),
        }
    }
}

/// `m / 2^k` with whole m, its powers of two in factors that every reader takes exactly, and the decimal as a comment.
fn quotient(value: f64) -> String {
    let (mut whole, mut halvings) = (value, 0);
    while whole.fract() != 0.0 {
        whole *= 2.0;
        halvings += 1;
    }
    let mut text = format!("({whole:.1}");
    while halvings > 0 {
        let step = halvings.min(40);
        let _ = write!(text, " / {:.1}", 2.0_f64.powi(step));
        halvings -= step;
    }
    format!("{text} /* {value} */)")
}

fn literal(label: &str) -> String {
    format!("'{}'", label.replace('\'', "''"))
}
