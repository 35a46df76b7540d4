//! Names that Verilog-2005, SystemVerilog readers and Verilator's C++ all accept.

use super::Fault;

/// Words of Verilog-2005, SystemVerilog (as which tools may read the text) and C++ (into which Verilator turns it).
const RESERVED: &str = "
    always always_comb always_ff always_latch and assert assign assume automatic before begin bind bins binsof bit break
    buf bufif0 bufif1 byte case casex casez cell chandle checker class clocking cmos config const constraint context
    continue cover covergroup coverpoint cross deassign default defparam design disable dist do edge else end endcase
    endchecker endclass endclocking endconfig endfunction endgenerate endgroup endinterface endmodule endpackage
    endprimitive endprogram endproperty endspecify endsequence endtable endtask enum event eventually expect export
    extends extern final first_match for force foreach forever fork forkjoin function generate genvar global highz0 highz1
    if iff ifnone ignore_bins illegal_bins implements implies import incdir include initial inout input inside instance
    int integer interconnect interface intersect join join_any join_none large let liblist library local localparam logic
    longint macromodule matches medium modport module nand negedge nettype new nexttime nmos nor noshowcancelled not
    notif0 notif1 null or output package packed parameter pmos posedge primitive priority program property protected
    pull0 pull1 pulldown pullup pulsestyle_ondetect pulsestyle_onevent pure rand randc randcase randsequence rcmos real
    realtime ref reg reject_on release repeat restrict return rnmos rpmos rtran rtranif0 rtranif1 s_always s_eventually
    s_nexttime s_until s_until_with scalared sequence shortint shortreal showcancelled signed small soft solve specify
    specparam static string strong strong0 strong1 struct super supply0 supply1 sync_accept_on sync_reject_on table
    tagged task this throughout time timeprecision timeunit tran tranif0 tranif1 tri tri0 tri1 triand trior trireg type
    type_option typedef union unique unique0 unsigned until until_with untyped use uwire var vectored virtual void wait
    wait_order wand weak weak0 weak1 while wildcard wire with within wor xnor xor
    alignas alignof asm auto bool catch char compl concept const_cast consteval constexpr constinit decltype delete
    double dynamic_cast explicit false float friend goto inline long mutable namespace noexcept nullptr operator private
    public register reinterpret_cast requires short sizeof static_assert static_cast switch template throw true try
    typeid typename using volatile wchar_t main";

/// Is `name` legal everywhere?
pub fn check_name(name: &str) -> Result<(), Fault> {
    let fault = |why| Err(Fault::Name { name: name.into(), why });
    let mut chars = name.chars();
    if !chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_') {
        return fault("it must start with a letter or `_`");
    }
    if !chars.all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return fault("only letters, digits and `_` are allowed");
    }
    if name.contains("__") {
        return fault("Verilator keeps `__` for itself");
    }
    if RESERVED.split_ascii_whitespace().any(|word| word == name) {
        return fault("it is a reserved word of Verilog, SystemVerilog or C++");
    }
    Ok(())
}
