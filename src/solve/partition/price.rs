//! The group of least reduced cost, by branch and bound over its coefficients.
//!
//! ```text
//! min_S RSS(S) - sum_{a in S} u_a  =  min_b sum_a min(0, g_a(b)),      g_a(b) = (b - b_a)'G_a(b - b_a) - (u_a - RSS(a))
//! ```
//!
//! for a group takes an arm exactly where that lowers the sum. So p coefficients are searched, not 2^K groups. Within a box of them every
//! g_a lies between l_a and h_a: an arm with l_a >= 0 is out, one with h_a <= 0 is in, and of the others min(0, g_a) is at least the
//! chord (-l_a / (h_a - l_a)) (g_a - h_a). The sum of what is left is one convex quadratic, whose minimum bounds the box. A box with few
//! undecided arms is settled by trying them all.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BinaryHeap};

use ndarray::{Array1, Array2};
use prescribe_models::arm_moments::{Moments, solve_semidefinite};

use super::super::Watch;

/// Boxes with so few undecided arms are settled.
const FEW: u32 = 4;
/// An arm whose least curvature, relative to the arms' mean, is smaller does not determine its coefficients.
const FLAT: f64 = 1e-9;

/// Arms in coordinates in which their mean gram matrix is the identity.
pub struct Pricing {
    arms: Vec<Quadratic>,
    p: usize,
}

/// RSS(a) + (b - centre)'gram(b - centre).
struct Quadratic {
    gram: Array2<f64>,
    /// gram times centre.
    pull: Array1<f64>,
    centre: Array1<f64>,
    /// centre'gram centre.
    square: f64,
    /// Square roots of the diagonal of the inverse.
    extent: Array1<f64>,
    rss: f64,
}

/// What a search is for.
pub struct Task<'t> {
    /// u_a.
    pub duals: &'t [f64],
    /// Arms that an arm may not share a group with, as bits.
    pub conflicts: &'t [u64],
    /// Groups of at least this reduced cost are of no interest.
    pub ceiling: f64,
    pub tolerance: f64,
    /// Boxes after which a search that has found something ends.
    pub enough: u64,
}

/// What a search found.
pub struct Priced {
    /// Groups as bits, with their reduced costs, below the ceiling.
    pub groups: BTreeMap<u64, f64>,
    /// No group's reduced cost is smaller.
    pub bound: f64,
    pub boxes: u64,
}

/// Groups below the ceiling so far, and the least reduced cost.
struct Found {
    groups: BTreeMap<u64, f64>,
    least: f64,
}

/// A box of coefficients and the arms that are not out of it.
struct Region {
    centre: Array1<f64>,
    half: Array1<f64>,
    arms: u64,
    bound: f64,
}

impl PartialEq for Region {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Region {}

impl PartialOrd for Region {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Region {
    /// The least bound comes first out of a heap.
    fn cmp(&self, other: &Self) -> Ordering {
        other.bound.total_cmp(&self.bound)
    }
}

/// A sum of quadratics.
struct Total {
    gram: Array2<f64>,
    pull: Array1<f64>,
    constant: f64,
}

impl Total {
    fn zero(p: usize) -> Self {
        Self { gram: Array2::zeros((p, p)), pull: Array1::zeros(p), constant: 0.0 }
    }

    fn add(&mut self, arm: &Quadratic, share: f64, constant: f64) {
        self.gram.scaled_add(share, &arm.gram);
        self.pull.scaled_add(share, &arm.pull);
        self.constant += share * (arm.square + constant);
    }

    /// Its least value, and where.
    fn least(&self) -> (f64, Array1<f64>) {
        let b = solve_semidefinite(&self.gram, &self.pull);
        (self.constant - self.pull.dot(&b), b)
    }
}

impl Pricing {
    /// None where the columns of some arm depend on each other: its coefficients are then not bounded.
    pub fn new(arms: &[Moments]) -> Option<Self> {
        let p = arms.first()?.cross.len();
        let pooled = Moments::pooled(p, arms);
        let inverse = inverse_root(&(&pooled.gram / arms.len() as f64))?;
        let middle = pooled.fit();
        let arms = arms.iter().map(|arm| {
            let gram = inverse.dot(&arm.gram).dot(&inverse.t());
            let cross = inverse.dot(&(&arm.cross - &arm.gram.dot(&middle)));
            let root = inverse_root(&gram)?;
            let extent = root.mapv(|v| v * v).sum_axis(ndarray::Axis(0)).mapv(f64::sqrt);
            let centre = solve_semidefinite(&gram, &cross);
            let square = centre.dot(&cross);
            Some(Quadratic { gram, pull: cross, centre, square, extent, rss: arm.rss() })
        });
        Some(Self { arms: arms.collect::<Option<_>>()?, p })
    }

