//! What a host writes through the programming port (`docs/programming.md`).

use super::cells::Cells;
use super::program::{Field, Programmer, Region, What};
use super::writable::PORT_BITS;
use super::{Design, MemoryImage, RtlError, top};
use crate::net::{Columns, Network, StuckMap};
use crate::verilog::index_width;
use std::collections::BTreeMap;

/// A word to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Write {
    pub address: u32,
    pub data: u32,
}

/// The addresses of a design's programming port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programming {
    pub regions: Vec<Region>,
    /// Bits of an address below the number of its region.
    pub span: u32,
}

impl Programming {
    pub(super) fn new(programmer: &Programmer) -> Programming {
        Programming { regions: programmer.regions.clone(), span: programmer.span() }
    }

    /// First address of a region.
    pub fn base(&self, region: usize) -> u32 {
        (region as u32) << self.span
    }

    /// Address of beat `beat` of slice `slice` of word `row` of a region's memory.
    fn address(&self, region: usize, row: u32, slice: u32, beat: u32) -> u32 {
        let r = &self.regions[region];
        let value = |name: &str| match (name, &r.what) {
            ("beat", _) => beat,
            ("slice", _) => slice,
            ("word", What::Weights { words, .. } | What::Columns { words, .. }) => row % words,
            ("group", What::Weights { words, groups, .. } | What::Columns { words, groups, .. }) => {
                row / words % groups
            }
            ("crossbar", What::Weights { words, groups, .. } | What::Columns { words, groups, .. }) => {
                row / words / groups
            }
            _ => row,
        };
        let (mut address, mut lo) = (self.base(region), 0);
        for (name, count) in r.fields() {
            address |= value(name) << lo;
            lo += index_width(count);
        }
        address
    }

    /// Fields of a region's addresses with the number of their lowest bit.
    pub fn layout(&self, region: usize) -> Vec<(Field, u32)> {
        let mut lo = 0;
        let mut place = |field: Field| {
            let at = lo;
            lo += index_width(field.1);
            (field, at)
        };
        self.regions[region].fields().into_iter().map(&mut place).collect()
    }
}

/// What the memories of a design hold so that it computes a network.
pub struct Contents<'a> {
    programming: &'a Programming,
    /// Words of the memories' images by file.
    words: BTreeMap<String, Vec<Vec<u32>>>,
}

