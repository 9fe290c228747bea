//! Programs as data: what `check` refuses, and the names that files use.

use std::collections::BTreeSet;

use prescribe_models::{InvalidModel, MixedIntegerProgram, Row, Sense};
use proptest::prelude::*;

/// `max 2 v + w` with `1 <= v + w <= 3`.
fn sound() -> MixedIntegerProgram {
    let mut program = MixedIntegerProgram::new("sound", Sense::Maximize);
    let v = program.continuous("v", 0.0, f64::INFINITY, 2.0);
    let w = program.binary("w", 1.0);
    program.rows.push(Row { name: "both".into(), lower: 1.0, upper: 3.0, terms: vec![(v, 1.0), (w, 1.0)] });
    program
}

fn refusal(change: impl FnOnce(&mut MixedIntegerProgram)) -> String {
    let mut program = sound();
    change(&mut program);
    let Err(InvalidModel(reason)) = program.check() else { panic!("not refused: {program:?}") };
    reason
}

#[test]
fn a_sound_program_passes() {
    sound().check().unwrap();
}

#[test]
fn what_is_not_a_number_is_refused_by_name() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert!(refusal(|p| p.offset = bad).contains("constant"));
        assert!(refusal(|p| p.columns[1].cost = bad).contains("column w"));
        assert!(refusal(|p| p.rows[0].terms[0].1 = bad).contains("row both"));
    }
    assert!(refusal(|p| p.columns[0].lower = f64::NAN).contains("column v"));
    assert!(refusal(|p| p.columns[0].upper = f64::NAN).contains("column v"));
    assert!(refusal(|p| p.rows[0].lower = f64::NAN).contains("row both"));
    assert!(refusal(|p| p.rows[0].upper = f64::NAN).contains("row both"));
}

#[test]
fn bounds_that_hold_nothing_are_refused() {
    assert!(refusal(|p| p.columns[0].upper = -1.0).contains("column v"));
    assert!(refusal(|p| p.columns[0].lower = f64::INFINITY).contains("column v"));
    assert!(refusal(|p| p.columns[1].lower = 0.25).contains("column w is whole"));
    assert!(refusal(|p| p.columns[1].upper = 1.5).contains("column w is whole"));
    assert!(refusal(|p| p.rows[0].upper = 0.5).contains("row both"));
    assert!(refusal(|p| p.rows[0].upper = f64::NEG_INFINITY).contains("row both"));
}

#[test]
fn terms_of_no_column_or_of_one_twice_are_refused() {
    assert!(refusal(|p| p.rows[0].terms.push((2, 1.0))).contains("column 2"));
    assert!(refusal(|p| p.rows[0].terms.push((0, 1.0))).contains("column 0"));
    assert!(refusal(|p| p.columns.clear()).contains("no columns"));
}

fn names(names: &[&str]) -> Vec<String> {
    let mut program = MixedIntegerProgram::new("names", Sense::Minimize);
    names.iter().for_each(|name| {
        program.binary(*name, 1.0);
    });
    program.file_names()
}

#[test]
fn names_are_safe_in_both_formats() {
    // Square brackets are quadratic terms to LP readers, numbers are read before names, keywords anywhere.
    assert_eq!(names(&["treat[3]", "x<=2.5"]), ["treat(3)", "x__2.5"]);
    assert_eq!(names(&["infant", "NaN", "e1", "2x"]), ["v_infant", "v_NaN", "v_e1", "v_2x"]);
    assert_eq!(names(&["free", "End", "maximum", "rhs"]), ["v_free", "v_End", "v_maximum", "v_rhs"]);
    assert_eq!(names(&["", "größe", "größe"]), ["v_", "gr__e", "gr__e.2"]);
    // The position that makes a name different may itself be taken.
    assert_eq!(names(&["a.2", "a", "a"]), ["a.2", "a", "a.2.2"]);
}

proptest! {
    #[test]
    fn names_in_files_are_different(given in prop::collection::vec("[ab]{1,2}(\\.[0-4]){0,2}|.{0,3}", 1..9)) {
        let given: Vec<&str> = given.iter().map(String::as_str).collect();
        let used = names(&given);
        prop_assert_eq!(used.iter().collect::<BTreeSet<_>>().len(), given.len(), "{:?}", used);
    }
}
