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
use super::{Clusters, Effects, Interference, sums_gains};

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
        let rewards = self.rewards() / self.clusters.count() as f64;
        let arms = vec!["control".into(), "treated".into()];
        let linear = LinearProblem::new(Linear, covariates, arms, x, rewards)?;
        match sums_gains(self.interference) {
            true => Ok(RuleProblem::Units(linear)),
            false => Ok(RuleProblem::Clusters(ClusterProblem::new(linear, self.interactions())?)),
        }
    }

    /// The clusters, their values over n.
    pub fn interactions(&self) -> Vec<Cluster> {
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
        match (self.interference, self.interference.order(units.len())) {
            // What units bring one by one is in the rewards.
            (interference, _) if sums_gains(interference) => Interaction::Unknown { weight: 0.0 },
            (Interference::Anonymous, _) => {
                let weight = |(j, &u): (usize, &usize)| {
                    let chance = clusters.chance(u) * neighbours_chance(clusters, units, j);
                    scale * clusters.outcome[u] / units.len() as f64 / chance
                };
                Interaction::Anonymous { weights: units.iter().enumerate().map(weight).collect() }
            }
            (_, order) if order < units.len() => {
                let chances = units.iter().map(|&u| clusters.chance(u)).collect();
                Interaction::Polynomial { weight: mean, order, chances }
            }
            _ => Interaction::Unknown { weight: mean / received_chance(clusters, units) },
        }
    }
}
