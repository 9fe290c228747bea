//! Flags that several subcommands share, as the user types them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use ndarray::Array1;
use serde::de::{DeserializeOwned, IntoDeserializer};

use super::failure::Failure;
use crate::learn::{Capacity, Constraints, ShareRange, Subgroup};
use crate::models::Sign;
use crate::models::tree_rule::Candidates;
use crate::solve::registry::{AUTO, Settings};
use crate::solve::{Formulation, Options, Stage};

/// Limits, tolerances and the choice of solver. Everything is optional, so that a configuration file may say it.
#[derive(Args, Clone, Debug, Default)]
pub struct SolverFlags {
    /// Way of solving: auto (default: by the problem's size and constraints and a forecast of the cost); milp (exact, HiGHS); search (trees, exact); directions (linear rules, exact); smooth (linear rules);
    /// lookahead, greedy (trees)
    #[arg(long, value_name = "NAME", help_heading = "Solver")]
    pub solver: Option<String>,
    /// Of milp: how the problem is written as programs (default: by its size)
    #[arg(long, value_name = "facets|radon|facets_radon|naive|scorecard|listed|extended|flow", value_parser = named::<Formulation>, help_heading = "Solver")]
    pub formulation: Option<Formulation>,
    /// Of smooth: how far to go (default: polished)
    #[arg(long, value_name = "surrogate|multi_start|polished", value_parser = named::<Stage>, help_heading = "Solver")]
    pub stage: Option<Stage>,
    /// Of search: at least S units between the cuts tried in a node (policytree's split.step; default 1: all)
    #[arg(long, value_name = "S", value_parser = positive, help_heading = "Solver")]
    pub split_step: Option<usize>,
    /// Of lookahead: depth of the exact trees that it grows from (default: the deepest within the time limit, or 2)
    #[arg(long, value_name = "L", value_parser = positive, help_heading = "Solver")]
    pub search_depth: Option<usize>,
    /// Stop after this many seconds with what there is
    #[arg(long, value_name = "SECONDS", value_parser = nonnegative, allow_negative_numbers = true, help_heading = "Solver")]
    pub time_limit: Option<f64>,
    /// Stop at this relative gap (default 0: prove it)
    #[arg(long, value_name = "GAP", value_parser = nonnegative, allow_negative_numbers = true, help_heading = "Solver")]
    pub mip_rel_gap: Option<f64>,
    /// Stop at this absolute gap (default 0: prove it)
    #[arg(long, value_name = "GAP", value_parser = nonnegative, allow_negative_numbers = true, help_heading = "Solver")]
    pub mip_abs_gap: Option<f64>,
    /// Stop after this many branch-and-bound nodes
    #[arg(long, value_name = "N", help_heading = "Solver")]
    pub mip_max_nodes: Option<u64>,
    /// Threads, 0 for all; the answer does not depend on it
    #[arg(long, value_name = "N", value_parser = threads, help_heading = "Solver")]
    pub threads: Option<usize>,
    /// Root of all randomness (default 1)
    #[arg(long, value_name = "N", help_heading = "Solver")]
    pub seed: Option<u64>,
    /// Where the solver's own log goes
    #[arg(long, value_name = "FILE", help_heading = "Solver")]
    pub log_file: Option<PathBuf>,
}

/// Bounds on who gets what.
#[derive(Args, Clone, Debug, Default)]
pub struct ConstraintFlags {
    /// Total cost of the arms given to the units, at most
    #[arg(long, value_name = "B", allow_negative_numbers = true, help_heading = "Constraints")]
    pub budget: Option<f64>,
    /// Share of the units that get an arm other than the first, at most
    #[arg(long, value_name = "SHARE", value_parser = nonnegative, allow_negative_numbers = true, help_heading = "Constraints")]
    pub budget_share: Option<f64>,
    /// Number or share of units that get an arm, at most
    #[arg(long, value_name = "ARM=N|ARM=P%,..", value_delimiter = ',', help_heading = "Constraints")]
    pub capacity: Vec<String>,
    /// Sign of the coefficient of a covariate in a linear rule; 0 is always allowed
    #[arg(
        long,
        value_name = "COVARIATE=+|-,..",
        value_delimiter = ',',
        allow_hyphen_values = true,
        help_heading = "Constraints"
    )]
    pub sign: Vec<String>,
    /// Covariates that the rule looks at, at most
    #[arg(long, value_name = "K", help_heading = "Constraints")]
    pub max_covariates: Option<usize>,
    /// Whole coefficients from -R to R in a linear rule, in the covariates' own units
    #[arg(long, value_name = "R", help_heading = "Constraints")]
    pub integer_coefficients: Option<u32>,
    /// Units of each received arm in every leaf, at least
    #[arg(long, value_name = "M", help_heading = "Constraints")]
    pub min_arm_leaf: Option<usize>,
}

