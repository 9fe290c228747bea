//! Box plots as SVG: the spread of numbers over draws, side by side.
//!
//! A box goes from the first to the third quartile, with a line at the median; whiskers go to the farthest number within one and a half box
//! lengths (Tukey 1977, "Exploratory data analysis"), and what lies beyond is left out.

use std::fmt::Write;

use super::plot::{HEIGHT, LEFT, Scale, TOP, escaped};

/// Boxes in groups along the axis, the same series in each.
pub struct Boxes<'b> {
    pub title: &'b str,
    pub up: &'b str,
    /// Names of the boxes of a group.
    pub series: Vec<&'b str>,
    /// Names of the groups, and the numbers of each series.
    pub groups: Vec<(String, Vec<&'b [f64]>)>,
    /// A horizontal line at this height, under a group each.
    pub truths: Vec<Option<f64>>,
}

const INKS: [&str; 9] =
    ["#b5532a", "#d9a321", "#3b5fa8", "#7a5a3c", "#1b7f5c", "#8a8f98", "#6f4aa0", "#c2588f", "#2a9fb5"];
const BOTTOM: f64 = 52.0;
const RIGHT: f64 = 20.0;
/// Width of a box with what is left beside it, and of what is left between groups.
const STEP: f64 = 14.0;
const BETWEEN: f64 = 22.0;

/// Quartiles and ends of the whiskers.
struct Summary {
    whiskers: [f64; 2],
    quartiles: [f64; 3],
}

impl Summary {
    /// Of finite numbers; none of none.
    fn of(values: &[f64]) -> Option<Summary> {
        let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().checked_sub(1)?;
        let quantile = |share: f64| {
            let at = share * last as f64;
            let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
            below + (at - at.floor()) * (above - below)
        };
        let quartiles = [quantile(0.25), quantile(0.5), quantile(0.75)];
        let reach = 1.5 * (quartiles[2] - quartiles[0]);
        let within = |v: &&f64| (quartiles[0] - reach..=quartiles[2] + reach).contains(*v);
        let whiskers = [sorted.iter().find(within)?, sorted.iter().rfind(within)?].map(|end| *end);
        Some(Summary { whiskers, quartiles })
    }
}

