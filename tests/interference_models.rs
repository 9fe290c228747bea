//! Outcome models, estimated propensities and comparisons under interference, against designs whose truth is known.

use ndarray::{Array2, ArrayView1, Axis};
use prescribe::data::{PropensityRole, Roles, Study, Table};
use prescribe::interference::{
    Baseline, Basis, ClusterModel, Clusters, Costs, Design, Effects, Interference, Sizes, Summary,
    TooManyCoefficients, Valuation, cluster_regression, folds, influence, propensities_by_size,
};
use prescribe::nuisance::{Folds, propensities};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

type Number = fn(ArrayView1<f64>) -> f64;

/// Clusters of which unit j brings `gain(X_j) / M` where it is treated, with chance `propensity(X_j)`.
struct World {
    sizes: &'static [usize],
    propensity: Number,
    baseline: Number,
    gain: Number,
    noise: f64,
}

struct Drawn {
    clusters: Clusters,
    x: Array2<f64>,
    truth: Effects,
}

impl World {
    fn draw(&self, count: usize, seed: u64) -> Drawn {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut members: Vec<Vec<usize>> = Vec::new();
        for i in 0..count {
            let first = members.last().map_or(0, |units| units.last().unwrap() + 1);
            members.push((first..first + self.sizes[i % self.sizes.len()]).collect());
        }
        let units = members.iter().map(Vec::len).sum();
        let x = Array2::from_shape_fn((units, 2), |_| random.random_range(-1.5..1.5));
        let propensity: Vec<f64> = x.rows().into_iter().map(self.propensity).collect();
        let treated: Vec<bool> = propensity.iter().map(|p| random.random_bool(*p)).collect();
        let clusters = Clusters { members, treated, propensity, outcome: vec![0.0; units] };
        let size_of = |u: usize| clusters.members.iter().find(|of| of.contains(&u)).unwrap().len() as f64;
        let truth = Effects {
            baseline: clusters.means(|u| (self.baseline)(x.row(u))),
            effect: (0..units).map(|u| (self.gain)(x.row(u)) / size_of(u)).collect(),
        };
        let mut outcome = vec![0.0; units];
        for (i, of) in clusters.members.iter().enumerate() {
            let mean: f64 = of.iter().filter(|u| clusters.treated[**u]).map(|&u| truth.effect[u]).sum();
            let shock = self.noise * random.random_range(-1.0..1.0);
            of.iter().for_each(|&u| outcome[u] = truth.baseline[i] + mean + shock);
        }
        Drawn { clusters: Clusters { outcome, ..clusters }, x, truth }
    }
}

impl Drawn {
    /// The mean of the true means of clusters under the rule 1{x_1 + x_2 > 0}, and the rule.
    fn rule(&self) -> (f64, Vec<bool>) {
        let assignment: Vec<bool> = self.x.rows().into_iter().map(|x| x.sum() > 0.0).collect();
        let of = |(i, units): (usize, &Vec<usize>)| {
            let gains = units.iter().filter(|u| assignment[**u]).map(|&u| self.truth.effect[u]);
            self.truth.baseline[i] + gains.sum::<f64>()
        };
        let values: Vec<f64> = self.clusters.members.iter().enumerate().map(of).collect();
        (mean(&values), assignment)
    }

