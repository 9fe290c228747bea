//! How covariates become the numbers over which a problem is posed, and a rule over those numbers one over covariates.
//!
//! A linear rule sees the terms of [`crate::data::Term`]. A tree sees columns whose thresholds are just the splits that it may
//! make, so that every solver of trees over numbers takes categories and missing values too, exactly:
//!
//! ```text
//! number, never missing      one column, itself
//! number, may be missing     two columns: missing below every number (goes left), missing above every number (goes right)
//! category of few levels     for every partition of the levels into two, a column that is 0 on the side of the first level
//! category of many levels    one column, the rank of the level in the order below
//! ```
//!
//! A missing category is one more level. With two arms, depth 1 and no further demand, the best partition gives each level
//! its better arm, so the order of the levels by mean gain holds it, however many there are. Otherwise up to
//! [`MOST_LEVELS`] levels have all their partitions enumerated. Beyond, only the initial segments of an order are allowed, and a note
//! says so: levels in the order of the first principal component of their mean rewards, centred for each unit over the
//! arms (with two arms: of their mean gain; Breiman et al. 1984; Coppersmith, Hong and Hosking 1999).

use ndarray::{Array1, Array2, Axis};
use prescribe_models::tree_rule::splits::thresholds;
use prescribe_models::tree_rule::{Candidates, Tree};

use crate::data::{Covariate, Design, Study, Term, terms};
use crate::rule::{Node, Rule, RuleError, Side, Test};

/// Up to this many levels, a missing one included, have all their partitions enumerated: 511 of 10.
pub const MOST_LEVELS: usize = 10;

/// The columns of a problem.
#[derive(Clone, Debug, PartialEq)]
pub enum Encoding {
    Terms(Vec<Term>),
    Columns(Vec<Column>),
}

/// A column that a tree is posed over.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    pub name: String,
    covariate: Covariate,
    /// The position of the covariate in X.
    position: usize,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    /// The number itself; a missing one, where there is a side for it, lies beyond all others on that side.
    Number(Option<Side>),
    /// The number of the group that the level belongs to; the position after the last level stands for a missing one.
    Groups(Vec<Vec<usize>>),
}

/// What the tree may do, as far as it decides which partitions of levels are needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demands {
    pub depth: usize,
    /// Whether anything but the rewards decides (a minimum leaf size, a budget).
    pub constrained: bool,
}

impl Encoding {
    /// The terms that a linear rule sees.
    pub fn linear(study: &Study) -> Encoding {
        Encoding::Terms(terms(&study.covariates, &study.x))
    }

    /// The columns that a tree sees, by the rewards of the training units (rows of `x` and `rewards`).
    pub fn tree(study: &Study, x: &Array2<f64>, rewards: &Array2<f64>, demands: Demands) -> Encoding {
        let columns = study.covariates.iter().enumerate().flat_map(|(position, covariate)| {
            let column = |name: String, kind| Column { name, covariate: covariate.clone(), position, kind };
            let name = &covariate.name;
            match (covariate.is_categorical(), covariate.missing) {
                (false, false) => vec![column(name.clone(), Kind::Number(None))],
                (false, true) => [(Side::Left, "missing left"), (Side::Right, "missing right")]
                    .map(|(side, words)| column(format!("{name} ({words})"), Kind::Number(Some(side))))
                    .into(),
                (true, _) => {
                    let levels = covariate.levels.len() + usize::from(covariate.missing);
                    let simple = rewards.ncols() == 2 && demands.depth == 1 && !demands.constrained;
                    if simple || levels > MOST_LEVELS {
                        let codes =
                            x.column(position).mapv(|v| if v.is_nan() { levels - 1 } else { v as usize });
                        let order = order(&codes, levels, rewards);
                        let groups = order.into_iter().map(|level| vec![level]).collect();
                        return vec![column(name.clone(), Kind::Groups(groups))];
                    }
                    let named = |groups: Vec<Vec<usize>>| {
                        column(format!("{name}: {}", in_words(covariate, &groups[0])), Kind::Groups(groups))
                    };
                    partitions(levels).into_iter().map(named).collect()
                }
            }
        });
        Encoding::Columns(columns.collect())
    }

    /// The names of the columns.
    pub fn names(&self) -> Vec<String> {
        match self {
            Encoding::Terms(terms) => terms.iter().map(Term::name).collect(),
            Encoding::Columns(columns) => columns.iter().map(|column| column.name.clone()).collect(),
        }
    }

