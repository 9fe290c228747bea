//! `forest`: the folder of results, predictions of new rows, a rule in place of the forest, and awkward input.

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use serde_json::Value;

use crate::instances::{arm_of, close};
use crate::shell::Shell;

const FOREST: &str = "forest train.csv --outcome y --treatment arm --covariates x1,x2 --maximize --control none --id id \
                      --trees 40 --lambda1 5 --epsilon 0.01 --out out";
/// The last is a name that a CSV file must quote.
const ARMS: [&str; 4] = ["none", "low dose", "été", "b\"=|,1"];

/// n units of four arms: the second is good where x1 > 0, the third elsewhere, the fourth hardly anywhere.
fn units(seed: u64, n: usize) -> Vec<String> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut unit = |i: usize| {
        let (x1, x2): (f64, f64) = (random.sample(StandardNormal), random.sample(StandardNormal));
        let k = random.random_range(0..4_usize);
        let effect = [0.0, if x1 > 0.0 { 3.0 } else { -1.0 }, if x1 > 0.0 { -1.0 } else { 2.0 }, 0.5][k];
        let y = 1.0 + effect + random.sample::<f64, _>(StandardNormal);
        let arm = ARMS[k].replace('"', "\"\"");
        format!("u{i},{y},\"{arm}\",{x1},{x2}")
    };
    (0..n).map(&mut unit).collect()
}

fn csv(rows: &[String]) -> String {
    format!("id,y,arm,x1,x2\n{}\n", rows.join("\n"))
}

fn trained(seed: u64) -> Shell {
    let shell = Shell::new();
    shell.write("train.csv", csv(&units(seed, 400)));
    shell.write("test.csv", csv(&units(seed + 100, 60)));
    shell
}

/// Header and rows of a CSV file.
fn table(text: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let cells = |record: &csv::StringRecord| record.iter().map(String::from).collect();
    let header = cells(reader.headers().unwrap());
    (header, reader.records().map(|record| cells(&record.unwrap())).collect())
}

/// The estimates of a forest file at x, by its definition.
fn estimates(forest: &Value, x: &[f64]) -> Vec<f64> {
    let number = |value: &Value| value.as_u64().unwrap() as usize;
    let trees = forest["trees"].as_array().unwrap();
    let mut sums = vec![0.0; forest["arms"].as_array().unwrap().len()];
    for tree in trees {
        let mut node = 0;
        let leaf = loop {
            let at = &tree["nodes"][node];
            if let Some(leaf) = at.get("leaf") {
                break number(leaf);
            }
            let goes_left = x[number(&at["covariate"])] <= at["threshold"].as_f64().unwrap();
            node = number(&at[if goes_left { "left" } else { "right" }]);
        };
        for (sum, value) in sums.iter_mut().zip(tree["values"][leaf].as_array().unwrap()) {
            *sum += value.as_f64().unwrap();
        }
    }
    sums.iter().map(|sum| sum / trees.len() as f64).collect()
}

fn x_of(row: &str) -> Vec<f64> {
    let mut cells: Vec<f64> = row.rsplit(',').take(2).map(|cell| cell.parse().unwrap()).collect();
    cells.reverse();
    cells
}