impl Boxes<'_> {
    /// The picture.
    pub fn draw(&self) -> String {
        let group_width = STEP * self.series.len() as f64 + BETWEEN;
        // Names of the series take two rows.
        let width = (LEFT + group_width * self.groups.len() as f64 + RIGHT).max(640.0);
        let (top, floor) = (TOP + 18.0, HEIGHT - BOTTOM);
        let summaries: Vec<Vec<Option<Summary>>> = self
            .groups
            .iter()
            .map(|(_, numbers)| numbers.iter().map(|values| Summary::of(values)).collect())
            .collect();
        let ends = summaries.iter().flatten().flatten().flat_map(|summary| summary.whiskers);
        let up = Scale::over(ends.chain(self.truths.iter().copied().flatten()), [floor, top]);
        let mut shapes = self.frame(&up, width, floor);
        for (g, group) in summaries.iter().enumerate() {
            let left = LEFT + group_width * g as f64 + BETWEEN / 2.0;
            if let Some(Some(truth)) = self.truths.get(g) {
                let _ = writeln!(
                    shapes,
                    "<line x1=\"{left:.1}\" y1=\"{0:.1}\" x2=\"{1:.1}\" y2=\"{0:.1}\" stroke=\"#22262e\" stroke-dasharray=\"4 3\"/>",
                    up.at(*truth),
                    left + STEP * self.series.len() as f64
                );
            }
            for ((s, summary), ink) in group.iter().enumerate().zip(INKS.iter().cycle()) {
                let middle = left + STEP * (s as f64 + 0.5);
                summary.iter().for_each(|summary| summary.draw(middle, &up, ink, &mut shapes));
            }
            let _ = writeln!(
                shapes,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#5a6069\">{}</text>",
                left + STEP * self.series.len() as f64 / 2.0,
                floor + 18.0,
                escaped(&self.groups[g].0)
            );
        }
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {HEIGHT}\" font-family=\"Helvetica, Arial, \
             sans-serif\" font-size=\"12\">\n<rect width=\"{width}\" height=\"{HEIGHT}\" fill=\"white\"/>\n{shapes}</svg>\n"
        )
    }

    /// The axis with its ticks and words, and the names of the series.
    fn frame(&self, up: &Scale, width: f64, floor: f64) -> String {
        let mut shapes = String::new();
        for tick in up.ticks() {
            let y = up.at(tick);
            let _ = writeln!(
                shapes,
                "<line x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{:.1}\" y2=\"{y:.1}\" stroke=\"#e4e6ea\"/>\n\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#5a6069\">{}</text>",
                width - RIGHT,
                LEFT - 8.0,
                y + 4.0,
                up.word(tick)
            );
        }
        let middle = (TOP + floor) / 2.0;
        let _ = writeln!(
            shapes,
            "<text x=\"16\" y=\"{middle:.1}\" text-anchor=\"middle\" transform=\"rotate(-90 16 {middle:.1})\">{}</text>\n\
             <text x=\"{LEFT}\" y=\"20\" font-size=\"14\">{}</text>",
            escaped(self.up),
            escaped(self.title)
        );
        let (mut x, mut y) = (LEFT, 40.0);
        for (name, ink) in self.series.iter().zip(INKS.iter().cycle()) {
            let wide = 30.0 + 6.6 * name.chars().count() as f64;
            if x + wide > width {
                (x, y) = (LEFT, y + 16.0);
            }
            let _ = writeln!(
                shapes,
                "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"10\" height=\"10\" fill=\"{ink}\"/>\n<text x=\"{:.1}\" y=\"{y:.1}\">{}</text>",
                y - 9.0,
                x + 15.0,
                escaped(name)
            );
            x += wide;
        }
        shapes
    }
}

impl Summary {
    fn draw(&self, middle: f64, up: &Scale, ink: &str, shapes: &mut String) {
        let ([low, high], [first, median, third]) =
            (self.whiskers.map(|v| up.at(v)), self.quartiles.map(|v| up.at(v)));
        let (left, right) = (middle - 0.36 * STEP, middle + 0.36 * STEP);
        let _ = writeln!(
            shapes,
            "<line x1=\"{middle:.1}\" y1=\"{low:.1}\" x2=\"{middle:.1}\" y2=\"{high:.1}\" stroke=\"{ink}\"/>\n\
             <rect x=\"{left:.1}\" y=\"{third:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"white\" stroke=\"{ink}\" stroke-width=\"1.5\"/>\n\
             <line x1=\"{left:.1}\" y1=\"{median:.1}\" x2=\"{right:.1}\" y2=\"{median:.1}\" stroke=\"{ink}\" stroke-width=\"2\"/>",
            right - left,
            first - third
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_and_whiskers_by_hand() {
        // 1, 2, 3, 4, 100: quartiles 2, 3, 4, so that whiskers reach no farther than 7.
        let summary = Summary::of(&[3.0, 100.0, 1.0, f64::NAN, 2.0, 4.0]).unwrap();
        assert_eq!((summary.quartiles, summary.whiskers), ([2.0, 3.0, 4.0], [1.0, 4.0]));
        assert!(Summary::of(&[]).is_none());
    }

    #[test]
    fn every_box_is_drawn_in_its_group() {
        let numbers = [1.0, 2.0, 3.0];
        let plot = Boxes {
            title: "A & B",
            up: "value",
            series: vec!["one", "two"],
            groups: vec![("first".into(), vec![&numbers, &numbers]), ("second".into(), vec![&numbers, &[]])],
            truths: vec![Some(2.5), None],
        };
        let picture = plot.draw();
        // A sheet, two names, three boxes.
        assert_eq!(picture.matches("<rect").count(), 6);
        assert_eq!(picture.matches("stroke-dasharray").count(), 1);
        assert!(picture.contains("A &amp; B") && picture.contains("second"));
    }
}
