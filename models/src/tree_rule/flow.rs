//! Trees of any depth as a flow formulation.
//!
//! The complete binary tree of depth D has inner nodes v (root 1, children 2v and 2v + 1) and leaves l. Every node picks one
//! candidate split, or "all left"; every leaf picks one arm; each bin of units (see `splits`) sends one unit of flow
//! from the root to an arm of a leaf:
//!
//! ```text
//! max  sum_{u,l,k} R_uk f_{u,l,k}
//! s.t. sum_s b_{v,s} = 1                                                  node v chooses a split
//!      sum_k a_{l,k} = 1                                                  leaf l chooses an arm
//!      q_{u,1} = 1,   q_{u,v} = q_{u,2v} + q_{u,2v+1},   q_{u,l} = sum_k f_{u,l,k}
//!      q_{u,2v}   <= sum of b_{v,s} over the splits that send u left      ("all left" included)
//!      q_{u,2v+1} <= sum of b_{v,s} over the splits that send u right
//!      f_{u,l,k}  <= a_{l,k}
//!      lower <= sum_{u,l,k} w_uk f_{u,l,k} <= upper                       each assignment bound, w summed over the bin
//!      sum_u n_u q_{u,child} >= m sum over real splits of b_{v,s}         each demand on leaves, both children
//!      sum over the splits by j of b_{v,s} <= u_j,   sum_j u_j <= k       at most k covariates, u_j in {0, 1}
//! ```
//!
//! n_u counts the units of bin u that a demand speaks of: all (minimum leaf size m > 1), or those that received an arm. The flow of
//! a bin through an arm that one of its units may not get is 0.
//!
//! Source: after Aghaei, Gomez and Vayanos (2021), Strong optimal classification trees, section 3, with arms as classes and
//! rewards of any sign (flow is conserved, so no unit may stay out).

use super::splits::{Bin, Split, bins, is_enough, splits};
use super::{Node, TreeProblem};
use crate::model::{LinearOracle, OracleError, Piece, ProgramForm, Recovered};
use crate::programs::{MixedIntegerProgram, Row};
use crate::{RuleClass, Sense};

/// The flow form.
#[derive(Clone, Debug)]
pub struct Flow<'a> {
    problem: &'a TreeProblem,
    splits: Vec<Split>,
    bins: Vec<Bin>,
}

/// Where each family of columns begins.
struct Layout {
    inner: usize,
    leaves: usize,
    splits: usize,
    arms: usize,
    bins: usize,
}

impl Layout {
    /// Column of "node v (from 1) picks split s"; s = number of splits is "all left".
    fn pick(&self, v: usize, s: usize) -> usize {
        (v - 1) * (self.splits + 1) + s
    }

    /// Column of "leaf l (from 0) gives arm k".
    fn arm(&self, l: usize, k: usize) -> usize {
        self.inner * (self.splits + 1) + l * self.arms + k
    }

    /// Column of the flow of bin u into node v >= 2 (leaf l is node inner + 1 + l).
    fn inflow(&self, u: usize, v: usize) -> usize {
        self.arm(self.leaves, 0) + u * (self.inner + self.leaves - 1) + v - 2
    }

    /// Column of the flow of bin u through leaf l to arm k.
    fn outflow(&self, u: usize, l: usize, k: usize) -> usize {
        self.inflow(self.bins, 2) + (u * self.leaves + l) * self.arms + k
    }
}

/// A deeper tree has more leaves than any program has columns.
const MOST_LEVELS: usize = 30;

impl<'a> Flow<'a> {
    pub fn new(problem: &'a TreeProblem) -> Self {
        Self { problem, splits: splits(problem), bins: bins(problem) }
    }

    /// About how many coefficients the program has, most of them in the gates; usize::MAX where they cannot be counted.
    pub fn coefficients(problem: &TreeProblem) -> usize {
        if problem.class.depth > MOST_LEVELS {
            return usize::MAX;
        }
        let at = Flow::new(problem).layout();
        let gates = at.inner.saturating_mul(at.splits + 1).saturating_mul(at.bins);
        gates.saturating_add(at.leaves.saturating_mul(at.arms).saturating_mul(4 * at.bins))
    }

    fn layout(&self) -> Layout {
        let leaves = 1 << self.problem.class.depth;
        let (splits, arms, bins) = (self.splits.len(), self.problem.arms.len(), self.bins.len());
        Layout { inner: leaves - 1, leaves, splits, arms, bins }
    }

    fn program(&self) -> MixedIntegerProgram {
        let mut program = MixedIntegerProgram::new("tree_rule.flow", Sense::Maximize);
        self.add_columns(&mut program);
        self.choices(&mut program);
        for u in 0..self.bins.len() {
            self.flow_of(u, &mut program);
        }
        self.demands(&mut program);
        self.bound_assignment(&mut program);
        self.limit_covariates(&mut program);
        program
    }

