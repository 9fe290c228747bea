//! One suite for every registered (problem, solver) pair: what a report says holds, whichever solver wrote it.
//!
//! The pairs come from the registry. A problem that is registered but not posed here, and a solver that takes none of a
//! problem's instances, fail the suite unless [`EXCLUDED`] names them with a reason.

use std::collections::BTreeSet;
use std::time::Instant;

use ndarray::Array2;
use prescribe::models::arm_clustering::ArmClustering;
use prescribe::models::arm_groups::Grouping;
use prescribe::models::arm_moments::Moments;
use prescribe::models::arm_partition::ArmPartition;
use prescribe::models::calibration::{Calibration, Discrepancy};
use prescribe::models::cluster_rule::{Cluster, ClusterProblem, Interaction};
use prescribe::models::concave_fusion::{Concave, ConcaveFusion};
use prescribe::models::conjunction_rule::{Conjunction, ConjunctionProblem, ConjunctionRule};
use prescribe::models::fused_lasso::{self, FusedLasso};
use prescribe::models::fused_loss::FusedLoss;
use prescribe::models::gain_regression::GainRegression;
use prescribe::models::leaf_utility::{Form, Joint, LeafProblem, LeafValue, shrunken};
use prescribe::models::linear_rule::{Linear, LinearProblem, LinearRule};
use prescribe::models::maximum_margin::MaximumMargin;
use prescribe::models::multi_linear_rule::{MultiLinear, MultiLinearProblem, MultiLinearRule};
use prescribe::models::outcome_loss::{Loss, Units};
use prescribe::models::table_rule::{Table, TableProblem};
use prescribe::models::tree_rule::{Candidates, Node, Tree, TreeProblem};
use prescribe::models::{
    AssignmentBound, MinimumArmInLeaf, Model, PolicyProblem, RuleClass, Sense, SideConstraint,
};
use prescribe::solve::{
    self, BoundProof, Control, Observer, Options, PrimalStatus, Progress, Promise, Report, Silent, Solvable,
    Solver, TerminationStatus,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// (problem, solver, reason) of pairs that are not run.
const EXCLUDED: &[(&str, &str, &str)] = &[];

/// (problem, solver, reason) of pairs whose answer may be worse than the start.
const START_MAY_BE_LOST: &[(&str, &str, &str)] = &[
    ("maximum_margin", "clarabel", "an interior-point method has no use for a start"),
    ("calibration", "clarabel", "an interior-point method has no use for a start"),
    ("fused_lasso", "clarabel", "an interior-point method has no use for a start"),
    ("gain_regression", "clarabel", "an interior-point method has no use for a start"),
    ("fused_loss", "clarabel", "an interior-point method has no use for a start"),
];

/// What the suite needs to know of a problem beyond its model.
trait Posed: Solvable<Point: PartialEq> {
    /// The type's name in the registry.
    const TYPE: &'static str;

    /// Instances that every exact solver closes in a blink, by name.
    fn instances() -> Vec<(&'static str, Self)>;

    /// An instance on which nothing is done in no time.
    fn large() -> Self;

    /// The objective, computed here.
    fn value(&self, point: &Self::Point) -> f64;
}

impl Posed for LinearProblem {
    const TYPE: &'static str = "LinearProblem";

    fn instances() -> Vec<(&'static str, Self)> {
        let pose = |x: Array2<f64>, gains: &[f64]| Self::from_gains(names("x", x.ncols()), x, gains).unwrap();
        let (x, gains) = (table(1, 30, 2, false), table(2, 30, 1, false));
        let (tied, few) = (table(3, 40, 2, true), table(4, 40, 1, true));
        vec![
            ("continuous", pose(x.clone(), gains.as_slice().unwrap())),
            ("tied", pose(tied, few.as_slice().unwrap())),
            ("nobody gains", pose(x.clone(), &[-1.0; 30])),
            ("everybody gains", pose(x.clone(), &[1.0; 30])),
            ("nothing at stake", pose(x, &[0.0; 30])),
            ("one point", pose(Array2::ones((5, 1)), &[1.0, -3.0, 1.0, 0.5, 0.25])),
            ("a constant covariate", {
                let mut x = table(5, 20, 2, false);
                x.column_mut(0).fill(7.0);
                pose(x, table(6, 20, 1, false).as_slice().unwrap())
            }),
            ("large numbers", {
                let x = table(7, 20, 2, false).mapv(|v| 1e6 + 1e3 * v);
                pose(x, table(8, 20, 1, false).mapv(|g| 1e5 * g).as_slice().unwrap())
            }),
        ]
    }

    fn large() -> Self {
        let x = table(9, 400, 4, false);
        Self::from_gains(names("x", 4), x, table(10, 400, 1, false).as_slice().unwrap()).unwrap()
    }

    fn value(&self, rule: &LinearRule) -> f64 {
        let height = |i: usize| -> f64 {
            let slopes = self.unit(i).iter().zip(&rule.coefficients).map(|(v, b)| v * b);
            rule.intercept + slopes.sum::<f64>()
        };
        (0..self.units()).map(|i| self.rewards()[[i, usize::from(height(i) >= 0.0)]]).sum()
    }
}

impl Posed for ClusterProblem {
    const TYPE: &'static str = "ClusterProblem";

    fn instances() -> Vec<(&'static str, Self)> {
        let unknown = |weight: f64, _: &[f64]| Interaction::Unknown { weight };
        let second =
            |weight: f64, _: &[f64]| Interaction::Polynomial { weight, order: 2, chances: vec![0.4; 4] };
        let anonymous = |_: f64, weights: &[f64]| Interaction::Anonymous { weights: weights.to_vec() };
        vec![
            ("unknown", clustered(table(61, 16, 2, false), unknown)),
            ("order 2", clustered(table(62, 12, 2, false), second)),
            ("anonymous", clustered(table(63, 12, 2, false), anonymous)),
            ("tied", clustered(table(64, 16, 2, true), anonymous)),
            (
                "nothing at stake",
                clustered(table(65, 12, 2, false), |_, _| Interaction::Unknown { weight: 0.0 }),
            ),
            ("one point", clustered(Array2::ones((8, 1)), anonymous)),
        ]
    }

    fn large() -> Self {
        clustered(table(66, 200, 4, false), |_, weights| Interaction::Anonymous { weights: weights.to_vec() })
    }

    /// Of the interactions that are posed here.
    fn value(&self, rule: &LinearRule) -> f64 {
        let treats = |u: usize| {
            let slopes = self.linear().unit(u).iter().zip(&rule.coefficients).map(|(v, b)| v * b);
            rule.intercept + slopes.sum::<f64>() >= 0.0
        };
        let value = |cluster: &Cluster| {
            let agrees: Vec<bool> =
                cluster.units.iter().zip(&cluster.received).map(|(&u, a)| treats(u) == *a).collect();
            let treated = |labels: &mut dyn Iterator<Item = bool>| labels.filter(|label| *label).count();
            match &cluster.interaction {
                Interaction::Unknown { weight } => weight * f64::from(agrees.iter().all(|agrees| *agrees)),
                Interaction::Polynomial { weight, chances, .. } => {
                    let rho = |j: usize| if agrees[j] { 1.0 / chances[j] - 1.0 } else { -1.0 };
                    let pairs = (0..4).flat_map(|j| (0..j).map(move |k| (j, k)));
                    let products: f64 = pairs.map(|(j, k)| rho(j) * rho(k)).sum();
                    weight * (1.0 + (0..4).map(rho).sum::<f64>() + products)
                }
                Interaction::Anonymous { weights } => {
                    let now = treated(&mut cluster.units.iter().map(|&u| treats(u)));
                    let same = now == treated(&mut cluster.received.iter().copied());
                    weights.iter().zip(&agrees).filter(|(_, agrees)| same && **agrees).map(|(w, _)| w).sum()
                }
            }
        };
        self.clusters().iter().map(value).sum()
    }
}

/// Clusters of four units in the order of the rows, with random treatments and weights.
fn clustered(x: Array2<f64>, of: impl Fn(f64, &[f64]) -> Interaction) -> ClusterProblem {
    let (n, p) = x.dim();
    let weights = table(67, n, 1, false).column(0).to_vec();
    let received = table(68, n, 1, false);
    let cluster = |units: Vec<usize>| Cluster {
        received: units.iter().map(|&u| received[[u, 0]] > 0.0).collect(),
        interaction: of(weights[units[0]], &units.iter().map(|&u| weights[u]).collect::<Vec<_>>()),
        joint_cost: Vec::new(),
        units,
    };
    let clusters = (0..n / 4).map(|i| cluster((4 * i..4 * i + 4).collect())).collect();
    let linear = LinearProblem::from_gains(names("x", p), x, &vec![0.0; n]).unwrap();
    ClusterProblem::new(linear, clusters).unwrap()
}

impl Posed for MultiLinearProblem {
    const TYPE: &'static str = "MultiLinearProblem";

    fn instances() -> Vec<(&'static str, Self)> {
        let x = table(31, 14, 2, false);
        vec![
            ("three arms", arms(x.clone(), table(32, 14, 3, false))),
            ("two arms", arms(x.clone(), table(33, 14, 2, false))),
            ("four arms", arms(table(34, 10, 1, false), table(35, 10, 4, false))),
            ("tied", arms(table(36, 20, 2, true), table(37, 20, 3, true))),
            ("nothing at stake", arms(x.clone(), Array2::ones((14, 3)))),
            ("one arm is best for all", {
                let mut rewards = table(38, 14, 3, false);
                rewards.column_mut(1).fill(2.0);
                arms(x, rewards)
            }),
            ("one point", arms(Array2::ones((4, 1)), table(39, 4, 3, false))),
            ("a constant covariate", {
                let mut x = table(40, 12, 2, false);
                x.column_mut(0).fill(7.0);
                arms(x, table(41, 12, 3, false))
            }),
            ("large numbers", {
                let x = table(42, 12, 2, false).mapv(|v| 1e6 + 1e3 * v);
                arms(x, table(43, 12, 3, false).mapv(|r| 1e5 * r))
            }),
        ]
    }

    fn large() -> Self {
        arms(table(44, 300, 4, false), table(45, 300, 3, false))
    }

    fn value(&self, rule: &MultiLinearRule) -> f64 {
        let height = |i: usize, k: usize| -> f64 {
            let slopes = self.unit(i).iter().zip(&rule.coefficients[k]).map(|(v, b)| v * b);
            rule.intercepts[k] + slopes.sum::<f64>()
        };
        let highest = |i: usize| {
            (1..self.arms.len()).fold(0, |best, k| if height(i, k) > height(i, best) { k } else { best })
        };
        (0..self.units()).map(|i| self.rewards()[[i, highest(i)]]).sum()
    }
}

impl Posed for TreeProblem {
    const TYPE: &'static str = "TreeProblem";

    fn instances() -> Vec<(&'static str, Self)> {
        let continuous = || (table(11, 25, 2, false), table(12, 25, 3, false));
        let tied = || (table(13, 40, 3, true), table(14, 40, 2, true));
        vec![
            ("a stump", tree(continuous(), 1, Candidates::All)),
            ("depth two", tree(continuous(), 2, Candidates::All)),
            ("depth two, tied", tree(tied(), 2, Candidates::All)),
            ("depth two, quantiles", tree(continuous(), 2, Candidates::Quantiles(4))),
            ("depth three, tied", tree((table(15, 8, 2, true), table(16, 8, 2, true)), 3, Candidates::All)),
            (
                "minimum leaf size",
                tree(continuous(), 2, Candidates::All).with(SideConstraint::MinimumLeafSize(5)).unwrap(),
            ),
            (
                "room for one leaf",
                tree(continuous(), 2, Candidates::All).with(SideConstraint::MinimumLeafSize(20)).unwrap(),
            ),
            (
                "received arms in leaves",
                tree(continuous(), 2, Candidates::All).with(received(25, 3, 2)).unwrap(),
            ),
            ("eligibility", tree(continuous(), 2, Candidates::All).with(first_barred(25, 3)).unwrap()),
            (
                "few covariates",
                tree(tied(), 2, Candidates::All).with(SideConstraint::MaximumCovariates(1)).unwrap(),
            ),
            (
                "few covariates, received arms, eligibility",
                [SideConstraint::MaximumCovariates(2), received(40, 2, 3), first_barred(40, 2)]
                    .into_iter()
                    .fold(tree(tied(), 2, Candidates::All), |problem, side| problem.with(side).unwrap()),
            ),
            ("nothing to split", tree((Array2::ones((4, 1)), table(17, 4, 2, false)), 2, Candidates::All)),
        ]
    }

    fn large() -> Self {
        tree((table(18, 300, 4, false), table(19, 300, 3, false)), 3, Candidates::Quantiles(10))
    }

    fn value(&self, rule: &Node) -> f64 {
        (0..self.units()).map(|i| self.rewards()[[i, arm_of(rule, self.unit(i))]]).sum()
    }
}

impl Posed for ConjunctionProblem {
    const TYPE: &'static str = "ConjunctionProblem";

    fn instances() -> Vec<(&'static str, Self)> {
        let x = table(101, 9, 2, false);
        vec![
            ("continuous", pairs(x.clone(), table(102, 9, 1, false))),
            ("tied", pairs(table(103, 16, 2, true), table(104, 16, 1, true))),
            ("intervals", pairs(table(105, 20, 1, false), table(106, 20, 1, false))),
            ("nobody gains", pairs(x.clone(), Array2::from_elem((9, 1), -1.0))),
            ("everybody gains", pairs(x.clone(), Array2::ones((9, 1)))),
            ("nothing at stake", pairs(x, Array2::zeros((9, 1)))),
            ("one point", pairs(Array2::ones((4, 1)), table(107, 4, 1, false))),
            ("large numbers", {
                let x = table(108, 9, 2, false).mapv(|v| 1e6 + 1e3 * v);
                pairs(x, table(109, 9, 1, false).mapv(|g| 1e5 * g))
            }),
        ]
    }

    fn large() -> Self {
        pairs(table(110, 300, 4, false), table(111, 300, 1, false))
    }

    fn value(&self, rule: &ConjunctionRule) -> f64 {
        let treats = |i: usize| {
            rule.both.iter().all(|rule| {
                let slopes = self.unit(i).iter().zip(&rule.coefficients).map(|(v, b)| v * b);
                rule.intercept + slopes.sum::<f64>() >= 0.0
            })
        };
        (0..self.units()).map(|i| self.rewards()[[i, usize::from(treats(i))]]).sum()
    }
}

impl Posed for LeafProblem {
    const TYPE: &'static str = "LeafProblem";

    fn instances() -> Vec<(&'static str, Self)> {
        let (raw, joint) = (LeafValue::Shrunken { lambda: 0.0, form: Form::N }, Joint::default());
        let proportional = LeafValue::Shrunken { lambda: 1.5, form: Form::P };
        let continuous = || table(71, 60, 2, false);
        vec![
            ("raw means", leaves(continuous(), 4, (1, Candidates::All), (1, raw))),
            ("shrunken means", leaves(continuous(), 4, (2, Candidates::Quantiles(6)), (3, proportional))),
            ("tied", leaves(table(72, 60, 3, true), 3, (2, Candidates::All), (5, proportional))),
            ("posterior means", leaves(continuous(), 6, (1, Candidates::All), (5, LeafValue::Joint(joint)))),
            (
                "evidence",
                leaves(continuous(), 6, (2, Candidates::Quantiles(4)), (5, LeafValue::Evidence(joint))),
            ),
            ("one point", leaves(Array2::ones((9, 1)), 3, (2, Candidates::All), (1, raw))),
        ]
    }

    fn large() -> Self {
        let joint = LeafValue::Joint(Joint::default());
        leaves(table(73, 400, 4, false), 8, (2, Candidates::All), (1, joint))
    }

    /// Shrunken means are taken again here; posterior means are held against conditioning in the models' own tests.
    fn value(&self, tree: &Node) -> f64 {
        let LeafValue::Shrunken { lambda, form } = self.value else { return self.objective(tree) };
        let mut leaves: Vec<(Vec<f64>, Vec<f64>, usize)> = Vec::new();
        let mut paths: Vec<Vec<bool>> = Vec::new();
        for i in 0..self.units() {
            let path = path_of(tree, self.unit(i));
            let l = paths.iter().position(|other| *other == path).unwrap_or_else(|| {
                paths.push(path);
                leaves.push((vec![0.0; self.arms()], vec![0.0; self.arms()], arm_of(tree, self.unit(i))));
                leaves.len() - 1
            });
            leaves[l].0[self.arm()[i]] += self.utility()[i];
            leaves[l].1[self.arm()[i]] += 1.0;
        }
        let worth = |(sums, counts, arm): &(Vec<f64>, Vec<f64>, usize)| {
            let mut means = vec![0.0; self.arms()];
            shrunken(sums, counts, lambda, &mut means);
            let received = self.arm().iter().filter(|k| *k == arm).count() as f64;
            let units = match form {
                Form::N => counts.iter().sum(),
                Form::P => counts[*arm] * self.units() as f64 / received,
            };
            units * means[*arm]
        };
        leaves.iter().map(worth).sum()
    }
}

impl Posed for TableProblem {
    const TYPE: &'static str = "TableProblem";

    fn instances() -> Vec<(&'static str, Self)> {
        let continuous = || (table(51, 25, 2, false), table(52, 25, 3, false));
        let tied = || (table(53, 40, 3, true), table(54, 40, 2, true));
        let budget =
            |units, arms| SideConstraint::Assignment(AssignmentBound::budget_share(units, arms, 0.3));
        vec![
            ("one question", tables(continuous(), 1, Candidates::All)),
            ("two questions", tables(continuous(), 2, Candidates::All)),
            ("two questions, tied", tables(tied(), 2, Candidates::All)),
            ("two questions, quantiles", tables(continuous(), 2, Candidates::Quantiles(4))),
            (
                "three questions, tied",
                tables((table(55, 12, 2, true), table(56, 12, 2, true)), 3, Candidates::All),
            ),
            (
                "minimum cell size",
                tables(continuous(), 2, Candidates::All).with(SideConstraint::MinimumLeafSize(5)).unwrap(),
            ),
            (
                "received arms in cells",
                tables(continuous(), 2, Candidates::All).with(received(25, 3, 2)).unwrap(),
            ),
            ("a budget", tables(tied(), 2, Candidates::All).with(budget(40, 2)).unwrap()),
            ("eligibility", tables(continuous(), 2, Candidates::All).with(first_barred(25, 3)).unwrap()),
            (
                "few covariates, a budget",
                [SideConstraint::MaximumCovariates(1), budget(25, 3)]
                    .into_iter()
                    .fold(tables(continuous(), 2, Candidates::Quantiles(5)), |problem, side| {
                        problem.with(side).unwrap()
                    }),
            ),
            ("nothing to ask", tables((Array2::ones((4, 1)), table(57, 4, 2, false)), 2, Candidates::All)),
        ]
    }

    fn large() -> Self {
        tables((table(58, 300, 4, false), table(59, 300, 3, false)), 3, Candidates::Quantiles(10))
    }

    fn value(&self, rule: &Node) -> f64 {
        (0..self.units()).map(|i| self.rewards()[[i, arm_of(rule, self.unit(i))]]).sum()
    }
}

impl Posed for MaximumMargin {
    const TYPE: &'static str = "MaximumMargin";

    fn instances() -> Vec<(&'static str, Self)> {
        vec![
            ("a line", margin(vec![vec![3.0], vec![5.0]], vec![vec![0.0], vec![-1.0]])),
            ("a plane", split(20, 40, 2)),
            ("four covariates", split(21, 60, 4)),
            ("inseparable", margin(vec![vec![0.0], vec![2.0]], vec![vec![1.0], vec![1.0]])),
        ]
    }

    fn large() -> Self {
        split(22, 400, 6)
    }

    fn value(&self, rule: &LinearRule) -> f64 {
        // The points are read back from the model's own JSON, so that nothing of its evaluation is shared.
        let data = serde_json::to_value(self).unwrap();
        let side = |name: &str, sign: f64| -> f64 {
            let points: Vec<Vec<f64>> = serde_json::from_value(data[name].clone()).unwrap();
            let height = |z: &Vec<f64>| {
                sign * (rule.intercept + z.iter().zip(&rule.coefficients).map(|(v, b)| v * b).sum::<f64>())
            };
            points.iter().map(height).fold(f64::INFINITY, f64::min)
        };
        side("treated", 1.0).min(side("untreated", -1.0))
    }
}

impl Posed for Calibration {
    const TYPE: &'static str = "Calibration";

    fn instances() -> Vec<(&'static str, Self)> {
        let pose = |gamma: f64| {
            let target = table(51, 1, 2, false).row(0).mapv(|t| 0.2 * t);
            Self::new(table(50, 40, 2, false), target, Discrepancy(gamma)).unwrap()
        };
        vec![
            ("empirical likelihood", pose(-1.0)),
            ("entropy", pose(0.0)),
            ("quadratic", pose(1.0)),
            ("bounded", pose(0.0).with_bounds(Some(0.2), Some(2.5)).unwrap()),
            (
                "base weights",
                pose(0.0).with_base(table(52, 40, 1, false).column(0).mapv(|b| 1.5 + b)).unwrap(),
            ),
        ]
    }

    fn large() -> Self {
        Self::new(table(53, 3000, 10, false), ndarray::Array1::from_elem(10, 0.05), Discrepancy(0.0)).unwrap()
    }

    fn value(&self, weights: &Vec<f64>) -> f64 {
        let gamma = self.discrepancy().0;
        let phi = |v: f64| match gamma {
            0.0 => v * v.ln(),
            -1.0 => -v.ln(),
            _ => (v.powf(gamma + 1.0) - 1.0) / gamma / (gamma + 1.0),
        };
        weights.iter().zip(self.base()).map(|(w, b)| weights.len() as f64 * b * phi(w / b)).sum()
    }
}

impl Posed for FusedLasso {
    const TYPE: &'static str = "FusedLasso";

    fn instances() -> Vec<(&'static str, Self)> {
        let plain = |moments, lambda| FusedLasso::plain(moments, lambda).unwrap();
        let limits = fused_lasso::pairs(6).map(|(a, b)| 0.1 * (b - a - 1) as f64).collect();
        vec![
            ("two arms", plain(sums(51, 2, 3, 10), 0.1)),
            ("eight arms", plain(sums(52, 8, 4, 12), 0.05)),
            ("one column", plain(sums(53, 5, 1, 10), 0.2)),
            ("no penalty", plain(sums(54, 4, 3, 10), 0.0)),
            ("all fused", plain(sums(55, 5, 3, 10), 100.0)),
            ("limits of pairs", FusedLasso::new(sums(56, 6, 3, 10), limits).unwrap()),
            ("arms with too few rows", {
                let mut moments = sums(57, 5, 4, 2);
                moments[2] = sums(58, 1, 4, 30).remove(0);
                plain(moments, 0.05)
            }),
            ("large numbers", plain(sums(59, 4, 2, 10).into_iter().map(enlarged).collect(), 1e4)),
        ]
    }

    fn large() -> Self {
        FusedLasso::plain(sums(60, 80, 6, 12), 0.01).unwrap()
    }

    fn value(&self, zeta: &Array2<f64>) -> f64 {
        let pairs = (0..zeta.nrows()).flat_map(|a| (a + 1..zeta.nrows()).map(move |b| (a, b)));
        let penalty = pairs.zip(self.limits()).map(|(pair, limit)| limit * apart(zeta, pair));
        half_squares(self.moments(), zeta) + penalty.sum::<f64>()
    }
}

impl Posed for FusedLoss {
    const TYPE: &'static str = "FusedLoss";

    fn instances() -> Vec<(&'static str, Self)> {
        let huber = |arms, lambda| losses(arms, Loss::Huber(0.4), lambda);
        vec![
            ("squares", losses(units(71, 5, 3, 10, false), Loss::Squared, 0.1)),
            ("two arms, binary", losses(units(72, 2, 2, 40, true), Loss::Logistic, 0.02)),
            ("eight arms, binary", losses(units(73, 8, 3, 40, true), Loss::Logistic, 0.01)),
            ("binary, separated alone", losses(units(74, 6, 3, 3, true), Loss::Logistic, 0.05)),
            ("all fused, binary", losses(units(75, 5, 3, 20, true), Loss::Logistic, 100.0)),
            ("eight arms, outliers", huber(units(76, 8, 4, 12, false), 0.05)),
            ("one column, outliers", huber(units(77, 5, 1, 10, false), 0.2)),
            ("outliers, no penalty", huber(units(78, 4, 3, 10, false), 0.0)),
        ]
    }

    fn large() -> Self {
        losses(units(79, 80, 6, 100, true), Loss::Logistic, 0.001)
    }

    fn value(&self, zeta: &Array2<f64>) -> f64 {
        let of = |y: f64, e: f64| match self.loss() {
            Loss::Squared => (y - e).powi(2) / 2.0,
            Loss::Logistic => (1.0 + e.exp()).ln() - y * e,
            Loss::Huber(d) if (y - e).abs() > d => d * (y - e).abs() - d * d / 2.0,
            Loss::Huber(_) => (y - e).powi(2) / 2.0,
        };
        let arm = |(arm, row): (&Units, ndarray::ArrayView1<f64>)| -> f64 {
            let fitted = arm.design.dot(&row);
            (0..fitted.len()).map(|i| arm.weights[i] * of(arm.outcome[i], arm.offset[i] + fitted[i])).sum()
        };
        let pairs = (0..zeta.nrows()).flat_map(|a| (a + 1..zeta.nrows()).map(move |b| (a, b)));
        let penalty = pairs.zip(self.limits()).map(|(pair, limit)| limit * apart(zeta, pair));
        self.arms().iter().zip(zeta.rows()).map(arm).sum::<f64>() + penalty.sum::<f64>()
    }
}

fn losses(arms: Vec<Units>, loss: Loss, lambda: f64) -> FusedLoss {
    let limits = vec![lambda; fused_lasso::pairs(arms.len()).count()];
    FusedLoss::new(arms, loss, limits).unwrap()
}

/// Arms of so many rows each, of two kinds, with weights and an offset; one outcome in ten far out, or all of them binary.
fn units(seed: u64, arms: usize, p: usize, rows: usize, binary: bool) -> Vec<Units> {
    let arm = |a: usize| {
        let x = table(seed * 1000 + a as u64, rows, p + 3, false);
        let design = Array2::from_shape_fn((rows, p), |(i, j)| if j == 0 { 1.0 } else { x[[i, j]] });
        let effect = if a.is_multiple_of(2) { 1.0 } else { -0.5 };
        let outcome = |i: usize| {
            let fit = effect * design.row(i).sum() + x[[i, p]];
            if binary { f64::from(u8::from(fit > 0.0)) } else { fit + if i % 10 == 3 { 8.0 } else { 0.0 } }
        };
        Units {
            outcome: (0..rows).map(outcome).collect(),
            offset: x.column(p + 1).mapv(|v| 0.3 * v).to_vec(),
            weights: x.column(p + 2).mapv(|v| (1.5 + v) / (1.5 * rows as f64)).to_vec(),
            design,
        }
    };
    (0..arms).map(arm).collect()
}

impl Posed for GainRegression {
    const TYPE: &'static str = "GainRegression";

    fn instances() -> Vec<(&'static str, Self)> {
        let gains = |seed: u64| table(seed, 40, 1, false).column(0).to_vec();
        let pose = |x: Array2<f64>, target: Vec<f64>| {
            let weights = table(90, 40, 1, false).column(0).mapv(|w| 1.0 + w).to_vec();
            Self::new(x, target, weights).unwrap()
        };
        vec![
            ("three covariates", pose(table(81, 40, 3, false), gains(82))),
            ("tied", pose(table(83, 40, 2, true), gains(84))),
            ("no noise", pose(table(85, 40, 2, false), vec![2.0; 40])),
            ("a constant covariate", {
                let mut x = table(86, 40, 2, false);
                x.column_mut(0).fill(0.1);
                pose(x, gains(87))
            }),
            ("large numbers", {
                let x = table(88, 40, 2, false).mapv(|v| 1e6 + 1e3 * v);
                pose(x, gains(89).into_iter().map(|t| 1e3 * t).collect())
            }),
            ("one unit", Self::new(Array2::ones((1, 2)), vec![3.0], vec![2.0]).unwrap()),
        ]
    }

    fn large() -> Self {
        let target = table(92, 20_000, 1, false).column(0).to_vec();
        Self::new(table(91, 20_000, 8, false), target, vec![1.0; 20_000]).unwrap()
    }

    fn value(&self, rule: &LinearRule) -> f64 {
        let fitted = self.x().dot(&ndarray::Array1::from(rule.coefficients.clone())) + rule.intercept;
        let rest = fitted.iter().zip(self.target()).map(|(fitted, t)| (t - fitted).powi(2));
        let squares: f64 = rest.zip(self.weights()).map(|(square, w)| w * square).sum();
        squares / (2.0 * self.weights().iter().sum::<f64>())
    }
}

/// Of the minimax concave penalty.
const LAMBDA: f64 = 0.3;

impl Posed for ConcaveFusion {
    const TYPE: &'static str = "ConcaveFusion";

    fn instances() -> Vec<(&'static str, Self)> {
        vec![
            ("two arms", mcp(sums(61, 2, 3, 10))),
            ("eight arms", mcp(sums(62, 8, 4, 12))),
            ("one column", mcp(sums(63, 5, 1, 10))),
        ]
    }

    fn large() -> Self {
        mcp(sums(64, 80, 6, 12))
    }

    fn value(&self, zeta: &Array2<f64>) -> f64 {
        let pairs = (0..zeta.nrows()).flat_map(|a| (a + 1..zeta.nrows()).map(move |b| (a, b)));
        let penalty = pairs.map(|pair| match apart(zeta, pair) {
            t if t < 3.0 * LAMBDA => LAMBDA * t - t * t / 6.0,
            _ => 1.5 * LAMBDA * LAMBDA,
        });
        half_squares(self.tangent(None).moments(), zeta) + penalty.sum::<f64>()
    }
}

fn mcp(moments: Vec<Moments>) -> ConcaveFusion {
    let weights = fused_lasso::pairs(moments.len()).map(|_| 1.0).collect();
    ConcaveFusion::new(moments, Concave::Mcp, LAMBDA, weights).unwrap()
}

/// `||zeta_a - zeta_b||_1`.
fn apart(zeta: &Array2<f64>, (a, b): (usize, usize)) -> f64 {
    (0..zeta.ncols()).map(|j| (zeta[[a, j]] - zeta[[b, j]]).abs()).sum()
}

fn half_squares(moments: &[Moments], zeta: &Array2<f64>) -> f64 {
    let arm = |(arm, row): (&Moments, ndarray::ArrayView1<f64>)| {
        arm.square / 2.0 - arm.cross.dot(&row) + row.dot(&arm.gram.dot(&row)) / 2.0
    };
    moments.iter().zip(zeta.rows()).map(arm).sum()
}

/// The sums of arms of so many rows each, of two kinds.
fn sums(seed: u64, arms: usize, p: usize, rows: usize) -> Vec<Moments> {
    let (x, noise) = (table(seed, arms * rows, p, false), table(seed + 1000, arms * rows, 1, false));
    let design = Array2::from_shape_fn(x.dim(), |(i, j)| if j == 0 { 1.0 } else { x[[i, j]] });
    let arm: Vec<usize> = (0..arms * rows).map(|i| i % arms).collect();
    let effect = |i: usize| if arm[i].is_multiple_of(2) { 1.0 } else { -0.5 };
    let outcome: Vec<f64> =
        (0..arms * rows).map(|i| effect(i) * design.row(i).sum() + 0.5 * noise[[i, 0]]).collect();
    Moments::by_arm(&design, &outcome, &vec![1.0 / rows as f64; arms * rows], &arm, arms)
}

/// Outcomes a thousand times as large, the last column a million times.
fn enlarged(mut arm: Moments) -> Moments {
    let last = arm.cross.len() - 1;
    arm.cross *= 1e3;
    arm.cross[last] *= 1e6;
    arm.square *= 1e6;
    arm.gram.row_mut(last).mapv_inplace(|v| v * 1e6);
    arm.gram.column_mut(last).mapv_inplace(|v| v * 1e6);
    arm
}

impl Posed for ArmPartition {
    const TYPE: &'static str = "ArmPartition";

    fn instances() -> Vec<(&'static str, Self)> {
        vec![
            ("one group", partition(51, 6, 2, 1)),
            ("three groups", partition(52, 10, 2, 3)),
            ("three columns", partition(53, 8, 3, 2)),
            ("a group for every arm", partition(54, 5, 2, 5)),
            ("more groups than arms", partition(55, 4, 2, 9)),
        ]
    }

    fn large() -> Self {
        partition(56, 40, 4, 4)
    }

    fn value(&self, of: &Vec<usize>) -> f64 {
        let groups: BTreeSet<usize> = of.iter().copied().collect();
        let residual = |group: usize| {
            let mut sums = Moments::zero(self.moments()[0].cross.len());
            (0..of.len()).filter(|a| of[*a] == group).for_each(|a| sums.add(&self.moments()[a]));
            sums.rss_at(&sums.fit())
        };
        groups.into_iter().map(residual).sum()
    }
}

impl Posed for ArmClustering {
    const TYPE: &'static str = "ArmClustering";

    fn instances() -> Vec<(&'static str, Self)> {
        let weighted = |seed, groups| {
            let weight = table(seed + 100, 20, 8, false).mapv(|w| w.abs());
            ArmClustering::weighted(table(seed, 20, 8, false).view(), weight.view(), groups).unwrap()
        };
        vec![
            ("one group", clustering(61, 6, 1)),
            ("three groups", clustering(62, 10, 3)),
            ("arms alike", ArmClustering::new(table(63, 3, 9, true).view(), None, None, 4).unwrap()),
            ("more groups than arms", clustering(64, 4, 9)),
            ("weighted cells", weighted(65, 3)),
        ]
    }

    fn large() -> Self {
        clustering(66, 60, 5)
    }

    fn value(&self, of: &Vec<usize>) -> f64 {
        let groups: BTreeSet<usize> = of.iter().copied().collect();
        let members = |group: usize| (0..of.len()).filter(|a| of[*a] == group).collect::<Vec<_>>();
        let cost = |group: usize| match self.points() {
            Some(points) => {
                let points = points.select(ndarray::Axis(0), &members(group));
                let centre = points.mean_axis(ndarray::Axis(0)).unwrap();
                (&points - &centre).mapv(|gap| gap * gap).sum()
            }
            None => self.cost_of(members(group)),
        };
        groups.into_iter().map(cost).sum()
    }
}

/// Arms fitted to 40 units.
fn clustering(seed: u64, arms: usize, groups: usize) -> ArmClustering {
    ArmClustering::new(table(seed, 40, arms, false).view(), None, None, groups).unwrap()
}

/// Arms of 12 units each.
fn partition(seed: u64, arms: usize, p: usize, groups: usize) -> ArmPartition {
    let (design, outcome) = (table(seed, 12 * arms, p, false), table(seed + 100, 12 * arms, 1, false));
    let arm: Vec<usize> = (0..12 * arms).map(|i| i / 12).collect();
    let weights = vec![1.0 / 12.0; 12 * arms];
    let outcome = outcome.as_slice().unwrap();
    ArmPartition::new(Moments::by_arm(&design, outcome, &weights, &arm, arms), groups).unwrap()
}

fn names(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|j| format!("{prefix}{j}")).collect()
}

/// Numbers in [-1, 1], or whole ones from -2 to 2.
fn table(seed: u64, n: usize, p: usize, whole: bool) -> Array2<f64> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    Array2::from_shape_fn((n, p), |_| match whole {
        true => f64::from(random.random_range(-2..=2)),
        false => random.random_range(-1.0..1.0),
    })
}

