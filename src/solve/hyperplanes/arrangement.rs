//! The best labelling of points by hyperplanes, in exact arithmetic.
//!
//! ```text
//! max over (b0, b)   sum_i g_i 1{b0 + x_i'b >= 0}
//!   =  max over hyperplanes H through affinely independent points   (g on one side)  +  (best labelling of the points on H within H)
//! ```
//!
//! Any hyperplane can be moved, its strict sides unchanged, until it passes through k affinely independent points of R^k; the points
//! that come to lie on it had labels that a hyperplane within it gives, and a small turn gives them back. So flat enumeration
//! over such hyperplanes, with recursion where more than k points lie on one, sees every labelling. For each choice of k - 1
//! pivots the hyperplanes through them turn about an axis: the other points are sorted by the turn at which they are met, and one
//! sweep sees all. O(n^(k-1) n log n) for n points; every comparison is the sign of a determinant, decided exactly.
//!
//! Assignment bounds are held against each labelling; what is treated aside of a hyperplane tells early that none within it holds them.

use prescribe_models::exact::orientation;
use rayon::prelude::*;

use super::demands::Demand;
use super::pencil::{Axis, Pencil, Turn};

/// Points of any dimension, each with its gain in whole numbers and its weight in each assignment bound.
pub struct Arrangement<'x> {
    points: Vec<&'x [f64]>,
    gains: Vec<i64>,
    demands: Vec<Demand>,
}

/// A total gain and who is treated for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labelling {
    pub value: i64,
    /// Positions of the treated points.
    pub treated: Vec<usize>,
}

/// Points to be labelled, and what is known already.
#[derive(Clone, Copy)]
struct Task<'t> {
    members: &'t [usize],
    /// Coordinates along which they differ from each other.
    axes: &'t [usize],
    /// Weight in each assignment bound of what is treated besides.
    aside: &'t [f64],
    stop: &'t (dyn Fn() -> bool + Sync),
}

impl<'x> Arrangement<'x> {
    /// Distinct points of equal dimension, one gain each; the demands' weights are by position as well.
    pub fn new(points: Vec<&'x [f64]>, gains: Vec<i64>, demands: Vec<Demand>) -> Self {
        Self { points, gains, demands }
    }

    /// The best labelling worth more than `beyond` that holds the demands, the first of equals; `stop` ends the search early, with none.
    pub fn best(&self, beyond: i64, stop: &(dyn Fn() -> bool + Sync)) -> Option<Labelling> {
        let axes: Vec<usize> = (0..self.points.first().map_or(0, |x| x.len())).collect();
        let members: Vec<usize> = (0..self.points.len()).collect();
        let aside = vec![0.0; self.demands.len()];
        self.best_of(Task { members: &members, axes: &axes, aside: &aside, stop }, beyond)
    }

    fn total(&self, members: &[usize]) -> i64 {
        members.iter().map(|&i| self.gains[i]).sum()
    }

    /// Weight of `members` in each assignment bound, added to `aside`.
    fn weights(&self, aside: &[f64], members: &[usize]) -> Vec<f64> {
        let weight = |(demand, aside): (&Demand, &f64)| {
            aside + members.iter().map(|&i| demand.weights[i]).sum::<f64>()
        };
        self.demands.iter().zip(aside).map(weight).collect()
    }

    /// Whether some labels of `open`, beside what weighs `aside`, can hold each demand.
    fn may_hold(&self, aside: &[f64], open: &[usize]) -> bool {
        self.demands.iter().zip(aside).all(|(demand, aside)| {
            let (mut least, mut most) = (*aside, *aside);
            for &i in open {
                least += demand.weights[i].min(0.0);
                most += demand.weights[i].max(0.0);
            }
            least <= demand.upper && most >= demand.lower
        })
    }

    /// The labelling that treats `treated`, where it is worth more than `beyond` and holds the demands.
    fn labelling(&self, treated: Vec<usize>, aside: &[f64], beyond: i64) -> Option<Labelling> {
        let value = self.total(&treated);
        (value > beyond && self.may_hold(&self.weights(aside, &treated), &[]))
            .then_some(Labelling { value, treated })
    }

