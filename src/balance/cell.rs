//! The problem of one arm, or of one arm in one source: posed, solved, and told where it has no answer.

use ndarray::{Array1, Array2, Axis};

use super::{ArmWeights, BalanceError, Cell, Choice, FeatureBalance, Settings, mean, name};
use crate::models::Model;
use crate::models::calibration::Calibration;
use crate::solve::clarabel::Clarabel;
use crate::solve::highs::HighsOracle;
use crate::solve::newton::Newton;
use crate::solve::{self, Options, Report, Silent, Solver, TerminationStatus};

/// Shares of a combination below this are rounding error of the linear program.
const NEGLIGIBLE: f64 = 1e-6;

/// The units of an arm, or of an arm in one source.
pub(super) struct Units {
    name: Cell,
    pub units: Vec<usize>,
    /// n_s / n_(a).
    pub share: f64,
}

/// Those that have units, arm by arm; without sources an arm without units as well.
pub(super) fn cells(arm: &[usize], arms: usize, settings: &Settings) -> Vec<Units> {
    let source = |i: usize| settings.sources.as_ref().map_or(0, |sources| sources[i]);
    let sources = settings.sources.iter().flatten().max().map_or(1, |most| most + 1);
    let mut units = vec![vec![Vec::new(); sources]; arms];
    let mut sizes = vec![0_usize; sources];
    for (i, &a) in arm.iter().enumerate() {
        units[a][source(i)].push(i);
        sizes[source(i)] += 1;
    }
    let of_arm = |(a, by_source): (usize, Vec<Vec<usize>>)| {
        let sizes = &sizes;
        let present: Vec<bool> = by_source.iter().map(|units| !units.is_empty()).collect();
        let all: usize = (0..sources).filter(|&s| present[s]).map(|s| sizes[s]).sum();
        let cell = move |(s, units): (usize, Vec<usize>)| Units {
            name: Cell {
                arm: name(&settings.arms, a),
                source: settings.sources.as_ref().map(|_| name(&settings.source_names, s)),
            },
            share: if sources == 1 { 1.0 } else { sizes[s] as f64 / all as f64 },
            units,
        };
        by_source.into_iter().enumerate().filter(move |(s, _)| present[*s] || sources == 1).map(cell)
    };
    units.into_iter().enumerate().flat_map(of_arm).collect()
}

/// What all arms share.
pub(super) struct Overall {
    target: Array1<f64>,
    /// Standard deviations over all units; the size of the value where it does not vary.
    scale: Array1<f64>,
}

impl Overall {
    pub fn of(x: &Array2<f64>, settings: &Settings) -> Self {
        let means: Array1<f64> = x.columns().into_iter().map(mean).collect();
        let scale = x.columns().into_iter().zip(&means).map(|(column, &mean)| {
            let n = column.len() as f64;
            let deviation = column.iter().map(|z| (z - mean).powi(2) / n).sum::<f64>().sqrt();
            if deviation > 0.0 { deviation } else { mean.abs().max(1.0) }
        });
        Self { scale: scale.collect(), target: settings.target.clone().unwrap_or(means) }
    }

    /// The weights of one arm (in one source), in the order of its units; they sum to 1.
    pub fn weigh(
        &self,
        x: &Array2<f64>,
        cell: &Units,
        settings: &Settings,
    ) -> Result<(ArmWeights, Vec<FeatureBalance>, Vec<f64>), BalanceError> {
        let members = &cell.units;
        let given = |i: usize| settings.base.as_ref().map_or(1.0, |base| base[i]);
        let kept: Vec<usize> = members.iter().copied().filter(|&i| given(i) > 0.0).collect();
        if kept.is_empty() {
            return Err(BalanceError::Empty { cell: cell.name.clone() });
        }
        let tolerance = settings.tolerance.clone().unwrap_or_else(|| Array1::zeros(self.scale.len()));
        let model = Calibration::new(x.select(Axis(0), &kept), self.target.clone(), settings.discrepancy)?
            .with_base(kept.iter().map(|&i| given(i)).collect())?
            .with_scale(self.scale.clone())?
            .with_tolerance(&tolerance * &self.scale)?
            .with_bounds(settings.lower, settings.upper)?;
        let report = self.solved(&model, &cell.name, settings)?;
        let found = report.point.as_deref().unwrap_or_default();
        let base = model.base().to_vec();
        let (before, after) = (model.imbalance(&base), model.imbalance(found));
        let features = (0..before.len()).map(|j| FeatureBalance {
            arm: cell.name.arm.clone(),
            source: cell.name.source.clone(),
            feature: name(&settings.features, j),
            target: self.target[j],
            before: before[j],
            after: after[j],
        });
        let features = features.collect();
        let mut of_kept = found.iter().copied();
        let weights: Vec<f64> = members
            .iter()
            .map(|&i| if given(i) > 0.0 { of_kept.next().unwrap_or(0.0) } else { 0.0 })
            .collect();
        let optimal = model.stationarity(found);
        let row = ArmWeights {
            arm: cell.name.arm.clone(),
            source: cell.name.source.clone(),
            share: cell.share,
            units: members.len(),
            solver: report.solver.clone(),
            objective: model.objective(&found.to_vec()),
            bound: report.objective_bound,
            multipliers: optimal.multipliers.to_vec(),
            stationarity_residual: optimal.residual,
            max_balance_residual: after.iter().fold(0.0, |most, off| off.abs().max(most)),
            effective_sample_size: effective(found),
            effective_sample_size_before: effective(&base),
            min_weight: weights.iter().copied().fold(f64::INFINITY, f64::min),
            max_weight: weights.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            negative_weights: weights.iter().filter(|w| **w < 0.0).count(),
        };
        Ok((row, features, weights))
    }

