//! What series regressions see of a unit: functions of its covariates, and summaries of the others of its cluster.
//!
//! ```text
//! polynomial:D   prod_l x_l^d_l with 1 <= sum_l d_l <= D, of covariates standardised                                 Newey (1997)
//! spline:K       the natural cubic spline with K knots at the quantiles k / (K + 1):  x, d_1 - d_{K-1}, .., d_{K-2} - d_{K-1},
//!                d_k = ((x - t_k)_+^3 - (x - t_K)_+^3) / (t_K - t_k)                                                 Hastie et al. (2009), (5.4)
//! mean           mean_{k != j} X_k,   second moment   mean_{k != j} X_k^2 of each covariate; 0 in clusters of one unit
//! ```
//!
//! Knots and scales are read off the covariates of all units; no outcome is.

use std::fmt;
use std::str::FromStr;

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};
use serde::{Deserialize, Serialize};

use crate::interference::Clusters;

/// More coefficients take too long.
pub(super) const MOST: usize = 400;

/// Functions of a unit's covariates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Basis {
    /// The covariates in the mean of the cluster, but not in effects.
    Means,
    /// The covariates.
    #[default]
    Linear,
    /// Products of covariates up to the degree; coefficients are shrunk.
    Polynomial(usize),
    /// A natural cubic spline of each covariate with so many knots; coefficients are shrunk.
    Spline(usize),
}

impl Basis {
    /// Whether coefficients are shrunk by ridge regression with a penalty chosen by generalised cross-validation, for series of any length are
    /// then fitted to any number of clusters.
    pub fn is_shrunk(&self) -> bool {
        matches!(self, Self::Polynomial(_) | Self::Spline(_))
    }

    /// z of each unit (N x q) for covariates x (N x p).
    pub(super) fn of(&self, x: ArrayView2<f64>) -> Array2<f64> {
        let columns: Vec<Array1<f64>> = match *self {
            Self::Means | Self::Linear => return x.to_owned(),
            Self::Polynomial(degree) => products(x, degree),
            Self::Spline(knots) => x.columns().into_iter().flat_map(|x| spline(x, knots)).collect(),
        };
        Array2::from_shape_fn((x.nrows(), columns.len()), |(u, j)| columns[j][u])
    }
}

/// The products of at most `degree` factors, each of the last covariate of the product before it or of a later one.
fn products(x: ArrayView2<f64>, degree: usize) -> Vec<Array1<f64>> {
    let z: Vec<Array1<f64>> = x.columns().into_iter().map(standardised).collect();
    let mut products: Vec<(usize, Array1<f64>)> = z.iter().cloned().enumerate().collect();
    let mut start = 0;
    for _ in 1..degree {
        let end = products.len();
        // Longer series than can be fitted are refused by their length, before they are whole.
        if end > MOST {
            break;
        }
        for at in start..end {
            let last = products[at].0;
            for (l, z) in z.iter().enumerate().skip(last) {
                products.push((l, &products[at].1 * z));
            }
        }
        start = end;
    }
    products.into_iter().map(|(_, product)| product).collect()
}

fn spline(x: ArrayView1<f64>, count: usize) -> Vec<Array1<f64>> {
    let z = standardised(x);
    let mut sorted = z.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let quantile = |k: usize| sorted[(k * sorted.len() / (count + 1)).min(sorted.len() - 1)];
    let mut knots: Vec<f64> = (1..=count).map(quantile).collect();
    knots.dedup();
    let last = knots.len() - 1;
    let cubed = |z: f64, knot: f64| (z - knot).max(0.0).powi(3);
    let d = |z: f64, k: usize| (cubed(z, knots[k]) - cubed(z, knots[last])) / (knots[last] - knots[k]);
    // Covariates of few values leave few knots, and at most two a straight line.
    let bent = (0..last.saturating_sub(1)).map(|k| z.mapv(|z| d(z, k) - d(z, last - 1)));
    std::iter::once(z.clone()).chain(bent).collect()
}

/// With mean 0 and standard deviation 1; 0 where it does not vary.
fn standardised(x: ArrayView1<f64>) -> Array1<f64> {
    let mean = x.sum() / x.len() as f64;
    let deviation = (x.mapv(|x| (x - mean).powi(2)).sum() / x.len() as f64).sqrt();
    x.mapv(|x| if deviation > 0.0 { (x - mean) / deviation } else { 0.0 })
}

/// What is said of the other units of a cluster, whatever their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Summary {
    Mean,
    SecondMoment,
}

impl Summary {
    /// Of each unit's others (N x (p for each summary)).
    pub(super) fn of(summaries: &[Summary], clusters: &Clusters, x: ArrayView2<f64>) -> Array2<f64> {
        let p = x.ncols();
        let mut found = Array2::zeros((clusters.units(), p * summaries.len()));
        for (s, summary) in summaries.iter().enumerate() {
            let number = |u: usize, j: usize| match summary {
                Self::Mean => x[[u, j]],
                Self::SecondMoment => x[[u, j]].powi(2),
            };
            for units in clusters.members.iter().filter(|units| units.len() > 1) {
                for j in 0..p {
                    let sum: f64 = units.iter().map(|&u| number(u, j)).sum();
                    let others = (units.len() - 1) as f64;
                    units.iter().for_each(|&u| found[[u, s * p + j]] = (sum - number(u, j)) / others);
                }
            }
        }
        found
    }
}

impl FromStr for Basis {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |name: &str| text.strip_prefix(name).and_then(|number| number.parse().ok());
        match text {
            "means" => Ok(Self::Means),
            "linear" => Ok(Self::Linear),
            _ => match (number("polynomial:"), number("spline:")) {
                (Some(degree @ 1..=10), _) => Ok(Self::Polynomial(degree)),
                (_, Some(knots @ 3..=50)) => Ok(Self::Spline(knots)),
                _ => Err("give means, linear, polynomial:D with D from 1 to 10, or spline:K with K knots from 3 to 50"
                    .into()),
            },
        }
    }
}

impl fmt::Display for Basis {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Means => f.write_str("means"),
            Self::Linear => f.write_str("linear"),
            Self::Polynomial(degree) => write!(f, "polynomial:{degree}"),
            Self::Spline(knots) => write!(f, "spline:{knots}"),
        }
    }
}

impl From<Basis> for String {
    fn from(basis: Basis) -> String {
        basis.to_string()
    }
}

impl TryFrom<String> for Basis {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}
