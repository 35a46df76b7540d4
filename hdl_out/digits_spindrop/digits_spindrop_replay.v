// Holds the activations that an image has before its passes part, and sends them once for every
// group of passes, the same in every lane. What comes before is computed once an image.
//
// Every beat goes out with the live masks that the dropout unit has drawn for it.
//
// Parameters:
//   neurons in a beat      = 8
//   beats in a frame       = 32
//   lanes (passes at once) = 4
//   clocks a frame         = 32 and 1 between frames
//
// Latency: 1 clock from a mask taken to its beat

`default_nettype none

module digits_spindrop_replay (
  // Clock and reset
  input  wire        clk_i,
  input  wire        rst_ni,

  // Images in: a bank is claimed, then its beats come
  input  wire        claim_i,
  output wire        claim_ready_o,
  input  wire        valid_i,
  input  wire [7:0]  act_i,

  // Passes
  input  wire [3:0]  last_group_i,   // groups of passes an image has, less 1

  // Dropout unit
  input  wire        mask_ready_i,
  input  wire [31:0] mask_i,
  output wire        mask_take_o,

  // Frames out
  input  wire        claim_ready_i,
  output wire        claim_o,
  output reg         valid_o,
  output wire [31:0] act_o,
  output reg  [31:0] live_o
);

  // ---- Banks: one image comes in while another is sent -------------------------------------------
  reg [1:0] claimed_q;
  reg [1:0] filled_q;
  reg write_bank_q;
  reg read_bank_q;
  reg [4:0] write_beat_q;
  wire last_beat_in = (write_beat_q == 5'd31);
  wire fill = (valid_i & last_beat_in);
  wire release_bank;
  assign claim_ready_o = (claimed_q != 2'd2);

  always @(posedge clk_i) begin
    if (~rst_ni) begin
      claimed_q <= 2'd0;
      filled_q <= 2'd0;
      write_bank_q <= 1'b0;
      read_bank_q <= 1'b0;
      write_beat_q <= 5'd0;
    end else begin
      if (valid_i) begin
        write_beat_q <= (last_beat_in ? 5'd0 : (write_beat_q + 5'd1));
      end
      if (fill) begin
        write_bank_q <= ~write_bank_q;
      end
      if (release_bank) begin
        read_bank_q <= ~read_bank_q;
      end
      if (claim_i & ~release_bank) begin
        claimed_q <= (claimed_q + 2'd1);
      end else if (release_bank & ~claim_i) begin
        claimed_q <= (claimed_q - 2'd1);
      end
      if (fill & ~release_bank) begin
        filled_q <= (filled_q + 2'd1);
      end else if (release_bank & ~fill) begin
        filled_q <= (filled_q - 2'd1);
      end
    end
  end

  reg [7:0] beats [0:63];

  // ---- Sequencer: for every group of passes, every beat ------------------------------------------
  reg busy_q;
  wire begin_frame = (~busy_q & (|filled_q) & claim_ready_i & mask_ready_i);
  assign claim_o = begin_frame;
  reg [4:0] beat_q;
  reg [3:0] group_q;
  wire last_beat = (beat_q == 5'd31);
  wire take = busy_q;
  wire frame_done = (busy_q & last_beat);
  wire image_done = (frame_done & (group_q == last_group_i));
  assign release_bank = image_done;

  always @(posedge clk_i) begin
    if (~rst_ni) begin
      busy_q <= 1'b0;
      group_q <= 4'd0;
      valid_o <= 1'b0;
    end else begin
      busy_q <= (begin_frame | (busy_q & ~frame_done));
      if (frame_done) begin
        group_q <= (image_done ? 4'd0 : (group_q + 4'd1));
      end
      valid_o <= take;
    end
    if (~busy_q) begin
      beat_q <= 5'd0;
    end else if (busy_q) begin
      beat_q <= (beat_q + 5'd1);
    end
  end

  // ---- Beats -------------------------------------------------------------------------------------
  reg [7:0] act_q;
  wire [5:0] read_at = {read_bank_q, beat_q};
  wire [5:0] write_at = {write_bank_q, write_beat_q};

  always @(posedge clk_i) begin
    if (valid_i) begin
      beats[write_at] <= act_i;
    end
    act_q <= beats[read_at];
  end

  assign act_o = {4{act_q}};
  assign mask_take_o = take;

  always @(posedge clk_i) begin
    live_o <= mask_i;
  end

endmodule

`default_nettype wire
