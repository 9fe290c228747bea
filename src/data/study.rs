//! A study: n units, each with covariates X_i, the arm A_i that it received, the outcome Y_i that followed, the
//! propensity scores e_ik = P(A_i = k | X_i), and the costs c_ik of each arm.

use std::collections::HashMap;

use ndarray::{Array1, Array2, ArrayView1, Axis};

use super::columns::CompleteRows;
use super::costs::costs;
use super::covariates::describe;
use super::eligibility::eligible;
use super::error::plural;
use super::follow_up::{FollowUp, outcomes};
use super::groups::{Choose, Groups, fused};
use super::labels::{numbered, sorted_labels};
use super::matrix::{columns, refuse_too_few};
use super::neighbours::with_neighbours;
use super::propensity::{predictions, propensity};
use super::reach::{Reached, costs_of_reached, reached, refuse_incomplete};
use super::roles::compatible;
use super::{
    Covariate, DataError, Design, Missing, Place, Problem, Purpose, Roles, Table, read_covariates, terms,
};

/// A checked study: n >= 2, K >= 2 arms each received by some unit, every number finite, every e_ik in (0, 1).
#[derive(Debug, Clone)]
pub struct Study {
    /// The p covariates, in the order of the roles.
    pub covariates: Vec<Covariate>,
    /// The labels of the K arms; the first is the control.
    pub arms: Vec<String>,
    /// The arms of the data that some of them stand for.
    pub groups: Groups,
    /// Which of these a unit gets.
    pub choose: Choose,
    /// Covariates X (n x p): numbers, positions of levels, NaN where a value is missing (only where `covariates` allow it).
    pub x: Array2<f64>,
    /// The arm each unit received (n), an index into `arms`.
    pub arm: Vec<usize>,
    /// Outcomes Y (n); with `follow_up`, only [`crate::score::complete`] makes a mean of them estimate anything.
    pub outcome: Array1<f64>,
    /// How long units were followed, where the outcome is made of a time to an event.
    pub follow_up: Option<FollowUp>,
    /// Scores that were made elsewhere (n x K), in units of the outcome.
    pub given_scores: Option<Array2<f64>>,
    /// Propensity scores e (n x K); where a model is to estimate them, the observed shares until
    /// [`crate::nuisance::estimate`] has.
    pub propensity: Array2<f64>,
    /// The user's own outcome predictions mu (n x K), where the roles name their columns.
    pub predictions: Option<Array2<f64>>,
    /// Outcome models under additive interference (n x 2): the mean outcome of the unit's cluster if nobody is treated, and what
    /// treating the unit adds to it; the user's own where the roles name their columns.
    pub effects: Option<Array2<f64>>,
    /// Costs c (n x K), in units of the outcome.
    pub costs: Array2<f64>,
    /// Which arms each unit may get (n x K); none where all may get all.
    pub eligible: Option<Array2<bool>>,
    /// Which units the data hold out (n); none where they do not say.
    pub held_out: Option<Vec<bool>>,
    /// What identifies each unit (n): the column named for it, or the number of the row in the file, from 1.
    pub ids: Vec<String>,
    /// The cluster of each unit (n), numbered in the order in which clusters first appear; none where units are
    /// independent.
    pub cluster: Option<Vec<usize>>,
    /// Sample weights w (n), scaled to a mean of 1 over the study that was read; none where all are equal. They enter
    /// where rewards are made ([`crate::score::net`]), so that sums and means of rewards are weighted;
    /// observed shares and outcome models do not use them.
    pub weights: Option<Array1<f64>>,
    /// Which units a rule can reach (n), where some miss a covariate: the others stay in the mean of their cluster, are treated by no rule, cost
    /// nothing, and have in `x` what [`crate::data::Missing::Untreated`] says; none where rules reach all.
    pub reached: Option<Vec<bool>>,
    /// The data row of the file, from 0, that each unit comes from (n).
    pub rows: Vec<usize>,
    /// What the user should know, though it stops nothing.
    pub warnings: Vec<String>,
    /// How many units were left out because they miss a value.
    pub dropped: usize,
    /// The name of the file, as messages give it.
    pub source: String,
    /// SHA-256 of the bytes of the file, in hexadecimal.
    pub data_hash: String,
}

