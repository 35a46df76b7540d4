// One lane of a layer: the activations of one pass, and the neurons that read them at once.
//
// Parameters:
//   neurons at once (pe)  = 2
//   inputs at once (simd) = 16
//
// Latency: 6 clocks from the last read address of a neuron to its result

`default_nettype none

(* keep_hierarchy = "yes" *)
module ns_lane_sum_2_rails_4x16_by_16_apart (
  // Clock
  input  wire        clk_i,

  // Write activations
  input  wire        write_i,
  input  wire        write_bank_i,
  input  wire [1:0]  write_word_i,
  input  wire [15:0] act_i,
  input  wire [15:0] live_i,

  // Read a word
  input  wire        read_bank_i,
  input  wire [1:0]  read_word_i,

  // Operands, timed for the population count
  input  wire [31:0] weight_i,      // word p is that of neuron p
  input  wire        clear_i,       // last word of the neurons, in the clock of its count, or none

  // Results
  output wire [13:0] sum_o,
  output wire        odd_o          // an odd number of inputs was dropped
);

  // ---- What all lanes are given, one clock later -------------------------------------------------
  reg read_bank_q;

  always @(posedge clk_i) begin
    read_bank_q <= read_bank_i;
  end

  reg [1:0] read_word_q;

  always @(posedge clk_i) begin
    read_word_q <= read_word_i;
  end

  reg [31:0] weight_q;

  always @(posedge clk_i) begin
    weight_q <= weight_i;
  end

  reg clear_q;

  always @(posedge clk_i) begin
    clear_q <= clear_i;
  end

  wire [15:0] pos_read;
  wire [15:0] neg_read;
  wire odd_read;

  ns_rails_4x16_by_16 u_buffer (
    .clk_i       (clk_i),
    .write_i     (write_i),
    .write_bank_i(write_bank_i),
    .write_word_i(write_word_i),
    .act_i       (act_i),
    .live_i      (live_i),
    .read_bank_i (read_bank_q),
    .read_word_i (read_word_q),
    .pos_o       (pos_read),
    .neg_o       (neg_read),
    .odd_o       (odd_read)
  );

  wire [15:0] pos;

  ns_skew_16 u_skew_pos (
    .clk_i (clk_i),
    .word_i(pos_read),
    .word_o(pos)
  );

  wire [15:0] neg;

  ns_skew_16 u_skew_neg (
    .clk_i (clk_i),
    .word_i(neg_read),
    .word_o(neg)
  );

  reg [4:0] odd_q;

  always @(posedge clk_i) begin
    odd_q <= {odd_q[3:0], odd_read};
  end

  // ---- Neurons -----------------------------------------------------------------------------------
  genvar p;
  generate
    for (p = 0; p < 2; p = p + 1) begin : g_pe
      ns_pe_sum_masked_16_7 u_pe (
        .clk_i   (clk_i),
        .clear_i (clear_q),
        .weight_i(weight_q[(p * 16) +: 16]),
        .pos_i   (pos),
        .neg_i   (neg),
        .sum_o   (sum_o[(p * 7) +: 7])
      );
    end
  endgenerate

  assign odd_o = odd_q[4];

endmodule

`default_nettype wire
