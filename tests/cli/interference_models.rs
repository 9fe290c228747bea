//! `evaluate --interference` beyond the oracle's estimators: designs, outcome models, comparisons and costs.

use serde_json::{Value, json};

use crate::shell::Shell;

const CLUSTERS: usize = 24;
const ADDITIVE: &str = "evaluate rule.json data.csv --outcome Y --treatment A --id id --cluster cluster --interference additive --json -";

/// Clusters of four, two of them treated, one of the first and one of the second half; x is at least 0 for two of them, w for one.
fn study(shell: &Shell) {
    let mut data = String::from("id,cluster,half,Y,A,e,e3,x,w\n");
    let mut state = 7_u64;
    let mut random = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as f64 / (1_u64 << 31) as f64
    };
    for i in 0..CLUSTERS {
        let (first, second) = (usize::from(random() < 0.5), 2 + usize::from(random() < 0.5));
        for j in 0..4 {
            let treated = u8::from(j == first || j == second);
            let x = if (j + i) % 2 == 0 { random() } else { -random() - 0.1 };
            let w = if j == i % 4 { 0.3 } else { -1.0 - random() };
            let y = random() + f64::from(treated) * x;
            let half = if j < 2 { "front" } else { "back" };
            data.push_str(&format!("{},c{i},{half},{y:?},{treated},0.5,0.3,{x:?},{w:?}\n", 4 * i + j));
        }
    }
    shell.write("data.csv", data);
    shell.run(
        "learn data.csv --outcome Y --treatment A --covariates x,w --propensity e --maximize --policy linear --solver smooth --out out",
    );
    for (name, intercept, coefficients) in
        [("rule.json", 0.0, [1.0, 0.0]), ("one.json", 0.0, [0.0, 1.0]), ("all.json", 1.0, [0.0, 0.0])]
    {
        shell.write(name, shell.read("out/rule.json"));
        shell.edit(name, |rule| {
            (rule["intercept"], rule["coefficients"]) = (json!(intercept), json!(coefficients));
        });
    }
}

fn number(found: &Value, key: &str) -> f64 {
    found.pointer(key).unwrap_or_else(|| panic!("no {key} in {found:#}")).as_f64().unwrap()
}

fn refused(shell: &Shell, line: &str, code: i32, parts: &[&str]) {
    let ran = shell.run(line).exits(code);
    parts.iter().for_each(|part| assert!(ran.stderr.contains(part), "{line}: {}", ran.stderr));
}

#[test]
fn rules_are_compared_in_pairs_and_at_costs() {
    let shell = Shell::new();
    study(&shell);
    let line = format!("{ADDITIVE} --propensity e");
    let value = |line: &str| number(&shell.run(line).exits(0).json(), "/value");
    let found =
        shell.run(&format!("{line} --against one.json --against all.json --cost 0.1")).exits(0).json();
    let differences = found["differences"].as_array().unwrap();
    let names: Vec<&str> = differences.iter().map(|d| d["against"].as_str().unwrap()).collect();
    assert_eq!(names, ["nobody", "everybody", "observed", "one.json", "all.json"]);
    let one = value(&line.replace("rule.json", "one.json").replace("--json", "--cost 0.1 --json"));
    assert!((number(&differences[3], "/estimate") - (number(&found, "/value") - one)).abs() < 1e-12);
    assert!((number(&differences[3], "/value/estimate") - one).abs() < 1e-12);
    // Everybody, by name and as a rule.
    for key in ["/estimate", "/standard_error"] {
        assert!((number(&differences[1], key) - number(&differences[4], key)).abs() < 1e-12);
    }
    assert_eq!(number(&differences[0], "/estimate"), number(&found, "/against_nobody/estimate"));
    // The check of additivity is the difference of two values.
    let pairs = value(&line.replace("additive", "polynomial:2"));
    let check = &found["additivity_check"];
    assert!((number(check, "/estimate") - (pairs - value(&line))).abs() < 1e-12);
    let p = number(check, "/p_value");
    let t = number(check, "/estimate") / number(check, "/standard_error");
    // t of 23 degrees of freedom is 2.069 at 0.05.
    assert!((0.0..=1.0).contains(&p) && (p < 0.05) == (t.abs() > 2.0687), "{check}");
    let curve = shell.run(&format!("{line} --costs 0,0.1,-0.2")).exits(0).json();
    let at = curve["cost_curve"].as_array().unwrap();
    assert_eq!(at.iter().map(|at| number(at, "/cost")).collect::<Vec<_>>(), [0.0, 0.1, -0.2]);
    assert!((number(&at[1], "/value") - number(&found, "/value")).abs() < 1e-12);
    assert!((number(&at[1], "/standard_error") - number(&found, "/standard_error")).abs() < 1e-12);
    assert_eq!(number(&at[0], "/value"), number(&curve, "/value"));
    let text = shell.run(&format!("{} --costs 0,0.1", line.replace("--json -", ""))).exits(0).stdout;
    for part in ["rule minus everybody", "rule minus observed", "rule at cost 0.1", "additivity: "] {
        assert!(text.contains(part), "{text}");
    }
    refused(&shell, &format!("{line} --costs 0,x"), 2, &["--costs"]);
    refused(&shell, &format!("{line} --costs 0,inf"), 2, &["--costs", "finite"]);
    refused(&shell, &format!("{line} --costs 0 --cost 1"), 2, &["--cost"]);
}

