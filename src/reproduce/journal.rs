//! Replications: in parallel, and kept in a file so that an interrupted run goes on.
//!
//! The file has a line of JSON for the experiment (`header`) and one for each replication that is done, in the order in which they got done:
//!
//! ```text
//! {"experiment": "fusion-table-5", "seed": 1, "version": "0.1.0"}
//! {"replication": 3, "result": {..}}
//! ```
//!
//! What replication r gives depends on the header and r alone, so that neither threads nor interruptions change a result. A last line
//! that was cut off is dropped, and its replication done again.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rand::RngCore;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ReproduceError;
use crate::learn::parallel::each;
use crate::random::stream;
use crate::solve::{Observer, Options};

/// Which replications, and how.
pub struct Run<'a> {
    /// What tells one experiment from another.
    pub header: Value,
    pub replications: usize,
    /// Threads, 0 for all.
    pub threads: usize,
    pub resume: Option<&'a Path>,
    pub observer: &'a dyn Observer,
}

impl Run<'_> {
    /// `work(r)` for r from 0 to `replications` - 1, those of the file excepted, each in one thread.
    ///
    /// # Errors
    /// The first of `work`; a file that cannot be read or written, or is of another experiment; interruption.
    pub fn each<R: Serialize + DeserializeOwned + Clone + Send + Sync>(
        &self,
        work: impl Fn(usize) -> Result<R, ReproduceError> + Sync,
    ) -> Result<Vec<R>, ReproduceError> {
        let (done, journal) = match self.resume {
            Some(path) => {
                let (done, journal) = Journal::open(path, &self.header)?;
                (done, Some(Mutex::new(journal)))
            }
            None => (BTreeMap::new(), None),
        };
        let one = |r: usize, _: &Options, observer: &dyn Observer| {
            if let Some(result) = done.get(&r) {
                return Ok(R::clone(result));
            }
            if observer.wants_stop() {
                return Err(ReproduceError::Interrupted);
            }
            let result = alone(|| work(r))?;
            if let Some(journal) = &journal {
                journal.lock().expect("no thread panics while it writes").append(r, &result)?;
            }
            Ok(result)
        };
        let options = Options { threads: self.threads, ..Options::default() };
        each(self.replications, "replications", &options, self.observer, one)
    }
}

/// On a pool of one thread, so that as many replications as threads are at work, and no more.
fn alone<T: Send>(work: impl FnOnce() -> Result<T, ReproduceError> + Send) -> Result<T, ReproduceError> {
    crate::solve::threads::on_threads("a replication", 1, work)?
}

/// The seed of a replication.
pub fn seed_of(seed: u64, replication: usize) -> u64 {
    stream(seed, &format!("replication {replication}")).next_u64()
}

/// One line.
#[derive(Serialize, Deserialize)]
struct Line<R> {
    replication: usize,
    result: R,
}

/// The file, open for more lines.
struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// What is done already, and the file behind its last whole line; a file that does not exist or is empty is begun.
    fn open<R: DeserializeOwned>(
        path: &Path,
        header: &Value,
    ) -> Result<(BTreeMap<usize, R>, Self), ReproduceError> {
        let failed = |source| io_error(path, source);
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(failed)?;
        let text = std::fs::read_to_string(path).map_err(failed)?;
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let mut lines = text[..whole].lines().enumerate();
        let refuse = |reason: String| ReproduceError::Journal { path: path.into(), reason };
        let mut done = BTreeMap::new();
        match lines.next() {
            None => {
                file.set_len(0).map_err(failed)?;
                writeln!(file, "{header}").map_err(failed)?;
            }
            Some((_, first)) => {
                if serde_json::from_str::<Value>(first).ok().as_ref() != Some(header) {
                    return Err(refuse(format!(
                        "line 1: {first} is not {header}; pass what it was written with, or name another file with --resume"
                    )));
                }
                file.set_len(whole as u64).map_err(failed)?;
            }
        }
        for (number, line) in lines {
            let Line { replication, result } = serde_json::from_str(line).map_err(|error| {
                refuse(format!("line {}: no replication ({error}); delete the line", number + 1))
            })?;
            done.insert(replication, result);
        }
        Ok((done, Self { path: path.into(), file }))
    }

    fn append(&mut self, replication: usize, result: &impl Serialize) -> Result<(), ReproduceError> {
        let mut line = serde_json::to_string(&Line { replication, result })
            .map_err(|error| io_error(&self.path, error.into()))?;
        line.push('\n');
        // At once, so that only the last line can be torn.
        self.file.write_all(line.as_bytes()).map_err(|error| io_error(&self.path, error))
    }
}

fn io_error(path: &Path, source: io::Error) -> ReproduceError {
    let remedy = "name a file that can be read and written with --resume";
    ReproduceError::Io { path: path.into(), source, remedy }
}
