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

/// What `program` prints; it must succeed.
fn said(dir: &Path, program: &str, arguments: &[&str]) -> String {
    let output = std::process::Command::new(program).args(arguments).current_dir(dir).output();
    let output = output.unwrap_or_else(|e| panic!("{program} does not start ({e}): this test needs it"));
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Bytes of a frame by the rule of docs/axi.md, bit by bit.
fn frame(i: &neuspin::rtl::axi::Images, values: &[u32]) -> Vec<u8> {
    let mut bytes = vec![0u8; (i.beats * i.bits / 8) as usize];
    for (n, &value) in values.iter().enumerate() {
        let (beat, place) = (n as u32 / i.values, n as u32 % i.values);
        let begin =
            if i.split > 1 { beat / i.split * i.bits + beat % i.split * i.step } else { beat * i.collect * i.bits };
        for bit in 0..i.value_bits {
            let at = (begin + place * i.value_bits + bit) as usize;
            bytes[at / 8] |= ((value >> bit & 1) as u8) << (at % 8);
        }
    }
    bytes
}

#[test]
fn helpers_in_python_and_c_pack_images_and_read_results() {
    let network = digits();
    let values: Vec<u32> = (0..64).map(|n| (n * 11 + n / 7) % 16).collect();
    let list = values.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    // Collected, whole, and split beats; records of one beat, of several, of part of one.
    for (simd, width) in [(64, Some(64)), (64, None), (8, Some(96)), (4, Some(8)), (16, Some(256))] {
        let design = build(&network, simd, false, axi(width));
        let wrapper = design.axi.as_ref().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let files = files(&design, &network);
        for name in ["digits_spindrop_axi.py", "digits_spindrop_axi.h"] {
            std::fs::write(dir.path().join(name), files.get(&format!("registers/{name}")).unwrap()).unwrap();
        }
        let r = &wrapper.results;
        let result: Vec<u8> = (0..r.beats * r.bits / 8).map(|n| (n * 37 + 201) as u8).collect();
        let record = (r.split * r.bits / 8) as usize;
        let number = |class: usize, name: &str| {
            let f = r.fields.iter().find(|f| f.name == name).unwrap();
            let bytes = &result[class * record + f.byte as usize..][..f.bytes as usize];
            bytes.iter().rev().fold(0u64, |v, &b| v << 8 | u64::from(b))
        };
        let mut expected =
            frame(&wrapper.images, &values).iter().map(|b| format!("{b:02x}")).collect::<String>() + "\n";
        for class in [0, 9] {
            let signed = number(class, "sum") as i32;
            expected += &format!("{signed} {} {}\n", number(class, "sumsq"), number(class, "class"));
        }
        let python = format!(
            "from digits_spindrop_axi import *\nprint(pack([{list}]).hex())\n\
             for c in (0, 9):\n    r = unpack(bytes({result:?}))[c]\n    print(r['sum'], r['sumsq'], r['class'])\n"
        );
        assert_eq!(said(dir.path(), "python3", &["-B", "-c", &python]), expected, "{simd} {width:?}");
        let bytes = result.iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
        let c = format!(
            "#include \"digits_spindrop_axi.h\"\n#include <stdio.h>\nint main(void) {{\n\
             static const int32_t values[] = {{{list}}};\nstatic const uint8_t result[] = {{{bytes}}};\n\
             static uint8_t frame[DIGITS_SPINDROP_IMAGE_BYTES];\ndigits_spindrop_pack(values, frame);\n\
             for (unsigned n = 0; n < sizeof frame; n++) printf(\"%02x\", frame[n]);\nputs(\"\");\n\
             for (unsigned c = 0; c < 10; c += 9) {{\ndigits_spindrop_record r = digits_spindrop_unpack(result, c);\n\
             printf(\"%d %llu %u\\n\", (int)r.sum, (unsigned long long)r.sumsq, (unsigned)r.decision);\n}}\nreturn 0;\n}}\n"
        );
        std::fs::write(dir.path().join("test.c"), c).unwrap();
        let arguments = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-o", "test", "test.c"];
        said(dir.path(), "gcc", &arguments);
        assert_eq!(said(dir.path(), dir.path().join("test").to_str().unwrap(), &[]), expected, "{simd} {width:?}");
    }
}
