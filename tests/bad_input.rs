//! Every bad input, through the program: the exit code, one message that names file, line, column, value and remedy, and
//! nothing written.

#[path = "common/cli.rs"]
mod cli;

use cli::{Ran, Shell};

const TREE: &str =
    "solve tree --covariates X.csv --rewards G.csv --depth 1 --write-model model.lp --json report.json";
const LINEAR: &str =
    "solve linear --covariates X.csv --gains g.csv --solver smooth --json report.json --log-file solver.log";
const LEARN: &str = "learn trial.csv --outcome y --treatment a --covariates age,sex --maximize --depth 1 --out out \
                     --json report.json";
const EVALUATE: &str = "evaluate rule.json trial.csv --outcome y --treatment a --json report.json";
const PREDICT: &str = "predict rule.json trial.csv --out arms.csv --json report.json";

const RULE: &str = r#"{"schema_version": 2, "kind": "tree", "covariates": [{"name": "age"}, {"name": "sex"}], "arms": ["none", "drug"],
    "root": {"covariate": "age", "threshold": 40, "left": {"arm": "none"}, "right": {"arm": "drug"}},
    "direction": "maximize", "provenance": {"model": "tree_rule", "solver": "milp",
    "solver_version": "HiGHS", "promise": "exact", "termination_status": "OPTIMAL", "objective_value": 1.0,
    "objective_bound": 1.0, "verified": true, "model_hash": "", "data_hash": ""}}"#;

/// A way into the program: a command, a file that it reads, and a numeric column of that file.
struct Entry {
    line: &'static str,
    file: &'static str,
    column: &'static str,
}

const ENTRIES: [Entry; 9] = [
    Entry { line: TREE, file: "X.csv", column: "age" },
    Entry { line: TREE, file: "G.csv", column: "drug" },
    Entry { line: LINEAR, file: "X.csv", column: "age" },
    Entry { line: LINEAR, file: "g.csv", column: "gain" },
    Entry { line: LEARN, file: "trial.csv", column: "age" },
    Entry { line: LEARN, file: "trial.csv", column: "y" },
    Entry { line: EVALUATE, file: "trial.csv", column: "age" },
    Entry { line: EVALUATE, file: "trial.csv", column: "y" },
    Entry { line: PREDICT, file: "trial.csv", column: "age" },
];

/// A folder in which every command above succeeds.
fn shell() -> Shell {
    let shell = Shell::new();
    shell.write("X.csv", "age,sex\n41.5,0\n30,1\n55,1\n62,0\n");
    shell.write("G.csv", "none,drug\n0.5,1\n0,-1\n0,2\n0,-2\n");
    shell.write("g.csv", "gain\n1\n-1\n2\n-2\n");
    shell.write("rule.json", RULE);
    shell.write("trial.csv", trial());
    shell
}

/// 24 units: line i + 2 is unit i; the treated are those with odd i.
fn trial() -> String {
    let unit = |i: usize| {
        let arm = if i % 2 == 1 { "drug" } else { "none" };
        format!("u{i},{},{arm},{},{},0.5,0.1\n", (i * 7) % 5, 20 + (i * 11) % 37, (i / 2) % 2)
    };
    ["id,y,a,age,sex,p,fee\n".to_string()].into_iter().chain((0..24).map(unit)).collect()
}

/// `text` with another cell in the column called `column` of line `line` (the header is line 1).
fn with_cell(text: &str, line: usize, column: &str, cell: &str) -> String {
    let position = text.lines().next().unwrap().split(',').position(|name| name == column).unwrap();
    let change = |(number, row): (usize, &str)| {
        let mut cells: Vec<&str> = row.split(',').collect();
        if number + 1 == line {
            cells[position] = cell;
        }
        cells.join(",") + "\n"
    };
    text.lines().enumerate().map(change).collect()
}

fn lines(text: &str, count: usize) -> String {
    text.lines().take(count).map(|line| format!("{line}\n")).collect()
}

