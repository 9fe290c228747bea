//! Fusion that is stopped again and again, each time by another program, comes to what one program would have come to.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use ndarray::Array2;
use prescribe::data::write_whole;
use prescribe::fusion::loss::{loss_pair_weights, loss_path};
use prescribe::fusion::{PathSettings, Penalty, Step, grid, path, path_kept};
use prescribe::models::arm_moments::Moments;
use prescribe::models::fused_lasso::{FusedLasso, pairs};
use prescribe::models::outcome_loss::{Loss, Units};
use prescribe::solve::admm::{Checkpoint, Goal, Sweeps, iterate, iterate_kept};
use prescribe::solve::{Control, Observer, Progress, Silent, SolveError, Watch};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

/// Says stop when it has been asked so often.
struct Impatient(AtomicUsize);

impl Impatient {
    fn after(questions: usize) -> Self {
        Self(AtomicUsize::new(questions))
    }
}

impl Observer for Impatient {
    fn progress(&self, _progress: &Progress) -> Control {
        Control::Continue
    }

    fn wants_stop(&self) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_err()
    }
}

fn checkpoint(file: &Path) -> Checkpoint {
    Checkpoint { file: file.into(), seconds: 0.0, write: write_whole, resume: true, luggage: Value::Null }
}

fn units(seed: u64, arms: usize) -> Vec<Units> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let arm = |a: usize| {
        let m = 40 + a % 3;
        let design =
            Array2::from_shape_fn((m, 3), |(_, j)| if j == 0 { 1.0 } else { random.random_range(-2.0..2.0) });
        let sign = if a.is_multiple_of(2) { 1.0 } else { -0.5 };
        let outcome = design
            .rows()
            .into_iter()
            .map(|row| f64::from(u8::from(sign * row.sum() + random.random_range(-3.0..3.0) > 0.0)))
            .collect();
        Units { design, outcome, offset: vec![0.0; m], weights: vec![1.0 / m as f64; m] }
    };
    (0..arms).map(arm).collect()
}

fn moments(seed: u64, arms: usize) -> Vec<Moments> {
    let sums = |arm: &Units| {
        let mut sums = Moments::zero(3);
        for (i, row) in arm.design.rows().into_iter().enumerate() {
            sums.read(row, arm.outcome[i], arm.weights[i]);
        }
        sums
    };
    units(seed, arms).iter().map(sums).collect()
}

/// Runs with more and more patience until nobody has to stop, and counts.
fn piecemeal<T>(mut run: impl FnMut(&Impatient) -> T) -> (T, usize) {
    for pieces in 1..1000 {
        let observer = Impatient::after(2 + pieces);
        let found = run(&observer);
        if !observer.wants_stop() {
            return (found, pieces);
        }
    }
    panic!("it never ends")
}

#[test]
fn a_solve_in_pieces_is_one_solve() {
    let folder = tempfile::tempdir().unwrap();
    let model = FusedLasso::plain(moments(1, 12), 0.02).unwrap();
    let fresh = || {
        let mut sweeps = Sweeps::new(model.moments());
        sweeps.limit(model.limits());
        sweeps
    };
    for (name, goal) in [("proof", Goal::Proof), ("residual", Goal::Residual(1e-9))] {
        let (_, whole) = iterate(&model, fresh(), goal, &Watch::start(None, &Silent)).unwrap();
        let kept = checkpoint(&folder.path().join(name));
        let ((_, found), pieces) = piecemeal(|observer| {
            iterate_kept(&model, fresh(), goal, &Watch::start(None, observer), Some(&kept)).unwrap()
        });
        assert!(pieces > 2 && whole.done && found.done, "{pieces} pieces");
        assert_eq!(found.zeta, whole.zeta);
        assert_eq!(found.sweeps, whole.sweeps);
        assert_eq!(found.bound, whole.bound);
    }
}

fn same(one: &[Step], other: &[Step]) {
    assert_eq!(one.len(), other.len());
    for (one, other) in one.iter().zip(other) {
        assert_eq!(
            (one.lambda, &one.coefficients, one.ebic),
            (other.lambda, &other.coefficients, other.ebic)
        );
    }
}

fn settings(penalty: Penalty) -> PathSettings {
    PathSettings { penalty, lambdas: grid(1e-3, 0.5, 12), threshold: 0.25, units: 400 }
}

#[test]
fn a_path_in_pieces_is_one_path() {
    let folder = tempfile::tempdir().unwrap();
    let (sums, weights) = (moments(2, 10), vec![1.0; pairs(10).count()]);
    for penalty in [Penalty::Lasso, Penalty::Scad] {
        let whole = path(&sums, &weights, &settings(penalty), &Silent).unwrap();
        let kept = checkpoint(&folder.path().join(format!("{penalty:?}")));
        let (found, pieces) = piecemeal(|observer| {
            path_kept(&sums, &weights, &settings(penalty), Some(&kept), observer).unwrap()
        });
        assert!(pieces > 2, "{pieces} pieces");
        same(&found, &whole);
    }
}

#[test]
fn a_path_of_another_loss_in_pieces_is_one_path() {
    let folder = tempfile::tempdir().unwrap();
    let arms = units(3, 8);
    let weights = loss_pair_weights(Penalty::Wald, &arms, Loss::Logistic);
    let run = |checkpoint: Option<&Checkpoint>, observer: &dyn Observer| {
        loss_path(&arms, Loss::Logistic, &weights, &settings(Penalty::Wald), checkpoint, observer).unwrap()
    };
    let whole = run(None, &Silent);
    let kept = checkpoint(&folder.path().join("kept"));
    let (found, pieces) = piecemeal(|observer| run(Some(&kept), observer));
    assert!(pieces > 2, "{pieces} pieces");
    same(&found, &whole);
}

#[test]
fn other_problems_and_other_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let kept = checkpoint(&folder.path().join("kept"));
    let (sums, weights) = (moments(4, 6), vec![1.0; pairs(6).count()]);
    let run = |sums: &[Moments], checkpoint: &Checkpoint| {
        path_kept(sums, &weights, &settings(Penalty::Lasso), Some(checkpoint), &Impatient::after(4))
    };
    run(&sums, &kept).unwrap();
    let message = |result: Result<Vec<Step>, SolveError>| result.unwrap_err().to_string();
    let other = message(run(&moments(5, 6), &kept));
    assert!(other.contains("kept") && other.contains("another problem"), "{other}");
    // Written over, where nobody wants to go on.
    run(&moments(5, 6), &Checkpoint { resume: false, ..kept.clone() }).unwrap();
    std::fs::write(&kept.file, "Y,A\n1,2\n").unwrap();
    let other = message(run(&sums, &kept));
    assert!(other.contains("it is no checkpoint"), "{other}");
    let nowhere = checkpoint(&folder.path().join("no/such/folder/kept"));
    let other = message(run(&sums, &nowhere));
    assert!(other.contains("name a file that can be written"), "{other}");
}
