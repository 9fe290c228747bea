//! The generated designs: moments, discreteness, ties, determinism, and agreement with the shipped numpy instances.

mod common;

use common::{columns, numbers, packed_numbers};
use ndarray::Array2;
use prescribe::models::tree_rule::Candidates;
use prescribe::simulate::{
    ClusterDesign, Covariates, Design, FixedRule, ManyArmsDesign, Scenario, Shift, fused_arms,
    fused_arms_population, interfering_clusters, linear_gains, many_arms, many_arms_population,
    multi_linear_rewards, tree_rewards,
};

/// Mean and standard deviation.
fn moments(values: impl IntoIterator<Item = f64>) -> (f64, f64) {
    let values: Vec<f64> = values.into_iter().collect();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64;
    (mean, variance.sqrt())
}

/// The mean of `values` is zero within five standard errors (one in two million fails by chance; seeds are fixed).
fn assert_centred(values: impl IntoIterator<Item = f64>, what: &str) {
    let values: Vec<f64> = values.into_iter().collect();
    let (mean, sd) = moments(values.iter().copied());
    let error = sd / (values.len() as f64).sqrt();
    assert!(mean.abs() < 5.0 * error, "{what}: {mean} with standard error {error}");
}

fn distinct(values: impl IntoIterator<Item = f64>) -> usize {
    let bits: std::collections::BTreeSet<u64> = values.into_iter().map(f64::to_bits).collect();
    bits.len()
}

#[test]
fn gains_are_centred_on_the_true_effect() {
    let drawn = linear_gains(200_000, 3, 1, false).unwrap();
    let noise = || drawn.gains.iter().zip(&drawn.effect).map(|(g, tau)| g - tau);
    assert_centred(noise(), "gain - effect");
    // E[g | x] = tau, not just on average.
    for j in 0..3 {
        assert_centred(noise().zip(drawn.x.column(j)).map(|(e, x)| e * x), "noise times covariate");
    }
    for column in drawn.x.columns() {
        let (mean, sd) = moments(column.iter().copied());
        assert!(mean.abs() < 0.01 && (sd - 1.0).abs() < 0.01, "{mean} {sd}");
    }
    // The residual is divided by a share near one half: noise of about 2 * 2.58, and nine standard deviations happen.
    let (_, sd) = moments(noise());
    assert!((4.8..5.8).contains(&sd), "{sd}");
    assert!(noise().any(|e| e.abs() > 9.0 * sd));
    assert!(drawn.gains.iter().all(|g| ((g * 1e6).round() / 1e6 - g).abs() < 1e-12));
}

#[test]
fn rewards_of_many_arms_are_centred_on_the_true_effects() {
    let drawn = multi_linear_rewards(100_000, 3, 4, 1, false).unwrap();
    for arm in 1..4 {
        let noise = || {
            let effect = |i: usize| drawn.rewards[[i, arm]] - drawn.rewards[[i, 0]] - drawn.effects[[i, arm]];
            (0..100_000).map(effect)
        };
        assert_centred(noise(), "reward - effect");
        for j in 0..3 {
            assert_centred(noise().zip(drawn.x.column(j)).map(|(e, x)| e * x), "noise times covariate");
        }
    }
    let problem = multi_linear_rewards(2_000, 2, 3, 1, true).unwrap();
    assert!(problem.x.iter().all(|v| v.fract() == 0.0));
    assert_eq!(problem.problem().unwrap().arms, ["a0", "a1", "a2"]);
    assert_eq!(multi_linear_rewards(50, 2, 3, 7, false), multi_linear_rewards(50, 2, 3, 7, false));
    assert!(multi_linear_rewards(50, 2, 1, 7, false).is_err());
}

#[test]
fn discrete_covariates_are_whole_and_tie() {
    let drawn = linear_gains(2_000, 2, 1, true).unwrap();
    assert!(drawn.x.iter().all(|v| v.fract() == 0.0 && v.to_bits() != (-0.0_f64).to_bits()));
    let (mean, sd) = moments(drawn.x.iter().copied());
    // 2 N(0, 1) rounded: variance 4 + 1/12.
    assert!(mean.abs() < 0.15 && (sd - 2.02).abs() < 0.1, "{mean} {sd}");
    let points: std::collections::BTreeSet<(i64, i64)> =
        drawn.x.rows().into_iter().map(|x| (x[0] as i64, x[1] as i64)).collect();
    assert!(points.len() < 250, "{}", points.len());
    let continuous = linear_gains(2_000, 2, 1, false).unwrap();
    assert_eq!(distinct(continuous.x.iter().copied()), 4_000);
}

