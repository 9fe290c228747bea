use prescribe::models::tree_rule::Candidates;
use prescribe::simulate::{Covariates, tree_rewards};
use prescribe::solve::{self, Control, Observer, Options, Progress, TreeSearch};
struct Tell;
impl Observer for Tell { fn progress(&self, p: &Progress) -> Control { if std::env::var("V").is_ok() {eprintln!("{:.1}s {} {:?} {:?} {}", p.seconds, p.phase, p.incumbent, p.bound, p.nodes);} Control::Continue } }
fn main() {
    let a: Vec<f64> = std::env::args().skip(1).map(|s| s.parse().unwrap()).collect();
    let t = std::time::Instant::now();
    let mut d = tree_rewards(Covariates::Continuous, a[0] as usize, a[1] as usize, a[2] as usize, 1).unwrap();
    let weaker: f64 = std::env::var("WEAK").ok().map_or(1.0, |s| s.parse().unwrap());
    for (r, e) in d.rewards.iter_mut().zip(d.effects.iter()) { *r -= (1.0 - weaker) * e; }
    eprintln!("generated {:.2}", t.elapsed().as_secs_f64());
    let problem = d.problem(2, Candidates::All).unwrap(); drop(d);
    eprintln!("problem {:.2}", t.elapsed().as_secs_f64());
    eprintln!("{}", std::fs::read_to_string("/proc/self/status").unwrap().lines().filter(|l| l.starts_with("VmHWM") || l.starts_with("VmRSS")).collect::<Vec<_>>().join(" "));
    let options = Options { threads: a[3] as usize, time_limit: Some(a[4]), ..Options::default() };
    let r = solve::solve(&problem, &TreeSearch::default(), None, &options, &Tell).unwrap();
    println!("{:?} value {:?} bound {:?} gap {:?} nodes {:?} secs {:.2} cpu {:.2} {}", r.termination_status, r.objective_value, r.objective_bound, r.gain_gap, r.nodes, r.solve_seconds, r.cpu_seconds, r.statistics["strategy"]);
    println!("{:?} {}", r.point, serde_json::to_string(&r.statistics).unwrap());
    let s = std::fs::read_to_string("/proc/self/status").unwrap();
    println!("{}", s.lines().filter(|l| l.starts_with("VmHWM") || l.starts_with("VmRSS")).collect::<Vec<_>>().join(" "));
}
