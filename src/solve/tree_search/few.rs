//! Trees that look at few covariates: a search over the sets of covariates that they may look at.
//!
//! Let V(A) be the best value of a tree that looks at covariates of A alone. A tree with at most k of them is best among all such
//! trees over A where it is best among all trees over A. Otherwise let j be a covariate that the best tree over A looks at:
//!
//! ```text
//! V_k(A; F) = max(V_k(A \ {j}; F), V_k(A; F + {j})),     V_k(A; F) <= V(A),     V_k(A; F) = V(F) where |F| = k
//! ```
//!
//! with F the covariates that a tree may be taken to look at. Parts (A; F) are searched in the order of their bounds, for trees that earn
//! more than the best so far. Where all sets of k covariates together are forecast to cost less than V of them all, the
//! search starts from these. Of trees that earn the same, the first found is kept. Views of one thing count as one covariate.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use prescribe_models::tree_rule::TreeProblem;

use super::Limits;
use super::plan::Outcome;
use super::search::{Memory, Search, Shared};
use super::strategy::forecast;
use super::subset::Subset;

/// More sets of covariates than this are not listed.
const MOST_SETS: f64 = 1e5;

/// What covariates are views of.
pub type Views = BTreeSet<usize>;

/// How many covariates a tree may look at.
#[derive(Clone, Copy, Debug)]
pub struct Few<'a> {
    /// None: any number.
    pub most: Option<usize>,
    pub views_of: &'a [usize],
}

/// Trees that look at `allowed` alone, and may be taken to look at `chosen`.
struct Part {
    allowed: Views,
    chosen: Views,
    /// The best tree over `allowed`, once it is known.
    solved: Option<Outcome>,
}

/// Parts by their bounds, the highest last; of equals the one that came first.
#[derive(Default)]
struct Open {
    parts: BTreeMap<(u64, Reverse<usize>), Part>,
    pushed: usize,
}

impl Open {
    fn push(&mut self, upper: f64, part: Part) {
        self.pushed += 1;
        // Values are whole and at least 0, see `units`.
        self.parts.insert((upper as u64, Reverse(self.pushed)), part);
    }

    fn pop(&mut self) -> Option<(f64, Part)> {
        self.parts.pop_last().map(|((upper, _), part)| (upper as f64, part))
    }
}

impl<'a> Few<'a> {
    pub fn of(problem: &'a TreeProblem) -> Self {
        Self { most: problem.most_covariates(), views_of: &problem.class.views_of }
    }

    /// The best tree over `subset`; it may look at `chosen` whatever their number.
    pub fn best(
        &self,
        shared: &Shared,
        subset: &Subset,
        depth: usize,
        limits: Limits,
        chosen: &Views,
    ) -> Outcome {
        let solve = |subset: &Subset, need: f64| {
            Search::new(shared, &Memory::new()).whole(subset, depth, need, limits)
        };
        let Some(most) = self.most else { return solve(subset, f64::NEG_INFINITY) };
        let most = most.max(chosen.len());
        let everything: f64 = subset.members.iter().map(|&u| shared.units.stakes[u as usize]).sum();
        let mut open = Open::default();
        let parts = self.first(shared, subset, depth, chosen, most);
        parts.into_iter().for_each(|part| open.push(everything, part));
        // The best tree, and a bound on parts that were not searched to their end.
        let (mut best, mut left) = (Outcome::NONE, f64::NEG_INFINITY);
        while let Some((upper, mut part)) = open.pop() {
            if upper <= best.value() {
                break;
            }
            shared.tell(best.value(), upper.max(left));
            if shared.ends(best.value(), upper.max(left)) {
                left = left.max(upper);
                break;
            }
            let need = best.value() + 1.0;
            let solved = part.solved.take();
            let outcome = solved.unwrap_or_else(|| solve(&self.over(subset, &part.allowed), need));
            let upper = upper.min(outcome.upper);
            if upper < need {
                continue;
            }
            let looked_at = self.looked_at(&outcome);
            let new = looked_at.iter().copied().find(|view| !part.chosen.contains(view));
            let many = looked_at.into_iter().chain(chosen.iter().copied()).collect::<Views>().len() > most;
            match new.filter(|_| many) {
                Some(view) => self.branch(part, view, most, (upper, outcome), &mut open),
                None => {
                    left = left.max(upper);
                    best = if outcome.value() > best.value() { outcome } else { best };
                }
            }
        }
        Outcome { upper: left.max(best.value()), found: best.found }
    }

    /// All sets of `most` views with `chosen` among them, where their searches together are forecast to cost less than that of
    /// all covariates; else the latter.
    fn first(
        &self,
        shared: &Shared,
        subset: &Subset,
        depth: usize,
        chosen: &Views,
        most: usize,
    ) -> Vec<Part> {
        let everything: Views = subset.covariates.iter().map(|&j| self.views_of[j]).collect();
        let others: Vec<usize> = everything.difference(chosen).copied().collect();
        let more = (most - chosen.len()).min(others.len());
        let sets = (0..more).fold(1.0, |sets, i| sets * (others.len() - i) as f64 / (i + 1) as f64);
        let cost = |values: &[usize]| forecast(shared.units.arms, subset.len, values, depth);
        let mut widest = subset.values.clone();
        widest.sort_unstable_by_key(|values| Reverse(*values));
        widest.truncate(most);
        if more > 0 && (sets > MOST_SETS || sets * cost(&widest) > cost(&subset.values)) {
            return vec![Part { allowed: everything, chosen: chosen.clone(), solved: None }];
        }
        let mut lists = vec![(0, chosen.clone())];
        for _ in 0..more {
            let longer = |(from, set): (usize, Views)| {
                let with = |(at, &view): (usize, &usize)| {
                    let mut set = set.clone();
                    set.insert(view);
                    (at + 1, set)
                };
                others.iter().enumerate().skip(from).map(with).collect::<Vec<_>>()
            };
            lists = lists.into_iter().flat_map(longer).collect();
        }
        let part = |(_, set): (usize, Views)| Part { allowed: set.clone(), chosen: set, solved: None };
        lists.into_iter().map(part).collect()
    }

    /// The two parts of `part`: the trees that do not look at `view`, and those that may be taken to.
    fn branch(
        &self,
        part: Part,
        view: usize,
        most: usize,
        (upper, outcome): (f64, Outcome),
        open: &mut Open,
    ) {
        let Part { allowed, chosen, .. } = part;
        let (mut without, mut with) = (allowed.clone(), chosen.clone());
        without.remove(&view);
        with.insert(view);
        open.push(
            upper,
            match with.len() == most {
                true => Part { allowed: with.clone(), chosen: with, solved: None },
                false => Part { allowed, chosen: with, solved: Some(outcome) },
            },
        );
        open.push(upper, Part { allowed: without, chosen, solved: None });
    }

    /// The same units, without the covariates that are no view of `allowed`.
    fn over(&self, subset: &Subset, allowed: &Views) -> Subset {
        subset.over(|covariate| allowed.contains(&self.views_of[covariate]))
    }

    /// What the covariates of the tree found are views of, from the root down.
    pub fn looked_at(&self, outcome: &Outcome) -> Vec<usize> {
        let found = outcome.found.iter();
        found.flat_map(|found| found.plan.covariates()).map(|covariate| self.views_of[covariate]).collect()
    }
}
