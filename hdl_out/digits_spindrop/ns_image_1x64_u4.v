// Input values in two banks: one image comes in while the layer reads the other, as often as it has
// groups of neurons.
//
// Values are kept as bit planes, and one plane of a word is read at a time: each plane is a word of
// +1 and -1.
//
// Parameters:
//   values in a word  = 64
//   words in an image = 1
//   bits of a value   = 4
//
// Latency: 2 clocks from address to plane

`default_nettype none

module ns_image_1x64_u4 (
  // Clock
  input  wire         clk_i,

  // Write a word
  input  wire         write_i,
  input  wire         write_bank_i,
  input  wire         write_word_i,
  input  wire [255:0] data_i,

  // Read one plane of a word
  input  wire         read_bank_i,
  input  wire         read_word_i,
  input  wire [1:0]   read_plane_i,
  output reg  [63:0]  pos_o          // 1 for +1, 0 for -1
);

  wire [63:0] plane0;
  wire [63:0] plane1;
  wire [63:0] plane2;
  wire [63:0] plane3;

  genvar j;
  generate
    for (j = 0; j < 64; j = j + 1) begin : g_value
      wire [3:0] value = data_i[(j * 4) +: 4];
      assign plane0[j] = value[0];
      assign plane1[j] = value[1];
      assign plane2[j] = value[2];
      assign plane3[j] = value[3];
    end
  endgenerate

  wire [255:0] planes = {plane3, plane2, plane1, plane0};
  reg [255:0] words [0:3];
  reg [255:0] read_q;
  wire [1:0] read_at = {read_bank_i, read_word_i};
  wire [1:0] write_at = {write_bank_i, write_word_i};

  always @(posedge clk_i) begin
    if (write_i) begin
      words[write_at] <= planes;
    end
    read_q <= words[read_at];
  end

  reg [1:0] plane_q;

  always @(posedge clk_i) begin
    plane_q <= read_plane_i;
    pos_o <= read_q[{plane_q, 6'd0} +: 64];
  end

endmodule

`default_nettype wire
