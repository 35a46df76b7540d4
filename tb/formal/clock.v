  // A reset at the beginning, and at any later time.
  reg known = 0;
  always @(posedge clk_i) known <= 1;
  always @* if (!known) assume (!rst_ni);
  reg past_reset = 1;
  always @(posedge clk_i) past_reset <= !rst_ni;
  // Valid stays until ready, and what comes with it stays as it is.
  `define STREAM(name, rule, valid, ready, payload) \
    reg name``_waits = 0; \
    reg [$bits(payload)-1:0] name``_held; \
    always @(posedge clk_i) begin \
      name``_waits <= rst_ni && valid && !ready; \
      name``_held <= payload; \
    end \
    always @* if (known && name``_waits) begin \
      rule (valid); \
      rule (payload == name``_held); \
    end
