//! The README shows real output: every line of the quick start's output stands in the README, apart from times.

mod common;

use std::process::Command;

use common::file;

#[test]
fn the_readme_shows_what_the_demo_prints() {
    let demo = Command::new("bash")
        .arg(file("examples/demo.sh"))
        .env("PRESCRIBE", env!("CARGO_BIN_EXE_prescribe"))
        .output()
        .expect("bash runs");
    assert!(demo.status.success(), "{}", String::from_utf8_lossy(&demo.stderr));
    let readme = std::fs::read_to_string(file("README.md")).unwrap();
    let shown: Vec<String> = readme.lines().map(without_times).collect();
    let printed = String::from_utf8(demo.stdout).unwrap();
    // What the demo says between commands is not in the README, nor is the output of `verify`, the last of them.
    let lines: Vec<&str> =
        printed.lines().take_while(|line| !line.starts_with("$ prescribe verify")).collect();
    let lines: Vec<&str> =
        lines.into_iter().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    assert!(lines.len() > 40, "the demo printed too little:\n{printed}");
    for line in lines {
        let line = without_times(line);
        assert!(shown.contains(&line), "not in README.md: {line}");
    }
    let figure =
        Command::new("python3").args([file("examples/figure.py"), file("demo/tree")]).output().unwrap();
    let shown = std::fs::read_to_string(file("examples/quickstart.svg")).unwrap();
    assert!(
        String::from_utf8(figure.stdout).unwrap() == shown,
        "examples/quickstart.svg is not the demo's picture"
    );
}

/// A line with the CPU seconds at its end, or a line of times, made comparable.
fn without_times(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    let is_time = |word: &str| word.parse::<f64>().is_ok() && word.contains('.') && word.len() <= 6;
    match words.as_slice() {
        [_, "s", ..] if line.contains("CPU s") => "times".into(),
        // Of `fuse --compare`, the time stands before the status.
        [known @ .., time, _, "(exact)" | "(local)"] if is_time(time) => known.join(" "),
        [known @ .., last] if line.contains("OPTIMAL ") || line.contains("LOCALLY_SOLVED ") => {
            if is_time(last) { known.join(" ") } else { words.join(" ") }
        }
        _ => line.trim_end().into(),
    }
}
