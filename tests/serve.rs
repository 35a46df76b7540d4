//! Host to core and back over real bytes: `neuspin run` and the client library against `neuspin serve`, whose board is
//! simulated bit by bit at its serial line.

use assert_cmd::cargo::cargo_bin;
use neuspin::host::{Board, Decoder, Frame, HostError, Port};
use neuspin::lower::lower;
use neuspin::model::Model;
use neuspin::net::{Images, Network};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

const MODEL: &str = "digits-spindrop";

/// A simulated board; ends with this value.
struct Served {
    child: Child,
    port: String,
}

impl Served {
    fn start(arguments: &[&str]) -> Served {
        let mut child = Command::new(cargo_bin!("neuspin"))
            .args(["serve", MODEL, "--passes", "4", "--json"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap();
        Served { child, port: said["port"].as_str().unwrap().into() }
    }

    fn stream(&self) -> TcpStream {
        let stream = TcpStream::connect(self.port.strip_prefix("tcp://").unwrap()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn client(port: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(cargo_bin!("neuspin"));
    command.args(["run", "--port", port, "--timeout", "20"]).args(arguments);
    command
}

/// (exit code, lines of JSON, standard error)
fn run(port: &str, arguments: &[&str]) -> (i32, Vec<Value>, String) {
    let output = client(port, arguments).arg("--json").output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    let lines = out.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    (output.status.code().unwrap(), lines, String::from_utf8(output.stderr).unwrap())
}

/// A dozen digits must come out as the golden model says, in every field.
fn exact(port: &str, more: &[&str]) {
    let (code, lines, err) = run(port, &[&[MODEL, "--passes", "4", "--limit", "12", "--check"], more].concat());
    assert_eq!(code, 0, "{err}\n{lines:?}");
    assert_eq!(lines.len(), 13);
    for (n, line) in lines[..12].iter().enumerate() {
        assert_eq!((&line["image"], line["differs"].as_array().unwrap().len()), (&n.into(), 0), "{line}");
    }
    assert_eq!(lines[12]["exact"], true);
    assert_eq!(lines[12]["connections"], 1);
    assert!(lines[12]["accuracy"].as_f64().unwrap() > 0.7, "{}", lines[12]);
}

fn answer(stream: &mut TcpStream, decoder: &mut Decoder) -> Frame {
    let mut buffer = [0; 256];
    loop {
        if let Some(frame) = decoder.next_frame() {
            return frame;
        }
        let n = stream.read(&mut buffer).unwrap();
        assert!(n > 0, "the line was closed");
        decoder.push(&buffer[..n]);
    }
}

fn request(kind: u8, tag: u8, payload: &[u8]) -> Vec<u8> {
    Frame { kind, tag, payload: payload.to_vec() }.bytes()
}

#[test]
fn digits_through_the_serial_line_are_exact_whatever_clients_did_before() {
    let served = Served::start(&[]);
    exact(&served.port, &[]);

    // Half an image, and gone: the broken frame must not swallow what comes next.
    let mut stream = served.stream();
    stream.write_all(&request(0x04, 9, &[0x55; 32])[..20]).unwrap();
    drop(stream);
    exact(&served.port, &[]);

    // A client that is killed with images on their way.
    let mut killed = client(&served.port, &[MODEL, "--passes", "4"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(killed.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.contains("image     0"), "{first}");
    killed.kill().unwrap();
    killed.wait().unwrap();
    exact(&served.port, &[]);

    // Another seed gives other draws, and golden agrees with those, too.
    exact(&served.port, &["--seed", "77"]);
}

#[test]
fn garbage_on_the_line_hides_no_frame() {
    let served = Served::start(&[]);
    let (mut stream, mut decoder) = (served.stream(), Decoder::default());
    let mut bytes = b"AT+RST\r\n\xa5\xa5\x01".to_vec();
    bytes.extend(request(0x01, 3, &[]));
    bytes.extend([0xa5; 20]);
    stream.write_all(&bytes).unwrap();
    let hello = answer(&mut stream, &mut decoder);
    assert_eq!((hello.kind, hello.tag, hello.payload.len()), (0x81, 3, 35));
    let mut damaged = request(0x02, 4, &[0]);
    damaged[6] ^= 1;
    stream.write_all(&damaged).unwrap();
    assert_eq!(answer(&mut stream, &mut decoder), Frame { kind: 0xff, tag: 4, payload: vec![1, 2] });
    stream.write_all(&request(0x02, 5, &[0])).unwrap();
    assert_eq!(answer(&mut stream, &mut decoder).payload, b"NPSN");
    drop(stream);
    exact(&served.port, &[]);
}

#[test]
fn a_second_client_is_told_that_the_line_is_taken() {
    let served = Served::start(&[]);
    let (mut stream, mut decoder) = (served.stream(), Decoder::default());
    stream.write_all(&request(0x01, 1, &[])).unwrap();
    assert_eq!(answer(&mut stream, &mut decoder).kind, 0x81);
    let (code, _, err) = run(&served.port, &[MODEL, "--limit", "1"]);
    assert_eq!(code, 2);
    assert!(err.contains("in use: another client has the line"), "{err}");
    // The first one is not disturbed.
    stream.write_all(&request(0x02, 2, &[0x05])).unwrap();
    assert_eq!(answer(&mut stream, &mut decoder).kind, 0x82);
    drop(stream);
    exact(&served.port, &[]);
}

#[test]
fn a_pseudo_terminal_is_a_port_like_any_other() {
    let served = Served::start(&["--pty"]);
    assert!(served.port.starts_with("/dev/"), "{}", served.port);
    exact(&served.port, &[]);
    exact(&served.port, &[]);
}

#[test]
fn what_a_design_computes_of_the_uncertainty_comes_along() {
    let served = Served::start(&["--uncertainty", "all", "--pe", "8,4,1", "--simd", "32,64,16", "--lanes", "2"]);
    let (code, lines, err) = run(&served.port, &[MODEL, "--passes", "4", "--limit", "12", "--check"]);
    assert_eq!(code, 0, "{err}\n{lines:?}");
    for line in &lines[..12] {
        let sum: f64 = line["probability"].as_array().unwrap().iter().map(|p| p.as_f64().unwrap()).sum();
        assert!((sum - 1.0).abs() < 0.01, "{line}");
        assert!(line["entropy"].as_f64().unwrap() >= 0.0 && line["flag"] == false, "{line}");
    }
    assert_eq!(lines[12]["board"]["widths"]["class"], 4);
}

#[test]
fn another_design_on_the_board_is_noticed() {
    let served = Served::start(&[]);
    let (code, _, err) = run(&served.port, &["digits-scale", "--limit", "1"]);
    assert_eq!(code, 2);
    assert!(err.contains("another design is on the board: same shape, but fingerprint"), "{err}");
    let (code, _, err) = run(&served.port, &[MODEL, "--limit", "1", "--passes", "1000"]);
    assert_eq!(code, 2);
    assert!(err.contains("it has room for 64 passes, 1000 are asked for"), "{err}");
}

#[test]
fn ports_that_cannot_be_used_say_why() {
    let says = |port: &str, timeout: &str, what: &str| {
        let output = Command::new(cargo_bin!("neuspin"))
            .args(["run", MODEL, "--limit", "1", "--port", port, "--timeout", timeout])
            .output()
            .unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{err}");
        assert!(err.contains(what), "{port}: {err}");
    };
    says("/dev/no-such-port", "1", "there is no such device");
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    says(&format!("tcp://{free}"), "1", "start the board first");
    says("tcp://127.0.0.1", "1", "an address is tcp://HOST:PORT");
    // Somebody listens, but says nothing; then: closes.
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    says(&format!("tcp://{}", mute.local_addr().unwrap()), "0.3", "no answer in 0.");
    let closing = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = format!("tcp://{}", closing.local_addr().unwrap());
    thread::spawn(move || closing.incoming().for_each(drop));
    says(&port, "0.3", "the connection is lost");
    says("/dev/null", "1", "cannot open /dev/null");
}

fn digits() -> Network {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models").join(MODEL);
    let mut network = lower(&Model::read(&folder).unwrap()).unwrap();
    network.passes = 4;
    network
}

/// Carries bytes between a client and `to`, and damages every `period`-th byte to the board.
fn noisy(to: TcpStream, period: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = format!("tcp://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (client, _) = listener.accept().unwrap();
        let (mut back, mut board_end) = (client.try_clone().unwrap(), to.try_clone().unwrap());
        thread::spawn(move || std::io::copy(&mut board_end, &mut back));
        let (mut client, mut to, mut count) = (client, to, 0);
        let mut buffer = [0; 512];
        while let Ok(n @ 1..) = client.read(&mut buffer) {
            for byte in &mut buffer[..n] {
                count += 1;
                if count % period == 0 {
                    *byte ^= 0x10;
                }
            }
            to.write_all(&buffer[..n]).unwrap();
        }
    });
    port
}

#[test]
fn a_noisy_line_costs_time_but_no_image() {
    let served = Served::start(&[]);
    let network = digits();
    let values = vec![7; 64 * 30];
    let images = Images::new(&network.input, values).unwrap();
    let port = noisy(served.stream(), 217);
    let mut board = Board::connect(&Port::new(&port, 115_200), Duration::from_secs(2)).unwrap();
    board.check(&network).unwrap();
    board.start(&network).unwrap();
    let mut seen = vec![0; images.len()];
    board
        .run(&images, |n, answer| {
            assert_eq!((answer.result.passes, answer.result.votes.iter().sum::<u32>()), (4, 4));
            seen[n] += 1;
        })
        .unwrap();
    assert!(seen.iter().all(|&n| n == 1), "{seen:?}");
    // A board that goes away is an error that says so.
    drop(served);
    let error = board.read(0).unwrap_err();
    assert!(matches!(error, HostError::Lost { .. }), "{error}");
}
