//! A line to a board: a serial port or a TCP socket.

use super::HostError;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// Where a board is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Path of a serial port, or `tcp://HOST:PORT`.
    pub name: String,
    /// Bits a second; without meaning for a socket.
    pub baud: u32,
}

/// A read waits so long.
const TICK: Duration = Duration::from_millis(10);
const CONNECT: Duration = Duration::from_secs(2);
/// What a board that reads nothing may hold up.
const WRITE: Duration = Duration::from_secs(5);

pub(super) enum Link {
    Tcp(TcpStream),
    Serial(Box<dyn serialport::SerialPort>),
}

impl Port {
    pub fn new(name: &str, baud: u32) -> Port {
        Port { name: name.into(), baud }
    }

    pub(super) fn open(&self) -> Result<Link, HostError> {
        match self.name.strip_prefix("tcp://") {
            Some(address) => self.open_tcp(address),
            None => self.open_serial(),
        }
    }

    fn open_tcp(&self, address: &str) -> Result<Link, HostError> {
        let fails = |what: String| HostError::Port { port: self.name.clone(), what };
        let mut addresses =
            address.to_socket_addrs().map_err(|e| fails(format!("{e}; an address is tcp://HOST:PORT")))?;
        let address = addresses.next().ok_or_else(|| fails("no such host".into()))?;
        let open = |e: io::Error| HostError::Open {
            port: self.name.clone(),
            what: e.to_string(),
            advice: match e.kind() {
                ErrorKind::ConnectionRefused => "; start the board first, with `neuspin serve`",
                _ => "",
            },
        };
        let stream = TcpStream::connect_timeout(&address, CONNECT).map_err(open)?;
        stream.set_nodelay(true).and_then(|()| stream.set_read_timeout(Some(TICK))).map_err(open)?;
        stream.set_write_timeout(Some(WRITE)).map_err(open)?;
        Ok(Link::Tcp(stream))
    }

    fn open_serial(&self) -> Result<Link, HostError> {
        let port = serialport::new(&self.name, self.baud).timeout(TICK).open().map_err(|e| {
            let there = std::path::Path::new(&self.name).exists();
            let advice = match e.kind() {
                _ if !there => "; there is no such device: plug the board in, or give another --port",
                serialport::ErrorKind::Io(ErrorKind::PermissionDenied) => {
                    "; you may not: on Debian and Ubuntu, join the group `dialout` and log in again"
                }
                serialport::ErrorKind::NoDevice => "; it is in use by another program, or was unplugged",
                _ => "",
            };
            HostError::Open { port: self.name.clone(), what: e.description.clone(), advice }
        })?;
        Ok(Link::Serial(port))
    }

    pub(super) fn lost(&self, what: impl ToString) -> HostError {
        HostError::Lost { port: self.name.clone(), what: what.to_string() }
    }
}

impl Link {
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Link::Tcp(stream) => stream.write_all(bytes),
            Link::Serial(port) => {
                // The port's time-out is that of a read: a long frame takes several writes.
                let mut rest = bytes;
                let started = std::time::Instant::now();
                while !rest.is_empty() {
                    match port.write(rest) {
                        Ok(n) => rest = &rest[n..],
                        Err(e) if is_wait(&e) && started.elapsed() < WRITE => {}
                        Err(e) => return Err(e),
                    }
                }
                Ok(())
            }
        }
    }

    /// What has come; nothing if nothing comes for a moment. The other side's end is an error.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let found = match self {
            Link::Tcp(stream) => stream.read(buffer),
            Link::Serial(port) => port.read(buffer),
        };
        match found {
            Ok(0) => Err(io::Error::new(ErrorKind::UnexpectedEof, "the other side has closed it")),
            Ok(n) => Ok(n),
            Err(e) if is_wait(&e) => Ok(0),
            Err(e) => Err(e),
        }
    }
}

fn is_wait(e: &io::Error) -> bool {
    matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}
