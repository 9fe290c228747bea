//! Arms that are fused: one arm for scores, rule and value, several again where a unit is given one (fusion.txt, section 2).

use std::collections::{BTreeMap, HashMap};

use super::{DataError, Place, Problem, Table};

/// Groups of arms: the members of each, by its label.
pub type Groups = BTreeMap<String, Vec<String>>;

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
    let mut group_of: HashMap<&str, &str> = HashMap::new();
    let place = || Place::file(table.source()).column(column);
    let mut found = labels.clone();
    found.sort_unstable();
    found.dedup();
    let received = |arm: &String| found.binary_search(arm).is_ok();
    for (group, members) in groups {
        for member in members {
            if !received(member) {
                let (arm, arms) = (member.clone(), found);
                return Err(place().refuse(Problem::UnknownArm { role: "a group", arm, arms }));
            }
            if let Some(other) = group_of.insert(member, group) {
                let groups = [other.to_string(), group.clone()];
                return Err(place().refuse(Problem::TwoGroups { arm: member.clone(), groups }));
            }
        }
        if received(group) && !members.contains(group) {
            return Err(place().refuse(Problem::GroupLikeArm { group: group.clone() }));
        }
    }
    let fused = |label: String| group_of.get(label.as_str()).map_or(label.clone(), |group| group.to_string());
    Ok(labels.into_iter().map(fused).collect())
}
