//! The weighted quantile of conformity scores, with a mass at infinity for the unit that is to be predicted:
//!
//! ```text
//! q(w) = least s:  sum { w_i : S_i <= s } >= level ( sum_i w_i + w ),   infinite where no s does
//! ```

pub(super) struct WeightedScores {
    /// From small to large.
    scores: Vec<f64>,
    /// The sum of the weights of this score and all before it.
    cumulated: Vec<f64>,
    effective_units: f64,
}

impl WeightedScores {
    /// Scores with their weights, at least one.
    pub fn new(mut scores: Vec<(f64, f64)>) -> WeightedScores {
        scores.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let mut sum = 0.0;
        let mut next = |weight: f64| {
            sum += weight;
            sum
        };
        let cumulated: Vec<f64> = scores.iter().map(|(_, weight)| next(*weight)).collect();
        let squares: f64 = scores.iter().map(|(_, weight)| weight * weight).sum();
        let effective_units = sum * sum / squares;
        WeightedScores {
            scores: scores.into_iter().map(|(score, _)| score).collect(),
            cumulated,
            effective_units,
        }
    }

    /// q for a unit of weight `own`.
    pub fn quantile(&self, own: f64, level: f64) -> f64 {
        /// Sums that should be equal differ by rounding.
        const ROUNDING: f64 = 1e-12;
        let total = self.cumulated.last().copied().unwrap_or(0.0);
        let needed = level * (total + own) * (1.0 - ROUNDING);
        let first = self.cumulated.partition_point(|&sum| sum < needed);
        self.scores.get(first).copied().unwrap_or(f64::INFINITY)
    }

    /// The number of scores of equal weight that would say as much (Kish 1965).
    pub fn effective_units(&self) -> f64 {
        self.effective_units
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_weights_take_the_usual_rank() {
        // Of 9 scores and a new one, the 90% quantile is the ceil(0.9 * 10) = 9th; of 8, ceil(8.1) = 9 is beyond them.
        let scores = |n: usize| WeightedScores::new((1..=n).rev().map(|s| (s as f64, 2.0)).collect());
        assert_eq!(scores(9).quantile(2.0, 0.9), 9.0);
        assert_eq!(scores(8).quantile(2.0, 0.9), f64::INFINITY);
        assert_eq!(scores(9).quantile(2.0, 0.5), 5.0);
        assert_eq!(scores(9).effective_units(), 9.0);
    }

    #[test]
    fn weights_by_hand() {
        // Weights 1, 3, 2 of scores 10, 20, 30, and 2 of the new unit: the sums 1, 4, 6 of 8.
        let scores = WeightedScores::new(vec![(20.0, 3.0), (30.0, 2.0), (10.0, 1.0)]);
        for (level, quantile) in [(0.125, 10.0), (0.2, 20.0), (0.5, 20.0), (0.6, 30.0), (0.75, 30.0)] {
            assert_eq!(scores.quantile(2.0, level), quantile, "{level}");
        }
        assert_eq!(scores.quantile(2.0, 0.8), f64::INFINITY);
        // A new unit of more weight needs more.
        assert_eq!(scores.quantile(4.0, 0.75), f64::INFINITY);
        assert!((scores.effective_units() - 36.0 / 14.0).abs() < 1e-15);
    }
}
