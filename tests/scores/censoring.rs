//! Outcomes made of censored times: Kaplan-Meier by a second program and by the definition, unbiasedness by simulation.

use std::collections::BTreeMap;
use std::path::Path;

use ndarray::{Axis, array};
use prescribe::data::{Covariate, Estimand, FollowUp, OutcomeModel, OutcomeRole, Roles, SurvivalRole, Table};
use prescribe::evaluate::{Estimate, Evaluation};
use prescribe::nuisance::{Folds, cross_fit};
use prescribe::score::{Direction, aipw, complete, ipw, net};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

/// A study of one arm's worth of times in each arm; the outcomes are those that `from_table` would give.
fn followed(arm: Vec<usize>, time: Vec<f64>, event: Vec<bool>, horizon: f64, estimand: Estimand) -> Study {
    let n = arm.len();
    let outcome = (0..n).map(|i| match estimand {
        Estimand::Rmst => time[i].min(horizon),
        Estimand::Survival => f64::from(!(event[i] && time[i] <= horizon)),
    });
    let outcome = outcome.collect();
    let follow_up = FollowUp {
        time: Array1::from(time),
        event,
        horizon,
        estimand,
        stratum: vec![0; n],
        strata_names: Vec::new(),
    };
    let study = study(Array2::zeros((n, 0)), arm, outcome, Array2::from_elem((n, 2), 0.5));
    Study { follow_up: Some(follow_up), ..study }
}

fn completed(mut study: Study) -> Study {
    complete(&mut study).unwrap();
    study
}

#[test]
fn outcomes_by_hand() {
    // Arm 0: event 1, end 1, event 2, end 3 (the horizon). At 1 the event comes first, then 1 of 3 ends: G(1) = 2/3.
    // S is 3/4 from 1 and 3/8 from 2; m(1) = 1 + (3/4 + 3/8) / (3/4) = 2.5, or S(3) / S(1) = 1/2.
    let by = |estimand| {
        let (time, event) = (vec![1.0, 1.0, 2.0, 3.0, 9.0], vec![true, false, true, false, true]);
        completed(followed(vec![0, 0, 0, 0, 1], time, event, 3.0, estimand))
    };
    let restricted = by(Estimand::Rmst);
    let drawn = 2.5 / 3.0 * 1.5;
    let expected = [1.0, 2.5 * 1.5 - drawn, 2.0 * 1.5 - drawn, 3.0 * 1.5 - drawn, 3.0];
    (0..5).for_each(|i| assert_close(restricted.outcome[i], expected[i], 1e-14));
    let survived = by(Estimand::Survival);
    let drawn = 0.5 / 3.0 * 1.5;
    let expected = [0.0, 0.5 * 1.5 - drawn, -drawn, 1.5 - drawn, 1.0];
    (0..5).for_each(|i| assert_close(survived.outcome[i], expected[i], 1e-14));
    assert_eq!(
        restricted.warnings,
        [
            "trial.csv: follow-up of 1 of 5 units ended before their outcome was known; the least probability of being \
          followed to the horizon is 0.667"
        ]
    );
}

#[test]
fn who_was_followed_to_the_horizon_keeps_the_outcome() {
    let time: Vec<f64> = (0..40).map(|i| (i * i % 17) as f64).collect();
    // Ends at or beyond the horizon, events before.
    let event: Vec<bool> = time.iter().map(|time| *time < 9.0).collect();
    for estimand in [Estimand::Rmst, Estimand::Survival] {
        let before = followed((0..40).map(|i| i % 2).collect(), time.clone(), event.clone(), 9.0, estimand);
        let after = completed(before.clone());
        assert_eq!((after.outcome, after.warnings), (before.outcome, before.warnings));
    }
}

#[test]
fn arms_without_events_have_the_outcome_for_certain() {
    let (time, event) = (vec![1.0, 5.0, 2.0, 3.0, 2.0, 4.0], vec![false; 6]);
    for (estimand, outcome) in [(Estimand::Rmst, 3.0), (Estimand::Survival, 1.0)] {
        let study = completed(followed(vec![0, 0, 0, 0, 1, 1], time.clone(), event.clone(), 3.0, estimand));
        study.outcome.iter().for_each(|found| assert_close(*found, outcome, 1e-14));
    }
}

