//! The top of a design: layers in a row, the point where passes part, dropout units, logits, registers.

use super::cells::Cells;
use super::control::Control;
use super::crossbar;
use super::delta::Delta;
use super::exp2::Exp2;
use super::hold::Hold;
use super::host::Programming;
use super::intake::Intake;
use super::layer::{Gives, Layer, Repeats};
use super::log2::Log2;
use super::logits::{Early, Logits};
use super::mtj::Mtj;
use super::neurons::Neurons;
use super::pool::Pool;
use super::program::{Memories, Programmer, Region, What};
use super::queue::Queue;
use super::replay::{Drawn, Replay};
use super::skip::Skip;
use super::stream::{Place, Stream, instance};
use super::sums::{self, Reduce, Sums};
use super::uncertainty::Uncertainty;
use super::unit::{Kind, Unit};
use super::window::Window;
use super::{Design, MemoryImage, Options, RtlError, image, image_word, source};
use crate::net::{Columns, Conv, Crossbar, Direction, Map, Method, Network, Pad, PoolKind, Weights};
use crate::plan::{Flag, Kind as LayerKind, Latencies, LayerPlan, Plan, Reading, Schedule, overlaps, replay_clocks};
use crate::random;
use crate::verilog::{Expr, Module, VerilogFile, cat_lsb_first, index_width, lit, repeat};

/// Builds the whole design.
pub fn design(network: &Network, plan: &Plan, options: Options) -> Result<Design, RtlError> {
    build(network, plan, options, true)
}

