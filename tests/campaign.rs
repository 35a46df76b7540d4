//! Campaigns: the same table to the byte whatever the workers, shards and interruptions.

use assert_cmd::Command;
use serde_json::Value;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

const CAMPAIGN: &str = r#"
name = "test"
models = ["digits-spindrop", "digits-scale"]
labels = ["SpinDrop", "Scale-Dropout"]
dies = 3
images = 60
passes = 4
other = ["uniform"]

[[sweep]]
name = "stuck"
label = "cells stuck"
[[sweep.axis]]
fields = ["default.cells.stuck_p", "default.cells.stuck_ap"]
values = [0, 0.05, 0.2]
percent = true

[[sweep]]
name = "passes"
chip = { default = { cells = { flips = 0.02 } } }
[[sweep.axis]]
fields = ["passes"]
values = [1, 8]
"#;

fn neuspin(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_neuspin"));
    command.current_dir(folder).args(["campaign", "test.toml"]).args(args);
    command
}

fn ok(folder: &Path, args: &[&str]) -> String {
    let output = neuspin(folder, args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn fails(folder: &Path, args: &[&str]) -> String {
    let output = neuspin(folder, args).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{args:?}: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).unwrap()
}

fn folder(campaign: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("test.toml"), campaign).unwrap();
    folder
}

