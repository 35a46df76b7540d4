// Counts the ones among 64 match bits, but for one bit that the accumulator takes as its carry-in:
// ones = count_o + carry_o. Two fields of a word are added at each level of the tree. Where the
// spare bits between fields are equal in both operands, the sum there is the carry of the field
// below, and the spare bits carry one more input into the field above.
//
// Inputs used at a later level arrive later, a clock before they are used: ns_skew delays weights
// and activations where they are shared, and a register here takes their matches.
//
// Parameters:
//   inputs = 64
//
// Latency: 3 clocks from the inputs that come first

`default_nettype none

module ns_popcount_64 (
  input  wire        clk_i,
  input  wire [63:0] match_i,
  output wire [5:0]  count_o,
  output wire        carry_o
);

  reg [63:0] late_q;  // what later levels take

  always @(posedge clk_i) begin
    late_q <= match_i;
  end

  wire [63:0] taken = ((match_i & 64'haaaa_aaaa_ffff_ffff) | (late_q & 64'h5555_5555_0000_0000));

  // ---- Inputs 0 to 63 ----------------------------------------------------------------------------
  wire [31:0] low = taken[31:0];
  wire [31:0] high = taken[63:32];
  reg [32:0] sum1_q;

  always @(posedge clk_i) begin
    sum1_q <= ({1'b0, low} + {1'b0, ((low & 32'h55555555) | (high & 32'haaaaaaaa))});
  end

  wire [31:0] carry2 = (high & 32'h11111111);
  wire unused_1 = &{1'b0, sum1_q[0]};
  wire [32:0] sum2 = (
    ({(sum1_q[32:1] & 32'h33333333), 1'b0} | {1'b0, carry2}) +
    ({((sum1_q[32:1] >> 2) & 32'h33333333), 1'b0} | {1'b0, carry2})
  );
  wire [31:0] carry3 = ((high & 32'h04040404) >> 2);
  wire unused_2 = &{1'b0, sum2[0]};
  reg [32:0] sum3_q;

  always @(posedge clk_i) begin
    sum3_q <= (
      ({(sum2[32:1] & 32'h07070707), 1'b0} | {1'b0, carry3}) +
      ({((sum2[32:1] >> 4) & 32'h07070707), 1'b0} | {1'b0, carry3})
    );
  end

  wire unused_3 = &{1'b0, sum3_q[0], sum3_q[8:5], sum3_q[16:13], sum3_q[24:21], sum3_q[32:29]};
  reg [11:0] sum4_q;

  always @(posedge clk_i) begin
    sum4_q <= (
      {1'b0, sum3_q[20:17], high[22], 1'b0, sum3_q[4:1], high[6]} +
      {1'b0, sum3_q[28:25], high[22], 1'b0, sum3_q[12:9], high[6]}
    );
  end

  wire unused_4 = &{1'b0, sum4_q[0], sum4_q[6]};
  wire [6:0] sum5 = ({1'b0, sum4_q[5:1], high[14]} + {1'b0, sum4_q[11:7], high[14]});
  wire unused_5 = &{1'b0, sum5[0]};

  assign count_o = sum5[6:1];
  assign carry_o = high[30];

endmodule

`default_nettype wire
