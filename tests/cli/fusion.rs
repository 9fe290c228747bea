//! `learn --fuse`: arms are fused on the way from data to a rule over groups (fusion.txt, Algorithms 1 and 2).

use std::collections::BTreeSet;
use std::fmt::Write;

use prescribe::learn::rows;
use prescribe::rule::RuleFile;
use prescribe::simulate::{Design, FusedArms, fused_arms, fused_arms_population};
use serde_json::Value;

use crate::instances::close;
use crate::shell::Shell;

const LEARN: &str = "learn study.csv --outcome y --treatment arm --covariates x1,x2,x3 --maximize --depth 2";

/// Writes a study whose arms are t00, t01, ..; every other unit of an arm is held out by the column `part`, and arms cost what
/// their last digit says, in hundredths.
fn study_in(shell: &Shell, design: &Design, seed: u64) -> FusedArms {
    let study = fused_arms(design, seed).unwrap();
    let mut text = String::from("x1,x2,x3,arm,y,part,fee\n");
    for (i, &a) in study.arm.iter().enumerate() {
        let (x, y) = (study.x.row(i), study.outcome[i]);
        let part = ["train", "test"][i % 2];
        let _ = writeln!(text, "{},{},{},t{a:02},{y},{part},{}", x[0], x[1], x[2], (a % 10) as f64 / 100.0);
    }
    shell.write("study.csv", text);
    study
}

fn label(arm: usize) -> String {
    format!("t{arm:02}")
}

fn sets(groups: &Value) -> BTreeSet<BTreeSet<String>> {
    let members = |group: &Value| {
        group["members"].as_array().unwrap().iter().map(|m| m.as_str().unwrap().into()).collect()
    };
    groups.as_array().unwrap().iter().map(members).collect()
}

fn truth(design: &Design) -> BTreeSet<BTreeSet<String>> {
    let of = |g: usize| (0..design.arms).filter(|&a| design.group(a) == g).map(label).collect();
    (0..4).map(of).collect()
}

/// What a rule over groups is worth, giving each member with the same chance.
fn worth(rule: &RuleFile, design: &Design) -> f64 {
    let (x, means) = fused_arms_population(design, 100_000, 77).unwrap();
    let members = |k: usize| {
        let arm = &rule.header.arms[k];
        rule.header.groups.get(arm).cloned().unwrap_or_else(|| vec![arm.clone()])
    };
    let groups: Vec<Vec<usize>> = (0..rule.header.arms.len())
        .map(|k| members(k).iter().map(|arm| design.group(arm[1..].parse().unwrap())).collect())
        .collect();
    let given = rule.assign(rows(&x)).unwrap();
    let mean = |(i, &k): (usize, &usize)| {
        groups[k].iter().map(|&g| means[[i, g]]).sum::<f64>() / groups[k].len() as f64
    };
    given.iter().enumerate().map(mean).sum::<f64>() / given.len() as f64
}

