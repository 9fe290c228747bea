//! Intervals and bins so coarse that small instances go through all of their levels, against enumeration and the other ways to search.

use std::sync::atomic::{AtomicI64, Ordering};

use ndarray::Array2;
use prescribe_models::SideConstraint;
use prescribe_models::tree_rule::{Candidates, Tree, TreeProblem};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::super::few::Few;
use super::super::search::{Memory, Search};
use super::super::{Threads, Work, shared};
use super::*;
use crate::solve::tree_search::units::Units;
use crate::solve::{Control, Observer, Options, Progress, Watch};

const INSTANCES: u64 = 600;

/// Stops when it has been asked so often.
struct Patience(AtomicI64);

impl Observer for Patience {
    fn progress(&self, _progress: &Progress) -> Control {
        Control::Continue
    }

    fn wants_stop(&self) -> bool {
        self.0.fetch_sub(1, Ordering::Relaxed) <= 0
    }
}

fn draw(seed: u64) -> (TreeProblem, usize) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (n, p) = (random.random_range(2..90), random.random_range(1..=4));
    let arms = [2, 3, 5, 9, 17, 25, 32][random.random_range(0..7)];
    let (kind, style) = (random.random_range(0..4), random.random_range(0..5));
    let mut x = Array2::from_shape_fn((n, p), |(_, j)| match (kind, j % 2) {
        (0, _) | (3, 0) => random.random_range(-1.0..1.0),
        (1, _) => f64::from(random.random_range(0..4)),
        _ => f64::from(random.random_range(-9..9)) / 4.0,
    });
    if random.random_range(0..6) == 0 {
        x.column_mut(p - 1).fill(3.0);
    }
    let rewards = Array2::from_shape_fn((n, arms), |_| match style {
        0 => f64::from(random.random_range(-1..=1)),
        1 => 1e6 + random.random_range(-1.0..1.0),
        2 if random.random_range(0..4) > 0 => 0.0,
        3 => f64::from(random.random_range(-1..=1)) * f64::from(random.random_range(0..2) * 1_000_000),
        _ => random.random_range(-1.0..1.0),
    });
    let least = [1, 1, 2, 5][random.random_range(0..4)];
    let names = |prefix: &str, count: usize| (0..count).map(|j| format!("{prefix}{j}")).collect();
    let class = Tree::over(&x, 2, Candidates::All);
    let problem = TreeProblem::new(class, names("x", p), names("a", arms), x, rewards).unwrap();
    (problem.with(SideConstraint::MinimumLeafSize(least)).unwrap(), least)
}

/// The best total of whole rewards over all trees, node by node.
fn enumerated(units: &Units, members: &[usize], depth: usize, least: usize) -> f64 {
    let held = |members: &[usize]| members.iter().map(|&u| units.counts[u] as usize).sum::<usize>();
    if held(members) < least {
        return f64::NEG_INFINITY;
    }
    let total = |k: usize| members.iter().map(|&u| units.rewards_of(u as u32)[k]).sum::<f64>();
    let mut best = (0..units.arms).map(total).fold(f64::NEG_INFINITY, f64::max);
    for ranks in units.ranks.iter().filter(|_| depth > 0) {
        let mut cuts: Vec<u32> = members.iter().map(|&u| ranks[u]).collect();
        cuts.sort_unstable();
        cuts.dedup();
        for cut in cuts.iter().rev().skip(1) {
            let (left, right): (Vec<_>, Vec<_>) = members.iter().partition(|&&u| ranks[u] <= *cut);
            let sides = [&left, &right].map(|side| enumerated(units, side, depth - 1, least));
            best = best.max(sides[0] + sides[1]);
        }
    }
    best
}

fn resolution(seed: u64) -> Resolution {
    let bins = [[1, 2, 4], [2, 4, 16], [4, 8, 64]][seed as usize % 3];
    Resolution {
        bins,
        first: 1 + seed as usize % 4,
        then: 2 + seed as usize % 3,
        round: 1 + seed as usize % 5,
    }
}

/// Runs on the units of a problem; `patience`: how often the search may ask before it is stopped.
fn run(
    problem: &TreeProblem,
    least: usize,
    seed: u64,
    threads: Threads,
    patience: i64,
    cuts: u64,
) -> [Outcome; 2] {
    let units = Units::of(problem, Threads::One);
    let options =
        Options { mip_max_nodes: Some(cuts), mip_rel_gap: 0.0, mip_abs_gap: 0.0, ..Options::default() };
    let limits = Limits { least, ..Limits::NONE };
    let patience = Patience(AtomicI64::new(patience));
    let watch = Watch::start(None, &patience);
    let work = Work::of(&units, 2, limits, Few::of(problem));
    let shared_by = shared(&units, work, threads, &options, &watch);
    let refined = refine(&shared_by, limits, resolution(seed));
    let patience = Patience(AtomicI64::new(i64::MAX));
    let watch = Watch::start(None, &patience);
    let options = Options { mip_max_nodes: None, ..options };
    let shared_by = shared(&units, work, Threads::One, &options, &watch);
    let everyone = Subset::all(&units, Threads::One);
    let searched = Search::new(&shared_by, &Memory::new()).whole(&everyone, 2, f64::NEG_INFINITY, limits);
    [refined, searched]
}

#[test]
fn equals_enumeration_and_the_other_ways() {
    for seed in 0..INSTANCES {
        let (problem, least) = draw(seed);
        let [refined, searched] = run(&problem, least, seed, Threads::One, i64::MAX, u64::MAX);
        assert_eq!(refined.value(), searched.value(), "{seed}");
        assert_eq!(refined.upper, refined.value(), "{seed}");
        let plan = |outcome: &Outcome| outcome.found.as_ref().map(|found| found.plan.clone());
        assert_eq!(plan(&refined), plan(&searched), "{seed}");
        let [parallel, _] = run(&problem, least, seed, Threads::Many, i64::MAX, u64::MAX);
        assert_eq!((plan(&parallel), parallel.upper), (plan(&refined), refined.upper), "{seed}");
        let units = Units::of(&problem, Threads::One);
        if units.len() < 30 {
            let everyone: Vec<usize> = (0..units.len()).collect();
            assert_eq!(refined.value(), enumerated(&units, &everyone, 2, least), "{seed}");
        }
    }
}

/// Wherever the search ends, its tree is one of those allowed and its bound holds.
#[test]
fn bounds_hold_wherever_it_ends() {
    let mut apart = 0;
    for seed in 0..INSTANCES {
        let (problem, least) = draw(seed);
        let (patience, cuts) = match seed % 2 {
            0 => ((seed / 2 % 60) as i64, u64::MAX),
            _ => (i64::MAX, seed / 2 % 60),
        };
        let threads = [Threads::One, Threads::Many][usize::from(seed % 3 == 0)];
        let [ended, searched] = run(&problem, least, seed, threads, patience, cuts);
        assert!(ended.upper >= searched.value(), "{seed}: {} {}", ended.upper, searched.value());
        assert!(ended.value() <= searched.value(), "{seed}: {} {}", ended.value(), searched.value());
        apart += u64::from(ended.value() < ended.upper);
    }
    assert!(apart > INSTANCES / 4, "{apart}");
}
