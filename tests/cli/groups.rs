//! Arms that count as one: the study, the rule and who gets which member.

use std::collections::BTreeMap;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::shell::Shell;

const LEARN: &str = "learn trial.csv --outcome y --treatment a --covariates x --maximize --policy tree --depth 1 \
                     --candidates all --test-share 0 --score ipw";

/// Four arms, two of each kind: the first kind earns x, the second -x, and nothing else.
fn trial(shell: &Shell, arms: [&str; 4]) {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let row = |i: usize| {
        let x: f64 = random.random_range(-1.0..1.0);
        let y = if i % 4 < 2 { x } else { -x };
        format!("u{i},{},{x},{y}\n", arms[i % 4])
    };
    let rows: String = (0..200).map(row).collect();
    shell.write("trial.csv", format!("id,a,x,y\n{rows}"));
}

/// Fusing arms is the same as having recorded the groups in the first place.
#[test]
fn groups_are_arms() {
    let (fused, recorded) = (Shell::new(), Shell::new());
    trial(&fused, ["p", "q", "r", "s"]);
    trial(&recorded, ["up", "up", "down", "down"]);
    fused.run(&format!("{LEARN} --groups up=p|q,down=s|r --out out")).exits(0);
    recorded.run(&format!("{LEARN} --out out")).exits(0);
    let (rule, plain) = (fused.json("out/rule.json"), recorded.json("out/rule.json"));
    assert_eq!(rule["root"], plain["root"]);
    assert_eq!(rule["arms"], serde_json::json!(["down", "up"]));
    assert_eq!(rule["groups"], serde_json::json!({"down": ["s", "r"], "up": ["p", "q"]}));
    let value = |shell: &Shell| shell.json("out/report.json")["evaluation"]["value"].as_f64();
    assert_eq!(value(&fused), value(&recorded));
    fused.run("verify out").exits(0);
    let evaluated =
        fused.run("evaluate out/rule.json trial.csv --outcome y --treatment a --score ipw --json -");
    assert_eq!(evaluated.exits(0).json()["value"].as_f64(), value(&fused));
}

#[test]
fn a_unit_gets_a_member_of_its_group() {
    let shell = Shell::new();
    trial(&shell, ["p", "q", "r", "s"]);
    shell.write("fused.json", r#"{"groups": [["p", "q"], ["s", "r"]]}"#);
    shell.run(&format!("{LEARN} --groups fused.json --out out")).exits(0);
    let drawn = |how: &str| {
        let line = format!("predict out/rule.json trial.csv --id id {how}");
        shell.run(&line).exits(0).stdout.lines().map(String::from).collect::<Vec<_>>()
    };
    let random = drawn("");
    assert_eq!(random[0], "id,arm,member");
    let mut counts = BTreeMap::new();
    for line in &random[1..] {
        let cells: Vec<&str> = line.split(',').collect();
        assert!(cells[1].split('+').any(|member| member == cells[2]), "{line}");
        *counts.entry(cells[2].to_string()).or_insert(0) += 1;
    }
    // 100 units or so in each group, either member with probability one half: six standard deviations are 30.
    assert!(counts.len() == 4 && counts.values().all(|count| (20..80).contains(count)), "{counts:?}");
    // A unit's draw depends on itself alone.
    let few = "id,x\n".to_string()
        + &shell.read("trial.csv").lines().nth(5).map_or(String::new(), |line| {
            let cells: Vec<&str> = line.split(',').collect();
            format!("{},{}\n", cells[0], cells[2])
        });
    let alone = shell.feed(&few, "predict out/rule.json - --id id").exits(0).stdout;
    assert_eq!(alone.lines().nth(1).unwrap(), random[5]);
    assert_ne!(drawn("--seed 2"), random);
    for line in &drawn("--within first")[1..] {
        let cells: Vec<&str> = line.split(',').collect();
        assert_eq!(cells[1].split('+').next(), Some(cells[2]));
    }
}

#[test]
fn groups_that_do_not_fit() {
    let shell = Shell::new();
    trial(&shell, ["p", "q", "r", "s"]);
    shell.write("none.json", r#"{"grups": []}"#);
    for (groups, words) in [
        ("up=p|z", ["\"z\"", "\"s\""]),
        ("up=p|q,down=q|r", ["\"q\"", "\"down\""]),
        ("p=q|r", ["\"p\"", "does not hold"]),
        ("all=p|q|r|s", ["\"all\"", "trial.csv"]),
        ("none.json", ["none.json", "fuse --json"]),
    ] {
        shell.run(&format!("{LEARN} --groups {groups} --out out")).exits(3).says(&words);
        assert!(!shell.path("out").exists(), "{groups}");
    }
}
