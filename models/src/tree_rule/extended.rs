//! Trees of depth at most 2 as the extended formulation.
//!
//! Splits s in S at the root, and on each side h of it a stump t (one leaf, or a split with two leaves):
//!
//! ```text
//! max  sum_{s,h,t} R_{s,h,t} z_{s,h,t}
//! s.t. sum_s y_s = 1,    sum_t z_{s,h,t} = y_s  for each (s, h),    y, z >= 0,  y whole
//! ```
//!
//! R is the reward of the units on side h of s under stump t with the best arm in each leaf: without side constraints on
//! arms the best arm of a leaf is known, so one column a stump is enough. Stumps with a leaf below the minimum size are
//! left out, and so are those with a leaf that holds too few units of a received arm or one that some unit in it may not get: of
//! the arms that all its units may get, the best is enough again. Under assignment bounds (budget, capacity) every choice of arms is a stump of its own, z is whole, and
//! each bound is a row over z. One further "split" y_leaf stands for the tree that is a single leaf. At most |S| + 2 |S|^2 columns; the linear
//! relaxation is already whole. Where at most k covariates may be used, there are 0-1 columns u_j with
//!
//! ```text
//! sum_j u_j <= k,    sum of y_s over the splits by j <= u_j,    sum of z_{s,h,t} over the stumps that split by j <= u_j  for each h
//! ```
//!
//! under which the relaxation for given u is whole.

use super::splits::{Bin, Split, Stump, bins, is_enough, splits, stumps};
use super::{Node, TreeProblem};
use crate::Sense;
use crate::model::{LinearOracle, OracleError, Piece, ProgramForm, Recovered};
use crate::programs::{MixedIntegerProgram, Row};

/// The extended form of a problem of depth 1 or 2.
#[derive(Clone, Debug)]
pub struct Extended<'a> {
    problem: &'a TreeProblem,
    roots: Vec<Root>,
}

/// A choice at the root with the stumps it allows on its sides; a single leaf has one "side" and no split.
#[derive(Clone, Debug)]
struct Root {
    split: Option<Split>,
    sides: Vec<Vec<Stump>>,
}

impl<'a> Extended<'a> {
    /// None where the problem is deeper than 2.
    pub fn new(problem: &'a TreeProblem) -> Option<Self> {
        if problem.class.depth > 2 {
            return None;
        }
        let least: Vec<usize> = problem.leaf_demands().iter().map(|demand| demand.least).collect();
        let bins = bins(problem);
        let below = if problem.class.depth == 2 { problem.class.thresholds.as_slice() } else { &[] };
        let options = |side: Vec<&Bin>| stumps(&side, below, problem.arms.len(), &least);
        let alone = stumps(&bins.iter().collect::<Vec<_>>(), &[], problem.arms.len(), &least);
        let mut roots = vec![Root { split: None, sides: vec![alone] }];
        for split in splits(problem) {
            let (left, right): (Vec<_>, Vec<_>) = bins.iter().partition(|bin| bin.goes_left(&split));
            if is_enough(left.iter().copied(), &least) && is_enough(right.iter().copied(), &least) {
                roots.push(Root { split: Some(split), sides: vec![options(left), options(right)] });
            }
        }
        Some(Self { problem, roots })
    }

    /// The most coefficients that the program can have: one a column, but for the roots.
    pub fn coefficients(problem: &TreeProblem) -> usize {
        let splits: usize = problem.class.thresholds.iter().map(Vec::len).sum();
        let below = if problem.class.depth == 2 { splits + 1 } else { 1 };
        let bounds = problem.assignment_bounds().count();
        let arms = problem.arms.len();
        let choices = if bounds > 0 { arms.saturating_mul(arms).saturating_mul(1 + bounds) } else { 1 };
        4 + splits.saturating_mul(3 + 2 * below).saturating_mul(choices)
    }

    fn program(&self) -> MixedIntegerProgram {
        let mut program = MixedIntegerProgram::new("tree_rule.extended", Sense::Maximize);
        let names = &self.problem.covariates;
        let label = |split: &Option<Split>| split.as_ref().map_or("leaf".to_string(), |s| s.name(names));
        let chosen: Vec<usize> = self
            .roots
            .iter()
            .map(|root| program.binary(format!("root[{}]", label(&root.split)), 0.0))
            .collect();
        program.rows.push(Row::equal("one_root", 1.0, chosen.iter().map(|&y| (y, 1.0)).collect()));
        for (root, &y) in self.roots.iter().zip(&chosen) {
            for (side, stumps) in ["left", "right"].iter().zip(&root.sides) {
                let mut terms = vec![(y, -1.0)];
                for stump in stumps {
                    let name = format!("{}.{side}[{}]", label(&root.split), label(&stump.split));
                    terms.push((self.add_stump(name, stump, &mut program), 1.0));
                }
                program.rows.push(Row::equal(format!("{}.{side}", label(&root.split)), 0.0, terms));
            }
        }
        self.bound_assignment(&mut program);
        self.limit_covariates(&mut program);
        program
    }

