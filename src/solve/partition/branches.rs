//! Branch and bound over the groups of one arm after the other, bounded by the same problem for the arms that are left.
//!
//! ```text
//! cost(partition) >= cost(its groups among the first arms) + F(the others),     F: the least cost of a partition of these alone
//! ```
//!
//! holds because costs are superadditive. F is known for the last arms, then for one more, and so on until it is known for all (Russian dolls:
//! Verfaillie, Lemaitre and Schiex 1996; for sums of squares, Brusco 2006). Arms of different groups of the heuristic's partition take turns
//! in the order, so that the last arms already say what must be apart.

use prescribe_models::arm_groups::{Grouping, Partition, canonical, members};
use serde_json::Map;

use super::super::{
    Answer, BoundProof, Options, Promise, SolveError, Solver, TerminationStatus, Unsupported, Watch,
};
use super::Merging;

/// Between looks at the clock.
const NODES: u64 = 4_096;
/// Less than this share of the cost is rounding.
const ROUNDING: f64 = 1e-12;

/// The search.
#[derive(Clone, Copy, Debug)]
pub struct Branches;

impl<M: Grouping> Solver<M> for Branches {
    fn name(&self) -> &'static str {
        "branches"
    }

    fn version(&self) -> String {
        format!("prescribe {}", env!("CARGO_PKG_VERSION"))
    }

    fn accepts(&self, _model: &M) -> Result<Promise, Unsupported> {
        Ok(Promise::Exact)
    }

    fn search(
        &self,
        model: &M,
        start: Option<&Partition>,
        options: &Options,
        watch: &Watch,
    ) -> Result<Answer<Partition>, SolveError> {
        let merged = Merging.search(model, start, options, watch)?.point;
        let mut dolls = Dolls::new(model, merged.unwrap_or_else(|| vec![0; model.arms()]), watch);
        let done = dolls.run(options.mip_max_nodes);
        let value = model.objective(&dolls.best);
        let bound = if done { value } else { dolls.suffix.iter().copied().fold(0.0, f64::max) };
        Ok(Answer {
            point: Some(dolls.best),
            claimed: None,
            bound: Some((bound.min(value), BoundProof::Search)),
            termination: match (done, watch.stop()) {
                (true, _) => TerminationStatus::Optimal,
                (false, Some(_)) => watch.termination(),
                (false, None) => TerminationStatus::NodeLimit,
            },
            raw_status: if done { "all arms bounded" } else { "stopped" }.into(),
            nodes: Some(dolls.nodes),
            iterations: None,
            statistics: Map::new(),
        })
    }
}

struct Dolls<'s, M: Grouping> {
    model: &'s M,
    watch: &'s Watch<'s>,
    /// The arms, those that are placed first first.
    order: Vec<usize>,
    /// F of the arms from each place of the order on (K + 1); 0 while it is not known.
    suffix: Vec<f64>,
    /// The best partition of all arms.
    best: Partition,
    nodes: u64,
    most: Option<u64>,
}

/// A partition of some arms on the way.
struct Partial<S> {
    /// Sums and cost of each group.
    groups: Vec<(S, f64)>,
    /// The group of each arm placed, in their order.
    of: Vec<usize>,
    cost: f64,
}

/// The best partition of the arms from a place on.
struct Found {
    of: Vec<usize>,
    cost: f64,
}

impl<'s, M: Grouping> Dolls<'s, M> {
    fn new(model: &'s M, best: Partition, watch: &'s Watch<'s>) -> Self {
        let mut groups = members(&best);
        let mut order = Vec::new();
        while groups.iter().any(|group| !group.is_empty()) {
            order.extend(groups.iter_mut().filter_map(Vec::pop));
        }
        Self { model, watch, suffix: vec![0.0; order.len() + 1], order, best, nodes: 0, most: None }
    }

    /// Solves for the last arm, the last two, and so on; whether it came to the end.
    fn run(&mut self, most: Option<u64>) -> bool {
        self.most = most;
        for from in (0..self.order.len()).rev() {
            // What the best partition says of these arms is the one to beat.
            let of: Vec<usize> = self.order[from..].iter().map(|a| self.best[*a]).collect();
            let mut found = Found { cost: self.cost_of(from, &of), of };
            let mut partial = Partial { groups: Vec::new(), of: Vec::new(), cost: 0.0 };
            if !self.place(from, &mut partial, &mut found) {
                return false;
            }
            self.suffix[from] = found.cost;
            self.watch.tell("branches", None, Some(found.cost), self.nodes);
            if from == 0 {
                let mut best = vec![0; self.order.len()];
                self.order.iter().zip(&found.of).for_each(|(&a, &group)| best[a] = group);
                self.best = canonical(&best);
            }
        }
        true
    }

    fn cost_of(&self, from: usize, of: &[usize]) -> f64 {
        let arms = &self.order[from..];
        let cost = |group: Vec<usize>| self.model.cost_of(group.into_iter().map(|place| arms[place]));
        members(of).into_iter().map(cost).sum()
    }

    /// Puts the next arm into each group in turn, the cheapest first; false where it was stopped.
    fn place(&mut self, from: usize, partial: &mut Partial<M::Sums>, found: &mut Found) -> bool {
        let next = from + partial.of.len();
        if next == self.order.len() {
            if partial.cost < found.cost {
                *found = Found { of: partial.of.clone(), cost: partial.cost };
            }
            return true;
        }
        self.nodes += 1;
        let stopped = self.nodes.is_multiple_of(NODES) && self.watch.stop().is_some();
        if stopped || self.most.is_some_and(|most| self.nodes > most) {
            return false;
        }
        let arm = self.model.sums(self.order[next]);
        let joined = partial.groups.iter().map(|(sums, _)| self.model.pooled(sums, &arm));
        let mut choices: Vec<(usize, M::Sums, f64)> = joined
            .enumerate()
            .map(|(group, sums)| {
                let cost = self.model.cost(&sums);
                (group, sums, cost)
            })
            .collect();
        if partial.groups.len() < self.model.groups() {
            let cost = self.model.cost(&arm);
            choices.push((partial.groups.len(), arm, cost));
        }
        let before = |partial: &Partial<M::Sums>, group: usize| {
            partial.groups.get(group).map_or(0.0, |(_, cost)| *cost)
        };
        choices.sort_by(|a, b| {
            (a.2 - before(partial, a.0)).total_cmp(&(b.2 - before(partial, b.0))).then(a.0.cmp(&b.0))
        });
        for (group, sums, cost) in choices {
            let whole = partial.cost + cost - before(partial, group);
            if whole + self.suffix[next + 1] >= found.cost * (1.0 - ROUNDING) {
                // The others cost more still.
                break;
            }
            let (kept, kept_cost) = (partial.groups.get(group).cloned(), partial.cost);
            match kept {
                Some(_) => partial.groups[group] = (sums, cost),
                None => partial.groups.push((sums, cost)),
            }
            partial.of.push(group);
            partial.cost = whole;
            let done = self.place(from, partial, found);
            partial.of.pop();
            partial.cost = kept_cost;
            match kept {
                Some(kept) => partial.groups[group] = kept,
                None => drop(partial.groups.pop()),
            }
            if !done {
                return false;
            }
        }
        true
    }
}