fn tree((x, rewards): (Array2<f64>, Array2<f64>), depth: usize, candidates: Candidates) -> TreeProblem {
    let class = Tree::over(&x, depth, candidates);
    TreeProblem::new(class, names("x", x.ncols()), names("arm", rewards.ncols()), x, rewards).unwrap()
}

/// The arm of the leaf that x falls into.
fn arm_of(node: &Node, x: &[f64]) -> usize {
    match node {
        Node::Leaf { arm } => *arm,
        Node::Split { covariate, threshold, left, right } => {
            arm_of(if x[*covariate] <= *threshold { left } else { right }, x)
        }
    }
}

/// A trial in which each unit received the next of the arms.
fn leaves(
    x: Array2<f64>,
    arms: usize,
    (depth, candidates): (usize, Candidates),
    least_and_value: (usize, LeafValue),
) -> LeafProblem {
    let n = x.nrows();
    let noise = table(74, n, 1, false);
    let arm: Vec<usize> = (0..n).map(|i| i % arms).collect();
    let utility = (0..n).map(|i| noise[[i, 0]] + x[[i, 0]] * (arm[i] as f64 - 1.0)).collect();
    LeafProblem::new(Tree::over(&x, depth, candidates), least_and_value, x, (arm, arms), utility).unwrap()
}