/// Times with ties, events and ends alike, in two arms.
fn tied(random: &mut ChaCha8Rng, horizon: f64, estimand: Estimand) -> Study {
    let n = 60;
    let time = (0..n).map(|i| if i < 2 { 12.0 } else { random.random_range(0..12) as f64 }).collect();
    let event = (0..n).map(|_| random.random_bool(0.6)).collect();
    followed((0..n).map(|i| i % 2).collect(), time, event, horizon, estimand)
}

/// Survival just after each of the times 0, 1, .. of the units, by the definition, with Greenwood's sum.
fn kaplan_meier(study: &Study, units: &[usize]) -> Vec<(f64, f64)> {
    let follow_up = study.follow_up.as_ref().unwrap();
    let (mut survival, mut sum) = (1.0, 0.0);
    let step = |time: usize| {
        let at = |i: &&usize| follow_up.time[**i] == time as f64 && follow_up.event[**i];
        let died = units.iter().filter(at).count() as f64;
        let at_risk = units.iter().filter(|&&i| follow_up.time[i] >= time as f64).count() as f64;
        if died > 0.0 {
            survival *= 1.0 - died / at_risk;
            sum += died / (at_risk * (at_risk - died));
        }
        (survival, sum)
    };
    (0..12).map(step).collect()
}

#[test]
fn means_are_kaplan_meier_and_their_errors_greenwood() {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    for _ in 0..100 {
        let survived = tied(&mut random, 7.0, Estimand::Survival);
        let restricted = {
            let FollowUp { time, event, .. } = survived.follow_up.clone().unwrap();
            followed(survived.arm.clone(), time.to_vec(), event, 7.0, Estimand::Rmst)
        };
        let (survived, restricted) = (completed(survived), completed(restricted));
        for k in 0..2 {
            let units: Vec<usize> = (0..60).filter(|i| i % 2 == k).collect();
            let curve = kaplan_meier(&survived, &units);
            let mean = |study: &Study| units.iter().map(|&i| study.outcome[i]).sum::<f64>() / 30.0;
            let (survival, greenwood) = curve[7];
            assert_close(mean(&survived), survival, 1e-13);
            assert_close(mean(&restricted), curve[..7].iter().map(|(survival, _)| survival).sum(), 1e-12);
            let squares: f64 = units.iter().map(|&i| (survived.outcome[i] - survival).powi(2)).sum();
            assert_close(squares / 900.0, survival * survival * greenwood, 1e-13);
        }
    }
}

/// The columns of colon.csv as a study of deaths or recurrences.
fn colon(outcome: &str, horizon: f64, estimand: Estimand, strata: &[&str]) -> Study {
    let (time, event) = match outcome {
        "death" => ("days_to_death_or_censoring", "died"),
        _ => ("days_to_recurrence_or_censoring", "recurred"),
    };
    let roles = "outcome = ''\ntreatment = 'arm'\ncovariates = ['node4']\narms = ['Obs', 'Lev', 'Lev+5FU']";
    let survival = SurvivalRole {
        time: time.into(),
        event: event.into(),
        horizon,
        estimand,
        censoring_strata: strata.iter().map(|name| name.to_string()).collect(),
    };
    let roles = Roles { outcome: OutcomeRole::Survival(survival), ..toml::from_str(roles).unwrap() };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data/colon.csv");
    completed(Study::from_table(&Table::read(&path).unwrap(), &roles).unwrap())
}

#[test]
fn the_colon_trial_has_the_means_that_lifelines_finds() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracles/survival/expected.csv");
    let mut compared = 0;
    for row in csv::Reader::from_path(path).unwrap().deserialize() {
        let row: BTreeMap<String, String> = row.unwrap();
        let number = |name: &str| row[name].parse::<f64>().unwrap();
        let strata: &[&str] = if row["node4"] == "all" { &[] } else { &["node4"] };
        for (estimand, name) in [(Estimand::Rmst, "rmst"), (Estimand::Survival, "survival")] {
            let study = colon(&row["outcome"], number("horizon"), estimand, strata);
            let chosen = |&i: &usize| {
                study.arms[study.arm[i]] == row["arm"]
                    && (row["node4"] == "all" || study.x[[i, 0]] == number("node4"))
            };
            let outcomes: Vec<f64> = (0..929).filter(chosen).map(|i| study.outcome[i]).collect();
            assert_eq!(outcomes.len() as f64, number("units"));
            let mean = outcomes.iter().sum::<f64>() / outcomes.len() as f64;
            assert_close(mean / number(name), 1.0, 1e-12);
            compared += 1;
        }
    }
    assert_eq!(compared, 2 * 3 * 3 * 3 * 2);
}

