// The state of a Galois LFSR (right shift) some steps ahead, and the bits that come out on the way:
// the draw, whose least significant bit comes out first.
//
// Written in rust-hdl.
//
// Parameters:
//   bits of the state = 64
//   steps             = 16
//   mask              = 0xd800000000000000
//
// Latency: none, combinational

`default_nettype none

module lfsr_leap_64x16(state_i, next_o, draw_o);

  // Module arguments
  input wire [63:0] state_i;
  output reg [63:0] next_o;
  output reg [15:0] draw_o;

  // Constant declarations
  localparam out_bits = 64'hffff;
  localparam steps = 6'b10000;
  localparam tap0 = 6'b101100;
  localparam tap1 = 6'b101101;
  localparam tap2 = 6'b101111;
  localparam tap3 = 6'b110000;

  // Local signals
  reg [63:0] out;

  // Update code
  always @(*) begin
    out = state_i & out_bits;
    next_o = (state_i >> steps) ^ ((out << tap0) ^ ((out << tap1) ^ ((out << tap2) ^ (out << tap3))));
    draw_o = state_i[15:0];
  end

endmodule

`default_nettype wire
