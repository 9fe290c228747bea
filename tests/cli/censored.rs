//! `--time`, `--event` and `--horizon`: outcomes that follow-up may have ended before, on the colon trial.

use serde_json::Value;

use crate::instances::close;
use crate::shell::Shell;

const LEARN: &str = "learn colon.csv --id id --treatment arm --arms Obs,Lev,Lev+5FU --covariates age,node4 --depth 1 \
                     --test-share 0 --score ipw --maximize --time days_to_death_or_censoring --event died";

fn colon_in(shell: &Shell) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/colon.csv");
    shell.write("colon.csv", std::fs::read(path).unwrap());
}

/// The value of each arm in an evaluation.
fn values(evaluation: &Value) -> Vec<f64> {
    let arms = evaluation["arms"].as_array().unwrap();
    arms.iter().map(|arm| arm["value"]["estimate"].as_f64().unwrap()).collect()
}

fn assert_values(evaluation: &Value, expected: [f64; 3]) {
    let found = values(evaluation);
    assert!(found.iter().zip(expected).all(|(found, expected)| close(*found, expected)), "{found:?}");
}

#[test]
fn arms_have_the_means_of_kaplan_meier_and_the_folder_holds() {
    let shell = Shell::new();
    colon_in(&shell);
    // By lifelines, as in tests/oracles/survival/expected.csv: with observed shares, arm means are weighted by nothing.
    let restricted = [1339.074591391877, 1322.9456517638178, 1450.5144938931167];
    let survived = [0.525668529459622, 0.5353706847764566, 0.6340146866203197];
    for (flags, expected) in
        [("--horizon 1826", restricted), ("--horizon 1826 --estimand survival", survived)]
    {
        let json = shell.run(&format!("{LEARN} {flags} --out out --json -")).exits(0).json();
        assert_values(&json["evaluation"], expected);
        let warning = json["warnings"][0].as_str().unwrap();
        assert!(warning.contains("follow-up of 14 of 929 units ended before"), "{warning}");
        shell.run("verify out").exits(0);
        let line = LEARN.split_once(" --time").unwrap().1;
        let line =
            format!("evaluate out/rule.json colon.csv --treatment arm --score ipw --time{line} {flags}");
        let again = shell.run(&format!("{line} --json -")).exits(0).json();
        assert_eq!(values(&again), values(&json["evaluation"]));
    }
}

#[test]
fn the_configuration_is_kept_and_flags_override_it() {
    let shell = Shell::new();
    colon_in(&shell);
    let line = format!("{LEARN} --horizon 1826 --censoring-strata node4");
    shell.run(&format!("{line} --out first")).exits(0);
    let config: toml::Table = shell.read("first/config.toml").parse().unwrap();
    let survival = &config["scoring"]["roles"]["outcome"]["survival"];
    assert_eq!(survival["horizon"].as_float(), Some(1826.0));
    assert_eq!(survival["censoring_strata"][0].as_str(), Some("node4"));
    shell.run("learn --config first/config.toml --out second").exits(0);
    assert_eq!(shell.read("first/scores.csv"), shell.read("second/scores.csv"));
    shell.run("learn --config first/config.toml --horizon 1000 --out third").exits(0);
    shell.run(&format!("{} --out fourth", line.replace("1826", "1000"))).exits(0);
    assert_eq!(shell.read("third/scores.csv"), shell.read("fourth/scores.csv"));
    assert_ne!(shell.read("first/scores.csv"), shell.read("third/scores.csv"));
    // An outcome without time takes the place of the whole.
    shell.run("learn --config first/config.toml --outcome alive_at_5y --missing drop --out fifth").exits(0);
    let config: toml::Table = shell.read("fifth/config.toml").parse().unwrap();
    assert_eq!(config["scoring"]["roles"]["outcome"].as_str(), Some("alive_at_5y"));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let shell = Shell::new();
    colon_in(&shell);
    shell.run(LEARN).exits(2).says(&["--horizon is missing", "--time, --event and --horizon"]);
    shell.run(&format!("{LEARN} --horizon 0")).exits(2).says(&["the horizon 0 is not a number above 0"]);
    shell.run(&format!("{LEARN} --horizon 5 --outcome surg")).exits(2).says(&["--outcome"]);
    shell.run(&format!("{LEARN} --horizon 3300")).exits(3).says(&[
        "colon.csv: nobody of \"",
        "was followed to the horizon 3300",
        "pass --horizon",
    ]);
    let line = LEARN.replace("--event died", "--event differ") + " --horizon 1826 --missing drop";
    shell.run(&line).exits(3).says(&["column \"differ\"", "neither 0 nor 1"]);
}
