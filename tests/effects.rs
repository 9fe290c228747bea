//! Effects and individual outcomes: intervals cover what they claim, over simulated studies whose truth is known exactly.
//!
//! ```text
//! X1      uniform on -2, -1, 0, 1, 2        X3 uniform on 0, 1        X2 normal
//! A       0, 1, 2 with chances in proportion to 1, exp(0.4 X1), exp(0.4 X2), known
//! tau_1   1 + X1 + X2^2 / 2 + X3            tau_2 = 0.7 X2
//! Y       X1 + X1^2 / 2 + tau_A + U_c (1 + 1{A = 1}) + (1 + |X1|) t_5 / 3
//! ```
//!
//! U_c is a normal error of cluster c, in the effect as in the level, and X1 is the same for all units of a cluster; where units are
//! independent it is 0. Scores are doubly robust with linear outcome models, which are wrong. The averages are 2 and 0; the
//! projections on X1 and X3 have slopes 1 and 1, and 0 and 0; the effects of arm 1 at X3 = 0 and 1 are 1.5 and 2.5.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use ndarray::Array2;
use prescribe::conformal::{Intervals, NewUnits, Settings};
use prescribe::data::{PropensityRole, Study, Table};
use prescribe::effects::{self, Effects};
use prescribe::learn::{Scored, Scoring, score_table};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{StandardNormal, StudentT};

const SCORING: &str = r#"
direction = "maximize"
score = "aipw"
folds = 5
[roles]
outcome = "y"
treatment = "a"
covariates = ["x1", "x2", "x3"]
propensity = { columns = { a0 = "e0", a1 = "e1", a2 = "e2" } }
CLUSTER
"#;

fn study(seed: u64, clusters: usize, clustered: bool) -> Table {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let noise = StudentT::new(5.0).unwrap();
    let mut text = String::from("c,x1,x2,x3,e0,e1,e2,a,y\n");
    for c in 0..clusters {
        let shared = if clustered { random.sample::<f64, _>(StandardNormal) } else { 0.0 };
        let x1 = f64::from(random.random_range(-2..=2_i8));
        for _ in 0..if clustered { random.random_range(2..=10) } else { 1 } {
            let (x2, x3): (f64, f64) =
                (random.sample(StandardNormal), f64::from(random.random_range(0..=1_u8)));
            let odds = [1.0, (0.4 * x1).exp(), (0.4 * x2).exp()];
            let e = odds.map(|odd| odd / odds.iter().sum::<f64>());
            let lot: f64 = random.random();
            let arm = usize::from(lot > e[0]) + usize::from(lot > e[0] + e[1]);
            let tau = [0.0, 1.0 + x1 + x2 * x2 / 2.0 + x3, 0.7 * x2][arm];
            let own = (1.0 + x1.abs()) * random.sample::<f64, _>(noise) / 3.0;
            let y = x1 + x1 * x1 / 2.0 + tau + shared * if arm == 1 { 2.0 } else { 1.0 } + own;
            let _ = writeln!(text, "{c},{x1},{x2},{x3},{},{},{},a{arm},{y}", e[0], e[1], 1.0 - e[0] - e[1]);
        }
    }
    Table::parse("study.csv", text.as_bytes()).unwrap()
}

