//! `fuse --penalty l0`, the default, and `fuse --compare`: against every partition, and on data that make trouble.

use serde_json::Value;

use crate::fuse::{FUSE, data, group_of_arms, number, oracle_in};
use crate::shell::Shell;

/// Least squares by Gauss and Jordan: the residual sum of rows (outcome, columns), each of weight w.
fn residual_sum(rows: &[(f64, Vec<f64>)], w: f64) -> f64 {
    let p = rows[0].1.len();
    let mut system = vec![vec![0.0; p + 1]; p];
    for (y, x) in rows {
        for i in 0..p {
            (0..p).for_each(|j| system[i][j] += w * x[i] * x[j]);
            system[i][p] += w * x[i] * y;
        }
    }
    for i in 0..p {
        let pivot = system[i][i];
        system[i].iter_mut().for_each(|value| *value /= pivot);
        let row = system[i].clone();
        for other in (0..p).filter(|other| *other != i) {
            let factor = system[other][i];
            system[other].iter_mut().zip(&row).for_each(|(value, above)| *value -= factor * above);
        }
    }
    let fitted = |x: &[f64]| x.iter().zip(&system).map(|(x, row)| x * row[p]).sum::<f64>();
    rows.iter().map(|(y, x)| w * (y - fitted(x)).powi(2)).sum()
}

/// All partitions of so many arms, as the group of each.
fn partitions(arms: usize) -> Vec<Vec<usize>> {
    (1..arms).fold(vec![vec![0]], |shorter, _| {
        let longer = |of: Vec<usize>| {
            let next = of.iter().max().unwrap() + 1;
            (0..=next).map(move |group| of.iter().copied().chain([group]).collect())
        };
        shorter.into_iter().flat_map(longer).collect()
    })
}

/// The rows of each arm: outcome and (1, X).
fn rows_of(text: &str, arms: usize) -> Vec<Vec<(f64, Vec<f64>)>> {
    let mut rows = vec![Vec::new(); arms];
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let x = std::iter::once(1.0).chain(cells[2..].iter().map(|cell| cell.parse().unwrap())).collect();
        let arm: usize = cells[1].trim_start_matches("arm").parse().unwrap();
        rows[arm].push((cells[0].parse().unwrap(), x));
    }
    rows
}

/// Six arms without weights and main effect: residual sums, criteria and choice are those of the 203 partitions, tried one by one.
#[test]
fn the_best_of_all_partitions() {
    const ARMS: usize = 6;
    let shell = Shell::new();
    let text = data(ARMS, 14);
    shell.write("data.csv", &text);
    let rows = rows_of(&text, ARMS);
    let n = (ARMS * 14) as f64;
    let mut best = [f64::INFINITY; ARMS];
    for of in partitions(ARMS) {
        let groups = of.iter().max().unwrap() + 1;
        let of_group =
            |g| (0..ARMS).filter(|a| of[*a] == g).flat_map(|a| rows[a].clone()).collect::<Vec<_>>();
        let rss: f64 = (0..groups).map(|g| residual_sum(&of_group(g), ARMS as f64 / n)).sum();
        best[groups - 1] = best[groups - 1].min(rss);
    }
    let ebic = |rss: f64, groups: usize| {
        let free = 4 * groups;
        let choose: f64 = (0..free).map(|j| ((4 * ARMS - j) as f64 / (free - j) as f64).ln()).sum();
        n * (rss / ARMS as f64).ln() + free as f64 * n.ln() + 2.0 * choose
    };
    let least = (1..=ARMS).min_by(|a, b| ebic(best[a - 1], *a).total_cmp(&ebic(best[b - 1], *b))).unwrap();
    let line = format!("{FUSE} --weights none --main-effect none");
    for solver in ["auto", "subsets", "columns", "milp", "merging"] {
        let found = shell.run(&format!("{line} --solver {solver} --json -")).exits(0).json();
        assert_eq!(found["groups"].as_array().unwrap().len(), least, "{solver}");
        assert!((number(&found["objective"]) - best[least - 1]).abs() < 1e-9, "{solver}");
        assert_eq!((&found["penalty"], &found["proved"]), (&Value::from("l0"), &Value::from(true)));
        assert!(found.get("lambda").is_none() && found.get("threshold").is_none());
        for (step, (groups, rss)) in found["path"].as_array().unwrap().iter().zip((1..).zip(best)) {
            assert_eq!(step["groups"], groups);
            assert!((number(&step["rss"]) - rss).abs() < 1e-9 && step["proved"] == true, "{step}");
            assert!((number(&step["ebic"]) - ebic(rss, groups)).abs() < 1e-6, "{step}");
        }
        assert_eq!(found["path"].as_array().unwrap().len(), ARMS);
        // Each arm has the coefficients of its group.
        for group in found["group_table"].as_array().unwrap() {
            for arm in group["arms"].as_array().unwrap() {
                assert_eq!(found["coefficients"][arm.as_str().unwrap()], group["coefficients"]);
            }
        }
    }
    for groups in 1..=ARMS {
        let found = shell.run(&format!("{line} --groups {groups} --json -")).exits(0).json();
        assert_eq!(found["groups"].as_array().unwrap().len(), groups);
        assert!((number(&found["objective"]) - best[groups - 1]).abs() < 1e-9);
    }
    shell.run(&format!("{line} --groups 7")).exits(2).says(&["7 groups of 6 arms", "at most 6"]);
    shell.run(&format!("{line} --solver admm")).exits(2).says(&["admm", "subsets, columns, milp, merging"]);
}

