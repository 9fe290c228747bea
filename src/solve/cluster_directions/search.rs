//! Depth first through boxes of rules: halve, bound both halves, drop what cannot beat the incumbent.
//!
//! Where lo_u <= b0 + z_u'b <= hi_u over a box, unit u is treated by all of its rules (lo_u > 0), by none (hi_u < 0), or open. With the open
//! labels free, each cluster earns at most `Cluster::most`, and the sum over clusters bounds the box. A cluster under unknown interference is
//! settled as soon as one unit's label is not as received, one under anonymous interference as soon as the number of treated cannot be that received;
//! then their other units are open no more.
//!
//! A box that keeps the same open units for long is settled by their labels, one by one: each labelling that would beat the incumbent has a rule or is proved to
//! have none, in exact arithmetic ([`separate`]). So no tolerance decides, but for the one to which values are compared.

use prescribe_models::Model;
use prescribe_models::cluster_rule::ClusterProblem;
use prescribe_models::exact_margin::{Separation, separate};
use prescribe_models::linear_rule::{LinearRule, MergedUnits};

use crate::solve::Watch;

/// What an improvement must amount to, relative to the larger of 1 and the incumbent.
const WORTH: f64 = 1e-9;
/// A side shorter than this is not halved: roundings would be all there is to see.
const SHORTEST: f64 = 1e-9;
/// Halvings that decide nothing before labels are searched one by one, and the most open units of which they are.
const PATIENCE: usize = 6;
const SEARCHED: usize = 16;
/// Exact programs for each halving waited for, after which a box is left unsettled.
const PROGRAMS: u64 = 1000;
/// With at most so many open units the rule at a box's centre is looked at.
const FEW: usize = 24;
/// Points that join an exact program in a round.
const JOINING: usize = 6;

type Label = Option<bool>;

/// Rules with (b0, b) in a box, and what all of them have in common.
struct Node {
    /// Of the intercept and of the coefficients of the covariates that vary.
    sides: Vec<(f64, f64)>,
    /// Of each point.
    labels: Vec<Label>,
    /// What each cluster earns at most.
    most: Vec<f64>,
    bound: f64,
    /// Halvings since a label was last decided.
    idle: usize,
    patience: usize,
}

/// A box that is being settled by its labels.
struct Settling<'s> {
    open: &'s [usize],
    /// The number of exact programs with which to give up.
    until: u64,
    watch: &'s Watch<'s>,
    /// Whether no labelling has been left out.
    complete: bool,
}

/// A search for rules that beat the incumbent.
pub struct Search<'p> {
    problem: &'p ClusterProblem,
    units: &'p MergedUnits<'p>,
    /// The clusters of each point.
    clusters_of: Vec<Vec<usize>>,
    /// Covariates that vary.
    varying: Vec<usize>,
    slack: f64,
    pub rule: LinearRule,
    pub value: f64,
    stack: Vec<Node>,
    /// Bound on the boxes that could not be settled.
    stuck: f64,
    pub boxes: u64,
    pub programs: u64,
    pub unresolved: u64,
}

impl<'p> Search<'p> {
    /// For rules that beat `rule`.
    pub fn new(problem: &'p ClusterProblem, units: &'p MergedUnits<'p>, rule: LinearRule) -> Self {
        let mut clusters_of = vec![Vec::new(); units.z.len()];
        for (i, cluster) in problem.clusters().iter().enumerate() {
            cluster.units.iter().for_each(|&u| clusters_of[units.point_of[u]].push(i));
        }
        clusters_of.iter_mut().for_each(|clusters| clusters.dedup());
        let varying: Vec<usize> = (0..units.z[0].len()).filter(|&j| units.varies(j)).collect();
        let reach = 2.0 * varying.len() as f64;
        let mut search = Self {
            value: problem.objective(&rule),
            rule,
            problem,
            units,
            clusters_of,
            slack: (80.0 * varying.len() as f64 + 20.0) * reach * f64::EPSILON,
            varying,
            stack: Vec::new(),
            stuck: f64::NEG_INFINITY,
            boxes: 0,
            programs: 0,
            unresolved: 0,
        };
        search.faces();
        search
    }

    /// Every rule that is not constant has a multiple with some coefficient of 1 or -1, none larger, and so an intercept of at most their number.
    fn faces(&mut self) {
        let p = self.varying.len();
        for (j, sign) in (0..p).flat_map(|j| [(j, 1.0), (j, -1.0)]) {
            let side = |k: usize| if k == j { (sign, sign) } else { (-1.0, 1.0) };
            let sides = std::iter::once((-(p as f64), p as f64)).chain((0..p).map(side)).collect();
            let open = vec![None; self.units.z.len()];
            let most = self.problem.clusters().iter().map(|c| c.most(&vec![None; c.units.len()])).collect();
            let node = Node { sides, labels: open, most, bound: 0.0, idle: 0, patience: PATIENCE };
            let bound = self.bound_of(&node.labels, &node.most);
            self.stack.push(Node { bound, ..node });
        }
    }

