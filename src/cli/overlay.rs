//! What was typed, laid over the tables of a configuration.

use std::path::Path;

use toml::{Table, Value};

use super::failure::{Failure, INTERNAL, USAGE};

/// The configuration in a file.
pub fn read(path: &Path) -> Result<Table, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure {
        code: INTERNAL,
        message: format!("{}: {error}; name a TOML file", path.display()),
    })?;
    text.parse().map_err(|error| Failure { code: USAGE, message: format!("{}: {error}", path.display()) })
}

/// Lays `top` over `base`, table by table; a variant such as `candidates` or `costs` is replaced whole.
pub fn overlay(base: &mut Table, top: Table) {
    const NESTED: [&str; 8] =
        ["scoring", "roles", "policy", "constraints", "settings", "solve", "fusion", "clustered"];
    for (name, value) in top {
        match (base.get_mut(&name), value) {
            (Some(Value::Table(below)), Value::Table(above)) if NESTED.contains(&name.as_str()) => {
                overlay(below, above)
            }
            (_, value) => {
                base.insert(name, value);
            }
        }
    }
}

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