impl Design {
    /// What the memories of this design, which must have a programming port, hold so that it computes `network`.
    ///
    /// # Errors
    /// If the network does not fit the design: whatever is not a memory that a host can write has to be the same.
    pub fn contents(&self, network: &Network) -> Result<Contents<'_>, RtlError> {
        let refused = |what: String| Err(RtlError::Unsupported(format!("design `{}`: {what}", self.name)));
        let Some(programming) = &self.programming else {
            return refused("it has no programming port; generate it with the option `writable`".into());
        };
        let network = Network { name: self.name.clone(), ..network.clone() };
        let other = top::build(&network, &self.plan, self.options.clone(), false)?;
        let control = format!("{}_control", self.name);
        for module in self.modules.iter().filter(|m| m.name() != control) {
            match other.modules.iter().find(|m| m.name() == module.name()) {
                Some(same) if same.text() == module.text() => {}
                Some(_) => {
                    return refused(format!(
                        "the network needs another `{}`: shapes, methods, number formats and widths of constants have to be \
                         those of the network that the design was generated for",
                        module.name()
                    ));
                }
                None => {
                    return refused(format!(
                        "the network has no use for `{}`: it is one of another shape",
                        module.name()
                    ));
                }
            }
        }
        if let Some(module) = other.modules.iter().find(|m| self.modules.iter().all(|own| own.name() != m.name())) {
            return refused(format!(
                "the network needs `{}`, which is not there: it is one of another shape",
                module.name()
            ));
        }
        if self.registers.iter().map(|r| r.address).ne(other.registers.iter().map(|r| r.address)) {
            return refused("the network needs other registers".into());
        }
        let written = |image: &MemoryImage| programming.regions.iter().any(|r| r.file == image.file);
        for image in other.images.iter().filter(|image| !written(image)) {
            if !self.images.contains(image) {
                return refused(format!("the network needs another `{}`, which a host cannot write", image.file));
            }
        }
        let words = other.images.iter().filter(|image| written(image));
        let words = words.map(|image| (image.file.clone(), image.text.lines().map(parse).collect())).collect();
        Ok(Contents { programming, words })
    }

    /// Finds the stuck cells of all columns by what they do: `port` writes words one after the other, and gives what is read back for
    /// each. Weights and tables have to be written anew afterwards.
    ///
    /// # Errors
    /// Those of the port.
    pub fn find_stuck<E>(
        &self,
        network: &Network,
        mut port: impl FnMut(&[Write]) -> Result<Vec<u32>, E>,
    ) -> Result<StuckMap, E> {
        let spares =
            self.options.stuck.as_ref().and_then(|map| map.crossbars().next()).map_or(0, |cells| cells.spares());
        let mut map = StuckMap::none(network, spares);
        let Some(programming) = &self.programming else { return Ok(map) };
        for (region, r) in programming.regions.iter().enumerate() {
            let What::Weights { crossbars, groups, words, cells: Some(_) } = r.what else { continue };
            let layer = &self.layers[r.layer];
            let (simd, each) = (layer.simd, layer.beat_values());
            let channels = layer.conv.map_or(0, |conv| conv.input.channels);
            for crossbar in 0..crossbars {
                let cells = &mut map.layers[r.layer][crossbar as usize];
                let first = crossbar * groups * words;
                for column in 0..cells.columns() {
                    // The crossbar's first neuron stands in for every column.
                    let table = programming.address(region + 1, first, 0, 0);
                    port(&[Write { address: table, data: Cells::entry(column, false) }])?;
                    let all = (0..words).flat_map(|word| (0..r.memory.beats()).map(move |beat| (word, beat)));
                    let at: Vec<(u32, u32)> = all.collect();
                    let mut write = |data: u32| {
                        let write = |&(word, beat): &(u32, u32)| Write {
                            address: programming.address(region, first + word, 0, beat),
                            data,
                        };
                        port(&at.iter().map(write).collect::<Vec<_>>())
                    };
                    let (ones, zeros) = (write(u32::MAX)?, write(0)?);
                    for ((&(word, beat), ones), zeros) in at.iter().zip(ones).zip(zeros) {
                        for b in 0..r.memory.beat_bits(beat) {
                            let held = match (zeros >> b & 1, ones >> b & 1) {
                                (1, 1) => Some(true),
                                (0, 0) => Some(false),
                                _ => continue,
                            };
                            let at = (beat * PORT_BITS + b) as usize;
                            let (plane, place, i) = (at / simd, at % simd / each, at % simd % each);
                            cells.set(column, plane, place * channels + word as usize * each + i, held);
                        }
                    }
                }
            }
        }
        Ok(map)
    }
}

