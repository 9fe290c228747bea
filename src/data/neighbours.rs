//! Covariates made of who is around a unit: its cluster, and the units that edges join it to.
//!
//! ```text
//! mean_others(X)       mean of X_ik over the others k != j of the cluster of unit ij
//! cluster_mean(X)      mean of X_ik over the cluster
//! cluster_size         M_i
//! degree               number of units that edges join the unit to
//! mean_neighbours(X)   mean of X over these units
//! ```
//!
//! Means are over those who do not miss X. A unit with nobody around counts as its own neighbour, so that the mean is its own X. Clusters are
//! those of the whole file: units that are dropped, or held out, are still somebody's neighbours.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::edges::joined;
use super::labels::members;
use super::{DataError, Place, Problem, Purpose, Table};

/// A covariate made of who is around a unit, of a column of numbers where it names one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Neighbour {
    MeanOthers(String),
    ClusterMean(String),
    ClusterSize,
    Degree,
    MeanNeighbours(String),
}

/// Where it is said who is around a unit.
#[derive(Debug, Clone, Copy, Default)]
pub struct Around<'a> {
    /// The column of clusters.
    pub cluster: Option<&'a str>,
    /// The column that identifies units to the edges.
    pub id: Option<&'a str>,
    /// A file of two columns of ids, one row an edge; edges have no direction.
    pub edges: Option<&'a Path>,
}

impl Neighbour {
    /// The column that means are of.
    fn of(&self) -> Option<&str> {
        match self {
            Neighbour::MeanOthers(of) | Neighbour::ClusterMean(of) | Neighbour::MeanNeighbours(of) => {
                Some(of)
            }
            Neighbour::ClusterSize | Neighbour::Degree => None,
        }
    }
}

/// As the covariate is called.
impl fmt::Display for Neighbour {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Neighbour::MeanOthers(of) => write!(f, "mean_others({of})"),
            Neighbour::ClusterMean(of) => write!(f, "cluster_mean({of})"),
            Neighbour::ClusterSize => f.write_str("cluster_size"),
            Neighbour::Degree => f.write_str("degree"),
            Neighbour::MeanNeighbours(of) => write!(f, "mean_neighbours({of})"),
        }
    }
}

/// `mean_others(X)`, or `mean_others:X`, which a shell does not have to quote.
impl FromStr for Neighbour {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let called =
            text.split_once(':').or_else(|| text.strip_suffix(')').and_then(|text| text.split_once('(')));
        match (text, called) {
            ("cluster_size", _) => Ok(Neighbour::ClusterSize),
            ("degree", _) => Ok(Neighbour::Degree),
            (_, Some(("mean_others", of))) if !of.is_empty() => Ok(Neighbour::MeanOthers(of.into())),
            (_, Some(("cluster_mean", of))) if !of.is_empty() => Ok(Neighbour::ClusterMean(of.into())),
            (_, Some(("mean_neighbours", of))) if !of.is_empty() => Ok(Neighbour::MeanNeighbours(of.into())),
            _ => Err("give mean_others:COLUMN, cluster_mean:COLUMN, cluster_size, degree or mean_neighbours:COLUMN".into()),
        }
    }
}

impl From<Neighbour> for String {
    fn from(neighbour: Neighbour) -> String {
        neighbour.to_string()
    }
}

