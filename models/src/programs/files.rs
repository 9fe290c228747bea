//! Free-format MPS and CPLEX LP files, with names and the objective's constant.
//!
//! MPS carries the constant as the negated right-hand side of the objective row; LP as a bare number in the
//! objective. Numbers are written so that they read back to the same `f64`. A column whose name a format
//! cannot hold is written under a safe one (see [`safe_names`]).

use std::collections::BTreeSet;
use std::fmt::Write;

use super::Sense;
use super::{Column, MixedIntegerProgram, Row};

impl MixedIntegerProgram {
    /// The program as free-format MPS text.
    pub fn to_mps(&self) -> String {
        let names = Names::of(self);
        let mut text = format!("NAME {}\n", safe_name(&self.name));
        if self.sense == Sense::Maximize {
            text.push_str("OBJSENSE\n    MAX\n");
        }
        text.push_str("ROWS\n N objective\n");
        for (row, name) in self.rows.iter().zip(&names.rows) {
            let _ = writeln!(text, " {} {name}", mps_kind(row));
        }
        text.push_str("COLUMNS\n");
        self.mps_columns(&names, &mut text);
        text.push_str("RHS\n");
        if self.offset != 0.0 {
            let _ = writeln!(text, "    rhs objective {}", -self.offset);
        }
        for (row, name) in self.rows.iter().zip(&names.rows) {
            let side = if row.upper.is_finite() { row.upper } else { row.lower };
            if side != 0.0 && side.is_finite() {
                let _ = writeln!(text, "    rhs {name} {side}");
            }
        }
        let ranged = |row: &Row| row.lower.is_finite() && row.upper.is_finite() && row.lower < row.upper;
        if self.rows.iter().any(ranged) {
            text.push_str("RANGES\n");
            for (row, name) in self.rows.iter().zip(&names.rows).filter(|(row, _)| ranged(row)) {
                let _ = writeln!(text, "    range {name} {}", row.upper - row.lower);
            }
        }
        text.push_str("BOUNDS\n");
        for (column, name) in self.columns.iter().zip(&names.columns) {
            mps_bounds(column, name, &mut text);
        }
        text.push_str("ENDATA\n");
        text
    }

    fn mps_columns(&self, names: &Names, text: &mut String) {
        let mut by_column: Vec<Vec<(usize, f64)>> = vec![Vec::new(); self.columns.len()];
        for (r, row) in self.rows.iter().enumerate() {
            row.terms.iter().for_each(|&(j, value)| by_column[j].push((r, value)));
        }
        let mut inside = false;
        for (j, column) in self.columns.iter().enumerate() {
            if column.integer != inside {
                inside = column.integer;
                let _ = writeln!(text, "    marker 'MARKER' '{}'", if inside { "INTORG" } else { "INTEND" });
            }
            let name = &names.columns[j];
            if column.cost != 0.0 || by_column[j].is_empty() {
                let _ = writeln!(text, "    {name} objective {}", column.cost);
            }
            for &(r, value) in &by_column[j] {
                let _ = writeln!(text, "    {name} {} {value}", names.rows[r]);
            }
        }
        if inside {
            text.push_str("    marker 'MARKER' 'INTEND'\n");
        }
    }

    /// The program as CPLEX LP text.
    pub fn to_lp(&self) -> String {
        let names = Names::of(self);
        let mut text = format!("\\ {}\n", safe_name(&self.name));
        text.push_str(if self.sense == Sense::Maximize { "maximize\n" } else { "minimize\n" });
        let costs: Vec<(usize, f64)> =
            self.columns.iter().map(|c| c.cost).enumerate().filter(|(_, c)| *c != 0.0).collect();
        let _ = write!(text, " objective:{}", lp_terms(&costs, &names.columns));
        if self.offset != 0.0 {
            let _ = write!(text, "\n  {} {}", lp_sign(self.offset), self.offset.abs());
        }
        text.push_str("\nsubject to\n");
        for ((row, name), lower_side) in self.rows.iter().zip(&names.rows).zip(&names.lower_sides) {
            let terms = lp_terms(&row.terms, &names.columns);
            let _ = match (row.lower.is_finite(), row.upper.is_finite()) {
                (true, true) if row.lower == row.upper => writeln!(text, " {name}:{terms} = {}", row.upper),
                (true, true) => {
                    writeln!(text, " {lower_side}:{terms} >= {}\n {name}:{terms} <= {}", row.lower, row.upper)
                }
                (true, false) => writeln!(text, " {name}:{terms} >= {}", row.lower),
                _ => writeln!(text, " {name}:{terms} <= {}", row.upper),
            };
        }
        text.push_str("bounds\n");
        for (column, name) in self.columns.iter().zip(&names.columns) {
            let _ = match (column.lower.is_finite(), column.upper.is_finite()) {
                (false, false) => writeln!(text, " {name} free"),
                _ => writeln!(text, " {} <= {name} <= {}", lp_bound(column.lower), lp_bound(column.upper)),
            };
        }
        let whole: Vec<&String> =
            names.columns.iter().zip(&self.columns).filter(|(_, c)| c.integer).map(|(n, _)| n).collect();
        if !whole.is_empty() {
            text.push_str("general\n");
            whole.iter().for_each(|name| {
                let _ = writeln!(text, " {name}");
            });
        }
        text.push_str("end\n");
        text
    }

