//! The cluster-rule problem as mixed-integer programs: those of the linear rule ([`LinearForm`]), whose labels p the clusters read.
//!
//! ```text
//! unknown        max w z      z <= agree_j where w > 0;   z >= sum_j agree_j - (M - 1) where w < 0       agree_j = p_j or 1 - p_j
//! polynomial b   max sum_S c_S y_S  over sets S of at most b units:   y_S <= p_j where c_S > 0;   y_S >= sum_S p_j - (|S| - 1) where c_S < 0
//! anonymous      max sum_j w_j z_j    less + exact + more = 1
//!                T exact + (T + 1) more <= sum_j p_j <= (T - 1) less + T exact + M more,     T = sum_j A_j
//!                z_j <= agree_j, z_j <= exact where w_j > 0;   z_j >= agree_j + exact - 1 where w_j < 0
//! joint cost     min c        c >= c(s) + (c(s + 1) - c(s)) (sum_j p_j - s),   s = 0..M-1
//! ```
//!
//! c_S is w prod_S d_j times the symmetric polynomials up to b - |S| of the other units' a, where rho_j = a_j + d_j p_j. For anonymous
//! interference one number of treated a cluster is enough, as p_j = A_j makes the neighbours' condition one on all units.

use std::collections::BTreeMap;

use super::value::{count, rho, symmetric};
use super::{Cluster, ClusterProblem, Interaction};
use crate::linear_rule::{LinearForm, LinearRule, MergedUnits, Writing};
use crate::model::{LinearOracle, OracleError, Piece, ProgramForm, Recovered};
use crate::programs::{MixedIntegerProgram, Row};

/// The problem whose linear part is written in the way `W`.
#[derive(Clone, Debug)]
pub struct ClusterForm<'a, W> {
    problem: &'a ClusterProblem,
    linear: LinearForm<'a, W>,
}

impl<'a, W: Writing> ClusterForm<'a, W> {
    pub fn new(problem: &'a ClusterProblem, writing: W) -> Self {
        let mut wanted = vec![[false; 2]; problem.linear.x().nrows()];
        problem.clusters.iter().for_each(|cluster| cluster.want(&mut wanted));
        let units = MergedUnits::of(&problem.linear).wanting(&wanted);
        Self { problem, linear: LinearForm::over(units, writing) }
    }
}

impl ClusterProblem {
    /// Columns that the clusters add to each program.
    pub fn program_columns(&self) -> f64 {
        self.clusters.iter().map(Cluster::columns).sum()
    }
}

impl<W: Writing> ProgramForm for ClusterForm<'_, W> {
    type Model = ClusterProblem;

    fn model(&self) -> &ClusterProblem {
        self.problem
    }

    fn pieces(&self) -> Vec<Piece> {
        let mut pieces = self.linear.pieces();
        for Piece { program, .. } in &mut pieces {
            program.name = program.name.replace("linear_rule", "cluster_rule");
            for (i, cluster) in self.problem.clusters.iter().enumerate() {
                Part { number: i, cluster, points: &self.linear.units().point_of }.write(program);
            }
        }
        pieces
    }

    /// Treat nobody, treat everybody.
    fn candidates(&self) -> Vec<LinearRule> {
        self.linear.candidates()
    }

    fn embed(&self, _piece: &Piece, _rule: &LinearRule) -> Option<Vec<f64>> {
        None
    }

    fn separate(&self, columns: &[f64], oracle: &mut dyn LinearOracle) -> Result<Vec<Row>, OracleError> {
        self.linear.separate(columns, oracle)
    }

    fn recover(
        &self,
        columns: &[f64],
        oracle: &mut dyn LinearOracle,
    ) -> Result<Recovered<LinearRule>, OracleError> {
        self.linear.recover(columns, oracle)
    }

    fn representative(
        &self,
        rule: &LinearRule,
        oracle: &mut dyn LinearOracle,
    ) -> Result<LinearRule, OracleError> {
        self.linear.representative(rule, oracle)
    }

    fn restriction(&self) -> Option<String> {
        self.linear.restriction()
    }
}

impl Cluster {
    /// Marks the labels (untreated, treated) of its units by which the objective may gain, so that a rule must really give them.
    fn want(&self, wanted: &mut [[bool; 2]]) {
        for (&u, &received) in self.units.iter().zip(&self.received) {
            match self.interaction {
                // To agree, or to disagree.
                Interaction::Unknown { weight } if weight != 0.0 => {
                    wanted[u][usize::from(received == (weight > 0.0))] = true;
                }
                Interaction::Unknown { .. } => {}
                Interaction::Polynomial { .. } | Interaction::Anonymous { .. } => wanted[u] = [true; 2],
            }
            let slopes = || self.joint_cost.windows(2).map(|costs| costs[1] - costs[0]);
            wanted[u][0] |= slopes().any(|slope| slope > 0.0);
            wanted[u][1] |= slopes().any(|slope| slope < 0.0);
        }
    }