    /// The terms, of a linear rule.
    pub fn terms(&self) -> &[Term] {
        match self {
            Encoding::Terms(terms) => terms,
            Encoding::Columns(_) => &[],
        }
    }

    /// The columns (n x q) for units with the covariates `x` (n x p) of `study`.
    pub fn matrix(&self, study: &Study, x: &Array2<f64>) -> Array2<f64> {
        match self {
            Encoding::Terms(terms) => Design::new(terms, &study.covariates).matrix(x),
            Encoding::Columns(columns) => Array2::from_shape_fn((x.nrows(), columns.len()), |(i, c)| {
                columns[c].of(x[[i, columns[c].position]])
            }),
        }
    }

    /// The trees over the columns of the units with covariates `x`: numbers split at `candidates`, levels at every group.
    pub fn trees(&self, x: &Array2<f64>, depth: usize, candidates: Candidates) -> Tree {
        let columns = if let Encoding::Columns(columns) = self { columns.as_slice() } else { &[] };
        let first = |column: &Column| columns.iter().position(|other| other.position == column.position);
        Tree {
            depth,
            thresholds: columns.iter().map(|column| column.thresholds(x, candidates)).collect(),
            views_of: columns.iter().filter_map(first).collect(),
        }
    }

    /// What the user should know about the splits that are allowed, where `arms` are to choose from.
    pub fn notes(&self, arms: usize, demands: Demands) -> Vec<String> {
        let columns = if let Encoding::Columns(columns) = self { columns.as_slice() } else { &[] };
        let exact = arms == 2 && demands.depth == 1 && !demands.constrained;
        let ordered =
            |column: &&Column| matches!(&column.kind, Kind::Groups(groups) if groups.len() > MOST_LEVELS);
        let note = |column: &Column| {
            format!(
                "{}: more than {MOST_LEVELS} levels; of their partitions, only those that cut the levels in the order of \
                 their mean rewards are allowed",
                column.name
            )
        };
        columns.iter().filter(ordered).filter(|_| !exact).map(note).collect()
    }

    /// A rule over the columns as a rule over covariates.
    pub fn decode(&self, rule: Rule) -> Rule {
        let (Encoding::Columns(columns), Rule::Tree { root }) = (self, &rule) else { return rule };
        let change = |name: &str, test: &Test, missing: Option<Side>| {
            let column = columns.iter().find(|column| column.name == name);
            let decoded = column.zip(test.threshold()).map(|(column, threshold)| column.decode(threshold));
            Ok::<_, RuleError>(decoded.unwrap_or((name.to_owned(), test.clone(), missing)))
        };
        match root.try_map(&change) {
            Ok(root) => Rule::Tree { root },
            Err(_) => rule,
        }
    }

    /// A rule over covariates as a rule over the columns.
    ///
    /// # Errors
    /// A split that no column has.
    pub fn encode(&self, rule: &Rule) -> Result<Rule, RuleError> {
        let (Encoding::Columns(columns), Rule::Tree { root }) = (self, rule) else { return Ok(rule.clone()) };
        let change = |name: &str, test: &Test, missing: Option<Side>| {
            let found = columns.iter().find_map(|column| Some((column, column.encode(name, test, missing)?)));
            let (column, threshold) = found.ok_or_else(|| RuleError::Unknown {
                role: "a split",
                name: test.in_words(name, missing, "<="),
                known: self.names(),
            })?;
            Ok((column.name.clone(), Test::AtMost { threshold }, None))
        };
        root.try_map(&change).map(|root: Node| Rule::Tree { root })
    }
}

impl Column {
    /// The column at a value of its covariate.
    fn of(&self, value: f64) -> f64 {
        match &self.kind {
            Kind::Number(side) if value.is_nan() => match side {
                Some(Side::Left) => f64::MIN,
                _ => f64::MAX,
            },
            Kind::Number(_) => value,
            Kind::Groups(groups) => {
                let level = if value.is_nan() { self.covariate.levels.len() } else { value as usize };
                groups.iter().position(|group| group.contains(&level)).unwrap_or(groups.len()) as f64
            }
        }
    }

