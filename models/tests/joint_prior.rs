//! Joint empirical Bayes against direct Gaussian conditioning, simulated laws and leaf-wise empirical Bayes.

use ndarray::{Array1, Array2, array};
use prescribe_models::leaf_utility::{Covariance, Joint, JointPrior, LeafSums};

/// Numbers that look random, the same on every machine.
struct Numbers(u64);

impl Numbers {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

/// Arms whose leaf means are mu + B z + N(0, psi), each cell with its own count (some of them 0).
fn simulated(
    mean: &[f64],
    loadings: &Array2<f64>,
    psi: f64,
    noise: f64,
    (arms, count, seed): (usize, f64, u64),
) -> (LeafSums, Vec<f64>) {
    let mut random = Numbers(seed);
    let leaves = mean.len();
    let mut sums = LeafSums::zero(leaves, arms);
    let mut truth = Vec::new();
    for k in 0..arms {
        let z: Vec<f64> = (0..loadings.ncols()).map(|_| random.normal()).collect();
        for l in 0..leaves {
            let common: f64 = z.iter().enumerate().map(|(j, z)| loadings[[l, j]] * z).sum();
            let theta = mean[l] + common + psi.sqrt() * random.normal();
            let units =
                if random.uniform() < 0.05 { 0.0 } else { (count * (0.5 + random.uniform())).round() };
            sums.counts[k * leaves + l] = units;
            sums.sums[k * leaves + l] = units * theta + (units * noise).sqrt() * random.normal();
            truth.push(theta);
        }
    }
    (sums, truth)
}

/// The inverse by Gauss and Jordan.
fn inverse(a: &Array2<f64>) -> Array2<f64> {
    let n = a.nrows();
    let (mut a, mut b) = (a.clone(), Array2::<f64>::eye(n));
    for j in 0..n {
        let p = (j..n).max_by(|&x, &y| a[[x, j]].abs().total_cmp(&a[[y, j]].abs())).unwrap();
        for c in 0..n {
            a.swap([j, c], [p, c]);
            b.swap([j, c], [p, c]);
        }
        let pivot = a[[j, j]];
        (0..n).for_each(|c| (a[[j, c]], b[[j, c]]) = (a[[j, c]] / pivot, b[[j, c]] / pivot));
        for i in (0..n).filter(|&i| i != j) {
            let by = a[[i, j]];
            for c in 0..n {
                a[[i, c]] -= by * a[[j, c]];
                b[[i, c]] -= by * b[[j, c]];
            }
        }
    }
    b
}

/// E and Cov of theta given the cells that have units, from Sigma itself, and the log density of these cells.
fn conditioned(prior: &JointPrior, counts: &[f64], sums: &[f64]) -> (Vec<f64>, Array2<f64>, f64) {
    let sigma = prior.covariance();
    let seen: Vec<usize> = (0..counts.len()).filter(|&l| counts[l] > 0.0).collect();
    let m = seen.len();
    let noisy = Array2::from_shape_fn((m, m), |(a, b)| {
        sigma[[seen[a], seen[b]]] + if a == b { prior.noise / counts[seen[a]] } else { 0.0 }
    });
    let deviation = Array1::from_iter(seen.iter().map(|&l| sums[l] / counts[l] - prior.mean[l]));
    let precision = inverse(&noisy);
    let cross = Array2::from_shape_fn((counts.len(), m), |(l, b)| sigma[[l, seen[b]]]);
    let mean = cross.dot(&precision).dot(&deviation) + Array1::from(prior.mean.clone());
    let covariance = &sigma - &cross.dot(&precision).dot(&cross.t());
    // The determinant by elimination without pivots: the matrix is positive definite.
    let mut left = noisy;
    let mut log_determinant = 0.0;
    for j in 0..m {
        log_determinant += left[[j, j]].ln();
        for i in j + 1..m {
            let by = left[[i, j]] / left[[j, j]];
            (j..m).for_each(|c| left[[i, c]] -= by * left[[j, c]]);
        }
    }
    let square = deviation.dot(&precision.dot(&deviation));
    let density = -0.5 * (square + log_determinant + m as f64 * std::f64::consts::TAU.ln());
    (mean.to_vec(), covariance, density)
}

fn close(a: f64, b: f64, tolerance: f64) -> bool {
    (a - b).abs() <= tolerance * (1.0 + a.abs().max(b.abs()))
}

const SETTINGS: [Covariance; 6] = [
    Covariance::ByLikelihood,
    Covariance::Free,
    Covariance::Common(1),
    Covariance::Factors(0),
    Covariance::Factors(1),
    Covariance::Factors(2),
];

#[test]
fn posteriors_and_likelihood_are_those_of_gaussian_conditioning() {
    let loadings = array![[2.0, 0.3], [-2.0, 0.0], [0.5, 1.0]];
    let (sums, _) = simulated(&[1.0, -2.0, 0.5], &loadings, 0.4, 9.0, (12, 6.0, 3));
    for covariance in SETTINGS {
        let prior = Joint { covariance, ..Joint::default() }.fit(&sums, 9.0);
        let means = prior.posterior_means(&sums);
        let mut density = 0.0;
        for k in 0..12 {
            let (mean, spread, of_arm) = conditioned(&prior, sums.counts_of(k), sums.sums_of(k));
            density += of_arm;
            for l in 0..3 {
                assert!(close(means[3 * k + l], mean[l], 1e-8), "{covariance:?} {k} {l}");
            }
            let difference = prior.posterior_covariance(&sums, k) - spread;
            assert!(difference.iter().all(|d| d.abs() < 1e-8), "{covariance:?} {difference}");
        }
        assert!(close(prior.log_likelihood(), density, 1e-9), "{covariance:?}");
    }
}

#[test]
fn every_step_raises_the_likelihood_to_a_stationary_point() {
    let loadings = array![[2.0], [-2.0], [1.0], [0.0]];
    let (sums, _) = simulated(&[0.0, 1.0, 2.0, 3.0], &loadings, 0.2, 4.0, (40, 5.0, 11));
    for covariance in SETTINGS {
        let settings = Joint { covariance, tolerance: 1e-12, iterations: 20_000, ..Joint::default() };
        let prior = settings.fit(&sums, 4.0);
        assert!(prior.path.windows(2).all(|pair| pair[1] >= pair[0] - 1e-9), "{covariance:?}");
        // No prior nearby has a larger likelihood.
        let likelihood = |prior: &JointPrior| -> f64 {
            (0..40).map(|k| conditioned(prior, sums.counts_of(k), sums.sums_of(k)).2).sum()
        };
        let top = likelihood(&prior);
        let mut random = Numbers(5);
        for _ in 0..200 {
            let mut other = prior.clone();
            other.mean.iter_mut().for_each(|v| *v += 0.01 * random.normal());
            other.loadings.iter_mut().for_each(|v| *v += 0.01 * random.normal());
            other.specific.iter_mut().for_each(|v| *v *= 1.0 + 0.05 * (random.uniform() - 0.5));
            assert!(likelihood(&other) <= top + 1e-6, "{covariance:?}");
        }
    }
}

#[test]
fn the_law_of_many_arms_is_recovered() {
    let loadings = array![[3.0, 0.0], [-3.0, 0.5], [0.0, 1.0]];
    let (sums, _) = simulated(&[1.0, 0.0, -1.0], &loadings, 0.0, 25.0, (4_000, 20.0, 21));
    let truth = loadings.dot(&loadings.t());
    for covariance in [Covariance::Free, Covariance::Factors(2)] {
        let prior = Joint { covariance, tolerance: 1e-9, ..Joint::default() }.fit(&sums, 25.0);
        let off = prior.covariance() - &truth;
        assert!(off.iter().all(|d| d.abs() < 0.5), "{covariance:?} {off}");
        let off: Vec<f64> = prior.mean.iter().zip([1.0, 0.0, -1.0]).map(|(m, t)| m - t).collect();
        assert!(off.iter().all(|d| d.abs() < 0.2), "{off:?}");
    }
}

#[test]
fn a_diagonal_law_is_empirical_bayes_leaf_by_leaf() {
    let none = Array2::zeros((3, 0));
    let (sums, _) = simulated(&[1.0, 0.0, -1.0], &none, 4.0, 9.0, (30, 6.0, 8));
    let settings = Joint {
        covariance: Covariance::Factors(0),
        tolerance: 1e-13,
        iterations: 50_000,
        ..Joint::default()
    };
    let together = settings.fit(&sums, 9.0);
    let means = together.posterior_means(&sums);
    for l in 0..3 {
        // One leaf: the profile likelihood of the prior variance on a fine grid.
        let cells: Vec<(f64, f64)> = (0..30)
            .map(|k| (sums.counts_of(k)[l], sums.sums_of(k)[l]))
            .filter(|cell| cell.0 > 0.0)
            .map(|(n, s)| (s / n, 9.0 / n))
            .collect();
        let at = |psi: f64| {
            let total: f64 = cells.iter().map(|(_, v)| 1.0 / (psi + v)).sum();
            let mu = cells.iter().map(|(y, v)| y / (psi + v)).sum::<f64>() / total;
            let density: f64 = cells.iter().map(|(y, v)| (psi + v).ln() + (y - mu).powi(2) / (psi + v)).sum();
            (-0.5 * density, mu)
        };
        let grid = (0..200_000).map(|step| f64::from(step) * 1e-4);
        let psi = grid.max_by(|a, b| at(*a).0.total_cmp(&at(*b).0)).unwrap();
        assert!((together.specific[l] - psi).abs() < 5e-3 * (1.0 + psi), "{} {psi}", together.specific[l]);
        for k in (0..30).filter(|&k| sums.counts_of(k)[l] > 0.0) {
            let (y, v) = (sums.sums_of(k)[l] / sums.counts_of(k)[l], 9.0 / sums.counts_of(k)[l]);
            let expected = at(psi).1 + psi / (psi + v) * (y - at(psi).1);
            assert!((means[3 * k + l] - expected).abs() < 5e-3, "{} {expected}", means[3 * k + l]);
        }
    }
}

#[test]
fn a_control_from_another_population_leaves_the_prior_alone_and_keeps_its_level() {
    let loadings = array![[2.0], [-2.0]];
    let (mut sums, _) = simulated(&[0.0, 0.0], &loadings, 0.0, 9.0, (20, 30.0, 4));
    for (l, level) in [-49.0, -51.0].into_iter().enumerate() {
        (sums.counts[l], sums.sums[l]) = (30.0, 30.0 * level);
    }
    let apart = Joint { apart: Some(0), ..Joint::default() }.fit(&sums, 9.0);
    let together = Joint::default().fit(&sums, 9.0);
    // The other arms' variance is about 4; one arm at -50 among 20 adds 50^2 / 20 in both leaves.
    assert!(apart.covariance().iter().all(|v| v.abs() < 10.0), "{}", apart.covariance());
    assert!(together.covariance().iter().all(|v| *v > 80.0), "{}", together.covariance());
    // The level by generalised least squares, then the ordinary posterior around it.
    let total = apart.covariance() + Array2::from_diag_elem(2, 9.0 / 30.0);
    let precision = inverse(&total);
    let deviation = array![-49.0 - apart.mean[0], -51.0 - apart.mean[1]];
    let ones = Array1::<f64>::ones(2);
    let level = ones.dot(&precision.dot(&deviation)) / ones.dot(&precision.dot(&ones));
    let expected = apart.covariance().dot(&precision.dot(&(deviation - level)))
        + level
        + Array1::from(apart.mean.clone());
    let means = apart.posterior_means(&sums);
    assert!((0..2).all(|l| close(means[l], expected[l], 1e-8)), "{means:?} {expected}");
    assert!((means[0] + means[1] + 100.0).abs() < 1.0, "{means:?}");
}

#[test]
fn the_likelihood_counts_the_factors() {
    let rank = |loadings: &Array2<f64>, arms: usize| {
        let (sums, _) = simulated(&[0.0; 4], loadings, 0.0, 9.0, (arms, 40.0, 6));
        Joint::default().fit(&sums, 9.0).rank
    };
    assert_eq!(rank(&array![[2.0], [-2.0], [2.0], [-2.0]], 60), 1);
    assert_eq!(rank(&array![[2.0, 0.0], [-2.0, 0.0], [0.0, 2.0], [0.0, 2.0]], 60), 2);
    // Two arms: leaf by leaf.
    assert_eq!(rank(&array![[2.0], [-2.0], [2.0], [-2.0]], 2), 0);
}

#[test]
fn the_evidence_is_the_density_of_all_utilities_less_the_cost() {
    // Two arms in one leaf, leaf by leaf: the utilities of an arm are jointly normal.
    let (y, noise) = ([[1.0, 2.0, 4.0], [-1.0, 0.5, 3.5]], 2.0);
    let mut sums = LeafSums::zero(1, 2);
    y.iter().enumerate().for_each(|(k, of_arm)| of_arm.iter().for_each(|v| sums.read(0, k, *v)));
    let prior = Joint::default().fit(&sums, noise);
    let psi = prior.specific[0];
    let mut density = 0.0;
    for of_arm in &y {
        // Covariance noise I + psi 11' over 3 units.
        let deviation: Vec<f64> = of_arm.iter().map(|v| v - prior.mean[0]).collect();
        let (square, total): (f64, f64) = (deviation.iter().map(|d| d * d).sum(), deviation.iter().sum());
        let log_determinant = 2.0 * noise.ln() + (noise + 3.0 * psi).ln();
        let form = (square - psi / (noise + 3.0 * psi) * total * total) / noise;
        density -= 0.5 * (form + log_determinant + 3.0 * std::f64::consts::TAU.ln());
    }
    assert_eq!(prior.parameters, 2);
    assert!(close(prior.evidence(&sums), density - 6.0_f64.ln(), 1e-10));
}

#[test]
fn the_evidence_of_cuts_does_not_depend_on_the_scale_of_utilities() {
    let loadings = array![[2.0], [-2.0]];
    let (sums, _) = simulated(&[0.0, 0.0], &loadings, 0.0, 9.0, (20, 30.0, 4));
    let mut one = LeafSums::zero(1, 20);
    for k in 0..20 {
        one.counts[k] = sums.counts_of(k).iter().sum();
        one.sums[k] = sums.sums_of(k).iter().sum();
    }
    let gain = |scale: f64, apart: Option<usize>| {
        let settings = Joint { apart, covariance: Covariance::Common(1), ..Joint::default() };
        let evidence = |sums: &LeafSums, noise: f64| {
            let mut scaled = sums.clone();
            scaled.sums.iter_mut().for_each(|v| *v *= scale);
            // Squares of units of which only the sums were drawn: the noise leaves them with.
            let cells = sums.counts.iter().filter(|count| **count > 0.0).count() as f64;
            let means = sums.counts.iter().zip(&sums.sums).filter(|(n, _)| **n > 0.0).map(|(n, s)| s * s / n);
            scaled.square = scale * scale * (means.sum::<f64>() + noise * (1_200.0 - cells));
            settings.fit(&scaled, scale * scale * noise).evidence(&scaled)
        };
        evidence(&sums, 9.0) - evidence(&one, 13.0)
    };
    for apart in [None, Some(3)] {
        assert!(
            (gain(1.0, apart) - gain(1e-3, apart)).abs() < 1e-3,
            "{} {}",
            gain(1.0, apart),
            gain(1e-3, apart)
        );
    }
}