impl Study {
    /// Reads the study out of a table, by the roles of its columns.
    ///
    /// # Errors
    /// Kind `Data`: a column that does not exist or has two roles; a value that is missing (unless dropped), no
    /// number, or not finite; fewer than two units or arms; arms or costs that name other labels than the data;
    /// propensity scores outside (0, 1), of too few arms, or not summing to 1; weights that are negative, or 0 for all
    /// units of an arm; times that are negative, events other than 0 and 1; rewards for other arms than the data's. Kind
    /// `Usage` where the horizon is not positive.
    pub fn from_table(table: &Table, roles: &Roles) -> Result<Study, DataError> {
        refuse_two_roles(table, roles)?;
        let strict = roles.missing == Missing::Error;
        let (table, mut warnings) = with_neighbours(table, &roles.made, roles.around(), strict)?;
        let table = &table;
        let dropping = match roles.missing {
            Missing::Error => None,
            Missing::Untreated => {
                refuse_incomplete(table, roles)?;
                None
            }
            Missing::Drop | Missing::Keep => Some(drop_incomplete(table, roles, &mut warnings)?),
        };
        let dropped = dropping.as_ref().map_or(0, |kept| table.row_count() - kept.row_count());
        let table = dropping.as_ref().unwrap_or(table);
        refuse_too_few(table)?;

        let labels = table.labels(&roles.treatment, Purpose::Role)?;
        let labels = fused(table, &roles.treatment, &roles.groups, labels)?;
        let arms = arms(table, roles, &labels)?;
        let arm = arm_indices(&labels, &arms);
        refuse_stray_categories(table, roles)?;
        let keep = roles.missing == Missing::Keep;
        let mut covariates = describe(table, &roles.covariates, &roles.categorical, keep)?;
        for covariate in &mut covariates {
            covariate.made = roles.made.iter().find(|made| made.to_string() == covariate.name).cloned();
        }
        let (x, reached) = match roles.missing {
            Missing::Untreated => {
                let Reached { x, reached, warning } = reached(table, &covariates)?;
                warnings.extend(warning);
                (x, Some(reached).filter(|reached| reached.contains(&false)))
            }
            _ => (read_covariates(table, &covariates, Purpose::Covariate)?, None),
        };
        warnings.extend(constant_covariates(table, &covariates, &x));
        let eligible = eligible(table, &roles.eligible, &arms, &arm)?;
        let (outcome, follow_up) = outcomes(table, &roles.outcome)?;
        Ok(Study {
            outcome,
            follow_up,
            given_scores: given_scores(table, roles, &arms)?,
            propensity: propensity(table, &roles.propensity, &arms, &arm, eligible.as_ref())?,
            predictions: predictions(table, &roles.outcome_model, &arms)?,
            effects: effects(table, roles)?,
            costs: costs_of_reached(costs(table, &roles.costs, &arms)?, reached.as_deref()),
            reached,
            ids: ids(table, roles)?,
            cluster: clusters(table, roles)?,
            weights: weights(table, roles, &arms, &arm)?,
            rows: table.row_numbers(),
            held_out: held_out(table, roles)?,
            covariates,
            eligible,
            source: table.source().to_owned(),
            data_hash: table.sha256().to_owned(),
            groups: roles.groups.clone(),
            choose: Choose::default(),
            arms,
            arm,
            x,
            warnings,
            dropped,
        })
    }

    /// The number of units n.
    pub fn units(&self) -> usize {
        self.arm.len()
    }

    /// The names of the p covariates.
    pub fn covariate_names(&self) -> Vec<String> {
        self.covariates.iter().map(|covariate| covariate.name.clone()).collect()
    }

    /// The covariates as outcome and propensity models take them, Z (n x q): see [`super::Term`].
    pub fn design(&self) -> Array2<f64> {
        Design::new(&terms(&self.covariates, &self.x), &self.covariates).matrix(&self.x)
    }

    /// Whether a rule can reach unit i.
    pub fn reaches(&self, i: usize) -> bool {
        self.reached.as_ref().is_none_or(|reached| reached[i])
    }

    /// Whether unit i may get arm k.
    pub fn may_get(&self, i: usize, k: usize) -> bool {
        self.eligible.as_ref().is_none_or(|eligible| eligible[[i, k]])
    }

    /// The study with some of its covariates only (indices from 0).
    pub fn over(&self, covariates: &[usize]) -> Study {
        Study {
            covariates: covariates.iter().map(|&j| self.covariates[j].clone()).collect(),
            x: self.x.select(Axis(1), covariates).as_standard_layout().into_owned(),
            ..self.clone()
        }
    }

