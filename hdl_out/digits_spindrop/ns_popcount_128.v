// Counts the ones among 128 match bits, but for one bit that the accumulator takes as its carry-in:
// ones = count_o + carry_o. Two fields of a word are added at each level of the tree. Where the
// spare bits between fields are equal in both operands, the sum there is the carry of the field
// below, and the spare bits carry one more input into the field above.
//
// Inputs used at a later level arrive later: ns_skew delays weights and activations where they are
// shared.
//
// Parameters:
//   inputs = 128
//
// Latency: 3 clocks from the inputs that come first

`default_nettype none

module ns_popcount_128 (
  input  wire         clk_i,
  input  wire [127:0] match_i,
  output wire [6:0]   count_o,
  output wire         carry_o
);

  // ---- Inputs 0 to 127 ---------------------------------------------------------------------------
  wire [63:0] low = match_i[63:0];
  wire [63:0] high = match_i[127:64];
  reg [64:0] sum1_q;

  always @(posedge clk_i) begin
    sum1_q <= (
      {1'b0, low} +
      {1'b0, ((low & 64'h5555_5555_5555_5555) | (high & 64'haaaa_aaaa_aaaa_aaaa))}
    );
  end

  wire [63:0] carry2 = (high & 64'h1111_1111_1111_1111);
  wire unused_1 = &{1'b0, sum1_q[0]};
  wire [64:0] sum2 = (
    ({(sum1_q[64:1] & 64'h3333_3333_3333_3333), 1'b0} | {1'b0, carry2}) +
    ({((sum1_q[64:1] >> 2) & 64'h3333_3333_3333_3333), 1'b0} | {1'b0, carry2})
  );
  wire [63:0] carry3 = ((high & 64'h0404_0404_0404_0404) >> 2);
  wire unused_2 = &{1'b0, sum2[0]};
  reg [64:0] sum3_q;

  always @(posedge clk_i) begin
    sum3_q <= (
      ({(sum2[64:1] & 64'h0707_0707_0707_0707), 1'b0} | {1'b0, carry3}) +
      ({((sum2[64:1] >> 4) & 64'h0707_0707_0707_0707), 1'b0} | {1'b0, carry3})
    );
  end

  wire [63:0] carry4 = ((high & 64'h0040_0040_0040_0040) >> 6);
  wire unused_3 = &{1'b0, sum3_q[0]};
  wire [64:0] sum4 = (
    ({(sum3_q[64:1] & 64'h000f_000f_000f_000f), 1'b0} | {1'b0, carry4}) +
    ({((sum3_q[64:1] >> 8) & 64'h000f_000f_000f_000f), 1'b0} | {1'b0, carry4})
  );
  wire unused_4 = &{1'b0, sum4[0], sum4[16:6], sum4[32:22], sum4[48:38], sum4[64:54]};
  reg [13:0] sum5_q;

  always @(posedge clk_i) begin
    sum5_q <= (
      {1'b0, sum4[37:33], high[46], 1'b0, sum4[5:1], high[14]} +
      {1'b0, sum4[53:49], high[46], 1'b0, sum4[21:17], high[14]}
    );
  end

  wire unused_5 = &{1'b0, sum5_q[0], sum5_q[7]};
  wire [7:0] sum6 = ({1'b0, sum5_q[6:1], high[30]} + {1'b0, sum5_q[13:8], high[30]});
  wire unused_6 = &{1'b0, sum6[0]};

  assign count_o = sum6[7:1];
  assign carry_o = high[62];

endmodule

`default_nettype wire
