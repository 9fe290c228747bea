//! K-means of arms' fitted values, by smartcore: seeded by k-means++, from several starts, of which the best is kept.

use prescribe_models::Model;
use prescribe_models::arm_clustering::ArmClustering;
use prescribe_models::arm_groups::{Grouping, Partition, canonical};
use rand::Rng;
use serde_json::{Map, json};
use smartcore::cluster::kmeans::{KMeans as Library, KMeansParameters};
use smartcore::linalg::basic::matrix::DenseMatrix;

use super::super::{Answer, Options, Promise, SolveError, Solver, TerminationStatus, Unsupported, Watch};
use super::{refuse, usable};
use crate::random::stream;

/// Starts of k-means, the best of which counts.
const STARTS: usize = 20;
const MOST_ROUNDS: usize = 100;

/// The heuristic.
#[derive(Clone, Copy, Debug)]
pub struct KMeans;

impl Solver<ArmClustering> for KMeans {
    fn name(&self) -> &'static str {
        "k_means"
    }

    fn version(&self) -> String {
        "smartcore 0.7".into()
    }

    fn accepts(&self, model: &ArmClustering) -> Result<Promise, Unsupported> {
        match model.points() {
            Some(_) => Ok(Promise::Heuristic),
            None => Err(refuse("k_means", "arms that count differently".into(), "use merging")),
        }
    }

    fn search(
        &self,
        model: &ArmClustering,
        start: Option<&Partition>,
        options: &Options,
        watch: &Watch,
    ) -> Result<Answer<Partition>, SolveError> {
        let points = model.points().unwrap_or_default();
        // As many places as there are points at most: a mean without a point has no place.
        let places: Vec<usize> = distinct(&points);
        let means = model.groups().min(places.iter().max().map_or(0, |last| last + 1));
        let mut best = usable(model, start).cloned().unwrap_or_else(|| vec![0; model.arms()]);
        if means == places.iter().max().map_or(0, |last| last + 1) {
            best = canonical(&places);
        } else if means > 1 {
            let matrix = matrix(&points)?;
            for task in (0..STARTS).map_while(|one| watch.stop().is_none().then_some(one)) {
                let seed = stream(options.random_seed, &format!("k-means {task}")).random();
                let found = canonical(&clustered(&matrix, means, seed)?);
                if model.objective(&found) < model.objective(&best) {
                    best = found;
                }
            }
        }
        watch.tell("k_means", Some(model.objective(&best)), None, 0);
        let mut statistics = Map::new();
        statistics.insert("starts".into(), json!(STARTS));
        Ok(Answer {
            point: Some(best),
            claimed: None,
            bound: None,
            termination: match watch.stop() {
                None => TerminationStatus::LocallySolved,
                Some(_) => watch.termination(),
            },
            raw_status: "the best of all starts".into(),
            nodes: None,
            iterations: None,
            statistics,
        })
    }
}

/// The place of each point, numbered from 0; points of one place are equal.
fn distinct(points: &ndarray::Array2<f64>) -> Vec<usize> {
    let mut firsts: Vec<usize> = Vec::new();
    (0..points.nrows())
        .map(|a| {
            firsts.iter().position(|first| points.row(*first) == points.row(a)).unwrap_or_else(|| {
                firsts.push(a);
                firsts.len() - 1
            })
        })
        .collect()
}

fn matrix(points: &ndarray::Array2<f64>) -> Result<DenseMatrix<f64>, SolveError> {
    let (rows, columns) = points.dim();
    DenseMatrix::new(rows, columns, points.iter().copied().collect(), false).map_err(failed)
}

/// The nearest mean of each point.
fn clustered(points: &DenseMatrix<f64>, means: usize, seed: u64) -> Result<Vec<usize>, SolveError> {
    let parameters = KMeansParameters { k: means, max_iter: MOST_ROUNDS, seed: Some(seed) };
    let fitted = Library::<f64, i32, DenseMatrix<f64>, Vec<i32>>::fit(points, parameters).map_err(failed)?;
    Ok(fitted.predict(points).map_err(failed)?.into_iter().map(|mean| mean as usize).collect())
}

fn failed(error: smartcore::error::Failed) -> SolveError {
    SolveError::Backend { solver: "k_means".into(), reason: error.to_string() }
}
