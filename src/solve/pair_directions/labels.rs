//! The best labels of a leaf, given which claims exclude each other.

use prescribe_models::Row;

use super::boxes::{Geometry, PairBox};

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

    /// The arm of each unit that earns most over the box and is not excluded; none where that is not more than `beyond`.
    pub fn best_labels(&self, geometry: &Geometry, leaf: &PairBox, beyond: f64) -> Option<Vec<usize>> {
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
        let mut sets: Vec<Vec<Vec<(usize, usize)>>> = vec![Vec::new(); leaf.open.len()];
        for set in &self.sets {
            let place = |i: usize| leaf.open.binary_search(&i).ok();
            if set.iter().any(|&(i, k)| place(i).is_none() && labels[i] != k) {
                continue;
            }
            // What is left to decide; nothing where the settled units alone exclude each other.
            let rest: Vec<(usize, usize)> =
                set.iter().copied().filter(|&(i, _)| place(i).is_some()).collect();
            let last = rest.iter().filter_map(|&(i, _)| place(i)).max()?;
            sets[last].push(rest);
        }
        let total: f64 = labels.iter().enumerate().map(|(i, &k)| reward(i, k)).sum();
        let mut choice =
            Choice { geometry, open: &leaf.open, choices: &choices, sets: &sets, labels, best: None };
        choice.decide(0, total, beyond);
        choice.best.map(|(_, labels)| labels)
    }
}

/// A search through the labels of the open units.
struct Choice<'c> {
    geometry: &'c Geometry<'c>,
    open: &'c [usize],
    choices: &'c [Vec<usize>],
    /// The sets by the position of the last open unit in them.
    sets: &'c [Vec<Vec<(usize, usize)>>],
    labels: Vec<usize>,
    best: Option<(f64, Vec<usize>)>,
}

impl Choice<'_> {
    /// Tries the labels of the open units from number `position` on; `total` is the reward with the best labels there.
    fn decide(&mut self, position: usize, total: f64, beyond: f64) {
        if total <= self.best.as_ref().map_or(beyond, |best| best.0) {
            return;
        }
        let Some(&i) = self.open.get(position) else {
            self.best = Some((total, self.labels.clone()));
            return;
        };
        let choices = self.choices;
        for &k in &choices[i] {
            self.labels[i] = k;
            if self.sets[position].iter().any(|set| set.iter().all(|&(i, k)| self.labels[i] == k)) {
                continue;
            }
            let lost = self.geometry.rewards[i][choices[i][0]] - self.geometry.rewards[i][k];
            self.decide(position + 1, total - lost, beyond);
        }
        self.labels[i] = choices[i][0];
    }
}
