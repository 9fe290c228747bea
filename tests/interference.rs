//! Rules under interference within clusters, against the oracle (tests/oracles/interference) and against every treatment vector.

mod common;

use common::{columns, file, numbers};
use ndarray::Array2;
use prescribe::interference::{
    Clusters, Costs, Effects, Interference, cluster_regression, few_clusters, gains, influence,
};
use prescribe::models::arm_moments::solve_semidefinite;
use prescribe::models::linear_rule::LinearProblem;
use prescribe::solve::{self, Chosen, Options, Silent, TerminationStatus};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

struct Oracle {
    clusters: Clusters,
    x: Array2<f64>,
    fold: Vec<usize>,
    expected: Value,
}

fn oracle() -> Oracle {
    let table = numbers("tests/oracles/interference/ds1_logit_A.csv");
    let column = |name: &str| columns(&table, name).1.column(0).to_vec();
    let mut members: Vec<Vec<usize>> = Vec::new();
    for (u, cluster) in column("cluster").iter().enumerate() {
        let at = *cluster as usize - 1;
        members.resize(members.len().max(at + 1), Vec::new());
        members[at].push(u);
    }
    let expected = std::fs::read_to_string(file("tests/oracles/interference/expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&expected).unwrap();
    Oracle {
        fold: members.iter().map(|units| column("fold")[units[0]] as usize).collect(),
        x: columns(&table, "X").1,
        clusters: Clusters {
            members,
            treated: column("A").iter().map(|a| *a == 1.0).collect(),
            propensity: column("propensity"),
            outcome: column("Y"),
        },
        expected: expected["datasets"]["ds1_logit_A"].clone(),
    }
}

impl Oracle {
    fn fixed(&self) -> Effects {
        let mean = |j: usize| self.clusters.means(|u| self.x[[u, j]]);
        let (second, third) = (mean(1), mean(2));
        let mut effect = vec![0.0; self.clusters.units()];
        for units in &self.clusters.members {
            for &u in units {
                effect[u] = (0.5 + 0.4 * self.x[[u, 0]] - 0.2 * self.x[[u, 2]]) / units.len() as f64;
            }
        }
        let baseline = second.iter().zip(&third).map(|(x2, x3)| 0.1 + 0.2 * x2 + 0.3 * x3).collect();
        Effects { baseline, effect }
    }

    fn assignment(&self, policy: &str) -> Vec<bool> {
        let treats = |x: ndarray::ArrayView1<f64>| match policy {
            "linear" => 0.2 + x[0] - 0.5 * x[1] + 0.3 * x[2] + 0.8 * x[3] >= 0.0,
            "tree" if x[0] >= 0.0 => x[3] >= -0.5,
            "tree" => x[2] >= 0.5,
            _ => false,
        };
        self.x.rows().into_iter().map(treats).collect()
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[test]
fn estimators_equal_the_oracle() {
    let oracle = oracle();
    let clusters = &oracle.clusters;
    let together = vec![0; clusters.count()];
    let (fixed, ols, crossfit) = (
        oracle.fixed(),
        cluster_regression(clusters, oracle.x.view(), &together),
        cluster_regression(clusters, oracle.x.view(), &oracle.fold),
    );
    let estimators = [
        ("IPW", Interference::Unknown, None),
        ("addIPW", Interference::Additive, None),
        ("poly2", Interference::Polynomial(2), None),
        ("poly3", Interference::Polynomial(3), None),
        ("anon", Interference::Anonymous, None),
        ("none", Interference::None, None),
        ("addDR_fixed", Interference::Additive, Some(&fixed)),
        ("addDR_ols", Interference::Additive, Some(&ols)),
        ("addDR_crossfit", Interference::Additive, Some(&crossfit)),
    ];
    for policy in ["linear", "tree", "nobody"] {
        let expected = &oracle.expected["policies"][policy];
        for (name, interference, effects) in estimators {
            let psi = influence(clusters, interference, effects, &oracle.assignment(policy)).psi;
            let (value, n) = (mean(&psi), psi.len() as f64);
            let error = (psi.iter().map(|psi| (psi - value).powi(2)).sum::<f64>() / (n - 1.0) / n).sqrt();
            for (found, of) in [(value, "value"), (error, "se_cluster")] {
                let truth = expected[of][name].as_f64().unwrap();
                assert!((found - truth).abs() < 1e-10, "{policy} {name} {of}: {found} {truth}");
            }
        }
    }
}

#[test]
fn the_best_linear_rules_equal_the_oracle() {
    let oracle = oracle();
    let clusters = &oracle.clusters;
    let fixed = oracle.fixed();
    let cases = [
        ("addIPW", Interference::Additive, None, 0.0),
        ("addIPW_cost0.2", Interference::Additive, None, 0.2),
        ("addDR_fixed", Interference::Additive, Some(&fixed), 0.0),
        ("none", Interference::None, None, 0.0),
    ];
    for (name, interference, effects, cost) in cases {
        let nobody = mean(&influence(clusters, interference, effects, &vec![false; clusters.units()]).psi);
        let mut gains = gains(clusters, interference, effects).unwrap();
        for units in &clusters.members {
            units.iter().for_each(|&u| gains[u] -= cost / units.len() as f64);
        }
        gains.iter_mut().for_each(|gain| *gain /= clusters.count() as f64);
        for (covariates, objective) in [(4, "objective_intercept_X1_X4"), (2, "objective_intercept_X1_X2")] {
            let names: Vec<String> = (1..=covariates).map(|j| format!("X{j}")).collect();
            let x = oracle.x.slice(ndarray::s![.., ..covariates]).to_owned();
            let problem = LinearProblem::from_gains(names, x, &gains).unwrap();
            let solver = Chosen::of("directions", Default::default()).unwrap();
            let report =
                solve::solve_explained(&problem, &solver, None, &Options::default(), &Silent).unwrap();
            assert_eq!(report.termination_status, TerminationStatus::Optimal);
            let truth = oracle.expected["optimal_linear"][name][objective].as_f64().unwrap();
            let found = nobody + report.objective_value.unwrap();
            assert!(
                (found - truth).abs() < 1e-9 && report.certificate.verified,
                "{name} {objective}: {found} {truth}"
            );
        }
    }
}

/// Leaving out by the identity of Sherman and Morrison: g_(-i) = g - G^-1 x_i e_i / (1 - h_i), and the residual is e_i / (1 - h_i).
#[test]
fn the_error_for_few_clusters_is_that_of_residuals_without_the_cluster() {
    let Oracle { clusters, x, .. } = &oracle();
    let n = clusters.count();
    let assignment = oracle().assignment("linear");
    let features = |assignment: &[bool]| {
        let treated = |u: usize| f64::from(u8::from(assignment[u]));
        let mut columns = vec![vec![1.0; n]];
        columns.extend((0..4).map(|j| clusters.means(|u| x[[u, j]])));
        columns.push(clusters.means(treated));
        columns.extend((0..4).map(|j| clusters.means(|u| treated(u) * x[[u, j]])));
        Array2::from_shape_fn((n, 10), |(i, j)| columns[j][i])
    };
    let (received, ruled) = (features(&clusters.treated), features(&assignment));
    let gram = received.t().dot(&received);
    let y = ndarray::Array1::from(clusters.means(|u| clusters.outcome[u]));
    let b = solve_semidefinite(&gram, &received.t().dot(&y));
    let weights = influence(clusters, Interference::Additive, None, &assignment).weights;
    let costs = vec![0.25; clusters.units()];
    let share = clusters.means(|u| f64::from(u8::from(assignment[u])));
    let (mut psi, mut star) = (Vec::new(), Vec::new());
    for i in 0..n {
        let (row, rule) = (received.row(i).to_owned(), ruled.row(i));
        let pulled = solve_semidefinite(&gram, &row);
        let residual = (y[i] - row.dot(&b)) / (1.0 - row.dot(&pulled));
        let without = &b - &(&pulled * residual);
        psi.push(rule.dot(&without) + weights[i] * residual - 0.25 * share[i]);
        star.push(rule.dot(&b) + weights[i] * residual - 0.25 * share[i]);
    }
    let fold: Vec<usize> = (0..n).collect();
    let outside = cluster_regression(clusters, x.view(), &fold);
    let together = cluster_regression(clusters, x.view(), &vec![0; n]);
    let found = few_clusters(clusters, &outside, &together, &assignment, Costs::of_units(&costs));
    let centre = mean(&star);
    let error = (star.iter().map(|v| (v - centre).powi(2)).sum::<f64>() / (n as f64 - 1.0) / n as f64).sqrt();
    assert!((found.estimate - mean(&psi)).abs() < 1e-10 && (found.standard_error - error).abs() < 1e-10);
    let [lower, upper] = found.interval;
    assert!(((lower + upper) / 2.0 - found.estimate).abs() < 1e-12 && upper - lower > 2.0 * 1.96 * error);
}

/// A cluster of up to five units with random propensities, and a mean outcome of each treatment vector in which sets of at most `order`
/// treated units count.
struct Small {
    propensity: Vec<f64>,
    /// What a set of treated units (bits) adds to the mean outcome of each unit (unit, set).
    add: Vec<Vec<f64>>,
}

impl Small {
    fn draw(units: usize, order: usize, seed: u64) -> Small {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let propensity = (0..units).map(|_| random.random_range(0.1..0.9)).collect();
        let mut add = vec![vec![0.0; 1 << units]; units];
        for unit in &mut add {
            for (set, value) in unit.iter_mut().enumerate() {
                let size = set.count_ones() as usize;
                *value = if size <= order { random.random_range(-1.0..1.0) } else { 0.0 };
            }
        }
        Small { propensity, add }
    }

    fn outcomes(&self, treated: usize) -> Vec<f64> {
        let inside = |set: &usize| set & !treated == 0;
        self.add.iter().map(|add| (0..add.len()).filter(inside).map(|set| add[set]).sum()).collect()
    }

    fn chance(&self, treated: usize) -> f64 {
        let of = |(u, p): (usize, &f64)| if treated >> u & 1 == 1 { *p } else { 1.0 - p };
        self.propensity.iter().enumerate().map(of).product()
    }

    fn clusters(&self, treated: usize, propensity: Vec<f64>) -> Clusters {
        let units = self.propensity.len();
        Clusters {
            members: vec![(0..units).collect()],
            treated: bits(treated, units),
            propensity,
            outcome: self.outcomes(treated),
        }
    }

    /// The mean of the influence value of a policy over all treatment vectors.
    fn expected(
        &self,
        interference: Interference,
        effects: Option<&Effects>,
        policy: usize,
        propensity: &[f64],
    ) -> f64 {
        let units = self.propensity.len();
        let psi = |treated: usize| {
            let clusters = self.clusters(treated, propensity.to_vec());
            influence(&clusters, interference, effects, &bits(policy, units)).psi[0]
        };
        (0..1 << units).map(|treated| self.chance(treated) * psi(treated)).sum()
    }

    fn truth(&self, policy: usize) -> f64 {
        mean(&self.outcomes(policy))
    }
}

fn bits(set: usize, units: usize) -> Vec<bool> {
    (0..units).map(|u| set >> u & 1 == 1).collect()
}

#[test]
fn estimators_are_unbiased_under_their_models() {
    for seed in 0..20 {
        for units in 1..=5 {
            for order in 0..=units {
                let small = Small::draw(units, order, seed * 100 + units as u64 * 10 + order as u64);
                for policy in 0..1 << units {
                    let truth = small.truth(policy);
                    let expected =
                        |interference| small.expected(interference, None, policy, &small.propensity);
                    let off = |interference| (expected(interference) - truth).abs();
                    assert!(off(Interference::Unknown) < 1e-11);
                    assert!(off(Interference::Polynomial(order)) < 1e-11, "{units} units, order {order}");
                    if order <= 1 {
                        assert!(off(Interference::Additive) < 1e-11);
                    }
                    // All of a cluster is unknown interference.
                    let whole = expected(Interference::Polynomial(units));
                    assert!((whole - expected(Interference::Unknown)).abs() < 1e-11);
                }
            }
        }
    }
}

/// Outcomes that depend on the number of other treated units only.
#[test]
fn anonymous_interference_is_unbiased_under_anonymity() {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    for units in 1..=5_usize {
        let propensity: Vec<f64> = (0..units).map(|_| random.random_range(0.1..0.9)).collect();
        let table: Vec<Vec<f64>> =
            (0..units).map(|_| (0..2 * units).map(|_| random.random_range(-1.0..1.0)).collect()).collect();
        let outcomes = |treated: usize| -> Vec<f64> {
            let own = |u: usize| treated >> u & 1;
            let others = |u: usize| treated.count_ones() as usize - own(u);
            (0..units).map(|u| table[u][own(u) * units + others(u)]).collect()
        };
        for policy in 0..1 << units {
            let mut expected = 0.0;
            for treated in 0..1 << units {
                let clusters = Clusters {
                    members: vec![(0..units).collect()],
                    treated: bits(treated, units),
                    propensity: propensity.clone(),
                    outcome: outcomes(treated),
                };
                let of = |(u, p): (usize, &f64)| if treated >> u & 1 == 1 { *p } else { 1.0 - p };
                let chance: f64 = propensity.iter().enumerate().map(of).product();
                let found = influence(&clusters, Interference::Anonymous, None, &bits(policy, units));
                expected += chance * found.psi[0];
            }
            assert!((expected - mean(&outcomes(policy))).abs() < 1e-11, "{units} units, policy {policy:b}");
        }
    }
}

/// Right propensities and wrong outcome models, and the other way round; with both wrong it is biased.
#[test]
fn the_doubly_robust_estimator_is_robust_in_both_directions() {
    let mut biased = 0;
    for seed in 0..50 {
        let units = 1 + seed as usize % 5;
        let small = Small::draw(units, 1, seed);
        let mean_of = |set: usize| small.add.iter().map(|add| add[set]).sum::<f64>() / units as f64;
        let right =
            Effects { baseline: vec![mean_of(0)], effect: (0..units).map(|u| mean_of(1 << u)).collect() };
        let wrong = Effects { baseline: vec![0.3], effect: vec![-0.2; units] };
        let skewed: Vec<f64> = small.propensity.iter().map(|p| 0.8 * p + 0.15).collect();
        for policy in 0..1 << units {
            let off = |effects: &Effects, propensity: &[f64]| {
                (small.expected(Interference::Additive, Some(effects), policy, propensity)
                    - small.truth(policy))
                .abs()
            };
            assert!(off(&wrong, &small.propensity) < 1e-11 && off(&right, &skewed) < 1e-11);
            biased += usize::from(off(&wrong, &skewed) > 1e-3);
        }
    }
    assert!(biased > 100, "{biased}");
}

#[test]
fn a_large_cluster_has_a_weight() {
    let units = 200;
    let clusters = Clusters {
        members: vec![(0..units).collect(), vec![units]],
        treated: vec![true; units + 1],
        propensity: vec![0.01; units + 1],
        outcome: vec![1.0; units + 1],
    };
    let psi = influence(&clusters, Interference::Unknown, None, &vec![true; units + 1]);
    assert!(psi.psi[0] == f64::INFINITY && (psi.psi[1] - 100.0).abs() < 1e-9, "{:?}", psi.psi);
    let clusters = Clusters { propensity: vec![0.5; units + 1], ..clusters };
    let psi = influence(&clusters, Interference::Unknown, None, &vec![true; units + 1]);
    assert!((psi.psi[0].log2() - 200.0).abs() < 1e-9 && (psi.effective_size() - 1.0).abs() < 1e-9);
}