    /// The best labelling of the task's members worth more than `beyond`.
    fn best_of(&self, task: Task, beyond: i64) -> Option<Labelling> {
        let Task { members, aside, .. } = task;
        let (basis, axes) = self.basis(members, task.axes);
        if members.len() <= basis.len() {
            return self.best_of_all(members, aside, beyond);
        }
        let nobody = self.labelling(Vec::new(), aside, beyond);
        let everybody = self.labelling(members.to_vec(), aside, beyond);
        let constant = better(nobody, everybody);
        let beyond = constant.as_ref().map_or(beyond, |constant| constant.value);
        let task = Task { axes: &axes, ..task };
        let found = match axes.as_slice() {
            [axis] => self.best_on_line(members, *axis, aside, beyond),
            [_, _] => {
                let turn = |&i: &usize| self.turn(task, &[i], beyond);
                members.par_iter().map(turn).reduce_with(better).flatten()
            }
            _ => {
                let from = |f: usize| self.choose_pivots(task, &mut vec![members[f]], f + 1, beyond);
                (0..members.len()).into_par_iter().map(from).reduce_with(better).flatten()
            }
        };
        found.or(constant)
    }

    /// The best of all labellings of few points.
    fn best_of_all(&self, members: &[usize], aside: &[f64], beyond: i64) -> Option<Labelling> {
        if self.demands.is_empty() {
            let winners = members.iter().copied().filter(|&i| self.gains[i] > 0).collect();
            return self.labelling(winners, aside, beyond);
        }
        let mut best: Option<Labelling> = None;
        for mask in 0..1u64 << members.len() {
            let chosen = members.iter().enumerate().filter(|(k, _)| mask >> k & 1 == 1);
            let least = best.as_ref().map_or(beyond, |best| best.value);
            best = self.labelling(chosen.map(|(_, &i)| i).collect(), aside, least).or(best);
        }
        best
    }

    /// Affinely independent members that span all, and axes along which they do; the lowest of each.
    fn basis(&self, members: &[usize], axes: &[usize]) -> (Vec<usize>, Vec<usize>) {
        let mut basis: Vec<usize> = members.first().copied().into_iter().collect();
        let mut chosen: Vec<usize> = Vec::new();
        for _ in axes {
            let extension = members.iter().find_map(|&i| {
                let points: Vec<&[f64]> = basis[1..].iter().chain([&i]).map(|&m| self.points[m]).collect();
                let independent = |axis: &&usize| {
                    let along: Vec<usize> = chosen.iter().copied().chain([**axis]).collect();
                    !chosen.contains(axis) && orientation(self.points[basis[0]], &points, &along).is_ne()
                };
                axes.iter().find(independent).map(|&axis| (i, axis))
            });
            let Some((point, axis)) = extension else { break };
            basis.push(point);
            chosen.push(axis);
        }
        (basis, chosen)
    }

    fn best_on_line(&self, members: &[usize], axis: usize, aside: &[f64], beyond: i64) -> Option<Labelling> {
        let mut sorted = members.to_vec();
        sorted.sort_unstable_by(|&a, &b| self.points[a][axis].total_cmp(&self.points[b][axis]));
        let everybody = self.total(members);
        let (mut below, mut best) = (0, None);
        let mut to_beat = beyond;
        for (k, &i) in sorted.iter().enumerate() {
            below += self.gains[i];
            let (lower, upper) = sorted.split_at(k + 1);
            for (value, part) in [(below, lower), (everybody - below, upper)] {
                if value > to_beat && self.may_hold(&self.weights(aside, part), &[]) {
                    (to_beat, best) = (value, Some(part));
                }
            }
        }
        best.map(|part| Labelling { value: to_beat, treated: part.to_vec() })
    }

    /// Completes `pivots` by members from position `next` on, in every way, and turns about each.
    fn choose_pivots(
        &self,
        task: Task,
        pivots: &mut Vec<usize>,
        next: usize,
        beyond: i64,
    ) -> Option<Labelling> {
        if pivots.len() + 1 == task.axes.len() {
            return self.turn(task, pivots, beyond);
        }
        let mut best: Option<Labelling> = None;
        for position in next..task.members.len() {
            pivots.push(task.members[position]);
            let beyond = best.as_ref().map_or(beyond, |best| best.value);
            best = self.choose_pivots(task, pivots, position + 1, beyond).or(best);
            pivots.pop();
        }
        best
    }

