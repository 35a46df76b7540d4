// One neuron of one pass: counts the inputs that match their weights, starting from minus the
// threshold. The neuron fires unless the sum ends below zero. A dropped input has both rails alike,
// 0 and 1 in turn, so dropped inputs add half their number whatever the weights. When that number
// is odd, start1_i holds the start value.
//
// Parameters:
//   inputs a clock   = 32
//   accumulator bits = 10
//
// Latency: 3 clocks from the inputs that come first to the verdict

`default_nettype none

module ns_pe_masked_32_10 (
  // Clock
  input  wire        clk_i,

  // Control, in the clock of the count
  input  wire        clear_i,   // last word of the neuron, or none
  input  wire        odd_i,     // an odd number of inputs is dropped

  // Operands
  input  wire [31:0] weight_i,
  input  wire [31:0] pos_i,     // what a weight of +1 matches
  input  wire [31:0] neg_i,     // what a weight of -1 matches
  input  wire [9:0]  start0_i,  // minus the threshold in the first word, else 0
  input  wire [9:0]  start1_i,  // the same when an odd number is dropped

  // Verdict, from the clock after the last count on
  output reg         below_o
);

  wire [31:0] match_bits = ((weight_i & pos_i) | (~weight_i & neg_i));
  wire carry;
  wire [4:0] count;

  ns_popcount_32 u_popcount (
    .clk_i  (clk_i),
    .match_i(match_bits),
    .count_o(count),
    .carry_o(carry)
  );

  // ---- Accumulator: cleared by the last word, so that the next start value need only be ORed in --
  reg [9:0] acc_q;
  wire [9:0] base = (acc_q | (odd_i ? start1_i : start0_i));
  wire [10:0] sum = ({5'd0, count, carry} + {base, carry});  // bit 0 makes the carry
  wire unused_sum = &{1'b0, sum[0]};

  always @(posedge clk_i) begin
    if (clear_i) begin
      acc_q <= 10'd0;
    end else begin
      acc_q <= sum[10:1];
    end
    if (clear_i) begin
      below_o <= sum[10];
    end
  end

endmodule

`default_nettype wire
