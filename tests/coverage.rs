//! Intervals cover what they claim, over thousands of simulated studies whose truth is known exactly.
//!
//! ```text
//! X1, X2  uniform on -2, -1, 0, 1, 2       A ~ Bernoulli(e), e = 1 / (1 + exp(-0.4 X1)), known
//! Y       = 1 + X1^2 / 2 + A (X2 + 1/2) + U_c (1 + A) + t_5 / 2
//! ```
//!
//! U_c is a normal error of cluster c, in the effect as in the level, and X2 is the same for half of the units of a cluster;
//! where units are independent it is 0. Scores are doubly robust with a linear outcome model, which is wrong. A rule that
//! treats the set S of the 25 cells of (X1, X2) is worth 2 + sum over S of (X2 + 1/2) / 25: the truth, without any simulation.

use std::fmt::Write;

use ndarray::Array2;
use prescribe::data::{Study, Table};
use prescribe::evaluate::{BEST_ARM, BestArm, CostCurve, Estimate, Evaluation, OBSERVED};
use prescribe::learn::{Config, learner_value, rows, score_table};
use prescribe::nuisance::Folds;
use prescribe::score::Direction;
use prescribe::simulate::{Design, fused_arms, fused_arms_population};
use prescribe::solve::Silent;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{StandardNormal, StudentT};

const CONFIG: &str = r#"
data = "study.csv"
test_share = 0.0
nested = 5
solver = "greedy"
settings = {}
policy = { class = "tree", depth = 1, candidates = "all", min_leaf = 5 }
solve = { threads = 1 }

[scoring]
direction = "maximize"
score = "aipw"
folds = 5
[scoring.roles]
outcome = "y"
treatment = "a"
covariates = ["x1", "x2"]
propensity = { treated_column = "e" }
CLUSTER
"#;

fn config(clustered: bool) -> Config {
    toml::from_str(&CONFIG.replace("CLUSTER", if clustered { "cluster = \"c\"" } else { "" })).unwrap()
}

/// A study as a table: `clusters` of 2 to 10 units, or `clusters` independent units.
fn study(seed: u64, clusters: usize, clustered: bool) -> Table {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let noise = StudentT::new(5.0).unwrap();
    let mut text = String::from("c,x1,x2,e,a,y\n");
    for c in 0..clusters {
        let shared = if clustered { random.sample::<f64, _>(StandardNormal) } else { 0.0 };
        let common = f64::from(random.random_range(-2..=2_i8));
        let size = if clustered { random.random_range(2..=10) } else { 1 };
        for i in 0..size {
            let x1 = f64::from(random.random_range(-2..=2_i8));
            let x2 = if i % 2 == 0 { common } else { f64::from(random.random_range(-2..=2_i8)) };
            let e = 1.0 / (1.0 + (-0.4 * x1).exp());
            let a = f64::from(random.random::<f64>() < e);
            let own = 0.5 * random.sample::<f64, _>(noise);
            let y = 1.0 + x1 * x1 / 2.0 + a * (x2 + 0.5) + shared * (1.0 + a) + own;
            let _ = writeln!(text, "{c},{x1},{x2},{e},{},{y}", if a > 0.0 { "treat" } else { "none" });
        }
    }
    // Labels sort as none, treat.
    Table::parse("study.csv", text.as_bytes()).unwrap()
}

/// The value of a rule in the population, by the arm (0 or 1) that it gives in a cell.
fn truth(arm: impl Fn(f64, f64) -> usize) -> f64 {
    let levels = || (-2..=2).map(f64::from);
    let cells = levels().flat_map(|x1| levels().map(move |x2| (x1, x2)));
    2.0 + cells.map(|(x1, x2)| arm(x1, x2) as f64 * (x2 + 0.5)).sum::<f64>() / 25.0
}

/// The share of studies for which each of the checks holds.
fn shares<const C: usize>(studies: u64, check: impl Fn(u64) -> [bool; C] + Sync + Send) -> [f64; C] {
    let all = in_threads(studies, check);
    std::array::from_fn(|c| all.iter().filter(|held| held[c]).count() as f64 / studies as f64)
}

