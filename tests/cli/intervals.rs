//! `intervals`: conformal prediction intervals under a rule, by the program.

use serde_json::{Value, json};

use crate::instances::trial;
use crate::learn::{LEARN, trial_in};
use crate::shell::Shell;

const INTERVALS: &str = "intervals out/rule.json data.csv --outcome y --treatment a --id id --json -";

/// A rule of 200 units, and 600 others.
fn shell() -> Shell {
    let shell = Shell::new();
    trial_in(&shell);
    shell.run(&format!("{LEARN} --maximize --out out")).exits(0);
    shell.write("data.csv", trial(9, 600).csv());
    shell
}

fn ids(found: &Value) -> Vec<&str> {
    found["intervals"].as_array().unwrap().iter().map(|interval| interval["id"].as_str().unwrap()).collect()
}

#[test]
fn units_kept_to_check_get_intervals() {
    let shell = shell();
    let line = format!("{INTERVALS} --propensity p --out intervals.csv");
    let found = shell.run(&line).exits(0).json();
    assert_eq!((&found["fitted"], &found["calibration"]), (&json!(300), &json!(180)));
    assert_eq!(found["intervals"].as_array().unwrap().len(), 120);
    assert_eq!(found["coverage"]["units"], 120);
    assert_eq!(shell.run(&line).json(), found, "the same seed");
    // The arm is that of predict, whatever the arm received.
    shell.run("predict out/rule.json data.csv --id id --out arms.csv").exits(0);
    let arms = shell.read("arms.csv");
    let csv = shell.read("intervals.csv");
    let mut lines = csv.lines();
    assert_eq!(lines.next(), Some("id,arm,prediction,lower,upper"));
    for (line, interval) in lines.zip(found["intervals"].as_array().unwrap()) {
        let cells: Vec<&str> = line.split(',').collect();
        assert!(arms.contains(&format!("{},{}\n", cells[0], cells[1])), "{line}");
        let [prediction, lower, upper] = [2, 3, 4].map(|cell| cells[cell].parse::<f64>().unwrap());
        assert_eq!(interval["prediction"].as_f64(), Some(prediction));
        assert!(lower <= prediction && prediction <= upper, "{line}");
        assert_eq!(interval["lower"].as_f64(), Some(lower).filter(|end| end.is_finite()));
        assert!((upper + lower - 2.0 * prediction).abs() < 1e-9 || lower.is_infinite(), "{line}");
    }
    let text = shell.run(&line.replace(" --json -", "")).exits(0).stdout;
    assert!(text.contains("median length") && text.contains("check: held the outcome"), "{text}");
}

/// New units need no outcome and no arm; an interval of theirs is that of the same unit in the data.
#[test]
fn new_units_get_the_intervals_of_their_like() {
    let shell = shell();
    let strata = format!("{INTERVALS} --propensity strata:sex");
    for flags in [INTERVALS, strata.as_str()] {
        let checked = shell.run(flags).exits(0).json();
        shell.write("new.csv", shell.read("data.csv"));
        let found = shell.run(&format!("{flags} --new new.csv")).exits(0).json();
        assert_eq!(found["intervals"].as_array().unwrap().len(), 600);
        for (id, interval) in ids(&checked).into_iter().zip(checked["intervals"].as_array().unwrap()) {
            let same = found["intervals"].as_array().unwrap().iter().find(|other| other["id"] == id).unwrap();
            assert_eq!(same, interval);
        }
        assert_eq!(found["coverage"], checked["coverage"]);
    }
    let stranger: String =
        shell.read("data.csv").lines().take(1).map(|header| format!("{header}\n")).collect();
    let row = shell.read("data.csv").lines().nth(1).unwrap().to_owned();
    let sex = stranger.trim_end().split(',').position(|name| name == "sex").unwrap();
    let row: Vec<String> =
        row.split(',').enumerate().map(|(j, cell)| if j == sex { "7".into() } else { cell.into() }).collect();
    shell.write("new.csv", format!("{stranger}{}\n", row.join(",")));
    let ran = shell.run(&format!("{strata} --new new.csv"));
    ran.exits(3).says(&["new.csv, line 2", "sex = \"7\"", "data.csv"]);
}

/// Every model of outcomes and propensities, and the same answer for any number of threads.
#[test]
fn models_are_those_of_scores() {
    let shell = shell();
    for flags in [
        "--propensity logit --scaled",
        "--propensity forest --outcome-model forest",
        "--level 0.8 --fit-share 0.3",
    ] {
        let found = shell.run(&format!("{INTERVALS} {flags}")).exits(0).json();
        let followed = found["followed"].as_u64().unwrap() as f64;
        let effective = found["effective_units"].as_f64().unwrap();
        assert!(effective > 10.0 && effective <= followed + 1e-9, "{effective} of {followed}");
        let share = found["coverage"]["estimate"].as_f64().unwrap();
        assert!((0.6..=1.0).contains(&share), "{share}");
    }
    shell.run(&format!("{INTERVALS} --outcome-model logistic")).exits(3).says(&["neither 0 nor 1"]);
}

