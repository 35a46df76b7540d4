//! The AXI wrapper: the core is untouched, every width passes the tools, and what cannot be wrapped says why.

mod tools;

use neuspin::emit::{FileSet, design_files};
use neuspin::lower::lower;
use neuspin::model::Model;
use neuspin::net::Network;
use neuspin::plan::{Folding, Plan, Uncertainty};
use neuspin::rtl::axi::Axi;
use neuspin::rtl::{Design, Options};
use neuspin::verilog::VerilogFile;
use std::path::Path;

fn digits() -> Network {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    lower(&Model::read(&root.join("models/digits-spindrop")).unwrap()).unwrap()
}

/// `simd` is that of the first layer, so `64 / simd` beats are an image.
fn build(network: &Network, simd: usize, uncertainty: bool, options: Options) -> Design {
    let folding = vec![Folding { pe: 4, simd }, Folding { pe: 2, simd: 32 }, Folding { pe: 1, simd: 32 }];
    let plan = Plan::new(network, 2, 64, folding).unwrap();
    Design::build(network, &plan.with_uncertainty(uncertainty.then_some(Uncertainty::ALL)), options).unwrap()
}

fn axi(width: Option<u32>) -> Options {
    Options { axi: Some(Axi { width }), ..Options::default() }
}

fn files(design: &Design, network: &Network) -> FileSet {
    design_files(design, network, "test").unwrap()
}

#[test]
fn the_core_is_the_same_with_a_wrapper_and_without() {
    let network = digits();
    let plain = files(&build(&network, 64, false, Options::default()), &network);
    let wrapped = files(&build(&network, 64, false, axi(Some(32))), &network);
    for (path, bytes) in plain.iter().filter(|(path, _)| path.ends_with(".v") || path.ends_with(".hex")) {
        assert!(wrapped.get(path) == Some(bytes), "{path} differs");
    }
    for added in ["digits_spindrop_axi.v", "digits_spindrop_axi_registers.v", "ns_skid_33.v", "ns_frame_guard_8x32.v"] {
        assert!(plain.get(added).is_none() && wrapped.get(added).is_some(), "{added}");
    }
    let header = String::from_utf8_lossy(wrapped.get("registers/digits_spindrop_regs.h").unwrap()).into_owned();
    assert!(header.contains("DIGITS_SPINDROP_FRAMES_SHORT_OFFSET      0x404u"), "{header}");
    let core = String::from_utf8_lossy(wrapped.get("digits_spindrop.core").unwrap()).into_owned();
    assert!(core.contains("    filesets: [axi, rtl, memories]\n    toplevel: digits_spindrop_axi\n"), "{core}");
}

#[test]
fn the_top_of_the_wrapper() {
    let design = build(&digits(), 64, false, axi(Some(32)));
    let text = design.axi.as_ref().unwrap().top().unwrap().text();
    insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!("axi_top", text); });
}

/// Beats of 4 bits and of 256, streams narrower and wider than these, all parts of the uncertainty, taps, a programming port.
#[test]
fn wrappers_of_every_width_pass_the_tools() {
    let network = digits();
    for (simd, width, rich) in
        [(64, None, false), (64, Some(24), false), (1, Some(32), true), (8, Some(96), false), (8, Some(40), true)]
    {
        let options = Options { taps: rich, writable: width.is_none(), ..axi(width) };
        let design = build(&network, simd, rich, options);
        let wrapper = design.axi.as_ref().unwrap();
        let top = wrapper.top().unwrap();
        let others = wrapper.modules.iter().filter(|m| m.name() != top.name());
        let all: Vec<&VerilogFile> = std::iter::once(top).chain(others).chain(&design.modules).collect();
        let images: Vec<(&str, &str)> = design.images.iter().map(|i| (i.file.as_str(), i.text.as_str())).collect();
        tools::lint(&all, &images);
    }
}

#[test]
fn what_cannot_be_wrapped_says_why() {
    let network = digits();
    let folding = vec![Folding { pe: 4, simd: 64 }, Folding { pe: 2, simd: 32 }, Folding { pe: 1, simd: 32 }];
    let plan = Plan::new(&network, 2, 64, folding).unwrap();
    for (width, said) in [(12, "12 bits; give a multiple of 8"), (0, "0 bits"), (8192, "4096 is the most")] {
        let error = Design::build(&network, &plan, axi(Some(width))).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
}
