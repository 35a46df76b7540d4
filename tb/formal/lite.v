  // Put before the last line of the AXI4-Lite front end.
  `include "clock.v"
  `STREAM(ch_aw, assume, awvalid_i, awready_o, awaddr_i)
  `STREAM(ch_w, assume, wvalid_i, wready_o, {wdata_i, wstrb_i})
  `STREAM(ch_ar, assume, arvalid_i, arready_o, araddr_i)
  `STREAM(ch_b, assert, bvalid_o, bready_i, bresp_o)
  `STREAM(ch_r, assert, rvalid_o, rready_i, {rdata_o, rresp_o})
  always @* if (known && past_reset) assert (!(awready_o | wready_o | arready_o | bvalid_o | rvalid_o | reg_write_o));

  // What was taken and not yet answered, and what was done about it.
  reg aw = 0, w = 0, ar = 0, asked_w = 0, asked_r = 0;
  reg [$bits(awaddr_i)-3:0] aw_at, ar_at;
  reg [31:0] w_word;
  reg [3:0] w_lanes;
  wire b_done = bvalid_o & bready_i;
  wire r_done = rvalid_o & rready_i;
  always @(posedge clk_i) begin
    if (!rst_ni) begin
      {aw, w, ar, asked_w, asked_r} <= 0;
    end else begin
      if (awvalid_i & awready_o) aw <= 1; else if (b_done) aw <= 0;
      if (wvalid_i & wready_o) w <= 1; else if (b_done) w <= 0;
      if (arvalid_i & arready_o) ar <= 1; else if (r_done) ar <= 0;
      if (go_write) asked_w <= 1; else if (b_done) asked_w <= 0;
      if (go_read) asked_r <= 1; else if (r_done) asked_r <= 0;
    end
    if (awvalid_i & awready_o) aw_at <= awaddr_i >> 2;
    if (arvalid_i & arready_o) ar_at <= araddr_i >> 2;
    if (wvalid_i & wready_o) {w_word, w_lanes} <= {wdata_i, wstrb_i};
  end
  // One at a time.
  always @* if (known) begin
    if (aw) assert (!awready_o);
    if (w) assert (!wready_o);
    if (ar) assert (!arready_o);
    // An answer belongs to a request that reached the port once; so none is dropped or doubled.
    if (bvalid_o) assert (aw && w && asked_w);
    if (rvalid_o) assert (ar && asked_r);
    if (asked_w) assert (aw && w && !go_write);
    if (asked_r) assert (ar && !go_read);
    assert (!(go_write && go_read));
    // At the port stands what was asked for.
    if (go_write) assert (aw && w && reg_addr_o == aw_at && reg_wdata_o == w_word && reg_write_o == (w_lanes == 15));
    else assert (!reg_write_o);
    if (go_read) assert (ar && reg_addr_o == ar_at);
  end

  // What the answer has to be: what the port says one clock after.
  reg [1:0] b_due, r_due;
  reg [31:0] word_due;
  reg was_write = 0, was_read = 0;
  always @(posedge clk_i) begin
    was_write <= rst_ni & go_write;
    was_read <= rst_ni & go_read;
    if (was_write) b_due <= !reg_there_i ? 3 : w_lanes == 0 ? 0 : w_lanes != 15 || !reg_writable_i ? 2 : 0;
    if (was_read) {r_due, word_due} <= {reg_there_i ? 2'd0 : 2'd3, reg_rdata_i};
  end
  always @* if (known) begin
    if (bvalid_o) assert (bresp_o == b_due);
    if (rvalid_o) assert (rresp_o == r_due && rdata_o == word_due);
  end

  // Nobody waits for long: a request is answered after at most four clocks.
  reg [2:0] w_waits = 0, r_waits = 0;
  always @(posedge clk_i) begin
    w_waits <= rst_ni && aw && w && !bvalid_o ? w_waits + 1 : 0;
    r_waits <= rst_ni && ar && !rvalid_o ? r_waits + 1 : 0;
  end
  always @* if (known) assert (w_waits < 3 && r_waits < 4);

  // The registers inside, for the induction.
  always @* if (known) begin
    assert (aw == aw_full_q && w == w_full_q && ar == ar_full_q);
    if (aw) assert (aw_word_q == aw_at);
    if (ar) assert (ar_word_q == ar_at);
    if (w) assert ({w_data_q, w_strb_q} == {w_word, w_lanes});
    assert (was_write == w_sent_q && was_read == r_sent_q);
    assert (asked_w == (w_sent_q | w_answered_q) && !(w_sent_q & w_answered_q));
    assert (asked_r == (r_sent_q | r_answered_q) && !(r_sent_q & r_answered_q));
  end
