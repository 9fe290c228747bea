//! What `fuse` found, as text and as a picture.

use std::fmt::Write;

use super::output;
use crate::evaluate::{Line, Plot, aligned};
use crate::fusion::{At, Compared, Fused, Group, Kind, Outcome, PathPoint};

/// Groups with their members and coefficients; the comparison before them, where there is one.
pub fn table(found: &Fused) -> String {
    let strength = match &found.kind {
        Kind::Drawn { lambda, .. } => format!(", lambda {}", output::number(*lambda)),
        Kind::Partition { .. } => String::new(),
    };
    let mut text = comparison(&found.comparison);
    let _ = writeln!(
        text,
        "{}: {} arms in {} groups, {} units{strength}",
        output::word(&found.penalty),
        found.coefficients.len(),
        found.groups.len(),
        found.units,
    );
    let proof = match &found.kind {
        Kind::Partition { proved: true } => ", and no partition is better by what was asked",
        _ => "",
    };
    let _ = writeln!(
        text,
        "objective {}, {} by {}{proof}; EBIC {}\n",
        found.objective.map_or("none".into(), output::number),
        output::word(&found.report.termination_status),
        found.report.solver,
        output::number(found.criteria.ebic)
    );
    let header = ["group", "units", "together", "coefficients", "arms"].map(String::from);
    let line = |(g, group): (usize, &Group)| {
        let coefficients: Vec<String> = group.coefficients.iter().map(|b| format!("{b:.4}")).collect();
        [
            (g + 1).to_string(),
            group.units.to_string(),
            group.stability.map_or("-".into(), |share| format!("{:.0}%", 100.0 * share)),
            coefficients.join(" "),
            group.arms.join(" "),
        ]
    };
    let lines: Vec<[String; 5]> =
        [header].into_iter().chain(found.group_table.iter().enumerate().map(line)).collect();
    text.push_str(&aligned(&lines));
    text
}

/// A line for each penalty, the chosen one with a star, and why others failed.
fn comparison(rows: &[Compared]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let header = ["", "penalty", "lambda", "groups", "RSS", "EBIC", "BIC", "agreement", "CPU s", "status"];
    let line = |row: &Compared| {
        let star = if row.chosen { "*" } else { "" };
        let start = [star.to_string(), output::word(&row.penalty)];
        let seconds = format!("{:.2}", row.cpu_seconds);
        let middle = match &row.outcome {
            Outcome::Found { lambda, groups, criteria, adjusted_rand_index, promise, termination_status } => {
                [
                    lambda.map_or("-".into(), |lambda| format!("{lambda:.4}")),
                    groups.to_string(),
                    format!("{:.3}", criteria.rss),
                    format!("{:.1}", criteria.ebic),
                    format!("{:.1}", criteria.bic),
                    format!("{adjusted_rand_index:.3}"),
                    seconds,
                    format!("{} ({})", output::word(termination_status), output::word(promise)),
                ]
            }
            Outcome::Failed { .. } => ["-", "-", "-", "-", "-", "-", &seconds, "failed"].map(String::from),
        };
        let cells: Vec<String> = start.into_iter().chain(middle).collect();
        <[String; 10]>::try_from(cells).unwrap_or_default()
    };
    let lines: Vec<[String; 10]> =
        [header.map(String::from)].into_iter().chain(rows.iter().map(line)).collect();
    let mut text = aligned(&lines);
    for row in rows {
        if let Outcome::Failed { reason } = &row.outcome {
            let _ = writeln!(text, "{}: {reason}", output::word(&row.penalty));
        }
    }
    text + "\n"
}

/// What is expected of each arm along lambda, or the criteria along the number of groups.
pub fn plot(found: &Fused) -> String {
    let arms = found.coefficients.len();
    let title = format!("{arms} arms along the path; chosen: {} groups", found.groups.len());
    let (across, up, lines) = match &found.kind {
        Kind::Drawn { .. } => (
            "log10 of lambda",
            "outcome at mean covariates, beyond the main effect",
            profiles(&found.path, arms),
        ),
        Kind::Partition { .. } => ("groups", "criterion, less is better", criteria(found)),
    };
    Plot { title: &title, across, up, lines }.draw()
}

fn profiles(path: &[PathPoint], arms: usize) -> Vec<Line<'static>> {
    let at = |point: &PathPoint, a: usize| match &point.at {
        At::Lambda { lambda, profile } => Some((lambda.max(1e-12).log10(), profile[a])),
        At::Groups { .. } => None,
    };
    let line = |a: usize| plain("", path.iter().filter_map(|point| at(point, a)).collect());
    (0..arms).map(line).collect()
}

/// EBIC, BIC, and what of them is the fit: n log(RSS / K).
fn criteria(found: &Fused) -> Vec<Line<'static>> {
    let arms = found.coefficients.len() as f64;
    let line = |name, value: &dyn Fn(&PathPoint) -> f64| {
        plain(name, found.path.iter().map(|point| (point.groups as f64, value(point))).collect())
    };
    vec![
        line("EBIC", &|point| point.criteria.ebic),
        line("BIC", &|point| point.criteria.bic),
        line("n log(RSS / K)", &|point| {
            found.units as f64 * (point.criteria.rss / arms).max(f64::MIN_POSITIVE).ln()
        }),
    ]
}

fn plain(name: &'static str, points: Vec<(f64, f64)>) -> Line<'static> {
    Line { name, points, intervals: Vec::new() }
}