/// Runs `line`, which must end with `code` and one message with `parts`, and write nothing.
#[track_caller]
fn refused(shell: &Shell, line: &str, code: i32, parts: &[&str]) -> Ran {
    let before = shell.contents();
    let ran = shell.run(line).exits(code).says(parts);
    assert_eq!(ran.stdout, "", "{ran:#?}");
    let messages = |ran: &Ran| {
        ran.stderr
            .lines()
            .filter(|line| line.starts_with("prescribe: ") || line.starts_with("error: "))
            .count()
    };
    assert_eq!(messages(&ran), 1, "{ran:#?}");
    let after = shell.contents();
    let written: Vec<_> = after.keys().filter(|path| !before.contains_key(*path)).collect();
    assert!(written.is_empty(), "{written:?} was written by {ran:#?}");
    assert_eq!(before, after, "a file was changed by {ran:#?}");
    ran
}

/// Every entry with its file replaced by what `spoil` makes of it.
#[track_caller]
fn refused_everywhere(spoil: impl Fn(&Entry, &str) -> Vec<u8>, parts: impl Fn(&Entry) -> Vec<String>) {
    for entry in &ENTRIES {
        let shell = shell();
        let spoilt = spoil(entry, &shell.read(entry.file));
        shell.write(entry.file, spoilt);
        let mut parts = parts(entry);
        parts.push(entry.file.into());
        refused(&shell, entry.line, 3, &parts.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

fn words(parts: &[&str]) -> Vec<String> {
    parts.iter().map(|part| (*part).to_string()).collect()
}

#[test]
fn the_commands_succeed_on_good_input() {
    for line in [TREE, LINEAR, LEARN, EVALUATE, PREDICT] {
        shell().run(line).exits(0);
    }
}

// Exit 3: the file.

#[test]
fn an_empty_file() {
    refused_everywhere(|_, _| Vec::new(), |_| words(&["empty", "needs a header line"]));
}

#[test]
fn a_header_without_rows() {
    refused_everywhere(|_, text| lines(text, 1).into(), |_| words(&["no rows", "add one line a unit"]));
}

#[test]
fn a_ragged_row() {
    let ragged = |_: &Entry, text: &str| text.replacen('\n', "\n1,2,3,4,5,6,7,8\n", 1).into();
    refused_everywhere(ragged, |_| words(&["line 2", "8 fields", "add or remove"]));
}

#[test]
fn bytes_that_are_not_text() {
    for byte in [0xFF, 0x00] {
        let spoil = |_: &Entry, text: &str| {
            let mut bytes = text.as_bytes().to_vec();
            bytes.insert(text.find('\n').unwrap() + 1, byte);
            bytes
        };
        let byte = format!("0x{byte:02X}");
        refused_everywhere(spoil, |_| words(&["line 2", &byte, "UTF-8"]));
    }
}

#[test]
fn a_compressed_file() {
    refused_everywhere(
        |_, _| b"\x1f\x8b\x08\x00\x00\x00".to_vec(),
        |_| words(&["line 1", "0x8B", "exported"]),
    );
}

// Exit 3: the columns.

#[test]
fn a_repeated_column() {
    let twice = |entry: &Entry, text: &str| {
        let header = format!("{},{}", entry.column, text.lines().next().unwrap());
        let rows = text.lines().skip(1).map(|row| format!("\n1,{row}"));
        [header].into_iter().chain(rows).collect::<String>().into()
    };
    refused_everywhere(twice, |entry| words(&["line 1", entry.column, "repeats", "rename"]));
}

#[test]
fn a_column_without_a_name() {
    let nameless = |entry: &Entry, text: &str| text.replacen(entry.column, "\"\"", 1).into();
    refused_everywhere(nameless, |_| words(&["line 1", "give every column a name"]));
}

#[test]
fn an_unknown_column() {
    let shell = shell();
    let unknown = |line: &str, column: &str| {
        refused(&shell, line, 3, &["trial.csv", column, "no such column", "the columns are"]);
    };
    unknown(&LEARN.replace("--outcome y", "--outcome weight"), "\"weight\"");
    unknown(&LEARN.replace("--treatment a", "--treatment arm"), "\"arm\"");
    unknown(&LEARN.replace("age,sex", "age,height"), "\"height\"");
    unknown(&format!("{LEARN} --id name"), "\"name\"");
    unknown(&format!("{LEARN} --propensity q"), "\"q\"");
    unknown(&format!("{LEARN} --cost-column price"), "\"price\"");
    unknown(&EVALUATE.replace("--outcome y", "--outcome weight"), "\"weight\"");
    unknown(&format!("{PREDICT} --id name"), "\"name\"");
    refused(&shell, &LEARN.replace("age,sex", "agee,sex"), 3, &["did you mean \"age\"?"]);
}

#[test]
fn data_without_the_covariates_of_the_rule() {
    let shell = shell();
    shell.write("trial.csv", trial().replacen(",age,", ",years,", 1));
    for line in [PREDICT, EVALUATE] {
        refused(&shell, line, 3, &["trial.csv", "\"age\"", "no such column", "\"years\""]);
    }
}

#[test]
fn a_column_in_two_roles() {
    let shell = shell();
    for (line, column) in [
        (LEARN.replace("age,sex", "age,y"), "\"y\""),
        (LEARN.replace("age,sex", "age,a"), "\"a\""),
        (LEARN.replace("age,sex", "age,age"), "\"age\""),
        (format!("{LEARN} --id age"), "\"age\""),
        (format!("{LEARN} --propensity sex"), "\"sex\""),
        (format!("{LEARN} --propensity p --cost-column p"), "\"p\""),
        (EVALUATE.replace("--outcome y", "--outcome age"), "\"age\""),
    ] {
        refused(&shell, &line, 3, &["trial.csv", column, "two roles", "its own column"]);
    }
}

// Exit 3: the cells.

#[test]
fn a_cell_that_is_no_finite_number() {
    for cell in ["NaN", "inf", "-inf", "1e400", "abc", "1;5", "0x10"] {
        refused_everywhere(
            |entry, text| with_cell(text, 3, entry.column, cell).into(),
            |entry| {
                let remedy = if cell == "1e400" { "rescale" } else { "write a decimal number" };
                words(&["line 3", &format!("column {:?}", entry.column), &format!("{cell:?}"), remedy])
            },
        );
    }
}

#[test]
fn a_missing_value() {
    for cell in ["NA", "\"\"", "  "] {
        refused_everywhere(
            |entry, text| with_cell(text, 3, entry.column, cell).into(),
            |entry| words(&["line 3", &format!("column {:?}", entry.column), "missing", "fill the value in"]),
        );
    }
}

#[test]
fn a_blank_line() {
    let blank = |_: &Entry, text: &str| text.replacen('\n', "\n\n", 1).into();
    refused_everywhere(blank, |_| words(&["line 2", "blank", "delete it"]));
}

#[test]
fn a_missing_treatment() {
    let shell = shell();
    shell.write("trial.csv", with_cell(&trial(), 3, "a", ""));
    for line in [LEARN, EVALUATE] {
        refused(&shell, line, 3, &["trial.csv, line 3", "\"a\"", "missing", "--missing drop"]);
    }
}

// Exit 3: the study.

#[test]
fn one_arm_only() {
    let shell = shell();
    shell.write("trial.csv", trial().replace(",drug,", ",none,"));
    for line in [LEARN, EVALUATE] {
        refused(&shell, line, 3, &["trial.csv", "\"a\"", "one arm only", "\"none\"", "at least two arms"]);
    }
    shell.write("G.csv", "drug\n1\n-1\n2\n-2\n");
    refused(&shell, TREE, 3, &["G.csv", "one arm only", "\"drug\"", "at least two arms"]);
}

#[test]
fn an_arm_with_fewer_rows_than_folds() {
    let shell = shell();
    shell.write("trial.csv", lines(&trial(), 9));
    for line in [LEARN, EVALUATE] {
        refused(&shell, line, 3, &["trial.csv", "4 rows", "5 folds", "--folds 4"]);
        shell.run(&format!("{line} --folds 2")).exits(0);
        shell.run(&format!("{line} --score ipw")).exits(0);
        let _ = std::fs::remove_dir_all(shell.path("out"));
        let _ = std::fs::remove_file(shell.path("report.json"));
    }
}

#[test]
fn a_propensity_that_is_no_probability() {
    let shell = shell();
    for line in [LEARN, EVALUATE] {
        for given in ["none=0,drug=1", "none=1,drug=0", "none=1.5,drug=-0.5", "none=-0.5,drug=1.5"] {
            let line = format!("{line} --propensity {given}");
            refused(
                &shell,
                &line,
                3,
                &["trial.csv", "propensity", "of arm", "between 0 and 1", "correct it"],
            );
        }
        let constants = |given: &str, parts: &[&str]| {
            refused(&shell, &format!("{line} --propensity {given}"), 3, parts);
        };
        constants("none=0.5,drug=0.6", &["trial.csv", "1.1", "sum to 1"]);
        constants("none=0.5", &["trial.csv", "\"drug\"", "give one for each"]);
        constants("none=0.5,drug=0.4,both=0.1", &["trial.csv", "\"both\"", "not in the data"]);
        for value in ["0", "1", "1.5", "-0.25"] {
            shell.write("trial.csv", with_cell(&trial(), 5, "p", value));
            let place = ["trial.csv, line 5", "\"p\"", value, "between 0 and 1", "correct it"];
            refused(&shell, &format!("{line} --propensity p"), 3, &place);
        }
        shell.write("trial.csv", trial());
    }
}

#[test]
fn numbers_of_rows_that_differ() {
    let shell = shell();
    shell.write("X.csv", "age,sex\n41.5,0\n30,1\n55,1\n");
    refused(&shell, TREE, 3, &["X.csv", "3 rows", "G.csv has 4", "same number of rows"]);
    refused(&shell, LINEAR, 3, &["X.csv", "3 rows", "g.csv has 4", "same number of rows"]);
}

#[test]
fn fewer_than_two_units() {
    for entry in ENTRIES.iter().filter(|entry| entry.line != PREDICT) {
        let shell = shell();
        shell.write(entry.file, lines(&shell.read(entry.file), 2));
        refused(&shell, entry.line, 3, &[entry.file, "1 row is too few", "at least 2"]);
    }
}

#[test]
fn gains_of_several_columns() {
    let shell = shell();
    let line = LINEAR.replace("g.csv", "G.csv");
    refused(&shell, &line, 3, &["G.csv", "1 column", "2 columns"]);
}

#[test]
fn arms_and_costs_that_the_data_do_not_have() {
    let shell = shell();
    refused(&shell, &format!("{LEARN} --arms none,pill"), 3, &["trial.csv", "\"pill\"", "\"drug\""]);
    refused(&shell, &format!("{LEARN} --arms none"), 3, &["trial.csv", "\"none\"", "\"drug\""]);
    refused(&shell, &format!("{LEARN} --cost pill=1"), 3, &["trial.csv", "the cost", "\"pill\"", "\"drug\""]);
    let three = trial().replacen(",none,", ",both,", 1);
    shell.write("trial.csv", three);
    let line = format!("{LEARN} --propensity p --score ipw");
    refused(&shell, &line, 3, &["trial.csv", "\"p\"", "two arms", "a column for each arm"]);
}

#[test]
fn numbers_too_large_to_compute_with() {
    let shell = shell();
    shell.write("trial.csv", with_cell(&trial(), 3, "y", "1e308"));
    refused(&shell, &format!("{LEARN} --score ipw"), 3, &["trial.csv", "rescale"]);
}

// Exit 2: the flags.

#[test]
fn values_that_no_flag_takes() {
    let shell = shell();
    for flag in ["--time-limit", "--mip-rel-gap", "--mip-abs-gap"] {
        for value in ["-1", "NaN", "inf", "-inf", "1e400", "soon"] {
            for line in [TREE, LINEAR, LEARN] {
                refused(&shell, &format!("{line} {flag}={value}"), 2, &[flag, value, "at least 0"]);
            }
        }
    }
    for (flag, value) in [("--mip-max-nodes", "-1"), ("--threads", "-1"), ("--seed", "-1"), ("--seed", "1.5")]
    {
        for line in [TREE, LINEAR, LEARN] {
            refused(&shell, &format!("{line} {flag}={value}"), 2, &[flag, value]);
        }
    }
    for line in [TREE, LINEAR, LEARN] {
        refused(&shell, &format!("{line} --threads 5000000"), 2, &["--threads", "5000000"]);
    }
}

#[test]
fn a_depth_or_leaf_of_nothing() {
    let shell = shell();
    for depth in ["0", "-1", "two"] {
        for line in [TREE, LEARN] {
            let line = line.replace("--depth 1", &format!("--depth={depth}"));
            refused(&shell, &line, 2, &["--depth", depth]);
        }
    }
    for line in [TREE, LEARN] {
        refused(&shell, &format!("{line} --min-leaf 0"), 2, &["--min-leaf", "at least 1"]);
        for given in ["quantiles:0", "quantiles:-3", "quantiles", "some"] {
            refused(
                &shell,
                &format!("{line} --candidates {given}"),
                2,
                &["--candidates", given, "quantiles:Q"],
            );
        }
    }
}

#[test]
fn a_depth_beyond_every_program() {
    let shell = shell();
    for depth in ["30", "70", "4000000000"] {
        for line in [TREE, LEARN] {
            let line = line.replace("--depth 1", &format!("--solver milp --depth {depth}"));
            refused(&shell, &line, 2, &["milp", "coefficients", "--solver greedy"]);
        }
    }
}

#[test]
fn an_unknown_solver() {
    let shell = shell();
    refused(&shell, &format!("{TREE} --solver cplex"), 2, &["\"cplex\"", "milp", "greedy"]);
    refused(&shell, &format!("{TREE} --solver smooth"), 2, &["\"smooth\"", "milp", "greedy"]);
    refused(&shell, &LINEAR.replace("smooth", "greedy"), 2, &["\"greedy\"", "milp", "smooth"]);
    refused(&shell, &format!("{LEARN} --solver cplex"), 2, &["\"cplex\"", "milp", "greedy"]);
    let compare = "compare linear --covariates X.csv --gains g.csv --solver cplex --json report.json";
    refused(&shell, compare, 2, &["\"cplex\"", "milp", "smooth"]);
}

#[test]
fn a_setting_of_another_solver() {
    let shell = shell();
    refused(&shell, &format!("{LINEAR} --formulation radon"), 2, &["smooth", "formulation", "milp"]);
    refused(&shell, &format!("{TREE} --stage polished"), 2, &["milp", "stage", "smooth"]);
    refused(
        &shell,
        &format!("{TREE} --solver greedy --formulation flow"),
        2,
        &["greedy", "formulation", "milp"],
    );
    refused(&shell, &format!("{TREE} --formulation radon"), 2, &["milp", "extended", "flow"]);
    let line = LINEAR.replace("smooth", "milp") + " --formulation flow";
    refused(&shell, &line, 2, &["milp", "facets", "radon", "naive"]);
    let line = TREE.replace("--depth 1", "--depth 3 --formulation extended");
    refused(&shell, &line, 2, &["milp", "depth 3", "flow"]);
    refused(&shell, &format!("{TREE} --formulation best"), 2, &["--formulation", "best"]);
}

#[test]
fn no_direction_or_two() {
    let shell = shell();
    refused(&shell, &LEARN.replace("--maximize", ""), 2, &["direction", "--maximize", "--minimize"]);
    refused(&shell, &format!("{LEARN} --minimize"), 2, &["--maximize", "--minimize"]);
}

#[test]
fn roles_that_are_not_given() {
    let shell = shell();
    refused(&shell, &LEARN.replace("trial.csv", ""), 2, &["DATA"]);
    refused(&shell, &LEARN.replace("--outcome y", ""), 2, &["--outcome"]);
    refused(&shell, &LEARN.replace("--treatment a", ""), 2, &["--treatment"]);
    refused(&shell, &LEARN.replace("--covariates age,sex", ""), 2, &["--covariates"]);
    refused(&shell, &EVALUATE.replace("--outcome y", ""), 2, &["--outcome"]);
    refused(&shell, &EVALUATE.replace("--treatment a", ""), 2, &["--treatment"]);
    refused(&shell, &TREE.replace("--rewards G.csv", ""), 2, &["--rewards"]);
    refused(&shell, &LINEAR.replace("--gains g.csv", ""), 2, &["--gains"]);
    refused(&shell, &TREE.replace("--depth 1", ""), 2, &["--depth"]);
}

#[test]
fn flags_that_do_not_go_together() {
    let shell = shell();
    for flag in ["--depth 2", "--min-leaf 2", "--candidates all"] {
        let line = LEARN.replace("--depth 1", "--policy linear") + " " + flag;
        refused(&shell, &line, 2, &[flag.split(' ').next().unwrap(), "--policy tree"]);
    }
    refused(&shell, &format!("{LEARN} --propensity none=0.5,drug=0.5 --propensity p"), 2, &["--propensity"]);
    refused(&shell, &format!("{LEARN} --cost drug=1 --cost-column fee"), 2, &["--cost"]);
    refused(&shell, &format!("{EVALUATE} --arms drug,none"), 2, &["--arms"]);
}

#[test]
fn pairs_that_are_none() {
    let shell = shell();
    for (given, parts) in [
        ("--cost 0.5", &["--cost", "0.5", "arm=value"][..]),
        ("--cost drug=cheap", &["--cost", "drug", "\"cheap\"", "finite number"]),
        ("--cost drug=inf", &["--cost", "drug", "\"inf\"", "finite number"]),
        ("--cost drug=1,drug=2", &["--cost", "\"drug\"", "twice"]),
        ("--propensity 0.5", &["--propensity", "0.5", "arm=value"]),
        ("--propensity none=half,drug=0.5", &["--propensity", "none", "\"half\"", "finite number"]),
        ("--propensity p,fee", &["--propensity", "\"p\"", "arm=value"]),
    ] {
        refused(&shell, &format!("{LEARN} {given}"), 2, parts);
        refused(&shell, &format!("{EVALUATE} {given}"), 2, parts);
    }
}

#[test]
fn shares_and_folds_out_of_range() {
    let shell = shell();
    for share in ["1", "1.5"] {
        refused(&shell, &format!("{LEARN} --test-share {share}"), 2, &["held-out share", "below 1"]);
    }
    for share in ["-0.5", "NaN", "half"] {
        refused(&shell, &format!("{LEARN} --test-share={share}"), 2, &["--test-share", share]);
    }
    for line in [LEARN, EVALUATE] {
        for folds in ["0", "1"] {
            refused(&shell, &format!("{line} --folds {folds}"), 2, &[folds, "--folds 2 or more"]);
        }
        refused(&shell, &format!("{line} --folds=-1"), 2, &["--folds", "-1"]);
    }
}

#[test]
fn words_that_are_no_command() {
    let shell = shell();
    refused(&shell, "cure", 2, &["cure"]);
    refused(&shell, "solve forest", 2, &["forest"]);
    refused(&shell, &format!("{TREE} --trees 5"), 2, &["--trees"]);
    refused(&shell, &format!("{LEARN} --policy forest"), 2, &["--policy", "forest", "tree", "linear"]);
    refused(&shell, &format!("{LEARN} --missing impute"), 2, &["--missing", "impute", "drop"]);
    refused(&shell, &format!("{LEARN} --score dr"), 2, &["--score", "dr", "aipw"]);
}

// Exit 1: places that cannot be read or written.

#[test]
fn a_file_that_does_not_exist() {
    for entry in &ENTRIES {
        let shell = shell();
        std::fs::remove_file(shell.path(entry.file)).unwrap();
        refused(&shell, entry.line, 1, &[entry.file, "cannot be read", "name a readable CSV file"]);
    }
    let shell = shell();
    for line in [EVALUATE, PREDICT] {
        let line = line.replace("rule.json", "no.json");
        refused(&shell, &line, 1, &["no.json", "cannot be read", "name a rule file"]);
    }
    refused(&shell, &format!("{LEARN} --config no.toml"), 1, &["no.toml", "name a TOML file"]);
    refused(&shell, &format!("{TREE} --read-solution no.sol"), 1, &["no.sol", "cannot be read"]);
    refused(&shell, "verify no --json report.json", 1, &["no/config.toml", "name a folder"]);
}

#[test]
fn a_folder_for_a_file() {
    for entry in &ENTRIES {
        let shell = shell();
        std::fs::remove_file(shell.path(entry.file)).unwrap();
        std::fs::create_dir(shell.path(entry.file)).unwrap();
        refused(&shell, entry.line, 1, &[entry.file, "cannot be read", "name a readable CSV file"]);
    }
    let shell = shell();
    std::fs::create_dir(shell.path("folder")).unwrap();
    for line in [EVALUATE, PREDICT] {
        refused(&shell, &line.replace("rule.json", "folder"), 1, &["folder", "cannot be read"]);
    }
    refused(&shell, &format!("{LEARN} --config folder"), 1, &["folder", "name a TOML file"]);
    refused(&shell, &PREDICT.replace("arms.csv", "folder"), 1, &["folder", "is a directory", "--out"]);
    for line in [TREE, LINEAR, LEARN, EVALUATE, PREDICT] {
        refused(&shell, &line.replace("report.json", "folder"), 1, &["folder", "is a directory", "--json"]);
    }
}

#[test]
fn a_place_that_cannot_be_written() {
    let shell = shell();
    // Below a regular file nobody can write, and in /proc not even root.
    for place in ["X.csv/below", "/proc/nowhere"] {
        refused(&shell, &LEARN.replace("--out out", &format!("--out {place}")), 1, &[place, "--out"]);
        refused(&shell, &PREDICT.replace("arms.csv", place), 1, &[place, "--out"]);
        for line in [TREE, LINEAR, LEARN, EVALUATE, PREDICT] {
            refused(&shell, &line.replace("report.json", place), 1, &[place, "--json"]);
        }
        let model = format!("{place}.mps");
        refused(&shell, &TREE.replace("model.lp", &model), 1, &[&model, "--write-model"]);
        refused(&shell, &format!("{TREE} --log-file {place}"), 1, &[place, "--log-file"]);
    }
    refused(&shell, &LEARN.replace("--out out", "--out X.csv"), 1, &["X.csv", "--out"]);
}

#[cfg(unix)]
#[test]
fn a_read_only_folder() {
    use std::os::unix::fs::PermissionsExt;
    let shell = shell();
    let locked = shell.path("locked");
    std::fs::create_dir(&locked).unwrap();
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o555)).unwrap();
    // Root may write all the same.
    if std::fs::write(locked.join("probe"), "").is_ok() {
        return;
    }
    refused(&shell, &LEARN.replace("--out out", "--out locked"), 1, &["locked", "--out"]);
    refused(&shell, &LEARN.replace("--out out", "--out locked/below"), 1, &["locked/below", "--out"]);
    refused(&shell, &TREE.replace("report.json", "locked/report.json"), 1, &["locked/report.json", "--json"]);
}

#[test]
fn a_model_file_without_a_known_ending() {
    let shell = shell();
    for name in ["model", "model.txt", "model.json"] {
        let line = TREE.replace("model.lp", name);
        refused(&shell, &line, 2, &["--write-model", name, ".mps", ".lp"]);
    }
}

// Rule files, configurations and solutions.

#[test]
fn a_rule_file_that_is_none() {
    let shell = shell();
    for line in [PREDICT, EVALUATE] {
        let bad = |rule: &str, code: i32, parts: &[&str]| {
            shell.write("rule.json", rule);
            refused(&shell, line, code, parts);
        };
        bad("", 3, &["rule.json", "not a rule"]);
        bad("treat everyone", 3, &["rule.json", "not a rule", "JSON"]);
        bad("{\"kind\": \"tree\"}", 3, &["rule.json", "not a rule"]);
        bad(&RULE.replace("\"tree\"", "\"shrub\""), 3, &["rule.json", "not a rule", "shrub"]);
        bad(&RULE.replace("\"threshold\": 40", "\"threshold\": 1e400"), 3, &["rule.json", "not a rule"]);
        let version = RULE.replace("\"schema_version\": 2", "\"schema_version\": 9");
        bad(&version, 3, &["rule.json", "version 9", "version 2", "learn the rule again"]);
        let arm = RULE.replace("{\"arm\": \"drug\"}", "{\"arm\": \"pill\"}");
        bad(&arm, 3, &["rule.json", "arm", "\"pill\"", "\"drug\""]);
        let covariate = RULE.replace("{\"covariate\": \"age\"", "{\"covariate\": \"height\"");
        bad(&covariate, 3, &["rule.json", "covariate", "\"height\"", "\"age\""]);
    }
}

#[test]
fn a_rule_for_other_arms() {
    let shell = shell();
    shell.write("trial.csv", trial().replace(",drug,", ",pill,"));
    refused(&shell, EVALUATE, 3, &["trial.csv", "\"pill\"", "\"drug\""]);
}

#[test]
fn a_configuration_that_makes_no_sense() {
    let shell = shell();
    let bad = |toml: &str, parts: &[&str]| {
        shell.write("run.toml", toml);
        let line = LEARN.replace("--depth 1", "");
        refused(&shell, &format!("{line} --config run.toml"), 2, parts);
    };
    bad("[scoring\nfolds = 5\n", &["run.toml", "line 1"]);
    bad("folds = \n", &["run.toml", "line 1"]);
    bad("tree_depth = 3\n", &["run.toml", "tree_depth"]);
    bad("[policy]\ndeep = 3\n", &["run.toml", "deep"]);
    bad("[policy]\ndepth = 0\n", &["run.toml", "depth 0"]);
    bad("[policy]\ndepth = \"two\"\n", &["run.toml", "two"]);
    bad("[policy]\nmin_leaf = 0\n", &["run.toml", "leaf size 0"]);
    bad("[policy]\nclass = \"forest\"\n", &["run.toml", "forest"]);
    bad("[policy]\ncandidates = { quantiles = 0 }\n", &["run.toml", "quantiles"]);
    bad("[settings]\nformulatoin = \"flow\"\n", &["run.toml", "formulatoin"]);
    bad("[settings]\nformulation = \"best\"\n", &["run.toml", "best"]);
    bad("[scoring]\nscores = \"ipw\"\n", &["run.toml", "scores"]);
    bad("[scoring.roles]\noutcomes = \"y\"\n", &["run.toml", "outcomes"]);
    bad("[solve]\ntime_limits = 3\n", &["run.toml", "time_limits"]);
    bad("[solve]\ntime_limit = -3.0\n", &["run.toml", "time_limit", "-3"]);
    bad("[solve]\nmip_rel_gap = nan\n", &["run.toml", "mip_rel_gap", "NaN"]);
    bad("[solve]\nmip_abs_gap = -0.5\n", &["run.toml", "mip_abs_gap", "-0.5"]);
    bad("test_share = 1.0\n", &["run.toml", "held-out share"]);
    bad("solver = \"cplex\"\n", &["\"cplex\"", "milp"]);
}

#[test]
fn a_solution_that_is_none() {
    let shell = shell();
    let bad = |text: &str, line: &str, parts: &[&str]| {
        shell.write("other.sol", text);
        refused(&shell, &format!("{line} --read-solution other.sol"), 3, parts);
    };
    for line in [TREE, LINEAR] {
        bad("", line, &["other.sol", "neither JSON nor lines"]);
        bad("no solution found", line, &["other.sol"]);
        bad("{\"kind\": \"forest\"}", line, &["other.sol", "not a rule"]);
        bad("{\"kind\":", line, &["other.sol", "not a rule"]);
        bad("one 1\ntwo 0\n", line, &["other.sol", "--write-model"]);
        bad("{\"kind\": \"constant\", \"arm\": \"pill\"}", line, &["other.sol", "\"pill\""]);
    }
    let linear = r#"{"kind": "linear", "arms": ["control", "treated"], "intercept": 1, "coefficients": [1]}"#;
    bad(linear, TREE, &["other.sol", "linear", "a tree"]);
    bad(linear, LINEAR, &["other.sol", "1 coefficients", "2 covariates"]);
    bad(r#"{"kind": "tree", "root": {"arm": "drug"}}"#, LINEAR, &["other.sol", "a tree", "a linear rule"]);
}

#[test]
fn a_folder_that_learn_did_not_write() {
    let shell = shell();
    shell.run(LEARN).exits(0);
    let line = "verify out --json verified.json";
    for (file, content) in [("config.toml", "data = 3"), ("report.json", "{}"), ("report.json", "")] {
        let kept = shell.read(&format!("out/{file}"));
        shell.write(&format!("out/{file}"), content);
        refused(&shell, line, 1, &[&format!("out/{file}"), "name a folder that learn wrote"]);
        shell.write(&format!("out/{file}"), kept);
    }
    let kept = shell.read("out/rule.json");
    shell.write("out/rule.json", "{}");
    refused(&shell, line, 3, &["out/rule.json", "not a rule"]);
    shell.write("out/rule.json", kept);
    refused(&shell, &format!("{line} --data G.csv"), 3, &["G.csv", "no such column"]);
    refused(&shell, &format!("{line} --data no.csv"), 1, &["no.csv", "cannot be read"]);
}

// Warnings: exit 0, and standard error says which column.

#[test]
fn a_constant_covariate_is_a_warning() {
    let shell = shell();
    shell.write("X.csv", "age,sex\n41.5,1\n30,1\n55,1\n62,1\n");
    for line in [TREE, LINEAR] {
        shell.run(line).exits(0).says(&["warning", "X.csv", "\"sex\""]);
    }
    let constant: String = (2..=25).fold(trial(), |text, line| with_cell(&text, line, "sex", "1"));
    shell.write("trial.csv", constant);
    for line in [LEARN, EVALUATE] {
        shell.run(line).exits(0).says(&["warning", "trial.csv", "\"sex\""]);
    }
}

#[test]
fn a_constant_reward_is_no_warning() {
    let shell = shell();
    shell.write("G.csv", "none,drug\n0,1\n0,-1\n0,2\n0,-2\n");
    let ran = shell.run(TREE).exits(0);
    assert_eq!(ran.stderr, "");
}
