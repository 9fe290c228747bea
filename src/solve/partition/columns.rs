//! Set partitioning with columns priced as needed, and branch and bound on pairs of arms.
//!
//! ```text
//! master    min sum_g RSS(g) z_g   s.t.   sum_{g contains a} z_g >= 1  (u_a >= 0),   sum_g z_g <= M  (v <= 0),   z >= 0
//! bound     sum_a u_a + M w,   w = min(0, min_g RSS(g) - sum_{a in g} u_a)          for any u >= 0
//! ```
//!
//! The bound holds for every M, so that one u bounds the partitions into other numbers of groups too ([`Line`]).
//!
//! RSS grows with the group, so covering an arm twice never pays and the rows may be inequalities. The master is a linear program for HiGHS;
//! `price` finds the missing groups, and its bound makes the second line hold whenever the search stops. A fractional master branches on two arms:
//! together (they become one) or apart (Ryan and Foster 1981).

use std::collections::BTreeMap;

use prescribe_models::arm_moments::Moments;
use prescribe_models::arm_partition::{ArmPartition, Partition, canonical, members};
use prescribe_models::{MixedIntegerProgram, Model, Row, Sense};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::super::highs::{self, solve_program};
use super::super::{
    Answer, BoundProof, Options, Promise, SolveError, Solver, TerminationStatus, Unsupported, Watch,
};
use super::price::{Pricing, Task, bits};
use super::{Merging, merging, refuse, usable};

/// Groups are the bits of one number.
pub const MOST_ARMS: usize = 64;
/// A gap of this share of max(1, incumbent) is closed: below the tolerance of the certificate.
const CLOSED: f64 = 5e-7;
/// Columns added in a round at most.
const ADDED: usize = 60;
/// Boxes that are searched for the best column where some column is known.
const ENOUGH: u64 = 2_000;
/// Share of the duals before in those at which columns are sought first.
const SMOOTHING: f64 = 0.7;
/// A master's column at this value or less is not used.
const UNUSED: f64 = 1e-7;

/// The solver by column generation.
#[derive(Clone, Copy, Debug)]
pub struct Columns;

/// Refuses more arms than a group has bits, and arms whose own fit is not unique: the search over coefficients needs it bounded.
pub(super) fn accepts(model: &ArmPartition) -> Result<Promise, Unsupported> {
    if model.arms() > MOST_ARMS {
        let part = format!("{} arms (at most {MOST_ARMS})", model.arms());
        return Err(refuse("columns", part, "use merging"));
    }
    match Pricing::new(model.moments()) {
        Some(_) => Ok(Promise::Exact),
        None => Err(refuse(
            "columns",
            "arms whose columns depend on each other".into(),
            "leave out the columns that do, or use subsets or merging",
        )),
    }
}

impl Solver<ArmPartition> for Columns {
    fn name(&self) -> &'static str {
        "columns"
    }

    fn version(&self) -> String {
        highs::version()
    }

    fn accepts(&self, model: &ArmPartition) -> Result<Promise, Unsupported> {
        accepts(model)
    }

    fn search(
        &self,
        model: &ArmPartition,
        start: Option<&Partition>,
        options: &Options,
        watch: &Watch,
    ) -> Result<Answer<Partition>, SolveError> {
        let merged = Merging.search(model, start, options, watch)?.point;
        let Some(best) = merged.or_else(|| usable(model, start).cloned()) else {
            return Err(SolveError::Backend { solver: "columns".into(), reason: "no start".into() });
        };
        let mut search = Search::new(model, best, options, watch);
        let bound = search.run()?;
        Ok(search.answer(bound))
    }
}

/// Partitions into M groups have an RSS of at least `level + M slope`, whatever M.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// sum_a u_a
    pub level: f64,
    /// w, at most 0.
    pub slope: f64,
}

impl Line {
    const STATISTIC: &'static str = "root_line";

    /// The line of a report of this solver.
    pub fn of(statistics: &Map<String, Value>) -> Option<Line> {
        statistics.get(Line::STATISTIC).and_then(|line| serde_json::from_value(line.clone()).ok())
    }

    pub fn at(self, groups: usize) -> f64 {
        self.level + groups as f64 * self.slope
    }
}