const HORIZON: f64 = 1.5;

/// The rate at which the event comes, by stratum z, covariate x and arm.
fn rate(z: usize, x: f64, arm: usize) -> f64 {
    0.3 * (0.8 * z as f64 - 1.2 * arm as f64 * (x - 0.3)).exp()
}

/// A trial of 400 units whose follow-up ends at a rate that depends on arm and stratum.
fn simulated(random: &mut ChaCha8Rng, estimand: Estimand) -> Study {
    let n = 400;
    let wait = |rate: f64, random: &mut ChaCha8Rng| -random.random::<f64>().ln() / rate;
    let (mut x, mut arm, mut time, mut event) = (Array2::zeros((n, 2)), Vec::new(), Vec::new(), Vec::new());
    for i in 0..n {
        let (z, covariate, a) = (usize::from(random.random::<bool>()), random.random(), i % 2);
        let death = wait(rate(z, covariate, a), random);
        let end = wait([[0.05, 0.7], [0.05, 0.7]][a][z], random);
        x[[i, 0]] = z as f64;
        x[[i, 1]] = covariate;
        arm.push(a);
        time.push(death.min(end));
        event.push(death <= end);
    }
    let stratum = x.column(0).iter().map(|z| *z as usize).collect();
    let study = followed(arm, time, event, HORIZON, estimand);
    Study {
        follow_up: Some(FollowUp { stratum, ..study.follow_up.unwrap() }),
        covariates: ["z", "x"].map(Covariate::numeric).to_vec(),
        x,
        ..study
    }
}

/// Treat where x > cut.
fn treated_above(study: &Study, cut: f64) -> Vec<usize> {
    study.x.column(1).iter().map(|x| usize::from(*x > cut)).collect()
}

/// The mean outcome of treating where x > cut, by the midpoint rule over x.
fn truth(estimand: Estimand, cut: f64) -> f64 {
    const POINTS: usize = 20_000;
    let mean = |rate: f64| match estimand {
        Estimand::Rmst => (1.0 - (-rate * HORIZON).exp()) / rate,
        Estimand::Survival => (-rate * HORIZON).exp(),
    };
    let at = |x: f64| [0, 1].map(|z| mean(rate(z, x, usize::from(x > cut)))).iter().sum::<f64>() / 2.0;
    (0..POINTS).map(|i| at((i as f64 + 0.5) / POINTS as f64)).sum::<f64>() / POINTS as f64
}

fn value(study: &Study, scores: Array2<f64>, cut: f64) -> Estimate {
    let rewards = net(&scores, study, Direction::Maximize).unwrap();
    let assignment = treated_above(study, cut);
    Evaluation::new(study, &rewards, &assignment, Direction::Maximize, None).unwrap().value
}

