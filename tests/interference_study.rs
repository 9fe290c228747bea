//! What a study says of units that affect each other: who is a unit twice, and treatments that were not drawn independently.

use prescribe::interference::{Clusters, dependence};

/// 12 clusters of 6, of which the first `treated` of each cluster are.
fn clusters(treated: impl Fn(usize) -> usize, propensity: impl Fn(usize) -> f64) -> Clusters {
    Clusters {
        members: (0..12).map(|i| (6 * i..6 * i + 6).collect()).collect(),
        treated: (0..72).map(|u| u % 6 < treated(u / 6)).collect(),
        propensity: (0..72).map(propensity).collect(),
        outcome: vec![0.0; 72],
    }
}

#[test]
fn equal_counts_are_noticed_and_varying_ones_are_not() {
    let said = &dependence(&clusters(|_| 3, |_| 0.5))[0];
    // P(3 of 6 at .5) = 20/64, to the 12th power 8.7e-7.
    assert!(said.contains("each cluster") && said.contains("8.7e-7"), "{said}");
    assert!(dependence(&clusters(|i| 1 + i % 5, |_| 0.5)).is_empty());
    // Whatever treats 3 of 6 at a propensity of 1/6, it does not draw the expected number.
    let said = dependence(&clusters(|_| 3, |_| 1.0 / 6.0));
    assert!(!said.iter().any(|said| said.contains("without replacement")), "{said:?}");
}

#[test]
fn strata_are_noticed_where_clusters_do_not_show_it() {
    // One of the first three at 1/3, by stratum just one; the others alone at chances of their own, all or none treated.
    let mut mixed = clusters(|_| 1, |u| if u % 6 < 3 { 1.0 / 3.0 } else { 0.5 + 0.01 * (u % 6) as f64 });
    for i in 0..12 {
        (3..6).for_each(|j| mixed.treated[6 * i + j] = i % 2 == 0);
    }
    let said = dependence(&mixed).join("\n");
    // P(1 of 3 at 1/3) = 4/9, to the 12th power 5.9e-5; a single unit always has as many treated as expected, up to rounding.
    assert!(said.contains("one propensity") && said.contains("5.9e-5"), "{said}");
}

#[test]
fn few_clusters_may_agree_by_chance() {
    let mut few = clusters(|_| 3, |_| 0.5);
    few.members.truncate(5);
    // (20/64)^5 = .003.
    assert!(dependence(&few).is_empty());
}

#[test]
fn counts_that_vary_too_much_are_noticed() {
    // Everybody in half of the clusters, nobody in the others: (3 - 0)^2 / 1.5 = 6 times the variance of a binomial.
    let said = dependence(&clusters(|i| if i % 2 == 0 { 6 } else { 0 }, |_| 0.5)).join("\n");
    assert!(said.contains("vary 6.0 times as much"), "{said}");
    // The same where that is what propensities say.
    let told =
        dependence(&clusters(|i| if i % 2 == 0 { 6 } else { 0 }, |u| if u / 6 % 2 == 0 { 0.9 } else { 0.1 }));
    assert!(!told.iter().any(|said| said.contains("times as much")), "{told:?}");
}

/// Under independence, a warning is as rare as it is said to be, for clusters of any size.
#[test]
fn independent_treatments_are_seldom_warned_of() {
    use rand::{Rng, SeedableRng};
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(3);
    let mut warned = 0;
    for draw in 0..4000 {
        let sizes: Vec<usize> = (0..30).map(|i| 1 + (i * 7 + draw) % 12).collect();
        let mut at = 0;
        let members: Vec<Vec<usize>> = sizes
            .iter()
            .map(|size| {
                at += size;
                (at - size..at).collect()
            })
            .collect();
        let propensity: Vec<f64> = (0..at).map(|_| random.random_range(0.1..0.9)).collect();
        let treated = propensity.iter().map(|p| random.random_bool(*p)).collect();
        let clusters = Clusters { members, treated, propensity, outcome: vec![0.0; at] };
        warned += usize::from(!dependence(&clusters).is_empty());
    }
    // Expected 4 at a chance of 1e-3; 20 is far out even where the approximation is off by a factor of 2.
    assert!(warned <= 20, "{warned} of 4000");
}
