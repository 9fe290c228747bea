//! The hand-solved instances of `models/golden`: posed, written, read back by HiGHS, and solved to the values found by hand.
//!
//! Each `<model>_<n>.json` holds the instance, the form and the piece that `<model>_<n>.mps` and `.lp` are, the optimum of that
//! program and the optimum of the model, each with the reason. `PRESCRIBE_BLESS=1` writes the files anew, and fails so that
//! they get reviewed.

mod common;
#[path = "common/highs_file.rs"]
mod highs_file;

use std::path::PathBuf;

use ndarray::Array2;
use prescribe::models::arm_clustering::ArmClustering;
use prescribe::models::arm_moments::Moments;
use prescribe::models::arm_partition::{ArmPartition, Subsets};
use prescribe::models::cluster_rule::{Cluster, ClusterForm, ClusterProblem, Interaction};
use prescribe::models::conjunction_rule::{
    Conjunction, ConjunctionForm, ConjunctionProblem, ConjunctionRule,
};
use prescribe::models::linear_rule::{Facets, Linear, LinearForm, LinearProblem, LinearRule, Naive, Radon};
use prescribe::models::maximum_margin::MaximumMargin;
use prescribe::models::multi_linear_rule::{
    MultiLinear, MultiLinearForm, MultiLinearProblem, MultiLinearRule, Writing,
};
use prescribe::models::table_rule::{Listed, Table};
use prescribe::models::tree_rule::{Candidates, Extended, Flow, Node, Tree, TreeProblem};
use prescribe::models::{
    MixedIntegerProgram, PolicyProblem, ProgramForm, Row, RuleClass, SideConstraint, exact,
};
use prescribe::solve::registry::Solvable;
use prescribe::solve::{self, Options, Promise, Silent, TerminationStatus};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Golden {
    model: String,
    form: String,
    piece: String,
    #[serde(default)]
    covariates: Vec<String>,
    #[serde(default)]
    arms: Vec<String>,
    #[serde(default)]
    x: Vec<Vec<f64>>,
    #[serde(default)]
    rewards: Vec<Vec<f64>>,
    /// What units of a cluster say together.
    #[serde(default)]
    clusters: Vec<Clustered>,
    /// The class of trees.
    depth: Option<usize>,
    candidates: Option<Candidates>,
    minimum_leaf_size: Option<usize>,
    /// Points of the maximum margin.
    #[serde(default)]
    treated: Vec<Vec<f64>>,
    #[serde(default)]
    untreated: Vec<Vec<f64>>,
    /// Outcomes of the units of each arm, and the most groups of arms, whose means are fitted.
    #[serde(default)]
    outcomes: Vec<Vec<f64>>,
    groups: Option<usize>,
    /// Fitted values of the units under each arm, and how much each counts where that differs by arm.
    #[serde(default)]
    fitted: Vec<Vec<f64>>,
    #[serde(default)]
    weights: Vec<Vec<f64>>,
    /// Cuts found by hand, which the files contain as rows after the program's own.
    #[serde(default)]
    cuts: Vec<Cut>,
    /// Optimum of the program in the files.
    program: Optimum,
    /// Optimum of the model.
    solution: Solution,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Clustered {
    units: Vec<usize>,
    received: Vec<bool>,
    interaction: Estimate,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Estimate {
    Unknown { weight: f64 },
    Polynomial { weight: f64, order: usize, chances: Vec<f64> },
    Anonymous { weights: Vec<f64> },
}

/// Two sets of columns whose points have hulls that meet; over many arms, claims that exclude each other.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cut {
    left: Vec<usize>,
    right: Vec<usize>,
    /// Over many arms: (point, arm above, arm below), which the claims demand and which no rule satisfies.
    #[serde(default)]
    comparisons: Vec<[usize; 3]>,
    why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Optimum {
    objective: f64,
    why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Solution {
    objective: f64,
    point: serde_json::Value,
    why: String,
}

fn matrix(rows: &[Vec<f64>]) -> Array2<f64> {
    let values: Vec<f64> = rows.concat();
    Array2::from_shape_vec((rows.len(), values.len() / rows.len()), values).unwrap()
}

fn point<P: serde::de::DeserializeOwned>(golden: &Golden) -> P {
    serde_json::from_value(golden.solution.point.clone()).unwrap()
}

impl Golden {
    fn linear(&self) -> LinearProblem {
        LinearProblem::new(
            Linear,
            self.covariates.clone(),
            self.arms.clone(),
            matrix(&self.x),
            matrix(&self.rewards),
        )
        .unwrap()
    }

    fn clusters(&self) -> ClusterProblem {
        let cluster = |cluster: &Clustered| Cluster {
            units: cluster.units.clone(),
            received: cluster.received.clone(),
            interaction: match cluster.interaction.clone() {
                Estimate::Unknown { weight } => Interaction::Unknown { weight },
                Estimate::Polynomial { weight, order, chances } => {
                    Interaction::Polynomial { weight, order, chances }
                }
                Estimate::Anonymous { weights } => Interaction::Anonymous { weights },
            },
            joint_cost: Vec::new(),
        };
        ClusterProblem::new(self.linear(), self.clusters.iter().map(cluster).collect()).unwrap()
    }

    fn multi_linear(&self) -> MultiLinearProblem {
        MultiLinearProblem::new(
            MultiLinear { arms: self.arms.len() },
            self.covariates.clone(),
            self.arms.clone(),
            matrix(&self.x),
            matrix(&self.rewards),
        )
        .unwrap()
    }

    fn tree(&self) -> TreeProblem {
        self.over(|trees| trees)
    }

    /// Over a class made of trees.
    fn over<C: RuleClass>(&self, class: impl Fn(Tree) -> C) -> PolicyProblem<C> {
        let x = matrix(&self.x);
        let class = class(Tree::over(&x, self.depth.unwrap(), self.candidates.unwrap()));
        let problem =
            PolicyProblem::new(class, self.covariates.clone(), self.arms.clone(), x, matrix(&self.rewards))
                .unwrap();
        match self.minimum_leaf_size {
            Some(least) => problem.with(SideConstraint::MinimumLeafSize(least)).unwrap(),
            None => problem,
        }
    }

    fn partition(&self) -> ArmPartition {
        let arm = |y: &Vec<f64>| {
            let ones = Array2::ones((y.len(), 1));
            Moments::by_arm(&ones, y, &vec![1.0; y.len()], &vec![0; y.len()], 1).remove(0)
        };
        ArmPartition::new(self.outcomes.iter().map(arm).collect(), self.groups.unwrap()).unwrap()
    }

    fn clustering(&self) -> ArmClustering {
        let (fitted, groups) = (matrix(&self.fitted), self.groups.unwrap());
        match self.weights.is_empty() {
            true => ArmClustering::new(fitted.t(), Some(&vec![1.0; fitted.ncols()]), None, groups).unwrap(),
            false => ArmClustering::weighted(fitted.t(), matrix(&self.weights).t(), groups).unwrap(),
        }
    }

    /// The program of the named piece, the cuts found by hand included.
    fn program(&self, form: &impl ProgramForm) -> MixedIntegerProgram {
        let pieces = form.pieces();
        let labels: Vec<&String> = pieces.iter().map(|piece| &piece.label).collect();
        let Some(piece) = pieces.iter().find(|piece| piece.label == self.piece) else {
            panic!("no piece {} among {labels:?}", self.piece)
        };
        let mut program = piece.program.clone();
        for cut in &self.cuts {
            assert!(!cut.why.is_empty());
            let left = cut.left.iter().map(|&j| (j, 1.0));
            let terms = left.chain(cut.right.iter().map(|&j| (j, -1.0))).collect();
            program.rows.push(Row::at_most("radon", cut.left.len() as f64 - 1.0, terms));
        }
        program
    }

    /// The program in the files and checks of the hand-solved point; what only the model's own type can say.
    fn pose(&self) -> MixedIntegerProgram {
        match (self.model.as_str(), self.form.as_str()) {
            ("linear_rule", form) => {
                let problem = self.linear();
                self.check(&problem, &point::<LinearRule>(self));
                let program = match form {
                    "facets" => self.program(&LinearForm::new(&problem, Facets::default())),
                    "radon" => self.program(&LinearForm::new(&problem, Radon)),
                    "naive" => self.program(&LinearForm::new(&problem, Naive)),
                    other => panic!("no form {other}"),
                };
                self.check_cuts(&problem);
                program
            }
            ("cluster_rule", "facets") => {
                let problem = self.clusters();
                self.check(&problem, &point::<LinearRule>(self));
                self.program(&ClusterForm::new(&problem, Facets::default()))
            }
            ("multi_linear_rule", form) => {
                let problem = self.multi_linear();
                self.check(&problem, &point::<MultiLinearRule>(self));
                self.check_exclusions(&problem);
                let writing = match form {
                    "facets" => Writing::Facets { with_cuts: false },
                    "radon" => Writing::Radon,
                    other => panic!("no form {other}"),
                };
                self.program(&MultiLinearForm::new(&problem, writing))
            }
            ("tree_rule", form) => {
                let problem = self.tree();
                self.check(&problem, &point::<Node>(self));
                match form {
                    "extended" => self.program(&Extended::new(&problem).unwrap()),
                    "flow" => self.program(&Flow::new(&problem)),
                    other => panic!("no form {other}"),
                }
            }
            ("conjunction_rule", "facets") => {
                let problem = ConjunctionProblem::new(
                    Conjunction,
                    self.covariates.clone(),
                    self.arms.clone(),
                    matrix(&self.x),
                    matrix(&self.rewards),
                )
                .unwrap();
                self.check(&problem, &point::<ConjunctionRule>(self));
                self.program(&ConjunctionForm::new(&problem, Facets::default()))
            }
            ("table_rule", "listed") => {
                let problem = self.over(|trees| Table { trees });
                self.check(&problem, &point::<Node>(self));
                self.program(&Listed::new(&problem))
            }
            ("maximum_margin", "margin") => {
                let model = MaximumMargin::new(self.treated.clone(), self.untreated.clone());
                self.check(&model, &point::<LinearRule>(self));
                self.program(&model)
            }
            ("arm_partition", "subsets") => {
                let model = self.partition();
                self.check(&model, &point::<Vec<usize>>(self));
                self.program(&Subsets(std::borrow::Cow::Borrowed(&model)))
            }
            ("arm_clustering", "subsets") => {
                let model = self.clustering();
                self.check(&model, &point::<Vec<usize>>(self));
                self.program(&Subsets(std::borrow::Cow::Borrowed(&model)))
            }
            other => panic!("no model and form {other:?}"),
        }
    }

    /// The hand-solved point is what the model says it is, and what the library's exact solvers find.
    fn check<M: Solvable>(&self, model: &M, point: &M::Point) {
        assert_eq!(model.name(), self.model);
        assert_eq!(model.violations(point), Vec::new());
        assert_eq!(model.objective(point), self.solution.objective);
        assert!(!self.solution.why.is_empty() && !self.program.why.is_empty());
        for solver in M::solvers() {
            if solver.accepts(model) != Ok(Promise::Exact) {
                continue;
            }
            let report = solve::solve(model, solver.as_ref(), None, &Options::default(), &Silent).unwrap();
            assert_eq!(report.termination_status, TerminationStatus::Optimal);
            assert!((report.objective_value.unwrap() - self.solution.objective).abs() < 1e-6);
        }
    }

    /// The hulls of every cut meet, by the exact proof that the library's own cuts need.
    fn check_cuts(&self, problem: &LinearProblem) {
        let form = prescribe::models::linear_rule::MergedUnits::of(problem);
        let points = |side: &[usize]| side.iter().map(|&i| form.x[i]).collect::<Vec<_>>();
        for cut in &self.cuts {
            assert!(exact::hulls_meet(&points(&cut.left), &points(&cut.right)), "{}", cut.why);
        }
    }
}

impl Golden {
    /// The claims of every cut demand its comparisons, and these exclude each other, by the exact proof that the library's own
    /// cuts need.
    fn check_exclusions(&self, problem: &MultiLinearProblem) {
        let units = prescribe::models::multi_linear_rule::MergedUnits::of(problem);
        let arms = self.arms.len();
        for cut in &self.cuts {
            let claims: Vec<usize> = cut.comparisons.iter().map(|[i, above, _]| i * arms + above).collect();
            assert_eq!(claims, cut.left, "{}", cut.why);
            let vector = |&[i, above, below]: &[usize; 3]| -> Vec<f64> {
                assert!(units.rewards[i][above] > units.rewards[i][below], "{}", cut.why);
                let sign = |k: usize| f64::from(k == above) - f64::from(k == below);
                let block = |k: usize| [1.0].iter().chain(units.x[i]).map(move |v| sign(k) * v);
                (0..arms).flat_map(block).collect()
            };
            let vectors: Vec<Vec<f64>> = cut.comparisons.iter().map(vector).collect();
            assert!(exact::positively_dependent(&vectors), "{}", cut.why);
        }
    }
}

/// Every instance, by its path without the ending.
fn instances() -> Vec<(PathBuf, Golden)> {
    let entries = std::fs::read_dir(common::file("models/golden")).unwrap();
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .collect();
    paths.sort();
    let read = |path: PathBuf| {
        let golden = serde_json::from_str(&std::fs::read_to_string(&path).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (path, golden)
    };
    paths.into_iter().map(read).collect()
}

#[test]
fn every_model_has_three_instances_a_form() {
    let mut found = std::collections::BTreeMap::new();
    for (_, golden) in instances() {
        *found.entry((golden.model, golden.form)).or_insert(0) += 1;
    }
    let forms = [
        ("arm_clustering", "subsets"),
        ("arm_partition", "subsets"),
        ("cluster_rule", "facets"),
        ("conjunction_rule", "facets"),
        ("linear_rule", "facets"),
        ("linear_rule", "naive"),
        ("linear_rule", "radon"),
        ("maximum_margin", "margin"),
        ("multi_linear_rule", "facets"),
        ("multi_linear_rule", "radon"),
        ("table_rule", "listed"),
        ("tree_rule", "extended"),
        ("tree_rule", "flow"),
    ];
    let wanted: Vec<_> = forms.map(|(model, form)| ((model.to_string(), form.to_string()), 3)).into();
    assert_eq!(found.into_iter().collect::<Vec<_>>(), wanted);
}

#[test]
fn files_are_the_programs() {
    let bless = std::env::var_os("PRESCRIBE_BLESS").is_some_and(|value| value == "1");
    for (path, golden) in instances() {
        let program = golden.pose();
        for (kind, text) in [("mps", program.to_mps()), ("lp", program.to_lp())] {
            let path = path.with_extension(kind);
            if bless {
                std::fs::write(&path, text).unwrap();
                continue;
            }
            let stored = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(stored == text, "{} differs from what the library writes:\n{text}", path.display());
        }
    }
    assert!(!bless, "files were written anew: review them, then test without PRESCRIBE_BLESS");
}

#[test]
fn highs_reads_the_files_and_finds_the_hand_solved_optimum() {
    for (path, golden) in instances() {
        let program = golden.pose();
        for kind in ["mps", "lp"] {
            let path = path.with_extension(kind);
            let read = highs_file::read_and_solve(&std::fs::read_to_string(&path).unwrap(), kind).unwrap();
            assert!(read.optimal, "{}", path.display());
            assert!(
                (read.objective - golden.program.objective).abs() < 1e-9,
                "{}: {}",
                path.display(),
                read.objective
            );
            // LP files have two rows for one with two bounds.
            let twice = program
                .rows
                .iter()
                .filter(|r| r.lower.is_finite() && r.lower < r.upper && r.upper.is_finite());
            assert_eq!(read.rows, program.rows.len() + if kind == "lp" { twice.count() } else { 0 });
            let names = program.file_names();
            assert_eq!(read.columns.len(), names.len());
            let columns: Vec<f64> = names.iter().map(|name| read.columns[name]).collect();
            assert!((program.objective(&columns) - read.objective).abs() < 1e-9);
        }
    }
}