/// Left (true) and right turns of x on its way down.
fn path_of(node: &Node, x: &[f64]) -> Vec<bool> {
    match node {
        Node::Leaf { .. } => Vec::new(),
        Node::Split { covariate, threshold, left, right } => {
            let goes_left = x[*covariate] <= *threshold;
            [vec![goes_left], path_of(if goes_left { left } else { right }, x)].concat()
        }
    }
}

fn tables(data: (Array2<f64>, Array2<f64>), depth: usize, candidates: Candidates) -> TableProblem {
    let (x, rewards) = data;
    let class = Table { trees: Tree::over(&x, depth, candidates) };
    TableProblem::new(class, names("x", x.ncols()), names("arm", rewards.ncols()), x, rewards).unwrap()
}

/// Conjunctions over gains.
fn pairs(x: Array2<f64>, gains: Array2<f64>) -> ConjunctionProblem {
    let rewards = Array2::from_shape_fn((x.nrows(), 2), |(i, k)| if k == 1 { gains[[i, 0]] } else { 0.0 });
    ConjunctionProblem::new(Conjunction, names("x", x.ncols()), names("arm", 2), x, rewards).unwrap()
}

/// At least `least` units of every arm in each leaf, where they received the arms in turn.
fn received(n: usize, arms: usize, least: usize) -> SideConstraint {
    let received = (0..n).map(|i| i % arms).collect();
    SideConstraint::MinimumArmInLeaf(MinimumArmInLeaf { received, least })
}

