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

use std::cmp::Ordering;

use prescribe_models::exact::orientation;
use rayon::prelude::*;

/// Points of any dimension, each with its gain in whole numbers.
pub struct Arrangement<'x> {
    points: Vec<&'x [f64]>,
    gains: Vec<i64>,
}

/// The largest total gain and who is treated for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labelling {
    pub value: i64,
    /// Positions of the treated points.
    pub treated: Vec<usize>,
}

impl Labelling {
    /// The better one; the first of equals.
    fn or(self, other: Self) -> Self {
        if other.value > self.value { other } else { self }
    }
}

impl<'x> Arrangement<'x> {
    /// Distinct points of equal dimension, one gain each.
    pub fn new(points: Vec<&'x [f64]>, gains: Vec<i64>) -> Self {
        Self { points, gains }
    }

    /// The best labelling; `stop` ends the search early, with none.
    pub fn best(&self, stop: &(dyn Fn() -> bool + Sync)) -> Option<Labelling> {
        let axes: Vec<usize> = (0..self.points.first().map_or(0, |x| x.len())).collect();
        let members: Vec<usize> = (0..self.points.len()).collect();
        let best = self.best_of(&members, &axes, stop);
        (!stop()).then_some(best)
    }

    fn total(&self, members: &[usize]) -> i64 {
        members.iter().map(|&i| self.gains[i]).sum()
    }

    fn labelling(&self, treated: Vec<usize>) -> Labelling {
        Labelling { value: self.total(&treated), treated }
    }

