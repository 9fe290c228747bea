//! `solve calibration|fused-lasso`: the same problems as `weigh` and `fuse` pose, from matrices, by each solver.

use std::fmt::Write;

use serde_json::Value;

use crate::shell::Shell;

const CALIBRATION: &str = "solve calibration --covariates X.csv --target T.csv";
const LASSO: &str = "solve fused-lasso --covariates X.csv --outcome y.csv --treatment a.csv";

/// Sixty units of four arms, the first two of which do the same.
fn shell() -> Shell {
    let shell = Shell::new();
    let (mut x, mut y, mut a, mut w) =
        (String::from("x,z\n"), String::from("y\n"), String::from("arm\n"), String::from("w\n"));
    for k in 0..60_u32 {
        let (u, v) = (f64::from(k * 7 % 19) / 19.0, f64::from(k * 5 % 23) / 23.0);
        let slope = if k % 4 < 2 { 1.0 } else { f64::from(k % 4) };
        let _ = writeln!(x, "{u},{v}");
        let _ = writeln!(y, "{}", slope * u + 0.1 * v * f64::from(k % 3));
        let _ = writeln!(a, "{}", ["p", "q", "r", "s"][k as usize % 4]);
        let _ = writeln!(w, "{}", 1 + k % 3);
    }
    shell.write("X.csv", x);
    shell.write("y.csv", y);
    shell.write("a.csv", a);
    shell.write("w.csv", w);
    // The columns in another order, and one row: a target may be given by its means.
    shell.write("T.csv", "z,x\n0.45,0.55\n");
    shell
}

fn optimum(shell: &Shell, line: &str) -> Value {
    let report = shell.run(&format!("{line} --json -")).exits(0).json();
    assert_eq!(report["termination_status"], "OPTIMAL", "{report:#}");
    assert_eq!(report["certificate"]["verified"], true, "{report:#}");
    assert_eq!(report["certificate"]["bound_proof"], "dual", "{report:#}");
    report
}

#[track_caller]
fn close(a: &Value, b: &Value, tolerance: f64) {
    let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
    assert!((a - b).abs() <= tolerance, "{a} {b}");
}

#[test]
fn calibration_by_each_solver() {
    let shell = shell();
    let variants = [
        "",
        "--discrepancy -1",
        "--discrepancy 0.5 --base w.csv",
        "--discrepancy quadratic --lower 0.5 --upper 1.6",
        "--tolerance x=0.02 --base w.csv --upper 1.5",
    ];
    for variant in variants {
        let line = format!("{CALIBRATION} {variant}");
        let newton = optimum(&shell, &format!("{line} --solver newton"));
        let clarabel = optimum(&shell, &format!("{line} --solver clarabel"));
        assert_eq!((newton["solver"].as_str(), newton["sense"].as_str()), (Some("newton"), Some("minimize")));
        close(&newton["objective_value"], &clarabel["objective_value"], 1e-9);
        assert_eq!(newton["point"]["kind"], "weights");
        let weights = |report: &Value| report["point"]["weights"].as_array().unwrap().clone();
        weights(&newton).iter().zip(&weights(&clarabel)).for_each(|(a, b)| close(a, b, 1e-7));
        assert_eq!(optimum(&shell, &line)["statistics"]["auto"]["solver"], "newton");
    }
    shell.run(CALIBRATION).exits(0);
}

/// The same arm as a study of its own.
#[test]
fn calibration_is_what_weigh_solves() {
    let shell = shell();
    let x = shell.read("X.csv");
    let study: String = x
        .lines()
        .enumerate()
        .map(|(i, line)| format!("{},{line}\n", if i == 0 { "a" } else { "1" }))
        .collect();
    shell.write("d.csv", study);
    let weigh = "weigh d.csv --treatment a --covariates x,z --target T.csv --tolerance 0.05 --json -";
    let weighed = shell.run(weigh).exits(0).json();
    let solved = optimum(&shell, &format!("{CALIBRATION} --tolerance 0.05"));
    close(&weighed["arms"][0]["objective"], &solved["objective_value"], 1e-12);
}

#[test]
fn fused_lasso_by_each_solver_and_concave_by_admm() {
    let shell = shell();
    for variant in ["", "--weights w.csv", "--penalty adaptive", "--penalty wald"] {
        let line = format!("{LASSO} --lambda 0.03 {variant}");
        let admm = optimum(&shell, &format!("{line} --solver admm"));
        let clarabel = optimum(&shell, &format!("{line} --solver clarabel"));
        close(&admm["objective_value"], &clarabel["objective_value"], 1e-8);
        assert_eq!(admm["point"]["columns"], serde_json::json!(["(intercept)", "x", "z"]));
        for arm in ["p", "q", "r", "s"] {
            let row = |report: &Value| report["point"]["coefficients"][arm].as_array().unwrap().clone();
            row(&admm).iter().zip(&row(&clarabel)).for_each(|(a, b)| close(a, b, 1e-4));
        }
    }
    let report = shell.run(&format!("{LASSO} --lambda 0.03 --penalty mcp --json -")).exits(0).json();
    assert_eq!((report["promise"].as_str(), report["objective_bound"].is_null()), (Some("local"), true));
    // Strong enough a penalty leaves one row of coefficients.
    let fused = optimum(&shell, &format!("{LASSO} --lambda 100"));
    let row = |arm: &str| fused["point"]["coefficients"][arm].as_array().unwrap().clone();
    row("p").iter().zip(&row("s")).for_each(|(a, b)| close(a, b, 1e-6));
}

#[test]
fn what_is_no_problem_is_refused() {
    let shell = shell();
    shell.write("T.csv", "z,x\n9,0.5\n");
    let report = shell.run(&format!("{CALIBRATION} --json -")).exits(4).json();
    assert_eq!(
        (report["termination_status"].as_str(), report["point"].is_null()),
        (Some("INFEASIBLE"), true)
    );
    shell.write("T.csv", "x\n0.5\n");
    shell.run(CALIBRATION).exits(3).says(&["T.csv", "\"z\""]);
    let plain = "solve calibration --covariates X.csv";
    shell.write("b.csv", "w\n1\n2\n");
    shell.run(&format!("{plain} --base b.csv")).exits(3).says(&["b.csv", "2 rows", "X.csv"]);
    shell.run(&format!("{plain} --base X.csv")).exits(3).says(&["X.csv", "60 x 1"]);
    shell.write("b.csv", shell.read("w.csv").replacen("2", "0", 1));
    shell.run(&format!("{plain} --base b.csv")).exits(3).says(&["b.csv, line 3", "base weight 0"]);
    shell.run(&format!("{plain} --upper 0.5")).exits(3).says(&["leave out 1"]);
    shell.run(&format!("{plain} --tolerance w=1")).exits(2).says(&["no feature \"w\""]);
    shell.run(&format!("{plain} --solver admm")).exits(2).says(&["newton, clarabel"]);
    shell.run(&format!("{plain} --split-step 2 --solver newton")).exits(2).says(&["split_step"]);
    shell.run(&format!("{LASSO} --lambda 1 --penalty l0")).exits(2).says(&["fuse --penalty l0"]);
    shell.run(&format!("{LASSO} --lambda -1")).exits(2);
    shell.write("a.csv", "arm\np\n");
    shell.run(&format!("{LASSO} --lambda 1")).exits(3).says(&["a.csv", "60 x 1"]);
    shell.write("a.csv", format!("arm\n{}", "p\n".repeat(60)));
    shell.run(&format!("{LASSO} --lambda 1")).exits(3).says(&["one arm only"]);
}