/// `work` of each study, on plain threads: what runs inside has parallel loops of its own.
fn in_threads<T: Send>(studies: u64, work: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let share = |t: u64| (t..studies).step_by(threads as usize).map(&work).collect::<Vec<T>>();
    let share = &share;
    std::thread::scope(|scope| {
        let started: Vec<_> = (0..threads).map(|t| scope.spawn(move || share(t))).collect();
        started.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

fn covers(estimate: &Estimate, truth: f64) -> bool {
    (estimate.interval[0]..=estimate.interval[1]).contains(&truth)
}

/// Coverage of a fixed rule's value, of its differences to all treated and to what was observed, and of the effect in the leaf
/// that is treated.
fn fixed_rule(clusters: usize, clustered: bool) -> [f64; 4] {
    let config = config(clustered);
    let rule = |_: f64, x2: f64| usize::from(x2 > 0.0);
    let (worth, all) = (truth(rule), truth(|_, _| 1));
    // E[Y] = 2 + E[e (X2 + 1/2)] = 2 + E[e] / 2, and E[e] = 1/2 by symmetry.
    let observed = 2.25;
    shares(2000, |seed| {
        let scored = score_table(&study(seed, clusters, clustered), &config.scoring, seed).unwrap();
        let assignment: Vec<usize> = scored.study.x.rows().into_iter().map(|x| rule(x[0], x[1])).collect();
        let (direction, best) = (Direction::Maximize, BestArm::Elsewhere(1).into());
        let evaluation =
            Evaluation::new(&scored.study, &scored.rewards, &assignment, direction, &best).unwrap();
        let difference = |name| evaluation.against(name).unwrap().difference;
        let leaves =
            ["none", "treat"].map(|arm| prescribe::rule::LeafPath { path: arm.into(), arm: arm.into() });
        let leaves = evaluation
            .clone()
            .with_leaves(&scored.study, &scored.rewards, leaves.into(), &assignment)
            .unwrap()
            .leaves;
        let interval = leaves[1].interval.unwrap();
        [
            covers(&evaluation.value, worth),
            covers(&difference(BEST_ARM), worth - all),
            covers(&difference(OBSERVED), worth - observed),
            // Where X2 is 1 or 2, treating brings 2 on average.
            (interval[0]..=interval[1]).contains(&2.0),
        ]
    })
}

#[track_caller]
fn assert_between(found: &[f64], least: f64, most: f64) {
    println!("coverage {found:?}");
    assert!(found.iter().all(|share| (least..=most).contains(share)), "{found:?}");
}

#[test]
fn intervals_of_a_fixed_rule_cover_its_value_where_units_are_independent() {
    assert_between(&fixed_rule(240, false), 0.935, 0.965);
}

#[test]
fn intervals_of_a_fixed_rule_cover_its_value_where_clusters_share_errors() {
    assert_between(&fixed_rule(40, true), 0.935, 0.965);
}

#[test]
fn nested_cross_fitting_covers_the_value_of_the_learner() {
    for clustered in [false, true] {
        let config = config(clustered);
        let found = shares(1000, |seed| {
            let table = study(10_000 + seed, if clustered { 40 } else { 200 }, clustered);
            let study = Study::from_table(&table, &config.scoring.roles).unwrap();
            let learner = learner_value(&study, &config, &Silent).unwrap();
            let n = study.units() as f64;
            let worth: f64 = learner
                .folds
                .iter()
                .map(|fold| {
                    let arm =
                        |x1: f64, x2: f64| fold.rule.assign([[x1, x2].as_slice()].into_iter()).unwrap()[0];
                    fold.judged_on as f64 / n * truth(arm)
                })
                .sum();
            [covers(learner.evaluation.value(), worth)]
        });
        assert_between(&found, 0.92, 0.97);
    }
}

/// Eight arms in four groups, noise that hides some of them: groups, rule and nuisances of a fold are learned outside it. A rule is worth the
/// mean of the members of the groups that it gives.
#[test]
fn nested_cross_fitting_covers_the_value_of_a_learner_that_fuses_arms() {
    let design = Design { arms: 8, size: 0.5, ..Design::linear() };
    let mut config = config(false);
    let fusion = "by = \"ebic\"\nmain_effect = \"linear\"";
    config.fusion = Some(toml::from_str(fusion).unwrap());
    config.nested = Some(4);
    config.scoring.roles.covariates = ["x1", "x2", "x3"].map(String::from).to_vec();
    config.scoring.roles.propensity = Default::default();
    let (x, means) = fused_arms_population(&design, 20_000, 1).unwrap();
    let found = shares(300, |seed| {
        let drawn = fused_arms(&design, 40_000 + seed).unwrap();
        let mut text = String::from("x1,x2,x3,a,y\n");
        for (i, x) in drawn.x.rows().into_iter().enumerate() {
            let _ = writeln!(text, "{},{},{},{},{}", x[0], x[1], x[2], drawn.arm[i], drawn.outcome[i]);
        }
        let table = Table::parse("study.csv", text.as_bytes()).unwrap();
        let study = Study::from_table(&table, &config.scoring.roles).unwrap();
        let learner = learner_value(&study, &config, &Silent).unwrap();
        let worth = |rule: &prescribe::rule::RuleFile| -> f64 {
            let header = &rule.header;
            let members = |arm: &String| header.groups.get(arm).cloned().unwrap_or_else(|| vec![arm.clone()]);
            let groups: Vec<Vec<usize>> = header
                .arms
                .iter()
                .map(|arm| members(arm).iter().map(|arm| design.group(arm.parse().unwrap())).collect())
                .collect();
            let given = rule.assign(rows(&x)).unwrap();
            let mean = |(i, &k): (usize, &usize)| {
                groups[k].iter().map(|&g| means[[i, g]]).sum::<f64>() / groups[k].len() as f64
            };
            given.iter().enumerate().map(mean).sum::<f64>() / given.len() as f64
        };
        let n = study.units() as f64;
        let truth: f64 = learner.folds.iter().map(|fold| fold.judged_on as f64 / n * worth(&fold.rule)).sum();
        // The first arm is of the first group, whose mean in the population is known.
        let first = learner.evaluation.against("0").unwrap().value;
        [
            covers(learner.evaluation.value(), truth),
            covers(&first, means.column(0).sum() / means.nrows() as f64),
        ]
    });
    assert_between(&found, 0.915, 0.98);
}

/// A curve of costs 1 where X1 <= 0 and 2 elsewhere, in the order of X2 + 0.3 + X1 / 100 per cost, which differs in all 25 cells:
/// the gain X2 + 1/2 of whole cells in turn is the truth.
#[test]
fn curves_cover_what_is_gained_for_a_share_of_the_spending() {
    let fee = |x1: f64| if x1 > 0.0 { 2.0 } else { 1.0 };
    let predicted = |x1: f64, x2: f64| x2 + 0.3 + x1 / 100.0;
    let mut cells: Vec<(f64, f64)> =
        (0..25).map(|cell| (f64::from(cell / 5 - 2), f64::from(cell % 5 - 2))).collect();
    let slope = |(x1, x2): (f64, f64)| predicted(x1, x2) / fee(x1);
    cells.sort_by(|a, b| slope(*b).total_cmp(&slope(*a)));
    let (total, everyone) = (1.4, 0.5);
    let worth = |share: f64| {
        let mut left = share * total;
        let mut gain = 0.0;
        for &(x1, x2) in &cells {
            let part = (25.0 * left / fee(x1)).clamp(0.0, 1.0);
            left -= part * fee(x1) / 25.0;
            gain += part * (x2 + 0.5) / 25.0;
        }
        gain
    };
    let over = |share: f64| worth(share) - share * everyone;
    let area = (0..2000).map(|m| over((f64::from(m) + 0.5) / 2000.0) / 2000.0).sum::<f64>();
    for (clustered, clusters) in [(false, 300), (true, 60)] {
        let config = config(clustered);
        let found = shares(1000, |seed| {
            let scored =
                score_table(&study(30_000 + seed, clusters, clustered), &config.scoring, seed).unwrap();
            let (mut study, mut rewards) = (scored.study, scored.rewards);
            let x = study.x.clone();
            let mut order = Array2::zeros(rewards.dim());
            for (i, x) in x.rows().into_iter().enumerate() {
                study.costs[[i, 1]] = fee(x[0]);
                rewards[[i, 1]] -= fee(x[0]);
                order[[i, 1]] = predicted(x[0], x[1]);
            }
            let curve = CostCurve::new(&study, &rewards, &order, Direction::Maximize, 20).unwrap();
            let point = |share: f64| &curve.points[(20.0 * share) as usize];
            [
                covers(&point(0.25).gain, worth(0.25)),
                covers(&point(0.6).gain, worth(0.6)),
                covers(&point(1.0).gain, worth(1.0)),
                covers(&point(0.5).random, 0.5 * everyone),
                covers(&point(0.25).over_random, over(0.25)),
                covers(&point(0.6).over_random, over(0.6)),
                covers(&curve.area, area),
            ]
        });
        assert_between(&found, 0.92, 0.97);
    }
}

/// Valued on the units that it was learned from, the same learner looks better than it is: what the tests above would
/// not forgive.
#[test]
fn values_on_the_training_units_are_too_high() {
    let config = config(false);
    let bias = in_threads(200, |seed| {
        let table = study(20_000 + seed, 60, false);
        let scored = score_table(&table, &config.scoring, seed).unwrap();
        let study = Study::from_table(&table, &config.scoring.roles).unwrap();
        let learner = learner_value(&study, &config, &Silent).unwrap();
        let rule = &learner.folds[0].rule;
        let assignment = rule.assign(rows(&scored.study.x)).unwrap();
        let folds = Folds::new(&study, 5, seed).unwrap();
        let best = BestArm::in_folds(&scored.rewards, &folds).into();
        let found =
            Evaluation::new(&study, &scored.rewards, &assignment, Direction::Maximize, &best).unwrap();
        let arm = |x1: f64, x2: f64| rule.assign([[x1, x2].as_slice()].into_iter()).unwrap()[0];
        (found.value.estimate - truth(arm)) / 200.0
    });
    let bias: f64 = bias.iter().sum();
    assert!(bias > 0.03, "{bias}");
}