/// Two of four are treated, so W = 1 + 3 (agreeing treated - 1) for a rule that treats two, by C^+ = 3 (I - 11'/4).
#[test]
fn fixed_numbers_are_a_design() {
    let shell = Shell::new();
    study(&shell);
    let line = format!("{ADDITIVE} --propensity e");
    let found = shell.run(&format!("{line} --design complete --influence psi.csv")).exits(0).json();
    assert!(found.get("against_nobody").is_none() && found["differences"].as_array().unwrap().len() == 1);
    let data = shell.read("data.csv");
    let rows: Vec<Vec<&str>> = data.lines().skip(1).map(|line| line.split(',').collect()).collect();
    let by_hand: Vec<f64> = rows
        .chunks(4)
        .map(|units| {
            let mean = units.iter().map(|row| row[3].parse::<f64>().unwrap()).sum::<f64>() / 4.0;
            let agreeing = units.iter().filter(|row| row[4] == "1" && !row[7].starts_with('-')).count();
            mean * (1.0 + 3.0 * (agreeing as f64 - 1.0))
        })
        .collect();
    let mean = by_hand.iter().sum::<f64>() / CLUSTERS as f64;
    assert!((number(&found, "/value") - mean).abs() < 1e-10, "{found:#} {mean}");
    let psi = shell.read("psi.csv");
    for (line, psi) in psi.lines().skip(1).zip(&by_hand) {
        assert!((line.rsplit(',').next().unwrap().parse::<f64>().unwrap() - psi).abs() < 1e-10);
    }
    // Independent treatments would be valued otherwise, and one treated of four cannot be valued at all.
    assert!((number(&shell.run(&line).exits(0).json(), "/value") - mean).abs() > 1e-3);
    let one = line.replace("rule.json", "one.json");
    let parts = ["data.csv", "unit \"0\" (4 units)", "units 0, 1, 2, 3 is always 2", "makes it 1"];
    refused(&shell, &format!("{one} --design complete"), 3, &parts);
    let parts = ["among the units", "is always 1"];
    refused(&shell, &format!("{one} --design strata:half"), 3, &parts);
    shell
        .run(
            &format!("{line} --design strata:x --interference none --json -")
                .replace("additive --json -", ""),
        )
        .exits(2);
    refused(&shell, &format!("{line} --design strata:nowhere"), 3, &["nowhere", "no such column"]);
    refused(&shell, &format!("{line} --design drawn"), 2, &["bernoulli, complete, strata:COLUMN or joint"]);
    let skewed = line.replace("--propensity e", "--propensity e3");
    refused(&shell, &format!("{skewed} --design complete"), 3, &["0.3", "2 of the 4 units", "strata:"]);
    shell
        .run(&format!("{} --design complete", line.replace("--propensity e", "--propensity strata:cluster")))
        .exits(0);
    let unknown = line.replace("additive", "unknown");
    let ran = shell.run(&format!("{unknown} --design complete")).exits(0);
    let agreeing = number(&ran.json(), "/agreeing_clusters");
    assert!(agreeing > 0.0 && number(&ran.json(), "/effective_sample_size") == agreeing);
}

