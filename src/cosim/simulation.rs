//! A running simulation: the harness as a child process.

use super::protocol::{self, Event, Message};
use super::{Answer, CosimError, Dut, Request, tool};
use crate::interrupt;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use tempfile::TempDir;

/// How inputs are offered and results taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stimulus {
    /// Probability that the input stream pauses, per clock; below 1.
    pub gap: f64,
    /// Probability that the results' taker is not ready, per clock; below 1.
    pub stall: f64,
    /// Seed of the gaps and stalls, and of the state that the design powers up in.
    pub seed: u64,
}

impl Default for Stimulus {
    /// Full speed: the design alone decides how fast it goes.
    fn default() -> Self {
        Stimulus { gap: 0.0, stall: 0.0, seed: 1 }
    }
}

impl Stimulus {
    pub fn full_speed(&self) -> bool {
        self.gap == 0.0 && self.stall == 0.0
    }
}

/// A step of a conversation with the register block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Read {
        address: u8,
    },
    Write {
        address: u8,
        value: u32,
    },
    /// Reads again and again until all bits of `mask` are 0, for at most `clocks`.
    AwaitZero {
        address: u8,
        mask: u32,
        clocks: u64,
    },
}

/// Images to stream through the design.
pub(super) struct Run<'a> {
    pub images: usize,
    pub beats: usize,
    /// Beats of one image's result.
    pub results: usize,
    /// [`super::Ports::pack`] of the images.
    pub data: &'a [u32],
    pub stimulus: Stimulus,
    /// Clocks without a beat in or out after which the design counts as hung.
    pub patience: u64,
    pub logits: bool,
    pub taps: bool,
    /// First and last image of the waveform, counted within this run.
    pub wave: (usize, usize),
    /// Requests to the programming port from this clock of the run on.
    pub program: (u64, &'a [Request]),
}

/// The child process, its working folder and the pipes to it. Ends with this value.
pub(super) struct Simulation {
    design: String,
    child: Child,
    to: BufWriter<ChildStdin>,
    from: BufReader<ChildStdout>,
    folder: TempDir,
    _guards: [interrupt::Guard; 2],
}

const COMPLAINTS: &str = "stderr.txt";

