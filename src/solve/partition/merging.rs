//! Ward merging by the increase of the residual sum of squares, then exchanges to a local optimum.
//!
//! ```text
//! d(g, h) = RSS(g u h) - RSS(g) - RSS(h) >= 0
//! ```
//!
//! From every arm by itself, the two groups of least d merge until M are left (Ward 1963, with the metric of each arm's own
//! fit). Then the best move of one arm, or swap of two, is made as long as one helps.

use prescribe_models::Model;
use prescribe_models::arm_moments::Moments;
use prescribe_models::arm_partition::{ArmPartition, Partition, canonical, members};
use serde_json::Map;

use super::super::{Answer, Options, Promise, SolveError, Solver, TerminationStatus, Unsupported, Watch};
use super::usable;

/// An exchange must help by this share of the residual sum of squares; less is rounding.
const HELPS: f64 = 1e-12;

/// The heuristic.
#[derive(Clone, Copy, Debug)]
pub struct Merging;

impl Solver<ArmPartition> for Merging {
    fn name(&self) -> &'static str {
        "merging"
    }

    fn version(&self) -> String {
        format!("prescribe {}", env!("CARGO_PKG_VERSION"))
    }

    fn accepts(&self, _model: &ArmPartition) -> Result<Promise, Unsupported> {
        Ok(Promise::Heuristic)
    }

    fn search(
        &self,
        model: &ArmPartition,
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

/// Local optima for at most 1, 2, .. groups, up to those the model allows (or its arms), and their residual sums.
pub fn every(model: &ArmPartition) -> Vec<(Partition, f64)> {
    let watch = Watch::start(None, &super::super::Silent);
    let merged = ward(model).into_iter().take(model.groups()).enumerate();
    let improved = merged.map(|(g, of)| exchanged(model, g + 1, of, &watch));
    improved.map(|of| (of.clone(), model.objective(&of))).collect()
}

/// The partitions into 1, 2, .. K groups on the way up.
fn ward(model: &ArmPartition) -> Vec<Partition> {
    let arms = model.arms();
    let mut of: Partition = (0..arms).collect();
    let mut groups: Vec<Option<Group>> = (0..arms).map(|a| Some(Group::new(model, &[a]))).collect();
    let increase = |g: &Option<Group>, h: &Option<Group>| match (g, h) {
        (Some(g), Some(h)) => g.with(&h.sums).rss - g.rss - h.rss,
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
        groups[h] = groups[h].as_ref().zip(gone).map(|(kept, gone)| kept.with(&gone.sums));
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
struct Group {
    sums: Moments,
    rss: f64,
}

impl Group {
    fn new(model: &ArmPartition, arms: &[usize]) -> Self {
        let p = model.moments()[0].cross.len();
        Self::of(Moments::pooled(p, arms.iter().map(|a| &model.moments()[*a])))
    }

    fn of(sums: Moments) -> Self {
        let rss = sums.rss();
        Self { sums, rss }
    }

    fn with(&self, more: &Moments) -> Self {
        let mut sums = self.sums.clone();
        sums.add(more);
        Self::of(sums)
    }
}

/// The best moves and swaps from `of`, into at most `most` groups, one after the other, until none helps.
pub(super) fn exchanged(model: &ArmPartition, most: usize, of: Partition, watch: &Watch) -> Partition {
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

/// What each group is without each of its arms, by arm.
fn without(model: &ArmPartition, groups: &[Vec<usize>], of: &[usize]) -> Vec<Group> {
    let left = |a: usize| groups[of[a]].iter().copied().filter(|b| *b != a).collect::<Vec<_>>();
    (0..of.len()).map(|a| Group::new(model, &left(a))).collect()
}

/// The move of one arm that helps most, and by how much.
fn best_move(model: &ArmPartition, most: usize, of: &[usize]) -> Option<(f64, Partition)> {
    let groups = members(of);
    let whole: Vec<Group> = groups.iter().map(|arms| Group::new(model, arms)).collect();
    let without = without(model, &groups, of);
    let mut best: Option<(f64, usize, usize)> = None;
    for (a, &from) in of.iter().enumerate() {
        let leaving = whole[from].rss - without[a].rss;
        let own = (groups.len() < most).then(|| (groups.len(), model.rss([a])));
        let arm = &model.moments()[a];
        let others = (0..groups.len()).filter(|to| *to != from);
        for (to, joining) in others.map(|to| (to, whole[to].with(arm).rss - whole[to].rss)).chain(own) {
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
fn best_swap(model: &ArmPartition, of: &[usize]) -> Option<(f64, Partition)> {
    let groups = members(of);
    let whole: Vec<f64> = groups.iter().map(|arms| model.rss(arms.iter().copied())).collect();
    let without = without(model, &groups, of);
    let mut best: Option<(f64, usize, usize)> = None;
    for a in 0..of.len() {
        for b in (0..a).filter(|b| of[*b] != of[a]) {
            let after = without[a].with(&model.moments()[b]).rss + without[b].with(&model.moments()[a]).rss;
            let gain = whole[of[a]] + whole[of[b]] - after;
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
