//! The observer at the terminal: a forecast and a line of progress on standard error, and Ctrl-C.

use std::io::IsTerminal;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::failure::INTERRUPTED;
use crate::solve::{Control, Observer, Progress};

static INTERRUPT: AtomicBool = AtomicBool::new(false);

/// Shows progress where standard error is a terminal, says once that work may take long, and stops the solve at Ctrl-C; a second
/// Ctrl-C ends the program.
pub struct Terminal {
    bar: Option<ProgressBar>,
    /// Whether a forecast was printed: what is solved again for prices or conflicts is not worth another.
    forecast: AtomicBool,
}

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
        Self { bar, forecast: AtomicBool::new(false) }
    }
}

impl Observer for Terminal {
    fn progress(&self, progress: &Progress) -> Control {
        if let Some(bar) = &self.bar {
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

    fn forecast(&self, seconds: f64) {
        if self.forecast.swap(true, Ordering::Relaxed) {
            return;
        }
        let line = format!(
            "forecast: about {seconds:.0} s on one core; --time-limit or Ctrl-C ends it with the best rule so far and a bound"
        );
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{line}")),
            None => eprintln!("{line}"),
        }
    }

    fn wants_stop(&self) -> bool {
        INTERRUPT.load(Ordering::Relaxed)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
