// Counts the ones among 32 match bits, but for one bit that the accumulator takes as its carry-in:
// ones = count_o + carry_o. Two fields of a word are added at each level of the tree. Where the
// spare bits between fields are equal in both operands, the sum there is the carry of the field
// below, and the spare bits carry one more input into the field above.
//
// Inputs used at a later level arrive later, a clock before they are used: ns_skew delays weights
// and activations where they are shared, and a register here takes their matches.
//
// Parameters:
//   inputs = 32
//
// Latency: 2 clocks from the inputs that come first

`default_nettype none

module ns_popcount_32 (
  input  wire        clk_i,
  input  wire [31:0] match_i,
  output wire [4:0]  count_o,
  output wire        carry_o
);

  reg [31:0] late_q;  // what later levels take

  always @(posedge clk_i) begin
    late_q <= match_i;
  end

  wire [31:0] taken = ((match_i & 32'haaaaffff) | (late_q & 32'h55550000));

  // ---- Inputs 0 to 31 ----------------------------------------------------------------------------
  wire [15:0] low = taken[15:0];
  wire [15:0] high = taken[31:16];
  reg [16:0] sum1_q;

  always @(posedge clk_i) begin
    sum1_q <= ({1'b0, low} + {1'b0, ((low & 16'h5555) | (high & 16'haaaa))});
  end

  wire [15:0] carry2 = (high & 16'h1111);
  wire unused_1 = &{1'b0, sum1_q[0]};
  wire [16:0] sum2 = (
    ({(sum1_q[16:1] & 16'h3333), 1'b0} | {1'b0, carry2}) +
    ({((sum1_q[16:1] >> 2) & 16'h3333), 1'b0} | {1'b0, carry2})
  );
  wire unused_2 = &{1'b0, sum2[0], sum2[4], sum2[8], sum2[12], sum2[16]};
  reg [9:0] sum3_q;

  always @(posedge clk_i) begin
    sum3_q <= (
      {1'b0, sum2[11:9], high[10], 1'b0, sum2[3:1], high[2]} +
      {1'b0, sum2[15:13], high[10], 1'b0, sum2[7:5], high[2]}
    );
  end

  wire unused_3 = &{1'b0, sum3_q[0], sum3_q[5]};
  wire [5:0] sum4 = ({1'b0, sum3_q[4:1], high[6]} + {1'b0, sum3_q[9:6], high[6]});
  wire unused_4 = &{1'b0, sum4[0]};

  assign count_o = sum4[5:1];
  assign carry_o = high[14];

endmodule

`default_nettype wire
