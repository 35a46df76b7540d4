//! The path from a serial line to the core and back: leaves, modules, whole wrappers.

mod tools;

use neuspin::leaf::{UartRx, UartTx};
use neuspin::lower::lower;
use neuspin::model::Model;
use neuspin::net::Network;
use neuspin::plan::{Folding, Plan, Uncertainty};
use neuspin::rtl::uart::Rate;
use neuspin::rtl::{Design, Options};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use rust_hdl_core::prelude::{Block, Clock, ToBits, simulate};
use std::path::Path;

fn settle(block: &mut impl Block) {
    assert!(simulate(block, 100), "rust-hdl's simulator does not come to rest");
}

/// The line clock by clock: each byte with so many clocks a bit, and what follows its start and data bits.
fn line(bytes: &[(u8, bool)], bit: f64, gap: usize) -> Vec<bool> {
    let mut levels = vec![true; 3];
    for &(byte, stop) in bytes {
        let from = levels.len();
        let bits = [false].into_iter().chain((0..8).map(|i| byte >> i & 1 == 1)).chain([stop]);
        for (n, level) in bits.enumerate() {
            levels.resize(from + ((n + 1) as f64 * bit).round() as usize, level);
        }
        levels.extend(vec![true; gap]);
    }
    levels.extend(vec![true; 3 * bit as usize + 10]);
    levels
}

/// Bytes that the receiver takes from a line, in rust-hdl's simulator.
fn received(line: &[bool], divisor: u16) -> Vec<u8> {
    let mut block = UartRx::default();
    block.connect_all();
    let mut bytes = vec![];
    for (clock, &level) in [true; 4].iter().chain(line).enumerate() {
        block.clk_i.next = Clock { clk: false };
        block.rst_ni.next = clock >= 2;
        block.divisor_i.next = u64::from(divisor).to_bits();
        block.rx_i.next = level;
        settle(&mut block);
        if clock >= 3 && block.valid_o.val() {
            let byte: rust_hdl_core::prelude::Bits<8> = block.data_o.val();
            bytes.push(byte.to_u64() as u8);
        }
        block.clk_i.next = Clock { clk: true };
        settle(&mut block);
    }
    bytes
}

#[test]
fn the_receiver_takes_every_byte_at_any_divisor_and_at_rates_that_are_off() {
    let mut rng = StdRng::seed_from_u64(3);
    for divisor in [4, 5, 8, 13] {
        let bytes: Vec<u8> = [0, 0xff, 0x55, 0xaa, 0x80, 1].into_iter().chain((0..6).map(|_| rng.random())).collect();
        let sent: Vec<(u8, bool)> = bytes.iter().map(|&b| (b, true)).collect();
        for off in [0.97, 1.0, 1.03] {
            for gap in [0, 7] {
                let line = line(&sent, f64::from(divisor) * off, gap);
                // Four clocks a bit leave a clock of doubt at each edge: rates must be closer there.
                if divisor >= 8 || off == 1.0 {
                    assert_eq!(received(&line, divisor), bytes, "{divisor} clocks a bit, rate {off}, gap {gap}");
                }
            }
        }
    }
}

#[test]
fn the_receiver_drops_a_byte_without_stop_bit_and_takes_no_glitch_for_one() {
    let broken = line(&[(0x12, true), (0x00, false), (0x34, true)], 8.0, 16);
    assert_eq!(received(&broken, 8), [0x12, 0x34]);
    // A line that is 0 for long is no bytes.
    let mut held = vec![true; 10];
    held.extend(vec![false; 400]);
    held.extend(line(&[(0x56, true)], 8.0, 0));
    assert_eq!(received(&held, 8), [0x56]);
    let mut glitch = vec![true; 10];
    glitch.extend(vec![false; 2]);
    glitch.extend(line(&[(0x78, true)], 8.0, 0));
    assert_eq!(received(&glitch, 8), [0x78]);
}

#[test]
fn the_sender_puts_bytes_on_the_line_without_a_gap() {
    for divisor in [1u16, 4, 7] {
        let bytes = [0x00u8, 0xff, 0xa5, 0x3c];
        let mut block = UartTx::default();
        block.connect_all();
        let (mut left, mut levels) = (bytes.iter(), vec![]);
        let mut next = left.next();
        for clock in 0..4 + bytes.len() * 10 * usize::from(divisor) + 5 {
            block.clk_i.next = Clock { clk: false };
            block.rst_ni.next = clock >= 2;
            block.divisor_i.next = u64::from(divisor).to_bits();
            block.valid_i.next = clock >= 3 && next.is_some();
            block.data_i.next = u64::from(next.copied().unwrap_or(0)).to_bits();
            settle(&mut block);
            if clock >= 3 {
                levels.push(block.tx_o.val());
                if next.is_some() && block.ready_o.val() {
                    next = left.next();
                }
            }
            block.clk_i.next = Clock { clk: true };
            settle(&mut block);
        }
        let mut expected = vec![true];
        for byte in bytes {
            let bits = [false].into_iter().chain((0..8).map(|i| byte >> i & 1 == 1)).chain([true]);
            expected.extend(bits.flat_map(|bit| vec![bit; divisor.into()]));
        }
        assert_eq!(levels[..expected.len()], expected, "{divisor} clocks a bit");
        assert!(levels[expected.len()..].iter().all(|&level| level), "the line is idle again");
    }
}

fn digits() -> Network {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/digits-spindrop");
    lower(&Model::read(&model).unwrap()).unwrap()
}

/// A design of the digits whose first layer takes `simd` values at once.
fn design(network: &Network, simd: usize, parts: Option<Uncertainty>) -> Design {
    let layers = network.hidden.len() + 1;
    let folding = (0..layers).map(|l| Folding { pe: 1, simd: if l == 0 { simd } else { 8 } }).collect();
    let plan = Plan::new(network, 1, 64, folding).unwrap().with_uncertainty(parts);
    Design::build(network, &plan, Options::default()).unwrap()
}

#[test]
fn wrappers_pass_the_tools_whatever_the_beat_and_the_result() {
    let network = digits();
    for (simd, parts) in [(64, None), (2, Some(Uncertainty::ALL)), (1, None)] {
        let bare = design(&network, simd, parts);
        let core: Vec<String> = bare.modules.iter().map(|m| m.text().to_string()).collect();
        let wrapped = bare.with_uart(&network, Rate::new(115_200, 12_000_000).unwrap()).unwrap();
        let after: Vec<String> = wrapped.modules.iter().map(|m| m.text().to_string()).collect();
        assert_eq!(core, after, "the core is as it was");
        let uart = wrapped.uart.as_ref().unwrap();
        let mut files: Vec<_> = uart.modules.iter().chain(&wrapped.modules).collect();
        let top = files.iter().position(|f| f.name() == uart.top).unwrap();
        files.swap(0, top);
        let images: Vec<(&str, &str)> = wrapped.images.iter().map(|i| (i.file.as_str(), i.text.as_str())).collect();
        tools::lint(&files, &images);
    }
}