    /// The local minima below the ceiling that descents from the arms and from between every two of them reach.
    pub fn descents(&self, task: &Task) -> BTreeMap<u64, f64> {
        let mut found = Found { groups: BTreeMap::new(), least: task.ceiling };
        for a in 0..self.arms.len() {
            for b in 0..=a {
                let middle = (&self.arms[a].centre + &self.arms[b].centre) / 2.0;
                self.descend(task, middle, u64::MAX, &mut found);
            }
        }
        found.groups
    }

    /// Searches all groups.
    pub fn search(&self, task: &Task, watch: &Watch) -> Priced {
        let mut found = Found { groups: BTreeMap::new(), least: task.ceiling };
        let mut boxes = 0;
        let mut bound = f64::INFINITY;
        let mut open: BinaryHeap<Region> = self.everywhere(task).into_iter().collect();
        while let Some(region) = open.pop() {
            let stopped = watch.stop().is_some() || (!found.groups.is_empty() && boxes >= task.enough);
            if region.bound >= found.least - task.tolerance || stopped {
                bound = region.bound;
                break;
            }
            boxes += 1;
            for part in self.parts(task, region, &mut found) {
                if part.bound < found.least - task.tolerance {
                    open.push(part);
                }
            }
        }
        // Boxes were left at the least reduced cost found, less the tolerance.
        Priced { groups: found.groups, bound: bound.min(found.least - task.tolerance), boxes }
    }

    /// u_a - RSS(a): what an arm is worth at its own coefficients.
    fn worth(&self, task: &Task, a: usize) -> f64 {
        task.duals[a] - self.arms[a].rss
    }

    /// A box that holds every b at which some g_a is not positive; none where there is no such b.
    fn everywhere(&self, task: &Task) -> Option<Region> {
        let mut low = Array1::from_elem(self.p, f64::INFINITY);
        let mut high = Array1::from_elem(self.p, f64::NEG_INFINITY);
        let mut arms = 0;
        for (a, arm) in self.arms.iter().enumerate().filter(|(a, _)| self.worth(task, *a) > 0.0) {
            let reach = self.worth(task, a).sqrt() * (1.0 + 1e-9);
            arms |= 1 << a;
            for j in 0..self.p {
                low[j] = f64::min(low[j], arm.centre[j] - reach * arm.extent[j]);
                high[j] = f64::max(high[j], arm.centre[j] + reach * arm.extent[j]);
            }
        }
        (arms != 0).then(|| Region {
            centre: (&low + &high) / 2.0,
            half: (&high - &low) / 2.0,
            arms,
            bound: f64::NEG_INFINITY,
        })
    }

    /// What a box comes to: nothing where it is settled, or the smaller boxes that cover it.
    fn parts(&self, task: &Task, region: Region, found: &mut Found) -> Vec<Region> {
        // Two arms in conflict that are both in: one of them has to go.
        if let Some((a, b)) = conflict(task, self.read(task, &region).inside) {
            let less = |out: usize| region.part(region.arms & !(1 << out));
            return [a, b].into_iter().filter_map(|out| self.bounded(task, less(out), found)).collect();
        }
        let axis = (0..self.p).max_by(|i, j| region.half[*i].total_cmp(&region.half[*j])).unwrap_or(0);
        let halves = [-1.0, 1.0].map(|side| {
            let mut half = region.part(region.arms);
            half.half[axis] /= 2.0;
            half.centre[axis] += side * half.half[axis];
            half
        });
        halves.into_iter().filter_map(|half| self.bounded(task, half, found)).collect()
    }

    /// The box with its bound, or none where it is settled.
    fn bounded(&self, task: &Task, mut region: Region, found: &mut Found) -> Option<Region> {
        let Reading { inside, undecided, lowest, total } = self.read(task, &region);
        region.arms = inside | undecided;
        if region.arms == 0 {
            return None;
        }
        if undecided.count_ones() <= FEW && conflict(task, inside).is_none() {
            self.settle(task, inside, undecided, found);
            return None;
        }
        let (value, b) = total.least();
        region.bound = region.bound.max(value).max(lowest);
        if region.bound < task.ceiling {
            self.descend(task, b, region.arms, found);
        }
        Some(region)
    }

