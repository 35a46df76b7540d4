//! Running images: all passes of some images at once, one pass of one image to a lane.

use super::dense::{GROUP, LaneWords, Operand, Reads};
use super::devices::{UnitLanes, Units};
use super::draws::Draws;
use super::layers::{Drawing, DrawingKind, HiddenLayer, Planes};
use super::masks::Masks;
use super::neurons::Neurons;
use super::reads::{self, Keys};
use super::{Golden, GoldenError};
use crate::net::Place;
use crate::random::{LANES, Lanes, Leap};

/// Runs several rows of images in step, each row one image after another, all passes of each.
pub(super) struct Runner<'g> {
    golden: &'g Golden,
    blocks: Vec<Block>,
    /// Activation and live bits of the layer in work, by words.
    x: Vec<LaneWords>,
    live: Vec<LaneWords>,
    next_x: Vec<LaneWords>,
    logits: Vec<i32>,
}

/// Passes computed together: all of several images, or some of one image. Lane `row·passes + pass`.
struct Block {
    passes: usize,
    /// Of the inputs, then of each layer.
    draws: Vec<Draws>,
    /// Of the keys of read errors, by layer.
    keys: Vec<Draws>,
}

/// Where the rows of a runner start: row r at image `first + r·distance`.
#[derive(Clone, Copy)]
pub(super) struct Rows {
    pub count: usize,
    pub first: u128,
    pub distance: usize,
}

impl Rows {
    /// Number of the first image of a row.
    fn image(&self, row: usize) -> u128 {
        self.first + (row * self.distance) as u128
    }
}

/// Rows that fill the lanes when an image has so many passes.
pub(super) fn rows_of(passes: usize) -> usize {
    (LANES / passes).max(1)
}

/// What all passes of an image share.
struct Shared {
    parting: Parting,
    /// Of each layer up to the parting one that a later layer adds: its sums as the contract has them, by crossbar.
    added: Vec<Vec<Vec<i64>>>,
}

/// Sums of the lanes that a later layer adds, as the contract has them: by group, then by neuron.
type Added = Vec<Vec<[i64; GROUP]>>;

/// What all passes of an image share of the parting layer, or of the inputs where these are dropped.
enum Parting {
    /// Activation bits before dropout, by crossbar.
    Bits(Vec<Vec<u64>>),
    /// The inputs.
    Inputs(Planes),
    /// Sums, of which every pass makes its own activations.
    Sums(Vec<i64>),
}

impl<'g> Runner<'g> {
    /// A runner of `passes` passes, whose stream starts are `starts` (see [`Golden::stream_starts`]).
    ///
    /// `rows.count` is at most [`rows_of`] the passes.
    pub fn drawing(golden: &'g Golden, starts: &[u64], passes: usize, rows: Rows) -> Result<Self, GoldenError> {
        let streams = golden.streams as usize;
        let code_bits = golden.random.code_bits;
        let mut blocks = Vec::with_capacity(passes.div_ceil(LANES));
        for first_pass in (0..passes).step_by(LANES) {
            let passes = LANES.min(passes - first_pass);
            let of = |drawing: Option<Drawing>| -> Result<Draws, GoldenError> {
                let Some(drawing) = drawing else { return Ok(Draws::None) };
                let of_passes: Vec<u64> =
                    (first_pass..first_pass + passes).map(|pass| starts[pass * streams + drawing.stream]).collect();
                let device = golden.devices.get(drawing.stream).and_then(Option::as_ref);
                let units = |code| -> Result<Option<UnitLanes>, GoldenError> {
                    let Some(device) = device else { return Ok(None) };
                    let units = Units::new(device, drawing.count, code, code_bits);
                    let numbers = (0..rows.count).map(|row| rows.image(row)).collect();
                    let per_image = drawing.count * device.draws();
                    let lanes_at = |back| golden.lanes(&of_passes, per_image, rows, back);
                    UnitLanes::new(units, numbers, passes, lanes_at).map(Some)
                };
                let lanes = || golden.lanes(&of_passes, drawing.count, rows, 0);
                Ok(match drawing.kind {
                    DrawingKind::Masks { code, maps, .. } => {
                        let masks = match units(code)? {
                            Some(units) => Masks::Devices(units),
                            None if code == 0 => Masks::Constant { live: true },
                            None if code == 1 << code_bits => Masks::Constant { live: false },
                            None => Masks::Drawn { lanes: lanes()?, code, code_bits },
                        };
                        match masks {
                            masks @ Masks::Constant { .. } => Draws::Masks(masks),
                            masks if maps => Draws::maps(masks, drawing.count),
                            masks => Draws::Masks(masks),
                        }
                    }
                    DrawingKind::Neurons { code } => match units(code)? {
                        Some(units) => Draws::decisions(units, drawing.count),
                        None => Draws::numbers(lanes()?, drawing.count, code_bits),
                    },
                    DrawingKind::Choice => Draws::numbers(lanes()?, drawing.count, code_bits),
                })
            };
            let draws = golden.drawings().map(of).collect::<Result<_, _>>()?;
            let keys = golden.keys.iter().map(|&drawing| of(drawing)).collect::<Result<_, _>>()?;
            blocks.push(Block { passes, draws, keys });
        }
        Ok(Runner::of(golden, blocks))
    }

