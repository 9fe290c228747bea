//! As [`fused_lasso`](crate::fused_lasso), with another loss than squares, and the main effect as an offset on the link scale.
//!
//! ```text
//! min over zeta in R^(K x p)   sum_a L_a(zeta_a) + sum_{a<b} t_ab ||zeta_a - zeta_b||_1
//! L_a(b) = sum_{A_i = a} w_i l(Y_i, M0_i + D_i'b)
//! ```
//!
//! with l squared, logistic or Huber ([`Loss`]) and limits t_ab >= 0. Source: fusion.txt, objective (3), whose squares become the negative
//! log-likelihood of a binary outcome, or a loss that outliers do not rule. Convex.
//!
//! The dual over v_ab in [-t_ab, t_ab]^p, with q_a = sum_{b>a} v_ab - sum_{b<a} v_ba:
//!
//! ```text
//! sum_a min_b ( L_a(b) + q_a'b )  =  sum_a max { -sum_i w_i ( l*(Y_i, m_i) - M0_i m_i ) : sum_i w_i m_i D_i = -q_a }  <=  the optimum
//! ```
//!
//! because t_ab ||d||_1 >= v_ab'd, and by Fenchel duality within each arm. The conjugates l*(y, m) are m y + m^2 / 2 (|m| <= d if Huber) and
//! p log p + (1 - p) log(1 - p) at p = m + y in [0, 1]. At a minimiser b of L_a(b) + q_a'b the best m_i is l'(Y_i, M0_i + D_i'b)
//! ([`FusedLoss::dual_value`]).
//!
//! A minimiser exists unless the loss is logistic and the arms that limits above 0 tie together have outcomes that a plane separates:
//! along it their loss falls for ever and no penalty is paid.

mod dual;

use ndarray::Array2;

use crate::arm_moments::Moments;
use crate::exact::sum;
use crate::model::{ConicForm, Model};
use crate::outcome_loss::{Loss, Units};
use crate::pair_fusion::{self, PairFusion, bytes, coefficients, pairs, penalise, penalty};
use crate::programs::{Cone, ConicProgram, InvalidModel};

/// The problem; limits stand in the order of [`pairs`].
#[derive(Clone, Debug, PartialEq)]
pub struct FusedLoss {
    arms: Vec<Units>,
    loss: Loss,
    limits: Vec<f64>,
}

impl FusedLoss {
    /// # Errors
    /// Fewer than two arms, arms of different width, limits that are not one for each pair, a number that is not finite, a negative
    /// limit or weight, an outcome that the loss does not take, a Huber loss whose d is not above 0.
    pub fn new(arms: Vec<Units>, loss: Loss, limits: Vec<f64>) -> Result<Self, InvalidModel> {
        let refuse = |what: String| Err(InvalidModel(what));
        pair_fusion::check((arms.len(), arms.first().map_or(0, |arm| arm.design.ncols())), &limits)?;
        if let Loss::Huber(d) = loss
            && !(d.is_finite() && d > 0.0)
        {
            return refuse(format!("a Huber loss that bends at {d}; give a finite number above 0"));
        }
        for (a, arm) in arms.iter().enumerate() {
            let (m, p) = arm.design.dim();
            if p != arms[0].design.ncols() {
                return refuse(format!("arm {a} has other columns than arm 0"));
            }
            if [&arm.outcome, &arm.offset, &arm.weights].iter().any(|numbers| numbers.len() != m) {
                return refuse(format!(
                    "arm {a} has {m} rows and other numbers of outcomes, offsets or weights"
                ));
            }
            if let Some(y) = arm.outcome.iter().find(|y| !loss.takes(**y)) {
                return refuse(format!("arm {a} has the outcome {y}, which a {loss:?} loss does not take"));
            }
            let numbers = arm.design.iter().chain(&arm.offset).chain(&arm.weights);
            if let Some(value) = numbers.copied().find(|value| !value.is_finite()) {
                return refuse(format!("a number of arm {a} is {value}"));
            }
            if let Some(weight) = arm.weights.iter().find(|weight| **weight < 0.0) {
                return refuse(format!("arm {a} has the weight {weight}; weights must be at least 0"));
            }
        }
        Ok(Self { arms, loss, limits })
    }

    /// The units of each arm.
    pub fn arms(&self) -> &[Units] {
        &self.arms
    }

    pub fn loss(&self) -> Loss {
        self.loss
    }

    pub fn limits(&self) -> &[f64] {
        &self.limits
    }

    /// The second-order model of each arm's loss at `zeta`, no unit's second derivative counting for less than `floor`.
    pub fn expansion(&self, zeta: &Array2<f64>, floor: f64) -> Vec<Moments> {
        let rows = self.arms.iter().zip(zeta.rows());
        rows.map(|(arm, row)| arm.expansion(self.loss, &row.to_owned(), floor)).collect()
    }

    /// The arms that limits above 0 tie together, directly or through others.
    pub fn tied(&self) -> Vec<Vec<usize>> {
        let mut of: Vec<usize> = (0..self.arms.len()).collect();
        for ((a, b), _) in pairs(self.arms.len()).zip(&self.limits).filter(|(_, limit)| **limit > 0.0) {
            let (one, other) = (of[a], of[b]);
            of.iter_mut().filter(|group| **group == other).for_each(|group| *group = one);
        }
        let mut tied = vec![Vec::new(); of.len()];
        of.iter().enumerate().for_each(|(a, &group)| tied[group].push(a));
        tied.retain(|arms| !arms.is_empty());
        tied
    }
}

