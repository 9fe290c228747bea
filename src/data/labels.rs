//! Labels as numbers and as sets of units.

use std::collections::HashMap;
use std::hash::Hash;

/// The number of each label among the distinct ones, in the order in which they first appear.
pub(crate) fn numbered<T: Eq + Hash>(labels: &[T]) -> Vec<usize> {
    let mut numbers = HashMap::new();
    let mut number = |label| {
        let next = numbers.len();
        *numbers.entry(label).or_insert(next)
    };
    labels.iter().map(&mut number).collect()
}

/// The units that have each label, in the order in which the labels first appear.
pub(crate) fn members<T: Eq + Hash>(labels: &[T]) -> Vec<Vec<usize>> {
    let mut members: Vec<Vec<usize>> = Vec::new();
    for (i, label) in numbered(labels).into_iter().enumerate() {
        if label == members.len() {
            members.push(Vec::new());
        }
        members[label].push(i);
    }
    members
}

/// The distinct labels, as numbers from small to large if all of them are numbers, else as text.
pub(crate) fn sorted_labels(labels: &[String]) -> Vec<String> {
    let mut distinct = labels.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let numbers: Option<Vec<f64>> = distinct.iter().map(|label| label.parse().ok()).collect();
    if let Some(numbers) = numbers {
        let mut keyed: Vec<(f64, String)> = numbers.into_iter().zip(distinct).collect();
        keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
        return keyed.into_iter().map(|(_, label)| label).collect();
    }
    distinct
}
