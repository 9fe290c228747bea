//! Tables as a program with a column for every set of questions.
//!
//! ```text
//! max  sum_S sum_{c in cells(S)} sum_k R_ck z_Sck
//! s.t. sum_S y_S = 1,    sum_k z_Sck = y_S  for each S and cell c of S,    y, z in {0, 1}
//!      lower <= sum_{S,c,k} w_ck z_Sck <= upper                     each assignment bound
//! ```
//!
//! over the sets S of at most D questions whose cells that hold a unit hold what they must and that are about no more covariates than allowed. R and
//! w are sums over the units of a cell; an arm that one of them may not get has no column. Without assignment bounds the best arm of each cell
//! is known, and y_S alone is left, with the value of S.

use super::{Table, TableProblem};
use crate::Sense;
use crate::model::{LinearOracle, OracleError, Piece, ProgramForm, Recovered};
use crate::programs::{MixedIntegerProgram, Row};
use crate::tree_rule::Node;
use crate::tree_rule::splits::{Bin, Split, bins, splits};

/// The listed form of a problem.
#[derive(Clone, Debug)]
pub struct Listed<'a> {
    problem: &'a TableProblem,
    tables: Vec<Questions>,
}

/// A set of questions, and for each of its cells the arms that it may give; empty where the cell holds no unit.
#[derive(Clone, Debug)]
struct Questions {
    asked: Vec<Split>,
    cells: Vec<Vec<Choice>>,
}

/// An arm for a cell: what it earns there, and what it adds to each assignment bound.
#[derive(Clone, Debug)]
struct Choice {
    arm: usize,
    value: f64,
    used: Vec<f64>,
}

impl<'a> Listed<'a> {
    pub fn new(problem: &'a TableProblem) -> Self {
        let trees = problem.trees();
        let least: Vec<usize> = trees.leaf_demands().iter().map(|demand| demand.least).collect();
        let bins = bins(&trees);
        let splits = splits(&trees);
        let all = question_sets(problem, &splits);
        let table = |asked: Vec<Split>| Questions::of(problem, asked, &bins, &least);
        Self { problem, tables: all.into_iter().filter_map(table).collect() }
    }

    /// The most coefficients that the program can have.
    pub fn coefficients(problem: &TableProblem) -> usize {
        let candidates: usize = problem.class.trees.thresholds.iter().map(Vec::len).sum();
        let (mut sets, mut of_size, mut total) = (1_f64, 1_f64, 0_f64);
        let (arms, bounds) = (problem.arms.len() as f64, problem.assignment_bounds().count() as f64);
        for size in 0..=problem.class.trees.depth.min(candidates) {
            let cells = 2_f64.powi(size as i32);
            total += of_size * if bounds > 0.0 { cells * (1.0 + arms * (1.0 + bounds)) } else { 1.0 };
            of_size *= candidates.saturating_sub(size) as f64 / (size + 1) as f64;
            sets += of_size;
        }
        (sets + total).min(usize::MAX as f64) as usize
    }

    fn program(&self) -> MixedIntegerProgram {
        let mut program = MixedIntegerProgram::new("table_rule.listed", Sense::Maximize);
        let bounds: Vec<_> = self.problem.assignment_bounds().collect();
        let chosen: Vec<usize> = self
            .tables
            .iter()
            .map(|table| {
                let value = if bounds.is_empty() { table.best() } else { 0.0 };
                program.binary(format!("ask[{}]", self.label(table)), value)
            })
            .collect();
        program.rows.push(Row::equal("one_table", 1.0, chosen.iter().map(|&y| (y, 1.0)).collect()));
        if bounds.is_empty() {
            return program;
        }
        let mut weights = vec![Vec::new(); bounds.len()];
        for (table, &y) in self.tables.iter().zip(&chosen) {
            for (c, choices) in table.cells.iter().enumerate().filter(|(_, choices)| !choices.is_empty()) {
                let name = format!("{}.{c}", self.label(table));
                let mut terms = vec![(y, -1.0)];
                for choice in choices {
                    let arm = &self.problem.arms[choice.arm];
                    let z = program.binary(format!("give[{name}:{arm}]"), choice.value);
                    terms.push((z, 1.0));
                    let used = weights.iter_mut().zip(&choice.used).filter(|(_, weight)| **weight != 0.0);
                    used.for_each(|(terms, weight)| terms.push((z, *weight)));
                }
                program.rows.push(Row::equal(name, 0.0, terms));
            }
        }
        for (bound, terms) in bounds.iter().zip(weights) {
            let (name, lower, upper) = (bound.name.clone(), bound.lower, bound.upper);
            program.rows.push(Row { name, lower, upper, terms });
        }
        program
    }

    fn label(&self, table: &Questions) -> String {
        let names: Vec<String> =
            table.asked.iter().map(|split| split.name(&self.problem.covariates)).collect();
        if names.is_empty() { "nothing".into() } else { names.join(",") }
    }
}

