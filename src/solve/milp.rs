//! Exact solution of any model that has program forms.
//!
//! A form is one or more programs ("pieces") that cover the model between them. For each piece: tighten the linear
//! relaxation with the form's cuts, solve, and lead the columns back to a point through the form's `recover`: labels ->
//! largest-margin rule -> exact value, or a cut that removes labels no rule has, and again. The answer's bound is the worst
//! over the pieces; what is claimed is what the returned point earns by the model's definition.

use std::collections::BTreeMap;

use prescribe_models::{Column, MixedIntegerProgram, Model, Piece, ProgramForm, Recovered, Row, Sense};
use serde_json::{Map, json};

use super::forms::{Formulation, Programmed};
use super::highs::{self, HighsOracle};
use super::report::CONSTRAINT_TOLERANCE;
use super::{
    Answer, BoundProof, Options, Promise, SolveError, Solver, Stop, TerminationStatus, Unsupported, Watch,
};

/// A relaxation is tightened at most this often; each round must earn its cost.
const CUT_ROUNDS: usize = 60;
/// A piece must beat the incumbent by this much, relative to max(1, |incumbent|), to matter: below the tolerance to which
/// HiGHS satisfies rows nothing can be told apart.
const CUTOFF: f64 = 1e-7;

/// The exact solver: program forms through HiGHS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Milp {
    /// None: chosen by the size of the model.
    pub formulation: Option<Formulation>,
}

impl<M: Programmed> Solver<M> for Milp {
    fn name(&self) -> &'static str {
        "milp"
    }

    fn version(&self) -> String {
        highs::version()
    }

    fn accepts(&self, model: &M) -> Result<Promise, Unsupported> {
        model.accepts(self.formulation)
    }

    fn forecast(&self, model: &M) -> Option<f64> {
        model.forecast(self.formulation)
    }

    fn search(
        &self,
        model: &M,
        start: Option<&M::Point>,
        options: &Options,
        watch: &Watch,
    ) -> Result<Answer<M::Point>, SolveError> {
        search(model.form(self.formulation).as_ref(), start, options, watch)
    }
}

/// The point behind the columns of a solution file, given by the names that the written programs use.
pub fn recover_columns<M: Model>(
    form: &dyn ProgramForm<Model = M>,
    named: &BTreeMap<String, f64>,
) -> Result<M::Point, String> {
    let Some(piece) = form.pieces().into_iter().next() else {
        return Err("the problem has no program".into());
    };
    let names = piece.program.file_names();
    if !names.iter().any(|name| named.contains_key(name)) {
        return Err(
            "it names no column of the written model; write the model with --write-model and solve that"
                .into(),
        );
    }
    // Solvers leave zeros out.
    let columns = names.iter().map(|name| named.get(name).copied().unwrap_or(0.0)).collect();
    let recovered = form.recover(&rounded(&piece.program, columns), &mut HighsOracle::default());
    match recovered.map_err(|error| error.to_string())? {
        Recovered::Point(point) | Recovered::Unresolved(point) => Ok(point),
        Recovered::Cuts(_) => Err("no rule has these labels: the solution is not one of the problem".into()),
    }
}

/// Solves every piece of `form`.
fn search<F: ProgramForm + ?Sized>(
    form: &F,
    start: Option<&Point<F>>,
    options: &Options,
    watch: &Watch,
) -> Result<Answer<Point<F>>, SolveError> {
    let mut search = Search::new(form, options, watch);
    let start = start.map(|point| form.representative(point, &mut search.oracle)).transpose()?;
    for point in start.into_iter().chain(form.candidates()) {
        search.offer(point, None);
    }
    // Building programs takes its time too.
    let pieces = if search.halted() { Vec::new() } else { form.pieces() };
    let mut bound = search.incumbent.as_ref().map(|best| best.value);
    for (number, piece) in pieces.iter().enumerate() {
        let phase = format!("{} ({} of {})", piece.label, number + 1, pieces.len());
        let reached = match search.halted() {
            true => form.model().trivial_bound(),
            false => search.piece(piece, &phase)?,
        };
        bound = Some(bound.map_or(reached, |bound| search.worse_bound(bound, reached)));
    }
    if pieces.is_empty() && search.halted() {
        bound = Some(form.model().trivial_bound());
    }
    Ok(search.answer(bound, pieces.len()))
}

type Point<F> = <<F as ProgramForm>::Model as Model>::Point;

/// The best point so far.
struct Incumbent<P> {
    point: P,
    /// By the model's definition.
    value: f64,
    /// By the program that it came from, if it did.
    claimed: Option<f64>,
}