    /// As a study, with the treatment's chances left to be estimated.
    fn study(&self) -> Study {
        let mut text = String::from("cluster,a,y,x1,x2\n");
        for (i, units) in self.clusters.members.iter().enumerate() {
            for &u in units {
                let a = u8::from(self.clusters.treated[u]);
                let (y, x) = (self.clusters.outcome[u], self.x.row(u));
                text.push_str(&format!("{i},{a},{y:?},{:?},{:?}\n", x[0], x[1]));
            }
        }
        let mut roles = Roles::new("y", "a", &["x1".into(), "x2".into()]);
        roles.cluster = Some("cluster".into());
        roles.propensity = PropensityRole::Logit;
        Study::from_table(&Table::parse("drawn.csv", text.as_bytes()).unwrap(), &roles).unwrap()
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn off(found: &Effects, truth: &Effects) -> f64 {
    let pairs = found.effect.iter().zip(&truth.effect).chain(found.baseline.iter().zip(&truth.baseline));
    let squares: Vec<f64> = pairs.map(|(found, truth)| (found - truth).powi(2)).collect();
    mean(&squares).sqrt()
}

const SMOOTH: World = World {
    sizes: &[2, 3, 4, 5],
    propensity: |_| 0.4,
    baseline: |x| x[0].powi(2) - x[1],
    gain: |x| 1.0 + x[0] * x[0] - 2.0 * x[1],
    noise: 0.2,
};

#[test]
fn longer_series_come_nearer_to_bent_effects() {
    let drawn = SMOOTH.draw(800, 1);
    let fold = folds(&drawn.clusters, 5, 1);
    let of = |basis: Basis| {
        let model = ClusterModel { basis, ..ClusterModel::default() };
        off(&model.fit(&drawn.clusters, drawn.x.view(), &fold, 1).unwrap(), &drawn.truth)
    };
    let (means, linear) = (of(Basis::Means), of(Basis::Linear));
    let (square, cubic, spline) = (of(Basis::Polynomial(2)), of(Basis::Polynomial(3)), of(Basis::Spline(5)));
    assert!(linear < 0.8 * means, "{linear} {means}");
    for bent in [square, cubic, spline] {
        assert!(bent < 0.3 * linear, "{square} {cubic} {spline} {linear}");
    }
}

/// Effects of two covariates together are found by products of them, not by functions of each.
#[test]
fn products_carry_what_covariates_do_together() {
    let drawn = World { gain: |x| 2.0 * x[0] * x[1], baseline: |x| x[0] * x[1], ..SMOOTH }.draw(600, 4);
    let fold = folds(&drawn.clusters, 5, 1);
    let of = |basis: Basis| {
        let model = ClusterModel { basis, ..ClusterModel::default() };
        off(&model.fit(&drawn.clusters, drawn.x.view(), &fold, 1).unwrap(), &drawn.truth)
    };
    let (products, spline) = (of(Basis::Polynomial(2)), of(Basis::Spline(5)));
    assert!(products < 0.2 * spline, "{products} {spline}");
    let wide = Array2::from_shape_fn((drawn.x.nrows(), 12), |(u, j)| drawn.x[[u, j % 2]] + j as f64);
    let model = ClusterModel { basis: Basis::Polynomial(4), ..ClusterModel::default() };
    assert!(model.fit(&drawn.clusters, wide.view(), &fold, 1).is_err());
}

/// A baseline that jumps is what a forest finds, and lines do not; the effects are found by both.
#[test]
fn a_forest_finds_a_baseline_that_jumps() {
    let mut drawn = World { gain: |x| 1.0 + x[0], baseline: |_| 0.0, ..SMOOTH }.draw(800, 13);
    for (i, units) in drawn.clusters.members.clone().into_iter().enumerate() {
        let x = units.iter().map(|&u| drawn.x[[u, 1]]).sum::<f64>() / units.len() as f64;
        let jump = if x.abs() < 0.3 { 3.0 } else { 0.0 };
        drawn.truth.baseline[i] += jump;
        units.iter().for_each(|&u| drawn.clusters.outcome[u] += jump);
    }
    let fold = folds(&drawn.clusters, 5, 1);
    let of = |baseline: Baseline| {
        let model = ClusterModel { baseline, ..ClusterModel::default() };
        let found = model.fit(&drawn.clusters, drawn.x.view(), &fold, 1).unwrap();
        let again = model.fit(&drawn.clusters, drawn.x.view(), &fold, 1).unwrap();
        assert_eq!(found, again);
        let none = Effects { baseline: vec![], effect: found.effect.clone() };
        let truth = Effects { baseline: vec![], effect: drawn.truth.effect.clone() };
        (off(&found, &drawn.truth), off(&none, &truth))
    };
    let ((forest, of_forest), (series, of_series)) = (of(Baseline::Forest), of(Baseline::Series));
    assert!(forest < 0.6 * series, "{forest} {series}");
    assert!(of_forest < 0.6 * of_series && of_forest < 0.1, "{of_forest} {of_series}");
    let model = ClusterModel { baseline: Baseline::Forest, ..ClusterModel::default() };
    let together = model.fit(&drawn.clusters, drawn.x.view(), &vec![0; 800], 1).unwrap();
    assert!(together.baseline.iter().chain(&together.effect).all(|g| g.is_finite()));
}

/// Separate regressions are those of the clusters of one size alone; sizes that are rare are fitted with all.
#[test]
fn separate_sizes_are_regressions_of_their_own() {
    let drawn = World { sizes: &[2, 3], ..SMOOTH }.draw(400, 2);
    let separate = ClusterModel { sizes: Sizes::Separate, ..ClusterModel::default() };
    let found = separate.fit(&drawn.clusters, drawn.x.view(), &vec![0; 400], 1).unwrap();
    for (first, size) in [(0, 2), (1, 3)] {
        let which: Vec<usize> = (first..400).step_by(2).collect();
        let units: Vec<usize> = which.iter().flat_map(|&i| drawn.clusters.members[i].clone()).collect();
        let alone = Clusters {
            members: (0..200).map(|i| (i * size..(i + 1) * size).collect()).collect(),
            treated: units.iter().map(|&u| drawn.clusters.treated[u]).collect(),
            propensity: units.iter().map(|&u| drawn.clusters.propensity[u]).collect(),
            outcome: units.iter().map(|&u| drawn.clusters.outcome[u]).collect(),
        };
        let expected = cluster_regression(&alone, drawn.x.select(Axis(0), &units).view(), &vec![0; 200]);
        for (at, &i) in which.iter().enumerate() {
            assert!((found.baseline[i] - expected.baseline[at]).abs() < 1e-10);
        }
        for (at, &u) in units.iter().enumerate() {
            assert!((found.effect[u] - expected.effect[at]).abs() < 1e-10);
        }
    }
    // Five clusters of size 3 among many of size 2: what the model with sizes as a covariate says of them.
    let mut few = drawn.clusters.clone();
    let kept: Vec<usize> = (0..400).filter(|i| i % 2 == 0 || *i < 10).collect();
    few.members = kept.iter().map(|&i| few.members[i].clone()).collect();
    let together = vec![0; few.count()];
    let of = |sizes: Sizes| {
        let model = ClusterModel { sizes, ..ClusterModel::default() };
        model.fit(&few, drawn.x.view(), &together, 1).unwrap()
    };
    let (separate, pooled) = (of(Sizes::Separate), of(Sizes::Covariate));
    let rare: Vec<usize> = (0..few.count()).filter(|&i| few.members[i].len() == 3).collect();
    assert!(rare.len() == 5 && rare.iter().all(|&i| separate.baseline[i] == pooled.baseline[i]));
    assert!(separate.baseline[0] != pooled.baseline[0]);
}

/// Effects that depend on whom a unit is with (Example 2) are found, to rounding error, through the mean of the others.
#[test]
fn summaries_of_the_others_carry_their_effects() {
    let mut drawn = World { noise: 0.0, gain: |_| 0.0, baseline: |x| x[1], ..SMOOTH }.draw(300, 3);
    let members = drawn.clusters.members.clone();
    for (i, units) in members.iter().enumerate() {
        for &u in units {
            let rest: Vec<f64> = units.iter().filter(|&&k| k != u).map(|&k| drawn.x[[k, 0]]).collect();
            drawn.truth.effect[u] = (0.5 + 2.0 * mean(&rest) - drawn.x[[u, 1]]) / units.len() as f64;
        }
        let treated = units.iter().filter(|u| drawn.clusters.treated[**u]);
        let value = drawn.truth.baseline[i] + treated.map(|&u| drawn.truth.effect[u]).sum::<f64>();
        units.iter().for_each(|&u| drawn.clusters.outcome[u] = value);
    }
    let fold = folds(&drawn.clusters, 5, 1);
    let of = |others: Vec<Summary>| {
        let model = ClusterModel { others, ..ClusterModel::default() };
        off(&model.fit(&drawn.clusters, drawn.x.view(), &fold, 1).unwrap(), &drawn.truth)
    };
    assert!(of(vec![Summary::Mean]) < 1e-10 && of(vec![Summary::Mean, Summary::SecondMoment]) < 1e-9);
    assert!(of(vec![]) > 0.05);
}

/// Few clusters of one size, covariates that do not vary, and long series: predictions stay of the size of outcomes.
#[test]
fn small_samples_do_not_blow_up() {
    for seed in 0..20 {
        let mut drawn = World { sizes: &[4], ..SMOOTH }.draw(9, seed);
        drawn.x.column_mut(1).fill(2.5);
        let fold = folds(&drawn.clusters, 3, seed);
        let most = drawn.clusters.outcome.iter().fold(0.0_f64, |most, y| most.max(y.abs()));
        let others = vec![Summary::Mean, Summary::SecondMoment];
        for basis in [Basis::Polynomial(4), Basis::Spline(6)] {
            let model = ClusterModel {
                basis,
                sizes: Sizes::Separate,
                others: others.clone(),
                ..ClusterModel::default()
            };
            let found = model.fit(&drawn.clusters, drawn.x.view(), &fold, 1).unwrap();
            let largest = found.effect.iter().chain(&found.baseline).fold(0.0_f64, |m, g| m.max(g.abs()));
            assert!(largest < 10.0 * most, "{basis} {seed}: {largest} {most}");
        }
        // Means and one effect: 1, X1, X2, A.
        let means = ClusterModel { basis: Basis::Means, ..ClusterModel::default() };
        assert!(means.fit(&drawn.clusters, drawn.x.view(), &fold, 1).is_ok());
        let long = ClusterModel { others, ..ClusterModel::default() };
        assert_eq!(
            long.fit(&drawn.clusters, drawn.x.view(), &fold, 1),
            Err(TooManyCoefficients { clusters: 6, coefficients: 12 })
        );
    }
}

#[test]
fn means_have_one_effect_for_all() {
    let drawn = SMOOTH.draw(200, 5);
    let model = ClusterModel { basis: Basis::Means, ..ClusterModel::default() };
    let found = model.fit(&drawn.clusters, drawn.x.view(), &vec![0; 200], 1).unwrap();
    let total = |u: usize, size: usize| found.effect[u] * size as f64;
    let first = total(0, drawn.clusters.members[0].len());
    for units in &drawn.clusters.members {
        assert!(units.iter().all(|&u| (total(u, units.len()) - first).abs() < 1e-12));
    }
}

/// Five folds of whole clusters.
fn fifths(study: &Study) -> Folds {
    Folds { fold_of: study.cluster.as_ref().unwrap().iter().map(|cluster| cluster % 5).collect(), count: 5 }
}

fn estimated(study: &Study) -> Array2<f64> {
    let pooled = propensities(study, &fifths(study), &PropensityRole::Logit, 1).unwrap();
    propensities_by_size(&Study { propensity: pooled, ..study.clone() }, &fifths(study)).unwrap()
}

/// With outcome models, one of the two may be wrong; without, estimated propensities of a wrong model leave a bias.
#[test]
fn estimated_propensities_and_outcome_models_guard_each_other() {
    let straight: Number = |x| 1.0 / (1.0 + (0.3 - 0.8 * x[0] + 0.5 * x[1]).exp());
    let bent: Number = |x| 0.15 + 0.3 * x[0] * x[0];
    let worlds = [
        ("both right", straight, true, Basis::Polynomial(2), true),
        ("outcome wrong", straight, true, Basis::Means, true),
        ("propensity wrong", bent, false, Basis::Polynomial(2), true),
        ("both wrong", bent, false, Basis::Means, false),
    ];
    for (name, propensity, right, basis, consistent) in worlds {
        let drawn = World { propensity, ..SMOOTH }.draw(3000, 6);
        let (truth, rule) = drawn.rule();
        let study = drawn.study();
        let e = estimated(&study);
        let clusters = Clusters { propensity: e.column(1).to_vec(), ..drawn.clusters.clone() };
        let model = ClusterModel { basis, ..ClusterModel::default() };
        let effects = model.fit(&clusters, drawn.x.view(), &folds(&clusters, 5, 1), 1).unwrap();
        let error = |effects: Option<&Effects>| {
            let psi = influence(&clusters, Interference::Additive, effects, &rule).psi;
            let spread = psi.iter().map(|value| (value - mean(&psi)).powi(2)).sum::<f64>();
            (mean(&psi) - truth, spread.sqrt() / psi.len() as f64)
        };
        let (bias, noise) = error(Some(&effects));
        assert_eq!(bias.abs() < 4.0 * noise, consistent, "{name}: {bias} {noise}");
        let (plugged, noise) = error(None);
        assert_eq!(plugged.abs() < 4.0 * noise, right, "{name}, plugged in: {plugged} {noise}");
    }
}

/// A model for each size finds chances that differ between sizes; one for all does not.
#[test]
fn propensities_by_size_differ_between_sizes() {
    let mut drawn = World { sizes: &[2, 5], ..SMOOTH }.draw(1200, 7);
    let mut random = ChaCha8Rng::seed_from_u64(8);
    let mut truth = vec![0.0; drawn.clusters.units()];
    for units in &drawn.clusters.members {
        for &u in units {
            let slope = if units.len() == 2 { 1.0 } else { -1.0 };
            truth[u] = 1.0 / (1.0 + (-slope * drawn.x[[u, 0]]).exp());
            drawn.clusters.treated[u] = random.random_bool(truth[u]);
        }
    }
    let study = drawn.study();
    let (e, pooled) =
        (estimated(&study), propensities(&study, &fifths(&study), &PropensityRole::Logit, 1).unwrap());
    let off = |e: &Array2<f64>| {
        let squares: Vec<f64> = e.column(1).iter().zip(&truth).map(|(e, p)| (e - p).powi(2)).collect();
        mean(&squares).sqrt()
    };
    assert!(off(&e) < 0.03 && off(&pooled) > 0.1, "{} {}", off(&e), off(&pooled));
    assert!(e.rows().into_iter().all(|row| (row.sum() - 1.0).abs() < 1e-12));
}

/// What additive weights estimate where outcomes are not additive (17): the least-squares fit of additive outcomes over the design's draws.
#[test]
fn without_additivity_it_is_the_value_of_the_nearest_additive_outcomes() {
    let mut random = ChaCha8Rng::seed_from_u64(9);
    for units in 2..=4_usize {
        let propensity: Vec<f64> = (0..units).map(|_| random.random_range(0.2..0.8)).collect();
        let outcome: Vec<f64> = (0..1 << units).map(|_| random.random_range(-1.0..1.0)).collect();
        let of = |set: usize, u: usize| if set >> u & 1 == 1 { propensity[u] } else { 1.0 - propensity[u] };
        let chance = |set: usize| (0..units).map(|u| of(set, u)).product::<f64>();
        let a = |set: usize| -> Vec<f64> {
            std::iter::once(1.0).chain((0..units).map(|u| (set >> u & 1) as f64)).collect()
        };
        // Coordinate descent on the weighted squares, until it stands still.
        let mut g = vec![0.0; units + 1];
        for _ in 0..5000 {
            for j in 0..=units {
                let (mut up, mut down) = (0.0, 0.0);
                for (set, outcome) in outcome.iter().enumerate() {
                    let row = a(set);
                    let left = outcome - row.iter().zip(&g).map(|(a, g)| a * g).sum::<f64>();
                    up += chance(set) * row[j] * left;
                    down += chance(set) * row[j] * row[j];
                }
                g[j] += up / down;
            }
        }
        for policy in 0..1 << units {
            let rule: Vec<bool> = (0..units).map(|u| policy >> u & 1 == 1).collect();
            let nearest: f64 = a(policy).iter().zip(&g).map(|(a, g)| a * g).sum();
            let psi = |set: usize| {
                let clusters = Clusters {
                    members: vec![(0..units).collect()],
                    treated: (0..units).map(|u| set >> u & 1 == 1).collect(),
                    propensity: propensity.clone(),
                    outcome: vec![outcome[set]; units],
                };
                influence(&clusters, Interference::Additive, None, &rule).psi[0]
            };
            let expected: f64 = (0..1 << units).map(|set| chance(set) * psi(set)).sum();
            assert!((expected - nearest).abs() < 1e-9, "{units} {policy:b}: {expected} {nearest}");
        }
    }
}

/// The difference between the orders is without bias where pairs are all there is, and is not far from 0 where outcomes are additive.
#[test]
fn additivity_is_checked_by_pairs() {
    let pairs = |drawn: &Drawn, strength: f64| {
        let mut clusters = drawn.clusters.clone();
        for units in &drawn.clusters.members {
            let treated = units.iter().filter(|u| clusters.treated[**u]).count() as f64;
            units.iter().for_each(|&u| clusters.outcome[u] += strength * treated * (treated - 1.0) / 2.0);
        }
        clusters
    };
    let (mut kept, mut found, mut truths) = (0, Vec::new(), Vec::new());
    for seed in 0..60 {
        let drawn = SMOOTH.draw(300, 100 + seed);
        let (_, rule) = drawn.rule();
        let costs = vec![0.0; rule.len()];
        let check = |clusters: &Clusters| {
            let (design, interference) = (&Design::Bernoulli, Interference::Additive);
            let everybody = &vec![true; rule.len()];
            let valuation = Valuation {
                clusters,
                design,
                interference,
                effects: None,
                costs: Costs::of_units(&costs),
                everybody,
            };
            valuation.evaluation(&rule, &[]).unwrap().additivity_check.unwrap()
        };
        let additive = check(&drawn.clusters);
        kept += usize::from(additive.p_value > 0.05);
        let t = additive.difference.estimate / additive.difference.standard_error;
        assert_eq!(additive.p_value > 0.05, t.abs() < 1.968, "{additive:?}");
        let with = pairs(&drawn, 1.0);
        found.push(check(&with).difference.estimate);
        // Of k treated of M with chance p: k(k-1)/2, less its least-squares line -p^2 M(M-1)/2 + p (M-1) k.
        let bias = |units: &Vec<usize>| {
            let (m, k, p) = (units.len() as f64, units.iter().filter(|u| rule[**u]).count() as f64, 0.4);
            k * (k - 1.0) / 2.0 + p * p * m * (m - 1.0) / 2.0 - p * (m - 1.0) * k
        };
        truths.push(mean(&drawn.clusters.members.iter().map(bias).collect::<Vec<_>>()));
    }
    assert!((50..=60).contains(&kept), "{kept} of 60");
    let errors: Vec<f64> = found.iter().zip(&truths).map(|(found, truth)| found - truth).collect();
    let spread = errors.iter().map(|e| (e - mean(&errors)).powi(2)).sum::<f64>().sqrt() / 60.0;
    assert!(mean(&errors).abs() < 4.0 * spread && mean(&truths) > 0.0, "{} {spread}", mean(&errors));
}

#[test]
fn comparisons_are_paired_and_costs_are_shares() {
    let drawn = SMOOTH.draw(120, 11);
    let (_, rule) = drawn.rule();
    let other: Vec<bool> = drawn.x.column(0).iter().map(|x| *x > 0.5).collect();
    let costs: Vec<f64> = (0..rule.len()).map(|u| 0.1 + 0.01 * (u % 7) as f64).collect();
    let valuation = Valuation {
        clusters: &drawn.clusters,
        design: &Design::Bernoulli,
        interference: Interference::Additive,
        effects: Some(&drawn.truth),
        costs: Costs::of_units(&costs),
        everybody: &vec![true; rule.len()],
    };
    let found = valuation.evaluation(&rule, &[("other".into(), other.clone())]).unwrap();
    let names: Vec<&str> = found.differences.iter().map(|difference| difference.against.as_str()).collect();
    assert_eq!(names, ["nobody", "everybody", "observed", "other"]);
    let psi = |a: &[bool]| {
        let psi = influence(&drawn.clusters, Interference::Additive, Some(&drawn.truth), a).psi;
        let spent = drawn.clusters.means(|u| if a[u] { costs[u] } else { 0.0 });
        psi.iter().zip(spent).map(|(psi, spent)| psi - spent).collect::<Vec<f64>>()
    };
    let observed: Vec<f64> = {
        let spent = |u: usize| if drawn.clusters.treated[u] { costs[u] } else { 0.0 };
        drawn.clusters.means(|u| drawn.clusters.outcome[u] - spent(u))
    };
    let ways = [psi(&vec![false; rule.len()]), psi(&vec![true; rule.len()]), observed, psi(&other)];
    for (difference, way) in found.differences.iter().zip(ways) {
        let paired: Vec<f64> = psi(&rule).iter().zip(&way).map(|(a, b)| a - b).collect();
        let squares = paired.iter().map(|d| (d - mean(&paired)).powi(2)).sum::<f64>();
        assert!((difference.difference.estimate - mean(&paired)).abs() < 1e-12);
        assert!((difference.difference.standard_error - (squares / 119.0 / 120.0).sqrt()).abs() < 1e-12);
        assert!((difference.value.estimate - mean(&way)).abs() < 1e-12);
    }
    let curve = valuation.cost_curve(&rule, &[0.0, 0.5]).unwrap();
    let lost = curve[0].value.estimate - curve[1].value.estimate;
    assert!((lost - 0.5 * found.value.treated_share).abs() < 1e-12);
    let against = |at: usize| curve[at].against_nobody.unwrap().estimate;
    assert!((against(0) - against(1) - lost).abs() < 1e-12);
}

#[test]
fn orders_by_size_are_those_of_the_bands() {
    let by_size: Interference = "polynomial:1@2,2@4,3".parse().unwrap();
    assert_eq!(by_size.to_string(), "polynomial:1@2,2@4,3");
    let drawn = World { sizes: &[1, 2, 3, 4, 5, 6], ..SMOOTH }.draw(60, 12);
    let (_, rule) = drawn.rule();
    let psi = |interference: Interference| influence(&drawn.clusters, interference, None, &rule).psi;
    let (mixed, singles, pairs, triples) = (
        psi(by_size),
        psi(Interference::Additive),
        psi(Interference::Polynomial(2)),
        psi(Interference::Polynomial(3)),
    );
    for (i, units) in drawn.clusters.members.iter().enumerate() {
        let expected = match units.len() {
            ..=2 => singles[i],
            3 | 4 => pairs[i],
            _ => triples[i],
        };
        assert_eq!(mixed[i], expected);
    }
    for wrong in ["1@", "1@3", "0@3,1", "1@3,2@3,3", "1@3,2@2,3", "1,2", "x@3,2", "1@1,1@2,1@3,1@4,1@5,1@6,1"]
    {
        assert!(format!("polynomial:{wrong}").parse::<Interference>().is_err(), "{wrong}");
    }
}