impl Questions {
    /// None where a cell does not hold what it must, or where nothing may be given to all of its units.
    fn of(problem: &TableProblem, asked: Vec<Split>, bins: &[Bin], least: &[usize]) -> Option<Self> {
        let (arms, bounds) = (problem.arms.len(), problem.assignment_bounds().count());
        let mut members: Vec<Vec<&Bin>> = vec![Vec::new(); 1 << asked.len()];
        bins.iter().for_each(|bin| members[cell(&asked, bin)].push(bin));
        let total =
            |bins: &[&Bin], of: &dyn Fn(&Bin) -> f64| crate::exact::sum(bins.iter().map(|bin| of(bin)));
        let mut cells = Vec::with_capacity(members.len());
        for bins in members {
            let counted = |d: usize| bins.iter().map(|bin| bin.counts[d]).sum::<usize>();
            if !bins.is_empty() && (0..least.len()).any(|d| counted(d) < least[d]) {
                return None;
            }
            let allowed = (0..arms).filter(|&k| bins.iter().all(|bin| bin.barred[k] == 0));
            let choice = |arm: usize| Choice {
                arm,
                value: total(&bins, &|bin| bin.rewards[arm]),
                used: (0..bounds).map(|b| total(&bins, &|bin| bin.weights[b * arms + arm])).collect(),
            };
            let choices: Vec<Choice> =
                if bins.is_empty() { Vec::new() } else { allowed.map(choice).collect() };
            if choices.is_empty() && !bins.is_empty() {
                return None;
            }
            cells.push(choices);
        }
        Some(Self { asked, cells })
    }

    /// The value of the best arm in every cell.
    fn best(&self) -> f64 {
        let best = |choices: &Vec<Choice>| choices.iter().map(|choice| choice.value).reduce(f64::max);
        crate::exact::sum(self.cells.iter().filter_map(best))
    }

    /// The table that gives each cell the heaviest of its choices.
    fn node(&self, weight: impl Fn(usize, usize) -> f64) -> Option<Node> {
        let arm = |(c, choices): (usize, &Vec<Choice>)| {
            let heaviest =
                (0..choices.len()).reduce(|best, k| if weight(c, k) > weight(c, best) { k } else { best });
            heaviest.map(|k| choices[k].arm)
        };
        Table::node(&self.asked, &self.cells.iter().enumerate().map(arm).collect::<Vec<_>>())
    }
}

/// The cell of a bin: bit l is 1 where its answer to question l is no.
fn cell(asked: &[Split], bin: &Bin) -> usize {
    asked.iter().enumerate().map(|(l, split)| usize::from(!bin.goes_left(split)) << l).sum()
}

/// The sets of at most D of the `splits` about no more covariates than allowed: smaller ones first, then in the order of the splits.
fn question_sets(problem: &TableProblem, splits: &[Split]) -> Vec<Vec<Split>> {
    let views = |split: &Split| problem.class.trees.views_of[split.covariate];
    let allowed = |set: &Vec<Split>| {
        let mut covariates: Vec<usize> = set.iter().map(views).collect();
        covariates.sort_unstable();
        covariates.dedup();
        problem.most_covariates().is_none_or(|most| covariates.len() <= most)
    };
    let mut sets: Vec<Vec<Split>> = vec![Vec::new()];
    let mut longest = sets.clone();
    for _ in 0..problem.class.trees.depth {
        let after = |set: &Vec<Split>| match set.last() {
            Some(last) => splits.iter().position(|split| split == last).map_or(0, |at| at + 1),
            None => 0,
        };
        let longer = |set: Vec<Split>| {
            let first = after(&set);
            splits[first..].iter().map(move |split| [set.as_slice(), &[*split]].concat()).collect::<Vec<_>>()
        };
        longest = longest.into_iter().flat_map(longer).filter(&allowed).collect();
        sets.extend(longest.iter().cloned());
    }
    sets
}

impl ProgramForm for Listed<'_> {
    type Model = TableProblem;

    fn model(&self) -> &TableProblem {
        self.problem
    }

    fn pieces(&self) -> Vec<Piece> {
        match self.tables.is_empty() {
            true => Vec::new(),
            false => vec![Piece { label: "listed".into(), program: self.program() }],
        }
    }

    fn candidates(&self) -> Vec<Node> {
        self.problem.best_constant().into_iter().collect()
    }

    fn embed(&self, _piece: &Piece, _table: &Node) -> Option<Vec<f64>> {
        None
    }

    fn recover(
        &self,
        columns: &[f64],
        _oracle: &mut dyn LinearOracle,
    ) -> Result<Recovered<Node>, OracleError> {
        let chosen = (0..self.tables.len())
            .reduce(|best, s| if columns[s] > columns[best] { s } else { best })
            .map(|s| (s, &self.tables[s]));
        let Some((s, table)) = chosen else { return Ok(Recovered::Cuts(Vec::new())) };
        let widths = |table: &Questions| table.cells.iter().map(Vec::len).sum::<usize>();
        let first = self.tables.len() + self.tables[..s].iter().map(widths).sum::<usize>();
        let node = match self.problem.assignment_bounds().next() {
            None => table.node(|c, k| table.cells[c][k].value),
            Some(_) => {
                table.node(|c, k| columns[first + table.cells[..c].iter().map(Vec::len).sum::<usize>() + k])
            }
        };
        Ok(Recovered::Point(node.unwrap_or(Node::Leaf { arm: 0 })))
    }
}