    /// A runner of the deterministic pass.
    pub fn deterministic(golden: &'g Golden) -> Self {
        let draws = golden.drawings().map(|_| Draws::None).collect();
        let keys = golden.keys.iter().map(|_| Draws::None).collect();
        Runner::of(golden, vec![Block { passes: 1, draws, keys }])
    }

    fn of(golden: &'g Golden, blocks: Vec<Block>) -> Self {
        let words = golden.hidden.iter().map(HiddenLayer::output_words).max().unwrap_or(0);
        let words = words.max(if golden.parts_at_inputs { golden.inputs_live.len() } else { 0 });
        let zeros = || vec![[[0; GROUP]; LANES / GROUP]; words];
        Runner { golden, blocks, x: zeros(), live: zeros(), next_x: zeros(), logits: vec![] }
    }

    /// The logits of the next image of each row, `rows × passes × classes`.
    ///
    /// Rows may run out of images, the last row first: `images` holds those of the rows that go on.
    pub fn next_images(&mut self, images: &[&[i16]]) -> &[i32] {
        let Runner { golden, blocks, x, live, next_x, logits } = self;
        let code_bits = golden.random.code_bits;
        let shared: Vec<Shared> = images.iter().map(|image| golden.shared(image)).collect();
        logits.clear();
        for Block { passes, draws, keys } in blocks {
            let lanes = images.len() * *passes;
            let parts_at_inputs = golden.parts_at_inputs;
            // Bit planes of the inputs, where there are several.
            let mut inputs = vec![];
            if parts_at_inputs {
                draws[0].next_image(golden.input.features, &golden.inputs_live, live);
                for lane in 0..lanes {
                    let Parting::Inputs(image) = &shared[lane / *passes].parting else { continue };
                    for (j, (value, bits, live_bits)) in image.words().enumerate() {
                        if golden.input.bits == 1 {
                            put_lane(x, lane, bits);
                            continue;
                        }
                        if lane == 0 {
                            let zeros = || vec![[[0; GROUP]; LANES / GROUP]; golden.inputs_live.len()];
                            inputs.push((value, zeros(), zeros()));
                        }
                        put_lane(&mut inputs[j].1, lane, bits);
                        put_lane(&mut inputs[j].2, lane, live_bits);
                    }
                }
            }
            let keys: Vec<Option<Vec<Keys>>> =
                keys.iter_mut().map(|draws| next_keys(draws, lanes, golden.random.code_bits)).collect();
            let mut added: Vec<Added> = vec![vec![]; golden.hidden.len()];
            for (l, _) in golden.hidden[..golden.parting].iter().enumerate().filter(|(_, layer)| layer.is_added) {
                let rows = shared.first().map_or(0, |shared| shared.added[l][0].len());
                added[l] = of_lanes(rows, lanes, |lane, row| shared[lane / *passes].added[l][0][row]);
            }
            for (l, layer) in golden.hidden.iter().enumerate().skip(golden.parting) {
                let draws = &mut draws[1 + l];
                if l > golden.parting || parts_at_inputs {
                    let words = l.checked_sub(1).map_or(golden.inputs_live.len(), |b| golden.hidden[b].output_words());
                    // Sums come of the masks before; the draws are this layer's.
                    let mut planes = vec![(1, &x[..words], &live[..words])];
                    if l == 0 && !inputs.is_empty() {
                        planes = inputs.iter().map(|(value, x, live)| (*value, &x[..], &live[..])).collect();
                    }
                    let keys = keys[l].as_deref();
                    match &layer.crossbars[..] {
                        [crossbar] if layer.only_fires() && planes.len() == 1 => {
                            if let Neurons::Threshold(thresholds) = &crossbar.neurons {
                                let (_, x, live) = planes[0];
                                crossbar.fire_lanes(thresholds, lanes.div_ceil(GROUP), x, live, keys, next_x);
                            }
                            draws.next_image(layer.size, &layer.all_live, live);
                        }
                        crossbars => {
                            let groups = 0..lanes.div_ceil(GROUP);
                            let adds = |g: usize| layer.residual.map(|from| &added[from][g][..]);
                            let reads = |g: usize| Reads { key: keys.map(|keys| &keys[g]), first: 0 };
                            let of_group = |c, g| layer.lane_sums(c, g, &planes, adds(g), reads(g));
                            let sums: Vec<Vec<Vec<[i64; GROUP]>>> = (0..crossbars.len())
                                .map(|c| groups.clone().map(|g| of_group(c, g)).collect())
                                .collect();
                            draws.next_image(layer.size, &layer.all_live, live);
                            for lane in 0..lanes {
                                let chosen = layer.chosen(draws.of_lane(lane), code_bits);
                                let sums = &sums[chosen][lane / GROUP];
                                let sum = |row: usize| sums[row][lane % GROUP];
                                fire_lane(layer, chosen, sum, draws, lane, next_x);
                            }
                            if layer.is_added {
                                let chosen: Vec<usize> =
                                    (0..lanes).map(|lane| layer.chosen(draws.of_lane(lane), code_bits)).collect();
                                added[l] = of_lanes(sums[0][0].len(), lanes, |lane, row| {
                                    let sign = layer.crossbars[chosen[lane]].contract_sign(row);
                                    sign * sums[chosen[lane]][lane / GROUP][row][lane % GROUP]
                                });
                            }
                        }
                    }
                    std::mem::swap(x, next_x);
                } else {
                    draws.next_image(layer.size, &layer.all_live, live);
                    for lane in 0..lanes {
                        match &shared[lane / *passes].parting {
                            Parting::Bits(bits) => {
                                put_lane(x, lane, &bits[layer.chosen(draws.of_lane(lane), code_bits)]);
                            }
                            Parting::Inputs(_) => {}
                            Parting::Sums(sums) => fire_lane(layer, 0, |row| sums[row], draws, lane, x),
                        }
                    }
                    if layer.is_added {
                        let chosen: Vec<usize> =
                            (0..lanes).map(|lane| layer.chosen(draws.of_lane(lane), code_bits)).collect();
                        let rows = shared[0].added[l][0].len();
                        added[l] =
                            of_lanes(rows, lanes, |lane, row| shared[lane / *passes].added[l][chosen[lane]][row]);
                    }
                }
                if layer.place() == Some(Place::BeforeSign) {
                    for ((x, live), &all) in x.iter_mut().zip(live.iter_mut()).zip(&layer.all_live) {
                        for (x, live) in x.as_flattened_mut().iter_mut().zip(live.as_flattened_mut()) {
                            *x |= !*live & all;
                            *live = all;
                        }
                    }
                }
            }
            let words = golden.hidden[golden.hidden.len() - 1].output_words();
            let drawn = &mut draws[1 + golden.hidden.len()];
            drawn.next_choices();
            let chosen = |lane: usize| golden.output.chosen(drawn.of_lane(lane), code_bits);
            let keys = keys[golden.hidden.len()].as_deref();
            golden.output.push_logits(lanes, chosen, &x[..words], &live[..words], keys, logits);
        }
        logits
    }

