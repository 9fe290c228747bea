//! What is balanced: the terms of covariates (values, levels), and on demand their squares, products and further columns.

use ndarray::{Array1, Array2, Axis};
use serde::{Deserialize, Serialize};

use super::mean;
use crate::data::{Covariate, DataError, Design, Purpose, Table, Term, read_covariates, terms};

/// Features beside the first moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// x_j^2 of every number that takes more than two values.
    Squares,
    /// x_j x_k of every pair of terms of different covariates.
    Products,
}

/// The features of a table (n x q), and how to compute them in another one.
#[derive(Clone, Debug)]
pub struct Features {
    pub names: Vec<String>,
    pub matrix: Array2<f64>,
    covariates: Vec<Covariate>,
    terms: Vec<Term>,
    /// Pairs of terms that are multiplied, a square being a pair of one.
    pairs: Vec<(usize, usize)>,
}

impl Features {
    /// The features of `covariates` in `table`.
    ///
    /// # Errors
    /// Those of [`read_covariates`].
    pub fn of(table: &Table, covariates: Vec<Covariate>, kinds: &[Kind]) -> Result<Self, DataError> {
        let x = read_covariates(table, &covariates, Purpose::Covariate)?;
        let terms = terms(&covariates, &x);
        let z = Design::new(&terms, &covariates).matrix(&x);
        let mut pairs = Vec::new();
        if kinds.contains(&Kind::Squares) {
            pairs.extend((0..terms.len()).filter(|&j| many_valued(&z, j)).map(|j| (j, j)));
        }
        if kinds.contains(&Kind::Products) {
            let apart = |(j, k): &(usize, usize)| terms[*j].covariate() != terms[*k].covariate();
            pairs.extend(
                (0..terms.len()).flat_map(|j| (j + 1..terms.len()).map(move |k| (j, k))).filter(apart),
            );
        }
        let mut names: Vec<String> = terms.iter().map(Term::name).collect();
        let product = |&(j, k): &(usize, usize)| match j == k {
            true => format!("{}^2", names[j]),
            false => format!("{}*{}", names[j], names[k]),
        };
        let products: Vec<String> = pairs.iter().map(product).collect();
        names.extend(products);
        Ok(Self { names, matrix: with_products(z, &pairs), covariates, terms, pairs })
    }

    /// The means of the same features in another table.
    ///
    /// # Errors
    /// Those of [`read_covariates`].
    pub fn means_in(&self, table: &Table) -> Result<Array1<f64>, DataError> {
        let x = read_covariates(table, &self.covariates, Purpose::Covariate)?;
        let z = with_products(Design::new(&self.terms, &self.covariates).matrix(&x), &self.pairs);
        Ok(z.columns().into_iter().map(mean).collect())
    }
}

/// Whether column j takes a third value; the square of another is a combination of itself and 1.
fn many_valued(z: &Array2<f64>, j: usize) -> bool {
    let first = z[[0, j]];
    let second = z.column(j).iter().copied().find(|v| *v != first);
    second.is_some_and(|second| z.column(j).iter().any(|v| *v != first && *v != second))
}

fn with_products(mut z: Array2<f64>, pairs: &[(usize, usize)]) -> Array2<f64> {
    if pairs.is_empty() {
        return z;
    }
    let mut products = Array2::zeros((z.nrows(), pairs.len()));
    for (&(j, k), mut column) in pairs.iter().zip(products.columns_mut()) {
        column.assign(&(&z.column(j) * &z.column(k)));
    }
    // Both have as many rows.
    z.append(Axis(1), products.view()).expect("the rows agree");
    z
}
