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
    mean_where(data, weights, j, |row| row[0] == a)
}

/// The same over the rows that `which` picks.
fn mean_where(data: &str, weights: &str, j: usize, which: impl Fn(&[String]) -> bool) -> (f64, f64) {
    let (data, weights) = (rows(data), rows(weights));
    let pairs = data.iter().zip(&weights).skip(1).filter(|(row, weight)| which(row) && weight[1] == row[0]);
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
    let both = ["newton", "clarabel"].map(|solver| {
        let line = format!("{WEIGH} --tolerance {tolerance} --solver {solver} --json -");
        shell.run(&line).exits(0).json()["arms"][1]["objective"].as_f64().unwrap()
    });
    assert!((both[0] - both[1]).abs() < 1e-8, "{both:?}");
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

/// In every source every arm has the target's means, and every arm has the sources in their shares of all rows.
#[test]
fn sources_are_balanced_one_by_one_and_pooled_by_their_shares() {
    let shell = Shell::new();
    let mut text = String::from("a,x,y,site\n");
    for k in 0..240_u32 {
        let (x, y) = (f64::from(k * 7 % 11) / 10.0, f64::from(k * 5 % 13) / 12.0);
        let site = ["n", "s", "s", "e"][k as usize / 3 % 4];
        let _ = writeln!(text, "{},{x},{y},{site}", (k + u32::from(x > 0.5)) % 3);
    }
    shell.write("d.csv", &text);
    let json = shell.run(&format!("{WEIGH} --sources site --weights w.csv --json -")).exits(0).json();
    let weights = shell.read("w.csv");
    let cells = json["arms"].as_array().unwrap();
    assert_eq!(cells.len(), 9);
    assert_eq!((cells[0]["arm"].as_str(), cells[0]["source"].as_str()), (Some("0"), Some("e")));
    for arm in ["0", "1", "2"] {
        for (site, share) in [("n", 0.25), ("s", 0.5), ("e", 0.25)] {
            for j in [1, 2] {
                let (sum, total) = mean_where(&text, &weights, j, |row| row[0] == arm && row[3] == site);
                assert!((total - share).abs() < 1e-12, "{arm} {site}: {total}");
                assert!((sum / total - overall(&text, j)).abs() < 1e-10, "{arm} {site}: {sum}");
            }
        }
    }
    // One source is none.
    let one: String =
        text.lines().map(|line| line.rsplit_once(',').unwrap().0.to_string() + ",n\n").collect();
    shell.write("d.csv", one.replacen(",n", ",site", 1));
    shell.run(&format!("{WEIGH} --sources site --weights pooled.csv")).exits(0);
    shell.run(&format!("{WEIGH} --weights plain.csv")).exits(0);
    assert_eq!(shell.read("pooled.csv"), shell.read("plain.csv"));
}

#[test]
fn an_arm_that_a_source_lacks_is_told_and_one_that_it_cannot_balance_is_named_with_it() {
    let shell = Shell::new();
    let rows = "0,0,0,n\n0,1,0,n\n0,0,1,n\n0,1,1,n\n1,0,0,n\n1,1,0,n\n1,0,1,n\n1,1,1,n\n";
    let other = "0,0,0,s\n0,1,0,s\n0,0,1,s\n0,1,1,s\n";
    shell.write("d.csv", format!("a,x,y,site\n{rows}{other}"));
    let ran = shell.run(&format!("{WEIGH} --sources site --weights w.csv")).exits(0);
    ran.says(&["arm \"1\" is in 1 of 2 sources"]);
    let (_, total) = mean(&shell.read("d.csv"), &shell.read("w.csv"), "1", 1);
    assert!((total - 1.0).abs() < 1e-12);
    shell.write("d.csv", format!("a,x,y,site\n{rows}{other}1,0.9,0.9,s\n"));
    shell.run(&format!("{WEIGH} --sources site")).exits(4).says(&["arm \"1\" in source \"s\" (1 rows)"]);
    shell.run(&format!("{WEIGH} --sources place")).exits(3).says(&["\"place\"", "site"]);
}

#[test]
fn missing_values_are_refused_or_kept_and_threads_change_nothing() {
    let shell = Shell::new();
    shell.write("d.csv", data());
    for threads in [1, 3] {
        shell.run(&format!("{WEIGH} --threads {threads} --weights w{threads}.csv")).exits(0);
    }
    assert_eq!(shell.read("w1.csv"), shell.read("w3.csv"));
    // Every ninth row misses x.
    let mut holes = rows(&data());
    holes.iter_mut().skip(5).step_by(9).for_each(|row| row[1].clear());
    let text: String = holes.iter().map(|row| row.join(",") + "\n").collect();
    shell.write("d.csv", &text);
    shell.run(WEIGH).exits(3).says(&["line 6, column \"x\""]);
    let json = shell.run(&format!("{WEIGH} --missing keep --weights w.csv --json -")).exits(0).json();
    assert_eq!(json["balance"][1]["feature"], "[x missing]");
    let weights = shell.read("w.csv");
    for arm in ["0", "1"] {
        let (_, share) = mean_where(&text, &weights, 2, |row| row[0] == arm && row[1].is_empty());
        assert!((share - 4.0 / 40.0).abs() < 1e-10, "{arm}: {share}");
    }
    shell.run(&format!("{WEIGH} --missing drop")).exits(2).says(&["error or keep"]);
}

/// More features than rows: exact balance is out of reach, and the tolerance that is named works.
#[test]
fn an_arm_with_fewer_rows_than_features_is_refused_with_the_tolerance_that_works() {
    let shell = Shell::new();
    let mut text = String::from("a,x,y,z,u,v\n");
    for k in 0..33_u32 {
        let value = |m: u32| f64::from(k * m % 17) / 17.0;
        let _ = writeln!(
            text,
            "{},{},{},{},{},{}",
            u8::from(k < 3),
            value(5),
            value(7),
            value(11),
            value(13),
            value(3)
        );
    }
    shell.write("d.csv", text);
    let line = "weigh d.csv --treatment a --covariates x,y,z,u,v";
    let ran = shell.run(line).exits(4).says(&["arm \"1\" (3 rows)"]);
    let tolerance = ran.stderr.split("--tolerance ").nth(1).unwrap().split(' ').next().unwrap();
    shell.run(&format!("{line} --tolerance {tolerance}")).exits(0);
}
