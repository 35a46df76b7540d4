use super::*;

fn written_where_read(shape: Shape) -> Shape {
    Shape { written: true, reads_where_written: true, ..shape }
}

/// What Yosys 0.23 makes of tiny modules with one memory each (`synth_ecp5 -nowidelut`, `synth_ice40`, `synth_xilinx -flatten`): block
/// memories and LUTs that are memory, of an ECP5, an iCE40 and a Xilinx 7. What is neither is registers or logic.
#[test]
fn memories_become_what_yosys_makes_of_them() {
    let at_once = |shape, reads| Shape { registered: false, reads, ..shape };
    let cases = [
        // Tables of weights and start values.
        (Shape::table(512, 36).block(), (1, 0), (5, 0), (1, 0)),
        (Shape::table(2048, 64).block(), (8, 0), (32, 0), (8, 0)),
        (Shape::table(16, 100).block(), (3, 0), (7, 0), (3, 0)),
        (Shape::table(128, 512).block(), (15, 0), (32, 0), (15, 0)),
        // Tables of no style: logic while they are small.
        (Shape::table(64, 20), (0, 0), (0, 0), (0, 0)),
        (Shape::table(1024, 10), (1, 0), (3, 0), (1, 0)),
        (Shape { reads: 2, ..Shape::table(1024, 18) }, (1, 0), (10, 0), (1, 0)),
        // Tables that a host writes through the port that reads them.
        (written_where_read(Shape::table(128, 64)).block(), (2, 0), (4, 0), (2, 0)),
        (written_where_read(Shape::table(10, 40)), (0, 60), (3, 0), (0, 20)),
        // Buffers, read at one address and at two.
        (Shape::buffer(16, 8), (0, 12), (1, 0), (0, 8)),
        (Shape::buffer(64, 64), (2, 0), (4, 0), (0, 88)),
        (Shape::buffer(256, 4), (0, 96), (1, 0), (0, 32)),
        (Shape::buffer(512, 32), (1, 0), (4, 0), (1, 0)),
        (Shape { reads: 2, ..Shape::buffer(32, 61) }, (0, 384), (8, 0), (0, 88)),
        (Shape::buffer(1024, 64), (4, 0), (16, 0), (4, 0)),
        (Shape::buffer(32, 8).block(), (1, 0), (1, 0), (1, 0)),
        (Shape::buffer(2048, 18), (2, 0), (9, 0), (2, 0)),
        (Shape::buffer(4096, 1), (1, 0), (1, 0), (1, 0)),
        // Read in the same clock: never block memory.
        (at_once(Shape::buffer(32, 28), 1), (0, 84), (0, 0), (0, 20)),
        (at_once(Shape::buffer(32, 28), 3), (0, 252), (0, 0), (0, 56)),
    ];
    for (shape, ecp5, ice40, xilinx7) in cases {
        let cells = |family| {
            let held = Held::of(family, &shape);
            (held.block_rams, held.memory_luts)
        };
        assert_eq!(cells(Family::Ecp5), ecp5, "ECP5, {shape:?}");
        assert_eq!(cells(Family::Ice40Hx), ice40, "iCE40, {shape:?}");
        assert_eq!(cells(Family::Xilinx7), xilinx7, "Xilinx 7, {shape:?}");
    }
}

#[test]
fn what_is_no_memory_is_registers_or_logic() {
    let registers = Held::of(Family::Ice40Hx, &Shape { registered: false, ..Shape::buffer(32, 28) });
    assert_eq!(registers, Held { register_bits: 32 * 28, ..Held::default() });
    let logic = Held::of(Family::Ecp5, &Shape::table(64, 20));
    assert_eq!(logic, Held { logic_bits: 64 * 20, ..Held::default() });
    assert_eq!(Held::of(Family::Ecp5, &Shape::table(64, 0)), Held::default(), "a table of constants");
}