    fn limit_covariates(&self, program: &mut MixedIntegerProgram) {
        let Some(most) = self.problem.most_covariates() else { return };
        let roots: Vec<(usize, Option<Split>)> =
            self.roots.iter().enumerate().map(|(r, root)| (r, root.split)).collect();
        let below = |side: usize| -> Vec<(usize, Option<Split>)> {
            let columns = self.stumps_in_order().enumerate().map(|(c, stump)| (self.roots.len() + c, stump));
            columns.filter(|(_, (_, h, _))| *h == side).map(|(c, (_, _, stump))| (c, stump.split)).collect()
        };
        super::limit_covariates(self.problem, program, most, &[roots, below(0), below(1)]);
    }

    /// A stump's column; whole where the linear relaxation need not be.
    fn add_stump(&self, name: String, stump: &Stump, program: &mut MixedIntegerProgram) -> usize {
        if stump.used.is_empty() {
            return program.continuous(name, 0.0, 1.0, stump.value);
        }
        let arm = |k: usize| &self.problem.arms[k];
        program.binary(format!("{name}:{}/{}", arm(stump.arms.0), arm(stump.arms.1)), stump.value)
    }

    /// One row an assignment bound, over the stumps.
    fn bound_assignment(&self, program: &mut MixedIntegerProgram) {
        for (b, bound) in self.problem.assignment_bounds().enumerate() {
            let first = self.roots.len();
            let used =
                self.stumps_in_order().enumerate().map(|(c, (_, _, stump))| (first + c, stump.used[b]));
            let terms = used.filter(|(_, weight)| *weight != 0.0).collect();
            program.rows.push(Row {
                name: bound.name.clone(),
                lower: bound.lower,
                upper: bound.upper,
                terms,
            });
        }
    }

    /// The stumps in the order of their columns: (root, side, stump).
    fn stumps_in_order(&self) -> impl Iterator<Item = (usize, usize, &Stump)> {
        let sides =
            |(r, root): (usize, &'_ Root)| (0..root.sides.len()).map(move |h| (r, h)).collect::<Vec<_>>();
        let pairs = self.roots.iter().enumerate().flat_map(sides);
        pairs.flat_map(|(r, h)| self.roots[r].sides[h].iter().map(move |stump| (r, h, stump)))
    }
}

impl<'a> ProgramForm for Extended<'a> {
    type Model = TreeProblem;

    fn model(&self) -> &TreeProblem {
        self.problem
    }

    fn pieces(&self) -> Vec<Piece> {
        vec![Piece { label: "extended".into(), program: self.program() }]
    }

    fn candidates(&self) -> Vec<Node> {
        self.problem.best_constant().into_iter().collect()
    }

    fn embed(&self, _piece: &Piece, _tree: &Node) -> Option<Vec<f64>> {
        None
    }

    fn recover(
        &self,
        columns: &[f64],
        _oracle: &mut dyn LinearOracle,
    ) -> Result<Recovered<Node>, OracleError> {
        let heaviest = |weights: &mut dyn Iterator<Item = (usize, f64)>| {
            weights.fold((0, f64::NEG_INFINITY), |best, w| if w.1 > best.1 { w } else { best }).0
        };
        let chosen = heaviest(&mut columns[..self.roots.len()].iter().copied().enumerate());
        let stumps: Vec<_> = self.stumps_in_order().collect();
        let on_side = |side: usize| {
            let weights = columns[self.roots.len()..].iter().copied().take(stumps.len()).enumerate();
            stumps[heaviest(&mut weights.filter(|(c, _)| (stumps[*c].0, stumps[*c].1) == (chosen, side)))]
                .2
                .node()
        };
        let tree = match self.roots[chosen].split {
            None => on_side(0),
            Some(split) => Node::split(split.covariate, split.threshold, on_side(0), on_side(1)),
        };
        Ok(Recovered::Point(tree.simplified()))
    }
}
