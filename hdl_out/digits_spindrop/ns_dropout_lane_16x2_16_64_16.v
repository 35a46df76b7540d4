// Dropout of one lane: a Galois LFSR of 64 bits that leaps 16 steps a draw, 2 draws a clock. A draw
// below the code drops its neuron. The state of every pass that this lane computes waits in a small
// memory.
//
// Parameters:
//   neurons in a beat = 16
//   draws a clock     = 2
//
// Latency: 8 clocks of draw_i for a beat

`default_nettype none

module ns_dropout_lane_16x2_16_64_16 (
  // Clock
  input  wire        clk_i,

  // Streams
  input  wire        seed_i,        // take the start state of a stream
  input  wire        swap_i,        // put the state away and take up the next group's
  input  wire [3:0]  seed_group_i,
  input  wire [3:0]  group_i,
  input  wire [3:0]  next_group_i,
  input  wire [63:0] seed_state_i,

  // Draws
  input  wire        draw_i,
  input  wire [16:0] code_i,
  output reg  [15:0] live_o
);

  reg [63:0] state_q;
  wire [63:0] state1;
  wire [15:0] draw0;

  lfsr_leap_64x16 u_leap0 (
    .state_i(state_q),
    .next_o (state1),
    .draw_o (draw0)
  );

  wire live0;

  dropout_unit_16 u_unit0 (
    .draw_i({1'b0, draw0}),
    .code_i(code_i),
    .live_o(live0)
  );

  wire [63:0] state2;
  wire [15:0] draw1;

  lfsr_leap_64x16 u_leap1 (
    .state_i(state1),
    .next_o (state2),
    .draw_o (draw1)
  );

  wire live1;

  dropout_unit_16 u_unit1 (
    .draw_i({1'b0, draw1}),
    .code_i(code_i),
    .live_o(live1)
  );

  always @(posedge clk_i) begin
    if (draw_i) begin
      live_o <= {live1, live0, live_o[15:2]};
    end
  end

  // ---- States of the passes of this lane, by group; the first group begins with its start state --
  reg [63:0] states [0:15];
  wire write = (seed_i | swap_i);
  wire [3:0] write_at = (seed_i ? seed_group_i : group_i);
  wire [63:0] value = (seed_i ? seed_state_i : state_q);
  wire first = (seed_i & ~(|seed_group_i));
  reg [63:0] waiting_q;  // there are two clocks between swaps

  always @(posedge clk_i) begin
    if (write) begin
      states[write_at] <= value;
    end
    waiting_q <= states[next_group_i];
    if (first) begin
      state_q <= seed_state_i;
    end else if (swap_i) begin
      state_q <= waiting_q;
    end else if (draw_i) begin
      state_q <= state2;
    end
  end

endmodule

`default_nettype wire
