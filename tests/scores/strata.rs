//! A trial randomised within strata: scores by the shares there are without bias, scores by the shares of all are not.

use prescribe::data::{PropensityRole, Roles, Table};
use prescribe::score::ipw;

use super::*;

/// The outcomes of seven units under either arm, the second of which helps where outcomes are high; the first three are
/// one stratum, in which one unit is treated, the others one in which three are.
const POTENTIAL: [[f64; 2]; 7] =
    [[1.0, 1.5], [2.0, 0.0], [0.5, 1.0], [7.0, 9.0], [8.0, 8.0], [6.0, 9.5], [9.0, 12.0]];

/// The mean IPW score of each arm, averaged over the 3 x 4 assignments, all equally likely.
fn expectation(propensity: &PropensityRole) -> [f64; 2] {
    let roles = "outcome = 'y'\ntreatment = 'a'\ncovariates = []\narms = ['0', '1']";
    let roles = Roles { propensity: propensity.clone(), ..toml::from_str(roles).unwrap() };
    let mut expected = [0.0; 2];
    for treated in 0..3 {
        for control in 3..7 {
            let arm = |i: usize| usize::from(i == treated || (i >= 3 && i != control));
            let line = |i: usize| {
                format!("{},{},{}\n", POTENTIAL[i][arm(i)], arm(i), if i < 3 { "low" } else { "high" })
            };
            let text = ["y,a,risk\n".to_string()].into_iter().chain((0..7).map(line)).collect::<String>();
            let study =
                Study::from_table(&Table::parse("trial.csv", text.as_bytes()).unwrap(), &roles).unwrap();
            let sums = ipw(&study).unwrap().sum_axis(ndarray::Axis(0));
            (0..2).for_each(|k| expected[k] += sums[k] / 7.0 / 12.0);
        }
    }
    expected
}

#[test]
fn shares_within_strata_are_unbiased_and_shares_of_all_are_not() {
    let truth = [0, 1].map(|k| POTENTIAL.iter().map(|outcomes| outcomes[k]).sum::<f64>() / 7.0);
    let found = expectation(&PropensityRole::Strata(vec!["risk".into()]));
    (0..2).for_each(|k| assert_close(found[k], truth[k], 1e-12));
    let found = expectation(&PropensityRole::ObservedShares);
    (0..2).for_each(|k| assert!((found[k] - truth[k]).abs() > 0.5, "{found:?} beside {truth:?}"));
}
