//! Least squares with coefficients that are not negative (Lawson and Hanson, *Solving Least Squares Problems*, 1974, chapter 23), on the
//! normal equations: problems here are small, and their columns are scaled.

/// The coefficients x >= 0 of the columns of `rows` with the least |rows · x - values|².
pub fn nnls(rows: &[Vec<f64>], values: &[f64]) -> Vec<f64> {
    let n = rows.first().map_or(0, Vec::len);
    // Columns are brought to length 1; columns of zeros stay out.
    let lengths: Vec<f64> = (0..n).map(|j| rows.iter().map(|row| row[j] * row[j]).sum::<f64>().sqrt()).collect();
    let scaled = |row: &[f64], j: usize| if lengths[j] > 0.0 { row[j] / lengths[j] } else { 0.0 };
    let (mut gram, mut right) = (vec![vec![0.0; n]; n], vec![0.0; n]);
    for (row, value) in rows.iter().zip(values) {
        let row: Vec<f64> = (0..n).map(|j| scaled(row, j)).collect();
        for (i, of_column) in gram.iter_mut().enumerate() {
            right[i] += row[i] * value;
            of_column.iter_mut().zip(&row).for_each(|(entry, other)| *entry += row[i] * other);
        }
    }
    let mut x = vec![0.0; n];
    let mut free: Vec<usize> = vec![];
    // Each turn frees a coefficient that wants to grow, and fixes those that would become negative.
    for _ in 0..10 * n {
        let gradient = |j: usize| right[j] - (0..n).map(|i| gram[j][i] * x[i]).sum::<f64>();
        let fixed = (0..n).filter(|j| lengths[*j] > 0.0 && !free.contains(j));
        let Some(best) = fixed.max_by(|&a, &b| gradient(a).total_cmp(&gradient(b))) else { break };
        if gradient(best) < 1e-9 {
            break;
        }
        free.push(best);
        loop {
            let wanted = solve(&gram, &right, &free);
            let step = |(&j, &to): (&usize, &f64)| if to > 0.0 { 1.0 } else { x[j] / (x[j] - to) };
            let all = free.iter().zip(&wanted).map(step).fold(1.0, f64::min);
            free.iter().zip(&wanted).for_each(|(&j, &to)| x[j] += all * (to - x[j]));
            if all >= 1.0 {
                break;
            }
            free.iter().for_each(|&j| x[j] = if x[j] < 1e-12 { 0.0 } else { x[j] });
            free.retain(|&j| x[j] > 0.0);
        }
    }
    (0..n).map(|j| if lengths[j] > 0.0 { x[j] / lengths[j] } else { 0.0 }).collect()
}

/// Solves the equations of the columns `free` by Cholesky's decomposition; a hair on the diagonal keeps columns apart that are alike.
fn solve(gram: &[Vec<f64>], right: &[f64], free: &[usize]) -> Vec<f64> {
    let n = free.len();
    let mut lower = vec![vec![0.0; n]; n];
    for i in 0..n {
        for j in 0..=i {
            let dot: f64 = (0..j).map(|k| lower[i][k] * lower[j][k]).sum();
            let rest = gram[free[i]][free[j]] - dot;
            lower[i][j] = if i == j { (rest + 1e-10).max(1e-12).sqrt() } else { rest / lower[j][j] };
        }
    }
    let mut x: Vec<f64> = free.iter().map(|&j| right[j]).collect();
    for i in 0..n {
        let dot: f64 = (0..i).map(|k| lower[i][k] * x[k]).sum();
        x[i] = (x[i] - dot) / lower[i][i];
    }
    for i in (0..n).rev() {
        let dot: f64 = (i + 1..n).map(|k| lower[k][i] * x[k]).sum();
        x[i] = (x[i] - dot) / lower[i][i];
    }
    x
}
