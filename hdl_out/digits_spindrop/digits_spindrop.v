// Binary Bayesian network `digits_spindrop`: images in, for each image the sum, squares and votes
// of its passes' logits out.
//
// Parameters:
//   layer 0                  = 64 inputs, 256 neurons; pe 8, simd 64, dropout
//   layer 1                  = 256 inputs, 64 neurons; pe 16, simd 32, dropout
//   layer 2                  = 64 inputs, 10 neurons; pe 2, simd 16
//   lanes (passes at once)   = 4
//   passes an image, at most = 64

`default_nettype none

module digits_spindrop (
  // Clock and reset
  input  wire         clk_i,
  input  wire         rst_ni,       // synchronous, active low

  // Images in: 1 beats of 64 values
  input  wire         in_valid_i,
  output wire         in_ready_o,
  input  wire [255:0] in_data_i,    // first value lowest

  // Results out: 10 beats, one a class
  output wire         out_valid_o,
  input  wire         out_ready_i,
  output wire         out_last_o,   // last beat of the image
  output wire [3:0]   out_class_o,  // the decision: the class of the largest sum
  output wire [3:0]   out_index_o,  // the class that this beat is about
  output wire [23:0]  out_sum_o,    // sum of its logits over the passes, signed
  output wire [40:0]  out_sumsq_o,  // sum of their squares
  output wire [6:0]   out_votes_o,  // passes that it won

  // Every pass's logits, for debugging: no backpressure
  output wire         dbg_valid_o,  // one class of one group of passes
  output wire [5:0]   dbg_pass_o,   // pass of lane 0
  output wire [3:0]   dbg_lanes_o,  // lanes that carry a pass
  output wire [3:0]   dbg_class_o,
  output wire [71:0]  dbg_logit_o,  // signed, lane 0 lowest

  // Registers
  input  wire [7:0]   reg_addr_i,
  input  wire         reg_write_i,
  input  wire [31:0]  reg_wdata_i,
  output wire [31:0]  reg_rdata_o
);

  // ---- Registers and the start of the random streams ---------------------------------------------
  wire accept;
  wire image_begins;
  wire image_done;
  wire [3:0] last_group;
  wire [3:0] last_lanes;
  wire [16:0] code0;
  wire [16:0] code1;
  wire [1:0] masks_ready;
  wire [1:0] seed_valid;
  wire [3:0] seed_lane;
  wire [3:0] seed_group;
  wire [63:0] seed_state;
  wire begin_masks;
  wire all_masks_ready = (&masks_ready);

  digits_spindrop_control u_control (
    .clk_i         (clk_i),
    .rst_ni        (rst_ni),
    .reg_addr_i    (reg_addr_i),
    .reg_write_i   (reg_write_i),
    .reg_wdata_i   (reg_wdata_i),
    .reg_rdata_o   (reg_rdata_o),
    .accept_o      (accept),
    .image_begins_i(image_begins),
    .image_done_i  (image_done),
    .last_group_o  (last_group),
    .last_lanes_o  (last_lanes),
    .code0_o       (code0),
    .code1_o       (code1),
    .seed_valid_o  (seed_valid),
    .seed_lane_o   (seed_lane),
    .seed_group_o  (seed_group),
    .seed_state_o  (seed_state),
    .begin_o       (begin_masks),
    .masks_ready_i (all_masks_ready)
  );

  // ---- Layer 0: 64 inputs, 256 neurons; pe 8, simd 64, dropout -----------------------------------
  wire layer0_valid;
  wire [7:0] layer0_act;
  wire layer0_claim;
  wire layer0_claim_ready;
  wire [31:0] layer0_mask;
  wire layer0_take;

  digits_spindrop_layer0 u_layer0 (
    .clk_i         (clk_i),
    .rst_ni        (rst_ni),
    .accept_i      (accept),
    .in_valid_i    (in_valid_i),
    .in_ready_o    (in_ready_o),
    .in_data_i     (in_data_i),
    .image_begins_o(image_begins),
    .claim_ready_i (layer0_claim_ready),
    .claim_o       (layer0_claim),
    .valid_o       (layer0_valid),
    .act_o         (layer0_act)
  );

  ns_dropout_8x8x4_32_16_64_16 u_dropout0 (
    .clk_i       (clk_i),
    .rst_ni      (rst_ni),
    .seed_valid_i(seed_valid[0]),
    .seed_lane_i (seed_lane),
    .seed_group_i(seed_group),
    .seed_state_i(seed_state),
    .last_group_i(last_group),
    .begin_i     (begin_masks),
    .code_i      (code0),
    .take_i      (layer0_take),
    .ready_o     (masks_ready[0]),
    .live_o      (layer0_mask)
  );

  // Passes part here: what comes before is computed once an image.
  wire replay_valid;
  wire [31:0] replay_act;
  wire replay_claim;
  wire replay_claim_ready;
  wire [31:0] replay_live;

  digits_spindrop_replay u_replay0 (
    .clk_i        (clk_i),
    .rst_ni       (rst_ni),
    .claim_i      (layer0_claim),
    .claim_ready_o(layer0_claim_ready),
    .valid_i      (layer0_valid),
    .act_i        (layer0_act),
    .last_group_i (last_group),
    .mask_ready_i (masks_ready[0]),
    .mask_i       (layer0_mask),
    .mask_take_o  (layer0_take),
    .claim_ready_i(replay_claim_ready),
    .claim_o      (replay_claim),
    .valid_o      (replay_valid),
    .act_o        (replay_act),
    .live_o       (replay_live)
  );

  // ---- Layer 1: 256 inputs, 64 neurons; pe 16, simd 32, dropout ----------------------------------
  wire layer1_valid;
  wire [63:0] layer1_act;
  wire layer1_claim;
  wire layer1_claim_ready;
  wire [63:0] layer1_mask;
  wire layer1_take;

  digits_spindrop_layer1 u_layer1 (
    .clk_i        (clk_i),
    .rst_ni       (rst_ni),
    .claim_i      (replay_claim),
    .claim_ready_o(replay_claim_ready),
    .valid_i      (replay_valid),
    .act_i        (replay_act),
    .live_i       (replay_live),
    .claim_ready_i(layer1_claim_ready),
    .claim_o      (layer1_claim),
    .valid_o      (layer1_valid),
    .act_o        (layer1_act)
  );

  ns_dropout_16x2x4_4_16_64_16 u_dropout1 (
    .clk_i       (clk_i),
    .rst_ni      (rst_ni),
    .seed_valid_i(seed_valid[1]),
    .seed_lane_i (seed_lane),
    .seed_group_i(seed_group),
    .seed_state_i(seed_state),
    .last_group_i(last_group),
    .begin_i     (begin_masks),
    .code_i      (code1),
    .take_i      (layer1_take),
    .ready_o     (masks_ready[1]),
    .live_o      (layer1_mask)
  );

  assign layer1_take = layer1_valid;

  // ---- Layer 2: 64 inputs, 10 neurons; pe 2, simd 16 ---------------------------------------------
  wire layer2_valid;
  wire [55:0] layer2_sum;
  wire layer2_claim;
  wire layer2_claim_ready;
  wire [3:0] layer2_odd;

  digits_spindrop_layer2 u_layer2 (
    .clk_i        (clk_i),
    .rst_ni       (rst_ni),
    .claim_i      (layer1_claim),
    .claim_ready_o(layer1_claim_ready),
    .valid_i      (layer1_valid),
    .act_i        (layer1_act),
    .live_i       (layer1_mask),
    .claim_ready_i(layer2_claim_ready),
    .claim_o      (layer2_claim),
    .valid_o      (layer2_valid),
    .sum_o        (layer2_sum),
    .odd_o        (layer2_odd)
  );

  // ---- Logits and results ------------------------------------------------------------------------
  digits_spindrop_logits u_logits (
    .clk_i        (clk_i),
    .rst_ni       (rst_ni),
    .last_group_i (last_group),
    .last_lanes_i (last_lanes),
    .claim_i      (layer2_claim),
    .claim_ready_o(layer2_claim_ready),
    .valid_i      (layer2_valid),
    .sum_i        (layer2_sum),
    .odd_i        (layer2_odd),
    .out_valid_o  (out_valid_o),
    .out_ready_i  (out_ready_i),
    .out_last_o   (out_last_o),
    .out_class_o  (out_class_o),
    .out_index_o  (out_index_o),
    .out_sum_o    (out_sum_o),
    .out_sumsq_o  (out_sumsq_o),
    .out_votes_o  (out_votes_o),
    .image_done_o (image_done),
    .dbg_valid_o  (dbg_valid_o),
    .dbg_pass_o   (dbg_pass_o),
    .dbg_lanes_o  (dbg_lanes_o),
    .dbg_class_o  (dbg_class_o),
    .dbg_logit_o  (dbg_logit_o)
  );

endmodule

`default_nettype wire
