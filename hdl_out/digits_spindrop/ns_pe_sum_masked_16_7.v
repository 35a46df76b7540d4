// One neuron of one pass without a threshold: counts the inputs that match their weights.
//
// Parameters:
//   inputs a clock   = 16
//   accumulator bits = 7
//
// Latency: 3 clocks from the inputs that come first to the verdict

`default_nettype none

module ns_pe_sum_masked_16_7 (
  // Clock
  input  wire        clk_i,

  // Control, in the clock of the count
  input  wire        clear_i,   // last word of the neuron, or none

  // Operands
  input  wire [15:0] weight_i,
  input  wire [15:0] pos_i,     // what a weight of +1 matches
  input  wire [15:0] neg_i,     // what a weight of -1 matches

  // Verdict, from the clock after the last count on
  output reg  [6:0]  sum_o
);

  wire [15:0] match_bits = ((weight_i & pos_i) | (~weight_i & neg_i));
  wire carry;
  wire [3:0] count;

  ns_popcount_16 u_popcount (
    .clk_i  (clk_i),
    .match_i(match_bits),
    .count_o(count),
    .carry_o(carry)
  );

  // ---- Accumulator: cleared by the last word, so that the next start value need only be ORed in --
  reg [6:0] acc_q;
  wire [7:0] sum = ({3'd0, count, carry} + {acc_q, carry});  // bit 0 makes the carry
  wire unused_sum = &{1'b0, sum[0]};

  always @(posedge clk_i) begin
    if (clear_i) begin
      acc_q <= 7'd0;
    end else begin
      acc_q <= sum[7:1];
    end
    if (clear_i) begin
      sum_o <= sum[7:1];
    end
  end

endmodule

`default_nettype wire
