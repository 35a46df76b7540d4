//! Dropout units that are devices, of many lanes at once (`docs/semantics.md` §8). A lane is one pass of one image; numbers that
//! differ from lane to lane are planes of bits.

use crate::net::{Cycle, Device, Walk};
use crate::random::{LANES, LaneBits, Lanes};

/// Bits of a code that has moved, in two's complement: four more than the widest code.
const WIDTH: usize = 20;
/// Units whose draws are made at a time, so that they stay at hand.
const CHUNK: usize = 64;
/// Most images that are looked back upon at a time.
const MOST: u128 = 256;
const NONE: LaneBits = [0; LANES / 64];
const ALL: LaneBits = [u64::MAX; LANES / 64];

/// A number a lane: bit j of all lanes in plane j.
type Planes = [LaneBits; WIDTH];

/// The units of a stream, and what they are like.
pub(super) struct Units {
    code_bits: usize,
    /// Code and deviation of each unit.
    targets: Vec<i64>,
    /// One a unit.
    stuck: Vec<Option<bool>>,
    /// What a random bit moves, and how many are counted.
    jitter: Option<(u32, usize)>,
    walk: Option<Walk>,
    cycle: Option<Cycle>,
    draws: usize,
}

/// The units of a stream in many lanes, image after image.
pub(super) struct UnitLanes {
    units: Units,
    lanes: Lanes,
    /// Number of the next image of each row of `passes` lanes.
    rows: Vec<u128>,
    passes: usize,
    /// By unit, where they have a cycle.
    states: Vec<LaneBits>,
    /// By unit: lanes of the last image that drop.
    dropped: Vec<LaneBits>,
}

/// What the draws of a unit decide in every lane.
struct Events {
    set: LaneBits,
    misread: LaneBits,
    reset: LaneBits,
}

impl Units {
    /// `count` units whose layer has code `code`.
    pub fn new(device: &Device, count: usize, code: u32, code_bits: u32) -> Units {
        let deviation = |u: usize| i64::from(device.deviations.get(u).copied().unwrap_or(0));
        let counted = Device::jitter_bits(code_bits) as usize;
        Units {
            code_bits: code_bits as usize,
            targets: (0..count).map(|u| i64::from(code) + deviation(u)).collect(),
            stuck: (0..count).map(|u| device.stuck.get(u).copied().flatten()).collect(),
            jitter: (device.jitter > 0).then_some((device.jitter, counted)),
            walk: device.walk,
            cycle: device.cycle,
            draws: device.draws(),
        }
    }

    /// The draws of all units for the next image of every lane; `walk` is how far codes have walked.
    fn draw(&self, lanes: &mut Lanes, walk: Option<&Planes>, mut each: impl FnMut(usize, Events)) {
        let k = self.code_bits;
        for first in (0..self.targets.len()).step_by(CHUNK) {
            let units = first..self.targets.len().min(first + CHUNK);
            let bits = lanes.next_bits(units.len() * self.draws * k);
            for (u, bits) in units.zip(bits.chunks_exact(self.draws * k)) {
                let mut draws = bits.chunks_exact(k);
                let mut next = || draws.next().unwrap_or(&[]);
                let set = next();
                let set = match (self.jitter, walk) {
                    (None, None) => below(set, self.targets[u]),
                    (jitter, walk) => {
                        let (step, counted) = jitter.unwrap_or((0, 0));
                        let mut target = walk.copied().unwrap_or([NONE; WIDTH]);
                        add(&mut target, &constant(self.targets[u] - i64::from(step) * counted as i64 / 2));
                        if let Some((step, counted)) = jitter {
                            let ones = ones(&next()[..counted]);
                            for shift in (0..u32::BITS - step.leading_zeros()).filter(|b| step >> b & 1 == 1) {
                                let mut shifted = [NONE; WIDTH];
                                shifted[shift as usize..].iter_mut().zip(ones).for_each(|(plane, one)| *plane = one);
                                add(&mut target, &shifted);
                            }
                        }
                        below_each(set, &target)
                    }
                };
                let (mut misread, mut reset) = (NONE, NONE);
                if let Some(cycle) = self.cycle {
                    reset = below(next(), cycle.reset.into());
                    misread = below(next(), cycle.misread.into());
                }
                each(u, Events { set, misread, reset });
            }
        }
    }

