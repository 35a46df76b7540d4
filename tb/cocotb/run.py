"""Generates designs, has the golden model say what they must send, and runs the cocotb tests on them in Icarus.

    run.py NEUSPIN WORK      the command, and a folder for all that is made
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
from cocotb_tools.check_results import get_results
from cocotb_tools.runner import get_runner
from rdl import check_rdl

HERE = Path(__file__).resolve().parent
MODEL = "digits-spindrop"
PASSES = "4"
IMAGES = 20
DESIGNS = {
    # One beat of the core an image, collected from 8 of the stream; results of 4 beats a class.
    "narrow": ["--axi=32", "--pe", "16,8,2", "--simd", "64,64,32", "--lanes", "4"],
    # Eight beats of the core an image, three in a beat of the stream; results of one and a half, so two.
    "wide": ["--axi=96", "--pe", "16,8,1", "--simd", "8,64,32", "--lanes", "2"],
    # With a programming port, of which the registers are tested.
    "writable": ["--writable", "--axi=32", "--pe", "16,8,2", "--simd", "64,64,32", "--lanes", "4"],
}
ONLY = {"writable": "weights_are_written"}

# What must be found: file, text, what it becomes, and the test that has to fail.
MUTANTS = {
    "a wrong golden value": ("golden", '"votes": [', '"votes": [1', "back_to_back"),
    "a guard that drops nothing": ("ns_frame_guard_*.v", "state_q <= 2'd2;", "state_q <= 2'd0;", "malformed_frames"),
    "an address without DECERR": ("*_axi_registers.v", "reg_there_o <= ", "reg_there_o <= 1'b1 | ", "registers_answer"),
}


def run(command, *arguments):
    done = subprocess.run([command, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command} {' '.join(map(str, arguments))}\n{done.stdout}{done.stderr}")


def golden(neuspin, folder, axi):
    """Real digits, some with zeros from a beat of the stream on, as a frame that ends there leaves them."""
    folder.mkdir(parents=True, exist_ok=True)
    run(neuspin, "evaluate", MODEL, "--limit", IMAGES, "--results", folder / "digits.json")
    images = [image["values"] for image in json.loads((folder / "digits.json").read_text())["images"]]
    values = axi["bits"] // axi["value_bits"]
    cuts = {n: 1 + n // 4 % (axi["beats"] - 1) for n in range(1, IMAGES, 4)}
    for n, cut in cuts.items():
        images[n] = [v if at < cut * values else 0 for at, v in enumerate(images[n])]
    np.save(folder / "sequence.npy", np.array(images, dtype=np.int16))
    run(neuspin, "evaluate", MODEL, "--passes", PASSES, "--data", folder / "sequence.npy", "--results", folder / "golden.json")
    found = json.loads((folder / "golden.json").read_text())
    for n, cut in cuts.items():
        found["images"][n]["cut"] = cut
    (folder / "golden.json").write_text(json.dumps(found))
    return folder / "golden.json"


def simulate(folder, design, top, expected, tests=None):
    """Runs the tests, or those that `tests` matches: number of tests, number of failures."""
    runner = get_runner("icarus")
    runner.build(
        sources=sorted(design.glob("*.v")),
        hdl_toplevel=top,
        build_args=["-g2005"],
        build_dir=folder / "build",
        timescale=("1ns", "1ps"),
        always=True,
        log_file=folder / "build.log",
    )
    log = folder / "test.log"
    results = runner.test(
        test_module="test_axi",
        hdl_toplevel=top,
        build_dir=folder / "build",
        test_dir=design,
        results_xml=str(folder / "results.xml"),
        test_filter=tests,
        seed=1,
        extra_env={
            "DESIGN": str(design),
            "GOLDEN": str(expected),
            "PYTHONPATH": str(HERE),
            "PYTHONDONTWRITEBYTECODE": "1",
            # The extension uses names that cocotb 2 is about to drop.
            "PYTHONWARNINGS": "ignore::DeprecationWarning",
        },
        timescale=("1ns", "1ps"),
        log_file=log,
    )
    ran, failed = get_results(results)
    return ran, failed


def axi(neuspin, work, name, arguments):
    """The AXI wrapper of one design: number of tests, number of failures, and what they ran on."""
    folder = work / name
    shutil.rmtree(folder, ignore_errors=True)
    design = folder / "design"
    run(neuspin, "generate", MODEL, "--passes", PASSES, "--out", design, *arguments)
    manifest = json.loads((design / "manifest.json").read_text())
    registers = check_rdl(design / "registers" / f"{manifest['name']}_regs.rdl", manifest["registers"])
    print(f"{name}: SystemRDL of {registers} registers as the manifest has them", flush=True)
    expected = golden(neuspin, folder / "golden", manifest["axi"]["images"])
    top = manifest["axi"]["top"]
    ran, failed = simulate(folder, design, top, expected, ONLY.get(name))
    if failed:
        print((folder / "test.log").read_text()[-6000:])
    print(f"{name}: {ran - failed} of {ran} tests passed", flush=True)
    return ran, failed, (folder, design, top, expected)


def finds(folder, design, top, expected, what):
    """The check of the checks: whether a test fails once the design or the golden values are broken so."""
    pattern, old, new, test = MUTANTS[what]
    broken = folder / "broken"
    shutil.rmtree(broken, ignore_errors=True)
    shutil.copytree(design, broken / "design")
    golden_file = Path(shutil.copy(expected, broken))
    [file] = [golden_file] if pattern == "golden" else (broken / "design").glob(pattern)
    text = file.read_text()
    assert text.count(old) == 1 or pattern == "golden", f"{old!r} is in {file.name} {text.count(old)} times"
    file.write_text(text.replace(old, new, 1))
    ran, failed = simulate(broken, broken / "design", top, golden_file, test)
    print(f"{top}: {what}: {'found' if failed else 'missed'} by {test}", flush=True)
    return ran == 1 and failed == 1


def main():
    neuspin, work = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    tests, failures = 0, 0
    for name, arguments in DESIGNS.items():
        ran, failed, made = axi(neuspin, work, name, arguments)
        tests, failures = tests + ran, failures + failed
        if name == "narrow" and not failed:
            tests += len(MUTANTS)
            failures += sum(not finds(*made, what) for what in MUTANTS)
    print(f"{tests - failures} passed, {failures} failed")
    sys.exit(1 if failures or not tests else 0)


if __name__ == "__main__":
    main()
