use super::*;
use std::collections::BTreeSet;

#[test]
fn every_board_has_its_pins_and_no_pin_twice() {
    let mut ids = BTreeSet::new();
    for board in &BOARDS {
        assert!(ids.insert(board.id), "{} stands twice", board.id);
        let found = pins(board, board.constraint_text()).unwrap_or_else(|e| panic!("{}: {e}", board.id));
        assert_eq!(found.len(), board.ports().len(), "{}", board.id);
    }
    let files: BTreeSet<&str> = BOARDS.iter().map(|board| board.constraints).collect();
    let there: BTreeSet<String> = CONSTRAINTS.files().map(|file| file.path().to_string_lossy().into_owned()).collect();
    assert_eq!(files, there.iter().map(String::as_str).collect(), "files in constraints/ and in the table");
}

#[test]
fn wrong_constraints_are_refused_by_name() {
    let board = Board::find("ulx3s-85f").unwrap();
    let text = board.constraint_text();
    let cases = [
        (text.replace("\"uart_rx_i\"", "\"uart_in\""), "port `uart_rx_i` of the board's top has no pin"),
        (text.replace("\"M1\"", "\"L4\""), "pin L4 is given to `uart_rx_i` and to `uart_tx_o`"),
        (text.replace("\"M1\"", "\"M2\""), "`uart_rx_i` stands at pin M2, but the board table says M1"),
        (format!("{text}LOCATE COMP \"more_i\" SITE \"A2\";\n"), "`more_i` is no port of the board's top"),
    ];
    for (text, expected) in cases {
        let error = pins(board, &text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

/// The clock that `divisors` make, and what oscillates on the way: by the formulas of the user guides, not by the search.
fn makes(divisors: Divisors, oscillator: f64) -> (f64, f64, f64) {
    match divisors {
        Divisors::Ice40 { divr, divf, divq, .. } => {
            let detector = oscillator / f64::from(divr + 1);
            let vco = detector * f64::from(divf + 1);
            (detector, vco, vco / f64::from(1u32 << divq))
        }
        Divisors::Ecp5 { input, feedback, multiply, output } => {
            let detector = oscillator / f64::from(input);
            let vco = detector * f64::from(feedback) * f64::from(multiply);
            (detector, vco, vco / f64::from(output))
        }
        Divisors::Gowin { idiv, fbdiv, odiv } => {
            let out = oscillator * f64::from(fbdiv + 1) / f64::from(idiv + 1);
            (oscillator / f64::from(idiv + 1), out * f64::from(odiv), out)
        }
        Divisors::Mmcm { divide, multiply, output } => {
            let vco = oscillator * f64::from(multiply) / 8.0 / f64::from(divide);
            (oscillator / f64::from(divide), vco, vco * 8.0 / f64::from(output))
        }
    }
}

#[test]
fn clocks_are_within_the_data_sheets_ranges() {
    let cases = [
        (Family::Ice40Up, 12, (10.0, 133.0), (533.0, 1066.0), 16..=60),
        (Family::Ecp5, 25, (10.0, 400.0), (400.0, 800.0), 13..=200),
        (Family::Gw1n, 27, (3.0, 400.0), (400.0, 1200.0), 5..=200),
        (Family::Gw2a, 27, (3.0, 500.0), (500.0, 1250.0), 5..=200),
        (Family::Xilinx7, 125, (10.0, 450.0), (600.0, 1200.0), 10..=12),
    ];
    for (family, oscillator, detectors, vcos, clocks) in cases {
        let mut made = 0;
        for wanted in clocks {
            let Ok(clock) = Clock::new(family, oscillator, f64::from(wanted)) else { continue };
            let Some(divisors) = clock.divisors else { continue };
            let (detector, vco, out) = makes(divisors, f64::from(oscillator));
            let what = format!("{family:?} {wanted} MHz: {divisors:?}");
            assert!((out - clock.mhz).abs() < 1e-6 && out <= f64::from(wanted) + 1e-6, "{what}");
            assert!(out >= 0.97 * f64::from(wanted), "{what}");
            assert!(detectors.0 <= detector && detector <= detectors.1, "{what}: detector {detector}");
            assert!(vcos.0 - 1e-6 <= vco && vco <= vcos.1 + 1e-6, "{what}: vco {vco}");
            made += 1;
        }
        assert!(made > 0, "{family:?}");
    }
}

#[test]
fn known_settings_come_out() {
    // What icepll -i 12 -o 24 says, and ecppll -i 25 -o 70 --highres of the oscillator: 25 MHz times 1 or 2 do not make 70.
    let clock = Clock::new(Family::Ice40Up, 12, 24.0).unwrap();
    assert_eq!(clock.divisors, Some(Divisors::Ice40 { divr: 0, divf: 63, divq: 5, filter: 1 }));
    let clock = Clock::new(Family::Ecp5, 25, 70.0).unwrap();
    assert_eq!(clock.mhz, 70.0);
    let Some(Divisors::Ecp5 { input: 1, feedback, multiply, output: 10 }) = clock.divisors else { panic!("{clock:?}") };
    assert_eq!(feedback * multiply, 28);
    assert_eq!(Clock::new(Family::Ecp5, 25, 25.0).unwrap().divisors, None, "no PLL for the oscillator's own clock");
    let error = Clock::new(Family::Ecp5, 25, 500.0).unwrap_err().to_string();
    assert!(error.contains("500 MHz") && error.contains("next below is 400"), "{error}");
}

#[test]
fn tops_have_the_ports_of_their_boards_and_no_others() {
    for board in &BOARDS {
        for mhz in [f64::from(board.oscillator), 50.0] {
            let clock = Clock::new(board.family, board.oscillator, mhz).unwrap_or_else(|e| panic!("{}: {e}", board.id));
            let text = top(board, &clock, "net_uart", "net_board");
            let header = text.split(");").next().unwrap_or_default();
            let ports: BTreeSet<&str> = header
                .lines()
                .filter_map(|l| l.trim().strip_prefix("input  wire ").or_else(|| l.trim().strip_prefix("output wire ")))
                .map(|l| l.trim_end_matches(','))
                .collect();
            let expected: BTreeSet<&str> = board.ports().into_iter().map(|(port, _)| port).collect();
            assert_eq!(ports, expected, "{}", board.id);
        }
    }
}
