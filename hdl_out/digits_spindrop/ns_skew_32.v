// Delays the bits of a word to the clocks in which ns_popcount_32 takes them. One such delay of a
// weight word serves all lanes, and one of an activation word all neurons.
//
// Parameters:
//   bits = 32
//
// Latency: 0 to 1 clocks, by bit

`default_nettype none

module ns_skew_32 (
  input  wire        clk_i,
  input  wire [31:0] word_i,
  output wire [31:0] word_o
);

  reg [31:0] delayed1_q;

  always @(posedge clk_i) begin
    delayed1_q <= word_i;
  end

  assign word_o = ((word_i & 32'hbfbfffff) | (delayed1_q & 32'h40400000));

endmodule

`default_nettype wire
