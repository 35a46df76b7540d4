//! Programming of a die: write, verify, write again, and move the neurons that came out worst to spare columns
//! (`docs/programming.md`).

use super::{Die, FaultError};
use crate::net::{Columns, Network, StuckCells, StuckMap, Weights};
use crate::random::SplitMix64;
use serde::Serialize;

/// How a die is programmed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Programming {
    /// Probability that one attempt leaves a cell as it was: erased, at −1.
    pub write_error: f64,
    /// Attempts that a cell has beside the first.
    pub retries: u32,
    /// Whether neurons are moved to spare columns.
    pub repair: bool,
    /// Seed of the attempts that fail.
    pub seed: u64,
}

impl Default for Programming {
    /// Every attempt succeeds, and spare columns are used.
    fn default() -> Self {
        Programming { write_error: 0.0, retries: 0, repair: true, seed: 1 }
    }
}

/// A die after programming.
#[derive(Clone, Debug, PartialEq)]
pub struct Programmed {
    /// What it computes: the wanted network with the weights that its cells hold.
    pub network: Network,
    /// Which column of its crossbar holds each neuron.
    pub columns: Columns,
    /// What verification found, by crossbar in network order.
    pub crossbars: Vec<Verified>,
}

/// Weight bits of a crossbar that verification found wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Weight bits in all.
    pub bits: usize,
    /// Wrong after the first attempt, each neuron in its own column.
    pub first: usize,
    /// Wrong after the last attempt.
    pub retried: usize,
    /// Wrong after neurons were moved to spare columns.
    pub repaired: usize,
    /// Neurons moved.
    pub moved: usize,
}

impl Programmed {
    /// The sum over all crossbars.
    pub fn total(&self) -> Verified {
        self.crossbars.iter().fold(Verified::default(), |all, v| Verified {
            bits: all.bits + v.bits,
            first: all.first + v.first,
            retried: all.retried + v.retried,
            repaired: all.repaired + v.repaired,
            moved: all.moved + v.moved,
        })
    }
}

/// Spare columns draw their cells from generators that are this far behind those of the crossbars.
const SPARES: u64 = 1 << 32;

impl Die {
    /// Cells that are stuck at a fair coin's bit with probability `rate`: in the columns of the neurons those of
    /// [`super::faulty`], and `spares` more columns in every crossbar. More spares leave the others as they are.
    pub fn stuck_map(&self, network: &Network, spares: usize) -> StuckMap {
        let mut map = StuckMap::none(network, spares);
        for (number, cells) in map.layers.iter_mut().flatten().enumerate() {
            let (neurons, planes) = (cells.neurons(), cells.planes());
            let mut stick = |random: &mut SplitMix64, plane: usize, column: usize| {
                for input in 0..cells.inputs() {
                    let (hit, coin) = (random.unit() < self.rate, random.word() >> 63 == 1);
                    if hit {
                        cells.set(column, plane, input, Some(coin));
                    }
                }
            };
            let mut random = self.random(number);
            for plane in 0..planes {
                (0..neurons).for_each(|column| stick(&mut random, plane, column));
            }
            let mut random = SplitMix64::nth(self.random(number).word(), SPARES);
            for column in neurons..neurons + spares {
                (0..planes).for_each(|plane| stick(&mut random, plane, column));
            }
        }
        map
    }
}

/// Programs `network` into a die with the stuck cells of `map`.
///
/// # Errors
/// If the map is one of another network, or the probability is none.
pub fn program(network: &Network, map: &StuckMap, rules: &Programming) -> Result<Programmed, FaultError> {
    map.check(network).map_err(FaultError::Map)?;
    if !(0.0..=1.0).contains(&rules.write_error) {
        return Err(FaultError::WriteError { rate: rules.write_error });
    }
    let mut columns = Columns::own(network);
    let mut all = vec![];
    let mut map = map.clone();
    let weights = network.crossbar_weights();
    for (layer, (cells, columns)) in map.layers.iter_mut().zip(&mut columns.layers).enumerate() {
        for (x, (cells, columns)) in cells.iter_mut().zip(columns).enumerate() {
            let weights = weights[layer][x];
            let wrong = |cells: &StuckCells, columns: &[usize]| -> usize {
                columns.iter().enumerate().map(|(neuron, &column)| cells.wrong(weights, neuron, column)).sum()
            };
            let mut verified = Verified { bits: weights.bits(), ..Verified::default() };
            let attempts = Attempts { rules, crossbar: all.len() as u64 };
            verified.first = wrong(&attempts.after(cells, 0), columns);
            *cells = attempts.after(cells, rules.retries);
            verified.retried = wrong(cells, columns);
            if rules.repair {
                for (neuron, spare) in assign(cells, weights) {
                    columns[neuron] = cells.neurons() + spare;
                    verified.moved += 1;
                }
            }
            verified.repaired = wrong(cells, columns);
            all.push(verified);
        }
    }
    Ok(Programmed { network: map.hold(network, &columns), columns, crossbars: all })
}

/// Attempts to write the cells of a crossbar.
struct Attempts<'a> {
    rules: &'a Programming,
    crossbar: u64,
}