#[test]
fn joint_probabilities_are_read_from_a_file() {
    let shell = Shell::new();
    study(&shell);
    let line = format!("{ADDITIVE} --propensity e3");
    let joint = format!("{line} --design joint:pairs.csv");
    let mut pairs: Vec<String> = Vec::new();
    for i in 0..CLUSTERS {
        for (a, b) in [(0, 1), (0, 2), (3, 0), (1, 2), (1, 3), (2, 3)] {
            pairs.push(format!("c{i},{},{},0.09", 4 * i + a, 4 * i + b));
        }
    }
    pairs.push("c0,2,2,0.3".into());
    pairs.push("elsewhere,1,2,0.5".into());
    let write = |rows: &[String]| {
        shell.write("pairs.csv", format!("cluster,unit_a,unit_b,probability\n{}\n", rows.join("\n")));
    };
    write(&pairs);
    let (found, closed) = (shell.run(&joint).exits(0).json(), shell.run(&line).exits(0).json());
    for key in ["/value", "/standard_error", "/against_nobody/estimate", "/effective_sample_size"] {
        assert!((number(&found, key) - number(&closed, key)).abs() < 1e-10, "{key}: {found:#} {closed:#}");
    }
    assert!(found.get("additivity_check").is_none() && closed.get("additivity_check").is_some());
    // Treatments that attract each other have other weights.
    write(&pairs.iter().map(|row| row.replace(",0.09", ",0.15")).collect::<Vec<_>>());
    let attracted = number(&shell.run(&joint).exits(0).json(), "/value");
    assert!((attracted - number(&closed, "/value")).abs() > 1e-4);
    let with = |at: usize, row: &str| {
        let mut changed = pairs.clone();
        changed[at] = row.into();
        write(&changed);
    };
    with(0, "c0,0,9,0.09");
    refused(&shell, &joint, 3, &["pairs.csv", "line 2", "unit_b", "unit \"9\"", "data.csv"]);
    with(0, "c0,0,1,0.4");
    refused(&shell, &joint, 3, &["line 2", "0.4", "between 0 and 0.3"]);
    with(1, "c0,1,0,0.09");
    refused(&shell, &joint, 3, &["line 3", "keep one of them"]);
    write(&pairs[1..]);
    refused(&shell, &joint, 3, &["pairs.csv", "cluster \"c0\"", "units \"0\" and \"1\""]);
    // No three of four can each repel each other so much.
    write(&pairs.iter().map(|row| row.replace(",0.09", ",0.0")).collect::<Vec<_>>());
    refused(&shell, &joint, 3, &["no treatments have", "unit \"0\""]);
    refused(&shell, &joint.replace("pairs", "absent"), 1, &["absent.csv"]);
    write(&pairs);
    refused(&shell, &joint.replace("additive", "polynomial:2"), 2, &["additive and none"]);
}

#[test]
fn outcome_models_and_propensities_are_chosen() {
    let shell = Shell::new();
    study(&shell);
    let line = format!("{ADDITIVE} --propensity e --doubly-robust");
    let value = |flags: &str| number(&shell.run(&format!("{line} {flags}")).exits(0).json(), "/value");
    let linear = value("--cluster-model linear --cluster-sizes ignored");
    assert_eq!(linear, value(""));
    for flags in [
        "--cluster-model means",
        "--cluster-model polynomial:3",
        "--cluster-model spline:4",
        "--cluster-summaries mean,second-moment",
        "--cluster-baseline forest",
    ] {
        assert_ne!(value(flags), linear, "{flags}");
    }
    refused(&shell, &format!("{line} --cluster-model polynomial:0"), 2, &["polynomial:D"]);
    refused(&shell, &format!("{line} --cluster-model spline:2"), 2, &["spline:K"]);
    refused(&shell, &format!("{line} --cluster-summaries median"), 2, &["second-moment"]);
    refused(
        &shell,
        &format!("{line} --cluster-baseline forest --cluster-sizes separate"),
        2,
        &["--cluster-sizes covariate"],
    );
    let plain = format!("{ADDITIVE} --propensity e");
    refused(&shell, &format!("{plain} --cluster-model means"), 2, &["--doubly-robust"]);
    refused(&shell, &format!("{line} --cluster-model means --g0 x --g w"), 2, &["--g0 and --g"]);
    let unassumed = line.replace("--interference additive", "").replace("--doubly-robust", "");
    refused(&shell, &format!("{unassumed} --cluster-model means"), 2, &["need --interference additive"]);
    // Twelve coefficients for the nine clusters outside a fold.
    let few: Vec<String> = shell.read("data.csv").lines().take(41).map(String::from).collect();
    let whole = shell.read("data.csv");
    shell.write("data.csv", few.join("\n"));
    let long = "--cluster-summaries mean,second-moment --folds 10";
    refused(&shell, &format!("{line} {long}"), 3, &["data.csv", "9 to fit", "--cluster-model means"]);
    shell.run(&format!("{line} {long} --cluster-model polynomial:1")).exits(0);
    shell.write("data.csv", whole);
    // Every other cluster loses a unit.
    let uneven: Vec<String> = shell
        .read("data.csv")
        .lines()
        .filter(|row| !row.split(',').next().unwrap().parse::<usize>().is_ok_and(|id| id % 8 == 7))
        .map(String::from)
        .collect();
    shell.write("data.csv", uneven.join("\n"));
    let logit = format!("{ADDITIVE} --propensity logit --folds 2");
    let pooled = number(&shell.run(&logit).exits(0).json(), "/value");
    let separate = number(&shell.run(&format!("{logit} --cluster-sizes separate")).exits(0).json(), "/value");
    assert!((pooled - separate).abs() > 1e-6, "{pooled} {separate}");
    let bands = shell.run(&plain.replace("additive", "polynomial:1@3,2")).exits(0).json();
    assert_eq!(bands["interference"], "polynomial:1@3,2");
    refused(&shell, &plain.replace("additive", "polynomial:2@3"), 2, &["polynomial:1@5,2@10,3"]);
}

