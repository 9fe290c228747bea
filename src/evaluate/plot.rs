//! Lines with 95% intervals as SVG: value against complexity, gain against spending.

use std::fmt::Write;

/// A picture of numbers against numbers.
pub struct Plot<'p> {
    pub title: &'p str,
    pub across: &'p str,
    pub up: &'p str,
    pub lines: Vec<Line<'p>>,
}

/// Points joined from left to right, each with an interval where it has one.
pub struct Line<'p> {
    pub name: &'p str,
    pub points: Vec<(f64, f64)>,
    /// The interval of each point, or none at all.
    pub intervals: Vec<[f64; 2]>,
}

const WIDTH: f64 = 640.0;
pub(super) const HEIGHT: f64 = 400.0;
/// Margins around the area of the lines.
pub(super) const LEFT: f64 = 76.0;
const RIGHT: f64 = 20.0;
pub(super) const TOP: f64 = 54.0;
const BOTTOM: f64 = 52.0;
const INKS: [&str; 4] = ["#1b7f5c", "#8a8f98", "#b5532a", "#3b5fa8"];
/// Up to this many points are drawn one by one, with bars; more as a line with a band.
const FEW: usize = 20;

impl Plot<'_> {
    /// The picture; every number must be finite.
    pub fn draw(&self) -> String {
        let points = || self.lines.iter().flat_map(|line| &line.points);
        let ends = self.lines.iter().flat_map(|line| line.intervals.iter().flatten().copied());
        let across = Scale::over(points().map(|point| point.0), [LEFT, WIDTH - RIGHT]);
        let up = Scale::over(points().map(|point| point.1).chain(ends), [HEIGHT - BOTTOM, TOP]);
        let mut shapes = String::new();
        self.frame(&across, &up, &mut shapes);
        for (line, ink) in self.lines.iter().zip(INKS.iter().cycle()) {
            line.draw(&across, &up, ink, &mut shapes);
        }
        self.names(&mut shapes);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"Helvetica, Arial, \
             sans-serif\" font-size=\"12\">\n<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n{shapes}</svg>\n"
        )
    }

    /// Axes with their ticks and words.
    fn frame(&self, across: &Scale, up: &Scale, shapes: &mut String) {
        let (floor, middle) = (HEIGHT - BOTTOM, (LEFT + WIDTH - RIGHT) / 2.0);
        for tick in up.ticks() {
            let y = up.at(tick);
            let _ = writeln!(
                shapes,
                "<line x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{:.1}\" y2=\"{y:.1}\" stroke=\"#e4e6ea\"/>\n\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#5a6069\">{}</text>",
                WIDTH - RIGHT,
                LEFT - 8.0,
                y + 4.0,
                up.word(tick)
            );
        }
        // Few points are places of their own; many need round numbers.
        let places =
            self.lines.first().map(|line| line.points.as_slice()).filter(|points| points.len() <= FEW);
        let ticks: Vec<(f64, String)> = match places {
            Some(points) => points.iter().map(|&(x, _)| (x, x.to_string())).collect(),
            None => across.ticks().map(|tick| (tick, across.word(tick))).collect(),
        };
        for (tick, word) in ticks {
            let x = across.at(tick);
            let _ = writeln!(
                shapes,
                "<line x1=\"{x:.1}\" y1=\"{floor}\" x2=\"{x:.1}\" y2=\"{:.1}\" stroke=\"#22262e\"/>\n\
                 <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#5a6069\">{}</text>",
                floor + 4.0,
                floor + 18.0,
                escaped(&word)
            );
        }
        let _ = writeln!(
            shapes,
            "<line x1=\"{LEFT}\" y1=\"{floor}\" x2=\"{:.1}\" y2=\"{floor}\" stroke=\"#22262e\"/>\n\
             <text x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\n\
             <text x=\"16\" y=\"{:.1}\" text-anchor=\"middle\" transform=\"rotate(-90 16 {:.1})\">{}</text>\n\
             <text x=\"{LEFT}\" y=\"20\" font-size=\"14\">{}</text>",
            WIDTH - RIGHT,
            HEIGHT - 12.0,
            escaped(self.across),
            (TOP + floor) / 2.0,
            (TOP + floor) / 2.0,
            escaped(self.up),
            escaped(self.title)
        );
    }

    /// The names of the lines, side by side; a line without a name has none.
    fn names(&self, shapes: &mut String) {
        let mut x = LEFT;
        let named = self.lines.iter().zip(INKS.iter().cycle()).filter(|(line, _)| !line.name.is_empty());
        for (line, ink) in named {
            let _ = writeln!(
                shapes,
                "<line x1=\"{x:.1}\" y1=\"36\" x2=\"{:.1}\" y2=\"36\" stroke=\"{ink}\" stroke-width=\"2\"/>\n\
                 <text x=\"{:.1}\" y=\"40\">{}</text>",
                x + 18.0,
                x + 24.0,
                escaped(line.name)
            );
            x += 44.0 + 6.6 * line.name.chars().count() as f64;
        }
    }
}

