//! The units as a search sees them: ranks instead of values, whole numbers instead of rewards.
//!
//! ```text
//! rank[j][u]     how many thresholds of covariate j lie below the unit's value:   rank <= c goes left of cut c
//! q[u][k]        round(2^e Gamma[u, k]) - min over k,   so that min_k q = 0 and the stake of a unit is max_k q
//! ```
//!
//! The exponent e makes the stakes of all units sum to at most 2^51. Sums of such numbers are exact in `f64` in any order: ties
//! are ties, every strategy finds the same value and every number of threads the same tree. What rounding moved is known
//! to the last bit, and enters the bound: with r[u][k] the remainders,
//!
//! ```text
//! sum_u Gamma[u, d_u]  <=  2^-e (sum_u q[u, d_u] + sum_u max_k r[u, k]) + constant         for every rule d
//! ```
//!
//! An arm that a unit is barred from counts as the worst of those that it may get: what may not be only looks better than it is.
//!
//! Units that no threshold tells apart are one unit with their number and their sums, where there may be enough of them to matter.

use multiversion::multiversion;
use ndarray::Array2;
use prescribe_models::Model;
use prescribe_models::tree_rule::TreeProblem;

use super::Threads;
use super::demands::Demands;

/// The stakes of all units sum to at most two to this.
const BITS: i32 = 51;

/// Where ranks have more combinations than this for each unit, equal units are not looked for.
const MOST_BOXES: f64 = 64.0;

/// So few thresholds are all compared with.
const FEW_THRESHOLDS: usize = 8;

/// All units of a problem, merged.
#[derive(Clone, Debug)]
pub struct Units {
    pub arms: usize,
    /// For each covariate, the rank of each unit.
    pub ranks: Vec<Vec<u32>>,
    /// How many units of the problem each stands for.
    pub counts: Vec<u32>,
    /// Whole rewards q, unit after unit.
    pub rewards: Vec<f64>,
    /// Largest minus smallest reward of each unit.
    pub stakes: Vec<f64>,
    /// Reward of the first arm less that of the second: all there is to know where there are two arms.
    pub gains: Vec<f64>,
    pub demands: Demands,
    /// What one whole number is worth in the problem's objective: 2^-e.
    pub scale: f64,
    /// What every rule earns beyond its whole numbers, about: the sum of each unit's smallest reward.
    pub constant: f64,
    /// By how much the objectives of two rules may differ more than their whole numbers say.
    pub rounding: f64,
}

impl Units {
    pub fn of(problem: &TreeProblem, threads: Threads) -> Self {
        let ranks = ranks(problem, threads);
        let (whole, scale, rounding) = whole_numbers(problem.rewards());
        let arms = problem.arms.len();
        let lowest = |row: ndarray::ArrayView1<f64>| row.iter().copied().fold(f64::INFINITY, f64::min);
        let mut units = Self {
            arms,
            ranks: Vec::new(),
            counts: Vec::new(),
            rewards: Vec::new(),
            stakes: Vec::new(),
            gains: Vec::new(),
            demands: Demands::of(problem),
            scale,
            constant: problem.rewards().rows().into_iter().map(lowest).sum(),
            rounding,
        };
        match alike(problem, &ranks) {
            None => {
                whole.chunks(arms).for_each(|rewards| units.push(1, rewards));
                units.ranks = ranks;
            }
            Some(groups) => units.merge(&groups, &ranks, &whole),
        }
        units
    }

    /// Takes each group as one unit.
    fn merge(&mut self, groups: &[Vec<u32>], ranks: &[Vec<u32>], whole: &[f64]) {
        let firsts = |column: &Vec<u32>| groups.iter().map(|group| column[group[0] as usize]).collect();
        self.ranks = ranks.iter().map(firsts).collect();
        self.demands.merge(groups);
        let mut total = vec![0.0; self.arms];
        for group in groups {
            total.fill(0.0);
            for &i in group {
                let rewards = &whole[i as usize * self.arms..][..self.arms];
                total.iter_mut().zip(rewards).for_each(|(sum, q)| *sum += q);
            }
            self.push(group.len() as u32, &total);
        }
    }