    /// What a bound must exceed.
    fn to_beat(&self) -> f64 {
        self.value + WORTH * self.value.abs().max(1.0)
    }

    /// No rule earns more.
    pub fn bound(&self) -> f64 {
        let open = self.stack.iter().map(|node| node.bound).fold(self.stuck, f64::max);
        open.max(self.to_beat())
    }

    /// Whether there are boxes left.
    pub fn is_open(&self) -> bool {
        !self.stack.is_empty()
    }

    /// Whether no rule beats the incumbent.
    pub fn is_closed(&self) -> bool {
        self.stack.is_empty() && self.stuck <= self.to_beat()
    }

    /// Looks at so many `boxes`, or at all that are left, until `watch` says stop.
    pub fn run(&mut self, boxes: u64, watch: &Watch) {
        let until = self.boxes + boxes;
        while self.boxes < until
            && let Some(mut node) = self.stack.pop()
        {
            if node.bound <= self.to_beat() {
                continue;
            }
            self.boxes += 1;
            let open = self.open(&node.labels);
            if open.len() <= FEW {
                self.look_at_centre(&node);
            }
            let side = self.side_to_halve(&node, &open);
            if side.is_none() || (node.idle >= node.patience && open.len() <= SEARCHED) {
                let settled = self.settle(&mut node, &open, watch);
                if settled || side.is_none() {
                    if !settled {
                        (self.stuck, self.unresolved) = (self.stuck.max(node.bound), self.unresolved + 1);
                    }
                    continue;
                }
                (node.idle, node.patience) = (0, 2 * node.patience);
            }
            if let Some(k) = side {
                self.halve(&node, k);
            }
        }
    }

    /// The points whose labels are open and matter.
    fn open(&self, labels: &[Label]) -> Vec<usize> {
        let mut settled = vec![None; self.problem.clusters().len()];
        let mut is_settled = |i: usize| {
            *settled[i].get_or_insert_with(|| {
                let cluster = &self.problem.clusters()[i];
                cluster.is_settled(&self.labels_in(i, labels))
            })
        };
        let mut matters =
            |k: usize| self.units.gains[k] != 0.0 || self.clusters_of[k].iter().any(|&i| !is_settled(i));
        (0..labels.len()).filter(|&k| labels[k].is_none() && matters(k)).collect()
    }

    fn labels_in(&self, cluster: usize, labels: &[Label]) -> Vec<Label> {
        self.problem.clusters()[cluster].units.iter().map(|&u| labels[self.units.point_of[u]]).collect()
    }

    /// The bound where clusters earn at most `most`.
    fn bound_of(&self, labels: &[Label], most: &[f64]) -> f64 {
        let gain = |(gain, label): (&f64, &Label)| match label {
            Some(treated) => {
                if *treated {
                    *gain
                } else {
                    0.0
                }
            }
            None => gain.max(0.0),
        };
        let of_units = self.units.gains.iter().zip(labels).map(gain).sum::<f64>();
        self.problem.linear().value_of_nobody() + of_units + most.iter().sum::<f64>()
    }

    /// Range of the height of a point over a box.
    fn heights(&self, sides: &[(f64, f64)], point: usize) -> (f64, f64) {
        let z = &self.units.z[point];
        let ends = self.varying.iter().zip(&sides[1..]).map(|(&j, (l, u))| {
            let (a, b) = (z[j] * l, z[j] * u);
            (a.min(b), a.max(b))
        });
        ends.fold((sides[0].0 - self.slack, sides[0].1 + self.slack), |(l, h), (a, b)| (l + a, h + b))
    }