impl PairFusion for FusedLoss {
    const NAME: &'static str = "fused_loss";

    fn dimensions(&self) -> (usize, usize) {
        (self.arms.len(), self.arms[0].design.ncols())
    }

    fn value(&self, zeta: &Array2<f64>) -> f64 {
        let losses = self.arms.iter().zip(zeta.rows()).map(|(arm, row)| arm.loss(self.loss, &row.to_owned()));
        sum(losses.chain(penalty(&self.limits, zeta)))
    }

    /// No loss is below 0.
    fn least_loss(&self) -> f64 {
        0.0
    }

    fn parameters(&self) -> Vec<u8> {
        let mut parameters = format!("{:?}", self.loss).into_bytes();
        parameters.extend(bytes(&self.limits));
        parameters
    }

    fn data(&self) -> Vec<u8> {
        let numbers =
            |arm: &Units| bytes(arm.design.iter().chain(&arm.outcome).chain(&arm.offset).chain(&arm.weights));
        self.arms.iter().flat_map(numbers).collect()
    }
}

impl ConicForm for FusedLoss {
    /// Columns are zeta, arm by arm, then `|zeta_aj - zeta_bj| <= h_abj`, then those of each unit with a weight, at f = M0 + D'zeta_a:
    ///
    /// ```text
    /// squared    w u^2 / 2                  Y - f = u
    /// huber      w (u^2 / 2 + d (p + m))    Y - f = u + p - m,  p, m >= 0
    /// logistic   w t                        exp(-t) + exp(s - t) <= 1,  s = f where Y = 0, -f where Y = 1
    /// ```
    fn conic(&self) -> ConicProgram {
        let (arms, p) = self.dimensions();
        let mut program = ConicProgram {
            name: self.name().into(),
            p: Vec::new(),
            q: vec![0.0; arms * p],
            a: Vec::new(),
            b: Vec::new(),
            cones: Vec::new(),
            offset: 0.0,
        };
        let rows = penalise(&mut program, (arms, p), &self.limits);
        program.cones.push(Cone::Nonnegative(rows));
        for (k, arm) in self.arms.iter().enumerate() {
            for i in (0..arm.weights.len()).filter(|&i| arm.weights[i] > 0.0) {
                let along = arm.design.row(i).iter().enumerate().map(|(j, &x)| (k * p + j, x)).collect();
                let unit = Unit { along, y: arm.outcome[i], offset: arm.offset[i], weight: arm.weights[i] };
                match self.loss {
                    Loss::Squared => unit.squares(&mut program, None),
                    Loss::Huber(d) => unit.squares(&mut program, Some(d)),
                    Loss::Logistic => unit.exponentials(&mut program),
                }
            }
        }
        program
    }

    fn point(&self, columns: &[f64]) -> Array2<f64> {
        coefficients(self.dimensions(), columns)
    }
}

/// One unit of the program, with D as (column, value).
struct Unit {
    along: Vec<(usize, f64)>,
    y: f64,
    offset: f64,
    weight: f64,
}

impl Unit {
    fn squares(&self, program: &mut ConicProgram, bend: Option<f64>) {
        let u = column(program, 0.0);
        program.p.push((u, u, self.weight));
        let mut terms = self.along.clone();
        terms.push((u, 1.0));
        if let Some(d) = bend {
            for sign in [1.0, -1.0] {
                let beyond = column(program, self.weight * d);
                terms.push((beyond, sign));
                row(program, &[(beyond, -1.0)], 0.0);
                program.cones.push(Cone::Nonnegative(1));
            }
        }
        row(program, &terms, self.y - self.offset);
        program.cones.push(Cone::Zero(1));
    }

    fn exponentials(&self, program: &mut ConicProgram) {
        let sign = if self.y > 0.5 { -1.0 } else { 1.0 };
        let [t, one, other] = [self.weight, 0.0, 0.0].map(|cost| column(program, cost));
        row(program, &[(one, 1.0), (other, 1.0)], 1.0);
        program.cones.push(Cone::Nonnegative(1));
        let mut shifted: Vec<(usize, f64)> = self.along.iter().map(|(j, x)| (*j, -sign * x)).collect();
        shifted.push((t, 1.0));
        for (exponent, constant, above) in
            [(&vec![(t, 1.0)], 0.0, one), (&shifted, sign * self.offset, other)]
        {
            row(program, exponent, constant);
            row(program, &[], 1.0);
            row(program, &[(above, -1.0)], 0.0);
            program.cones.push(Cone::Exponential);
        }
    }
}

fn column(program: &mut ConicProgram, cost: f64) -> usize {
    program.q.push(cost);
    program.q.len() - 1
}

fn row(program: &mut ConicProgram, terms: &[(usize, f64)], b: f64) {
    program.a.extend(terms.iter().map(|&(j, value)| (program.b.len(), j, value)));
    program.b.push(b);
}
