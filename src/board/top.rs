//! The top module of a design on a board: clock, reset, serial port, LEDs.

use super::{Board, Clock, Divisors, Family};
use crate::verilog::file_comment;
use std::fmt::Write;

/// Name of the top module of design `name` on `board`.
pub fn module_name(name: &str, board: &Board) -> String {
    format!("{name}_{}", board.id.replace('-', "_"))
}

/// Text of module `name`: an instance of `inner`, which has the ports of a design's serial wrapper (`clk_i`, `rst_ni`, `uart_rx_i`,
/// `uart_tx_o`, `ready_o`, `busy_o`, `uncertain_o`).
pub fn top(board: &Board, clock: &Clock, inner: &str, name: &str) -> String {
    let doc = [format!("`{inner}` on a {}: clock, reset, serial port and LEDs.", board.name)];
    let from = format!("{} MHz of the oscillator's {} MHz", trim(clock.mhz), board.oscillator);
    let level = if board.leds.active_low { "0" } else { "1" };
    let facts = [
        ("clock".to_string(), if clock.divisors.is_some() { from } else { format!("{} MHz", board.oscillator) }),
        ("LEDs".to_string(), format!("lit by {level}")),
    ];
    let mut t = file_comment(&doc, &facts, None);
    let input = |port| format!("  input  wire {port}");
    let output = |port| format!("  output wire {port}");
    let ports: Vec<String> = board
        .ports()
        .into_iter()
        .map(|(port, _)| if port.ends_with("_o") { output(port) } else { input(port) })
        .collect();
    _ = write!(t, "\n`default_nettype none\n\nmodule {name} (\n{}\n);\n\n", ports.join(",\n"));
    t += &clocking(board, clock);
    t += &reset(board, clock);
    let pin = |used: bool, port: &str| format!("    .{port}({})", if used { port.trim_end_matches("_o") } else { "" });
    let leds = board.leds;
    _ = write!(
        t,
        "  // ---- The design -------------------------------------------------------------------------------\n\
         \x20 wire ready;\n{}{}\n  {inner} u_design (\n    .clk_i(clk),\n    .rst_ni(rst_n),\n    .uart_rx_i(uart_rx_i),\n\
         \x20   .uart_tx_o(uart_tx_o),\n{},\n{},\n{}\n  );\n\n",
        if leds.busy.is_some() { "  wire busy;\n" } else { "" },
        if leds.uncertain.is_some() { "  wire uncertain;\n" } else { "" },
        pin(true, "ready_o"),
        pin(leds.busy.is_some(), "busy_o"),
        pin(leds.uncertain.is_some(), "uncertain_o"),
    );
    let not = if leds.active_low { "~" } else { "" };
    for (there, what) in [(true, "ready"), (leds.busy.is_some(), "busy"), (leds.uncertain.is_some(), "uncertain")] {
        if there {
            _ = writeln!(t, "  assign led_{what}_o = {not}{what};");
        }
    }
    t += "\nendmodule\n\n`default_nettype wire\n";
    t
}

