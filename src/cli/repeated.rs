//! An experiment that is repeated: draws, threads, the file that keeps them, and figures over draws in words.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use serde_json::Value;

use super::failure::{DONE, Failure};
use super::flags::{self, JsonFlag};
use super::output;
use super::progress::Terminal;
use crate::reproduce::ReproduceError;
use crate::reproduce::journal::Run;
use crate::reproduce::spread::{Slope, Spread};

/// Draws, threads and files.
#[derive(Args)]
pub struct Repeated {
    /// Draws
    #[arg(long, value_name = "R", default_value = "200", value_parser = flags::positive)]
    replications: usize,
    /// Draws at a time, 0 for as many as there are cores; the answer does not depend on it
    #[arg(long, value_name = "T", default_value = "0", value_parser = flags::threads)]
    threads: usize,
    /// Root of all randomness
    #[arg(long, value_name = "S", default_value = "1")]
    pub seed: u64,
    /// Keeps every draw that is done in this file, and goes on from those that are in it
    #[arg(long, value_name = "FILE")]
    resume: Option<PathBuf>,
    #[command(flatten)]
    json: JsonFlag,
}

impl Repeated {
    pub fn finish<T: Serialize>(
        &self,
        header: Value,
        work: impl FnOnce(&Run) -> Result<T, ReproduceError>,
        text: impl FnOnce(&T) -> String,
    ) -> Result<u8, Failure> {
        self.finish_with(header, work, text, |_| Ok(()))
    }

    /// With something to be done with what was found before it is printed.
    pub fn finish_with<T: Serialize>(
        &self,
        header: Value,
        work: impl FnOnce(&Run) -> Result<T, ReproduceError>,
        text: impl FnOnce(&T) -> String,
        also: impl FnOnce(&T) -> Result<(), Failure>,
    ) -> Result<u8, Failure> {
        output::check(self.json.json.as_deref(), "--json")?;
        let observer = Terminal::new();
        let run = Run {
            header,
            replications: self.replications,
            threads: self.threads,
            resume: self.resume.as_deref(),
            observer: &observer,
        };
        let found = work(&run)?;
        also(&found)?;
        output::print(self.json.json.as_deref(), &found, &text(&found))?;
        Ok(DONE)
    }
}

pub fn spread(of: Spread, digits: usize) -> String {
    format!("{:.digits$} ({:.digits$})", of.mean, of.sd)
}

pub fn slope(what: &str, found: Option<Slope>) -> String {
    found.map_or(String::new(), |Slope { slope, interval: [low, high] }| {
        format!("slope of log {what} against log n: {slope:.3} (95% interval {low:.3} to {high:.3})\n")
    })
}
