//! Eligibility: which arms each unit may get, as an n x K matrix of yes and no.
//!
//! A condition on an arm is the name of a column of 0 and 1, or a comparison of a column with a number or a label:
//! `age<=65`, `ward!=3`, `sex=m`. An arm without a condition may be given to everyone.

use std::collections::BTreeMap;

use ndarray::Array2;

use super::{DataError, Place, Problem, Purpose, Table};

/// Comparisons, the longer before those that they begin with.
const OPERATORS: [&str; 7] = ["<=", ">=", "!=", "==", "<", ">", "="];

/// The column that a condition looks at.
pub(super) fn column(condition: &str) -> &str {
    parts(condition).map_or(condition, |(column, ..)| column)
}

/// Who may get what; `conditions` are by arm. None where there are no conditions.
///
/// # Errors
/// Kind `Data`: an arm that is not in the data; a column that does not exist, misses a value or cannot be compared; a unit
/// that is eligible for no arm, or received one for which it is not (`arm`, by index).
pub(super) fn eligible(
    table: &Table,
    conditions: &BTreeMap<String, String>,
    arms: &[String],
    arm: &[usize],
) -> Result<Option<Array2<bool>>, DataError> {
    let Some(eligible) = eligible_elsewhere(table, conditions, arms)? else { return Ok(None) };
    for (i, &k) in arm.iter().enumerate() {
        if !eligible[[i, k]] {
            return Err(table.place(i).refuse(Problem::ReceivedIneligible { arm: arms[k].clone() }));
        }
    }
    Ok(Some(eligible))
}

/// The same for rows of which nobody knows what they received, such as new ones.
///
/// # Errors
/// As [`eligible`], but for the arm received.
pub(crate) fn eligible_elsewhere(
    table: &Table,
    conditions: &BTreeMap<String, String>,
    arms: &[String],
) -> Result<Option<Array2<bool>>, DataError> {
    if conditions.is_empty() {
        return Ok(None);
    }
    let mut eligible = Array2::from_elem((table.row_count(), arms.len()), true);
    for (label, condition) in conditions {
        let Some(k) = arms.iter().position(|other| other == label) else {
            let unknown = Problem::UnknownArm { role: "--eligible", arm: label.clone(), arms: arms.to_vec() };
            return Err(Place::file(table.source()).refuse(unknown));
        };
        eligible.column_mut(k).assign(&ndarray::Array1::from(holds(table, condition)?));
    }
    Ok(Some(eligible))
}

/// Whether the condition holds for each row.
fn holds(table: &Table, condition: &str) -> Result<Vec<bool>, DataError> {
    let Some((column, operator, value)) = parts(condition) else {
        return yes_or_no(table, condition);
    };
    let Ok(number) = value.parse::<f64>() else {
        let labels = || table.labels(column, Purpose::Role);
        return match operator {
            "=" | "==" => Ok(labels()?.iter().map(|label| label == value).collect()),
            "!=" => Ok(labels()?.iter().map(|label| label != value).collect()),
            _ => Err(Place::file(table.source())
                .column(column)
                .refuse(Problem::NotComparable { condition: condition.to_owned() })),
        };
    };
    let compare = |x: f64| match operator {
        "<=" => x <= number,
        ">=" => x >= number,
        "<" => x < number,
        ">" => x > number,
        "!=" => x != number,
        _ => x == number,
    };
    Ok(table.numbers(column, Purpose::Role)?.into_iter().map(compare).collect())
}

fn yes_or_no(table: &Table, column: &str) -> Result<Vec<bool>, DataError> {
    let labels = table.labels(column, Purpose::Role)?;
    let read = |(i, label): (usize, String)| match label.as_str() {
        "1" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(table.place(i).column(column).refuse(Problem::NotYesOrNo { value: label })),
    };
    labels.into_iter().enumerate().map(read).collect()
}

/// Column, operator and value of a comparison; the first operator in the text divides.
fn parts(condition: &str) -> Option<(&str, &str, &str)> {
    let at = condition.find(['<', '>', '=', '!'])?;
    let operator = OPERATORS.into_iter().find(|operator| condition[at..].starts_with(operator))?;
    Some((condition[..at].trim(), operator, condition[at + operator.len()..].trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_read() {
        assert_eq!(parts("age <= 65"), Some(("age", "<=", "65")));
        assert_eq!(parts("sex=m"), Some(("sex", "=", "m")));
        assert_eq!(parts("ward!=3"), Some(("ward", "!=", "3")));
        assert_eq!(parts("may_get"), None);
        assert_eq!(column("a > 3"), "a");
    }

    #[test]
    fn conditions_hold_where_they_should() {
        let table = Table::parse("t.csv", b"age,sex,ok\n65,m,1\n66,f,0\n").unwrap();
        for (condition, expected) in [
            ("age<=65", [true, false]),
            ("age>65", [false, true]),
            ("sex=f", [false, true]),
            ("sex!=f", [true, false]),
            ("ok", [true, false]),
            ("ok==0", [false, true]),
        ] {
            assert_eq!(holds(&table, condition).unwrap(), expected, "{condition}");
        }
        assert!(holds(&table, "sex<f").unwrap_err().to_string().contains("sex<f"));
        assert!(holds(&table, "sex").unwrap_err().to_string().contains("\"m\" is neither 0"));
    }
}