/// The same; `holds` says whether its memories hold the network of a die with the stuck cells of the options, or the network as it is.
pub fn build(network: &Network, plan: &Plan, options: Options, holds: bool) -> Result<Design, RtlError> {
    network.check()?;
    let die = match &options.stuck {
        Some(map) => {
            map.check(network).map_err(|what| RtlError::Unsupported(format!("stuck cells: {what}")))?;
            holds.then(|| map.hold(network, &Columns::own(network)))
        }
        None => None,
    };
    let network = die.as_ref().unwrap_or(network);
    plan.check(network)?;
    if options.writable && plan.takes_differences() {
        let what =
            "layers that take differences have no weights that a host can write; use events 0, or leave --writable out";
        return Err(RtlError::Unsupported(what.into()));
    }
    let layers = plan.layers(network);
    let once = network.once_per_image();
    let lanes = plan.lanes as u32;
    let max_groups = (plan.max_passes / plan.lanes) as u32;
    let group_bits = index_width(max_groups);
    let name = &network.name;
    let random = network.random;
    let unit_count = network.streams() as u32;
    let widths = Logits::widths(&network.output, plan.max_passes as u32);
    if widths.sumsq > 64 {
        return Err(RtlError::Unsupported(format!(
            "sums of squared logits need {} bits, more than 64: use fewer logit bits than {} or fewer passes than {}",
            widths.sumsq, network.output.logit_bits, plan.max_passes
        )));
    }

    let uncertainty = uncertainty(network, plan);
    let thresholds = thresholds(network, plan, &options, uncertainty.as_ref())?;

    let mut files: Vec<VerilogFile> = vec![];
    let mut images: Vec<MemoryImage> = vec![];
    if unit_count > 0 {
        images.extend(source::recording(&random, &network.chip.recording));
    }
    let mut m = Module::new(name);
    m.doc(&format!(
        "Binary Bayesian network `{name}`: images in, for each image the sum, squares and votes of its passes' logits out."
    ));
    for (index, l) in layers.iter().enumerate() {
        m.fact(&format!("layer {index}"), describe(l));
    }
    m.fact("lanes (passes at once)", lanes);
    m.fact("passes an image, at most", plan.max_passes);
    m.group("Clock and reset");
    let clk = m.input("clk_i", 1);
    let rst_n = m.input("rst_ni", 1);
    m.note("synchronous, active low");
    m.group(&format!(
        "Images in: {} beats of {} values",
        layers[0].values() / layers[0].beat_values(),
        layers[0].beat_values()
    ));
    let in_valid = m.input("in_valid_i", 1);
    let in_ready = m.output("in_ready_o", 1);
    let in_data = m.input("in_data_i", (layers[0].beat_values() * layers[0].planes) as u32);
    m.note("first value lowest");
    m.group(&format!("Results out: {} beats, one a class", network.classes()));
    let out_valid = m.output("out_valid_o", 1);
    let out_ready = m.input("out_ready_i", 1);
    let result: Vec<(&str, Expr)> = [
        ("out_last_o", 1, "last beat of the image"),
        ("out_class_o", widths.class, "the decision: the class of the largest sum"),
        ("out_index_o", widths.class, "the class that this beat is about"),
        ("out_sum_o", widths.sum, "sum of its logits over the passes, signed"),
        ("out_sumsq_o", widths.sumsq, "sum of their squares"),
        ("out_votes_o", widths.votes, "passes that it won"),
    ]
    .into_iter()
    .map(|(port, width, about)| {
        let e = m.output(port, width);
        m.note(about);
        (port, e)
    })
    .collect();
    let out_passes = network.early_stop.map(|_| {
        let e = m.output("out_passes_o", widths.votes);
        m.note("passes that the image took");
        e
    });
    let beside = uncertainty.as_ref().map(|u| beside(&mut m, u)).unwrap_or_default();
    m.group("Every pass's logits, for debugging: no backpressure");
    let debug: Vec<(&str, Expr)> = [
        ("dbg_valid_o", 1, "one class of one group of passes"),
        ("dbg_pass_o", widths.pass, "pass of lane 0"),
        ("dbg_lanes_o", lanes, "lanes that carry a pass"),
        ("dbg_class_o", widths.class, ""),
        ("dbg_logit_o", lanes * widths.logit, "signed, lane 0 lowest"),
    ]
    .into_iter()
    .map(|(port, width, about)| {
        let e = m.output(port, width);
        if !about.is_empty() {
            m.note(about);
        }
        (port, e)
    })
    .collect();
    m.group("Registers");
    let registers: Vec<(&str, Expr)> = vec![
        ("reg_addr_i", m.input("reg_addr_i", 8)),
        ("reg_write_i", m.input("reg_write_i", 1)),
        ("reg_wdata_i", m.input("reg_wdata_i", 32)),
        ("reg_rdata_o", m.output("reg_rdata_o", 32)),
    ];
    let mut memories = Memories::new(options.writable);
    let host: Vec<(&str, Expr)> = if options.writable {
        m.group("Programming port: weights and constants, one acknowledged word at a time");
        let (ins, outs) = Programmer::host_ports();
        let ins = ins.map(|(port, width, note)| (port, m.input(port, width), note));
        let outs = outs.map(|(port, width, note)| (port, m.output(port, width), note));
        ins.into_iter().chain(outs).map(|(port, e, _)| (port, e)).collect()
    } else {
        vec![]
    };
    let taps = |m: &mut Module, index: usize, l: &LayerPlan| -> Option<[Expr; 3]> {
        if !options.taps {
            return None;
        }
        m.group(&format!("Tap on layer {index}, for finding faults"));
        let width = (if index + 1 == once { plan.lanes } else { l.lanes } * l.pe) as u32;
        Some([
            m.output(&format!("tap{index}_valid_o"), 1),
            m.output(&format!("tap{index}_act_o"), width),
            m.output(&format!("tap{index}_live_o"), width),
        ])
    };
    let taps: Vec<Option<[Expr; 3]>> =
        layers[..layers.len() - 1].iter().enumerate().map(|(i, l)| taps(&mut m, i, l)).collect();

    m.section("Registers and the start of the random streams");
    let methods = network.hidden.iter().filter_map(|h| h.method.as_ref());
    let arbiter = (!network.output.others.is_empty()).then_some(None);
    let codes = network.input.dropout.map(Some).into_iter().chain(methods.map(Method::code)).chain(arbiter).collect();
    let control = Control {
        name: format!("{name}_control"),
        codes,
        streams: unit_count,
        passes: network.passes.min(plan.max_passes as u32),
        max_passes: plan.max_passes as u32,
        lanes,
        root: random::root_from_seed(network.seed, random.lfsr_bits),
        random,
        thresholds,
        threshold_bits: uncertainty.as_ref().map_or(0, |u| u.widths().entropy),
        lead: network.early_stop.map(|rule| rule.lead),
        programmed: options.writable,
    };
    let control_files = control.emit()?;
    let accept = m.wire("accept", 1);
    let image_begins = m.wire("image_begins", 1);
    let image_done = m.wire("image_done", 1);
    let last_group = m.wire("last_group", group_bits);
    let last_lanes = m.wire("last_lanes", lanes);
    let mut ports = vec![("clk_i", clk.clone()), ("rst_ni", rst_n.clone())];
    ports.extend(registers);
    ports.extend([
        ("accept_o", accept.clone()),
        ("image_begins_i", image_begins.clone()),
        ("image_done_i", image_done.clone()),
        ("last_group_o", last_group.clone()),
        ("last_lanes_o", last_lanes.clone()),
    ]);
    let holding = options.writable.then(|| (m.wire("programming", 1), m.wire("images_idle", 1)));
    ports.extend(holding.iter().flat_map(|(hold, idle)| [("hold_i", hold.clone()), ("idle_o", idle.clone())]));
    let threshold = (!control.thresholds.is_empty())
        .then(|| m.wire("threshold", control.thresholds.len() as u32 * control.threshold_bits));
    ports.extend(threshold.iter().map(|e| ("threshold_o", e.clone())));
    let early_stop = network.early_stop.map(|rule| StopWires {
        block: Early { passes: rule.every, groups: rule.every / lanes },
        passes: m.wire("passes", widths.votes),
        lead: m.wire("lead", 32),
        verdict: m.wire("verdict", 1),
        stop: m.wire("stop", 1),
    });
    if let Some(stop) = &early_stop {
        ports.extend([("passes_o", stop.passes.clone()), ("lead_o", stop.lead.clone())]);
    }
    let layers_that_draw = network.stochastic_layers() as u32;
    let count = unit_count;
    let codes: Vec<(String, Expr)> = (0..layers_that_draw)
        .map(|s| (format!("code{s}_o"), m.wire(&format!("code{s}"), random.code_bits + 1)))
        .collect();
    ports.extend(codes.iter().map(|(n, e)| (n.as_str(), e.clone())));
    let masks_ready = (count > 0).then(|| m.wire("masks_ready", count));
    let mut seeds = masks_ready.as_ref().map(|ready| {
        let bus = [
            ("seed_valid", m.wire("seed_valid", count)),
            ("seed_lane", m.wire("seed_lane", lanes)),
            ("seed_group", m.wire("seed_group", group_bits)),
            ("seed_state", m.wire("seed_state", random.state_bits())),
            ("begin", m.wire("begin_masks", 1)),
        ];
        ports.push(("seed_valid_o", bus[0].1.clone()));
        ports.push(("seed_lane_o", bus[1].1.clone()));
        ports.push(("seed_group_o", bus[2].1.clone()));
        ports.push(("seed_state_o", bus[3].1.clone()));
        ports.push(("begin_o", bus[4].1.clone()));
        ports.push(("masks_ready_i", m.wire_is("all_masks_ready", &ready.all())));
        bus
    });
    instance(&mut m, "u_control", &control_files, &ports);
    if let (Some(seeds), Some(stop)) = (&mut seeds, &early_stop) {
        m.comment("An image that stops early leaves the states of its other passes as they are.");
        seeds[4].1 = m.wire_is("begin_or_stop", &(&seeds[4].1 | &stop.stop));
    }
    if let (Some(seeds), true) = (&seeds, max_groups == 1) {
        m.unused("unused_seed_group", &[&seeds[2].1]);
    }
    files.extend(control_files);

    let streams = seeds.zip(masks_ready).map(|(seeds, ready)| Streams {
        clk: clk.clone(),
        rst_n: rst_n.clone(),
        seeds: seeds.map(|(_, e)| e),
        ready,
        codes: codes.iter().map(|(_, e)| e.clone()).collect(),
        last_group: (max_groups > 1).then(|| last_group.clone()),
    });

    let early = earlies(network, plan, &layers);
    let mut scales: Option<Scales> = None;
    let mut stream: Option<Stream> = None;
    // Of each layer the sums that later layers add.
    let mut waiting: Vec<Vec<Stream>> = vec![vec![]; layers.len()];
    if let (Some(_), Some(streams)) = (network.input.dropout, &streams) {
        let l = &layers[0];
        let pixels = l.conv.map_or(1, |conv| conv.input.positions() as u32);
        let (pe, beats) = (l.beat_values() as u32, (l.values() / l.beat_values()) as u32);
        m.section(&format!("Inputs: {}, dropout", l.inputs));
        let intake = vec![Intake { beats, pixels: 1 }.emit()?];
        let from = Stream {
            valid: m.wire("input_valid", 1),
            act: in_data.clone(),
            live: None,
            claim: image_begins.clone(),
            claim_ready: m.wire("input_claim_ready", 1),
        };
        let ports = [
            ("clk_i", clk.clone()),
            ("rst_ni", rst_n.clone()),
            ("accept_i", accept.clone()),
            ("in_valid_i", in_valid.clone()),
            ("in_ready_o", in_ready.clone()),
            ("claim_ready_i", from.claim_ready.clone()),
            ("claim_o", from.claim.clone()),
            ("valid_o", from.valid.clone()),
        ];
        instance(&mut m, "u_intake", &intake, &ports);
        files.extend(intake);
        let draws = plan.input_draws_per_clock(network) as u32;
        let (kind, holds) = (Kind::Dropout, false);
        let mtj = devices(network, 0);
        let rewinds = early_stop.is_some();
        let unit = Unit { kind, count: pe, draws, codes: 1, beats, holds, lanes, max_groups, rewinds, random, mtj };
        images.extend(unit.table());
        let (drawn, take) = (m.wire("input_mask", lanes * pe), m.wire("input_take", 1));
        let name = format!("{name}_replay");
        let clocks = replay_clocks(network, plan) as u32;
        let block = early_stop.as_ref().map(|stop| stop.block.groups);
        let drawn_with = Some(Drawn::Masks);
        let beats = beats / pixels;
        let replay = Replay { name, pe, beats, pixels, lanes, max_groups, clocks, width: 1, drawn: drawn_with, block };
        let masks = Some((streams.ready.bit(0), &drawn, &take));
        let (mut sent, live) =
            emit_replay(&mut m, &mut files, 0, from, replay, (&clk, &rst_n, &last_group, &early_stop), masks)?;
        sent.live = live;
        streams.emit_unit(&mut m, &mut files, (0, streams.codes[0].clone()), &unit, &drawn, &take)?;
        stream = Some(sent);
    }
    if let (Some(conv), None) = (layers[0].conv, network.input.dropout) {
        let (simd, pixels) = (layers[0].beat_values() as u32, conv.input.positions() as u32);
        m.section(&format!(
            "Images come in as maps of {} x {} x {}",
            conv.input.height, conv.input.width, conv.input.channels
        ));
        let intake = vec![Intake { beats: conv.input.channels as u32 / simd, pixels }.emit()?];
        let sent = Stream {
            valid: m.wire("input_valid", 1),
            act: in_data.clone(),
            live: None,
            claim: m.wire("input_claim", 1),
            claim_ready: m.wire("input_claim_ready", 1),
        };
        let ports = [
            ("clk_i", clk.clone()),
            ("rst_ni", rst_n.clone()),
            ("accept_i", accept.clone()),
            ("in_valid_i", in_valid.clone()),
            ("in_ready_o", in_ready.clone()),
            ("claim_ready_i", sent.claim_ready.clone()),
            ("claim_o", sent.claim.clone()),
            ("valid_o", sent.valid.clone()),
        ];
        let mut ports = ports.to_vec();
        if pixels > 1 {
            ports.push(("image_begins_o", image_begins.clone()));
        } else {
            m.assign(&image_begins, &sent.claim);
        }
        instance(&mut m, "u_intake", &intake, &ports);
        files.extend(intake);
        stream = Some(sent);
    }
    for (index, l) in layers.iter().enumerate() {
        let output = index + 1 == layers.len();
        m.section(&format!("Layer {index}: {}", describe(l)));
        let parts = index + 1 == once;
        let (width, pe) = (l.lanes as u32, l.pe as u32);
        let sent_lanes = if parts { lanes } else { width };
        let mut place = Place { m: &mut m, files: &mut files, clk: &clk, rst_n: &rst_n, memories: &mut memories };
        let beat_in = index.checked_sub(1).map_or(l.beat_values() as u32, |before| layers[before].pe as u32);
        stream = match (stream, l.conv) {
            (Some(from), Some(conv)) => {
                let window = Window {
                    name: format!("{name}_window{index}"),
                    conv,
                    simd: l.beat_values() as u32,
                    by_place: l.by_place(),
                    beat: beat_in,
                    bits: l.planes as u32,
                    lanes: width,
                    masked: from.live.is_some(),
                };
                Some(place.window(index, &window, from)?)
            }
            (Some(from), None) => match index.checked_sub(1).map(|before| layers[before].pixels()) {
                Some(pixels @ 2..) => Some(place.join(&format!("layer{index}"), pixels as u32, from)?),
                _ => Some(from),
            },
            (None, _) => None,
        };
        let hidden = network.hidden.get(index);
        let method = hidden.and_then(|h| h.method.as_ref());
        let layer = Layer {
            name: format!("{name}_layer{index}"),
            index,
            plan: *l,
            beat: match (&stream, l.conv) {
                (None, _) => 0,
                (Some(_), Some(_)) => l.simd as u32,
                (Some(_), None) => beat_in,
            },
            signed: network.input.signed,
            gives: match (output, l.gives_sums()) {
                (true, _) => Gives::Logits,
                (_, true) => Gives::Sums,
                _ => Gives::Activations,
            },
            crossbars: l.crossbars() as u32,
            repeats: (index == 0 && once == 0 && stream.is_none())
                .then(|| Repeats { max_groups, block: early_stop.as_ref().map(|stop| stop.block.groups) }),
            early: early[index],
            writable: options.writable,
        };
        let delta = hidden.filter(|_| l.events > 0).map(|hidden| Delta {
            name: layer.name.clone(),
            index,
            plan: *l,
            beat: beat_in,
            behind: index > 0 && layers[index - 1].events > 0,
            max_groups,
            weights: &hidden.weights,
            thresholds: &hidden.thresholds,
            directions: &hidden.directions,
        });
        let emitted = match &delta {
            Some(delta) => delta.emit()?,
            None => layer.emit()?,
        };
        let sums = layer.gives != Gives::Activations;
        let mut sent = Stream {
            valid: m.wire(&format!("layer{index}_valid"), 1),
            act: m
                .wire(&format!("layer{index}_{}", if sums { "sum" } else { "act" }), width * pe * layer.result_width()),
            live: None,
            claim: m.wire(&format!("layer{index}_claim"), 1),
            claim_ready: m.wire(&format!("layer{index}_claim_ready"), 1),
        };
        let mut odd = (sums && l.masked && l.array.is_none()).then(|| m.wire(&format!("layer{index}_odd"), width));
        let crossbar = (output && layer.crossbars > 1).then(|| m.wire("output_crossbar", index_width(layer.crossbars)));
        let stuck = options.stuck.as_ref().map(|map| &map.layers[index][..]);
        let cells = options.writable.then(|| cells(&layer, stuck.map(|cells| cells[0].columns()))).flatten();
        let mut programmed = vec![];
        for (memory, file, is_weights) in [
            (Some(layer.weight_memory()), layer.weight_file(), true),
            (layer.start_memory(), layer.start_file(), false),
        ] {
            let Some(memory) = memory else { continue };
            let what = if is_weights { weights_of(&layer, cells.clone()) } else { What::Constants };
            let region = Region { name: format!("layer{index}_{}", memory.name), layer: index, what, memory, file };
            programmed.extend(memories.connect(&mut m, region));
        }
        let mut ports = vec![
            ("clk_i", clk.clone()),
            ("rst_ni", rst_n.clone()),
            ("claim_ready_i", sent.claim_ready.clone()),
            ("claim_o", sent.claim.clone()),
            ("valid_o", sent.valid.clone()),
            (if sums { "sum_o" } else { "act_o" }, sent.act.clone()),
        ];
        match stream.take() {
            None => ports.extend([
                ("accept_i", accept.clone()),
                ("in_valid_i", in_valid.clone()),
                ("in_ready_o", in_ready.clone()),
                ("in_data_i", in_data.clone()),
                ("image_begins_o", image_begins.clone()),
            ]),
            Some(before) => {
                ports.extend([
                    ("claim_i", before.claim),
                    ("claim_ready_o", before.claim_ready),
                    ("valid_i", before.valid),
                    ("act_i", before.act),
                ]);
                ports.extend(before.live.map(|live| ("live_i", live)));
            }
        }
        ports.extend(odd.iter().map(|odd| ("odd_o", odd.clone())));
        ports.extend(crossbar.iter().map(|crossbar| ("crossbar_o", crossbar.clone())));
        ports.extend(programmed.iter().map(|(port, e)| (port.as_str(), e.clone())));

        // The stochastic unit: what it draws for a beat in all lanes, and when the next beat may be drawn.
        let unit = l.unit.map(|s| {
            let (count, holds) = l.draws();
            let unit = Unit {
                kind: match l.kind {
                    LayerKind::Subset { bits } => Kind::Gaussian { bits },
                    LayerKind::Bayes { crossbars } => Kind::Arbiter { crossbars },
                    _ => Kind::Dropout,
                },
                count: count as u32,
                draws: plan.draws_per_clock(network, index) as u32,
                codes: if let LayerKind::Scale { of, .. } = l.kind { of as u32 } else { 1 },
                // A pass takes its draws beat by beat, or all with the first; a crossbar is chosen for every frame anew, or for all.
                beats: match (l.kind, holds) {
                    (LayerKind::Bayes { .. }, _) => l.positions() as u32,
                    (_, true) => (l.groups() * l.deciding()) as u32,
                    _ if l.held => l.groups() as u32,
                    _ => (l.groups() * l.pixels()) as u32,
                },
                holds: holds && (layer.crossbars == 1 || l.positions() > 1),
                lanes: sent_lanes,
                max_groups,
                rewinds: early_stop.is_some(),
                random,
                mtj: devices(network, s),
            };
            images.extend(unit.table());
            let what = match l.kind {
                LayerKind::Dropout => "mask",
                LayerKind::Bayes { .. } => "choice",
                _ => "drawn",
            };
            let drawn = m.wire(&format!("layer{index}_{what}"), sent_lanes * unit.count * unit.width());
            let take = m.wire(&format!("layer{index}_take"), 1);
            (s, unit, drawn, take)
        });
        // Keys of read errors come from a unit of their own.
        let key_unit = network.error_stream(index).map(|stream| {
            let unit = Unit {
                kind: Kind::Key,
                count: stream.draws as u32,
                draws: stream.draws as u32,
                codes: 1,
                beats: l.positions() as u32,
                holds: l.positions() > 1,
                lanes: width,
                max_groups,
                rewinds: early_stop.is_some(),
                random,
                mtj: None,
            };
            let drawn = m.wire(&format!("layer{index}_key_draws"), width * unit.count * unit.width());
            let take = m.wire(&format!("layer{index}_key_take"), 1);
            m.assign(&take, &sent.claim);
            let each = unit.count * unit.width();
            let keys: Vec<Expr> = (0..width).map(|lane| drawn.bits(lane * each, 64)).collect();
            if each > 64 {
                let more: Vec<Expr> = (0..width).map(|lane| drawn.bits(lane * each + 64, each - 64)).collect();
                m.unused(&format!("unused_key{index}"), &more.iter().collect::<Vec<_>>());
            }
            ports.push(("key_i", m.wire_is(&format!("layer{index}_keys"), &cat_lsb_first(keys))));
            (stream.number, unit, drawn, take)
        });
        if let (LayerKind::Bayes { .. }, Some((_, _, choice, take))) = (l.kind, &unit) {
            ports.push(("choice_i", choice.clone()));
            m.assign(take, &sent.claim);
        }
        if delta.is_some() && max_groups > 1 {
            ports.push(("last_group_i", last_group.clone()));
        }
        if layer.repeats.is_some() {
            ports.push(("last_group_i", last_group.clone()));
            ports.extend(early_stop.iter().flat_map(StopWires::ports));
        }
        instance(&mut m, &format!("u_layer{index}"), &emitted, &ports);
        files.extend(emitted);
        if let (Some(crossbar), Some(array)) = (layer.crossbar(), network.array(index)) {
            let memories = [
                (crossbar.codes_file(), crossbar::codes(array)),
                (crossbar.gains_file(), crossbar::gains(&crossbar, array)),
                (crossbar.starts_file(), crossbar::starts(&crossbar, array)),
            ];
            images.extend(memories.into_iter().filter_map(|(file, text)| Some(MemoryImage { file, text: text? })));
        }
        let crossbars = crossbars(network, index);
        match &delta {
            Some(delta) => {
                images.extend(delta.images().into_iter().map(|(file, text)| MemoryImage { file, text }));
            }
            None => {
                let text = |c: &CrossbarRef| image::weights(&layer, c.weights, (!sums).then_some(c.directions));
                images.push(MemoryImage { file: layer.weight_file(), text: crossbars.iter().map(text).collect() });
            }
        }
        if let Some(cells) = &cells {
            let directions: Vec<&[Direction]> = crossbars.iter().map(|c| c.directions).collect();
            images.push(cells.table(&directions));
            images.extend(stuck.map(|stuck| cells.stuck(&layer, stuck)));
        }

        if let (Some((s, unit, drawn, take)), Some(streams)) = (&unit, &streams) {
            let code = streams.code_of(network, index);
            streams.emit_unit(&mut m, &mut files, (*s, code), unit, drawn, take)?;
        }
        if let (Some((s, unit, drawn, take)), Some(streams)) = (&key_unit, &streams) {
            streams.emit_unit(&mut m, &mut files, (*s, lit(1, 0)), unit, drawn, take)?;
        }
        if let Some(hidden) = hidden {
            if !sums && delta.is_none() {
                let text = |c: &CrossbarRef| image::starts(&layer, c.weights, c.thresholds, c.directions);
                let zeros = layer.zero_row().map(|_| image_word(&[(pe * layer.start_bits(), 0)]));
                let text = crossbars.iter().map(text).chain(zeros).collect();
                images.push(MemoryImage { file: layer.start_file(), text });
            }
            let decides_each_pass = l.kind.decides_on_sums() || (parts && l.decides_each_pass());
            let neurons = l.gives_sums().then(|| Neurons {
                name: format!("{name}_neurons{index}"),
                hidden,
                plan: *l,
                lanes: if decides_each_pass { sent_lanes } else { width },
                signed: network.input.signed,
                writable: options.writable,
            });
            // What was drawn, beside the beats that need it.
            let mut drawn = unit.as_ref().map(|(_, _, drawn, _)| drawn.clone());
            let mut place = Place { m: &mut m, files: &mut files, clk: &clk, rst_n: &rst_n, memories: &mut memories };
            if let Some(summed) = l.summed {
                let sums = Sums {
                    name: format!("{name}_sums{index}"),
                    weights: &hidden.weights,
                    plan: *l,
                    lanes: width,
                    signed: network.input.signed,
                    most: summed.own,
                    writable: options.writable,
                };
                // An array gives sums as they have to be.
                if l.array.is_none() {
                    sent = place.sums(index, &sums, sent, odd.take())?;
                    images.extend(sums.offsets().map(|text| MemoryImage { file: sums.offsets_file(), text }));
                }
                if let (Some(conv), Some(kind)) = (hidden.conv, summed.pool) {
                    let bits = (Sums::bits(summed.own), Sums::bits(summed.pooled));
                    sent = pool_windows(&mut place, index, (name, l, width), conv, (kind, bits), sent)?;
                }
                if let Some((from, earlier)) =
                    summed.adds.filter(|&from| !waiting[from].is_empty()).map(|from| (from, waiting[from].remove(0)))
                {
                    let before = layers[from].summed.map_or(0, |sums| sums.decided);
                    let skip = Skip {
                        name: format!("{name}_skip{index}"),
                        pe,
                        lanes: width,
                        groups: l.groups() as u32,
                        pixels: between(&layers[from..=index]),
                        bits: (Sums::bits(before), Sums::bits(summed.pooled), Sums::bits(summed.decided)),
                    };
                    sent = place.skip(index, &skip, earlier, sent)?;
                }
            }
            // Activations are pooled before they are dropped; where neurons decide on sums, behind those.
            let pooling = hidden.conv.filter(|conv| conv.pool.is_some() && l.summed.is_none_or(|s| s.pool.is_none()));
            let pool_lanes = if decides_each_pass { sent_lanes } else { width };
            let overlaps = pooling.and_then(|conv| conv.pool).is_some_and(|pool| overlaps(&pool));
            let pool = pooling.filter(|_| !overlaps).map(|conv| Pool {
                name: format!("{name}_pool{index}"),
                conv,
                pe,
                groups: l.groups() as u32,
                lanes: pool_lanes,
                all: conv.pool.filter(|pool| pool.kind == PoolKind::Max).and_then(|_| {
                    let all: Vec<bool> = hidden.directions.iter().map(|&d| d == Direction::Le).collect();
                    (options.writable || all.contains(&true)).then_some(all)
                }),
                writable: options.writable,
            });
            let words = pool.as_ref().and_then(|pool| Some((pool.all_file(), pool.all_words()?)));
            images.extend(words.map(|(file, text)| MemoryImage { file, text }));
            let pooled = |place: &mut Place, sent: Stream| match (&pool, pooling) {
                (Some(pool), _) => place.pool(index, pool, sent),
                (None, Some(conv)) => {
                    pool_windows(place, index, (name, l, pool_lanes), conv, (PoolKind::Or, (1, 1)), sent)
                }
                (None, None) => Ok(sent),
            };
            let mut forks = |place: &mut Place, mut sent: Stream| {
                for (later, _) in network.hidden.iter().enumerate().filter(|(_, h)| h.residual == Some(index)) {
                    let (main, skip) = place.fork((index, later), &sent);
                    waiting[index].push(skip);
                    sent = main;
                }
                sent
            };
            if !decides_each_pass {
                sent = forks(&mut place, sent);
                if let Some(neurons) = &neurons {
                    (sent.valid, sent.act) = place.neurons(index, neurons, &sent, None, odd.take())?;
                    images.push(MemoryImage { file: neurons.parameter_file(), text: neurons.parameters() });
                }
                sent = pooled(&mut place, sent)?;
            }
            // Draws are taken by whoever sends the beats; those that hold for a map, by way of what holds them.
            let ready = |s: usize| streams.as_ref().map_or(lit(1, 1), |streams| streams.ready.bit(s as u32));
            let mut draws = unit.as_ref().map(|(s, _, drawn, take)| (ready(*s), drawn.clone(), take.clone()));
            if l.held
                && let Some((there, drawn_by_unit, unit_take)) = draws.take()
            {
                let pixels = if l.kind.decides_on_sums() { l.deciding() } else { l.pixels() } as u32;
                let hold = Hold { beats: l.groups() as u32, pixels, width: drawn_by_unit.width() };
                let take = place.m.wire(&format!("layer{index}_held_take"), 1);
                let (held, there) = place.hold(index, &hold, (&drawn_by_unit, there), (&take, &unit_take))?;
                drawn = Some(held.clone());
                if !parts {
                    // The unit keeps up with the layer, so that nobody has to wait.
                    place.m.unused(&format!("unused_held{index}_ready"), &[&there]);
                }
                draws = Some((there, held, take));
            }
            if parts {
                let pixels = if decides_each_pass { l.deciding() } else { l.pixels() } as u32;
                if pixels > 1 {
                    sent = place.join("replay", pixels, sent)?;
                }
                let replay = Replay {
                    name: format!("{name}_replay"),
                    pe,
                    beats: l.groups() as u32,
                    pixels,
                    lanes,
                    max_groups,
                    clocks: replay_clocks(network, plan) as u32,
                    width: match l.summed {
                        _ if !decides_each_pass => 1,
                        Some(summed) => Sums::bits(summed.decided),
                        None => layer.lane().result_width(),
                    },
                    drawn: unit.as_ref().map(|(_, unit, ..)| match l.kind {
                        LayerKind::Dropout => Drawn::Masks,
                        _ => Drawn::Numbers(unit.count * unit.width()),
                    }),
                    block: early_stop.as_ref().map(|stop| stop.block.groups),
                };
                let masks = draws.as_ref().map(|(ready, drawn, take)| (ready.clone(), drawn, take));
                (sent, drawn) = emit_replay(
                    &mut m,
                    &mut files,
                    index,
                    sent,
                    replay,
                    (&clk, &rst_n, &last_group, &early_stop),
                    masks,
                )?;
            } else if let (false, Some((_, _, take))) = (layer.crossbars > 1, &draws) {
                m.assign(take, &sent.valid);
            }
            if let LayerKind::Scale { index: scale, of } = l.kind {
                let beats = (l.groups() * l.deciding()) as u32;
                match (&scales, drawn.take()) {
                    (None, Some(all)) => {
                        drawn = Some(of_each_lane(&all, sent_lanes, of as u32, 0));
                        scales = Some(Scales { drawn: all, beat: sent.valid.clone(), beats, layer: index });
                    }
                    (Some(unit), _) => {
                        let queue = Queue {
                            beats: (unit.beats, beats),
                            depth: on_the_way(&layers[unit.layer..=index]),
                            lanes: sent_lanes,
                        };
                        let out = m.wire(&format!("layer{index}_drawn"), sent_lanes);
                        let ports = [
                            ("clk_i", clk.clone()),
                            ("rst_ni", rst_n.clone()),
                            ("beat_in_i", unit.beat.clone()),
                            ("drawn_i", of_each_lane(&unit.drawn, sent_lanes, of as u32, scale as u32)),
                            ("beat_out_i", sent.valid.clone()),
                            ("drawn_o", out.clone()),
                        ];
                        let emitted = vec![queue.emit()?];
                        instance(&mut m, &format!("u_scale_queue{index}"), &emitted, &ports);
                        files.extend(emitted);
                        drawn = Some(out);
                    }
                    (None, None) => {}
                }
            }
            let mut place = Place { m: &mut m, files: &mut files, clk: &clk, rst_n: &rst_n, memories: &mut memories };
            if let (Some(neurons), true) = (&neurons, decides_each_pass) {
                sent = forks(&mut place, sent);
                let numbers = drawn.take_if(|_| l.kind.decides_on_sums());
                let odd = odd.take().map(|odd| repeat(sent_lanes / odd.width(), &odd));
                (sent.valid, sent.act) = place.neurons(index, neurons, &sent, numbers, odd)?;
                images.push(MemoryImage { file: neurons.parameter_file(), text: neurons.parameters() });
                sent = pooled(&mut place, sent)?;
                // Masks came with the sums.
                let clocks = Neurons::clocks(l) as u32;
                drawn = drawn.map(|mask| (0..clocks).fold(mask, |mask, late| place.later(index, late, &mask)));
            }
            match drawn {
                Some(mask) if method.is_some_and(Method::masks) => sent.live = Some(mask),
                Some(mask) if l.kind == LayerKind::Dropout => {
                    m.comment("Dropped before the sign: sign(0) = +1.");
                    sent.act = m.wire_is(&format!("layer{index}_fired"), &(&sent.act | !&mask));
                }
                _ => {}
            }
            if let Some([valid, act, live]) = &taps[index] {
                m.assign(valid, &sent.valid);
                let width = act.width();
                m.assign(act, &sent.act.bits(0, width));
                let all = repeat(width, &lit(1, 1));
                m.assign(live, sent.live.as_ref().unwrap_or(&all));
            }
            stream = Some(sent);
        } else {
            m.section("Logits and results");
            let logits = Logits {
                name: format!("{name}_logits"),
                output: &network.output,
                pe,
                lanes,
                max_groups,
                max_passes: plan.max_passes as u32,
                masked: l.masked && l.array.is_none(),
                most: l.array.map(|array| array.most),
                shared: uncertainty.is_some(),
                early: early_stop.as_ref().map(|stop| stop.block),
                writable: options.writable,
            };
            images.push(MemoryImage { file: logits.constants_file(), text: logits.constants() });
            let emitted = vec![logits.emit()?];
            let shared = uncertainty.as_ref().map(|_| Shared {
                logits_ready: m.wire("logits_claim_ready", 1),
                image_ready: m.wire("image_ready", 1),
                ended: m.wire("passes_ended", 1),
                best: m.wire("best", lanes * widths.logit),
            });
            let mut ports = vec![
                ("clk_i", clk.clone()),
                ("rst_ni", rst_n.clone()),
                ("last_group_i", last_group.clone()),
                ("last_lanes_i", last_lanes.clone()),
                ("claim_i", sent.claim.clone()),
                ("claim_ready_o", shared.as_ref().map_or(&sent.claim_ready, |s| &s.logits_ready).clone()),
                ("valid_i", sent.valid),
                ("sum_i", sent.act),
                ("out_valid_o", out_valid.clone()),
                ("out_ready_i", out_ready.clone()),
                ("image_done_o", image_done.clone()),
            ];
            ports.extend(odd.take().map(|odd| ("odd_i", odd)));
            ports.extend(crossbar.map(|crossbar| ("crossbar_i", crossbar)));
            let (memory, file) = (logits.memory(), logits.constants_file());
            let name = format!("layer{index}_{}", memory.name);
            let constants =
                memories.connect(&mut m, Region { name, layer: index, what: What::Constants, memory, file });
            ports.extend(constants.iter().map(|(port, e)| (port.as_str(), e.clone())));
            ports.extend(result.iter().cloned());
            ports.extend(debug.iter().cloned());
            if let (Some(stop), Some(out_passes)) = (&early_stop, &out_passes) {
                ports.extend([
                    ("out_passes_o", out_passes.clone()),
                    ("passes_i", stop.passes.clone()),
                    ("lead_i", stop.lead.clone()),
                    ("verdict_o", stop.verdict.clone()),
                    ("stop_o", stop.stop.clone()),
                ]);
            }
            if let Some(shared) = &shared {
                ports.extend([
                    ("image_ready_i", shared.image_ready.clone()),
                    ("ended_o", shared.ended.clone()),
                    ("best_o", shared.best.clone()),
                ]);
            }
            instance(&mut m, "u_logits", &emitted, &ports);
            files.extend(emitted);
            if let (Some(block), Some(shared)) = (&uncertainty, shared) {
                m.section("Uncertainty");
                let ready = m.wire("uncertainty_claim_ready", 1);
                m.assign(&sent.claim_ready, &(&shared.logits_ready & &ready));
                let port = |of: &[(&str, Expr)], name: &str| {
                    of.iter().find(|(port, _)| *port == name).map_or(lit(1, 0), |(_, e)| e.clone())
                };
                let mut ports = vec![
                    ("clk_i", clk.clone()),
                    ("rst_ni", rst_n.clone()),
                    ("last_group_i", last_group.clone()),
                    ("last_lanes_i", last_lanes.clone()),
                    ("claim_i", sent.claim),
                    ("claim_ready_o", ready),
                    ("valid_i", port(&debug, "dbg_valid_o")),
                    ("logit_i", port(&debug, "dbg_logit_o")),
                    ("ended_i", shared.ended),
                    ("best_i", shared.best),
                    ("image_ready_o", shared.image_ready),
                    ("index_i", port(&result, "out_index_o")),
                    ("image_sent_i", image_done.clone()),
                ];
                if block.parts.flag == Some(Flag::ByClass) {
                    ports.push(("class_i", port(&result, "out_class_o")));
                }
                ports.extend(threshold.iter().map(|e| ("threshold_i", e.clone())));
                if let (Some(stop), Some(out_passes)) = (&early_stop, &out_passes) {
                    ports.extend(stop.ports());
                    ports.extend(block.parts.flag.map(|_| ("passes_i", out_passes.clone())));
                }
                ports.extend(beside.iter().cloned());
                let emitted = block.emit()?;
                instance(&mut m, "u_uncertainty", &emitted, &ports);
                files.extend(emitted);
                images.extend([Exp2::table(), Log2::table()]);
            }
        }
    }
    let mut programming = None;
    if let Some((hold, idle)) = holding {
        m.section("Programming port");
        let programmer = Programmer { name: format!("{name}_program"), regions: memories.regions.clone() };
        let emitted = programmer.emit()?;
        let mut ports = vec![("clk_i", clk.clone()), ("rst_ni", rst_n.clone()), ("hold_o", hold), ("idle_i", idle)];
        ports.extend(host);
        ports.extend(memories.wires().iter().map(|(port, e)| (port.as_str(), e.clone())));
        instance(&mut m, "u_program", &emitted, &ports);
        files.extend(emitted);
        programming = Some(Programming::new(&programmer));
    }
    files.push(m.build()?);
    let widths = (widths, uncertainty.map(|u| u.widths()));
    Design::new(network, plan, files, images, (control.registers(), programming), widths, options)
}

