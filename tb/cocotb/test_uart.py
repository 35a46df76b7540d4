"""A design at its serial line, driven by the public UART models of cocotbext-uart, bit by bit.

Written from docs/protocol.md alone. DESIGN is the folder of a design generated with --uart; GOLDEN a file of
`neuspin evaluate --results`: images, and what must come of them.
"""

import binascii
import json
import os
import random
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, SimTimeoutError, with_timeout
from cocotbext.uart import UartSink, UartSource

DESIGN = json.loads((Path(os.environ["DESIGN"]) / "manifest.json").read_text())
GOLDEN = json.loads(Path(os.environ["GOLDEN"]).read_text())
PERIOD_NS = 10
DIVISOR = DESIGN["uart"]["rate"]["divisor"]
# As many bit times as the protocol says that a broken frame lives at least, and some more.
PAUSE = 2048 * DIVISOR + 200
HELLO, READ, WRITE, IMAGE = 1, 2, 3, 4
RESULT, ERROR = 0x84, 0xFF


def frame(kind, tag, payload=b""):
    head = bytes([kind, tag]) + len(payload).to_bytes(2, "little")
    check = 0xFF
    for byte in head:
        check ^= byte
    crc = binascii.crc_hqx(head + payload, 0xFFFF)
    return b"\xa5" + head + bytes([check]) + payload + crc.to_bytes(2, "little")


class Line:
    """Both ends of the line."""

    def __init__(self, dut):
        self.dut = dut
        cocotb.start_soon(Clock(dut.clk_i, PERIOD_NS, unit="ns").start())
        baud = 1_000_000_000 // (PERIOD_NS * DIVISOR)
        self.source = UartSource(dut.uart_rx_i, baud=baud, bits=8)
        self.sink = UartSink(dut.uart_tx_o, baud=baud, bits=8)

    async def reset(self):
        self.dut.rst_ni.value = 0
        await ClockCycles(self.dut.clk_i, 5)
        self.sink.clear()
        self.dut.rst_ni.value = 1
        await ClockCycles(self.dut.clk_i, 5)

    async def send(self, data):
        await self.source.write(data)

    async def sent(self):
        await self.source.wait()

    async def byte(self):
        return (await self.sink.read(count=1))[0]

    async def receive(self, timeout_ns=5_000_000):
        """The next frame; anything but a right one fails the test."""

        async def whole():
            head = bytes([await self.byte() for _ in range(6)])
            assert head[0] == 0xA5, f"sync {head[0]:#x}"
            check = 0xFF
            for byte in head[1:5]:
                check ^= byte
            assert check == head[5]
            body = bytes([await self.byte() for _ in range(int.from_bytes(head[3:5], "little") + 2)])
            assert binascii.crc_hqx(head[1:5] + body[:-2], 0xFFFF) == int.from_bytes(body[-2:], "little"), "CRC"
            return head[1], head[2], body[:-2]

        return await with_timeout(whole(), timeout_ns, "ns")

    async def ask(self, kind, tag, payload=b""):
        await self.send(frame(kind, tag, payload))
        found = await self.receive()
        assert found[:2] == (kind | 0x80, tag), found
        return found[2]

    async def read(self, address, tag=7):
        return int.from_bytes(await self.ask(READ, tag, bytes([address])), "little")

    async def write(self, address, value, tag=8):
        return int.from_bytes(await self.ask(WRITE, tag, bytes([address]) + value.to_bytes(4, "little")), "little")

    async def start(self):
        """Golden's passes, streams from their beginning."""
        assert await self.write(0x03, GOLDEN["passes"]) == GOLDEN["passes"]
        await self.write(0x01, 1)
        while await self.read(0x02):
            pass


