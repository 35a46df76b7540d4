// The state 8 draws later, of a Galois LFSR of 64 bits that leaps 16 steps a draw.
//
// Parameters:
//   bits of the state = 64
//   steps             = 128
//
// Latency: none, combinational

`default_nettype none

module ns_leap_64x16_by_8 (
  input  wire [63:0] state_i,
  output wire [63:0] next_o
);

  assign next_o[0] = (state_i[0] ^ state_i[2] ^ state_i[6] ^ state_i[8]);
  assign next_o[1] = (state_i[1] ^ state_i[3] ^ state_i[7] ^ state_i[9]);
  assign next_o[2] = (state_i[2] ^ state_i[4] ^ state_i[8] ^ state_i[10]);
  assign next_o[3] = (state_i[3] ^ state_i[5] ^ state_i[9] ^ state_i[11]);
  assign next_o[4] = (state_i[4] ^ state_i[6] ^ state_i[10] ^ state_i[12]);
  assign next_o[5] = (state_i[5] ^ state_i[7] ^ state_i[11] ^ state_i[13]);
  assign next_o[6] = (state_i[6] ^ state_i[8] ^ state_i[12] ^ state_i[14]);
  assign next_o[7] = (state_i[7] ^ state_i[9] ^ state_i[13] ^ state_i[15]);
  assign next_o[8] = (state_i[8] ^ state_i[10] ^ state_i[14] ^ state_i[16]);
  assign next_o[9] = (state_i[9] ^ state_i[11] ^ state_i[15] ^ state_i[17]);
  assign next_o[10] = (state_i[10] ^ state_i[12] ^ state_i[16] ^ state_i[18]);
  assign next_o[11] = (state_i[11] ^ state_i[13] ^ state_i[17] ^ state_i[19]);
  assign next_o[12] = (state_i[12] ^ state_i[14] ^ state_i[18] ^ state_i[20]);
  assign next_o[13] = (state_i[13] ^ state_i[15] ^ state_i[19] ^ state_i[21]);
  assign next_o[14] = (state_i[14] ^ state_i[16] ^ state_i[20] ^ state_i[22]);
  assign next_o[15] = (state_i[15] ^ state_i[17] ^ state_i[21] ^ state_i[23]);
  assign next_o[16] = (state_i[16] ^ state_i[18] ^ state_i[22] ^ state_i[24]);
  assign next_o[17] = (state_i[17] ^ state_i[19] ^ state_i[23] ^ state_i[25]);
  assign next_o[18] = (state_i[18] ^ state_i[20] ^ state_i[24] ^ state_i[26]);
  assign next_o[19] = (state_i[19] ^ state_i[21] ^ state_i[25] ^ state_i[27]);
  assign next_o[20] = (state_i[20] ^ state_i[22] ^ state_i[26] ^ state_i[28]);
  assign next_o[21] = (state_i[21] ^ state_i[23] ^ state_i[27] ^ state_i[29]);
  assign next_o[22] = (state_i[22] ^ state_i[24] ^ state_i[28] ^ state_i[30]);
  assign next_o[23] = (state_i[23] ^ state_i[25] ^ state_i[29] ^ state_i[31]);
  assign next_o[24] = (state_i[24] ^ state_i[26] ^ state_i[30] ^ state_i[32]);
  assign next_o[25] = (state_i[25] ^ state_i[27] ^ state_i[31] ^ state_i[33]);
  assign next_o[26] = (state_i[26] ^ state_i[28] ^ state_i[32] ^ state_i[34]);
  assign next_o[27] = (state_i[27] ^ state_i[29] ^ state_i[33] ^ state_i[35]);
  assign next_o[28] = (state_i[28] ^ state_i[30] ^ state_i[34] ^ state_i[36]);
  assign next_o[29] = (state_i[29] ^ state_i[31] ^ state_i[35] ^ state_i[37]);
  assign next_o[30] = (state_i[30] ^ state_i[32] ^ state_i[36] ^ state_i[38]);
  assign next_o[31] = (state_i[31] ^ state_i[33] ^ state_i[37] ^ state_i[39]);
  assign next_o[32] = (state_i[32] ^ state_i[34] ^ state_i[38] ^ state_i[40]);
  assign next_o[33] = (state_i[33] ^ state_i[35] ^ state_i[39] ^ state_i[41]);
  assign next_o[34] = (state_i[34] ^ state_i[36] ^ state_i[40] ^ state_i[42]);
  assign next_o[35] = (state_i[35] ^ state_i[37] ^ state_i[41] ^ state_i[43]);
  assign next_o[36] = (state_i[36] ^ state_i[38] ^ state_i[42] ^ state_i[44]);
  assign next_o[37] = (state_i[37] ^ state_i[39] ^ state_i[43] ^ state_i[45]);
  assign next_o[38] = (state_i[38] ^ state_i[40] ^ state_i[44] ^ state_i[46]);
  assign next_o[39] = (state_i[39] ^ state_i[41] ^ state_i[45] ^ state_i[47]);
  assign next_o[40] = (state_i[40] ^ state_i[42] ^ state_i[46] ^ state_i[48]);
  assign next_o[41] = (state_i[41] ^ state_i[43] ^ state_i[47] ^ state_i[49]);
  assign next_o[42] = (state_i[42] ^ state_i[44] ^ state_i[48] ^ state_i[50]);
  assign next_o[43] = (state_i[43] ^ state_i[45] ^ state_i[49] ^ state_i[51]);
  assign next_o[44] = (state_i[44] ^ state_i[46] ^ state_i[50] ^ state_i[52]);
  assign next_o[45] = (state_i[45] ^ state_i[47] ^ state_i[51] ^ state_i[53]);
  assign next_o[46] = (state_i[46] ^ state_i[48] ^ state_i[52] ^ state_i[54]);
  assign next_o[47] = (state_i[47] ^ state_i[49] ^ state_i[53] ^ state_i[55]);
  assign next_o[48] = (state_i[48] ^ state_i[50] ^ state_i[54] ^ state_i[56]);
  assign next_o[49] = (state_i[49] ^ state_i[51] ^ state_i[55] ^ state_i[57]);
  assign next_o[50] = (state_i[50] ^ state_i[52] ^ state_i[56] ^ state_i[58]);
  assign next_o[51] = (state_i[51] ^ state_i[53] ^ state_i[57] ^ state_i[59]);
  assign next_o[52] = (state_i[0] ^ state_i[52] ^ state_i[54] ^ state_i[58] ^ state_i[60]);
  assign next_o[53] = (
    state_i[0] ^
    state_i[1] ^
    state_i[53] ^
    state_i[55] ^
    state_i[59] ^
    state_i[61]
  );
  assign next_o[54] = (^(state_i & 64'h5140_0000_0000_0007));
  assign next_o[55] = (^(state_i & 64'ha280_0000_0000_000e));
  assign next_o[56] = (^(state_i & 64'h4500_0000_0000_001d));
  assign next_o[57] = (^(state_i & 64'h8a00_0000_0000_003b));
  assign next_o[58] = (^(state_i & 64'h1400_0000_0000_0076));
  assign next_o[59] = (^(state_i & 64'h2800_0000_0000_00ed));
  assign next_o[60] = (^(state_i & 64'h5000_0000_0000_009e));
  assign next_o[61] = (^(state_i & 64'ha000_0000_0000_0079));
  assign next_o[62] = (^(state_i & 64'h4000_0000_0000_00f3));
  assign next_o[63] = (state_i[1] ^ state_i[5] ^ state_i[7] ^ state_i[63]);

endmodule

`default_nettype wire
