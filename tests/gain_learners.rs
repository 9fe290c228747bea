//! Learners of linear rules from gains under interference: against a second computation, at the edges, and on designs whose true values are known.

use ndarray::{Array1, Array2};
use prescribe::interference::{
    Clusters, Effects, Interference, Learner, Learners, Part, choose, cluster_regression, folds, influence,
    learn_rule,
};
use prescribe::models::linear_rule::LinearRule;
use prescribe::solve::{Directions, Smooth, SolveError, Stage};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use rayon::prelude::*;

const ALL: [Learner; 3] = Learner::CHOICES;

/// What treating a unit with covariates x adds to the sum of its cluster.
#[derive(Clone, Copy)]
enum Brings {
    /// X1 + (X2 + X3) / 2 + X4: the best rule is linear, and so is the effect.
    Linear,
    /// 1 + X2 / 2, less 6 for every unit of X1 above 1/2: a line fitted to it turns negative far too early.
    Kinked,
    Nothing,
}

impl Brings {
    fn at(self, x: &[f64]) -> f64 {
        match self {
            Self::Linear => x[0] + 0.5 * (x[1] + x[2]) + x[3],
            Self::Kinked => 1.0 + 0.5 * x[1] - 6.0 * (x[0] - 0.5).max(0.0),
            Self::Nothing => 0.0,
        }
    }

    /// What a rule adds to the value of treating nobody: in closed form (E[t'x 1{b0 + b'x >= 0}] = t'b / |b| phi(b0 / |b|)), or over units drawn anew.
    fn worth(self, rule: &LinearRule) -> f64 {
        if let Self::Linear = self {
            let length = rule.coefficients.iter().map(|b| b * b).sum::<f64>().sqrt();
            let density =
                (-(rule.intercept / length).powi(2) / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
            return self.at(&rule.coefficients) / length * density;
        }
        const UNITS: usize = 20_000;
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let mut draw = || -> [f64; 4] { std::array::from_fn(|_| random.sample(StandardNormal)) };
        let units = (0..UNITS).map(|_| draw());
        units.filter(|x| treats(rule, x)).map(|x| self.at(&x)).sum::<f64>() / UNITS as f64
    }
}

fn treats(rule: &LinearRule, x: &[f64]) -> bool {
    rule.intercept + x.iter().zip(&rule.coefficients).map(|(x, b)| x * b).sum::<f64>() >= 0.0
}

/// n clusters of 5, 10 or 15 units, X of four independent N(0, 1), A ~ Bernoulli(.3), additive interference: treating a unit adds 1.5 (X3 + X4)
/// spread over the others, and the rest to the unit itself.
fn study(n: usize, seed: u64, brings: Brings) -> Part {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut units = 0;
    let mut members: Vec<Vec<usize>> = Vec::new();
    for _ in 0..n {
        let size = 5 * random.random_range(1..=3);
        members.push((units..units + size).collect());
        units += size;
    }
    let x = Array2::from_shape_fn((units, 4), |_| random.sample::<f64, _>(StandardNormal));
    let treated: Vec<bool> = (0..units).map(|_| random.random_bool(0.3)).collect();
    let spread = |u: usize| 1.5 * (x[[u, 2]] + x[[u, 3]]);
    let mut outcome = vec![0.0; units];
    for units in &members {
        for &u in units {
            let others = units.iter().filter(|&&k| k != u && treated[k]);
            let received = others.map(|&k| spread(k)).sum::<f64>() / (units.len() as f64 - 1.0);
            let own = if treated[u] { brings.at(&x.row(u).to_vec()) - spread(u) } else { 0.0 };
            let noise: f64 = random.sample(StandardNormal);
            outcome[u] = 0.2 * (x[[u, 1]] + x[[u, 2]]) + own + received + noise;
        }
    }
    let clusters = Clusters { members, treated, propensity: vec![0.3; units], outcome };
    Part::whole(clusters, x, vec![0.0; units])
}

fn regressed(part: &Part, folds: &[usize]) -> Result<Option<Effects>, SolveError> {
    Ok(Some(cluster_regression(&part.clusters, part.x.view(), folds)))
}

fn without(_part: &Part, _folds: &[usize]) -> Result<Option<Effects>, SolveError> {
    Ok(None)
}

fn additive(seed: u64) -> Learners<'static> {
    Learners::new(Interference::Additive, &regressed, seed)
}