#[test]
fn the_groups_of_the_oracle_and_what_is_told_of_them() {
    let shell = Shell::new();
    let truth = oracle_in(&shell)["spec"]["true_group_of_arm"].clone();
    let found = shell.run(&format!("{FUSE} --bootstrap 4 --plot path.svg --json fused.json")).exits(0);
    assert!(found.stdout.contains("l0: 16 arms in 4 groups, 1800 units"), "{}", found.stdout);
    let found = shell.json("fused.json");
    assert_eq!(Value::from(group_of_arms(&found)), truth);
    assert_eq!(found["report"]["termination_status"], "OPTIMAL");
    assert_eq!(found["report"]["certificate"]["verified"], true);
    for (a, row) in found["stability"].as_array().unwrap().iter().enumerate() {
        for (b, share) in row.as_array().unwrap().iter().enumerate() {
            assert_eq!(number(share) > 0.5, truth[a] == truth[b], "{a} {b}: {share}");
            assert!(a != b || number(share) == 1.0);
        }
    }
    let picture = shell.read("path.svg");
    assert_eq!(picture.matches("<polyline").count(), 3);
    assert!(!picture.contains("NaN") && !picture.contains("inf"));
    // A rule over the groups.
    let line = "learn data.csv --outcome Y --treatment A --covariates X1,X2,X3 --maximize --policy tree --depth 1 \
                --candidates quantiles:10 --groups fused.json --out out";
    shell.run(line).exits(0);
    assert_eq!(shell.json("out/rule.json")["groups"].as_object().unwrap().len(), 4);
}

#[test]
fn every_penalty_on_one_page() {
    let shell = Shell::new();
    let truth = oracle_in(&shell)["spec"]["true_group_of_arm"].clone();
    for criterion in ["ebic", "bic"] {
        let found = shell.run(&format!("{FUSE} --compare --criterion {criterion} --json -")).exits(0).json();
        let rows = found["comparison"].as_array().unwrap();
        let names: Vec<&str> = rows.iter().map(|row| row["penalty"].as_str().unwrap()).collect();
        assert_eq!(names, ["l0", "lasso", "adaptive", "wald", "mcp", "scad", "tlp"]);
        let chosen: Vec<&Value> = rows.iter().filter(|row| row["chosen"] == true).collect();
        assert_eq!((chosen.len(), &chosen[0]["penalty"]), (1, &found["penalty"]));
        assert_eq!(number(&chosen[0]["adjusted_rand_index"]), 1.0);
        for row in rows {
            assert!(number(&row[criterion]) >= number(&found[criterion]), "{row}");
            // The row is what the penalty gives by itself.
            let line = format!("{FUSE} --penalty {} --criterion {criterion} --json -", row["penalty"]);
            let alone = shell.run(&line.replace('"', "")).exits(0).json();
            assert_eq!((&alone["ebic"], &alone["rss"]), (&row["ebic"], &row["rss"]));
            assert_eq!(alone["groups"].as_array().unwrap().len(), row["groups"].as_u64().unwrap() as usize);
            assert_eq!(alone.get("lambda").unwrap_or(&Value::Null), &row["lambda"]);
            assert_eq!(alone["report"]["termination_status"], row["termination_status"]);
        }
        if criterion == "ebic" {
            assert_eq!(Value::from(group_of_arms(&found)), truth);
        }
    }
    let words = shell.run(&format!("{FUSE} --compare")).exits(0).stdout;
    let starred: Vec<&str> = words.lines().filter(|line| line.starts_with('*')).collect();
    assert!(starred.len() == 1 && starred[0].contains("l0"), "{words}");
    shell.run(&format!("{FUSE} --compare --penalty lasso")).exits(2).says(&["--compare", "--penalty"]);
}