    /// Which inputs are kept in the first lane for its next image.
    pub fn next_inputs(&mut self) -> Vec<u64> {
        let Runner { golden, blocks, live, .. } = self;
        if golden.input_drawing.is_none() {
            return golden.inputs_live.clone();
        }
        blocks[0].draws[0].next_image(golden.input.features, &golden.inputs_live, live);
        live[..golden.inputs_live.len()].iter().map(|word| word[0][0]).collect()
    }

    /// The crossbar of the output layer in the first lane for its next image.
    pub fn next_output(&mut self) -> usize {
        let Runner { golden, blocks, .. } = self;
        let draws = &mut blocks[0].draws[1 + golden.hidden.len()];
        draws.next_choices();
        golden.output.chosen(draws.of_lane(0), golden.random.code_bits)
    }

    /// The keys of each layer's read errors in the first lane for its next image, the output layer last.
    pub fn next_keys(&mut self) -> Vec<Option<u64>> {
        let code_bits = self.golden.random.code_bits;
        let keys = self.blocks[0].keys.iter_mut().map(|draws| {
            draws.next_choices();
            lane_key(draws, 0, code_bits)
        });
        keys.collect()
    }

    /// Draws of each hidden layer in the first lane for its next image: which neurons are kept, and the numbers.
    pub fn next_draws(&mut self) -> Vec<(Vec<u64>, Option<Vec<u32>>)> {
        let Runner { golden, blocks, live, .. } = self;
        let layers = golden.hidden.iter().zip(&mut blocks[0].draws[1..]);
        let draws = layers.map(|(layer, draws)| {
            draws.next_image(layer.size, &layer.all_live, live);
            let kept = live[..layer.output_words()].iter().map(|word| word[0][0]).collect();
            let count = layer.drawing.map_or(0, |d| d.count);
            (kept, draws.of_lane(0).map(|draw| (0..count).map(draw).collect()))
        });
        draws.collect()
    }
}

