//! The design as a user states it: in a word, by a column, or by the joint probabilities of pairs in a file.

use std::collections::HashMap;
use std::path::PathBuf;
use std::str::FromStr;

use ndarray::Array2;

use super::Design;
use crate::data::{DataError, Place, Problem, Purpose, Study, Table, numbered};
use crate::interference::Clusters;

/// How treatments were drawn inside clusters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DesignRole {
    /// Each unit by itself.
    #[default]
    Bernoulli,
    /// A fixed number of each cluster.
    Complete,
    /// A fixed number of the units of each cluster with the same label in a column.
    Strata(String),
    /// A CSV file of `cluster,unit_a,unit_b,probability`: P(A_a = A_b = 1), a row for each pair of each cluster.
    Joint(PathBuf),
}

impl FromStr for DesignRole {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.split_once(':')) {
            ("bernoulli", _) => Ok(Self::Bernoulli),
            ("complete", _) => Ok(Self::Complete),
            (_, Some(("strata", column))) if !column.is_empty() => Ok(Self::Strata(column.into())),
            (_, Some(("joint", file))) if !file.is_empty() => Ok(Self::Joint(file.into())),
            _ => Err("give bernoulli, complete, strata:COLUMN or joint:FILE.csv".into()),
        }
    }
}

impl DesignRole {
    /// The design of a study that was read from a table, whose column `cluster` has the labels of clusters.
    ///
    /// # Errors
    /// As [`Table::read`] and [`Table::labels`]; kind `Data` where the file of pairs leaves one out, has one twice, names a unit that its cluster
    /// has not, or has a probability that the units' propensities do not allow.
    pub fn design(
        &self,
        table: &Table,
        study: &Study,
        clusters: &Clusters,
        cluster: &str,
    ) -> Result<Design, DataError> {
        // Only of the rows that are units: others may have no label.
        let units = table.with_rows(study.rows.clone());
        let labels = |column: &str| units.labels(column, Purpose::Role);
        match self {
            Self::Bernoulli => Ok(Design::Bernoulli),
            Self::Complete => Ok(Design::complete(clusters)),
            Self::Strata(column) => Ok(Design::Drawn(numbered(&labels(column)?))),
            Self::Joint(file) => {
                let pairs = Pairs { table: Table::read(file)?, study, clusters };
                pairs.matrices(&labels(cluster)?).map(Design::Joint)
            }
        }
    }
}

/// Joint probabilities of a study's clusters in a table.
struct Pairs<'a> {
    table: Table,
    study: &'a Study,
    clusters: &'a Clusters,
}

impl Pairs<'_> {
    /// Rows of clusters that the study does not have are left aside.
    fn matrices(&self, labels: &[String]) -> Result<Vec<Array2<f64>>, DataError> {
        let column = |name: &str| self.table.labels(name, Purpose::Role);
        let (cluster, first, second) = (column("cluster")?, column("unit_a")?, column("unit_b")?);
        let probability = self.table.numbers("probability", Purpose::Role)?;
        let members = &self.clusters.members;
        let index: HashMap<&str, usize> =
            members.iter().enumerate().map(|(i, units)| (labels[units[0]].as_str(), i)).collect();
        let mut matrices: Vec<Array2<f64>> =
            members.iter().map(|units| Array2::from_elem((units.len(), units.len()), f64::NAN)).collect();
        for (row, label) in cluster.iter().enumerate() {
            let Some(&i) = index.get(label.as_str()) else { continue };
            let (a, b) =
                (self.unit(row, i, "unit_a", &first[row])?, self.unit(row, i, "unit_b", &second[row])?);
            self.check(row, [members[i][a], members[i][b]], probability[row])?;
            if !matrices[i][[a, b]].is_nan() {
                return Err(self.table.place(row).refuse(Problem::PairTwice));
            }
            (matrices[i][[a, b]], matrices[i][[b, a]]) = (probability[row], probability[row]);
        }
        for (i, matrix) in matrices.iter_mut().enumerate() {
            matrix
                .diag_mut()
                .iter_mut()
                .zip(&members[i])
                .for_each(|(p, &u)| *p = self.clusters.propensity[u]);
            if let Some(((a, b), _)) = matrix.indexed_iter().find(|(_, p)| p.is_nan()) {
                let id = |j: usize| self.study.ids[members[i][j]].clone();
                let (cluster, pair) = (labels[members[i][a]].clone(), [id(a), id(b)]);
                let place = Place::file(self.table.source());
                return Err(place.refuse(Problem::PairMissing { cluster, pair }));
            }
        }
        Ok(matrices)
    }

    /// The position of a unit in its cluster.
    fn unit(&self, row: usize, i: usize, column: &str, id: &str) -> Result<usize, DataError> {
        let found = self.clusters.members[i].iter().position(|&u| self.study.ids[u] == id);
        found.ok_or_else(|| {
            let problem = Problem::NotInCluster { unit: id.into(), data: self.study.source.clone() };
            self.table.place(row).column(column).refuse(problem)
        })
    }

    /// max(0, p_a + p_b - 1) <= P <= min(p_a, p_b), and p of a unit with itself.
    fn check(&self, row: usize, units: [usize; 2], probability: f64) -> Result<(), DataError> {
        /// Rounding of what is typed.
        const TOLERANCE: f64 = 1e-6;
        let [p, q] = units.map(|u| self.clusters.propensity[u]);
        let (least, most) = if units[0] == units[1] { (p, p) } else { ((p + q - 1.0).max(0.0), p.min(q)) };
        if probability >= least - TOLERANCE && probability <= most + TOLERANCE {
            return Ok(());
        }
        let problem = Problem::PairImpossible { probability, least, most };
        Err(self.table.place(row).column("probability").refuse(problem))
    }
}
