//! From a design's Verilog to an executable that speaks the protocol of `tb/harness.cpp`.
//!
//! Half of a naive build goes into Verilator's own run-time library, so that is built once for all designs; and a design is
//! built once for all runs. Memory images are no part of a build: they are read when the simulation starts.

use super::cache::{Cache, Key};
use super::tool::{self, Job, Verilator};
use super::{CosimError, Dut};
use crate::interrupt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What every harness includes.
const PIPE: &str = include_str!("../../tb/pipe.h");
const HARNESS: &str = include_str!("../../tb/harness.cpp");
const UART_HARNESS: &str = include_str!("../../tb/uart.cpp");
/// Unknown values become random ones, so that nothing can lean on a reset that is not there.
const VERILATE: [&str; 9] =
    ["--cc", "--prefix", "Vdut", "-O3", "--x-assign", "unique", "--x-initial", "unique", "-Wno-fatal"];
const RUNTIME_FLAGS: [&str; 2] = ["-O2", "-std=gnu++17"];
const MODEL_FLAGS: &str = "OPT_FAST=-O1";
const EXECUTABLE: &str = "dut";

/// What an executable is made of.
struct Parts<'a> {
    top: &'a str,
    sources: &'a [(String, String)],
    harness: &'static str,
    /// The header that tells the harness what it cannot see from the model's own.
    config: String,
    trace: bool,
}

/// The tools and the cache: what every build needs.
pub struct Builder {
    verilator: Verilator,
    cxx: String,
    cxx_version: String,
    make: String,
    cache: Cache,
}

impl Builder {
    /// Finds the tools. Errors name the one that is missing or too old.
    pub fn find() -> Result<Builder, CosimError> {
        let verilator = Verilator::find()?;
        let (cxx, cxx_version) = tool::find_cxx()?;
        Ok(Builder { verilator, cxx, cxx_version, make: tool::find_make()?, cache: Cache::open()? })
    }

    /// What `verilator --version` prints.
    pub fn verilator_version(&self) -> &str {
        &self.verilator.version
    }

    /// Path of the executable of a design, built if it is not in the cache; `trace` adds waveforms, which cost speed.
    pub fn executable(&self, dut: &Dut, trace: bool) -> Result<PathBuf, CosimError> {
        let config = config_header(dut, trace);
        self.build(&Parts { top: &dut.top, sources: &dut.sources, harness: HARNESS, config, trace })
    }

    /// The same of a design at a serial line, whose bits take `divisor` clocks.
    pub(super) fn uart_executable(&self, dut: &Dut, divisor: u32) -> Result<PathBuf, CosimError> {
        let config = format!("#define DUT_DIVISOR {divisor}\n");
        self.build(&Parts { top: &dut.top, sources: &dut.sources, harness: UART_HARNESS, config, trace: false })
    }

    fn build(&self, parts: &Parts) -> Result<PathBuf, CosimError> {
        let mut key = self
            .key(parts.trace)
            .part("verilate", VERILATE.join(" ").as_bytes())
            .part("make", MODEL_FLAGS.as_bytes())
            .part("pipe", PIPE.as_bytes())
            .part("harness", parts.harness.as_bytes())
            .part("config", parts.config.as_bytes())
            .part("top", parts.top.as_bytes());
        for (name, contents) in parts.sources {
            key = key.part(name, contents.as_bytes());
        }
        let entry = self.cache.entry("model", key, |folder| self.build_model(parts, folder))?;
        Ok(entry.join(EXECUTABLE))
    }

    fn key(&self, trace: bool) -> Key {
        Key::default()
            .part("verilator", self.verilator.version.as_bytes())
            .part("include", self.verilator.include.as_os_str().as_encoded_bytes())
            .part("cxx", self.cxx_version.as_bytes())
            .part("flags", RUNTIME_FLAGS.join(" ").as_bytes())
            .part("trace", &[trace.into()])
    }

    fn compile(&self, trace: bool) -> Command {
        let mut command = Command::new(&self.cxx);
        let include = &self.verilator.include;
        command.args(RUNTIME_FLAGS).arg("-I").arg(include).arg("-I").arg(include.join("vltstd"));
        for define in ["VM_COVERAGE=0", "VM_SC=0", "VM_TRACE_VCD=0"] {
            command.arg(format!("-D{define}"));
        }
        command.arg(format!("-DVM_TRACE={0}", u8::from(trace))).arg(format!("-DVM_TRACE_FST={0}", u8::from(trace)));
        command
    }

