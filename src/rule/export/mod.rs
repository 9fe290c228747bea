//! A rule in the languages of others: what scores it where prescribe is not installed, and what shows it.
//!
//! | format | for |
//! |---|---|
//! | `json` | programs; the rule file itself |
//! | `text` | people |
//! | `policytree` | users of policytree: its print form, with its node numbers |
//! | `dot`, `svg` | pictures |
//! | `sql` | databases: a `CASE` expression for SQLite, DuckDB or PostgreSQL |
//! | `python` | a function without dependencies |

mod graph;
mod policytree;
mod python;
mod sql;
mod svg;

pub use sql::Dialect;

use serde::{Deserialize, Serialize};

use super::{Node, Rule, RuleFile};

/// A format to write a rule in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    Json,
    Text,
    Policytree,
    Dot,
    Svg,
    Sql(Dialect),
    Python,
}

/// A format that cannot hold this rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{format} cannot show a rule that is {kind}; use text, json, sql or python")]
pub struct OnlyTrees {
    format: &'static str,
    kind: &'static str,
}

impl RuleFile {
    /// The rule in `format`, with a line break at the end.
    ///
    /// # Errors
    /// Pictures and policytree's print form exist for trees only, the latter for trees over numbers.
    pub fn export(&self, format: Format) -> Result<String, OnlyTrees> {
        Ok(match format {
            Format::Json => serde_json::to_string_pretty(self).unwrap_or_default() + "\n",
            Format::Text => self.rule.in_words(&self.term_names()),
            Format::Policytree => {
                let root = self.root("policytree")?;
                if !root.is_numeric() {
                    return Err(OnlyTrees {
                        format: "policytree",
                        kind: "a tree over levels or missing values",
                    });
                }
                policytree::print(&root, &self.header.arms)
            }
            Format::Dot => graph::dot(&self.root("dot")?),
            Format::Svg => self.picture(&[])?,
            Format::Sql(dialect) => sql::case(&self.rule, &self.header, dialect),
            Format::Python => python::function(&self.rule, &self.header),
        })
    }

    /// The tree as SVG, with lines of text below each leaf, counted from the left.
    ///
    /// # Errors
    /// The rule is no tree.
    pub fn picture(&self, notes: &[Vec<String>]) -> Result<String, OnlyTrees> {
        Ok(svg::draw(&self.root("svg")?, notes))
    }

    fn root(&self, format: &'static str) -> Result<Node, OnlyTrees> {
        match &self.rule {
            Rule::Tree { root } => Ok(root.clone()),
            Rule::Constant { arm } => Ok(Node::Leaf { arm: arm.clone() }),
            Rule::Linear { .. } | Rule::MultiLinear { .. } => Err(OnlyTrees { format, kind: "linear" }),
            Rule::Conjunction { .. } => Err(OnlyTrees { format, kind: "a conjunction of linear rules" }),
        }
    }
}
