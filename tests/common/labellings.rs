//! Every labelling that a hyperplane can give to points with whole coordinates, by enumeration that shares no code with the
//! library: each is reached from a hyperplane through p affinely independent points, the points on it labelled by the same
//! argument one dimension lower.

/// A point and its gain from treatment.
pub type Point = (Vec<i128>, f64);

/// The largest total gain of the treated over all labellings that a hyperplane in the points' space gives.
pub fn best_labelling(points: &[Point]) -> f64 {
    let total: f64 = points.iter().map(|(_, gain)| gain).sum();
    let mut best = total.max(0.0);
    let Some(p) = points.first().map(|(x, _)| x.len()).filter(|p| *p > 0) else {
        return best;
    };
    let mut spanned = false;
    for chosen in subsets(points.len(), p) {
        let corner = &points[chosen[0]].0;
        let along = |i: usize| -> Vec<i128> { points[i].0.iter().zip(corner).map(|(a, b)| a - b).collect() };
        let normal = normal(&chosen[1..].iter().map(|&i| along(i)).collect::<Vec<_>>());
        let Some(steep) = normal.iter().position(|v| *v != 0) else {
            continue;
        };
        spanned = true;
        let height = |i: usize| -> i128 { along(i).iter().zip(&normal).map(|(a, b)| a * b).sum() };
        let side = |sign: i128| (0..points.len()).filter(move |&i| height(i).signum() == sign);
        let gain = |sign: i128| side(sign).map(|i| points[i].1).sum::<f64>();
        // Dropping a coordinate along which the hyperplane is not parallel keeps the points on it apart.
        let flat: Vec<Point> = side(0).map(|i| (without(&points[i].0, steep), points[i].1)).collect();
        best = best.max(gain(1).max(gain(-1)) + best_labelling(&flat));
    }
    if !spanned {
        // All points lie in a smaller space: some coordinate can go without merging labellings.
        for j in 0..p {
            let projected: Vec<Point> = points.iter().map(|(x, g)| (without(x, j), *g)).collect();
            best = best.max(best_labelling(&projected));
        }
    }
    best
}

fn without(x: &[i128], dropped: usize) -> Vec<i128> {
    let kept = x.iter().enumerate().filter(|(j, _)| *j != dropped);
    kept.map(|(_, v)| *v).collect()
}

/// A vector orthogonal to p - 1 vectors of R^p, p <= 3; zero where they are dependent.
fn normal(along: &[Vec<i128>]) -> Vec<i128> {
    match along {
        [] => vec![1],
        [a] => vec![-a[1], a[0]],
        [a, b] => {
            let minor = |j: usize, k: usize| a[j] * b[k] - a[k] * b[j];
            vec![minor(1, 2), minor(2, 0), minor(0, 1)]
        }
        _ => unreachable!("at most three covariates"),
    }
}

/// All sets of `size` numbers below `n`.
fn subsets(n: usize, size: usize) -> Vec<Vec<usize>> {
    let masks = (0u32..1 << n).filter(|mask| mask.count_ones() as usize == size);
    masks.map(|mask| (0..n).filter(|i| mask >> i & 1 == 1).collect()).collect()
}

/// Whether a hyperplane separates the points of `mask` from the others.
#[allow(dead_code)] // every test file is a crate of its own and uses its part
pub fn separable(points: &[Vec<i128>], mask: u32) -> bool {
    let wanted = |i: usize| if mask >> i & 1 == 1 { 1.0 } else { -1.0 };
    let offered: Vec<Point> = points.iter().enumerate().map(|(i, x)| (x.clone(), wanted(i))).collect();
    best_labelling(&offered) == f64::from(mask.count_ones())
}