/// What stands between a host and a layer's weights: nothing where none are stored inverted and no cell is stuck.
fn cells(layer: &Layer, columns: Option<usize>) -> Option<Cells> {
    let (plan, inverts) = (&layer.plan, layer.gives == Gives::Activations);
    (inverts || columns.is_some()).then(|| Cells {
        name: format!("{}_cells", layer.name),
        crossbars: layer.crossbars,
        groups: plan.groups() as u32,
        pe: plan.pe as u32,
        words: plan.words() as u32,
        bits: layer.weight_memory().bits,
        columns: columns.map(|columns| columns as u32),
        inverts,
    })
}

fn weights_of(layer: &Layer, cells: Option<Cells>) -> What {
    let (groups, words) = (layer.plan.groups() as u32, layer.plan.words() as u32);
    What::Weights { crossbars: layer.crossbars, groups, words, cells }
}

/// The devices of a stream, for its stochastic unit.
fn devices(network: &Network, stream: usize) -> Option<Mtj> {
    let device = network.device(stream)?.clone();
    Some(Mtj { name: format!("{}_mtj{stream}", network.name), device })
}

/// What the unit of all layers with Scale-Dropout draws, with the beats of the first of them.
struct Scales {
    drawn: Expr,
    beat: Expr,
    beats: u32,
    layer: usize,
}

