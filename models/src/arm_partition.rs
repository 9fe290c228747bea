//! Which arms share one outcome model: the partition of K arms into at most M groups of least pooled residual sum of squares.
//!
//! ```text
//! min over partitions P of {1..K}, |P| <= M   sum_{g in P} RSS(g)        RSS(g) = s_g - c_g' G_g^- c_g
//! ```
//!
//! The l0 counterpart of fusion.txt's objective (3): pairs of arms are either fused or not, and nothing is shrunk. RSS is
//! superadditive, RSS(g u h) >= RSS(g) + RSS(h), so that a partition into exactly M groups is as good as any into fewer.
//!
//! As a program ([`Subsets`]), set partitioning over all groups:
//!
//! ```text
//! min sum_g RSS(g) z_g   s.t.   sum_{g contains a} z_g = 1 for every arm a,   sum_g z_g <= M,   z_g in {0, 1}
//! ```

use std::borrow::Cow;

use crate::arm_moments::Moments;
use crate::exact::{sha256, sum};
use crate::model::{LinearOracle, Model, OracleError, Piece, ProgramForm, Recovered, Violation};
use crate::programs::{InvalidModel, MixedIntegerProgram, Row, Sense};

/// The group of each arm, groups numbered by their first arm.
pub type Partition = Vec<usize>;

/// Arms, by the sums that least squares reads, and the most groups they may form.
#[derive(Clone, Debug, PartialEq)]
pub struct ArmPartition {
    moments: Vec<Moments>,
    groups: usize,
}

impl ArmPartition {
    /// Refuses no arms, no groups, arms over different columns and numbers that are not finite.
    pub fn new(moments: Vec<Moments>, groups: usize) -> Result<Self, InvalidModel> {
        let refuse = |what: String| Err(InvalidModel(format!("a partition of arms: {what}")));
        let Some(p) = moments.first().map(|first| first.cross.len()) else {
            return refuse("there are no arms".into());
        };
        if groups == 0 {
            return refuse("0 groups were asked for; ask for at least 1".into());
        }
        for (a, arm) in moments.iter().enumerate() {
            if arm.cross.len() != p || arm.gram.dim() != (p, p) {
                return refuse(format!("arm {a} is over {} columns, arm 0 over {p}", arm.cross.len()));
            }
            let mut numbers = arm.gram.iter().chain(&arm.cross).chain(std::iter::once(&arm.square));
            if !numbers.all(|value| value.is_finite()) {
                return refuse(format!("a sum of arm {a} is not finite"));
            }
        }
        Ok(Self { moments, groups })
    }

    pub fn moments(&self) -> &[Moments] {
        &self.moments
    }

    /// K.
    pub fn arms(&self) -> usize {
        self.moments.len()
    }

    /// M.
    pub fn groups(&self) -> usize {
        self.groups
    }

    /// The pooled residual sum of squares of some arms.
    pub fn rss(&self, arms: impl IntoIterator<Item = usize>) -> f64 {
        let p = self.moments[0].cross.len();
        Moments::pooled(p, arms.into_iter().map(|a| &self.moments[a])).rss()
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

impl Model for ArmPartition {
    type Point = Partition;

    fn name(&self) -> &'static str {
        "arm_partition"
    }

    fn sense(&self) -> Sense {
        Sense::Minimize
    }

    fn units(&self) -> usize {
        self.arms()
    }

    /// NaN for a partition of another number of arms.
    fn objective(&self, of: &Partition) -> f64 {
        if of.len() != self.arms() {
            return f64::NAN;
        }
        sum(members(of).into_iter().map(|group| self.rss(group)))
    }

    fn violations(&self, of: &Partition) -> Vec<Violation> {
        if of.len() != self.arms() {
            return vec![Violation { constraint: "shape".into(), amount: 1.0 }];
        }
        let groups = members(of).len();
        if groups <= self.groups {
            return Vec::new();
        }
        vec![Violation { constraint: "groups".into(), amount: (groups - self.groups) as f64 }]
    }

    /// All arms in one group: the treatment makes no difference.
    fn reference_value(&self) -> Option<f64> {
        Some(self.rss(0..self.arms()))
    }

    /// Every arm by itself.
    fn trivial_bound(&self) -> f64 {
        sum((0..self.arms()).map(|a| self.rss([a])))
    }

    fn model_hash(&self) -> String {
        let groups = self.groups.to_string();
        sha256([self.name().as_bytes(), groups.as_bytes(), self.data_hash().as_bytes()])
    }

    fn data_hash(&self) -> String {
        sha256([format!("{:?}", self.moments).as_bytes()])
    }
}

/// Set partitioning with a column for every group that there can be.
pub struct Subsets<'m>(pub Cow<'m, ArmPartition>);

impl Subsets<'_> {
    /// More arms have too many groups to list.
    pub const MOST_ARMS: usize = 12;

    fn members(&self, column: usize) -> impl Iterator<Item = usize> {
        (0..self.0.arms()).filter(move |a| (column + 1) >> a & 1 == 1)
    }

    fn program(&self) -> MixedIntegerProgram {
        let arms = self.0.arms();
        let mut program = MixedIntegerProgram::new("arm_partition", Sense::Minimize);
        for column in 0..(1 << arms) - 1 {
            let names: Vec<String> = self.members(column).map(|a| a.to_string()).collect();
            program.binary(format!("group[{}]", names.join("_")), self.0.rss(self.members(column)));
        }
        let columns = program.columns.len();
        for a in 0..arms {
            let terms = (0..columns).filter(|column| (column + 1) >> a & 1 == 1).map(|column| (column, 1.0));
            program.rows.push(Row::equal(format!("arm[{a}]"), 1.0, terms.collect()));
        }
        let all = (0..columns).map(|column| (column, 1.0)).collect();
        program.rows.push(Row::at_most("groups", self.0.groups as f64, all));
        program
    }
}

impl ProgramForm for Subsets<'_> {
    type Model = ArmPartition;

    fn model(&self) -> &ArmPartition {
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
