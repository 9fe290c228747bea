//! `--categorical`, `--missing keep` and `--split`: the whole way from learning to predicting and evaluating.

use crate::learn::trial_in;
use crate::shell::Shell;

const LEARN: &str = "learn wards.csv --outcome y --treatment a --arms none,drug --covariates age,sex,ward --categorical ward \
                     --missing keep --propensity p --id id --split part --maximize";

/// The trial with a ward, of which some are missing, some ages missing, and every third unit held out.
fn wards_in(shell: &Shell) {
    let text = trial_in(shell).csv();
    let (header, rows) = text.split_once('\n').unwrap();
    let age = header.split(',').position(|name| name == "age").unwrap();
    let row = |(i, line): (usize, &str)| {
        let mut cells: Vec<&str> = line.split(',').collect();
        if i % 11 == 0 {
            cells[age] = "NA";
        }
        let (ward, part) = (["north", "south", "", "west"][i % 4], if i % 3 == 0 { "test" } else { "train" });
        format!("{},{ward},{part}\n", cells.join(","))
    };
    let rows: String = rows.lines().enumerate().map(row).collect();
    shell.write("wards.csv", format!("{header},ward,part\n{rows}"));
}

#[test]
fn rules_over_levels_and_missing_values_go_the_whole_way() {
    let shell = Shell::new();
    wards_in(&shell);
    for (policy, solver) in [("tree", "greedy"), ("linear", "smooth")] {
        shell.run(&format!("{LEARN} --policy {policy} --solver {solver} --out out")).exits(0);
        let rule = shell.json("out/rule.json");
        assert_eq!(rule["covariates"][2]["levels"], serde_json::json!(["north", "south", "west"]));
        assert_eq!(rule["covariates"][0]["missing"], true);
        assert_eq!(rule["covariates"][1].get("missing"), None);
        let scores = shell.read("out/scores.csv");
        let (held, assigned): (Vec<bool>, Vec<&str>) = scores
            .lines()
            .skip(1)
            .map(|line| (line.contains(",test,"), line.split(',').nth(3).unwrap()))
            .unzip();
        assert!(held.iter().enumerate().all(|(i, held)| *held == (i % 3 == 0)), "{held:?}");
        let predicted = shell.run("predict out/rule.json wards.csv --id id").exits(0).stdout;
        let arms: Vec<&str> = predicted.lines().skip(1).map(|line| line.split(',').nth(1).unwrap()).collect();
        assert_eq!(arms, assigned);
        let line = "evaluate out/rule.json wards.csv --outcome y --treatment a --propensity p --json -";
        let found = shell.run(line).exits(0).json();
        assert!(found["value"]["standard_error"].as_f64().unwrap() > 0.0);
        shell.run("verify out").exits(0);
        let compared = shell.run(&format!("compare learned out --solver {solver} --json -")).exits(0).json();
        assert_eq!(compared["reports"][0]["point"], shell.json("out/report.json")["point"]);
    }
}

#[test]
fn new_data_must_have_the_levels_of_the_rule() {
    let shell = Shell::new();
    wards_in(&shell);
    shell.run(&format!("{LEARN} --policy tree --depth 1 --out out")).exits(0);
    let text = shell.read("wards.csv");
    shell.write("wards.csv", text.replacen("south", "east", 1));
    let line = "evaluate out/rule.json wards.csv --outcome y --treatment a --propensity p";
    shell.run(line).exits(3).says(&["wards.csv, line 3", "\"ward\"", "level \"east\"", "\"south\""]);
    shell.run("predict out/rule.json wards.csv").exits(3).says(&["level \"east\""]);
    // `sex` missed nothing when the rule was learned, so the rule does not say what to do where it is missing.
    let header = text.lines().next().unwrap();
    let sex = header.split(',').position(|name| name == "sex").unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut cells: Vec<&str> = lines[5].split(',').collect();
    cells[sex] = "";
    lines[5] = cells.join(",");
    shell.write("wards.csv", lines.join("\n") + "\n");
    shell.run(line).exits(3).says(&["wards.csv, line 6", "\"sex\"", "missing"]);
}

#[test]
fn a_category_must_be_a_covariate() {
    let shell = Shell::new();
    wards_in(&shell);
    shell.run(&LEARN.replace("sex,ward", "sex")).exits(3).says(&[
        "\"ward\"",
        "no covariate",
        "\"age\", \"sex\"",
    ]);
    shell
        .run(&LEARN.replace("--categorical ward ", ""))
        .exits(3)
        .says(&["\"north\" is not a number", "--categorical"]);
    shell.run(&LEARN.replace("--split part", "--split ward")).exits(3);
}
