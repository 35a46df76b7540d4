// Holds the state of a Galois LFSR (right shift) and moves it on by a fixed number of steps: from
// the start of one stream to the start of the next. The state after so many steps is the XOR of the
// states after i steps over all i whose coefficient is 1, where the coefficients are those of
// x^steps modulo the polynomial of the LFSR. There is no reset: `load_i` makes it idle.
//
// Written in rust-hdl.
//
// Parameters:
//   bits of the state = 64
//   mask              = 0xd800000000000000
//   steps             = 0x9e3779b97f7
//   coefficients      = 0x30fe8d65aebf36d7
//
// Latency: as many clocks as the state has bits, from `start_i` to the fall of `busy_o`

`default_nettype none

module stream_jump_64(clk_i, load_i, seed_i, start_i, busy_o, state_o);

  // Module arguments
  input wire clk_i;
  input wire load_i;
  input wire [63:0] seed_i;
  input wire start_i;
  output reg busy_o;
  output reg [63:0] state_o;

  // Constant declarations
  localparam mask = 64'hd800000000000000;
  localparam coefficients = 64'h30fe8d65aebf36d7;
  localparam zero = 64'h0;
  localparam first = 6'b0;
  localparam step = 6'b1;
  localparam last = 6'b111111;

  // Local signals
  reg [63:0] state_d;
  reg [63:0] state_q;
  reg [63:0] sum_d;
  reg [63:0] sum_q;
  reg [5:0] count_d;
  reg [5:0] count_q;
  reg busy_d;
  reg busy_q;
  reg [63:0] new_sum;

  // Update code
  always @(*) begin
    state_d = state_q;
    sum_d = sum_q;
    count_d = count_q;
    busy_d = busy_q;
    new_sum = sum_q;
    if (coefficients[count_q]) begin
      new_sum = sum_q ^ state_q;
    end
    if (busy_q) begin
      sum_d = new_sum;
      count_d = count_q + step;
      if (state_q[32'h0]) begin
        state_d = (state_q >> 32'h1) ^ mask;
      end else begin
        state_d = state_q >> 32'h1;
      end
      if (count_q == last) begin
        state_d = new_sum;
        count_d = first;
        busy_d = 1'b0;
      end
    end else if (start_i) begin
      sum_d = zero;
      count_d = first;
      busy_d = 1'b1;
    end
    if (load_i) begin
      state_d = seed_i;
      busy_d = 1'b0;
    end
    state_o = state_q;
    busy_o = busy_q;
  end

  always @(posedge clk_i) state_q <= state_d;
  always @(posedge clk_i) sum_q <= sum_d;
  always @(posedge clk_i) count_q <= count_d;
  always @(posedge clk_i) busy_q <= busy_d;

endmodule

`default_nettype wire