impl Attempts<'_> {
    /// The crossbar's cells that do not take what is written in `1 + retries` attempts: those that are stuck, and those whose
    /// attempts all fail, which stay erased.
    fn after(&self, cells: &StuckCells, retries: u32) -> StuckCells {
        let mut cells = cells.clone();
        if self.rules.write_error == 0.0 {
            return cells;
        }
        let all_fail = self.rules.write_error.powf(f64::from(retries) + 1.0);
        let mut random = SplitMix64::nth(SplitMix64::nth(self.rules.seed, self.crossbar).word(), 0);
        for column in 0..cells.columns() {
            for plane in 0..cells.planes() {
                for input in 0..cells.inputs() {
                    // One number a cell says how many attempts fail.
                    if random.unit() < all_fail && cells.get(column, plane, input).is_none() {
                        cells.set(column, plane, input, Some(false));
                    }
                }
            }
        }
        cells
    }
}

/// Which neurons move to which spare columns, so that the fewest bits are wrong in all: an assignment of least cost, by shortest
/// augmenting paths (Kuhn 1955, Munkres 1957, in the form for a cost matrix of few rows).
fn assign(cells: &StuckCells, weights: &Weights) -> Vec<(usize, usize)> {
    let (neurons, spares) = (cells.neurons(), cells.spares());
    let own: Vec<i64> = (0..neurons).map(|n| cells.wrong(weights, n, n) as i64).collect();
    // What a spare column saves, negative: a row a spare, a column a neuron, and as many columns for spares left unused.
    let cost = |spare: usize, n: usize| match own.get(n) {
        Some(0) => 0,
        Some(own) => (cells.wrong(weights, n, neurons + spare) as i64 - own).min(0),
        None => 0,
    };
    let costs: Vec<Vec<i64>> = (0..spares).map(|s| (0..neurons + spares).map(|n| cost(s, n)).collect()).collect();
    let size = neurons + spares;
    let (mut of_row, mut of_column) = (vec![0i64; spares], vec![0i64; size]);
    let mut row_of: Vec<Option<usize>> = vec![None; size];
    for row in 0..spares {
        let mut least = vec![i64::MAX; size];
        let mut before: Vec<Option<usize>> = vec![None; size];
        let mut used = vec![false; size];
        let (mut at_row, mut at): (usize, Option<usize>) = (row, None);
        let end = loop {
            let mut next: Option<usize> = None;
            for column in (0..size).filter(|&c| !used[c]) {
                let reduced = costs[at_row][column] - of_row[at_row] - of_column[column];
                if reduced < least[column] {
                    (least[column], before[column]) = (reduced, at);
                }
                if next.is_none_or(|n| least[column] < least[n]) {
                    next = Some(column);
                }
            }
            // More columns than rows: one is always left.
            let Some(next) = next else { break None };
            let delta = least[next];
            of_row[row] += delta;
            for column in 0..size {
                if used[column] {
                    of_column[column] -= delta;
                    if let Some(r) = row_of[column] {
                        of_row[r] += delta;
                    }
                } else {
                    least[column] -= delta;
                }
            }
            used[next] = true;
            match row_of[next] {
                Some(r) => (at_row, at) = (r, Some(next)),
                None => break Some(next),
            }
        };
        let mut column = end;
        while let Some(c) = column {
            row_of[c] = match before[c] {
                Some(b) => row_of[b],
                None => Some(row),
            };
            column = before[c];
        }
    }
    let moves = (0..neurons).filter_map(|n| row_of[n].map(|spare| (n, spare)));
    moves.filter(|&(n, spare)| costs[spare][n] < 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All ways to give spares to neurons, the slow way.
    fn best(saved: &[Vec<i64>], spare: usize, taken: &mut Vec<bool>) -> i64 {
        let Some(row) = saved.get(spare) else { return 0 };
        let mut most = best(saved, spare + 1, taken);
        for n in 0..row.len() {
            if !taken[n] {
                taken[n] = true;
                most = most.max(row[n] + best(saved, spare + 1, taken));
                taken[n] = false;
            }
        }
        most
    }

    #[test]
    fn spare_columns_go_where_they_save_most() {
        let mut random = SplitMix64::new(5);
        let mut moved = 0;
        for _ in 0..200 {
            let (neurons, spares) = (1 + random.below(6) as usize, random.below(4) as usize);
            let weights = Weights::from_fn(neurons, 12, |_, _| random.below(2) == 1);
            let mut cells = StuckCells::none(&weights, spares);
            for column in 0..neurons + spares {
                for input in 0..12 {
                    let stuck = random.below(3) == 0;
                    cells.set(column, 0, input, stuck.then(|| random.below(2) == 1));
                }
            }
            let saving =
                |s: usize, n: usize| cells.wrong(&weights, n, n) as i64 - cells.wrong(&weights, n, neurons + s) as i64;
            let saved: Vec<Vec<i64>> = (0..spares).map(|s| (0..neurons).map(|n| saving(s, n)).collect()).collect();
            let moves = assign(&cells, &weights);
            let found: i64 = moves.iter().map(|&(n, s)| saved[s][n]).sum();
            assert_eq!(found, best(&saved, 0, &mut vec![false; neurons]));
            let mut used: Vec<usize> = moves.iter().map(|m| m.1).collect();
            used.sort_unstable();
            used.dedup();
            assert_eq!(used.len(), moves.len());
            moved += moves.len();
        }
        assert!(moved > 100);
    }
}