/// Writes the bits of one lane.
fn put_lane(x: &mut [LaneWords], lane: usize, bits: &[u64]) {
    for (x, &bits) in x.iter_mut().zip(bits) {
        x.as_flattened_mut()[lane] = bits;
    }
}

/// The key of read errors in a lane, if keys are drawn.
fn lane_key(draws: &Draws, lane: usize, code_bits: u32) -> Option<u64> {
    let draw = draws.of_lane(lane)?;
    Some(reads::key((0..64usize.div_ceil(code_bits as usize)).map(draw), code_bits))
}

/// The keys of the next image in every lane, by groups of lanes, if keys are drawn.
fn next_keys(draws: &mut Draws, lanes: usize, code_bits: u32) -> Option<Vec<Keys>> {
    draws.next_choices();
    let keys: Vec<u64> = (0..lanes).map(|lane| lane_key(draws, lane, code_bits)).collect::<Option<_>>()?;
    let of_group = |group: &[u64]| Keys::new(|column| group.get(column).copied().unwrap_or(0));
    Some(keys.chunks(GROUP).map(of_group).collect())
}

/// The activation bits that do not depend on draws.
fn fire_shared(layer: &HiddenLayer, crossbar: usize, sums: &[i64]) -> Vec<u64> {
    layer.fire(crossbar, |row| sums[row], None::<fn(usize) -> u32>)
}

