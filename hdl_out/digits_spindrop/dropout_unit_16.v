// SpinDrop: the output is 0 (dropped) if the draw is less than the code, else 1. A code of 2^bits
// always drops, a code of 0 never. The draw has a 0 above it, to be as wide as the code.
//
// Written in rust-hdl.
//
// Parameters:
//   bits of a draw = 16
//
// Latency: none, combinational

`default_nettype none

module dropout_unit_16(draw_i, code_i, live_o);

  // Module arguments
  input wire [16:0] draw_i;
  input wire [16:0] code_i;
  output reg live_o;

  // Update code
  always @(*) begin
    live_o = ~(draw_i < code_i);
  end

endmodule

`default_nettype wire
