//! The same study as CSV, Parquet and Arrow: the same rule, byte for byte.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, BinaryArray, Float64Array, StringArray};

use crate::columnar::{all_formats, arrow_file, arrow_stream, batch, parquet, typed};
use crate::shell::Shell;

/// Thornton's study, whose villages and ages have gaps, and whose whole numbers are written 1.0 and 1.
fn thornton() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data/thornton_hiv.csv")).unwrap()
}

/// 600 units with ids, arms, wards and strata in text, a fee and a text that nothing uses.
fn trial() -> String {
    let unit = |i: usize| {
        let (arm, ward) =
            (["none", "drug", "talk"][(i * 7 + i / 9) % 3], ["north", "east", " south "][i % 3]);
        let (age, dose) = (20 + (i * 11) % 57, ((i * 37) % 101) as f64 / 8.0);
        let y = (age as f64 - 45.0) * f64::from(arm == "drug")
            + dose * f64::from(arm == "talk")
            + (i % 13) as f64;
        format!(
            "u{i:04},{y},{arm},{ward},{},{age},{dose},{},\"says \"\"{i}\"\", then\nleaves\"\n",
            i % 40,
            0.1 * (i % 7) as f64
        )
    };
    ["id,y,a,ward,family,age,dose,fee,note\n".to_string()].into_iter().chain((0..600).map(unit)).collect()
}

/// Learns from `csv` and from the same data in every other format; all must write the same rule and scores.
fn same_in_every_format(csv: &str, line: &str) {
    let shell = Shell::new();
    shell.write("data.csv", csv);
    shell.run(&format!("learn data.csv {line} --out csv")).exits(0);
    let rule = shell.read("csv/rule.json");
    assert!(rule.contains("covariates"), "{rule}");
    for (name, bytes) in all_formats(&typed(csv)) {
        shell.write(name, &bytes);
        shell.run(&format!("learn {name} {line} --out {name}-out")).exits(0);
        assert_eq!(shell.read(&format!("{name}-out/rule.json")), rule, "{name}");
        assert_eq!(shell.read(&format!("{name}-out/scores.csv")), shell.read("csv/scores.csv"), "{name}");
        shell.run(&format!("verify {name}-out")).exits(0);

        let piped = shell.feed(&bytes, &format!("learn - {line} --json -")).exits(0).json();
        let written: serde_json::Value = serde_json::from_str(&rule).unwrap();
        assert_eq!(piped["rule"], written, "{name} on standard input");
    }
}

#[test]
fn thornton_gives_the_same_rule_in_every_format() {
    let line = "--outcome got --treatment arm --covariates distvct,age,hiv2004 --maximize --missing drop \
                --cost inc_0_0.5=0.025,inc_2_3=0.25 --cluster village --policy tree --depth 2";
    same_in_every_format(&thornton(), line);
}

#[test]
fn text_arms_strata_and_ids_give_the_same_rule_in_every_format() {
    let line = "--outcome y --treatment a --arms none,drug,talk --covariates age,dose --propensity strata:ward \
                --id id --cluster family --cost-column fee --minimize --policy tree --depth 2";
    same_in_every_format(&trial(), line);
}

#[test]
fn whole_numbers_are_arms_whether_stored_as_integers_or_as_floats() {
    let shell = Shell::new();
    let csv = trial().replace(",none,", ",0,").replace(",drug,", ",1,").replace(",talk,", ",2,");
    let integers = typed(&csv);
    let floats: Float64Array =
        integers["a"].as_primitive::<Int64Type>().iter().map(|cell| cell.map(|arm| arm as f64)).collect();
    let used = ["y", "age", "dose"].map(|name| (name, integers[name].clone()));
    let with_floats = batch(used.into_iter().chain([("a", Arc::new(floats) as ArrayRef)]).collect());
    shell.write("csv", csv);
    shell.write("integers", arrow_file(&integers, None));
    shell.write("floats", arrow_file(&with_floats, None));
    let learn = |name: &str| {
        let line = "--outcome y --treatment a --arms 0,1,2 --covariates age,dose --maximize --depth 1";
        shell.run(&format!("learn {name} {line} --out {name}-out")).exits(0);
        shell.read(&format!("{name}-out/rule.json"))
    };
    assert_eq!(learn("integers"), learn("csv"));
    assert_eq!(learn("floats"), learn("csv"));
}

#[test]
fn predict_and_solve_read_every_format() {
    let shell = Shell::new();
    shell.write("X.csv", "age,sex\n41.5,0\n30,1\n55,1\n62,0\n");
    shell.write("G.csv", "none,drug\n0.5,1\n0,-1\n0,2\n0,-2\n");
    let line = |x: &str, g: &str| format!("solve tree --covariates {x} --rewards {g} --depth 1 --json -");
    let csv = shell.run(&line("X.csv", "G.csv")).exits(0).json();
    shell.write("X.parquet", parquet(&typed(&shell.read("X.csv"))));
    shell.write("G.arrow", arrow_stream(&typed(&shell.read("G.csv"))));
    let columnar = shell.run(&line("X.parquet", "G.arrow")).exits(0).json();
    assert_eq!(columnar["point"], csv["point"]);
    assert_eq!(columnar["data_hash"], csv["data_hash"]);
}

#[test]
fn a_cell_that_cannot_be_used_is_named_by_its_row() {
    let shell = Shell::new();
    let line = "solve linear --covariates X --gains g --solver smooth";
    shell.write("g", "gain\n1\n-1\n2\n");
    let refused = |cells: ArrayRef, parts: &[&str]| {
        shell.write("X", parquet(&batch(vec![("age", cells)])));
        shell.run(line).exits(3).says(&["X", "column \"age\""]).says(parts);
    };
    let floats = |cells: &[Option<f64>]| Arc::new(Float64Array::from(cells.to_vec()));
    refused(floats(&[Some(1.0), None, Some(2.0)]), &["row 2", "missing", "fill the value in"]);
    refused(floats(&[Some(1.0), Some(2.0), Some(f64::NAN)]), &["row 3", "\"NaN\" is not a finite number"]);
    refused(
        floats(&[Some(f64::NEG_INFINITY), Some(2.0), None]),
        &["row 1", "\"-inf\" is not a finite number"],
    );
    refused(Arc::new(StringArray::from(vec!["1", "2", "x"])), &["row 3", "\"x\" is not a number"]);
    let binary = BinaryArray::from(vec![&b"1"[..], b"2", b"3"]);
    refused(Arc::new(binary), &["type Binary", "convert the column to numbers or text"]);
}

#[test]
fn a_damaged_file_is_refused() {
    let shell = Shell::new();
    shell.write("g", "gain\n1\n-1\n2\n");
    let data = typed("age\n1\n2\n3\n");
    for (name, bytes) in all_formats(&data) {
        for length in [bytes.len() / 2, bytes.len() * 3 / 4] {
            shell.write(name, &bytes[..length]);
            shell
                .run(&format!("solve linear --covariates {name} --gains g --solver smooth"))
                .exits(3)
                .says(&[name, "cannot be read", "write or copy it again"]);
        }
    }
}
