//! A client of a board: who are you, registers, images.

use super::link::Link;
use super::{Decoder, Frame, HostError, Identity, Port};
use crate::golden::{ImageResult, Uncertainty};
use crate::net::{Images, Network};
use crate::random::root_from_seed;
use std::collections::VecDeque;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const HELLO: u8 = 0x01;
const READ: u8 = 0x02;
const WRITE: u8 = 0x03;
const IMAGE: u8 = 0x04;
const ANSWER: u8 = 0x80;
const RESULT: u8 = IMAGE | ANSWER;
const ERROR: u8 = 0xff;
const TAKEN: u8 = 6;
/// An image is sent so often.
const TRIES: u32 = 4;
/// Longer than a board's time-out, after which it looks for a header again.
const PAUSE: Duration = Duration::from_millis(80);

/// Addresses of `docs/hardware.md`.
mod register {
    pub const CONTROL: u8 = 0x01;
    pub const STATUS: u8 = 0x02;
    pub const PASSES: u8 = 0x03;
    pub const ROOT_LOW: u8 = 0x06;
    pub const ROOT_HIGH: u8 = 0x07;
    pub const LEAD: u8 = 0x0c;
    pub const CODE: u8 = 0x10;
}

/// What a board says of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub result: ImageResult,
    /// In designs that compute it; parts that a design does not have are 0.
    pub uncertainty: Option<Uncertainty>,
    /// Out of distribution, in designs that tell.
    pub flag: Option<bool>,
}

impl Answer {
    /// Share of the passes that voted for the decision.
    pub fn agreement(&self) -> f64 {
        f64::from(self.result.votes[self.result.class]) / f64::from(self.result.passes.max(1))
    }

    /// What a board's light shows: its flag, or else that less than half of the passes voted for the decision.
    pub fn is_uncertain(&self) -> bool {
        self.flag.unwrap_or(2 * self.result.votes[self.result.class] < self.result.passes)
    }
}

/// A connection to a board.
pub struct Board {
    port: Port,
    link: Link,
    decoder: Decoder,
    identity: Identity,
    timeout: Duration,
    tag: u8,
    /// Results that came while something else was waited for.
    late: VecDeque<Frame>,
}

struct Outstanding {
    image: usize,
    tag: u8,
    tries: u32,
}

