//! The `neuspin` command as scripts see it: exit codes, standard output, what it leaves behind.

mod faults;
mod import;
mod interrupts;
mod random;
mod uncertainty;

use assert_cmd::Command;
use serde_json::Value;
use std::path::Path;

/// The command, in a folder of its own.
fn neuspin(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_neuspin"));
    command.current_dir(folder).args(args);
    command
}

/// (exit code, standard output, standard error)
fn run(command: &mut Command) -> (i32, String, String) {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

fn ok(folder: &Path, args: &[&str]) -> String {
    let (code, out, err) = run(&mut neuspin(folder, args));
    assert_eq!(code, 0, "{args:?}: {err}");
    out
}

fn json(folder: &Path, args: &[&str]) -> Value {
    serde_json::from_str(&ok(folder, &[args, &["--json"]].concat())).unwrap()
}

/// What an error says; it must come with the exit code `code` and nothing on standard output.
fn fails(folder: &Path, args: &[&str], code: i32) -> String {
    let (found, out, err) = run(&mut neuspin(folder, args));
    assert_eq!((found, out.as_str()), (code, ""), "{args:?}: {err}");
    assert!(!err.contains("panicked"), "{err}");
    err
}

#[test]
fn the_demo_shows_its_table_and_proves_every_image() {
    let folder = tempfile::tempdir().unwrap();
    let text = ok(folder.path(), &["demo"]);
    for line in ["accuracy, one deterministic pass", "accuracy, mean of", "mean entropy", "cycles an image"] {
        assert!(text.contains(line), "{text}");
    }
    assert!(text.contains("500 of 500 images bit-exact"), "{text}");
    assert!(folder.path().join("hdl_out/digits_spindrop/manifest.json").is_file());

    let json = json(folder.path(), &["demo"]);
    assert_eq!(json["cosimulation"]["cycles"], json["cosimulation"]["predicted_cycles"]);
    assert!(json["accuracy"].as_f64().unwrap() > 0.9);
}

/// Every file below `folder`, by its path from there.
fn files_below(folder: &Path, from: &str, all: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{from}/{}", path.file_name().unwrap().to_string_lossy());
        match path.is_dir() {
            true => files_below(&path, &name, all),
            false => all.push((name, std::fs::read(path).unwrap())),
        }
    }
}

#[test]
fn what_generate_writes_is_the_same_each_time() {
    let folder = tempfile::tempdir().unwrap();
    ok(folder.path(), &["generate", "digits-spindrop"]);
    ok(folder.path(), &["generate", "digits-spindrop", "--out", "again/here"]);
    let list = |at: &str| {
        let mut all = vec![];
        files_below(&folder.path().join(at), "", &mut all);
        all.sort();
        all
    };
    assert_eq!(list("hdl_out/digits_spindrop"), list("again/here"));
}

#[test]
fn a_folding_that_does_not_fit_leaves_the_last_good_design() {
    let folder = tempfile::tempdir().unwrap();
    ok(folder.path(), &["generate", "digits-spindrop", "--out", "design"]);
    let manifest = std::fs::read(folder.path().join("design/manifest.json")).unwrap();
    let args = ["generate", "digits-spindrop", "--out", "design", "--pe", "3,1,1,1,1,1", "--simd", "1,1,1,1,1,1"];
    fails(folder.path(), &args, 2);
    assert_eq!(std::fs::read(folder.path().join("design/manifest.json")).unwrap(), manifest);
}

