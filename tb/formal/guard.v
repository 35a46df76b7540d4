  // Put before the last line of the frame guard, which makes frames of BEATS beats.
  `include "clock.v"
  `STREAM(in, assume, valid_i, ready_o, {last_i, data_i})
  `STREAM(out, assert, valid_o, ready_i, {last_o, data_o})
  // Room is there until a verdict takes it: proven in verdicts.v.
  reg had_room = 0;
  always @(posedge clk_i) had_room <= rst_ni && room_i && !ends_o;
  always @* if (known && had_room) assume (room_i);

  // Beats taken of the frame that comes in, BEATS for as many or more, and beats sent of the one that goes out.
  reg [7:0] taken = 0, sent = 0;
  wire takes = valid_i & ready_o;
  wire sends = valid_o & ready_i;
  always @(posedge clk_i) begin
    if (!rst_ni) begin
      taken <= 0;
      sent <= 0;
    end else begin
      if (takes) taken <= last_i ? 0 : taken == `BEATS ? `BEATS : taken + 1;
      if (sends) sent <= sent == `BEATS - 1 ? 0 : sent + 1;
    end
  end
  wire together = taken == sent;
  wire ended_early = taken == 0 && sent != 0;
  wire ends_late = taken == `BEATS && sent == 0;
  always @* if (known) begin
    // A frame that goes out belongs to the one that comes in, and has BEATS beats.
    assert (sent < `BEATS && taken <= `BEATS);
    assert (together || ended_early || ends_late);
    assert (last_o == (sent == `BEATS - 1));
    assert (ends_o == (sends && last_o));
    if (together && takes) assert (sends && data_o == data_i);
    if (together && sends) assert (takes && data_o == data_i);
    if (ended_early) assert (!takes && (!valid_o || data_o == 0));
    if (ends_late) assert (!valid_o);
    // The verdict: right if and only if the last beat in is the last beat out.
    if (ends_o) assert (bad_o == !(takes && last_i && taken == `BEATS - 1));
    if (ends_o && bad_o) assert (short_o == (taken < `BEATS - 1 || !takes));
    // Whoever waits, waits for a good reason.
    if (ended_early) assert (valid_o);
    if (ends_late) assert (ready_o);
    if (together && valid_i && ready_i && (room_i || sent != 0)) assert (takes);
    if (sent == 0 && together && !room_i) assert (!takes);
    // What the state register says.
    assert (beat_q == sent && state_q == (ended_early ? 1 : ends_late ? 2 : 0));
  end
