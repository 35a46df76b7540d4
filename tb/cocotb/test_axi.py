"""The AXI wrapper of a design, driven by the public cocotb extensions for AXI, against results of the golden model.

Environment: DESIGN is the folder of the design, GOLDEN the file that `neuspin evaluate --results` wrote.
"""

import importlib.util
import json
import logging
import os
import random
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiResp, AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource

DESIGN = Path(os.environ["DESIGN"])
MANIFEST = json.loads((DESIGN / "manifest.json").read_text())
GOLDEN = json.loads(Path(os.environ["GOLDEN"]).read_text())["images"]
IMAGES = MANIFEST["axi"]["images"]
RESULTS = MANIFEST["axi"]["results"]
ADDRESS = {r["name"]: 4 * r["address"] for r in MANIFEST["registers"]}
CLASSES = len(GOLDEN[0]["sum"])
BYTES = IMAGES["bits"] // 8


def emitted(kind="regs"):
    """A Python module of the design: its registers, or (axi) the frames of its streams."""
    path = DESIGN / "registers" / f"{MANIFEST['name']}_{kind}.py"
    spec = importlib.util.spec_from_file_location("regs", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pack(values):
    """The bytes of a frame: docs/axi.md, "Images"."""
    bits, each = IMAGES["value_bits"], IMAGES["values"]
    words = []
    for at in range(0, len(values), each):
        word = sum((v & (1 << bits) - 1) << j * bits for j, v in enumerate(values[at : at + each]))
        words.append(word.to_bytes(IMAGES["step"] // 8, "little"))
    if IMAGES["split"] > 1:
        groups = [words[at : at + IMAGES["split"]] for at in range(0, len(words), IMAGES["split"])]
        return b"".join(b"".join(group).ljust(BYTES, b"\0") for group in groups)
    return b"".join(word.ljust(IMAGES["collect"] * BYTES, b"\0") for word in words)


def unpack(data):
    """The records of a result frame, one a class: docs/axi.md, "Results"."""
    size = RESULTS["split"] * RESULTS["bits"] // 8
    assert len(data) == CLASSES * size, f"{len(data)} bytes of a result, not {CLASSES} x {size}"
    records = []
    for at in range(0, len(data), size):
        record = {}
        for f in RESULTS["fields"]:
            part = data[at + f["byte"] : at + f["byte"] + f["bytes"]]
            record[f["name"]] = int.from_bytes(part, "little", signed=f["signed"])
        records.append(record)
    return records


def due(image, error=0):
    """What the golden model says that an image's records are."""
    return [
        {
            "class": image["class"],
            "index": c,
            "sum": image["sum"][c],
            "sumsq": image["sumsq"][c],
            "votes": image["votes"][c],
            "error": error,
        }
        for c in range(CLASSES)
    ]


def pauses(seed, share):
    """Pauses in a share of the clocks."""
    rng = random.Random(seed)
    while True:
        yield rng.random() < share


class Bench:
    def __init__(self, dut, stalls=0.0, seed=1):
        self.dut = dut
        for name in ("cocotb", dut._name):
            logging.getLogger(name).setLevel(logging.WARNING)
        cocotb.start_soon(Clock(dut.aclk, 10, unit="ns").start())
        common = dict(reset=dut.aresetn, reset_active_level=False)
        self.source = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis"), dut.aclk, **common)
        self.sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis"), dut.aclk, **common)
        self.lite = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axil"), dut.aclk, **common)
        if stalls:
            self.source.set_pause_generator(pauses(seed, stalls))
            self.sink.set_pause_generator(pauses(seed + 1, stalls))
            w, r = self.lite.write_if, self.lite.read_if
            for n, channel in enumerate((w.aw_channel, w.w_channel, w.b_channel, r.ar_channel, r.r_channel)):
                channel.set_pause_generator(pauses(seed + 2 + n, stalls))

    async def reset(self):
        self.dut.aresetn.value = 0
        await ClockCycles(self.dut.aclk, 3)
        self.dut.aresetn.value = 1
        await RisingEdge(self.dut.aclk)

    async def results(self, count):
        return [unpack((await self.sink.recv()).tdata) for _ in range(count)]

    async def read(self, name):
        answer = await self.lite.read(ADDRESS[name], 4)
        assert answer.resp == AxiResp.OKAY, (name, answer.resp)
        return int.from_bytes(answer.data, "little")

    async def write(self, name, value):
        answer = await self.lite.write(ADDRESS[name], value.to_bytes(4, "little"))
        assert answer.resp == AxiResp.OKAY, (name, answer.resp)

    def quiet(self):
        assert self.sink.empty() and self.source.idle(), "more than was asked for"


@cocotb.test()
async def back_to_back_frames_are_exact(dut):
    """Without a pause on either side: every frame follows the one before."""
    bench = Bench(dut)
    await bench.reset()
    for image in GOLDEN:
        await bench.source.send(AxiStreamFrame(pack(image["values"])))
    assert await bench.results(len(GOLDEN)) == [due(image) for image in GOLDEN]
    await ClockCycles(dut.aclk, 200)
    bench.quiet()
    frames = [await bench.read(name) for name in ("FRAMES", "FRAMES_SHORT", "FRAMES_LONG", "IMAGES")]
    assert frames == [len(GOLDEN), 0, 0, len(GOLDEN)], frames


@cocotb.test()
async def the_emitted_helpers_speak_to_the_design(dut):
    """Frames by the design's own Python module, and its records by it."""
    bench = Bench(dut)
    await bench.reset()
    helpers = emitted("axi")
    for image in GOLDEN:
        assert helpers.pack(image["values"]) == pack(image["values"])
        await bench.source.send(AxiStreamFrame(helpers.pack(image["values"])))
    for image in GOLDEN:
        assert helpers.unpack(bytes((await bench.sink.recv()).tdata)) == due(image)


@cocotb.test()
async def stalls_everywhere_and_registers_meanwhile(dut):
    """Random pauses on all channels; registers are read and written while images flow."""
    bench = Bench(dut, stalls=0.6, seed=7)
    await bench.reset()
    regs = emitted()
    seen = []

    async def host():
        rng = random.Random(5)
        writable = [r for r in regs.REGISTERS.values() if r.access == "rw"]
        value = {r.name: r.reset for r in writable}
        while len(seen) < 60:
            r = rng.choice(writable)
            # PASSES, CODE and ROOT wait for a restart, so they may change while images are in flight.
            if rng.random() < 0.5:
                new = rng.randrange(1, 8) if r.name == "PASSES" else rng.randrange(1 << r.fields[0].bits)
                await bench.write(r.name, new)
                value[r.name] = new
            found = await bench.read(r.name)
            assert found == value[r.name], (r.name, found, value[r.name])
            assert await bench.read("ID") == 0x4E53504E
            seen.append(r.name)

    task = cocotb.start_soon(host())
    for image in GOLDEN:
        await bench.source.send(AxiStreamFrame(pack(image["values"])))
    assert await bench.results(len(GOLDEN)) == [due(image) for image in GOLDEN]
    await task
    bench.quiet()


@cocotb.test()
async def malformed_frames_are_marked_and_harm_no_other(dut):
    """Short ones of every length, long ones, between good ones."""
    bench = Bench(dut, stalls=0.3, seed=11)
    await bench.reset()
    rng = random.Random(3)
    expected, short, long = [], 0, 0
    for n, image in enumerate(GOLDEN):
        data = pack(image["values"])
        kind = image.get("cut")
        if kind is not None:
            # The golden model was given the image with zeros from there on.
            await bench.source.send(AxiStreamFrame(data[: kind * BYTES]))
            short += 1
        elif n % 5 == 3:
            await bench.source.send(AxiStreamFrame(data + rng.randbytes(BYTES * rng.randrange(1, 20))))
            long += 1
        else:
            await bench.source.send(AxiStreamFrame(data))
        expected.append(due(image, int(kind is not None or n % 5 == 3)))
    assert short >= 3 and long >= 2, (short, long)
    assert await bench.results(len(GOLDEN)) == expected
    frames = [await bench.read(name) for name in ("FRAMES", "FRAMES_SHORT", "FRAMES_LONG")]
    assert frames == [len(GOLDEN), short, long], frames


@cocotb.test()
async def reset_in_mid_frame(dut):
    """A reset in the middle of a frame, with results on their way: the frames after it are as after power-up."""
    bench = Bench(dut)
    await bench.reset()
    for clocks in (37, 301, 640, 1009):
        for image in GOLDEN[:6]:
            await bench.source.send(AxiStreamFrame(pack(image["values"])))
        await ClockCycles(dut.aclk, clocks)
        dut.aresetn.value = 0
        await ClockCycles(dut.aclk, 2)
        bench.source.clear()
        bench.sink.clear()
        dut.aresetn.value = 1
        await RisingEdge(dut.aclk)
        for image in GOLDEN[:4]:
            await bench.source.send(AxiStreamFrame(pack(image["values"])))
        assert await bench.results(4) == [due(image) for image in GOLDEN[:4]], clocks
        assert await bench.read("FRAMES") == 4
        bench.quiet()


@cocotb.test()
async def a_frame_torn_by_a_reset_is_a_short_one(dut):
    """A source that does not see the reset goes on with its frame: its rest is a short frame, the next one is right."""
    bench = Bench(dut)
    await bench.reset()
    whole = GOLDEN[1]
    rest = pack(GOLDEN[0]["values"])[BYTES:]
    await bench.source.send(AxiStreamFrame(rest))
    await bench.source.send(AxiStreamFrame(pack(whole["values"])))
    found = await bench.results(2)
    assert [r[0]["error"] for r in found] == [1, 0]
    assert found[1] == due(whole)
    assert await bench.read("FRAMES_SHORT") == 1


@cocotb.test()
async def registers_answer_as_described(dut):
    """Every address: what there is has its value after reset, what there is not gives DECERR; strobes and read-only by rule."""
    bench = Bench(dut, stalls=0.2, seed=23)
    await bench.reset()
    await ClockCycles(dut.aclk, 4000)
    regs = emitted().REGISTERS
    by_offset = {r.offset: r for r in regs.values()}
    for at in list(range(0, 0x420, 4)) + [0x7FC, 0xFFC]:
        answer = await bench.lite.read(at, 4)
        if at not in by_offset:
            assert answer.resp == AxiResp.DECERR, hex(at)
            continue
        r = by_offset[at]
        assert answer.resp == AxiResp.OKAY, r.name
        if not r.volatile:
            assert int.from_bytes(answer.data, "little") == r.reset, (r.name, answer)
    # Not there; read only.
    word = (5).to_bytes(4, "little")
    assert (await bench.lite.write(0x3FC, word)).resp == AxiResp.DECERR
    assert (await bench.lite.write(0x800, word)).resp == AxiResp.DECERR
    for r in regs.values():
        if r.access == "ro":
            assert (await bench.lite.write(r.offset, word)).resp == AxiResp.SLVERR, r.name
    # Part of a word is refused and changes nothing.
    await bench.write("PASSES", 3)
    assert (await bench.lite.write(ADDRESS["PASSES"], b"\x07")).resp == AxiResp.SLVERR
    assert (await bench.lite.write(ADDRESS["PASSES"] + 2, b"\x07\x00")).resp == AxiResp.SLVERR
    assert await bench.read("PASSES") == 3
    # Nobody reads or writes past the address: a core's register is not found at its address plus 0x400.
    assert (await bench.lite.write(ADDRESS["PASSES"] + 0x400, word)).resp == AxiResp.DECERR
    assert await bench.read("PASSES") == 3


@cocotb.test()
async def a_restart_changes_passes(dut):
    """PASSES and CONTROL over AXI4-Lite: the votes of an image are as many as passes."""
    bench = Bench(dut)
    await bench.reset()
    await bench.write("PASSES", 5)
    await bench.write("CONTROL", 1)
    while await bench.read("STATUS") & 2:
        pass
    await bench.source.send(AxiStreamFrame(pack(GOLDEN[0]["values"])))
    [found] = await bench.results(1)
    assert sum(record["votes"] for record in found) == 5, found
    await bench.write("PASSES", GOLDEN[0]["passes"])
    await bench.write("CONTROL", 1)
    while await bench.read("STATUS") & 2:
        pass
    await bench.source.send(AxiStreamFrame(pack(GOLDEN[0]["values"])))
    assert await bench.results(1) == [due(GOLDEN[0])]


@cocotb.test(skip="PROGRAM_ADDRESS" not in ADDRESS)
async def weights_are_written_and_read_back(dut):
    """The programming port behind its registers: another weight, other results; the old one again, the golden results again."""
    bench = Bench(dut, stalls=0.2, seed=31)
    await bench.reset()

    async def access(at, word=None):
        await bench.write("PROGRAM_ADDRESS", at)
        await bench.write("PROGRAM_READ" if word is None else "PROGRAM_DATA", word or 0)
        while (status := await bench.read("PROGRAM_STATUS")) & 1:
            pass
        return await bench.read("PROGRAM_DATA"), status >> 1

    async def images():
        await bench.write("CONTROL", 1)
        while await bench.read("STATUS") & 2:
            pass
        for image in GOLDEN[:4]:
            await bench.source.send(AxiStreamFrame(pack(image["values"])))
        return await bench.results(4)

    golden = [due(image) for image in GOLDEN[:4]]
    assert await images() == golden
    # The first words of the first region are weights of the first layer.
    old = [(await access(at))[0] for at in range(4)]
    for at, word in enumerate(old):
        assert await access(at, word ^ 0xFFFF0000) == (word ^ 0xFFFF0000, 0), at
    assert [(await access(at))[0] for at in range(4)] == [word ^ 0xFFFF0000 for word in old]
    assert await images() != golden
    for at, word in enumerate(old):
        assert await access(at, word) == (word, 0)
    assert await images() == golden
    assert (await access(0xFFFF_FFF0))[1] == 1
    assert (await access(0))[1] == 0

    # While an access waits for an image in flight, another one is refused, and the first one is done.
    await bench.write("PROGRAM_ADDRESS", 1)
    await bench.source.send(AxiStreamFrame(pack(GOLDEN[4]["values"])))
    while not await bench.read("STATUS") & 1:
        pass
    await bench.write("PROGRAM_DATA", old[1])
    word = (7).to_bytes(4, "little")
    for name in ("PROGRAM_DATA", "PROGRAM_ADDRESS", "PROGRAM_READ"):
        assert (await bench.lite.write(ADDRESS[name], word)).resp == AxiResp.SLVERR, name
    while await bench.read("PROGRAM_STATUS") & 1:
        pass
    assert await bench.read("PROGRAM_ADDRESS") == 1 and await bench.read("PROGRAM_DATA") == old[1]
    assert await bench.results(1) == [due(GOLDEN[4])]