/// Strengths and distances belong to the lasso and its kin.
#[test]
fn the_penalty_that_flags_imply() {
    let shell = Shell::new();
    shell.write("data.csv", data(3, 20));
    for flag in ["--lambda 0.05", "--lambda-grid 1e-3:1:9", "--threshold 0.3"] {
        let found = shell.run(&format!("{FUSE} --weights none {flag} --json -")).exits(0).json();
        assert_eq!(found["penalty"], "lasso", "{flag}");
        let (name, _) = flag.split_once(' ').unwrap();
        shell.run(&format!("{FUSE} --penalty l0 {flag}")).exits(2).says(&["l0", name]);
    }
    let found = shell.run(&format!("{FUSE} --weights none --json -")).exits(0).json();
    assert_eq!(found["penalty"], "l0");
}

/// With more arms than the recursion takes, the chosen partition is proved by columns, and with a time limit so are the others.
#[test]
fn more_arms_than_the_recursion_takes() {
    let shell = Shell::new();
    shell.write("data.csv", data(18, 20));
    let line = format!("{FUSE} --weights none --groups 2");
    let found = shell.run(&format!("{line} --time-limit 60 --json -")).exits(0).json();
    assert_eq!((&found["report"]["solver"], &found["proved"]), (&Value::from("columns"), &Value::from(true)));
    for (g, group) in found["groups"].as_array().unwrap().iter().enumerate() {
        let even = |arm: &Value| arm.as_str().unwrap()[3..].parse::<usize>().unwrap() % 2;
        assert!(group.as_array().unwrap().iter().all(|arm| even(arm) == g), "{group}");
    }
    for step in found["path"].as_array().unwrap() {
        assert!(number(&step["bound"]) <= number(&step["rss"]) + 1e-9, "{step}");
    }
    // The number of groups is proved as well, where there is time for it.
    let line_of_criterion = format!("{FUSE} --weights none --criterion bic --json -");
    let found = shell.run(&format!("{line_of_criterion} --time-limit 120")).exits(0).json();
    assert_eq!(found["proved"], true, "{}", found["path"]);
    let quick = shell.run(&line_of_criterion).exits(0).json();
    assert_eq!((&quick["groups"], &quick["bic"]), (&found["groups"], &found["bic"]));
    // An arm whose own fit is not unique leaves the heuristic, which says so.
    let mut left = 3;
    let text = data(18, 20);
    let kept = text.lines().filter(|line| {
        let rare = line.contains(",arm17,");
        left -= i32::from(rare && left > 0);
        !rare || left > 0
    });
    shell.write("data.csv", kept.collect::<Vec<_>>().join("\n") + "\n");
    let ran = shell.run(&format!("{line} --json -")).exits(0).says(&["columns", "heuristic", "not proved"]);
    let found = ran.json();
    assert_eq!(
        (&found["report"]["solver"], &found["proved"]),
        (&Value::from("merging"), &Value::from(false))
    );
    assert_eq!(found["report"]["promise"], "heuristic");
    shell.run(&format!("{line} --solver columns")).exits(2).says(&["columns", "merging"]);
}

#[test]
fn two_arms_and_five_hundred() {
    let shell = Shell::new();
    shell.write("data.csv", data(2, 40));
    let found = shell.run(&format!("{FUSE} --json -")).exits(0).json();
    assert_eq!(found["groups"], serde_json::json!([["arm0"], ["arm1"]]));
    shell.write("data.csv", data(500, 12));
    let ran = shell.run(&format!("{FUSE} --weights none --groups 2 --json -")).exits(0);
    let found = ran.says(&["500 arms (at most 64)", "heuristic"]).json();
    for group in found["groups"].as_array().unwrap() {
        assert_eq!(group.as_array().unwrap().len(), 250);
    }
}

