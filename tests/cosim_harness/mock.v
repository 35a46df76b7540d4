// A design with the ports of docs/hardware.md, written for the harness's own tests: one hidden layer without dropout,
// everything computed at once when the last beat of an image is in. Faults can be switched on:
//   MOCK_HANG       the third image never gets a result
//   MOCK_WITHDRAW   a result is withdrawn when it is not taken at once
//   MOCK_CHATTER    one beat too many at the end of the first image's logits
`default_nettype none

module mock (
    input  wire        clk_i,
    input  wire        rst_ni,
    input  wire        in_valid_i,
    output wire        in_ready_o,
    input  wire [7:0]  in_data_i,
    output wire        out_valid_o,
    input  wire        out_ready_i,
    output wire        out_last_o,
    output wire [1:0]  out_class_o,
    output wire [1:0]  out_index_o,
    output wire [11:0] out_sum_o,
    output wire [40:0] out_sumsq_o,
    output wire [2:0]  out_votes_o,
    output wire        dbg_valid_o,
    output wire [2:0]  dbg_pass_o,
    output wire [1:0]  dbg_lanes_o,
    output wire [1:0]  dbg_class_o,
    output wire [15:0] dbg_logit_o,
    output wire        tap0_valid_o,
    output wire [0:0]  tap0_act_o,
    output wire [0:0]  tap0_live_o,
    input  wire [7:0]  reg_addr_i,
    input  wire        reg_write_i,
    input  wire [31:0] reg_wdata_i,
    output reg  [31:0] reg_rdata_o
);
  // 12 values of 2 bits in 3 beats; 5 neurons; 3 classes; 2 lanes; at most 7 passes.
  localparam IDLE = 0, TAP = 1, LOGITS = 2, RESULT = 3;

  reg [11:0] w1[0:4];
  reg [7:0]  t1[0:4];
  reg [4:0]  w2[0:2];
  reg [7:0]  b2[0:2];
  initial $readmemh("w1.hex", w1);
  initial $readmemh("t1.hex", t1);
  initial $readmemh("w2.hex", w2);
  initial $readmemh("b2.hex", b2);

  reg [23:0] image_q;
  reg [1:0]  beat_q, state_q, class_q;
  reg [2:0]  passes_q, running_q, pass_q, neuron_q;
  reg [31:0] images_q;
  reg        offered_q;

  // Hidden layer.
  reg [4:0] hidden;
  integer o, i;
  reg signed [7:0] sum;
  always @* begin
    hidden = 5'd0;
    for (o = 0; o < 5; o = o + 1) begin
      sum = 8'sd0;
      for (i = 0; i < 12; i = i + 1) begin
        if (w1[o][i]) sum = sum + $signed({6'd0, image_q[2*i+:2]});
        else sum = sum - $signed({6'd0, image_q[2*i+:2]});
      end
      hidden[o] = sum >= $signed(t1[o]);
    end
  end

  // Logits: z = 3 a + b.
  reg signed [7:0] logit[0:2];
  reg signed [7:0] a;
  reg [1:0] best;
  integer c, j;
  always @* begin
    for (c = 0; c < 3; c = c + 1) begin
      a = 8'sd0;
      for (j = 0; j < 5; j = j + 1) a = (w2[c][j] == hidden[j]) ? a + 8'sd1 : a - 8'sd1;
      logit[c] = (8'sd3 * a) + $signed(b2[c]);
    end
    best = 2'd0;
    for (c = 1; c < 3; c = c + 1) if (logit[c] > logit[best]) best = c[1:0];
  end

  assign in_ready_o = state_q == IDLE;
  wire signed [11:0] z = {{4{logit[class_q][7]}}, logit[class_q]};
  wire signed [11:0] t = {9'd0, running_q};
  wire signed [40:0] square = {{29{z[11]}}, z} * {{29{z[11]}}, z};
`ifdef MOCK_HANG
  assign out_valid_o = state_q == RESULT && images_q < 2;
`elsif MOCK_WITHDRAW
  assign out_valid_o = state_q == RESULT && !offered_q;
`else
  assign out_valid_o = state_q == RESULT;
`endif
  assign out_last_o = class_q == 2'd2;
  assign out_class_o = best;
  assign out_index_o = class_q;
  assign out_sum_o = z * t;
  assign out_sumsq_o = square * {38'd0, running_q};
  assign out_votes_o = (best == class_q) ? running_q : 3'd0;

  assign dbg_valid_o = state_q == LOGITS;
  assign dbg_pass_o = pass_q;
  assign dbg_lanes_o = {pass_q + 3'd1 < running_q, 1'b1};
  assign dbg_class_o = class_q;
  assign dbg_logit_o = {logit[class_q], logit[class_q]};

  assign tap0_valid_o = state_q == TAP;
  assign tap0_act_o = hidden[neuron_q];
  assign tap0_live_o = 1'b1;

`ifdef MOCK_CHATTER
  wire more = images_q == 0 && pass_q < 3'd6 && pass_q < running_q + 3'd2;
`else
  wire more = {1'b0, pass_q} + 4'd2 < {1'b0, running_q};
`endif

  always @(posedge clk_i) begin
    offered_q <= out_valid_o && !out_ready_i;
    case (state_q)
      IDLE:
      if (in_valid_i) begin
        image_q <= {in_data_i, image_q[23:8]};
        beat_q  <= beat_q + 2'd1;
        if (beat_q == 2'd2) begin
          beat_q <= 2'd0;
          neuron_q <= 3'd0;
          state_q <= TAP;
        end
      end
      TAP: begin
        neuron_q <= neuron_q + 3'd1;
        pass_q <= 3'd0;
        class_q <= 2'd0;
        if (neuron_q == 3'd4) state_q <= LOGITS;
      end
      LOGITS: begin
        class_q <= class_q + 2'd1;
        if (class_q == 2'd2) begin
          class_q <= 2'd0;
          pass_q  <= pass_q + 3'd2;
          if (!more) state_q <= RESULT;
        end
      end
      default:
      if (out_valid_o && out_ready_i) begin
        class_q <= class_q + 2'd1;
        if (out_last_o) begin
          class_q <= 2'd0;
          images_q <= images_q + 32'd1;
          state_q <= IDLE;
        end
      end
    endcase

    case (reg_addr_i)
      8'h00: reg_rdata_o <= 32'h4E53504E;
      8'h03: reg_rdata_o <= {29'd0, passes_q};
      8'h04: reg_rdata_o <= 32'd7;
      8'h05: reg_rdata_o <= 32'd2;
      8'h0A: reg_rdata_o <= images_q;
      default: reg_rdata_o <= 32'd0;
    endcase
    if (reg_write_i) begin
      if (reg_addr_i == 8'h03) passes_q <= reg_wdata_i[2:0];
      if (reg_addr_i == 8'h01) begin
        running_q <= passes_q;
        images_q  <= 32'd0;
      end
    end

    if (!rst_ni) begin
      state_q <= IDLE;
      beat_q <= 2'd0;
      class_q <= 2'd0;
      passes_q <= 3'd4;
      running_q <= 3'd4;
      images_q <= 32'd0;
      offered_q <= 1'b0;
    end
  end
endmodule

`default_nettype wire
