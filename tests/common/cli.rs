//! The program in a folder of its own, so that a test reads like a shell session:
//!
//! ```text
//! shell.write("X.csv", ..);
//! shell.run("solve tree --covariates X.csv ..").exits(3).says(&["X.csv", "line 3"]);
//! ```
#![allow(dead_code)] // every test file is a crate of its own and uses its part

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_prescribe");
/// A run that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// A new folder, in which the program runs.
pub struct Shell(TempDir);

/// What a run of the program left behind.
#[derive(Debug)]
pub struct Ran {
    line: String,
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Shell {
    pub fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Changes a JSON file in place.
    pub fn edit(&self, name: &str, change: impl FnOnce(&mut Value)) {
        let mut value = self.json(name);
        change(&mut value);
        self.write(name, serde_json::to_vec_pretty(&value).unwrap());
    }

    /// Everything in the folder: files with their bytes, folders with none.
    pub fn contents(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        collect(self.0.path(), &mut found);
        found
    }

    /// `prescribe`, with the words of `line` as arguments.
    pub fn run(&self, line: &str) -> Ran {
        self.feed("", line)
    }

    /// As [`Shell::run`], with `input` on standard input.
    pub fn feed(&self, input: &(impl AsRef<[u8]> + ?Sized), line: &str) -> Ran {
        let mut command = assert_cmd::Command::new(PROGRAM);
        command.current_dir(self.0.path()).timeout(PATIENCE).write_stdin(input.as_ref());
        let output = command.args(line.split_whitespace()).output().unwrap();
        Ran {
            line: line.into(),
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    /// The exit code, and no panic whatever it is.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        for word in ["panicked", "backtrace", "RUST_BACKTRACE"] {
            assert!(!self.stderr.contains(word), "{self:#?}");
        }
        self
    }

    /// Standard error names all of `parts`.
    #[track_caller]
    pub fn says(self, parts: &[&str]) -> Self {
        let missing: Vec<_> = parts.iter().filter(|part| !self.stderr.contains(**part)).collect();
        assert!(missing.is_empty(), "{missing:?} is not in the message of {self:#?}");
        self
    }

    /// Standard output, which is exactly one JSON value.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }
}

fn collect(folder: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.insert(path.clone(), Vec::new());
            collect(&path, found);
        } else {
            let bytes = fs::read(&path).unwrap();
            found.insert(path, bytes);
        }
    }
}
