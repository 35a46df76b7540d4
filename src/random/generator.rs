//! A source ready for use: roots, starts of streams, jumps and draws of any family.

use super::linear::{Matrix, Table, multiply, power_of_x};
use super::register::{FIRST, Register};
use super::{Family, Galois, Jump, RandomError, Source, Starts, mask_of, root_from_seed, spacing_of};
use rand_core::{Infallible, TryRng};
use std::sync::Arc;

/// Draws of `code_bits` bits from one source; all its streams share it.
#[derive(Clone, Debug)]
pub struct Generator {
    source: Source,
    /// Of the root, and of the register where the source has one.
    lfsr_bits: u32,
    code_bits: u32,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    /// The contract's Galois LFSR, which needs no tables.
    Sliced {
        mask: u64,
    },
    Linear(Arc<Linear>),
    Replay(Arc<[u16]>),
}

#[derive(Debug)]
struct Linear {
    step: Matrix,
    polynomial: u64,
    /// One step, and the same again.
    stepped: Table,
    /// From a draw to the next, and the draw.
    drawn: Table,
}

impl Generator {
    /// `recording` is what a replay repeats; other families have none.
    pub fn new(source: Source, lfsr_bits: u32, code_bits: u32, recording: &[u16]) -> Result<Generator, RandomError> {
        source.check(lfsr_bits)?;
        if !(1..=16).contains(&code_bits) {
            return Err(RandomError::Draw { bits: code_bits });
        }
        let kind = if let Family::Replay { words } = source.family {
            if recording.len() != words as usize {
                return Err(RandomError::Recording { words, found: recording.len() });
            }
            Kind::Replay(recording.into())
        } else if source.is_sliced(lfsr_bits, code_bits) {
            Kind::Sliced { mask: mask_of(lfsr_bits)? }
        } else {
            let (step, draw) = matrices(source.family, lfsr_bits, code_bits)?;
            let polynomial = step.polynomial().ok_or(RandomError::Cycles { name: source.family.name() })?;
            let leap = step.power(source.steps_of(code_bits).into());
            let (stepped, drawn) = (Table::of([&step, &step]), Table::of([&leap, &draw]));
            Kind::Linear(Arc::new(Linear { step, polynomial, stepped, drawn }))
        };
        Ok(Generator { source, lfsr_bits, code_bits, kind })
    }

    pub fn source(&self) -> Source {
        self.source
    }

    pub fn code_bits(&self) -> u32 {
        self.code_bits
    }

    /// Bits of a state.
    pub fn state_bits(&self) -> u32 {
        self.source.state_bits(self.lfsr_bits)
    }

    /// Steps between the starts of neighbouring streams, where these are jumped.
    pub fn spacing(&self) -> u64 {
        spacing(self.source, self.lfsr_bits)
    }

    /// The state that a seed gives: that of the first stream of the first pass.
    pub fn root(&self, seed: u64) -> u64 {
        self.legal(root_from_seed(seed, self.lfsr_bits))
    }

    /// The state nearest to the lowest bits of `word`, of which some may be none of the source's.
    pub fn legal(&self, word: u64) -> u64 {
        let word = word & (u64::MAX >> (64 - self.state_bits()));
        match self.source.family {
            Family::Replay { words } => word - if word >= u64::from(words) { u64::from(words) } else { 0 },
            Family::Pair => {
                let first = (word & (u64::MAX >> (64 - FIRST))).max(1);
                first | (word >> FIRST).max(1) << FIRST
            }
            _ => word.max(1),
        }
    }

    /// The state in which stream number `stream` starts: that of `layer` in `pass` has number pass·layers + layer.
    pub fn start(&self, root: u64, stream: u128) -> u64 {
        match self.source.starts {
            Starts::Jumped => self.jump_steps(stream * u128::from(self.spacing())).apply(root),
            Starts::Naive => self.legal(root ^ stream as u64),
        }
    }

    /// The states in which the first `count` streams start.
    pub fn starts(&self, root: u64, count: usize) -> Vec<u64> {
        match self.source.starts {
            Starts::Jumped => {
                let spacing = self.jump_steps(self.spacing().into());
                std::iter::successors(Some(root), |&state| Some(spacing.apply(state))).take(count).collect()
            }
            Starts::Naive => (0..count).map(|stream| self.start(root, stream as u128)).collect(),
        }
    }

    /// From a draw to the one `draws` further on.
    pub fn jump(&self, draws: u128) -> Leap {
        self.jump_steps(draws * u128::from(self.source.steps_of(self.code_bits)))
    }

    fn jump_steps(&self, steps: u128) -> Leap {
        Leap(match &self.kind {
            Kind::Sliced { mask } => LeapKind::Galois(Jump::new(self.lfsr_bits, *mask, steps)),
            Kind::Linear(linear) => {
                let polynomial = power_of_x(linear.step.bits(), linear.polynomial, steps);
                LeapKind::Linear { linear: linear.clone(), polynomial }
            }
            Kind::Replay(words) => {
                LeapKind::Replay { words: words.len() as u64, by: (steps % words.len() as u128) as u64 }
            }
        })
    }