#[test]
fn new_rows_get_what_the_file_says() {
    let shell = trained(1);
    for residualize in ["none", "weighted", "control"] {
        let ran = shell.run(&format!("{FOREST} --residualize {residualize}")).exits(0);
        assert_eq!(ran.stdout, shell.read("out/summary.txt"));
        let forest = shell.json("out/forest.json");
        assert_eq!((forest["kind"].as_str(), forest["schema_version"].as_u64()), (Some("forest"), Some(1)));
        assert_eq!(forest["arms"][0], "none");
        let arms: Vec<&str> =
            forest["arms"].as_array().unwrap().iter().map(|arm| arm.as_str().unwrap()).collect();
        let (header, rows) = table(&shell.run("predict out/forest.json test.csv --id id").exits(0).stdout);
        let named = arms.iter().map(|arm| format!("estimate[{arm}]"));
        assert_eq!(header, ["id", "arm"].into_iter().map(String::from).chain(named).collect::<Vec<_>>());
        let test = units(101, 60);
        assert_eq!(rows.len(), test.len());
        for (unit, row) in test.iter().zip(&rows) {
            assert_eq!(row[0], unit.split(',').next().unwrap());
            let expected = estimates(&forest, &x_of(unit));
            let best = (0..4).fold(0, |best, k| if expected[k] > expected[best] { k } else { best });
            assert_eq!(row[1], arms[best]);
            // The baseline is the same for all arms.
            let found: Vec<f64> = row[2..].iter().map(|cell| cell.parse().unwrap()).collect();
            let origin = if residualize == "none" { 0.0 } else { found[0] - expected[0] };
            for (found, expected) in found.iter().zip(&expected) {
                assert!(close(found - origin, *expected), "{found} {expected}");
            }
        }
        // The forest has learned something.
        let right = |(unit, row): (&String, &Vec<String>)| {
            row[1] == if x_of(unit)[0] > 0.0 { ARMS[1] } else { ARMS[2] }
        };
        assert!(test.iter().zip(&rows).filter(|pair| right(*pair)).count() > 50);
    }
}

#[test]
fn one_row_alone_gets_what_it_gets_among_others() {
    let shell = trained(2);
    shell.run(FOREST).exits(0);
    let all = shell.run("predict out/forest.json test.csv").exits(0).stdout;
    for (i, unit) in units(102, 60).iter().enumerate().step_by(7) {
        shell.write("one.csv", csv(std::slice::from_ref(unit)));
        let (_, one) = table(&shell.run("predict out/forest.json one.csv").exits(0).stdout);
        assert_eq!(one[0][1..], table(&all).1[i][1..]);
    }
}

#[test]
fn neither_the_order_of_rows_nor_threads_matter() {
    let shell = trained(3);
    shell.run(&format!("{FOREST} --threads 1 --distil tree:1")).exits(0);
    let first: Vec<String> =
        ["forest.json", "rule.json"].map(|name| shell.read(&format!("out/{name}"))).into();
    let evaluation = shell.json("out/report.json")["evaluation"].clone();
    let mut rows = units(3, 400);
    rows.shuffle(&mut ChaCha8Rng::seed_from_u64(9));
    shell.write("train.csv", csv(&rows));
    shell.run(&format!("{FOREST} --threads 4 --distil tree:1")).exits(0);
    let second: Vec<String> =
        ["forest.json", "rule.json"].map(|name| shell.read(&format!("out/{name}"))).into();
    assert!(first == second, "another forest or rule from the same units");
    assert_eq!(evaluation, shell.json("out/report.json")["evaluation"]);
    shell.run(&format!("{FOREST} --seed 2")).exits(0);
    assert!(shell.read("out/forest.json") != first[0], "the seed changes nothing");
    assert!(!shell.path("out/rule.json").exists(), "the rule of an earlier run was left");
}

#[test]
fn small_outcomes_may_be_good() {
    let shell = trained(4);
    shell.run(FOREST).exits(0);
    let up = table(&shell.run("predict out/forest.json test.csv").exits(0).stdout).1;
    let negated: Vec<String> = units(4, 400)
        .iter()
        .map(|row| {
            let mut cells: Vec<String> = row.splitn(3, ',').map(String::from).collect();
            cells[1] = (-cells[1].parse::<f64>().unwrap()).to_string();
            cells.join(",")
        })
        .collect();
    shell.write("train.csv", csv(&negated));
    shell.run(&FOREST.replace("--maximize", "--minimize")).exits(0);
    let down = table(&shell.run("predict out/forest.json test.csv").exits(0).stdout).1;
    for (up, down) in up.iter().zip(&down) {
        assert_eq!(up[1], down[1]);
        for (a, b) in up[2..].iter().zip(&down[2..]) {
            assert!(close(a.parse().unwrap(), -b.parse::<f64>().unwrap()), "{a} {b}");
        }
    }
}