/// `work` of each study, on plain threads: what runs inside has parallel loops of its own.
fn in_threads<T: Send>(studies: u64, work: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let next = AtomicU64::new(0);
    let share = || {
        let mut done = Vec::new();
        loop {
            match next.fetch_add(1, Ordering::Relaxed) {
                seed if seed < studies => done.push(work(seed)),
                _ => return done,
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
    std::thread::scope(|scope| {
        let started: Vec<_> = (0..threads).map(|_| scope.spawn(share)).collect();
        started.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

/// Many arms: where slopes are too many for a Wald test, the largest of them still is one.
#[test]
fn the_largest_slope_is_honest_where_arms_are_many() {
    const ARMS: usize = 24;
    const STUDIES: u64 = 200;
    let scoring = SCORING.replace("CLUSTER", "").replace(", \"x3\"", "");
    let known = scoring.lines().find(|line| line.starts_with("propensity")).unwrap().to_owned();
    let scoring: Scoring = toml::from_str(&scoring.replace(&known, "")).unwrap();
    let rejected = in_threads(STUDIES, |seed| {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut text = String::from("x1,x2,a,y\n");
        for _ in 0..100 * ARMS {
            let [x1, x2, noise]: [f64; 3] = std::array::from_fn(|_| random.sample(StandardNormal));
            let _ = writeln!(text, "{x1},{x2},{},{}", random.random_range(0..ARMS), x1 + noise);
        }
        let table = Table::parse("study.csv", text.as_bytes()).unwrap();
        let Scored { study, rewards, .. } = score_table(&table, &scoring, seed).unwrap();
        let by = vec!["x1".into(), "x2".into()];
        let settings = effects::Settings { by, seed, ..effects::Settings::default() };
        let effects = Effects::new(&study, &rewards, &settings).unwrap();
        assert_eq!(effects.heterogeneity, None, "46 slopes, 100 units in an arm");
        effects.largest_slope.unwrap().p_value <= 0.05
    });
    let share = rejected.iter().filter(|rejected| **rejected).count() as f64 / STUDIES as f64;
    println!("rejected by the largest of 46 slopes that are 0: {share:.3}");
    // The Monte Carlo error is 0.015.
    assert!((0.01..=0.12).contains(&share), "{share}");
}

fn inside([lower, upper]: [f64; 2], truth: f64) -> bool {
    (lower..=upper).contains(&truth)
}

/// Whether intervals hold: both averages, the four slopes, two subgroups one by one; then all averages at once, all slopes at once;
/// then whether the test of arm 2, whose slopes are 0, is kept by its 5%, and that of arm 1, and
/// the largest slope, see its slopes.
fn checks(effects: &Effects) -> [bool; 13] {
    let average = |a: usize| &effects.averages[a].effect;
    let averages = [(average(0), 2.0), (average(1), 0.0)];
    let slope = |a: usize, j: usize| &effects.projections[a].coefficients[j];
    let slopes = [(slope(0, 1), 1.0), (slope(0, 2), 1.0), (slope(1, 1), 0.0), (slope(1, 2), 0.0)];
    let group = |name: &str| {
        let found = effects.subgroups.iter().find(|group| group.arm == "a1" && group.group == name).unwrap();
        found.effect.as_ref().unwrap().estimate.interval
    };
    let p = |a: usize| effects.projections[a].heterogeneity.unwrap().p_value;
    [
        inside(averages[0].0.estimate.interval, averages[0].1),
        inside(averages[1].0.estimate.interval, averages[1].1),
        inside(slopes[0].0.estimate.interval, slopes[0].1),
        inside(slopes[1].0.estimate.interval, slopes[1].1),
        inside(slopes[2].0.estimate.interval, slopes[2].1),
        inside(slopes[3].0.estimate.interval, slopes[3].1),
        inside(group("x3 = 0"), 1.5),
        inside(group("x3 = 1"), 2.5),
        averages.iter().all(|(effect, truth)| inside(effect.simultaneous, *truth)),
        slopes.iter().all(|(slope, truth)| inside(slope.simultaneous.unwrap(), *truth)),
        p(1) > 0.05,
        p(0) <= 0.05,
        effects.largest_slope.unwrap().p_value <= 0.05,
    ]
}

fn shares(studies: u64, clusters: usize, clustered: bool) -> Vec<f64> {
    let cluster = if clustered { "cluster = \"c\"" } else { "" };
    let scoring: Scoring = toml::from_str(&SCORING.replace("CLUSTER", cluster)).unwrap();
    let held = in_threads(studies, |seed| {
        let Scored { study, rewards, .. } =
            score_table(&study(seed, clusters, clustered), &scoring, seed).unwrap();
        let settings =
            effects::Settings { by: vec!["x1".into(), "x3".into()], seed, ..effects::Settings::default() };
        checks(&Effects::new(&study, &rewards, &settings).unwrap())
    });
    (0..13).map(|c| held.iter().filter(|held| held[c]).count() as f64 / studies as f64).collect()
}

/// 1000 studies have a Monte Carlo error of 0.007.
#[test]
fn intervals_of_effects_cover() {
    let found = shares(1000, 1600, false);
    println!("independent units: {found:?}");
    assert!(found[..11].iter().all(|share| (0.93..=0.97).contains(share)), "{found:?}");
    assert!(found[11] > 0.99 && found[12] > 0.99, "{found:?}");
}

/// Between 80 clusters, intervals are a little short, as is known of the sandwich between clusters.
#[test]
fn intervals_of_effects_cover_between_clusters() {
    let found = shares(1000, 80, true);
    println!("80 clusters: {found:?}");
    assert!(found[..11].iter().all(|share| (0.92..=0.97).contains(share)), "{found:?}");
}

// Individual outcomes. The rule gives arm 1 where X1 > 0 and arm 0 elsewhere; chances depend on X2, and outcomes under an arm are the
// less certain the less likely it is, so that those who received the rule's arm are not like the others.

/// The chance of arm 1.
fn propensity(x2: f64) -> f64 {
    1.0 / (1.0 + (-1.2 * x2).exp())
}

fn rule(x1: f64) -> usize {
    usize::from(x1 > 0.0)
}

fn outcome(arm: usize, x1: f64, x2: f64, random: &mut ChaCha8Rng) -> f64 {
    let unlikely = if arm == 1 { 1.0 - propensity(x2) } else { propensity(x2) };
    let spread = 0.3 + 2.0 * unlikely.powi(2);
    x1 + arm as f64 * (1.0 + x2 * x2) + spread * random.sample::<f64, _>(StandardNormal)
}

/// A study of n units, m new ones, and the outcomes of these under the rule.
fn individuals(
    seed: u64,
    n: usize,
    m: usize,
    role: &str,
) -> (Study, Scoring, Vec<usize>, NewUnits, Vec<f64>) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut text = String::from("x1,x2,e,half,a,y\n");
    let draw = |random: &mut ChaCha8Rng| -> (f64, f64) {
        (random.random_range(-2.0..2.0), random.sample(StandardNormal))
    };
    let mut assigned = Vec::new();
    for _ in 0..n {
        let (x1, x2) = draw(&mut random);
        let e = propensity(x2);
        let arm = usize::from(random.random::<f64>() < e);
        let y = outcome(arm, x1, x2, &mut random);
        assigned.push(rule(x1));
        let _ = writeln!(text, "{x1},{x2},{e},0.5,{arm},{y}");
    }
    let (mut x, mut e, mut truth) = (Array2::zeros((m, 2)), Array2::from_elem((m, 2), 0.5), Vec::new());
    for i in 0..m {
        let (x1, x2) = draw(&mut random);
        (x[[i, 0]], x[[i, 1]]) = (x1, x2);
        if role.contains("\"e\"") {
            (e[[i, 0]], e[[i, 1]]) = (1.0 - propensity(x2), propensity(x2));
        }
        truth.push(outcome(rule(x1), x1, x2, &mut random));
    }
    let scoring = SCORING.replace("CLUSTER", "").replace(", \"x3\"", "");
    let known = scoring.lines().find(|line| line.starts_with("propensity")).unwrap().to_owned();
    let scoring: Scoring = toml::from_str(&scoring.replace(&known, &format!("propensity = {role}"))).unwrap();
    let study =
        Study::from_table(&Table::parse("study.csv", text.as_bytes()).unwrap(), &scoring.roles).unwrap();
    let assigned_new = x.column(0).iter().map(|&x1| rule(x1)).collect();
    let estimated = scoring.roles.propensity == PropensityRole::Logit;
    let new = NewUnits {
        ids: (0..m).map(|i| i.to_string()).collect(),
        x,
        assigned: assigned_new,
        propensity: (!estimated).then_some(e),
    };
    (study, scoring, assigned, new, truth)
}

/// Over 400 studies of 1000 units and 100 new ones each: the share of new outcomes under the rule that intervals held, the share that
/// the check on units who received the rule's arm reports, the mean share of infinite intervals, and the mean median length.
fn held(role: &str, scaled: bool, level: f64) -> [f64; 4] {
    const STUDIES: u64 = 400;
    let each = in_threads(STUDIES, |seed| {
        let (study, scoring, assigned, new, truth) = individuals(seed, 1000, 100, role);
        let settings = Settings {
            roles: &scoring.roles,
            clip: None,
            level,
            fit_share: 0.4,
            check_share: 0.2,
            scaled,
            seed,
        };
        let found = Intervals::new(&study, &assigned, Some(&new), &settings).unwrap();
        let end = |end: Option<f64>, infinite: f64| end.unwrap_or(infinite);
        let holds = found.intervals.iter().zip(&truth).filter(|(interval, truth)| {
            inside([end(interval.lower, f64::NEG_INFINITY), end(interval.upper, f64::INFINITY)], **truth)
        });
        let share = holds.count() as f64 / truth.len() as f64;
        [share, found.coverage.unwrap().share.estimate, found.share_infinite, found.median_length.unwrap()]
    });
    std::array::from_fn(|c| each.iter().map(|all| all[c]).sum::<f64>() / STUDIES as f64)
}

/// Coverage is at least the level, and at most by 1 / (effective units + 1), about 0.01, more; its Monte Carlo error is 0.002.
#[test]
fn weighted_intervals_hold_individual_outcomes() {
    for level in [0.9, 0.8] {
        for (role, scaled) in [
            ("{ treated_column = \"e\" }", false),
            ("{ treated_column = \"e\" }", true),
            ("\"logit\"", false),
        ] {
            let [share, check, infinite, length] = held(role, scaled, level);
            println!(
                "level {level}, {role}, scaled {scaled}: held {share:.4}, check {check:.4}, infinite {infinite:.4}, length {length:.3}"
            );
            let slack = if role.contains("logit") { 0.015 } else { 0.006 };
            assert!((level - slack..level + 0.02).contains(&share), "{role}: {share}");
            assert!((check - share).abs() < 0.015, "{role}: the check says {check}, the truth is {share}");
        }
    }
}

/// The same without weights promises what it does not hold.
#[test]
fn intervals_without_weights_are_too_short() {
    let [share, check, ..] = held("{ treated_column = \"half\" }", false, 0.9);
    println!("without weights: held {share:.4}, check {check:.4}");
    assert!(share < 0.88, "{share}");
    assert!(check > share + 0.01, "a check without weights does not see it: {check}");
}