impl Board {
    /// Opens the port, asks who is there, and waits until no image of an earlier client is outstanding. A board that says
    /// nothing for `timeout` is an error.
    pub fn connect(port: &Port, timeout: Duration) -> Result<Board, HostError> {
        let (link, decoder) = (port.open()?, Decoder::default());
        // A tag that an earlier client's answers hardly have.
        let clock = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.subsec_nanos() >> 10);
        let (tag, late) = (std::process::id() as u8 ^ clock as u8, VecDeque::new());
        let identity = Identity::default();
        let mut board = Board { port: port.clone(), link, decoder, identity, timeout, tag, late };
        let started = Instant::now();
        loop {
            board.identity = board.hello()?;
            if board.identity.pending == 0 {
                return Ok(board);
            }
            if started.elapsed() > timeout * 10 {
                let what = format!("{} images of an earlier client do not come to an end", board.identity.pending);
                return Err(board.protocol(what));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Whether the board computes `network`, with whatever passes and seed.
    pub fn check(&self, network: &Network) -> Result<(), HostError> {
        let id = &self.identity;
        let wrong = |what: String| Err(HostError::WrongDesign { port: self.port.name.clone(), what });
        let shape = |features, bits, classes| format!("{features} values of {bits} bits, {classes} classes");
        let (found, expected) = (
            shape(id.features, id.input_bits, id.classes),
            shape(network.input.features, network.input.bits as usize, network.classes()),
        );
        if found != expected {
            return wrong(format!("it reads {found}; the model `{}` has {expected}", network.name));
        }
        if id.fingerprint != network.fingerprint() {
            let hex = |bytes: [u8; 8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
            let (found, wanted) = (hex(id.fingerprint), hex(network.fingerprint()));
            return wrong(format!("same shape, but fingerprint {found} instead of {wanted} (`{}`)", network.name));
        }
        if network.passes > id.max_passes {
            return wrong(format!("it has room for {} passes, {} are asked for", id.max_passes, network.passes));
        }
        if network.early_stop.is_some() && id.widths.passes == 0 {
            return wrong("it has no early stop".into());
        }
        Ok(())
    }

    /// Writes the network's passes, seed and probabilities, and starts all streams anew: the next image is image 0 of them.
    pub fn start(&mut self, network: &Network) -> Result<(), HostError> {
        let root = root_from_seed(network.seed, network.random.lfsr_bits);
        self.write(register::PASSES, network.passes)?;
        self.write(register::ROOT_LOW, root as u32)?;
        self.write(register::ROOT_HIGH, (root >> 32) as u32)?;
        for (code, address) in network.codes().into_iter().zip(register::CODE..) {
            self.write(address, code)?;
        }
        if let Some(rule) = network.early_stop {
            self.write(register::LEAD, rule.lead)?;
        }
        self.write(register::CONTROL, 1)?;
        let started = Instant::now();
        while self.read(register::STATUS)? != 0 {
            if started.elapsed() > self.timeout * 10 {
                return Err(self.protocol("the restart does not come to an end".into()));
            }
        }
        let passes = self.read(register::PASSES)?;
        if passes != network.passes {
            return Err(self.protocol(format!("PASSES reads as {passes} after {} was written", network.passes)));
        }
        Ok(())
    }

    pub fn read(&mut self, address: u8) -> Result<u32, HostError> {
        self.ask_value(READ, vec![address])
    }

    /// What the register reads as after it was written.
    pub fn write(&mut self, address: u8, value: u32) -> Result<u32, HostError> {
        let mut payload = vec![address];
        payload.extend(value.to_le_bytes());
        self.ask_value(WRITE, payload)
    }

    fn ask_value(&mut self, kind: u8, payload: Vec<u8>) -> Result<u32, HostError> {
        let answer = self.ask(kind, payload)?;
        let bytes: [u8; 4] = answer.payload[..]
            .try_into()
            .map_err(|_| self.protocol(format!("a value of {} bytes", answer.payload.len())))?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn hello(&mut self) -> Result<Identity, HostError> {
        let answer = self.ask(HELLO, vec![])?;
        Identity::parse(&answer.payload).map_err(|what| self.protocol(what))
    }

    /// Sends a request and waits for its answer; asks again a few times. All else that comes is ignored.
    fn ask(&mut self, kind: u8, payload: Vec<u8>) -> Result<Frame, HostError> {
        let started = Instant::now();
        let each = (self.timeout / TRIES).max(PAUSE);
        while started.elapsed() < self.timeout {
            let tag = self.send(kind, payload.clone())?;
            let deadline = Instant::now() + each;
            while let Some(frame) = self.receive(deadline)? {
                match frame.kind {
                    RESULT => self.late.push_back(frame),
                    _ if frame.tag != tag => {}
                    k if k == kind | ANSWER => return Ok(frame),
                    // Damaged on its way: once more.
                    ERROR if matches!(frame.payload.first(), Some(1 | 5)) => break,
                    ERROR => return Err(self.protocol(format!("the request was refused: {}", told(&frame.payload)))),
                    _ => {}
                }
            }
            self.decoder.clear();
        }
        Err(self.silent(started))
    }

    fn send(&mut self, kind: u8, payload: Vec<u8>) -> Result<u8, HostError> {
        self.tag = self.tag.wrapping_add(1);
        let frame = Frame { kind, tag: self.tag, payload };
        self.link.write(&frame.bytes()).map_err(|e| self.broken(e))?;
        Ok(self.tag)
    }

    /// The next frame; none if none comes before the deadline.
    fn receive(&mut self, deadline: Instant) -> Result<Option<Frame>, HostError> {
        let mut buffer = [0; 4096];
        loop {
            if let Some(frame) = self.decoder.next_frame() {
                return match (frame.kind, &frame.payload[..]) {
                    (ERROR, [TAKEN, _, text @ ..]) => {
                        let what = String::from_utf8_lossy(text).into_owned();
                        Err(HostError::Taken { port: self.port.name.clone(), what })
                    }
                    _ => Ok(Some(frame)),
                };
            }
            if Instant::now() >= deadline {
                return Ok(None);
            }
            let n = self.link.read(&mut buffer).map_err(|e| self.port.lost(e))?;
            self.decoder.push(&buffer[..n]);
        }
    }

    /// Streams the images and hands each answer to `each` with the number of its image, in the order in which the board took
    /// them: the order of `images`, unless one was damaged on its way and sent again.
    pub fn run(&mut self, images: &Images, mut each: impl FnMut(usize, Answer)) -> Result<(), HostError> {
        let (found, expected) = (images.features(), self.identity.features);
        if found != expected {
            return Err(HostError::Features { image: 0, found, expected });
        }
        self.late.clear();
        let mut outstanding: VecDeque<Outstanding> = VecDeque::new();
        let mut again: VecDeque<(usize, u32)> = VecDeque::new();
        let (mut next, mut left, mut heard) = (0, images.len(), Instant::now());
        while left > 0 {
            while outstanding.len() < self.identity.buffers && (next < images.len() || !again.is_empty()) {
                let (image, tries) = again.pop_front().unwrap_or_else(|| {
                    next += 1;
                    (next - 1, 0)
                });
                let tag = self.send(IMAGE, self.identity.pack(images.image(image)))?;
                outstanding.push_back(Outstanding { image, tag, tries: tries + 1 });
            }
            let come = match self.late.pop_front() {
                Some(frame) => Some(frame),
                None => self.receive(Instant::now() + self.timeout)?,
            };
            let Some(frame) = come else {
                // Lost on its way, or still in work?
                if heard.elapsed() > self.timeout * 30 {
                    return Err(self.silent(heard));
                }
                self.decoder.clear();
                if self.hello()?.pending == 0 && self.late.is_empty() {
                    for lost in outstanding.drain(..) {
                        retry(&mut again, lost, "no answer")?;
                    }
                }
                continue;
            };
            heard = Instant::now();
            let Some(at) = outstanding.iter().position(|o| o.tag == frame.tag) else { continue };
            match frame.kind {
                RESULT => {
                    let Some(done) = outstanding.remove(at) else { continue };
                    let answer = self.identity.unpack(&frame.payload).ok_or_else(|| {
                        self.protocol(format!("a result of {} bytes that makes no sense", frame.payload.len()))
                    })?;
                    each(done.image, answer);
                    left -= 1;
                }
                ERROR => {
                    let Some(refused) = outstanding.remove(at) else { continue };
                    retry(&mut again, refused, &told(&frame.payload))?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn protocol(&self, what: String) -> HostError {
        HostError::Protocol { port: self.port.name.clone(), what }
    }

    fn silent(&self, since: Instant) -> HostError {
        HostError::Silent { port: self.port.name.clone(), baud: self.port.baud, after: since.elapsed() }
    }

    /// Why nothing can be sent any more: what the other side said before it closed, if anything.
    fn broken(&mut self, error: std::io::Error) -> HostError {
        match self.receive(Instant::now() + PAUSE) {
            Err(taken @ HostError::Taken { .. }) => taken,
            _ => self.port.lost(error),
        }
    }
}

fn retry(again: &mut VecDeque<(usize, u32)>, image: Outstanding, why: &str) -> Result<(), HostError> {
    if image.tries >= TRIES {
        return Err(HostError::Refused { image: image.image, times: image.tries, why: why.into() });
    }
    again.push_back((image.image, image.tries));
    Ok(())
}

/// An error answer in words.
fn told(payload: &[u8]) -> String {
    match payload.first() {
        Some(1) => "a bad CRC".into(),
        Some(2) => "a bad length".into(),
        Some(3) => "an unknown type".into(),
        Some(4) => "no free buffer".into(),
        Some(5) => "a frame cut short".into(),
        Some(code) => format!("error {code}"),
        None => "an error without a code".into(),
    }
}
