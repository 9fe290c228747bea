//! Arms in groups: what all problems share that ask for the cheapest partition of K arms into at most M groups.
//!
//! ```text
//! min over partitions P of {1..K}, |P| <= M   sum_{g in P} cost(g)        cost(g u h) >= cost(g) + cost(h)
//! ```
//!
//! Costs that are superadditive make a partition into exactly M groups as good as any into fewer. As a program ([`Subsets`]), set partitioning
//! over all groups:
//!
//! ```text
//! min sum_g cost(g) z_g   s.t.   sum_{g contains a} z_g = 1 for every arm a,   sum_g z_g <= M,   z_g in {0, 1}
//! ```

use std::borrow::Cow;

use crate::exact::sum;
use crate::model::{LinearOracle, Model, OracleError, Piece, ProgramForm, Recovered, Violation};
use crate::programs::{MixedIntegerProgram, Row, Sense};

/// The group of each arm, groups numbered by their first arm.
pub type Partition = Vec<usize>;

/// A problem of arms in groups; there is at least one arm and one group.
pub trait Grouping: Model<Point = Partition> {
    /// What the cost of a group is read from.
    type Sums: Clone;

    /// K.
    fn arms(&self) -> usize;

    /// M.
    fn groups(&self) -> usize;

    /// The sums of one arm alone.
    fn sums(&self, arm: usize) -> Self::Sums;

    /// The sums of two groups without a common arm, as one.
    fn pooled(&self, one: &Self::Sums, other: &Self::Sums) -> Self::Sums;

    /// At least 0.
    fn cost(&self, sums: &Self::Sums) -> f64;

    /// The sums of some arms; none where there are none.
    fn sums_of(&self, arms: impl IntoIterator<Item = usize>) -> Option<Self::Sums> {
        arms.into_iter().map(|a| self.sums(a)).reduce(|one, other| self.pooled(&one, &other))
    }

    /// The cost of some arms; 0 where there are none.
    fn cost_of(&self, arms: impl IntoIterator<Item = usize>) -> f64 {
        self.sums_of(arms).map_or(0.0, |sums| self.cost(&sums))
    }

    /// The sum of the groups' costs; NaN for a partition of another number of arms.
    fn total(&self, of: &[usize]) -> f64 {
        if of.len() != self.arms() {
            return f64::NAN;
        }
        sum(members(of).into_iter().map(|group| self.cost_of(group)))
    }

    /// That there are more groups than allowed, or another number of arms.
    fn excess(&self, of: &[usize]) -> Vec<Violation> {
        if of.len() != self.arms() {
            return vec![Violation { constraint: "shape".into(), amount: 1.0 }];
        }
        let groups = members(of).len();
        if groups <= self.groups() {
            return Vec::new();
        }
        vec![Violation { constraint: "groups".into(), amount: (groups - self.groups()) as f64 }]
    }
}

/// The same partition with its groups numbered by their first arm.
pub fn canonical(of: &[usize]) -> Partition {
    let mut first = std::collections::BTreeMap::new();
    of.iter()
        .map(|group| {
            let next = first.len();
            *first.entry(*group).or_insert(next)
        })
        .collect()
}

/// The arms of each group of a partition.
pub fn members(of: &[usize]) -> Vec<Vec<usize>> {
    let of = canonical(of);
    let mut members = vec![Vec::new(); of.iter().max().map_or(0, |last| last + 1)];
    of.iter().enumerate().for_each(|(a, group)| members[*group].push(a));
    members
}

/// Set partitioning with a column for every group that there can be.
pub struct Subsets<'m, M: Grouping + Clone>(pub Cow<'m, M>);

/// More arms have too many groups to list.
pub const MOST_LISTED: usize = 12;

impl<M: Grouping + Clone> Subsets<'_, M> {
    fn members(&self, column: usize) -> impl Iterator<Item = usize> {
        (0..self.0.arms()).filter(move |a| (column + 1) >> a & 1 == 1)
    }

    fn program(&self) -> MixedIntegerProgram {
        let arms = self.0.arms();
        let mut program = MixedIntegerProgram::new(self.0.name(), Sense::Minimize);
        for column in 0..(1 << arms) - 1 {
            let names: Vec<String> = self.members(column).map(|a| a.to_string()).collect();
            program.binary(format!("group[{}]", names.join("_")), self.0.cost_of(self.members(column)));
        }
        let columns = program.columns.len();
        for a in 0..arms {
            let terms = (0..columns).filter(|column| (column + 1) >> a & 1 == 1).map(|column| (column, 1.0));
            program.rows.push(Row::equal(format!("arm[{a}]"), 1.0, terms.collect()));
        }
        let all = (0..columns).map(|column| (column, 1.0)).collect();
        program.rows.push(Row::at_most("groups", self.0.groups() as f64, all));
        program
    }
}

impl<M: Grouping + Clone> ProgramForm for Subsets<'_, M> {
    type Model = M;

    fn model(&self) -> &M {
        &self.0
    }

    fn pieces(&self) -> Vec<Piece> {
        vec![Piece { label: "subsets".into(), program: self.program() }]
    }

    fn candidates(&self) -> Vec<Partition> {
        Vec::new()
    }

    fn embed(&self, piece: &Piece, of: &Partition) -> Option<Vec<f64>> {
        let mut columns = vec![0.0; piece.program.columns.len()];
        for group in self.0.violations(of).is_empty().then(|| members(of))? {
            columns[group.iter().map(|a| 1 << a).sum::<usize>() - 1] = 1.0;
        }
        Some(columns)
    }

    fn recover(
        &self,
        columns: &[f64],
        _oracle: &mut dyn LinearOracle,
    ) -> Result<Recovered<Partition>, OracleError> {
        let mut of = vec![0; self.0.arms()];
        for column in (0..columns.len()).filter(|column| columns[*column] > 0.5) {
            self.members(column).for_each(|a| of[a] = column);
        }
        Ok(Recovered::Point(canonical(&of)))
    }
}
