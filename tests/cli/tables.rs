//! Decision tables through the program: matrices by both solvers, and a study the whole way.

use serde_json::Value;

use crate::instances::{close, instance};
use crate::shell::Shell;
use crate::solve::assert_report;

const SOLVE: &str = "solve table --covariates X.csv --rewards G.csv --depth 2";

#[test]
fn both_solvers_agree_under_a_budget() {
    let (shell, instance) = (Shell::new(), instance(5, 30, 2, &["none", "drug", "both"], false));
    instance.write(&shell);
    let solve = |how: &str| -> Value {
        let report = shell.run(&format!("{SOLVE} {how} --json -")).exits(0).json();
        assert_report(&report, &instance);
        assert_eq!(report["termination_status"], "OPTIMAL", "{how}");
        assert_eq!(report["model"], "table_rule");
        report
    };
    let value = |report: &Value| report["objective_value"].as_f64().unwrap();
    let free = solve("--candidates quantiles:5");
    assert_eq!(free["solver"], "enumerate");
    assert!(close(value(&free), value(&solve("--candidates quantiles:5 --solver milp"))));
    let tight = solve("--candidates quantiles:5 --budget-share 0.3");
    assert!(value(&tight) < value(&free));
    assert!(close(value(&tight), value(&solve("--candidates quantiles:5 --budget-share 0.3 --solver milp"))));
    let treated = instance
        .x
        .iter()
        .map(|x| crate::instances::arm_of(&tight["point"], &instance.covariates, x))
        .filter(|arm| arm != "none");
    assert!(treated.count() <= 9);
    shell.run(&format!("{SOLVE} --sign x1=+")).exits(2).says(&["x1", "linear"]);
}

#[test]
fn a_study_goes_the_whole_way() {
    let shell = Shell::new();
    // The drug helps the young women and the old men.
    let row = |i: usize| {
        let (age, sex, arm) = (20 + i * 7 % 40, i / 2 % 2, i % 2);
        let helped = (age >= 40) == (sex == 1);
        let y = f64::from(u8::from(helped == (arm == 1))) + ((i * 37) % 11) as f64 / 20.0;
        format!("u{i},{y},{arm},{age},{sex}\n")
    };
    shell.write("trial.csv", (0..240).map(row).fold("id,y,a,age,sex\n".to_string(), |text, row| text + &row));
    shell
        .run(
            "learn trial.csv --outcome y --treatment a --covariates age,sex --id id --propensity 1=0.5,0=0.5 \
             --policy table --depth 2 --min-leaf 20 --maximize --out out",
        )
        .exits(0);
    let (rule, report) = (shell.json("out/rule.json"), shell.json("out/report.json"));
    assert_eq!((&report["model"], &report["termination_status"]), (&"table_rule".into(), &"OPTIMAL".into()));
    assert_eq!(rule["kind"], "tree");
    let root = &rule["root"];
    assert_eq!(root["left"]["covariate"], root["right"]["covariate"], "one question for all: {root}");
    assert_eq!(root["left"]["threshold"], root["right"]["threshold"]);
    shell.run("verify out").exits(0);
    let given = shell.run("predict out/rule.json trial.csv").exits(0);
    assert!(given.stdout.lines().count() > 240);
    for format in ["text", "sql", "python", "svg"] {
        shell.run(&format!("export out/rule.json --to {format}")).exits(0);
    }
}

#[test]
fn a_table_without_questions_is_refused() {
    let shell = Shell::new();
    shell.write("trial.csv", "y,a,x\n1,0,1\n2,1,2\n");
    let learn = "learn trial.csv --outcome y --treatment a --covariates x --maximize";
    shell.write("zero.toml", "[policy]\nclass = \"table\"\ndepth = 0\n");
    shell.run(&format!("{learn} --config zero.toml")).exits(2).says(&["depth 0", "table"]);
    shell.run(&format!("{learn} --policy linear --depth 2")).exits(2).says(&["--policy tree or table"]);
}
