//! Exact decision tables: every set of questions is looked at.
//!
//! ```text
//! worth(S) = sum over cells c of S of  max_k sum_{u in c} q_uk         whole numbers q, as in `tree_search`
//! ```
//!
//! All but the last question are chosen one by one; the last runs along each covariate, over sums of each cell by rank, so that a set costs
//! about as much as its cells. Demands, eligibility and assignment bounds make a set worth no more: only sets whose worth beats the
//! best table so far are settled (`settled`), by the best arms that its cells may have together. Sets are looked at from few questions to
//! many, then by covariate and threshold, and the first of the best is returned whatever the number of threads.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use ndarray::Array2;
use prescribe_models::table_rule::{Table, TableProblem};
use prescribe_models::tree_rule::Node;
use prescribe_models::tree_rule::splits::{Bin, Split, bins, splits};
use prescribe_models::{AssignmentBound, Model};
use rayon::prelude::*;
use serde_json::{Map, json};

use super::threads::on_threads;
use super::tree_search::whole_numbers;
use super::{
    Answer, BoundProof, Options, Promise, SolveError, Solver, TerminationStatus, Unsupported, Watch,
};

/// The exact solver of tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tables;

/// Seconds for each unit, arm and covariate of a choice of all questions but the last.
const SECONDS: f64 = 1.5e-9;

impl Solver<TableProblem> for Tables {
    fn name(&self) -> &'static str {
        "enumerate"
    }

    fn version(&self) -> String {
        format!("prescribe {}", env!("CARGO_PKG_VERSION"))
    }

    fn accepts(&self, problem: &TableProblem) -> Result<Promise, Unsupported> {
        if let Some(constraint) = problem.side().iter().find(|side| side.is_on_coefficients()) {
            return Err(Unsupported {
                solver: "enumerate".into(),
                part: format!("the constraint {} on a decision table", constraint.name()),
                remedy: "leave it out, or use a linear rule".into(),
            });
        }
        Ok(Promise::Exact)
    }

    /// Knows nothing of side constraints, under which more sets are settled.
    fn forecast(&self, problem: &TableProblem) -> Option<f64> {
        let trees = &problem.class.trees;
        let candidates = trees.thresholds.iter().map(Vec::len).sum::<usize>() as f64;
        let before_the_last = trees.depth.saturating_sub(1) as i32;
        let choices = (1..=before_the_last).fold(1.0, |count, k| count * candidates / f64::from(k));
        Some(SECONDS * choices * problem.rewards().len() as f64 * trees.thresholds.len() as f64)
    }

    fn wants_start(&self) -> bool {
        false
    }

    fn search(
        &self,
        problem: &TableProblem,
        start: Option<&Node>,
        options: &Options,
        watch: &Watch,
    ) -> Result<Answer<Node>, SolveError> {
        on_threads("enumerate", options.threads, || {
            let search = Search::of(problem, watch);
            let best = search.run();
            search.answer(best, start)
        })
    }
}

/// The problem in ranks and whole numbers.
struct Search<'p> {
    problem: &'p TableProblem,
    watch: &'p Watch<'p>,
    bins: Vec<Bin>,
    splits: Vec<Split>,
    /// Whole rewards, bin after bin.
    whole: Vec<f64>,
    /// What one whole number is worth, and by how much two objectives may differ more than their whole numbers say.
    scale: f64,
    rounding: f64,
    /// What every cell that holds a unit must hold.
    least: Vec<usize>,
    bounds: Vec<&'p AssignmentBound>,
    sets: AtomicU64,
}

/// The best table so far.
#[derive(Clone)]
struct Best {
    value: f64,
    table: Option<Node>,
}

/// What the units of a cell amount to.
struct Cell {
    units: usize,
    counts: Vec<usize>,
    whole: Vec<f64>,
    weights: Vec<f64>,
    /// The arms that all of its units may get, the best first.
    arms: Vec<usize>,
}

impl<'p> Search<'p> {
    fn of(problem: &'p TableProblem, watch: &'p Watch<'p>) -> Self {
        let trees = problem.trees();
        let bins = bins(&trees);
        let rewards = Array2::from_shape_fn((bins.len(), problem.arms.len()), |(b, k)| bins[b].rewards[k]);
        let (whole, scale, rounding) = whole_numbers(&rewards);
        // The rewards of a bin are sums, each rounded once.
        let summed = rewards.iter().map(|reward| reward.abs()).sum::<f64>() * 2.0 * f64::EPSILON;
        Self {
            problem,
            watch,
            splits: splits(&trees),
            whole,
            scale,
            rounding: rounding + summed,
            least: problem.leaf_demands().iter().map(|demand| demand.least).collect(),
            bounds: problem.assignment_bounds().collect(),
            bins,
            sets: AtomicU64::new(0),
        }
    }

