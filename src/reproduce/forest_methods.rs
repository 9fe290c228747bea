//! How arms are assigned after one draw of a trial with many arms (forest.txt, section 4.3), and what the assignment is worth.
//!
//! ```text
//! value       the mean effect, net of the baseline, of the arms assigned to test units
//! best arm    the share of the test units that are assigned their best arm
//! ```

use std::str::FromStr;

use ndarray::Array2;
use rand::Rng;
use serde::{Deserialize, Serialize};

use super::ReproduceError;
use crate::forest::{Forest, Settings, Trial, assign};
use crate::random::stream;
use crate::simulate::{ManyArmsDesign, ManyArmsPopulation, many_arms};

/// How arms are assigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Method {
    /// The joint assignment forest.
    #[serde(rename = "joint-forest")]
    Forest,
    /// The arm of the best mean for all.
    #[serde(rename = "global-best")]
    GlobalBest,
    /// An arm at random, the control excepted.
    #[serde(rename = "random")]
    Random,
    /// The truly best arm.
    #[serde(rename = "oracle")]
    Oracle,
}

impl Method {
    /// In the paper's order, then those that the paper does not have, then the simple ones.
    pub const ALL: [Method; 4] = [Self::Forest, Self::GlobalBest, Self::Random, Self::Oracle];

    /// Whose difference in value is reported, draw by draw.
    pub(super) const PAIRS: [(Method, Method); 1] = [(Self::Forest, Self::GlobalBest)];

    pub fn title(self) -> &'static str {
        match self {
            Self::Forest => "joint-forest",
            Self::GlobalBest => "global-best",
            Self::Random => "random",
            Self::Oracle => "oracle",
        }
    }
}

impl FromStr for Method {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|method| method.title() == text);
        found.ok_or_else(|| format!("give some of {}", Self::ALL.map(Self::title).join(", ")))
    }
}

/// What was chosen for a design on a training draw of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tuned {
    pub settings: Settings,
    pub cpu_seconds: f64,
}

/// One assignment in one draw.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    pub value: f64,
    pub best_arm_rate: f64,
    /// What it took to learn, the baseline included where it is taken off; the only part that is not the same twice.
    pub cpu_seconds: f64,
}

/// A draw to learn from.
pub(super) struct Study {
    trial: Trial,
    seed: u64,
}

impl Study {
    pub(super) fn draw(design: &ManyArmsDesign, units: usize, seed: u64) -> Result<Study, ReproduceError> {
        let drawn = many_arms(design, units, seed)?;
        let trial = Trial {
            x: drawn.x,
            arm: drawn.arm.iter().map(|&k| k as u16).collect(),
            arms: design.arms + 1,
            utility: drawn.outcome,
            mass: None,
            weight: None,
        };
        Ok(Study { trial, seed })
    }

    pub(super) fn tuned(&self, trees: usize) -> Tuned {
        Tuned { settings: Settings { trees, ..Settings::default() }, cpu_seconds: 0.0 }
    }

    pub(super) fn tried(&self, method: Method, tuned: &Tuned, test: &ManyArmsPopulation) -> Tried {
        let cpu = cpu_time::ThreadTime::now();
        let assigned = self.assigned(method, tuned, test);
        let cpu_seconds = cpu.elapsed().as_secs_f64();
        Tried { value: test.value(&assigned), best_arm_rate: test.best_arm_rate(&assigned), cpu_seconds }
    }

    fn assigned(&self, method: Method, tuned: &Tuned, test: &ManyArmsPopulation) -> Vec<usize> {
        let units = test.x.nrows();
        match method {
            Method::Forest => {
                assign(&Forest::grow(&self.trial, &tuned.settings, None, self.seed).predict(test.x.view()))
            }
            Method::GlobalBest => vec![assign(&self.means())[0]; units],
            Method::Random => {
                let mut random = stream(self.seed, "arms at random");
                (0..units).map(|_| random.random_range(1..self.trial.arms)).collect()
            }
            Method::Oracle => test.oracle.clone(),
        }
    }

    /// Mean utilities of the arms (1 x K); arms without units have none.
    fn means(&self) -> Array2<f64> {
        let mut sums = vec![(0.0, 0.0); self.trial.arms];
        for (&k, y) in self.trial.arm.iter().zip(&self.trial.utility) {
            let (sum, count) = &mut sums[k as usize];
            *sum += y;
            *count += 1.0;
        }
        let mean = |(sum, count): (f64, f64)| if count > 0.0 { sum / count } else { f64::NEG_INFINITY };
        Array2::from_shape_fn((1, self.trial.arms), |(_, k)| mean(sums[k]))
    }
}
