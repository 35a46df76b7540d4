//! Rails: live activations as they are; dropped ones 0 and 1 in turn over the whole frame, whatever its beats and words.

use super::simulate;
use crate::rtl::buffer::Buffer;
use crate::verilog::index_width;

const FRAMES: u32 = 40;

/// Writes random frames, now here, now there, and reads each of them twice.
fn bench(buffer: &Buffer) -> String {
    let Buffer { simd, words, beat, .. } = *buffer;
    let columns = buffer.columns();
    let (inputs, word_bits, column_bits) = (simd * words, index_width(words), index_width(columns));
    let column = if columns > 1 { ".write_column_i(column), " } else { "" };
    format!(
        "module bench;
reg clk = 0, write = 0, bank = 0;
reg [{top}:0] act, live;
reg [{beat_top}:0] act_beat, live_beat;
reg [{word_top}:0] word = 0, read_word = 0;
reg [{column_top}:0] column = 0;
wire [{simd_top}:0] pos, neg;
wire odd;
{name} dut (.clk_i(clk), .write_i(write), .write_bank_i(bank), .write_word_i(word), {column}.act_i(act_beat),
  .live_i(live_beat), .read_bank_i(bank), .read_word_i(read_word), .pos_o(pos), .neg_o(neg), .odd_o(odd));
always #1 clk = !clk;
integer frame, beat, at, turn, b;
initial begin
  for (frame = 0; frame < {FRAMES}; frame = frame + 1) begin
    bank = $random;
    act = {{{random}}};
    live = frame == 0 ? 0 : frame == 1 ? ~0 : {{{random}}};
    for (beat = 0; beat < {beats}; beat = beat + 1) begin
      @(negedge clk);
      write = 1; word = beat / {columns}; column = beat % {columns};
      act_beat = act >> beat * {beat_width}; live_beat = live >> beat * {beat_width};
      if ($random & 1) begin @(negedge clk); write = 0; end
    end
    @(negedge clk) write = 0;
    repeat (4) @(negedge clk);
    turn = 0;
    for (at = 0; at < {words}; at = at + 1) begin
      read_word = at;
      repeat (2) @(negedge clk);
      for (b = 0; b < {simd}; b = b + 1) begin
        if (live[at * {simd} + b] ? pos[b] !== act[at * {simd} + b] || neg[b] !== !act[at * {simd} + b]
                                  : pos[b] !== turn[0] || neg[b] !== turn[0])
          $display(\"frame %0d, input %0d: live %b, act %b, rails %b %b, turn %b\", frame, at * {simd} + b,
            live[at * {simd} + b], act[at * {simd} + b], pos[b], neg[b], turn[0]);
        if (!live[at * {simd} + b]) turn = turn + 1;
      end
    end
    if (odd !== turn[0]) $display(\"frame %0d: odd is %b after %0d dropped\", frame, odd, turn);
  end
  $display(\"done\");
  $finish;
end
endmodule
",
        top = inputs - 1,
        beat_top = beat - 1,
        word_top = word_bits - 1,
        column_top = column_bits - 1,
        simd_top = simd - 1,
        name = buffer.name(),
        random = vec!["$random"; inputs.div_ceil(32) as usize].join(", "),
        beats = inputs / beat,
        beat_width = beat,
    )
}

#[test]
fn dropped_inputs_are_0_and_1_in_turn() {
    for (simd, words, beat) in
        [(8, 3, 2), (6, 2, 3), (7, 1, 7), (1, 5, 1), (4, 4, 1), (1, 1, 1), (65, 2, 13), (16, 1, 1)]
    {
        let buffer = Buffer { simd, words, beat, masked: true };
        let said = simulate(&[buffer.emit().unwrap()], &bench(&buffer));
        assert_eq!(said.trim_end(), "done", "{simd} inputs a word, {words} words, beats of {beat}");
    }
}