/// A part of the partitions: arms that are together, as bits, and which of these are apart.
struct Node {
    items: Vec<u64>,
    apart: Vec<u64>,
    bound: f64,
}

/// What a node's master came to.
struct Relaxed {
    bound: f64,
    /// Groups of items with their values.
    used: Vec<(u64, f64)>,
}

struct Search<'s> {
    model: &'s ArmPartition,
    options: &'s Options,
    watch: &'s Watch<'s>,
    best: Partition,
    value: f64,
    /// Groups of arms with their residual sums.
    columns: BTreeMap<u64, f64>,
    nodes: u64,
    rounds: u64,
    boxes: u64,
    root: Option<f64>,
    /// The best one of the root.
    line: Option<Line>,
}

impl<'s> Search<'s> {
    fn new(model: &'s ArmPartition, best: Partition, options: &'s Options, watch: &'s Watch<'s>) -> Self {
        let value = model.objective(&best);
        let columns = BTreeMap::new();
        let (nodes, rounds, boxes, root, line) = (0, 0, 0, None, None);
        let mut search =
            Self { model, options, watch, best, value, columns, nodes, rounds, boxes, root, line };
        search.add_groups();
        (0..model.arms()).for_each(|a| search.add(1 << a));
        search
    }

    fn add(&mut self, group: u64) {
        let rss = || self.model.rss(bits(group));
        self.columns.entry(group).or_insert_with(rss);
    }

    /// The incumbent's groups, and these with one arm more or less.
    fn add_groups(&mut self) {
        for group in members(&self.best) {
            let group = group.into_iter().fold(0_u64, |bits, a| bits | 1 << a);
            self.add(group);
            (0..self.model.arms())
                .map(|a| group ^ 1 << a)
                .filter(|near| *near != 0)
                .for_each(|near| self.add(near));
        }
    }

    /// What counts as a closed gap.
    fn closed(&self) -> f64 {
        let asked = self.options.mip_abs_gap.max(self.options.mip_rel_gap * self.value);
        asked.max(CLOSED * self.value.max(1.0))
    }

    /// Branches until the bound, which is returned, meets the incumbent or the time is over.
    fn run(&mut self) -> Result<f64, SolveError> {
        let arms = self.model.arms();
        let items = (0..arms).map(|a| 1 << a).collect();
        let mut open = vec![Node { items, apart: vec![0; arms], bound: self.model.trivial_bound() }];
        // The least bound of nodes that could not be branched.
        let mut left = f64::INFINITY;
        while let Some(next) = (0..open.len()).min_by(|a, b| open[*a].bound.total_cmp(&open[*b].bound)) {
            let over = self.options.mip_max_nodes.is_some_and(|most| self.nodes >= most);
            let floor = open[next].bound.min(left);
            self.watch.tell("columns", Some(self.value), Some(floor.min(self.value)), self.nodes);
            if floor >= self.value - self.closed() || self.watch.stop().is_some() || over {
                return Ok(floor.min(self.value));
            }
            let node = open.swap_remove(next);
            self.nodes += 1;
            let relaxed = self.relax(&node)?;
            self.root.get_or_insert(relaxed.bound);
            self.round_off(&node, &relaxed.used);
            if relaxed.bound >= self.value - self.closed() {
                left = left.min(relaxed.bound);
                continue;
            }
            match self.watch.stop().is_none().then(|| pair(&node, &relaxed.used)).flatten() {
                Some((a, b)) => open.extend(branches(&node, a, b, relaxed.bound)),
                None => left = left.min(relaxed.bound),
            }
        }
        Ok(left.min(self.value))
    }