    fn thresholds(&self, x: &Array2<f64>, candidates: Candidates) -> Vec<f64> {
        let side = match &self.kind {
            Kind::Groups(groups) => return (0..groups.len() - 1).map(|g| g as f64).collect(),
            Kind::Number(side) => side,
        };
        let values = x.column(self.position);
        let observed: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
        // Missing or not is a split of its own, which one of the two columns has.
        let apart = (*side == Some(Side::Left) && observed.len() < values.len()).then_some(f64::MIN);
        apart.into_iter().chain(thresholds(observed, candidates)).collect()
    }

    fn decode(&self, threshold: f64) -> (String, Test, Option<Side>) {
        let name = self.covariate.name.clone();
        let groups = match &self.kind {
            Kind::Number(side) => return (name, Test::AtMost { threshold }, *side),
            Kind::Groups(groups) => groups,
        };
        let left: Vec<usize> = groups.iter().take(threshold as usize + 1).flatten().copied().collect();
        let known = &self.covariate.levels;
        let levels = (0..known.len()).filter(|level| left.contains(level)).map(|level| known[level].clone());
        let side = if left.contains(&known.len()) { Side::Left } else { Side::Right };
        (name, Test::AnyOf { levels: levels.collect() }, self.covariate.missing.then_some(side))
    }

    /// The threshold that makes this split, where one does.
    fn encode(&self, name: &str, test: &Test, missing: Option<Side>) -> Option<f64> {
        let wanted = (name.to_owned(), test.clone(), missing);
        match (&self.kind, test) {
            (Kind::Number(_), Test::AtMost { threshold }) => {
                (self.decode(*threshold) == wanted).then_some(*threshold)
            }
            (Kind::Groups(groups), _) => {
                (0..groups.len() - 1).map(|g| g as f64).find(|&threshold| self.decode(threshold) == wanted)
            }
            _ => None,
        }
    }
}

/// The partitions of `levels` into two groups, that of level 0 first.
fn partitions(levels: usize) -> Vec<Vec<Vec<usize>>> {
    let of_mask = |mask: usize| {
        let (left, right) = (0..levels).partition(|&level| level == 0 || mask >> (level - 1) & 1 == 1);
        vec![left, right]
    };
    (0..(1usize << levels.saturating_sub(1)) - 1).map(of_mask).collect()
}

/// The levels in the order of the first principal component of their mean rewards, centred for each unit over the arms.
fn order(codes: &Array1<usize>, levels: usize, rewards: &Array2<f64>) -> Vec<usize> {
    let arms = rewards.ncols();
    let (mut sums, mut counts) = (Array2::<f64>::zeros((levels, arms)), vec![0.0_f64; levels]);
    for (row, &level) in rewards.axis_iter(Axis(0)).zip(codes) {
        let mean = row.sum() / arms as f64;
        sums.row_mut(level).zip_mut_with(&row, |sum, reward| *sum += reward - mean);
        counts[level] += 1.0;
    }
    let overall = sums.sum_axis(Axis(0)) / codes.len().max(1) as f64;
    let mut means = sums;
    for (mut row, count) in means.rows_mut().into_iter().zip(&counts) {
        row.zip_mut_with(&overall, |sum, mean| *sum = if *count > 0.0 { *sum / count - mean } else { 0.0 });
    }
    let axis = first_axis(&means, &counts);
    let scores = means.dot(&axis);
    let mut order: Vec<usize> = (0..levels).collect();
    order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]).then(a.cmp(&b)));
    order
}

/// The first principal axis (K) of rows with weights, by power iteration.
fn first_axis(rows: &Array2<f64>, weights: &[f64]) -> Array1<f64> {
    const ITERATIONS: usize = 200;
    let mut weighted = rows.clone();
    weighted.rows_mut().into_iter().zip(weights).for_each(|(mut row, weight)| row *= *weight);
    let covariance = rows.t().dot(&weighted);
    // The column of the largest variance is not orthogonal to the axis.
    let start =
        (0..rows.ncols()).max_by(|&a, &b| covariance[[a, a]].total_cmp(&covariance[[b, b]])).unwrap_or(0);
    let mut axis = covariance.column(start).to_owned();
    for _ in 0..ITERATIONS {
        let length = axis.dot(&axis).sqrt();
        if !length.is_normal() {
            break;
        }
        axis = covariance.dot(&(axis / length));
    }
    axis
}

fn in_words(covariate: &Covariate, levels: &[usize]) -> String {
    let word = |&level: &usize| covariate.levels.get(level).map_or("missing", String::as_str);
    levels.iter().map(word).collect::<Vec<_>>().join(" ")
}
