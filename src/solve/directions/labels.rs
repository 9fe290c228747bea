//! The best labels of a few points, given those of all others, one point after the other.
//!
//! Every node of the search holds a rule with the labels decided so far. It gives the undecided points labels too: where these are
//! the best ones, the node is done. Else the point with the largest gain that it labels otherwise is decided, first as wanted, which
//! takes a program in exact arithmetic ([`separated`]) that finds a rule or proves that there is none, then as the rule has it. So no
//! tolerance enters, and the programs are about as many as there are labellings worth a look. What was proved in one leaf is known in
//! the next.

use std::collections::VecDeque;

use prescribe_models::Model;
use prescribe_models::exact_margin::Separation;
use prescribe_models::linear_rule::LinearRule;

use super::super::hyperplanes::{Points, separated};

/// Proofs kept at most.
const MOST_PROOFS: usize = 2_000;
/// Rules kept at most.
const MOST_RULES: usize = 4;

/// What became of a leaf: a rule that beats the incumbent, and a bound on what stays open.
#[derive(Default)]
pub struct Leaf {
    pub found: Option<LinearRule>,
    pub open: Option<i64>,
    /// Exact linear programs that it took.
    pub programs: usize,
    /// Whether halving the box would not close it either.
    pub last: bool,
}

/// What holds for all leaves.
#[derive(Default)]
pub struct Known {
    /// Labels of few points that no rule has.
    conflicts: Vec<Vec<(usize, bool)>>,
    /// The last rules found.
    rules: VecDeque<LinearRule>,
}

pub struct Labels<'a> {
    known: &'a mut Known,
    points: &'a Points<'a>,
    /// The label of each point, where decided.
    decided: Vec<Option<bool>>,
    /// The points to be labelled, the largest gain first.
    open: Vec<usize>,
    /// Total gain of the others that are treated, and their weight in each assignment bound.
    settled: i64,
    weights: Vec<f64>,
    /// Points that some program needed.
    rows: Vec<usize>,
    /// Programs that may still be solved.
    programs: usize,
    to_beat: i64,
    found: Option<LinearRule>,
    /// The largest bound on labels that could not be led back to a rule.
    unknown: Option<i64>,
}

impl<'a> Labels<'a> {
    /// The labels `treated` of all points but the `open` ones.
    pub fn of(
        points: &'a Points<'a>,
        known: &'a mut Known,
        treated: &[bool],
        open: &[usize],
        programs: usize,
    ) -> Self {
        let mut decided: Vec<Option<bool>> = treated.iter().copied().map(Some).collect();
        open.iter().for_each(|&k| decided[k] = None);
        let settled: Vec<usize> = (0..points.len()).filter(|&k| decided[k] == Some(true)).collect();
        let mut open = open.to_vec();
        open.sort_by_key(|&k| (std::cmp::Reverse(points.gains[k].unsigned_abs()), k));
        Self {
            known,
            points,
            settled: settled.iter().map(|&k| points.gains[k]).sum(),
            weights: points.demands.iter().map(|d| settled.iter().map(|&k| d.weights[k]).sum()).collect(),
            decided,
            open,
            rows: Vec::new(),
            programs,
            to_beat: i64::MAX,
            found: None,
            unknown: None,
        }
    }

    /// The best rule with a total gain beyond `incumbent`, and a bound on what could not be decided. That is final where all programs
    /// were solved: some labels have rules, but none with rounded coefficients.
    pub fn best(mut self, incumbent: i64) -> Leaf {
        self.to_beat = incumbent;
        let programs = self.programs;
        if let Some(rule) = self.rule() {
            self.explore(&rule);
        }
        let open = self.unknown.filter(|bound| *bound > self.to_beat);
        Leaf { found: self.found, open, programs: programs - self.programs, last: self.programs > 0 }
    }

    /// Searches the labels that are open where `rule` has those that are decided.
    fn explore(&mut self, rule: &LinearRule) {
        if self.bound() <= self.to_beat || !self.may_hold() {
            return;
        }
        self.offer(rule);
        let treats = |k: usize| rule.treats(self.points.units.x[self.points.members[k]]);
        let undecided = || self.open.iter().copied().filter(|&k| self.decided[k].is_none());
        let contrary =
            undecided().find(|&k| self.points.gains[k] != 0 && treats(k) != (self.points.gains[k] > 0));
        // Under assignment bounds the labels that earn most may not be allowed.
        let barred = || undecided().next().filter(|_| self.bound() > self.to_beat);
        let Some(k) = contrary.or_else(barred) else { return };
        let label = treats(k);
        self.decided[k] = Some(!label);
        if self.bound() > self.to_beat
            && self.may_hold()
            && let Some(other) = self.rule()
        {
            self.explore(&other);
        }
        self.decided[k] = Some(label);
        self.explore(rule);
        self.decided[k] = None;
    }

    /// The largest total gain with the labels decided so far.
    fn bound(&self) -> i64 {
        let most = |&k: &usize| match self.decided[k] {
            Some(treated) => self.points.gains[k] * i64::from(treated),
            None => self.points.gains[k].max(0),
        };
        self.settled + self.open.iter().map(most).sum::<i64>()
    }

    /// Whether the labels decided so far leave the assignment bounds a chance.
    fn may_hold(&self) -> bool {
        self.points.demands.iter().zip(&self.weights).all(|(demand, settled)| {
            let (mut least, mut most) = (*settled, *settled);
            for &k in &self.open {
                let weight = demand.weights[k];
                let (low, high) = match self.decided[k] {
                    Some(true) => (weight, weight),
                    Some(false) => (0.0, 0.0),
                    None => (weight.min(0.0), weight.max(0.0)),
                };
                least += low;
                most += high;
            }
            least <= demand.upper && most >= demand.lower
        })
    }

    fn offer(&mut self, rule: &LinearRule) {
        let value = self.points.value(rule);
        if value > self.to_beat && self.points.units.problem().violations(rule).is_empty() {
            (self.to_beat, self.found) = (value, Some(rule.clone()));
        }
    }

    /// A rule with the labels decided so far; none where there is none, or where that is not known, which is noted.
    fn rule(&mut self) -> Option<LinearRule> {
        let has = |(k, side): &(usize, bool)| self.decided[*k] == Some(*side);
        if self.known.conflicts.iter().any(|conflict| conflict.iter().all(has)) {
            return None;
        }
        let x = |k: usize| self.points.units.x[self.points.members[k]];
        let sides = || self.decided.iter().enumerate().filter_map(|(k, side)| Some((k, (*side)?)));
        if let Some(rule) =
            self.known.rules.iter().find(|rule| sides().all(|(k, side)| rule.treats(x(k)) == side))
        {
            return Some(rule.clone());
        }
        match separated(self.points, &self.decided, &mut self.rows, &mut self.programs) {
            Some(Separation::Rule(rule)) => {
                self.known.rules.truncate(MOST_RULES - 1);
                self.known.rules.push_front(rule.clone());
                return Some(rule);
            }
            Some(Separation::None(meeting)) if self.known.conflicts.len() < MOST_PROOFS => {
                let side = |k: usize| Some((k, self.decided[k]?));
                self.known.conflicts.extend([meeting.into_iter().filter_map(side).collect()]);
            }
            Some(Separation::None(_)) => {}
            _ => self.unknown = self.unknown.max(Some(self.bound())),
        }
        None
    }
}