    fn run(&self) -> Best {
        let mut best = Best { value: f64::NEG_INFINITY, table: None };
        self.settle(&[], &mut best);
        for size in 1..=self.problem.class.trees.depth {
            let begin = |first: Option<usize>| {
                let mut own = Best { table: None, ..best };
                let cells = vec![0; self.bins.len()];
                match first {
                    None => self.last(&[], &cells, &mut own),
                    Some(first) => self.choose(&[], &cells, first..first + 1, size - 1, &mut own),
                }
                own
            };
            let firsts: Vec<Option<usize>> =
                if size == 1 { vec![None] } else { (0..self.splits.len()).map(Some).collect() };
            let found: Vec<Best> = firsts.into_par_iter().with_max_len(1).map(begin).collect();
            for found in found {
                if found.value > best.value {
                    best = found;
                }
            }
            let objective = best.table.as_ref().map(|table| self.problem.objective(table));
            self.watch.tell("tables", objective, None, self.sets.load(Relaxed));
        }
        best
    }

    /// Adds `more` questions to those `asked`, the next one out of `among`, and then the last.
    fn choose(
        &self,
        asked: &[Split],
        cells: &[usize],
        among: std::ops::Range<usize>,
        more: usize,
        best: &mut Best,
    ) {
        if more == 0 {
            return self.last(asked, cells, best);
        }
        for s in among {
            if self.watch.stopped() {
                return;
            }
            let asked = [asked, &[self.splits[s]]].concat();
            if !self.may_ask(&asked) {
                continue;
            }
            let bit = 1 << (asked.len() - 1);
            let no = |bin: &Bin| if bin.goes_left(&self.splits[s]) { 0 } else { bit };
            let cells: Vec<usize> = cells.iter().zip(&self.bins).map(|(cell, bin)| cell | no(bin)).collect();
            self.choose(&asked, &cells, s + 1..self.splits.len(), more - 1, best);
        }
    }

    /// Whether the questions are about few enough covariates.
    fn may_ask(&self, asked: &[Split]) -> bool {
        let Some(most) = self.problem.most_covariates() else { return true };
        let views = |split: &Split| self.problem.class.trees.views_of[split.covariate];
        let mut covariates: Vec<usize> = asked.iter().map(views).collect();
        covariates.sort_unstable();
        covariates.dedup();
        covariates.len() <= most
    }

    /// Tries every last question after those `asked`, whose answers put the bins into `cells`.
    fn last(&self, asked: &[Split], cells: &[usize], best: &mut Best) {
        if self.watch.stop().is_some() {
            return;
        }
        let (arms, count) = (self.problem.arms.len(), 1 << asked.len());
        let (from, after) = asked.last().map_or((0, 0), |last| (last.covariate, last.rank + 1));
        for covariate in from..self.problem.class.trees.thresholds.len() {
            let thresholds = &self.problem.class.trees.thresholds[covariate];
            let question = |rank: usize| Split { covariate, threshold: thresholds[rank], rank };
            if thresholds.is_empty() || !self.may_ask(&[asked, &[question(0)]].concat()) {
                continue;
            }
            let width = count * arms;
            // Sums by rank, within each rank by cell and arm.
            let mut sums = vec![0.0; (thresholds.len() + 1) * width];
            for ((bin, &cell), whole) in self.bins.iter().zip(cells).zip(self.whole.chunks_exact(arms)) {
                let place = bin.ranks[covariate] * width + cell * arms;
                sums[place..place + arms].iter_mut().zip(whole).for_each(|(sum, q)| *sum += q);
            }
            let mut right = vec![0.0; width];
            sums.chunks_exact(width).for_each(|of_rank| add(&mut right, of_rank, 1.0));
            let mut left = vec![0.0; width];
            let first = if covariate == from { after } else { 0 };
            for (rank, of_rank) in sums.chunks_exact(width).take(thresholds.len()).enumerate() {
                add(&mut left, of_rank, 1.0);
                add(&mut right, of_rank, -1.0);
                if rank >= first && worth(&left, arms) + worth(&right, arms) > best.value {
                    self.settle(&[asked, &[question(rank)]].concat(), best);
                }
            }
            self.sets.fetch_add(thresholds.len().saturating_sub(first) as u64, Relaxed);
        }
    }