#[test]
fn the_value_is_near_the_truth_and_covariates_are_ranked() {
    let shell = trained(5);
    let report = shell.run(&format!("{FOREST} --json -")).exits(0).json();
    assert_eq!(report, shell.json("out/report.json"));
    // Right for all, the mean outcome is 1 + (3 + 2) / 2 = 3.5; a single arm has 2 at most.
    let evaluation = &report["evaluation"];
    let (value, error) =
        (evaluation["value"].as_f64().unwrap(), evaluation["standard_error"].as_f64().unwrap());
    assert!(value < 3.5 + 3.0 * error && value > 3.2 - 3.0 * error && error < 0.25, "{value} {error}");
    let importance = report["importance"].as_array().unwrap();
    let of = |j: usize, key: &str| importance[j][key].as_f64().unwrap();
    assert!(close(of(0, "splits") + of(1, "splits"), 1.0));
    assert!(of(0, "splits") > 0.7 && of(0, "changed") > 0.3 && of(1, "changed") < 0.2, "{importance:#?}");
    assert!(importance[0]["lost"]["interval"][0].as_f64().unwrap() > 0.5, "{importance:#?}");
    let assigned: u64 =
        report["assignment"].as_array().unwrap().iter().map(|arm| arm["assigned"].as_u64().unwrap()).sum();
    assert_eq!(assigned, 400);
    for key in
        ["parameters", "method", "leaves_per_tree", "units", "data_file_sha256", "diagnostics", "warnings"]
    {
        assert!(report.get(key).is_some(), "{key}");
    }
}

#[test]
fn costs_count_where_arms_are_given() {
    let shell = trained(6);
    // "low dose" brings at most 3 more than nothing.
    shell.write("train.csv", shell.read("train.csv").replace("low dose", "low"));
    shell.run(&format!("{FOREST} --cost low=9")).exits(0);
    let (header, rows) = table(&shell.run("predict out/forest.json test.csv").exits(0).stdout);
    assert!(rows.iter().all(|row| row[1] != "low"));
    // Estimates are of outcomes, before costs.
    let low = header.iter().position(|name| name == "estimate[low]").unwrap();
    let largest = |row: &Vec<String>| {
        let number = |cell: &String| cell.parse::<f64>().unwrap();
        row[2..].iter().all(|cell| number(cell) <= number(&row[low]))
    };
    assert!(rows.iter().filter(|row| largest(row)).count() > 15);
}

#[test]
fn whoever_may_not_get_an_arm_does_not_get_it() {
    let shell = trained(13);
    let rows: Vec<String> =
        units(13, 400).into_iter().filter(|row| !row.contains("low dose") || x_of(row)[1] <= 0.5).collect();
    shell.write("train.csv", csv(&rows).replace("low dose", "low"));
    shell.run(&format!("{FOREST} --eligible low=x2<=0.5 --distil tree:1")).exits(0);
    let given = table(&shell.run("predict out/forest.json test.csv").exits(0).stdout).1;
    let test = units(113, 60);
    let low = || test.iter().zip(&given).filter(|(_, row)| row[1] == "low");
    assert!(low().count() > 10 && low().all(|(unit, _)| x_of(unit)[1] <= 0.5));
    let report = shell.json("out/report.json");
    assert!(report["evaluation"]["value"].as_f64().unwrap() > 2.5);
}

#[test]
fn parameters_are_chosen_from_a_grid() {
    let shell = trained(14);
    shell.write("train.csv", csv(&units(14, 160)));
    let line = FOREST.replace("--lambda1 5 --epsilon 0.01", "--tune --folds 2");
    let ran = shell.run(&line).exits(0);
    let report = shell.json("out/report.json");
    let tried = report["tuning"]["tried"].as_array().unwrap();
    assert!(tried.len() > 20 && tried[0]["value"]["interval"].is_array());
    assert_eq!(report["tuning"]["chosen"], report["parameters"]["forest"]);
    assert_eq!(report["parameters"]["forest"], shell.json("out/forest.json")["settings"]);
    assert!(ran.stdout.contains(&format!("chosen among {} combinations", tried.len())));
}