    /// How far the codes of each lane have walked; `image` is the number of its image.
    fn walked(&self, lanes: usize, image: impl Fn(usize) -> u128) -> Option<Planes> {
        let Walk { step, limit } = self.walk?;
        let mut planes = [NONE; WIDTH];
        for lane in 0..lanes {
            let (step, limit) = (u128::from(step), i64::from(limit));
            let m = (image(lane) % (4 * limit as u128) * step % (4 * limit as u128)) as i64;
            let walk = if m <= limit {
                m
            } else if m <= 3 * limit {
                2 * limit - m
            } else {
                m - 4 * limit
            };
            for (j, plane) in planes.iter_mut().enumerate() {
                plane[lane / 64] |= ((walk >> j & 1) as u64) << (lane % 64);
            }
        }
        Some(planes)
    }

    /// Whether a unit's SET can never succeed.
    fn never_sets(&self, u: usize) -> bool {
        let jitter = self.jitter.map_or(0, |(step, counted)| i64::from(step) * counted as i64 / 2);
        self.stuck[u].is_none() && self.targets[u] + jitter + self.walk.map_or(0, |w| i64::from(w.limit)) <= 0
    }

    /// The states of all units before image number `rows[r]` in each row r of `passes` lanes. `lanes_at` gives the streams so
    /// many images before that, or where they start.
    ///
    /// A SET that succeeds, a RESET that succeeds and a unit that is stuck all determine the state, whatever it was. So images are looked
    /// back upon until one of them has happened in every unit of every lane, or the first image is reached.
    fn states_before<E>(
        &self,
        rows: &[u128],
        passes: usize,
        lanes_at: impl Fn(u128) -> Result<Lanes, E>,
    ) -> Result<Vec<LaneBits>, E> {
        let count = rows.len() * passes;
        let of_rows = |is: &dyn Fn(usize) -> bool| {
            let mut bits = NONE;
            (0..count).filter(|lane| is(lane / passes)).for_each(|lane| bits[lane / 64] |= 1 << (lane % 64));
            bits
        };
        let idle = of_rows(&|_| true).map(|bits| !bits);
        let mut states = vec![NONE; self.targets.len()];
        let mut known: Vec<LaneBits> = (0..states.len()).map(|u| if self.never_sets(u) { ALL } else { idle }).collect();
        let (mut done, mut window) = (0, 1);
        while known.iter().any(|known| *known != ALL) {
            let from = |row: usize| rows[row].saturating_sub(done + window);
            let mut lanes = lanes_at(done + window)?;
            // What the images of this window determine: whether, and what. Before the first image, states are 0.
            let first = of_rows(&|row| from(row) == 0);
            let mut seen = vec![(first, NONE); states.len()];
            for j in 0..window {
                let there = of_rows(&|row| from(row) + j + done < rows[row]);
                let walk = self.walked(count, |lane| from(lane / passes) + j);
                self.draw(&mut lanes, walk.as_ref(), |u, Events { set, reset, .. }| {
                    let (seen, value) = &mut seen[u];
                    for q in 0..there.len() {
                        let (set, reset) = match self.stuck[u] {
                            None => (set[q] & there[q], reset[q] & there[q]),
                            Some(stuck) => {
                                value[q] &= !there[q];
                                seen[q] |= there[q];
                                (if stuck { there[q] } else { 0 }, reset[q] & there[q])
                            }
                        };
                        seen[q] |= set | reset;
                        value[q] = (value[q] | set) & !reset;
                    }
                });
            }
            for ((state, known), (seen, value)) in states.iter_mut().zip(&mut known).zip(seen) {
                for q in 0..seen.len() {
                    state[q] |= value[q] & seen[q] & !known[q];
                    known[q] |= seen[q];
                }
            }
            done += window;
            window = (2 * window).min(MOST);
        }
        Ok(states)
    }
}

