//! A study of the shape of fusion.txt, section 4.2, whose data are closed: 10,346 patients with chronic lymphocytic leukemia, ten
//! covariates, seven first lines of therapy, alive (1) or dead (0).
//!
//! ```text
//! arm a     n_a patients drawn without replacement with odds exp(g_a'(z, u, ECOG >= 2, Rai / 4)), small arms first          confounded
//! alive     ~ Bernoulli(m_b(a)),   m_b = b_0 + b_1 z + b_2 u - .05 z - .08 1{ECOG >= 2} - .04 Rai / 4, brought into [.03, .97]
//! groups    {cBTKi, AntiCD20}, {AntiCD20 + chemo}, {BCL2i + AntiCD20, cBTKi + AntiCD20}, {other}, {chemo}
//! ```
//!
//! with z = (age - 70) / 10 and u = (time from diagnosis in months - 30) / 30. Sizes are those of Table 6, except that its rows sum to 7,846
//! and not to the 10,346 of its last line: here the arm "Other" has the 2,500 that are missing. The groups are in the manner of Figure 1;
//! shares of covariates, odds and effects are made up, and effects are larger than real ones would be.

use ndarray::Array2;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Exp1, Gumbel, StandardNormal};

use crate::random::stream;

/// Therapy, patients, latent group.
const ARMS: [(&str, usize, usize); 7] = [
    ("cBTKi mono", 3392, 0),
    ("AntiCD20 + Chemotherapy", 1726, 1),
    ("AntiCD20 mono", 1230, 0),
    ("BCL2i + AntiCD20", 463, 2),
    ("cBTKi + AntiCD20", 408, 2),
    ("Chemotherapy", 215, 4),
    ("Other", 2912, 3),
];
/// g_a.
const ODDS: [[f64; 4]; 7] = [
    [0.2, 0.1, 0.1, 0.0],
    [-0.4, -0.2, -0.3, 0.3],
    [0.3, 0.0, 0.2, -0.2],
    [-0.3, 0.2, -0.2, 0.2],
    [-0.2, 0.1, -0.1, 0.0],
    [0.5, -0.2, 0.4, 0.1],
    [0.0, 0.0, 0.0, 0.0],
];
/// b_0, b_1, b_2.
const EFFECTS: [[f64; 3]; 5] =
    [[0.72, 0.0, 0.0], [0.62, -0.20, 0.0], [0.70, -0.08, 0.14], [0.55, 0.05, 0.0], [0.55, 0.20, -0.12]];

/// The columns of the file, and their kinds: which are categories, and which a rule should not see.
pub const COVARIATES: [&str; 10] =
    ["race", "region", "payer", "ses_index", "gender", "ecog", "rai_stage", "lymphadenopathy", "age", "time"];

/// A simulated study.
#[derive(Clone, Debug, PartialEq)]
pub struct ChronicLeukemia {
    /// One row a patient: the covariates as text, in the order of [`COVARIATES`].
    pub covariates: Vec<[String; 10]>,
    /// The therapy of each patient, an index into `therapies`.
    pub arm: Vec<usize>,
    pub alive: Vec<bool>,
    pub therapies: Vec<&'static str>,
    /// The latent group of each therapy.
    pub group: Vec<usize>,
    /// The chance to be alive under each latent group (n x 5).
    pub chances: Array2<f64>,
}

/// Draws a study.
pub fn chronic_leukemia(seed: u64) -> ChronicLeukemia {
    let mut random = stream(seed, "chronic_leukemia");
    let patients: Vec<Patient> =
        (0..ARMS.iter().map(|(_, size, _)| size).sum()).map(|_| Patient::draw(&mut random)).collect();
    let arm = assigned(&patients, &mut random);
    let chances = Array2::from_shape_fn((patients.len(), EFFECTS.len()), |(i, b)| patients[i].chance(b));
    let alive = (0..patients.len()).map(|i| random.random::<f64>() < chances[[i, ARMS[arm[i]].2]]).collect();
    ChronicLeukemia {
        covariates: patients.into_iter().map(Patient::cells).collect(),
        arm,
        alive,
        therapies: ARMS.iter().map(|(name, ..)| *name).collect(),
        group: ARMS.iter().map(|(.., group)| *group).collect(),
        chances,
    }
}

impl ChronicLeukemia {
    /// The study as a CSV, with columns `therapy` and `alive` after the covariates.
    pub fn csv(&self) -> String {
        let mut text = format!("{},therapy,alive\n", COVARIATES.join(","));
        for (i, cells) in self.covariates.iter().enumerate() {
            let (therapy, alive) = (self.therapies[self.arm[i]], u8::from(self.alive[i]));
            text.push_str(&format!("{},{therapy},{alive}\n", cells.join(",")));
        }
        text
    }
}

