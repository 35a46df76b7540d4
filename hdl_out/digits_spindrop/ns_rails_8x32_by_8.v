// Activations of one lane in two banks: the layer before fills one while this layer reads the
// other, as often as it has groups of neurons.
//
// An activation is kept as two rails, what a weight of +1 and what a weight of -1 matches: 1, 0 for
// +1 and 0, 1 for -1. Dropped inputs get 0, 0 and 1, 1 in turn, so they add half their number to
// every neuron, whatever its weights; odd_o says when that number is odd. So masking costs a neuron
// nothing, and nobody counts live inputs.
//
// Parameters:
//   activations in a word = 32
//   words in a frame      = 8
//   activations in a beat = 8
//
// Latency: 2 clocks from address to word

`default_nettype none

module ns_rails_8x32_by_8 (
  // Clock
  input  wire        clk_i,

  // Write a beat
  input  wire        write_i,
  input  wire        write_bank_i,
  input  wire [2:0]  write_word_i,
  input  wire [1:0]  write_column_i,
  input  wire [7:0]  act_i,
  input  wire [7:0]  live_i,

  // Read a word
  input  wire        read_bank_i,
  input  wire [2:0]  read_word_i,
  output reg  [31:0] pos_o,           // what a weight of +1 matches
  output reg  [31:0] neg_o,           // what a weight of -1 matches
  output wire        odd_o            // the bank read drops an odd number; no delay
);

  // ---- Register the beat and the parities of what it drops, then turn it into rails --------------
  reg write_q;

  always @(posedge clk_i) begin
    write_q <= write_i;
  end

  reg write_bank_q;

  always @(posedge clk_i) begin
    write_bank_q <= write_bank_i;
  end

  reg [2:0] write_word_q;

  always @(posedge clk_i) begin
    write_word_q <= write_word_i;
  end

  reg [1:0] write_column_q;

  always @(posedge clk_i) begin
    write_column_q <= write_column_i;
  end

  reg [7:0] act_q;

  always @(posedge clk_i) begin
    act_q <= act_i;
  end

  reg [7:0] live_q;

  always @(posedge clk_i) begin
    live_q <= live_i;
  end

  reg is_first_q;

  always @(posedge clk_i) begin
    is_first_q <= (~(|write_word_i) & ~(|write_column_i));
  end

  wire [7:0] dropped = ~live_i;
  wire [7:0] parity1 = (dropped ^ (dropped << 1));
  wire [7:0] parity2 = (parity1 ^ (parity1 << 2));
  wire [7:0] parity4 = (parity2 ^ (parity2 << 4));
  reg [7:0] parity_q;

  always @(posedge clk_i) begin
    parity_q <= parity4;
  end

  // bit i: an odd number of inputs 0 to i of the beat is dropped
  reg toggle_q;  // an odd number was dropped so far
  wire begin_odd = (toggle_q & ~is_first_q);
  wire [7:0] turn = (
    {parity_q[6:0], 1'b0} ^
    {8{begin_odd}}
  );  // whose turn it is, 0 or 1, if dropped here
  wire [7:0] rail_pos = ((live_q & act_q) | (~live_q & turn));
  wire [7:0] rail_neg = ((live_q & ~act_q) | (~live_q & turn));
  wire end_odd = (begin_odd ^ parity_q[7]);
  reg [1:0] odd_q;  // by bank

  always @(posedge clk_i) begin
    if (write_q) begin
      toggle_q <= end_odd;
      if (write_bank_q) begin
        odd_q[1] <= end_odd;
      end else begin
        odd_q[0] <= end_odd;
      end
    end
  end

  assign odd_o = odd_q[read_bank_i];

  // ---- Two banks of words, one memory a column ---------------------------------------------------
  wire [3:0] read_at = {read_bank_i, read_word_i};
  wire [3:0] write_at = {write_bank_q, write_word_q};
  reg [15:0] column0 [0:15];
  reg [15:0] column0_q;

  always @(posedge clk_i) begin
    if (write_q & (write_column_q == 2'd0)) begin
      column0[write_at] <= {rail_neg, rail_pos};
    end
    column0_q <= column0[read_at];
  end

  reg [15:0] column1 [0:15];
  reg [15:0] column1_q;

  always @(posedge clk_i) begin
    if (write_q & (write_column_q == 2'd1)) begin
      column1[write_at] <= {rail_neg, rail_pos};
    end
    column1_q <= column1[read_at];
  end

  reg [15:0] column2 [0:15];
  reg [15:0] column2_q;

  always @(posedge clk_i) begin
    if (write_q & (write_column_q == 2'd2)) begin
      column2[write_at] <= {rail_neg, rail_pos};
    end
    column2_q <= column2[read_at];
  end

  reg [15:0] column3 [0:15];
  reg [15:0] column3_q;

  always @(posedge clk_i) begin
    if (write_q & (write_column_q == 2'd3)) begin
      column3[write_at] <= {rail_neg, rail_pos};
    end
    column3_q <= column3[read_at];
  end

  always @(posedge clk_i) begin
    pos_o <= {column3_q[7:0], column2_q[7:0], column1_q[7:0], column0_q[7:0]};
    neg_o <= {column3_q[15:8], column2_q[15:8], column1_q[15:8], column0_q[15:8]};
  end

endmodule

`default_nettype wire