/// Draw `which` of the `of` that each lane has.
fn of_each_lane(drawn: &Expr, lanes: u32, of: u32, which: u32) -> Expr {
    cat_lsb_first((0..lanes).map(|lane| drawn.bit(lane * of + which)).collect::<Vec<_>>())
}

/// Passes that can be on their way from the first of `layers` to the last: those in banks and in work.
fn on_the_way(layers: &[LayerPlan]) -> u32 {
    let each = |l: &LayerPlan| {
        let maps = l.conv.map_or(0, |conv| {
            let rows = conv.kernel.0.max(conv.stride.0) + conv.stride.0;
            rows / conv.input.height + 2
        });
        4 + maps as u32
    };
    layers.iter().map(each).sum::<u32>().next_power_of_two()
}

/// Pixels of sums that have to find room between the first of `layers` and the last, which adds them: as many as the blocks in
/// between can hold.
fn between(layers: &[LayerPlan]) -> u32 {
    let first = layers.first().and_then(|l| l.conv).map_or(1, |conv| conv.decided().1);
    let held = |conv: Conv| {
        let rows = conv.kernel.0.max(conv.stride.0) + conv.stride.0;
        rows * conv.input.width.max(first)
    };
    let each = |l: &LayerPlan| {
        let pooled = l.conv.filter(|conv| conv.pool.is_some()).map_or(0, |conv| held(pool_map(conv, 1)));
        6 + l.conv.map_or(3, held) + pooled
    };
    layers.iter().skip(1).map(each).sum::<usize>() as u32
}