    /// The draw at `state`, which moves on to the next.
    #[inline]
    pub fn draw(&self, state: &mut u64) -> u64 {
        match &self.kind {
            Kind::Sliced { mask } => {
                // The state is a register's: it came from a root.
                let Ok(mut lfsr) = Galois::new(self.lfsr_bits, *mask, *state) else { return 0 };
                let r = lfsr.draw(self.code_bits);
                *state = lfsr.state();
                r
            }
            Kind::Linear(linear) => {
                let (next, r) = linear.drawn.apply(*state);
                *state = next;
                r
            }
            Kind::Replay(words) => {
                let r = words[*state as usize];
                let steps = u64::from(self.source.steps_of(self.code_bits));
                *state = (*state + steps) % words.len() as u64;
                r.into()
            }
        }
    }

    /// The stream that is in `state`.
    pub fn stream(&self, state: u64) -> Stream {
        Stream { generator: self.clone(), state, buffer: 0, left: 0 }
    }

    /// Whether [`super::Lanes`] can read its streams bit by bit.
    pub(super) fn is_sliced(&self) -> bool {
        matches!(self.kind, Kind::Sliced { .. })
    }

    pub(super) fn lfsr_bits(&self) -> u32 {
        self.lfsr_bits
    }
}

/// Steps between the starts of neighbouring streams.
pub fn spacing(source: Source, lfsr_bits: u32) -> u64 {
    match source.family {
        // The golden ratio of the recording.
        Family::Replay { words } => ((u64::from(words) * 40_503) >> 16).max(1),
        _ => spacing_of(lfsr_bits).unwrap_or(1),
    }
}

/// One step of a linear family, and the draw of `code_bits` bits that a state gives.
pub fn matrices(family: Family, lfsr_bits: u32, code_bits: u32) -> Result<(Matrix, Matrix), RandomError> {
    let register = Register::new(family, lfsr_bits, u64::MAX >> (64 - lfsr_bits))?;
    let draw = |s| register.drawn(s, code_bits);
    Ok((Matrix::of(lfsr_bits, |s| register.after(s)), Matrix::of(lfsr_bits, draw)))
}

/// A number of steps of a source, ready to be applied to many states.
#[derive(Clone, Debug)]
pub struct Leap(LeapKind);

#[derive(Clone, Debug)]
enum LeapKind {
    Galois(Jump),
    Linear { linear: Arc<Linear>, polynomial: u64 },
    Replay { words: u64, by: u64 },
}

impl Leap {
    /// The state that follows `state` after so many steps.
    pub fn apply(&self, state: u64) -> u64 {
        match &self.0 {
            LeapKind::Galois(jump) => jump.apply(state),
            LeapKind::Linear { linear, polynomial } => {
                let (mut now, mut sum) = (state, 0);
                for i in 0..linear.step.bits() {
                    sum ^= now & (polynomial >> i & 1).wrapping_neg();
                    now = linear.stepped.apply(now).0;
                }
                sum
            }
            LeapKind::Replay { words, by } => (state + by) % words,
        }
    }

    /// Takes every one of `states` so many steps on.
    pub fn apply_to_all(&self, states: &mut [u64]) {
        match &self.0 {
            LeapKind::Galois(jump) => jump.apply_to_all(states),
            _ => states.iter_mut().for_each(|state| *state = self.apply(*state)),
        }
    }

    /// Twice so many steps.
    pub fn twice(&self) -> Leap {
        Leap(match &self.0 {
            LeapKind::Galois(jump) => LeapKind::Galois(jump.twice()),
            LeapKind::Linear { linear, polynomial } => LeapKind::Linear {
                linear: linear.clone(),
                polynomial: multiply(linear.step.bits(), linear.polynomial, *polynomial, *polynomial),
            },
            LeapKind::Replay { words, by } => LeapKind::Replay { words: *words, by: 2 * by % words },
        })
    }
}

/// A stream of any source: a generator of `rand`'s traits, whose words are draws, the first in the lowest bits.
#[derive(Clone, Debug)]
pub struct Stream {
    generator: Generator,
    state: u64,
    /// Bits drawn and not yet given, the next one lowest.
    buffer: u128,
    left: u32,
}

impl Stream {
    /// The next draw.
    pub fn draw(&mut self) -> u64 {
        self.generator.draw(&mut self.state)
    }

    /// The state before the next draw.
    pub fn state(&self) -> u64 {
        self.state
    }

    fn bits(&mut self, count: u32) -> u64 {
        while self.left < count {
            self.buffer |= u128::from(self.draw()) << self.left;
            self.left += self.generator.code_bits;
        }
        let bits = self.buffer as u64 & (u64::MAX >> (64 - count));
        self.buffer >>= count;
        self.left -= count;
        bits
    }
}

impl TryRng for Stream {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.bits(32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.bits(64))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.fill_with(|| self.bits(8) as u8);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LINEAR: [Family; 6] =
        [Family::Galois, Family::Fibonacci, Family::Automaton, Family::Xorshift, Family::Lut, Family::Pair];