#[test]
fn a_rule_over_groups_is_worth_what_it_says() {
    let shell = Shell::new();
    let design = Design { size: 2.0, ..Design::exponential(16) };
    study_in(&shell, &design, 5);
    let line = "--weigh entropy --fuse ebic --policy tree --depth 3 --propensity logit --out out --json -";
    let found = shell.run(&format!("{} {line}", LEARN.replace(" --depth 2", ""))).exits(0).json();
    let fusion = &found["fusion"];
    assert_eq!(sets(&fusion["groups"]), truth(&design));
    assert_eq!([&fusion["penalty"], &fusion["by"], &fusion["weigh"]], ["l0", "ebic", "entropy"]);
    assert_eq!((&fusion["rounds"], &fusion["settled"]), (&1.into(), &false.into()));
    let balance = fusion["balance"].as_array().unwrap();
    assert_eq!(balance.len(), 16);
    for arm in balance {
        assert!(arm["max_balance_residual"].as_f64().unwrap() < 1e-9, "{arm}");
        assert!(arm["effective_sample_size"].as_f64().unwrap() <= arm["units"].as_f64().unwrap());
    }
    let units: u64 = fusion["groups"].as_array().unwrap().iter().map(|g| g["units"].as_u64().unwrap()).sum();
    assert_eq!(fusion["units"].as_u64(), Some(units));
    let report = shell.json("out/report.json");
    assert_eq!(&report["fusion"], fusion);
    let rule = RuleFile::read(&shell.path("out/rule.json")).unwrap();
    assert_eq!(rule.header.arms.len(), 4);
    let evaluation = &report["evaluation"];
    let [value, error] = ["value", "standard_error"].map(|key| evaluation[key].as_f64().unwrap());
    let worth = worth(&rule, &design);
    assert!((value - worth).abs() < 3.0 * error, "{value} ({error}) and {worth}");
    // 8.92 is what depth 3 reaches with the true groups (fusion.txt, Table 5).
    assert!(worth > 8.5, "{worth}");
    // Every single arm is compared with, and predict gives the members that the table counts.
    let arms: Vec<&Value> =
        evaluation["differences"].as_array().unwrap().iter().filter(|d| !d["assigned"].is_null()).collect();
    assert_eq!(
        arms.iter().map(|d| d["against"].as_str().unwrap()).collect::<Vec<_>>(),
        (0..16).map(label).collect::<Vec<_>>()
    );
    let assigned: u64 = arms.iter().map(|d| d["assigned"].as_u64().unwrap()).sum();
    assert_eq!(evaluation["units"].as_u64(), Some(assigned));
    shell.run("verify out").exits(0);
    shell.edit("out/report.json", |report| report["fusion"]["groups"][0]["members"][0] = "t01".into());
    shell.run("verify out").exits(7);
}

/// The same rule and value as with the groups named beforehand, and the same numbers for single arms as without groups.
#[test]
fn groups_found_are_groups_named() {
    let shell = Shell::new();
    let design = Design { size: 2.0, ..Design::linear() };
    let design = Design { noise: 1.0, ..design };
    study_in(&shell, &design, 1);
    let common = format!("{LEARN} --split part");
    shell.run(&format!("{common} --fuse ebic --out fused")).exits(0);
    let groups = shell.json("fused/rule.json")["groups"].clone();
    assert_eq!(groups.as_object().unwrap().len(), 4);
    let named: Vec<String> = groups
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, arms)| {
            let arms: Vec<&str> = arms.as_array().unwrap().iter().map(|arm| arm.as_str().unwrap()).collect();
            format!("{}={}", name.replace(' ', ""), arms.join("|"))
        })
        .collect();
    shell.run(&format!("{common} --groups {} --out named", named.join(","))).exits(0);
    shell.run(&format!("{common} --out single")).exits(0);
    let report = |name: &str| shell.json(&format!("{name}/report.json"));
    let [fused, named, single] = ["fused", "named", "single"].map(report);
    for key in ["value", "standard_error"] {
        assert_eq!(fused["evaluation"][key], named["evaluation"][key]);
    }
    assert_eq!(fused["objective_value"], named["objective_value"]);
    let worth = |report: &Value| -> Vec<Value> {
        let all = report["evaluation"]["differences"].as_array().unwrap();
        all.iter().map(|other| other["value"].clone()).collect()
    };
    assert_eq!(worth(&fused), worth(&single));
}

