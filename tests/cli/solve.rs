//! `solve tree|linear`: the report, its point, and each flag.

use serde_json::Value;

use crate::instances::{Instance, close, depth, instance};
use crate::shell::Shell;

const TREE: &str = "solve tree --covariates X.csv --rewards G.csv";
const LINEAR: &str = "solve linear --covariates X.csv --gains g.csv";

fn trees() -> (Shell, Instance) {
    let (shell, instance) = (Shell::new(), instance(1, 60, 2, &["none", "drug", "both"], false));
    instance.write(&shell);
    (shell, instance)
}

fn lines() -> (Shell, Instance) {
    let (shell, instance) = (Shell::new(), instance(2, 30, 2, &["gain"], false));
    instance.write(&shell);
    (shell, instance)
}

/// Every key of the report with its type, and the point worth what is reported.
#[track_caller]
pub fn assert_report(report: &Value, instance: &Instance) {
    type Is = fn(&Value) -> bool;
    let count: Is = |value| value.is_null() || value.is_u64();
    let number: Is = |value| value.is_null() || value.is_number();
    let hash: Is = |value| value.as_str().is_some_and(|text| text.len() == 64);
    let keys: [(&str, Is); 28] = [
        ("model", Value::is_string),
        ("solver", Value::is_string),
        ("solver_version", Value::is_string),
        ("promise", |value| ["exact", "local", "heuristic"].contains(&value.as_str().unwrap())),
        ("termination_status", Value::is_string),
        ("primal_status", Value::is_string),
        ("dual_status", Value::is_string),
        ("raw_status", Value::is_string),
        ("sense", Value::is_string),
        ("objective_value", number),
        ("objective_bound", number),
        ("absolute_gap", number),
        ("relative_gap", number),
        ("gain_gap", number),
        ("gap_per_unit", number),
        ("nodes", count),
        ("iterations", count),
        ("solve_seconds", Value::is_number),
        ("cpu_seconds", Value::is_number),
        ("statistics", Value::is_object),
        ("tolerances", Value::is_object),
        ("seed", Value::is_u64),
        ("threads", Value::is_u64),
        ("model_hash", hash),
        ("data_hash", hash),
        ("certificate", Value::is_object),
        ("point", |value| value.is_null() || value.is_object()),
        ("point", |value| value.is_null() || value["kind"].is_string()),
    ];
    for (key, is) in keys {
        assert!(
            is(report.get(key).unwrap_or_else(|| panic!("no {key} in {report:#}"))),
            "{key} in {report:#}"
        );
    }
    let certificate = &report["certificate"];
    assert!(certificate["verified"].is_boolean() && certificate["bound_proof"].is_string(), "{report:#}");
    for check in certificate["checks"].as_array().unwrap() {
        let numbers = check["value"].is_number() && check["tolerance"].is_number();
        assert!(numbers && check["name"].is_string() && check["passed"] == true, "{report:#}");
    }
    if let Some(value) = report["objective_value"].as_f64() {
        assert!(close(value, instance.value(&report["point"])), "{report:#}");
        let bound = report["objective_bound"].as_f64();
        assert!(bound.is_none_or(|bound| bound >= value), "{report:#}");
    }
}

/// Runs `line` for its report, which must be OPTIMAL and proved.
#[track_caller]
fn optimum(shell: &Shell, instance: &Instance, line: &str) -> f64 {
    let report = shell.run(&format!("{line} --json -")).exits(0).json();
    assert_report(&report, instance);
    assert_eq!(report["termination_status"], "OPTIMAL", "{report:#}");
    assert_eq!(report["certificate"]["verified"], true, "{report:#}");
    let proof = if report["solver"] == "milp" { "dual" } else { "search" };
    assert_eq!(report["certificate"]["bound_proof"], proof, "{report:#}");
    report["objective_value"].as_f64().unwrap()
}

#[test]
fn a_tree_by_each_solver() {
    let (shell, instance) = trees();
    for (depth_asked, formulations) in [(1, ["extended", "flow"].as_slice()), (2, &["extended"])] {
        let line = format!("{TREE} --depth {depth_asked} --candidates quantiles:4");
        let best = optimum(&shell, &instance, &line);
        for formulation in formulations {
            let same =
                optimum(&shell, &instance, &format!("{line} --solver milp --formulation {formulation}"));
            assert!(close(best, same), "{formulation}: {same} instead of {best}");
        }
        let report = shell.run(&format!("{line} --solver greedy --json -")).exits(0).json();
        assert_report(&report, &instance);
        assert_eq!(report["promise"], "heuristic");
        assert_eq!(report["termination_status"], "LOCALLY_SOLVED");
        assert_eq!(report["objective_bound"], Value::Null);
        assert!(report["objective_value"].as_f64().unwrap() <= best + 1e-9, "{report:#}");
        assert!(depth(&report["point"]["root"]) <= depth_asked);
    }
}

