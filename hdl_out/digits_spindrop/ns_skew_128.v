// Delays the bits of a word to the clocks in which ns_popcount_128 takes them. One such delay of a
// weight word serves all lanes, and one of an activation word all neurons.
//
// Parameters:
//   bits = 128
//
// Latency: 0 to 3 clocks, by bit

`default_nettype none

module ns_skew_128 (
  input  wire         clk_i,
  input  wire [127:0] word_i,
  output wire [127:0] word_o
);

  reg [127:0] delayed1_q;

  always @(posedge clk_i) begin
    delayed1_q <= word_i;
  end

  reg [127:0] delayed2_q;

  always @(posedge clk_i) begin
    delayed2_q <= delayed1_q;
  end

  reg [127:0] delayed3_q;

  always @(posedge clk_i) begin
    delayed3_q <= delayed2_q;
  end

  assign word_o = (
    (word_i & 128'haaaa_aaaa_aaaa_aaaa_ffff_ffff_ffff_ffff) |
    (delayed1_q & 128'h1515_1515_1515_1515_0000_0000_0000_0000) |
    (delayed2_q & 128'h0040_4040_0040_4040_0000_0000_0000_0000) |
    (delayed3_q & 128'h4000_0000_4000_0000_0000_0000_0000_0000)
  );

endmodule

`default_nettype wire