#[test]
fn the_groups_of_a_fold_do_not_know_its_units() {
    let shell = Shell::new();
    let design = Design { arms: 8, size: 0.5, ..Design::linear() };
    study_in(&shell, &design, 2);
    let line = format!("{LEARN} --fuse ebic --evaluate nested:4 --out out --json -");
    let folds = |shell: &Shell| -> Vec<Value> {
        let found = shell.run(&line).exits(0).json();
        found["learner"]["folds"].as_array().unwrap().iter().map(|fold| fold["fusion"].clone()).collect()
    };
    let before = folds(&shell);
    assert!(before.len() == 4 && before.iter().all(|fusion| fusion["groups"].is_array()));
    shell.run("verify out").exits(0);
    let report = shell.read("out/report.json");
    shell.edit("out/report.json", |report| report["learner"]["folds"][1]["fusion"]["ebic"] = 0.0.into());
    shell.run("verify out").exits(7);
    shell.write("out/report.json", report);
    let original = shell.read("study.csv");
    for unit in [7, 300, 650] {
        let mut lines: Vec<String> = original.lines().map(String::from).collect();
        let mut cells: Vec<&str> = lines[unit].split(',').collect();
        cells[4] = "20";
        lines[unit] = cells.join(",");
        shell.write("study.csv", lines.join("\n"));
        let after = folds(&shell);
        assert_eq!(before.iter().zip(&after).filter(|(a, b)| a == b).count(), 1);
    }
    // The rule gives groups; what it is compared with are arms.
    shell.write("study.csv", original);
    let found = shell.run(&line).exits(0).json();
    let evaluation = &found["learner"]["evaluation"];
    let arms = evaluation["differences"].as_array().unwrap().iter().filter(|d| !d["assigned"].is_null());
    assert_eq!(arms.count(), 8);
    for arm in evaluation["best_arm"]["arm_of_fold"].as_array().unwrap() {
        assert!(arm.as_str().unwrap().starts_with('t'), "{arm}");
    }
}

#[test]
fn a_group_gives_its_best_or_cheapest_member() {
    let shell = Shell::new();
    let design = Design { noise: 1.0, ..Design::linear() };
    study_in(&shell, &design, 3);
    let fees: Vec<String> = (0..16).map(|a| format!("{}={}", label(a), (a % 10) as f64 / 100.0)).collect();
    let line = format!("{LEARN} --fuse ebic --cost {} --test-share 0 --json -", fees.join(","));
    let mut objectives = Vec::new();
    for choose in ["random", "cheapest", "best"] {
        let found = shell.run(&format!("{line} --choose {choose} --out {choose}")).exits(0).json();
        objectives.push(found["report"]["objective_value"].as_f64().unwrap());
        let rule = shell.json(&format!("{choose}/rule.json"));
        assert_eq!(rule["choose"].as_str(), Some(choose).filter(|choose| *choose != "random"));
        shell.run(&format!("verify {choose}")).exits(0);
        let predicted = shell.run(&format!("predict {choose}/rule.json study.csv")).exits(0).stdout;
        let mut members: BTreeSet<(String, String)> = BTreeSet::new();
        for line in predicted.lines().skip(1) {
            let cells: Vec<&str> = line.split(',').collect();
            assert!(rule["groups"][cells[1]].as_array().unwrap().contains(&cells[2].into()), "{line}");
            members.insert((cells[1].into(), cells[2].into()));
        }
        let groups: BTreeSet<&String> = members.iter().map(|(group, _)| group).collect();
        assert_eq!(members.len() == groups.len(), choose != "random", "{members:?}");
        if choose == "cheapest" {
            // Fees of arms 0 to 3, 4 to 7, 8 to 11 and 12 to 15.
            let cheapest = ["t00", "t04", "t10", "t12"];
            assert!(members.iter().all(|(_, member)| cheapest.contains(&member.as_str())), "{members:?}");
        }
    }
    // Units pay what the cheapest member costs, instead of the mean of the members.
    assert!(objectives[1] > objectives[0] + 1800.0 * 0.01, "{objectives:?}");
    let first = shell.run("predict best/rule.json study.csv --within first").exits(0).stdout;
    assert_eq!(first, shell.run("predict best/rule.json study.csv").exits(0).stdout);
}