/// `value` of each of the first `lanes` lanes and each of `rows` neurons.
fn of_lanes(rows: usize, lanes: usize, value: impl Fn(usize, usize) -> i64) -> Added {
    let mut all = vec![vec![[0; GROUP]; rows]; lanes.div_ceil(GROUP)];
    for lane in 0..lanes {
        for (row, values) in all[lane / GROUP].iter_mut().enumerate() {
            values[lane % GROUP] = value(lane, row);
        }
    }
    all
}

/// Writes the activation bits of one lane.
fn fire_lane(
    layer: &HiddenLayer,
    crossbar: usize,
    sum: impl Fn(usize) -> i64,
    draws: &Draws,
    lane: usize,
    x: &mut [LaneWords],
) {
    for (word, bits) in x.iter_mut().zip(layer.fire(crossbar, sum, draws.of_lane(lane))) {
        word.as_flattened_mut()[lane] = bits;
    }
}

impl Golden {
    /// What the inputs and each layer draw.
    fn drawings(&self) -> impl Iterator<Item = Option<Drawing>> {
        let hidden = self.hidden.iter().map(|layer| layer.drawing);
        std::iter::once(self.input_drawing).chain(hidden).chain([self.output.drawing])
    }

    /// What the passes of an image share.
    fn shared(&self, image: &[i16]) -> Shared {
        let image = Planes::new(self.input, image);
        if self.parts_at_inputs {
            return Shared { parting: Parting::Inputs(image), added: vec![] };
        }
        let mut x: Vec<u64> = vec![];
        let mut parting = None;
        let mut added: Vec<Vec<Vec<i64>>> = vec![];
        for (l, layer) in self.hidden[..=self.parting].iter().enumerate() {
            let planes = match l {
                0 => image.operands(),
                _ => vec![(1, Operand::new(&x, &self.hidden[l - 1].all_live))],
            };
            let adds = layer.residual.map(|from| &added[from][0][..]);
            let mut sums: Vec<Vec<i64>> =
                (0..layer.crossbars.len()).map(|c| layer.sums(c, &planes, adds, Reads::right())).collect();
            added.push(match layer.is_added {
                true => layer.crossbars.iter().zip(&sums).map(|(c, sums)| c.contract_sums(sums)).collect(),
                false => vec![],
            });
            if l == self.parting && layer.draws_numbers() {
                parting = Some(Parting::Sums(std::mem::take(&mut sums[0])));
            } else if l == self.parting {
                let bits = sums.iter().enumerate().map(|(c, sums)| fire_shared(layer, c, sums));
                parting = Some(Parting::Bits(bits.collect()));
            } else {
                x = fire_shared(layer, 0, &sums[0]);
            }
        }
        Shared { parting: parting.unwrap_or(Parting::Bits(vec![x])), added }
    }

    /// The streams of a block of passes, which start in `starts`, where `draws` draws are made for an image: row r `back` images before
    /// its first, or at the start where there are not so many.
    fn lanes(&self, starts: &[u64], draws: usize, rows: Rows, back: u128) -> Result<Lanes, GoldenError> {
        let early = (0..rows.count).take_while(|&row| rows.image(row) < back).count();
        let mut states = starts.repeat(early);
        if early < rows.count {
            let mut later = starts.to_vec();
            self.jump_to_image(draws, rows.image(early) - back).apply_to_all(&mut later);
            // One row gives the second, two give four, and so on.
            let mut jump = self.jump_to_image(draws, rows.distance as u128);
            while states.len() + later.len() < rows.count * starts.len() {
                let mut more = later.clone();
                jump.apply_to_all(&mut more);
                later.extend(more);
                jump = jump.twice();
            }
            states.extend(later);
        }
        states.truncate(rows.count * starts.len());
        Ok(Lanes::of(&self.generator, states)?)
    }

    /// From the start of a stream to its first draw for image `n`, in a layer of `draws` draws.
    fn jump_to_image(&self, draws: usize, n: u128) -> Leap {
        self.generator.jump(n * draws as u128)
    }
}