#[test]
fn a_folding_fills_a_board_and_takes_no_more_block_memories_than_it_has() {
    let folder = tempfile::tempdir().unwrap();
    for (model, board, family, luts, blocks) in [
        ("digits-spindrop", "ice40-hx8k", "ice40-hx", 7_680, 32),
        ("mnist-spindrop-1bit", "ulx3s-12f", "ecp5", 12_144, 32),
        ("digits-scale", "arty-a7-35t", "xilinx7", 20_800, 100),
    ] {
        let args = ["generate", model, "--fit", board, "--passes", "16", "--max-passes", "16", "--out", "design"];
        let cost = &json(folder.path(), &args)["estimates"][family];
        let taken = |what: &str| cost[what].as_u64().unwrap();
        assert!(taken("luts") <= luts && taken("block_rams") <= blocks, "{model} on {board}: {cost}");
        assert!(taken("luts") > luts / 4 || taken("block_rams") > blocks / 2, "{model} on {board}: {cost}");
    }
}

#[test]
fn a_folder_that_is_no_design_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("thesis.txt"), "years of work").unwrap();
    let error = fails(folder.path(), &["generate", "digits-spindrop", "--out", "."], 2);
    assert!(error.contains("not a neuspin design"), "{error}");
    assert!(folder.path().join("thesis.txt").is_file());
}

#[test]
fn cosim_runs_paused_streams_waves_and_icarus() {
    let folder = tempfile::tempdir().unwrap();
    let args = [
        "cosim",
        "digits-spindrop",
        "--limit",
        "6",
        "--passes",
        "5",
        "--gap",
        "0.3",
        "--stall",
        "0.3",
        "--runs",
        "2",
        "--wave",
        "out.fst",
        "--wave-image",
        "4",
        "--icarus",
        "2",
    ];
    let json = json(folder.path(), &args);
    assert_eq!(json["good"], true, "{json}");
    assert_eq!(json["runs"].as_array().unwrap().len(), 2);
    assert_eq!(json["icarus"], serde_json::json!([]));
    assert!(std::fs::metadata(folder.path().join("out.fst")).unwrap().len() > 1000);
}

#[test]
fn a_chip_on_which_nothing_is_ideal_is_exact_on_digits() {
    let folder = tempfile::tempdir().unwrap();
    let chip = concat!(env!("CARGO_MANIFEST_DIR"), "/chips/worn.toml");
    let args = ["cosim", "digits-spindrop", "--chip", chip, "--limit", "12", "--passes", "5", "--gap", "0.2"];
    let json = json(folder.path(), &args);
    assert_eq!(json["good"], true, "{json}");
}

#[test]
fn a_design_that_is_written_before_the_run_is_exact_on_digits() {
    let folder = tempfile::tempdir().unwrap();
    let fold = ["--limit", "6", "--passes", "3", "--max-passes", "4", "--pe", "8,4,1", "--simd", "64,128,32"];
    for with in [&["--program", "digits-spatial"][..], &["--stuck", "0.02", "--spares", "2"]] {
        let args = [&["cosim", "digits-spindrop"], &fold[..], with].concat();
        let json = json(folder.path(), &args);
        assert_eq!(json["good"], true, "{with:?}: {json}");
    }
}

#[test]
fn calibrated_thresholds_become_reset_values_and_flag_as_the_golden_model_does() {
    let folder = tempfile::tempdir().unwrap();
    for class_wise in [false, true] {
        let mut args = vec!["calibrate", "digits-spindrop", "--passes", "3", "--acceptance", "0.8", "--out", "t.json"];
        args.extend(class_wise.then_some("--class-wise"));
        let found = json(folder.path(), &args);
        assert!(found["accepted"].as_f64().unwrap() >= 0.8, "{found}");
        let fold = ["--pe", "8,4,1", "--simd", "64,128,32", "--lanes", "1", "--max-passes", "4", "--passes", "3"];
        let with = ["--uncertainty", "entropy", "--thresholds", "t.json"];
        let generate = [&["generate", "digits-spindrop", "--out", "made"], &fold[..], &with].concat();
        json(folder.path(), &generate);
        let manifest = std::fs::read_to_string(folder.path().join("made/manifest.json")).unwrap();
        let manifest: Value = serde_json::from_str(&manifest).unwrap();
        let registers = manifest["registers"].as_array().unwrap();
        let resets: Vec<&Value> = registers
            .iter()
            .filter(|r| r["name"].as_str().unwrap().starts_with("THRESHOLD"))
            .map(|r| &r["reset"])
            .collect();
        assert_eq!(resets, found["thresholds"].as_array().unwrap().iter().collect::<Vec<_>>());
        let cosim = [&["cosim", "digits-spindrop", "--limit", "20"], &fold[..], &with].concat();
        assert_eq!(json(folder.path(), &cosim)["good"], true);
    }
    let error = fails(folder.path(), &["generate", "digits-spindrop", "--thresholds", "t.json"], 2);
    assert!(error.contains("thresholds for 3 passes, but the network takes 16"), "{error}");
    let error = fails(folder.path(), &["generate", "digits-spindrop", "--uncertainty", "none,entropy"], 2);
    assert!(error.contains("--uncertainty none"), "{error}");
}