/// A unit in ten may not get the first arm.
fn first_barred(n: usize, arms: usize) -> SideConstraint {
    SideConstraint::Eligibility(Array2::from_shape_fn((n, arms), |(i, k)| k > 0 || i % 10 > 0))
}

fn arms(x: Array2<f64>, rewards: Array2<f64>) -> MultiLinearProblem {
    let class = MultiLinear { arms: rewards.ncols() };
    MultiLinearProblem::new(class, names("x", x.ncols()), names("arm", rewards.ncols()), x, rewards).unwrap()
}

fn margin(treated: Vec<Vec<f64>>, untreated: Vec<Vec<f64>>) -> MaximumMargin {
    MaximumMargin::new(treated, untreated)
}

/// Points on the two sides of a hyperplane.
fn split(seed: u64, n: usize, p: usize) -> MaximumMargin {
    let points = table(seed, n, p, false);
    let rows = points.rows().into_iter().map(|x| x.to_vec());
    let (treated, untreated) = rows.partition(|x| x[0] + 0.5 * x[p - 1] > 0.1);
    margin(treated, untreated)
}

#[test]
fn every_registered_pair_conforms() {
    let mut suite = Suite::default();
    suite.problem::<LinearProblem>();
    suite.problem::<ClusterProblem>();
    suite.problem::<MultiLinearProblem>();
    suite.problem::<TreeProblem>();
    suite.problem::<LeafProblem>();
    suite.problem::<TableProblem>();
    suite.problem::<ConjunctionProblem>();
    suite.problem::<MaximumMargin>();
    suite.problem::<Calibration>();
    suite.problem::<FusedLasso>();
    suite.problem::<FusedLoss>();
    suite.problem::<GainRegression>();
    suite.problem::<ConcaveFusion>();
    suite.problem::<ArmPartition>();
    suite.problem::<ArmClustering>();
    let registered: BTreeSet<&str> = include_str!("../src/solve/registry.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("impl Solvable for "))
        .map(|rest| rest.trim_end_matches([' ', '{']))
        .collect();
    assert_eq!(registered, suite.posed, "every registered problem is posed here");
    assert!(EXCLUDED.iter().all(|(.., reason)| !reason.is_empty()));
}

#[derive(Default)]
struct Suite {
    posed: BTreeSet<&'static str>,
}

impl Suite {
    fn problem<M: Posed>(&mut self) {
        self.posed.insert(M::TYPE);
        let instances = M::instances();
        let mut taken: BTreeSet<&str> = BTreeSet::new();
        for (label, model) in &instances {
            let mut reports = Vec::new();
            for solver in M::solvers() {
                let pair =
                    Pair { what: format!("{} on {label} by {}", M::TYPE, solver.name()), model, solver };
                if let Ok(promise) = pair.solver.accepts(model) {
                    taken.insert(pair.solver.name());
                    reports.push((promise, pair.conforms(promise)));
                }
            }
            agree(label, model, &reports);
        }
        let model = M::large();
        for solver in M::solvers() {
            let name = solver.name();
            let excused =
                EXCLUDED.iter().any(|(problem, solver, _)| (*problem, *solver) == (model.name(), name));
            assert!(taken.contains(name) || excused, "{name} takes no instance of {}", M::TYPE);
            if solver.accepts(&model).is_ok() {
                Pair { what: format!("large {} by {name}", M::TYPE), model: &model, solver }.stops();
            }
        }
    }
}

/// Exact solvers agree with each other, and nobody does better.
fn agree<M: Posed>(label: &str, model: &M, reports: &[(Promise, Report<M::Point>)]) {
    let better = |a: f64, b: f64| if model.sense() == Sense::Maximize { a - b } else { b - a };
    let Some((_, exact)) = reports.iter().find(|(promise, _)| *promise == Promise::Exact) else { return };
    let best = exact.objective_value.unwrap();
    for (promise, report) in reports {
        let lead = better(report.objective_value.unwrap(), best);
        let slack = 1e-6 * best.abs().max(1.0);
        assert!(lead <= slack, "{label}: {} beats {} by {lead}", report.solver, exact.solver);
        if *promise == Promise::Exact {
            assert!(-lead <= slack, "{label}: {} is behind {} by {}", report.solver, exact.solver, -lead);
        }
    }
}

/// A solver on an instance.
struct Pair<'m, M: Posed> {
    what: String,
    model: &'m M,
    solver: Box<dyn Solver<M>>,
}