#[test]
fn arms_are_clustered() {
    let shell = trained(15);
    for (clusters, groups) in [("1", 2), ("2", 3), ("auto", 0)] {
        shell.run(&format!("{FOREST} --clusters {clusters} --folds 2")).exits(0);
        let forest = shell.json("out/forest.json");
        let clusters = forest["clusters"].as_array().unwrap();
        assert!(groups == 0 || clusters.len() == groups, "{clusters:?}");
        assert_eq!(clusters[0], serde_json::json!(["none"]));
        assert_eq!(clusters.iter().map(|group| group.as_array().unwrap().len()).sum::<usize>(), 4);
        assert_eq!(forest["method"], "clustered");
        let report = shell.json("out/report.json");
        assert_eq!((&report["clusters"], &report["method"]), (&forest["clusters"], &forest["method"]));
        shell.run("predict out/forest.json test.csv").exits(0);
    }
    shell.run(&format!("{FOREST} --clusters none")).exits(0);
    assert_eq!(shell.json("out/forest.json")["method"], "forest");
    shell.run(&format!("{FOREST} --clusters 4")).exits(2).says(&["clusters 4", "at most"]);
    shell.run(&format!("{FOREST} --clusters 2 --method forest")).exits(2).says(&["--method clustered"]);
}

/// A category of three levels decides, and a number is missing now and then.
#[test]
fn levels_and_missing_values() {
    let shell = Shell::new();
    let mut random = ChaCha8Rng::seed_from_u64(12);
    let mut line = |i: usize| {
        let (ward, k) = (["n", "s", "w"][i % 3], random.random_range(0..2_usize));
        let age =
            if i.is_multiple_of(7) { String::new() } else { random.random_range(20..60_u8).to_string() };
        let y = random.sample::<f64, _>(StandardNormal) + if k == 1 { [2.0, -2.0, -2.0][i % 3] } else { 0.0 };
        format!("{y},{k},{ward},{age}\n")
    };
    let rows: String = (0..300).map(&mut line).collect();
    shell.write("train.csv", format!("y,arm,ward,age\n{rows}"));
    let forest = "forest train.csv --outcome y --treatment arm --covariates ward,age --categorical ward --missing keep --maximize \
                  --trees 40 --lambda1 5 --out out";
    shell.run(forest).exits(0);
    shell.write("test.csv", "ward,age\nn,30\ns,\nw,50\nn,\n");
    let rows = table(&shell.run("predict out/forest.json test.csv").exits(0).stdout).1;
    let arms: Vec<&str> = rows.iter().map(|row| row[1].as_str()).collect();
    assert_eq!(arms, ["1", "0", "0", "1"]);
    shell.write("test.csv", "ward,age\ne,30\n");
    shell.run("predict out/forest.json test.csv").exits(3).says(&["line 2", "ward", "\"e\""]);
    shell.run(&forest.replace("keep", "error")).exits(3).says(&["line 2", "age", "missing"]);
}

/// The best stump over the estimates of the forest, by trying them all.
fn best_stump(rows: &[String], estimates: &[Vec<f64>]) -> f64 {
    let arms = estimates[0].len();
    let best = |units: &[usize]| {
        (0..arms)
            .map(|k| units.iter().map(|&i| estimates[i][k]).sum::<f64>())
            .fold(f64::NEG_INFINITY, f64::max)
    };
    let mut found = best(&(0..rows.len()).collect::<Vec<_>>());
    for j in 0..2 {
        for row in rows {
            let threshold = x_of(row)[j];
            let (left, right): (Vec<usize>, Vec<usize>) =
                (0..rows.len()).partition(|&i| x_of(&rows[i])[j] <= threshold);
            if !right.is_empty() {
                found = found.max(best(&left) + best(&right));
            }
        }
    }
    found
}

