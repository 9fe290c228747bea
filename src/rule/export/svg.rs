//! A tree as a picture; under each leaf stands what is known of it, such as how many units it holds.

use std::fmt::Write;

use crate::rule::Node;

const LEVEL: f64 = 84.0;
const BOX_HEIGHT: f64 = 28.0;

const LINE: f64 = 15.0;

/// The tree as SVG: questions above, arms below; yes goes left. `notes` are lines for each leaf, counted from the left.
pub(super) fn draw(root: &Node, notes: &[Vec<String>]) -> String {
    let letters = notes.iter().flatten().map(|line| line.chars().count()).max().unwrap_or(0);
    let box_width = (7.6 * longest_label(root) as f64 + 18.0).max(6.0 * letters as f64);
    let mut drawing = Drawing { box_width, notes, leaves: 0, shapes: String::new() };
    let (_, depth) = drawing.place(root, 0);
    let lines = notes.iter().map(Vec::len).max().unwrap_or(0);
    let height = LEVEL * depth as f64 + 60.0 + LINE * lines as f64;
    let width = drawing.stride() * drawing.leaves as f64 + 20.0;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"Helvetica, Arial, \
         sans-serif\" font-size=\"13\" text-anchor=\"middle\">\n\
         <rect width=\"{width:.0}\" height=\"{height:.0}\" fill=\"white\"/>\n{}</svg>\n",
        drawing.shapes
    )
}

struct Drawing<'a> {
    box_width: f64,
    notes: &'a [Vec<String>],
    /// Leaves drawn so far; they stand side by side.
    leaves: usize,
    shapes: String,
}

impl Drawing<'_> {
    fn stride(&self) -> f64 {
        self.box_width + 12.0
    }

    /// Draws the subtree; where its root stands (x) and how deep it goes.
    fn place(&mut self, node: &Node, level: usize) -> (f64, usize) {
        let y = 30.0 + LEVEL * level as f64;
        let Node::Split { left, right, .. } = node else {
            let x = 10.0 + self.stride() * (self.leaves as f64 + 0.5);
            self.boxed(x, y, &label(node), ("#1b7f5c", "#1b7f5c", "white"));
            self.noted(x, y);
            self.leaves += 1;
            return (x, level);
        };
        let (yes, no) = (self.place(left, level + 1), self.place(right, level + 1));
        let x = (yes.0 + no.0) / 2.0;
        let (top, bottom) = (y + BOX_HEIGHT / 2.0, y + LEVEL - BOX_HEIGHT / 2.0);
        for (child, word, aside) in [(yes.0, "yes", -14.0), (no.0, "no", 14.0)] {
            let _ = writeln!(
                self.shapes,
                "<line x1=\"{x:.1}\" y1=\"{top}\" x2=\"{child:.1}\" y2=\"{bottom}\" stroke=\"#8a8f98\" stroke-width=\"1.5\"/>\n\
                 <text x=\"{:.1}\" y=\"{}\" font-size=\"11\" fill=\"#8a8f98\">{word}</text>",
                (x + child) / 2.0 + aside,
                (top + bottom) / 2.0
            );
        }
        self.boxed(x, y, &label(node), ("white", "#22262e", "#22262e"));
        (x, yes.1.max(no.1))
    }

    /// What is known of the leaf being placed, below its box.
    fn noted(&mut self, x: f64, y: f64) {
        for (l, line) in self.notes.get(self.leaves).into_iter().flatten().enumerate() {
            let y = y + BOX_HEIGHT / 2.0 + LINE * (l + 1) as f64;
            let _ = writeln!(
                self.shapes,
                "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"11\" fill=\"#22262e\">{}</text>",
                escaped(line)
            );
        }
    }

    fn boxed(&mut self, x: f64, y: f64, label: &str, (fill, stroke, ink): (&str, &str, &str)) {
        let _ = writeln!(
            self.shapes,
            "<rect x=\"{:.1}\" y=\"{}\" width=\"{:.1}\" height=\"{BOX_HEIGHT}\" rx=\"6\" fill=\"{fill}\" stroke=\"{stroke}\"/>\n\
             <text x=\"{x:.1}\" y=\"{}\" fill=\"{ink}\">{}</text>",
            x - self.box_width / 2.0,
            y - BOX_HEIGHT / 2.0,
            self.box_width,
            y + 4.5,
            escaped(label)
        );
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn label(node: &Node) -> String {
    match node {
        Node::Leaf { arm } => arm.clone(),
        Node::Split { covariate, test, missing, .. } => test.in_words(covariate, *missing, "\u{2264}") + "?",
    }
}

fn longest_label(node: &Node) -> usize {
    let own = label(node).chars().count();
    match node {
        Node::Leaf { .. } => own,
        Node::Split { left, right, .. } => own.max(longest_label(left)).max(longest_label(right)),
    }
}
