// Delays the bits of a word to the clocks in which ns_popcount_64 takes them. One such delay of a
// weight word serves all lanes, and one of an activation word all neurons.
//
// Parameters:
//   bits = 64
//
// Latency: 0 to 2 clocks, by bit

`default_nettype none

module ns_skew_64 (
  input  wire        clk_i,
  input  wire [63:0] word_i,
  output wire [63:0] word_o
);

  reg [63:0] delayed1_q;

  always @(posedge clk_i) begin
    delayed1_q <= word_i;
  end

  reg [63:0] delayed2_q;

  always @(posedge clk_i) begin
    delayed2_q <= delayed1_q;
  end

  assign word_o = (
    (word_i & 64'hbfbf_bfbf_ffff_ffff) |
    (delayed1_q & 64'h0040_0040_0000_0000) |
    (delayed2_q & 64'h4000_4000_0000_0000)
  );

endmodule

`default_nettype wire