/// The pooling of a convolution of `channels` neurons, as a convolution that reads its map.
fn pool_map(conv: Conv, channels: usize) -> Conv {
    let (height, width) = conv.summed();
    let (kernel, stride) = conv.pool.map_or(((1, 1), (1, 1)), |pool| (pool.size, pool.stride));
    Conv { input: Map { height, width, channels }, kernel, stride, pad: Pad::default(), pool: None }
}

/// Pooling over any windows: a window block holds rows of what comes in, and what it covers is joined.
fn pool_windows(
    place: &mut Place,
    index: usize,
    (name, l, lanes): (&str, &LayerPlan, u32),
    conv: Conv,
    (kind, bits): (PoolKind, (u32, u32)),
    from: Stream,
) -> Result<Stream, RtlError> {
    let (pe, groups) = (l.pe as u32, l.groups() as u32);
    let conv = pool_map(conv, l.outputs);
    let window = Window {
        name: format!("{name}_pool{index}_window"),
        conv,
        simd: pe,
        by_place: false,
        beat: pe,
        bits: bits.0,
        lanes,
        masked: false,
    };
    let taps = (conv.kernel.0 * conv.kernel.1) as u32;
    let reduce = Reduce { name: format!("{name}_pool{index}"), kind, pe, lanes, groups, taps, bits };
    place.reduce(index, &window, &reduce, from)
}

