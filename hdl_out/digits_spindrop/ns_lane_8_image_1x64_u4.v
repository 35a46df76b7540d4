// One lane of a layer: the activations of one pass, and the neurons that read them at once.
//
// Parameters:
//   neurons at once (pe)  = 8
//   inputs at once (simd) = 64
//
// Latency: 6 clocks from the last read address of a neuron to its result

`default_nettype none

module ns_lane_8_image_1x64_u4 (
  // Clock
  input  wire         clk_i,

  // Write activations
  input  wire         write_i,
  input  wire         write_bank_i,
  input  wire         write_word_i,
  input  wire [255:0] data_i,

  // Read a word
  input  wire         read_bank_i,
  input  wire         read_word_i,
  input  wire [1:0]   read_plane_i,

  // Operands, timed for the population count
  input  wire [511:0] weight_i,      // word p is that of neuron p
  input  wire         clear_i,       // last word of the neurons, in the clock of its count, or none
  input  wire         shift_i,
  input  wire [87:0]  start_i,

  // Results
  output wire [7:0]   act_o
);

  wire [63:0] pos_read;

  ns_image_1x64_u4 u_buffer (
    .clk_i       (clk_i),
    .write_i     (write_i),
    .write_bank_i(write_bank_i),
    .write_word_i(write_word_i),
    .data_i      (data_i),
    .read_bank_i (read_bank_i),
    .read_word_i (read_word_i),
    .read_plane_i(read_plane_i),
    .pos_o       (pos_read)
  );

  wire [63:0] pos;

  ns_skew_64 u_skew_pos (
    .clk_i (clk_i),
    .word_i(pos_read),
    .word_o(pos)
  );

  // ---- Neurons -----------------------------------------------------------------------------------
  wire [7:0] below;

  genvar p;
  generate
    for (p = 0; p < 8; p = p + 1) begin : g_pe
      ns_pe_planes_64_11 u_pe (
        .clk_i   (clk_i),
        .clear_i (clear_i),
        .shift_i (shift_i),
        .weight_i(weight_i[(p * 64) +: 64]),
        .pos_i   (pos),
        .start_i (start_i[(p * 11) +: 11]),
        .below_o (below[p])
      );
    end
  endgenerate

  assign act_o = ~below;

endmodule

`default_nettype wire