impl Line<'_> {
    fn draw(&self, across: &Scale, up: &Scale, ink: &str, shapes: &mut String) {
        let place = |x: f64, y: f64| format!("{:.1},{:.1}", across.at(x), up.at(y));
        let few = self.points.len() <= FEW;
        let with_intervals = || self.points.iter().map(|point| point.0).zip(&self.intervals);
        if !few && !self.intervals.is_empty() {
            let above = with_intervals().map(|(x, [_, upper])| place(x, *upper));
            let below: Vec<String> = with_intervals().map(|(x, [lower, _])| place(x, *lower)).collect();
            let band: Vec<String> = above.chain(below.into_iter().rev()).collect();
            let _ = writeln!(
                shapes,
                "<polygon points=\"{}\" fill=\"{ink}\" fill-opacity=\"0.15\"/>",
                band.join(" ")
            );
        }
        let line: Vec<String> = self.points.iter().map(|&(x, y)| place(x, y)).collect();
        let _ = writeln!(
            shapes,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{ink}\" stroke-width=\"2\"/>",
            line.join(" ")
        );
        if !few || self.intervals.is_empty() {
            return;
        }
        for ((x, [lower, upper]), &(_, y)) in with_intervals().zip(&self.points) {
            let _ = writeln!(
                shapes,
                "<line x1=\"{0:.1}\" y1=\"{1:.1}\" x2=\"{0:.1}\" y2=\"{2:.1}\" stroke=\"{ink}\"/>\n\
                 <circle cx=\"{0:.1}\" cy=\"{3:.1}\" r=\"3.5\" fill=\"{ink}\"/>",
                across.at(x),
                up.at(*lower),
                up.at(*upper),
                up.at(y)
            );
        }
    }
}

/// From numbers to places, with ticks at round numbers.
pub(super) struct Scale {
    from: f64,
    step: f64,
    count: usize,
    places: [f64; 2],
}

impl Scale {
    /// A scale that holds all of `values`, from the first of `places` to the last.
    pub(super) fn over(values: impl Iterator<Item = f64>, places: [f64; 2]) -> Scale {
        let (least, most) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
        let (least, most) = if least > most { (0.0, 1.0) } else { (least, most) };
        let span = if most > least { most - least } else { most.abs().max(1.0) };
        let power = 10f64.powf((span / 5.0).log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|by| by * power).into_iter().find(|step| span / step <= 6.0);
        let step = step.unwrap_or(10.0 * power);
        let from = (least / step).floor() * step;
        Scale { from, step, count: ((most - from) / step).ceil().max(1.0) as usize, places }
    }

    pub(super) fn at(&self, value: f64) -> f64 {
        let share = (value - self.from) / (self.step * self.count as f64);
        self.places[0] + share * (self.places[1] - self.places[0])
    }

    pub(super) fn ticks(&self) -> impl Iterator<Item = f64> {
        (0..=self.count).map(|i| self.from + self.step * i as f64)
    }

    pub(super) fn word(&self, tick: f64) -> String {
        let decimals = (-self.step.log10().floor()).clamp(0.0, 12.0) as usize;
        // Adding 0 turns -0 into 0.
        format!("{:.decimals$}", (tick / self.step).round() * self.step + 0.0)
    }
}

pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