    /// The side along which the open heights range furthest; none where all sides are too short.
    fn side_to_halve(&self, node: &Node, open: &[usize]) -> Option<usize> {
        let reach = |k: usize| match k {
            0 => open.len() as f64,
            _ => open.iter().map(|&point| self.units.z[point][self.varying[k - 1]].abs()).sum(),
        };
        let length = |k: usize| node.sides[k].1 - node.sides[k].0;
        let long = (0..node.sides.len()).filter(|&k| length(k) > SHORTEST);
        long.map(|k| (length(k) * reach(k), k)).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, k)| k)
    }

    fn halve(&mut self, node: &Node, k: usize) {
        let (low, high) = node.sides[k];
        let middle = low / 2.0 + high / 2.0;
        let mut halves: Vec<Node> = Vec::with_capacity(2);
        for half in [(low, middle), (middle, high)] {
            let mut sides = node.sides.clone();
            sides[k] = half;
            let (mut labels, mut most) = (node.labels.clone(), node.most.clone());
            let mut decided = Vec::new();
            for point in (0..labels.len()).filter(|&point| node.labels[point].is_none()) {
                let (lowest, highest) = self.heights(&sides, point);
                if lowest > 0.0 || highest < 0.0 {
                    labels[point] = Some(lowest > 0.0);
                    decided.extend_from_slice(&self.clusters_of[point]);
                }
            }
            let idle = if decided.is_empty() { node.idle + 1 } else { 0 };
            self.earn(&mut most, &labels, decided);
            let bound = self.bound_of(&labels, &most);
            halves.push(Node { sides, labels, most, bound, idle, patience: node.patience });
        }
        // The better half is searched first.
        halves.sort_by(|a, b| a.bound.total_cmp(&b.bound));
        self.stack.extend(halves.into_iter().filter(|half| half.bound > self.value));
    }

    /// Brings `most` of some clusters up to date.
    fn earn(&self, most: &mut [f64], labels: &[Label], mut clusters: Vec<usize>) {
        clusters.sort_unstable();
        clusters.dedup();
        for i in clusters {
            most[i] = self.problem.clusters()[i].most(&self.labels_in(i, labels));
        }
    }

    fn look_at_centre(&mut self, node: &Node) {
        let centre: Vec<f64> = node.sides.iter().map(|(l, u)| l / 2.0 + u / 2.0).collect();
        let mut b = vec![0.0; self.units.z[0].len()];
        self.varying.iter().zip(&centre[1..]).for_each(|(&j, v)| b[j] = *v);
        let height = |k: usize| centre[0] + self.units.z[k].iter().zip(&b).map(|(v, b)| v * b).sum::<f64>();
        let labels: Vec<Label> = (0..node.labels.len()).map(|k| Some(height(k) >= 0.0)).collect();
        let mut most = vec![0.0; node.most.len()];
        self.earn(&mut most, &labels, (0..node.most.len()).collect());
        if self.bound_of(&labels, &most) > self.to_beat() {
            self.offer(self.units.rule(centre[0], &b));
        }
    }

    fn offer(&mut self, rule: LinearRule) {
        let value = self.problem.objective(&rule);
        if value > self.value {
            (self.rule, self.value) = (rule, value);
        }
    }

    /// Searches the labels of `open` points, given those of `node`; whether that settles the box.
    fn settle(&mut self, node: &mut Node, open: &[usize], watch: &Watch) -> bool {
        let until = self.programs + PROGRAMS * node.patience as u64;
        let mut settling = Settling { open, until, watch, complete: true };
        self.label(&mut node.labels, &mut node.most, open, &mut settling);
        settling.complete
    }

    /// Decides the first of the points `left` both ways and goes on; at the end looks for a rule.
    fn label(&mut self, labels: &mut [Label], most: &mut [f64], left: &[usize], settling: &mut Settling) {
        if self.bound_of(labels, most) <= self.to_beat() {
            return;
        }
        if self.programs >= settling.until || settling.watch.stop().is_some() {
            settling.complete = false;
            return;
        }
        let Some((&point, rest)) = left.split_first() else {
            self.programs += 1;
            match self.rule_with(labels, settling.open) {
                Separation::Rule(rule) => self.offer(rule),
                Separation::None(_) => {}
                Separation::Unrepresentable => settling.complete = false,
            }
            return;
        };
        let before = most.to_vec();
        for treated in [true, false] {
            labels[point] = Some(treated);
            self.earn(most, labels, self.clusters_of[point].clone());
            self.label(labels, most, rest, settling);
            most.copy_from_slice(&before);
        }
        labels[point] = None;
    }

    /// A rule with the labels that are decided, or the proof that there is none: over few points first, which those that the rule gets
    /// wrong join.
    fn rule_with(&self, labels: &[Label], open: &[usize]) -> Separation {
        let x = &self.units.x;
        let of_side = |side: bool| (0..labels.len()).filter(move |&k| labels[k] == Some(side));
        let mut rows: Vec<usize> = open.to_vec();
        for side in [true, false] {
            if !rows.iter().any(|&k| labels[k] == Some(side)) {
                rows.extend(of_side(side).next());
            }
        }
        let bounds: Vec<(f64, f64)> =
            (0..x[0].len()).map(|j| if self.units.varies(j) { (-1.0, 1.0) } else { (0.0, 0.0) }).collect();
        loop {
            let points = |side: bool| -> Vec<&[f64]> {
                rows.iter().filter(|&&k| labels[k] == Some(side)).map(|&k| x[k]).collect()
            };
            let (treated, untreated) = (points(true), points(false));
            if treated.is_empty() || untreated.is_empty() {
                // Constant rules are known already.
                return Separation::None(Vec::new());
            }
            let rule = match separate(&treated, &untreated, self.units.scale(), &bounds) {
                Separation::Rule(rule) => rule,
                other => return other,
            };
            let wrong = |k: &usize| labels[*k].is_some_and(|side| rule.treats(x[*k]) != side);
            let height = |k: usize| {
                (rule.intercept + x[k].iter().zip(&rule.coefficients).map(|(v, b)| v * b).sum::<f64>()).abs()
            };
            let mut joining: Vec<(f64, usize)> =
                (0..labels.len()).filter(wrong).map(|k| (height(k), k)).collect();
            if joining.is_empty() {
                return Separation::Rule(rule);
            }
            joining.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            rows.extend(joining.iter().take(JOINING).map(|(_, k)| *k));
        }
    }
}
