//! `neuspin run`: images through a board, or through `neuspin serve`.

use super::Status;
use super::inputs::{InputArgs, Inputs};
use super::model_arg::{ChipArgs, DrawArgs, ModelArg};
use super::output::{Output, facts, percent};
use anyhow::{Context, Result, ensure};
use neuspin::cosim::{Expected, Reference};
use neuspin::golden::Golden;
use neuspin::host::{Answer, Board, HostError, Identity, Port};
use neuspin::net::{Images, Network};
use neuspin::uncertainty::Prediction;
use serde_json::{Value, json};
use std::io::{self, Write};
use std::time::{Duration, Instant};

const EXAMPLES: &str = "\
Examples:
  neuspin run digits-spindrop --port /dev/ttyUSB1                   the bundled digits, class and uncertainty of each
  neuspin run digits-spindrop --port tcp://127.0.0.1:7000 --limit 20    a board that `neuspin serve` simulates
  neuspin run digits-spindrop --port /dev/ttyUSB1 --check           every field against the golden model
  neuspin run models/mine --port /dev/ttyUSB1 --baud 921600 --data images.npy --json | jq .class";

/// Stream images through a board with a serial port, and show class and uncertainty of each.
///
/// The board is asked what it is first: another design, or none, is an error. Its streams are started anew, so the same images give
/// the same results each time, and the same as the golden model's. Where the connection is lost it is taken up again, with new streams and
/// the images that have no answer yet. With --json, one object a line: one an image, and a last one.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    model: ModelArg,
    /// Serial port of the board, or tcp://HOST:PORT
    #[arg(long, value_name = "PORT")]
    port: String,
    /// Bits a second that the design was generated for
    #[arg(long, value_name = "BAUD", default_value_t = 115_200)]
    baud: u32,
    /// Seconds without an answer after which the board counts as silent
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0)]
    timeout: f64,
    /// Seconds in which a lost connection may be taken up again
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0)]
    reconnect: f64,
    /// Compare every field of every result with the golden model
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    inputs: InputArgs,
    #[command(flatten)]
    draws: DrawArgs,
    #[command(flatten)]
    chip: ChipArgs,
}

/// The images on their way: what is left, and what came.
struct Session<'a> {
    network: &'a Network,
    inputs: &'a Inputs,
    expected: Option<Vec<Expected>>,
    output: &'a Output,
    json: bool,
    answers: Vec<Option<Answer>>,
    right: usize,
    uncertain: usize,
    wrong_fields: usize,
}

pub fn run(args: &Args, output: &Output) -> Result<Status> {
    for (name, seconds) in [("--timeout", args.timeout), ("--reconnect", args.reconnect)] {
        ensure!((0.0..=3600.0).contains(&seconds), "{name} {seconds}: seconds, from 0 to 3600");
    }
    ensure!(args.timeout >= 0.1, "--timeout {}: at least 0.1 seconds", args.timeout);
    let (model, network) = args.model.network_on(&args.draws, &args.chip)?;
    let inputs = args.inputs.load(&model)?;
    let golden = args.check.then(|| Golden::new(&network)).transpose()?;
    let expected = golden.map(|golden| golden.results(&inputs.images, network.passes)).transpose()?;
    let port = Port::new(&args.port, args.baud);
    let timeout = Duration::from_secs_f64(args.timeout);
    let mut session = Session {
        network: &network,
        inputs: &inputs,
        expected,
        output,
        json: output.is_json(),
        answers: vec![None; inputs.images.len()],
        right: 0,
        uncertain: 0,
        wrong_fields: 0,
    };
    let started = Instant::now();
    let mut connections = 0;
    let mut board = Board::connect(&port, timeout)?;
    let identity = board.identity().clone();
    loop {
        connections += 1;
        let Err(error) = session.through(&mut board) else { break };
        ensure!(error.may_pass(), error);
        output.note(&format!("{error}; trying again for {:.0} s", args.reconnect));
        drop(board);
        board = again(&port, timeout, Duration::from_secs_f64(args.reconnect), error)?;
    }
    let seconds = started.elapsed().as_secs_f64();
    session.conclude(&identity, connections, seconds)
}

/// A new connection, tried until the time is up; then `error` is the reason.
fn again(port: &Port, timeout: Duration, patience: Duration, error: HostError) -> Result<Board> {
    let started = Instant::now();
    loop {
        match Board::connect(port, timeout) {
            Ok(board) => return Ok(board),
            Err(last) if started.elapsed() >= patience => {
                return Err(error)
                    .with_context(|| format!("no new connection in {:.0} s: {last}", patience.as_secs_f64()));
            }
            Err(_) => std::thread::sleep(Duration::from_millis(200)),
        }
    }
}

