//! Conjunctions as mixed-integer programs: pairs of programs of the linear rule ([`LinearForm`]), whose labels p and q are multiplied.
//!
//! ```text
//! max  sum_i g_i z_i     s.t.   p, q labels of linear rules
//!      z_i <= p_i,  z_i <= q_i       where g_i > 0
//!      z_i >= p_i + q_i - 1          where g_i < 0,        z_i in [0, 1]
//! ```
//!
//! The two rules may be exchanged: of the pairs of pieces one order is enough, and in a pair of equals the first rule treats no fewer
//! points than the second. Labels of points without gain from being so labelled are free, as in the linear rule's programs: the product
//! gains from a label just where the gain does.
//!
//! Columns: the labels p, the labels q, the other columns of the first, those of the second, z.

use super::{Conjunction, ConjunctionProblem, ConjunctionRule};
use crate::linear_rule::{Facets, LinearForm, LinearProblem, LinearRule, Writing};
use crate::model::{LinearOracle, OracleError, Piece, ProgramForm, Recovered};
use crate::policy_problem::RuleClass;
use crate::programs::{MixedIntegerProgram, Row};

/// The problem whose two rules are both written in the way `W`.
#[derive(Clone, Debug)]
pub struct ConjunctionForm<'a, W> {
    problem: &'a ConjunctionProblem,
    linear: LinearProblem,
    writing: W,
}

impl ConjunctionForm<'_, Facets> {
    /// Number of coefficients of all pairs of facets together, about.
    pub fn coefficients_of_facets(problem: &ConjunctionProblem) -> usize {
        let (units, covariates) = problem.x().dim();
        let of_one = units.saturating_mul(2 * covariates + 10);
        of_one.saturating_mul(covariates).saturating_mul(2 * covariates + 1)
    }
}

impl<'a, W: Writing + Copy> ConjunctionForm<'a, W> {
    pub fn new(problem: &'a ConjunctionProblem, writing: W) -> Self {
        Self { problem, linear: problem.linear(), writing }
    }

    /// The form of each rule; made anew where it is read, since it borrows the linear problem.
    fn single(&self) -> LinearForm<'_, W> {
        LinearForm::new(&self.linear, self.writing)
    }

    fn pair(&self, form: &LinearForm<W>, first: &Piece, second: &Piece, same: bool) -> Piece {
        let points = form.units().gains.len();
        let place = Place { points, others: first.program.columns.len() - points };
        let name = first.program.name.replace("linear_rule", self.problem.class.name());
        let mut program = MixedIntegerProgram::new(name, first.program.sense);
        program.offset = first.program.offset;
        let blocks = [("first", first), ("second", second)];
        for columns in [0..points, points..points + place.others] {
            for (which, piece) in blocks {
                for column in &piece.program.columns[columns.clone()] {
                    let name = format!("{which}.{}", column.name);
                    program.columns.push(crate::Column { name, cost: 0.0, ..column.clone() });
                }
            }
        }
        for (rule, (which, piece)) in blocks.into_iter().enumerate() {
            for row in &piece.program.rows {
                let name = format!("{which}.{}", row.name);
                program.rows.push(Row { name, ..place.moved(row, rule) });
            }
        }
        if same {
            let labels = (0..points).flat_map(|i| [(i, 1.0), (points + i, -1.0)]);
            program.rows.push(Row::at_least("order", 0.0, labels.collect()));
        }
        multiply(&mut program, &form.units().gains);
        Piece { label: format!("{} and {}", first.label, second.label), program }
    }
}

/// Adds the products z of the labels.
fn multiply(program: &mut MixedIntegerProgram, gains: &[f64]) {
    let points = gains.len();
    for (i, &gain) in gains.iter().enumerate().filter(|(_, gain)| **gain != 0.0) {
        let z = program.continuous(format!("both[{i}]"), 0.0, 1.0, gain);
        let labels = [(i, -1.0), (points + i, -1.0)];
        if gain > 0.0 {
            let below = |label| Row::at_most(format!("both[{i}]"), 0.0, vec![(z, 1.0), label]);
            program.rows.extend(labels.map(below));
        } else {
            program.rows.push(Row::at_least(
                format!("both[{i}]"),
                -1.0,
                vec![(z, 1.0), labels[0], labels[1]],
            ));
        }
    }
}

