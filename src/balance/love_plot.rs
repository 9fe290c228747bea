//! The love plot: how far each feature's mean is from the target before and after weighting, the worst arm of each, as SVG.

use std::fmt::Write;

use super::Balanced;
use crate::evaluate::escaped;

const WIDTH: f64 = 640.0;
const LINE: f64 = 18.0;
const LEFT: f64 = 190.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 54.0;
const BOTTOM: f64 = 48.0;
const BEFORE: &str = "#b5532a";
const AFTER: &str = "#1b7f5c";
/// The deviation that practice calls balanced.
const USUAL: f64 = 0.1;

/// The picture of `balanced`, features in their order.
pub fn love_plot(balanced: &Balanced) -> String {
    let worst = worst(balanced);
    let most = worst.iter().map(|(_, before, after)| before.max(*after)).fold(USUAL, f64::max);
    let at = |value: f64| LEFT + (WIDTH - LEFT - RIGHT) * value / (1.05 * most);
    let floor = TOP + LINE * worst.len() as f64;
    let mut shapes = format!(
        "<text x=\"16\" y=\"20\" font-size=\"14\">Distance from the target's means, worst arm of each feature</text>\n\
         <circle cx=\"{LEFT}\" cy=\"36\" r=\"4\" fill=\"none\" stroke=\"{BEFORE}\"/>\n<text x=\"{}\" y=\"40\">before</text>\n\
         <circle cx=\"{}\" cy=\"36\" r=\"4\" fill=\"{AFTER}\"/>\n<text x=\"{}\" y=\"40\">after</text>\n",
        LEFT + 10.0,
        LEFT + 70.0,
        LEFT + 80.0
    );
    for tick in [0.0, USUAL, most] {
        let x = at(tick);
        let _ = writeln!(
            shapes,
            "<line x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{floor:.1}\" stroke=\"#e4e6ea\"/>\n\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#5a6069\">{}</text>",
            floor + 16.0,
            (tick * 100.0).round() / 100.0
        );
    }
    for (k, (feature, before, after)) in worst.iter().enumerate() {
        let y = TOP + LINE * (k as f64 + 0.5);
        let _ = writeln!(
            shapes,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\n\
             <circle cx=\"{:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"none\" stroke=\"{BEFORE}\"/>\n\
             <circle cx=\"{:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{AFTER}\"/>",
            LEFT - 10.0,
            y + 4.0,
            escaped(feature),
            at(*before),
            at(*after)
        );
    }
    let height = floor + BOTTOM;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"Helvetica, Arial, \
         sans-serif\" font-size=\"12\">\n<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"white\"/>\n{shapes}\
         <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">|mean - target| in standard deviations</text>\n</svg>\n",
        (LEFT + WIDTH - RIGHT) / 2.0,
        height - 12.0
    )
}

/// Each feature with its largest deviations over the arms, before and after.
fn worst(balanced: &Balanced) -> Vec<(&str, f64, f64)> {
    let mut worst: Vec<(&str, f64, f64)> = Vec::new();
    let features = balanced.balance.len() / balanced.arms.len().max(1);
    for (k, row) in balanced.balance.iter().enumerate() {
        match worst.get_mut(k % features) {
            None => worst.push((&row.feature, row.before.abs(), row.after.abs())),
            Some((_, before, after)) => {
                *before = before.max(row.before.abs());
                *after = after.max(row.after.abs());
            }
        }
    }
    worst
}
