//! Outcomes of units whose follow-up ended too early, by inverse probability of censoring weights.
//!
//! In each arm and stratum, with U = min(T, C), V = min(U, h), the outcome Y = min(T, h) or 1{T > h} known where D = 1,
//!
//! ```text
//! S(t), G(t)   Kaplan-Meier of T and of C; at equal times the event comes before the end of follow-up
//! l(c)         share of those still followed at c, after the events there, whose follow-up ends at c
//! m(c)         E[Y | T > c] = c + int_c^h S(u) du / S(c),   or S(h) / S(c)
//! Y*_i         = D_i Y_i / G(V_i-)  +  sum_{c < h} m(c) / G(c) (1{U_i = c, no event} - 1{i still followed at c} l(c))
//! ```
//!
//! The first term is the outcome weighted by the inverse probability of knowing it; the second, the augmentation, gives
//! what the censored units show to the mean, and costs no bias, because it sums up a martingale (Robins and Rotnitzky
//! 1992; Rubin and van der Laan 2007, "A doubly robust censoring unbiased transformation"). Where T and C are
//! independent in each arm and stratum,
//!
//! ```text
//! E[Y*_i | X_i, A_i] = E[Y_i | X_i, A_i],
//! ```
//!
//! so Y* takes the place of Y in outcome models and scores. The weights of the two terms sum to 1 for each unit, hence
//!
//! ```text
//! mu + (Y* - mu) / e  =  mu + ( D (Y - mu) / G(V-) + sum_c (m(c) - mu) / G(c) (..) ) / e,
//! ```
//!
//! the doubly robust score of Cui, Kosorok, Sverdrup, Wager and Zhu (2023, "Estimating heterogeneous treatment effects
//! with right-censored data via causal survival forests"), here with S and G of arm and stratum. Over the units of an
//! arm and stratum, the mean of Y* is the area under S up to h, or S(h), exactly; its deviations from that mean are its
//! influence function, so that a standard error computed from them counts the estimation of S and G in.
//!
//! S and G come from all units of the arm and stratum, as observed shares do. Curves from the other folds would be
//! unbiased too, but would lose the two properties just named, and run out of units before the horizon sooner.

use crate::data::{DataError, Estimand, FollowUp, Place, Problem, Study, members};

/// Replaces the outcomes Y of a study by Y*, where follow-up may have ended before they were known; a warning says
/// how often.
///
/// # Errors
/// Kind `Data` where in some arm and stratum the follow-up of all who were left ended before the horizon.
pub fn complete(study: &mut Study) -> Result<(), DataError> {
    let Some(follow_up) = &study.follow_up else { return Ok(()) };
    let cells: Vec<(usize, usize)> =
        study.arm.iter().copied().zip(follow_up.stratum.iter().copied()).collect();
    let (mut smallest, mut too_short) = (1.0_f64, None::<(f64, usize)>);
    for units in members(&cells) {
        let curve = Curve::of(follow_up, &units);
        match curve.nobody_after {
            Some(last) if too_short.is_none_or(|(least, _)| last < least) => {
                too_short = Some((last, units[0]))
            }
            Some(_) => {}
            None => {
                smallest = curve.followed.last().map_or(smallest, |followed| smallest.min(*followed));
                units
                    .iter()
                    .for_each(|&i| study.outcome[i] = curve.completed(follow_up, i, study.outcome[i]));
            }
        }
    }
    let file = Place::file(&study.source);
    if let Some((last, unit)) = too_short {
        let (arm, strata) = (study.arms[study.arm[unit]].clone(), follow_up.strata_names.join(", "));
        let horizon = follow_up.horizon;
        return Err(file.refuse(Problem::FollowUpTooShort { arm, strata, last, horizon }));
    }
    let unknown = (0..study.units()).filter(|&i| !follow_up.known(i)).count();
    if unknown > 0 {
        study.warnings.push(format!(
            "{file}: follow-up of {unknown} of {} units ended before their outcome was known; the least probability \
             of being followed to the horizon is {smallest:.3}",
            study.units()
        ));
    }
    Ok(())
}