#[test]
fn the_rule_in_its_place_is_the_best_for_its_estimates() {
    let shell = trained(7);
    shell.run(&format!("{FOREST} --distil tree:1 --candidates all")).exits(0);
    let (report, rule) = (shell.json("out/report.json"), shell.json("out/rule.json"));
    let predicted = table(&shell.run("predict out/forest.json train.csv").exits(0).stdout).1;
    let number = |cell: &String| cell.parse::<f64>().unwrap();
    let estimates: Vec<Vec<f64>> =
        predicted.iter().map(|row| row[2..].iter().map(number).collect()).collect();
    let rows = units(7, 400);
    let distilled = &report["distilled"];
    assert_eq!(distilled["report"]["termination_status"], "OPTIMAL");
    let found = distilled["report"]["objective_value"].as_f64().unwrap();
    assert!(close(found, best_stump(&rows, &estimates)), "{found}");
    // The share of units on which rule and forest agree, and the rule as `predict` reads it.
    let by_rule = table(&shell.run("predict out/rule.json train.csv").exits(0).stdout).1;
    let names: Vec<String> = ["x1", "x2"].map(String::from).into();
    for (row, unit) in by_rule.iter().zip(&rows) {
        assert_eq!(row[1], arm_of(&rule, &names, &x_of(unit)));
    }
    let same = by_rule.iter().zip(&predicted).filter(|(a, b)| a[1] == b[1]).count();
    assert!(close(distilled["agreement"].as_f64().unwrap(), same as f64 / 400.0));
    let lost = distilled["evaluation"]["differences"].as_array().unwrap();
    assert!(
        lost.iter().any(|difference| difference["against"] == "forest" && difference["interval"].is_array())
    );
    shell.run("evaluate out/rule.json test.csv --outcome y --treatment arm").exits(0);
    shell.run("export out/rule.json --to text").exits(0);
}

#[test]
fn rules_in_its_place_obey_constraints() {
    let shell = trained(8);
    shell.write("train.csv", shell.read("train.csv").replace("low dose", "low"));
    shell
        .run(&format!(
            "{FOREST} --distil tree:2 --candidates quantiles:5 --capacity low=20% --rule-min-leaf 30"
        ))
        .exits(0);
    let given = table(&shell.run("predict out/rule.json train.csv").exits(0).stdout).1;
    let low = given.iter().filter(|row| row[1] == "low").count();
    assert!((30..=80).contains(&low), "{low}");
    shell
        .run(&format!(
            "{FOREST} --distil tree:1 --candidates quantiles:5 --budget-share 0 --subgroup-share x9=1:0.5..1"
        ))
        .exits(2)
        .says(&["x9", "x1, x2"]);
    let before = shell.contents();
    let missing = "constraints are on the rule";
    shell.run(&format!("{FOREST} --budget-share 0.5")).exits(2).says(&[missing, "--distil"]);
    assert_eq!(before, shell.contents());
    shell.run(&format!("{FOREST} --distil linear --solver smooth --max-covariates 1")).exits(2);
}

#[test]
fn a_linear_rule_in_its_place() {
    let shell = Shell::new();
    let both: Vec<String> =
        units(11, 240).into_iter().filter(|row| row.contains("low dose") || row.contains("été")).collect();
    shell.write("train.csv", csv(&both));
    let line = FOREST.replace("--control none", "--control été");
    shell.run(&format!("{line} --distil linear")).exits(0);
    let (report, rule) = (shell.json("out/report.json"), shell.json("out/rule.json"));
    assert_eq!(rule["kind"], "linear");
    assert_eq!(rule["arms"], serde_json::json!(["été", "low dose"]));
    assert_eq!(report["distilled"]["report"]["termination_status"], "OPTIMAL");
    let by_rule = table(&shell.run("predict out/rule.json train.csv").exits(0).stdout).1;
    let right = |(row, unit): (&Vec<String>, &String)| (row[1] == "low dose") == (x_of(unit)[0] > 0.0);
    assert!(by_rule.iter().zip(&both).filter(|pair| right(*pair)).count() * 10 > both.len() * 9);
}

