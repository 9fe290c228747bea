//! The observer at the terminal: a line of progress on standard error, and Ctrl-C.

use std::io::IsTerminal;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::failure::INTERRUPTED;
use crate::solve::{Control, Observer, Progress};

static INTERRUPT: AtomicBool = AtomicBool::new(false);

/// Shows progress where standard error is a terminal, and stops the solve at Ctrl-C; a second Ctrl-C ends the program.
pub struct Terminal(Option<ProgressBar>);

impl Terminal {
    pub fn new() -> Self {
        static HANDLER: OnceLock<()> = OnceLock::new();
        HANDLER.get_or_init(|| {
            // Without a handler Ctrl-C ends the program as usual: no harm.
            let _ = ctrlc::set_handler(|| {
                if INTERRUPT.swap(true, Ordering::Relaxed) {
                    std::process::exit(i32::from(INTERRUPTED));
                }
            });
        });
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner();
            bar.set_style(ProgressStyle::default_spinner());
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Self(bar)
    }
}

impl Observer for Terminal {
    fn progress(&self, progress: &Progress) -> Control {
        if let Some(bar) = &self.0 {
            let number = |value: Option<f64>| value.map_or("-".into(), |value| format!("{value:.6}"));
            bar.set_message(format!(
                "{:.1} s  {}  incumbent {}  bound {}  nodes {}",
                progress.seconds,
                progress.phase,
                number(progress.incumbent),
                number(progress.bound),
                progress.nodes
            ));
        }
        if self.wants_stop() { Control::Stop } else { Control::Continue }
    }

    fn wants_stop(&self) -> bool {
        INTERRUPT.load(Ordering::Relaxed)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
