//! A study of the shape of interference.txt, section 7, whose data are closed: 2,129 students of 1,010 households in Bogota, some enrolled
//! in a programme that pays for going to school.
//!
//! ```text
//! households  246, 479, 225, 50, 10 of M = 1, .., 5 students; locality and poverty score (0..22) are the household's
//! strata      locality, school, gender, grade (6..11);   p = P(enrolled) of a stratum: .63 or .45 by locality, -+ .08 drawn once a stratum
//! attendance  Y_ij = m_ij + noise in [0, 1],   m_ij = b_ij + d_ij A_ij + (1/(M_i - 1)) sum_{k != j} s_ik A_ik       the signal: additive (5)
//!             b = .55 - .005 (grade - 8.5) + .003 (score - 11)
//!             d = .14 - .02 (grade - 8.5) - .01 (score - 11),    s = .06 - .01 (grade - 8.5) + .01 (M - 2)
//! noise       uniform on [-w, w],  w = min(m, 1 - m, .3)
//! gain        (d_ij + s_ij 1{M_i > 1}) / M_i: what enrolling a student adds to the household's mean
//! ```
//!
//! Numbers of households and students are the paper's; sizes, shares, propensities and effects are made up, and effects are larger than real
//! ones would be, so that the costs of section 7 (15, 20 and 25%) split the students.

use ndarray::Array2;
use rand::Rng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::interference::Clusters;
use crate::random::stream;

/// Households of 1, .., 5 students.
const HOUSEHOLDS: [usize; 5] = [246, 479, 225, 50, 10];
/// Propensity by locality, and how far that of a stratum may be from it.
const LOCALITIES: [(&str, f64); 2] = [("San Cristobal", 0.63), ("Suba", 0.45)];
const AROUND: f64 = 0.08;
const SCHOOLS: [&str; 2] = ["public", "private"];
const GENDERS: [&str; 2] = ["female", "male"];
const GRADES: [u8; 2] = [6, 11];

/// The covariates of the rules of section 7.
pub const COVARIATES: [&str; 3] = ["grade", "household_size", "poverty_score"];