/// What learning says of a rule on the clusters it learned from is what `evaluate` says, and `verify` computes it again.
#[test]
fn outcome_models_are_kept_with_what_is_learned() {
    let shell = Shell::new();
    study(&shell);
    let models = "--doubly-robust --cluster-model polynomial:2 --cluster-summaries second-moment --cluster-baseline forest";
    let learn = format!(
        "learn data.csv --outcome Y --treatment A --id id --cluster cluster --covariates x,w --propensity e --maximize --interference additive \
         {models} --policy linear --solver directions --test-share 0 --out learned"
    );
    shell.run(&learn).exits(0);
    shell.run("verify learned").exits(0);
    let objective = number(&shell.json("learned/report.json"), "/objective_value");
    let line = format!("{ADDITIVE} --propensity e {models}").replace("rule.json", "learned/rule.json");
    assert!((number(&shell.run(&line).exits(0).json(), "/value") - objective).abs() < 1e-10);
    let plain = line.replace("polynomial:2", "linear");
    assert!((number(&shell.run(&plain).exits(0).json(), "/value") - objective).abs() > 1e-6);
    let config = shell.read("learned/config.toml");
    shell.write("learned/config.toml", config.replace("polynomial:2", "polynomial:3"));
    shell.run("verify learned").exits(7);
}

/// Orders that vary with the size of clusters are learned by as they are evaluated by.
#[test]
fn orders_by_size_are_learned_by() {
    let shell = Shell::new();
    study(&shell);
    let uneven: Vec<String> =
        shell.read("data.csv").lines().take(1 + 4 * CLUSTERS - 2).map(String::from).collect();
    shell.write("data.csv", uneven.join("\n"));
    let objective = |interference: &str| {
        shell.run(&format!(
            "learn data.csv --outcome Y --treatment A --id id --cluster cluster --covariates x,w --propensity e --maximize \
             --interference {interference} --policy linear --solver smooth --test-share 0 --out {interference}"
        ));
        let line = format!("{ADDITIVE} --propensity e").replace("additive", interference);
        let line = line.replace("rule.json", &format!("{interference}/rule.json"));
        let objective = number(&shell.json(&format!("{interference}/report.json")), "/objective_value");
        assert!((number(&shell.run(&line).exits(0).json(), "/value") - objective).abs() < 1e-10);
        objective
    };
    // One cluster has two units.
    let (bands, unknown) = (objective("polynomial:1@3,2"), objective("unknown"));
    assert!((bands - unknown).abs() > 1e-6, "{bands} {unknown}");
}

/// Weights that say nothing are said to.
#[test]
fn useless_weights_are_warned_of() {
    let shell = Shell::new();
    study(&shell);
    let line = format!("{ADDITIVE} --propensity e").replace("additive", "unknown");
    let ran = shell.run(&line).exits(0);
    assert!(ran.stderr.contains("clusters were treated as the rule says"), "{}", ran.stderr);
    let ran = shell.run(&line.replace("unknown", "polynomial:3")).exits(0);
    let effective = number(&ran.json(), "/effective_sample_size");
    assert_eq!(ran.stderr.contains("leave effectively"), effective < 5.0, "{} {effective}", ran.stderr);
}