#[test]
fn rewards_are_centred_on_the_true_effects() {
    for kind in [Covariates::Continuous, Covariates::Mixed, Covariates::Binary] {
        let k = 3;
        let drawn = tree_rewards(kind, 100_000, 5, k, 2).unwrap();
        for a in 1..k {
            let noise = |i: usize| {
                drawn.rewards[[i, a]] - drawn.rewards[[i, 0]] - drawn.effects[[i, a]] + drawn.effects[[i, 0]]
            };
            assert_centred((0..100_000).map(noise), "reward difference - effect");
            // Two arms, each with variance 1.04 K - 0.04, which are never observed together.
            let (_, sd) = moments((0..100_000).map(noise));
            let expected = (2.0 * (1.04 * k as f64 - 0.04)).sqrt();
            assert!((sd - expected).abs() < 0.05, "{kind:?}: {sd} against {expected}");
        }
        assert!(drawn.effects.column(0).iter().all(|tau| *tau == 0.0));
    }
}

#[test]
fn covariates_take_the_values_of_their_kind() {
    let binary = tree_rewards(Covariates::Binary, 5_000, 6, 2, 3).unwrap().x;
    assert!(binary.iter().all(|v| *v == 0.0 || *v == 1.0));
    for column in binary.columns() {
        let (share, _) = moments(column.iter().copied());
        assert!((0.17..0.83).contains(&share), "{share}");
    }
    let mixed = tree_rewards(Covariates::Mixed, 5_000, 5, 2, 3).unwrap().x;
    for j in 0..3 {
        let column = mixed.column(j);
        assert!(column.iter().all(|v| (v * 10.0 - (v * 10.0).round()).abs() < 1e-9));
        assert!((40..100).contains(&distinct(column.iter().copied())));
    }
    assert!((3..5).all(|j| distinct(mixed.column(j).iter().copied()) == 2));
    let continuous = tree_rewards(Covariates::Continuous, 5_000, 2, 2, 3).unwrap().x;
    assert_eq!(distinct(continuous.iter().copied()), 10_000);
}

/// The numpy generators drew the shipped instances; the same design gives the same spread, size by size.
#[test]
fn spreads_match_the_shipped_instances() {
    let spread = |rewards: &Array2<f64>| moments(rewards.iter().copied()).1;
    let near = |ours: f64, theirs: f64, what: &str| {
        assert!((ours / theirs - 1.0).abs() < 0.1, "{what}: {ours} against {theirs}");
    };
    let shipped = [
        ("h02_cont_n1000_p10_K4", Covariates::Continuous, 1000, 10, 4),
        ("h08_mixed_n2000_p10_K2", Covariates::Mixed, 2000, 10, 2),
        ("h13_bin_n1000_p30_K4", Covariates::Binary, 1000, 30, 4),
    ];
    for (name, kind, n, p, k) in shipped {
        let theirs = numbers(&format!("tests/oracles/trees/{name}_G.csv")).1;
        near(spread(&tree_rewards(kind, n, p, k, 101).unwrap().rewards), spread(&theirs), name);
    }
    // Gains have heavy tails and few units: quartiles over several seeds instead.
    let middle_half = |gains: &[f64]| {
        let mut sorted = gains.to_vec();
        sorted.sort_by(f64::total_cmp);
        sorted[sorted.len() * 3 / 4] - sorted[sorted.len() / 4]
    };
    let names = ["p1_c50_p2", "p1_c50_p5", "p1_c50_p10", "p1_c100_p3"];
    let gains = names.map(|name| columns(&numbers(&format!("tests/oracles/rules/{name}.csv")), "g").1);
    let theirs: Vec<f64> = gains.iter().flatten().copied().collect();
    let ours: Vec<f64> = (0..100).flat_map(|seed| linear_gains(50, 4, seed, false).unwrap().gains).collect();
    let ratio = middle_half(&ours) / middle_half(&theirs);
    assert!((0.75..1.33).contains(&ratio), "{ratio}");
}

