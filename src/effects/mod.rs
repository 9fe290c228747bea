//! Effects of arms, or of groups of arms that count as one, against a reference arm r, and what they depend on; from a reward
//! matrix Gamma (n x K) of cross-fitted doubly robust scores, whose contrasts
//!
//! ```text
//! g_i = Gamma_ik - Gamma_ir        with  E[g_i | X_i] = tau_k(X_i) = E[Y(k) - Y(r) | X_i]
//! ```
//!
//! are noisy, but unbiased, measurements of the effect of arm k on unit i. Three tables:
//!
//! ```text
//! average effect   mean of g
//! projection       b = argmin E (tau_k(X) - b'(1, Z))^2, by least squares of g on (1, Z)    Z: terms of chosen covariates
//! subgroup         mean of g among the units of a level, or a quarter of the values, of a chosen covariate
//! ```
//!
//! The best linear projection means something whether or not the effect is linear, and its intervals need no more than those of
//! the average (Semenova and Chernozhukov 2021, "Debiased machine learning of conditional average treatment effects", Econometrics
//! Journal 24, sections 2 and 3, with a basis of fixed size). Beside each 95% interval stands a wider one that covers all
//! numbers of its table at once ([`SimultaneousLevel`]), and each projection has a Wald test that its slopes are 0.
//!
//! With weights, rewards hold them and all means and least squares are weighted. Where not every unit may get every arm, the
//! effect of an arm is among the units that may get both it and the reference.
//!
//! Groups of arms are taken as given. Where the same units chose them, arms were put together because their outcomes looked
//! alike or apart in these very data, and intervals are too narrow: find groups on other units.

mod influence;
mod projection;
mod simultaneous;
mod subgroups;
mod table;

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::data::{DataError, Groups, Place, Problem, Study};
use crate::evaluate::{Estimate, Sampling, check_sampling};
use influence::Influence;
pub use projection::{Coefficient, Covariance, Projection, WaldTest};
use projection::{Projected, Regressors};
use simultaneous::Largest;
pub use simultaneous::{LargestT, SimultaneousLevel};
pub use subgroups::SubgroupEffect;

/// The effects of all arms against one of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Effects {
    /// The label of the reference arm.
    pub against: String,
    /// The number of units n.
    pub units: usize,
    /// The number of clusters that standard errors are computed between; none where units are independent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clusters: Option<usize>,
    /// The effective number of units, (sum w)^2 / sum w^2, where units have sample weights w.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_units: Option<f64>,
    /// The arms of the data that some arms stand for; intervals take them as given.
    #[serde(default, skip_serializing_if = "Groups::is_empty")]
    pub groups: Groups,
    pub averages: Vec<ArmEffect>,
    /// Of the coefficients; none without projections, and between clusters where there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub covariance: Option<Covariance>,
    /// One for each arm but the reference, where covariates were named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub projections: Vec<Projection>,
    /// Of the slopes of all arms together; none without slopes, or where they are too many ([`WaldTest`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heterogeneity: Option<WaldTest>,
    /// Of the same slopes, however many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub largest_slope: Option<LargestT>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subgroups: Vec<SubgroupEffect>,
    pub simultaneous: SimultaneousLevel,
}

/// An estimated effect: in JSON `estimate`, `standard_error`, `interval`, `simultaneous`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    #[serde(flatten)]
    pub estimate: Estimate,
    /// The ends of the interval that covers, with 95%, together with those of all of its table.
    pub simultaneous: [f64; 2],
}

/// The average effect of an arm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArmEffect {
    pub arm: String,
    /// Units that may get both the arm and the reference.
    pub units: usize,
    #[serde(flatten)]
    pub effect: Effect,
}

/// What to estimate.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The reference arm; the first without.
    pub against: Option<String>,
    /// The covariates that effects are projected on and that form subgroups.
    pub by: Vec<String>,
    pub covariance: Covariance,
    /// Root of the draws behind simultaneous intervals.
    pub seed: u64,
}

