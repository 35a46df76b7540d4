//! Messages between this process and `tb/harness.cpp`: 32-bit words in the machine's own order.

use std::io::{self, Read, Write};

pub const OP_NEW: u32 = 1;
pub const OP_REGISTERS: u32 = 2;
pub const OP_RUN: u32 = 3;
/// Of `tb/uart.cpp`.
pub const OP_STEP: u32 = 2;
pub const OP_PROGRAM: u32 = 4;

const DONE: u32 = 0;
const EVENTS: u32 = 1;
const ERROR: u32 = 2;

pub const WANT_LOGITS: u32 = 1;
pub const WANT_TAPS: u32 = 2;

/// Largest message that is believed: beyond it the stream is not ours.
const MOST_WORDS: usize = 1 << 28;

/// A request under construction.
#[derive(Default)]
pub struct Request(Vec<u32>);

impl Request {
    pub fn word(mut self, value: u32) -> Self {
        self.0.push(value);
        self
    }

    pub fn wide(self, value: u64) -> Self {
        self.word(value as u32).word((value >> 32) as u32)
    }

    pub fn words(mut self, values: &[u32]) -> Self {
        self.0.extend_from_slice(values);
        self
    }

    /// Text: bytes, then that many bytes, one a word.
    pub fn text(mut self, text: &[u8]) -> Self {
        self.0.push(text.len() as u32);
        self.0.extend(text.iter().map(|&b| u32::from(b)));
        self
    }

    pub fn send(&self, operation: u32, to: &mut impl Write) -> io::Result<()> {
        write_words(to, &[operation, self.0.len() as u32])?;
        write_words(to, &self.0)?;
        to.flush()
    }
}

fn write_words(to: &mut impl Write, words: &[u32]) -> io::Result<()> {
    words.iter().try_for_each(|w| to.write_all(&w.to_ne_bytes()))
}

/// One message of a reply.
pub enum Message {
    Done(Vec<u32>),
    Events(Vec<u32>),
    Error(String),
}

pub fn receive(from: &mut impl Read) -> io::Result<Message> {
    let foreign = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
    let head = read_words(from, 2)?;
    let size = head[1] as usize;
    if size > MOST_WORDS {
        return Err(foreign(format!("a message of {size} words")));
    }
    let words = read_words(from, size)?;
    match head[0] {
        DONE => Ok(Message::Done(words)),
        EVENTS => Ok(Message::Events(words)),
        ERROR => {
            let bytes: Vec<u8> = words.iter().map(|&w| w as u8).collect();
            Ok(Message::Error(String::from_utf8_lossy(&bytes).into_owned()))
        }
        kind => Err(foreign(format!("a message of kind {kind}"))),
    }
}

fn read_words(from: &mut impl Read, count: usize) -> io::Result<Vec<u32>> {
    let mut bytes = vec![0; 4 * count];
    from.read_exact(&mut bytes)?;
    Ok(bytes.chunks_exact(4).map(|b| u32::from_ne_bytes([b[0], b[1], b[2], b[3]])).collect())
}

/// What happened at the pins, and in which clock since the simulation's start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Event<'a> {
    pub clock: u64,
    pub what: What<'a>,
}

/// Ports stand as the words of Verilator's types: up to 32 bits one word, up to 64 two, else as many as it takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum What<'a> {
    /// The first beat of an image went in.
    Input { image: u32 },
    /// A beat of the result: last, class, index, sum, sumsq and votes, one after the other, then the uncertainty's ports.
    Result { ports: &'a [u32] },
    /// Logits: pass, lanes, class and logits, one after the other.
    Logits { ports: &'a [u32] },
    /// A beat of a tap: activations, then as many words of live bits.
    Tap { layer: u32, ports: &'a [u32] },
    /// out_valid_o fell, or the result changed, before it was taken.
    Protocol,
    /// A request to the programming port was acknowledged.
    Programmed { data: u32, error: bool },
}

/// The events of one message, in order. None where the words are no events.
pub fn events(words: &[u32]) -> impl Iterator<Item = Option<Event<'_>>> {
    let mut rest = words;
    std::iter::from_fn(move || {
        let (&[tag, size, low, high], after) = rest.split_first_chunk::<4>()?;
        let Some((payload, next)) = after.split_at_checked(size as usize) else {
            rest = &[];
            return Some(None);
        };
        rest = next;
        let what = match (tag, payload) {
            (1, &[image]) => What::Input { image },
            (2, ports) => What::Result { ports },
            (3, ports) => What::Logits { ports },
            (4, [layer, ports @ ..]) => What::Tap { layer: *layer, ports },
            (5, _) => What::Protocol,
            (6, &[data, error]) => What::Programmed { data, error: error != 0 },
            _ => return Some(None),
        };
        Some(Some(Event { clock: u64::from(low) | u64::from(high) << 32, what }))
    })
}
