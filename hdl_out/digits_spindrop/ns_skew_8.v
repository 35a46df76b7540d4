// Delays the bits of a word to the clocks in which ns_popcount_8 takes them. One such delay of a
// weight word serves all lanes, and one of an activation word all neurons.
//
// Parameters:
//   bits = 8
//
// Latency: 0 to 1 clocks, by bit

`default_nettype none

module ns_skew_8 (
  input  wire       clk_i,
  input  wire [7:0] word_i,
  output wire [7:0] word_o
);

  reg [7:0] delayed1_q;

  always @(posedge clk_i) begin
    delayed1_q <= word_i;
  end

  assign word_o = ((word_i & 8'haf) | (delayed1_q & 8'h50));

endmodule

`default_nettype wire
