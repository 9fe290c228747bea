//! `weigh`: what it writes, and what it says where there are no weights.

use std::fmt::Write;

use crate::shell::Shell;

const WEIGH: &str = "weigh d.csv --treatment a --covariates x,y";

/// Two arms over a square of points; the second leans to the upper right.
fn data() -> String {
    let mut text = String::from("a,x,y,site,w\n");
    for k in 0..40 {
        let (x, y) = (f64::from(k * 7 % 11) / 10.0, f64::from(k * 5 % 13) / 12.0);
        let site = ["n", "s", "e"][k as usize % 3];
        let _ = writeln!(text, "{},{x},{y},{site},{}", u8::from(x + y + 0.3 * f64::from(k % 4) > 1.4), k % 5);
    }
    text
}

/// Rows of a CSV as text.
fn rows(text: &str) -> Vec<Vec<String>> {
    text.lines().map(|line| line.split(',').map(String::from).collect()).collect()
}

/// Weighted sum and sum of column `j` over the rows of arm `a`, from the files alone.
fn mean(data: &str, weights: &str, a: &str, j: usize) -> (f64, f64) {
    let (data, weights) = (rows(data), rows(weights));
    let pairs = data.iter().zip(&weights).skip(1).filter(|(row, weight)| row[0] == a && weight[1] == a);
    pairs.fold((0.0, 0.0), |(sum, total), (row, weight)| {
        let w: f64 = weight[2].parse().unwrap();
        (sum + w * row[j].parse::<f64>().unwrap(), total + w)
    })
}

fn overall(data: &str, j: usize) -> f64 {
    let values: Vec<f64> = rows(data).iter().skip(1).map(|row| row[j].parse().unwrap()).collect();
    values.iter().sum::<f64>() / values.len() as f64
}

#[test]
fn every_arm_gets_the_means_of_all_rows_in_the_order_of_the_rows() {
    let shell = Shell::new();
    shell.write("d.csv", data());
    for discrepancy in ["entropy", "empirical-likelihood", "quadratic", "hellinger", "-2", "0.5"] {
        for solver in ["newton", "clarabel"] {
            let line = format!(
                "{WEIGH} --discrepancy {discrepancy} --solver {solver} --weights w.csv --plot p.svg --json -"
            );
            let json = shell.run(&line).exits(0).json();
            let (text, weights) = (data(), shell.read("w.csv"));
            assert!(weights.starts_with("row,arm,weight\n1,"));
            for (k, label) in ["0", "1"].into_iter().enumerate() {
                let arm = &json["arms"][k];
                assert_eq!((arm["arm"].as_str(), arm["solver"].as_str()), (Some(label), Some(solver)));
                for j in [1, 2] {
                    let (sum, total) = mean(&text, &weights, label, j);
                    assert!((total - 1.0).abs() < 1e-8, "{line}: {total}");
                    assert!((sum - overall(&text, j)).abs() < 1e-8, "{line}: {sum}");
                }
                assert!(arm["max_balance_residual"].as_f64().unwrap() < 1e-8);
                assert_eq!(arm["multipliers"].as_array().unwrap().len(), 2);
                assert!(arm["effective_sample_size"].as_f64() <= arm["units"].as_f64());
            }
            assert_eq!(json["balance"].as_array().unwrap().len(), 4);
            assert!(shell.read("p.svg").starts_with("<svg"));
        }
    }
}

#[test]
fn a_target_file_sets_the_means_and_an_id_names_the_rows() {
    let shell = Shell::new();
    let with_id: String = data()
        .lines()
        .enumerate()
        .map(|(i, line)| if i == 0 { format!("{line},id\n") } else { format!("{line},u{i}\n") })
        .collect();
    shell.write("d.csv", &with_id);
    shell.write("t.csv", "x,y\n0.5,0.5\n0.6,0.7\n");
    shell.run(&format!("{WEIGH} --target t.csv --id id --weights w.csv")).exits(0);
    let weights = shell.read("w.csv");
    assert!(weights.starts_with("id,arm,weight\nu1,"), "{weights}");
    for arm in ["0", "1"] {
        assert!((mean(&with_id, &weights, arm, 1).0 - 0.55).abs() < 1e-10);
        assert!((mean(&with_id, &weights, arm, 2).0 - 0.6).abs() < 1e-10);
    }
    shell.write("t.csv", "x\n0.5\n");
    shell.run(&format!("{WEIGH} --target t.csv")).exits(3).says(&["t.csv", "\"y\""]);
}

