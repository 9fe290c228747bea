//! A rule over groups of arms, and what it is worth on the population that the draw came from.
//!
//! ```text
//! mu_g(X)    forest of the units of group g             pi_g(X)   multinomial logit, clipped at 0.01      5 folds, stratified by group
//! Gamma_ig = mu_g(X_i) + 1{A_i in g} (Y_i - mu_g(X_i)) / pi_g(X_i)
//! rule       the tree of depth at most 3 of largest sum of Gamma, proved                   (fusion.txt, Algorithm 2)
//! linear     argmax_g b_g'(1, X), b_g: least squares of Y on (1, X) in group g            (as Ma et al. 2022)
//! value      (1/N) sum_i (1/|g|) sum_{a in g} mu_a(X_i), g the group that the rule gives unit i
//! ```
//!
//! A rule names a group, and any of its arms may be given: so the value is the mean over them.

use ndarray::{Array1, Array2, ArrayView1};
use prescribe_models::InvalidModel;
use prescribe_models::arm_moments::Moments;
use prescribe_models::policy_problem::RuleClass;
use prescribe_models::tree_rule::{Candidates, Node, Tree, TreeProblem};

use super::ReproduceError;
use super::recipe::with_intercept;
use crate::data::{Covariate, DataError, OutcomeModel, Problem, PropensityRole, Roles, Study};
use crate::fusion::Groups;
use crate::nuisance::{Estimation, Folds, estimate};
use crate::score::{Direction, aipw, net};
use crate::simulate::{Design, FusedArms, GROUPS, fused_arms_population};
use crate::solve::{Options, Silent, SolveError, TerminationStatus, TreeSearch, solve};

/// Folds of the nuisances.
const FOLDS: usize = 5;

/// Units on which rules are judged, and what each latent group brings them.
pub struct Population {
    x: Array2<f64>,
    means: Array2<f64>,
}

impl Population {
    /// `n` units of a design.
    ///
    /// # Errors
    /// As [`fused_arms_population`].
    pub fn draw(design: &Design, n: usize, seed: u64) -> Result<Population, InvalidModel> {
        fused_arms_population(design, n, seed).map(|(x, means)| Population { x, means })
    }

    /// The value of the rule that gives x the group `of(x)`, for arms of the latent groups `latent`.
    pub fn value(&self, groups: &Groups, latent: &[usize], of: impl Fn(&[f64]) -> usize) -> f64 {
        let mut shares = Array2::<f64>::zeros((groups.count(), GROUPS));
        for (g, members) in groups.members().iter().enumerate() {
            members.iter().for_each(|&a| shares[[g, latent[a]]] += 1.0 / members.len() as f64);
        }
        let rows = self.x.rows().into_iter().zip(self.means.rows());
        let worth = |(x, means): (ArrayView1<f64>, ArrayView1<f64>)| {
            shares.row(of(x.as_slice().expect("the matrix is in standard layout"))).dot(&means)
        };
        rows.map(worth).sum::<f64>() / self.x.nrows() as f64
    }

    /// X (N x p).
    pub fn x(&self) -> &Array2<f64> {
        &self.x
    }

    /// mu of each latent group (N x M).
    pub fn means(&self) -> &Array2<f64> {
        &self.means
    }

    /// What a rule that knew the means would be worth.
    pub fn best(&self) -> f64 {
        let most = |row: ArrayView1<f64>| row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        self.means.rows().into_iter().map(most).sum::<f64>() / self.means.nrows() as f64
    }
}

/// How a tree is learned.
#[derive(Clone, Debug)]
pub struct Learning {
    pub depth: usize,
    pub candidates: Candidates,
    /// mu_g, cross-fitted.
    pub outcome_model: OutcomeModel,
    /// Of the folds.
    pub seed: u64,
}

/// A tree over groups.
#[derive(Clone, Debug)]
pub struct GroupTree {
    class: Tree,
    pub rule: Node,
    /// Whether propensities are the observed shares, because covariates separate the groups and no logit model exists.
    pub by_shares: bool,
}

impl GroupTree {
    /// Learns the tree over two groups or more.
    ///
    /// # Errors
    /// Of folds, nuisances and the solver; a tree that is not proved.
    pub fn learn(drawn: &FusedArms, groups: &Groups, how: &Learning) -> Result<GroupTree, ReproduceError> {
        let study = study(drawn, groups);
        let (rewards, by_shares) = match rewards(&study, PropensityRole::Logit, how) {
            Ok(rewards) => (rewards, false),
            Err(error) if matches!(*error.problem, Problem::ArmSeparated { .. }) => {
                (rewards(&study, PropensityRole::ObservedShares, how)?, true)
            }
            Err(error) => return Err(error.into()),
        };
        let class = Tree::over(&study.x, how.depth, how.candidates);
        let problem = TreeProblem::new(class, study.covariate_names(), study.arms.clone(), study.x, rewards)?;
        let rule = proved(&problem)?;
        Ok(GroupTree { class: problem.class, rule, by_shares })
    }