impl Session<'_> {
    /// Sends all images that have no answer yet.
    fn through(&mut self, board: &mut Board) -> Result<(), HostError> {
        board.check(self.network)?;
        board.start(self.network)?;
        let left: Vec<usize> = (0..self.answers.len()).filter(|&n| self.answers[n].is_none()).collect();
        let values = left.iter().flat_map(|&n| self.inputs.images.image(n).iter().copied()).collect();
        let images = Images::new(&self.network.input, values)
            .map_err(|e| HostError::Protocol { port: "images".into(), what: e.to_string() })?;
        let identity = board.identity().clone();
        board.run(&images, |n, answer| self.take(left[n], answer, &identity))
    }

    fn take(&mut self, n: usize, answer: Answer, identity: &Identity) {
        let label = self.inputs.labels.as_ref().map(|labels| labels[n]);
        let right = label.map(|label| label == answer.result.class);
        self.right += usize::from(right == Some(true));
        self.uncertain += usize::from(answer.is_uncertain());
        let differs = self.expected.as_ref().map(|all| differences(&answer, &all[n], identity));
        self.wrong_fields += differs.as_ref().map_or(0, Vec::len);
        let prediction = answer
            .uncertainty
            .as_ref()
            .map(|found| Prediction::reported(&answer.result, found, answer.result.passes, &self.network.output));
        let unit = f64::from(answer.result.passes.max(1)) * 2f64.powi(identity.frac_bits as i32);
        let means: Vec<f64> = answer.result.sum.iter().map(|&s| s as f64 / unit).collect();
        let entropy = (identity.widths.entropy > 0).then(|| prediction.as_ref().map(|p| p.entropy)).flatten();
        let information =
            (identity.widths.information > 0).then(|| prediction.as_ref().map(|p| p.mutual_information)).flatten();
        let r = &answer.result;
        let text = if self.json {
            let mut line = json!({
                "image": n,
                "class": r.class,
                "passes": r.passes,
                "votes": r.votes,
                "sum": r.sum,
                "sumsq": r.sumsq,
                "mean_logits": means,
                "agreement": answer.agreement(),
                "uncertain": answer.is_uncertain(),
            });
            let more: [(&str, Option<Value>); 6] = [
                ("label", label.map(|l| json!(l))),
                ("probability", prediction.as_ref().map(|p| json!(p.probability))),
                ("entropy", entropy.map(|e| json!(e))),
                ("mutual_information", information.map(|i| json!(i))),
                ("flag", answer.flag.map(|f| json!(f))),
                ("differs", differs.as_ref().map(|d| json!(d))),
            ];
            for (name, value) in more.into_iter().filter_map(|(name, value)| Some((name, value?))) {
                line[name] = value;
            }
            line.to_string()
        } else {
            let mut line = format!("image {n:>5}  class {}  {:>3}/{} votes", r.class, r.votes[r.class], r.passes);
            if let Some(entropy) = entropy {
                line += &format!("  entropy {entropy:.3}");
            }
            if let Some(information) = information {
                line += &format!("  information {information:.3}");
            }
            if answer.is_uncertain() {
                line += "  uncertain";
            }
            match right {
                Some(false) => line += &format!("  wrong: {}", label.unwrap_or(0)),
                Some(true) => line += "  right",
                None => {}
            }
            for what in differs.iter().flatten() {
                line += &format!("\n  differs from the golden model: {what}");
            }
            line
        };
        // Whoever reads no further ends the command at the next result that it prints.
        let mut out = io::stdout().lock();
        _ = writeln!(out, "{text}").and_then(|()| out.flush());
        self.answers[n] = Some(answer);
    }

    fn conclude(&self, identity: &Identity, connections: u32, seconds: f64) -> Result<Status> {
        let count = self.answers.len();
        let good = self.wrong_fields == 0;
        let accuracy = self.inputs.labels.as_ref().map(|_| self.right as f64 / count as f64);
        if self.json {
            let line = json!({
                "images": count,
                "data": self.inputs.name,
                "accuracy": accuracy,
                "uncertain": self.uncertain,
                "seconds": seconds,
                "connections": connections,
                "board": identity,
                "exact": self.expected.as_ref().map(|_| good),
            });
            println!("{line}");
        } else {
            let mut rows = vec![
                ("images", format!("{count} of {}, {:.1} a second", self.inputs.name, count as f64 / seconds)),
                ("uncertain", self.uncertain.to_string()),
            ];
            if let Some(accuracy) = accuracy {
                rows.push(("accuracy", percent(accuracy)));
            }
            if self.expected.is_some() {
                let verdict =
                    if good { "all fields exact".to_string() } else { format!("{} fields differ", self.wrong_fields) };
                rows.push(("golden model", verdict));
            }
            if connections > 1 {
                rows.push(("connections", connections.to_string()));
            }
            println!("{}", facts(&rows).trim_end());
        }
        if connections > 1 && self.expected.is_some() {
            self.output
                .note("the streams were started anew with the connection: only the images before it can be exact");
        }
        Ok(if good { Status::Success } else { Status::CheckFailed })
    }
}

/// Fields that are not what the golden model computes.
fn differences(answer: &Answer, expected: &Expected, identity: &Identity) -> Vec<String> {
    let (found, wanted) = (&answer.result, &expected.result);
    let mut all = vec![];
    let mut compare = |name: &str, there: bool, found: String, wanted: String| {
        if there && found != wanted {
            all.push(format!("{name} {found}, expected {wanted}"));
        }
    };
    let w = &identity.widths;
    compare("class", true, found.class.to_string(), wanted.class.to_string());
    compare("passes", true, found.passes.to_string(), wanted.passes.to_string());
    compare("sums", true, format!("{:?}", found.sum), format!("{:?}", wanted.sum));
    compare("squares of logits", true, format!("{:?}", found.sumsq), format!("{:?}", wanted.sumsq));
    compare("votes", true, format!("{:?}", found.votes), format!("{:?}", wanted.votes));
    if let Some(u) = &answer.uncertainty {
        let e = &expected.uncertainty;
        compare("probabilities", w.probability > 0, format!("{:?}", u.probability), format!("{:?}", e.probability));
        compare("squares of probabilities", w.squares > 0, format!("{:?}", u.squares), format!("{:?}", e.squares));
        compare("entropy", w.entropy > 0, u.entropy.to_string(), e.entropy.to_string());
        compare("information", w.information > 0, u.information.to_string(), e.information.to_string());
    }
    all
}
