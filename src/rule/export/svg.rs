//! A tree as a picture.

use std::fmt::Write;

use crate::rule::Node;

const LEAF_WIDTH: f64 = 130.0;
const LEVEL: f64 = 84.0;
const BOX: (f64, f64) = (118.0, 28.0);

/// The tree as SVG: questions above, arms below; yes goes left.
pub(super) fn draw(root: &Node) -> String {
    let (mut shapes, mut leaves) = (String::new(), 0);
    let depth = place(root, 0, &mut leaves, &mut shapes).1;
    let (width, height) = (LEAF_WIDTH * leaves as f64 + 20.0, LEVEL * depth as f64 + 60.0);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         font-family=\"Helvetica, Arial, sans-serif\" font-size=\"13\" text-anchor=\"middle\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>\n{shapes}</svg>\n"
    )
}

/// Draws the subtree; where its root stands (x) and how deep it goes.
fn place(node: &Node, level: usize, leaves: &mut usize, shapes: &mut String) -> (f64, usize) {
    let y = 30.0 + LEVEL * level as f64;
    match node {
        Node::Leaf { arm } => {
            let x = 10.0 + LEAF_WIDTH * (*leaves as f64 + 0.5);
            *leaves += 1;
            labelled(x, y, arm, ("#1b7f5c", "#1b7f5c", "white"), shapes);
            (x, level)
        }
        Node::Split { covariate, threshold, left, right } => {
            let children = [left, right].map(|child| place(child, level + 1, leaves, shapes));
            let x = (children[0].0 + children[1].0) / 2.0;
            for (child, word) in children.iter().zip(["yes", "no"]) {
                let (top, bottom) = (y + BOX.1 / 2.0, y + LEVEL - BOX.1 / 2.0);
                let _ = writeln!(
                    shapes,
                    "<line x1=\"{x}\" y1=\"{top}\" x2=\"{}\" y2=\"{bottom}\" stroke=\"#8a8f98\" stroke-width=\"1.5\"/>\n\
                     <text x=\"{}\" y=\"{}\" font-size=\"11\" fill=\"#8a8f98\">{word}</text>",
                    child.0,
                    (x + child.0) / 2.0 + if word == "yes" { -14.0 } else { 14.0 },
                    (top + bottom) / 2.0
                );
            }
            labelled(
                x,
                y,
                &format!("{covariate} \u{2264} {threshold}?"),
                ("white", "#22262e", "#22262e"),
                shapes,
            );
            (x, children[0].1.max(children[1].1))
        }
    }
}

fn labelled(x: f64, y: f64, label: &str, (fill, stroke, ink): (&str, &str, &str), shapes: &mut String) {
    let (left, top) = (x - BOX.0 / 2.0, y - BOX.1 / 2.0);
    let _ = writeln!(
        shapes,
        "<rect x=\"{left}\" y=\"{top}\" width=\"{}\" height=\"{}\" rx=\"6\" fill=\"{fill}\" stroke=\"{stroke}\"/>\n\
         <text x=\"{x}\" y=\"{}\" fill=\"{ink}\" textLength=\"{}\" lengthAdjust=\"spacingAndGlyphs\">{}</text>",
        BOX.0,
        BOX.1,
        y + 4.5,
        // Only long labels are squeezed.
        (7.0 * label.chars().count() as f64).min(BOX.0 - 10.0),
        escaped(label)
    );
}

fn escaped(label: &str) -> String {
    label.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