impl Effects {
    /// The effects on the net reward matrix (n x K, as [`crate::score::net`] makes it of a maximised outcome without costs).
    ///
    /// # Errors
    /// Kind `Data`: rewards do not fit the study; an arm or covariate that the study does not have; fewer than two clusters (or units)
    /// that may get two arms; covariates of which one follows from the others, or a unit that alone decides a coefficient; a
    /// number that is not finite.
    pub fn new(study: &Study, rewards: &Array2<f64>, settings: &Settings) -> Result<Effects, DataError> {
        study.check_matrix("the reward matrix", rewards)?;
        let sampling = Sampling::of(study);
        check_sampling(study, &sampling)?;
        let reference = reference(study, settings)?;
        let contrasts: Vec<Contrast> = (0..study.arms.len())
            .filter(|&k| k != reference)
            .map(|k| Contrast::new(study, rewards, &sampling, k, reference))
            .collect::<Result<_, _>>()?;
        let by = columns(study, &settings.by)?;
        let averages: Vec<Influence> = contrasts.iter().map(|c| c.mean(&sampling, &c.all())).collect();
        let (projections, heterogeneity) = match by.as_slice() {
            [] => (Vec::new(), None),
            by => projections(study, &contrasts, &sampling, by, settings.covariance)?,
        };
        let subgroups = subgroups::of(study, &contrasts, &sampling, &by);

        let slopes = projections.iter().flat_map(Projected::slopes).collect::<Vec<_>>();
        let measured = subgroups.iter().filter_map(|group| group.effect.as_ref()).collect::<Vec<_>>();
        let largest = |estimates: &[&Influence], table| Largest::of(estimates, settings.seed, table);
        let of_slopes = largest(&slopes, "slopes");
        let level = SimultaneousLevel {
            draws: simultaneous::DRAWS,
            averages: largest(&averages.iter().collect::<Vec<_>>(), "averages").critical_value(),
            slopes: of_slopes.critical_value(),
            subgroups: largest(&measured, "subgroups").critical_value(),
        };
        let largest_slope = of_slopes.test(&slopes);
        let average = |(contrast, influence): (&Contrast, &Influence)| ArmEffect {
            arm: study.arms[contrast.arm].clone(),
            units: contrast.units.len(),
            effect: influence.effect(level.averages),
        };
        let effects = Effects {
            against: study.arms[reference].clone(),
            units: study.units(),
            clusters: study.cluster.is_some().then_some(sampling.clusters),
            effective_units: study.weights.is_some().then(|| sampling.effective_units()),
            groups: study.groups.clone(),
            averages: contrasts.iter().zip(&averages).map(average).collect(),
            covariance: Some(settings.covariance).filter(|_| study.cluster.is_none() && !by.is_empty()),
            projections: projections.iter().map(|projected| projected.named(study, level.slopes)).collect(),
            heterogeneity,
            largest_slope,
            subgroups: subgroups.into_iter().map(|group| group.named(study, level.subgroups)).collect(),
            simultaneous: level,
        };
        effects.refuse_overflow(study)?;
        Ok(effects)
    }

    /// Numbers near the largest double may be finite one by one, and their mean not.
    fn refuse_overflow(&self, study: &Study) -> Result<(), DataError> {
        let averages = self.averages.iter().map(|average| &average.effect);
        let slopes = self.projections.iter().flat_map(|p| p.coefficients.iter().map(|c| &c.estimate));
        let groups = self.subgroups.iter().filter_map(|group| group.effect.as_ref());
        let estimates = averages.chain(groups).map(|effect| &effect.estimate);
        if estimates.chain(slopes).all(Estimate::is_finite) {
            return Ok(());
        }
        Err(Place::file(&study.source).refuse(Problem::Overflow { what: "an effect or its standard error" }))
    }
}

/// The weighted contrasts w_i g_i of an arm, of the units that may get both it and the reference.
struct Contrast {
    arm: usize,
    reference: usize,
    units: Vec<usize>,
    /// In the order of `units`.
    terms: Vec<f64>,
}

impl Contrast {
    fn new(
        study: &Study,
        rewards: &Array2<f64>,
        sampling: &Sampling,
        arm: usize,
        reference: usize,
    ) -> Result<Contrast, DataError> {
        let both = |&i: &usize| study.may_get(i, arm) && study.may_get(i, reference);
        let units: Vec<usize> = (0..study.units()).filter(both).collect();
        if sampling.among(&units).weighted_clusters() < 2 {
            let [arm, reference] = [arm, reference].map(|k| study.arms[k].clone());
            return Err(Place::file(&study.source).refuse(Problem::NotComparableArms { arm, reference }));
        }
        let terms = units.iter().map(|&i| rewards[[i, arm]] - rewards[[i, reference]]).collect();
        Ok(Contrast { arm, reference, units, terms })
    }

    /// Every position in `units`.
    fn all(&self) -> Vec<usize> {
        (0..self.units.len()).collect()
    }

    /// The mean among the units at some positions.
    fn mean(&self, sampling: &Sampling, positions: &[usize]) -> Influence {
        let units: Vec<usize> = positions.iter().map(|&u| self.units[u]).collect();
        Influence::of_mean(|u| self.terms[positions[u]], &units, sampling)
    }
}

/// The projections of all contrasts, and the test of all their slopes.
fn projections(
    study: &Study,
    contrasts: &[Contrast],
    sampling: &Sampling,
    by: &[usize],
    covariance: Covariance,
) -> Result<(Vec<Projected>, Option<WaldTest>), DataError> {
    let regressors = Regressors::new(study, by);
    let project = |contrast: &Contrast| regressors.project(study, contrast, sampling, covariance);
    let projections: Vec<Projected> = contrasts.iter().map(project).collect::<Result<_, _>>()?;
    let slopes: Vec<&Influence> = projections.iter().flat_map(Projected::slopes).collect();
    let heterogeneity =
        WaldTest::of(&slopes, projection::least_received(study, sampling, 0..study.arms.len()));
    Ok((projections, heterogeneity))
}

fn reference(study: &Study, settings: &Settings) -> Result<usize, DataError> {
    let Some(label) = &settings.against else { return Ok(0) };
    study.arms.iter().position(|arm| arm == label).ok_or_else(|| {
        let problem = Problem::UnknownArm { role: "--against", arm: label.clone(), arms: study.arms.clone() };
        Place::file(&study.source).refuse(problem)
    })
}

/// The columns of X that the covariates called `names` are.
fn columns(study: &Study, names: &[String]) -> Result<Vec<usize>, DataError> {
    let known = study.covariate_names();
    let column = |name: &String| {
        known.iter().position(|other| other == name).ok_or_else(|| {
            let problem = Problem::ByNotACovariate { available: known.clone() };
            Place::file(&study.source).column(name).refuse(problem)
        })
    };
    names.iter().map(column).collect()
}