/// A simulated study.
#[derive(Clone, Debug, PartialEq)]
pub struct CashTransfers {
    /// Households, students, propensities and attendance.
    pub clusters: Clusters,
    /// [`COVARIATES`] of each student (N x 3).
    pub x: Array2<f64>,
    /// Mean attendance of each household if nobody is enrolled (n).
    pub baseline: Vec<f64>,
    /// What enrolling each student adds to the mean of its household (N).
    pub gain: Vec<f64>,
    /// Locality, school and gender of each student.
    strata: Vec<[&'static str; 3]>,
}

/// Draws a study.
pub fn cash_transfers(seed: u64) -> CashTransfers {
    let mut random = stream(seed, "cash_transfers");
    let chances = chances(&mut random);
    let mut sizes: Vec<usize> =
        HOUSEHOLDS.iter().enumerate().flat_map(|(k, count)| vec![k + 1; *count]).collect();
    sizes.shuffle(&mut random);
    let units = sizes.iter().sum();
    let mut drawn = CashTransfers {
        clusters: Clusters {
            members: Vec::new(),
            treated: Vec::new(),
            propensity: Vec::new(),
            outcome: vec![0.0; units],
        },
        x: Array2::zeros((units, COVARIATES.len())),
        baseline: Vec::new(),
        gain: Vec::new(),
        strata: Vec::new(),
    };
    sizes.into_iter().for_each(|size| drawn.add(size, &chances, &mut random));
    drawn
}

/// The propensity of each stratum: by locality, school, gender and grade.
fn chances(random: &mut ChaCha8Rng) -> Vec<f64> {
    let strata = SCHOOLS.len() * GENDERS.len() * usize::from(GRADES[1] - GRADES[0] + 1);
    let mut of = |(_, mean): (&str, f64)| -> Vec<f64> {
        let mut one = || ((mean + random.random_range(-AROUND..AROUND)) * 100.0).round() / 100.0;
        (0..strata).map(|_| one()).collect()
    };
    LOCALITIES.into_iter().flat_map(&mut of).collect()
}

impl CashTransfers {
    /// Draws a household of `size` students.
    fn add(&mut self, size: usize, chances: &[f64], random: &mut ChaCha8Rng) {
        let locality = random.random_range(0..LOCALITIES.len());
        let score = f64::from(random.random_range(0..=10u8) + random.random_range(0..=12u8));
        let people = (size + random.random_range(1..=4usize)) as f64;
        let first = self.gain.len();
        let units: Vec<usize> = (first..first + size).collect();
        let (mut base, mut own, mut spill) = (Vec::new(), Vec::new(), Vec::new());
        for &u in &units {
            let (school, gender) =
                (random.random_range(0..SCHOOLS.len()), random.random_range(0..GENDERS.len()));
            let step = random.random_range(0..=usize::from(GRADES[1] - GRADES[0]));
            let stratum = ((locality * SCHOOLS.len() + school) * GENDERS.len() + gender)
                * usize::from(GRADES[1] - GRADES[0] + 1)
                + step;
            let (grade, propensity) = (f64::from(GRADES[0]) + step as f64, chances[stratum]);
            self.strata.push([LOCALITIES[locality].0, SCHOOLS[school], GENDERS[gender]]);
            self.x.row_mut(u).assign(&ndarray::arr1(&[grade, people, score]));
            self.clusters.propensity.push(propensity);
            self.clusters.treated.push(random.random::<f64>() < propensity);
            base.push(0.55 - 0.005 * (grade - 8.5) + 0.003 * (score - 11.0));
            own.push(0.14 - 0.02 * (grade - 8.5) - 0.01 * (score - 11.0));
            let alone = size == 1;
            let passed = 0.06 - 0.01 * (grade - 8.5) + 0.01 * (size as f64 - 2.0);
            spill.push(if alone { 0.0 } else { passed });
        }
        let enrolled = |j: usize| f64::from(u8::from(self.clusters.treated[units[j]]));
        let around: f64 = (0..size).map(|k| spill[k] * enrolled(k)).sum();
        for j in 0..size {
            let others = around - spill[j] * enrolled(j);
            let mean = base[j] + own[j] * enrolled(j) + others / (size.max(2) - 1) as f64;
            let width = mean.min(1.0 - mean).min(0.3);
            self.clusters.outcome[units[j]] = mean + width * random.random_range(-1.0..1.0);
        }
        self.baseline.push(base.iter().sum::<f64>() / size as f64);
        self.gain.extend((0..size).map(|j| (own[j] + spill[j]) / size as f64));
        self.clusters.members.push(units);
    }

    /// The mean attendance of a household, on average over households, if a student is enrolled where `assignment` says so.
    pub fn value(&self, assignment: &[bool]) -> f64 {
        let gains = self.gain.iter().zip(assignment).filter(|(_, enrolled)| **enrolled);
        let total = self.baseline.iter().sum::<f64>() + gains.map(|(gain, _)| gain).sum::<f64>();
        total / self.clusters.count() as f64
    }

    /// The study as a CSV, one row a student.
    pub fn csv(&self) -> String {
        let mut text = format!(
            "household,locality,school,gender,{},enrolled,attendance,propensity\n",
            COVARIATES.join(",")
        );
        for (i, units) in self.clusters.members.iter().enumerate() {
            for &u in units {
                let cells: Vec<String> = self.x.row(u).iter().map(f64::to_string).collect();
                let (strata, cells) = (self.strata[u].join(","), cells.join(","));
                let (enrolled, y) = (u8::from(self.clusters.treated[u]), self.clusters.outcome[u]);
                text.push_str(&format!(
                    "{},{strata},{cells},{enrolled},{y:?},{:?}\n",
                    i + 1,
                    self.clusters.propensity[u]
                ));
            }
        }
        text
    }
}
