//! Every labelling that a linear rule over K arms can give to points with whole coordinates, by recursion over the points with an
//! exact test for each prefix; shares no code with the library.
//!
//! Labels d_1, .., d_n are those of a rule exactly where no weights w >= 0 with sum 1 make `sum_t w_t v_t = 0` over the vectors
//! `(e_{d_i} - e_l) (x) (1, x_i)`, l != d_i (Gordan): a linear program, here in rational arithmetic by Bland's rule.

use num_rational::BigRational;

/// The largest total reward over all labellings that a rule gives and that `allowed` allows; none where there is none.
pub fn best_arms(
    points: &[Vec<i128>],
    rewards: &[Vec<f64>],
    allowed: &dyn Fn(&[usize]) -> bool,
) -> Option<f64> {
    let mut labels = Vec::new();
    let mut best = None;
    extend(points, rewards, allowed, &mut labels, &mut best);
    best
}

fn extend(
    points: &[Vec<i128>],
    rewards: &[Vec<f64>],
    allowed: &dyn Fn(&[usize]) -> bool,
    labels: &mut Vec<usize>,
    best: &mut Option<f64>,
) {
    let of_labels: f64 = labels.iter().zip(rewards).map(|(k, r)| r[*k]).sum();
    let most = |r: &Vec<f64>| r.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let at_most = of_labels + rewards[labels.len()..].iter().map(most).sum::<f64>();
    if best.is_some_and(|best| at_most <= best) || !realisable(points, labels, rewards[0].len()) {
        return;
    }
    if labels.len() == points.len() {
        if allowed(labels) {
            *best = Some(of_labels);
        }
        return;
    }
    let here = &rewards[labels.len()];
    let mut arms: Vec<usize> = (0..here.len()).collect();
    arms.sort_by(|a, b| here[*b].total_cmp(&here[*a]));
    for k in arms {
        labels.push(k);
        extend(points, rewards, allowed, labels, best);
        labels.pop();
    }
}

/// Whether a rule gives `labels` to the first points.
pub fn realisable(points: &[Vec<i128>], labels: &[usize], arms: usize) -> bool {
    let mut vectors = Vec::new();
    for (x, &k) in points.iter().zip(labels) {
        for l in (0..arms).filter(|l| *l != k) {
            let sign = |arm: usize| i128::from(arm == k) - i128::from(arm == l);
            let block = |arm: usize| std::iter::once(1).chain(x.iter().copied()).map(move |v| sign(arm) * v);
            vectors.push((0..arms).flat_map(block).collect::<Vec<i128>>());
        }
    }
    vectors.is_empty() || !has_positive_dependence(&vectors)
}

fn whole(value: i128) -> BigRational {
    BigRational::from_integer(value.into())
}

/// Whether `sum_t w_t v_t = 0, sum w = 1, w >= 0` has a solution: the first phase of the simplex method.
fn has_positive_dependence(vectors: &[Vec<i128>]) -> bool {
    let (zero, columns) = (whole(0), vectors.len());
    // A row for each coordinate and one for the sum, each with an artificial column at its end; the right-hand side is last.
    let rows = vectors[0].len() + 1;
    let mut tableau: Vec<Vec<BigRational>> = (0..rows)
        .map(|r| {
            let coefficient = |v: &Vec<i128>| v.get(r).copied().unwrap_or(1);
            let own = vectors.iter().map(|v| whole(coefficient(v)));
            let artificial = (0..rows).map(|c| whole(i128::from(c == r)));
            own.chain(artificial).chain([whole(i128::from(r == rows - 1))]).collect()
        })
        .collect();
    let mut basis: Vec<usize> = (columns..columns + rows).collect();
    loop {
        // What is left in artificial columns falls as a column enters by the sum of its entries in their rows.
        let artificial: Vec<usize> = (0..rows).filter(|&r| basis[r] >= columns).collect();
        let left = artificial.iter().fold(zero.clone(), |sum, &r| sum + &tableau[r][columns + rows]);
        if left == zero {
            return true;
        }
        let gain = |c: usize| artificial.iter().fold(zero.clone(), |sum, &r| sum + &tableau[r][c]);
        let Some(entering) = (0..columns).find(|&c| !basis.contains(&c) && gain(c) > zero) else {
            return false;
        };
        let ratio = |r: usize| &tableau[r][columns + rows] / &tableau[r][entering];
        let candidates = (0..rows).filter(|&r| tableau[r][entering] > zero);
        let leaving = candidates
            .min_by(|&a, &b| ratio(a).cmp(&ratio(b)).then(basis[a].cmp(&basis[b])))
            .expect("the weights are bounded");
        let scale = tableau[leaving][entering].clone();
        tableau[leaving].iter_mut().for_each(|v| *v = &*v / &scale);
        let pivot = tableau[leaving].clone();
        for (_, row) in tableau.iter_mut().enumerate().filter(|(r, _)| *r != leaving) {
            let factor = row[entering].clone();
            row.iter_mut().zip(&pivot).for_each(|(v, p)| *v = &*v - &factor * p);
        }
        basis[leaving] = entering;
    }
}
