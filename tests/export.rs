//! Exported rules score as `predict` does: in a real SQLite (Python's sqlite3) and in Python, on rows with ties at the
//! thresholds.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use prescribe::rule::RuleFile;
use prescribe::rule::export::{Dialect, Format};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

const ROWS: usize = 100_000;

fn rule(rule: Value) -> RuleFile {
    let provenance = json!({"model": "", "solver": "", "solver_version": "", "promise": "exact",
        "termination_status": "OPTIMAL", "objective_value": null, "objective_bound": null, "verified": true,
        "model_hash": "", "data_hash": ""});
    let mut keys = json!({"schema_version": 1, "covariates": ["a \"b\"", "x'1"], "arms": ["it's", "b", "c"],
        "direction": "maximize", "encoding": "numeric", "provenance": provenance});
    keys.as_object_mut().unwrap().extend(rule.as_object().unwrap().clone());
    serde_json::from_value(keys).unwrap()
}

fn tree() -> RuleFile {
    rule(json!({"kind": "tree", "root": {"covariate": "a \"b\"", "threshold": 0.1,
        "left": {"covariate": "x'1", "threshold": -2.5e-7, "left": {"arm": "it's"}, "right": {"arm": "b"}},
        "right": {"arm": "c"}}}))
}

fn linear() -> RuleFile {
    rule(json!({"kind": "linear", "arms": ["it's", "c"], "intercept": -0.3, "coefficients": [1.0, -0.7]}))
}

/// Rows of which a third hit a threshold of the tree exactly.
fn rows() -> Vec<[f64; 2]> {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let mut value =
        |tie: f64| if random.random_range(0..3) == 0 { tie } else { random.random_range(-1.0..1.0) };
    (0..ROWS).map(|_| [value(0.1), value(-2.5e-7)]).collect()
}

/// Runs a Python script on the rows (JSON on standard input) and returns the arms it prints.
fn python(script: &str, rows: &[[f64; 2]]) -> Vec<String> {
    let mut child = Command::new("python3")
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 runs");
    let mut input = child.stdin.take().unwrap();
    input.write_all(serde_json::to_string(rows).unwrap().as_bytes()).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

fn predicted(rule: &RuleFile, rows: &[[f64; 2]]) -> Vec<String> {
    let arms = rule.assign(rows.iter().map(|row| row.as_slice())).unwrap();
    arms.into_iter().map(|k| rule.header.arms[k].clone()).collect()
}

#[test]
fn python_agrees_with_predict() {
    let rows = rows();
    for rule in [tree(), linear()] {
        let script = format!(
            "import json, sys\n{}\nnames = ['a \"b\"', \"x'1\"]\n\
             print(json.dumps([assign(dict(zip(names, row))) for row in json.load(sys.stdin)]))",
            rule.export(Format::Python).unwrap()
        );
        assert!(python(&script, &rows) == predicted(&rule, &rows));
    }
}

#[test]
fn sqlite_agrees_with_predict() {
    let rows = rows();
    for rule in [tree(), linear()] {
        let script = format!(
            "import json, sqlite3, sys\ndb = sqlite3.connect(':memory:')\n\
             db.execute(\"CREATE TABLE t (`a \\\"b\\\"` REAL, `x'1` REAL)\")\n\
             db.executemany('INSERT INTO t VALUES (?, ?)', json.load(sys.stdin))\n\
             print(json.dumps([r[0] for r in db.execute('''SELECT {} FROM t ORDER BY rowid''')]))",
            rule.export(Format::Sql(Dialect::Sqlite)).unwrap().trim_end()
        );
        assert!(python(&script, &rows) == predicted(&rule, &rows));
    }
}

#[test]
fn sql_gives_null_where_a_covariate_is_missing() {
    let script = format!(
        "import json, sqlite3\ndb = sqlite3.connect(':memory:')\n\
         print(json.dumps([str(r[0]) for r in db.execute('''SELECT {} FROM (SELECT NULL AS `a \"b\"`, 1.0 AS `x'1`)''')]))",
        tree().export(Format::Sql(Dialect::Sqlite)).unwrap().trim_end()
    );
    assert_eq!(python(&script, &[]), ["None"]);
}

#[test]
fn policytree_prints_nodes_in_breadth_first_order() {
    let printed = tree().export(Format::Policytree).unwrap();
    let expected = "policy_tree object \nTree depth:  2 \nActions:  1: it's 2: b 3: c \nVariable splits: \n\
        (1) split_variable: a \"b\"  split_value: 0.1 \n  (2) split_variable: x'1  split_value: -0.00000025 \n    \
        (4) * action: 1 \n    (5) * action: 2 \n  (3) * action: 3 \n";
    assert_eq!(printed, expected);
}

#[test]
fn pictures_are_of_trees_only() {
    assert!(tree().export(Format::Svg).unwrap().starts_with("<svg"));
    assert!(tree().export(Format::Dot).unwrap().contains("n0 -> n1 [label=yes]"));
    for format in [Format::Svg, Format::Dot, Format::Policytree] {
        assert!(linear().export(format).is_err());
    }
}

#[test]
fn the_shipped_program_exports_what_the_library_does() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rule.json");
    std::fs::write(&path, tree().export(Format::Json).unwrap()).unwrap();
    assert_eq!(RuleFile::read(&path).unwrap(), tree());
    let out = export(&path, &["--to", "sql", "--dialect", "duckdb"]);
    assert_eq!(out, tree().export(Format::Sql(Dialect::Duckdb)).unwrap());
}

fn export(rule: &Path, arguments: &[&str]) -> String {
    let program = env!("CARGO_BIN_EXE_prescribe");
    let output = Command::new(program).arg("export").arg(rule).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
