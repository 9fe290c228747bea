//! Nuisances at covariates anywhere, such as those of new units, by models fitted to one part of a study.

use ndarray::{Array1, Array2, Axis, concatenate};

use super::LinearModel;
use super::cross_fit::{binary, probabilities_of_one, refuse_separated};
use super::forest::forest;
use super::logit::{Logit, Sample};
use super::moments::{Columns, Moments};
use crate::data::{DataError, Design, OutcomeModel, Place, Problem, PropensityRole, Study, terms};

/// A part of a study to fit models to, and covariates to predict at.
pub struct Elsewhere<'s> {
    study: &'s Study,
    /// The units to fit to.
    fitted: &'s [usize],
    /// Terms: the rows of the units fitted, then those to predict at.
    z: Array2<f64>,
    seed: u64,
}

impl<'s> Elsewhere<'s> {
    /// Models are to be fitted to the units `fitted`, and to predict at the covariates `x` (m x p), in the columns of the study's.
    ///
    /// # Errors
    /// Kind `Data` where the units fitted have none of some arm.
    pub fn new(study: &'s Study, fitted: &'s [usize], x: &Array2<f64>, seed: u64) -> Result<Self, DataError> {
        if let Some(k) = (0..study.arms.len()).find(|&k| fitted.iter().all(|&i| study.arm[i] != k)) {
            let problem = Problem::PartWithoutArm { arm: study.arms[k].clone(), rows: fitted.len() };
            return Err(Place::file(&study.source).refuse(problem));
        }
        let of_fitted = study.x.select(Axis(0), fitted);
        let terms = terms(&study.covariates, &of_fitted);
        let design = Design::new(&terms, &study.covariates);
        let z = concatenate![Axis(0), design.matrix(&of_fitted), design.matrix(x)];
        Ok(Elsewhere { study, fitted, z, seed })
    }

    /// Outcome predictions mu (m x K), by a model of each arm.
    ///
    /// # Errors
    /// Kind `Data` as [`super::cross_fit`]; kind `Usage` where the user's own predictions are asked for, which there are not elsewhere.
    pub fn outcomes(&self, model: &OutcomeModel) -> Result<Array2<f64>, DataError> {
        let (study, at) = (self.study, self.at());
        let outcome = |u: usize| study.outcome[self.fitted[u]];
        let mut mu = Array2::zeros((at.len(), study.arms.len()));
        let class = match model {
            OutcomeModel::Logistic => binary(study)?,
            OutcomeModel::Columns(_) => {
                return Err(Place::file(&study.source).refuse(Problem::NoPredictionsElsewhere));
            }
            OutcomeModel::Linear | OutcomeModel::Forest => Vec::new(),
        };
        for (k, mut column) in mu.columns_mut().into_iter().enumerate() {
            let received: Vec<usize> =
                (0..self.fitted.len()).filter(|&u| study.arm[self.fitted[u]] == k).collect();
            let predicted: Vec<f64> = match model {
                OutcomeModel::Logistic => {
                    let columns = Columns::new(self.z.view(), None);
                    let class: Vec<usize> = self.fitted.iter().map(|&i| class[i]).collect();
                    let sample =
                        Sample { columns: &columns, units: &received, class: &class, classes: 2, may: None };
                    probabilities_of_one(study, &sample, &Moments::of(&columns, &received), &at, k)?
                }
                OutcomeModel::Forest => {
                    let task = format!("outcome forest of arm {k}");
                    forest(self.z.view(), &received, outcome, &at, (self.seed, &task))
                }
                _ => {
                    let y: Array1<f64> = received.iter().map(|&u| outcome(u)).collect();
                    let model = LinearModel::fit(self.z.select(Axis(0), &received).view(), y.view());
                    at.iter().map(|&u| model.predict(self.z.row(u))).collect()
                }
            };
            column.assign(&Array1::from(predicted));
        }
        Ok(mu)
    }

    /// Propensity scores e (m x K) by the model that the role names; none where it names none.
    ///
    /// # Errors
    /// Kind `Data` where covariates separate the arms, so that a logit model has no likelihood maximum.
    pub fn propensities(&self, role: &PropensityRole) -> Result<Option<Array2<f64>>, DataError> {
        let arm: Vec<usize> = self.fitted.iter().map(|&i| self.study.arm[i]).collect();
        match role {
            PropensityRole::Logit => self.logit(&arm).map(Some),
            PropensityRole::Forest => Ok(Some(self.forests(&arm))),
            _ => Ok(None),
        }
    }

    fn logit(&self, arm: &[usize]) -> Result<Array2<f64>, DataError> {
        let columns = Columns::new(self.z.view(), None);
        let units: Vec<usize> = (0..self.fitted.len()).collect();
        let classes = self.study.arms.len();
        let sample = Sample { columns: &columns, units: &units, class: arm, classes, may: None };
        let model = Logit::fit(&sample, &Moments::of(&columns, &units))
            .map_err(|separated| refuse_separated(self.study, None, &separated))?;
        let at = self.at();
        let mut e = Array2::zeros((at.len(), classes));
        for (mut row, u) in e.rows_mut().into_iter().zip(at) {
            row.assign(&model.probabilities(&columns, u, None));
        }
        Ok(e)
    }

    /// A forest for each arm, rows scaled to a sum of 1.
    fn forests(&self, arm: &[usize]) -> Array2<f64> {
        let (at, arms) = (self.at(), self.study.arms.len());
        let units: Vec<usize> = (0..self.fitted.len()).collect();
        let mut e = Array2::zeros((at.len(), arms));
        for (k, mut column) in e.columns_mut().into_iter().enumerate() {
            let received = |u: usize| f64::from(u8::from(arm[u] == k));
            let task = format!("propensity forest of arm {k}");
            column.assign(&Array1::from(forest(self.z.view(), &units, received, &at, (self.seed, &task))));
        }
        for mut row in e.rows_mut() {
            let sum = row.sum();
            // Leaves without any unit of an arm, for every arm, say nothing.
            row.mapv_inplace(|share| if sum > 0.0 { share / sum } else { 1.0 / arms as f64 });
        }
        e
    }

    /// The rows of z to predict at.
    fn at(&self) -> Vec<usize> {
        (self.fitted.len()..self.z.nrows()).collect()
    }
}