impl<M: Posed> Pair<'_, M> {
    fn solve(
        &self,
        start: Option<&M::Point>,
        options: &Options,
        observer: &dyn Observer,
    ) -> Report<M::Point> {
        let report = solve::solve(self.model, self.solver.as_ref(), start, options, observer)
            .unwrap_or_else(|error| panic!("{}: {error}", self.what));
        self.is_true(&report, options);
        report
    }

    /// Solves without limits, again in other circumstances, and from a start.
    fn conforms(&self, promise: Promise) -> Report<M::Point> {
        let options = Options::default();
        let report = self.solve(None, &options, &Silent);
        let what = &self.what;
        let finished = match promise {
            Promise::Exact => TerminationStatus::Optimal,
            Promise::Local | Promise::Heuristic => TerminationStatus::LocallySolved,
        };
        assert_eq!(report.termination_status, finished, "{what}: {:?}", report.certificate);
        assert_eq!(report.primal_status, PrimalStatus::FeasiblePoint, "{what}");
        assert_eq!(report.promise, promise, "{what}");

        for threads in [1, 4] {
            let again = self.solve(None, &Options { threads, ..options.clone() }, &Silent);
            assert_eq!(again.point, report.point, "{what}: the answer depends on {threads} threads");
            assert_eq!(again.objective_bound, report.objective_bound, "{what}");
            assert_eq!(again.nodes, report.nodes, "{what}");
        }
        let started = self.solve(report.point.as_ref(), &options, &Silent);
        self.no_worse(&started, &report);
        report
    }

    /// Stops in no time where told so, with the start where there is one.
    fn stops(&self) {
        let none = Options { time_limit: Some(0.0), ..Options::default() };
        let clock = Instant::now();
        let report = self.solve(None, &none, &Silent);
        // Prompt, by a margin that no busy machine uses up; without the limit the exact solvers take minutes.
        assert!(clock.elapsed().as_secs() < 20, "{}: {:?}", self.what, clock.elapsed());
        self.limited_or_done(&report, TerminationStatus::TimeLimit);

        let report = self.solve(None, &Options::default(), &AtOnce);
        self.limited_or_done(&report, TerminationStatus::Interrupted);

        let quick = M::starter().map(|solver| {
            solve::solve(self.model, solver.as_ref(), None, &Options::default(), &Silent).unwrap()
        });
        if let Some(quick) = quick {
            let started = self.solve(quick.point.as_ref(), &none, &Silent);
            self.no_worse(&started, &quick);
        }
    }

    fn limited_or_done(&self, report: &Report<M::Point>, limit: TerminationStatus) {
        let expected = [limit, TerminationStatus::Optimal, TerminationStatus::LocallySolved];
        assert!(
            expected.contains(&report.termination_status),
            "{}: {:?}",
            self.what,
            report.termination_status
        );
    }

    /// `report`, which started from the point of `before`, is at least as good.
    fn no_worse(&self, report: &Report<M::Point>, before: &Report<M::Point>) {
        let lost = |(problem, solver, _): &(&str, &str, &str)| {
            (*problem, *solver) == (self.model.name(), self.solver.name())
        };
        if START_MAY_BE_LOST.iter().any(lost) {
            return;
        }
        let (now, then) = (report.objective_value.unwrap(), before.objective_value.unwrap());
        assert!(self.lead(now, then) >= 0.0, "{}: {now} from a start of {then}", self.what);
    }

    /// By how much `a` is better than `b`.
    fn lead(&self, a: f64, b: f64) -> f64 {
        if self.model.sense() == Sense::Maximize { a - b } else { b - a }
    }

    /// Every statement of the report holds against the model.
    fn is_true(&self, report: &Report<M::Point>, options: &Options) {
        let (what, model) = (&self.what, self.model);
        assert_eq!((report.model.as_str(), report.solver.as_str()), (model.name(), self.solver.name()));
        assert_eq!((report.seed, report.threads), (options.random_seed, options.threads), "{what}");
        assert_eq!((&report.model_hash, &report.data_hash), (&model.model_hash(), &model.data_hash()));
        assert_eq!(report.sense, model.sense());
        assert!(!report.solver_version.is_empty());

        let certificate = &report.certificate;
        let passed = report.point.is_some() && certificate.checks.iter().all(|check| check.passed);
        assert_eq!(certificate.verified, passed, "{what}");
        for check in &certificate.checks {
            assert_eq!(check.passed, check.value <= check.tolerance, "{what}: {check:?}");
        }
        let status = report.termination_status;
        assert_eq!(certificate.verified, report.point.is_some(), "{what}: {status:?} {certificate:?}");
        assert_eq!(
            certificate.bound_proof == BoundProof::None,
            report.objective_bound.is_none(),
            "{what}: a bound and its proof come together"
        );

        assert_eq!(report.point.is_some(), report.primal_status != PrimalStatus::NoSolution, "{what}");
        assert_eq!(report.point.is_some(), report.objective_value.is_some(), "{what}");
        if let (Some(point), Some(value)) = (&report.point, report.objective_value) {
            let evaluated = model.value(point);
            let scale = evaluated.abs().max(1.0);
            assert!((value - evaluated).abs() <= 1e-9 * scale, "{what}: {value} reported, {evaluated} here");
            let broken = model.violations(point).iter().map(|v| v.amount).fold(0.0, f64::max);
            assert_eq!(
                report.primal_status == PrimalStatus::FeasiblePoint,
                broken <= 1e-6,
                "{what}: {broken}"
            );
            if let Some(bound) = report.objective_bound {
                assert!(self.lead(bound, value) >= 0.0, "{what}: bound {bound} on the wrong side of {value}");
            }
        }
        self.gaps_are_true(report);

        match report.termination_status {
            TerminationStatus::Optimal => {
                assert_eq!(report.promise, Promise::Exact, "{what}");
                let scale = report.objective_value.unwrap().abs().max(1.0);
                assert!(report.absolute_gap.unwrap() <= 1e-6 * scale, "{what}: {:?}", report.absolute_gap);
            }
            TerminationStatus::LocallySolved => {
                assert_eq!(report.primal_status, PrimalStatus::FeasiblePoint, "{what}")
            }
            TerminationStatus::Infeasible => assert!(report.point.is_none(), "{what}"),
            _ => {}
        }
        // What is not a number is null in JSON, and nothing else is lost on the way.
        let text = serde_json::to_value(report.clone().map_point(|_| ())).unwrap();
        for key in ["objective_value", "objective_bound", "absolute_gap", "solve_seconds", "cpu_seconds"] {
            assert!(text.get(key).is_some(), "{what}: no key {key}");
        }
    }

    /// The gaps are those of the formulas in `solve::report`.
    fn gaps_are_true(&self, report: &Report<M::Point>) {
        let gap =
            report.objective_value.zip(report.objective_bound).map(|(value, bound)| (bound - value).abs());
        assert_eq!(report.absolute_gap, gap, "{}", self.what);
        let gain = report
            .objective_value
            .zip(self.model.reference_value())
            .map(|(value, constant)| value - constant);
        let divisors = [
            (report.relative_gap, report.objective_value.map(f64::abs)),
            (report.gain_gap, gain.map(f64::abs)),
            (report.gap_per_unit, Some(self.model.units() as f64)),
        ];
        for (reported, divisor) in divisors {
            let expected = gap.zip(divisor).and_then(|(gap, divisor)| match (gap, divisor) {
                (0.0, _) => Some(0.0),
                (_, 0.0) => None,
                _ => Some(gap / divisor),
            });
            assert_eq!(reported, expected, "{}: {report:?}", self.what);
        }
    }
}