#[test]
fn the_value_of_a_fixed_rule_is_unbiased_and_covered_and_dropping_the_censored_is_not() {
    const STUDIES: usize = 2000;
    let mut random = ChaCha8Rng::seed_from_u64(11);
    for estimand in [Estimand::Rmst, Estimand::Survival] {
        let truth = truth(estimand, 0.6);
        let mut errors = Array2::zeros((STUDIES, 4));
        let mut covered = [0; 2];
        for mut row in errors.rows_mut() {
            let study = simulated(&mut random, estimand);
            let follow_up = study.follow_up.clone().unwrap();
            let known: Vec<usize> = (0..400).filter(|&i| follow_up.known(i)).collect();
            let whole = completed(study.clone());
            let folds = Folds::new(&whole, 5, random.random()).unwrap();
            let one_stratum = FollowUp { stratum: vec![0; 400], ..follow_up };
            let coarse = completed(Study { follow_up: Some(one_stratum), ..study.clone() });
            let dropped = study.select(&known);
            let found = [
                value(
                    &whole,
                    aipw(&whole, &cross_fit(&whole, &folds, &OutcomeModel::Linear, 1).unwrap()).unwrap(),
                    0.6,
                ),
                value(&whole, ipw(&whole).unwrap(), 0.6),
                value(&coarse, ipw(&coarse).unwrap(), 0.6),
                value(&dropped, ipw(&dropped).unwrap(), 0.6),
            ];
            for (error, found) in row.iter_mut().zip(&found) {
                *error = found.estimate - truth;
            }
            for (count, found) in covered.iter_mut().zip(&found) {
                *count += usize::from((found.lower..=found.upper).contains(&truth));
            }
        }
        let mean = errors.mean_axis(Axis(0)).unwrap();
        let off = mean / (errors.std_axis(Axis(0), 1.0) / (STUDIES as f64).sqrt());
        let coverage = covered.map(|count| count as f64 / STUDIES as f64);
        println!("{estimand:?}: mean error in Monte Carlo standard errors {off}, coverage {coverage:?}");
        assert!(off[0].abs() < 3.0 && off[1].abs() < 3.0, "{estimand:?}: {off}");
        assert!(off[2].abs() > 5.0 && off[3].abs() > 10.0, "{estimand:?}: {off}");
        assert!(coverage.iter().all(|share| (0.935..=0.965).contains(share)), "{estimand:?}: {coverage:?}");
    }
}

/// S and G come from all units, held out or not; what a rule was learned from must not leak to its value through them.
#[test]
fn the_held_out_value_of_a_learned_rule_is_covered() {
    const STUDIES: usize = 2000;
    let mut random = ChaCha8Rng::seed_from_u64(12);
    let mut covered = 0;
    for _ in 0..STUDIES {
        let study = completed(simulated(&mut random, Estimand::Rmst));
        let folds = Folds::new(&study, 5, random.random()).unwrap();
        let scores = aipw(&study, &cross_fit(&study, &folds, &OutcomeModel::Linear, 1).unwrap()).unwrap();
        let half = |parity: usize| -> Vec<usize> { (0..400).filter(|i| i / 2 % 2 == parity).collect() };
        let on = |units: &[usize], cut| value(&study.select(units), scores.select(Axis(0), units), cut);
        let cuts = (0..=20).map(|step| step as f64 / 20.0);
        let by_value = |a: &f64, b: &f64| on(&half(0), *a).estimate.total_cmp(&on(&half(0), *b).estimate);
        let cut = cuts.max_by(by_value).unwrap();
        let found = on(&half(1), cut);
        covered += usize::from((found.lower..=found.upper).contains(&truth(Estimand::Rmst, cut)));
    }
    let coverage = covered as f64 / STUDIES as f64;
    println!("coverage {coverage}");
    assert!((0.935..=0.965).contains(&coverage), "{coverage}");
}

#[test]
fn a_horizon_that_nobody_was_followed_to_is_refused() {
    let mut study = followed(
        vec![0, 0, 1, 1, 1],
        vec![5.0, 6.0, 4.0, 1.0, 3.5],
        vec![true, false, false, true, true],
        7.0,
        Estimand::Rmst,
    );
    let remedy = "trial.csv: nobody of \"arm1\" was followed to the horizon 7: the last follow-up ended without the event \
                  at 4; pass --horizon 4 or less";
    assert_eq!(complete(&mut study).unwrap_err().to_string(), remedy);
    let mut coarser = study.clone();
    coarser.follow_up.as_mut().unwrap().strata_names = vec!["sex".into(), "site".into()];
    assert_eq!(
        complete(&mut coarser).unwrap_err().to_string(),
        format!("{remedy}, or name fewer columns than sex, site with --censoring-strata")
    );
    let mut at_once = study.clone();
    at_once.follow_up.as_mut().unwrap().time.fill(0.0);
    at_once.follow_up.as_mut().unwrap().event.fill(false);
    assert!(complete(&mut at_once).unwrap_err().to_string().ends_with(" at 0; drop the rows of time 0"));
    study.follow_up.as_mut().unwrap().horizon = 4.0;
    study.outcome = array![4.0, 4.0, 4.0, 1.0, 3.5];
    complete(&mut study).unwrap();
}
