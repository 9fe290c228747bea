//! Graphviz.

use std::fmt::Write;

use crate::rule::Node;

/// The tree as a directed graph; `yes` is the left branch.
pub(super) fn dot(root: &Node) -> String {
    let mut text =
        String::from("digraph rule {\n  node [shape=box, style=rounded, fontname=\"Helvetica\"];\n");
    let mut next = 0;
    add(root, &mut next, &mut text);
    text.push_str("}\n");
    text
}

/// Writes the subtree and returns the number of its root.
fn add(node: &Node, next: &mut usize, text: &mut String) -> usize {
    let id = *next;
    *next += 1;
    match node {
        Node::Leaf { arm } => {
            let _ = writeln!(text, "  n{id} [label={}, style=\"rounded,filled\"];", quoted(arm));
        }
        Node::Split { covariate, test, missing, left, right } => {
            let _ = writeln!(text, "  n{id} [label={}];", quoted(&test.in_words(covariate, *missing, "<=")));
            for (child, word) in [(left, "yes"), (right, "no")] {
                let child = add(child, next, text);
                let _ = writeln!(text, "  n{id} -> n{child} [label={word}];");
            }
        }
    }
    id
}

fn quoted(label: &str) -> String {
    format!("\"{}\"", label.replace('\\', "\\\\").replace('"', "\\\""))
}