    /// Solves a node's master by column generation, as far as the node needs it.
    fn relax(&mut self, node: &Node) -> Result<Relaxed, SolveError> {
        let p = self.model.moments()[0].cross.len();
        let arms = |item: &u64| bits(*item).map(|a| &self.model.moments()[a]);
        let moments: Vec<Moments> = node.items.iter().map(|item| Moments::pooled(p, arms(item))).collect();
        let mut relaxed = Relaxed { bound: node.bound, used: Vec::new() };
        let Some(pricing) = Pricing::new(&moments) else { return Ok(relaxed) };
        let most = self.model.groups() as f64;
        let mut smooth: Option<(Vec<f64>, f64)> = None;
        while self.watch.stop().is_none() {
            let Some((duals, ceiling, used)) = self.master(node)? else { break };
            self.rounds += 1;
            relaxed.used = used;
            let tolerance = 0.5 * CLOSED * self.value.max(1.0) / most;
            let task = Task { duals: &duals, conflicts: &node.apart, ceiling, tolerance, enough: ENOUGH };
            // A master's duals leap from round to round; between them and those before lie better columns.
            let (between, height) = match smooth {
                None => (duals.clone(), ceiling),
                Some((before, height)) => {
                    let mix = |old: f64, new: f64| SMOOTHING * old + (1.0 - SMOOTHING) * new;
                    (
                        before.iter().zip(&duals).map(|(old, new)| mix(*old, *new)).collect(),
                        mix(height, ceiling),
                    )
                }
            };
            let mut groups = pricing.descents(&Task { duals: &between, ceiling: height, ..task });
            groups.retain(|group, value| {
                *value += bits(*group).map(|item| between[item] - duals[item]).sum::<f64>();
                *value < ceiling - tolerance
            });
            smooth = Some((between, height));
            if groups.is_empty() {
                groups = pricing.descents(&task);
            }
            if groups.is_empty() {
                let priced = pricing.search(&task, self.watch);
                self.boxes += priced.boxes;
                let line = Line { level: duals.iter().sum(), slope: priced.bound.min(0.0) };
                let bound = line.at(self.model.groups());
                let better = bound > relaxed.bound;
                relaxed.bound = relaxed.bound.max(bound);
                groups = priced.groups;
                if self.nodes == 1 {
                    self.line = if better { Some(line) } else { self.line };
                    self.watch.tell("columns", Some(self.value), Some(relaxed.bound.min(self.value)), 1);
                }
            }
            if groups.is_empty() || relaxed.bound >= self.value - self.closed() {
                break;
            }
            let mut groups: Vec<(u64, f64)> = groups.into_iter().collect();
            groups.sort_by(|a, b| a.1.total_cmp(&b.1));
            let best = groups.into_iter().take(ADDED);
            best.for_each(|(group, _)| self.add(bits(group).fold(0, |arms, item| arms | node.items[item])));
        }
        Ok(relaxed)
    }

    /// The master over the columns that the node allows: u, v and the groups of items that are used; none where it was interrupted.
    #[expect(clippy::type_complexity, reason = "read at one place")]
    fn master(&self, node: &Node) -> Result<Option<(Vec<f64>, f64, Vec<(u64, f64)>)>, SolveError> {
        let mut program = MixedIntegerProgram::new("master", Sense::Minimize);
        let mut rows = vec![Vec::new(); node.items.len() + 1];
        let mut groups = Vec::new();
        for (group, cost) in self.columns.iter().filter_map(|(arms, rss)| Some((node.group(*arms)?, *rss))) {
            let column = program.continuous(format!("{group}"), 0.0, f64::INFINITY, cost);
            bits(group).chain([node.items.len()]).for_each(|row| rows[row].push((column, 1.0)));
            groups.push(group);
        }
        // Where the columns do not suffice yet, an arm is covered at more than any partition costs.
        let dear = 2.0 * self.model.reference_value().unwrap_or(0.0) + 1.0;
        for (item, row) in rows.iter_mut().enumerate().take(node.items.len()) {
            row.push((program.continuous(format!("uncovered{item}"), 0.0, f64::INFINITY, dear), 1.0));
        }
        let limit = rows.pop().unwrap_or_default();
        let covers = rows.into_iter().enumerate();
        program.rows = covers.map(|(item, terms)| Row::at_least(format!("item{item}"), 1.0, terms)).collect();
        program.rows.push(Row::at_most("groups", self.model.groups() as f64, limit));
        let outcome = solve_program(&program, None, &Options::default(), self.watch, "columns")?;
        let (Some(mut duals), Some(values)) = (outcome.row_duals, outcome.columns) else { return Ok(None) };
        let ceiling = duals.pop().unwrap_or(0.0).min(0.0);
        duals.iter_mut().for_each(|dual| *dual = dual.max(0.0));
        let used = groups.into_iter().zip(values).filter(|(_, value)| *value > UNUSED).collect();
        Ok(Some((duals, ceiling, used)))
    }

