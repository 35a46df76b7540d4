//! An interrupt leaves no child process and no half-written file.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Waits until `done`, for at most a minute.
fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(60), "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn is_running(id: &str) -> bool {
    // A process that ended but was not waited for counts as ended.
    let status = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    status.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

fn entries(folder: &Path) -> usize {
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}

#[test]
fn an_interrupt_in_a_build_ends_the_tools_and_clears_up() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir(at("tmp")).unwrap();
    // A Verilator that answers questions and then works for ever, through a child of its own.
    let script = format!(
        "#!/bin/sh\ncase \"$1\" in\n--version) echo 'Verilator 5.006' ;;\n--getenv) echo / ;;\n\
         *) sleep 600 & echo $! > {0}.new; mv {0}.new {0}; wait ;;\nesac\n",
        at("id").display()
    );
    std::fs::write(at("verilator"), script).unwrap();
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(at("verilator"), std::fs::Permissions::from_mode(0o755)).unwrap();

    let mut child = Command::new(env!("CARGO_BIN_EXE_neuspin"))
        .args(["cosim", "digits-spindrop", "--limit", "1"])
        .current_dir(folder.path())
        .env("VERILATOR", at("verilator"))
        .env("NEUSPIN_CACHE", at("cache"))
        .env("TMPDIR", at("tmp"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_for("the build", || at("id").is_file());
    let tool = std::fs::read_to_string(at("id")).unwrap().trim().to_string();
    assert!(is_running(&tool));

    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    wait_for("the tool's end", || !is_running(&tool));
    assert_eq!(entries(&at("tmp")), 0, "temporary files were left");
    let left: Vec<_> = std::fs::read_dir(at("cache")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| name.to_string_lossy().ends_with(".lock")), "{left:?}");
}
