// Counts the ones among 16 match bits, but for one bit that the accumulator takes as its carry-in:
// ones = count_o + carry_o. Two fields of a word are added at each level of the tree. Where the
// spare bits between fields are equal in both operands, the sum there is the carry of the field
// below, and the spare bits carry one more input into the field above.
//
// Inputs used at a later level arrive later, a clock before they are used: ns_skew delays weights
// and activations where they are shared, and a register here takes their matches.
//
// Parameters:
//   inputs = 16
//
// Latency: 2 clocks from the inputs that come first

`default_nettype none

module ns_popcount_16 (
  input  wire        clk_i,
  input  wire [15:0] match_i,
  output wire [3:0]  count_o,
  output wire        carry_o
);

  reg [15:0] late_q;  // what later levels take

  always @(posedge clk_i) begin
    late_q <= match_i;
  end

  wire [15:0] taken = ((match_i & 16'haaff) | (late_q & 16'h5500));

  // ---- Inputs 0 to 15 ----------------------------------------------------------------------------
  wire [7:0] low = taken[7:0];
  wire [7:0] high = taken[15:8];
  reg [8:0] sum1_q;

  always @(posedge clk_i) begin
    sum1_q <= ({1'b0, low} + {1'b0, ((low & 8'h55) | (high & 8'haa))});
  end

  wire unused_1 = &{1'b0, sum1_q[0]};
  reg [7:0] sum2_q;

  always @(posedge clk_i) begin
    sum2_q <= (
      {1'b0, sum1_q[6:5], high[4], 1'b0, sum1_q[2:1], high[0]} +
      {1'b0, sum1_q[8:7], high[4], 1'b0, sum1_q[4:3], high[0]}
    );
  end

  wire unused_2 = &{1'b0, sum2_q[0], sum2_q[4]};
  wire [4:0] sum3 = ({1'b0, sum2_q[3:1], high[2]} + {1'b0, sum2_q[7:5], high[2]});
  wire unused_3 = &{1'b0, sum3[0]};

  assign count_o = sum3[4:1];
  assign carry_o = high[6];

endmodule

`default_nettype wire
