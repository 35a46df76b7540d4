// One lane of a layer: the activations of one pass, and the neurons that read them at once.
//
// Parameters:
//   neurons at once (pe)  = 1
//   inputs at once (simd) = 32
//
// Latency: 6 clocks from the last read address of a neuron to its result

`default_nettype none

(* keep_hierarchy = "yes" *)
module ns_lane_sum_1_rails_2x32_by_4_apart (
  // Clock
  input  wire        clk_i,

  // Write activations
  input  wire        write_i,
  input  wire        write_bank_i,
  input  wire        write_word_i,
  input  wire [2:0]  write_column_i,
  input  wire [3:0]  act_i,
  input  wire [3:0]  live_i,

  // Read a word
  input  wire        read_bank_i,
  input  wire        read_word_i,

  // Operands, timed for the population count
  input  wire [31:0] weight_i,        // word p is that of neuron p
  input  wire        clear_i,         // last word of the neurons, in the clock of its count, or none

  // Results
  output wire [6:0]  sum_o,
  output wire        odd_o            // an odd number of inputs was dropped
);

  // ---- What all lanes are given, one clock later -------------------------------------------------
  reg read_bank_q;

  always @(posedge clk_i) begin
    read_bank_q <= read_bank_i;
  end

  reg read_word_q;

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

  wire [31:0] pos_read;
  wire [31:0] neg_read;
  wire odd_read;

  ns_rails_2x32_by_4 u_buffer (
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

  reg [4:0] odd_q;

  always @(posedge clk_i) begin
    odd_q <= {odd_q[3:0], odd_read};
  end

  // ---- Neurons -----------------------------------------------------------------------------------
  genvar p;
  generate
    for (p = 0; p < 1; p = p + 1) begin : g_pe
      ns_pe_sum_masked_32_7 u_pe (
        .clk_i   (clk_i),
        .clear_i (clear_q),
        .weight_i(weight_q),
        .pos_i   (pos),
        .neg_i   (neg),
        .sum_o   (sum_o)
      );
    end
  endgenerate

  assign odd_o = odd_q[4];

endmodule

`default_nettype wire
