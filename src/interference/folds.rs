//! Folds of clusters, stratified by size: clusters in the order of their size, ties by chance, dealt to the folds in turn.

use rand::seq::SliceRandom;

use super::Clusters;
use crate::random::stream;

/// The fold of each cluster (n), from 0 to `count` - 1.
pub fn folds(clusters: &Clusters, count: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..clusters.count()).collect();
    order.shuffle(&mut stream(seed, "folds of clusters"));
    order.sort_by_key(|&i| clusters.members[i].len());
    let mut fold = vec![0; clusters.count()];
    order.into_iter().enumerate().for_each(|(at, i)| fold[i] = at % count);
    fold
}
