//! Cells that must be numbers, and columns that must exist.

use prescribe::data::Purpose;

use super::*;

#[test]
fn a_value_that_is_no_finite_number_is_refused_by_its_cell() {
    for (value, message) in [
        ("abc", "\"abc\" is not a number; write a decimal number such as 41.5"),
        ("1;5", "\"1;5\" is not a number; write a decimal number such as 41.5"),
        ("NaN", "\"NaN\" is not a finite number; write a decimal number such as 41.5"),
        ("-inf", "\"-inf\" is not a finite number; write a decimal number such as 41.5"),
        (
            "1e400",
            "\"1e400\" is beyond the largest number that can be computed with (1.8e308); rescale the column",
        ),
    ] {
        let text = format!("age\n20\n{value}\n");
        assert_refused(
            table(&text).numbers("age", Purpose::Matrix),
            &format!("patients.csv, line 3, column \"age\": {message}"),
        );
    }
}

#[test]
fn the_remedy_is_one_that_the_purpose_allows() {
    assert_refused(
        table("age\nabc\n").numbers("age", Purpose::Covariate),
        "patients.csv, line 2, column \"age\": \"abc\" is not a number; write a decimal number such as 41.5, name the \
         column in --categorical, or leave it out of --covariates",
    );
    for (purpose, remedy) in [
        (
            Purpose::Covariate,
            "fill the value in, leave the column out of --covariates, or pass --missing keep or --missing drop",
        ),
        (Purpose::Role, "fill the value in, or pass --missing drop"),
        (Purpose::Matrix, "fill the value in, or delete the row (from every file that goes with this one)"),
    ] {
        for value in ["", "NA"] {
            assert_refused(
                table(&format!("age,y\n{value},1\n")).numbers("age", purpose),
                &format!(
                    "patients.csv, line 2, column \"age\": the value is missing (\"{value}\"); {remedy}"
                ),
            );
        }
    }
}

#[test]
fn a_long_or_multi_line_value_does_not_swamp_the_message() {
    let text = format!("age\n\"two\nlines {}\"\n", "x".repeat(1000));
    let message = table(&text).numbers("age", Purpose::Matrix).unwrap_err().to_string();
    assert!(message.contains("\"two\\nlines xxx") && message.len() < 200, "{message}");
}

#[test]
fn an_unknown_column_is_answered_with_the_nearest_names() {
    assert_refused(
        table(TRIAL).numbers("Agee", Purpose::Covariate),
        "patients.csv, column \"Agee\": there is no such column; did you mean \"age\"? the columns are \"id\", \
         \"y\", \"a\", \"age\", \"sex\", \"p\", \"fee\"",
    );
    assert_refused(
        table("x\n1\n").numbers("income", Purpose::Covariate),
        "patients.csv, column \"income\": there is no such column; the columns are \"x\"",
    );
}