/// Wires of early stop.
struct StopWires {
    block: Early,
    passes: Expr,
    lead: Expr,
    verdict: Expr,
    stop: Expr,
}

impl StopWires {
    /// Connections of what sends groups of passes.
    fn ports<'a>(&self) -> [(&'a str, Expr); 2] {
        [("verdict_i", self.verdict.clone()), ("stop_i", self.stop.clone())]
    }
}

/// What all stochastic units are wired to.
struct Streams {
    clk: Expr,
    rst_n: Expr,
    /// Which unit, lane and group take which state, and that all have theirs.
    seeds: [Expr; 5],
    /// By unit: its next draws are there.
    ready: Expr,
    /// By layer that draws.
    codes: Vec<Expr>,
    /// Groups of passes an image has, less 1; where there can be more than one.
    last_group: Option<Expr>,
}

impl Streams {
    /// The probability code of the unit that stands at a layer; all codes of the layers with Scale-Dropout, where it is theirs.
    fn code_of(&self, network: &Network, layer: usize) -> Expr {
        let first = usize::from(network.input.dropout.is_some());
        let drawing = network.hidden.iter().enumerate().filter(|(_, h)| h.method.is_some());
        let codes: Vec<(usize, bool, &Expr)> = drawing
            .zip(&self.codes[first..])
            .map(|((l, h), code)| (l, matches!(h.method, Some(Method::Scale(_))), code))
            .collect();
        match codes.iter().find(|(l, ..)| *l == layer) {
            Some((_, true, _)) => {
                let shared = codes.iter().filter(|(_, scales, _)| *scales).map(|(.., code)| (*code).clone());
                cat_lsb_first(shared.collect::<Vec<_>>())
            }
            Some((.., code)) => (*code).clone(),
            None => self.codes.last().cloned().unwrap_or(lit(1, 0)),
        }
    }