    /// The study of some of its units (indices from 0); labels, arms and file stay those of the whole.
    pub fn select(&self, units: &[usize]) -> Study {
        let rows = |matrix: &Array2<f64>| matrix.select(Axis(0), units);
        Study {
            covariates: self.covariates.clone(),
            arms: self.arms.clone(),
            groups: self.groups.clone(),
            choose: self.choose,
            x: rows(&self.x),
            arm: units.iter().map(|&i| self.arm[i]).collect(),
            outcome: self.outcome.select(Axis(0), units),
            follow_up: self.follow_up.as_ref().map(|follow_up| follow_up.select(units)),
            given_scores: self.given_scores.as_ref().map(rows),
            propensity: rows(&self.propensity),
            predictions: self.predictions.as_ref().map(rows),
            effects: self.effects.as_ref().map(rows),
            costs: rows(&self.costs),
            eligible: self.eligible.as_ref().map(|eligible| eligible.select(Axis(0), units)),
            held_out: self.held_out.as_ref().map(|held_out| units.iter().map(|&i| held_out[i]).collect()),
            ids: units.iter().map(|&i| self.ids[i].clone()).collect(),
            cluster: self.cluster.as_ref().map(|cluster| units.iter().map(|&i| cluster[i]).collect()),
            weights: self.weights.as_ref().map(|weights| weights.select(Axis(0), units)),
            reached: self.reached.as_ref().map(|reached| units.iter().map(|&i| reached[i]).collect()),
            rows: units.iter().map(|&i| self.rows[i]).collect(),
            warnings: self.warnings.clone(),
            dropped: self.dropped,
            source: self.source.clone(),
            data_hash: self.data_hash.clone(),
        }
    }

    /// The weight of unit i; 1 where there are no weights.
    pub(crate) fn weight(&self, i: usize) -> f64 {
        self.weights.as_ref().map_or(1.0, |weights| weights[i])
    }

    /// Checks that a matrix computed for this study is n x K and finite.
    ///
    /// # Errors
    /// Kind `Data`, naming the shapes, or the arm and the row of the file where the number is not finite.
    pub fn check_matrix(&self, what: &'static str, matrix: &Array2<f64>) -> Result<(), DataError> {
        let file = Place::file(&self.source);
        let ((n, arms), (rows, columns)) = (self.propensity.dim(), matrix.dim());
        if (n, arms) != (rows, columns) {
            let (expected, found) = (format!("{n} x {arms}"), format!("{rows} x {columns}"));
            return Err(file.refuse(Problem::Shape { what, expected, found }));
        }
        match matrix.indexed_iter().find(|(_, value)| !value.is_finite()) {
            None => Ok(()),
            Some(((i, k), _)) => {
                let problem =
                    Problem::NotComputable { what, arm: self.arms[k].clone(), row: self.rows[i] + 1 };
                Err(file.refuse(problem))
            }
        }
    }
}

fn refuse_two_roles(table: &Table, roles: &Roles) -> Result<(), DataError> {
    let columns = roles.columns();
    for (i, &(column, second)) in columns.iter().enumerate() {
        let clashes = |&&(earlier, role): &&(&str, &str)| earlier == column && !compatible(role, second);
        if let Some(&(_, first)) = columns[..i].iter().find(clashes) {
            return Err(Place::file(table.source())
                .column(column)
                .refuse(Problem::TwoRoles { first, second }));
        }
    }
    Ok(())
}

/// The table without the units that miss a value in a column with a role (but a covariate, where those are kept); a warning
/// says how many and where.
fn drop_incomplete(table: &Table, roles: &Roles, warnings: &mut Vec<String>) -> Result<Table, DataError> {
    let mut used: Vec<&str> = Vec::new();
    let kept = |role: &str| role == "covariate" && roles.missing == Missing::Keep;
    for (column, role) in roles.columns() {
        if !used.contains(&column) && !kept(role) {
            used.push(column);
        }
    }
    let CompleteRows { table: kept, missing } = table.complete_rows(&used)?;
    let dropped = table.row_count() - kept.row_count();
    if dropped > 0 {
        let where_missing = missing.iter().map(|(column, count)| format!("{column}: {count}"));
        warnings.push(format!(
            "{}: {dropped} of {} {} dropped because a value is missing ({})",
            table.source(),
            table.row_count(),
            plural(table.row_count(), "row"),
            where_missing.collect::<Vec<_>>().join(", ")
        ));
    }
    Ok(kept)
}

/// The arms in their order: as given, or the labels sorted.
fn arms(table: &Table, roles: &Roles, labels: &[String]) -> Result<Vec<String>, DataError> {
    let found = sorted_labels(labels);
    let place = || Place::file(table.source()).column(&roles.treatment);
    if let [arm] = found.as_slice() {
        return Err(place().refuse(Problem::OneArm { arm: arm.clone() }));
    }
    let Some(given) = &roles.arms else {
        return Ok(found);
    };
    if sorted_copy(given) != sorted_copy(&found) {
        return Err(place().refuse(Problem::ArmsDiffer { given: given.clone(), found }));
    }
    Ok(given.clone())
}