    fn read(&self, task: &Task, region: &Region) -> Reading {
        let mut reading = Reading { inside: 0, undecided: 0, lowest: 0.0, total: Total::zero(self.p) };
        for a in bits(region.arms) {
            let (arm, worth) = (&self.arms[a], self.worth(task, a));
            let away = quadratic(&arm.gram, |j| region.centre[j] - arm.centre[j]).sqrt();
            let mut reach = 0.0;
            for i in 0..self.p {
                for j in 0..self.p {
                    reach += arm.gram[[i, j]].abs() * region.half[i] * region.half[j];
                }
            }
            let reach = reach.sqrt();
            let low = (away - reach).max(0.0).powi(2) - worth;
            let high = (away + reach).powi(2) - worth;
            if low >= 0.0 {
                continue;
            }
            reading.lowest += low;
            if high <= 0.0 {
                reading.inside |= 1 << a;
                reading.total.add(arm, 1.0, -worth);
            } else {
                reading.undecided |= 1 << a;
                reading.total.add(arm, -low / (high - low), -worth - high);
            }
        }
        reading
    }

    /// Every group of the arms inside and some of the undecided ones.
    fn settle(&self, task: &Task, inside: u64, undecided: u64, found: &mut Found) {
        let mut some = undecided;
        loop {
            let group = inside | some;
            if group != 0 && conflict(task, group).is_none() {
                self.keep(task, group, self.total(task, group).least().0, found);
            }
            if some == 0 {
                return;
            }
            some = (some - 1) & undecided;
        }
    }

    /// From b, the arms that help there, their own b, and so on until nothing changes.
    fn descend(&self, task: &Task, mut b: Array1<f64>, among: u64, found: &mut Found) {
        let mut group = 0;
        loop {
            let next = self.helpful(task, &b, among);
            if next == group || next == 0 {
                break;
            }
            group = next;
            let (value, centre) = self.total(task, group).least();
            self.keep(task, group, value, found);
            b = centre;
        }
    }

    /// The arms that lower the sum at b, of two in conflict the better one.
    fn helpful(&self, task: &Task, b: &Array1<f64>, among: u64) -> u64 {
        let mut group = 0;
        let mut gain = vec![0.0; self.arms.len()];
        for (a, arm) in self.arms.iter().enumerate().filter(|(a, _)| among >> a & 1 == 1) {
            gain[a] = self.worth(task, a) - quadratic(&arm.gram, |j| b[j] - arm.centre[j]);
            let rivals = group & task.conflicts[a];
            if gain[a] > 0.0 && gain[a] > bits(rivals).map(|rival| gain[rival]).sum::<f64>() {
                group = group & !rivals | 1 << a;
            }
        }
        group
    }

    fn total(&self, task: &Task, group: u64) -> Total {
        let mut total = Total::zero(self.p);
        bits(group).for_each(|a| total.add(&self.arms[a], 1.0, -self.worth(task, a)));
        total
    }

    fn keep(&self, task: &Task, group: u64, value: f64, found: &mut Found) {
        if value < task.ceiling - task.tolerance {
            found.groups.insert(group, value);
            found.least = found.least.min(value);
        }
    }
}

/// What the arms are in a box.
struct Reading {
    inside: u64,
    undecided: u64,
    /// The sum of each arm's own least value.
    lowest: f64,
    total: Total,
}

impl Region {
    /// The same box for other arms.
    fn part(&self, arms: u64) -> Self {
        Self { centre: self.centre.clone(), half: self.half.clone(), arms, bound: self.bound }
    }
}

/// Two arms of a group that may not share it.
fn conflict(task: &Task, group: u64) -> Option<(usize, usize)> {
    let first = bits(group).find(|a| task.conflicts[*a] & group != 0)?;
    Some((first, (task.conflicts[first] & group).trailing_zeros() as usize))
}

/// The arms of a group.
pub fn bits(mut group: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let first = (group != 0).then(|| group.trailing_zeros() as usize)?;
        group &= group - 1;
        Some(first)
    })
}

fn quadratic(gram: &Array2<f64>, v: impl Fn(usize) -> f64) -> f64 {
    let p = gram.nrows();
    let sum: f64 = (0..p).map(|i| v(i) * (0..p).map(|j| gram[[i, j]] * v(j)).sum::<f64>()).sum();
    sum.max(0.0)
}

/// The inverse of the lower triangular L with G = L L'; none where G is not definite.
fn inverse_root(gram: &Array2<f64>) -> Option<Array2<f64>> {
    let p = gram.nrows();
    let mut root = Array2::<f64>::zeros((p, p));
    let mut inverse = Array2::<f64>::zeros((p, p));
    for i in 0..p {
        for j in 0..=i {
            let rest = gram[[i, j]] - (0..j).map(|k| root[[i, k]] * root[[j, k]]).sum::<f64>();
            if i == j && rest <= FLAT * gram[[i, i]] {
                return None;
            }
            root[[i, j]] = if i == j { rest.sqrt() } else { rest / root[[j, j]] };
        }
        for j in 0..=i {
            let before: f64 = (j..i).map(|k| root[[i, k]] * inverse[[k, j]]).sum();
            inverse[[i, j]] = (f64::from(u8::from(i == j)) - before) / root[[i, i]];
        }
    }
    Some(inverse)
}
