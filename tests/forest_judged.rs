//! The value of a learned assignment: doubly robust, by the formula, on units that nothing of it has seen.

use std::collections::BTreeMap;

use prescribe::data::{Roles, Study, Table};
use prescribe::forest::{CrossFit, ForestError, ForestFile, Plan, Settings, Trial, importance, learn};
use prescribe::nuisance::Folds;
use prescribe::score::Direction;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

/// Three arms of unequal shares; the second is the best where x > 0, the third elsewhere. `shift` is added to the outcome of every unit that
/// `which` names.
fn study(seed: u64, shift: f64, which: impl Fn(usize) -> bool) -> Study {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut csv = String::from("y,arm,x,z\n");
    for i in 0..300 {
        let (x, z): (f64, f64) = (random.sample(StandardNormal), random.sample(StandardNormal));
        let k = [0, 0, 1, 1, 1, 2][random.random_range(0..6_usize)];
        let effect = [0.0, if x > 0.0 { 2.0 } else { -2.0 }, if x > 0.0 { -2.0 } else { 2.0 }][k];
        let y = z + effect + random.sample::<f64, _>(StandardNormal) + if which(i) { shift } else { 0.0 };
        csv.push_str(&format!("{y},{k},{x},{z}\n"));
    }
    let roles = Roles::new("y", "arm", &["x".to_string(), "z".to_string()]);
    Study::from_table(&Table::parse("trial.csv", csv.as_bytes()).unwrap(), &roles).unwrap()
}

fn plan() -> Plan {
    Plan { forest: Settings { trees: 30, lambda1: 5.0, ..Settings::default() }, ..Plan::default() }
}

fn fitted(study: &Study, direction: Direction) -> CrossFit {
    let folds = Folds::new(study, 3, 7).unwrap();
    CrossFit::new(study, &Trial::of(study, direction), &plan(), direction, folds, &|_| Ok(())).unwrap()
}

#[test]
fn rewards_follow_the_formula() {
    for direction in [Direction::Maximize, Direction::Minimize] {
        let study = study(1, 0.0, |_| false);
        let fitted = fitted(&study, direction);
        let sign = direction.sign();
        for i in 0..study.units() {
            for k in 0..3 {
                let mu = sign * fitted.estimates[[i, k]];
                let residual =
                    if study.arm[i] == k { (study.outcome[i] - mu) / study.propensity[[i, k]] } else { 0.0 };
                assert!((fitted.rewards[[i, k]] - sign * (mu + residual)).abs() < 1e-9);
            }
        }
        let given = fitted.assignment(&study);
        let evaluation = fitted.value(&study, &given, &[("same", &given)]).unwrap();
        let mean = (0..300).map(|i| sign * fitted.rewards[[i, given[i]]]).sum::<f64>() / 300.0;
        assert!((evaluation.value.estimate - mean).abs() < 1e-9);
        let same = evaluation.against("same").unwrap();
        assert_eq!((same.difference.estimate, same.difference.standard_error), (0.0, 0.0));
    }
}

#[test]
fn no_unit_sees_its_own_fold() {
    let plain = study(2, 0.0, |_| false);
    let folds = Folds::new(&plain, 3, 7).unwrap();
    let inside = |i: usize| folds.fold_of[i] == 1;
    let moved = study(2, 1e4, inside);
    assert_eq!(Folds::new(&moved, 3, 7).unwrap(), folds);
    let (before, after) = (fitted(&plain, Direction::Maximize), fitted(&moved, Direction::Maximize));
    let same = |i: &usize| before.estimates.row(*i) == after.estimates.row(*i);
    assert!((0..300).filter(|&i| inside(i)).all(|i| same(&i)));
    assert!((0..300).filter(|&i| !inside(i)).any(|i| !same(&i)));
}

#[test]
fn whoever_watches_may_stop_the_work() {
    let study = study(3, 0.0, |_| false);
    let folds = Folds::new(&study, 3, 7).unwrap();
    let trial = Trial::of(&study, Direction::Maximize);
    let stop = |_| Err(ForestError::Interrupted);
    let stopped = CrossFit::new(&study, &trial, &plan(), Direction::Maximize, folds, &stop);
    assert!(matches!(stopped, Err(ForestError::Interrupted)));
}

#[test]
fn what_matters_is_found_and_files_keep_every_bit() {
    let study = study(4, 0.0, |_| false);
    let trial = Trial::of(&study, Direction::Maximize);
    let whole = learn(&trial, &plan()).unwrap();
    let found = importance(&whole, &fitted(&study, Direction::Maximize), &study, 1);
    assert_eq!((found[0].covariate.as_str(), found[1].covariate.as_str()), ("x", "z"));
    assert!(found[0].lost.interval[0] > 0.0 && found[0].changed > found[1].changed, "{found:?}");
    let file = ForestFile::new(&whole, &study, &trial, (Direction::Maximize, &BTreeMap::new()), 1);
    let read =
        ForestFile::parse(std::str::from_utf8(&file.to_bytes().unwrap()).unwrap(), "forest.json").unwrap();
    assert_eq!(read, file);
    let outcome = read.assign(&study.x, None).outcome;
    assert_eq!(outcome, file.assign(&study.x, None).outcome);
    assert_eq!(outcome, whole.predict(trial.x.view()));
}