fn sorted_copy(labels: &[String]) -> Vec<String> {
    let mut sorted = labels.to_vec();
    sorted.sort_unstable();
    sorted
}

/// Which arm each label is; every label is one of `arms`.
fn arm_indices(labels: &[String], arms: &[String]) -> Vec<usize> {
    let index: HashMap<&str, usize> = arms.iter().enumerate().map(|(k, arm)| (arm.as_str(), k)).collect();
    labels.iter().map(|label| index[label.as_str()]).collect()
}

fn constant_covariates(table: &Table, covariates: &[Covariate], x: &Array2<f64>) -> Vec<String> {
    let constant = |column: &ArrayView1<f64>| column.iter().all(|value| *value == column[0]);
    covariates
        .iter()
        .zip(x.columns())
        .filter(|(_, column)| constant(column))
        .map(|(covariate, column)| {
            let place = Place::file(table.source()).column(&covariate.name);
            let value = covariate.levels.first().cloned().unwrap_or_else(|| column[0].to_string());
            format!("{place}: every value is {value}; a covariate that does not vary cannot tell units apart")
        })
        .collect()
}

/// The columns of scores made elsewhere, in the order of the arms.
fn given_scores(table: &Table, roles: &Roles, arms: &[String]) -> Result<Option<Array2<f64>>, DataError> {
    if roles.rewards.is_empty() {
        return Ok(None);
    }
    let given: Vec<String> = roles.rewards.keys().cloned().collect();
    if given != sorted_copy(arms) {
        let problem = Problem::RewardsDiffer { given, found: arms.to_vec() };
        return Err(Place::file(table.source()).refuse(problem));
    }
    let names: Vec<String> = arms.iter().map(|arm| roles.rewards[arm].clone()).collect();
    columns(table, &names, Purpose::Role).map(Some)
}

fn effects(table: &Table, roles: &Roles) -> Result<Option<Array2<f64>>, DataError> {
    let Some(role) = &roles.effects else { return Ok(None) };
    columns(table, &[role.g0.clone(), role.g.clone()], Purpose::Role).map(Some)
}

fn refuse_stray_categories(table: &Table, roles: &Roles) -> Result<(), DataError> {
    match roles.categorical.keys().find(|name| !roles.covariates.contains(name)) {
        None => Ok(()),
        Some(name) => {
            let problem = Problem::NotACovariate { available: roles.covariates.clone() };
            Err(Place::file(table.source()).column(name).refuse(problem))
        }
    }
}

fn held_out(table: &Table, roles: &Roles) -> Result<Option<Vec<bool>>, DataError> {
    let Some(column) = &roles.split else { return Ok(None) };
    let read = |(i, label): (usize, String)| match label.as_str() {
        "test" | "1" => Ok(true),
        "train" | "0" => Ok(false),
        _ => Err(table.place(i).column(column).refuse(Problem::NotASample { value: label })),
    };
    table.labels(column, Purpose::Role)?.into_iter().enumerate().map(read).collect::<Result<_, _>>().map(Some)
}

fn ids(table: &Table, roles: &Roles) -> Result<Vec<String>, DataError> {
    match &roles.id {
        Some(column) => table.labels(column, Purpose::Role),
        None => Ok(table.row_numbers().into_iter().map(|row| (row + 1).to_string()).collect()),
    }
}

fn clusters(table: &Table, roles: &Roles) -> Result<Option<Vec<usize>>, DataError> {
    let Some(column) = &roles.cluster else { return Ok(None) };
    Ok(Some(numbered(&table.labels(column, Purpose::Role)?)))
}

fn weights(
    table: &Table,
    roles: &Roles,
    arms: &[String],
    arm: &[usize],
) -> Result<Option<Array1<f64>>, DataError> {
    let Some(column) = &roles.weights else { return Ok(None) };
    let mut weights = Array1::from(table.numbers(column, Purpose::Role)?);
    if let Some((i, &value)) = weights.iter().enumerate().find(|(_, weight)| **weight < 0.0) {
        return Err(table.place(i).column(column).refuse(Problem::NegativeWeight { value }));
    }
    // Relative to the largest, no sum overflows.
    let largest = weights.fold(0.0, |largest: f64, &weight| largest.max(weight));
    weights.mapv_inplace(|weight| if largest > 0.0 { weight / largest } else { 0.0 });
    for (k, label) in arms.iter().enumerate() {
        if weights.iter().zip(arm).all(|(weight, &received)| received != k || *weight == 0.0) {
            let problem = Problem::ArmWithoutWeight { arm: label.clone() };
            return Err(Place::file(table.source()).column(column).refuse(problem));
        }
    }
    weights *= weights.len() as f64 / weights.sum();
    Ok(Some(weights))
}
