//! `prescribe reproduce forest-figure-1|2|b1|b2` and `forest-cells`: what assignments are worth that are learned from trials of many arms.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;

use super::failure::Failure;
use super::flags;
use super::output;
use super::repeated::{Repeated, spread};
use crate::data::write_whole;
use crate::evaluate::{Boxes, aligned};
use crate::reproduce::forest_figures::{Chosen, Compared, Figure, Line, compare};
use crate::reproduce::forest_methods::Method;
use crate::reproduce::journal::Run;
use crate::reproduce::spread::Spread;
use crate::simulate::ManyArmsDesign;

/// How trials are drawn, and how arms are assigned after them.
#[derive(Args)]
struct Draws {
    /// How arms are assigned
    #[arg(
        long,
        value_name = "METHOD,..",
        value_delimiter = ',',
        default_values = Method::ALL.map(Method::title)
    )]
    methods: Vec<Method>,
    /// Units of a training draw
    #[arg(long, value_name = "N", value_parser = flags::positive, default_value = "5000")]
    units: usize,
    /// Trees of a joint assignment forest
    #[arg(long, value_name = "M", value_parser = flags::positive, default_value = "200")]
    trees: usize,
    #[command(flatten)]
    repeated: Repeated,
}

#[derive(Args)]
pub struct ForestFigure {
    /// Draws the box plots
    #[arg(long, value_name = "FILE.svg")]
    svg: Option<PathBuf>,
    #[command(flatten)]
    draws: Draws,
}

#[derive(Args)]
pub struct ForestCells {
    /// Strengths of the effects
    #[arg(
        long,
        value_name = "G,..",
        value_delimiter = ',',
        value_parser = flags::nonnegative,
        default_value = "10,20"
    )]
    gamma: Vec<f64>,
    /// Standard deviations of the noise
    #[arg(
        long,
        value_name = "S,..",
        value_delimiter = ',',
        value_parser = flags::nonnegative,
        default_value = "10,20"
    )]
    sigma: Vec<f64>,
    /// Arms besides the control
    #[arg(
        long,
        value_name = "K,..",
        value_delimiter = ',',
        value_parser = clap::value_parser!(u16).range(2..),
        default_value = "9,29,49,99"
    )]
    arms: Vec<u16>,
    #[command(flatten)]
    draws: Draws,
}

/// A figure of the paper.
#[derive(Clone, Copy)]
pub enum Paper {
    Figure1,
    Figure2,
    FigureB1,
    FigureB2,
}

impl Paper {
    fn designs(self) -> Vec<ManyArmsDesign> {
        match self {
            Self::Figure1 | Self::FigureB1 => {
                let designs = [(10.0, 10.0), (20.0, 10.0), (10.0, 20.0)];
                designs.map(|(gamma, sigma)| ManyArmsDesign { arms: 49, gamma, sigma }).to_vec()
            }
            Self::Figure2 | Self::FigureB2 => {
                [9, 29, 49, 99].map(|arms| ManyArmsDesign { arms, gamma: 10.0, sigma: 20.0 }).to_vec()
            }
        }
    }

    /// What its boxes are of.
    fn numbers(self, line: &Line) -> &[f64] {
        if self.is_of_rates() { &line.best_arm_rates } else { &line.values }
    }

    fn is_of_rates(self) -> bool {
        matches!(self, Self::FigureB1 | Self::FigureB2)
    }
}

impl Draws {
    fn compared(&self, designs: Vec<ManyArmsDesign>) -> Compared {
        let (methods, units, trees) = (self.methods.clone(), self.units, self.trees);
        Compared { designs, methods, units, trees, seed: self.repeated.seed }
    }
}

impl ForestFigure {
    pub fn run(&self, paper: Paper) -> Result<u8, Failure> {
        output::check(self.svg.as_deref(), "--svg")?;
        let compared = self.draws.compared(paper.designs());
        let work = |run: &Run| compare(&compared, run);
        let drawn = |found: &Figure| {
            let Some(path) = &self.svg else { return Ok(()) };
            write_whole(path, boxes(found, &compared.methods, paper).as_bytes())
                .map_err(|error| Failure::io(path, &error, "name a file that can be written with --svg"))
        };
        self.draws.repeated.finish_with(compared.header(), work, described, drawn)
    }
}

impl ForestCells {
    pub fn run(&self) -> Result<u8, Failure> {
        let mut designs = Vec::new();
        for &gamma in &self.gamma {
            for &sigma in &self.sigma {
                let arms = self.arms.iter().map(|&arms| usize::from(arms));
                designs.extend(arms.map(|arms| ManyArmsDesign { arms, gamma, sigma }));
            }
        }
        let compared = self.draws.compared(designs);
        self.draws.repeated.finish(compared.header(), |run| compare(&compared, run), markdown)
    }
}

fn named(design: &ManyArmsDesign) -> String {
    format!("{}, {}, {}", design.gamma, design.sigma, design.arms)
}

