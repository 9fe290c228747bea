//! `--target`: the study weighted to the covariate means of another population.

use crate::instances::close;
use crate::learn::{LEARN, trial_in};
use crate::shell::Shell;

const RUN: &str = "--score ipw --maximize --test-share 0 --target target.csv";

#[test]
fn the_value_is_that_of_weights_with_the_target_s_means() {
    let shell = Shell::new();
    let trial = trial_in(&shell);
    // For one covariate of two values the weights are known.
    let line = LEARN.replace("--covariates age,sex", "--covariates sex");
    let share = trial.rows.iter().map(|unit| unit.sex).sum::<f64>() / trial.rows.len() as f64;
    shell.write("target.csv", "name,sex\na,1\nb,0\nc,0\nd,0\n");
    let weight = |sex: f64| if sex == 1.0 { 0.25 / share } else { 0.75 / (1.0 - share) };
    let json = shell.run(&format!("{line} {RUN} --out out --json -")).exits(0).json();
    let arms = json["evaluation"]["arms"].as_array().unwrap();
    for (arm, label) in arms.iter().zip(["none", "drug"]) {
        let sum: f64 = trial.rows.iter().map(|unit| weight(unit.sex) * unit.ipw(label)).sum();
        assert!(close(arm["value"]["estimate"].as_f64().unwrap(), sum / trial.rows.len() as f64), "{label}");
    }
    let warning = json["warnings"][0].as_str().unwrap();
    assert!(
        warning.contains("to the covariate means of target.csv (4 of 4 rows); 200 units count as"),
        "{warning}"
    );
    shell.run("verify out").exits(0);
    let evaluate = "evaluate out/rule.json trial.csv --outcome y --treatment a --propensity p";
    let again = shell.run(&format!("{evaluate} --score ipw --target target.csv --json -")).exits(0).json();
    assert!(close(
        again["value"]["estimate"].as_f64().unwrap(),
        json["evaluation"]["value"]["estimate"].as_f64().unwrap()
    ));
    shell.write("target.csv", "name,sex\na,1\nb,1\nc,0\nd,0\n");
    shell.run("verify out").exits(7);
}

#[test]
fn a_target_out_of_reach_is_refused() {
    let shell = Shell::new();
    trial_in(&shell);
    let line = format!("{LEARN} {RUN}");
    shell.run(&line).exits(1).says(&["target.csv"]);
    shell.write("target.csv", "age,sex\n400,1\n30,0\n");
    shell.run(&line).exits(3).says(&[
        "trial.csv",
        "target's mean of \"age\" is 215",
        "no weights can reach it",
    ]);
    shell.write("target.csv", "age\n40\n30\n");
    shell.run(&line).exits(3).says(&["target.csv, column \"sex\"", "no such column"]);
    shell.write("target.csv", "age,sex\n40,x\n");
    shell.run(&line).exits(3).says(&["target.csv, line 2, column \"sex\"", "not a number"]);
}
