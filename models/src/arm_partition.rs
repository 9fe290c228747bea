//! Which arms share one outcome model: the partition of K arms into at most M groups of least pooled residual sum of squares.
//!
//! ```text
//! min over partitions P of {1..K}, |P| <= M   sum_{g in P} RSS(g)        RSS(g) = s_g - c_g' G_g^- c_g
//! ```
//!
//! The l0 counterpart of fusion.txt's objective (3): pairs of arms are either fused or not, and nothing is shrunk. RSS is
//! superadditive, RSS(g u h) >= RSS(g) + RSS(h), so that a partition into exactly M groups is as good as any into fewer.
//!
//! As a program it is set partitioning over all groups ([`Subsets`]).

use crate::arm_groups::Grouping;
use crate::arm_moments::Moments;
use crate::exact::{sha256, sum};
use crate::model::{Model, Violation};
use crate::programs::{InvalidModel, Sense};

pub use crate::arm_groups::{Partition, Subsets, canonical, members};

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
        self.total(of)
    }

    fn violations(&self, of: &Partition) -> Vec<Violation> {
        self.excess(of)
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

impl Grouping for ArmPartition {
    type Sums = Moments;

    fn arms(&self) -> usize {
        self.moments.len()
    }

    fn groups(&self) -> usize {
        self.groups
    }

    fn sums(&self, arm: usize) -> Moments {
        self.moments[arm].clone()
    }

    fn pooled(&self, one: &Moments, other: &Moments) -> Moments {
        let mut both = one.clone();
        both.add(other);
        both
    }

    fn cost(&self, sums: &Moments) -> f64 {
        sums.rss()
    }
}