fn assigned(part: &Part, rule: &LinearRule) -> Vec<bool> {
    part.x.rows().into_iter().map(|x| treats(rule, &x.to_vec())).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The sign of sum_u M_i^-1 (M_i gain_u - b'(1, x_u))^2 at its least, by Gaussian elimination.
fn fitted(part: &Part, gains: &[f64]) -> Array1<f64> {
    let p = part.x.ncols() + 1;
    let mut equations = Array2::<f64>::zeros((p, p + 1));
    for units in &part.clusters.members {
        for &u in units {
            let mut row = vec![1.0];
            row.extend(part.x.row(u));
            row.push(units.len() as f64 * gains[u]);
            for j in 0..p {
                (0..=p).for_each(|k| equations[[j, k]] += row[j] * row[k] / units.len() as f64);
            }
        }
    }
    for pivot in 0..p {
        for j in (0..p).filter(|j| *j != pivot) {
            let factor = equations[[j, pivot]] / equations[[pivot, pivot]];
            (0..=p).for_each(|k| equations[[j, k]] -= factor * equations[[pivot, k]]);
        }
    }
    (0..p).map(|j| equations[[j, p]] / equations[[j, j]]).collect()
}

#[test]
fn least_squares_is_the_weighted_fit() {
    let part = study(60, 1, Brings::Linear);
    for learners in [additive(1), Learners::new(Interference::None, &without, 1)] {
        let rule = learn_rule(&learners, &part, Learner::LeastSquares).unwrap().rule;
        let truth = fitted(&part, &learners.gains(&part).unwrap());
        let found = std::iter::once(&rule.intercept).chain(&rule.coefficients);
        found
            .zip(&truth)
            .for_each(|(found, truth)| assert!((found - truth).abs() < 1e-10, "{found} {truth}"));
    }
}

/// Costs are on the scale of the outcome: what treating all of a cluster takes from its mean.
#[test]
fn costs_shift_what_units_bring() {
    let mut part = study(60, 2, Brings::Linear);
    let learners = additive(1);
    let free = learn_rule(&learners, &part, Learner::LeastSquares).unwrap().rule;
    part.costs.fill(0.7);
    let costly = learn_rule(&learners, &part, Learner::LeastSquares).unwrap().rule;
    assert!((free.intercept - costly.intercept - 0.7).abs() < 1e-10);
    free.coefficients.iter().zip(&costly.coefficients).for_each(|(a, b)| assert!((a - b).abs() < 1e-10));
}

/// Its judgement of least squares, put together from the parts by hand: rules and outcome models from the other folds alone.
#[test]
fn judged_values_come_from_clusters_not_seen() {
    let part = study(60, 3, Brings::Linear);
    let learners = additive(5);
    let fold = folds(&part.clusters, 5, 5);
    let mut assignment = vec![false; part.clusters.units()];
    for held_out in 0..5 {
        let seen: Vec<usize> = (0..60).filter(|&i| fold[i] != held_out).collect();
        let (clusters, units) = part.clusters.among(&seen);
        let x = part.x.select(ndarray::Axis(0), &units);
        let seen = Part::whole(clusters, x, vec![0.0; units.len()]);
        let b = fitted(&seen, &learners.gains(&seen).unwrap());
        for &u in (0..60).filter(|&i| fold[i] == held_out).flat_map(|i| &part.clusters.members[i]) {
            assignment[u] = b[0] + (0..4).map(|j| b[j + 1] * part.x[[u, j]]).sum::<f64>() >= 0.0;
        }
    }
    let effects = cluster_regression(&part.clusters, part.x.view(), &fold);
    let psi = influence(&part.clusters, Interference::Additive, Some(&effects), &assignment).psi;
    let judged = &choose(&learners, &part).unwrap().judged[0];
    assert_eq!((judged.learner, judged.against_default), (Learner::LeastSquares, None));
    assert!((judged.value.estimate - mean(&psi)).abs() < 1e-12);
    let share = mean(&part.clusters.means(|u| f64::from(u8::from(assignment[u]))));
    assert!((judged.treated_share - share).abs() < 1e-12);
}

/// Where treatment does nothing, rules are worth nothing: judged values say so, values on the clusters learned from do not.
#[test]
fn judged_values_are_not_flattered() {
    const STUDIES: u64 = 40;
    let one = |seed: u64| -> Vec<(f64, f64)> {
        let part = study(50, 100 + seed, Brings::Nothing);
        let learners = additive(seed);
        let fold = folds(&part.clusters, 5, seed);
        let effects = regressed(&part, &fold).unwrap();
        let value = |assignment: &[bool]| {
            mean(&influence(&part.clusters, Interference::Additive, effects.as_ref(), assignment).psi)
        };
        let nobody = value(&vec![false; part.clusters.units()]);
        let judged = choose(&learners, &part).unwrap().judged;
        let flattered =
            |learner| value(&assigned(&part, &learn_rule(&learners, &part, learner).unwrap().rule));
        judged.iter().map(|j| (j.value.estimate - nobody, flattered(j.learner) - nobody)).collect()
    };
    let studies: Vec<Vec<(f64, f64)>> = (0..STUDIES).into_par_iter().map(one).collect();
    for (l, learner) in ALL.iter().enumerate() {
        let judged: Vec<f64> = studies.iter().map(|study| study[l].0).collect();
        let flattered: Vec<f64> = studies.iter().map(|study| study[l].1).collect();
        let centre = mean(&judged);
        let error = (judged.iter().map(|v| (v - centre).powi(2)).sum::<f64>()).sqrt() / STUDIES as f64;
        assert!(centre.abs() < 3.0 * error, "{learner}: {centre} ({error})");
        assert!(mean(&flattered) > 5.0 * error, "{learner}: {} ({error})", mean(&flattered));
    }
}

/// Scale and origin of a covariate are the study's own affair.
#[test]
fn learners_do_not_depend_on_units_of_measurement() {
    let part = study(40, 4, Brings::Linear);
    let mut other = part.clone();
    other.x.column_mut(0).mapv_inplace(|v| 37.0 + 1e3 * v);
    other.x.column_mut(2).mapv_inplace(|v| 5.0 - 0.25 * v);
    let learners = Learners { maximiser: &Directions, ..Learners::new(Interference::Additive, &without, 2) };
    for learner in ALL {
        let treated = |part: &Part| assigned(part, &learn_rule(&learners, part, learner).unwrap().rule);
        let (here, there) = (treated(&part), treated(&other));
        let same = here.iter().zip(&there).filter(|(a, b)| a == b).count();
        // The smoothed search may take another turn by rounding; a unit in a hundred may differ.
        assert!(same * 100 >= here.len() * 99, "{learner}: {same} of {}", here.len());
    }
}

/// With exact members on one draw a bagged rule is the best rule of that draw: nobody in it does better, and seeds decide.
#[test]
fn bagging_averages_the_best_rules_of_draws() {
    let part = study(5, 5, Brings::Linear);
    let two = Part { x: part.x.select(ndarray::Axis(1), &[0, 3]), ..part };
    let learners = Learners { member: &Directions, ..Learners::new(Interference::Additive, &without, 3) };
    let bagged = |draws: usize, seed: u64| {
        let learners = Learners { draws, seed, ..Learners::new(Interference::Additive, &without, 3) };
        let learners = Learners { member: &Directions, ..learners };
        learn_rule(&learners, &two, Learner::Bagged).unwrap().rule
    };
    assert_eq!(bagged(6, 3), bagged(6, 3));
    assert_ne!(bagged(6, 3), bagged(6, 4));
    // Directions of one draw each, over standardised covariates, have length 1, and so has no mean of different ones.
    let length = |rule: &LinearRule| {
        let column = |j: usize| two.x.column(j);
        let slope = |j: usize| rule.coefficients[j] * column(j).std(0.0);
        let centre =
            rule.intercept + (0..2).map(|j| rule.coefficients[j] * column(j).mean().unwrap()).sum::<f64>();
        (centre.powi(2) + slope(0).powi(2) + slope(1).powi(2)).sqrt()
    };
    assert!((length(&bagged(1, 3)) - 1.0).abs() < 1e-12);
    assert!(length(&bagged(6, 3)) < 1.0 - 1e-6);
    let value = |rule: &LinearRule| -> f64 {
        let gains = learners.gains(&two).unwrap();
        assigned(&two, rule).iter().zip(&gains).filter(|(treated, _)| **treated).map(|(_, gain)| gain).sum()
    };
    let exact = Learners { maximiser: &Directions, ..additive(3) };
    let exact = Learners { outcome_model: &without, ..exact };
    let best = learn_rule(&exact, &two, Learner::Value).unwrap().rule;
    assert!(value(&best) >= value(&bagged(6, 3)) && value(&best) >= value(&bagged(1, 3)));
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let part = study(40, 6, Brings::Linear);
    let learned = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| learn_rule(&additive(1), &part, Learner::Auto).unwrap())
    };
    assert_eq!(learned(1), learned(3));
}

