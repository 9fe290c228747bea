//! Clusters: whole in every fold, and errors that cover what they claim.

use ndarray::array;
use prescribe::evaluate::{Against, BestArm, Evaluation};
use prescribe::nuisance::Folds;
use prescribe::score::{Direction, ipw};
use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use super::*;

fn clustered(arm: Vec<usize>, arms: usize, cluster: Vec<usize>) -> Study {
    let (n, e) = (arm.len(), Array2::from_elem((arm.len(), arms), 1.0 / arms as f64));
    Study { cluster: Some(cluster), ..study(Array2::zeros((n, 0)), arm, Array1::zeros(n), e) }
}

proptest! {
    #[test]
    fn folds_hold_whole_clusters_and_are_even_to_the_largest(
        count in 2usize..6,
        extra in proptest::collection::vec((0usize..12, 0usize..2), 0..80),
        seed in any::<u64>(),
    ) {
        // Every cluster has both arms, so that no fold can hold all of one.
        let units: Vec<(usize, usize)> = (0..24).map(|i| (i / 2, i % 2)).chain(extra).collect();
        let (cluster, arm): (Vec<usize>, Vec<usize>) = units.into_iter().unzip();
        let largest = (0..12).map(|c| cluster.iter().filter(|&&of| of == c).count()).max().unwrap();
        let study = clustered(arm, 2, cluster.clone());
        let folds = Folds::new(&study, count, seed).unwrap();
        let size = |f| folds.fold_of.iter().filter(|&&of| of == f).count();
        let sizes: Vec<usize> = (0..count).map(size).collect();
        prop_assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= largest, "{:?}", sizes);
        prop_assert!(sizes.iter().all(|&size| size > 0));
        for i in 0..cluster.len() {
            for j in 0..i {
                prop_assert!(cluster[i] != cluster[j] || folds.fold_of[i] == folds.fold_of[j]);
            }
        }
        for f in 0..count {
            let trained = |k| (0..cluster.len()).any(|i| folds.fold_of[i] != f && study.arm[i] == k);
            prop_assert!(trained(0) && trained(1));
        }
        prop_assert_eq!(&folds, &Folds::new(&study, count, seed).unwrap());
    }
}

proptest! {
    #[test]
    fn no_arm_of_two_clusters_falls_into_one_of_more_folds_than_arms(
        units in proptest::collection::vec((0usize..7, 0usize..3), 0..20),
        seed in any::<u64>(),
    ) {
        // Clusters 0 and 1, 2 and 3, 4 and 5 have an arm each; the rest falls anywhere.
        let first = (0..6).map(|c| (c, c / 2));
        let (cluster, arm): (Vec<usize>, Vec<usize>) = first.chain(units).unzip();
        let study = clustered(arm, 3, cluster);
        for folds in 4..=6 {
            prop_assert!(Folds::new(&study, folds, seed).is_ok());
        }
    }
}

#[test]
fn clusters_that_received_one_arm_are_spread_by_arm() {
    // Five villages of each arm in five folds: one of each in each fold, whatever the seed.
    let cluster: Vec<usize> = (0..40).map(|i| i / 4).collect();
    let study = clustered(cluster.iter().map(|c| c % 2).collect(), 2, cluster);
    for seed in 0..20 {
        let folds = Folds::new(&study, 5, seed).unwrap();
        for f in 0..5 {
            let of_arm = |k| (0..40).filter(|&i| folds.fold_of[i] == f && study.arm[i] == k).count();
            assert_eq!((of_arm(0), of_arm(1)), (4, 4));
        }
    }
}

#[test]
fn folds_without_clusters_are_those_stratified_by_arm() {
    let study = scattered_study(40, 3, 1);
    assert_eq!(Folds::new(&study, 4, 7).unwrap(), Folds::stratified(&study, 4, 7).unwrap());
}

#[test]
fn too_few_clusters_and_an_arm_in_one_are_refused() {
    let refusal = |study: &Study| Folds::new(study, 3, 1).unwrap_err().to_string();
    assert_eq!(
        refusal(&clustered(vec![0, 1, 0, 1], 2, vec![0, 0, 1, 1])),
        "trial.csv: 2 clusters, fewer than the 3 folds; pass --folds 2 or fewer, name finer clusters with --cluster"
    );
    assert_eq!(
        refusal(&clustered(vec![0, 1, 1, 0, 0], 2, vec![0, 1, 1, 2, 3])),
        "trial.csv: all rows of arm \"arm1\" (1 cluster) fall into one fold, so no model could be fitted for that fold; \
         drop the arm, merge it with another, or name finer clusters with --cluster"
    );
}