#[test]
fn an_instance_is_a_function_of_its_sizes_and_seed() {
    assert_eq!(linear_gains(50, 3, 7, false), linear_gains(50, 3, 7, false));
    let draw = |n, p, seed| linear_gains(n, p, seed, false).unwrap().gains[0];
    let others = [draw(50, 3, 7), draw(50, 3, 8), draw(51, 3, 7), draw(50, 4, 7)];
    assert_eq!(distinct(others), 4);
    let kind = Covariates::Mixed;
    assert_eq!(tree_rewards(kind, 50, 3, 2, 7), tree_rewards(kind, 50, 3, 2, 7));
    assert_ne!(tree_rewards(kind, 50, 3, 2, 7), tree_rewards(kind, 50, 3, 2, 8));
    // Known first numbers: a change of the generator must not go unnoticed.
    let first = linear_gains(5, 2, 1, false).unwrap();
    assert_eq!(first.gains, [3.919059, -0.541644, 0.047936, -1.313431, 4.062371]);
}

#[test]
fn instances_become_models_and_empty_ones_are_refused() {
    let linear = linear_gains(20, 2, 1, true).unwrap().problem().unwrap();
    assert_eq!(linear.covariates, ["x1", "x2"]);
    let tree = tree_rewards(Covariates::Binary, 20, 2, 3, 1).unwrap();
    assert_eq!(tree.problem(2, Candidates::All).unwrap().arms, ["a0", "a1", "a2"]);
    assert!(linear_gains(0, 2, 1, false).is_err());
    assert!(linear_gains(5, 0, 1, false).is_err());
    assert!(tree_rewards(Covariates::Binary, 5, 2, 1, 1).is_err());
}

#[test]
fn many_treatments_have_the_papers_sizes_groups_and_covariates() {
    for arms in [16, 32, 48] {
        let drawn = fused_arms(&Design::exponential(arms), 1).unwrap();
        assert_eq!((drawn.arm.len(), drawn.x.nrows()), (1800, 1800), "{arms}");
        assert_eq!(drawn.group, (0..arms).map(|a| 4 * a / arms).collect::<Vec<_>>());
    }
    let design = Design { size: 400.0, shift: Shift::Mild, ..Design::exponential(16) };
    let drawn = fused_arms(&design, 2).unwrap();
    for (class, share) in [(0, 0.3), (1, 0.4), (2, 0.5), (3, 0.6)] {
        let of_class = |i: &usize| drawn.arm[*i] % 4 == class;
        let units: Vec<usize> = (0..drawn.arm.len()).filter(of_class).collect();
        assert_centred(units.iter().map(|&i| drawn.x[[i, 0]] - share), "X1");
        for (value, covariance) in [(1.0, -0.25), (0.0, -0.3)] {
            let (centre, same): (f64, Vec<usize>) = (
                if value == 1.0 { 1.0 } else { -1.0 },
                units.iter().copied().filter(|&i| drawn.x[[i, 0]] == value).collect(),
            );
            assert_centred(same.iter().map(|&i| drawn.x[[i, 1]] - centre), "X2");
            assert_centred(same.iter().map(|&i| drawn.x[[i, 2]] + centre), "X3");
            let product = |&i: &usize| (drawn.x[[i, 1]] - centre) * (drawn.x[[i, 2]] + centre) - covariance;
            assert_centred(same.iter().map(product), "covariance");
        }
    }
    let noise = |i: usize| {
        let x = drawn.x.row(i).to_vec();
        drawn.outcome[i] - design.mean(drawn.group[drawn.arm[i]], &x)
    };
    assert_centred((0..drawn.arm.len()).map(noise), "noise");
    // The best group for every unit is worth 9.08 in this population.
    let (x, means) = fused_arms_population(&Design::exponential(16), 400_000, 3).unwrap();
    let best = means.rows().into_iter().map(|row| row.fold(f64::NEG_INFINITY, |a, b| a.max(*b))).sum::<f64>();
    assert!((best / x.nrows() as f64 - 9.08).abs() < 0.03, "{}", best / x.nrows() as f64);
}

