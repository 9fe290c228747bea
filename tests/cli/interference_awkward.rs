//! Studies of units that affect each other as they come: units alone, huge clusters, units without covariates or twice, neighbours, and treatments
//! that depend on each other.

use serde_json::{Value, json};

use crate::shell::Shell;

const EVALUATE: &str =
    "evaluate rule.json data.csv --outcome y --treatment a --propensity p --cluster village --json -";

/// A rule that treats where x >= 0, of arms 0 and 1.
fn rule_in(shell: &Shell) {
    shell.write("learned.csv", "y,a,x\n1,1,1\n0,0,2\n0,1,-1\n1,0,-2\n");
    let learn = "learn learned.csv --outcome y --treatment a --covariates x --maximize --policy linear \
                 --score ipw --test-share 0 --out out";
    shell.run(learn).exits(0);
    shell.write("rule.json", shell.read("out/rule.json"));
    shell.edit("rule.json", |rule| {
        (rule["kind"], rule["arms"]) = (json!("linear"), json!(["0", "1"]));
        (rule["intercept"], rule["coefficients"]) = (json!(0.0), json!([1.0]));
        rule["encoding"] = json!([{"kind": "value", "covariate": "x"}]);
    });
}

fn shell() -> Shell {
    let shell = Shell::new();
    rule_in(&shell);
    shell
}

/// Villages of these sizes, with treatments, outcomes and covariates that look random but are the same every time.
fn villages(sizes: &[usize]) -> Vec<[String; 6]> {
    let mut state = 12345_u64;
    let mut uniform = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as f64 / (1u64 << 31) as f64
    };
    let mut rows = Vec::new();
    for (i, &size) in sizes.iter().enumerate() {
        for j in 0..size {
            let (x, treated) = (2.0 * uniform() - 1.0, uniform() < 0.4);
            let y = x + uniform() + if treated { x } else { 0.0 };
            let arm = u8::from(treated);
            rows.push([
                format!("v{i}"),
                format!("u{i}-{j}"),
                format!("{y:?}"),
                arm.to_string(),
                "0.4".into(),
                format!("{x:?}"),
            ]);
        }
    }
    rows
}

fn csv(rows: &[[String; 6]]) -> String {
    let lines: Vec<String> = rows.iter().map(|row| row.join(",")).collect();
    format!("village,id,y,a,p,x\n{}\n", lines.join("\n"))
}

fn number(value: &Value, key: &str) -> f64 {
    value[key].as_f64().unwrap_or_else(|| panic!("{key} of {value:#}"))
}

#[track_caller]
fn same(found: &Value, expected: &Value) {
    for key in ["value", "standard_error", "treated_share", "effective_sample_size"] {
        let off = number(found, key) - number(expected, key);
        assert!(off.abs() < 1e-12, "{key}: {found:#} {expected:#}");
    }
}

#[test]
fn in_villages_of_one_all_interference_is_none() {
    let shell = shell();
    let rows = villages(&[1; 40]);
    shell.write("data.csv", csv(&rows));
    // By hand: the mean of y 1{a = 1{x >= 0}} / e(a).
    let cell = |row: &[String; 6], j: usize| row[j].parse::<f64>().unwrap();
    let psi = |row: &[String; 6]| {
        let agrees = (cell(row, 3) == 1.0) == (cell(row, 5) >= 0.0);
        let chance = if cell(row, 3) == 1.0 { 0.4 } else { 0.6 };
        if agrees { cell(row, 2) / chance } else { 0.0 }
    };
    let value = rows.iter().map(psi).sum::<f64>() / rows.len() as f64;
    for kind in ["none", "additive", "polynomial:3", "anonymous", "unknown"] {
        let found = shell.run(&format!("{EVALUATE} --interference {kind}")).exits(0).json();
        assert!((number(&found, "value") - value).abs() < 1e-12, "{kind}: {found:#} {value}");
    }
    shell.run(&format!("{EVALUATE} --interference additive --doubly-robust")).exits(0);
}

