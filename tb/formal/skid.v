  // Put before the last line of the skid buffer: a stream at both sides, and a queue of two words in between.
  `include "clock.v"
  `STREAM(in, assume, valid_i, ready_o, data_i)
  `STREAM(out, assert, valid_o, ready_i, data_o)

  // The same as a queue, written another way.
  reg [1:0] queued = 0;
  reg [$bits(data_i)-1:0] first, second;
  wire puts = valid_i & ready_o;
  wire gets = valid_o & ready_i;
  always @(posedge clk_i) begin
    if (!rst_ni) queued <= 0;
    else queued <= queued + puts - gets;
    if (puts && queued == (gets ? 1 : 0)) first <= data_i;
    else if (gets) first <= second;
    if (puts && queued == (gets ? 2 : 1)) second <= data_i;
  end
  always @* if (known) begin
    // Nothing is lost, doubled or overtaken.
    assert (valid_o == (queued != 0));
    if (queued != 0) assert (data_o == first);
    if (queued == 2) assert (spare_q == second);
    assert (full_q == (queued == 2));
    assert (queued != 3 && !(ready_o && full_q));
  end
  always @(posedge clk_i) if (known) begin
    // Ready again one clock after a word has left, and never during reset.
    if (past_reset) assert (!ready_o && !valid_o);
    else if ($past(ready_i)) assert (ready_o);
  end