impl Simulation {
    pub fn start(executable: &Path, dut: &Dut) -> Result<Simulation, CosimError> {
        let folder = tempfile::Builder::new()
            .prefix("neuspin-sim-")
            .tempdir()
            .map_err(|e| CosimError::io(&std::env::temp_dir(), e))?;
        let remove = interrupt::remove(folder.path());
        for (name, contents) in &dut.memories {
            let path = folder.path().join(name);
            fs::write(&path, contents).map_err(|e| CosimError::io(&path, e))?;
        }
        let failed = |e| CosimError::io(executable, e);
        let complaints = File::create(folder.path().join(COMPLAINTS)).map_err(failed)?;
        let mut child = Command::new(executable)
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(complaints)
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        let kill = interrupt::kill_group(child.id());
        let (Some(to), Some(from)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failed(io::Error::other("no pipe to the child process")));
        };
        Ok(Simulation {
            design: dut.top.clone(),
            child,
            to: BufWriter::with_capacity(1 << 16, to),
            from: BufReader::with_capacity(1 << 16, from),
            folder,
            _guards: [remove, kill],
        })
    }

    /// Powers up a fresh instance in a random state and resets it. A waveform needs an executable built for one.
    pub fn power_up(&mut self, seed: u64, wave: Option<&Path>) -> Result<(), CosimError> {
        let wave = wave.map_or(&[][..], |path| path.as_os_str().as_bytes());
        self.ask(protocol::OP_NEW, protocol::Request::default().word(verilator_seed(seed)).text(wave), |_| ()).map(drop)
    }

    /// What was read, one value an access.
    pub fn registers(&mut self, accesses: &[Access]) -> Result<Vec<u32>, CosimError> {
        let mut request = protocol::Request::default();
        for &access in accesses {
            let (kind, address, value, clocks) = match access {
                Access::Read { address } => (0, address, 0, 0),
                Access::Write { address, value } => (1, address, value, 0),
                Access::AwaitZero { address, mask, clocks } => (2, address, mask, clocks),
            };
            request = request.word(kind).word(address.into()).word(value).wide(clocks);
        }
        self.ask(protocol::OP_REGISTERS, request, |_| ())
    }

    /// Requests to the programming port, one after the other; each is acknowledged within `patience` clocks.
    pub fn program(&mut self, requests: &[Request], patience: u64) -> Result<Vec<Answer>, CosimError> {
        let all = protocol::Request::default().wide(patience);
        let all = requests.iter().fold(all, |all, request| all.words(&request.words()));
        let words = self.ask(protocol::OP_PROGRAM, all, |_| ())?;
        Ok(words.chunks_exact(2).map(|answer| Answer { data: answer[0], error: answer[1] != 0 }).collect())
    }

    /// Streams images through; clocks that it took.
    pub fn run(&mut self, run: &Run, on_event: impl FnMut(Event)) -> Result<u64, CosimError> {
        let chance = |p: f64| (p * 65536.0) as u32;
        let flags = [(run.logits, protocol::WANT_LOGITS), (run.taps, protocol::WANT_TAPS)];
        let flags = flags.iter().filter(|(wanted, _)| *wanted).fold(0, |all, (_, flag)| all | flag);
        let request = protocol::Request::default()
            .words(&[run.images as u32, run.beats as u32, run.results as u32])
            .words(&[chance(run.stimulus.gap), chance(run.stimulus.stall), flags])
            .wide(run.stimulus.seed)
            .wide(run.patience)
            .words(&[run.wave.0 as u32, run.wave.1 as u32])
            .wide(run.program.0)
            .word(run.program.1.len() as u32);
        let request = run.program.1.iter().fold(request, |request, r| request.words(&r.words())).words(run.data);
        let done = self.ask(protocol::OP_RUN, request, on_event)?;
        Ok(super::dut::bits(&done, 0, 64))
    }

    pub(super) fn ask(
        &mut self,
        operation: u32,
        request: protocol::Request,
        mut on_event: impl FnMut(Event),
    ) -> Result<Vec<u32>, CosimError> {
        if let Err(error) = request.send(operation, &mut self.to) {
            return Err(self.broken(error));
        }
        loop {
            match protocol::receive(&mut self.from) {
                Ok(Message::Done(words)) => return Ok(words),
                Ok(Message::Error(what)) => return Err(CosimError::Simulation { design: self.design.clone(), what }),
                Ok(Message::Events(words)) => {
                    for event in protocol::events(&words) {
                        match event {
                            Some(event) => on_event(event),
                            None => {
                                let error = io::Error::new(io::ErrorKind::InvalidData, "a message that is no events");
                                return Err(self.broken(error));
                            }
                        }
                    }
                }
                Err(error) => return Err(self.broken(error)),
            }
        }
    }

    /// Why the conversation ended: the child's own last words where there are any.
    fn broken(&mut self, error: io::Error) -> CosimError {
        interrupt::end_group(self.child.id());
        let status = self.child.wait().map_or_else(|e| e.to_string(), |s| s.to_string());
        let complaints = fs::read(self.folder.path().join(COMPLAINTS)).unwrap_or_default();
        let what = format!(
            "the simulator ended early ({error}; {status}); its last lines:\n{}",
            tool::tail(&String::from_utf8_lossy(&complaints))
        );
        CosimError::Simulation { design: self.design.clone(), what }
    }
}

/// Verilator takes seeds of 31 bits and reads 0 as "choose one yourself".
pub(super) fn verilator_seed(seed: u64) -> u32 {
    ((seed ^ seed >> 31) as u32 & 0x7fff_ffff).max(1)
}

impl Drop for Simulation {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