    fn build_model(&self, parts: &Parts, folder: &Path) -> Result<(), CosimError> {
        let trace = parts.trace;
        // GNU make cannot work in a folder whose name has spaces, which a cache's may have.
        let work = tempfile::Builder::new()
            .prefix("neuspin-build-")
            .tempdir()
            .map_err(|e| CosimError::io(&std::env::temp_dir(), e))?;
        let _guard = interrupt::remove(work.path());
        let write = |name: &str, contents: &str| {
            let path = work.path().join(name);
            fs::write(&path, contents).map_err(|e| CosimError::io(&path, e))
        };
        let mut verilate = Command::new(&self.verilator.program);
        verilate.current_dir(work.path()).args(VERILATE).args(["--top-module", parts.top, "-Mdir", "obj"]);
        if trace {
            verilate.arg("--trace-fst");
        }
        for (name, contents) in parts.sources {
            write(name, contents)?;
            verilate.arg(name);
        }
        write("pipe.h", PIPE)?;
        write("harness.cpp", parts.harness)?;
        write("dut_config.h", &parts.config)?;
        tool::run(&mut verilate)?;

        let jobs = std::thread::available_parallelism().map_or(1, |n| n.get());
        let mut harness = self.compile(trace);
        harness.current_dir(work.path()).args(["-I", "obj", "-c", "harness.cpp", "-o", "harness.o"]);
        let harness = Job::start(&mut harness)?;
        tool::run(Command::new(&self.make).current_dir(work.path().join("obj")).args([
            "-f",
            "Vdut.mk",
            &format!("-j{jobs}"),
            &format!("CXX={}", self.cxx),
            MODEL_FLAGS,
            "Vdut__ALL.a",
        ]))?;
        harness.finish()?;

        let runtime = self.runtime(trace, &work.path().join("obj/Vdut_classes.mk"))?;
        let mut link = Command::new(&self.cxx);
        link.current_dir(work.path()).args(["harness.o", "obj/Vdut__ALL.a"]).args(runtime).arg("-pthread");
        if trace {
            link.arg("-lz");
        }
        tool::run(link.arg("-o").arg(folder.join(EXECUTABLE)))?;
        Ok(())
    }

    /// Objects of Verilator's run-time library, as the makefile of a model lists them.
    fn runtime(&self, trace: bool, makefile: &Path) -> Result<Vec<PathBuf>, CosimError> {
        let text = fs::read_to_string(makefile).map_err(|e| CosimError::io(makefile, e))?;
        let names = runtime_sources(&text);
        let key = self.key(trace).part("sources", names.join(" ").as_bytes());
        let folder = self.cache.entry("runtime", key, |folder| {
            let jobs: Vec<Job> = names
                .iter()
                .map(|name| {
                    let source = self.verilator.include.join(format!("{name}.cpp"));
                    let object = folder.join(format!("{name}.o"));
                    Job::start(self.compile(trace).arg("-c").arg(source).arg("-o").arg(object))
                })
                .collect::<Result<_, _>>()?;
            jobs.into_iter().try_for_each(|job| job.finish().map(drop))
        })?;
        Ok(names.iter().map(|name| folder.join(format!("{name}.o"))).collect())
    }
}

/// The header that tells `tb/harness.cpp` what it cannot see from the model's own.
fn config_header(dut: &Dut, trace: bool) -> String {
    let taps: String = dut.taps.iter().map(|tap| format!(" X({})", tap.layer)).collect();
    let more: String = dut.ports.beside().iter().map(|(port, _)| format!(" X({port})")).collect();
    format!(
        "#define DUT_IN_BITS {}\n#define DUT_TRACE {}\n#define DUT_PROGRAM {}\n#define DUT_TAPS(X){taps}\n#define DUT_MORE(X){more}\n",
        dut.ports.beat_bits(),
        u8::from(trace),
        u8::from(dut.ports.programming)
    )
}

/// Names under VM_GLOBAL_FAST and VM_GLOBAL_SLOW: one a line, each line but the last continued.
fn runtime_sources(makefile: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut inside = false;
    for line in makefile.lines() {
        let (body, more) = match line.strip_suffix('\\') {
            Some(body) => (body, true),
            None => (line, false),
        };
        if inside {
            names.extend(body.split_whitespace().map(String::from));
            inside = more;
        } else {
            inside = more && (body.starts_with("VM_GLOBAL_FAST") || body.starts_with("VM_GLOBAL_SLOW"));
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_run_time_library_is_read_from_a_models_makefile() {
        let text = "VM_CLASSES_SLOW += \\\n\tVdut__Syms \\\n\nVM_GLOBAL_FAST += \\\n\tverilated \\\n\tverilated_threads \\\n\n\
                    VM_GLOBAL_SLOW += \\\n\n# End\n";
        assert_eq!(runtime_sources(text), ["verilated", "verilated_threads"]);
    }
}