#[test]
fn a_depth_one_tree_is_the_best_of_all_stumps() {
    let (shell, instance) = trees();
    let found = optimum(&shell, &instance, &format!("{TREE} --depth 1"));
    let best_arm = |units: &mut dyn Iterator<Item = usize>| {
        let units: Vec<usize> = units.collect();
        let total = |k: usize| units.iter().map(|&i| instance.rewards[i][k]).sum::<f64>();
        (0..3).map(total).fold(f64::NEG_INFINITY, f64::max)
    };
    let stump = |(j, threshold): (usize, f64)| {
        let left = best_arm(&mut (0..60).filter(|&i| instance.x[i][j] <= threshold));
        left + best_arm(&mut (0..60).filter(|&i| instance.x[i][j] > threshold))
    };
    let stumps = (0..2).flat_map(|j| (0..10).map(move |v| (j, f64::from(v))));
    let best = stumps.map(stump).fold(f64::NEG_INFINITY, f64::max);
    assert!(close(best, found), "{found} instead of {best}");
}

#[test]
fn a_tree_under_a_least_leaf_size() {
    let (shell, instance) = trees();
    let line = format!("{TREE} --depth 2 --candidates quantiles:4");
    let free = optimum(&shell, &instance, &line);
    for formulation in ["extended", "flow"] {
        let line = format!("{line} --min-leaf 25 --formulation {formulation}");
        let line = if formulation == "flow" { line.replace("--depth 2", "--depth 1") } else { line };
        let report = shell.run(&format!("{line} --json -")).exits(0).json();
        assert_report(&report, &instance);
        assert!(report["objective_value"].as_f64().unwrap() <= free);
        let leaf = |x: &Vec<f64>| {
            let (mut node, mut path) = (&report["point"]["root"], String::new());
            while let Some(name) = node["covariate"].as_str() {
                let j = usize::from(name == "x2");
                let side = if x[j] <= node["threshold"].as_f64().unwrap() { "left" } else { "right" };
                path.push_str(side);
                node = &node[side];
            }
            path
        };
        let leaves: Vec<String> = instance.x.iter().map(leaf).collect();
        let size = |path: &String| leaves.iter().filter(|other| *other == path).count();
        assert!(leaves.iter().all(|path| size(path) >= 25), "{report:#}");
    }
}

#[test]
fn leaves_larger_than_the_data_are_infeasible() {
    let (shell, _) = trees();
    for solver in ["milp", "greedy"] {
        let line = format!("{TREE} --depth 1 --min-leaf 61 --solver {solver} --json -");
        let report = shell.run(&line).exits(4).json();
        assert_eq!(report["termination_status"], "INFEASIBLE");
        assert_eq!(report["primal_status"], "NO_SOLUTION");
        assert_eq!(report["point"], Value::Null);
    }
}

#[test]
fn a_linear_rule_by_each_solver_and_formulation() {
    let (shell, instance) = lines();
    let best = optimum(&shell, &instance, LINEAR);
    for formulation in ["facets", "radon", "facets_radon"] {
        let same = optimum(&shell, &instance, &format!("{LINEAR} --solver milp --formulation {formulation}"));
        assert!(close(best, same), "{formulation}: {same} instead of {best}");
    }
    for stage in ["surrogate", "multi_start", "polished"] {
        let line = format!("{LINEAR} --solver smooth --stage {stage} --seed 7 --json -");
        let report = shell.run(&line).exits(0).json();
        assert_report(&report, &instance);
        assert_eq!(report["promise"], "local");
        assert_eq!(report["objective_bound"], Value::Null);
        assert_eq!(report["seed"], 7);
        assert!(report["objective_value"].as_f64().unwrap() <= best + 1e-9, "{report:#}");
        assert_eq!(report["statistics"]["stages"][stage], report["objective_value"], "{report:#}");
    }
}