    /// The names that the files use for the columns, in order.
    pub fn file_names(&self) -> Vec<String> {
        Names::of(self).columns
    }
}

struct Names {
    columns: Vec<String>,
    rows: Vec<String>,
    /// For the lower side of a ranged row, which LP files write as a row of its own.
    lower_sides: Vec<String>,
}

impl Names {
    fn of(program: &MixedIntegerProgram) -> Self {
        let names = program.rows.iter().map(|r| r.name.clone());
        let lower = program.rows.iter().map(|r| format!("{}_low", r.name));
        let mut rows = safe_names(names.chain(lower));
        Self {
            columns: safe_names(program.columns.iter().map(|c| c.name.clone())),
            lower_sides: rows.split_off(program.rows.len()),
            rows,
        }
    }
}

/// Names of letters, digits and `_ . ( )` that readers of both formats take for names, all different: a clash gets the
/// position appended. Square brackets become round: in LP files they enclose quadratic terms.
fn safe_names(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut taken = BTreeSet::new();
    names
        .enumerate()
        .map(|(i, name)| {
            let mut safe = safe_name(&name);
            while !taken.insert(safe.clone()) {
                safe = format!("{safe}.{i}");
            }
            safe
        })
        .collect()
}

fn safe_name(name: &str) -> String {
    let mut safe: String = name
        .chars()
        .map(|c| match c {
            '[' | '(' => '(',
            ']' | ')' => ')',
            c if c.is_ascii_alphanumeric() || c == '_' || c == '.' => c,
            _ => '_',
        })
        .collect();
    if !safe.starts_with(|c: char| c.is_ascii_alphabetic()) || reads_as_something_else(&safe) {
        safe.insert_str(0, "v_");
    }
    safe
}

/// Words with a meaning of their own in LP or MPS files, sections of other dialects and the names that this file uses itself
/// included. HiGHS, for one, reads them anywhere and in any case.
const RESERVED: &str = "bin binaries binary bound bounds columns csection delayedrows end endata free gen gencons general \
    generals indicators integer integers lazy marker modelcuts name obj objective objsense pwlcon pwlnam \
    pwlobj qcmatrix qmatrix qsection quadobj range ranges rhs rows s.t. sc sec semi semis sets sin sos \
    sos1 sos2 st subject such to usercuts user";

/// Whether a reader would take the beginning of `name` for a number (`e1`, `infant`, `nan_count`: readers look for a number
/// first) or all of it for a keyword (HiGHS's MPS reader looks at three letters of `max` and `min`).
fn reads_as_something_else(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    ["e", "inf", "nan", "max", "min"].iter().any(|start| lower.starts_with(start))
        || RESERVED.split(' ').any(|word| word == lower)
}

fn mps_kind(row: &Row) -> char {
    match (row.lower.is_finite(), row.upper.is_finite()) {
        (true, true) if row.lower == row.upper => 'E',
        (_, true) => 'L',
        (true, false) => 'G',
        (false, false) => 'N',
    }
}

fn mps_bounds(column: &Column, name: &str, text: &mut String) {
    let _ = match (column.lower, column.upper) {
        (lower, upper) if lower == upper => writeln!(text, " FX bound {name} {lower}"),
        (f64::NEG_INFINITY, f64::INFINITY) => writeln!(text, " FR bound {name}"),
        (f64::NEG_INFINITY, upper) => writeln!(text, " MI bound {name}\n UP bound {name} {upper}"),
        (lower, f64::INFINITY) => writeln!(text, " LO bound {name} {lower}\n PL bound {name}"),
        (lower, upper) => writeln!(text, " LO bound {name} {lower}\n UP bound {name} {upper}"),
    };
}

/// Terms in lines of eight, since some readers limit the length of a line.
fn lp_terms(terms: &[(usize, f64)], names: &[String]) -> String {
    let mut text = String::new();
    for (position, &(j, value)) in terms.iter().enumerate() {
        let gap = if position > 0 && position % 8 == 0 { "\n  " } else { " " };
        let _ = write!(text, "{gap}{} {} {}", lp_sign(value), value.abs(), names[j]);
    }
    if text.is_empty() {
        // An empty expression is a syntax error to most readers.
        let _ = write!(text, " 0 {}", names[0]);
    }
    text
}

fn lp_sign(value: f64) -> char {
    if value < 0.0 { '-' } else { '+' }
}

fn lp_bound(value: f64) -> String {
    match value {
        f64::INFINITY => "+inf".into(),
        f64::NEG_INFINITY => "-inf".into(),
        value => value.to_string(),
    }
}
