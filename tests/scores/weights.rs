//! Sample weights: a unit of weight 3 is three units that are one cluster.

use ndarray::{Axis, array};
use prescribe::evaluate::{Against, BestArm, Estimate, Evaluation, OBSERVED};
use prescribe::score::{Direction, hajek, ipw, net};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

const COPIES: [usize; 12] = [1, 3, 2, 0, 1, 1, 4, 2, 0, 1, 2, 1];

/// A study with costs and whole-number weights, and the study in which each unit stands as often as its weight says,
/// its copies one cluster.
fn weighted_and_copied() -> (Study, Study) {
    let mut plain = scattered_study(12, 2, 1);
    plain.costs.column_mut(1).fill(0.3);
    plain.propensity = Array2::from_shape_fn((12, 2), |(i, k)| if k == i % 2 { 0.4 } else { 0.6 });
    let units: Vec<usize> = (0..12).flat_map(|i| vec![i; COPIES[i]]).collect();
    let copied = Study { cluster: Some(units.clone()), ..plain.select(&units) };
    let total = COPIES.iter().sum::<usize>() as f64;
    let weights = COPIES.iter().map(|&copies| copies as f64 * 12.0 / total).collect();
    (Study { weights: Some(weights), ..plain }, copied)
}

#[test]
fn weights_are_copies_in_one_cluster() {
    let (weighted, copied) = weighted_and_copied();
    // Units of weight 0 count in the small-sample factor of the one, and are not there in the other.
    let factor = ((12.0 / 11.0) / (10.0 / 9.0_f64)).sqrt();
    for score in [ipw, hajek] {
        for direction in [Direction::Maximize, Direction::Minimize] {
            let evaluate = |study: &Study| {
                let rewards = net(&score(study).unwrap(), study, direction).unwrap();
                let assignment: Vec<usize> =
                    study.x.column(0).iter().map(|x| usize::from(*x > 0.2)).collect();
                Evaluation::new(study, &rewards, &assignment, direction, &Against::default()).unwrap()
            };
            let (found, expected) = (evaluate(&weighted), evaluate(&copied));
            let same = |found: &Estimate, expected: &Estimate| {
                assert_close(found.estimate, expected.estimate, 1e-13);
                assert_close(found.standard_error, factor * expected.standard_error, 1e-13);
            };
            same(&found.value, &expected.value);
            same(&found.against(OBSERVED).unwrap().value, &expected.against(OBSERVED).unwrap().value);
            same(
                &found.against(OBSERVED).unwrap().difference,
                &expected.against(OBSERVED).unwrap().difference,
            );
            for (found, expected) in found.differences.iter().zip(&expected.differences) {
                same(&found.value, &expected.value);
                same(&found.difference, &expected.difference);
            }
        }
    }
}

#[test]
fn rewards_sum_to_weighted_sums() {
    let (weighted, copied) = weighted_and_copied();
    let sums =
        |study: &Study| net(&ipw(study).unwrap(), study, Direction::Minimize).unwrap().sum_axis(Axis(0));
    let (found, expected) = (sums(&weighted), sums(&copied));
    (0..2).for_each(|k| assert_close(found[k], expected[k] * 12.0 / 18.0, 1e-12));
}

#[test]
fn weights_within_clusters_by_hand() {
    let rewards = array![[1.0, 0.0], [2.0, 0.0], [3.0, 0.0], [4.0, 0.0]];
    let mut study = scattered_study(4, 2, 0);
    study.weights = Some(array![1.0, 0.5, 2.0, 0.5]);
    study.cluster = Some(vec![0, 1, 0, 2]);
    let found = Evaluation::new(&study, &rewards, &[0; 4], Direction::Maximize, &Against::default()).unwrap();
    // Mean 10 / 4; deviations 1 - 2.5, 2 - 1.25, 3 - 5, 4 - 1.25 sum to -3.5, 0.75, 2.75; 3/2 x 20.375 / 16.
    assert_close(found.value.estimate, 2.5, 1e-15);
    assert_close(found.value.standard_error, (1.5 * 20.375 / 16.0_f64).sqrt(), 1e-14);
    assert_close(found.effective_units.unwrap(), 16.0 / 5.5, 1e-14);
    assert!(
        found.table().starts_with("Value on 4 units in 3 clusters (weighted; effectively 2.9): "),
        "{}",
        found.table()
    );
}