    /// How many values each covariate has that varies.
    pub fn values(&self) -> Vec<usize> {
        let values = self.ranks.iter().map(|ranks| {
            let mut met = vec![false; ranks.iter().max().map_or(0, |most| *most as usize + 1)];
            ranks.iter().for_each(|&rank| met[rank as usize] = true);
            met.into_iter().map(usize::from).sum()
        });
        values.filter(|values| *values > 1).collect()
    }

    pub fn len(&self) -> usize {
        self.counts.len()
    }

    /// Whole rewards of unit `u`.
    pub fn rewards_of(&self, u: u32) -> &[f64] {
        &self.rewards[u as usize * self.arms..][..self.arms]
    }

    /// Adds a unit; from an arm that it is barred from it has the least of what it may get.
    fn push(&mut self, count: u32, total: &[f64]) {
        let u = self.counts.len() as u32;
        let (demands, arms) = (&self.demands, total.iter().copied().enumerate());
        let allowed = arms.filter(|(k, _)| !demands.bars(u, *k)).map(|(_, q)| q);
        let (low, high) =
            allowed.clone().fold((f64::INFINITY, 0.0), |(low, high), q| (q.min(low), q.max(high)));
        // Barred from all: no tree is allowed.
        let (low, high) = if low.is_finite() { (low, high) } else { (0.0, 0.0) };
        let start = self.rewards.len();
        self.rewards
            .extend(total.iter().enumerate().map(|(k, q)| if demands.bars(u, k) { 0.0 } else { q - low }));
        self.counts.push(count);
        self.constant += low * self.scale;
        self.stakes.push(high - low);
        self.gains.push(self.rewards[start] - self.rewards[start + 1]);
    }
}

/// How many thresholds lie below each value, by covariate.
fn ranks(problem: &TreeProblem, threads: Threads) -> Vec<Vec<u32>> {
    let columns: Vec<_> = problem.x().columns().into_iter().zip(&problem.class.thresholds).collect();
    threads.map(&columns, |(column, list)| {
        let column = column.to_vec();
        if list.len() <= FEW_THRESHOLDS {
            let mut ranks = vec![0; column.len()];
            for t in *list {
                ranks.iter_mut().zip(&column).for_each(|(rank, value)| *rank += u32::from(t < value));
            }
            return ranks;
        }
        let grid = Grid::over(list);
        column.iter().map(|value| grid.rank(*value)).collect()
    })
}

/// Thresholds by equal steps of their range: the rank of a value is looked for among those of its own step.
struct Grid<'a> {
    list: &'a [f64],
    /// How many thresholds lie in steps before each.
    starts: Vec<u32>,
    steps_per_unit: f64,
}

impl<'a> Grid<'a> {
    /// Ascending, and at least one.
    fn over(list: &'a [f64]) -> Self {
        let steps = list.len();
        let mut grid = Self {
            list,
            starts: vec![0; steps + 1],
            steps_per_unit: steps as f64 / (list[steps - 1] - list[0]),
        };
        for &threshold in list {
            let step = grid.step(threshold);
            grid.starts[step + 1] += 1;
        }
        for step in 0..steps {
            grid.starts[step + 1] += grid.starts[step];
        }
        grid
    }

    /// Never falls as the value rises, whatever rounding and overflow do.
    #[inline(always)]
    fn step(&self, value: f64) -> usize {
        (((value - self.list[0]) * self.steps_per_unit) as usize).min(self.list.len() - 1)
    }

    #[inline(always)]
    fn rank(&self, value: f64) -> u32 {
        let step = self.step(value);
        let (first, end) = (self.starts[step], self.starts[step + 1]);
        let own = &self.list[first as usize..end as usize];
        first + own.partition_point(|threshold| *threshold < value) as u32
    }
}

