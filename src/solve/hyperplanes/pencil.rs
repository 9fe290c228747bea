//! Hyperplanes that turn about an axis, and the order in which they meet points.

use std::cmp::Ordering;

use prescribe_models::exact::orientation;

/// The flat through the pivots, about which hyperplanes turn.
pub struct Axis<'a> {
    pub points: &'a [&'a [f64]],
    /// Points on it, one fewer than `axes`.
    pub pivots: &'a [usize],
    /// Coordinates along which the points differ.
    pub axes: &'a [usize],
}

/// The points off the axis in the order in which a half turn meets them.
pub struct Pencil {
    pub on_axis: Vec<usize>,
    pub turns: Vec<Turn>,
}

pub struct Turn {
    pub point: usize,
    /// Whether the point is met by the leading half of the hyperplane: it lies above before it is met.
    pub upper: bool,
    pub position: usize,
}

impl Axis<'_> {
    /// Where `b` lies from the half-hyperplane through the axis and `a`.
    pub fn side(&self, a: usize, b: usize) -> Ordering {
        // A determinant with equal rows is zero; no need to find that out in rational arithmetic.
        if a == b || self.pivots.contains(&a) || self.pivots.contains(&b) {
            return Ordering::Equal;
        }
        let x = self.points;
        let others: Vec<&[f64]> = self.pivots[1..].iter().chain([&a, &b]).map(|&i| x[i]).collect();
        orientation(x[self.pivots[0]], &others, self.axes)
    }

    /// None where the pivots are not independent.
    pub fn pencil(&self, members: &[usize]) -> Option<Pencil> {
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
