// Layer 0 of the network, a hidden layer: 64 inputs, 256 neurons. 8 neurons at a time read 64
// inputs a clock.
//
// Frames are claimed: claim_o takes a bank of the next layer when this layer begins a frame, so its
// results never wait; claim_ready_o says that this layer has a bank to give.
//
// Parameters:
//   pe (neurons at once)   = 8
//   simd (inputs at once)  = 64
//   lanes (passes at once) = 1
//   words a neuron         = 1
//   bit planes             = 4
//   clocks a frame         = 128 and 1 between frames
//
// Latency: 6 clocks from a neuron's last word to its beat

`default_nettype none

module digits_spindrop_layer0 (
  // Clock and reset
  input  wire         clk_i,
  input  wire         rst_ni,

  // Images in
  input  wire         accept_i,        // a new image may begin
  input  wire         in_valid_i,
  output wire         in_ready_o,
  input  wire [255:0] in_data_i,
  output wire         image_begins_o,

  // Frames out
  input  wire         claim_ready_i,
  output wire         claim_o,
  output wire         valid_o,
  output wire [7:0]   act_o
);

  wire write;

  // ---- Banks: one frame comes in while another is read -------------------------------------------
  reg [1:0] filled_q;  // frames complete
  reg write_bank_q;
  reg read_bank_q;
  reg write_word_q;
  wire last_word_in = (write_word_q == 1'b0);
  wire fill = (write & last_word_in);
  wire release_bank;
  wire first_word_in = ~(|write_word_q);
  assign in_ready_o = ((filled_q != 2'd2) & (accept_i | ~first_word_in));
  assign write = (in_valid_i & in_ready_o);
  assign image_begins_o = (write & first_word_in);

  always @(posedge clk_i) begin
    if (~rst_ni) begin
      filled_q <= 2'd0;
      write_bank_q <= 1'b0;
      read_bank_q <= 1'b0;
      write_word_q <= 1'b0;
    end else begin
      if (write) begin
        write_word_q <= (last_word_in ? 1'b0 : (write_word_q + 1'b1));
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
    end
  end

  // ---- Sequencer: for every group of neurons, every plane, every word ----------------------------
  reg busy_q;
  wire begin_frame = (~busy_q & (|filled_q) & claim_ready_i);
  assign claim_o = begin_frame;
  reg word_q;
  reg [4:0] group_q;
  reg [4:0] address_q;
  wire last_word = (word_q == 1'b0);
  wire last_group = (group_q == 5'd31);
  reg [1:0] plane_q;
  wire last_plane = ~(|plane_q);
  reg [4:0] base_q;
  wire group_done = (busy_q & (last_word & last_plane));
  wire frame_done = (group_done & last_group);
  assign release_bank = frame_done;

  always @(posedge clk_i) begin
    if (~rst_ni) begin
      busy_q <= 1'b0;
    end else begin
      busy_q <= (begin_frame | (busy_q & ~frame_done));
    end
    if (~busy_q) begin
      word_q <= 1'b0;
      group_q <= 5'd0;
      address_q <= 5'd0;
      plane_q <= 2'd3;
      base_q <= 5'd0;
    end else begin
      word_q <= (last_word ? 1'b0 : (word_q + 1'b1));
      if (last_word & ~last_plane) begin
        address_q <= base_q;
        plane_q <= (plane_q - 2'd1);
      end else begin
        address_q <= (address_q + 5'd1);
      end
      if (group_done) begin
        base_q <= (address_q + 5'd1);
        plane_q <= 2'd3;
      end
      if (group_done) begin
        group_q <= (group_q + 5'd1);
      end
    end
  end

  // ---- Weights: one word for all lanes; the memory's own output register, then the skew of the count 
  (* ram_style = "block" *)
  reg [511:0] weights [0:31];
  initial begin
    $readmemh("digits_spindrop_layer0_weights.hex", weights);
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
    for (w = 0; w < 8; w = w + 1) begin : g_skew
      ns_skew_64 u_skew (
        .clk_i (clk_i),
        .word_i(weight_q[(w * 64) +: 64]),
        .word_o(weight[(w * 64) +: 64])
      );
    end
  endgenerate

  // ---- Control, delayed to the clock of the count ------------------------------------------------
  reg [2:0] group_ends_q;

  always @(posedge clk_i) begin
    if (~rst_ni) begin
      group_ends_q <= 3'd0;
    end else begin
      group_ends_q <= {group_ends_q[1:0], group_done};
    end
  end

  reg [1:0] last_q;

  always @(posedge clk_i) begin
    if (~rst_ni) begin
      last_q <= 2'd0;
    end else begin
      last_q <= {last_q[0], group_ends_q[2]};
    end
  end

  wire clears = (group_done | ~busy_q);
  reg [4:0] clear_q;

  always @(posedge clk_i) begin
    clear_q <= {clear_q[3:0], clears};
  end

  wire first_word = (busy_q & ~(|word_q));
  wire plane_begins = (first_word & (plane_q != 2'd3));
  reg [3:0] plane_begins_q;

  always @(posedge clk_i) begin
    plane_begins_q <= {plane_begins_q[2:0], plane_begins};
  end

  reg shift_q;

  always @(posedge clk_i) begin
    shift_q <= plane_begins_q[3];
  end

  wire group_begins = (first_word & (plane_q == 2'd3));
  reg [2:0] first_q;

  always @(posedge clk_i) begin
    first_q <= {first_q[1:0], group_begins};
  end

  reg [4:0] start_group_q;

  always @(posedge clk_i) begin
    if (~rst_ni) begin
      start_group_q <= 5'd0;
    end else if (group_ends_q[2]) begin
      start_group_q <= ((start_group_q == 5'd31) ? 5'd0 : (start_group_q + 5'd1));
    end
  end

  // ---- Start values: minus the threshold in the first word of a neuron, else 0 -------------------
  (* ram_style = "block" *)
  reg [87:0] starts [0:31];
  initial begin
    $readmemh("digits_spindrop_layer0_starts.hex", starts);
  end

  reg [87:0] start_fetched_q;

  always @(posedge clk_i) begin
    start_fetched_q <= starts[start_group_q];
  end

  reg first_fetched_q;

  always @(posedge clk_i) begin
    first_fetched_q <= first_q[2];
  end

  reg [1:0] start_bit_q;  // bit of the start value that the next plane brings

  always @(posedge clk_i) begin
    if (first_fetched_q) begin
      start_bit_q <= 2'd2;
    end else if (plane_begins_q[3]) begin
      start_bit_q <= (start_bit_q - 2'd1);
    end
  end

  reg [87:0] start_q;

  genvar n;
  generate
    for (n = 0; n < 8; n = n + 1) begin : g_start
      wire [10:0] whole = start_fetched_q[(n * 11) +: 11];

      always @(posedge clk_i) begin
        start_q[(n * 11) +: 11] <= (
          first_fetched_q ?
          {{3{whole[10]}}, whole[10:3]} :
          (
            plane_begins_q[3] ?
            {
              10'd0,
              ((start_bit_q == 2'd2) ? whole[2] : ((start_bit_q == 2'd1) ? whole[1] : whole[0]))
            } :
            11'd0
          )
        );
      end
    end
  endgenerate

  // ---- The neurons -------------------------------------------------------------------------------
  genvar l;
  generate
    for (l = 0; l < 1; l = l + 1) begin : g_lane
      ns_lane_8_image_1x64_u4 u_lane (
        .clk_i       (clk_i),
        .write_i     (write),
        .write_bank_i(write_bank_q),
        .write_word_i(write_word_q),
        .data_i      (in_data_i),
        .read_bank_i (read_bank_q),
        .read_word_i (word_q),
        .read_plane_i(plane_q),
        .weight_i    (weight),
        .clear_i     (clear_q[4]),
        .shift_i     (shift_q),
        .start_i     (start_q),
        .act_o       (act_o)
      );
    end
  endgenerate

  reg valid_q;

  always @(posedge clk_i) begin
    if (~rst_ni) begin
      valid_q <= 1'b0;
    end else begin
      valid_q <= last_q[1];
    end
  end

  assign valid_o = valid_q;

endmodule

`default_nettype wire