#[test]
fn evaluate_reads_and_writes_numpy_files() {
    let folder = tempfile::tempdir().unwrap();
    let inputs: Vec<f64> = (0..3 * 64).map(|v| f64::from(v % 16)).collect();
    neuspin::data::npy::write(&folder.path().join("in.npy"), 64, &inputs).unwrap();
    neuspin::data::npy::write(&folder.path().join("classes.npy"), 1, &[3.0, 1.0, 4.0]).unwrap();
    let args = ["evaluate", "digits-spindrop", "--data", "in.npy", "--labels", "classes.npy", "--logits", "out.npy"];
    let found = json(folder.path(), &args);
    assert_eq!(found["images"], 3);
    assert!(found["accuracy"].is_number() && found["entropy"].is_number());
    let bytes = std::fs::read(folder.path().join("out.npy")).unwrap();
    assert!(bytes.starts_with(b"\x93NUMPY") && bytes.len() == 128 + 8 * 30, "{}", bytes.len());

    neuspin::data::npy::write(&folder.path().join("classes.npy"), 1, &[3.0, 1.0]).unwrap();
    let error = fails(folder.path(), &args, 2);
    assert!(error.contains("2 classes for 3 images"), "{error}");
}

#[test]
fn inspect_shows_every_layer() {
    let folder = tempfile::tempdir().unwrap();
    let found = json(folder.path(), &["inspect", "digits-spindrop"]);
    let layers = found["layers"].as_array().unwrap();
    assert!(layers.len() >= 3 && layers[0]["inputs"] == 64 && layers.last().unwrap()["outputs"] == 10);
    let bits: u64 = layers.iter().map(|l| l["memory_bits"].as_u64().unwrap()).sum();
    assert_eq!(found["memory_bits"], bits);
}

#[test]
fn device_finds_the_pulse_or_the_drive() {
    let folder = tempfile::tempdir().unwrap();
    let found = json(folder.path(), &["device", "--p", "0.5", "--stability", "60"]);
    assert!((found["current_of_critical"].as_f64().unwrap() - 0.956).abs() < 1e-3 && found["code"] == 32768);
    assert!((found["p_at_celsius"][2]["p"].as_f64().unwrap() - 0.66).abs() < 5e-3, "{found}");
    let short = json(folder.path(), &["device", "--p", "0.5", "--width", "2e-9"]);
    assert!(short["warnings"][0].as_str().unwrap().contains("shorter than 10 ns"), "{short}");
    std::fs::write(folder.path().join("curve.csv"), "V,P\n0.2,0\n0.4,1\n").unwrap();
    let found = json(folder.path(), &["device", "--p", "0.25", "--curve", "curve.csv"]);
    assert!((found["drive"].as_f64().unwrap() - 0.25).abs() < 1e-12);
    std::fs::write(folder.path().join("curve.csv"), "V,P\n0.2,0.5\n0.4,0.1\n").unwrap();
    let error = fails(folder.path(), &["device", "--p", "0.25", "--curve", "curve.csv"], 2);
    assert!(error.contains("line 3: a probability of 0.1 after 0.5"), "{error}");
    let error = fails(folder.path(), &["device", "--p", "1.5"], 2);
    assert!(error.contains("a probability of 1.5"), "{error}");
}

