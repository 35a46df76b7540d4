// Counts the ones among 8 match bits, but for one bit that the accumulator takes as its carry-in:
// ones = count_o + carry_o. Two fields of a word are added at each level of the tree. Where the
// spare bits between fields are equal in both operands, the sum there is the carry of the field
// below, and the spare bits carry one more input into the field above.
//
// Inputs used at a later level arrive later: ns_skew delays weights and activations where they are
// shared.
//
// Parameters:
//   inputs = 8
//
// Latency: 1 clocks from the inputs that come first

`default_nettype none

module ns_popcount_8 (
  input  wire       clk_i,
  input  wire [7:0] match_i,
  output wire [2:0] count_o,
  output wire       carry_o
);

  // ---- Inputs 0 to 7 -----------------------------------------------------------------------------
  wire [3:0] low = match_i[3:0];
  wire [3:0] high = match_i[7:4];
  reg [4:0] sum1_q;

  always @(posedge clk_i) begin
    sum1_q <= ({1'b0, low} + {1'b0, ((low & 4'h5) | (high & 4'ha))});
  end

  wire unused_1 = &{1'b0, sum1_q[0]};
  wire [3:0] sum2 = ({1'b0, sum1_q[2:1], high[0]} + {1'b0, sum1_q[4:3], high[0]});
  wire unused_2 = &{1'b0, sum2[0]};

  assign count_o = sum2[3:1];
  assign carry_o = high[2];

endmodule

`default_nettype wire