    /// A partition from the groups that a master uses, the fullest first, improved by exchanges.
    fn round_off(&mut self, node: &Node, used: &[(u64, f64)]) {
        let mut order: Vec<&(u64, f64)> = used.iter().collect();
        order.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let last = self.model.groups() - 1;
        let mut of = vec![last; self.model.arms()];
        let mut taken = 0_u64;
        for (g, (group, _)) in order.into_iter().take(last).enumerate() {
            let arms = bits(*group).fold(0, |arms, item| arms | node.items[item]) & !taken;
            taken |= arms;
            bits(arms).for_each(|a| of[a] = g);
        }
        let of = merging::exchanged(self.model, self.model.groups(), canonical(&of), self.watch);
        let value = self.model.objective(&of);
        if value < self.value {
            (self.best, self.value) = (of, value);
            self.add_groups();
        }
    }

    fn answer(self, bound: f64) -> Answer<Partition> {
        let proved = bound >= self.value - self.closed();
        let over = self.options.mip_max_nodes.is_some_and(|most| self.nodes >= most);
        let mut statistics = Map::new();
        statistics.insert("columns".into(), json!(self.columns.len()));
        statistics.insert("rounds".into(), json!(self.rounds));
        statistics.insert("boxes".into(), json!(self.boxes));
        statistics.insert("root_bound".into(), json!(self.root));
        statistics.insert(Line::STATISTIC.into(), json!(self.line));
        Answer {
            point: Some(self.best),
            claimed: Some(self.value),
            bound: Some((bound, BoundProof::Dual)),
            termination: match (proved, over) {
                (true, _) => TerminationStatus::Optimal,
                (false, true) => TerminationStatus::NodeLimit,
                _ => self.watch.termination(),
            },
            raw_status: if proved { "the bound meets the incumbent" } else { "stopped" }.into(),
            nodes: Some(self.nodes),
            iterations: Some(self.rounds),
            statistics,
        }
    }
}

impl Node {
    /// A group of arms as items; none where it parts an item or joins two that are apart.
    fn group(&self, arms: u64) -> Option<u64> {
        let mut group = 0;
        for (i, item) in self.items.iter().enumerate() {
            match arms & item {
                0 => {}
                inside if inside == *item => group |= 1 << i,
                _ => return None,
            }
        }
        bits(group).all(|i| self.apart[i] & group == 0).then_some(group)
    }
}

/// The two items about which the master is least decided.
fn pair(node: &Node, used: &[(u64, f64)]) -> Option<(usize, usize)> {
    let together = |a: usize, b: usize| {
        let both = used.iter().filter(|(group, _)| group >> a & 1 == 1 && group >> b & 1 == 1);
        both.map(|(_, value)| *value).sum::<f64>()
    };
    let pairs = (0..node.items.len()).flat_map(|a| (0..a).map(move |b| (b, a)));
    let open = pairs.map(|(a, b)| ((together(a, b) - 0.5).abs(), (a, b)));
    open.filter(|(off, _)| *off < 0.5 - 1e-6).min_by(|x, y| x.0.total_cmp(&y.0)).map(|(_, pair)| pair)
}

/// The node with items a < b together, and apart.
fn branches(node: &Node, a: usize, b: usize, bound: f64) -> [Node; 2] {
    let mut apart = Node { items: node.items.clone(), apart: node.apart.clone(), bound };
    apart.apart[a] |= 1 << b;
    apart.apart[b] |= 1 << a;
    let mut together = Node { items: node.items.clone(), apart: node.apart.clone(), bound };
    together.items[a] |= together.items.remove(b);
    let lost = together.apart.remove(b);
    together.apart[a] |= lost;
    // The bits above b move down, and b's become a's.
    let low = (1_u64 << b) - 1;
    for rivals in &mut together.apart {
        let joined = (*rivals >> b & 1) << a;
        *rivals = *rivals & low | (*rivals >> 1) & !low | joined;
    }
    [together, apart]
}