/// Of 3 × 3 kernels over 16 maps that are dropped as a whole: as many units either way, nine pairs each.
#[test]
fn inspect_lays_convolutions_out_on_crossbars() {
    let folder = tempfile::tempdir().unwrap();
    let found = json(folder.path(), &["inspect", "digits-conv"]);
    let mappings = &found["layers"][1]["crossbar_mappings"];
    let of = |mapping: &str| {
        let keys = ["crossbars", "word_line_pairs", "columns", "dropout_units", "pairs_a_unit_gates_in_each_crossbar"];
        keys.map(|key| mappings[mapping][key].as_u64().unwrap())
    };
    assert_eq!(of("unrolled"), [1, 144, 32, 16, 9]);
    assert_eq!(of("by_place"), [9, 16, 32, 16, 1]);
    assert!(found["layers"][2].get("crossbar_mappings").is_none());
}

#[test]
fn bad_usage_is_exit_code_2_and_says_what_would_be_right() {
    let folder = tempfile::tempdir().unwrap();
    let cases: [(&[&str], &str); 9] = [
        (&["inspect", "no-such-model"], "the bundled models are digits-affine, digits-conv"),
        (&["evaluate", "digits-spindrop", "--passes", "0"], "--passes"),
        (&["evaluate", "digits-spindrop", "--limit", "0"], "at least 1"),
        (&["evaluate", "digits-spindrop", "--data", "nothing.npy"], "nothing.npy"),
        (&["evaluate", "digits-spindrop", "--data", "cats"], "digits, mnist, fashion-mnist"),
        (&["evaluate", "digits-spindrop", "--data", "mnist"], "make data"),
        (&["cosim", "digits-spindrop", "--gap", "1.5"], "0 to 0.99"),
        (&["cosim", "digits-spindrop", "--passes", "65", "--max-passes", "64"], "--max-passes 64"),
        (&["generate", "digits-spindrop", "--target-cycles", "1"], "the fastest takes"),
    ];
    for (args, said) in cases {
        let error = fails(folder.path(), args, 2);
        assert!(error.contains(said), "{args:?}: {error}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "something was left behind");
}

#[test]
fn a_missing_or_old_simulator_is_exit_code_3_and_says_what_to_install() {
    let folder = tempfile::tempdir().unwrap();
    let old = folder.path().join("old-verilator");
    std::fs::write(&old, "#!/bin/sh\necho 'Verilator 4.038 2020-07-11 rev v4.036'\n").unwrap();
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(&old, std::fs::Permissions::from_mode(0o755)).unwrap();
    for (program, said) in [("no-such-verilator", "is missing"), (old.to_str().unwrap(), "too old")] {
        let (code, _, error) = run(neuspin(folder.path(), &["demo"]).env("VERILATOR", program));
        assert_eq!(code, 3, "{error}");
        assert!(error.contains(said) && error.contains("apt install verilator"), "{error}");
    }
}

#[test]
fn errors_are_json_for_machines() {
    let folder = tempfile::tempdir().unwrap();
    let (code, out, _) = run(&mut neuspin(folder.path(), &["inspect", "no-such-model", "--json"]));
    let said: Value = serde_json::from_str(&out).unwrap();
    assert!(code == 2 && said["error"].as_str().unwrap().contains("no-such-model"));
}

#[test]
fn every_shell_gets_its_completions() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        assert!(ok(folder.path(), &["completions", shell]).contains("evaluate"));
    }
}

#[cfg(not(feature = "train"))]
#[test]
fn without_the_trainer_train_says_how_to_get_it() {
    let folder = tempfile::tempdir().unwrap();
    let error = fails(folder.path(), &["train", "--name", "mine", "--out", "mine"], 2);
    assert!(error.contains("cargo build --release --features train"), "{error}");
}
