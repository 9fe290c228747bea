//! `evaluate --interference`, through the program: the oracle's estimators, files, and what is refused.

use serde_json::{Value, json};

use crate::shell::Shell;

const EVALUATE: &str =
    "evaluate rule.json data.csv --outcome Y --treatment A --maximize --propensity propensity";

fn file(name: &str) -> String {
    let path = format!("{}/tests/oracles/interference/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

/// The oracle's data, with its fixed outcome models as columns g0 and g, and its linear rule.
pub fn oracle_in(shell: &Shell) -> Value {
    let text = file("ds1_logit_A.csv");
    let rows: Vec<Vec<f64>> = text
        .lines()
        .skip(1)
        .map(|line| line.split(',').map(|cell| cell.parse().unwrap()).collect())
        .collect();
    let mut data = String::from("cluster,unit,Y,A,propensity,X1,X2,X3,X4,fold,g0,g\n");
    for (line, row) in text.lines().skip(1).zip(&rows) {
        let same: Vec<&Vec<f64>> = rows.iter().filter(|other| other[0] == row[0]).collect();
        let mean = |j: usize| same.iter().map(|row| row[j]).sum::<f64>() / same.len() as f64;
        let g0 = 0.1 + 0.2 * mean(6) + 0.3 * mean(7);
        let g = (0.5 + 0.4 * row[5] - 0.2 * row[7]) / same.len() as f64;
        data.push_str(&format!("{line},{g0:?},{g:?}\n"));
    }
    shell.write("data.csv", data);
    let learn = "learn data.csv --outcome Y --treatment A --covariates X1,X2,X3,X4 --propensity propensity --maximize \
                 --policy linear --solver smooth --out out";
    shell.run(learn);
    shell.write("rule.json", shell.read("out/rule.json"));
    shell.edit("rule.json", |rule| {
        (rule["intercept"], rule["coefficients"]) = (json!(0.2), json!([1.0, -0.5, 0.3, 0.8]));
    });
    serde_json::from_str::<Value>(&file("expected.json")).unwrap()["datasets"]["ds1_logit_A"].clone()
}

#[test]
fn estimators_equal_the_oracle() {
    let shell = Shell::new();
    let expected = &oracle_in(&shell)["policies"]["linear"];
    let estimators = [
        ("unknown", "IPW"),
        ("additive", "addIPW"),
        ("polynomial:2", "poly2"),
        ("polynomial:3", "poly3"),
        ("anonymous", "anon"),
        ("none", "none"),
        ("additive --doubly-robust --g0 g0 --g g", "addDR_fixed"),
    ];
    for (flags, name) in estimators {
        let line = format!("{EVALUATE} --cluster cluster --interference {flags} --json -");
        let found = shell.run(&line).exits(0).json();
        for (key, of) in [("value", "value"), ("standard_error", "se_cluster")] {
            let truth = expected[of][name].as_f64().unwrap();
            assert!((found[key].as_f64().unwrap() - truth).abs() < 1e-10, "{name}: {found:#} {truth}");
        }
        let share = expected["mean_cluster_share"].as_f64().unwrap();
        assert!((found["treated_share"].as_f64().unwrap() - share).abs() < 1e-12);
        // A cost takes its share from the value.
        let costly = shell.run(&format!("{line} --cost 0.2")).exits(0).json();
        let lost = found["value"].as_f64().unwrap() - costly["value"].as_f64().unwrap();
        assert!((lost - 0.2 * share).abs() < 1e-12, "{costly:#}");
    }
}

#[test]
fn influence_values_order_and_labels() {
    let shell = Shell::new();
    oracle_in(&shell);
    let line = format!("{EVALUATE} --cluster cluster --interference additive --influence psi.csv --json -");
    let found = shell.run(&line).exits(0).json();
    let influence = shell.read("psi.csv");
    let psi: Vec<f64> =
        influence.lines().skip(1).map(|line| line.rsplit(',').next().unwrap().parse().unwrap()).collect();
    let mean = psi.iter().sum::<f64>() / psi.len() as f64;
    assert!(psi.len() == 20 && (mean - found["value"].as_f64().unwrap()).abs() < 1e-12);
    // Rows in another order, and clusters called by strings.
    let text = shell.read("data.csv");
    let mut rows: Vec<&str> = text.lines().skip(1).collect();
    rows.sort_by_key(|row| row.split(',').nth(2).unwrap().to_string());
    let named: Vec<String> = rows.iter().map(|row| format!("village {row}")).collect();
    shell.write("data.csv", format!("{}\n{}\n", text.lines().next().unwrap(), named.join("\n")));
    let shuffled = shell.run(&line).exits(0).json();
    for key in ["value", "standard_error", "effective_sample_size"] {
        let off = shuffled[key].as_f64().unwrap() - found[key].as_f64().unwrap();
        assert!(off.abs() < 1e-12, "{key}: {shuffled:#} {found:#}");
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let shell = Shell::new();
    oracle_in(&shell);
    let base = |flags: &str| format!("{EVALUATE} --interference {flags}");
    let refused = |line: &str, code: i32, parts: &[&str]| {
        let ran = shell.run(line).exits(code);
        parts.iter().for_each(|part| assert!(ran.stderr.contains(part), "{line}: {}", ran.stderr));
    };
    refused(&base("additive"), 3, &["data.csv", "there are none", "--cluster"]);
    refused(&base("polynomial:0 --cluster cluster"), 2, &["polynomial:B"]);
    refused(&base("unknown --doubly-robust --cluster cluster"), 2, &["--interference additive"]);
    refused(&base("additive --doubly-robust --g0 g0 --cluster cluster"), 2, &["--g"]);
    refused(&base("additive --cluster cluster --doubly-robust --folds 1"), 2, &["1 fold", "--folds 2"]);
    refused(&base("additive --cluster cluster --weights propensity"), 2, &["--weights"]);
    refused(&base("additive --cluster cluster --against rule.json"), 2, &["--against"]);
    refused(&format!("{EVALUATE} --minimize --interference none --cluster cluster"), 2, &["--minimize"]);
    let text = shell.read("data.csv");
    let with = |change: &dyn Fn(Vec<&str>) -> String| {
        let rows: Vec<String> = text.lines().skip(1).map(|line| change(line.split(',').collect())).collect();
        format!("{}\n{}\n", text.lines().next().unwrap(), rows.join("\n"))
    };
    let one = with(&|mut row| {
        row[0] = "all";
        row.join(",")
    });
    shell.write("data.csv", one);
    refused(&base("additive --cluster cluster"), 3, &["only 1"]);
    let certain = with(&|mut row| {
        row[4] = if row[1] == "1" { "1" } else { row[4] };
        row.join(",")
    });
    shell.write("data.csv", certain);
    refused(&base("additive --cluster cluster"), 3, &["data.csv", "propensity"]);
    let third = with(&|mut row| {
        row[3] = if row[0] == "3" { "2" } else { row[3] };
        row.join(",")
    });
    shell.write("data.csv", third);
    refused(&base("additive --cluster cluster"), 3, &["data.csv", "A"]);
    let nowhere = with(&|mut row| {
        row[0] = if row[0] == "3" { "" } else { row[0] };
        row.join(",")
    });
    shell.write("data.csv", nowhere);
    refused(&base("additive --cluster cluster"), 3, &["data.csv", "cluster"]);
}