#[test]
fn an_arm_outside_the_hull_is_named_with_the_tolerance_that_works() {
    let shell = Shell::new();
    // Arm 1 lies above the line x + y = 3, the mean below.
    shell.write("d.csv", "a,x,y\n0,0,0\n0,1,0\n0,0,1\n0,3,3\n1,3,0\n1,0,3\n1,2,2\n0,0,0\n0,0,0\n0,1,1\n");
    let ran = shell.run(&format!("{WEIGH} --weights w.csv --json out.json")).exits(4);
    let ran = ran.says(&["arm \"1\" (3 rows) cannot be balanced", "x", "y", "--tolerance"]);
    assert!(!shell.path("w.csv").exists() && !shell.path("out.json").exists());
    let tolerance = ran.stderr.split("--tolerance ").nth(1).unwrap().split(' ').next().unwrap();
    let found: f64 = tolerance.parse().unwrap();
    let json =
        shell.run(&format!("{WEIGH} --tolerance {tolerance} --weights w.csv --json -")).exits(0).json();
    let residual = json["arms"][1]["max_balance_residual"].as_f64().unwrap();
    assert!(residual <= found + 1e-8 && residual > 0.9 * found, "{residual} {found}");
    shell.run(&format!("{WEIGH} --tolerance {}", 0.98 * found)).exits(4);
    shell.run(&format!("{WEIGH} --tolerance 1 --solver newton")).exits(2).says(&["newton", "tolerance"]);
}

#[test]
fn features_bounds_and_base_weights_hold() {
    let shell = Shell::new();
    shell.write("d.csv", data());
    let features = "--covariates x,y,site --categorical site --features squares,products";
    let line = format!("weigh d.csv --treatment a {features} --tolerance 0.3 --json -");
    let json = shell.run(&line).exits(0).json();
    let names: Vec<&str> = json["balance"]
        .as_array()
        .unwrap()
        .iter()
        .take(11)
        .map(|row| row["feature"].as_str().unwrap())
        .collect();
    assert_eq!(names[..4], ["x", "y", "[site = n]", "[site = s]"]);
    assert!(names.contains(&"x^2") && names.contains(&"x*y") && names.contains(&"x*[site = n]"), "{names:?}");
    let json = shell
        .run(&format!("{WEIGH} --discrepancy quadratic --max-weight 4 --min-weight 0.05 --json -"))
        .exits(0)
        .json();
    for arm in json["arms"].as_array().unwrap() {
        let units = arm["units"].as_f64().unwrap();
        assert!(arm["max_weight"].as_f64().unwrap() <= 4.0 / units + 1e-9);
        assert!(arm["min_weight"].as_f64().unwrap() >= 0.05 / units - 1e-9);
    }
    shell.run(&format!("{WEIGH} --base-weights w --weights w.csv")).exits(0);
    let (text, weights) = (rows(&data()), rows(&shell.read("w.csv")));
    for (row, weight) in text.iter().zip(&weights).skip(1) {
        assert_eq!(row[4] == "0", weight[2] == "0", "{row:?} {weight:?}");
    }
}

#[test]
fn awkward_data_work_or_are_refused_with_a_reason() {
    let shell = Shell::new();
    let row = |a: usize, x: f64, y: f64| format!("{a},{x},{y}\n");
    // Collinear and constant features.
    let collinear: String = rows(&data())[1..].iter().fold("a,x,y,z,c\n".into(), |text, row| {
        let (x, y): (f64, f64) = (row[1].parse().unwrap(), row[2].parse().unwrap());
        text + &format!("{},{x},{y},{},5\n", row[0], 3.0 * x - y + 2.0)
    });
    shell.write("d.csv", collinear);
    for solver in ["newton", "auto"] {
        let line = format!("weigh d.csv --treatment a --covariates x,y,z,c --solver {solver} --json -");
        let ran = shell.run(&line).exits(0).says(&["c does not vary"]);
        assert!(ran.json()["arms"][1]["max_balance_residual"].as_f64().unwrap() < 1e-10);
    }
    // An arm of one unit, and an arm with fewer rows than features.
    shell.write("d.csv", format!("{}{}", "a,x,y\n0,0,0\n0,1,0\n0,0,1\n0,1,1\n", row(1, 0.2, 0.9)));
    shell.run(WEIGH).exits(4).says(&["arm \"1\" (1 rows)"]);
    shell.run(&format!("{WEIGH} --discrepancy quadratic")).exits(4).says(&["arm \"1\" (1 rows)"]);
    // Many arms.
    let many: String =
        (0..500).flat_map(|a| (0..6).map(move |k| (a, k))).fold("a,x,y\n".into(), |text, (a, k)| {
            let turn = f64::from(k) * 1.05 + f64::from(a);
            text + &row(a as usize, turn.cos() + 0.01 * f64::from(a % 7), turn.sin())
        });
    shell.write("d.csv", many);
    let json = shell.run(&format!("{WEIGH} --json -")).exits(0).json();
    assert_eq!(json["arms"].as_array().unwrap().len(), 500);
    shell.write("d.csv", "a,x,y\n0,0,NaN\n1,1,1\n");
    shell.run(WEIGH).exits(3).says(&["d.csv, line 2, column \"y\""]);
    shell.write("d.csv", data());
    shell.run(&format!("{WEIGH} --discrepancy near")).exits(2).says(&["entropy"]);
    shell.run(&format!("{WEIGH} --tolerance z=1")).exits(2).says(&["no feature \"z\"", "x, y"]);
    shell.run(&format!("{WEIGH} --max-weight 0.5")).exits(3).says(&["leave out 1"]);
}