    /// The best labelling worth more than `beyond` by a hyperplane through `pivots` (one fewer than axes).
    fn turn(&self, task: Task, pivots: &[usize], beyond: i64) -> Option<Labelling> {
        if (task.stop)() {
            return None;
        }
        let axis = Axis { points: &self.points, pivots, axes: task.axes };
        let pencil = axis.pencil(task.members)?;
        let mut best: Option<Labelling> = None;
        let mut to_beat = beyond;
        let all: Vec<usize> = pencil.turns.iter().map(|turn| turn.point).collect();
        let upper = |turns: &[Turn], upper: bool| -> Vec<usize> {
            turns.iter().filter(|turn| turn.upper == upper).map(|turn| turn.point).collect()
        };
        let (everybody, heaviest) = (self.total(&all), self.weights(task.aside, &all));
        // What lies above the hyperplane.
        let mut above = self.total(&upper(&pencil.turns, true));
        let mut weight_above = self.weights(task.aside, &upper(&pencil.turns, true));
        let mut from = 0;
        while from < pencil.turns.len() {
            let first = pencil.turns[from].point;
            let met =
                pencil.turns[from..].iter().take_while(|turn| axis.side(first, turn.point).is_eq()).count();
            let group = &pencil.turns[from..from + met];
            let (leaving, entering) = (upper(group, true), upper(group, false));
            let on: Vec<usize> =
                pencil.on_axis.iter().copied().chain(group.iter().map(|t| t.point)).collect();
            let hope: i64 = on.iter().map(|&i| self.gains[i].max(0)).sum();
            above -= self.total(&leaving);
            let below = everybody - above - self.total(&leaving) - self.total(&entering);
            let weight_of_leaving = self.weights(&vec![0.0; self.demands.len()], &leaving);
            weight_above.iter_mut().zip(weight_of_leaving).for_each(|(w, leaving)| *w -= leaving);
            for (side, treats_above) in [(above, true), (below, false)] {
                if side + hope <= to_beat {
                    continue;
                }
                let aside = match treats_above {
                    true => weight_above.clone(),
                    false => self.below(&heaviest, &weight_above, task.aside, group),
                };
                if !self.may_hold(&aside, &on) {
                    continue;
                }
                let axes = self.axes_within(pivots, first, task.axes);
                let within = Task { members: &on, axes: &axes, aside: &aside, stop: task.stop };
                if let Some(within) = self.best_of(within, to_beat - side) {
                    to_beat = side + within.value;
                    let aside = pencil.aside(from..from + met, treats_above);
                    best = Some(Labelling { value: to_beat, treated: aside.chain(within.treated).collect() });
                }
            }
            above += self.total(&entering);
            weight_above = self.weights(&weight_above, &entering);
            from += met;
        }
        best
    }

    /// The weights below a hyperplane, from those of all, above, aside of all, and of the points that it meets.
    fn below(&self, all: &[f64], above: &[f64], aside: &[f64], met: &[Turn]) -> Vec<f64> {
        let on = met.iter().map(|turn| turn.point).collect::<Vec<usize>>();
        let on = self.weights(&vec![0.0; self.demands.len()], &on);
        let rest = all.iter().zip(above).zip(aside).zip(on);
        rest.map(|(((all, above), aside), on)| all - (above - aside) - on).collect()
    }

    /// Axes along which points of the hyperplane through `pivots` and `last` differ: all but one that it is not parallel to.
    fn axes_within(&self, pivots: &[usize], last: usize, axes: &[usize]) -> Vec<usize> {
        let points: Vec<&[f64]> = pivots[1..].iter().chain([&last]).map(|&i| self.points[i]).collect();
        let without = |drop: usize| axes.iter().copied().filter(|&axis| axis != drop).collect::<Vec<usize>>();
        let spans = |within: &Vec<usize>| orientation(self.points[pivots[0]], &points, within).is_ne();
        // A hyperplane has a normal, and any axis along which that is not zero will do.
        axes.iter().map(|&axis| without(axis)).find(spans).unwrap_or_else(|| axes.to_vec())
    }
}

impl Pencil {
    /// The points above, or below, the hyperplane that meets those of the turns `met`.
    fn aside(&self, met: std::ops::Range<usize>, above: bool) -> impl Iterator<Item = usize> {
        let end = met.end;
        let aside = self.turns.iter().filter(move |turn| !met.contains(&turn.position));
        aside.filter(move |turn| (turn.upper == above) == (turn.position >= end)).map(|turn| turn.point)
    }
}

/// The better one; the first of equals.
fn better(a: Option<Labelling>, b: Option<Labelling>) -> Option<Labelling> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if b.value > a.value { b } else { a }),
        (a, b) => a.or(b),
    }
}