fn bytes(folder: &Path, name: &str) -> Vec<u8> {
    std::fs::read(folder.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

#[test]
fn workers_shards_and_half_written_lines_change_no_byte() {
    let folder = folder(CAMPAIGN);
    let f = folder.path();
    ok(f, &["--workers", "1", "--out", "one.csv"]);
    ok(f, &["--workers", "2", "--out", "two.csv"]);
    let table = bytes(f, "one.csv");
    assert_eq!(table, bytes(f, "two.csv"));
    let text = String::from_utf8(table.clone()).unwrap();
    // Two sweeps of 3 and 2 values, two models, three dies.
    assert_eq!(text.lines().count(), 1 + 5 * 2 * 3);
    assert!(text.starts_with(
        "sweep,model,default.cells.stuck_p,default.cells.stuck_ap,passes,die,seed,stuck,flipped,accuracy"
    ));
    assert!(text.lines().nth(1).unwrap().starts_with("stuck,digits-spindrop,0,0,4,0,"));
    assert!(text.lines().last().unwrap().starts_with("passes,digits-scale,,,8,2,"), "{text}");

    // Points lie in the order in which they were finished; half of the last line is lost, as by a kill in a write.
    let points = bytes(f, "two.points");
    let kept = points.len() / 2;
    std::fs::write(f.join("cut.points"), &points[..kept]).unwrap();
    let whole = points[..kept].iter().filter(|&&b| b == b'\n').count() - 1;
    let json: Value = serde_json::from_str(&ok(f, &["--out", "cut.csv", "--json"])).unwrap();
    assert_eq!(json["computed"], 30 - whole);
    assert_eq!(table, bytes(f, "cut.csv"));

    ok(f, &["--shard", "1/2", "--out", "parts.csv"]);
    assert!(!f.join("parts.csv").exists());
    let missing = fails(f, &["--merge", "--out", "parts.csv"]);
    assert!(missing.contains("15 of 30 points are missing") && missing.contains("--shard 2/2"), "{missing}");
    ok(f, &["--shard", "2/2", "--out", "parts.csv"]);
    ok(f, &["--merge", "--out", "parts.csv"]);
    assert_eq!(table, bytes(f, "parts.csv"));

    ok(f, &["--shard", "1/3", "--out", "parts.csv"]);
    assert!(fails(f, &["--merge", "--out", "parts.csv"]).contains("shards of different numbers"));
    assert!(fails(f, &["--merge", "--out", "none.csv"]).contains("no shards beside none.csv"));

    // Another campaign's points.
    std::fs::write(f.join("test.toml"), CAMPAIGN.replace("images = 60", "images = 61")).unwrap();
    assert!(fails(f, &["--out", "one.csv"]).contains("one.points: belongs to another campaign"));
    std::fs::remove_file(f.join("parts.shard-1-of-3.points")).unwrap();
    assert!(fails(f, &["--merge", "--out", "parts.csv"]).contains("belongs to another campaign"));
}

/// Killed with SIGKILL in the middle, then run again.
#[test]
fn a_killed_campaign_goes_on_with_no_point_lost() {
    let folder = folder(&CAMPAIGN.replace("images = 60", "images = 300").replace("dies = 3", "dies = 8"));
    let f = folder.path();
    let points = |name: &str| std::fs::read(f.join(name)).unwrap_or_default().iter().filter(|&&b| b == b'\n').count();
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_neuspin"))
        .current_dir(f)
        .args(["campaign", "test.toml", "--out", "killed.csv", "--workers", "2"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let started = Instant::now();
    while points("killed.points") < 6 {
        assert!(started.elapsed() < Duration::from_secs(120), "no points");
        std::thread::sleep(Duration::from_millis(2));
    }
    // Nobody else may write to the points meanwhile.
    let locked = fails(f, &["--out", "killed.csv"]);
    assert!(locked.contains("another process is writing to it"), "{locked}");
    child.kill().unwrap();
    child.wait().unwrap();
    let before = points("killed.points") - 1;
    assert!((5..80).contains(&before) && !f.join("killed.csv").exists(), "{before} points");
    let json: Value = serde_json::from_str(&ok(f, &["--out", "killed.csv", "--json"])).unwrap();
    assert_eq!(json["computed"], 80 - before);
    ok(f, &["--out", "whole.csv"]);
    assert_eq!(bytes(f, "killed.csv"), bytes(f, "whole.csv"));
}

#[test]
fn figures_show_every_sweep_and_model() {
    let folder = folder(CAMPAIGN);
    let f = folder.path();
    ok(f, &["--figures", "figures"]);
    for name in ["test.svg", "test.png", "test-stuck.svg", "test-passes.svg"] {
        assert!(f.join("figures").join(name).is_file(), "{name}");
    }
    let svg = String::from_utf8(bytes(&f.join("figures"), "test.svg")).unwrap();
    for text in ["SpinDrop", "Scale-Dropout", "cells stuck", "passes", "accuracy", "AUROC, uniform"] {
        assert!(svg.contains(&format!(">{text}</text>")), "{text}");
    }
}

#[test]
fn more_defects_cost_accuracy() {
    let folder = folder(CAMPAIGN);
    let json: Value = serde_json::from_str(&ok(folder.path(), &["--json"])).unwrap();
    let of = |sweep: &str, value: f64| {
        let all = json["summary"]["accuracy"].as_array().unwrap();
        let found =
            all.iter().find(|s| s["sweep"] == sweep && s["values"][0] == value && s["model"] == "digits-spindrop");
        found.unwrap()["mean"].as_f64().unwrap()
    };
    assert!(of("stuck", 0.0) > 0.9 && of("stuck", 0.2) < of("stuck", 0.0) - 0.1, "{json}");
}

#[test]
fn bad_campaigns_are_refused_before_the_first_point() {
    for (from, to, said) in [
        ("dies = 3", "dies = 0", "at least 1 of each"),
        ("dies = 3", "dice = 3", "unknown field `dice`"),
        ("passes = 4", "passes = -4", "line 7"),
        ("digits-scale", "digits-nothing", "digits-nothing"),
        ("digits-scale", "mnist-scale", "it was trained on mnist, the first model on digits"),
        ("stuck_ap", "stuck_app", "unknown field `stuck_app`"),
        ("0.05, 0.2", "0.05, 0.8", "more than all"),
        ("values = [1, 8]", "values = [1.5]", "1.5 passes"),
        ("name = \"passes\"", "name = \"stuck\"", "two sweeps have this name"),
        ("images = 60", "images = 501", "digits has 500"),
        ("flips = 0.02", "flips = 1.02", "1.02, but this is a number of 0 to 1"),
        ("\"uniform\"", "\"cats\"", "cats"),
        ("\"Scale-Dropout\"]", "\"b\", \"c\"]", "3 for 2 models"),
    ] {
        assert!(CAMPAIGN.contains(from));
        let folder = folder(&CAMPAIGN.replacen(from, to, 1));
        let error = fails(folder.path(), &[]);
        assert!(error.contains(said), "{to}: {error}");
        assert!(!folder.path().join("test.points").exists(), "{to}");
    }
    let folder = folder(CAMPAIGN);
    assert!(fails(folder.path(), &["--shard", "3/2"]).contains("two numbers as in 1/4"));
}
