//! Figures 1, 2, B.1 and B.2 of forest.txt, and all 16 designs of its section 4: what assignments are worth that are learned from trials of
//! many arms.
//!
//! Settings are chosen once for each design, by cross-validation on a training draw of its own (section 4.2); then all methods see the same
//! R training draws and the same test units.

use rand::RngCore;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::ReproduceError;
use super::forest_methods::{Method, Study, Tried, Tuned};
use super::forest_notes::{Elsewhere, elsewhere};
use super::journal::{Run, seed_of};
use super::spread::Spread;
use crate::forest::Settings;
use crate::random::stream;
use crate::simulate::{ManyArmsDesign, ManyArmsPopulation, many_arms_population};

/// Units on which assignments are judged.
const TEST_UNITS: usize = 10_000;

/// What is compared.
#[derive(Clone, Debug)]
pub struct Compared {
    pub designs: Vec<ManyArmsDesign>,
    pub methods: Vec<Method>,
    /// Units of a training draw.
    pub units: usize,
    /// Trees of a joint assignment forest.
    pub trees: usize,
    pub seed: u64,
}

/// One method in one design.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    #[serde(flatten)]
    pub design: ManyArmsDesign,
    pub method: Method,
    pub value: Spread,
    pub best_arm_rate: Spread,
    /// The mean of the draws that ran alone.
    pub cpu_seconds: Option<f64>,
    /// The same measured with another program.
    pub elsewhere: Option<Elsewhere>,
    /// Of each draw.
    pub values: Vec<f64>,
    pub best_arm_rates: Vec<f64>,
}

/// One method less another, draw by draw.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    #[serde(flatten)]
    pub design: ManyArmsDesign,
    pub methods: (Method, Method),
    pub difference: Spread,
}

/// What was chosen for a design.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Chosen {
    #[serde(flatten)]
    pub design: ManyArmsDesign,
    #[serde(flatten)]
    pub tuned: Tuned,
}

/// The figure.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    pub replications: usize,
    pub units: usize,
    pub test_units: usize,
    /// Design by design, in the order of the methods.
    pub lines: Vec<Line>,
    pub differences: Vec<Difference>,
    pub chosen: Vec<Chosen>,
}

/// A line of the journal: what was chosen for design i < D; then all methods in replication r of design c, at D + r D + c.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Done {
    Tuned(Tuned),
    Tried(Vec<Tried>),
}

impl Compared {
    /// What tells one experiment from another; figures of values and of rates are one experiment.
    pub fn header(&self) -> Value {
        json!({
            "experiment": "forest-figures",
            "designs": self.designs,
            "methods": self.methods,
            "units": self.units,
            "trees": self.trees,
            "seed": self.seed,
            "version": env!("CARGO_PKG_VERSION"),
        })
    }
}

/// Runs the experiment.
///
/// # Errors
/// Of designs and the journal.
pub fn compare(compared: &Compared, run: &Run) -> Result<Figure, ReproduceError> {
    let Compared { designs, methods, units, trees, seed } = compared;
    let cells = designs.len();
    let tests: Vec<ManyArmsPopulation> = designs
        .iter()
        .map(|design| many_arms_population(design, TEST_UNITS, *seed))
        .collect::<Result<_, _>>()?;
    let tune = |c: usize| {
        let usual = Settings { trees: *trees, ..Settings::default() };
        if !methods.iter().any(|method| method.is_tuned()) {
            return Ok(Done::Tuned(Tuned { settings: usual, cpu_seconds: 0.0 }));
        }
        let seed = stream(*seed, "the draw that settings are chosen on").next_u64();
        Ok(Done::Tuned(Study::draw(&designs[c], *units, seed)?.tuned(usual)))
    };
    let part = |replications| Run { header: run.header.clone(), replications, ..*run };
    let tuned: Vec<Tuned> = part(cells).each(tune)?.into_iter().filter_map(Done::tuned).collect();
    let replicate = |i: usize| {
        let Some(replication) = (i / cells).checked_sub(1) else { return Ok(Done::Tuned(tuned[i].clone())) };
        let c = i % cells;
        let study = Study::draw(&designs[c], *units, seed_of(*seed, replication))?;
        let tried = methods.iter().map(|&method| study.tried(method, &tuned[c], &tests[c], run.threads == 1));
        Ok(Done::Tried(tried.collect::<Result<_, _>>()?))
    };
    let done = part(cells * (1 + run.replications)).each(replicate)?;
    let tried: Vec<Vec<Tried>> = done.into_iter().filter_map(Done::tried).collect();
    let mut figure = Figure {
        replications: run.replications,
        units: *units,
        test_units: TEST_UNITS,
        lines: Vec::new(),
        differences: Vec::new(),
        chosen: Vec::new(),
    };
    for (c, design) in designs.iter().enumerate() {
        let draws: Vec<&Vec<Tried>> = tried.iter().skip(c).step_by(cells).collect();
        figure.add(*design, methods, &draws);
        figure.chosen.push(Chosen { design: *design, tuned: tuned[c].clone() });
    }
    Ok(figure)
}

impl Figure {
    /// The lines and differences of a design.
    fn add(&mut self, design: ManyArmsDesign, methods: &[Method], draws: &[&Vec<Tried>]) {
        let of = |m: usize| draws.iter().map(|draw| draw[m]).collect::<Vec<Tried>>();
        self.lines.extend(methods.iter().enumerate().map(|(m, &method)| Line::of(design, method, &of(m))));
        for pair in Method::PAIRS {
            let position = |method| methods.iter().position(|known| *known == method);
            let Some((first, second)) = position(pair.0).zip(position(pair.1)) else { continue };
            let less: Vec<f64> =
                of(first).iter().zip(of(second)).map(|(first, second)| first.value - second.value).collect();
            self.differences.push(Difference { design, methods: pair, difference: Spread::of(&less) });
        }
    }
}

impl Line {
    fn of(design: ManyArmsDesign, method: Method, tried: &[Tried]) -> Line {
        let of = |number: fn(&Tried) -> f64| tried.iter().map(number).collect::<Vec<f64>>();
        let (values, rates) = (of(|tried| tried.value), of(|tried| tried.best_arm_rate));
        let seconds: Vec<f64> = tried.iter().filter_map(|tried| tried.cpu_seconds).collect();
        Line {
            design,
            method,
            value: Spread::of(&values),
            best_arm_rate: Spread::of(&rates),
            cpu_seconds: (!seconds.is_empty()).then(|| Spread::of(&seconds).mean),
            elsewhere: elsewhere(&design, method),
            values,
            best_arm_rates: rates,
        }
    }
}

impl Done {
    fn tuned(self) -> Option<Tuned> {
        match self {
            Self::Tuned(tuned) => Some(tuned),
            Self::Tried(_) => None,
        }
    }

    fn tried(self) -> Option<Vec<Tried>> {
        match self {
            Self::Tried(tried) => Some(tried),
            Self::Tuned(_) => None,
        }
    }
}
