// Registers of the design, and the machine that starts its random streams.
//
// Stream 2 * t + s of the root state belongs to pass t of dropout unit s. A restart walks from each
// stream to the next by jumps of a fixed number of steps and hands the states out.
//
// Parameters:
//   register 0x00 ID         = ro, "NSPN"
//   register 0x01 CONTROL    = wo, bit 0: restart (finish images in flight, take PASSES, ROOT and CODE over, start all streams anew, clear counters)
//   register 0x02 STATUS     = ro, bit 0: images in flight; bit 1: starting streams
//   register 0x03 PASSES     = rw, passes an image, 1 to MAX_PASSES; takes effect at a restart
//   register 0x04 MAX_PASSES = ro, most passes an image
//   register 0x05 LANES      = ro, passes computed at once
//   register 0x06 ROOT_LO    = rw, root state of the draws, bits 31 to 0; takes effect at a restart
//   register 0x07 ROOT_HI    = rw, root state of the draws, upper bits; a root of 0 counts as 1
//   register 0x08 CYCLES_LO  = ro, clocks with images in flight since the last restart, bits 31 to 0
//   register 0x09 CYCLES_HI  = ro, the same, bits 63 to 32
//   register 0x0a IMAGES     = ro, results sent since the last restart
//   register 0x10 CODE0      = rw, probability of dropping in stochastic layer 0, in units of 2^-16; takes effect at a restart
//   register 0x11 CODE1      = rw, probability of dropping in stochastic layer 1, in units of 2^-16; takes effect at a restart
//
// Latency: 1 clock from a register's address to its value

