// Layer 1 of the network, a hidden layer: 256 inputs, 64 neurons. 16 neurons at a time read 32
// inputs a clock, for 4 passes at once that share every weight word.
//
// Frames are claimed: claim_o takes a bank of the next layer when this layer begins a frame, so its
// results never wait; claim_ready_o says that this layer has a bank to give.
//
// Parameters:
//   pe (neurons at once)   = 16
//   simd (inputs at once)  = 32
//   lanes (passes at once) = 4
//   words a neuron         = 8
//   bit planes             = 1
//   clocks a frame         = 32 and 1 between frames
//
// Latency: 6 clocks from a neuron's last word to its beat

`default_nettype none

module digits_spindrop_layer1 (
  // Clock and reset
  input  wire        clk_i,
  input  wire        rst_ni,

  // Frames in: a bank is claimed, then its beats come
  input  wire        claim_i,
  output wire        claim_ready_o,
  input  wire        valid_i,
  input  wire [31:0] act_i,
  input  wire [31:0] live_i,

  // Frames out
  input  wire        claim_ready_i,
  output wire        claim_o,
  output wire        valid_o,
  output wire [63:0] act_o
);

  // ---- Banks: one frame comes in while another is read -------------------------------------------
  reg [1:0] filled_q;  // frames complete
  reg write_bank_q;
  reg read_bank_q;
  reg [2:0] write_word_q;
  wire last_word_in = (write_word_q == 3'd7);
  reg [1:0] write_column_q;
  wire last_column_in = (write_column_q == 2'd3);
  wire fill = (valid_i & last_column_in & last_word_in);
  wire release_bank;
  reg [1:0] claimed_q;  // frames claimed whose banks were not promised again
  assign claim_ready_o = (claimed_q != 2'd2);

  always @(posedge clk_i) begin
    if (~rst_ni) begin
      filled_q <= 2'd0;
      write_bank_q <= 1'b0;
      read_bank_q <= 1'b0;
      write_word_q <= 3'd0;
      write_column_q <= 2'd0;
      claimed_q <= 2'd0;
    end else begin
      if (valid_i) begin
        write_column_q <= (last_column_in ? 2'd0 : (write_column_q + 2'd1));
        if (last_column_in) begin
          write_word_q <= (last_word_in ? 3'd0 : (write_word_q + 3'd1));
        end
      end
      if (fill) begin
        write_bank_q <= ~write_bank_q;
      end
      if (release_bank) begin
        read_bank_q <= ~read_bank_q;
      end
      if (fill & ~release_bank) begin
        filled_q <= (filled_q + 2'd1);
      end else if (release_bank & ~fill) begin
        filled_q <= (filled_q - 2'd1);
      end
      if (claim_i & ~release_bank) begin
        claimed_q <= (claimed_q + 2'd1);
      end else if (release_bank & ~claim_i) begin
        claimed_q <= (claimed_q - 2'd1);
      end
    end
  end

  // ---- Sequencer: for every group of neurons, every plane, every word ----------------------------
  reg busy_q;
  wire begin_frame = (~busy_q & (|filled_q) & claim_ready_i);
  assign claim_o = begin_frame;
  reg [2:0] word_q;
  reg [1:0] group_q;
  reg [4:0] address_q;
  wire last_word = (word_q == 3'd7);
  wire last_group = (group_q == 2'd3);
  wire group_done = (busy_q & last_word);
  wire frame_done = (group_done & last_group);
  assign release_bank = frame_done;

  always @(posedge clk_i) begin
    if (~rst_ni) begin
      busy_q <= 1'b0;
    end else begin
      busy_q <= (begin_frame | (busy_q & ~frame_done));
    end
    if (~busy_q) begin
      word_q <= 3'd0;
      group_q <= 2'd0;
      address_q <= 5'd0;
    end else begin
      word_q <= (last_word ? 3'd0 : (word_q + 3'd1));
      address_q <= (address_q + 5'd1);
      if (group_done) begin
        group_q <= (group_q + 2'd1);
      end
    end
  end

  // ---- Weights: one word for all lanes; the memory's own output register, then the skew of the count 
  (* ram_style = "block" *)
  reg [511:0] weights [0:31];
  initial begin
    $readmemh("digits_spindrop_layer1_weights.hex", weights);
  end

  reg [511:0] weight_fetched_q;
  reg [511:0] weight_q;

  always @(posedge clk_i) begin
    weight_fetched_q <= weights[address_q];
    weight_q <= weight_fetched_q;
  end

  wire [511:0] weight;

  genvar w;
  generate
    for (w = 0; w < 16; w = w + 1) begin : g_skew
      ns_skew_32 u_skew (
        .clk_i (clk_i),
        .word_i(weight_q[(w * 32) +: 32]),
        .word_o(weight[(w * 32) +: 32])
      );
    end
  endgenerate

  // ---- Control, delayed to the clock of the count ------------------------------------------------
  reg [1:0] group_ends_q;

  always @(posedge clk_i) begin
    if (~rst_ni) begin
      group_ends_q <= 2'd0;
    end else begin
      group_ends_q <= {group_ends_q[0], group_done};
    end
  end

  reg [1:0] last_q;

  always @(posedge clk_i) begin
    if (~rst_ni) begin
      last_q <= 2'd0;
    end else begin
      last_q <= {last_q[0], group_ends_q[1]};
    end
  end

  wire clears = (group_done | ~busy_q);
  reg [3:0] clear_q;

  always @(posedge clk_i) begin
    clear_q <= {clear_q[2:0], clears};
  end

  wire first_word = (busy_q & ~(|word_q));
  reg [1:0] first_q;

  always @(posedge clk_i) begin
    first_q <= {first_q[0], first_word};
  end

  reg [1:0] start_group_q;

  always @(posedge clk_i) begin
    if (~rst_ni) begin
      start_group_q <= 2'd0;
    end else if (group_ends_q[1]) begin
      start_group_q <= ((start_group_q == 2'd3) ? 2'd0 : (start_group_q + 2'd1));
    end
  end

  // ---- Start values: minus the threshold in the first word of a neuron, else 0 -------------------
  // Row 4 has zeros, so nothing stands between the memory and the register behind it.
  (* ram_style = "block" *)
  reg [319:0] starts [0:4];
  initial begin
    $readmemh("digits_spindrop_layer1_starts.hex", starts);
  end

  reg [319:0] start_fetched_q;
  wire [2:0] start_or_zeros = (first_q[1] ? {1'b0, start_group_q} : 3'd4);

  always @(posedge clk_i) begin
    start_fetched_q <= starts[start_or_zeros];
  end

  reg [159:0] start0_q;
  reg [159:0] start1_q;

  always @(posedge clk_i) begin
    start0_q <= start_fetched_q[159:0];
    start1_q <= start_fetched_q[319:160];
  end

  // ---- Lanes: the same weights, other passes -----------------------------------------------------
  genvar l;
  generate
    for (l = 0; l < 4; l = l + 1) begin : g_lane
      ns_lane_16_rails_8x32_by_8_apart u_lane (
        .clk_i         (clk_i),
        .write_i       (valid_i),
        .write_bank_i  (write_bank_q),
        .write_word_i  (write_word_q),
        .write_column_i(write_column_q),
        .act_i         (act_i[(l * 8) +: 8]),
        .live_i        (live_i[(l * 8) +: 8]),
        .read_bank_i   (read_bank_q),
        .read_word_i   (word_q),
        .weight_i      (weight),
        .clear_i       (clear_q[3]),
        .start0_i      (start0_q),
        .start1_i      (start1_q),
        .act_o         (act_o[(l * 16) +: 16])
      );
    end
  endgenerate

  reg [1:0] valid_q;

  always @(posedge clk_i) begin
    if (~rst_ni) begin
      valid_q <= 2'd0;
    end else begin
      valid_q <= {valid_q[0], last_q[1]};
    end
  end

  assign valid_o = valid_q[1];

endmodule

`default_nettype wire
