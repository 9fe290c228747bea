//! `prescribe export RULE --to FORMAT`: the rule in the languages of others.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::failure::{DONE, Failure};
use super::output;
use crate::data::write_whole;
use crate::rule::RuleFile;
use crate::rule::export::{Dialect, Format};

#[derive(Args)]
pub struct Export {
    /// rule.json that `learn` wrote
    rule: PathBuf,
    /// Format
    #[arg(long, value_enum)]
    to: FormatFlag,
    /// Of sql: which database reads it (default: sqlite)
    #[arg(long, value_enum)]
    dialect: Option<DialectFlag>,
    /// Write here instead of to standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FormatFlag {
    Json,
    Text,
    Policytree,
    Dot,
    Svg,
    Sql,
    Python,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum DialectFlag {
    Sqlite,
    Duckdb,
    Postgresql,
}

impl Export {
    pub fn run(&self) -> Result<u8, Failure> {
        let rule = RuleFile::read(&self.rule)?;
        let text = rule.export(self.format()?).map_err(|error| Failure::usage(error.to_string()))?;
        match &self.out {
            None => output::to_stdout(&text)?,
            Some(path) => write_whole(path, text.as_bytes())
                .map_err(|error| Failure::io(path, &error, "name a file that can be written with --out"))?,
        }
        Ok(DONE)
    }

    fn format(&self) -> Result<Format, Failure> {
        let dialect = match self.dialect {
            Some(_) if self.to != FormatFlag::Sql => {
                return Err(Failure::usage("--dialect belongs to --to sql"));
            }
            Some(DialectFlag::Duckdb) => Dialect::Duckdb,
            Some(DialectFlag::Postgresql) => Dialect::Postgresql,
            _ => Dialect::Sqlite,
        };
        Ok(match self.to {
            FormatFlag::Json => Format::Json,
            FormatFlag::Text => Format::Text,
            FormatFlag::Policytree => Format::Policytree,
            FormatFlag::Dot => Format::Dot,
            FormatFlag::Svg => Format::Svg,
            FormatFlag::Sql => Format::Sql(dialect),
            FormatFlag::Python => Format::Python,
        })
    }
}