#[test]
fn arms_of_a_trial_have_equal_shares_and_the_papers_means() {
    let design = ManyArmsDesign { arms: 9, gamma: 10.0, sigma: 20.0 };
    let drawn = many_arms(&design, 200_000, 1).unwrap();
    let noise = |i: usize| {
        let (x1, x2, x3) = (drawn.x[[i, 0]], drawn.x[[i, 1]], drawn.x[[i, 2]]);
        // The four quarters of the baseline, and steps of 2.5 from one arm to the next at K = 9.
        let baseline = match (x1 > 0.0, x2 > 0.0) {
            (true, true) => -30.0,
            (true, false) => 30.0,
            (false, true) => -10.0,
            (false, false) => 10.0,
        };
        assert_eq!(drawn.baseline[i], baseline);
        let effect = match drawn.arm[i] {
            0 => -10.0 * x1.powi(2),
            k if x3 > 0.0 => 2.5 * (k as f64 - 5.0),
            k => 2.5 * (5.0 - k as f64),
        };
        drawn.outcome[i] - baseline - effect
    };
    let (mean, sd) = moments((0..200_000).map(noise));
    assert!(mean.abs() < 0.2 && (sd - 20.0).abs() < 0.2, "{mean} {sd}");
    for arm in 0..=9 {
        assert_centred(drawn.arm.iter().map(|&k| f64::from(u8::from(k == arm)) - 0.1), "share of an arm");
    }
    for column in drawn.x.columns() {
        let (mean, sd) = moments(column.iter().copied());
        assert!(mean.abs() < 0.01 && (sd - 1.0).abs() < 0.01, "{mean} {sd}");
    }
    assert!(drawn == many_arms(&design, 200_000, 1).unwrap());
    assert!(drawn.x != many_arms(&design, 200_000, 2).unwrap().x);
}

#[test]
fn values_of_plain_assignments_to_many_arms_are_those_of_the_paper() {
    for (arms, gamma) in [(2, 10.0), (9, 10.0), (29, 20.0), (99, 20.0)] {
        let design = ManyArmsDesign { arms, gamma, sigma: 10.0 };
        let n = 100_000;
        let units = many_arms_population(&design, n, 3).unwrap();
        let error = 1.0 / (n as f64).sqrt();
        assert!((units.value(&units.oracle) - design.oracle_value()).abs() < 1e-12);
        assert_eq!(units.best_arm_rate(&units.oracle), 1.0);
        for arm in 1..=arms {
            assert!((units.value(&vec![arm; n]) - design.global_best_value()).abs() < 5.0 * gamma * error);
        }
        // X1^2 has variance 2.
        assert!((units.value(&vec![0; n]) - design.control_value()).abs() < 5.0 * 200f64.sqrt() * error);
        let at_random: Vec<f64> = units.effects.rows().into_iter().map(|row| row.mean().unwrap()).collect();
        assert_centred(at_random.iter().map(|value| value - design.random_value()), "an arm at random");
        assert!((units.best_arm_rate(&vec![arms; n]) - 0.5).abs() < 5.0 * 0.5 * error);
        for (i, row) in units.effects.rows().into_iter().enumerate() {
            assert!(row.iter().all(|&effect| effect <= row[units.oracle[i]]));
        }
        assert_centred(units.baseline, "baseline");
    }
    let refused = |arms, gamma, sigma| many_arms(&ManyArmsDesign { arms, gamma, sigma }, 100, 1).is_err();
    assert!(refused(1, 10.0, 10.0) && refused(9, f64::NAN, 10.0) && refused(9, 10.0, -1.0));
    assert!(many_arms(&ManyArmsDesign { arms: 9, gamma: 10.0, sigma: 10.0 }, 0, 1).is_err());
}

#[test]
fn means_of_many_arms_are_those_of_the_shipped_instance() {
    let design = ManyArmsDesign { arms: 9, gamma: 10.0, sigma: 20.0 };
    let table = packed_numbers("tests/oracles/forest/k9_test.csv.gz");
    let ((_, x), (_, means)) = (columns(&table, "X"), columns(&table, "mu"));
    let mut baseline = 0.0;
    for (x, means) in x.rows().into_iter().zip(means.rows()) {
        let x = x.to_vec();
        baseline += design.baseline(&x) / 5000.0;
        for (arm, &shipped) in means.iter().enumerate() {
            let mean = design.baseline(&x) + design.effect(arm, &x);
            assert!((mean - shipped).abs() < 1e-4, "{x:?}, arm {arm}: {mean} and {shipped}");
        }
    }
    assert_eq!((x.dim(), means.dim()), ((5000, 3), (5000, 10)));
    assert!((baseline + 0.876).abs() < 1e-9, "{baseline}");
}

