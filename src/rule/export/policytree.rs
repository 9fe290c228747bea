//! policytree's print form: node numbers in breadth-first order from 1, actions by number from 1. It has no
//! words for levels and missing values: trees over those are refused before.

use std::collections::VecDeque;
use std::fmt::Write;

use crate::rule::Node;

pub(super) fn print(root: &Node, arms: &[String]) -> String {
    let actions: String = arms.iter().enumerate().fold(String::new(), |mut text, (k, arm)| {
        let _ = write!(text, "{}: {arm} ", k + 1);
        text
    });
    let mut text = format!(
        "policy_tree object \nTree depth:  {} \nActions:  {actions}\nVariable splits: \n",
        depth(root)
    );
    branch(&numbered(root), 0, 0, arms, &mut text);
    text
}

/// A node with the positions of its children.
struct Numbered<'n> {
    node: &'n Node,
    children: Option<(usize, usize)>,
}

/// The nodes in breadth-first order.
fn numbered(root: &Node) -> Vec<Numbered<'_>> {
    let (mut nodes, mut queue) = (Vec::new(), VecDeque::from([root]));
    let mut promised = 1;
    while let Some(node) = queue.pop_front() {
        let mut children = None;
        if let Node::Split { left, right, .. } = node {
            children = Some((promised, promised + 1));
            promised += 2;
            queue.extend([left.as_ref(), right.as_ref()]);
        }
        nodes.push(Numbered { node, children });
    }
    nodes
}

fn branch(nodes: &[Numbered], position: usize, depth: usize, arms: &[String], text: &mut String) {
    let indent = "  ".repeat(depth);
    let number = position + 1;
    match nodes[position].node {
        Node::Leaf { arm } => {
            let action = arms.iter().position(|other| other == arm).map_or(0, |k| k + 1);
            let _ = writeln!(text, "{indent}({number}) * action: {action} ");
        }
        Node::Split { covariate, test, .. } => {
            let value = test.threshold().unwrap_or(f64::NAN);
            let _ = writeln!(text, "{indent}({number}) split_variable: {covariate}  split_value: {value} ");
            if let Some((left, right)) = nodes[position].children {
                branch(nodes, left, depth + 1, arms, text);
                branch(nodes, right, depth + 1, arms, text);
            }
        }
    }
}

fn depth(node: &Node) -> usize {
    match node {
        Node::Leaf { .. } => 0,
        Node::Split { left, right, .. } => 1 + depth(left).max(depth(right)),
    }
}