impl Contents<'_> {
    /// Everything: tables, weights, constants, with every neuron in the column of its own.
    pub fn all(&self) -> Vec<Write> {
        let mut all = self.tables(None);
        all.extend(self.weights());
        all.extend(self.constants());
        all
    }

    /// The tables of columns: in which column each neuron is (its own, unless `columns` says otherwise), and whether its weights are
    /// stored inverted. To be written before the weights.
    pub fn tables(&self, columns: Option<&Columns>) -> Vec<Write> {
        let mut writes = vec![];
        for (region, r) in self.programming.regions.iter().enumerate() {
            let What::Columns { crossbars, groups, words } = r.what else { continue };
            for (crossbar, group, slice) in neurons(crossbars, groups, r.memory.slices) {
                let neuron = (group * r.memory.slices + slice) as usize;
                let own = columns.map(|c| c.layers[r.layer][crossbar as usize][neuron]).unwrap_or(neuron);
                let own = if self.has_columns(region) { own } else { 0 };
                let data = Cells::entry(own, self.inverted(region, crossbar, group, slice));
                let address = self.programming.address(region, (crossbar * groups + group) * words, slice, 0);
                writes.push(Write { address, data });
            }
        }
        writes
    }

    /// The weights, as the network has them.
    pub fn weights(&self) -> Vec<Write> {
        let mut writes = vec![];
        for (region, r) in self.programming.regions.iter().enumerate() {
            let What::Weights { groups, words, cells, .. } = &r.what else { continue };
            for (row, line) in self.lines(r) {
                for slice in 0..r.memory.slices {
                    let (crossbar, group) = (row / words / groups, row / words % groups);
                    let inverted = cells.is_some() && self.inverted(region + 1, crossbar, group, slice);
                    for beat in 0..r.memory.beats() {
                        let width = r.memory.beat_bits(beat);
                        let stored = bits(line, slice * r.memory.bits + beat * PORT_BITS, width);
                        let data = if inverted { !stored & ones(width) } else { stored };
                        writes.push(Write { address: self.programming.address(region, row, slice, beat), data });
                    }
                }
            }
        }
        writes
    }

    /// Constants: start values, parameters of neurons, scales and offsets of classes.
    pub fn constants(&self) -> Vec<Write> {
        let mut writes = vec![];
        for (region, r) in self.programming.regions.iter().enumerate() {
            if r.what != What::Constants {
                continue;
            }
            // Behind the rows that a host reaches start values have one of zeros.
            for (row, line) in self.lines(r).take(r.memory.rows as usize) {
                for slice in 0..r.memory.slices {
                    for beat in 0..r.memory.beats() {
                        let at = slice * r.memory.bits + beat * PORT_BITS;
                        let data = bits(line, at, r.memory.beat_bits(beat));
                        writes.push(Write { address: self.programming.address(region, row, slice, beat), data });
                    }
                }
            }
        }
        writes
    }

    /// Whether the table in `region` says in which column a neuron is: where cells can be stuck.
    fn has_columns(&self, region: usize) -> bool {
        let weights = region.checked_sub(1).map(|before| &self.programming.regions[before].what);
        matches!(weights, Some(What::Weights { cells: Some(Cells { columns: Some(_), .. }), .. }))
    }

    fn lines(&self, region: &Region) -> impl Iterator<Item = (u32, &[u32])> {
        let lines = self.words.get(&region.file).into_iter().flatten();
        (0..).zip(lines).map(|(row, line)| (row, &line[..]))
    }

    /// Whether the weights of a neuron are stored inverted, by the image of the table in `region`.
    fn inverted(&self, region: usize, crossbar: u32, group: u32, slice: u32) -> bool {
        let r = &self.programming.regions[region];
        let (What::Columns { groups, .. }, Some(What::Weights { cells: Some(cells), .. })) =
            (&r.what, region.checked_sub(1).map(|before| &self.programming.regions[before].what))
        else {
            return false;
        };
        let some = |n: u32| if n > 1 { 1 << index_width(n) } else { 1 };
        let at = (crossbar * some(*groups) + group) * some(r.memory.slices) + slice;
        cells.inverts && self.lines(r).nth(at as usize).is_some_and(|(_, line)| line[0] & 1 == 1)
    }
}

fn neurons(crossbars: u32, groups: u32, slices: u32) -> impl Iterator<Item = (u32, u32, u32)> {
    (0..crossbars * groups * slices).map(move |n| (n / slices / groups, n / slices % groups, n % slices))
}

fn ones(width: u32) -> u32 {
    u32::MAX >> (PORT_BITS - width)
}

/// A line of a memory image as 32-bit words, lowest first.
fn parse(line: &str) -> Vec<u32> {
    let digits: Vec<u32> = line.chars().rev().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks(8).map(|eight| eight.iter().rev().fold(0, |word, digit| word << 4 | digit)).collect()
}

/// `width` bits of a line's words from bit `lo` on, at most 32.
fn bits(line: &[u32], lo: u32, width: u32) -> u32 {
    let (at, shift) = ((lo / 32) as usize, lo % 32);
    let word = |i: usize| u64::from(line.get(i).copied().unwrap_or(0));
    ((word(at) | word(at + 1) << 32) >> shift) as u32 & ones(width)
}
