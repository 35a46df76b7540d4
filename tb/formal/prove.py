"""Proves the blocks of the AXI wrapper with Yosys and an SMT solver, and refutes broken variants of them.

    prove.py NEUSPIN WORK [NAME...]     the command, a folder for all that is made, and the blocks (all of them)

The properties of a block, NAME.v beside this file, are put before the last line of the emitted module. Inputs are free, but
for what the protocol asks of the other side. A proof has two parts: no property fails in the first clocks after power-up
(bounded model checking), and none fails after as many clocks in which all held (k-induction), so none ever fails.
"""

import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
DESIGNS = {
    "narrow": ["--axi=32", "--pe", "16,8,2", "--simd", "64,64,32", "--lanes", "4"],
    "wide": ["--axi=96", "--pe", "16,8,1", "--simd", "8,64,32", "--lanes", "2"],
}
# Of each block: the name of its module with what the properties are told, clocks of the induction, broken variants as text and
# what it becomes.
BLOCKS = {
    "skid": (
        r"ns_skid_\d+",
        2,
        {
            "the word on its way is lost": ("full_q <= (full_q | taken);", "full_q <= full_q;"),
            "the newest word overtakes": ("if (full_q) begin\n        main_q <= spare_q;", "if (full_q) begin\n        main_q <= data_i;"),
            "a word is sent while it may still change": ("wire moves = (~valid_q | ready_i);", "wire moves = 1'b1;"),
        },
    ),
    "guard": (
        r"ns_frame_guard_(?P<BEATS>\d+)x\d+",
        2,
        {
            "a late frame begins the next one": ("state_q <= 2'd2;", "state_q <= 2'd0;"),
            "an early frame is not filled up": ("state_q <= 2'd1;", "state_q <= 2'd0;"),
            "a late frame counts as good": ("(filling | ~last_i)", "filling"),
            "a frame begins without room": ("(room_i | (|beat_q))", "1'b1"),
        },
    ),
    "collect": (
        r"ns_collect_(?P<COUNT>\d+)x(?P<WIDTH>\d+)",
        2,
        {
            "takes more before the word has gone": ("(~full_q | ready_i)", "1'b1"),
            "the first one is highest": ("{data_i, words_q[255:32]}", "{words_q[223:0], data_i}"),
        },
    ),
    "split": (
        r"ns_split_(?P<COUNT>\d+)x(?P<WIDTH>\d+)(_rest_(?P<REST>\d+))?",
        2,
        {
            "last comes with every part": ("(last_i & ends)", "last_i"),
            "the word goes with its first part": ("(ready_i & ends)", "ready_i"),
        },
    ),
    "verdicts": (
        r"ns_verdicts_(?P<DEPTH>\d+)",
        2,
        {
            "the newest verdict instead of the oldest": ("bad_q[front_q]", "bad_q[back_q]"),
            "always room": ("(held_q != ", "(held_q != 5'd31 | held_q != "),
        },
    ),
    "lite": (
        r"ns_axi_lite_\d+",
        6,
        {
            "the write goes without its data": ("(aw_full_q & w_full_q & ", "(aw_full_q & "),
            "an answer is taken back": ("(w_sent_q | (w_answered_q & ~bready_i))", "w_sent_q"),
            "an answer is given twice": ("(r_sent_q | (r_answered_q & ~rready_i))", "(r_sent_q | r_answered_q)"),
            "a second address overwrites the first": ("(awake_q & ~aw_full_q)", "awake_q"),
            "some strobes write": ("(go_write & (&w_strb_q))", "(go_write & (|w_strb_q))"),
            "read and write at once": ("(wants_read & ~go_write)", "wants_read"),
            "reads wait for ever": ("(wants_read & ~go_write)", "1'b0"),
        },
    ),
}
# The whole wrapper around a core that sends whatever a core may: its design, clocks from power-up, in which a whole result comes
# out, and broken variants of its top.
TOP = (
    ["--axi=128", "--pe", "16,8,2", "--simd", "64,64,32", "--lanes", "4"],
    20,
    {
        "results have no end": ("assign m_axis_tlast = sent[128];", "assign m_axis_tlast = 1'b0;"),
        "the verdict leaves with the first record": (
            "(result_valid & result_ready & result_last)",
            "(result_valid & result_ready)",
        ),
        "a result waits for nothing": (".ready_i(m_axis_tready)", ".ready_i(1'b1)"),
    },
)
# Clocks from power-up: the queue of 16 verdicts is full after as many.
DEPTH = 20


def run(*command, cwd=None):
    return subprocess.run([str(c) for c in command], cwd=cwd, capture_output=True, text=True)


def checked(*command, cwd=None):
    done = run(*command, cwd=cwd)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def model(folder, module, text, properties, defines, others=""):
    """The block with its properties, and other modules, for the solver."""
    folder.mkdir(parents=True)
    for file in HERE.glob("*.v"):
        shutil.copy(file, folder)
    head, _, tail = text.rpartition("endmodule")
    include = f'  `include "{properties}.v"\n'
    (folder / "block.sv").write_text(f"{head}{include}endmodule{tail}{others}")
    told = " ".join(f"-D {name}={value}" for name, value in defines.items())
    script = f"read_verilog -sv -formal {told} block.sv; prep -flatten -top {module}; write_smt2 -wires block.smt2"
    checked("yosys", "-q", "-p", script, cwd=folder)
    return folder / "block.smt2"