#[test]
fn what_cannot_be_learned_from_is_refused() {
    let shell = trained(9);
    let rows = units(9, 400);
    let with = |row: &str| csv(&[rows.clone(), vec![row.to_string()]].concat());
    let one_arm: Vec<String> = rows.iter().filter(|row| row.contains("\"none\"")).cloned().collect();
    let cases: [(String, &str, i32, &[&str]); 14] = [
        (with("u400,1,lonely,0,0"), "", 3, &["lonely", "1 row", "drop the arm"]),
        (csv(&one_arm), "", 3, &["one arm", "none"]),
        (with("u400,NaN,none,0,0"), "", 3, &["line 402", "\"y\""]),
        (with("u400,,none,0,0"), "", 3, &["line 402", "\"y\"", "missing"]),
        (with("u400,inf,none,0,0"), "", 3, &["line 402", "\"y\"", "finite"]),
        (with("u400,1,none,,0"), "", 3, &["line 402", "\"x1\"", "missing"]),
        (with("u7,1,none,0,0"), "", 3, &["line 402", "u7", "data row 8"]),
        (csv(&rows), "--control placebo", 3, &["--control", "placebo", "low dose"]),
        (csv(&rows), "--covariates x3", 3, &["x3"]),
        (csv(&rows), "--kappa 0", 2, &["kappa", "share"]),
        (csv(&rows), "--outcome-model linear", 2, &["--outcome-model", "not read"]),
        (csv(&rows), "--tune", 2, &["--tune"]),
        (csv(&rows), "--residualize fbar", 3, &["fbar"]),
        (csv(&rows), "--folds 1", 2, &["--folds"]),
    ];
    for (data, flags, code, says) in cases {
        shell.write("train.csv", data);
        let line = match flags.starts_with("--co") {
            true => FOREST.replace(
                if flags.contains("control") { "--control none" } else { "--covariates x1,x2" },
                flags,
            ),
            false => format!("{FOREST} {flags}"),
        };
        shell.run(&line).exits(code).says(says);
        assert!(!shell.path("out").exists(), "something was written: {flags}");
    }
    shell.run(&FOREST.replace("--covariates x1,x2", "")).exits(2).says(&["--covariates"]);
    let many: Vec<String> = (0..70_000).map(|i| format!("u{i},1,arm{i},0,0")).collect();
    shell.write("train.csv", csv(&many));
    shell.run(&FOREST.replace("--control none", "")).exits(3).says(&["70000 arms", "\"arm\""]);
}

#[test]
fn other_files_are_no_forests() {
    let shell = trained(10);
    shell.run(&format!("{FOREST} --method forest")).exits(0);
    let whole = shell.read("out/forest.json");
    let predict = "predict out/forest.json test.csv";
    shell.write("out/forest.json", whole.replace("\"schema_version\":1", "\"schema_version\":7"));
    shell.run(predict).exits(3).says(&["forest.json", "version 7", "version 1"]);
    shell.write("out/forest.json", whole.replace("\"kind\":\"forest\"", "\"kind\":\"jungle\""));
    shell.run(predict).exits(3).says(&["forest.json", "jungle"]);
    shell.write("out/forest.json", &whole[..whole.len() / 2]);
    shell.run(predict).exits(3).says(&["forest.json"]);
    shell.write("out/forest.json", &whole);
    let broken: [fn(&mut Value); 3] = [
        |forest| {
            forest["trees"][3]["nodes"][0] =
                serde_json::json!({"covariate": 9, "threshold": 0, "left": 1, "right": 2})
        },
        |forest| {
            forest["trees"][3]["nodes"][0] =
                serde_json::json!({"covariate": 0, "threshold": 0, "left": 0, "right": 0})
        },
        |forest| forest["trees"][3]["values"][0] = serde_json::json!([1.0]),
    ];
    for change in broken {
        shell.edit("out/forest.json", change);
        shell.run(predict).exits(3).says(&["forest.json", "tree 4 is broken"]);
        shell.write("out/forest.json", &whole);
    }
    shell.run("predict out/nothing.json test.csv").exits(1).says(&["out/nothing.json"]);
    shell.run(&format!("{predict} --explain")).exits(2).says(&["--distil"]);
    shell.write("test.csv", "id,x1\n1,2\n");
    shell.run(predict).exits(3).says(&["test.csv", "x2"]);
}