#[test]
fn a_village_of_200_is_weighed_by_logarithms() {
    let shell = shell();
    let sizes: Vec<usize> = (0..30).map(|i| if i == 7 { 200 } else { 2 + i % 4 }).collect();
    let mut rows = villages(&sizes);
    shell.write("data.csv", csv(&rows));
    for kind in ["none", "additive", "polynomial:2", "anonymous", "unknown"] {
        let found = shell.run(&format!("{EVALUATE} --interference {kind}")).exits(0).json();
        assert!(number(&found, "value").is_finite(), "{kind}: {found:#}");
    }
    // Where all of them were treated as the rule says, the weight is .4^-k .6^-(200 - k), and nothing else counts.
    for row in &mut rows {
        row[3] = if row[5].starts_with('-') { "0" } else { "1" }.into();
    }
    shell.write("data.csv", csv(&rows));
    let ran = shell.run(&format!("{EVALUATE} --interference unknown --influence psi.csv")).exits(0);
    let large: Vec<&[String; 6]> = rows.iter().filter(|row| row[0] == "v7").collect();
    let logs: f64 = large.iter().map(|row| if row[3] == "1" { 0.4_f64.ln() } else { 0.6_f64.ln() }).sum();
    let mean = large.iter().map(|row| row[2].parse::<f64>().unwrap()).sum::<f64>() / 200.0;
    let psi: f64 = shell.read("psi.csv").lines().nth(8).unwrap().rsplit(',').next().unwrap().parse().unwrap();
    assert!((psi / (mean * (-logs).exp()) - 1.0).abs() < 1e-9, "{psi}");
    assert!(number(&ran.json(), "effective_sample_size") < 1.0 + 1e-9);
}

#[test]
fn rows_in_any_order_and_ids_of_any_kind_give_the_same_numbers() {
    let shell = shell();
    let mut rows = villages(&[3, 1, 4, 2, 5, 3, 2, 6]);
    shell.write("data.csv", csv(&rows));
    let line = format!("{EVALUATE} --interference additive --id id");
    let expected = shell.run(&line).exits(0).json();
    rows.sort_by(|a, b| a[2].cmp(&b[2]));
    for row in &mut rows {
        (row[0], row[1]) = (format!("\"Village, {}\"", row[0]), format!("Äußerst {}", row[1]));
    }
    shell.write("data.csv", csv(&rows));
    same(&shell.run(&line).exits(0).json(), &expected);
    // Two words for the arms: those of the rule.
    shell.edit("rule.json", |rule| rule["arms"] = json!(["no", "yes"]));
    for row in &mut rows {
        row[3] = if row[3] == "1" { "yes" } else { "no" }.into();
    }
    shell.write("data.csv", csv(&rows));
    same(&shell.run(&line).exits(0).json(), &expected);
}