    fn add_columns(&self, program: &mut MixedIntegerProgram) {
        let Layout { inner, leaves, .. } = self.layout();
        let (names, arms) = (&self.problem.covariates, &self.problem.arms);
        for v in 1..=inner {
            for split in &self.splits {
                program.binary(format!("node{v}[{}]", split.name(names)), 0.0);
            }
            program.binary(format!("node{v}[all_left]"), 0.0);
        }
        for l in 0..leaves {
            for arm in arms {
                program.binary(format!("leaf{l}[{arm}]"), 0.0);
            }
        }
        for u in 0..self.bins.len() {
            for v in 2..=inner + leaves {
                program.continuous(format!("into[{u}.{v}]"), 0.0, 1.0, 0.0);
            }
        }
        for (u, bin) in self.bins.iter().enumerate() {
            for l in 0..leaves {
                for (k, arm) in arms.iter().enumerate() {
                    let most = if bin.barred[k] > 0 { 0.0 } else { 1.0 };
                    program.continuous(format!("out[{u}.{l}.{arm}]"), 0.0, most, bin.rewards[k]);
                }
            }
        }
    }

    fn choices(&self, program: &mut MixedIntegerProgram) {
        let at = self.layout();
        for v in 1..=at.inner {
            let terms = (0..=at.splits).map(|s| (at.pick(v, s), 1.0)).collect();
            program.rows.push(Row::equal(format!("one_split[{v}]"), 1.0, terms));
        }
        for l in 0..at.leaves {
            let terms = (0..at.arms).map(|k| (at.arm(l, k), 1.0)).collect();
            program.rows.push(Row::equal(format!("one_arm[{l}]"), 1.0, terms));
        }
    }

    fn flow_of(&self, u: usize, program: &mut MixedIntegerProgram) {
        let at = self.layout();
        for v in 1..=at.inner {
            let children = [(at.inflow(u, 2 * v), 1.0), (at.inflow(u, 2 * v + 1), 1.0)];
            if v == 1 {
                program.rows.push(Row::equal(format!("source[{u}]"), 1.0, children.to_vec()));
            } else {
                let terms = [&children[..], &[(at.inflow(u, v), -1.0)]].concat();
                program.rows.push(Row::equal(format!("conserve[{u}.{v}]"), 0.0, terms));
            }
            for (child, left) in [(2 * v, true), (2 * v + 1, false)] {
                let allowed = (0..at.splits).filter(|&s| self.bins[u].goes_left(&self.splits[s]) == left);
                let all_left = left.then_some(at.splits);
                let picks = allowed.chain(all_left).map(|s| (at.pick(v, s), -1.0));
                let terms = std::iter::once((at.inflow(u, child), 1.0)).chain(picks).collect();
                program.rows.push(Row::at_most(format!("gate[{u}.{child}]"), 0.0, terms));
            }
        }
        for l in 0..at.leaves {
            let out = (0..at.arms).map(|k| (at.outflow(u, l, k), 1.0));
            let terms = out.chain([(at.inflow(u, at.inner + 1 + l), -1.0)]).collect();
            program.rows.push(Row::equal(format!("sink[{u}.{l}]"), 0.0, terms));
            for k in 0..at.arms {
                let terms = vec![(at.outflow(u, l, k), 1.0), (at.arm(l, k), -1.0)];
                program.rows.push(Row::at_most(format!("arm[{u}.{l}.{k}]"), 0.0, terms));
            }
        }
    }

    fn demands(&self, program: &mut MixedIntegerProgram) {
        let at = self.layout();
        for (d, demand) in self.problem.leaf_demands().into_iter().enumerate() {
            // One unit in each leaf is no demand: empty sides are cut away.
            if demand.least <= usize::from(d == 0) {
                continue;
            }
            let (least, name) =
                (demand.least as f64, if d == 0 { "enough".into() } else { format!("enough{d}") });
            let flow = |v: usize| -> Vec<(usize, f64)> {
                let counted =
                    self.bins.iter().enumerate().map(|(u, bin)| (at.inflow(u, v), bin.counts[d] as f64));
                counted.filter(|(_, count)| *count != 0.0).collect()
            };
            for child in 2..=at.inner + at.leaves {
                let picks = (0..at.splits).map(|s| (at.pick(child / 2, s), -least));
                let terms = flow(child).into_iter().chain(picks).collect();
                program.rows.push(Row::at_least(format!("{name}[{child}]"), 0.0, terms));
            }
            // Then not even one leaf over all holds enough, which no split says.
            if !is_enough(&self.bins, &self.least()) {
                program.rows.push(Row::at_least(format!("{name}[1]"), least, [flow(2), flow(3)].concat()));
            }
        }
    }

    fn least(&self) -> Vec<usize> {
        self.problem.leaf_demands().iter().map(|demand| demand.least).collect()
    }