/// S and G of an arm and stratum, at the times c < h at which some follow-up ended without the event.
struct Curve {
    ends: Vec<f64>,
    /// G(c).
    followed: Vec<f64>,
    /// m(c).
    expected: Vec<f64>,
    /// sum_{c' <= c} m(c') l(c') / G(c').
    drawn: Vec<f64>,
    /// The time at which G reaches 0, if it does.
    nobody_after: Option<f64>,
}

/// What happened at one time: how many were followed until then, had the event, and ended without.
struct Step {
    time: f64,
    at_risk: usize,
    events: usize,
    ended: usize,
}

impl Curve {
    fn of(follow_up: &FollowUp, units: &[usize]) -> Curve {
        let steps = steps(follow_up, units);
        let expected = expected(&steps, follow_up);
        let mut curve = Curve {
            ends: Vec::new(),
            followed: Vec::new(),
            expected: Vec::new(),
            drawn: Vec::new(),
            nobody_after: None,
        };
        let (mut followed, mut drawn) = (1.0, 0.0);
        for (step, expected) in steps.iter().zip(expected).filter(|(step, _)| step.ended > 0) {
            let still = step.at_risk - step.events;
            if step.ended == still {
                curve.nobody_after = Some(step.time);
                break;
            }
            let share = step.ended as f64 / still as f64;
            followed *= 1.0 - share;
            drawn += expected * share / followed;
            curve.ends.push(step.time);
            curve.followed.push(followed);
            curve.expected.push(expected);
            curve.drawn.push(drawn);
        }
        curve
    }

    /// Y*_i, where the outcome is `outcome` if it is known.
    fn completed(&self, follow_up: &FollowUp, i: usize, outcome: f64) -> f64 {
        let time = follow_up.time[i];
        let before = self.ends.partition_point(|&end| end < time);
        match follow_up.known(i) {
            true if before == 0 => outcome,
            true => outcome / self.followed[before - 1] - self.drawn[before - 1],
            false => self.expected[before] / self.followed[before] - self.drawn[before],
        }
    }
}

/// The times up to the horizon at which something happened, in order; follow-up to the horizon ends nothing early.
fn steps(follow_up: &FollowUp, units: &[usize]) -> Vec<Step> {
    let mut sorted = units.to_vec();
    sorted.sort_by(|&a, &b| follow_up.time[a].total_cmp(&follow_up.time[b]));
    let mut at_risk = sorted.len();
    let groups = sorted.chunk_by(|&a, &b| follow_up.time[a] == follow_up.time[b]);
    let step = |group: &[usize]| {
        let events = group.iter().filter(|&&i| follow_up.event[i]).count();
        let ended = group.iter().filter(|&&i| !follow_up.known(i)).count();
        at_risk -= group.len();
        Step { time: follow_up.time[group[0]], at_risk: at_risk + group.len(), events, ended }
    };
    groups.map(step).take_while(|step| step.time <= follow_up.horizon).collect()
}

/// m at each step; where S is 0 nobody is left to need it.
fn expected(steps: &[Step], follow_up: &FollowUp) -> Vec<f64> {
    let mut survival = 1.0;
    let after: Vec<f64> = steps
        .iter()
        .map(|step| {
            survival *= 1.0 - step.events as f64 / step.at_risk as f64;
            survival
        })
        .collect();
    let (mut next, mut area) = (follow_up.horizon, 0.0);
    let mut expected = vec![0.0; steps.len()];
    for (j, step) in steps.iter().enumerate().rev() {
        area += after[j] * (next - step.time);
        next = step.time;
        expected[j] = match follow_up.estimand {
            Estimand::Rmst => step.time + area / after[j],
            Estimand::Survival => survival / after[j],
        };
    }
    expected
}