/// The state of a search over the pieces of a form.
struct Search<'s, F: ProgramForm + ?Sized> {
    form: &'s F,
    options: &'s Options,
    watch: &'s Watch<'s>,
    oracle: HighsOracle,
    incumbent: Option<Incumbent<Point<F>>>,
    /// Rows valid in every piece.
    cuts: Vec<Row>,
    nodes: u64,
    iterations: u64,
    programs: u64,
    closed: usize,
    unresolved: u64,
    limit: Option<TerminationStatus>,
    raw_status: String,
}

impl<'s, F: ProgramForm + ?Sized> Search<'s, F> {
    fn new(form: &'s F, options: &'s Options, watch: &'s Watch<'s>) -> Self {
        Self {
            form,
            options,
            watch,
            oracle: HighsOracle::default(),
            incumbent: None,
            cuts: Vec::new(),
            nodes: 0,
            iterations: 0,
            programs: 0,
            closed: 0,
            unresolved: 0,
            limit: None,
            raw_status: String::new(),
        }
    }

    /// Whether a limit has been reached.
    fn halted(&mut self) -> bool {
        let stopped = self.watch.stop().map(|stop| match stop {
            Stop::TimeLimit => TerminationStatus::TimeLimit,
            Stop::Interrupted => TerminationStatus::Interrupted,
        });
        let exhausted = self.options.mip_max_nodes.is_some_and(|most| self.nodes >= most);
        self.limit = self.limit.or(stopped).or(exhausted.then_some(TerminationStatus::NodeLimit));
        self.limit.is_some()
    }

    /// Takes `point` as the incumbent where it is feasible and better; whether it is feasible.
    fn offer(&mut self, point: Point<F>, claimed: Option<f64>) -> bool {
        let model = self.form.model();
        if model.violations(&point).iter().any(|violation| violation.amount > CONSTRAINT_TOLERANCE) {
            return false;
        }
        let value = model.objective(&point);
        if self.incumbent.as_ref().is_none_or(|best| self.better(value, best.value)) {
            self.incumbent = Some(Incumbent { point, value, claimed });
        }
        true
    }

    fn better(&self, a: f64, b: f64) -> bool {
        if self.form.model().sense() == Sense::Maximize { a > b } else { a < b }
    }

    fn worse_bound(&self, a: f64, b: f64) -> f64 {
        if self.better(a, b) { a } else { b }
    }

    /// The bound on no points.
    fn empty(&self) -> f64 {
        if self.form.model().sense() == Sense::Maximize { f64::NEG_INFINITY } else { f64::INFINITY }
    }

    /// The objective that a piece must reach to matter.
    fn cutoff(&self) -> Option<f64> {
        let sign = if self.form.model().sense() == Sense::Maximize { 1.0 } else { -1.0 };
        self.incumbent.as_ref().map(|best| best.value + sign * CUTOFF * best.value.abs().max(1.0))
    }

    /// Solves one piece and returns a bound on it.
    fn piece(&mut self, piece: &Piece, phase: &str) -> Result<f64, SolveError> {
        let mut program = piece.program.clone();
        program.rows.extend(self.cuts.iter().cloned());
        if let Some(bound) = self.tighten(&mut program, phase)? {
            self.closed += 1;
            return Ok(bound);
        }
        loop {
            let (bound, done) = self.round(piece, &mut program, phase)?;
            if done || self.halted() {
                return Ok(bound);
            }
        }
    }

    /// Adds the form's cuts to the relaxation of `program` until they stop helping; a bound where that closes the piece.
    fn tighten(&mut self, program: &mut MixedIntegerProgram, phase: &str) -> Result<Option<f64>, SolveError> {
        for _ in 0..CUT_ROUNDS {
            if self.halted() {
                return Ok(None);
            }
            let relaxed =
                highs::solve_program(&program.relaxed(), None, &Options::default(), self.watch, phase)?;
            self.programs += 1;
            self.iterations += relaxed.iterations;
            let (Some(columns), Some(bound)) = (relaxed.columns, relaxed.bound) else {
                return Ok(None);
            };
            if let Some(cutoff) = self.cutoff().filter(|cutoff| !self.better(bound, *cutoff)) {
                return Ok(Some(cutoff));
            }
            let rows = self.form.separate(&columns, &mut self.oracle)?;
            if rows.is_empty() {
                return Ok(None);
            }
            self.add_cuts(program, rows);
        }
        Ok(None)
    }

    fn add_cuts(&mut self, program: &mut MixedIntegerProgram, rows: Vec<Row>) {
        program.rows.extend(rows.iter().cloned());
        self.cuts.extend(rows);
    }

