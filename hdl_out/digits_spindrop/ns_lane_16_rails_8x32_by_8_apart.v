// One lane of a layer: the activations of one pass, and the neurons that read them at once.
//
// Parameters:
//   neurons at once (pe)  = 16
//   inputs at once (simd) = 32
//
// Latency: 6 clocks from the last read address of a neuron to its result

`default_nettype none

(* keep_hierarchy = "yes" *)
module ns_lane_16_rails_8x32_by_8_apart (
  // Clock
  input  wire         clk_i,

  // Write activations
  input  wire         write_i,
  input  wire         write_bank_i,
  input  wire [2:0]   write_word_i,
  input  wire [1:0]   write_column_i,
  input  wire [7:0]   act_i,
  input  wire [7:0]   live_i,

  // Read a word
  input  wire         read_bank_i,
  input  wire [2:0]   read_word_i,

  // Operands, timed for the population count
  input  wire [511:0] weight_i,        // word p is that of neuron p
  input  wire         clear_i,         // last word of the neurons, in the clock of its count, or none
  input  wire [159:0] start0_i,
  input  wire [159:0] start1_i,

  // Results
  output wire [15:0]  act_o
);

  // ---- What all lanes are given, one clock later -------------------------------------------------
  reg read_bank_q;

  always @(posedge clk_i) begin
    read_bank_q <= read_bank_i;
  end

  reg [2:0] read_word_q;

  always @(posedge clk_i) begin
    read_word_q <= read_word_i;
  end

  reg [511:0] weight_q;

  always @(posedge clk_i) begin
    weight_q <= weight_i;
  end

  reg clear_q;

  always @(posedge clk_i) begin
    clear_q <= clear_i;
  end

  reg [159:0] start0_q;

  always @(posedge clk_i) begin
    start0_q <= start0_i;
  end

  reg [159:0] start1_q;

  always @(posedge clk_i) begin
    start1_q <= start1_i;
  end

  wire [31:0] pos_read;
  wire [31:0] neg_read;
  wire odd_read;

  ns_rails_8x32_by_8 u_buffer (
    .clk_i         (clk_i),
    .write_i       (write_i),
    .write_bank_i  (write_bank_i),
    .write_word_i  (write_word_i),
    .write_column_i(write_column_i),
    .act_i         (act_i),
    .live_i        (live_i),
    .read_bank_i   (read_bank_q),
    .read_word_i   (read_word_q),
    .pos_o         (pos_read),
    .neg_o         (neg_read),
    .odd_o         (odd_read)
  );

  wire [31:0] pos;

  ns_skew_32 u_skew_pos (
    .clk_i (clk_i),
    .word_i(pos_read),
    .word_o(pos)
  );

  wire [31:0] neg;

  ns_skew_32 u_skew_neg (
    .clk_i (clk_i),
    .word_i(neg_read),
    .word_o(neg)
  );

  reg [3:0] odd_q;

  always @(posedge clk_i) begin
    odd_q <= {odd_q[2:0], odd_read};
  end

  // ---- Neurons -----------------------------------------------------------------------------------
  wire [15:0] below;

  genvar p;
  generate
    for (p = 0; p < 16; p = p + 1) begin : g_pe
      ns_pe_masked_32_10 u_pe (
        .clk_i   (clk_i),
        .clear_i (clear_q),
        .odd_i   (odd_q[3]),
        .weight_i(weight_q[(p * 32) +: 32]),
        .pos_i   (pos),
        .neg_i   (neg),
        .start0_i(start0_q[(p * 10) +: 10]),
        .start1_i(start1_q[(p * 10) +: 10]),
        .below_o (below[p])
      );
    end
  endgenerate

  assign act_o = ~below;

endmodule

`default_nettype wire