/// A study whose outcomes are those of the outcome model, so that the gains are its effects (N), over M_i.
fn without_noise(part: &mut Part, brings: impl Fn(usize) -> f64) -> Effects {
    let Clusters { members, treated, outcome, .. } = &mut part.clusters;
    let mut effect = vec![0.0; treated.len()];
    for units in members.iter() {
        units.iter().for_each(|&u| effect[u] = brings(u) / units.len() as f64);
        let total: f64 = units.iter().filter(|u| treated[**u]).map(|&u| effect[u]).sum();
        units.iter().for_each(|&u| outcome[u] = total);
    }
    Effects { baseline: vec![0.0; members.len()], effect }
}

#[test]
fn nothing_to_choose_is_chosen() {
    for (sign, everybody) in [(1.0, true), (-1.0, false)] {
        for constant in [false, true] {
            let mut part = study(20, 7, Brings::Linear);
            let effects = without_noise(&mut part, |_| sign);
            if constant {
                part.x.fill(0.1);
            }
            let model = |part: &Part, _: &[usize]| {
                let baseline = part.kept.iter().map(|&i| effects.baseline[i]).collect();
                let effect = part.units.iter().map(|&u| effects.effect[u]).collect();
                Ok(Some(Effects { baseline, effect }))
            };
            let learners = Learners::new(Interference::Additive, &model, 1);
            for learner in [Learner::LeastSquares, Learner::Bagged, Learner::Value, Learner::Auto] {
                let learned = learn_rule(&learners, &part, learner).unwrap();
                let treated = assigned(&part, &learned.rule);
                assert!(treated.iter().all(|treated| *treated == everybody), "{learner} {sign} {constant}");
                // Equal values displace nobody.
                if learner == Learner::Auto {
                    assert_eq!(learned.learner, Learner::LeastSquares);
                }
            }
        }
    }
}

