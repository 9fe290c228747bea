//! Intervals as text and as CSV.

use std::fmt::Write;

use super::{Coverage, Intervals, UnitInterval};

impl Intervals {
    /// What the intervals rest on, in a few lines.
    pub fn summary(&self) -> String {
        let percent = |share: f64| format!("{:.1}%", 100.0 * share);
        let mut text = format!(
            "{} intervals at level {} for outcomes under the rule\nmodels fitted to {} units; calibrated on {} of {} units, which received the rule's \
             arm (effectively {:.1})\n",
            self.intervals.len(),
            self.level,
            self.fitted,
            self.followed,
            self.calibration,
            self.effective_units
        );
        if let Some(length) = self.median_length {
            let _ = writeln!(text, "median length {}", short(length));
        }
        if self.share_infinite > 0.0 {
            let _ = writeln!(
                text,
                "infinite: {} of them, for units so unlikely to receive the rule's arm that too few like them did",
                percent(self.share_infinite)
            );
        }
        match &self.coverage {
            Some(Coverage { units, followed, share }) => {
                let [lower, upper] = share.interval.map(|end| percent(end.clamp(0.0, 1.0)));
                let _ = writeln!(
                    text,
                    "check: held the outcome of {} (weighted; 95% interval {lower} to {upper}) of the {followed} of {units} other units that \
                     received the rule's arm",
                    percent(share.estimate)
                );
            }
            None => text.push_str("check: too few other units received the rule's arm\n"),
        }
        text
    }

    /// A line for each unit: id, arm, prediction, lower, upper; ends that are infinite are -inf and inf.
    ///
    /// # Errors
    /// Where memory cannot be written to, which does not happen.
    pub fn csv(&self) -> Result<Vec<u8>, csv::Error> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["id", "arm", "prediction", "lower", "upper"])?;
        for UnitInterval { id, arm, prediction, lower, upper } in &self.intervals {
            let [lower, upper] = [lower.unwrap_or(f64::NEG_INFINITY), upper.unwrap_or(f64::INFINITY)]
                .map(|end| end.to_string());
            writer.write_record([id, arm, &prediction.to_string(), &lower, &upper])?;
        }
        writer.into_inner().map_err(|error| error.into_error().into())
    }
}

/// Four significant digits.
fn short(value: f64) -> String {
    let decimals = if value > 0.0 { (3.0 - value.log10().floor()).clamp(0.0, 8.0) as usize } else { 0 };
    format!("{value:.decimals$}")
}