#[test]
fn equal_weights_are_no_weights() {
    let mut study = scattered_study(50, 2, 1);
    let evaluate = |study: &Study| {
        let rewards = net(&ipw(study).unwrap(), study, Direction::Maximize).unwrap();
        Evaluation::new(study, &rewards, &[1; 50], Direction::Maximize, &BestArm::Elsewhere(0).into())
            .unwrap()
    };
    let without = evaluate(&study);
    study.weights = Some(Array1::ones(50));
    assert_eq!(evaluate(&study), Evaluation { effective_units: Some(50.0), ..without });
}

#[test]
fn one_unit_of_positive_weight_has_no_standard_error() {
    let mut study = scattered_study(3, 2, 0);
    study.weights = Some(array![0.0, 3.0, 0.0]);
    let refusal = |study: &Study| {
        let rewards = Array2::zeros((study.units(), 2));
        Evaluation::new(study, &rewards, &[0; 3], Direction::Maximize, &Against::default())
            .unwrap_err()
            .to_string()
    };
    let remedy = "at least 2 are needed, so change --test-share, or correct the weights";
    assert_eq!(refusal(&study), format!("trial.csv: 1 row to evaluate on with a weight above 0; {remedy}"));
    study.weights = Some(array![1.0, 2.0, 0.0]);
    study.cluster = Some(vec![0, 0, 1]);
    assert_eq!(
        refusal(&study),
        format!("trial.csv: 1 cluster to evaluate on with a weight above 0; {remedy}")
    );
    study.weights = Some(array![1.0]);
    assert!(refusal(&study).contains("the weight of each unit: expected 3 long, found 1 long"));
}

/// A trial of 200 units drawn from a population with x uniform in (0, 1), those with large x more often; the weights
/// make up for it.
fn drawn(random: &mut ChaCha8Rng) -> Study {
    let (mut x, mut arm, mut outcome, mut weights) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    while x.len() < 200 {
        let covariate: f64 = random.random();
        let chance = 0.2 + 0.8 * covariate;
        if random.random::<f64>() < chance {
            let treated = random.random::<bool>();
            x.push(covariate);
            arm.push(usize::from(treated));
            outcome.push(1.0 + f64::from(treated) * 2.0 * covariate + random.random::<f64>());
            weights.push(1.0 / chance);
        }
    }
    let mean = weights.iter().sum::<f64>() / 200.0;
    let x = Array2::from_shape_vec((200, 1), x).unwrap();
    let study = study(x, arm, Array1::from(outcome), Array2::from_elem((200, 2), 0.5));
    Study { weights: Some(weights.into_iter().map(|weight| weight / mean).collect()), ..study }
}

#[test]
fn weighted_intervals_cover_the_value_in_the_population_and_others_do_not() {
    const STUDIES: usize = 1000;
    // Treating everyone brings 1 + 2 E[x] + 1/2 in the population.
    let truth = 2.5;
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut covered = [0; 2];
    for _ in 0..STUDIES {
        let mut study = drawn(&mut random);
        for count in &mut covered {
            let rewards = net(&ipw(&study).unwrap(), &study, Direction::Maximize).unwrap();
            let found =
                Evaluation::new(&study, &rewards, &[1; 200], Direction::Maximize, &Against::default())
                    .unwrap();
            *count += usize::from((found.value.interval[0]..=found.value.interval[1]).contains(&truth));
            study.weights = None;
        }
    }
    let [weighted, without] = covered.map(|count| count as f64 / STUDIES as f64);
    assert!((0.93..=0.97).contains(&weighted), "{weighted}");
    assert!(without < 0.85, "{without}");
}