/// Each arm in turn, from small to large, takes its patients from those left: the largest sums of log odds and Gumbel noise, which is
/// sampling without replacement with these odds.
fn assigned(patients: &[Patient], random: &mut ChaCha8Rng) -> Vec<usize> {
    let gumbel = Gumbel::new(0.0, 1.0).expect("the scale is positive");
    let mut order: Vec<usize> = (0..ARMS.len()).collect();
    order.sort_by_key(|&a| ARMS[a].1);
    let mut left: Vec<usize> = (0..patients.len()).collect();
    let mut arm = vec![0; patients.len()];
    for a in order {
        let log_odds = |i: usize| patients[i].drivers().iter().zip(ODDS[a]).map(|(x, g)| x * g).sum::<f64>();
        let mut keyed: Vec<(f64, usize)> =
            left.iter().map(|&i| (log_odds(i) + random.sample(gumbel), i)).collect();
        keyed.sort_by(|one, other| other.0.total_cmp(&one.0));
        let taken = keyed.iter().take(ARMS[a].1);
        taken.for_each(|&(_, i)| arm[i] = a);
        left = keyed[ARMS[a].1..].iter().map(|&(_, i)| i).collect();
        left.sort_unstable();
    }
    arm
}

struct Patient {
    race: &'static str,
    region: &'static str,
    payer: &'static str,
    ses_index: u8,
    male: bool,
    ecog: u8,
    rai: u8,
    nodes: bool,
    age: f64,
    months: f64,
}

impl Patient {
    fn draw(random: &mut ChaCha8Rng) -> Patient {
        let age = (70.0 + 10.0 * random.sample::<f64, _>(StandardNormal)).clamp(35.0, 89.0).round();
        let months = (30.0 * random.sample::<f64, _>(Exp1)).min(240.0);
        let frail = ((age - 70.0) / 40.0).clamp(-0.2, 0.4);
        let medicare = if age >= 65.0 { 0.7 } else { 0.1 };
        let payer = pick(&[("Medicare", medicare), ("commercial", 0.8 - medicare), ("other", 0.2)], random);
        Patient {
            race: pick(
                &[("White", 0.66), ("Black", 0.09), ("Asian", 0.02), ("other", 0.11), ("unknown", 0.12)],
                random,
            ),
            region: pick(&[("South", 0.4), ("Midwest", 0.2), ("West", 0.2), ("Northeast", 0.2)], random),
            payer,
            ses_index: random.random_range(1..=5),
            male: random.random::<f64>() < 0.62,
            ecog: pick(
                &[(0, 0.42 - frail), (1, 0.38), (2, 0.13 + frail / 2.0), (3, 0.07 + frail / 2.0)],
                random,
            ),
            rai: pick(&[(0, 0.25), (1, 0.22), (2, 0.18), (3, 0.15), (4, 0.2)], random),
            nodes: random.random::<f64>() < 0.45,
            age,
            months: (months * 100.0).round() / 100.0,
        }
    }

    /// z, u, 1{ECOG >= 2}, Rai / 4.
    fn drivers(&self) -> [f64; 4] {
        let frail = f64::from(u8::from(self.ecog >= 2));
        [(self.age - 70.0) / 10.0, (self.months - 30.0) / 30.0, frail, f64::from(self.rai) / 4.0]
    }

    /// m_b.
    fn chance(&self, group: usize) -> f64 {
        let ([z, u, frail, rai], [b0, b1, b2]) = (self.drivers(), EFFECTS[group]);
        (b0 + b1 * z + b2 * u - 0.05 * z - 0.08 * frail - 0.04 * rai).clamp(0.03, 0.97)
    }

    fn cells(self) -> [String; 10] {
        let flag = |set: bool| u8::from(set).to_string();
        [
            self.race.into(),
            self.region.into(),
            self.payer.into(),
            self.ses_index.to_string(),
            flag(self.male),
            self.ecog.to_string(),
            self.rai.to_string(),
            flag(self.nodes),
            self.age.to_string(),
            self.months.to_string(),
        ]
    }
}

/// One of the values, by their shares, which sum to 1.
fn pick<T: Copy>(values: &[(T, f64)], random: &mut ChaCha8Rng) -> T {
    let mut left = random.random::<f64>();
    let found = values.iter().find(|(_, share)| {
        left -= share;
        left < 0.0
    });
    found.unwrap_or(&values[0]).0
}
