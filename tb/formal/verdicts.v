  // Put before the last line of the queue of DEPTH verdicts.
  `include "clock.v"
  reg [7:0] held = 0;
  always @(posedge clk_i)
    if (!rst_ni) held <= 0;
    else held <= held + push_i - pop_i;
  // The frame guard pushes only where there was room when the frame began; no result comes without an image.
  always @* if (known) begin
    if (held == `DEPTH) assume (!push_i);
    if (held == 0) assume (!pop_i);
  end
  // One verdict, any: when it comes, and how many stand before it.
  wire chosen = $anyseq;
  reg follows = 0, verdict;
  reg [7:0] before = 0;
  always @(posedge clk_i)
    if (!rst_ni) follows <= 0;
    else if (push_i && chosen && !follows) begin
      follows <= 1;
      verdict <= bad_i;
      before <= held - pop_i;
    end else if (follows && pop_i) begin
      follows <= before != 0;
      before <= before - 1;
    end
  wire [$clog2(`DEPTH)-1:0] place = front_q + before[$clog2(`DEPTH)-1:0];
  wire [$clog2(`DEPTH)-1:0] length = back_q - front_q;
  always @* if (known) begin
    assert (held <= `DEPTH && held_q == held && room_o == (held != `DEPTH));
    assert (length == held[$clog2(`DEPTH)-1:0]);
    if (follows) assert (before < held && bad_q[place] == verdict);
    if (follows && before == 0) assert (bad_o == verdict);
  end
  // Room is there until a verdict takes it: the frame guard relies on this.
  always @(posedge clk_i) if (known && !past_reset && $past(room_o && !push_i)) assert (room_o);
