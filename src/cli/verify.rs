//! `prescribe verify DIR`: a folder of results, computed again.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::failure::{DONE, Failure, VERIFICATION_FAILED};
use super::flags::JsonFlag;
use super::output;
use crate::learn::{Finding, verify};

#[derive(Args)]
pub struct Verify {
    /// Folder that `learn` wrote
    folder: PathBuf,
    /// The data file, where it is not where the folder's config.toml says
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    #[command(flatten)]
    json: JsonFlag,
}

impl Verify {
    pub fn run(&self) -> Result<u8, Failure> {
        output::check(self.json.json.as_deref(), "--json")?;
        let findings = verify(&self.folder, self.data.as_deref())?;
        let verified = findings.iter().all(|finding| finding.passed);
        let json = json!({"verified": verified, "findings": findings});
        output::print(self.json.json.as_deref(), &json, &table(&findings, verified))?;
        Ok(if verified { DONE } else { VERIFICATION_FAILED })
    }
}

fn table(findings: &[Finding], verified: bool) -> String {
    let mut text = String::new();
    for finding in findings {
        let verdict = if finding.passed { "ok" } else { "FAILED" };
        let _ = writeln!(text, "{verdict:<7} {:<19} {}", finding.name, finding.detail);
    }
    let _ = writeln!(text, "{}", if verified { "verified" } else { "NOT VERIFIED" });
    text
}