class Hello:
    def __init__(self, payload):
        assert payload[0] == 1 and len(payload) == 35
        number = lambda at, size: int.from_bytes(payload[at : at + size], "little")
        self.buffers, self.pending = payload[1], payload[2]
        self.features, self.bits, self.beat = number(12, 2), payload[14], number(16, 2)
        self.classes, self.most_passes, self.lanes = number(18, 2), number(20, 2), number(22, 2)
        names = ["class", "sum", "sumsq", "votes", "passes", "probability", "squares", "entropy", "information"]
        self.widths = dict(zip(names, payload[26:35]))

    def pack(self, values):
        """Beats whose width divides 8 or is a multiple of it: one string of bits."""
        width = self.beat * self.bits
        assert 8 % width == 0 or width % 8 == 0, "choose another folding for this test"
        text = sum((value & ((1 << self.bits) - 1)) << (n * self.bits) for n, value in enumerate(values))
        return text.to_bytes((len(values) * self.bits + 7) // 8, "little")

    def unpack(self, payload):
        at = 0

        def field(name, signed=False):
            nonlocal at
            size = (self.widths[name] + 7) // 8
            value = int.from_bytes(payload[at : at + size], "little", signed=signed)
            at += size
            return value

        found = {"class": field("class"), "sum": [], "sumsq": [], "votes": []}
        for _ in range(self.classes):
            found["sum"].append(field("sum", signed=True))
            found["sumsq"].append(field("sumsq"))
            found["votes"].append(field("votes"))
        assert at == len(payload), (at, len(payload))
        return found


def same(found, image):
    expected = GOLDEN["images"][image]
    for name, value in found.items():
        assert value == expected[name], f"image {image}, {name}: {value}, expected {expected[name]}"


async def board(dut):
    line = Line(dut)
    await line.reset()
    hello = Hello(await line.ask(HELLO, 1))
    await line.start()
    return line, hello


async def stream(line, hello, count, before=lambda n: b"", first_tag=250):
    """Images 0 to count - 1 with as many outstanding as the board allows, each behind other bytes."""
    tag = lambda n: (first_tag + n) % 256
    sent = 0
    for n in range(count):
        while sent < count and sent - n < hello.buffers:
            await line.send(before(sent) + frame(IMAGE, tag(sent), hello.pack(GOLDEN["images"][sent]["values"])))
            sent += 1
        kind, found_tag, payload = await line.receive()
        assert (kind, found_tag) == (RESULT, tag(n)), (n, kind, found_tag, payload)
        same(hello.unpack(payload), n)


@cocotb.test()
async def it_says_what_it_is_and_its_registers_are_those_of_the_core(dut):
    line, hello = await board(dut)
    plan = DESIGN["plan"]
    assert hello.pending == 0 and hello.buffers == DESIGN["uart"]["buffers"]
    assert (hello.features, hello.classes) == (len(GOLDEN["images"][0]["values"]), len(GOLDEN["images"][0]["sum"]))
    assert (hello.most_passes, hello.lanes) == (plan["max_passes"], plan["lanes"])
    assert await line.read(0x00) == 0x4E53504E
    assert await line.read(0x04) == plan["max_passes"]
    assert await line.write(0x06, 0x89ABCDEF) == 0x89ABCDEF
    assert await line.read(0x06) == 0x89ABCDEF
    assert dut.ready_o.value == 1 and dut.busy_o.value == 0


@cocotb.test()
async def digits_back_to_back_come_out_as_golden_says(dut):
    line, hello = await board(dut)
    await stream(line, hello, 6)
    assert await line.read(0x0A) == 6


@cocotb.test()
async def garbage_before_and_between_frames_hides_none(dut):
    line, hello = await board(dut)
    noise = random.Random(5)

    def garbage(n):
        # Sync bytes and beginnings of headers among them.
        return [b"\xa5", b"\xa5\x04\x00", b"\xa5" * 7, bytes(noise.randrange(256) for _ in range(30))][n % 4]

    await stream(line, hello, 4, garbage)


@cocotb.test()
async def frames_that_are_wrong_are_answered_and_have_no_effect(dut):
    line, hello = await board(dut)
    packed = [hello.pack(image["values"]) for image in GOLDEN["images"]]

    async def refused(data, tag, code, kind):
        await line.send(data)
        assert await line.receive() == (ERROR, tag, bytes([code, kind])), (tag, code)

    for bit in (0, 8 * 6 + 3, 8 * 20, -1):
        wrong = bytearray(frame(IMAGE, 3, packed[0]))
        at = 8 * (len(wrong) - 1) + 7 if bit == -1 else 8 * 6 + bit
        wrong[at // 8] ^= 1 << at % 8
        await refused(bytes(wrong), 3, 1, IMAGE)
    await refused(frame(IMAGE, 4, packed[0][:-1]), 4, 2, IMAGE)
    await refused(frame(WRITE, 5, b"\x03\x01"), 5, 2, WRITE)
    await refused(frame(0x11, 6, b"ab"), 6, 3, 0x11)
    # Longer than any request: refused at its header.
    await refused(frame(IMAGE, 7, bytes(5000))[:6], 7, 2, IMAGE)
    # Cut short, at every stage.
    for length in (6, 7, 20, len(frame(IMAGE, 8, packed[0])) - 1):
        await line.send(frame(IMAGE, 8, packed[0])[:length])
        await line.sent()
        await ClockCycles(dut.clk_i, PAUSE)
        assert await line.receive() == (ERROR, 8, bytes([5, IMAGE]))
    # Half a header is no frame.
    await line.send(frame(IMAGE, 9, packed[0])[:5])
    images = await line.read(0x0A)
    assert images == 0, f"{images} images reached the core"
    await stream(line, hello, 3)


@cocotb.test()
async def images_too_many_are_refused_and_the_others_are_right(dut):
    line, hello = await board(dut)
    count = len(GOLDEN["images"])
    for n in range(count):
        await line.send(frame(IMAGE, n, hello.pack(GOLDEN["images"][0]["values"])))
    busy, results = 0, 0
    while True:
        try:
            kind, _, payload = await line.receive(timeout_ns=300_000)
        except SimTimeoutError:
            break
        if kind == ERROR:
            # Not all are told so: there is room for one such answer at a time.
            assert payload == bytes([4, IMAGE])
            busy += 1
        else:
            hello.unpack(payload)
            results += 1
    assert busy > 0 and results >= hello.buffers
    # What was refused has drawn nothing.
    assert await line.read(0x0A) == results
    await line.start()
    await stream(line, hello, 2)


@cocotb.test()
async def after_a_reset_in_mid_frame_it_starts_afresh(dut):
    line, hello = await board(dut)
    whole = frame(IMAGE, 1, hello.pack(GOLDEN["images"][3]["values"]))
    for part in (3, 15, len(whole)):
        # The last time with an image in the core, and its result on the way.
        await line.send(whole[:part])
        await line.sent()
        if part == len(whole):
            await RisingEdge(dut.busy_o) if not dut.busy_o.value else None
            while not line.sink.count():
                await ClockCycles(dut.clk_i, 50)
        await line.reset()
        # A byte that was being received when the reset came.
        await ClockCycles(dut.clk_i, 12 * DIVISOR)
        line.sink.clear()
        assert Hello(await line.ask(HELLO, 2)).pending == 0
        await line.start()
        await stream(line, hello, 2)