#[test]
fn an_outcome_that_tells_nothing() {
    let shell = Shell::new();
    let constant = |line: &str| format!("7.3,{}\n", line.split_once(',').unwrap().1);
    let text = data(5, 20);
    let rows: String = text.lines().skip(1).map(constant).collect();
    shell.write("data.csv", format!("Y,A,X1,X2,X3\n{rows}"));
    for penalty in ["l0", "lasso", "adaptive", "wald", "mcp", "scad", "tlp"] {
        let found = shell.run(&format!("{FUSE} --penalty {penalty} --json -")).exits(0).json();
        assert_eq!(found["groups"].as_array().unwrap().len(), 1, "{penalty}");
        assert!(number(&found["rss"]).abs() < 1e-12, "{penalty}");
    }
    shell.run(&format!("{FUSE} --compare")).exits(0);
    // As many groups as asked for would be no better.
    let found = shell
        .run(&format!("{FUSE} --groups 3 --json -"))
        .exits(0)
        .says(&["no partition into 3 groups is better"]);
    assert_eq!(found.json()["groups"].as_array().unwrap().len(), 1);
}

#[test]
fn columns_that_say_nothing_new() {
    let shell = Shell::new();
    let text = data(6, 20);
    shell.write("data.csv", &text);
    let plain = shell.run(&format!("{FUSE} --weights none --json -")).exits(0).json();
    let more = |line: &str| {
        let cells: Vec<f64> = line.split(',').skip(2).map(|cell| cell.parse().unwrap()).collect();
        format!("{line},7,{}\n", 2.0 * cells[0] - cells[1] + 3.0)
    };
    let rows: String = text.lines().skip(1).map(more).collect();
    shell.write("data.csv", format!("Y,A,X1,X2,X3,C,S\n{rows}"));
    let found =
        shell.run(&format!("{FUSE},C,S --weights none --json -")).exits(0).says(&["\"C\"", "\"S\""]).json();
    assert_eq!(found["groups"], plain["groups"]);
    assert!((number(&found["rss"]) - number(&plain["rss"])).abs() < 1e-7);
    for coefficients in found["coefficients"].as_object().unwrap().values() {
        assert_eq!((number(&coefficients[4]), number(&coefficients[5])), (0.0, 0.0));
    }
}

/// Nothing is left of the outcome within arms: the grid is that of the differences between them.
#[test]
fn arms_without_noise() {
    let shell = Shell::new();
    let row =
        |i: usize| format!("{},arm{},{}\n", 40.0 * f64::from(u8::from(i % 8 < 4)), i % 8, (i as f64).sin());
    for rows in [2, 9] {
        shell.write("data.csv", format!("Y,A,X\n{}", (0..8 * rows).map(row).collect::<String>()));
        for penalty in ["l0", "lasso", "wald", "mcp"] {
            let line =
                "fuse data.csv --outcome Y --treatment A --covariates X --weights none --main-effect none";
            let found = shell.run(&format!("{line} --penalty {penalty} --json -")).exits(0).json();
            let halves = [["arm0", "arm1", "arm2", "arm3"], ["arm4", "arm5", "arm6", "arm7"]];
            assert_eq!(found["groups"], serde_json::json!(halves), "{penalty}, {rows} rows");
        }
    }
}

/// Of an arm with fewer rows than columns any fit is perfect: it joins the group that it harms least.
#[test]
fn an_arm_with_fewer_rows_than_columns() {
    let shell = Shell::new();
    let text = data(4, 30);
    let mut left = 3;
    let kept = text.lines().filter(|line| {
        let rare = line.contains(",arm3,");
        left -= i32::from(rare && left > 0);
        !rare || left > 0
    });
    shell.write("data.csv", kept.collect::<Vec<_>>().join("\n") + "\n");
    let found = shell.run(&format!("{FUSE} --weights none --json -")).exits(0).json();
    assert_eq!(found["groups"], serde_json::json!([["arm0", "arm2"], ["arm1", "arm3"]]));
    assert_eq!(found["proved"], true);
    shell.write("w.csv", "weight\n".to_string() + &"1\n".repeat(5));
    shell.run(&format!("{FUSE} --weights w.csv")).exits(3).says(&["w.csv: 5 rows", "data.csv has"]);
}
