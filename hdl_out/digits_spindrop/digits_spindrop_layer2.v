// Layer 2 of the network, the output layer: 64 inputs, 10 neurons. 2 neurons at a time read 16
// inputs a clock, for 4 passes at once that share every weight word.
//
// Frames are claimed: claim_o takes a bank of the next layer when this layer begins a frame, so its
// results never wait; claim_ready_o says that this layer has a bank to give.
//
// Parameters:
//   pe (neurons at once)   = 2
//   simd (inputs at once)  = 16
//   lanes (passes at once) = 4
//   words a neuron         = 4
//   bit planes             = 1
//   clocks a frame         = 20 and 1 between frames
//
// Latency: 6 clocks from a neuron's last word to its beat

`default_nettype none

module digits_spindrop_layer2 (
  // Clock and reset
  input  wire        clk_i,
  input  wire        rst_ni,

  // Frames in: a bank is claimed, then its beats come
  input  wire        claim_i,
  output wire        claim_ready_o,
  input  wire        valid_i,
  input  wire [63:0] act_i,
  input  wire [63:0] live_i,

  // Frames out
  input  wire        claim_ready_i,
  output wire        claim_o,
  output wire        valid_o,
  output wire [55:0] sum_o,
  output wire [3:0]  odd_o
);

  // ---- Banks: one frame comes in while another is read -------------------------------------------
  reg [1:0] filled_q;  // frames complete
  reg write_bank_q;
  reg read_bank_q;
  reg [1:0] write_word_q;
  wire last_word_in = (write_word_q == 2'd3);
  wire fill = (valid_i & last_word_in);
  wire release_bank;
  wire promise_bank;  // 5 clocks before release_bank: the beats of a claimed frame take longer to come
  reg [1:0] claimed_q;  // frames claimed whose banks were not promised again
  assign claim_ready_o = (claimed_q != 2'd2);

  always @(posedge clk_i) begin
    if (~rst_ni) begin
      filled_q <= 2'd0;
      write_bank_q <= 1'b0;
      read_bank_q <= 1'b0;
      write_word_q <= 2'd0;
      claimed_q <= 2'd0;
    end else begin
      if (valid_i) begin
        write_word_q <= (last_word_in ? 2'd0 : (write_word_q + 2'd1));
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
      if (claim_i & ~promise_bank) begin
        claimed_q <= (claimed_q + 2'd1);
      end else if (promise_bank & ~claim_i) begin
        claimed_q <= (claimed_q - 2'd1);
      end
    end
  end

  // ---- Sequencer: for every group of neurons, every plane, every word ----------------------------
  reg busy_q;
  wire begin_frame = (~busy_q & (|filled_q) & claim_ready_i);
  assign claim_o = begin_frame;
  reg [1:0] word_q;
  reg [2:0] group_q;
  reg [4:0] address_q;
  wire last_word = (word_q == 2'd3);
  wire last_group = (group_q == 3'd4);
  wire group_done = (busy_q & last_word);
  wire frame_done = (group_done & last_group);
  assign release_bank = frame_done;
  assign promise_bank = (busy_q & (address_q == 5'd14));

  always @(posedge clk_i) begin
    if (~rst_ni) begin
      busy_q <= 1'b0;
    end else begin
      busy_q <= (begin_frame | (busy_q & ~frame_done));
    end
    if (~busy_q) begin
      word_q <= 2'd0;
      group_q <= 3'd0;
      address_q <= 5'd0;
    end else begin
      word_q <= (last_word ? 2'd0 : (word_q + 2'd1));
      address_q <= (address_q + 5'd1);
      if (group_done) begin
        group_q <= (group_q + 3'd1);
      end
    end
  end

  // ---- Weights: one word for all lanes; the memory's own output register, then the skew of the count 
  (* ram_style = "block" *)
  reg [31:0] weights [0:19];
  initial begin
    $readmemh("digits_spindrop_layer2_weights.hex", weights);
  end

  reg [31:0] weight_fetched_q;
  reg [31:0] weight_q;

  always @(posedge clk_i) begin
    weight_fetched_q <= weights[address_q];
    weight_q <= weight_fetched_q;
  end

  wire [31:0] weight;

  genvar w;
  generate
    for (w = 0; w < 2; w = w + 1) begin : g_skew
      ns_skew_16 u_skew (
        .clk_i (clk_i),
        .word_i(weight_q[(w * 16) +: 16]),
        .word_o(weight[(w * 16) +: 16])
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

  // ---- Lanes: the same weights, other passes -----------------------------------------------------
  genvar l;
  generate
    for (l = 0; l < 4; l = l + 1) begin : g_lane
      ns_lane_sum_2_rails_4x16_by_16_apart u_lane (
        .clk_i       (clk_i),
        .write_i     (valid_i),
        .write_bank_i(write_bank_q),
        .write_word_i(write_word_q),
        .act_i       (act_i[(l * 16) +: 16]),
        .live_i      (live_i[(l * 16) +: 16]),
        .read_bank_i (read_bank_q),
        .read_word_i (word_q),
        .weight_i    (weight),
        .clear_i     (clear_q[3]),
        .sum_o       (sum_o[(l * 14) +: 14]),
        .odd_o       (odd_o[l])
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