impl TryFrom<String> for Neighbour {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// The table with the covariates `made` as columns beside its own, and what there is to say about them; where `strict`, a missing value in
/// a column that means are of is refused.
///
/// # Errors
/// Kind `Usage` where a covariate needs clusters, edges or ids and nobody names them. Kind `Data`: a column that does not exist or that the
/// table has already; a cluster or id that is missing; a number that is none; ids that repeat, where there are edges; edges that cannot be.
pub fn with_neighbours(
    table: &Table,
    made: &[Neighbour],
    around: Around,
    strict: bool,
) -> Result<(Table, Vec<String>), DataError> {
    let mut warnings = Vec::new();
    if made.is_empty() {
        return Ok((table.clone(), warnings));
    }
    let cluster =
        around.cluster.map(|column| table.labels(column, Purpose::Matrix)).transpose()?.map(|c| members(&c));
    let by_edge = around.edges.map(|file| joined(table, file, around.id, cluster.as_deref())).transpose()?;
    let by_edge = by_edge.map(|(neighbours, said)| {
        warnings.extend(said);
        neighbours
    });
    let mut columns = Vec::new();
    for neighbour in made {
        let name = neighbour.to_string();
        let place = || Place::file(table.source()).column(&name);
        if table.header().contains(&name) {
            return Err(place().refuse(Problem::MadeAlready));
        }
        let clusters = || cluster.as_deref().ok_or_else(|| place().refuse(Problem::MadeOfClusters));
        let edges = || by_edge.as_deref().ok_or_else(|| place().refuse(Problem::MadeOfEdges));
        let values = neighbour.of().map(|of| base(table, of, strict)).transpose()?.unwrap_or_default();
        let column = match neighbour {
            Neighbour::ClusterSize => in_cluster(clusters()?, |units, _| Some(units.len() as f64)),
            Neighbour::ClusterMean(_) => in_cluster(clusters()?, |units, _| mean(&values, units.iter())),
            Neighbour::MeanOthers(_) => in_cluster(clusters()?, |units, j| {
                around_or_self(&values, units.iter().filter(|k| **k != j), j)
            }),
            Neighbour::Degree => edges()?.iter().map(|joined| Some(joined.len() as f64)).collect(),
            Neighbour::MeanNeighbours(_) => {
                let of = |(j, joined): (usize, &Vec<usize>)| around_or_self(&values, joined.iter(), j);
                edges()?.iter().enumerate().map(of).collect()
            }
        };
        let alone = match neighbour {
            Neighbour::MeanOthers(_) => clusters()?.iter().filter(|units| units.len() == 1).count(),
            Neighbour::MeanNeighbours(_) => edges()?.iter().filter(|joined| joined.is_empty()).count(),
            _ => 0,
        };
        warnings.extend((alone > 0).then(|| {
            format!(
                "{}: {alone} {} nobody around; {name} is then the unit's own value",
                table.source(),
                if alone == 1 { "unit has" } else { "units have" }
            )
        }));
        columns.push((name, column));
    }
    Ok((table.with_columns(columns), warnings))
}

/// The numbers that means are of; none where one is missing.
fn base(table: &Table, column: &str, strict: bool) -> Result<Vec<Option<f64>>, DataError> {
    if strict {
        return Ok(table.numbers(column, Purpose::Covariate)?.into_iter().map(Some).collect());
    }
    let numbers = table.numbers_or_missing(column, Purpose::Covariate)?;
    Ok(numbers.into_iter().map(|x| (!x.is_nan()).then_some(x)).collect())
}

/// A number of each unit, from the units of its cluster and itself.
fn in_cluster(clusters: &[Vec<usize>], of: impl Fn(&[usize], usize) -> Option<f64>) -> Vec<Option<f64>> {
    let mut column = vec![None; clusters.iter().map(Vec::len).sum()];
    for units in clusters {
        units.iter().for_each(|&j| column[j] = of(units, j));
    }
    column
}

fn around_or_self<'k>(
    values: &[Option<f64>],
    around: impl Iterator<Item = &'k usize> + Clone,
    unit: usize,
) -> Option<f64> {
    if around.clone().next().is_none() { values[unit] } else { mean(values, around) }
}

/// Of those who have a value.
fn mean<'k>(values: &[Option<f64>], units: impl Iterator<Item = &'k usize> + Clone) -> Option<f64> {
    let known = units.filter_map(|&k| values[k]);
    let count = known.clone().count();
    // Divided first: a sum of large numbers may overflow.
    (count > 0).then(|| known.map(|x| x / count as f64).sum())
}
