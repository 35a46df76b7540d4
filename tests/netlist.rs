//! What synthesis makes of a design gives the golden model's bits: the netlist for iCE40, block memories among its cells, in Icarus.
//!
//! `make netlists` does the same for all families.

use neuspin::cosim::{Dut, NetlistFamily, Settings, icarus, netlist};
use neuspin::golden::Golden;
use neuspin::lower::lower;
use neuspin::model::Model;
use neuspin::net::{Images, Network};
use neuspin::plan::{Folding, Plan};
use neuspin::rtl::{Design, Options};
use std::path::Path;

fn digits() -> Network {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut network = lower(&Model::read(&root.join("models/digits-spindrop")).unwrap()).unwrap();
    network.passes = 2;
    network
}

#[test]
fn the_netlist_for_ice40_is_exact_and_a_broken_one_is_not() {
    let network = digits();
    let folding = [(4, 16), (4, 16), (1, 16)].map(|(pe, simd)| Folding { pe, simd });
    let plan = Plan::new(&network, 1, 2, folding.to_vec()).unwrap();
    let design = Design::build(&network, &plan, Options::default()).unwrap();
    let values = (0..64 * 2).map(|n| (n * 7 + n / 5) % 16).collect();
    let images = Images::new(&network.input, values).unwrap();
    let golden = Golden::new(&network).unwrap();
    let mut found = netlist(&Dut::of(&design), NetlistFamily::Ice40).unwrap();
    let settings = Settings::of_design(&network, &found);
    let text = found.sources[0].1.clone();
    assert!(text.contains("SB_RAM40_4K") && text.contains("SB_LUT4") && found.sources.len() == 2);
    assert_eq!(icarus(&found, &golden, &images, &settings).unwrap(), Vec::<String>::new());

    // The memories' contents are in the netlist: other weights, other logits.
    found.sources[0].1 = text.replace(".INIT_0(256'h", ".INIT_0(~256'h");
    assert_ne!(found.sources[0].1, text);
    assert_ne!(icarus(&found, &golden, &images.slice(0..1), &settings).unwrap(), Vec::<String>::new());
}