    /// Instance of stochastic unit `s`, whose draws are `drawn` and are taken at `take`.
    fn emit_unit(
        &self,
        m: &mut Module,
        files: &mut Vec<VerilogFile>,
        (s, code): (usize, Expr),
        unit: &Unit,
        drawn: &Expr,
        take: &Expr,
    ) -> Result<(), RtlError> {
        let emitted = unit.emit()?;
        let [valid, lane, group, state, begin] = &self.seeds;
        let mut ports = vec![
            ("clk_i", self.clk.clone()),
            ("rst_ni", self.rst_n.clone()),
            ("seed_valid_i", valid.bit(s as u32)),
            ("seed_lane_i", lane.clone()),
            ("seed_state_i", state.clone()),
            ("begin_i", begin.clone()),
            ("take_i", take.clone()),
            ("ready_o", self.ready.bit(s as u32)),
            (unit.output().0, drawn.clone()),
        ];
        match unit.kind {
            Kind::Dropout => ports.push(("code_i", code)),
            Kind::Key => {}
            _ => m.unused(&format!("unused_code{s}"), &[&code]),
        }
        if let Some(last_group) = &self.last_group {
            ports.extend([("seed_group_i", group.clone()), ("last_group_i", last_group.clone())]);
        }
        let what = match unit.kind {
            Kind::Dropout if unit.codes > 1 => "scale",
            Kind::Dropout => "dropout",
            Kind::Gaussian { .. } => "gaussian",
            Kind::Arbiter { .. } => "arbiter",
            Kind::Key => "key",
        };
        instance(m, &format!("u_{what}{s}"), &emitted, &ports);
        files.extend(emitted);
        Ok(())
    }
}

/// Wires between the logits and the uncertainty.
struct Shared {
    logits_ready: Expr,
    image_ready: Expr,
    ended: Expr,
    best: Expr,
}

/// The block that computes the uncertainty that `plan` asks for.
fn uncertainty<'a>(network: &'a Network, plan: &Plan) -> Option<Uncertainty<'a>> {
    plan.uncertainty.map(|parts| Uncertainty {
        design: &network.name,
        output: &network.output,
        parts,
        lanes: plan.lanes as u32,
        max_groups: (plan.max_passes / plan.lanes) as u32,
        max_passes: plan.max_passes as u32,
        early: network.early_stop.map(|rule| rule.every / plan.lanes as u32),
    })
}

/// Thresholds after reset; where none are given, ones that no entropy exceeds.
fn thresholds(
    network: &Network,
    plan: &Plan,
    options: &Options,
    block: Option<&Uncertainty>,
) -> Result<Vec<u64>, RtlError> {
    let count = plan.uncertainty.map_or(0, |parts| parts.thresholds(network.classes()));
    let bits = block.map_or(0, |b| b.widths().entropy);
    let most = (1u64 << bits) - 1;
    if options.thresholds.is_empty() {
        return Ok(vec![most; count]);
    }
    if options.thresholds.len() != count {
        let given = options.thresholds.len();
        return Err(RtlError::Unsupported(format!("{given} thresholds for a flag that compares with {count}")));
    }
    match options.thresholds.iter().find(|&&t| t > most) {
        Some(t) => Err(RtlError::Unsupported(format!("threshold {t}; a register of {bits} bits holds at most {most}"))),
        None => Ok(options.thresholds.clone()),
    }
}