/// Rewards as whole numbers, each unit's smallest taken off; the worth of one; the sum of max - min remainders in the objective.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq+avx512bw", "x86_64+avx2"))]
pub fn whole_numbers(rewards: &Array2<f64>) -> (Vec<f64>, f64, f64) {
    let rows = || rewards.rows().into_iter();
    let stake = |row: &[f64]| {
        let (low, high) = range(row);
        high - low
    };
    let at_stake: f64 = rows().filter_map(|row| row.to_slice().map(stake)).sum();
    let exponent = match at_stake > 0.0 {
        true => (BITS - at_stake.log2().ceil() as i32).clamp(-1000, 1000),
        false => 0,
    };
    let power = 2f64.powi(exponent);
    let mut whole = Vec::with_capacity(rewards.len());
    let mut moved = 0.0;
    for row in rows() {
        let start = whole.len();
        let mut remainders = (f64::INFINITY, f64::NEG_INFINITY);
        for reward in row {
            let (scaled, q) = (reward * power, (reward * power).round_ties_even());
            remainders = (remainders.0.min(scaled - q), remainders.1.max(scaled - q));
            whole.push(q);
        }
        moved += remainders.1 - remainders.0;
        let low = range(&whole[start..]).0;
        whole[start..].iter_mut().for_each(|q| *q -= low);
    }
    // The sum of remainders is rounded itself, by far less than a part in a million.
    (whole, 1.0 / power, moved * (1.0 + 1e-6) / power)
}

/// Smallest and largest of some numbers.
fn range(numbers: &[f64]) -> (f64, f64) {
    let widen = |(low, high): (f64, f64), q: &f64| (low.min(*q), high.max(*q));
    numbers.iter().fold((f64::INFINITY, f64::NEG_INFINITY), widen)
}

/// Units with equal ranks in all covariates together, in the order of their ranks; none where there can hardly be any.
fn alike(problem: &TreeProblem, ranks: &[Vec<u32>]) -> Option<Vec<Vec<u32>>> {
    let boxes: f64 = problem.class.thresholds.iter().map(|list| list.len() as f64 + 1.0).product();
    if boxes > MOST_BOXES * problem.units() as f64 {
        return None;
    }
    let everyone = (0..problem.units() as u32).collect();
    let order: Vec<u32> = ranks.iter().rev().fold(everyone, |order, column| sorted_by(&order, column));
    let equal = |a: &u32, b: &u32| ranks.iter().all(|column| column[*a as usize] == column[*b as usize]);
    Some(order.chunk_by(equal).map(<[u32]>::to_vec).collect())
}

/// `order` sorted by `keys`, equal keys as they come: a counting sort.
pub fn sorted_by(order: &[u32], keys: &[u32]) -> Vec<u32> {
    let most = keys.iter().max().map_or(0, |most| *most as usize);
    if most <= 1 {
        return parted(order, |u| keys[u as usize] == 0);
    }
    let mut starts = vec![0u32; most + 2];
    order.iter().for_each(|&u| starts[keys[u as usize] as usize + 1] += 1);
    for key in 0..=most {
        starts[key + 1] += starts[key];
    }
    let mut sorted = vec![0; order.len()];
    for &u in order {
        let place = &mut starts[keys[u as usize] as usize];
        sorted[*place as usize] = u;
        *place += 1;
    }
    sorted
}

/// Those of `order` that go first, then the others.
fn parted(order: &[u32], goes_first: impl Fn(u32) -> bool) -> Vec<u32> {
    let (mut parted, mut others) = (vec![0; order.len() + 1], vec![0; order.len() + 1]);
    let (mut first, mut second) = (0, 0);
    for &u in order {
        // Written always, kept where it belongs: no branch to mispredict.
        (parted[first], others[second]) = (u, u);
        first += usize::from(goes_first(u));
        second += usize::from(!goes_first(u));
    }
    parted.truncate(first);
    parted.extend_from_slice(&others[..second]);
    parted
}