    /// The arm's optimum, or why there is none.
    fn solved(
        &self,
        model: &Calibration,
        cell: &Cell,
        settings: &Settings,
    ) -> Result<Report<Vec<f64>>, BalanceError> {
        let newton: &dyn Solver<Calibration> = &Newton;
        let solvers = match settings.solver {
            Choice::Newton => vec![newton],
            Choice::Clarabel => vec![&Clarabel as &dyn Solver<Calibration>],
            Choice::Auto => vec![newton, &Clarabel],
        };
        let auto = settings.solver == Choice::Auto;
        let mut reason = String::new();
        for solver in solvers.into_iter().filter(|solver| !auto || solver.accepts(model).is_ok()) {
            let report = solve::solve(model, solver, None, &Options::default(), &Silent)?;
            if report.termination_status == TerminationStatus::Optimal {
                return Ok(report);
            }
            if report.termination_status == TerminationStatus::Infeasible {
                break;
            }
            reason = format!("{}: {}", report.solver, report.raw_status);
        }
        let separation = model.separation(&mut HighsOracle::default())?;
        if separation.shortfall < NEGLIGIBLE {
            return Err(BalanceError::Numerical { cell: cell.clone(), reason });
        }
        let most =
            settings.tolerance.as_ref().map_or(0.0, |d| d.iter().fold(0.0, |most: f64, d| most.max(*d)));
        Err(BalanceError::Infeasible {
            cell: cell.clone(),
            units: model.units(),
            combination: combination(&separation.direction, settings),
            shortfall: rounded(separation.shortfall, f64::round),
            // A little more, so that what comes of the rounded number has room.
            tolerance: rounded(1.001 * (most + separation.shortfall), f64::ceil),
            tolerated: most > 0.0,
        })
    }
}

/// `0.62 X1 - 0.38 X2`, the largest first.
fn combination(direction: &Array1<f64>, settings: &Settings) -> String {
    const MOST: usize = 6;
    let mut parts: Vec<(usize, f64)> =
        direction.iter().copied().enumerate().filter(|(_, l)| l.abs() > NEGLIGIBLE).collect();
    parts.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
    let mut text = String::new();
    for (k, &(j, l)) in parts.iter().take(MOST).enumerate() {
        let sign = match (k, l < 0.0) {
            (0, false) => "",
            (0, true) => "-",
            (_, false) => " + ",
            (_, true) => " - ",
        };
        text.push_str(&format!("{sign}{} {}", rounded(l.abs(), f64::round), name(&settings.features, j)));
    }
    if parts.len() > MOST {
        text.push_str(&format!(" and {} more", parts.len() - MOST));
    }
    text
}

/// Three significant digits.
fn rounded(value: f64, round: fn(f64) -> f64) -> f64 {
    if value == 0.0 {
        return 0.0;
    }
    let digits = 2 - value.abs().log10().floor() as i32;
    let power = 10f64.powi(digits.abs());
    if digits >= 0 { round(value * power) / power } else { round(value / power) * power }
}

/// (sum w)^2 / sum w^2.
fn effective(weights: &[f64]) -> f64 {
    let (sum, squares) = weights.iter().fold((0.0, 0.0), |(sum, squares), w| (sum + w, squares + w * w));
    sum * sum / squares
}