    /// The best labelling of `members`, which differ from each other along `axes`.
    fn best_of(&self, members: &[usize], axes: &[usize], stop: &(dyn Fn() -> bool + Sync)) -> Labelling {
        let (basis, axes) = self.basis(members, axes);
        if members.len() <= basis.len() {
            // Affinely independent: any labels.
            return self.labelling(members.iter().copied().filter(|&i| self.gains[i] > 0).collect());
        }
        let constant = self.labelling(Vec::new()).or(self.labelling(members.to_vec()));
        match axes.as_slice() {
            [axis] => constant.or(self.best_on_line(members, *axis)),
            [_, _] => {
                let pivots: Vec<[usize; 1]> = members.iter().map(|&i| [i]).collect();
                let turn = |pivots: &[usize; 1]| self.turn(members, pivots, &axes, constant.value, stop);
                pivots
                    .par_iter()
                    .map(turn)
                    .reduce_with(best_of_two)
                    .flatten()
                    .map_or(constant.clone(), |b| constant.or(b))
            }
            _ => {
                let first: Vec<usize> = (0..members.len()).collect();
                let from = |&f: &usize| {
                    self.choose_pivots(members, &mut vec![members[f]], f + 1, &axes, constant.value, stop)
                };
                first
                    .par_iter()
                    .map(from)
                    .reduce_with(best_of_two)
                    .flatten()
                    .map_or(constant.clone(), |b| constant.or(b))
            }
        }
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

    fn best_on_line(&self, members: &[usize], axis: usize) -> Labelling {
        let mut sorted = members.to_vec();
        sorted.sort_unstable_by(|&a, &b| self.points[a][axis].total_cmp(&self.points[b][axis]));
        let everybody = self.total(members);
        let (mut below, mut best) = (0, (0, 0, true));
        for (k, &i) in sorted.iter().enumerate() {
            below += self.gains[i];
            for (value, lower) in [(below, true), (everybody - below, false)] {
                if value > best.0 {
                    best = (value, k + 1, lower);
                }
            }
        }
        let (lower, upper) = sorted.split_at(best.1);
        self.labelling(if best.2 { lower.to_vec() } else { upper.to_vec() })
    }

    /// Completes `pivots` by members from position `next` on, in every way, and turns about each; a labelling worth more than
    /// `least`, if there is one.
    fn choose_pivots(
        &self,
        members: &[usize],
        pivots: &mut Vec<usize>,
        next: usize,
        axes: &[usize],
        least: i64,
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Option<Labelling> {
        if pivots.len() + 1 == axes.len() {
            return self.turn(members, pivots, axes, least, stop);
        }
        let mut best: Option<Labelling> = None;
        for position in next..members.len() {
            pivots.push(members[position]);
            let least = best.as_ref().map_or(least, |best| best.value);
            best = self.choose_pivots(members, pivots, position + 1, axes, least, stop).or(best);
            pivots.pop();
        }
        best
    }

    /// The best labelling worth more than `least` by a hyperplane through `pivots` (one fewer than axes).
    fn turn(
        &self,
        members: &[usize],
        pivots: &[usize],
        axes: &[usize],
        least: i64,
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Option<Labelling> {
        if stop() {
            return None;
        }
        let axis = Axis { arrangement: self, pivots, axes };
        let pencil = axis.pencil(members)?;
        let mut best: Option<Labelling> = None;
        let everybody = self.total(members) - self.total(&pencil.on_axis);
        let mut positive: i64 =
            pencil.turns.iter().filter(|turn| turn.upper).map(|turn| self.gains[turn.point]).sum();
        let mut from = 0;
        while from < pencil.turns.len() {
            let first = pencil.turns[from].point;
            let met =
                pencil.turns[from..].iter().take_while(|turn| axis.side(first, turn.point).is_eq()).count();
            let group = &pencil.turns[from..from + met];
            let leaving: i64 = group.iter().filter(|t| t.upper).map(|t| self.gains[t.point]).sum();
            let entering: i64 = group.iter().filter(|t| !t.upper).map(|t| self.gains[t.point]).sum();
            let (above, below) = (positive - leaving, everybody - positive - entering);
            let on: Vec<usize> =
                pencil.on_axis.iter().copied().chain(group.iter().map(|t| t.point)).collect();
            let hope: i64 = on.iter().map(|&i| self.gains[i].max(0)).sum();
            let to_beat = best.as_ref().map_or(least, |best| best.value);
            if above.max(below) + hope > to_beat {
                let within = self.best_of(&on, &self.axes_within(pivots, first, axes), stop);
                if above.max(below) + within.value > to_beat {
                    let side = |t: &&Turn| (t.upper == (above >= below)) == (t.position >= from + met);
                    let aside =
                        pencil.turns.iter().enumerate().filter(|(k, _)| !(from..from + met).contains(k));
                    let aside = aside.map(|(_, turn)| turn).filter(side).map(|turn| turn.point);
                    best = Some(self.labelling(aside.chain(within.treated).collect()));
                }
            }
            positive = positive - leaving + entering;
            from += met;
        }
        best
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

fn best_of_two(a: Option<Labelling>, b: Option<Labelling>) -> Option<Labelling> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.or(b)),
        (a, b) => a.or(b),
    }
}

/// The flat through the pivots, about which hyperplanes turn.
struct Axis<'a> {
    arrangement: &'a Arrangement<'a>,
    pivots: &'a [usize],
    axes: &'a [usize],
}

/// The points off the axis in the order in which a half turn meets them.
struct Pencil {
    on_axis: Vec<usize>,
    turns: Vec<Turn>,
}

struct Turn {
    point: usize,
    /// Whether the point is met by the leading half of the hyperplane: it lies above before it is met.
    upper: bool,
    position: usize,
}

impl Axis<'_> {
    /// Where `b` lies from the half-hyperplane through the axis and `a`.
    fn side(&self, a: usize, b: usize) -> Ordering {
        // A determinant with equal rows is zero; no need to find that out in rational arithmetic.
        if a == b || self.pivots.contains(&a) || self.pivots.contains(&b) {
            return Ordering::Equal;
        }
        let x = &self.arrangement.points;
        let others: Vec<&[f64]> = self.pivots[1..].iter().chain([&a, &b]).map(|&i| x[i]).collect();
        orientation(x[self.pivots[0]], &others, self.axes)
    }

    /// None where the pivots are not independent.
    fn pencil(&self, members: &[usize]) -> Option<Pencil> {
        // Two points that span everything together with the axis.
        let mut pairs =
            members.iter().enumerate().flat_map(|(k, &a)| members[k + 1..].iter().map(move |&b| (a, b)));
        let (first, second) = pairs.find(|&(a, b)| self.side(a, b).is_ne())?;
        let ahead = self.side(first, second);
        let (mut on_axis, mut turns) = (Vec::new(), Vec::new());
        for &point in members {
            let upper = match self.side(first, point) {
                Ordering::Equal => match self.side(point, second) {
                    Ordering::Equal => {
                        on_axis.push(point);
                        continue;
                    }
                    side => side == ahead,
                },
                side => side == Ordering::Greater,
            };
            turns.push(Turn { point, upper, position: 0 });
        }
        // Seen from the upper half, a point of the lower half is its mirror image.
        let order = |a: &Turn, b: &Turn| {
            let side = self.side(a.point, b.point);
            if a.upper == b.upper { side.reverse() } else { side }
        };
        turns.sort_by(order);
        turns.iter_mut().enumerate().for_each(|(k, turn)| turn.position = k);
        Some(Pencil { on_axis, turns })
    }
}