    /// Takes the best table over the questions where the side constraints allow one that is better.
    fn settle(&self, asked: &[Split], best: &mut Best) {
        let cells = self.cells(asked);
        let holds = |cell: &Cell| cell.counts.iter().zip(&self.least).all(|(count, least)| count >= least);
        if cells.iter().any(|cell| cell.units > 0 && (!holds(cell) || cell.arms.is_empty())) {
            return;
        }
        let filled: Vec<usize> = (0..cells.len()).filter(|&c| cells[c].units > 0).collect();
        let mut given = vec![None; cells.len()];
        let mut used = vec![0.0; self.bounds.len()];
        self.give(&cells, &filled, asked, (0.0, &mut given, &mut used), best);
    }

    /// Gives the cells that are `left` their arms, best first, as long as the value may beat the best.
    fn give(
        &self,
        cells: &[Cell],
        left: &[usize],
        asked: &[Split],
        (value, given, used): (f64, &mut Vec<Option<usize>>, &mut Vec<f64>),
        best: &mut Best,
    ) {
        let most: f64 = left.iter().map(|&c| cells[c].whole[cells[c].arms[0]]).sum();
        if value + most <= best.value {
            return;
        }
        let Some((&c, left)) = left.split_first() else {
            if self.bounds.iter().zip(used.iter()).all(|(bound, used)| bound.slack(*used) >= 0.0) {
                *best = Best { value, table: Table::node(asked, given) };
            }
            return;
        };
        let cell = &cells[c];
        for &arm in &cell.arms {
            given[c] = Some(arm);
            let weight = |b: usize| cell.weights[b * cell.whole.len() + arm];
            let mut used: Vec<f64> = used.iter().enumerate().map(|(b, used)| used + weight(b)).collect();
            self.give(cells, left, asked, (value + cell.whole[arm], given, &mut used), best);
            if self.bounds.is_empty() {
                break;
            }
        }
    }

    fn cells(&self, asked: &[Split]) -> Vec<Cell> {
        let arms = self.problem.arms.len();
        let none = || Cell {
            units: 0,
            counts: vec![0; self.least.len()],
            whole: vec![0.0; arms],
            weights: vec![0.0; arms * self.bounds.len()],
            arms: (0..arms).collect(),
        };
        let mut cells: Vec<Cell> = (0..1_usize << asked.len()).map(|_| none()).collect();
        for (bin, whole) in self.bins.iter().zip(self.whole.chunks_exact(arms)) {
            let answers = asked.iter().enumerate();
            let number: usize = answers.map(|(l, split)| usize::from(!bin.goes_left(split)) << l).sum();
            let cell = &mut cells[number];
            cell.units += bin.counts[0];
            cell.counts.iter_mut().zip(&bin.counts).for_each(|(sum, count)| *sum += count);
            add(&mut cell.whole, whole, 1.0);
            add(&mut cell.weights, &bin.weights, 1.0);
            cell.arms.retain(|&k| bin.barred[k] == 0);
        }
        for cell in &mut cells {
            let whole = &cell.whole;
            cell.arms.sort_by(|&a, &b| whole[b].total_cmp(&whole[a]).then(a.cmp(&b)));
        }
        cells
    }

    fn answer(&self, best: Best, start: Option<&Node>) -> Answer<Node> {
        let problem = self.problem;
        let stopped = self.watch.stopped();
        let value = best.table.as_ref().map(|table| problem.objective(table));
        let better = |start: &&Node| value.is_none_or(|value| problem.objective(start) > value);
        let start = start.filter(|table| problem.violations(table).is_empty());
        let point = start.filter(better).cloned().or(best.table);
        let bound = match stopped {
            true => Some(problem.trivial_bound()),
            false => value.map(|value| value + self.rounding),
        };
        let mut statistics = Map::new();
        statistics.insert("merged_units".into(), json!(self.bins.len()));
        statistics.insert("worth_of_one".into(), json!(self.scale));
        Answer {
            claimed: None,
            bound: bound.map(|bound| (bound, BoundProof::Search)),
            termination: match (&point, stopped) {
                (_, true) => self.watch.termination(),
                (Some(_), false) => TerminationStatus::Optimal,
                (None, false) => TerminationStatus::Infeasible,
            },
            raw_status: if stopped { "stopped" } else { "enumerated" }.into(),
            nodes: Some(self.sets.load(Relaxed)),
            iterations: None,
            statistics,
            point,
        }
    }
}

fn add(sums: &mut [f64], more: &[f64], sign: f64) {
    sums.iter_mut().zip(more).for_each(|(sum, q)| *sum += sign * q);
}

/// The sum over cells of the largest of their sums.
fn worth(sums: &[f64], arms: usize) -> f64 {
    let largest =
        |cell: &[f64]| cell.iter().fold(f64::NEG_INFINITY, |most, sum| if *sum > most { *sum } else { most });
    sums.chunks_exact(arms).map(largest).sum()
}
