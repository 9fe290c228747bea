//! `--propensity`, `--outcome-model`, `--clip` and `--trim`: what they say in the configuration, and what the report says of them.

use serde_json::json;

use crate::instances::close;
use crate::learn::{LEARN, rewards, trial_in};
use crate::shell::Shell;

#[test]
fn every_source_of_propensities_has_its_word() {
    let shell = Shell::new();
    trial_in(&shell);
    let cases = [
        ("shares", json!("observed_shares")),
        ("logit", json!("logit")),
        ("forest", json!("forest")),
        ("p", json!({"treated_column": "p"})),
        ("strata:sex", json!({"strata": ["sex"]})),
        ("none=0.625,drug=0.375", json!({"constants": {"drug": 0.375, "none": 0.625}})),
        ("none=q,drug=p", json!({"columns": {"drug": "p", "none": "q"}})),
    ];
    let text = shell.read("trial.csv");
    let with_q: Vec<String> = text
        .lines()
        .enumerate()
        .map(|(i, line)| {
            let p = line.split(',').nth(5).unwrap();
            if i == 0 { format!("{line},q") } else { format!("{line},{}", 1.0 - p.parse::<f64>().unwrap()) }
        })
        .collect();
    shell.write("trial.csv", with_q.join("\n"));
    for (typed, kept) in cases {
        let line = LEARN.replace("--propensity p", &format!("--propensity {typed}"));
        shell.run(&format!("{line} --maximize --out a")).exits(0);
        let config: toml::Table = shell.read("a/config.toml").parse().unwrap();
        let found = serde_json::to_value(&config["scoring"]["roles"]["propensity"]).unwrap();
        assert_eq!(found, kept, "{typed}");
        assert_eq!(shell.json("a/report.json")["diagnostics"]["propensity"]["source"], kept);
        shell.run("learn --config a/config.toml --out b").exits(0);
        assert_eq!(shell.read("a/scores.csv"), shell.read("b/scores.csv"), "{typed}");
        shell.run("verify b").exits(0);
        let line = format!("evaluate a/rule.json trial.csv --outcome y --treatment a --propensity {typed}");
        shell.run(&line).exits(0);
    }
}

#[test]
fn outcome_models_by_their_words() {
    let shell = Shell::new();
    let trial = trial_in(&shell);
    let high = |y: f64| f64::from(u8::from(y > 0.5));
    let binary = trial.map(|unit| crate::instances::Unit { y: high(unit.y), ..unit });
    shell.write("binary.csv", binary.csv());
    for (data, model) in [("trial", "linear"), ("trial", "forest"), ("binary", "logistic")] {
        let line = LEARN.replace("trial.csv", &format!("{data}.csv"));
        shell.run(&format!("{line} --maximize --outcome-model {model} --score direct --out out")).exits(0);
        let outcome = &shell.json("out/report.json")["diagnostics"]["outcome"];
        assert_eq!(outcome["model"], model);
        assert_eq!(outcome["log_loss"].is_null(), data == "trial");
        assert!(outcome["r_squared"].as_f64().unwrap() > 0.1, "{outcome:#}");
        let predicted = rewards(&shell, "out").into_iter().flat_map(|(_, of_unit)| of_unit);
        assert!(data == "trial" || predicted.into_iter().all(|p| (0.0..=1.0).contains(&p)));
        shell.run("verify out").exits(0);
    }
    shell
        .run(&format!("{LEARN} --maximize --outcome-model logistic"))
        .exits(3)
        .says(&["trial.csv", "data row 1"]);
    shell
        .run(&format!("{LEARN} --maximize --outcome-model boosting"))
        .exits(2)
        .says(&["boosting", "logistic"]);
}

#[test]
fn own_predictions_are_columns() {
    let shell = Shell::new();
    let trial = trial_in(&shell);
    let own = |unit: &crate::instances::Unit| (unit.age / 40.0, unit.age / 20.0 + unit.sex);
    let mut text = "id,y,a,age,sex,p,low,high\n".to_string();
    for unit in &trial.rows {
        let (low, high) = own(unit);
        text += &format!(
            "{},{},{},{},{},{},{low},{high}\n",
            unit.id, unit.y, unit.arm, unit.age, unit.sex, unit.p
        );
    }
    shell.write("trial.csv", text);
    let line = format!("{LEARN} --maximize --outcome-model none=low,drug=high --out out");
    shell.run(&line).exits(0);
    for ((id, found), unit) in rewards(&shell, "out").iter().zip(&trial.rows) {
        let (low, high) = own(unit);
        for (k, (arm, mu)) in [("none", low), ("drug", high)].into_iter().enumerate() {
            let residual = if unit.arm == arm { (unit.y - mu) / unit.propensity(arm) } else { 0.0 };
            assert!(close(found[k], mu + residual), "{id}: {found:?}");
        }
    }
    shell.run("verify out").exits(0);
    let missing = line.replace("none=low,drug=high", "none=low");
    shell.run(&missing).exits(3).says(&["outcome prediction", "\"drug\""]);
    let twice = line.replace("drug=high", "drug=age");
    shell.run(&twice).exits(3).says(&["\"age\"", "two roles"]);
}

#[test]
fn clipping_and_trimming_are_never_silent() {
    let shell = Shell::new();
    trial_in(&shell);
    let line = format!("{LEARN} --maximize --out out");
    // Known propensities are 0.25 and 0.5, by sex.
    let ran = shell.run(&format!("{line} --clip 0.3")).exits(0);
    ran.says(&["warning", "clipped to [0.3, 0.7]", "none: 100, drug: 100 of 200 units"]);
    let propensity = shell.json("out/report.json")["diagnostics"]["propensity"].clone();
    assert_eq!(propensity["clipped"], json!([100, 100]));
    let ran = shell.run(&format!("{line} --trim 0.3")).exits(0);
    ran.says(&["warning", "100 of 200 units left out", "[0.3, 0.7]"]);
    assert_eq!(rewards(&shell, "out").len(), 100);
    assert_eq!(shell.json("out/report.json")["units"], 100);
    shell.run("verify out").exits(0);
    let evaluate =
        "evaluate out/rule.json trial.csv --outcome y --treatment a --propensity p --trim 0.3 --json -";
    assert_eq!(shell.run(evaluate).exits(0).json()["units"], 100);
    for flag in ["--clip 0.5", "--clip=-0.1", "--clip half", "--trim 0.7"] {
        let name = flag.split([' ', '=']).next().unwrap();
        shell.run(&format!("{line} {flag}")).exits(2).says(&[name]);
    }
}

#[test]
fn changed_diagnostics_are_found() {
    let shell = Shell::new();
    trial_in(&shell);
    shell.run(&format!("{LEARN} --maximize --out out")).exits(0);
    shell.edit("out/report.json", |report| {
        report["diagnostics"]["propensity"]["arms"][1]["effective_size"] = json!(99.5)
    });
    let ran = shell.run("verify out").exits(7);
    assert!(ran.stdout.contains("diagnostics") || ran.stderr.contains("diagnostics"), "{ran:#?}");
}
