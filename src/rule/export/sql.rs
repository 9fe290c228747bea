//! A rule as one SQL expression.
//!
//! A missing value is NULL. A row that misses a covariate which the rule looks at without saying what to do then, or has a level
//! that the rule does not know, gets NULL, where `predict` refuses it. Numbers are cast to double precision first, so that
//! thresholds are compared as the numbers that the rule was learned on, and levels to text. Linear rules are evaluated in
//! floating point: the margin of a certified rule keeps the units that it was learned on away from rounding.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use crate::data::{Covariate, Term};
use crate::rule::{Header, Node, Rule, Side, Test};

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
    let mut text = String::from("CASE\n");
    let used = header.covariates.iter().filter(|covariate| rule.looks_at(&covariate.name, &header.encoding));
    let refused: Vec<String> = used.flat_map(|covariate| refusals(covariate, dialect)).collect();
    if !refused.is_empty() {
        let _ = writeln!(text, "  WHEN {} THEN NULL", refused.join(" OR "));
    }
    match rule {
        Rule::Constant { arm } => {
            let _ = writeln!(text, "  ELSE {}", literal(arm));
        }
        Rule::Tree { root } => paths(root, dialect, &mut Vec::new(), &mut text),
        Rule::Linear { arms, intercept, coefficients } => {
            let sum = height(*intercept, coefficients, header, dialect);
            let arm = |k: usize| literal(arms.get(k).map_or("", String::as_str));
            let _ = writeln!(text, "  WHEN {sum} >= 0 THEN {}\n  ELSE {}", arm(1), arm(0));
        }
        Rule::Conjunction { arms, intercepts, coefficients } => {
            let height = |k: usize| height(intercepts[k], &coefficients[k], header, dialect);
            let (first, second) = (height(0), height(1));
            let arm = |k: usize| literal(arms.get(k).map_or("", String::as_str));
            let _ =
                writeln!(text, "  WHEN {first} >= 0 AND {second} >= 0 THEN {}\n  ELSE {}", arm(1), arm(0));
        }
        Rule::MultiLinear { arms, intercepts, coefficients } => {
            let of_arm = intercepts.iter().zip(coefficients);
            let heights: Vec<String> = of_arm.map(|(b0, b)| height(*b0, b, header, dialect)).collect();
            highest(arms, &heights, &mut text);
        }
    }
    text.push_str("END\n");
    text
}

/// The sum `b0 + z'b`.
fn height(intercept: f64, coefficients: &[f64], header: &Header, dialect: Dialect) -> String {
    let terms = coefficients.iter().zip(&header.encoding).filter(|(b, _)| **b != 0.0);
    terms.fold(dialect.number(intercept), |sum, (b, term)| {
        format!("{sum} + {} * {}", dialect.number(*b), value(term, dialect))
    })
}

/// One `WHEN` an arm: that it is as high as every later one. The arms before it were not, so they are lower.
fn highest(arms: &[String], heights: &[String], text: &mut String) {
    for (k, (arm, height)) in arms.iter().zip(heights).enumerate() {
        let later: Vec<String> =
            heights[k + 1..].iter().map(|other| format!("{height} >= {other}")).collect();
        let _ = match later.is_empty() {
            true => writeln!(text, "  ELSE {}", literal(arm)),
            false => writeln!(text, "  WHEN {} THEN {}", later.join(" AND "), literal(arm)),
        };
    }
}

/// The conditions under which `predict` refuses a row for this covariate.
fn refusals(covariate: &Covariate, dialect: Dialect) -> Vec<String> {
    let column = dialect.identifier(&covariate.name);
    let missing = (!covariate.missing).then(|| format!("{column} IS NULL"));
    let stranger = covariate.is_categorical().then(|| among(&column, "NOT IN", &covariate.levels));
    missing.into_iter().chain(stranger).collect()
}

/// `column IN (levels)`, or `NOT IN`.
fn among(column: &str, sign: &str, levels: &[String]) -> String {
    let levels: Vec<String> = levels.iter().map(|level| literal(level)).collect();
    format!("CAST({column} AS TEXT) {sign} ({})", levels.join(", "))
}

/// A term of linear rules.
fn value(term: &Term, dialect: Dialect) -> String {
    let column = dialect.identifier(term.covariate());
    let number = format!("CAST({column} AS {})", dialect.double());
    let indicator = |condition: String| format!("CASE WHEN {condition} THEN 1.0 ELSE 0.0 END");
    match term {
        Term::Value { fill: None, .. } => number,
        Term::Value { fill: Some(fill), .. } => format!("COALESCE({number}, {})", dialect.number(*fill)),
        Term::Level { level, .. } => indicator(among(&column, "IN", std::slice::from_ref(level))),
        Term::Missing { .. } => indicator(format!("{column} IS NULL")),
    }
}

/// One `WHEN` a leaf: the conjunction of the splits on its path.
fn paths(node: &Node, dialect: Dialect, path: &mut Vec<String>, text: &mut String) {
    match node {
        Node::Leaf { arm } if path.is_empty() => {
            let _ = writeln!(text, "  ELSE {}", literal(arm));
        }
        Node::Leaf { arm } => {
            let _ = writeln!(text, "  WHEN {} THEN {}", path.join(" AND "), literal(arm));
        }
        Node::Split { covariate, test, missing, left, right } => {
            for (child, side) in [(left, Side::Left), (right, Side::Right)] {
                path.push(condition(&dialect.identifier(covariate), test, *missing, side, dialect));
                paths(child, dialect, path, text);
                path.pop();
            }
        }
    }
}

/// What holds for the rows that go to `side`; a comparison with NULL holds for none.
fn condition(column: &str, test: &Test, missing: Option<Side>, side: Side, dialect: Dialect) -> String {
    let left = side == Side::Left;
    let only_missing = if left { format!("{column} IS NULL") } else { format!("{column} IS NOT NULL") };
    let compared = match test {
        Test::AtMost { threshold } if *threshold == f64::MIN => return only_missing,
        Test::AnyOf { levels } if levels.is_empty() => return only_missing,
        Test::AtMost { threshold } => {
            let sign = if left { "<=" } else { ">" };
            format!("CAST({column} AS {}) {sign} {}", dialect.double(), dialect.number(*threshold))
        }
        Test::AnyOf { levels } => among(column, if left { "IN" } else { "NOT IN" }, levels),
    };
    if missing == Some(side) { format!("({column} IS NULL OR {compared})") } else { compared }
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