`default_nettype none

module digits_spindrop_control (
  // Clock and reset
  input  wire        clk_i,
  input  wire        rst_ni,

  // Registers
  input  wire [7:0]  reg_addr_i,
  input  wire        reg_write_i,
  input  wire [31:0] reg_wdata_i,
  output reg  [31:0] reg_rdata_o,     // of the address one clock before

  // Images
  output wire        accept_o,        // a new image may begin
  input  wire        image_begins_i,
  input  wire        image_done_i,

  // Passes
  output wire [3:0]  last_group_o,    // groups of passes an image has, less 1
  output wire [3:0]  last_lanes_o,    // lanes that carry a pass in the last group

  // Dropout units
  output wire [16:0] code0_o,
  output wire [16:0] code1_o,
  output wire [1:0]  seed_valid_o,    // one-hot
  output wire [3:0]  seed_lane_o,     // one-hot
  output wire [3:0]  seed_group_o,
  output wire [63:0] seed_state_o,
  output wire        begin_o,         // all streams have their start states
  input  wire        masks_ready_i
);

  // ---- Configuration: as written, and as taken over by the last restart --------------------------
  reg [6:0] cfg_passes_q;
  reg [63:0] cfg_root_q;
  wire [31:0] legal_passes = (
    (|reg_wdata_i) ?
    ((reg_wdata_i > 32'd64) ? 32'd64 : reg_wdata_i) :
    32'd1
  );
  wire unused_passes = &{1'b0, legal_passes[31:7]};
  reg [16:0] cfg_code0_q;
  reg [16:0] cfg_code1_q;

  always @(posedge clk_i) begin
    if (~rst_ni) begin
      cfg_passes_q <= 7'd16;
      cfg_root_q <= 64'h9758_35de_1c97_56ce;
      cfg_code0_q <= 17'd6554;
      cfg_code1_q <= 17'd6554;
    end else begin
      if (reg_write_i & (reg_addr_i == 8'h03)) begin
        cfg_passes_q <= legal_passes[6:0];
      end
      if (reg_write_i & (reg_addr_i == 8'h06)) begin
        cfg_root_q[31:0] <= reg_wdata_i;
      end
      if (reg_write_i & (reg_addr_i == 8'h07)) begin
        cfg_root_q[63:32] <= reg_wdata_i;
      end
      if (reg_write_i & (reg_addr_i == 8'h10)) begin
        cfg_code0_q <= reg_wdata_i[16:0];
      end
      if (reg_write_i & (reg_addr_i == 8'h11)) begin
        cfg_code1_q <= reg_wdata_i[16:0];
      end
    end
  end

  // ---- Restart: wait for images in flight, load, start the streams, wait for the first masks -----
  reg [1:0] state_q;  // 0 load, 1 start streams, 2 first masks, 3 run
  reg pending_q;  // a restart was asked for
  reg [15:0] in_flight_q;
  wire idle = ~(|in_flight_q);
  wire running = (state_q == 2'd3);
  wire loading = (state_q == 2'd0);
  assign accept_o = (running & ~pending_q);
  wire started;

  always @(posedge clk_i) begin
    if (~rst_ni) begin
      state_q <= 2'd0;
      pending_q <= 1'b0;
      in_flight_q <= 16'd0;
    end else begin
      if (reg_write_i & (reg_addr_i == 8'h01) & reg_wdata_i[0]) begin
        pending_q <= 1'b1;
      end else if (loading) begin
        pending_q <= 1'b0;
      end
      if (image_begins_i & ~image_done_i) begin
        in_flight_q <= (in_flight_q + 16'd1);
      end else if (image_done_i & ~image_begins_i) begin
        in_flight_q <= (in_flight_q - 16'd1);
      end
      case (state_q)
        2'd0: begin
          state_q <= 2'd1;
        end
        2'd1: begin
          if (started) begin
            state_q <= 2'd2;
          end
        end
        2'd2: begin
          if (masks_ready_i) begin
            state_q <= 2'd3;
          end
        end
        default: begin
          if (pending_q & idle) begin
            state_q <= 2'd0;
          end
        end
      endcase
    end
  end

  // ---- Passes in groups of lanes -----------------------------------------------------------------
  reg [6:0] passes_q;
  reg [6:0] pass_q;
  reg [3:0] group_q;
  reg [3:0] lane_q;  // one-hot
  reg [3:0] lanes_seen_q;
  reg last_pass_q;  // between two states that are given there are two clocks

  always @(posedge clk_i) begin
    last_pass_q <= ((pass_q + 7'd1) == passes_q);
  end

  wire next_pass;

  always @(posedge clk_i) begin
    if (loading) begin
      passes_q <= cfg_passes_q;
      pass_q <= 7'd0;
      group_q <= 4'd0;
      lane_q <= 4'd1;
      lanes_seen_q <= 4'd1;
    end
    if (next_pass) begin
      pass_q <= (pass_q + 7'd1);
      lane_q <= {lane_q[2:0], lane_q[3]};
      lanes_seen_q <= (lane_q[3] ? 4'd1 : {lanes_seen_q[2:0], 1'b1});
      if (lane_q[3]) begin
        group_q <= (group_q + 4'd1);
      end
    end
  end

  assign last_group_o = group_q;
  assign last_lanes_o = lanes_seen_q;
  wire starting = (state_q == 2'd1);

  // ---- Streams: hand out a state, jump to the next stream, and so on -----------------------------
  reg [1:0] unit_q;  // one-hot
  wire jumping;
  wire [63:0] stream_state;
  reg asked_q;  // a state was loaded or given in the last clock
  wire give = (starting & ~jumping & ~asked_q);
  wire last_unit = unit_q[1];
  assign next_pass = (give & last_unit & ~last_pass_q);
  assign started = (give & last_unit & last_pass_q);
  wire jump = (give & ~started);
  reg begin_q;

  always @(posedge clk_i) begin
    begin_q <= (rst_ni & started);
    asked_q <= (rst_ni & (give | loading));
    if (loading) begin
      unit_q <= 2'd1;
    end else if (give) begin
      unit_q <= {unit_q[0], unit_q[1]};
    end
  end

  wire [63:0] root = cfg_root_q;
  wire [63:0] root_or_1 = (root | {63'd0, ~(|root)});

  stream_jump_64 u_jump (
    .clk_i  (clk_i),
    .load_i (loading),
    .seed_i (root_or_1),
    .start_i(jump),
    .busy_o (jumping),
    .state_o(stream_state)
  );

  assign seed_valid_o = (unit_q & {2{give}});
  assign seed_lane_o = lane_q;
  assign seed_group_o = group_q;
  assign seed_state_o = stream_state;
  assign begin_o = begin_q;
  reg [16:0] code0_q;

  always @(posedge clk_i) begin
    if (loading) begin
      code0_q <= cfg_code0_q;
    end
  end

  assign code0_o = code0_q;
  reg [16:0] code1_q;

  always @(posedge clk_i) begin
    if (loading) begin
      code1_q <= cfg_code1_q;
    end
  end

  assign code1_o = code1_q;

  // ---- Counters and reads ------------------------------------------------------------------------
  reg [63:0] cycles_q;
  reg [31:0] images_q;

  always @(posedge clk_i) begin
    if (~rst_ni | loading) begin
      cycles_q <= 64'd0;
      images_q <= 32'd0;
    end else begin
      if (~idle) begin
        cycles_q <= (cycles_q + 64'd1);
      end
      if (image_done_i) begin
        images_q <= (images_q + 32'd1);
      end
    end
  end

  always @(posedge clk_i) begin
    case (reg_addr_i)
      8'd0: begin
        reg_rdata_o <= 32'h4e53504e;
      end
      8'h02: begin
        reg_rdata_o <= {30'd0, ~running, ~idle};
      end
      8'h03: begin
        reg_rdata_o <= {25'd0, cfg_passes_q};
      end
      8'h04: begin
        reg_rdata_o <= 32'd64;
      end
      8'h05: begin
        reg_rdata_o <= 32'd4;
      end
      8'h06: begin
        reg_rdata_o <= cfg_root_q[31:0];
      end
      8'h07: begin
        reg_rdata_o <= cfg_root_q[63:32];
      end
      8'h08: begin
        reg_rdata_o <= cycles_q[31:0];
      end
      8'h09: begin
        reg_rdata_o <= cycles_q[63:32];
      end
      8'h0a: begin
        reg_rdata_o <= images_q;
      end
      8'h10: begin
        reg_rdata_o <= {15'd0, cfg_code0_q};
      end
      8'h11: begin
        reg_rdata_o <= {15'd0, cfg_code1_q};
      end
      default: begin
        // write-only or not there
        reg_rdata_o <= 32'd0;
      end
    endcase
  end

endmodule

`default_nettype wire
