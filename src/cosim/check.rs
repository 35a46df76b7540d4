//! Compares everything that comes out of a design with the reference, as it comes.

use super::dut::{bits, signed};
use super::protocol::{Event, What};
use super::{Answer, Dut, Expected, Mismatch, Place, Reference, Settings, Tap, UncertaintyPorts};
use crate::golden::{GoldenError, HiddenTrace};
use crate::net::Images;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// Differences that are kept in words; all are counted.
const KEPT: usize = 100;

/// State of a comparison. Feed it every event, then [`Checker::finish`] it.
pub(super) struct Checker<'a> {
    dut: &'a Dut,
    images: &'a Images,
    thresholds: &'a [u64],
    reference: &'a dyn Reference,
    expected: &'a [Expected],
    verdict: Verdict,
    /// Beats of results so far.
    results: usize,
    logits: LogitStream,
    taps: Vec<TapStream<'a>>,
    /// Images whose activations are compared.
    tapped: std::ops::Range<usize>,
    /// Reference activations of images in flight: by image, then pass, then hidden layer.
    traces: BTreeMap<usize, Vec<Vec<HiddenTrace>>>,
    failure: Option<GoldenError>,
}

/// What a comparison found.
#[derive(Clone, Debug, Default)]
pub(super) struct Verdict {
    pub mismatches: Vec<Mismatch>,
    pub count: u64,
    pub wrong: Vec<bool>,
    /// Clock of the first image's first beat, and of the last image's last.
    pub first_input: Option<u64>,
    pub last_result: Option<u64>,
    /// Values compared.
    pub compared: u64,
    /// What the programming port answered.
    pub answers: Vec<Answer>,
}

/// Position in the debug stream.
struct LogitStream {
    image: usize,
    /// Of the image: by pass, then class.
    seen: Vec<bool>,
    count: usize,
}

struct TapStream<'a> {
    tap: &'a Tap,
    /// The image whose beats come, and how many of them came.
    image: usize,
    beats: usize,
    all: usize,
}

impl<'a> Checker<'a> {
    /// `expected` are the reference's results of `images`; activations are compared for the images in `tapped`.
    pub fn new(
        dut: &'a Dut,
        images: &'a Images,
        settings: &'a Settings,
        reference: &'a dyn Reference,
        expected: &'a [Expected],
        tapped: std::ops::Range<usize>,
    ) -> Self {
        let Settings { passes, thresholds, .. } = settings;
        let logits = *passes as usize * dut.ports.classes;
        Checker {
            dut,
            images,
            thresholds,
            reference,
            expected,
            verdict: Verdict { wrong: vec![false; images.len()], ..Verdict::default() },
            results: 0,
            logits: LogitStream { image: 0, seen: vec![false; logits], count: 0 },
            taps: dut
                .taps
                .iter()
                .filter(|_| !tapped.is_empty())
                .map(|tap| TapStream { tap, image: 0, beats: 0, all: 0 })
                .collect(),
            tapped,
            traces: BTreeMap::new(),
            failure: None,
        }
    }

    /// Images whose whole result has come.
    pub fn images_done(&self) -> usize {
        self.results / self.dut.ports.classes
    }

    /// Passes that an image should take.
    fn passes_of(&self, image: usize) -> usize {
        self.expected.get(image).map_or(0, |e| e.result.passes as usize)
    }

    pub fn event(&mut self, event: Event) {
        match event.what {
            What::Input { .. } => _ = self.verdict.first_input.get_or_insert(event.clock),
            What::Result { ports } => self.result(event.clock, ports),
            What::Logits { ports } => self.logits(event.clock, ports),
            What::Tap { layer, ports } => self.tap(event.clock, layer as usize, ports),
            What::Programmed { data, error } => self.verdict.answers.push(Answer { data, error }),
            What::Protocol => {
                let image = self.images_done();
                let (expected, found) = ("the beat held until out_ready_i".into(), "changed or withdrawn".into());
                self.verdict.add(image, None, Place::ResultStream, expected, found, event.clock);
            }
        }
    }