/// Where the columns of a linear rule's program are in that of a pair.
struct Place {
    points: usize,
    others: usize,
}

impl Place {
    /// A row of the linear rule's program as one on the first (0) or second (1) rule.
    fn moved(&self, row: &Row, rule: usize) -> Row {
        let column = |j: usize| match j < self.points {
            true => rule * self.points + j,
            false => self.points + rule * self.others + j,
        };
        let terms = row.terms.iter().map(|&(j, a)| (column(j), a)).collect();
        Row { terms, ..row.clone() }
    }
}

impl<W: Writing + Copy> ProgramForm for ConjunctionForm<'_, W> {
    type Model = ConjunctionProblem;

    fn model(&self) -> &ConjunctionProblem {
        self.problem
    }

    fn pieces(&self) -> Vec<Piece> {
        let form = self.single();
        let pieces = form.pieces();
        let pairs = (0..pieces.len()).flat_map(|a| (a..pieces.len()).map(move |b| (a, b)));
        pairs.map(|(a, b)| self.pair(&form, &pieces[a], &pieces[b], a == b)).collect()
    }

    /// Treat nobody, treat everybody. A conjunction with one of them is constant or a linear rule, which is its own conjunction.
    fn candidates(&self) -> Vec<ConjunctionRule> {
        (0..2).map(|arm| Conjunction.constant(self.problem.covariates.len(), arm)).collect()
    }

    fn embed(&self, _piece: &Piece, _rule: &ConjunctionRule) -> Option<Vec<f64>> {
        None
    }

    fn separate(&self, columns: &[f64], oracle: &mut dyn LinearOracle) -> Result<Vec<Row>, OracleError> {
        let form = self.single();
        let points = form.units().gains.len();
        let mut cuts = Vec::new();
        for rule in 0..2 {
            let found = form.separate(&columns[rule * points..(rule + 1) * points], oracle)?;
            cuts.extend(of_both(&found, points));
        }
        Ok(cuts)
    }

    fn recover(
        &self,
        columns: &[f64],
        oracle: &mut dyn LinearOracle,
    ) -> Result<Recovered<ConjunctionRule>, OracleError> {
        let form = self.single();
        let points = form.units().gains.len();
        let (mut cuts, mut resolved) = (Vec::new(), true);
        let mut rule = Conjunction.constant(self.problem.covariates.len(), 1);
        for (number, slot) in rule.both.iter_mut().enumerate() {
            match form.recover(&columns[number * points..(number + 1) * points], oracle)? {
                Recovered::Point(linear) => *slot = linear,
                Recovered::Unresolved(linear) => (*slot, resolved) = (linear, false),
                Recovered::Cuts(found) => cuts.extend(of_both(&found, points)),
            }
        }
        Ok(match (cuts.is_empty(), resolved) {
            (false, _) => Recovered::Cuts(cuts),
            (true, true) => Recovered::Point(rule),
            (true, false) => Recovered::Unresolved(rule),
        })
    }

    fn representative(
        &self,
        rule: &ConjunctionRule,
        oracle: &mut dyn LinearOracle,
    ) -> Result<ConjunctionRule, OracleError> {
        let form = self.single();
        let mut wide = |rule: &LinearRule| form.representative(rule, oracle);
        Ok(ConjunctionRule { both: [wide(&rule.both[0])?, wide(&rule.both[1])?] })
    }

    fn restriction(&self) -> Option<String> {
        self.writing.restriction()
    }
}

/// Cuts on labels of a linear rule, as what holds for both rules.
fn of_both(cuts: &[Row], points: usize) -> Vec<Row> {
    let place = Place { points, others: 0 };
    cuts.iter().flat_map(|cut| [0, 1].map(|rule| place.moved(cut, rule))).collect()
}
