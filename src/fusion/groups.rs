//! Arms that belong together.

use ndarray::Array2;

/// Which group each arm is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Groups {
    /// The group of each arm; groups are numbered by their first arm.
    pub of: Vec<usize>,
}

impl Groups {
    /// The connected components of the arms whose coefficients (K x p) are nearer than `threshold` in Euclidean distance.
    pub fn within(zeta: &Array2<f64>, threshold: f64) -> Groups {
        let arms = zeta.nrows();
        let near = |a: usize, b: usize| {
            let squares: f64 = zeta.row(a).iter().zip(zeta.row(b)).map(|(x, y)| (x - y).powi(2)).sum();
            squares.sqrt() < threshold
        };
        let mut of = vec![usize::MAX; arms];
        let mut count = 0;
        for first in 0..arms {
            if of[first] != usize::MAX {
                continue;
            }
            of[first] = count;
            let mut open = vec![first];
            while let Some(a) = open.pop() {
                for (b, group) in of.iter_mut().enumerate() {
                    if *group == usize::MAX && near(a, b) {
                        *group = count;
                        open.push(b);
                    }
                }
            }
            count += 1;
        }
        Groups { of }
    }

    /// The number of groups M.
    pub fn count(&self) -> usize {
        self.of.iter().max().map_or(0, |most| most + 1)
    }

    /// The arms of each group.
    pub fn members(&self) -> Vec<Vec<usize>> {
        let mut members = vec![Vec::new(); self.count()];
        self.of.iter().enumerate().for_each(|(a, &g)| members[g].push(a));
        members
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn components_chain_and_are_numbered_by_their_first_arm() {
        let zeta = array![[0.0], [5.0], [0.2], [0.4], [5.1]];
        let groups = Groups::within(&zeta, 0.25);
        assert_eq!(groups.of, [0, 1, 0, 0, 1]);
        assert_eq!(groups.members(), [vec![0, 2, 3], vec![1, 4]]);
        assert_eq!(Groups::within(&zeta, 0.01).count(), 5);
    }
}