def holds(smt2, *arguments):
    """Whether the solver finds no counterexample."""
    done = run("yosys-smtbmc", "-s", "yices", *arguments, smt2)
    if re.search("Status: passed", done.stdout, re.IGNORECASE):
        return True
    if re.search("Status: failed", done.stdout, re.IGNORECASE):
        return False
    sys.exit(f"yosys-smtbmc: {done.stdout}{done.stderr}")


def prove(work, design, file, properties, defines, clocks, mutants):
    """Proves one block and refutes its variants: what failed."""
    failed = []
    module, text = file.stem, file.read_text()
    began = time.monotonic()
    smt2 = model(work / module, module, text, properties, defines)
    for what, arguments in (("in the first clocks", ["-t", DEPTH]), ("by induction", ["-i", "-t", clocks])):
        if not holds(smt2, *arguments):
            failed.append(f"{module}: not proven {what}")
    for n, (what, (old, new)) in enumerate(mutants.items()):
        if text.count(old) != 1:
            sys.exit(f"{file}: {old!r} is there {text.count(old)} times; the variant {what!r} needs it once")
        smt2 = model(work / f"{module}_broken{n}", module, text.replace(old, new), properties, defines)
        if holds(smt2, "-t", DEPTH):
            failed.append(f"{module}: not refuted: {what}")
    proof = "proven" if not failed else "FAILED"
    print(f"{design} {module}: {proof}, {len(mutants)} broken variants, {time.monotonic() - began:.0f} s", flush=True)
    return 1 + len(mutants), failed


def core_stub(core):
    """The core's ports, with outputs that are free."""
    name, ports = core
    lines = []
    for port in ports:
        width = f"[{port['bits'] - 1}:0] "
        lines.append(f"{port['direction']} wire {width}{port['name']}")
    free = [f"  assign {p['name']} = $anyseq;" for p in ports if p["direction"] == "output"]
    return f"module {name} (\n  " + ",\n  ".join(lines) + "\n);\n" + "\n".join(free) + "\nendmodule\n"


def prove_top(work, folder, clocks, mutants):
    """The whole wrapper, with bounded model checking."""
    manifest = json.loads((folder / "manifest.json").read_text())
    axi = manifest["axi"]
    images, results = axi["images"], axi["results"]
    error = next(8 * f["byte"] for f in results["fields"] if f["name"] == "error")
    defines = {
        "BEATS": images["beats"],
        "CORE_BEATS": images["core_beats"],
        "CLASSES": results["beats"] // results["split"],
        "OUT_BEATS": results["beats"],
        "SPLIT": results["split"],
        "ERROR": error % results["bits"],
    }
    assert error // results["bits"] == results["split"] - 1, "the error stands in the last beat of a record"
    text = (folder / f"{axi['top']}.v").read_text()
    names = set(re.findall(r"^  (\w+) u_\w+ \($", text, re.MULTILINE)) - {manifest["name"]}
    blocks = "".join((folder / f"{name}.v").read_text() for name in sorted(names))
    blocks += core_stub((manifest["name"], manifest["ports"]))
    failed = []
    began = time.monotonic()
    smt2 = model(work / "top", axi["top"], text, "top", defines, blocks)
    if not holds(smt2, "-t", clocks):
        failed.append(f"{axi['top']}: not proven in the first clocks")
    for n, (what, (old, new)) in enumerate(mutants.items()):
        if text.count(old) != 1:
            sys.exit(f"{axi['top']}: {old!r} is there {text.count(old)} times; the variant {what!r} needs it once")
        smt2 = model(work / f"top_broken{n}", axi["top"], text.replace(old, new), "top", defines, blocks)
        if holds(smt2, "-t", clocks):
            failed.append(f"{axi['top']}: not refuted: {what}")
    proof = f"proven for {clocks} clocks" if not failed else "FAILED"
    print(f"whole {axi['top']}: {proof}, {len(mutants)} broken variants, {time.monotonic() - began:.0f} s", flush=True)
    return 1 + len(mutants), failed


def main():
    neuspin, work = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    wanted = sys.argv[3:] or [*BLOCKS, "top"]
    shutil.rmtree(work, ignore_errors=True)
    checks, failed, seen = 0, [], set()
    for design, arguments in DESIGNS.items():
        folder = work / design
        checked(neuspin, "generate", "digits-spindrop", "--out", folder, *arguments)
        for properties in (name for name in wanted if name != "top"):
            pattern, clocks, mutants = BLOCKS[properties]
            for file in sorted(folder.glob("ns_*.v")):
                match = re.fullmatch(pattern, file.stem)
                if match is None or file.stem in seen:
                    continue
                seen.add(file.stem)
                defines = {name: value for name, value in match.groupdict().items() if value is not None}
                if properties == "split":
                    defines.setdefault("REST", defines["COUNT"])
                count, wrong = prove(work / "proofs", design, file, properties, defines, clocks, mutants)
                checks, failed = checks + count, failed + wrong
    if "top" in wanted:
        arguments, clocks, mutants = TOP
        checked(neuspin, "generate", "digits-spindrop", "--out", work / "whole", *arguments)
        count, wrong = prove_top(work / "proofs", work / "whole", clocks, mutants)
        checks, failed = checks + count, failed + wrong
    for line in failed:
        print(line)
    print(f"{checks - len(failed)} passed, {len(failed)} failed")
    sys.exit(1 if failed or not checks else 0)


if __name__ == "__main__":
    main()
