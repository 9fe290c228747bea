//! The best labels of a leaf, given which claims exclude each other.

use prescribe_models::Row;

use super::boxes::{Geometry, PairBox};

/// Labels tried in one leaf. More are seldom needed: what is excluded and what earns too little is passed over.
const MOST_TRIED: u32 = 20_000;

/// The best labels of a leaf.
pub enum Best {
    /// No labels that earn enough and are not excluded.
    None,
    /// The arm of each unit.
    Labels(Vec<usize>),
    /// Too many labels to try.
    Unknown,
}

/// Sets of claims (unit, arm) that no rule makes true together.
#[derive(Clone, Debug, Default)]
pub struct Exclusions {
    sets: Vec<Vec<(usize, usize)>>,
}

impl Exclusions {
    /// Takes rows `sum of claims <= their number - 1`.
    pub fn extend(&mut self, cuts: Vec<Row>, arms: usize) {
        let claims =
            |cut: Row| cut.terms.into_iter().map(|(column, _)| (column / arms, column % arms)).collect();
        self.sets.extend(cuts.into_iter().map(claims));
    }

    pub fn len(&self) -> usize {
        self.sets.len()
    }

    /// The arm of each unit that earns most over the box and is not excluded, where that is more than `beyond`.
    pub fn best_labels(&self, geometry: &Geometry, leaf: &PairBox, beyond: f64) -> Best {
        let Some(mut choice) = self.choice(geometry, leaf) else { return Best::None };
        let total = choice.labels.iter().enumerate().map(|(i, &k)| geometry.rewards[i][k]).sum();
        choice.decide(0, total, beyond);
        match choice.best {
            _ if choice.tried > MOST_TRIED => Best::Unknown,
            Some((_, labels)) => Best::Labels(labels),
            None => Best::None,
        }
    }

    /// The labels to choose from; none where what is decided is excluded. A settled unit that may get several arms of equal
    /// reward is decided here as well: what excludes one of them need not exclude the others.
    fn choice<'c>(&self, geometry: &'c Geometry<'c>, leaf: &PairBox) -> Option<Choice<'c>> {
        let reward = |i: usize, k: usize| geometry.rewards[i][k];
        let by_reward = |i: usize| {
            let possible = geometry.possible(leaf, i);
            let mut arms: Vec<usize> =
                (0..geometry.rewards[i].len()).filter(|k| possible >> k & 1 == 1).collect();
            arms.sort_by(|a, b| reward(i, *b).total_cmp(&reward(i, *a)));
            arms
        };
        let choices: Vec<Vec<usize>> = (0..geometry.rewards.len()).map(by_reward).collect();
        let labels: Vec<usize> = choices.iter().map(|arms| arms.first().copied()).collect::<Option<_>>()?;
        let undecided: Vec<usize> = (0..choices.len()).filter(|&i| choices[i].len() > 1).collect();
        let place = |i: usize| undecided.binary_search(&i).ok();
        let mut sets: Vec<Vec<Vec<(usize, usize)>>> = vec![Vec::new(); undecided.len()];
        for set in &self.sets {
            if set.iter().any(|&(i, k)| !choices[i].contains(&k)) {
                continue;
            }
            let rest: Vec<(usize, usize)> =
                set.iter().copied().filter(|&(i, _)| place(i).is_some()).collect();
            let last = rest.iter().filter_map(|&(i, _)| place(i)).max()?;
            sets[last].push(rest);
        }
        Some(Choice { geometry, undecided, choices, sets, labels, best: None, tried: 0 })
    }
}

/// A search through the labels of the undecided units.
struct Choice<'c> {
    geometry: &'c Geometry<'c>,
    undecided: Vec<usize>,
    /// The arms that each unit may get, the best first.
    choices: Vec<Vec<usize>>,
    /// The sets by the position of the last undecided unit in them.
    sets: Vec<Vec<Vec<(usize, usize)>>>,
    labels: Vec<usize>,
    best: Option<(f64, Vec<usize>)>,
    tried: u32,
}

impl Choice<'_> {
    /// Tries the labels of the undecided units from number `position` on; `total` is the reward with the best labels there.
    fn decide(&mut self, position: usize, total: f64, beyond: f64) {
        self.tried += 1;
        if self.tried > MOST_TRIED || total <= self.best.as_ref().map_or(beyond, |best| best.0) {
            return;
        }
        let Some(&i) = self.undecided.get(position) else {
            self.best = Some((total, self.labels.clone()));
            return;
        };
        for choice in 0..self.choices[i].len() {
            let k = self.choices[i][choice];
            self.labels[i] = k;
            if self.sets[position].iter().any(|set| set.iter().all(|&(i, k)| self.labels[i] == k)) {
                continue;
            }
            let lost = self.geometry.rewards[i][self.choices[i][0]] - self.geometry.rewards[i][k];
            self.decide(position + 1, total - lost, beyond);
        }
        self.labels[i] = self.choices[i][0];
    }
}
