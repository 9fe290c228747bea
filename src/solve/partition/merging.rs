//! Ward merging by the increase of the groups' costs, then exchanges to a local optimum.
//!
//! ```text
//! d(g, h) = cost(g u h) - cost(g) - cost(h) >= 0
//! ```
//!
//! From every arm by itself, the two groups of least d merge until M are left (Ward 1963; for fits, with the metric of each
//! arm's own). Then the best move of one arm, or swap of two, is made as long as one helps.

use prescribe_models::arm_groups::{Grouping, Partition, canonical, members};
use serde_json::Map;

use super::super::{Answer, Options, Promise, SolveError, Solver, TerminationStatus, Unsupported, Watch};
use super::usable;

/// An exchange must help by this share of the cost of one group of all; less is rounding.
const HELPS: f64 = 1e-12;

/// The heuristic.
#[derive(Clone, Copy, Debug)]
pub struct Merging;

impl<M: Grouping> Solver<M> for Merging {
    fn name(&self) -> &'static str {
        "merging"
    }

    fn version(&self) -> String {
        format!("prescribe {}", env!("CARGO_PKG_VERSION"))
    }

    fn accepts(&self, _model: &M) -> Result<Promise, Unsupported> {
        Ok(Promise::Heuristic)
    }

    fn search(
        &self,
        model: &M,
        start: Option<&Partition>,
        _options: &Options,
        watch: &Watch,
    ) -> Result<Answer<Partition>, SolveError> {
        let merged = ward(model).swap_remove(model.groups().min(model.arms()) - 1);
        let mut best = exchanged(model, model.groups(), merged, watch);
        if let Some(start) = usable(model, start) {
            let other = exchanged(model, model.groups(), start.clone(), watch);
            // On a tie the start stays.
            if model.objective(&other) <= model.objective(&best) {
                best = other;
            }
            if model.objective(start) <= model.objective(&best) {
                best = start.clone();
            }
        }
        watch.tell("merging", Some(model.objective(&best)), None, 0);
        Ok(Answer {
            point: Some(best),
            claimed: None,
            bound: None,
            termination: match watch.stop() {
                None => TerminationStatus::LocallySolved,
                Some(_) => watch.termination(),
            },
            raw_status: "no exchange helps".into(),
            nodes: None,
            iterations: None,
            statistics: Map::new(),
        })
    }
}

/// Local optima for at most 1, 2, .. groups, up to those the model allows (or its arms), and their costs.
pub fn every(model: &impl Grouping) -> Vec<(Partition, f64)> {
    let watch = Watch::start(None, &super::super::Silent);
    let merged = ward(model).into_iter().take(model.groups()).enumerate();
    let improved = merged.map(|(g, of)| exchanged(model, g + 1, of, &watch));
    improved.map(|of| (of.clone(), model.objective(&of))).collect()
}

/// The partitions into 1, 2, .. K groups on the way up.
fn ward(model: &impl Grouping) -> Vec<Partition> {
    let arms = model.arms();
    let mut of: Partition = (0..arms).collect();
    let mut groups: Vec<Option<Group<_>>> =
        (0..arms).map(|a| Some(Group::of(model, model.sums(a)))).collect();
    let increase = |g: &Option<Group<_>>, h: &Option<Group<_>>| match (g, h) {
        (Some(g), Some(h)) => g.with(model, &h.sums).cost - g.cost - h.cost,
        _ => f64::INFINITY,
    };
    let mut gaps: Vec<Vec<f64>> =
        (0..arms).map(|g| (0..g).map(|h| increase(&groups[g], &groups[h])).collect()).collect();
    let mut path = vec![of.clone()];
    for _ in 1..arms {
        let pairs = (0..arms).flat_map(|g| (0..g).map(move |h| (g, h)));
        let Some((g, h)) = pairs.min_by(|&(a, b), &(c, d)| gaps[a][b].total_cmp(&gaps[c][d])) else { break };
        of.iter_mut().filter(|group| **group == g).for_each(|group| *group = h);
        let gone = groups[g].take();
        groups[h] = groups[h].as_ref().zip(gone).map(|(kept, gone)| kept.with(model, &gone.sums));
        for other in 0..arms {
            for one in [g, h] {
                if other != one {
                    gaps[one.max(other)][one.min(other)] = increase(&groups[one], &groups[other]);
                }
            }
        }
        path.push(canonical(&of));
    }
    path.reverse();
    path
}

