//! Edges between the units of a table, read from a file of two columns of ids.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::{DataError, Place, Problem, Purpose, Table};

/// The units that edges join each unit to, in the order of the data, and what there is to say; an edge that is there twice, in whichever
/// direction, counts once.
///
/// # Errors
/// Kind `Usage` where no ids are named. Kind `Data`: a file of other than two columns; ids of units that repeat; an edge that names an id of
/// no unit, joins a unit to itself, or units of two clusters.
pub(super) fn joined(
    table: &Table,
    file: &Path,
    id: Option<&str>,
    clusters: Option<&[Vec<usize>]>,
) -> Result<(Vec<Vec<usize>>, Vec<String>), DataError> {
    let of_id = units_by_id(table, id)?;
    let cluster_of = clusters.map(|clusters| cluster_of(clusters, table.row_count()));
    let edges = Table::read(file)?;
    let [first, second] = edges.header() else {
        let found = edges.header().len();
        return Err(Place::file(edges.source()).refuse(Problem::NotAnEdgeList { found }));
    };
    let (from, to) = (edges.labels(first, Purpose::Matrix)?, edges.labels(second, Purpose::Matrix)?);
    let mut neighbours = vec![Vec::new(); table.row_count()];
    let (mut known, mut repeated) = (HashSet::new(), 0);
    for (e, (from, to)) in from.into_iter().zip(to).enumerate() {
        let unit = |column: &String, id: &String| {
            of_id.get(id).copied().ok_or_else(|| {
                let problem = Problem::EdgeOfNoUnit { id: id.clone(), data: table.source().to_owned() };
                edges.place(e).column(column).refuse(problem)
            })
        };
        let (j, k) = (unit(first, &from)?, unit(second, &to)?);
        if j == k {
            return Err(edges.place(e).refuse(Problem::EdgeToItself { id: from }));
        }
        if cluster_of.as_ref().is_some_and(|of| of[j] != of[k]) {
            return Err(edges.place(e).refuse(Problem::EdgeBetweenClusters { ids: [from, to] }));
        }
        if known.insert((j.min(k), j.max(k))) {
            neighbours[j].push(k);
            neighbours[k].push(j);
        } else {
            repeated += 1;
        }
    }
    neighbours.iter_mut().for_each(|joined| joined.sort_unstable());
    let said = (repeated > 0).then(|| {
        format!(
            "{}: {repeated} {} there twice or more, in whichever direction; each counts once",
            edges.source(),
            if repeated == 1 { "edge is" } else { "edges are" }
        )
    });
    Ok((neighbours, said.into_iter().collect()))
}

/// The unit of each id.
fn units_by_id(table: &Table, id: Option<&str>) -> Result<HashMap<String, usize>, DataError> {
    let Some(column) = id else {
        return Err(Place::file(table.source()).refuse(Problem::EdgesNeedIds));
    };
    let mut of_id = HashMap::new();
    for (j, id) in table.labels(column, Purpose::Matrix)?.into_iter().enumerate() {
        if let Some(first) = of_id.insert(id.clone(), j) {
            let problem = Problem::RepeatedId { id, first: table.row_numbers()[first] + 1 };
            return Err(table.place(j).column(column).refuse(problem));
        }
    }
    Ok(of_id)
}

fn cluster_of(clusters: &[Vec<usize>], units: usize) -> Vec<usize> {
    let mut of = vec![0; units];
    for (i, units) in clusters.iter().enumerate() {
        units.iter().for_each(|&j| of[j] = i);
    }
    of
}
