//! Covariates column by column, sorted once, and the orders of the units of one tree.

use std::ops::Range;

use ndarray::ArrayView2;

/// The columns of X (n x p), p at least 1, and the order of the units in each.
#[derive(Clone, Debug)]
pub struct Columns {
    values: Vec<Vec<f64>>,
    order: Vec<Vec<u32>>,
    /// Whether any two units have the same value.
    tied: Vec<bool>,
}

impl Columns {
    /// Sorts every column; units of one value stay in their order. All numbers are finite and units fewer than 2^32.
    pub fn new(x: ArrayView2<f64>) -> Columns {
        let values: Vec<Vec<f64>> = x.columns().into_iter().map(|column| column.to_vec()).collect();
        let sorted = |column: &Vec<f64>| {
            let mut order: Vec<u32> = (0..column.len() as u32).collect();
            order.sort_by(|a, b| column[*a as usize].total_cmp(&column[*b as usize]));
            order
        };
        let order: Vec<Vec<u32>> = values.iter().map(sorted).collect();
        let tied = |(column, order): (&Vec<f64>, &Vec<u32>)| {
            order.windows(2).any(|pair| column[pair[0] as usize] == column[pair[1] as usize])
        };
        let tied = values.iter().zip(&order).map(tied).collect();
        Columns { values, order, tied }
    }

    pub fn covariates(&self) -> usize {
        self.values.len()
    }

    pub fn units(&self) -> usize {
        self.values.first().map_or(0, Vec::len)
    }

    /// The value of covariate j of a unit.
    pub fn value(&self, j: usize, unit: u32) -> f64 {
        self.values[j][unit as usize]
    }
}

/// The units of one tree in the order of every column; the units of a node hold the same range of each.
pub(super) struct Orders<'c> {
    columns: &'c Columns,
    units: Vec<Vec<u32>>,
    /// Which units go left, while a node is divided.
    left: Vec<bool>,
    scratch: Vec<u32>,
}

impl<'c> Orders<'c> {
    pub fn of(columns: &'c Columns, units: &[u32]) -> Orders<'c> {
        let mut among = vec![false; columns.units()];
        units.iter().for_each(|&i| among[i as usize] = true);
        let kept = |order: &Vec<u32>| {
            let (mut kept, mut next) = (vec![0; units.len() + 1], 0);
            // Every unit is written, and the next over it where it does not count: a guess would often be wrong.
            for &unit in order {
                kept[next] = unit;
                next += usize::from(among[unit as usize]);
            }
            kept.truncate(next);
            kept
        };
        let orders = columns.order.iter().map(kept).collect();
        among.fill(false);
        Orders { columns, units: orders, left: among, scratch: vec![0; units.len()] }
    }

    pub fn covariates(&self) -> usize {
        self.units.len()
    }

    /// All units in the order of column j.
    pub fn units(&self, j: usize) -> &[u32] {
        &self.units[j]
    }

    /// The units of a range in the order of column j.
    pub fn sweep(&self, j: usize, range: Range<usize>) -> Sweep<'_> {
        Sweep { units: &self.units[j][range], values: &self.columns.values[j], tied: self.columns.tied[j] }
    }

    /// The value of column j at a position of its order.
    pub fn value(&self, j: usize, position: usize) -> f64 {
        self.columns.value(j, self.units[j][position])
    }

    /// Divides the node that holds `range`: its first `left` units in the order of column j go before the others in every column, and both
    /// parts keep their order.
    pub fn divide(&mut self, range: Range<usize>, j: usize, left: usize) {
        let middle = range.start + left;
        self.units[j][range.start..middle].iter().for_each(|&i| self.left[i as usize] = true);
        for (_, order) in self.units.iter_mut().enumerate().filter(|(column, _)| *column != j) {
            let order = &mut order[range.clone()];
            let right = &mut self.scratch[..order.len()];
            let mut next = 0;
            // Both places are written whichever it is: a guess would be wrong half of the time.
            for position in 0..order.len() {
                let unit = order[position];
                order[next] = unit;
                right[position - next] = unit;
                next += usize::from(self.left[unit as usize]);
            }
            let rest = order.len() - next;
            order[next..].copy_from_slice(&right[..rest]);
        }
        self.units[j][range.start..middle].iter().for_each(|&i| self.left[i as usize] = false);
    }
}

/// The units of a node in the order of one column.
pub(super) struct Sweep<'o> {
    pub units: &'o [u32],
    values: &'o [f64],
    tied: bool,
}

impl Sweep<'_> {
    /// Whether the first `left` units can be parted from the others.
    pub fn parts(&self, left: usize) -> bool {
        let value = |position: usize| self.values[self.units[position] as usize];
        !self.tied || value(left - 1) < value(left)
    }
}