fn described(found: &Figure) -> String {
    let header = ["gamma, sigma, K", "method", "value", "std. error", "best arm", "CPU s"];
    let line = |line: &Line| {
        [
            named(&line.design),
            line.method.title().into(),
            spread(line.value, 3),
            format!("{:.4}", line.value.standard_error),
            spread(line.best_arm_rate, 3),
            seconds(line),
        ]
    };
    let lines: Vec<[String; 6]> =
        std::iter::once(header.map(String::from)).chain(found.lines.iter().map(line)).collect();
    let mut text = format!(
        "What assignments are worth that are learned from {} units, {} draws, on {} test units, net of the baseline: mean (standard \
         deviation)\n\n{}\n",
        found.units,
        found.replications,
        found.test_units,
        aligned(&lines)
    );
    for paired in &found.differences {
        let _ = writeln!(
            text,
            "{}: {} less {}: {:+.3} (std. error {:.3})",
            named(&paired.design),
            paired.methods.0.title(),
            paired.methods.1.title(),
            paired.difference.mean,
            paired.difference.standard_error
        );
    }
    text
}

fn seconds(line: &Line) -> String {
    line.cpu_seconds.map_or("-".into(), |seconds| format!("{seconds:.2}"))
}

fn boxes(found: &Figure, methods: &[Method], paper: Paper) -> String {
    let rates = paper.is_of_rates();
    let groups = found.lines.chunk_by(|a, b| a.design == b.design);
    let name = |design: &ManyArmsDesign| format!("({}, {}), K = {}", design.gamma, design.sigma, design.arms);
    Boxes {
        title: if rates { "Units that are assigned their best arm" } else { "What assignments are worth" },
        up: if rates { "share of test units" } else { "mean effect on test units; dashed: the oracle's" },
        series: methods.iter().map(|method| method.title()).collect(),
        truths: groups.clone().map(|lines| Some(lines[0].design.oracle_value()).filter(|_| !rates)).collect(),
        groups: groups
            .map(|lines| (name(&lines[0].design), lines.iter().map(|line| paper.numbers(line)).collect()))
            .collect(),
    }
    .draw()
}

/// Tables of Markdown: values, rates, differences, settings, each with a row for a design.
fn markdown(found: &Figure) -> String {
    let Some(methods) = found.lines.chunk_by(|a, b| a.design == b.design).next() else {
        return String::new();
    };
    let methods: Vec<String> = methods.iter().map(|line| line.method.title().into()).collect();
    let row = |cell: &dyn Fn(&Line) -> String| {
        let designs = found.lines.chunk_by(|a, b| a.design == b.design);
        let of = |lines: &[Line]| (lines[0].design, lines.iter().map(cell).collect());
        designs.map(of).collect::<Vec<(ManyArmsDesign, Vec<String>)>>()
    };
    let beside = |own: String, theirs: Option<String>| {
        theirs.map_or(own.clone(), |theirs| format!("{own} [{theirs}]"))
    };
    let value =
        |line: &Line| beside(worth(line.value, 2), line.elsewhere.map(|known| format!("{:.2}", known.value)));
    let rate = |line: &Line| {
        let theirs = line.elsewhere.and_then(|known| known.best_arm_rate);
        beside(format!("{:.2}", line.best_arm_rate.mean), theirs.map(|rate| format!("{rate:.2}")))
    };
    let mut text = format!(
        "{} training draws of {} units, {} test units. Values are net of the baseline: the oracle has gamma.\n\n\
         *Value (standard error) [measured with another program]*\n\n{}\n*Share with the best arm [measured with another program]*\n\n{}\n",
        found.replications,
        found.units,
        found.test_units,
        table(&methods, &row(&value)),
        table(&methods, &row(&rate))
    );
    let pairs: Vec<String> = found
        .differences
        .iter()
        .take_while(|paired| paired.design == found.differences[0].design)
        .map(|paired| format!("{} less {}", paired.methods.0.title(), paired.methods.1.title()))
        .collect();
    let differences: Vec<(ManyArmsDesign, Vec<String>)> = found
        .differences
        .chunk_by(|a, b| a.design == b.design)
        .map(|of| (of[0].design, of.iter().map(|paired| worth(paired.difference, 2)).collect()))
        .collect();
    if !pairs.is_empty() {
        let _ = writeln!(text, "*Paired differences (standard error)*\n\n{}", table(&pairs, &differences));
    }
    let _ = writeln!(text, "*CPU seconds of a draw*\n\n{}", table(&methods, &row(&seconds)));
    let chosen: Vec<(ManyArmsDesign, Vec<String>)> =
        found.chosen.iter().map(|chosen| (chosen.design, settings(chosen))).collect();
    let _ = writeln!(text, "*Settings that were chosen*\n\n{}", table(&SETTINGS.map(String::from), &chosen));
    text
}

fn worth(of: Spread, digits: usize) -> String {
    format!("{:.digits$} ({:.digits$})", of.mean, of.standard_error)
}

const SETTINGS: [&str; 8] =
    ["min leaf", "lambda1", "lambda2", "epsilon", "kappa", "utility", "trees", "CPU s of tuning"];

fn settings(chosen: &Chosen) -> Vec<String> {
    let settings = &chosen.tuned.settings;
    vec![
        settings.min_leaf.to_string(),
        settings.lambda1.to_string(),
        settings.lambda2.to_string(),
        settings.epsilon.to_string(),
        settings.kappa.to_string(),
        format!("{:?}", settings.utility),
        settings.trees.to_string(),
        format!("{:.1}", chosen.tuned.cpu_seconds),
    ]
}

fn table(columns: &[String], rows: &[(ManyArmsDesign, Vec<String>)]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let mut text = line(&[&["gamma, sigma, K".to_owned()], columns].concat());
    text.push_str(&line(&vec!["---".into(); columns.len() + 1]));
    rows.iter()
        .for_each(|(design, cells)| text.push_str(&line(&[&[named(design)], cells.as_slice()].concat())));
    text
}