/// The observer that stops at the first chance.
struct AtOnce;

impl Observer for AtOnce {
    fn progress(&self, _progress: &Progress) -> Control {
        Control::Stop
    }

    fn wants_stop(&self) -> bool {
        true
    }
}

#[test]
fn linear_rules_refuse_a_minimum_leaf_size_by_name() {
    refuse_a_minimum_leaf_size::<Linear>();
    refuse_a_minimum_leaf_size::<MultiLinear>();
    refuse_a_minimum_leaf_size::<Conjunction>();
}

fn refuse_a_minimum_leaf_size<C: RuleClass>()
where
    PolicyProblem<C>: Posed,
{
    for (_, model) in <PolicyProblem<C> as Posed>::instances() {
        let model = model.with(SideConstraint::MinimumLeafSize(2)).unwrap();
        for solver in PolicyProblem::<C>::solvers() {
            let refusal = solver.accepts(&model).unwrap_err();
            assert!(refusal.to_string().contains("minimum_leaf_size"), "{refusal}");
            assert_eq!(refusal.solver, solver.name());
            assert!(solve::solve(&model, solver.as_ref(), None, &Options::default(), &Silent).is_err());
        }
    }
}

/// More units asked for in every leaf than there are.
#[test]
fn a_problem_without_a_feasible_rule_is_called_so() {
    let (_, model) = TreeProblem::instances().swap_remove(1);
    let model = model.with(SideConstraint::MinimumLeafSize(26)).unwrap();
    for solver in TreeProblem::solvers() {
        let report = solve::solve(&model, solver.as_ref(), None, &Options::default(), &Silent).unwrap();
        assert_eq!(report.termination_status, TerminationStatus::Infeasible, "{}", solver.name());
        assert_eq!(report.primal_status, PrimalStatus::NoSolution);
        assert_eq!((report.objective_value, report.objective_bound), (None, None));
    }
}