#[test]
fn values_that_are_no_sums_of_gains_are_refused() {
    let part = study(10, 8, Brings::Linear);
    for interference in [Interference::Unknown, Interference::Anonymous, Interference::Polynomial(2)] {
        let learners = Learners::new(interference, &without, 1);
        for learner in [Learner::LeastSquares, Learner::Bagged, Learner::Value, Learner::Auto] {
            let refusal = learn_rule(&learners, &part, learner).unwrap_err().to_string();
            assert!(refusal.contains("only additive and none are"), "{refusal}");
        }
    }
}

/// True values of rules learned from so many studies by each of the learners, and whom `Auto` chose.
fn replicate(studies: u64, n: usize, brings: Brings) -> (Vec<Vec<f64>>, Vec<Learner>) {
    let one = |seed: u64| {
        let part = study(n, 1000 + seed, brings);
        let learners = additive(seed);
        let worth = |learner| brings.worth(&learn_rule(&learners, &part, learner).unwrap().rule);
        let values: Vec<f64> = ALL.into_iter().map(worth).collect();
        (values, choose(&learners, &part).unwrap().learner)
    };
    (0..studies).into_par_iter().map(one).unzip()
}

/// The mean true value of each learner, then of the one chosen.
fn means(values: &[Vec<f64>], chosen: &[Learner]) -> [f64; 4] {
    let of = |l: usize| mean(&values.iter().map(|study| study[l]).collect::<Vec<f64>>());
    let at = |learner: &Learner| ALL.iter().position(|other| other == learner).unwrap();
    let auto: Vec<f64> = values.iter().zip(chosen).map(|(study, learner)| study[at(learner)]).collect();
    [of(0), of(1), of(2), mean(&auto)]
}

/// The best rule is worth sqrt(5/2) / sqrt(2 pi) = .631.
#[test]
fn least_squares_wins_where_effects_are_linear_and_is_kept() {
    let (values, chosen) = replicate(60, 50, Brings::Linear);
    let [least_squares, bagged, value, auto] = means(&values, &chosen);
    assert!(least_squares > bagged && bagged > value && value > 0.49, "{least_squares} {bagged} {value}");
    assert!(auto > 0.545, "{auto}");
    let kept = chosen.iter().filter(|learner| **learner == Learner::LeastSquares).count();
    assert!(kept >= 48, "kept in {kept} of 60");
}

/// The best rule treats below the kink; the line that fits best turns negative one standard deviation below it.
#[test]
fn maximising_the_value_wins_where_effects_are_kinked_and_is_found() {
    let (values, chosen) = replicate(16, 200, Brings::Kinked);
    let [least_squares, bagged, value, auto] = means(&values, &chosen);
    assert!(
        value > least_squares + 0.05 && bagged > least_squares + 0.05,
        "{least_squares} {bagged} {value}"
    );
    assert!(auto > least_squares + 0.05, "{least_squares} {auto}");
    let found = chosen.iter().filter(|learner| **learner != Learner::LeastSquares).count();
    assert!(found >= 10, "found in {found} of 16");
}

/// What the stages of the smoothed search add shows in the value on the clusters learned from.
#[test]
fn a_longer_search_finds_a_larger_value() {
    let part = study(40, 9, Brings::Linear);
    let gains = additive(1).gains(&part).unwrap();
    let value = |stage: Stage| -> f64 {
        let maximiser = Smooth { stage };
        let rule = learn_rule(&Learners { maximiser: &maximiser, ..additive(1) }, &part, Learner::Value)
            .unwrap()
            .rule;
        assigned(&part, &rule).iter().zip(&gains).filter(|(treated, _)| **treated).map(|(_, gain)| gain).sum()
    };
    let (quick, starts, polished) =
        (value(Stage::Surrogate), value(Stage::MultiStart), value(Stage::Polished));
    assert!(quick <= starts && starts < polished, "{quick} {starts} {polished}");
}
