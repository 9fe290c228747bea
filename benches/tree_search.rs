//! scratch
use prescribe::models::tree_rule::Candidates;
use prescribe::simulate::{Covariates::*, tree_rewards};
use prescribe::solve::{self, Options, Silent, TreeSearch};
fn main() {
    let rows = [
        (Continuous, 10000, 10, 2, 2, 0, 0.06),
        (Mixed, 10000, 10, 4, 2, 0, 0.006),
        (Continuous, 1000, 10, 16, 2, 0, 0.05),
        (Continuous, 500, 5, 2, 3, 0, 0.08),
        (Mixed, 500, 10, 2, 3, 0, 0.05),
        (Mixed, 1000, 10, 4, 3, 0, 0.15),
        (Binary, 10000, 30, 2, 3, 0, 0.04),
        (Binary, 500, 30, 2, 4, 0, 0.05),
        (Continuous, 1800, 3, 16, 3, 40, 0.3),
        (Continuous, 10000, 10, 2, 3, 0, 0.0),
        (Continuous, 1000, 10, 2, 4, 0, 0.0),
    ];
    let only: Option<usize> = std::env::var("ROW").ok().and_then(|r| r.parse().ok());
    let threads = std::env::var("THREADS").ok().and_then(|r| r.parse().ok()).unwrap_or(1);
    for (r, (kind, n, p, k, depth, q, goal)) in rows.into_iter().enumerate() {
        if only.map_or(r > 8, |o| o != r) {
            continue;
        }
        let c = if q > 0 { Candidates::Quantiles(q) } else { Candidates::All };
        let problem = tree_rewards(kind, n, p, k, 1).unwrap().problem(depth, c).unwrap();
        let options = Options { threads, time_limit: Some(60.0), ..Options::default() };
        let repeat =
            std::env::var("REPEAT").map_or(if only.is_some() { 1 } else { 3 }, |r| r.parse().unwrap());
        for _ in 0..repeat {
            let report = solve::solve(&problem, &TreeSearch::default(), None, &options, &Silent).unwrap();
            println!(
                "{kind:?} n{n} p{p} K{k} d{depth}: {:.4} cpu {:.4} wall goal {goal} {:?} {:.6} {:.6} {}",
                report.cpu_seconds,
                report.solve_seconds,
                report.termination_status,
                report.objective_value.unwrap(),
                report.objective_bound.unwrap(),
                serde_json::to_string(&report.statistics).unwrap()
            );
        }
    }
}
