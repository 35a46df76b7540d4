//! Convolutions (`docs/semantics.md` §2): how a layer reads its inputs as a map, and pools its sums or activations.

use super::Hidden;
use serde::{Deserialize, Serialize};

/// A feature map; value (y, x, c) is number (y · width + x) · channels + c.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Map {
    pub height: usize,
    pub width: usize,
    pub channels: usize,
}

impl Map {
    pub fn positions(&self) -> usize {
        self.height * self.width
    }

    /// Values.
    pub fn size(&self) -> usize {
        self.positions() * self.channels
    }
}

/// A convolution; pairs are (vertical, horizontal).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conv {
    /// What the layer reads.
    pub input: Map,
    pub kernel: (usize, usize),
    pub stride: (usize, usize),
    pub pad: Pad,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<Pool>,
}

/// Rows and columns beside a map that are never live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pad {
    pub top: usize,
    pub left: usize,
    pub bottom: usize,
    pub right: usize,
}

/// Pooling over windows of positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    pub kind: PoolKind,
    pub size: (usize, usize),
    pub stride: (usize, usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PoolKind {
    /// The largest sum.
    Max,
    /// The sum of sums.
    Sum,
    /// Whether any neuron fires.
    Or,
}

impl Pad {
    pub fn any(&self) -> bool {
        *self != Pad::default()
    }
}

impl Conv {
    /// Inputs of a neuron.
    pub fn taps(&self) -> usize {
        self.kernel.0 * self.kernel.1 * self.input.channels
    }

    /// Positions of the sums, before pooling: (rows, columns).
    pub fn summed(&self) -> (usize, usize) {
        let Conv { input, kernel, stride, pad, .. } = self;
        let count = |size: usize, kernel: usize, stride: usize| 1 + (size - kernel) / stride;
        (
            count(input.height + pad.top + pad.bottom, kernel.0, stride.0),
            count(input.width + pad.left + pad.right, kernel.1, stride.1),
        )
    }

    /// Positions of the activations: (rows, columns).
    pub fn positions(&self) -> (usize, usize) {
        let (rows, cols) = self.summed();
        match self.pool {
            Some(Pool { size, stride, .. }) => (1 + (rows - size.0) / stride.0, 1 + (cols - size.1) / stride.1),
            None => (rows, cols),
        }
    }

    /// Positions where neurons decide, after pooling of sums and before that of activations: (rows, columns).
    pub fn decided(&self) -> (usize, usize) {
        match self.pool {
            Some(Pool { kind: PoolKind::Or, .. }) => self.summed(),
            _ => self.positions(),
        }
    }

    /// Sums that pooling adds up.
    pub fn summands(&self) -> usize {
        match self.pool {
            Some(Pool { kind: PoolKind::Sum, size, .. }) => size.0 * size.1,
            _ => 1,
        }
    }

    /// Kernel, stride, padding and pooling in one word: `c5` for 5 × 5, `c3s2z1p2` for 3 × 3 with stride 2, one row and column that are
    /// never live on every side, and pooling over 2 × 2.
    pub fn in_short(&self) -> String {
        let pair = |(rows, cols): (usize, usize)| match rows == cols {
            true => rows.to_string(),
            false => format!("{rows}x{cols}"),
        };
        let Pad { top, left, bottom, right } = self.pad;
        let mut text = format!("c{}", pair(self.kernel));
        if self.stride != (1, 1) {
            text += &format!("s{}", pair(self.stride));
        }
        if (top, left) == (bottom, right) && self.pad.any() {
            text += &format!("z{}", pair((top, left)));
        } else if self.pad.any() {
            text += &format!("z{top}+{bottom}x{left}+{right}");
        }
        if let Some(Pool { kind, size, stride }) = self.pool {
            text += match kind {
                PoolKind::Or => "p",
                PoolKind::Max => "max",
                PoolKind::Sum => "sum",
            };
            text += &pair(size);
            if stride != size {
                text += &format!("s{}", pair(stride));
            }
        }
        text
    }

    /// Whether sizes fit together. Says what is wrong.
    pub(crate) fn check(&self, fan_in: usize) -> Result<(), String> {
        let Conv { input, kernel, stride, pad, pool } = self;
        let Map { height, width, channels } = *input;
        let size = height.checked_mul(width).and_then(|p| p.checked_mul(channels));
        if size != Some(fan_in) || fan_in == 0 {
            return Err(format!(
                "a map of {height} × {width} × {channels}, but the layer before gives {fan_in} values"
            ));
        }
        for (what, found) in [("kernel", kernel), ("stride", stride)] {
            if found.0 == 0 || found.1 == 0 {
                return Err(format!("{what} {} × {}; at least 1 each way", found.0, found.1));
            }
        }
        for (size, kernel, pads, what) in
            [(height, kernel.0, [pad.top, pad.bottom], "high"), (width, kernel.1, [pad.left, pad.right], "wide")]
        {
            if pads.iter().any(|&pad| pad >= kernel) {
                return Err(format!(
                    "{pads:?} padding of a kernel {kernel} {what}: a position would lie outside the map"
                ));
            }
            if size + pads[0] + pads[1] < kernel {
                return Err(format!("a kernel {kernel} {what}, but the map is {size} with {pads:?} padding"));
            }
        }
        if let Some(Pool { size, stride, .. }) = pool {
            let (rows, cols) = self.summed();
            if size.0 == 0 || size.1 == 0 || stride.0 == 0 || stride.1 == 0 {
                return Err(format!("pooling over {size:?} with stride {stride:?}; at least 1 each way"));
            }
            if size.0 > rows || size.1 > cols {
                return Err(format!("pooling over {} × {} of {rows} × {cols} positions", size.0, size.1));
            }
        }
        Ok(())
    }
}

impl Hidden {
    /// Positions of the activations; 1 in a dense layer.
    pub fn positions(&self) -> usize {
        self.conv.map_or(1, |conv| conv.positions().0 * conv.positions().1)
    }

    /// Activations of the layer.
    pub fn size(&self) -> usize {
        self.positions() * self.weights.rows()
    }

    /// The map of what the neurons decide on: as the activations, but before activations are pooled.
    pub fn decided(&self) -> Map {
        let (height, width) = self.conv.map_or((1, 1), |conv| conv.decided());
        Map { height, width, channels: self.weights.rows() }
    }

    /// The map of the activations; a dense layer's has one position.
    pub fn map(&self) -> Map {
        let (height, width) = self.conv.map_or((1, 1), |conv| conv.positions());
        Map { height, width, channels: self.weights.rows() }
    }

    /// Draws that one pass of one image takes.
    pub fn draws(&self) -> usize {
        self.method.as_ref().map_or(0, |method| method.draws(self.weights.rows(), self.size()))
    }
}