impl UnitLanes {
    /// Units whose next images are number `rows[r]` in each row r of `passes` lanes. `lanes_at` gives the streams so many images
    /// before that, or where they start.
    pub fn new<E>(
        units: Units,
        rows: Vec<u128>,
        passes: usize,
        lanes_at: impl Fn(u128) -> Result<Lanes, E>,
    ) -> Result<UnitLanes, E> {
        let states = match units.cycle {
            Some(_) => units.states_before(&rows, passes, &lanes_at)?,
            None => vec![],
        };
        let dropped = vec![NONE; units.targets.len()];
        Ok(UnitLanes { units, lanes: lanes_at(0)?, rows, passes, states, dropped })
    }

    /// Which lanes drop in each unit, for the next image of every lane.
    pub fn next_image(&mut self) -> &[LaneBits] {
        let UnitLanes { units, lanes, rows, passes, states, dropped } = self;
        let walk = units.walked(rows.len() * *passes, |lane| rows[lane / *passes]);
        units.draw(lanes, walk.as_ref(), |u, Events { set, misread, reset }| {
            let set = units.stuck[u].map_or(set, |stuck| if stuck { ALL } else { NONE });
            let Some(state) = states.get_mut(u) else {
                dropped[u] = set;
                return;
            };
            for q in 0..set.len() {
                let after = if units.stuck[u].is_some() { set[q] } else { state[q] | set[q] };
                dropped[u][q] = after ^ misread[q];
                state[q] = after & !reset[q];
            }
        });
        rows.iter_mut().for_each(|n| *n += 1);
        dropped
    }
}

/// Lanes whose draw, least significant bit first, is less than `code`.
fn below(draw: &[LaneBits], code: i64) -> LaneBits {
    if code <= 0 {
        return NONE;
    }
    if code >= 1 << draw.len() {
        return ALL;
    }
    // Below the lowest 1 of the code, the bits of a draw cannot make it less than the code.
    let lowest = code.trailing_zeros() as usize;
    let mut less = draw[lowest].map(|bits| !bits);
    for (j, bits) in draw.iter().enumerate().skip(lowest + 1) {
        for (less, bit) in less.iter_mut().zip(bits) {
            *less = if code >> j & 1 == 1 { !bit | *less } else { !bit & *less };
        }
    }
    less
}

/// Lanes whose draw is less than the number of the lane.
fn below_each(draw: &[LaneBits], number: &Planes) -> LaneBits {
    let (mut borrow, mut sign) = (NONE, NONE);
    for (j, plane) in number.iter().enumerate() {
        let bits = draw.get(j).unwrap_or(&NONE);
        for q in 0..borrow.len() {
            sign[q] = bits[q] ^ plane[q] ^ borrow[q];
            borrow[q] = (!bits[q] & (plane[q] | borrow[q])) | (plane[q] & borrow[q]);
        }
    }
    sign
}

fn constant(value: i64) -> Planes {
    std::array::from_fn(|j| if value >> j & 1 == 1 { ALL } else { NONE })
}

fn add(sum: &mut Planes, other: &Planes) {
    let mut carry = NONE;
    for (a, b) in sum.iter_mut().zip(other) {
        for q in 0..carry.len() {
            let both = a[q] & b[q];
            let one = a[q] ^ b[q];
            a[q] = one ^ carry[q];
            carry[q] = both | (one & carry[q]);
        }
    }
}

/// How many of up to 16 bits are 1.
fn ones(bits: &[LaneBits]) -> [LaneBits; 5] {
    let mut count = [NONE; 5];
    for bit in bits {
        let mut carry = *bit;
        for plane in &mut count {
            for (plane, carry) in plane.iter_mut().zip(&mut carry) {
                (*plane, *carry) = (*plane ^ *carry, *plane & *carry);
            }
        }
    }
    count
}
