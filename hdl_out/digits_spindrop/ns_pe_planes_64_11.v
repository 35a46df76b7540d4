// One neuron: counts the inputs that match their weights, starting from minus the threshold. The
// neuron fires unless the sum ends below zero.
//
// Parameters:
//   inputs a clock   = 64
//   accumulator bits = 11
//
// Latency: 4 clocks from the inputs that come first to the verdict

`default_nettype none

module ns_pe_planes_64_11 (
  // Clock
  input  wire        clk_i,

  // Control, in the clock of the count
  input  wire        clear_i,   // last word of the neuron, or none
  input  wire        shift_i,   // first word of a plane but the first

  // Operands
  input  wire [63:0] weight_i,
  input  wire [63:0] pos_i,     // what a weight of +1 matches
  input  wire [10:0] start_i,   // minus the threshold in the first word, else 0

  // Verdict, from the clock after the last count on
  output reg         below_o
);

  wire [63:0] match_bits = ~(weight_i ^ pos_i);
  wire carry;
  wire [5:0] count;

  ns_popcount_64 u_popcount (
    .clk_i  (clk_i),
    .match_i(match_bits),
    .count_o(count),
    .carry_o(carry)
  );

  // ---- Accumulator: cleared by the last word, so that the next start value need only be ORed in --
  reg [10:0] acc_q;
  wire [10:0] doubled = (shift_i ? {acc_q[9:0], 1'b0} : acc_q);
  wire [10:0] base = (doubled | start_i);
  wire [11:0] sum = ({5'd0, count, carry} + {base, carry});  // bit 0 makes the carry
  wire unused_sum = &{1'b0, sum[0]};

  always @(posedge clk_i) begin
    if (clear_i) begin
      acc_q <= 11'd0;
    end else begin
      acc_q <= sum[11:1];
    end
    if (clear_i) begin
      below_o <= sum[11];
    end
  end

endmodule

`default_nettype wire