    fn limit_covariates(&self, program: &mut MixedIntegerProgram) {
        let Some(most) = self.problem.most_covariates() else { return };
        let at = self.layout();
        let picks = |v: usize| {
            self.splits.iter().enumerate().map(|(s, split)| (at.pick(v, s), Some(*split))).collect()
        };
        let nodes: Vec<Vec<(usize, Option<Split>)>> = (1..=at.inner).map(picks).collect();
        super::limit_covariates(self.problem, program, most, &nodes);
    }

    fn bound_assignment(&self, program: &mut MixedIntegerProgram) {
        let at = self.layout();
        for (b, bound) in self.problem.assignment_bounds().enumerate() {
            let weight = |u: usize, k: usize| self.bins[u].weights[b * at.arms + k];
            let flows = (0..at.bins)
                .flat_map(|u| (0..at.leaves).flat_map(move |l| (0..at.arms).map(move |k| (u, l, k))));
            let terms = flows.map(|(u, l, k)| (at.outflow(u, l, k), weight(u, k))).filter(|(_, w)| *w != 0.0);
            let terms = terms.collect();
            program.rows.push(Row {
                name: bound.name.clone(),
                lower: bound.lower,
                upper: bound.upper,
                terms,
            });
        }
    }

    /// The subtree at node `v` over `bins`: empty sides are cut away.
    fn subtree(&self, v: usize, bins: &[&Bin], columns: &[f64]) -> Node {
        let at = self.layout();
        if v > at.inner {
            let weight = |k: usize| columns[at.arm(v - at.inner - 1, k)];
            let arm = (1..at.arms).fold(0, |best, k| if weight(k) > weight(best) { k } else { best });
            return Node::Leaf { arm };
        }
        let weight = |s: usize| columns[at.pick(v, s)];
        let pick = (0..at.splits).fold(at.splits, |best, s| if weight(s) > weight(best) { s } else { best });
        let Some(split) = self.splits.get(pick) else {
            return self.subtree(2 * v, bins, columns);
        };
        let (left, right): (Vec<&Bin>, Vec<&Bin>) = bins.iter().partition(|bin| bin.goes_left(split));
        match (left.is_empty(), right.is_empty()) {
            (true, _) => self.subtree(2 * v + 1, &right, columns),
            (_, true) => self.subtree(2 * v, &left, columns),
            _ => Node::split(
                split.covariate,
                split.threshold,
                self.subtree(2 * v, &left, columns),
                self.subtree(2 * v + 1, &right, columns),
            ),
        }
    }

    /// Writes the choices of `node`, standing at `v`, into `columns`, with the flow of `bins`.
    fn represent(&self, v: usize, node: &Node, bins: &[usize], columns: &mut [f64]) -> Option<()> {
        let at = self.layout();
        if v > 1 {
            bins.iter().for_each(|&u| columns[at.inflow(u, v)] = 1.0);
        }
        if v > at.inner {
            let (l, Node::Leaf { arm }) = (v - at.inner - 1, node) else {
                return None;
            };
            columns[at.arm(l, *arm)] = 1.0;
            bins.iter().for_each(|&u| columns[at.outflow(u, l, *arm)] = 1.0);
            return Some(());
        }
        let Node::Split { covariate, threshold, left, right } = node else {
            columns[at.pick(v, at.splits)] = 1.0;
            self.represent(2 * v, node, bins, columns)?;
            return self.represent(2 * v + 1, node, &[], columns);
        };
        let s = self.splits.iter().position(|s| (s.covariate, s.threshold) == (*covariate, *threshold))?;
        columns[at.pick(v, s)] = 1.0;
        let (on_left, on_right): (Vec<usize>, Vec<usize>) =
            bins.iter().partition(|&&u| self.bins[u].goes_left(&self.splits[s]));
        self.represent(2 * v, left, &on_left, columns)?;
        self.represent(2 * v + 1, right, &on_right, columns)
    }
}

impl<'a> ProgramForm for Flow<'a> {
    type Model = TreeProblem;

    fn model(&self) -> &TreeProblem {
        self.problem
    }

    fn pieces(&self) -> Vec<Piece> {
        vec![Piece { label: "flow".into(), program: self.program() }]
    }

    fn candidates(&self) -> Vec<Node> {
        self.problem.best_constant().into_iter().collect()
    }

    fn embed(&self, piece: &Piece, tree: &Node) -> Option<Vec<f64>> {
        let mut columns = vec![0.0; piece.program.columns.len()];
        self.represent(1, tree, &(0..self.bins.len()).collect::<Vec<_>>(), &mut columns)?;
        if self.problem.most_covariates().is_some() {
            let first = columns.len() - self.problem.covariates.len();
            self.problem.class.used(tree).into_iter().for_each(|j| columns[first + j] = 1.0);
        }
        Some(columns)
    }

    fn recover(
        &self,
        columns: &[f64],
        _oracle: &mut dyn LinearOracle,
    ) -> Result<Recovered<Node>, OracleError> {
        let tree = self.subtree(1, &self.bins.iter().collect::<Vec<_>>(), columns);
        Ok(Recovered::Point(tree.simplified()))
    }
}
