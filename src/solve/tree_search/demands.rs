//! Demands on leaves that are counts beside the sums: arms that units may not get, arms that enough units must have received.
//!
//! ```text
//! a leaf may give arm k     if none of its units is barred from k
//! a leaf holds enough       if for each arm that someone received at least m of its units received it
//! ```
//!
//! Bounds come from trees without the latter, and in them a unit that gets an arm it is barred from earns the least of what it
//! may get ([`super::units`]): no tree that is allowed earns less so.

use prescribe_models::tree_rule::TreeProblem;
use prescribe_models::{Model, SideConstraint};

use super::Limits;
use super::subset::Subset;
use super::units::Units;

/// What is counted of each unit.
#[derive(Clone, Debug)]
pub struct Demands {
    /// All arms, or none where everyone may get everything.
    arms: usize,
    /// What each count of units that received an arm must reach.
    least: Vec<u32>,
    /// For each unit, how many are barred from each arm, then how many each demand counts.
    marks: Vec<u32>,
}

impl Demands {
    pub fn of(problem: &TreeProblem) -> Self {
        let bars = |side: &SideConstraint| matches!(side, SideConstraint::Eligibility(_)) && side.binds();
        let arms = if problem.side().iter().any(bars) { problem.arms.len() } else { 0 };
        // The first demand is the minimum leaf size.
        let counted: Vec<_> = problem.leaf_demands().into_iter().skip(1).filter(|d| d.least > 0).collect();
        let mut marks = Vec::with_capacity(problem.units() * (arms + counted.len()));
        for i in 0..if arms + counted.len() > 0 { problem.units() } else { 0 } {
            marks.extend((0..arms).map(|k| u32::from(!problem.may_get(i, k))));
            marks.extend(counted.iter().map(|demand| u32::from(demand.counted[i])));
        }
        // No leaf holds more units than a `u32` counts.
        let least = counted.iter().map(|demand| demand.least.try_into().unwrap_or(u32::MAX)).collect();
        Self { arms, least, marks }
    }

    /// Whether there are any.
    pub fn any(&self) -> bool {
        self.width() > 0
    }

    fn width(&self) -> usize {
        self.arms + self.least.len()
    }

    /// Marks of unit `u`.
    fn of_unit(&self, u: u32) -> &[u32] {
        &self.marks[u as usize * self.width()..][..self.width()]
    }

    /// Takes each group as one unit.
    pub fn merge(&mut self, groups: &[Vec<u32>]) {
        let mut merged = Vec::with_capacity(groups.len() * self.width());
        for group in groups {
            let mut marks = Marks(vec![0; self.width()]);
            group.iter().for_each(|&i| marks.add(self, i));
            merged.extend(marks.0);
        }
        self.marks = merged;
    }

    /// Whether some of unit `u` are barred from `arm`.
    pub fn bars(&self, u: u32, arm: usize) -> bool {
        arm < self.arms && self.of_unit(u)[arm] > 0
    }
}

/// Marks of several units, added up; empty where nobody asks for them.
#[derive(Clone, Debug)]
pub struct Marks(Vec<u32>);

impl Marks {
    pub fn none(units: &Units, limits: Limits) -> Self {
        Self(vec![0; if limits.demands { units.demands.width() } else { 0 }])
    }

    pub fn of(units: &Units, subset: &Subset, limits: Limits) -> Self {
        let mut marks = Self::none(units, limits);
        if limits.demands {
            subset.members.iter().for_each(|&u| marks.add(&units.demands, u));
        }
        marks
    }

    pub fn add(&mut self, demands: &Demands, u: u32) {
        self.0.iter_mut().zip(demands.of_unit(u)).for_each(|(sum, mark)| *sum += mark);
    }

    pub fn take(&mut self, demands: &Demands, u: u32) {
        self.0.iter_mut().zip(demands.of_unit(u)).for_each(|(sum, mark)| *sum -= mark);
    }

    /// Becomes `whole` less `part`.
    pub fn set_less(&mut self, whole: &Self, part: &Self) {
        let both = whole.0.iter().zip(&part.0);
        self.0.iter_mut().zip(both).for_each(|(rest, (whole, part))| *rest = whole - part);
    }

    /// Whether a leaf over the units holds what it must.
    pub fn hold(&self, demands: &Demands) -> bool {
        self.0.iter().skip(demands.arms).zip(&demands.least).all(|(count, least)| count >= least)
    }

    /// Whether a leaf over the units may give `arm`.
    pub fn allow(&self, demands: &Demands, arm: usize) -> bool {
        arm >= demands.arms || self.0.get(arm).is_none_or(|barred| *barred == 0)
    }
}
