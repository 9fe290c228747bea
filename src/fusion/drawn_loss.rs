//! As `drawn`, under another loss than squares: the units themselves take the place of their sums.

use prescribe_models::outcome_loss::Units;

use super::chosen::{Chosen, Kind, certified};
use super::drawn::{chosen, points};
use super::loss::{group_fit, loss_criteria, loss_pair_weights, loss_path, loss_problem, loss_scale};
use super::{Choice, FusionError, Groups, PathSettings, Penalty, Posed, Settings, stability};
use crate::solve::{Observer, Silent, SolveError};

/// The coefficients at the chosen lambda, and the arms that are near.
pub(super) fn drawn_loss(
    posed: &Posed,
    settings: &Settings,
    observer: &dyn Observer,
) -> Result<Chosen, FusionError> {
    let (loss, penalty) = (posed.loss, settings.penalty);
    if !matches!(penalty, Penalty::Lasso | Penalty::Adaptive | Penalty::Wald) {
        return Err(FusionError::Usage(
            "this penalty goes with --loss squared alone; choose --penalty lasso, adaptive or wald".into(),
        ));
    }
    let arms = posed.arms();
    let scale = loss_scale(&arms, loss);
    let pair_weights = loss_pair_weights(penalty, &arms, loss);
    let lambdas = match settings.choice {
        Choice::Lambda(lambda) => vec![lambda],
        _ => settings.lambdas.clone().unwrap_or_else(|| scale.lambdas(penalty)),
    };
    let threshold = settings.threshold.unwrap_or(scale.threshold());
    let along = PathSettings { penalty, lambdas, threshold, units: posed.units() };
    let steps = loss_path(&arms, loss, &pair_weights, &along, settings.checkpoint.as_ref(), observer)?;
    let step = chosen(&steps, settings.choice)?;
    let model = loss_problem(&arms, loss, &pair_weights, penalty, step.lambda).map_err(SolveError::from)?;
    let report = certified(&model, &step.coefficients, settings, &settings.options, observer)?;
    let coefficients = report.point.clone().unwrap_or_else(|| step.coefficients.clone());
    let groups = Groups::within(&coefficients, threshold);
    let at = PathSettings { lambdas: vec![step.lambda], ..along };
    let shares = stability(&posed.data, settings, |sample, units| {
        let offset: Vec<f64> = units.iter().map(|&i| posed.offset[i]).collect();
        let arms = Units::by_arm(
            &sample.design,
            (&sample.outcome, &offset),
            &sample.weights,
            &sample.arm,
            sample.arms,
        );
        let weights = loss_pair_weights(penalty, &arms, loss);
        loss_path(&arms, loss, &weights, &at, None, &Silent)
            .map(|steps| steps.into_iter().next_back().map(|step| step.groups))
    })?;
    Ok(Chosen {
        penalty,
        kind: Kind::Drawn { lambda: step.lambda, threshold },
        criteria: loss_criteria(&arms, loss, &groups, posed.units()).map_err(SolveError::from)?,
        path: points(posed, &steps),
        warnings: unbounded(&arms, posed, &groups)?,
        coefficients,
        groups,
        shares,
        report: report.map_point(|_| ()),
    })
}

/// Groups whose own fit does not exist.
fn unbounded(arms: &[Units], posed: &Posed, groups: &Groups) -> Result<Vec<String>, FusionError> {
    let mut warnings = Vec::new();
    for (g, members) in groups.members().iter().enumerate() {
        if !group_fit(arms, posed.loss, members).map_err(SolveError::from)?.settled {
            warnings.push(format!(
                "group {}: the columns separate its outcomes, so that its refitted coefficients grow without limit; those told are where the steps ended",
                g + 1
            ));
        }
    }
    Ok(warnings)
}
