//! The best linear rule under interference as an optimization model.
//!
//! ```text
//! additive, none                  max  (1/n) sum_i psi_i(nobody)  +  (1/n) sum_u (gain_u - cost_u / M_i) p_u               (20), (48)
//! unknown, order b, anonymous     max  (1/n) sum_i psi_i(p)       -  (1/n) sum_u cost_u / M_i p_u                          (4), (14)
//! ```
//!
//! the first over labels one by one ([`LinearProblem`]), the second cluster by cluster ([`ClusterProblem`]).

use ndarray::Array2;
use prescribe_models::InvalidModel;
use prescribe_models::cluster_rule::{Cluster, ClusterProblem, Interaction};
use prescribe_models::linear_rule::{Linear, LinearProblem};

use super::influence::{neighbours_chance, received_chance};
use super::{Clusters, Effects, Interference, gains, influence};

/// The problem, as its interference allows.
#[derive(Clone, Debug)]
pub enum RuleProblem {
    /// A sum over units.
    Units(LinearProblem),
    /// A sum over clusters.
    Clusters(ClusterProblem),
}

/// What to value rules by.
#[derive(Clone, Copy, Debug)]
pub struct Valued<'a> {
    pub clusters: &'a Clusters,
    pub interference: Interference,
    /// Outcome models, where interference is additive.
    pub effects: Option<&'a Effects>,
    /// 1 where outcomes are maximised, -1 where they are minimised: the objective is the value times this, less costs.
    pub sign: f64,
    /// What treating each unit costs (N).
    pub costs: &'a [f64],
}

impl Valued<'_> {
    /// The problem over covariates `x` (N x p).
    ///
    /// # Errors
    /// Numbers that are not finite: covariates, or the weight of a cluster that received what was too unlikely.
    pub fn problem(&self, covariates: Vec<String>, x: Array2<f64>) -> Result<RuleProblem, InvalidModel> {
        let gains = gains(self.clusters, self.interference, self.effects);
        let (size, n) = (self.sizes(), self.clusters.count() as f64);
        let mut rewards = Array2::zeros((self.clusters.units(), 2));
        if gains.is_some() {
            let nobody = vec![false; self.clusters.units()];
            let psi = influence(self.clusters, self.interference, self.effects, &nobody).psi;
            for (units, psi) in self.clusters.members.iter().zip(psi) {
                units.iter().for_each(|&u| rewards[[u, 0]] = self.sign * psi / (n * size[u]));
            }
        }
        for u in 0..self.clusters.units() {
            let gain = gains.as_ref().map_or(0.0, |gains| self.sign * gains[u]);
            rewards[[u, 1]] = rewards[[u, 0]] + (gain - self.costs[u] / size[u]) / n;
        }
        let arms = vec!["control".into(), "treated".into()];
        let linear = LinearProblem::new(Linear, covariates, arms, x, rewards)?;
        match gains {
            Some(_) => Ok(RuleProblem::Units(linear)),
            None => Ok(RuleProblem::Clusters(ClusterProblem::new(linear, self.interactions())?)),
        }
    }

    /// The number of units in each unit's cluster (N).
    fn sizes(&self) -> Vec<f64> {
        let mut sizes = vec![1.0; self.clusters.units()];
        for units in &self.clusters.members {
            units.iter().for_each(|&u| sizes[u] = units.len() as f64);
        }
        sizes
    }

    /// The clusters, their values over n.
    fn interactions(&self) -> Vec<Cluster> {
        let means = self.clusters.means(|u| self.clusters.outcome[u]);
        let scale = self.sign / self.clusters.count() as f64;
        let cluster = |(units, mean): (&Vec<usize>, f64)| Cluster {
            units: units.clone(),
            received: units.iter().map(|&u| self.clusters.treated[u]).collect(),
            interaction: self.interaction(units, scale * mean, scale),
            joint_cost: Vec::new(),
        };
        self.clusters.members.iter().zip(means).map(cluster).collect()
    }

    fn interaction(&self, units: &[usize], mean: f64, scale: f64) -> Interaction {
        let clusters = self.clusters;
        match self.interference {
            Interference::Anonymous => {
                let weight = |(j, &u): (usize, &usize)| {
                    let chance = clusters.chance(u) * neighbours_chance(clusters, units, j);
                    scale * clusters.outcome[u] / units.len() as f64 / chance
                };
                Interaction::Anonymous { weights: units.iter().enumerate().map(weight).collect() }
            }
            Interference::Polynomial(order) if order < units.len() => {
                let chances = units.iter().map(|&u| clusters.chance(u)).collect();
                Interaction::Polynomial { weight: mean, order, chances }
            }
            _ => Interaction::Unknown { weight: mean / received_chance(clusters, units) },
        }
    }
}