    /// Solves `program` once and leads the answer back; the bound that this gives, and whether the piece is done.
    fn round(
        &mut self,
        piece: &Piece,
        program: &mut MixedIntegerProgram,
        phase: &str,
    ) -> Result<(f64, bool), SolveError> {
        let start = self.incumbent.as_ref().and_then(|best| self.form.embed(piece, &best.point));
        let cutoff = self.cutoff().filter(|_| start.is_none());
        let mut posed = program.clone();
        posed.rows.extend(cutoff.map(|value| program.cutoff(value)));
        let mut options = self.options.clone();
        options.mip_max_nodes = options.mip_max_nodes.map(|most| most.saturating_sub(self.nodes));
        let outcome = highs::solve_program(&posed, start.as_deref(), &options, self.watch, phase)?;
        self.programs += 1;
        self.nodes += outcome.nodes;
        self.iterations += outcome.iterations;
        self.raw_status = outcome.raw_status;
        let trivial = self.form.model().trivial_bound();
        match (outcome.status, &outcome.columns) {
            (TerminationStatus::Infeasible, _) => {
                self.closed += 1;
                // Without a cutoff the piece holds no point at all: nothing in it exceeds what is known, be it nothing.
                let known = self.incumbent.as_ref().map(|best| best.value);
                return Ok((cutoff.or(known).unwrap_or(self.empty()), true));
            }
            (TerminationStatus::NumericalError | TerminationStatus::OtherError, None) => {
                return Err(SolveError::Backend { solver: "HiGHS".into(), reason: self.raw_status.clone() });
            }
            _ => {}
        }
        let bound = outcome.bound.unwrap_or(trivial);
        let proved = outcome.status == TerminationStatus::Optimal;
        if !proved {
            self.limit = self.limit.or(Some(outcome.status));
        }
        let Some(columns) = outcome.columns.map(|columns| rounded(&posed, columns)) else {
            return Ok((bound, true));
        };
        let claimed = Some(posed.objective(&columns));
        match self.form.recover(&columns, &mut self.oracle)? {
            Recovered::Point(point) => self.unresolved += u64::from(!self.offer(point, claimed)),
            Recovered::Cuts(rows) => {
                self.add_cuts(program, rows);
                return Ok((bound, !proved));
            }
            Recovered::Unresolved(point) => {
                self.unresolved += 1;
                self.offer(point, None);
            }
        }
        self.closed += usize::from(proved);
        Ok((bound, true))
    }

    fn answer(self, bound: Option<f64>, pieces: usize) -> Answer<Point<F>> {
        let restriction = self.form.restriction();
        let mut statistics = Map::new();
        statistics.insert("pieces".into(), json!(pieces));
        statistics.insert("pieces_closed".into(), json!(self.closed));
        statistics.insert("programs".into(), json!(self.programs));
        statistics.insert("oracle_programs".into(), json!(self.oracle.calls));
        statistics.insert("cuts".into(), json!(self.cuts.len()));
        statistics.insert("unresolved_labels".into(), json!(self.unresolved));
        if let Some(restriction) = &restriction {
            statistics.insert("restriction".into(), json!(restriction));
            statistics.insert("restricted_bound".into(), json!(bound));
        }
        let covers_all = restriction.is_none();
        let complete = match (&self.incumbent, covers_all) {
            (None, _) if self.unresolved == 0 => TerminationStatus::Infeasible,
            // What some program holds may be a point or none.
            (None, _) => TerminationStatus::NumericalError,
            (Some(_), true) => TerminationStatus::Optimal,
            (Some(_), false) => TerminationStatus::LocallySolved,
        };
        // Where there is nothing to bound, a relaxation's value would only mislead.
        let bounded = covers_all && (self.incumbent.is_some() || self.limit.is_some());
        let (point, claimed) = self.incumbent.map(|i| (i.point, i.claimed)).unzip();
        Answer {
            point,
            claimed: claimed.flatten(),
            bound: bound.filter(|_| bounded).map(|value| (value, BoundProof::Dual)),
            termination: self.limit.unwrap_or(complete),
            raw_status: format!(
                "{} of {pieces} programs closed; HiGHS on the last: {}",
                self.closed, self.raw_status
            ),
            nodes: Some(self.nodes),
            iterations: Some(self.iterations),
            statistics,
        }
    }
}

/// `columns` with the whole-number ones made whole.
fn rounded(program: &MixedIntegerProgram, columns: Vec<f64>) -> Vec<f64> {
    let whole = |(column, value): (&Column, f64)| if column.integer { value.round() } else { value };
    program.columns.iter().zip(columns).map(whole).collect()
}