    fn result(&mut self, clock: u64, ports: &[u32]) {
        let classes = self.dut.ports.classes;
        let (image, class) = (self.results / classes, self.results % classes);
        self.results += 1;
        let Some(Expected { result, uncertainty, .. }) = self.expected.get(image) else {
            let (what, found) = (format!("{} results", self.expected.len()), format!("beat {class} of another"));
            return self.verdict.add(image, None, Place::ResultStream, what, found, clock);
        };
        self.verdict.last_result = Some(clock);
        let w = self.dut.ports.widths;
        let mut fields = Fields { words: ports };
        let last = bits(fields.take(1), 0, 1) == 1;
        let decision = bits(fields.take(w.class), 0, w.class);
        let index = bits(fields.take(w.class), 0, w.class);
        let sum = signed(fields.take(w.sum), 0, w.sum);
        let sumsq = bits(fields.take(w.sumsq), 0, w.sumsq);
        let votes = bits(fields.take(w.votes), 0, w.votes);

        let v = &mut self.verdict;
        let framing = |index: usize, last: bool| format!("index {index}{}", if last { " and last" } else { "" });
        let (due, came) = (framing(class, class + 1 == classes), framing(index as usize, last));
        v.compare(image, None, Place::Framing { class }, due, came, clock);
        v.compare(image, None, Place::Decision { class }, result.class as u64, decision, clock);
        v.compare(image, None, Place::Sum { class }, result.sum[class], sum, clock);
        v.compare(image, None, Place::SumOfSquares { class }, result.sumsq[class], sumsq, clock);
        v.compare(image, None, Place::Votes { class }, u64::from(result.votes[class]), votes, clock);
        let (probability, squares) = (uncertainty.probability.get(class), uncertainty.squares.get(class));
        let threshold = UncertaintyPorts::threshold(self.thresholds, result.class);
        for (port, width) in self.dut.ports.beside() {
            let found = bits(fields.take(width), 0, width);
            let (place, due) = match port {
                "out_passes_o" => (Place::Passes { class }, Some(result.passes.into())),
                "out_prob_o" => (Place::Probability { class }, probability.copied()),
                "out_probsq_o" => (Place::ProbabilitySquares { class }, squares.copied()),
                "out_entropy_o" => (Place::Entropy { class }, Some(uncertainty.entropy)),
                "out_info_o" => (Place::Information { class }, Some(uncertainty.information)),
                _ => (
                    Place::Flag { class },
                    Some(uncertainty.flag(threshold, self.dut.ports.flag_passes(result)).into()),
                ),
            };
            v.compare(image, None, place, due.unwrap_or_default(), found, clock);
        }
        if class + 1 == classes {
            self.traces = self.traces.split_off(&(image + 1));
        }
    }

    fn logits(&mut self, clock: u64, ports: &[u32]) {
        let p = &self.dut.ports;
        let w = p.widths;
        let mut fields = Fields { words: ports };
        let first = bits(fields.take(w.pass), 0, w.pass) as usize;
        let lanes = fields.take(p.lanes);
        let class = bits(fields.take(w.class), 0, w.class) as usize;
        let values = fields.take(p.lanes * w.logit);
        for lane in (0..p.lanes).filter(|&l| bits(lanes, l, 1) == 1) {
            let pass = first + lane;
            let image = self.logits.image;
            let at = pass * p.classes + class;
            let fresh = pass < self.passes_of(image) && class < p.classes && !self.logits.seen[at];
            let Some(expected) = self.expected.get(image).filter(|_| fresh) else {
                let passes = self.passes_of(image);
                let due = format!("passes 0 to {} of classes 0 to {}, each once", passes.max(1) - 1, p.classes - 1);
                let found = format!("pass {pass} of class {class} out of turn");
                self.verdict.add(image, Some(pass as u32), Place::LogitStream, due, found, clock);
                continue;
            };
            self.logits.seen[at] = true;
            let logit = signed(values, lane * w.logit, w.logit);
            let place = Place::Logit { class };
            self.verdict.compare(image, Some(pass as u32), place, i64::from(expected.logits[at]), logit, clock);
            self.logits.count += 1;
            if self.logits.count == expected.logits.len() {
                self.logits.image += 1;
                self.logits.count = 0;
                self.logits.seen.fill(false);
            }
        }
    }