impl ConstraintFlags {
    pub fn constraints(&self) -> Result<Constraints, Failure> {
        let limit = |(arm, value): (String, String)| match value.parse::<Capacity>() {
            Ok(limit) => Ok((arm, limit)),
            Err(reason) => Err(Failure::usage(format!("--capacity {arm}={value}: {reason}"))),
        };
        let capacity =
            pairs("--capacity", &self.capacity)?.into_iter().map(limit).collect::<Result<_, _>>()?;
        let sign = |(covariate, sign): (String, String)| match named::<Sign>(&sign) {
            Ok(sign) => Ok((covariate, sign)),
            Err(_) => Err(Failure::usage(format!("--sign {covariate}={sign}: the sign is + or -"))),
        };
        let constraints = Constraints {
            budget: self.budget,
            budget_share: self.budget_share,
            capacity,
            sign: pairs("--sign", &self.sign)?.into_iter().map(sign).collect::<Result<_, _>>()?,
            max_covariates: self.max_covariates,
            integer_coefficients: self.integer_coefficients,
            min_arm_leaf: self.min_arm_leaf,
            ..Constraints::default()
        };
        constraints.check()?;
        Ok(constraints)
    }
}

/// Where a JSON report goes.
#[derive(Args, Clone, Debug, Default)]
pub struct JsonFlag {
    /// Write one JSON value to FILE, or to standard output with -
    #[arg(long, value_name = "FILE|-")]
    pub json: Option<PathBuf>,
}

impl SolverFlags {
    /// The solver asked for; left to the problem by default.
    pub fn solver(&self) -> &str {
        self.solver.as_deref().unwrap_or(AUTO)
    }

    pub fn settings(&self) -> Settings {
        Settings {
            formulation: self.formulation,
            stage: self.stage,
            split_step: self.split_step,
            search_depth: self.search_depth,
        }
    }

    /// `options` with what was typed.
    pub fn over(&self, options: Options) -> Options {
        Options {
            time_limit: self.time_limit.or(options.time_limit),
            mip_rel_gap: self.mip_rel_gap.unwrap_or(options.mip_rel_gap),
            mip_abs_gap: self.mip_abs_gap.unwrap_or(options.mip_abs_gap),
            mip_max_nodes: self.mip_max_nodes.or(options.mip_max_nodes),
            threads: self.threads.unwrap_or(options.threads),
            random_seed: self.seed.unwrap_or(options.random_seed),
            log_file: self.log_file.clone().or(options.log_file),
        }
    }
}

/// Tolerances of the features `names`: one number for all, or some by name; none where nothing is given.
pub fn tolerances(given: &[String], names: &[String]) -> Result<Option<Array1<f64>>, Failure> {
    let wrong = |text: &str| Failure::usage(format!("--tolerance {text:?}: give a number of at least 0"));
    let parse = |text: &str| nonnegative(text).map_err(|_| wrong(text));
    match given {
        [] => Ok(None),
        [all] if !all.contains('=') => Ok(Some(Array1::from_elem(names.len(), parse(all)?))),
        some => {
            let mut tolerance = Array1::zeros(names.len());
            for (name, value) in pairs("--tolerance", some)? {
                let j = names.iter().position(|known| *known == name).ok_or_else(|| {
                    Failure::usage(format!("--tolerance: no feature {name:?}; they are {}", names.join(", ")))
                })?;
                tolerance[j] = parse(&value)?;
            }
            Ok(Some(tolerance))
        }
    }
}

