//! What is printed: JSON for programs, a few lines for people.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use super::failure::{Failure, INTERNAL};
use crate::data::{check_file, write_whole};
use crate::models::Sense;
use crate::rule::Rule;
use crate::solve::registry::AUTO;
use crate::solve::{Report, TerminationStatus};

/// Writes `value` as JSON where it was asked for, and otherwise `text` to standard output. With a JSON file the text is
/// printed as well.
pub fn print(json: Option<&Path>, value: &impl Serialize, text: &str) -> Result<(), Failure> {
    let Some(path) = json else { return to_stdout(text) };
    let mut bytes = serde_json::to_vec_pretty(value).map_err(|error| Failure {
        code: INTERNAL,
        message: format!("the report cannot be written: {error}"),
    })?;
    bytes.push(b'\n');
    if path.as_os_str() == "-" {
        return to_stdout(&String::from_utf8_lossy(&bytes));
    }
    write_whole(path, &bytes)
        .map_err(|error| Failure::io(path, &error, "name a file that can be written with --json"))?;
    to_stdout(text)
}

/// Refuses a file that could not be written in the end.
pub fn check(path: Option<&Path>, flag: &str) -> Result<(), Failure> {
    let Some(path) = path.filter(|path| path.as_os_str() != "-") else { return Ok(()) };
    check_file(path)
        .map_err(|error| Failure::io(path, &error, &format!("name a file that can be written with {flag}")))
}

/// A reader that has seen enough (`| head`) is no failure.
pub fn to_stdout(text: &str) -> Result<(), Failure> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::io(Path::new("standard output"), &error, "check where it is redirected"))
        }
        _ => Ok(()),
    }
}

/// A report in a few lines, the rule last.
pub fn summary(report: &Report<Rule>, covariates: &[String]) -> String {
    let value = |value| match report.sense {
        Sense::Maximize => format!("reward {}, {}", number(value), quality(report)),
        Sense::Minimize => format!("half the mean squared error of gains {}, proved least", number(value)),
    };
    let mut text = head(report, report.objective_value.map(value));
    text.push_str(&constraints(report));
    match &report.point {
        Some(rule) => {
            let _ = write!(text, "\n{}", rule.in_words(covariates));
        }
        None if report.termination_status == TerminationStatus::Infeasible => {
            text.push_str("no rule satisfies the constraints\n")
        }
        None => text.push_str("no rule was found within the limits\n"),
    }
    text
}

/// A report in a few lines, with what is said of its objective in words.
pub fn head<P>(report: &Report<P>, value: Option<String>) -> String {
    let mut text = String::new();
    let verified = match (&report.point, report.certificate.verified) {
        (None, _) => "",
        (_, true) => ", verified",
        _ => ", NOT VERIFIED",
    };
    let _ = writeln!(
        text,
        "{} by {} ({}): {}{verified}",
        report.model,
        report.solver,
        report.solver_version,
        word(&report.termination_status)
    );
    text.push_str(&choice(report));
    value.into_iter().for_each(|value| text.push_str(&(value + "\n")));
    let nodes = report.nodes.map_or(String::new(), |nodes| format!(", {nodes} nodes"));
    let _ = writeln!(text, "{:.2} s ({:.2} CPU s){nodes}", report.solve_seconds, report.cpu_seconds);
    let failed: Vec<&str> = report
        .certificate
        .checks
        .iter()
        .filter(|check| !check.passed)
        .map(|check| check.name.as_str())
        .collect();
    if !failed.is_empty() {
        let _ = writeln!(text, "failed checks: {}", failed.join(", "));
    }
    text
}

/// Which solver was chosen, and why, where the choice was left to the problem.
fn choice<P>(report: &Report<P>) -> String {
    let Some(choice) = report.statistics.get(AUTO) else { return String::new() };
    let text = |key: &str| choice[key].as_str().unwrap_or_default();
    let forecast =
        choice["forecast_seconds"].as_f64().map(|it| format!("forecast {} on one core", duration(it)));
    let limit = choice["time_limit"].as_f64().map(|it| format!("limit {}", duration(it)));
    let times: Vec<String> = forecast.into_iter().chain(limit).collect();
    let times = if times.is_empty() { String::new() } else { format!(" ({})", times.join(", ")) };
    format!("{AUTO} chose {}{times}: {}\n", text("solver"), text("reason"))
}

/// Seconds as people say them.
fn duration(seconds: f64) -> String {
    let units = [("years", 31_557_600.0), ("days", 86_400.0), ("hours", 3600.0), ("min", 60.0)];
    match units.into_iter().find(|(_, length)| seconds >= 2.0 * length) {
        Some(("years", length)) if seconds > 100.0 * length => "centuries".into(),
        Some((unit, length)) => format!("{:.0} {unit}", seconds / length),
        None if seconds >= 10.0 || seconds == 0.0 => format!("{seconds:.0} s"),
        None => format!(
            "{:.1$} s",
            seconds,
            usize::try_from(1 - seconds.max(1e-3).log10().floor() as i32).unwrap_or(0)
        ),
    }
}

/// Where the rule stands with each constraint and what that costs, or which constraints conflict.
fn constraints(report: &Report<Rule>) -> String {
    let list = |key: &str| report.statistics.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let mut text = String::new();
    let standings = list("constraints");
    for price in list("prices") {
        // A bound on each cluster has one name for all.
        let of_it = standings.iter().filter(|standing| standing["constraint"] == price["constraint"]);
        let slack = of_it.filter_map(|standing| standing["slack"].as_f64()).reduce(f64::min);
        let show = |value: Option<f64>| value.map_or("unknown".into(), number);
        let _ = writeln!(
            text,
            "constraint {}: slack {}, price {}",
            price["constraint"].as_str().unwrap_or_default(),
            show(slack),
            show(price["price"].as_f64())
        );
    }
    let conflict: Vec<String> =
        list("conflict").iter().filter_map(|name| name.as_str().map(String::from)).collect();
    if !conflict.is_empty() {
        let _ = writeln!(text, "these cannot be met together: {}", conflict.join(", "));
    }
    text
}

/// An enum's name as its JSON spells it.
pub fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(String::from)).unwrap_or_default()
}

/// Ten significant digits at most.
pub fn number(value: f64) -> String {
    let whole = if value == 0.0 { 0 } else { value.abs().log10().floor().clamp(-12.0, 9.0) as i32 };
    let decimals = usize::try_from(9 - whole).unwrap_or(0).min(6);
    format!("{value:.decimals$}")
}

/// How good the reward is proved to be.
fn quality(report: &Report<Rule>) -> String {
    match (report.termination_status, report.objective_bound, report.absolute_gap, report.gain_gap) {
        (TerminationStatus::Optimal, Some(bound), ..) => {
            format!("proved best of its class (bound {})", number(bound))
        }
        (_, Some(bound), Some(gap), Some(gain)) => format!(
            "while no rule of its class earns more than {} (gap {}: {:.1}% of the gain over the best single arm)",
            number(bound),
            number(gap),
            100.0 * gain
        ),
        (_, Some(bound), ..) => format!("while no rule of its class earns more than {}", number(bound)),
        _ => format!("{} search: nothing proves that no rule earns more", word(&report.promise)),
    }
}