    fn any_source() -> impl Strategy<Value = (Source, u32, u32)> {
        let families = prop_oneof![
            6 => prop::sample::select(&LINEAR[..]),
            1 => any::<u64>().prop_map(|mask| Family::Taps { mask }),
        ];
        (families, any::<prop::sample::Index>(), 1u32..=16, prop::option::of(1u32..=64), any::<bool>()).prop_map(
            |(family, width, code_bits, steps, naive)| {
                let bits = *width.get(family.widths());
                let family = match family {
                    Family::Taps { mask } => Family::Taps { mask: mask >> (64 - bits) | 1 << (bits - 1) },
                    other => other,
                };
                let starts = if naive { Starts::Naive } else { Starts::Jumped };
                (Source { family, steps, starts }, bits, code_bits)
            },
        )
    }

    proptest! {
        #[test]
        fn twin_and_matrix_and_jump_agree((source, bits, k) in any_source(), seed in any::<u64>(), n in 0u32..300) {
            let generator = Generator::new(source, bits, k, &[]).unwrap();
            let (root, steps) = (generator.root(seed), source.steps_of(k));
            let mut register = Register::new(source.family, bits, root).unwrap();
            let (step, draw) = matrices(source.family, bits, k).unwrap();
            let (mut stream, mut state) = (generator.stream(root), root);
            for _ in 0..n {
                let r = register.draw(k, steps);
                prop_assert_eq!(stream.draw(), r);
                prop_assert_eq!(draw.apply(state), r);
                state = step.power(steps.into()).apply(state);
            }
            prop_assert_eq!(generator.jump(n.into()).apply(root), register.state());
            prop_assert_eq!((stream.state(), state), (register.state(), register.state()));
            prop_assert_eq!(generator.jump(n.into()).twice().apply(root), generator.jump(2 * u128::from(n)).apply(root));
        }

        #[test]
        fn starts_are_jumps_or_numbers((source, bits, k) in any_source(), seed in any::<u64>(), stream in 0u64..5000) {
            let generator = Generator::new(source, bits, k, &[]).unwrap();
            let root = generator.root(seed);
            let (step, _) = matrices(source.family, bits, k).unwrap();
            let due = match source.starts {
                Starts::Jumped => step.power(u128::from(stream) * u128::from(generator.spacing())).apply(root),
                Starts::Naive => generator.legal(root ^ stream),
            };
            prop_assert_eq!(generator.start(root, stream.into()), due);
            prop_assert!(Register::new(source.family, bits, due).is_ok());
            prop_assert_eq!(generator.starts(root, stream as usize % 20 + 1).last().copied(),
                Some(generator.start(root, (stream % 20).into())));
        }

        #[test]
        fn a_recording_is_read_round_and_round(
            words in prop::collection::vec(0u16..256, 2..100), seed in any::<u64>(), n in 0u64..1000, naive in any::<bool>(),
        ) {
            let starts = if naive { Starts::Naive } else { Starts::Jumped };
            let family = Family::Replay { words: words.len() as u32 };
            let generator = Generator::new(Source { family, steps: None, starts }, 32, 8, &words).unwrap();
            let root = generator.root(seed);
            let start = generator.start(root, 3);
            prop_assert!((start as usize) < words.len());
            let mut state = generator.jump(n.into()).apply(start);
            for i in 0..200 {
                prop_assert_eq!(generator.draw(&mut state), u64::from(words[(start + n + i) as usize % words.len()]));
            }
        }
    }

    #[test]
    fn words_of_a_stream_are_its_draws_in_order() {
        use rand_core::Rng;
        for family in LINEAR {
            let generator = Generator::new(family.into(), 64, 16, &[]).unwrap();
            let (mut stream, mut draws) = (generator.stream(generator.root(3)), generator.stream(generator.root(3)));
            let mut draw = || draws.draw();
            assert_eq!(u64::from(stream.next_u32()), draw() | draw() << 16, "{family:?}");
            assert_eq!(stream.next_u64(), draw() | draw() << 16 | draw() << 32 | draw() << 48, "{family:?}");
            let mut bytes = [0; 2];
            stream.fill_bytes(&mut bytes);
            assert_eq!(u64::from(u16::from_le_bytes(bytes)), draw(), "{family:?}");
        }
    }

    #[test]
    fn what_is_no_state_becomes_one() {
        let of = |family: Family, bits, recording: &[u16]| Generator::new(family.into(), bits, 8, recording).unwrap();
        assert_eq!(of(Family::Lut, 32, &[]).legal(5 << 32), 1);
        assert_eq!(of(Family::Pair, 64, &[]).legal(0), 1 | 1 << 33);
        assert_eq!(of(Family::Pair, 64, &[]).legal(7 << 33), 1 | 7 << 33);
        assert_eq!(of(Family::Pair, 64, &[]).legal(9), 9 | 1 << 33);
        let five = of(Family::Replay { words: 5 }, 32, &[1, 2, 3, 4, 5]);
        assert_eq!([3, 4, 5, 6, 7, 8].map(|word| five.legal(word)), [3, 4, 0, 1, 2, 0]);
    }
}
