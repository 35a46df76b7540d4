"""Generates a design with a serial port, has the golden model say what it must send, and runs test_uart in Icarus.

    uart.py NEUSPIN WORK      the command, and a folder for all that is made
"""

import shutil
import subprocess
import sys
from pathlib import Path

from cocotb_tools.check_results import get_results
from cocotb_tools.runner import get_runner

HERE = Path(__file__).resolve().parent
MODEL = "digits-spindrop"
PASSES = "4"
IMAGES = "18"
# Four clocks a bit. A small folding: the line is slow anyway, and Icarus is faster with less hardware.
DESIGN = ["--uart", "9600", "--clock", "38400", "--pe", "2,2,1", "--simd", "64,32,16"]


def run(command, *arguments):
    done = subprocess.run([command, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command} {' '.join(map(str, arguments))}\n{done.stdout}{done.stderr}")


def main():
    neuspin, work = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    design, golden = work / "design", work / "golden.json"
    run(neuspin, "generate", MODEL, "--passes", PASSES, "--out", design, *DESIGN)
    run(neuspin, "evaluate", MODEL, "--passes", PASSES, "--limit", IMAGES, "--results", golden)
    runner = get_runner("icarus")
    top = "digits_spindrop_uart"
    runner.build(
        sources=sorted(design.glob("*.v")),
        hdl_toplevel=top,
        build_args=["-g2005"],
        build_dir=work / "build",
        timescale=("1ns", "1ps"),
        always=True,
        log_file=work / "build.log",
    )
    results = runner.test(
        test_module="test_uart",
        hdl_toplevel=top,
        build_dir=work / "build",
        test_dir=design,
        results_xml=str(work / "results.xml"),
        extra_env={"DESIGN": str(design), "GOLDEN": str(golden)},
        timescale=("1ns", "1ps"),
        test_filter=sys.argv[3] if len(sys.argv) > 3 else None,
    )
    tests, failures = get_results(results)
    print(f"{tests - failures} passed, {failures} failed")
    sys.exit(1 if failures or not tests else 0)


if __name__ == "__main__":
    main()
