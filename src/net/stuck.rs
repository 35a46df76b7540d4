//! Cells that hold a bit of their own whatever is written, and spare columns (`docs/programming.md`).

use super::{BitMatrix, Network, Weights};

/// The stuck cells of one crossbar, those of its spare columns among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StuckCells {
    neurons: usize,
    /// By plane of the weights: which cells are stuck, one row a column of the crossbar and one column an input.
    stuck: Vec<BitMatrix>,
    /// What they hold; 0 where a cell is not stuck.
    held: Vec<BitMatrix>,
}

/// The stuck cells of a network's crossbars: by layer, the output layer last, and by crossbar of the layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StuckMap {
    pub layers: Vec<Vec<StuckCells>>,
}

/// Which column of its crossbar holds a neuron's weights: by layer, crossbar and neuron. Columns `0 .. neurons` are the neurons'
/// own, spare ones come after them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    pub layers: Vec<Vec<Vec<usize>>>,
}

impl StuckCells {
    /// A crossbar for `weights` with `spares` more columns, no cell of which is stuck.
    pub fn none(weights: &Weights, spares: usize) -> StuckCells {
        let empty = || vec![BitMatrix::zeros(weights.rows() + spares, weights.cols()); weights.planes().len()];
        StuckCells { neurons: weights.rows(), stuck: empty(), held: empty() }
    }

    /// Columns that a neuron has of its own.
    pub fn neurons(&self) -> usize {
        self.neurons
    }

    /// Columns of the crossbar, spare ones included.
    pub fn columns(&self) -> usize {
        self.stuck[0].rows()
    }

    pub fn spares(&self) -> usize {
        self.columns() - self.neurons
    }

    /// Inputs: cells of a column and plane.
    pub fn inputs(&self) -> usize {
        self.stuck[0].cols()
    }

    /// Planes of a weight: cells of a column and input.
    pub fn planes(&self) -> usize {
        self.stuck.len()
    }

    /// What a cell holds whatever is written; none where it takes what is written.
    pub fn get(&self, column: usize, plane: usize, input: usize) -> Option<bool> {
        self.stuck[plane].get(column, input).then(|| self.held[plane].get(column, input))
    }

    pub fn set(&mut self, column: usize, plane: usize, input: usize, held: Option<bool>) {
        self.stuck[plane].set(column, input, held.is_some());
        self.held[plane].set(column, input, held == Some(true));
    }

    /// Number of stuck cells.
    pub fn count(&self) -> usize {
        let rows = |plane: &BitMatrix| (0..plane.rows()).map(|r| plane.count_ones_in_row(r) as usize).sum::<usize>();
        self.stuck.iter().map(rows).sum()
    }

    /// By plane: which cells are stuck, and what they hold (0 where a cell is not stuck).
    pub fn matrices(&self) -> (&[BitMatrix], &[BitMatrix]) {
        (&self.stuck, &self.held)
    }

    /// Bits of neuron `neuron` of `weights` that column `column` would hold wrong.
    pub fn wrong(&self, weights: &Weights, neuron: usize, column: usize) -> usize {
        let of_plane = |(plane, (stuck, held)): (&BitMatrix, (&BitMatrix, &BitMatrix))| {
            let cells = stuck.row(column).iter().zip(held.row(column)).zip(plane.row(neuron));
            cells.map(|((stuck, held), wanted)| (stuck & (held ^ wanted)).count_ones() as usize).sum::<usize>()
        };
        weights.planes().iter().zip(self.stuck.iter().zip(&self.held)).map(of_plane).sum()
    }

    /// What the crossbar holds after `weights` were written, neuron `n` to column `columns[n]`.
    pub fn hold(&self, weights: &mut Weights, columns: &[usize]) {
        for (plane, (stuck, held)) in weights.planes_mut().iter_mut().zip(self.stuck.iter().zip(&self.held)) {
            for (neuron, &column) in columns.iter().enumerate() {
                for (word, (stuck, held)) in stuck.row(column).iter().zip(held.row(column)).enumerate() {
                    let written = plane.row(neuron)[word];
                    plane.set_word(neuron, word, written & !stuck | held);
                }
            }
        }
    }
}

impl StuckMap {
    /// No stuck cell, and `spares` spare columns in every crossbar.
    pub fn none(network: &Network, spares: usize) -> StuckMap {
        let crossbars = |weights: Vec<&Weights>| weights.into_iter().map(|w| StuckCells::none(w, spares)).collect();
        StuckMap { layers: network.crossbar_weights().into_iter().map(crossbars).collect() }
    }

    pub fn crossbars(&self) -> impl Iterator<Item = &StuckCells> {
        self.layers.iter().flatten()
    }

    /// Whether this is a map of a network of that shape.
    ///
    /// # Errors
    /// Names the layer, its crossbar, and what is there and should be.
    pub fn check(&self, network: &Network) -> Result<(), String> {
        let all = network.crossbar_weights();
        if self.layers.len() != all.len() {
            return Err(format!("a map of {} layers for a network of {}", self.layers.len(), all.len()));
        }
        for (layer, (cells, weights)) in self.layers.iter().zip(&all).enumerate() {
            if cells.len() != weights.len() {
                return Err(format!("layer {layer}: a map of {} crossbars, but it has {}", cells.len(), weights.len()));
            }
            for (crossbar, (c, w)) in cells.iter().zip(weights).enumerate() {
                let (found, due) = ((c.neurons, c.inputs(), c.planes()), (w.rows(), w.cols(), w.planes().len()));
                if found != due {
                    return Err(format!(
                        "layer {layer}, crossbar {crossbar}: a map of {} neurons, {} inputs and {} planes, but there are {}, {} and {}",
                        found.0, found.1, found.2, due.0, due.1, due.2
                    ));
                }
                if c.spares() != cells[0].spares() {
                    return Err(format!(
                        "layer {layer}, crossbar {crossbar}: {} spare columns, but crossbar 0 has {}",
                        c.spares(),
                        cells[0].spares()
                    ));
                }
            }
        }
        Ok(())
    }

    /// The network that a die holds after `network` was written to it, each neuron to its column.
    pub fn hold(&self, network: &Network, columns: &Columns) -> Network {
        let mut network = network.clone();
        for (weights, (cells, columns)) in
            network.crossbar_weights_mut().into_iter().zip(self.layers.iter().zip(&columns.layers))
        {
            for (weights, (cells, columns)) in weights.into_iter().zip(cells.iter().zip(columns)) {
                cells.hold(weights, columns);
            }
        }
        network
    }
}

impl Columns {
    /// Every neuron in the column of its own.
    pub fn own(network: &Network) -> Columns {
        let crossbars = |weights: Vec<&Weights>| weights.iter().map(|w| (0..w.rows()).collect()).collect();
        Columns { layers: network.crossbar_weights().into_iter().map(crossbars).collect() }
    }

    /// Neurons that are not in the column of their own.
    pub fn moved(&self) -> usize {
        let of = |columns: &Vec<usize>| columns.iter().enumerate().filter(|(n, c)| n != *c).count();
        self.layers.iter().flatten().map(of).sum()
    }
}
