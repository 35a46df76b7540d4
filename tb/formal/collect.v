  // Put before the last line of the block that collects COUNT words of WIDTH bits.
  `include "clock.v"
  `STREAM(in, assume, valid_i, ready_o, data_i)
  `STREAM(out, assert, valid_o, ready_i, data_o)
  // Words held; and one bit of one of them, any, as it came.
  reg [7:0] held = 0;
  wire takes = valid_i & ready_o;
  wire [7:0] comes = valid_o ? 0 : held;
  wire [7:0] word = $anyconst;
  wire [7:0] place = $anyconst;
  reg kept;
  always @* assume (word < `COUNT && place < `WIDTH);
  always @(posedge clk_i) begin
    if (!rst_ni) held <= 0;
    else if (valid_o & ready_i) held <= takes ? 1 : 0;
    else if (takes) held <= held + 1;
    if (takes && comes == word) kept <= data_i[place];
  end
  // The newest word stands highest.
  wire [15:0] at = `WIDTH * (`COUNT - held + word) + place;
  wire [15:0] due = `WIDTH * word + place;
  always @* if (known) begin
    assert (held <= `COUNT);
    assert (valid_o == (held == `COUNT));
    assert (word_q == (held == `COUNT ? 0 : held));
    if (word < held) assert (words_q[at] == kept);
    if (valid_o) assert (data_o[due] == kept);
    if (!valid_o || ready_i) assert (ready_o);
  end
