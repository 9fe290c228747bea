//! Effects in parts of the population that a covariate forms: its levels; of a number, its values where they are few, and
//! otherwise the quarters between its quartiles; and the units that miss it. The parts are formed by covariates alone, so that
//! their intervals need no allowance for it.

use serde::{Deserialize, Serialize};

use super::influence::Influence;
use super::{Contrast, Effect};
use crate::data::Study;
use crate::evaluate::Sampling;

/// The effect of an arm in a part of the population.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SubgroupEffect {
    pub arm: String,
    pub covariate: String,
    /// Which units: `ward = north`, a range `20 < age <= 31`, or `age missing`.
    pub group: String,
    pub units: usize,
    /// None where they are in fewer than two clusters (or units) of positive weight.
    #[serde(flatten)]
    pub effect: Option<Effect>,
}

/// The same before the table's critical value is known.
pub(super) struct Subgroup {
    arm: usize,
    covariate: usize,
    group: String,
    units: usize,
    pub effect: Option<Influence>,
}

impl Subgroup {
    pub fn named(self, study: &Study, critical: f64) -> SubgroupEffect {
        SubgroupEffect {
            arm: study.arms[self.arm].clone(),
            covariate: study.covariates[self.covariate].name.clone(),
            group: self.group,
            units: self.units,
            effect: self.effect.map(|influence| influence.effect(critical)),
        }
    }
}

/// The effects of all contrasts in the parts that the covariates in columns `by` form.
pub(super) fn of(study: &Study, contrasts: &[Contrast], sampling: &Sampling, by: &[usize]) -> Vec<Subgroup> {
    let mut subgroups = Vec::new();
    for contrast in contrasts {
        for &covariate in by {
            for Part { name, holds } in parts(study, covariate) {
                let inside = |&u: &usize| holds.holds(study.x[[contrast.units[u], covariate]]);
                let positions: Vec<usize> = (0..contrast.units.len()).filter(inside).collect();
                let units: Vec<usize> = positions.iter().map(|&u| contrast.units[u]).collect();
                let known = sampling.among(&units).weighted_clusters() > 1;
                let effect = known.then(|| contrast.mean(sampling, &positions));
                subgroups.push(Subgroup {
                    arm: contrast.arm,
                    covariate,
                    group: name,
                    units: units.len(),
                    effect,
                });
            }
        }
    }
    subgroups
}

struct Part {
    name: String,
    holds: Holds,
}

/// Which values of the covariate are in a part.
enum Holds {
    Value(f64),
    /// Above the first and at most the second.
    Range(f64, f64),
    Missing,
}

impl Holds {
    fn holds(&self, value: f64) -> bool {
        match *self {
            Holds::Value(of_part) => value == of_part,
            Holds::Range(above, most) => above < value && value <= most,
            Holds::Missing => value.is_nan(),
        }
    }
}

fn parts(study: &Study, j: usize) -> Vec<Part> {
    /// Values of a number that each form a part.
    const FEW: usize = 4;
    let covariate = &study.covariates[j];
    let mut values: Vec<f64> = study.x.column(j).iter().copied().filter(|value| !value.is_nan()).collect();
    values.sort_unstable_by(f64::total_cmp);
    let mut distinct = values.clone();
    distinct.dedup();
    let value = |&value: &f64| {
        let level =
            covariate.levels.get(value as usize).cloned().unwrap_or_else(|| (value + 0.0).to_string());
        Part { name: format!("{} = {level}", covariate.name), holds: Holds::Value(value) }
    };
    let mut parts: Vec<Part> = if covariate.is_categorical() || distinct.len() <= FEW {
        distinct.iter().map(value).collect()
    } else {
        quarters(&covariate.name, &values)
    };
    if values.len() < study.units() {
        parts.push(Part { name: format!("{} missing", covariate.name), holds: Holds::Missing });
    }
    parts
}

/// The parts between the quartiles of sorted values; fewer than four where quartiles coincide.
fn quarters(name: &str, sorted: &[f64]) -> Vec<Part> {
    let n = sorted.len();
    let mut cuts: Vec<f64> = (1..4).map(|quarter| sorted[(n * quarter).div_ceil(4) - 1]).collect();
    cuts.dedup();
    // Nothing lies above a cut at the largest value.
    cuts.retain(|&cut| cut < sorted[n - 1]);
    let mut ends = vec![f64::NEG_INFINITY];
    ends.extend(cuts);
    ends.push(f64::INFINITY);
    let part = |ends: &[f64]| {
        let (above, most) = (ends[0], ends[1]);
        let name = match (above.is_finite(), most.is_finite()) {
            (false, _) => format!("{name} <= {most}"),
            (true, false) => format!("{name} > {above}"),
            (true, true) => format!("{above} < {name} <= {most}"),
        };
        Part { name, holds: Holds::Range(above, most) }
    };
    ends.windows(2).map(part).collect()
}