    fn tap(&mut self, clock: u64, layer: usize, ports: &[u32]) {
        let Some(stream) = self.taps.iter_mut().find(|s| s.tap.layer == layer) else { return };
        let tap = stream.tap;
        let groups = tap.outputs / tap.pe;
        while let Some(expected) = self.expected.get(stream.image)
            && stream.beats == groups * tap.frames(expected.result.passes)
        {
            (stream.image, stream.beats) = (stream.image + 1, 0);
        }
        let (image, group, frame) = (stream.image, stream.beats % groups, stream.beats / groups);
        stream.beats += 1;
        stream.all += 1;
        let Some(Expected { result, .. }) = self.expected.get(image).filter(|_| self.tapped.contains(&image)) else {
            return;
        };
        let passes = result.passes;
        let traces = match self.traces.entry(image) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                // An image has the number of those before it that reached the pass.
                let before = &self.expected[..image];
                let trace = |pass| {
                    let number = before.iter().filter(|e| e.result.passes > pass).count();
                    self.reference.trace(self.images.image(image), number as u64, pass)
                };
                match (0..passes).map(trace).collect() {
                    Ok(traces) => new.insert(traces),
                    Err(error) => return self.failure = Some(error),
                }
            }
        };
        let (act, live) = ports.split_at(ports.len() / 2);
        for lane in 0..tap.lanes {
            let pass = frame * tap.lanes + lane;
            if pass >= passes as usize {
                break;
            }
            let expected = &traces[pass][layer];
            for p in 0..tap.pe {
                let (neuron, at) = (group * tap.pe + p, lane * tap.pe + p);
                let pass = (!tap.once).then_some(pass as u32);
                let v = &mut self.verdict;
                let (due, came) = (expected.active[neuron], bits(act, at, 1) == 1);
                v.compare(image, pass, Place::Activation { layer, neuron }, u8::from(due), u8::from(came), clock);
                let (due, came) = (expected.live[neuron], bits(live, at, 1) == 1);
                v.compare(image, pass, Place::Live { layer, neuron }, u8::from(due), u8::from(came), clock);
            }
        }
    }

    /// The verdict, with what is missing at the end; `clock` is that of the end.
    pub fn finish(mut self, clock: u64) -> Result<Verdict, GoldenError> {
        if let Some(error) = self.failure {
            return Err(error);
        }
        let images = self.images.len();
        if self.logits.image < images {
            let due = self.expected.get(self.logits.image).map_or(0, |e| e.logits.len());
            let expected = format!("the logits of {images} images, {due} of this one");
            let found = format!("{} of them in the last image that has any", self.logits.count);
            self.verdict.add(self.logits.image, None, Place::LogitStream, expected, found, clock);
        }
        for stream in &self.taps {
            let frames: usize = self.expected.iter().map(|e| stream.tap.frames(e.result.passes)).sum();
            let due = frames * stream.tap.outputs / stream.tap.pe;
            if stream.all != due {
                let place = Place::Tap { layer: stream.tap.layer };
                let (expected, found) = (format!("{due} beats in all"), stream.all.to_string());
                self.verdict.add(images - 1, None, place, expected, found, clock);
            }
        }
        Ok(self.verdict)
    }
}

impl Verdict {
    pub fn compare<V: PartialEq + ToString>(
        &mut self,
        image: usize,
        pass: Option<u32>,
        place: Place,
        expected: V,
        found: V,
        clock: u64,
    ) {
        self.compared += 1;
        if expected != found {
            self.add(image, pass, place, expected.to_string(), found.to_string(), clock);
        }
    }

    fn add(&mut self, image: usize, pass: Option<u32>, place: Place, expected: String, found: String, clock: u64) {
        self.count += 1;
        if let Some(wrong) = self.wrong.get_mut(image) {
            *wrong = true;
        }
        if self.mismatches.len() < KEPT {
            self.mismatches.push(Mismatch { image, pass, place, expected, found, clock });
        }
    }
}

/// Takes ports one after the other off an event's words.
struct Fields<'a> {
    words: &'a [u32],
}

impl<'a> Fields<'a> {
    /// The words of a port of `width` bits; fewer where the event is too short, which then reads as zeros.
    fn take(&mut self, width: usize) -> &'a [u32] {
        let (port, rest) = self.words.split_at(width.div_ceil(32).min(self.words.len()));
        self.words = rest;
        port
    }
}