/// Without zeros at the end.
fn trim(mhz: f64) -> String {
    let text = format!("{mhz:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

/// Wires `clk` and `locked`.
fn clocking(board: &Board, clock: &Clock) -> String {
    let head = "  // ---- Clock ------------------------------------------------------------------------------------\n";
    let Some(divisors) = clock.divisors else {
        return format!("{head}  wire clk = clk_i;\n  wire locked = 1'b1;\n\n");
    };
    let primitive = match divisors {
        Divisors::Ice40 { divr, divf, divq, filter } => {
            // An UltraPlus has its PLL at the very pin of the oscillator.
            let (cell, port) = if board.family == Family::Ice40Up {
                ("SB_PLL40_PAD", "PACKAGEPIN")
            } else {
                ("SB_PLL40_CORE", "REFERENCECLK")
            };
            format!(
                "  {cell} #(\n    .FEEDBACK_PATH(\"SIMPLE\"),\n    .DIVR(4'd{divr}),\n    .DIVF(7'd{divf}),\n    .DIVQ(3'd{divq}),\n\
                 \x20   .FILTER_RANGE(3'd{filter})\n  ) u_pll (\n    .{port}(clk_i),\n    .PLLOUTGLOBAL(clk),\n    .LOCK(locked),\n\
                 \x20   .BYPASS(1'b0),\n    .RESETB(1'b1)\n  );\n"
            )
        }
        Divisors::Ecp5 { input, feedback, multiply, output } => format!(
            "  wire feedback;\n\
             \x20 (* FREQUENCY_PIN_CLKI = \"{}\", FREQUENCY_PIN_CLKOS = \"{}\", ICP_CURRENT = \"12\", LPF_RESISTOR = \"8\" *)\n\
             \x20 EHXPLLL #(\n    .PLLRST_ENA(\"DISABLED\"),\n    .INTFB_WAKE(\"DISABLED\"),\n    .STDBY_ENABLE(\"DISABLED\"),\n\
             \x20   .DPHASE_SOURCE(\"DISABLED\"),\n    .OUTDIVIDER_MUXA(\"DIVA\"),\n    .OUTDIVIDER_MUXB(\"DIVB\"),\n\
             \x20   .OUTDIVIDER_MUXC(\"DIVC\"),\n    .OUTDIVIDER_MUXD(\"DIVD\"),\n    .CLKI_DIV({input}),\n    .CLKOP_ENABLE(\"ENABLED\"),\n\
             \x20   .CLKOP_DIV({multiply}),\n    .CLKOP_CPHASE({}),\n    .CLKOP_FPHASE(0),\n    .CLKOS_ENABLE(\"ENABLED\"),\n\
             \x20   .CLKOS_DIV({output}),\n    .CLKOS_CPHASE({}),\n    .CLKOS_FPHASE(0),\n    .FEEDBK_PATH(\"CLKOP\"),\n\
             \x20   .CLKFB_DIV({feedback})\n  ) u_pll (\n    .CLKI(clk_i),\n    .CLKFB(feedback),\n    .CLKOP(feedback),\n    .CLKOS(clk),\n\
             \x20   .LOCK(locked),\n    .RST(1'b0),\n    .STDBY(1'b0),\n    .PHASESEL0(1'b0),\n    .PHASESEL1(1'b0),\n    .PHASEDIR(1'b0),\n\
             \x20   .PHASESTEP(1'b0),\n    .PHASELOADREG(1'b0),\n    .PLLWAKESYNC(1'b0),\n    .ENCLKOP(1'b0),\n    .ENCLKOS(1'b0)\n  );\n",
            board.oscillator,
            trim(clock.mhz),
            multiply - 1,
            output - 1
        ),
        Divisors::Gowin { idiv, fbdiv, odiv } => format!(
            "  rPLL #(\n    .FCLKIN(\"{}\"),\n    .DEVICE(\"{}\"),\n    .IDIV_SEL({idiv}),\n    .FBDIV_SEL({fbdiv}),\n    .ODIV_SEL({odiv})\n\
             \x20 ) u_pll (\n    .CLKIN(clk_i),\n    .CLKOUT(clk),\n    .LOCK(locked),\n    .CLKOUTP(),\n    .CLKOUTD(),\n    .CLKOUTD3(),\n\
             \x20   .CLKFB(1'b0),\n    .RESET(1'b0),\n    .RESET_P(1'b0),\n    .FBDSEL(6'b0),\n    .IDSEL(6'b0),\n    .ODSEL(6'b0),\n\
             \x20   .DUTYDA(4'b0),\n    .PSDA(4'b0),\n    .FDLY(4'b0)\n  );\n",
            board.oscillator,
            if board.family == Family::Gw1n { "GW1NR-9C" } else { "GW2AR-18C" },
        ),
        Divisors::Mmcm { divide, multiply, output } => format!(
            "  wire feedback;\n  wire made;\n  MMCME2_BASE #(\n    .CLKIN1_PERIOD({:.3}),\n    .DIVCLK_DIVIDE({divide}),\n\
             \x20   .CLKFBOUT_MULT_F({}),\n    .CLKOUT0_DIVIDE_F({})\n  ) u_mmcm (\n    .CLKIN1(clk_i),\n    .CLKFBIN(feedback),\n\
             \x20   .CLKFBOUT(feedback),\n    .CLKOUT0(made),\n    .LOCKED(locked),\n    .PWRDWN(1'b0),\n    .RST(1'b0)\n  );\n\
             \x20 BUFG u_clk (.I(made), .O(clk));\n",
            1e3 / f64::from(board.oscillator),
            f64::from(multiply) / 8.0,
            f64::from(output) / 8.0,
        ),
    };
    format!("{head}  wire clk;\n  wire locked;\n{primitive}\n")
}

/// Wire `rst_n`: low for 256 clocks after configuration, after the PLL has locked and after the button is let go.
fn reset(board: &Board, clock: &Clock) -> String {
    let pressed = board.button.map(|button| if button.active_low { "~button_i" } else { "button_i" });
    let hold = match (pressed, clock.divisors) {
        (Some(pressed), Some(_)) => format!("{pressed} | ~locked"),
        (Some(pressed), None) => pressed.to_string(),
        (None, _) => "~locked".to_string(),
    };
    format!(
        "  // ---- Reset: 256 clocks after configuration, lock and button ------------------------------------\n\
         \x20 reg [1:0] hold_q = 2'b00;\n  reg [8:0] wait_q = 9'd0;\n  always @(posedge clk) begin\n\
         \x20   hold_q <= {{hold_q[0], {hold}}};\n    if (hold_q[1]) begin\n      wait_q <= 9'd0;\n    end else if (~wait_q[8]) begin\n\
         \x20     wait_q <= wait_q + 9'd1;\n    end\n  end\n  wire rst_n = wait_q[8];\n\n"
    )
}
