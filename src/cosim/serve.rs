//! A simulated board behind a TCP socket or a pseudo-terminal, one client at a time.

use super::{CosimError, SimulatedBoard};
use nix::pty::{OpenptyResult, openpty};
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// Clocks between two looks at the client.
const CHUNK: u64 = 4000;
/// With nothing to do, the board waits so long for a client's next bytes before simulated time passes without them.
const PATIENCE: Duration = Duration::from_millis(20);
/// Hundredths of a second that a client may wait for the one before it to go.
const GRACE: u32 = 30;
/// Frame to a client that is turned away: error 6, "taken" (docs/protocol.md); after code and type the same in words.
const TAKEN: &str = "another client has the line";

/// Where clients find the board.
pub enum Line {
    Tcp(TcpListener),
    Pty { master: OwnedFd, _slave: OwnedFd, path: String },
}

impl Line {
    /// A socket; port 0 takes any that is free.
    pub fn tcp(address: &str) -> io::Result<Line> {
        TcpListener::bind(address).map(Line::Tcp)
    }

    /// A pseudo-terminal, raw as a serial port is. It stays when a client closes it.
    pub fn pty() -> io::Result<Line> {
        let OpenptyResult { master, slave } = openpty(None, None)?;
        let mut settings = tcgetattr(&slave)?;
        cfmakeraw(&mut settings);
        tcsetattr(&slave, SetArg::TCSANOW, &settings)?;
        let path = nix::unistd::ttyname(&slave)?.display().to_string();
        Ok(Line::Pty { master, _slave: slave, path })
    }

    /// What `neuspin run --port` takes.
    pub fn name(&self) -> io::Result<String> {
        match self {
            Line::Tcp(listener) => Ok(format!("tcp://{}", listener.local_addr()?)),
            Line::Pty { path, .. } => Ok(path.clone()),
        }
    }
}

/// What happens at the client's side.
enum Event {
    Client(Box<dyn Write + Send>),
    Bytes(Vec<u8>),
    Gone,
}

/// Lets clients speak with `board` until the simulator fails; `told` hears who comes and goes.
pub fn serve(mut board: SimulatedBoard, line: Line, told: &dyn Fn(&str)) -> Result<(), CosimError> {
    let failed = |source| CosimError::Io { path: "line".into(), source };
    let (events, inbox) = channel();
    match line {
        Line::Tcp(listener) => {
            thread::spawn(move || listen(&listener, &events));
        }
        Line::Pty { master, _slave, .. } => {
            let master = File::from(master);
            let writer = master.try_clone().map_err(failed)?;
            _ = events.send(Event::Client(Box::new(writer)));
            thread::spawn(move || {
                // Kept open, so that a client that closes its end is no end of the line.
                let _slave = _slave;
                read_all(master, &events);
            });
        }
    }
    attend(&mut board, &inbox, told)
}

/// Takes clients; while there is one, others are told so and sent away.
fn listen(listener: &TcpListener, events: &Sender<Event>) {
    let present = Arc::new(Mutex::new(false));
    let held = |present: &Mutex<bool>, value: bool| {
        std::mem::replace(&mut *present.lock().unwrap_or_else(PoisonError::into_inner), value)
    };
    for stream in listener.incoming() {
        let Ok(stream) = stream else { continue };
        // One that has just closed its end is let go first.
        let mut taken = held(&present, true);
        for _ in 0..GRACE {
            if !taken {
                break;
            }
            thread::sleep(Duration::from_millis(10));
            taken = held(&present, true);
        }
        if taken {
            turn_away(stream);
            continue;
        }
        _ = stream.set_nodelay(true);
        let Ok(writer) = stream.try_clone() else {
            held(&present, false);
            continue;
        };
        if events.send(Event::Client(Box::new(writer))).is_err() {
            return;
        }
        let (present, events) = (Arc::clone(&present), events.clone());
        thread::spawn(move || {
            read_all(stream, &events);
            *present.lock().unwrap_or_else(PoisonError::into_inner) = false;
        });
    }
}

fn turn_away(mut stream: TcpStream) {
    let mut payload = vec![6, 0];
    payload.extend(TAKEN.bytes());
    _ = stream.write_all(&crate::host::Frame { kind: 0xff, tag: 0, payload }.bytes());
    _ = stream.shutdown(std::net::Shutdown::Write);
    // What the client has sent already would turn the end into a reset, and the message would be lost.
    _ = stream.set_read_timeout(Some(Duration::from_millis(500)));
    let mut rest = [0; 4096];
    for _ in 0..16 {
        if !matches!(stream.read(&mut rest), Ok(1..)) {
            break;
        }
    }
}

fn read_all(mut from: impl Read, events: &Sender<Event>) {
    let mut buffer = [0; 4096];
    loop {
        match from.read(&mut buffer) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Ok(n @ 1..) => {
                if events.send(Event::Bytes(buffer[..n].to_vec())).is_err() {
                    return;
                }
            }
            _ => {
                _ = events.send(Event::Gone);
                return;
            }
        }
    }
}

fn attend(board: &mut SimulatedBoard, inbox: &Receiver<Event>, told: &dyn Fn(&str)) -> Result<(), CosimError> {
    let mut client: Option<Box<dyn Write + Send>> = None;
    let (mut active, mut settled) = (true, false);
    let enough = 2 * board.byte_clocks();
    loop {
        let mut bytes = vec![];
        // At work: what is there. Idle: wait, then let the time pass that a broken frame needs to be given up, then wait for good.
        let first = if active {
            inbox.try_recv().map_err(|_| RecvTimeoutError::Timeout)
        } else if settled {
            inbox.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            inbox.recv_timeout(PATIENCE)
        };
        let mut next = match first {
            Ok(event) => Some(event),
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => None,
        };
        let waited = !active && next.is_none();
        while let Some(event) = next {
            match event {
                Event::Bytes(more) => bytes.extend(more),
                Event::Client(writer) => {
                    told("a client is there");
                    client = Some(writer);
                }
                Event::Gone => {
                    told("the client is gone");
                    client = None;
                }
            }
            next = inbox.try_recv().ok();
        }
        let step = if waited {
            let pass = board.patience() + enough;
            board.step(&bytes, pass, pass)?
        } else {
            board.step(&bytes, CHUNK, enough)?
        };
        settled = waited && step.bytes.is_empty();
        active = step.waiting > 0 || step.quiet < enough;
        // What a client does not take, nobody does: the board does not wait.
        if let Some(writer) = client.as_mut().filter(|_| !step.bytes.is_empty()) {
            _ = writer.write_all(&step.bytes).and_then(|()| writer.flush());
        }
    }
}
