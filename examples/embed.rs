//! Embedding: pose a policy problem from matrices, watch the solve, read the certificate, and hand the program to
//! another solver as an MPS file.
//!
//!     cargo run --release --example embed

use ndarray::array;
use prescribe::models::ProgramForm;
use prescribe::models::linear_rule::{Facets, LinearForm, LinearProblem};
use prescribe::solve::{Control, Milp, Observer, Options, Progress, solve_started};

/// Prints each piece of progress; return `Control::Stop` to stop the solve with what it has.
struct Log;

impl Observer for Log {
    fn progress(&self, progress: &Progress) -> Control {
        eprintln!("{:.3} s  {}  incumbent {:?}", progress.seconds, progress.phase, progress.incumbent);
        Control::Continue
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Six people: age and distance, and the gain from treating each.
    let x = array![[21.0, 3.0], [35.0, 1.0], [44.0, 0.5], [52.0, 4.0], [60.0, 2.0], [68.0, 1.5]];
    let gains = [0.4, 0.9, -0.2, 0.7, -0.8, -0.6];
    let problem = LinearProblem::from_gains(vec!["age".into(), "km".into()], x, &gains)?;

    let report = solve_started(&problem, &Milp::default(), None, &Options::default(), &Log)?;
    println!(
        "{:?}: value {:?} of at most {:?}",
        report.termination_status, report.objective_value, report.objective_bound
    );
    println!("verified: {}", report.certificate.verified);
    println!("rule: {:?}", report.point);

    for piece in LinearForm::new(&problem, Facets::default()).pieces() {
        println!("{}: {} lines of MPS", piece.label, piece.program.to_mps().lines().count());
    }
    Ok(())
}