#[test]
fn clusters_bring_what_their_truth_says() {
    for scenario in [Scenario::A, Scenario::B] {
        let design = ClusterDesign { noise: [1.0, 2.0], ..ClusterDesign::paper(scenario, 60_000) };
        let drawn = interfering_clusters(&design, 5).unwrap();
        let clusters = &drawn.clusters;
        let means = clusters.means(|u| clusters.outcome[u]);
        let noise: Vec<f64> =
            means.iter().enumerate().map(|(i, y)| y - drawn.mean(i, &clusters.treated)).collect();
        assert_centred(noise.iter().copied(), "cluster mean - truth");
        // And not just on average.
        let share = clusters.means(|u| f64::from(u8::from(clusters.treated[u])));
        assert_centred(noise.iter().zip(&share).map(|(e, s)| e * (s - 0.3)), "noise times share treated");
        let fourth = clusters.means(|u| drawn.x[[u, 3]]);
        assert_centred(noise.iter().zip(&fourth).map(|(e, x)| e * x), "noise times mean X4");
        // Var = (4 S + M - S) / M^2.
        let sd = |i: usize| {
            let size = clusters.members[i].len() as f64;
            ((1.0 + 3.0 * share[i]) / size).sqrt()
        };
        let (_, spread) = moments(noise.iter().enumerate().map(|(i, e)| e / sd(i)));
        assert!((spread - 1.0).abs() < 0.02, "{spread}");
        for size in [5, 10, 15] {
            let found = clusters.members.iter().filter(|units| units.len() == size).count();
            assert!((found as f64 - 20_000.0).abs() < 600.0, "{size}: {found}");
        }
        assert!((moments(share).0 - 0.3).abs() < 0.01);
    }
    let paper = ClusterDesign::paper(Scenario::A, 20);
    assert_eq!(interfering_clusters(&paper, 7), interfering_clusters(&paper, 7));
    assert_ne!(interfering_clusters(&paper, 7), interfering_clusters(&paper, 8));
    for bad in [
        ClusterDesign { sizes: vec![1, 5], ..paper.clone() },
        ClusterDesign { propensity: 1.0, ..paper.clone() },
        ClusterDesign { clusters: 1, ..paper },
    ] {
        assert!(interfering_clusters(&bad, 1).is_err());
    }
}

#[test]
fn values_of_the_fixed_rules_are_those_of_large_draws() {
    for scenario in [Scenario::A, Scenario::B] {
        let drawn = interfering_clusters(&ClusterDesign::paper(scenario, 100_000), 11).unwrap();
        for rule in FixedRule::ALL {
            let assignment = drawn.assignment(|x| rule.treats(x));
            let values = (0..100_000).map(|i| drawn.mean(i, &assignment) - rule.value(scenario));
            assert_centred(values, &format!("{rule:?} in {scenario:?}"));
        }
    }
    // A large share treated tells S (S - 1) / (M (M - 1)) from its square.
    let drawn = interfering_clusters(&ClusterDesign::paper(Scenario::B, 100_000), 12).unwrap();
    let all = vec![true; drawn.clusters.units()];
    assert_centred((0..100_000).map(|i| drawn.mean(i, &all) - 1.0), "everybody");
}

/// The projection on (1, A) leaves a rest that no treatment explains (17), by the distribution of S in a cluster of five.
#[test]
fn effects_are_the_projection_of_the_truth() {
    let design = ClusterDesign { sizes: vec![5], ..ClusterDesign::paper(Scenario::B, 2) };
    let drawn = interfering_clusters(&design, 3).unwrap();
    let effects = drawn.effects();
    let units = &drawn.clusters.members[0];
    let mut rest = [0.0; 6];
    for vector in 0..32_u32 {
        let mut assignment = vec![false; drawn.clusters.units()];
        units.iter().enumerate().for_each(|(j, &u)| assignment[u] = vector >> j & 1 == 1);
        let chance = 0.3_f64.powi(vector.count_ones() as i32) * 0.7_f64.powi(5 - vector.count_ones() as i32);
        let fitted = effects.baseline[0]
            + units.iter().filter(|u| assignment[**u]).map(|&u| effects.effect[u]).sum::<f64>();
        let off = chance * (drawn.mean(0, &assignment) - fitted);
        rest[0] += off;
        (0..5).for_each(|j| rest[j + 1] += if vector >> j & 1 == 1 { off } else { 0.0 });
    }
    assert!(rest.iter().all(|off| off.abs() < 1e-15), "{rest:?}");
}
