//! Penalties on the distances of coefficients: the path of lambda, and what is chosen of it.

use super::chosen::{At, Chosen, Kind, PathPoint, certified};
use super::{
    Choice, Criteria, Criterion, FusionError, Groups, PathSettings, Posed, Problem, Scale, Settings, Step,
    criteria, pair_weights, path, path_kept, stability,
};
use crate::solve::{Observer, Silent, SolveError};

/// The coefficients at the chosen lambda, and the arms that are near.
pub(super) fn drawn(
    posed: &Posed,
    settings: &Settings,
    observer: &dyn Observer,
) -> Result<Chosen, FusionError> {
    let (moments, penalty) = (&posed.moments, settings.penalty);
    let pair_weights = pair_weights(penalty, &posed.data, moments);
    let scale = Scale::of(moments, posed.units());
    let lambdas = match settings.choice {
        Choice::Lambda(lambda) => vec![lambda],
        _ => settings.lambdas.clone().unwrap_or_else(|| scale.lambdas(penalty)),
    };
    let threshold = settings.threshold.unwrap_or(scale.threshold());
    let along = PathSettings { penalty, lambdas, threshold, units: posed.units() };
    let steps = path_kept(moments, &pair_weights, &along, settings.checkpoint.as_ref(), observer)?;
    let step = chosen(&steps, settings.choice)?;
    let problem = Problem::new(moments, &pair_weights, penalty, step.lambda).map_err(SolveError::from)?;
    let start = &step.coefficients;
    let report = match &problem {
        Problem::Convex(model) => certified(model, start, settings, &settings.options, observer)?,
        Problem::Concave(model) => certified(model, start, settings, &settings.options, observer)?,
    };
    let coefficients = report.point.clone().unwrap_or_else(|| step.coefficients.clone());
    let groups = Groups::within(&coefficients, threshold);
    let at = PathSettings { lambdas: vec![step.lambda], ..along };
    let shares = stability(&posed.data, settings, |sample, _| {
        let moments = sample.moments();
        let weights = super::pair_weights(penalty, sample, &moments);
        path(&moments, &weights, &at, &Silent)
            .map(|steps| steps.into_iter().next_back().map(|step| step.groups))
    })?;
    Ok(Chosen {
        penalty,
        kind: Kind::Drawn { lambda: step.lambda, threshold },
        criteria: criteria(moments, &groups, posed.units()),
        coefficients,
        groups,
        path: points(posed, &steps),
        shares,
        warnings: warning(&steps, step, settings.choice).into_iter().collect(),
        report: report.map_point(|_| ()),
    })
}

/// A criterion that would have gone beyond the grid.
fn warning(steps: &[Step], step: &Step, choice: Choice) -> Option<String> {
    let Choice::Criterion(_) = choice else { return None };
    let (count, arms) = (step.groups.count(), step.coefficients.nrows());
    let end = |other: Option<&Step>| other.is_some_and(|other| other.lambda == step.lambda);
    let which = match () {
        () if end(steps.first()) && count < arms => "least",
        () if end(steps.last()) && count > 1 => "greatest",
        () => return None,
    };
    Some(format!("lambda {} is the {which} of the grid; a wider --lambda-grid may do better", step.lambda))
}

/// The path as reports give it.
pub(super) fn points(posed: &Posed, steps: &[Step]) -> Vec<PathPoint> {
    let means = posed.means();
    let point = |step: &Step| PathPoint {
        groups: step.groups.count(),
        criteria: Criteria { rss: step.rss, ebic: step.ebic, bic: step.bic },
        at: At::Lambda { lambda: step.lambda, profile: step.coefficients.dot(&means).to_vec() },
    };
    steps.iter().map(point).collect()
}

pub(super) fn chosen(steps: &[Step], choice: Choice) -> Result<&Step, FusionError> {
    let least = |value: fn(&Step) -> f64| steps.iter().min_by(|a, b| value(a).total_cmp(&value(b)));
    let found = match choice {
        Choice::Lambda(_) => steps.first(),
        Choice::Criterion(Criterion::Ebic) => least(|step| step.ebic),
        Choice::Criterion(Criterion::Bic) => least(|step| step.bic),
        Choice::Groups(count) => steps.iter().find(|step| step.groups.count() == count),
    };
    found.ok_or_else(|| {
        let mut counts: Vec<usize> = steps.iter().map(|step| step.groups.count()).collect();
        counts.dedup();
        let counts: Vec<String> = counts.iter().map(usize::to_string).collect();
        FusionError::Usage(format!(
            "no lambda of the grid gives the groups asked for; it gives {}: ask for one of these, or pass a finer or wider --lambda-grid",
            counts.join(", ")
        ))
    })
}