/// Arms together.
struct Group<S> {
    sums: S,
    cost: f64,
}

impl<S> Group<S> {
    fn of<M: Grouping<Sums = S>>(model: &M, sums: S) -> Self {
        let cost = model.cost(&sums);
        Self { sums, cost }
    }

    fn with<M: Grouping<Sums = S>>(&self, model: &M, more: &S) -> Self {
        Self::of(model, model.pooled(&self.sums, more))
    }
}

/// The best moves and swaps from `of`, into at most `most` groups, one after the other, until none helps.
pub(super) fn exchanged(model: &impl Grouping, most: usize, of: Partition, watch: &Watch) -> Partition {
    let least = HELPS * model.reference_value().unwrap_or(0.0);
    let mut of = canonical(&of);
    while watch.stop().is_none() {
        let found = best_move(model, most, &of).filter(|(gain, _)| *gain > least);
        let Some((_, changed)) = found.or_else(|| best_swap(model, &of).filter(|(gain, _)| *gain > least))
        else {
            break;
        };
        of = canonical(&changed);
    }
    of
}

/// Groups, and what each is without each of its arms, by arm; none where nothing is left.
struct Rests<S> {
    groups: Vec<Option<Group<S>>>,
    without: Vec<Option<Group<S>>>,
}

impl<S> Rests<S> {
    fn new<M: Grouping<Sums = S>>(model: &M, of: &[usize]) -> Self {
        let groups = members(of);
        let pool = |arms: &[usize]| model.sums_of(arms.iter().copied()).map(|sums| Group::of(model, sums));
        let left = |a: usize| groups[of[a]].iter().copied().filter(|b| *b != a).collect::<Vec<_>>();
        let without = (0..of.len()).map(|a| pool(&left(a))).collect();
        Self { groups: groups.iter().map(|arms| pool(arms)).collect(), without }
    }
}

fn cost<S>(group: &Option<Group<S>>) -> f64 {
    group.as_ref().map_or(0.0, |group| group.cost)
}

/// The cost of a group with one arm more.
fn joined<M: Grouping>(model: &M, group: &Option<Group<M::Sums>>, arm: &M::Sums) -> f64 {
    group.as_ref().map_or_else(|| model.cost(arm), |group| group.with(model, arm).cost)
}

/// The move of one arm that helps most, and by how much.
fn best_move(model: &impl Grouping, most: usize, of: &[usize]) -> Option<(f64, Partition)> {
    let Rests { groups, without } = Rests::new(model, of);
    let mut best: Option<(f64, usize, usize)> = None;
    for (a, &from) in of.iter().enumerate() {
        let leaving = cost(&groups[from]) - cost(&without[a]);
        let arm = model.sums(a);
        let own = (groups.len() < most).then(|| (groups.len(), model.cost(&arm)));
        let others = (0..groups.len()).filter(|to| *to != from);
        let joining = |to: usize| joined(model, &groups[to], &arm) - cost(&groups[to]);
        for (to, joining) in others.map(|to| (to, joining(to))).chain(own) {
            if best.is_none_or(|(gain, ..)| leaving - joining > gain) {
                best = Some((leaving - joining, a, to));
            }
        }
    }
    best.map(|(gain, a, to)| {
        let mut of = of.to_vec();
        of[a] = to;
        (gain, of)
    })
}

/// The swap of two arms that helps most, and by how much.
fn best_swap(model: &impl Grouping, of: &[usize]) -> Option<(f64, Partition)> {
    let Rests { groups, without } = Rests::new(model, of);
    let arms: Vec<_> = (0..of.len()).map(|a| model.sums(a)).collect();
    let mut best: Option<(f64, usize, usize)> = None;
    for a in 0..of.len() {
        for b in (0..a).filter(|b| of[*b] != of[a]) {
            let after = joined(model, &without[a], &arms[b]) + joined(model, &without[b], &arms[a]);
            let gain = cost(&groups[of[a]]) + cost(&groups[of[b]]) - after;
            if best.is_none_or(|(most, ..)| gain > most) {
                best = Some((gain, a, b));
            }
        }
    }
    best.map(|(gain, a, b)| {
        let mut of = of.to_vec();
        of.swap(a, b);
        (gain, of)
    })
}