/// Ports of the uncertainty, beside those of the result.
fn beside(m: &mut Module, block: &Uncertainty) -> Vec<(&'static str, Expr)> {
    let (w, parts) = (block.widths(), block.parts);
    m.group("Uncertainty: with the results out");
    [
        (true, "out_prob_o", w.probability, "sum of the class's probabilities over the passes"),
        (parts.squares, "out_probsq_o", w.squares, "sum of their squares"),
        (parts.entropy, "out_entropy_o", w.entropy, "passes times predictive entropy, the same in all beats"),
        (parts.information, "out_info_o", w.entropy, "passes times mutual information, the same in all beats"),
        (parts.flag.is_some(), "out_flag_o", 1, "out of distribution, the same in all beats"),
    ]
    .into_iter()
    .filter(|(there, ..)| *there)
    .map(|(_, port, width, about)| {
        let e = m.output(port, width);
        m.note(about);
        (port, e)
    })
    .collect()
}

/// Clocks by which each layer promises a bank before it has read it all.
fn earlies(network: &Network, plan: &Plan, layers: &[LayerPlan]) -> Vec<usize> {
    let once = network.once_per_image();
    let early = |index: usize| {
        // A window has all that it sends, and sends it at once.
        if layers[index].conv.is_some() {
            return 0;
        }
        // Nor does a layer that takes differences hold a bank longer than it must, and its results come in a row.
        if layers[index].events > 0 || index > 0 && layers[index - 1].events > 0 {
            return 0;
        }
        let Some(before) = index.checked_sub(1).map(|b| &layers[b]) else {
            return network.input.dropout.map_or(0, |_| Layer::early(&layers[0], 1));
        };
        let lead = if index == once {
            let neurons = if before.decides_each_pass() {
                Neurons::first_latency(before, replay_clocks(network, plan))
            } else {
                0
            };
            1 + neurons
        } else {
            let sums = sums::latency(before);
            Layer::latency(before) + sums + Neurons::first_latency(before, before.beat_clocks())
        };
        Layer::early(&layers[index], lead)
    };
    (0..layers.len()).map(early).collect()
}

/// Timing of `network` under `plan`, without building the design.
pub fn schedule(network: &Network, plan: &Plan) -> Schedule {
    let layers = plan.layers(network);
    let once = network.once_per_image();
    let latency = |(index, l): (usize, &LayerPlan)| {
        let neurons = if index + 1 == once && l.decides_each_pass() { 0 } else { Neurons::latency(l) };
        Layer::latency(l) + sums::latency(l) + neurons
    };
    let latencies = Latencies {
        layers: layers.iter().enumerate().map(latency).collect(),
        early: earlies(network, plan, &layers),
        parting: once
            .checked_sub(1)
            .map(|parting| &layers[parting])
            .filter(|l| l.decides_each_pass())
            .map_or(0, Neurons::latency),
        first_result: Logits::latency(layers.last().map_or(1, |l| l.pe), plan.lanes, network.classes()).0,
        uncertainty: plan.uncertainty.map(|parts| Reading {
            wait: Uncertainty::wait(layers.last().map_or(1, |l| l.pe)),
            clocks: Uncertainty::clocks(network.classes(), plan.lanes),
            first_result: Uncertainty::latency(parts, network.classes()),
        }),
    };
    Schedule::new(network, plan, &latencies)
}

/// A crossbar of a layer.
struct CrossbarRef<'a> {
    weights: &'a Weights,
    thresholds: &'a [i32],
    directions: &'a [Direction],
}

impl<'a> CrossbarRef<'a> {
    fn of(c: &'a Crossbar) -> CrossbarRef<'a> {
        CrossbarRef { weights: &c.weights, thresholds: &c.thresholds, directions: &c.directions }
    }
}

/// The crossbars of a layer, the output layer last.
fn crossbars(network: &Network, index: usize) -> Vec<CrossbarRef<'_>> {
    let Some(hidden) = network.hidden.get(index) else {
        let weights = std::iter::once(&network.output.weights).chain(network.output.others.iter().map(|c| &c.weights));
        return weights.map(|weights| CrossbarRef { weights, thresholds: &[], directions: &[] }).collect();
    };
    let first =
        CrossbarRef { weights: &hidden.weights, thresholds: &hidden.thresholds, directions: &hidden.directions };
    let others = if let Some(Method::Spinbayes(m)) = &hidden.method { &m.others[..] } else { &[] };
    std::iter::once(first).chain(others.iter().map(CrossbarRef::of)).collect()
}

/// The replay behind layer `index`: what it sends, and the draws that go with it.
fn emit_replay(
    m: &mut Module,
    files: &mut Vec<VerilogFile>,
    index: usize,
    from: Stream,
    replay: Replay,
    (clk, rst_n, last_group, early_stop): (&Expr, &Expr, &Expr, &Option<StopWires>),
    mask: Option<(Expr, &Expr, &Expr)>,
) -> Result<(Stream, Option<Expr>), RtlError> {
    m.comment("Passes part here: what comes before is computed once an image.");
    let (value_in, value_out) = replay.value_ports();
    let sent = Stream {
        valid: m.wire("replay_valid", 1),
        act: m
            .wire(if replay.width == 1 { "replay_act" } else { "replay_sum" }, replay.lanes * replay.pe * replay.width),
        live: None,
        claim: m.wire("replay_claim", 1),
        claim_ready: m.wire("replay_claim_ready", 1),
    };
    let mut ports = vec![
        ("clk_i", clk.clone()),
        ("rst_ni", rst_n.clone()),
        ("claim_i", from.claim),
        ("claim_ready_o", from.claim_ready),
        ("valid_i", from.valid),
        (value_in, from.act),
        ("last_group_i", last_group.clone()),
        ("claim_ready_i", sent.claim_ready.clone()),
        ("claim_o", sent.claim.clone()),
        ("valid_o", sent.valid.clone()),
        (value_out, sent.act.clone()),
    ];
    ports.extend(early_stop.iter().flat_map(StopWires::ports));
    let mut drawn = None;
    if let (Some((ready, mask, take)), Some(kind)) = (mask, replay.drawn) {
        let name = if kind == Drawn::Masks { "replay_live" } else { "replay_drawn" };
        let out = m.wire(name, mask.width());
        let (drawn_in, drawn_out) = kind.ports();
        ports.extend([
            ("mask_ready_i", ready),
            (drawn_in, mask.clone()),
            ("mask_take_o", take.clone()),
            (drawn_out, out.clone()),
        ]);
        drawn = Some(out);
    }
    let emitted = vec![replay.emit()?];
    instance(m, &format!("u_replay{index}"), &emitted, &ports);
    files.extend(emitted);
    Ok((sent, drawn))
}

fn describe(l: &LayerPlan) -> String {
    format!(
        "{} inputs, {} neurons; pe {}, simd {}{}",
        l.inputs,
        l.outputs,
        l.pe,
        l.simd,
        match l.kind {
            LayerKind::Plain => String::new(),
            LayerKind::Dropout => ", dropout".into(),
            LayerKind::Scale { .. } => ", scale dropout".into(),
            LayerKind::Affine { .. } => ", affine dropout, inverted normalization".into(),
            LayerKind::Subset { .. } => ", Gaussian scales".into(),
            LayerKind::Bayes { crossbars } => format!(", {crossbars} crossbars"),
        }
    )
}
