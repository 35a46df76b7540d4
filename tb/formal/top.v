  // Put before the last line of the wrapper's top, whose core is replaced by one that sends anything that a core may send.
  wire clk_i = aclk;
  wire rst_ni = aresetn;
  `include "clock.v"
  `STREAM(s_in, assume, s_axis_tvalid, s_axis_tready, {s_axis_tlast, s_axis_tdata})
  `STREAM(m_out, assert, m_axis_tvalid, m_axis_tready, {m_axis_tlast, m_axis_tdata})
  `STREAM(core_in, assert, image_valid, image_ready, image_data)
  `STREAM(core_out, assume, result_valid, result_ready, {result_last, core_out_class, core_out_index, core_out_sum,
    core_out_sumsq, core_out_votes})

  // The core: an image is CORE_BEATS beats, a result CLASSES records, and comes after its image.
  reg [7:0] image_beat = 0, record = 0, flight = 0;
  wire image_ends = image_valid & image_ready & (image_beat == `CORE_BEATS - 1);
  wire frame_out = result_valid & result_ready & result_last;
  always @* begin
    if (known && result_valid) assume (flight != 0 && result_last == (record == `CLASSES - 1));
    if (known && past_reset) assume (!result_valid);
  end
  // Frames begun at the port, and whether the first one has the wrong length: its end is early, or its last beat is not its end.
  reg [7:0] beat = 0, begun = 0, gone_beat = 0, gone = 0;
  reg first_bad = 0;
  wire takes = s_axis_tvalid & s_axis_tready;
  wire sends = m_axis_tvalid & m_axis_tready;
  always @(posedge aclk) begin
    if (!aresetn) begin
      {image_beat, record, flight, beat, begun, gone_beat, gone, first_bad} <= 0;
    end else begin
      if (image_valid & image_ready) image_beat <= image_ends ? 0 : image_beat + 1;
      if (result_valid & result_ready) record <= result_last ? 0 : record + 1;
      flight <= flight + image_ends - frame_out;
      if (takes) begin
        if (beat == 0) begun <= begun + 1;
        beat <= s_axis_tlast ? 0 : beat == `BEATS ? beat : beat + 1;
        if (begun == (beat == 0 ? 0 : 1) && beat < `BEATS && s_axis_tlast != (beat == `BEATS - 1)) first_bad <= 1;
      end
      if (sends) begin
        gone_beat <= m_axis_tlast ? 0 : gone_beat + 1;
        gone <= gone + m_axis_tlast;
      end
    end
  end
  always @* if (known) begin
    if (past_reset) assert (!s_axis_tready && !m_axis_tvalid);
    if (m_axis_tvalid) begin
      // One frame out for each frame in, TLAST at its end alone, and the first one marked if and only if it was bad.
      assert (gone < begun);
      assert (m_axis_tlast == (gone_beat == `OUT_BEATS - 1));
      if (gone == 0 && gone_beat % `SPLIT == `SPLIT - 1) assert (m_axis_tdata[`ERROR +: 8] == first_bad);
    end
  end
