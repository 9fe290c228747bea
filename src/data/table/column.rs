//! The cells of one column, from top to bottom.
//!
//! A cell is what it would be in a CSV file of the same data, so that a study does not depend on the format of its
//! file. Text is trimmed. A number is the text that determines it and has the fewest digits, without exponent and without
//! a point where it is whole (2, 0.5, 1000000), truth is `true` or `false`, and what is missing is empty.
#![cfg_attr(not(feature = "arrow"), allow(dead_code))] // CSV has text only

use std::borrow::Cow;

#[derive(Debug)]
pub(in crate::data) enum Column {
    Text(Text),
    Integers(Typed<i64>),
    Floats(Typed<f64>),
    Booleans(Typed<bool>),
}

/// Trimmed cells in one string: cell i ends at `ends[i]`, where cell i + 1 begins.
#[derive(Debug, Default)]
pub(in crate::data) struct Text {
    cells: String,
    ends: Vec<usize>,
}

/// Values, and which of them are missing (their value is then the default).
#[derive(Debug)]
pub(in crate::data) struct Typed<T> {
    values: Vec<T>,
    missing: Vec<bool>,
}

impl Column {
    /// A cell as text; empty where it is missing.
    pub fn text(&self, row: usize) -> Cow<'_, str> {
        fn of<T: ToString>(value: Option<T>) -> Cow<'static, str> {
            value.map_or(Cow::Borrowed(""), |value| Cow::Owned(value.to_string()))
        }
        match self {
            Column::Text(text) => Cow::Borrowed(text.get(row)),
            Column::Integers(integers) => of(integers.get(row)),
            Column::Floats(floats) => of(floats.get(row)),
            Column::Booleans(booleans) => of(booleans.get(row)),
        }
    }

    /// A cell as a number, where the column is of numbers or of truth (1 for true) and the cell is neither missing nor
    /// infinite nor NaN.
    pub fn number(&self, row: usize) -> Option<f64> {
        match self {
            Column::Text(_) => None,
            Column::Integers(integers) => integers.get(row).map(|value| value as f64),
            Column::Floats(floats) => floats.get(row).filter(|value| value.is_finite()),
            Column::Booleans(booleans) => booleans.get(row).map(f64::from),
        }
    }

    pub fn is_missing(&self, row: usize) -> bool {
        match self {
            Column::Text(text) => is_missing(text.get(row)),
            Column::Integers(integers) => integers.missing[row],
            Column::Floats(floats) => floats.missing[row],
            Column::Booleans(booleans) => booleans.missing[row],
        }
    }

    pub fn len(&self) -> usize {
        match self {
            Column::Text(text) => text.ends.len(),
            Column::Integers(integers) => integers.values.len(),
            Column::Floats(floats) => floats.values.len(),
            Column::Booleans(booleans) => booleans.values.len(),
        }
    }

    /// The cells of these rows; missing where there is no row.
    pub fn take(&self, rows: impl Iterator<Item = Option<usize>>) -> Column {
        match self {
            Column::Text(text) => Column::Text(rows.map(|row| row.map_or("", |row| text.get(row))).collect()),
            Column::Integers(integers) => Column::Integers(integers.take(rows)),
            Column::Floats(floats) => Column::Floats(floats.take(rows)),
            Column::Booleans(booleans) => Column::Booleans(booleans.take(rows)),
        }
    }

    /// Puts the next piece of the same column below this one.
    pub fn append(&mut self, next: Column) {
        match (self, next) {
            (Column::Text(text), Column::Text(next)) => text.append(&next),
            (Column::Integers(integers), Column::Integers(next)) => integers.append(next),
            (Column::Floats(floats), Column::Floats(next)) => floats.append(next),
            (Column::Booleans(booleans), Column::Booleans(next)) => booleans.append(next),
            _ => unreachable!("the pieces of a column have the type of the column"),
        }
    }
}

/// Whether the text of a cell says that there is no value.
pub(in crate::data) fn is_missing(cell: &str) -> bool {
    cell.is_empty() || cell == "NA"
}

impl Text {
    pub fn push(&mut self, cell: &str) {
        self.cells.push_str(cell.trim());
        self.ends.push(self.cells.len());
    }

    fn get(&self, row: usize) -> &str {
        let start = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.cells[start..self.ends[row]]
    }

    fn append(&mut self, next: &Text) {
        let before = self.cells.len();
        self.cells.push_str(&next.cells);
        self.ends.extend(next.ends.iter().map(|end| before + end));
    }
}

impl<S: AsRef<str>> FromIterator<S> for Text {
    fn from_iter<I: IntoIterator<Item = S>>(cells: I) -> Text {
        let mut text = Text::default();
        cells.into_iter().for_each(|cell| text.push(cell.as_ref()));
        text
    }
}

impl<T: Copy + Default> Typed<T> {
    fn get(&self, row: usize) -> Option<T> {
        (!self.missing[row]).then(|| self.values[row])
    }

    fn take(&self, rows: impl Iterator<Item = Option<usize>>) -> Typed<T> {
        rows.map(|row| row.and_then(|row| self.get(row))).collect()
    }

    fn append(&mut self, next: Typed<T>) {
        self.values.extend(next.values);
        self.missing.extend(next.missing);
    }
}

impl<T: Copy + Default> FromIterator<Option<T>> for Typed<T> {
    fn from_iter<I: IntoIterator<Item = Option<T>>>(cells: I) -> Typed<T> {
        let (values, missing) =
            cells.into_iter().map(|cell| (cell.unwrap_or_default(), cell.is_none())).unzip();
        Typed { values, missing }
    }
}