#[test]
fn the_naive_program_promises_nothing_it_cannot_prove() {
    let shell = Shell::new();
    let instance = instance(3, 8, 1, &["gain"], false);
    instance.write(&shell);
    let best = optimum(&shell, &instance, LINEAR);
    let ran = shell.run(&format!("{LINEAR} --formulation naive --time-limit 5 --json -"));
    assert!([Some(0), Some(5)].contains(&ran.code), "{ran:#?}");
    let report = ran.json();
    assert_report(&report, &instance);
    assert_eq!(report["promise"], "heuristic");
    assert_eq!(report["objective_bound"], Value::Null);
    assert!(report["objective_value"].as_f64().unwrap() <= best + 1e-9, "{report:#}");
}

#[test]
fn coefficients_are_in_the_order_of_the_covariates() {
    let shell = Shell::new();
    // Gain where steep is 4, loss where it is 3, whatever the others are: so its coefficient exceeds their sum.
    shell.write("X.csv", "flat,steep,round\n0,3,0\n1,3,0\n0,3,1\n1,3,1\n0,4,0\n1,4,0\n0,4,1\n1,4,1\n");
    shell.write("g.csv", "gain\n-1\n-1\n-1\n-1\n1\n1\n1\n1\n");
    let report = shell.run(&format!("{LINEAR} --json -")).exits(0).json();
    let point = &report["point"];
    assert_eq!(point["kind"], "linear");
    assert_eq!(report["objective_value"], 4.0);
    assert_eq!(point["arms"].as_array().unwrap().len(), 2);
    let coefficients: Vec<f64> =
        point["coefficients"].as_array().unwrap().iter().map(|b| b.as_f64().unwrap()).collect();
    assert_eq!(coefficients.len(), 3);
    assert!(coefficients[1] > coefficients[0].abs() + coefficients[2].abs(), "{point:#}");
}

#[test]
fn tolerances_seed_and_threads_are_reported() {
    let (shell, _) = lines();
    let line = format!("{LINEAR} --mip-rel-gap 0.5 --mip-abs-gap 2 --seed 9 --threads 2 --json -");
    let report = shell.run(&line).exits(0).json();
    assert_eq!(report["tolerances"]["mip_rel_gap"], 0.5);
    assert_eq!(report["tolerances"]["mip_abs_gap"], 2.0);
    assert_eq!((&report["seed"], &report["threads"]), (&9.into(), &2.into()));
    let value = report["objective_value"].as_f64().unwrap();
    let allowed = 2.0_f64.max(0.5 * value.abs().max(1.0));
    assert!(report["absolute_gap"].as_f64().unwrap() <= allowed + 1e-6, "{report:#}");
}

#[test]
fn text_for_people_without_json_and_one_value_with_it() {
    let (shell, _) = lines();
    let text = shell.run(LINEAR).exits(0).stdout;
    assert!(text.contains("OPTIMAL") && serde_json::from_str::<Value>(&text).is_err(), "{text}");
    let ran = shell.run(&format!("{LINEAR} --json -")).exits(0);
    assert!(ran.json().is_object());
    assert_eq!(ran.stderr, "");
    let ran = shell.run(&format!("{LINEAR} --json report.json")).exits(0);
    assert!(ran.stdout.contains("OPTIMAL"), "{ran:#?}");
    assert_eq!(shell.json("report.json")["termination_status"], "OPTIMAL");
}

#[test]
fn a_matrix_from_standard_input() {
    let (shell, instance) = lines();
    let gains = shell.read("g.csv");
    let line = LINEAR.replace("g.csv", "-") + " --json -";
    let report = shell.feed(&gains, &line).exits(0).json();
    assert_report(&report, &instance);
    shell.feed("gain\n1\nNaN\n", &line).exits(3).says(&["standard input", "line 3", "\"gain\"", "\"NaN\""]);
}

#[test]
fn the_solvers_log_goes_where_it_is_told() {
    let (shell, _) = lines();
    let ran = shell.run(&format!("{LINEAR} --solver milp --log-file highs.log --json -")).exits(0);
    assert!(ran.json().is_object());
    assert!(shell.read("highs.log").contains("HiGHS"));
}

#[test]
fn the_answer_does_not_depend_on_threads() {
    let (shell, _) = lines();
    for solver in ["milp", "smooth"] {
        let point = |threads: usize| {
            let line = format!("{LINEAR} --solver {solver} --threads {threads} --json -");
            shell.run(&line).exits(0).json()["point"].clone()
        };
        assert_eq!(point(1), point(4), "{solver}");
    }
}