/// A rule over groups is one over their members: whoever received any member of the group followed it.
#[test]
fn a_rule_over_groups_is_followed_by_members() {
    let shell = Shell::new();
    let rows = |names: [&str; 4], from: usize| -> String {
        let row = |i: usize| {
            let (x, arm) = ((i * 5) % 9, (i / 2 + i * i) % 4);
            let y = if arm < 2 { x } else { 8 - x } + (i * i * 3) % 5;
            format!("u{i},{},{x},{y}\n", names[arm])
        };
        format!("id,a,x,y\n{}", (from..from + 300).map(row).collect::<String>())
    };
    let learn =
        "learn trial.csv --outcome y --treatment a --covariates x --maximize --depth 1 --test-share 0";
    let mut found = Vec::new();
    for (names, groups) in
        [(["p", "q", "r", "s"], "--groups up=p|q,down=r|s"), (["up", "up", "down", "down"], "")]
    {
        shell.write("trial.csv", rows(names, 0));
        shell.write("data.csv", rows(names, 300));
        shell.run(&format!("{learn} {groups} --out out")).exits(0);
        found.push(shell.run(INTERVALS).exits(0).json());
    }
    assert_eq!(found[0], found[1]);
    assert!(found[0]["followed"].as_u64().unwrap() > 30);
}

/// A rule over levels that may be missing, and a category that only models look at.
#[test]
fn levels_and_missing_values() {
    let shell = Shell::new();
    let rows = |from: usize| -> String {
        let row = |i: usize| {
            let (ward, site) = (["n", "s", ""][i % 3], ["k", "l"][i / 6 % 2]);
            let good = i.is_multiple_of(3) == i.is_multiple_of(2);
            let y = 3 * usize::from(good) + 5 * (i / 6 % 2) + (i / 12 * 7) % 4;
            format!("u{i},{},{ward},{site},{y}\n", ["a", "b"][i % 2])
        };
        format!("id,a,ward,site,y\n{}", (from..from + 360).map(row).collect::<String>())
    };
    shell.write("trial.csv", rows(0));
    shell.write("data.csv", rows(360));
    let learn =
        "learn trial.csv --outcome y --treatment a --covariates ward --categorical ward --missing keep";
    shell.run(&format!("{learn} --maximize --depth 1 --test-share 0 --out out")).exits(0);
    let plain = shell.run(INTERVALS).exits(0).json();
    let sited = shell
        .run(&format!("{INTERVALS} --covariates site --categorical site --new data.csv"))
        .exits(0)
        .json();
    assert_eq!(sited["intervals"].as_array().unwrap().len(), 360);
    // The site is worth 5, so that intervals which do not know it are longer.
    let length = |found: &Value| found["median_length"].as_f64().unwrap();
    assert!(length(&sited) < 4.0 && length(&plain) > 4.5, "{} and {}", length(&sited), length(&plain));
    shell.run(&format!("{INTERVALS} --categorical site")).exits(3).says(&["\"site\"", "no covariate"]);
}

#[test]
fn few_units_make_intervals_infinite() {
    let shell = shell();
    // Of 40 units 12 calibrate, of which some received the rule's arm: 95% of fewer than 20 are all, and the new unit.
    let few: String = shell.read("data.csv").lines().take(41).map(|line| format!("{line}\n")).collect();
    shell.write("data.csv", few);
    let found = shell.run(&format!("{INTERVALS} --level 0.95 --out few.csv")).exits(0).json();
    assert_eq!(found["share_infinite"], 1.0);
    assert_eq!(found["median_length"], Value::Null);
    assert_eq!(found["intervals"][0]["lower"], Value::Null);
    assert!(shell.read("few.csv").lines().nth(1).unwrap().ends_with(",-inf,inf"));
    let text = shell.run(&format!("{} --level 0.95", INTERVALS.replace(" --json -", ""))).exits(0).stdout;
    assert!(text.contains("infinite: 100.0%"), "{text}");
}

#[test]
fn refusals_say_what_to_do() {
    let shell = shell();
    let with = |flags: &str| shell.run(&format!("{INTERVALS} {flags}"));
    with("--level 1.2").exits(2).says(&["between 0 and 1"]);
    with("--fit-share 0.7 --check-share 0.3").exits(2).says(&["--fit-share", "calibrate"]);
    with("--outcome-model none=y,drug=p").exits(2).says(&["linear, logistic, forest"]);
    with("--covariates height").exits(3).says(&["\"height\"", "no such column"]);
    with("--new absent.csv").exits(1).says(&["absent.csv"]);
    // Nobody received what the rule gives: a rule that gives the drug to all, and calibration units without it.
    let header: String = shell.read("data.csv").lines().next().unwrap().into();
    let rows: Vec<String> = shell.read("data.csv").lines().skip(1).map(String::from).collect();
    shell.edit("out/rule.json", |rule| {
        let object = rule.as_object_mut().unwrap();
        object.remove("root");
        object.insert("kind".into(), json!("constant"));
        object.insert("arm".into(), json!("drug"));
    });
    let none: Vec<&String> = rows.iter().filter(|row| row.contains(",none,")).take(59).collect();
    let drug = rows.iter().find(|row| row.contains(",drug,")).unwrap();
    let text: String = none.into_iter().chain([drug]).map(|row| format!("{row}\n")).collect();
    shell.write("data.csv", format!("{header}\n{text}"));
    let refused: Vec<String> = (1..=8)
        .map(|seed| shell.run(&format!("{INTERVALS} --seed {seed}")))
        .filter(|ran| ran.code == Some(3))
        .map(|ran| ran.exits(3).stderr)
        .collect();
    // The one unit with the drug is where models are fitted, or it is not.
    assert!(
        refused.iter().any(|message| message.contains("received the arm that the rule gives")),
        "{refused:?}"
    );
    assert!(
        refused.iter().any(|message| message.contains("fit models to received arm \"drug\"")),
        "{refused:?}"
    );
}
