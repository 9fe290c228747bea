//! Figures over replications: mean, standard deviation, and the slope of a mean that falls with n.

use ndarray::Array1;
use serde::Serialize;

/// Mean and standard deviation over replications.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    pub mean: f64,
    pub sd: f64,
    /// Of the mean: sd / sqrt(R).
    pub standard_error: f64,
}

impl Spread {
    /// Of at least one number.
    pub fn of(values: &[f64]) -> Spread {
        let values = Array1::from(values.to_vec());
        let count = values.len() as f64;
        let sd = if values.len() > 1 { values.std(1.0) } else { 0.0 };
        Spread { mean: values.sum() / count, sd, standard_error: sd / count.sqrt() }
    }
}

/// b of  log m_k = a + b log n_k, by least squares with weights m_k^2 / (standard error of m_k)^2, what the error of a logarithm asks for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Slope {
    pub slope: f64,
    /// The ends of the 95% interval, for the errors of the means alone.
    pub interval: [f64; 2],
}

impl Slope {
    /// Of positive means at two sizes or more; none where there are fewer.
    pub fn of(sizes: &[f64], means: &[Spread]) -> Option<Slope> {
        let usable = |(_, spread): &(&f64, &Spread)| spread.mean > 0.0 && spread.standard_error > 0.0;
        let points: Vec<[f64; 3]> = sizes
            .iter()
            .zip(means)
            .filter(usable)
            .map(|(n, spread)| [n.ln(), spread.mean.ln(), (spread.mean / spread.standard_error).powi(2)])
            .collect();
        if points.len() < 2 {
            return None;
        }
        let sum = |of: &dyn Fn(&[f64; 3]) -> f64| points.iter().map(of).sum::<f64>();
        let total = sum(&|[.., w]| *w);
        let centre = sum(&|[x, _, w]| w * x) / total;
        let squares = sum(&|[x, _, w]| w * (x - centre).powi(2));
        let slope = sum(&|[x, y, w]| w * (x - centre) * y) / squares;
        let half = 1.959_963_984_540_054 / squares.sqrt();
        Some(Slope { slope, interval: [slope - half, slope + half] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_of_power_laws_and_spreads_by_hand() {
        let spread = Spread::of(&[1.0, 2.0, 3.0, 6.0]);
        assert_eq!(spread.mean, 3.0);
        // Squares of deviations: 4 + 1 + 0 + 9 over 3.
        assert!((spread.sd - (14.0f64 / 3.0).sqrt()).abs() < 1e-15);
        assert!((spread.standard_error - spread.sd / 2.0).abs() < 1e-15);
        let sizes = [100.0, 400.0, 900.0];
        let means =
            sizes.map(|n: f64| Spread { mean: 5.0 / n.sqrt(), sd: 1.0, standard_error: 0.1 / n.sqrt() });
        let Slope { slope, interval } = Slope::of(&sizes, &means).unwrap();
        assert!((slope + 0.5).abs() < 1e-12 && interval[0] < -0.5 && -0.5 < interval[1]);
        assert!(Slope::of(&sizes[..1], &means[..1]).is_none());
    }
}
