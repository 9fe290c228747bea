//! The bound on a box: what any rule in it can earn, at every threshold at once.
//!
//! ```text
//! U(t) = sum_{g_i > 0, hi_i >= t} g_i  +  sum_{g_i < 0, lo_i >= t} g_i
//! ```
//!
//! U is a step function that falls at hi_i where g_i > 0 and rises, from right to left, at lo_i where g_i < 0. It is summed over buckets
//! of thresholds, a gain into the bucket of its step or the next on the safe side, so that no sort is needed. Thresholds at which
//! some assignment bound cannot hold (`hyperplanes::demands`) do not count.

use super::super::hyperplanes::Points;

/// Buckets of thresholds: two for each point within these limits.
const BUCKETS: (usize, usize) = (64, 8192);

/// The points open in a box: the range of each one's height, its number, and what is settled besides.
pub struct Open<'a> {
    pub low: &'a [f64],
    pub high: &'a [f64],
    /// Ascending, so that gains come before losses.
    pub id: &'a [u32],
    /// Total gain, and weight in each assignment bound, of what all rules of the box treat.
    pub settled: i64,
    pub weights: &'a [f64],
}

/// The arrays of a sweep, kept from one to the next.
pub struct Sweep<'p> {
    points: &'p Points<'p>,
    buckets: Vec<i64>,
    /// Thresholds, by bucket, at which some assignment bound cannot hold; empty where there are no bounds.
    barred: Vec<bool>,
}

impl<'p> Sweep<'p> {
    pub fn new(points: &'p Points<'p>) -> Self {
        Self { points, buckets: Vec::new(), barred: Vec::new() }
    }

    /// The largest U(t) over the thresholds from `floor` to `ceiling`, and the range where it exceeds `incumbent`; none where there is
    /// no such threshold.
    pub fn bound(
        &mut self,
        open: &Open,
        (floor, ceiling): (f64, f64),
        incumbent: i64,
    ) -> Option<(i64, (f64, f64))> {
        self.bar(open, (floor, ceiling));
        let count = bucket_count(open.id.len());
        self.buckets.clear();
        self.buckets.resize(count + 1, 0);
        let scale = count as f64 / (ceiling - floor);
        // Gains come first. Bucket k holds the t with floor((t - floor) * scale) = k, whatever the roundings: the map is monotone.
        // A gain counts at all t up to hi, a loss only below the bucket of lo: slot k + 1 adds to the buckets 0..=k.
        let losses = open.id.partition_point(|&i| (i as usize) < self.points.winners);
        let buckets = &mut self.buckets;
        let mut add = |key: f64, i: u32, inclusive: i32| {
            let sum = &mut buckets[slot((key - floor) * scale, inclusive, count)];
            *sum = sum.wrapping_add(self.points.gains[i as usize]);
        };
        open.high[..losses].iter().zip(&open.id[..losses]).for_each(|(&key, &i)| add(key, i, 1));
        open.low[losses..].iter().zip(&open.id[losses..]).for_each(|(&key, &i)| add(key, i, 0));
        let (mut total, mut best) = (open.settled, i64::MIN);
        let (mut lowest, mut highest) = (count, 0);
        for k in (0..count).rev() {
            total = total.wrapping_add(self.buckets[k + 1]);
            if self.barred.get(k) == Some(&true) {
                continue;
            }
            best = best.max(total);
            if total > incumbent {
                lowest = k;
                highest = highest.max(k);
            }
        }
        // The ends of a bucket are known to a rounding: a millionth of its width covers that.
        let width = (ceiling - floor) / count as f64;
        let from = (floor + (lowest as f64 - 1e-6) * width).max(floor);
        let to = (floor + (highest as f64 + 1.0 + 1e-6) * width).min(ceiling);
        (best > incumbent).then_some((best, (from, to)))
    }

    /// Marks the buckets of thresholds at which an assignment bound cannot hold.
    fn bar(&mut self, open: &Open, (floor, ceiling): (f64, f64)) {
        self.barred.clear();
        if self.points.demands.is_empty() {
            return;
        }
        let count = bucket_count(open.id.len());
        self.barred.resize(count, false);
        let scale = count as f64 / (ceiling - floor);
        // As for U: what is treated for sure counts below its bucket, what may be treated also in it.
        let slot = |key: f64, inclusive: i32| slot((key - floor) * scale, inclusive, count);
        for (demand, settled) in self.points.demands.iter().zip(open.weights) {
            let (mut least, mut most) = (vec![0.0; count + 1], vec![0.0; count + 1]);
            for ((low, high), i) in open.low.iter().zip(open.high).zip(open.id) {
                let weight = demand.weights[*i as usize];
                let (sure, may) = (slot(*low, 0), slot(*high, 1));
                let (for_least, for_most) = if weight > 0.0 { (sure, may) } else { (may, sure) };
                least[for_least] += weight;
                most[for_most] += weight;
            }
            let (mut low, mut high) = (*settled, *settled);
            for k in (0..count).rev() {
                low += least[k + 1];
                high += most[k + 1];
                self.barred[k] |= low > demand.upper || high < demand.lower;
            }
        }
    }
}

fn bucket_count(points: usize) -> usize {
    (2 * points).next_power_of_two().clamp(BUCKETS.0, BUCKETS.1)
}

/// The slot of a height at `place` in buckets, of `count` and one below all.
fn slot(place: f64, inclusive: i32, count: usize) -> usize {
    // The cast goes to the nearest number there is.
    ((place as i32).saturating_add(inclusive).max(0) as usize).min(count)
}
