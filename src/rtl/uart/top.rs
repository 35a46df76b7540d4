//! The core and what puts it at a serial line.

use super::super::{Design, RtlError};
use super::{Host, Rate, Receive, Send, Uart, hello};
use crate::leaf;
use crate::net::Network;
use crate::verilog::{Direction, Expr, Module, VerilogFile, lit};

/// Bits that one block memory of a small FPGA holds.
const BLOCK_BITS: u32 = 4096;

pub fn build(design: &Design, network: &Network, rate: Rate) -> Result<Uart, RtlError> {
    let Some(core) = design.top() else {
        return Err(RtlError::Unsupported(format!("design `{}` has no top module", design.name)));
    };
    if design.programming.is_some() {
        return Err(RtlError::Unsupported(format!(
            "design `{}` has a programming port, which the serial port does not speak yet; leave one of them out",
            design.name
        )));
    }
    let first = &design.layers[0];
    let fields = hello::fields(design);
    let mut host = Host {
        name: format!("{}_host", design.name),
        beat_bits: first.beat_values() as u32 * network.input.bits,
        beats: (first.values() / first.beat_values()) as u32,
        buffers: 2,
        hello: vec![],
        image_fields: fields.image,
        class_fields: fields.class,
        classes: design.classes as u32,
    };
    let limits =
        [("values of an image", first.values()), ("classes", design.classes), ("passes", design.plan.max_passes)];
    if let Some((what, n)) = limits.into_iter().find(|(_, n)| *n > usize::from(u16::MAX)) {
        return Err(RtlError::Unsupported(format!("{n} {what}; the protocol of the UART has room for {}", u16::MAX)));
    }
    for (what, bytes) in [("an image", host.image_bytes()), ("a result", host.result_bytes())] {
        if bytes > u16::MAX.into() {
            return Err(RtlError::Unsupported(format!("{what} of {bytes} bytes; a frame holds at most {}", u16::MAX)));
        }
    }
    // As many images as one block memory holds, from 2 to 8.
    let room = 8 * host.longest().next_power_of_two();
    host.buffers = (BLOCK_BITS / room).clamp(2, 8);
    host.hello = hello::hello(design, network, host.buffers);

    let receive = Receive { longest: host.longest(), patience: rate.patience() };
    let (rx, tx) = (leaf::uart_rx()?, leaf::uart_tx()?);
    let (receive_files, send_files, host_file) = (receive.emit()?, Send.emit()?, host.emit()?);
    let top = format!("{}_uart", design.name);
    let mut m = Module::new(&top);
    m.doc(&format!("`{}` at a serial line: images in and results out as docs/protocol.md says.", design.name));
    m.fact("clock", format!("{} Hz", rate.clock));
    m.fact("rate", format!("{} baud, {} clocks a bit", rate.baud, rate.divisor));
    m.fact("images outstanding, at most", host.buffers);
    m.group("Clock and reset");
    let clk = m.input("clk_i", 1);
    let rst_n = m.input("rst_ni", 1);
    m.note("synchronous, active low");
    m.group("Serial line, 8N1");
    let rx_i = m.input("uart_rx_i", 1);
    let tx_o = m.output("uart_tx_o", 1);
    m.group("Status");
    let ready = m.output("ready_o", 1);
    m.note("streams are started since the reset");
    let busy = m.output("busy_o", 1);
    m.note("images are outstanding");
    let uncertain = m.output("uncertain_o", 1);
    m.note("the last image was uncertain");

    m.section("Bytes");
    let divisor = m.localparam("Divisor", &lit(16, rate.divisor.into()));
    let clocked = [("clk_i", clk.clone()), ("rst_ni", rst_n.clone())];
    let place =
        |m: &mut Module, name: &str, file: &VerilogFile, wires: &[(&'static str, &str)], ports: &[(&str, Expr)]| {
            let made: Vec<(&'static str, Expr)> = wires
                .iter()
                .map(|&(port, wire)| (port, m.wire(wire, file.header().port(port).map_or(1, |p| p.width))))
                .collect();
            let all: Vec<(&str, &Expr)> = clocked
                .iter()
                .map(|(p, e)| (*p, e))
                .chain(made.iter().map(|(p, e)| (*p, e)))
                .chain(ports.iter().map(|(p, e)| (*p, e)))
                .collect();
            m.instance(name, file.header(), &all);
            made
        };
    let of = |ports: &[(&str, Expr)], name: &str| {
        ports.iter().find(|(port, _)| *port == name).map_or(lit(1, 0), |(_, e)| e.clone())
    };
    let got = place(
        &mut m,
        "u_uart_rx",
        &rx,
        &[("valid_o", "rx_valid"), ("data_o", "rx_data")],
        &[("divisor_i", divisor.clone()), ("rx_i", rx_i)],
    );
    let (byte_valid, byte) = (of(&got, "valid_o"), of(&got, "data_o"));
    let sent_valid = m.wire("tx_valid", 1);
    let sent = m.wire("tx_data", 8);
    let got = place(
        &mut m,
        "u_uart_tx",
        &tx,
        &[("ready_o", "tx_ready")],
        &[("divisor_i", divisor), ("valid_i", sent_valid.clone()), ("data_i", sent.clone()), ("tx_o", tx_o)],
    );
    let sent_ready = of(&got, "ready_o");

    m.section("Frames");
    let receive_top = &receive_files[receive_files.len() - 1];
    let wires = [
        ("begin_o", "request_begin"),
        ("type_o", "request_type"),
        ("tag_o", "request_tag"),
        ("length_o", "request_length"),
        ("payload_o", "request_payload"),
        ("end_o", "request_end"),
        ("fault_o", "request_fault"),
    ];
    let asked = place(&mut m, "u_receive", receive_top, &wires, &[("valid_i", byte_valid), ("data_i", byte.clone())]);
    let wires = [
        ("start_o", "answer_start"),
        ("type_o", "answer_type"),
        ("tag_o", "answer_tag"),
        ("length_o", "answer_length"),
        ("payload_valid_o", "answer_valid"),
        ("payload_o", "answer_data"),
        ("in_valid_o", "in_valid"),
        ("in_data_o", "in_data"),
        ("out_ready_o", "out_ready"),
        ("reg_addr_o", "reg_addr"),
        ("reg_write_o", "reg_write"),
        ("reg_wdata_o", "reg_wdata"),
    ];
    let (done, taken) = (m.wire("answer_done", 1), m.wire("answer_taken", 1));
    // What the core gives, by port; what nobody here reads is named so.
    let mut outputs: Vec<(String, Expr)> = vec![];
    for port in core.header().ports().iter().filter(|p| p.direction == Direction::Output) {
        let wire = if port.name == "reg_rdata_o" { "reg_rdata".into() } else { port.name.replace("_o", "") };
        outputs.push((port.name.clone(), m.wire(&wire, port.width)));
    }
    let core_out = |name: &str| outputs.iter().find(|(port, _)| port == name).map_or(lit(1, 0), |(_, e)| e.clone());
    let mut ports: Vec<(&str, Expr)> = [
        ("begin_i", "begin_o"),
        ("type_i", "type_o"),
        ("tag_i", "tag_o"),
        ("length_i", "length_o"),
        ("payload_i", "payload_o"),
        ("end_i", "end_o"),
        ("fault_i", "fault_o"),
    ]
    .map(|(input, output)| (input, of(&asked, output)))
    .to_vec();
    ports.extend([
        ("data_i", byte),
        ("done_i", done.clone()),
        ("payload_taken_i", taken.clone()),
        ("ready_o", ready),
        ("busy_o", busy),
        ("uncertain_o", uncertain),
    ]);
    let gives = |name: &str| outputs.iter().any(|(port, _)| *port == output_of(name));
    let of_core: Vec<String> = host_file
        .header()
        .ports()
        .iter()
        .filter(|p| p.direction == Direction::Input && gives(&p.name))
        .map(|p| p.name.clone())
        .collect();
    let used: Vec<String> = of_core.iter().map(|input| output_of(input)).collect();
    ports.extend(of_core.iter().map(|input| (input.as_str(), core_out(&output_of(input)))));
    let told = place(&mut m, "u_host", &host_file, &wires, &ports);
    let send_top = &send_files[send_files.len() - 1];
    place(
        &mut m,
        "u_send",
        send_top,
        &[],
        &[
            ("start_i", of(&told, "start_o")),
            ("type_i", of(&told, "type_o")),
            ("tag_i", of(&told, "tag_o")),
            ("length_i", of(&told, "length_o")),
            ("payload_valid_i", of(&told, "payload_valid_o")),
            ("payload_i", of(&told, "payload_o")),
            ("done_o", done),
            ("payload_taken_o", taken),
            ("valid_o", sent_valid),
            ("ready_i", sent_ready),
            ("data_o", sent),
        ],
    );

    m.section("The core");
    let mut ports: Vec<(&str, Expr)> = outputs.iter().map(|(port, e)| (port.as_str(), e.clone())).collect();
    for port in core.header().ports().iter().filter(|p| p.direction == Direction::Input) {
        if !matches!(port.name.as_str(), "clk_i" | "rst_ni") {
            ports.push((port.name.as_str(), of(&told, &output_of(&port.name))));
        }
    }
    place(&mut m, "u_core", core, &[], &ports);
    let unread: Vec<&Expr> = outputs.iter().filter(|(port, _)| !used.contains(port)).map(|(_, e)| e).collect();
    m.unused("unused_core", &unread);

    let mut modules = vec![rx, tx];
    for file in receive_files.into_iter().chain(send_files).chain([host_file, m.build()?]) {
        if modules.iter().all(|known: &VerilogFile| known.name() != file.name()) {
            modules.push(file);
        }
    }
    Ok(Uart { rate, buffers: host.buffers, top, modules })
}

/// `out_sum_i` is driven by `out_sum_o`.
fn output_of(input: &str) -> String {
    input.strip_suffix("_i").map_or_else(|| input.to_string(), |name| format!("{name}_o"))
}