/// One unit may get nothing.
#[test]
fn a_problem_in_which_someone_may_get_nothing_is_called_so() {
    let (_, model) = TreeProblem::instances().swap_remove(1);
    let eligible = Array2::from_shape_fn((25, 3), |(i, _)| i > 0);
    let model = model.with(SideConstraint::Eligibility(eligible)).unwrap();
    for solver in TreeProblem::solvers().into_iter().filter(|solver| solver.accepts(&model).is_ok()) {
        let report = solve::solve(&model, solver.as_ref(), None, &Options::default(), &Silent).unwrap();
        assert_eq!(report.termination_status, TerminationStatus::Infeasible, "{}", solver.name());
        assert_eq!((report.objective_value, report.objective_bound), (None, None));
    }
}

/// A start that is no rule of the problem, as a file may hold it, does no harm.
#[test]
fn a_start_of_another_shape_is_ignored() {
    let (_, linear) = LinearProblem::instances().swap_remove(0);
    for coefficients in [vec![], vec![1.0; 3], vec![f64::NAN; 2]] {
        let start = LinearRule { intercept: 1.0, coefficients };
        for solver in LinearProblem::solvers() {
            let report =
                solve::solve(&linear, solver.as_ref(), Some(&start), &Options::default(), &Silent).unwrap();
            assert!(report.certificate.verified);
            assert_eq!(report.point.unwrap().coefficients.len(), 2);
        }
    }
    let (_, many) = MultiLinearProblem::instances().swap_remove(0);
    for (intercepts, coefficients) in [
        (vec![], vec![]),
        (vec![0.0; 3], vec![vec![1.0; 2]; 2]),
        (vec![0.0; 3], vec![vec![1.0], vec![1.0; 2], vec![1.0; 2]]),
        (vec![0.0, f64::NAN, 0.0], vec![vec![1.0; 2]; 3]),
    ] {
        let start = MultiLinearRule { intercepts, coefficients };
        for solver in MultiLinearProblem::solvers() {
            let report =
                solve::solve(&many, solver.as_ref(), Some(&start), &Options::default(), &Silent).unwrap();
            assert!(report.certificate.verified);
            assert_eq!(report.point.unwrap().coefficients.len(), 3);
        }
    }
    let (_, both) = ConjunctionProblem::instances().swap_remove(0);
    for coefficients in [vec![], vec![1.0; 3], vec![f64::NAN; 2]] {
        let start = ConjunctionRule::single(LinearRule { intercept: 1.0, coefficients });
        for solver in ConjunctionProblem::solvers() {
            let report =
                solve::solve(&both, solver.as_ref(), Some(&start), &Options::default(), &Silent).unwrap();
            assert!(report.certificate.verified);
            assert!(report.point.unwrap().both.iter().all(|rule| rule.coefficients.len() == 2));
        }
    }
    let (_, trees) = TreeProblem::instances().swap_remove(1);
    let leaf = |arm: usize| Node::Leaf { arm };
    for start in [Node::split(9, 0.0, leaf(0), leaf(1)), leaf(7), Node::split(0, 0.123, leaf(0), leaf(1))] {
        for solver in TreeProblem::solvers() {
            let report =
                solve::solve(&trees, solver.as_ref(), Some(&start), &Options::default(), &Silent).unwrap();
            assert!(report.certificate.verified);
            assert_eq!(report.primal_status, PrimalStatus::FeasiblePoint);
        }
    }
}
