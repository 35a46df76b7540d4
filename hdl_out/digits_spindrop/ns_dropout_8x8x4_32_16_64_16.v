// Dropout unit of a layer (SpinDrop): the live mask of the layer's next beat, drawn ahead of it. A
// draw depends on the pass, the image and the neuron alone: every pass has a stream of its own, and
// every neuron takes one draw of it an image.
//
// Parameters:
//   neurons in a beat         = 8
//   beats in a frame          = 32
//   lanes (passes at once)    = 4
//   groups of passes, at most = 16
//
// Latency: 1 clocks from one beat to the draws of the next, 2 between frames

`default_nettype none

module ns_dropout_8x8x4_32_16_64_16 (
  // Clock and reset
  input  wire        clk_i,
  input  wire        rst_ni,

  // Streams
  input  wire        seed_valid_i,
  input  wire [3:0]  seed_lane_i,   // one-hot
  input  wire [3:0]  seed_group_i,
  input  wire [63:0] seed_state_i,
  input  wire [3:0]  last_group_i,  // groups of passes an image has, less 1
  input  wire        begin_i,       // all streams have their start states

  // Draws
  input  wire [16:0] code_i,        // probability of dropping, in units of 2^-16
  input  wire        take_i,        // the layer takes a beat
  output wire        ready_o,
  output wire [31:0] live_o         // 0 where dropped
);

  reg active_q;
  reg left_q;  // clocks of drawing left
  reg [4:0] beat_q;
  reg last_beat_q;  // beat_q stands at the frame's last one

  always @(posedge clk_i) begin
    if (begin_i) begin
      beat_q <= 5'd0;
      last_beat_q <= 1'b0;
    end else if (take_i) begin
      beat_q <= (last_beat_q ? 5'd0 : (beat_q + 5'd1));
      last_beat_q <= ((last_beat_q ? 5'd0 : (beat_q + 5'd1)) == 5'd31);
    end
  end

  wire frame_ends = (take_i & last_beat_q);
  wire drawing = (
    (|left_q) |
    (take_i & ~frame_ends)
  );  // between frames, the state is swapped first
  assign ready_o = active_q;

  always @(posedge clk_i) begin
    if (~rst_ni | seed_valid_i) begin
      active_q <= 1'b0;
    end else if (begin_i) begin
      active_q <= 1'b1;
    end
    if (~rst_ni | seed_valid_i) begin
      left_q <= 1'b0;
    end else if (begin_i | frame_ends) begin
      left_q <= 1'b1;
    end else if (take_i & ~frame_ends) begin
      left_q <= 1'b0;
    end else if (|left_q) begin
      left_q <= (left_q - 1'b1);
    end
  end

  reg [3:0] group_q;
  reg [3:0] next_group_q;
  reg several_q;  // a single group keeps its state

  always @(posedge clk_i) begin
    several_q <= (|last_group_i);
    if (begin_i) begin
      group_q <= 4'd0;
      next_group_q <= {3'd0, several_q};
    end else if (frame_ends) begin
      group_q <= next_group_q;
      next_group_q <= ((next_group_q == last_group_i) ? 4'd0 : (next_group_q + 4'd1));
    end
  end

  wire swap = (frame_ends & several_q);

  genvar l;
  generate
    for (l = 0; l < 4; l = l + 1) begin : g_lane
      ns_dropout_lane_8x8_16_64_16 u_lane (
        .clk_i       (clk_i),
        .seed_i      ((seed_valid_i & seed_lane_i[l])),
        .swap_i      (swap),
        .seed_group_i(seed_group_i),
        .group_i     (group_q),
        .next_group_i(next_group_q),
        .seed_state_i(seed_state_i),
        .draw_i      (drawing),
        .code_i      (code_i),
        .live_o      (live_o[(l * 8) +: 8])
      );
    end
  endgenerate

endmodule

`default_nettype wire