#[test]
fn covariates_serve_where_they_are_named() {
    let shell = Shell::new();
    let design = Design { noise: 1.0, ..Design::linear() };
    study_in(&shell, &design, 4);
    let lists = "--weigh-covariates x1,x2,x3 --fuse-covariates x2,x3 --nuisance-covariates x2,x3 --rule-covariates x3";
    shell
        .run(&format!(
            "{LEARN} --fuse 4 {lists} --iterate-fusion 5 --weigh quadratic --main-effect linear --out out"
        ))
        .exits(0);
    let rule = shell.json("out/rule.json");
    let names: Vec<&Value> = rule["covariates"].as_array().unwrap().iter().map(|c| &c["name"]).collect();
    assert_eq!(names, ["x3"]);
    let fusion = shell.json("out/report.json")["fusion"].clone();
    assert_eq!(fusion["groups"].as_array().unwrap().len(), 4);
    assert!(fusion["rounds"].as_u64().unwrap() >= 2 && fusion["settled"] == true, "{fusion}");
    shell.run("verify out").exits(0);
    // The resolved configuration says it all.
    shell.run("learn --config out/config.toml --out again").exits(0);
    assert_eq!(shell.read("out/rule.json"), shell.read("again/rule.json"));
    for name in ["--weigh-covariates", "--fuse-covariates", "--nuisance-covariates", "--rule-covariates"] {
        shell.run(&format!("{LEARN} --fuse 4 {name} x9")).exits(2).says(&[name, "x9", "x1, x2, x3"]);
    }
    // What models do not see does not matter to them.
    let [all, some] = ["", "--nuisance-covariates x2"].map(|list| {
        let scores = shell.run(&format!("{LEARN} --test-share 0 {list} --out scores")).exits(0);
        drop(scores);
        shell.read("scores/scores.csv")
    });
    assert_ne!(all, some);
    shell.run(&format!("{} --test-share 0 --out scores", LEARN.replace("x1,x2,x3", "x2"))).exits(0);
    assert_eq!(shell.read("scores/scores.csv").lines().nth(5).map(rewards), some.lines().nth(5).map(rewards));
}

/// The rewards in a line of scores.csv.
fn rewards(line: &str) -> Vec<String> {
    line.split(',').skip(4).map(String::from).collect()
}

/// The rule of Ma et al. (2022): fused lasso without weights, a linear rule; and the other commands on folders of fused rules.
#[test]
fn commands_take_rules_over_groups() {
    let shell = Shell::new();
    let design = Design { arms: 8, noise: 1.0, ..Design::linear() };
    study_in(&shell, &design, 6);
    let line = format!("{} --fuse ebic", LEARN.replace(" --depth 2", ""));
    shell
        .run(&format!(
            "{line} --weigh none --fuse-penalty lasso --policy linear --solver smooth --out linear"
        ))
        .exits(0);
    assert_eq!(shell.json("linear/rule.json")["kind"], "multi_linear");
    shell.run("verify linear").exits(0);
    shell.run(&format!("{line} --depth 1 --out out")).exits(0);
    let stability = shell.run("stability out --replications 3 --json -").exits(0).json();
    assert_eq!(stability["units"], 900);
    let compared = shell.run("compare learned out --solver search --json -").exits(0).json();
    let objective = |report: &Value| report["objective_value"].as_f64().unwrap();
    assert!(close(objective(&compared["reports"][0]), objective(&shell.json("out/report.json"))));
    for format in ["text", "dot", "sql", "python", "json"] {
        let exported = shell.run(&format!("export out/rule.json --to {format}")).exits(0).stdout;
        assert!(exported.contains("group "), "{exported}");
    }
    let value = |at: usize, frontier: &Value| frontier["points"][at]["value"].as_f64().unwrap();
    let held_out =
        shell.run(&format!("frontier {} --depths 1,2 --json -", &line["learn ".len()..])).exits(0).json();
    assert_eq!(value(0, &held_out), shell.json("out/report.json")["evaluation"]["value"].as_f64().unwrap());
    let nested = format!("{line} --evaluate nested:3 --depth 1 --out nested");
    shell.run(&nested).exits(0);
    let frontier =
        shell.run(&format!("frontier {} --evaluate nested:3 --depths 1,2 --json -", &line["learn ".len()..]));
    let learner = shell.json("nested/report.json")["learner"]["evaluation"]["value"].as_f64().unwrap();
    assert_eq!(value(0, &frontier.exits(0).json()), learner);
    let evaluated =
        shell.run("evaluate out/rule.json study.csv --outcome y --treatment arm --json -").exits(0).json();
    assert!(evaluated["differences"].as_array().unwrap().iter().any(|other| other["against"] == "group 1"));
}