#[test]
fn who_misses_a_covariate_counts_in_its_village_and_is_not_treated() {
    let shell = shell();
    let mut rows = villages(&[3, 1, 4, 2, 5, 3, 2, 6]);
    for (at, x) in [(0, "-1"), (5, "-2"), (11, "-0.5")] {
        rows[at][5] = x.into();
    }
    shell.write("data.csv", csv(&rows));
    for flags in ["additive", "anonymous", "none", "unknown", "additive --cost 0.3"] {
        // The rule does not treat them where x is there either.
        shell.write("data.csv", csv(&rows));
        let line = format!("{EVALUATE} --interference {flags}");
        let expected = shell.run(&line).exits(0).json();
        let mut missing = rows.clone();
        [0, 5, 11].into_iter().for_each(|at| missing[at][5] = "NA".into());
        shell.write("data.csv", csv(&missing));
        shell.run(&line).exits(3).says(&["line 2", "\"x\"", "--missing drop"]);
        let ran = shell.run(&format!("{line} --missing drop")).exits(0);
        same(&ran.json(), &expected);
        let said = ["3 of 26 units without a covariate (x: 3)", "no rule treats them", "count them"];
        assert!(said.iter().all(|said| ran.stderr.contains(said)), "{}", ran.stderr);
    }
    // Whatever else is missing takes something from the mean of a cluster.
    for (column, name) in [(0, "village"), (2, "y"), (3, "a"), (4, "p")] {
        let mut missing = rows.clone();
        missing[4][column] = String::new();
        shell.write("data.csv", csv(&missing));
        let line = format!("{EVALUATE} --interference additive --missing drop");
        let ran = shell.run(&line).exits(3);
        assert!(
            ran.stderr.contains(&format!("line 6, column {name:?}: the value is missing")),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn a_unit_twice_one_village_and_certain_treatments_are_refused() {
    let shell = shell();
    let rows = villages(&[3, 1, 4, 2]);
    let with = |change: &dyn Fn(&mut Vec<[String; 6]>)| {
        let mut rows = rows.clone();
        change(&mut rows);
        shell.write("data.csv", csv(&rows));
        shell.run(&format!("{EVALUATE} --interference additive --id id"))
    };
    with(&|_| ()).exits(0);
    with(&|rows| rows[2][1] = "u0-0".into()).exits(3).says(&["\"u0-0\"", "rows 1 and 3"]);
    // The same name in another village is somebody else.
    with(&|rows| rows[3][1] = "u0-0".into()).exits(0);
    with(&|rows| rows.iter_mut().for_each(|row| row[0] = "v".into())).exits(3).says(&["only 1"]);
    with(&|rows| rows[5][4] = "1".into()).exits(3).says(&["line 7", "\"p\"", "between 0 and 1"]);
    with(&|rows| rows[5][4] = "0".into()).exits(3).says(&["line 7", "\"p\"", "between 0 and 1"]);
    with(&|rows| rows[5][3] = "2".into()).exits(3).says(&["\"2\""]);
}

#[test]
fn treatments_drawn_without_replacement_are_noticed() {
    let shell = shell();
    let mut rows = villages(&[5; 20]);
    for (j, row) in rows.iter_mut().enumerate() {
        row[3] = u8::from((j + j / 5) % 5 < 2).to_string();
    }
    shell.write("data.csv", csv(&rows));
    let line = format!("{EVALUATE} --interference additive");
    // P(2 of 5 at .4) = .3456, to the 20th power 5.9e-10.
    shell.run(&line).exits(0).says(&["without replacement", "5.9e-10", "--design complete"]);
    shell.run(&format!("{line} --design bernoulli")).exits(0).says(&["without replacement"]);
    // A user who says so need not be told; that this rule does not treat two in every village is another matter, said after all warnings.
    let told = shell.run(&format!("{line} --design complete")).exits(3).says(&["always 2"]);
    assert!(!told.stderr.contains("without replacement"), "{}", told.stderr);
    let independent = villages(&[5; 20]);
    shell.write("data.csv", csv(&independent));
    let ran = shell.run(&line).exits(0);
    assert!(!ran.stderr.contains("without replacement"), "{}", ran.stderr);
}

#[test]
fn a_rule_that_looks_at_neighbours_finds_them_in_new_data() {
    let shell = shell();
    let rows = villages(&[3, 1, 4, 2, 5, 3, 2, 6, 4, 4]);
    shell.write("data.csv", csv(&rows));
    shell.write("edges.csv", "from,to\nu0-0,u0-2\nu2-1,u2-3\nu2-0,u2-3\nu4-4,u4-0\n");
    let learn = "learn data.csv --outcome y --treatment a --covariates x --cluster village --id id --edges edges.csv \
                 --neighbours mean_others:x,cluster_size,degree --maximize --policy linear --solver smooth --test-share 0 --out learned";
    shell.run(learn).exits(0);
    shell.run("verify learned").exits(0);
    let rule = shell.json("learned/rule.json");
    let made = |j: usize| rule["covariates"][j]["made"].as_str();
    assert_eq!([0, 1, 2, 3].map(made), [None, Some("mean_others(x)"), Some("cluster_size"), Some("degree")]);
    // A rule by hand on the covariates that are made: x + mean of the others - cluster size / 4 + degree.
    shell.edit("learned/rule.json", |rule| {
        (rule["intercept"], rule["coefficients"]) = (json!(0.25), json!([1.0, 1.0, -0.25, 1.0]));
    });
    let predict = "predict learned/rule.json data.csv --id id";
    shell.run(predict).exits(2).says(&["mean_others(x)", "--cluster"]);
    shell.run(&format!("{predict} --cluster village")).exits(2).says(&["degree", "--edges"]);
    let arms = shell.run(&format!("{predict} --cluster village --edges edges.csv")).exits(0).stdout;
    let degree = |id: &str| {
        ["u0-0", "u0-2", "u2-1", "u2-3", "u2-3", "u2-0", "u4-4", "u4-0"]
            .iter()
            .filter(|end| **end == id)
            .count()
    };
    let x = |row: &[String; 6]| row[5].parse::<f64>().unwrap();
    let mut expected = String::from("id,arm\n");
    for row in &rows {
        let others: Vec<f64> =
            rows.iter().filter(|other| other[0] == row[0] && other[1] != row[1]).map(x).collect();
        let mean = if others.is_empty() { x(row) } else { others.iter().sum::<f64>() / others.len() as f64 };
        let height = 0.25 + x(row) + mean - 0.25 * (others.len() as f64 + 1.0) + degree(&row[1]) as f64;
        expected.push_str(&format!("{},{}\n", row[1], u8::from(height >= 0.0)));
    }
    assert_eq!(arms, expected);
    assert!(arms.contains(",1\n") && arms.contains(",0\n"));
    // Evaluated, the rule treats the same.
    let line = "evaluate learned/rule.json data.csv --outcome y --treatment a --propensity p --cluster village --id id \
                --interference additive --json -";
    shell.run(line).exits(2).says(&["degree", "--edges"]);
    let found = shell.run(&format!("{line} --edges edges.csv")).exits(0).json();
    let share = |i: usize| {
        let of: Vec<bool> = rows
            .iter()
            .zip(arms.lines().skip(1))
            .filter(|(row, _)| row[0] == format!("v{i}"))
            .map(|(_, line)| line.ends_with(",1"))
            .collect();
        of.iter().filter(|treated| **treated).count() as f64 / of.len() as f64
    };
    let treated = (0..10).map(share).sum::<f64>() / 10.0;
    assert!((number(&found, "treated_share") - treated).abs() < 1e-12, "{found:#} {treated}");
}

#[test]
fn a_rule_is_learned_of_those_it_reaches_and_valued_on_all() {
    let shell = shell();
    let mut rows = villages(&[3, 1, 4, 2, 5, 3, 2, 6, 4, 4]);
    [2, 7, 20].into_iter().for_each(|at| rows[at][5] = "NA".into());
    shell.write("data.csv", csv(&rows));
    let study = "data.csv --outcome y --treatment a --propensity p --cluster village --missing drop --interference additive";
    let learn = "--covariates x --neighbours mean_others:x,cluster_size --maximize --policy tree --candidates all \
                 --test-share 0 --cost 0.1 --out learned --json -";
    let learned = shell.run(&format!("learn {study} {learn}")).exits(0).json();
    assert_eq!(
        (&learned["report"]["termination_status"], &learned["dropped"]),
        (&json!("OPTIMAL"), &json!(0))
    );
    let summary = shell.read("learned/summary.txt");
    assert!(summary.contains("34 units in 10 clusters (3 never treated for missing values)"), "{summary}");
    shell.run("verify learned").exits(0);
    let line = format!("evaluate learned/rule.json {study} --cost 0.1 --json -");
    let found = shell.run(&line).exits(0).json();
    let value = number(&learned["report"], "objective_value");
    assert!((number(&found, "value") - value).abs() < 1e-10, "{found:#} {value}");
    // Whatever x those have who miss it, a rule that would treat them all the same does not.
    shell.edit("learned/rule.json", |rule| {
        rule["kind"] = json!("tree");
        rule["root"] = json!({"arm": "1"});
    });
    let share = |of: &str| {
        let village: Vec<&[String; 6]> = rows.iter().filter(|row| row[0] == of).collect();
        village.iter().filter(|row| row[5] != "NA").count() as f64 / village.len() as f64
    };
    let treated = (0..10).map(|i| share(&format!("v{i}"))).sum::<f64>() / 10.0;
    let everybody = shell.run(&line).exits(0).json();
    assert!((number(&everybody, "treated_share") - treated).abs() < 1e-12, "{everybody:#} {treated}");
}
