//! Arms that are fused: one arm for scores, rule and value, several again where a unit is given one (fusion.txt, section 2).
//!
//! ```text
//! pi_b(x) = sum over a in b of pi_a(x)          mu_b(x) = sum over a in b of pi_a(x) mu_a(x) / pi_b(x)
//! ```
//!
//! for a group b of arms a (section 3.3), where fused arms have the same mean, so that any weights on mu_a would do; these are those of
//! the treatment "received something of b".

use std::collections::{BTreeMap, HashMap};

use ndarray::{Array2, ArrayView1, Axis};
use serde::{Deserialize, Serialize};

use super::{DataError, Place, Problem, Study, Table};

/// Groups of arms: the members of each, by its label.
pub type Groups = BTreeMap<String, Vec<String>>;

/// Which member of its group a unit gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Choose {
    /// Each with the same chance.
    #[default]
    Random,
    /// The one of the best estimated value, which the group names first.
    Best,
    /// The one of the least mean cost, which the group names first.
    Cheapest,
}

/// The labels of the treatment received with the group in place of its members; an arm that no group names stays as it is.
///
/// # Errors
/// Kind `Data`: a member that no unit received, or of two groups; a group called like an arm that it does not hold.
pub(super) fn fused(
    table: &Table,
    column: &str,
    groups: &Groups,
    labels: Vec<String>,
) -> Result<Vec<String>, DataError> {
    let mut found = labels.clone();
    found.sort_unstable();
    found.dedup();
    let group_of = group_of(groups, &found, || Place::file(table.source()).column(column))?;
    let fused = |label: String| group_of.get(label.as_str()).map_or(label.clone(), |group| group.to_string());
    Ok(labels.into_iter().map(fused).collect())
}

/// The group of each member; `arms` are those there are.
fn group_of<'g>(
    groups: &'g Groups,
    arms: &[String],
    place: impl Fn() -> Place,
) -> Result<HashMap<&'g str, &'g str>, DataError> {
    let mut group_of: HashMap<&str, &str> = HashMap::new();
    for (group, members) in groups {
        for member in members {
            if !arms.contains(member) {
                let (arm, arms) = (member.clone(), arms.to_vec());
                return Err(place().refuse(Problem::UnknownArm { role: "a group", arm, arms }));
            }
            if let Some(other) = group_of.insert(member, group) {
                let groups = [other.to_string(), group.clone()];
                return Err(place().refuse(Problem::TwoGroups { arm: member.clone(), groups }));
            }
        }
        if arms.contains(group) && !members.contains(group) {
            return Err(place().refuse(Problem::GroupLikeArm { group: group.clone() }));
        }
    }
    Ok(group_of)
}

impl Study {
    /// The study with groups in the place of their members, in the order of their first arms. Propensities are summed, predictions and given
    /// scores averaged by propensity; a group costs what the member does that `choose` gives, or the mean of its members.
    ///
    /// # Errors
    /// Kind `Data`: a member that is no arm, or of two groups; a group called like an arm that it does not hold; fewer than two arms left;
    /// members of one group that are not for the same units.
    pub fn fused(&self, groups: &Groups, choose: Choose) -> Result<Study, DataError> {
        let place = || Place::file(&self.source);
        let group_of = group_of(groups, &self.arms, place)?;
        let label = |arm: &String| group_of.get(arm.as_str()).map_or(arm.clone(), |group| group.to_string());
        let mut arms: Vec<String> = Vec::new();
        for arm in &self.arms {
            let label = label(arm);
            if !arms.contains(&label) {
                arms.push(label);
            }
        }
        if let [arm] = arms.as_slice() {
            return Err(place().refuse(Problem::AllFused { group: arm.clone() }));
        }
        let position = |arms: &[String], label: &String| arms.iter().position(|arm| arm == label);
        // Labels of groups and members have been checked.
        let member = |arm: &String| position(&self.arms, arm).unwrap_or(0);
        let itself = |label: &String| vec![label.clone()];
        let members: Vec<Vec<usize>> = arms
            .iter()
            .map(|label| {
                groups.get(label).cloned().unwrap_or_else(|| itself(label)).iter().map(member).collect()
            })
            .collect();
        self.refuse_other_eligibility(&members)?;
        let of: Vec<usize> = self.arms.iter().map(|arm| position(&arms, &label(arm)).unwrap_or(0)).collect();
        let average = |matrix: &Array2<f64>| {
            by_group(matrix, &members, |i, arms, values| {
                let share = |a: &usize| self.propensity[[i, *a]];
                let total: f64 = arms.iter().map(share).sum();
                let sum: f64 = arms.iter().map(|a| share(a) * values[*a]).sum();
                // Arms that a unit may not get have a propensity of 0; their numbers are not read.
                if total > 0.0 { sum / total } else { values[arms[0]] }
            })
        };
        let sum =
            |_: usize, arms: &[usize], values: ArrayView1<f64>| arms.iter().map(|&a| values[a]).sum::<f64>();
        let cost = |_: usize, arms: &[usize], values: ArrayView1<f64>| match choose {
            Choose::Random => arms.iter().map(|&a| values[a]).sum::<f64>() / arms.len() as f64,
            Choose::Best | Choose::Cheapest => values[arms[0]],
        };
        Ok(Study {
            arm: self.arm.iter().map(|&a| of[a]).collect(),
            propensity: by_group(&self.propensity, &members, sum),
            costs: by_group(&self.costs, &members, cost),
            given_scores: self.given_scores.as_ref().map(average),
            predictions: self.predictions.as_ref().map(average),
            eligible: self.eligible.as_ref().map(|eligible| {
                eligible.select(Axis(1), &members.iter().map(|arms| arms[0]).collect::<Vec<_>>())
            }),
            groups: self.flattened(groups, &arms),
            choose,
            arms,
            ..self.clone()
        })
    }

    /// The groups of `arms`, by the arms of the data: those fused now, of which some may have been groups before.
    fn flattened(&self, groups: &Groups, arms: &[String]) -> Groups {
        let before = |arm: &String| self.groups.get(arm).cloned().unwrap_or_else(|| vec![arm.clone()]);
        let members = |label: &String| match groups.get(label) {
            Some(members) => Some(members.iter().flat_map(before).collect()),
            None => self.groups.get(label).cloned(),
        };
        arms.iter().filter_map(|label| Some((label.clone(), members(label)?))).collect()
    }

    /// A unit must be free to get every member of a group, or none.
    fn refuse_other_eligibility(&self, members: &[Vec<usize>]) -> Result<(), DataError> {
        let Some(eligible) = &self.eligible else { return Ok(()) };
        for arms in members {
            for (i, may) in eligible.rows().into_iter().enumerate() {
                let Some(other) = arms.iter().find(|&&a| may[a] != may[arms[0]]) else { continue };
                let arms = [arms[0], *other].map(|a| self.arms[a].clone());
                let problem = Problem::FusedButNotForTheSame { arms, row: self.rows[i] + 1 };
                return Err(Place::file(&self.source).refuse(problem));
            }
        }
        Ok(())
    }
}

/// A matrix with a column for each group, from the row number, the group's arms and the row.
fn by_group(
    matrix: &Array2<f64>,
    members: &[Vec<usize>],
    value: impl Fn(usize, &[usize], ArrayView1<f64>) -> f64,
) -> Array2<f64> {
    Array2::from_shape_fn((matrix.nrows(), members.len()), |(i, g)| value(i, &members[g], matrix.row(i)))
}