    /// How many columns it needs, or (where it is of order b) the number of sets of at most b units.
    fn columns(&self) -> f64 {
        let size = self.units.len();
        match &self.interaction {
            Interaction::Unknown { .. } => 1.0,
            Interaction::Anonymous { .. } => size as f64 + 3.0,
            Interaction::Polynomial { order, .. } => {
                let (mut sets, mut all) = (1.0, 0.0);
                for k in 0..(*order).min(size) {
                    sets *= (size - k) as f64 / (k + 1) as f64;
                    all += sets;
                }
                all
            }
        }
    }
}

/// A cluster in a program.
struct Part<'a> {
    number: usize,
    cluster: &'a Cluster,
    /// The label's column of each row of the data.
    points: &'a [usize],
}

impl Part<'_> {
    fn write(&self, program: &mut MixedIntegerProgram) {
        match &self.cluster.interaction {
            Interaction::Unknown { weight } => self.unknown(program, *weight),
            Interaction::Polynomial { weight, order, chances } => {
                self.polynomial(program, *weight, *order, chances)
            }
            Interaction::Anonymous { weights } => self.anonymous(program, weights),
        }
        self.joint_cost(program);
    }

    /// The distinct pairs of label column and treatment received, with the sum of `weights` on each.
    fn merged(&self, weights: &[f64]) -> BTreeMap<(usize, bool), f64> {
        let mut merged = BTreeMap::new();
        for ((u, received), weight) in self.cluster.units.iter().zip(&self.cluster.received).zip(weights) {
            *merged.entry((self.points[*u], *received)).or_insert(0.0) += weight;
        }
        merged
    }

    fn unknown(&self, program: &mut MixedIntegerProgram, weight: f64) {
        if weight == 0.0 {
            return;
        }
        let i = self.number;
        let agree = program.binary(format!("agree[{i}]"), weight);
        let labels = self.merged(&vec![1.0; self.cluster.units.len()]);
        if weight > 0.0 {
            labels.keys().for_each(|&label| program.rows.push(below(format!("agrees[{i}]"), agree, label)));
            return;
        }
        let treated: Vec<usize> = labels.keys().filter(|(_, a)| *a).map(|(point, _)| *point).collect();
        // A point at which one unit was treated and another was not never agrees.
        if labels.keys().any(|(point, a)| !a && treated.contains(point)) {
            return;
        }
        let sign = |received: bool| if received { -1.0 } else { 1.0 };
        let terms = labels.keys().map(|&(point, received)| (point, sign(received)));
        let least = 1.0 - treated.len() as f64;
        program.rows.push(Row::at_least(
            format!("agrees[{i}]"),
            least,
            terms.chain([(agree, 1.0)]).collect(),
        ));
    }

    fn polynomial(&self, program: &mut MixedIntegerProgram, weight: f64, order: usize, chances: &[f64]) {
        let received = &self.cluster.received;
        let at = |label: bool| -> Vec<f64> {
            received.iter().zip(chances).map(|(a, chance)| rho(*a == label, *chance)).collect()
        };
        let (base, other) = (at(false), at(true));
        let mut coefficients: BTreeMap<Vec<usize>, f64> = BTreeMap::new();
        for set in sets(base.len(), order) {
            let steps: f64 = set.iter().map(|&j| other[j] - base[j]).product();
            let rest = (0..base.len()).filter(|j| !set.contains(j)).map(|j| base[j]);
            let mut labels: Vec<usize> = set.iter().map(|&j| self.points[self.cluster.units[j]]).collect();
            labels.sort_unstable();
            labels.dedup();
            *coefficients.entry(labels).or_insert(0.0) += weight * steps * symmetric(rest, order - set.len());
        }
        for (number, (labels, coefficient)) in coefficients.into_iter().enumerate() {
            match labels.as_slice() {
                [] => program.offset += coefficient,
                [label] => program.columns[*label].cost += coefficient,
                _ => self.product(program, number, &labels, coefficient),
            }
        }
    }

    /// A column that is the product of `labels` where the objective wants it to be.
    fn product(&self, program: &mut MixedIntegerProgram, number: usize, labels: &[usize], coefficient: f64) {
        let name = format!("all[{},{number}]", self.number);
        let product = program.continuous(name.clone(), 0.0, 1.0, coefficient);
        if coefficient > 0.0 {
            labels.iter().for_each(|&label| program.rows.push(below(name.clone(), product, (label, true))));
        } else {
            let terms = labels.iter().map(|&label| (label, -1.0)).chain([(product, 1.0)]).collect();
            program.rows.push(Row::at_least(name, 1.0 - labels.len() as f64, terms));
        }
    }

    fn anonymous(&self, program: &mut MixedIntegerProgram, weights: &[f64]) {
        let (i, size, wanted) = (self.number, self.cluster.units.len(), count(&self.cluster.received));
        let (all, wanted_f) = (size as f64, wanted as f64);
        let exact = program.binary(format!("exact[{i}]"), 0.0);
        let less = (wanted > 0).then(|| program.binary(format!("less[{i}]"), 0.0));
        let more = (wanted < size).then(|| program.binary(format!("more[{i}]"), 0.0));
        let either = [Some(exact), less, more].into_iter().flatten().map(|column| (column, 1.0)).collect();
        program.rows.push(Row::equal(format!("number[{i}]"), 1.0, either));
        let range = |of_less: f64, of_exact: f64, of_more: f64| -> Vec<(usize, f64)> {
            let columns = [(less, of_less), (Some(exact), of_exact), (more, of_more)];
            let limits = columns.into_iter().filter_map(|(column, limit)| column.map(|c| (c, -limit)));
            self.treated().into_iter().chain(limits).filter(|(_, limit)| *limit != 0.0).collect()
        };
        program.rows.push(Row::at_least(format!("least[{i}]"), 0.0, range(0.0, wanted_f, wanted_f + 1.0)));
        program.rows.push(Row::at_most(format!("most[{i}]"), 0.0, range(wanted_f - 1.0, wanted_f, all)));
        for (number, (label, weight)) in self.merged(weights).into_iter().enumerate() {
            if weight == 0.0 {
                continue;
            }
            let name = format!("kept[{i},{number}]");
            let kept = program.continuous(name.clone(), 0.0, 1.0, weight);
            if weight > 0.0 {
                program.rows.push(below(name.clone(), kept, label));
                program.rows.push(below(name, kept, (exact, true)));
            } else {
                let (sign, least) = if label.1 { (-1.0, -1.0) } else { (1.0, 0.0) };
                program.rows.push(Row::at_least(
                    name,
                    least,
                    vec![(kept, 1.0), (exact, -1.0), (label.0, sign)],
                ));
            }
        }
    }

    fn joint_cost(&self, program: &mut MixedIntegerProgram) {
        let costs = &self.cluster.joint_cost;
        let ends = costs.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), c| (l.min(*c), h.max(*c)));
        if ends.0 >= ends.1 {
            program.offset -= costs.first().unwrap_or(&0.0);
            return;
        }
        let column = program.continuous(format!("cost[{}]", self.number), ends.0, ends.1, -1.0);
        for (s, pair) in costs.windows(2).enumerate() {
            let slope = pair[1] - pair[0];
            let labels = self.treated().into_iter().map(|(label, units)| (label, -slope * units));
            let terms = labels.filter(|(_, a)| *a != 0.0).chain([(column, 1.0)]).collect();
            program.rows.push(Row::at_least(
                format!("cost[{},{s}]", self.number),
                pair[0] - slope * s as f64,
                terms,
            ));
        }
    }

    /// The terms of sum_j p_j.
    fn treated(&self) -> BTreeMap<usize, f64> {
        let mut terms = BTreeMap::new();
        self.cluster.units.iter().for_each(|u| *terms.entry(self.points[*u]).or_insert(0.0) += 1.0);
        terms
    }
}

/// `column <= agree`, which is the label p or 1 - p.
fn below(name: String, column: usize, (label, treated): (usize, bool)) -> Row {
    match treated {
        true => Row::at_most(name, 0.0, vec![(column, 1.0), (label, -1.0)]),
        false => Row::at_most(name, 1.0, vec![(column, 1.0), (label, 1.0)]),
    }
}

/// All sets of at most `most` of `count` items, each ascending.
fn sets(count: usize, most: usize) -> Vec<Vec<usize>> {
    let mut sets = vec![Vec::new()];
    let mut from = 0;
    for _ in 0..most {
        let to = sets.len();
        for s in from..to {
            for j in sets[s].last().map_or(0, |last| last + 1)..count {
                sets.push([sets[s].as_slice(), &[j]].concat());
            }
        }
        from = to;
    }
    sets
}