#[test]
fn errors_between_clusters_by_hand() {
    let rewards = array![[1.0, 2.0], [0.0, 3.0], [2.0, 6.0], [4.0, 1.0], [3.0, 3.0]];
    let study = clustered(vec![0, 1, 0, 1, 0], 2, vec![4, 1, 1, 4, 0]);
    let found = Evaluation::new(&study, &rewards, &[1, 1, 1, 0, 0], Direction::Maximize, &Against::default())
        .unwrap();
    // The rule: 2, 3, 6, 4, 3, mean 3.6; deviations -1.6, -0.6, 2.4, 0.4, -0.6 sum to -1.2, 1.8, -0.6 in clusters.
    assert_close(found.value.estimate, 3.6, 1e-14);
    let variance = 3.0 / 2.0 / 25.0 * (1.44 + 3.24 + 0.36);
    assert_close(found.value.standard_error, f64::sqrt(variance), 1e-14);
    // Less arm0: 1, 3, 4, 0, 0, mean 1.6; deviations -0.6, 1.4, 2.4, -1.6, -1.6 sum to -2.2, 3.8, -1.6.
    let variance = 3.0 / 2.0 / 25.0 * (4.84 + 14.44 + 2.56);
    assert_close(found.differences[0].difference.standard_error, f64::sqrt(variance), 1e-14);
    assert_eq!(found.clusters, Some(3));
    assert!(found.table().starts_with("Value on 5 units in 3 clusters: "), "{}", found.table());
}

#[test]
fn clusters_of_one_unit_are_no_clusters() {
    let mut study = scattered_study(50, 2, 1);
    let rewards = ipw(&study).unwrap();
    let evaluate = |study: &Study| {
        Evaluation::new(study, &rewards, &[1; 50], Direction::Maximize, &BestArm::Elsewhere(0).into())
            .unwrap()
    };
    let alone = evaluate(&study);
    study.cluster = Some((0..50).rev().collect());
    assert_eq!(evaluate(&study), Evaluation { clusters: Some(50), ..alone });
}

#[test]
fn one_cluster_has_no_standard_error() {
    let study = clustered(vec![0, 1, 0], 2, vec![3, 3, 3]);
    assert_eq!(
        Evaluation::new(&study, &Array2::zeros((3, 2)), &[0; 3], Direction::Maximize, &Against::default())
            .unwrap_err()
            .to_string(),
        "trial.csv: 1 cluster to evaluate on; a standard error between clusters needs at least 2, so name finer \
         clusters with --cluster"
    );
}

/// A randomised trial in 60 clusters of 2 to 10 units that share an error of their outcomes; treating helps where x > 0.
fn simulated(random: &mut ChaCha8Rng) -> Study {
    let (mut x, mut arm, mut outcome, mut cluster) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for c in 0..60 {
        let shared: f64 = random.sample(StandardNormal);
        for _ in 0..random.random_range(2..=10) {
            let (covariate, own): (f64, f64) = (random.sample(StandardNormal), random.sample(StandardNormal));
            let treated = random.random::<bool>();
            x.push(covariate);
            arm.push(usize::from(treated));
            outcome.push(1.0 + f64::from(treated) * covariate + 2.0 * shared + 0.5 * own);
            cluster.push(c);
        }
    }
    let n = x.len();
    let x = Array2::from_shape_vec((n, 1), x).unwrap();
    let study = study(x, arm, Array1::from(outcome), Array2::from_elem((n, 2), 0.5));
    Study { cluster: Some(cluster), ..study }
}

#[test]
fn intervals_between_clusters_cover_the_value_and_others_do_not() {
    const STUDIES: usize = 1000;
    // The rule treats where x > 0, so that its value is 1 + E[max(x, 0)] = 1 + 1 / sqrt(2 pi).
    let truth = 1.0 + 1.0 / (2.0 * std::f64::consts::PI).sqrt();
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut covered = [0; 2];
    for _ in 0..STUDIES {
        let mut study = simulated(&mut random);
        let assignment: Vec<usize> = study.x.column(0).iter().map(|x| usize::from(*x > 0.0)).collect();
        for count in &mut covered {
            let rewards = ipw(&study).unwrap();
            let found =
                Evaluation::new(&study, &rewards, &assignment, Direction::Maximize, &Against::default())
                    .unwrap();
            *count += usize::from(covers(&found.value, truth));
            study.cluster = None;
        }
    }
    let [between, without] = covered.map(|count| count as f64 / STUDIES as f64);
    assert!((0.93..=0.97).contains(&between), "{between}");
    assert!(without < 0.85, "{without}");
}
