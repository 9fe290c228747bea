//! What each way of learning from many arms is worth on the oracle's trial (tests/oracles/forest): nine arms and a control, 5,000 units, everything
//! learned and tuned on the training file, valued by the test file's true means; see forest_oracle.md for what was chosen by looking at truth.
//!
//!     cargo bench --profile release --bench forest_oracle [-- SEEDS]

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use ndarray::Array2;
use prescribe::data::{Purpose, Table};
use prescribe::forest::clustering::{Choice, Groups};
use prescribe::forest::{Clustering, Grid, Method, Plan, Residualize, Settings, Trial, assign, learn};
use prescribe::models::leaf_utility::{Form, LeafProblem, LeafValue};
use prescribe::models::tree_rule::{Candidates, Node, Tree};
use prescribe::solve::leaf_utility::LeafSearch;
use prescribe::solve::{Options, Silent, solve};

fn oracle(file: &str) -> Table {
    let packed = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracles/forest").join(file);
    let unpacked = Command::new("gzip").arg("-dc").arg(packed).output().expect("gzip runs");
    let mut csv = tempfile::NamedTempFile::with_suffix(".csv").expect("a temporary file");
    csv.write_all(&unpacked.stdout).expect("room for it");
    Table::read(csv.path()).expect("a table")
}

fn column(table: &Table, name: &str) -> Vec<f64> {
    table.numbers(name, Purpose::Matrix).expect("a column of numbers")
}

fn matrix(table: &Table, names: &[String]) -> Array2<f64> {
    let columns: Vec<Vec<f64>> = names.iter().map(|name| column(table, name)).collect();
    Array2::from_shape_fn((columns[0].len(), names.len()), |(i, j)| columns[j][i])
}

fn value(effects: &Array2<f64>, arms: &[usize]) -> f64 {
    arms.iter().enumerate().map(|(i, &k)| effects[[i, k]]).sum::<f64>() / arms.len() as f64
}

/// The stump of the largest mean of inverse probability weighted residuals: that is its utility in the form P, without shrinkage.
fn stump(trial: &Trial, x: &Array2<f64>) -> Vec<usize> {
    let class = Tree::over(&trial.x, 1, Candidates::All);
    let arm = trial.arm.iter().map(|&k| usize::from(k)).collect();
    let leaf_value = LeafValue::Shrunken { lambda: 0.0, form: Form::P };
    let problem =
        LeafProblem::new(class, (1, leaf_value), trial.x.clone(), (arm, trial.arms), trial.utility.clone());
    let report = solve(&problem.expect("a problem"), &LeafSearch, None, &Options::default(), &Silent);
    match report.expect("a search").point.expect("a stump") {
        Node::Split { covariate, threshold, left, right } => {
            let arm =
                |node: &Node| if let Node::Leaf { arm } = node { *arm } else { unreachable!("a stump") };
            x.rows()
                .into_iter()
                .map(|row| if row[covariate] <= threshold { arm(&left) } else { arm(&right) })
                .collect()
        }
        Node::Leaf { arm } => vec![arm; x.nrows()],
    }
}

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let seeds = std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(5);
    let names: Vec<String> = ["X1", "X2", "X3"].map(String::from).to_vec();
    let means: Vec<String> = (0..10).map(|k| format!("mu{k}")).collect();
    let (train, test) = (oracle("k9_train.csv.gz"), oracle("k9_test.csv.gz"));
    let (x, effects) = (matrix(&test, &names), matrix(&test, &means));
    let (outcome, residual) = (column(&train, "Y"), column(&train, "Y_resid"));
    let arm = column(&train, "trt").iter().map(|k| *k as u16).collect();
    let raw = Trial::new(matrix(&train, &names), arm, 10, outcome.clone());
    let given =
        Trial { baseline: Some(outcome.iter().zip(&residual).map(|(y, r)| y - r).collect()), ..raw.clone() };
    let best = effects.rows().into_iter().map(|row| row.fold(f64::MIN, |best, mean| best.max(*mean)));
    println!("best possible {:.3}", best.sum::<f64>() / x.nrows() as f64);
    println!(
        "exact stump, the file's residuals {:.3}\n",
        value(&effects, &stump(&given.with_utility(residual), &x))
    );
    println!("| residuals | method | mean | lowest | highest | wall s | parameters of the last seed |");
    println!("|---|---|---|---|---|---|---|");
    for (source, trial, residualize) in
        [("the file's", &given, Residualize::Column("Y_resid".into())), ("own", &raw, Residualize::Weighted)]
    {
        for (name, method, tuned, choice) in [
            ("forest, defaults", Method::Forest, false, Choice::Silhouette),
            ("forest, tuned", Method::Forest, true, Choice::Silhouette),
            ("clustered, tuned, groups by silhouette", Method::Clustered, true, Choice::Silhouette),
            ("clustered, tuned, groups by elbow", Method::Clustered, true, Choice::Elbow),
            ("clustered, tuned, groups by value", Method::Clustered, true, Choice::Value),
            ("joint tree", Method::JointTree, false, Choice::Silhouette),
            ("joint forest, tuned", Method::JointForest, true, Choice::Silhouette),
            ("auto, tuned", Method::Auto, true, Choice::Silhouette),
        ] {
            let started = Instant::now();
            let (mut values, mut parameters) = (Vec::new(), String::new());
            for seed in 1..=seeds {
                let plan = Plan {
                    method,
                    forest: Settings { trees: 500, ..Settings::default() },
                    clustering: Clustering { groups: Groups::Auto(choice), ..Clustering::default() },
                    residualize: residualize.clone(),
                    tuning: tuned.then(Grid::default),
                    seed,
                };
                let learned = learn(trial, &plan).expect("an assignment");
                values.push(value(&effects, &assign(&learned.effects(x.view()))));
                let s = &learned.settings;
                parameters = format!(
                    "{:?}: nu {}, lambda1 {}, lambda2 {}, epsilon {}, kappa {}",
                    learned.method, s.min_leaf, s.lambda1, s.lambda2, s.epsilon, s.kappa
                );
            }
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let (low, high) = values.iter().fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(*v), h.max(*v)));
            let seconds = started.elapsed().as_secs_f64() / values.len() as f64;
            println!(
                "| {source} | {name} | {mean:.3} | {low:.3} | {high:.3} | {seconds:.1} | {parameters} |"
            );
        }
    }
}
