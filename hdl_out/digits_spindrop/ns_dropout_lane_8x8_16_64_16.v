// Dropout of one lane: a Galois LFSR of 64 bits that leaps 16 steps a draw, 8 draws a clock. A draw
// below the code drops its neuron. The state of every pass that this lane computes waits in a small
// memory.
//
// Parameters:
//   neurons in a beat = 8
//   draws a clock     = 8
//
// Latency: 1 clocks of draw_i for a beat

`default_nettype none

module ns_dropout_lane_8x8_16_64_16 (
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
  output reg  [7:0]  live_o
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

  wire [63:0] state3;
  wire [15:0] draw2;

  lfsr_leap_64x16 u_leap2 (
    .state_i(state2),
    .next_o (state3),
    .draw_o (draw2)
  );

  wire live2;

  dropout_unit_16 u_unit2 (
    .draw_i({1'b0, draw2}),
    .code_i(code_i),
    .live_o(live2)
  );

  wire [63:0] state4;
  wire [15:0] draw3;

  lfsr_leap_64x16 u_leap3 (
    .state_i(state3),
    .next_o (state4),
    .draw_o (draw3)
  );

  wire live3;

  dropout_unit_16 u_unit3 (
    .draw_i({1'b0, draw3}),
    .code_i(code_i),
    .live_o(live3)
  );

  wire [63:0] state5;
  wire [15:0] draw4;

  lfsr_leap_64x16 u_leap4 (
    .state_i(state4),
    .next_o (state5),
    .draw_o (draw4)
  );

  wire live4;

  dropout_unit_16 u_unit4 (
    .draw_i({1'b0, draw4}),
    .code_i(code_i),
    .live_o(live4)
  );

  wire [63:0] state6;
  wire [15:0] draw5;

  lfsr_leap_64x16 u_leap5 (
    .state_i(state5),
    .next_o (state6),
    .draw_o (draw5)
  );

  wire live5;

  dropout_unit_16 u_unit5 (
    .draw_i({1'b0, draw5}),
    .code_i(code_i),
    .live_o(live5)
  );

  wire [63:0] state7;
  wire [15:0] draw6;

  lfsr_leap_64x16 u_leap6 (
    .state_i(state6),
    .next_o (state7),
    .draw_o (draw6)
  );

  wire live6;

  dropout_unit_16 u_unit6 (
    .draw_i({1'b0, draw6}),
    .code_i(code_i),
    .live_o(live6)
  );

  wire [63:0] state8;
  wire [15:0] draw7;

  lfsr_leap_64x16 u_leap7 (
    .state_i(state7),
    .next_o (state8),
    .draw_o (draw7)
  );

  wire live7;

  dropout_unit_16 u_unit7 (
    .draw_i({1'b0, draw7}),
    .code_i(code_i),
    .live_o(live7)
  );

  always @(posedge clk_i) begin
    if (draw_i) begin
      live_o <= {live7, live6, live5, live4, live3, live2, live1, live0};
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
      state_q <= state8;
    end
  end

endmodule

`default_nettype wire
