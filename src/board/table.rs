//! The table of boards. Pins are those of the files in `constraints/`, which name their sources; a test compares them.
//!
//! Capacities are those of the data sheets: Lattice iCE40 UltraPlus (FPGA-DS-02008), iCE40 LP/HX (FPGA-DS-02029), ECP5
//! (FPGA-DS-02012), Gowin GW1NR (DS117) and GW2AR (DS226), Xilinx 7 series overview (DS180) and Zynq-7000 overview (DS190).

use super::{Board, Button, Capacity, Family, Leds};

const fn capacity(luts: u64, registers: u64, block_rams: u64, block_ram_bits: u64, multipliers: u64) -> Capacity {
    Capacity { luts, registers, block_rams, block_ram_bits, multipliers }
}

const fn three(ready: &'static str, busy: &'static str, uncertain: &'static str, active_low: bool) -> Leds {
    Leds { ready, busy: Some(busy), uncertain: Some(uncertain), active_low }
}

const fn button(pin: &'static str, active_low: bool) -> Option<Button> {
    Some(Button { pin, active_low })
}

const fn ulx3s(id: &'static str, name: &'static str, device: &'static str, capacity: Capacity) -> Board {
    Board {
        id,
        name,
        family: Family::Ecp5,
        device,
        package: "CABGA381",
        capacity,
        oscillator: 25,
        clock_pin: "G2",
        rx_pin: "M1",
        tx_pin: "L4",
        button: button("R1", false),
        leds: three("B2", "C2", "C1", false),
        constraints: "ulx3s.lpf",
        load: "openFPGALoader -b ulx3s {}",
    }
}

const fn arty(id: &'static str, name: &'static str, device: &'static str, capacity: Capacity) -> Board {
    Board {
        id,
        name,
        family: Family::Xilinx7,
        device,
        package: "csg324",
        capacity,
        oscillator: 100,
        clock_pin: "E3",
        rx_pin: "A9",
        tx_pin: "D10",
        button: button("C2", true),
        leds: three("H5", "J5", "T9", false),
        constraints: "arty-a7.xdc",
        load: "openFPGALoader -b arty {}",
    }
}

/// All boards, by family.
pub const BOARDS: [Board; 12] = [
    Board {
        id: "icebreaker",
        name: "iCEBreaker",
        family: Family::Ice40Up,
        device: "up5k",
        package: "sg48",
        capacity: capacity(5_280, 5_280, 30, 4_096, 8),
        oscillator: 12,
        clock_pin: "35",
        rx_pin: "6",
        tx_pin: "9",
        button: button("10", true),
        leds: Leds { ready: "37", busy: None, uncertain: Some("11"), active_low: true },
        constraints: "icebreaker.pcf",
        load: "iceprog {}",
    },
    Board {
        id: "ice40-hx8k",
        name: "iCE40-HX8K breakout",
        family: Family::Ice40Hx,
        device: "hx8k",
        package: "ct256",
        capacity: capacity(7_680, 7_680, 32, 4_096, 0),
        oscillator: 12,
        clock_pin: "J3",
        rx_pin: "B10",
        tx_pin: "B12",
        button: None,
        leds: three("B5", "B4", "A2", false),
        constraints: "ice40-hx8k.pcf",
        load: "iceprog -S {}",
    },
    ulx3s("ulx3s-12f", "ULX3S 12F", "12k", capacity(12_144, 12_144, 32, 18_432, 28)),
    ulx3s("ulx3s-25f", "ULX3S 25F", "25k", capacity(24_288, 24_288, 56, 18_432, 28)),
    ulx3s("ulx3s-45f", "ULX3S 45F", "45k", capacity(43_848, 43_848, 108, 18_432, 72)),
    ulx3s("ulx3s-85f", "ULX3S 85F", "85k", capacity(83_640, 83_640, 208, 18_432, 156)),
    Board {
        id: "colorlight-i5",
        name: "Colorlight i5 7.0",
        family: Family::Ecp5,
        device: "25k",
        package: "CABGA381",
        capacity: capacity(24_288, 24_288, 56, 18_432, 28),
        oscillator: 25,
        clock_pin: "P3",
        rx_pin: "H18",
        tx_pin: "J17",
        button: button("K18", true),
        leds: Leds { ready: "U16", busy: None, uncertain: None, active_low: true },
        constraints: "colorlight-i5.lpf",
        load: "openFPGALoader -b colorlight-i5 {}",
    },
    Board {
        id: "tang-nano-9k",
        name: "Tang Nano 9K",
        family: Family::Gw1n,
        device: "GW1NR-LV9QN88PC6/I5",
        package: "QN88P",
        capacity: capacity(8_640, 6_480, 26, 18_432, 20),
        oscillator: 27,
        clock_pin: "52",
        rx_pin: "18",
        tx_pin: "17",
        button: button("3", true),
        leds: three("10", "11", "13", true),
        constraints: "tang-nano-9k.cst",
        load: "openFPGALoader -b tangnano9k {}",
    },
    Board {
        id: "tang-nano-20k",
        name: "Tang Nano 20K",
        family: Family::Gw2a,
        device: "GW2AR-LV18QN88C8/I7",
        package: "QN88",
        capacity: capacity(20_736, 15_552, 46, 18_432, 48),
        oscillator: 27,
        clock_pin: "4",
        rx_pin: "70",
        tx_pin: "69",
        button: button("88", false),
        leds: three("15", "16", "17", true),
        constraints: "tang-nano-20k.cst",
        load: "openFPGALoader -b tangnano20k {}",
    },
    arty("arty-a7-35t", "Arty A7-35T", "xc7a35tcsg324-1", capacity(20_800, 41_600, 100, 18_432, 90)),
    arty("arty-a7-100t", "Arty A7-100T", "xc7a100tcsg324-1", capacity(63_400, 126_800, 270, 18_432, 240)),
    Board {
        id: "pynq-z2",
        name: "PYNQ-Z2",
        family: Family::Xilinx7,
        device: "xc7z020clg400-1",
        package: "clg400",
        capacity: capacity(53_200, 106_400, 280, 18_432, 220),
        oscillator: 125,
        clock_pin: "H16",
        rx_pin: "U12",
        tx_pin: "T14",
        button: button("D19", false),
        leds: three("R14", "P14", "N16", false),
        constraints: "pynq-z2.xdc",
        load: "openFPGALoader -b pynq_z2 {}",
    },
];