#[test]
fn what_cannot_be_fused_is_refused_by_name() {
    let shell = Shell::new();
    let design = Design { arms: 8, noise: 1.0, ..Design::linear() };
    study_in(&shell, &design, 7);
    let line = |flags: &str| format!("{LEARN} {flags} --out out");
    for flags in ["--weigh entropy", "--weigh-tolerance 0.1", "--choose best", "--iterate-fusion 2"] {
        shell.run(&line(flags)).exits(2).says(&["--fuse", "--fuse ebic"]);
    }
    shell.run(&line("--fuse 1")).exits(2).says(&["--fuse", "at least 2"]);
    shell.run(&line("--fuse aic")).exits(2).says(&["ebic, bic"]);
    shell.run(&line("--fuse ebic --weigh none --weigh-tolerance 0.1")).exits(2).says(&["--weigh none"]);
    shell.run(&line("--fuse ebic --weigh sometimes")).exits(2).says(&["entropy"]);
    shell.run(&line("--fuse ebic --trim 0.1")).exits(2).says(&["--trim", "--clip"]);
    let rewards: Vec<String> = (0..8).map(|a| format!("{}=fee", label(a))).collect();
    shell.run(&line(&format!("--fuse ebic --rewards {}", rewards.join(",")))).exits(2).says(&["--rewards"]);
    // A bound on an arm that is a group by then.
    shell.run(&line("--fuse ebic --capacity t00=40%")).exits(3).says(&["t00", "group 1"]);
    shell.run(&line("--fuse ebic --eligible t00=x1>=0,t01=x2<=100")).exits(0);
    // Who received t01 has x1 = 1 or 0; those with x1 = 0 may then not get t00, with which it is fused.
    let kept: String = shell
        .read("study.csv")
        .lines()
        .filter(|line| !line.starts_with("0,") || !line.contains(",t00,"))
        .map(|line| format!("{line}\n"))
        .collect();
    shell.write("study.csv", kept);
    shell
        .run(&line("--fuse ebic --weigh-covariates x2 --eligible t00=x1>0"))
        .exits(3)
        .says(&["t00", "t01", "row", "--groups"]);
    // An arm whose units all have x1 = 1 cannot have the mean of x1.
    let ran = shell.run(&line("--fuse ebic")).exits(4);
    let ran = ran.says(&["t00", "x1", "--weigh-tolerance", "--weigh none"]);
    let tolerance = ran.stderr.split("--weigh-tolerance ").nth(1).unwrap().split(' ').next().unwrap();
    shell.run(&line(&format!("--fuse ebic --weigh-tolerance {tolerance}"))).exits(0);
    // All arms alike.
    let flat: String = shell
        .read("study.csv")
        .lines()
        .map(|line| {
            let mut cells: Vec<&str> = line.split(',').collect();
            if cells[4] != "y" {
                cells[4] = if cells[2] > "0" { "1" } else { "1.5" };
            }
            cells.join(",") + "\n"
        })
        .collect();
    shell.write("study.csv", flat);
    shell.run(&line("--fuse ebic --weigh none")).exits(3).says(&["group 1", "--fuse M"]);
}
