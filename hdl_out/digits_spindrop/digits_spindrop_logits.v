// Turns the sums of the output layer into logits, class by class and for all lanes at once: logit =
// (scale * a + offset) >> shift. Accumulates logits, their squares and the votes of all passes, and
// sends one beat a class when the image is done. The largest of equal values is the one of the
// lowest class.
//
// Parameters:
//   classes                = 10
//   lanes (passes at once) = 4
//   logit                  = 18 bits, 13 of them fraction
//
// Latency: 18 clocks from the last sum of an image to its first result beat, 27 to its last

`default_nettype none

module digits_spindrop_logits (
  // Clock and reset
  input  wire        clk_i,
  input  wire        rst_ni,

  // Passes
  input  wire [3:0]  last_group_i,   // groups of passes an image has, less 1
  input  wire [3:0]  last_lanes_i,   // lanes that carry a pass in the last group

  // Sums in: a frame is claimed, then its beats come
  input  wire        claim_i,
  output wire        claim_ready_o,
  input  wire        valid_i,
  input  wire [55:0] sum_i,
  input  wire [3:0]  odd_i,

  // Results out: one beat a class
  output wire        out_valid_o,
  input  wire        out_ready_i,
  output wire        out_last_o,
  output wire [3:0]  out_class_o,    // the decision
  output wire [3:0]  out_index_o,    // the class that this beat is about
  output wire [23:0] out_sum_o,      // sum of its logits over the passes, signed
  output wire [40:0] out_sumsq_o,    // sum of their squares
  output wire [6:0]  out_votes_o,    // passes that it won
  output wire        image_done_o,

  // Every pass's logits, for debugging
  output wire        dbg_valid_o,
  output wire [5:0]  dbg_pass_o,     // pass of lane 0
  output wire [3:0]  dbg_lanes_o,
  output wire [3:0]  dbg_class_o,
  output wire [71:0] dbg_logit_o
);

  // ---- Images in progress: one accumulates while another is sent ---------------------------------
  reg [1:0] images_q;
  reg [3:0] claim_group_q;
  wire claim_first = ~(|claim_group_q);
  assign claim_ready_o = (~claim_first | (images_q != 2'd2));
  wire image_sent;
  assign image_done_o = image_sent;
  wire claims_image = (claim_i & claim_first);

  always @(posedge clk_i) begin
    if (~rst_ni) begin
      images_q <= 2'd0;
      claim_group_q <= 4'd0;
    end else begin
      if (claim_i) begin
        claim_group_q <= ((claim_group_q == last_group_i) ? 4'd0 : (claim_group_q + 4'd1));
      end
      if (claims_image & ~image_sent) begin
        images_q <= (images_q + 2'd1);
      end else if (image_sent & ~claims_image) begin
        images_q <= (images_q - 2'd1);
      end
    end
  end

  // ---- One class a clock -------------------------------------------------------------------------
  reg [55:0] held_q;  // classes of a beat, next one lowest
  reg [1:0] left_q;

  always @(posedge clk_i) begin
    if (~rst_ni) begin
      left_q <= 2'd0;
    end else if (valid_i) begin
      left_q <= 2'd2;
    end else if (|left_q) begin
      left_q <= (left_q - 2'd1);
    end
  end

  genvar l;
  generate
    for (l = 0; l < 4; l = l + 1) begin : g_held
      wire [13:0] now = held_q[(l * 14) +: 14];

      always @(posedge clk_i) begin
        held_q[(l * 14) +: 14] <= (valid_i ? sum_i[(l * 14) +: 14] : (now >> 7));
      end
    end
  endgenerate

  wire step = (|left_q);
  reg [3:0] odd_q;

  always @(posedge clk_i) begin
    if (valid_i) begin
      odd_q <= odd_i;
    end
  end

  reg [3:0] class_q;

  always @(posedge clk_i) begin
    if (~rst_ni) begin
      class_q <= 4'd0;
    end else if (step) begin
      class_q <= ((class_q == 4'd9) ? 4'd0 : (class_q + 4'd1));
    end
  end

  // ---- Constants of the class --------------------------------------------------------------------
  reg [41:0] constants [0:9];
  initial begin
    $readmemh("digits_spindrop_logits_classes.hex", constants);
  end

  reg [41:0] constant_q;
  wire [17:0] scale = constant_q[41:24];
  reg [23:0] offset_q;
  reg [31:0] value_q;  // 2 * matches + odd, which is a plus the most that it can be

  always @(posedge clk_i) begin
    constant_q <= constants[class_q];
    offset_q <= constant_q[23:0];
  end

  reg fetched_q;

  always @(posedge clk_i) begin
    fetched_q <= (rst_ni & step);
  end

  reg multiplied_q;

  always @(posedge clk_i) begin
    multiplied_q <= (rst_ni & fetched_q);
  end

  reg ready_q;

  always @(posedge clk_i) begin
    ready_q <= (rst_ni & multiplied_q);
  end

  // ---- Logits of all lanes -----------------------------------------------------------------------
  reg [71:0] logit_q;

  genvar k;
  generate
    for (k = 0; k < 4; k = k + 1) begin : g_logit
      wire [13:0] waiting = held_q[(k * 14) +: 14];
      wire unused_waiting = &{1'b0, waiting[13:7]};
      wire [8:0] value = {1'b0, value_q[(k * 8) +: 8]};  // not negative
      wire [26:0] product = ($signed({{9{scale[17]}}, scale}) * $signed({{18{value[8]}}, value}));
      reg [26:0] product_q;
      wire [27:0] total = ({product_q[26], product_q} + {{4{offset_q[23]}}, offset_q});

      always @(posedge clk_i) begin
        value_q[(k * 8) +: 8] <= {waiting[6:0], odd_q[k]};
        product_q <= product;
        logit_q[(k * 18) +: 18] <= total[23:6];
      end

      wire unused_high = &{1'b0, total[27:24]};
      wire unused_low = &{1'b0, total[5:0]};
    end
  endgenerate

  reg [3:0] logit_class_q;
  reg [3:0] logit_group_q;
  reg [5:0] logit_pass_q;  // pass of lane 0
  wire frame_ends = (ready_q & (logit_class_q == 4'd9));
  wire is_last_group = (logit_group_q == last_group_i);

  always @(posedge clk_i) begin
    if (~rst_ni) begin
      logit_class_q <= 4'd0;
      logit_group_q <= 4'd0;
      logit_pass_q <= 6'd0;
    end else begin
      if (ready_q) begin
        logit_class_q <= ((logit_class_q == 4'd9) ? 4'd0 : (logit_class_q + 4'd1));
      end
      if (frame_ends) begin
        logit_group_q <= ((logit_group_q == last_group_i) ? 4'd0 : (logit_group_q + 4'd1));
        logit_pass_q <= (is_last_group ? 6'd0 : (logit_pass_q + 6'd4));
      end
    end
  end

  wire [3:0] lane_on = (last_lanes_i | {4{~is_last_group}});
  assign dbg_valid_o = ready_q;
  assign dbg_pass_o = logit_pass_q;
  assign dbg_lanes_o = lane_on;
  assign dbg_class_o = logit_class_q;
  assign dbg_logit_o = logit_q;

  // ---- Squares, and the best class of every pass -------------------------------------------------
  reg [71:0] masked_q;
  reg [139:0] square_q;
  reg [15:0] winner_q;
  reg [3:0] voter_q;
  wire [15:0] next_winner;
  wire first_class = ~(|logit_class_q);
  reg frame_ended_q;

  always @(posedge clk_i) begin
    frame_ended_q <= (rst_ni & frame_ends);
  end

  reg [3:0] lane_on_q;
  wire [3:0] next_voter = (frame_ended_q ? lane_on_q : voter_q);

  always @(posedge clk_i) begin
    lane_on_q <= lane_on;
    voter_q <= next_voter;
    winner_q <= next_winner;
  end

  genvar b;
  generate
    for (b = 0; b < 4; b = b + 1) begin : g_best
      wire [17:0] z = logit_q[(b * 18) +: 18];
      wire [34:0] squared = ($signed({{17{z[17]}}, z}) * $signed({{17{z[17]}}, z}));
      reg [17:0] best_q;
      reg [3:0] best_class_q;
      wire better = (
        ready_q &
        (first_class | (|(({best_q[17], best_q} - {z[17], z}) >> 18)))
      );  // the first class, or a larger logit: the sign of a difference

      always @(posedge clk_i) begin
        if (lane_on[b]) begin
          masked_q[(b * 18) +: 18] <= z;
          square_q[(b * 35) +: 35] <= squared;
        end else begin
          masked_q[(b * 18) +: 18] <= 18'd0;
          square_q[(b * 35) +: 35] <= 35'd0;
        end
        if (better) begin
          best_q <= z;
          best_class_q <= logit_class_q;
        end
      end

      assign next_winner[(b * 4) +: 4] = (frame_ended_q ? best_class_q : winner_q[(b * 4) +: 4]);
    end
  endgenerate

  reg squared_q;

  always @(posedge clk_i) begin
    squared_q <= (rst_ni & ready_q);
  end

  // ---- Add up the lanes --------------------------------------------------------------------------
  reg [19:0] lane_sum_q;
  reg [36:0] lane_sumsq_q;

  always @(posedge clk_i) begin
    lane_sum_q <= (
      {{2{masked_q[17]}}, masked_q[17:0]} +
      {{2{masked_q[35]}}, masked_q[35:18]} +
      ({{2{masked_q[53]}}, masked_q[53:36]} + {{2{masked_q[71]}}, masked_q[71:54]})
    );
    lane_sumsq_q <= (
      {2'd0, square_q[34:0]} +
      {2'd0, square_q[69:35]} +
      ({2'd0, square_q[104:70]} + {2'd0, square_q[139:105]})
    );
  end

  reg added_q;

  always @(posedge clk_i) begin
    added_q <= (rst_ni & squared_q);
  end

  // ---- Accumulate over groups of passes, class by class ------------------------------------------
  reg bank_q;
  reg [3:0] add_class_q;
  reg [3:0] add_group_q;
  reg out_bank_q;
  reg [64:0] totals [0:31];  // sums of squares above sums
  reg [6:0] votes [0:31];
  wire [4:0] add_at = {bank_q, add_class_q};
  reg first_group_q;  // add_group_q is 0
  reg add_last_q;
  reg add_ends_q;  // add_group_q is last_group_i
  wire adds_last = (added_q & add_last_q);
  wire image_added = (adds_last & add_ends_q);
  wire [3:0] next_add_group = (
    adds_last ?
    (add_ends_q ? 4'd0 : (add_group_q + 4'd1)) :
    add_group_q
  );
  reg [3:0] next_add_class_q;
  wire [4:0] next_add_at = {bank_q, next_add_class_q};
  reg [64:0] old_total_q;

  always @(posedge clk_i) begin
    if (added_q) begin
      old_total_q <= totals[next_add_at];
    end
  end

  wire [64:0] old_total = (old_total_q & {65{~first_group_q}});
  wire [23:0] new_total = (old_total[23:0] + {{4{lane_sum_q[19]}}, lane_sum_q});
  wire [40:0] new_squares = (old_total[64:24] + {4'd0, lane_sumsq_q});
  reg [23:0] top_q;
  reg [3:0] top_class_q;
  reg [23:0] summed_q;
  reg [3:0] summed_class_q;  // the total that is compared, and its class
  reg compares_q;

  always @(posedge clk_i) begin
    compares_q <= (rst_ni & added_q);
  end

  wire leads = (
    ~(|summed_class_q) |
    (|(({top_q[23], top_q} - {summed_q[23], summed_q}) >> 24))
  );  // the first class, or a larger total: the sign of a difference
  reg image_added_q;

  always @(posedge clk_i) begin
    image_added_q <= (rst_ni & image_added);
  end

  reg image_compared_q;

  always @(posedge clk_i) begin
    image_compared_q <= (rst_ni & image_added_q);
  end

  reg [7:0] decision_q;  // by bank

  always @(posedge clk_i) begin
    if (added_q) begin
      totals[add_at] <= {new_squares, new_total};
    end
    summed_q <= new_total;
    summed_class_q <= add_class_q;
    if (compares_q & leads) begin
      top_q <= summed_q;
      top_class_q <= summed_class_q;
    end
    if (image_compared_q) begin
      if (~bank_q) begin
        decision_q[7:4] <= top_class_q;
      end else begin
        decision_q[3:0] <= top_class_q;
      end
    end
    if (~rst_ni) begin
      bank_q <= 1'b0;
      add_class_q <= 4'd0;
      next_add_class_q <= 4'd1;
      add_last_q <= 1'b0;
      add_group_q <= 4'd0;
      first_group_q <= 1'b1;
    end else begin
      if (added_q) begin
        add_class_q <= next_add_class_q;
        next_add_class_q <= ((next_add_class_q == 4'd9) ? 4'd0 : (next_add_class_q + 4'd1));
        add_last_q <= (next_add_class_q == 4'd9);
      end
      add_group_q <= next_add_group;
      if (adds_last) begin
        first_group_q <= add_ends_q;
      end
      if (image_added) begin
        bank_q <= ~bank_q;
      end
    end
    add_ends_q <= (next_add_group == last_group_i);
  end

  // ---- Votes: after a frame, one class a clock ---------------------------------------------------
  reg counting_q;
  reg [3:0] vote_class_q;
  reg [3:0] vote_group_q;
  reg vote_bank_q;
  reg [3:0] next_vote_class_q;
  wire [3:0] next_vote = (counting_q ? next_vote_class_q : vote_class_q);
  reg [3:0] votes_for_q;

  genvar v;
  generate
    for (v = 0; v < 4; v = v + 1) begin : g_vote
      always @(posedge clk_i) begin
        votes_for_q[v] <= (next_voter[v] & (next_winner[(v * 4) +: 4] == next_vote));
      end
    end
  endgenerate

  wire [4:0] vote_at = {vote_bank_q, vote_class_q};
  wire first_vote = ~(|vote_group_q);
  reg vote_last_q;
  wire vote_ends = (counting_q & vote_last_q);
  wire image_counted = (vote_ends & (vote_group_q == last_group_i));
  wire [4:0] next_vote_at = {vote_bank_q, next_vote_class_q};
  reg [6:0] old_votes_q;

  always @(posedge clk_i) begin
    if (counting_q) begin
      old_votes_q <= votes[next_vote_at];
    end
  end

  always @(posedge clk_i) begin
    if (counting_q) begin
      votes[vote_at] <= (
        (old_votes_q & {7{~first_vote}}) +
        (
          {6'd0, votes_for_q[0]} +
          {6'd0, votes_for_q[1]} +
          ({6'd0, votes_for_q[2]} + {6'd0, votes_for_q[3]})
        )
      );
    end
    if (~rst_ni) begin
      counting_q <= 1'b0;
      vote_class_q <= 4'd0;
      next_vote_class_q <= 4'd1;
      vote_last_q <= 1'b0;
      vote_group_q <= 4'd0;
      vote_bank_q <= 1'b0;
    end else begin
      if (frame_ended_q) begin
        counting_q <= 1'b1;
      end else if (vote_ends) begin
        counting_q <= 1'b0;
      end
      if (counting_q) begin
        vote_class_q <= next_vote_class_q;
        next_vote_class_q <= ((next_vote_class_q == 4'd9) ? 4'd0 : (next_vote_class_q + 4'd1));
        vote_last_q <= (next_vote_class_q == 4'd9);
      end
      if (vote_ends) begin
        vote_group_q <= ((vote_group_q == last_group_i) ? 4'd0 : (vote_group_q + 4'd1));
      end
      if (image_counted) begin
        vote_bank_q <= ~vote_bank_q;
      end
    end
  end

  // ---- Send the result: read ahead into the registers that are sent ------------------------------
  reg [1:0] results_q;  // images to read
  reg read_bank_q;
  reg [3:0] read_index_q;
  reg read_last_q;
  reg out_valid_q;
  reg [3:0] out_index_q;
  reg out_last_q;
  wire reads = ((|results_q) & (~out_valid_q | out_ready_i));
  wire image_read = (reads & read_last_q);
  assign image_sent = (out_valid_q & out_ready_i & out_last_q);
  wire [3:0] next_read_index = ((read_index_q == 4'd9) ? 4'd0 : (read_index_q + 4'd1));

  always @(posedge clk_i) begin
    if (~rst_ni) begin
      results_q <= 2'd0;
      read_bank_q <= 1'b0;
      read_index_q <= 4'd0;
      read_last_q <= 1'b0;
      out_valid_q <= 1'b0;
      out_bank_q <= 1'b0;
    end else begin
      if (image_counted & ~image_read) begin
        results_q <= (results_q + 2'd1);
      end else if (image_read & ~image_counted) begin
        results_q <= (results_q - 2'd1);
      end
      if (reads) begin
        read_index_q <= next_read_index;
        read_last_q <= (next_read_index == 4'd9);
      end
      if (image_read) begin
        read_bank_q <= ~read_bank_q;
      end
      if (reads) begin
        out_valid_q <= 1'b1;
      end else if (out_ready_i) begin
        out_valid_q <= 1'b0;
      end
      if (image_sent) begin
        out_bank_q <= ~out_bank_q;
      end
    end
  end

  wire [4:0] read_at = {read_bank_q, read_index_q};
  reg [64:0] out_total_q;
  reg [6:0] out_votes_q;

  always @(posedge clk_i) begin
    if (reads) begin
      out_index_q <= read_index_q;
      out_last_q <= read_last_q;
      out_total_q <= totals[read_at];
      out_votes_q <= votes[read_at];
    end
  end

  assign out_valid_o = out_valid_q;
  assign out_last_o = out_last_q;
  assign out_class_o = decision_q[{out_bank_q, 2'd0} +: 4];
  assign out_index_o = out_index_q;
  assign out_sum_o = out_total_q[23:0];
  assign out_sumsq_o = out_total_q[64:24];
  assign out_votes_o = out_votes_q;

endmodule

`default_nettype wire