/// A word as configuration files and reports spell it.
pub fn named<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    T::deserialize(text.into_deserializer()).map_err(|error: serde::de::value::Error| error.to_string())
}

/// A finite number of at least 0.
pub fn nonnegative(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && value >= 0.0 => Ok(value),
        _ => Err("give a number of at least 0".into()),
    }
}

/// A whole number of at least 1.
pub fn positive(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(value) if value >= 1 => Ok(value),
        _ => Err("give a whole number of at least 1".into()),
    }
}

/// A whole number of threads.
pub fn threads(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(value) if value <= Options::MOST_THREADS => Ok(value),
        _ => Err(format!("give a whole number from 0 to {}", Options::MOST_THREADS)),
    }
}

/// `nested:K`.
pub fn nested(text: &str) -> Result<usize, String> {
    let folds = text.strip_prefix("nested:").map(str::parse::<usize>);
    folds.and_then(Result::ok).filter(|&k| k >= 2).ok_or_else(|| "give nested:K with K >= 2".into())
}

/// `all`, or `quantiles:Q`.
pub fn candidates(text: &str) -> Result<Candidates, String> {
    if text == "all" {
        return Ok(Candidates::All);
    }
    let levels = text.strip_prefix("quantiles:").map(positive);
    levels
        .and_then(Result::ok)
        .map(Candidates::Quantiles)
        .ok_or_else(|| "give all, or quantiles:Q with Q >= 1".into())
}

/// `name=value` pairs; the last `=` divides.
pub fn pairs(flag: &str, given: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let pair = |text: &String| {
        let (arm, value) = text.rsplit_once('=').ok_or_else(|| {
            Failure::usage(format!(
                "{flag} {text:?}: give arm=value pairs, for example {flag} control=0,drug=0.5"
            ))
        })?;
        Ok((arm.to_string(), value.to_string()))
    };
    let mut named = BTreeMap::new();
    for (arm, value) in given.iter().map(pair).collect::<Result<Vec<_>, Failure>>()? {
        if named.insert(arm.clone(), value).is_some() {
            return Err(Failure::usage(format!("{flag} names arm {arm:?} twice; name it once")));
        }
    }
    Ok(named)
}

/// `arm=number` pairs.
pub fn numbers(flag: &str, given: &[String]) -> Result<BTreeMap<String, f64>, Failure> {
    let number = |(arm, value): (String, String)| match value.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok((arm, number)),
        _ => Err(Failure::usage(format!("{flag} {arm}={value}: {value:?} is not a finite number"))),
    };
    pairs(flag, given)?.into_iter().map(number).collect()
}

/// The covariates that a flag does not name.
pub fn others(flag: &str, named: &[String], covariates: &[String]) -> Result<Vec<String>, Failure> {
    if let Some(name) = named.iter().find(|name| !covariates.contains(name)) {
        let known = covariates.join(", ");
        return Err(Failure::usage(format!("{flag} {name}: not a covariate; the covariates are {known}")));
    }
    Ok(covariates.iter().filter(|name| !named.contains(name)).cloned().collect())
}

/// `covariate:difference` pairs.
pub fn parity(given: &[String]) -> Result<BTreeMap<String, f64>, Failure> {
    let pair = |text: &String| {
        let parts =
            text.rsplit_once(':').and_then(|(name, delta)| Some((name.to_string(), delta.parse().ok()?)));
        parts.ok_or_else(|| {
            Failure::usage(format!("--parity {text:?}: give COVARIATE:DELTA, for example sex:0.05"))
        })
    };
    given.iter().map(pair).collect()
}

/// `covariate=value:low..high` triples.
pub fn subgroup_share(given: &[String]) -> Result<BTreeMap<Subgroup, ShareRange>, Failure> {
    let triple = |text: &String| {
        let (group, range) = text.rsplit_once(':').ok_or_else(|| {
            Failure::usage(format!(
                "--subgroup-share {text:?}: give COVARIATE=VALUE:LOW..HIGH, for example sex=1:0.2..0.5"
            ))
        })?;
        let refuse = |reason: String| Failure::usage(format!("--subgroup-share {reason}"));
        Ok((group.parse().map_err(refuse)?, range.parse().map_err(refuse)?))
    };
    given.iter().map(triple).collect()
}
