//! The arm of the data that a unit gets where its rule names a group: members of a group count as the same treatment, so any will do
//! (fusion.txt, section 2).

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::RuleFile;
use crate::data::Choose;
use crate::random::stream;

/// Which member of a group a unit gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Within {
    /// Each with the same chance; a unit of the same id always the same.
    Random,
    /// The one that the group names first: the best, or the cheapest, as whoever named the group sees it.
    First,
}

impl From<Choose> for Within {
    fn from(choose: Choose) -> Within {
        match choose {
            Choose::Random => Within::Random,
            Choose::Best | Choose::Cheapest => Within::First,
        }
    }
}

impl RuleFile {
    /// The member that each unit gets, by the arms that the rule gives them and their ids, as the rule says which.
    pub fn members<'r>(
        &'r self,
        arms: &[usize],
        ids: &[String],
        within: Option<Within>,
        seed: u64,
    ) -> Vec<&'r str> {
        let within = within.unwrap_or(self.header.choose.into());
        arms.iter().zip(ids).map(|(&k, id)| self.member(&self.header.arms[k], id, within, seed)).collect()
    }

    /// The arm of the data for a unit that the rule gives `arm`.
    fn member<'r>(&'r self, arm: &'r str, id: &str, within: Within, seed: u64) -> &'r str {
        match (self.header.groups.get(arm).map(Vec::as_slice), within) {
            (None | Some([]), _) => arm,
            (Some([first, ..]), Within::First) => first,
            (Some(members), Within::Random) => {
                &members[stream(seed, &format!("member {id}")).random_range(0..members.len())]
            }
        }
    }
}
