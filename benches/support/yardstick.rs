//! A machine's speed in one number: pystreed's CPU time on a fixed instance, where a Python that has it is found (`python3`, or the
//! one named by the variable PYTHON).

use std::path::Path;
use std::process::Command;

use serde::Deserialize;

use super::Failure;

#[derive(Deserialize)]
struct Yardstick {
    version: String,
    cpu_seconds: f64,
    value: f64,
}

/// pystreed on the binary n10000 p30 K2 depth-3 instance.
pub fn print() -> Result<(), Failure> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/yardstick.py");
    let python = std::env::var("PYTHON").unwrap_or("python3".into());
    let output = Command::new(python).arg(script).output().ok();
    let printed = output.filter(|output| output.status.success()).map(|output| output.stdout);
    let measured: Option<Yardstick> = match printed {
        Some(text) => serde_json::from_slice(&text)?,
        None => None,
    };
    println!("\n### Yardstick: pystreed on binary n10000 p30 K2, depth 3\n");
    match measured {
        Some(Yardstick { version, cpu_seconds, value }) => {
            println!("pystreed {version}: {cpu_seconds:.3} CPU s (median of five fits), value {value:.6}")
        }
        None => println!("skipped: pystreed not installed"),
    }
    Ok(())
}
