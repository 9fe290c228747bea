//! `curve`: gain against spending, its ends by hand.

use serde_json::Value;

use crate::instances::{Unit, close};
use crate::learn::trial_in;
use crate::shell::Shell;

const CURVE: &str = "curve trial.csv --outcome y --treatment a --arms none,drug --covariates age,sex --score ipw \
                     --propensity p --points 20";

fn gain(unit: &Unit) -> f64 {
    unit.ipw("drug") - unit.ipw("none")
}

#[test]
fn spending_all_gains_what_the_dearest_arm_gains() {
    let shell = Shell::new();
    let trial = trial_in(&shell);
    let mean: f64 = trial.rows.iter().map(gain).sum::<f64>() / 200.0;
    let fee: f64 = trial.rows.iter().map(|unit| unit.fee).sum::<f64>() / 200.0;
    for (direction, sign) in [("--maximize", 1.0), ("--minimize", -1.0)] {
        for (costs, total) in [("--cost drug=0.5", 0.5), ("--cost-column fee", fee), ("", 1.0)] {
            let found = shell.run(&format!("{CURVE} {direction} {costs} --json -")).exits(0).json();
            let points = found["points"].as_array().unwrap();
            assert_eq!(points.len(), 21);
            let number = |value: &Value| value.as_f64().unwrap();
            assert!(close(number(&found["total"]), total) && close(number(&points[20]["spending"]), total));
            assert!(close(number(&points[20]["gain"]["estimate"]), sign * mean), "{found:#}");
            assert_eq!(points[0]["gain"]["interval"], serde_json::json!([0.0, 0.0]));
            // The old gain by the drug and the young lose: those who come first gain more than by lot.
            assert!(number(&found["area"]["interval"][0]) > 0.0, "{found:#}");
        }
    }
}

#[test]
fn a_folder_a_table_and_a_picture() {
    let shell = Shell::new();
    trial_in(&shell);
    let ran = shell.run(&format!("{CURVE} --maximize --out out")).exits(0);
    assert_eq!(ran.stdout, shell.read("out/summary.txt"));
    assert!(
        ran.stdout.contains("treated") && ran.stdout.contains("area over random allocation"),
        "{}",
        ran.stdout
    );
    let picture = shell.read("out/curve.svg");
    assert!(picture.contains("<polygon") && picture.contains(">share of units treated</text>"), "{picture}");
    assert!(!picture.contains("NaN") && !picture.contains("inf"), "{picture}");
    assert_eq!(shell.json("out/curve.json")["units"], 200);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let shell = Shell::new();
    trial_in(&shell);
    shell.run(&format!("{CURVE} --maximize --cost none=1")).exits(3).says(&["drug", "--arms"]);
    shell.run(CURVE).exits(2).says(&["--maximize"]);
    shell.run(&format!("{CURVE} --maximize --minimize")).exits(2);
    shell.run(&CURVE.replace("--points 20", "--maximize --points 0")).exits(2);
    shell.run(&format!("{} --maximize", CURVE.replace(" --outcome y", ""))).exits(2).says(&["--outcome"]);
}
