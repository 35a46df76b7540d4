// Icarus bench for every neuspin design: the second opinion beside Verilator, for a few images.
//
// All shapes come as macros from src/cosim/icarus.rs, which also writes the memories and reads what is printed here:
// a line MISMATCH for each difference, HANG if nothing moves any more, and PASS at the end if all was right.
//
//   in.hex       beats of all images            writes.hex   {address, data} of register writes before the run
//   results.hex  {last, class, index, sum, sumsq, votes} of all beats, and what the uncertainty adds
//   logits.hex   logit of image i, pass t, class c at firsts[i] + t * CLASSES + c
//   firsts.hex   where the logits of each image begin, and where they all end
`default_nettype none
`timescale 1ns / 1ns

module bench;
  localparam RESULT_BITS = 1 + 2 * `CLASS_BITS + `SUM_BITS + `SUMSQ_BITS + `VOTES_BITS + `MORE_BITS;

  reg [`IN_BITS-1:0]    beats[0:`IMAGES*`BEATS-1];
  reg [RESULT_BITS-1:0] results[0:`IMAGES*`CLASSES-1];
  reg [`LOGIT_BITS-1:0] logits[0:`LOGITS-1];
  reg [31:0]            firsts[0:`IMAGES];
  reg [39:0]            writes[0:`WRITES-1];

  reg clk = 1'b0;
  reg rst_n = 1'b0;
  always #5 clk = !clk;

  reg                             in_valid = 1'b0;
  wire                            in_ready;
  reg  [`IN_BITS-1:0]             in_data = 0;
  wire                            out_valid, out_last;
  reg                             out_ready = 1'b0;
  wire [`CLASS_BITS-1:0]          out_class, out_index;
  wire [`SUM_BITS-1:0]            out_sum;
  wire [`SUMSQ_BITS-1:0]          out_sumsq;
  wire [`VOTES_BITS-1:0]          out_votes;
  // Ports that not every design has, side by side, the first one highest; a bit too many, so that there is one.
  wire [`MORE_BITS:0]             more;
  wire                            dbg_valid;
  wire [`PASS_BITS-1:0]           dbg_pass;
  wire [`LANES-1:0]               dbg_lanes;
  wire [`CLASS_BITS-1:0]          dbg_class;
  wire [`LANES*`LOGIT_BITS-1:0]   dbg_logit;
  reg  [7:0]                      reg_addr = 8'd0;
  reg                             reg_write = 1'b0;
  reg  [31:0]                     reg_wdata = 32'd0;
  wire [31:0]                     reg_rdata;

  `DUT dut (
      .clk_i      (clk),
      .rst_ni     (rst_n),
      .in_valid_i (in_valid),
      .in_ready_o (in_ready),
      .in_data_i  (in_data),
      .out_valid_o(out_valid),
      .out_ready_i(out_ready),
      .out_last_o (out_last),
      .out_class_o(out_class),
      .out_index_o(out_index),
      .out_sum_o  (out_sum),
      .out_sumsq_o(out_sumsq),
      .out_votes_o(out_votes),
`ifdef OUT_PASSES_BITS
      .out_passes_o(more[`OUT_PASSES_AT+:`OUT_PASSES_BITS]),
`endif
`ifdef OUT_PROB_BITS
      .out_prob_o(more[`OUT_PROB_AT+:`OUT_PROB_BITS]),
`endif
`ifdef OUT_PROBSQ_BITS
      .out_probsq_o(more[`OUT_PROBSQ_AT+:`OUT_PROBSQ_BITS]),
`endif
`ifdef OUT_ENTROPY_BITS
      .out_entropy_o(more[`OUT_ENTROPY_AT+:`OUT_ENTROPY_BITS]),
`endif
`ifdef OUT_INFO_BITS
      .out_info_o(more[`OUT_INFO_AT+:`OUT_INFO_BITS]),
`endif
`ifdef OUT_FLAG_BITS
      .out_flag_o(more[`OUT_FLAG_AT+:`OUT_FLAG_BITS]),
`endif
      .dbg_valid_o(dbg_valid),
      .dbg_pass_o (dbg_pass),
      .dbg_lanes_o(dbg_lanes),
      .dbg_class_o(dbg_class),
      .dbg_logit_o(dbg_logit),
      .reg_addr_i (reg_addr),
      .reg_write_i(reg_write),
      .reg_wdata_i(reg_wdata),
      .reg_rdata_o(reg_rdata)
  );

  wire [RESULT_BITS-1:0] found;
  generate
    if (`MORE_BITS > 0) begin : g_more
      assign found = {out_last, out_class, out_index, out_sum, out_sumsq, out_votes, more[`MORE_BITS-1:0]};
    end else begin : g_plain
      assign found = {out_last, out_class, out_index, out_sum, out_sumsq, out_votes};
    end
  endgenerate

  integer running = 0, errors = 0, sent = 0, received = 0, seen = 0, image = 0, idle = 0, quiet = 0;
  integer seed = 1;
  integer w, lane, at;

  // Registers, then the run.
  initial begin
    $readmemh("in.hex", beats);
    $readmemh("results.hex", results);
    $readmemh("logits.hex", logits);
    $readmemh("firsts.hex", firsts);
    $readmemh("writes.hex", writes);
    repeat (4) @(negedge clk);
    rst_n = 1'b1;
    for (w = 0; w < `WRITES; w = w + 1) begin
      @(negedge clk);
      reg_addr  = writes[w][39:32];
      reg_wdata = writes[w][31:0];
      reg_write = 1'b1;
    end
    @(negedge clk);
    reg_write = 1'b0;
    reg_addr  = 8'h02;
    repeat (2) @(negedge clk);
    while (reg_rdata !== 32'd0 && idle <= `PATIENCE) @(negedge clk);
    running = 1;
  end

  // Inputs change between clock edges; an offered beat stays until it is taken.
  reg taken = 1'b1;
  always @(negedge clk) begin
    if (running && taken) begin
      in_valid = sent < `IMAGES * `BEATS && ($random(seed) & 3) != 0;
      in_data  = in_valid ? beats[sent] : {`IN_BITS{1'bx}};
    end
    out_ready = running && ($random(seed) & 3) != 0;
  end

  always @(posedge clk) begin
    taken <= !in_valid || in_ready;
    idle = idle + 1;
    if (in_valid && in_ready === 1'b1) begin
      sent = sent + 1;
      idle = 0;
    end
    if (running && out_valid !== 1'b0 && out_ready) begin
      idle = 0;
      if (received >= `IMAGES * `CLASSES) begin
        errors = errors + 1;
        $display("MISMATCH image %0d: a beat too many, %h", received / `CLASSES, found);
      end else if (found !== results[received]) begin
        errors = errors + 1;
        $display("MISMATCH image %0d, result beat %0d: expected %h, found %h", received / `CLASSES,
                 received % `CLASSES, results[received], found);
      end
      received = received + 1;
    end
    if (running && dbg_valid !== 1'b0) begin
      for (lane = 0; lane < `LANES; lane = lane + 1) begin
        if (dbg_lanes[lane] !== 1'b0) begin
          at = firsts[image] + (dbg_pass + lane) * `CLASSES + dbg_class;
          if (at >= firsts[image+1] || dbg_logit[lane*`LOGIT_BITS+:`LOGIT_BITS] !== logits[at]) begin
            errors = errors + 1;
            $display("MISMATCH image %0d, pass %0d, class %0d, logit: expected %h, found %h",
                     image, dbg_pass + lane, dbg_class, logits[at],
                     dbg_logit[lane*`LOGIT_BITS+:`LOGIT_BITS]);
          end
          seen = seen + 1;
          if (seen == firsts[image+1] && image < `IMAGES - 1) image = image + 1;
        end
      end
    end
    if (idle > `PATIENCE) begin
      $display("HANG %0d of %0d images in, %0d of %0d result beats out", sent / `BEATS, `IMAGES, received,
               `IMAGES * `CLASSES);
      $finish;
    end
    if (received >= `IMAGES * `CLASSES) quiet = quiet + 1;
    if (quiet == 32) begin
      if (seen != `LOGITS) begin
        errors = errors + 1;
        $display("MISMATCH %0d logits expected, %0d found", `LOGITS, seen);
      end
      if (errors == 0) $display("PASS");
      $finish;
    end
  end
endmodule

`default_nettype wire
