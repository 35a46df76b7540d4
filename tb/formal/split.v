  // Put before the last line of the block that splits words into COUNT of WIDTH bits, the last one of a frame into REST.
  `include "clock.v"
  `STREAM(in, assume, valid_i, ready_o, {last_i, data_i})
  `STREAM(out, assert, valid_o, ready_i, {last_o, data_o})
  reg [7:0] sent = 0;
  wire sends = valid_o & ready_i;
  wire takes = valid_i & ready_o;
  wire [7:0] parts = last_i ? `REST : `COUNT;
  always @(posedge clk_i)
    if (!rst_ni || takes) sent <= 0;
    else if (sends) sent <= sent + 1;
  always @* if (known) begin
    assert (part_q == sent && sent < `COUNT);
    if (valid_i) assert (sent < parts);
    if (sent != 0 && !past_reset) assume (valid_i);
    assert (valid_o == valid_i);
    assert (data_o == data_i[`WIDTH*sent +: `WIDTH]);
    if (valid_i) begin
      assert (last_o == (last_i && sent == parts - 1));
      assert (takes == (sends && sent == parts - 1));
    end
  end
