//! The fusion paper's experiments at small sizes: their direction, what they are made of, and that interruptions change nothing.

#[path = "common/cli.rs"]
mod shell;

use prescribe::evaluate::adjusted_rand_index;
use prescribe::fusion::Groups;
use prescribe::reproduce::policy::Population;
use prescribe::reproduce::recipe::{Method, calibrated, groups};
use prescribe::simulate::{
    Design, FusedArms, LEUKEMIA_COVARIATES, Shift, chronic_leukemia, fused_arms, fused_arms_population,
};
use serde_json::Value;
use shell::Shell;

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// The line of a method in a table.
fn line<'t>(table: &'t Value, method: &str) -> &'t Value {
    let lines = table["lines"].as_array().unwrap();
    lines.iter().find(|line| line["method"] == method).unwrap_or_else(|| panic!("no line of {method}"))
}

/// A table without what it took.
fn timeless(mut table: Value) -> Value {
    table["cpu_seconds"] = Value::Null;
    table["draws"].as_array_mut().unwrap().iter_mut().for_each(|draw| draw["cpu_seconds"] = Value::Null);
    table
}

#[test]
fn interruptions_and_threads_change_nothing() {
    let shell = Shell::new();
    let table = "reproduce fusion-table-5 --seed 3 --json -";
    let whole = timeless(shell.run(&format!("{table} --replications 3 --threads 1")).exits(0).json());
    shell.run(&format!("{table} --replications 2 --threads 2 --resume draws.jsonl")).exits(0);
    let journal = shell.read("draws.jsonl");
    assert_eq!(journal.lines().count(), 3, "a header and two draws");
    // The machine stopped in the middle of a line.
    shell.write("draws.jsonl", format!("{journal}{{\"replication\":2,\"result\":{{\"se"));
    let resumed =
        shell.run(&format!("{table} --replications 3 --threads 2 --resume draws.jsonl")).exits(0).json();
    assert_eq!(timeless(resumed), whole);
    let journal = shell.read("draws.jsonl");
    assert_eq!(journal.lines().count(), 4);
    assert!(journal.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{journal}");
    // Nothing is left to do, and what was done is not done again.
    shell.run(&format!("{table} --replications 3 --resume draws.jsonl")).exits(0);
    assert_eq!(shell.read("draws.jsonl"), journal);

    for other in
        ["fusion-table-5 --seed 4", "fusion-table-8 --seed 3", "fusion-table-5 --seed 3 --candidates all"]
    {
        let ran = shell.run(&format!("reproduce {other} --replications 1 --resume draws.jsonl"));
        ran.exits(3).says(&["draws.jsonl", "line 1", "--resume"]);
    }
    shell.write("draws.jsonl", journal.replacen("{\"replication\":1", "{\"replication\":x", 1));
    shell.run(&format!("{table} --resume draws.jsonl")).exits(3).says(&["draws.jsonl", "line", "delete"]);
    assert!(
        shell.run(&format!("{table} --resume no/such/folder.jsonl")).exits(1).stderr.contains("--resume")
    );
}

#[test]
fn a_table_has_the_paper_beside_every_method_on_the_same_draws() {
    let shell = Shell::new();
    let table = shell.run("reproduce fusion-table-5 --replications 4 --seed 11 --json -").exits(0).json();
    let ari = |method: &str| number(&line(&table, method)["ari"]["mean"]);
    let value = |method: &str| number(&line(&table, method)["value"]["mean"]);
    assert_eq!(table["lines"].as_array().unwrap().len(), Method::ALL.len());
    assert_eq!((ari("unfused"), ari("oracle")), (0.0, 1.0));
    assert_eq!(number(&line(&table, "unfused")["groups"]["mean"]), 16.0);
    assert!(ari("weighted_lasso") > ari("lasso") && ari("weighted_partition") > 0.95);
    assert!(value("oracle") > value("unfused") + 0.1 && value("linear_rule") < value("oracle"));
    assert!(number(&table["best_value"]) > value("oracle"));
    assert_eq!(line(&table, "weighted_lasso")["paper"]["ari"], serde_json::json!([0.96, 0.06]));
    for draw in table["draws"].as_array().unwrap() {
        let outcomes = draw["outcomes"].as_array().unwrap();
        let of = |method: &str| outcomes.iter().find(|outcome| outcome["method"] == method).unwrap();
        // The same groups on the same draw are the same tree.
        if number(&of("weighted_partition")["ari"]) == 1.0 {
            assert_eq!(of("weighted_partition")["value"], of("oracle")["value"]);
        }
    }
    let mean = |key: &str| {
        let draws = table["draws"].as_array().unwrap();
        draws.iter().map(|draw| number(&draw["outcomes"][8][key])).sum::<f64>() / draws.len() as f64
    };
    assert!((mean("value") - value("oracle")).abs() < 1e-12);
}

#[test]
fn the_value_of_a_rule_is_the_mean_over_the_arms_of_its_group() {
    let design = Design::exponential(16);
    let population = Population::draw(&design, 500, 2).unwrap();
    let (x, means) = fused_arms_population(&design, 500, 2).unwrap();
    // Arms 0 (of group 0) and 4, 5 (of group 1) together, the rest together.
    let groups = Groups { of: (0..16).map(|a| usize::from(![0, 4, 5].contains(&a))).collect() };
    let latent: Vec<usize> = (0..16).map(|a| a / 4).collect();
    let found = population.value(&groups, &latent, |x| usize::from(x[1] > 0.0));
    let worth = |i: usize| match x[[i, 1]] > 0.0 {
        false => (means[[i, 0]] + 2.0 * means[[i, 1]]) / 3.0,
        true => {
            (3.0 * means[[i, 0]] + 2.0 * means[[i, 1]] + 4.0 * means[[i, 2]] + 4.0 * means[[i, 3]]) / 13.0
        }
    };
    let truth = (0..500).map(worth).sum::<f64>() / 500.0;
    assert!((found - truth).abs() < 1e-12, "{found} for {truth}");
}

#[test]
fn an_arm_out_of_reach_is_balanced_as_nearly_as_can_be() {
    let drawn = fused_arms(&Design::exponential(16), 5).unwrap();
    // All patients of arm 0 with X1 = 1: the mean of X1 is out of its reach.
    let kept: Vec<usize> =
        (0..drawn.arm.len()).filter(|&i| drawn.arm[i] > 0 || drawn.x[[i, 0]] == 1.0).collect();
    let of = FusedArms {
        x: drawn.x.select(ndarray::Axis(0), &kept),
        arm: kept.iter().map(|&i| drawn.arm[i]).collect(),
        outcome: kept.iter().map(|&i| drawn.outcome[i]).collect(),
        group: drawn.group.clone(),
    };
    let found = calibrated(&of, &[0, 1, 2]).unwrap();
    let x1 = of.x.column(0);
    let mean = x1.mean().unwrap();
    let needed = (1.0 - mean) / (mean * (1.0 - mean)).sqrt();
    assert!(found.tolerance >= needed && found.tolerance < 1.02 * needed, "{} for {needed}", found.tolerance);
    assert_eq!(calibrated(&drawn, &[0, 1, 2]).unwrap().tolerance, 0.0);
}

#[test]
fn weights_are_what_exact_fusion_needs_under_a_strong_shift() {
    let design = Design { size: 4.0, ..Design::shifted() };
    assert_eq!(design.shift, Shift::Strong);
    let index = |method: Method| {
        let ari = |seed| {
            let drawn = fused_arms(&design, seed).unwrap();
            adjusted_rand_index(&groups(&drawn, &[0, 1, 2], &[method]).unwrap().0[0].of, &drawn.group)
        };
        (1..=4).map(ari).sum::<f64>() / 4.0
    };
    let (plain, weighted) = (index(Method::Partition), index(Method::WeightedPartition));
    assert!(plain < 0.7 && weighted > 0.9, "{plain} and {weighted}");
}

#[test]
fn recovery_rises_and_error_falls_with_n() {
    let line = "reproduce fusion-theory recovery --replications 6 --seed 5 --sizes 0.5,4 --json -";
    let found = Shell::new().run(line).exits(0).json();
    let at = |size: usize, key: &str| number(&found["sizes"][size]["lines"][1][key]);
    let error = |size: usize| number(&found["sizes"][size]["error"]["mean"]);
    assert_eq!(found["sizes"][1]["lines"][1]["method"], "weighted_lasso");
    assert!(at(1, "recovered") >= at(0, "recovered") && at(1, "recovered") >= 0.8, "{found}");
    assert!(error(1) < error(0), "{found}");
    let slope = number(&found["slope"]["slope"]);
    assert!(-1.0 < slope && slope < 0.0, "{slope}");
}

#[test]
fn fits_are_biased_only_where_weights_and_outcome_model_are_wrong() {
    let line = "reproduce fusion-theory robustness --replications 6 --seed 5 --sizes 4 --json -";
    let found = Shell::new().run(line).exits(0).json();
    let cells = found["cells"].as_array().unwrap();
    assert_eq!(cells.len(), 6);
    for cell in cells {
        let right = cell["weights_right"] == true || cell["outcome_right"] == true;
        let (bias, noise) = (number(&cell["bias"]), number(&cell["noise"]));
        assert_eq!(bias < 2.0 * noise, right, "{cell}");
    }
}

#[test]
fn regret_falls_with_n_and_rises_with_depth() {
    let line = "reproduce fusion-theory regret --replications 6 --seed 5 --sizes 0.5,4 --json -";
    let found = Shell::new().run(line).exits(0).json();
    let curves = found["curves"].as_array().unwrap();
    let of = |depth: u64, groups: u64| {
        curves.iter().find(|curve| curve["depth"] == depth && curve["groups"] == groups).unwrap()
    };
    let lost = |curve: &Value, size: usize| number(&curve["points"][size][1]["mean"]);
    for groups in 2..=4 {
        let deep = of(3, groups);
        assert!(lost(deep, 1) < lost(deep, 0), "{deep}");
        assert!(lost(deep, 0) > lost(of(1, groups), 0), "{deep}");
        // Deeper classes hold the shallower ones.
        assert!(number(&deep["best"]) >= number(&of(1, groups)["best"]) - 0.005);
        assert!(deep["points"][0][0].as_u64().unwrap().abs_diff(900) < 10, "{deep}");
    }
    // sqrt(ln 3 + 2 ln 2) + 4/3.
    let complexity = number(&of(1, 2)["complexity"]);
    assert!((complexity - ((3f64.ln() + 2.0 * 2f64.ln()).sqrt() + 4.0 / 3.0)).abs() < 1e-12);
}

#[test]
fn the_simulated_application_is_as_described() {
    let drawn = chronic_leukemia(1);
    let sizes = [3392, 1726, 1230, 463, 408, 215, 2912];
    for (a, size) in sizes.into_iter().enumerate() {
        let members: Vec<usize> = (0..drawn.arm.len()).filter(|&i| drawn.arm[i] == a).collect();
        assert_eq!(members.len(), size, "{}", drawn.therapies[a]);
        // Outcomes follow the chances of the arm's group: within four standard errors.
        let chance = members.iter().map(|&i| drawn.chances[[i, drawn.group[a]]]).sum::<f64>() / size as f64;
        let alive = members.iter().filter(|&&i| drawn.alive[i]).count() as f64 / size as f64;
        assert!((alive - chance).abs() < 4.0 * (0.25 / size as f64).sqrt(), "{alive} for {chance}");
    }
    assert_eq!(drawn.arm.len(), 10_346);
    assert_eq!(drawn.csv().lines().count(), 10_347);
    assert_eq!(drawn, chronic_leukemia(1));
    assert_ne!(drawn.alive, chronic_leukemia(2).alive);
    // Confounded: chemotherapy alone is for the old.
    let age = |a: usize| {
        let of: Vec<f64> = (0..drawn.arm.len())
            .filter(|&i| drawn.arm[i] == a)
            .map(|i| drawn.covariates[i][8].parse().unwrap())
            .collect();
        of.iter().sum::<f64>() / of.len() as f64
    };
    assert!(age(5) > age(1) + 3.0, "{} and {}", age(5), age(1));
}

#[test]
fn the_application_finds_groups_and_a_rule_that_sees_what_it_may() {
    let shell = Shell::new();
    let how = "--depth 2 --outcome-model linear --json -";
    let line = format!("reproduce fusion-application --write-data cll.csv {how}");
    let found = shell.run(&line).exits(0).json();
    let truth = &found["truth"];
    assert!(number(&truth["ari"]) > 0.6, "{truth}");
    assert!(number(&truth["rule"]) > number(&truth["best_arm"]), "{truth}");
    assert!(number(&truth["best"]) >= number(&truth["rule"]), "{truth}");
    assert!(number(&found["largest_imbalance_after"]) < 1e-6 + 1.01 * number(&found["tolerance"]));
    let seen: Vec<&str> = found["rule"]["covariates"]
        .as_array()
        .or(found["rule"]["header"]["covariates"].as_array())
        .unwrap()
        .iter()
        .map(|covariate| covariate["name"].as_str().unwrap())
        .collect();
    assert_eq!(seen, LEUKEMIA_COVARIATES[4..]);

    // The file that was written is a study like any other.
    let columns =
        format!("--outcome alive --treatment therapy --covariates {}", LEUKEMIA_COVARIATES.join(","));
    let flags = "--categorical race,region,payer --exclude race,region,payer,ses_index";
    let again =
        shell.run(&format!("reproduce fusion-application cll.csv {columns} {flags} {how}")).exits(0).json();
    assert_eq!((&again["groups"], &again["rule"]["rule"]), (&found["groups"], &found["rule"]["rule"]));
    assert_eq!(again["truth"], Value::Null);

    // Outcomes that no therapy changes: groups of rows in turn, whatever the arm.
    let even = |i: usize| format!("{},{},{}\n", i % 7, ["a", "b", "c"][i / 7 % 3], i % 2);
    shell.write("same.csv", format!("x,therapy,y\n{}", (0..2_940).map(even).collect::<String>()));
    let same = "fusion-application same.csv --outcome y --treatment therapy --covariates x";
    shell.run(&format!("reproduce {same}")).exits(3).says(&["same.csv", "one group", "prescribe fuse"]);

    shell.run("reproduce fusion-application cll.csv").exits(2).says(&["--outcome"]);
    shell.run("reproduce fusion-application --outcome alive").exits(2).says(&["DATA"]);
    let unknown = format!("{} {flags}", columns.replace("alive", "aliv"));
    shell
        .run(&format!("reproduce fusion-application cll.csv {unknown}"))
        .exits(3)
        .says(&["cll.csv", "\"aliv\""]);
    shell
        .run(&format!("reproduce fusion-application cll.csv {columns}"))
        .exits(3)
        .says(&["race", "--categorical"]);
}
