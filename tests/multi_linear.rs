use ndarray::Array2;
use prescribe::models::multi_linear_rule::*;
use prescribe::solve::*;
use rand::{Rng, SeedableRng};
use rand_distr::StandardNormal;
#[test]
fn timing() {
    let a: Vec<usize> = std::env::var("SIZES").unwrap().split(',').map(|v| v.parse().unwrap()).collect();
    let (n, k, p) = (a[0], a[1], a[2]);
    for seed in 0..a[3] as u64 {
        let mut r = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
        let x = Array2::from_shape_simple_fn((n, p), || r.sample::<f64, _>(StandardNormal));
        let b = Array2::from_shape_simple_fn((k, p + 1), || r.sample::<f64, _>(StandardNormal) * 0.6);
        let g = Array2::from_shape_fn((n, k), |(i, l)| {
            let h: f64 = b[[l, p]] * 0.3 + (0..p).map(|j| b[[l, j]] * x[[i, j]]).sum::<f64>();
            if l == 0 && false { 0.0 } else { h + 2.0 * r.sample::<f64, _>(StandardNormal) }
        });
        let names = |c: &str, n: usize| (0..n).map(|j| format!("{c}{j}")).collect::<Vec<_>>();
        let prob =
            MultiLinearProblem::new(MultiLinear { arms: k }, names("x", p), names("a", k), x, g).unwrap();
        for f in [Formulation::Facets, Formulation::FacetsRadon, Formulation::Radon] {
            if std::env::var("ONLY").is_ok_and(|o| o != format!("{f:?}")) {
                continue;
            }
            let o = Options { time_limit: Some(60.0), ..Options::default() };
            let rep = solve_started(&prob, &Milp { formulation: Some(f) }, None, &o, &Silent).unwrap();
            println!(
                "{seed} {f:?} {:?} {:?} {:?} cpu {:.2} nodes {:?} {}",
                rep.termination_status,
                rep.objective_value,
                rep.objective_bound,
                rep.cpu_seconds,
                rep.nodes,
                serde_json::to_string(&rep.statistics).unwrap()
            );
        }
    }
}
