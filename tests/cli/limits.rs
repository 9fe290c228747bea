//! Limits and interruption: what was found is returned, with a bound that holds.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::instances::{Instance, instance};
use crate::shell::{PROGRAM, Shell};
use crate::solve::assert_report;

const LINEAR: &str = "solve linear --covariates X.csv --gains g.csv";

/// An instance that no mixed-integer program closes in minutes.
fn hard() -> (Shell, Instance) {
    let (shell, instance) = (Shell::new(), instance(4, 300, 3, &["gain"], true));
    instance.write(&shell);
    (shell, instance)
}

/// Stopped with a verified rule and a bound that is not reached.
#[track_caller]
fn assert_unfinished(report: &Value, status: &str, instance: &Instance) {
    assert_report(report, instance);
    assert_eq!(report["termination_status"], status, "{report:#}");
    assert_eq!(report["primal_status"], "FEASIBLE_POINT", "{report:#}");
    assert_eq!(report["certificate"]["verified"], true, "{report:#}");
    assert!(report["absolute_gap"].as_f64().unwrap() > 0.0, "{report:#}");
}

#[test]
fn a_time_limit() {
    let (shell, instance) = hard();
    let started = Instant::now();
    let report = shell.run(&format!("{LINEAR} --solver milp --time-limit 2 --json -")).exits(5).json();
    let seconds = started.elapsed().as_secs_f64();
    assert!(seconds < 12.0, "{seconds} s for a limit of 2 s");
    assert_unfinished(&report, "TIME_LIMIT", &instance);
}

/// Twenty covariates at depth 3 are minutes of work; the program says so once, although prices would be asked for again.
#[test]
fn a_forecast_before_long_work() {
    let (shell, instance) = (Shell::new(), instance(4, 2000, 20, &["none", "drug", "both"], true));
    instance.write(&shell);
    let line =
        "solve tree --covariates X.csv --rewards G.csv --solver search --min-leaf 3 --threads 1 --json -";
    let ran = shell.run(&format!("{line} --depth 3 --time-limit 1")).exits(5);
    let report = ran.json();
    let seconds = report["statistics"]["forecast_seconds"].as_f64().unwrap();
    assert!(seconds > 10.0, "{seconds}");
    let forecasts: Vec<&str> = ran.stderr.lines().filter(|line| line.contains("forecast")).collect();
    assert_eq!(forecasts.len(), 1, "{}", ran.stderr);
    assert!(forecasts[0].contains(&format!("about {seconds:.0} s")), "{}", ran.stderr);
    assert_unfinished(&report, "TIME_LIMIT", &instance);
    let quick = shell.run(&format!("{line} --depth 1")).exits(0);
    assert!(!quick.stderr.contains("forecast"), "{}", quick.stderr);
}

#[test]
fn no_time_at_all() {
    let (shell, instance) = hard();
    for solver in ["milp", "smooth"] {
        let report =
            shell.run(&format!("{LINEAR} --solver {solver} --time-limit 0 --json -")).exits(5).json();
        assert_report(&report, &instance);
        assert_eq!(report["termination_status"], "TIME_LIMIT");
    }
}

#[test]
fn a_limit_in_learn_keeps_what_was_found() {
    let shell = Shell::new();
    shell.write("trial.csv", crate::instances::trial(5, 200).csv());
    let line = "learn trial.csv --outcome y --treatment a --covariates age,sex --maximize --mip-max-nodes 0 --out out";
    shell.run(line).exits(5);
    assert_eq!(shell.json("out/report.json")["termination_status"], "NODE_LIMIT");
    assert!(shell.json("out/rule.json")["kind"].is_string());
    shell.run("verify out").exits(0);
}

#[test]
fn one_node() {
    let (shell, instance) = hard();
    let ran = shell.run(&format!("{LINEAR} --mip-max-nodes 1 --time-limit 60 --json -"));
    let report = ran.json();
    assert_report(&report, &instance);
    match report["termination_status"].as_str().unwrap() {
        "OPTIMAL" => assert_eq!(ran.code, Some(0), "{report:#}"),
        "NODE_LIMIT" | "TIME_LIMIT" => assert_eq!(ran.code, Some(5), "{report:#}"),
        other => panic!("{other}: {report:#}"),
    }
}

#[cfg(unix)]
#[test]
fn an_interruption_writes_what_was_found() {
    let (shell, instance) = hard();
    let mut program = Command::new(PROGRAM)
        .args(LINEAR.split_whitespace())
        .args(["--solver", "milp", "--log-file", "highs.log", "--json", "report.json"])
        .current_dir(shell.path(""))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // The log appears when the exact solver starts; the time limit here only ends a program that never does.
    let patience = Instant::now() + Duration::from_secs(60);
    while !shell.path("highs.log").exists() && Instant::now() < patience {
        std::thread::sleep(Duration::from_millis(50));
    }
    std::thread::sleep(Duration::from_millis(500));
    let sent = Command::new("kill").args(["-INT", &program.id().to_string()]).status().unwrap();
    let code = program.wait().unwrap().code();
    assert!(sent.success());
    assert_eq!(code, Some(130));
    assert_unfinished(&shell.json("report.json"), "INTERRUPTED", &instance);
}