    /// The group of x.
    pub fn assign(&self, x: &[f64]) -> usize {
        self.class.assign(&self.rule, x)
    }
}

/// The best tree.
///
/// # Errors
/// Of the solver; a tree that is not proved.
pub(super) fn proved(problem: &TreeProblem) -> Result<Node, ReproduceError> {
    let options = Options { threads: 1, ..Options::default() };
    let report = solve(problem, &TreeSearch::default(), None, &options, &Silent)?;
    match (report.termination_status, report.point) {
        (TerminationStatus::Optimal, Some(rule)) => Ok(rule),
        (status, _) => {
            let reason = format!("the tree is not proved: {status:?}");
            Err(SolveError::Backend { solver: "search".into(), reason }.into())
        }
    }
}

/// AIPW scores.
fn rewards(study: &Study, propensity: PropensityRole, how: &Learning) -> Result<Array2<f64>, DataError> {
    let (seed, outcome_model) = (how.seed, how.outcome_model.clone());
    let how = Estimation { clip: Some(Estimation::CLIP), trim: None, outcome: true, seed };
    let folds = |study: &Study| Folds::stratified(study, FOLDS, seed);
    let nuisances = estimate(study.clone(), &roles(propensity, outcome_model), how, folds)?;
    let mu = nuisances.predictions.expect("outcome predictions were asked for");
    net(&aipw(&nuisances.study, &mu)?, &nuisances.study, Direction::Maximize)
}

/// The draw as a study in which groups are the arms.
fn study(drawn: &FusedArms, groups: &Groups) -> Study {
    let (n, arms) = (drawn.arm.len(), groups.count());
    let arm: Vec<usize> = drawn.arm.iter().map(|&a| groups.of[a]).collect();
    let mut shares = Array1::<f64>::zeros(arms);
    arm.iter().for_each(|&g| shares[g] += 1.0 / n as f64);
    let name = |j| Covariate::numeric(&format!("X{}", j + 1));
    Study {
        covariates: (0..drawn.x.ncols()).map(name).collect(),
        arms: (0..arms).map(|g| format!("group {}", g + 1)).collect(),
        groups: Default::default(),
        choose: Default::default(),
        x: drawn.x.clone(),
        arm,
        outcome: Array1::from(drawn.outcome.clone()),
        follow_up: None,
        given_scores: None,
        effects: None,
        propensity: shares.broadcast((n, arms)).expect("a row broadcasts to rows").to_owned(),
        predictions: None,
        costs: Array2::zeros((n, arms)),
        eligible: None,
        held_out: None,
        ids: (1..=n).map(|i| i.to_string()).collect(),
        cluster: None,
        weights: None,
        rows: (0..n).collect(),
        warnings: Vec::new(),
        dropped: 0,
        source: "simulated draw".into(),
        data_hash: String::new(),
    }
}

/// The roles of a simulated study, of which only the propensity model is read.
fn roles(propensity: PropensityRole, outcome_model: OutcomeModel) -> Roles {
    Roles { propensity, outcome_model, ..Roles::new("Y", "A", &[]) }
}

/// argmax_g b_g'(1, x) with the groups' own least squares.
#[derive(Clone, Debug)]
pub struct LinearArgmax {
    /// (M x (p + 1))
    fits: Vec<Array1<f64>>,
}

impl LinearArgmax {
    pub fn learn(drawn: &FusedArms, groups: &Groups) -> LinearArgmax {
        let of: Vec<usize> = drawn.arm.iter().map(|&a| groups.of[a]).collect();
        let weights = vec![1.0; of.len()];
        let design = with_intercept(&drawn.x);
        let moments = Moments::by_arm(&design, &drawn.outcome, &weights, &of, groups.count());
        LinearArgmax { fits: moments.iter().map(Moments::fit).collect() }
    }

    /// The group of x, the first of equal ones.
    pub fn assign(&self, x: &[f64]) -> usize {
        let expected =
            |fit: &Array1<f64>| fit[0] + fit.iter().skip(1).zip(x).map(|(b, x)| b * x).sum::<f64>();
        let mut best = (0, f64::NEG_INFINITY);
        for (g, fit) in self.fits.iter().enumerate() {
            let value = expected(fit);
            if value > best.1 {
                best = (g, value);
            }
        }
        best.0
    }
}
