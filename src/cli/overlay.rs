//! What was typed, laid over the tables of a configuration.

use toml::{Table, Value};

use super::failure::Failure;

/// The table called `name`, made where it is not there.
pub fn table<'t>(parent: &'t mut Table, name: &str) -> &'t mut Table {
    let entry = parent.entry(name).or_insert_with(|| Value::Table(Table::new()));
    if !entry.is_table() {
        *entry = Value::Table(Table::new());
    }
    match entry {
        Value::Table(table) => table,
        _ => unreachable!("it was just made a table"),
    }
}

/// Sets `name` where a value was typed.
pub fn put(table: &mut Table, name: &str, value: Option<impl serde::Serialize>) -> Result<(), Failure> {
    if let Some(value) = value {
        let value = Value::try_from(value).map_err(|error| Failure::usage(format!("{name}: {error}")))?;
        table.insert(name.into(), value);
    }
    Ok(())
}
