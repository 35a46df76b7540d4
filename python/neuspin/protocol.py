"""Frames, what a board says of itself, images and results as bytes (docs/protocol.md)."""

import binascii
from dataclasses import dataclass, field
from typing import Dict, List, Optional

import numpy as np

SYNC = 0xA5
HELLO, READ, WRITE, IMAGE = 0x01, 0x02, 0x03, 0x04
ANSWER = 0x80
RESULT = IMAGE | ANSWER
ERROR = 0xFF
REASONS = {
    1: "a bad CRC",
    2: "a bad length",
    3: "an unknown type",
    4: "no free buffer",
    5: "a frame cut short",
    6: "another client has the line",
}


def crc16(data: bytes) -> int:
    """CRC-16/IBM-3740."""
    return binascii.crc_hqx(data, 0xFFFF)


def reason(payload: bytes) -> str:
    """An error answer in words."""
    if not payload:
        return "an error without a code"
    return REASONS.get(payload[0], f"error {payload[0]}")


@dataclass(frozen=True)
class Frame:
    kind: int
    tag: int
    payload: bytes = b""

    def __bytes__(self) -> bytes:
        covered = bytes([self.kind, self.tag]) + len(self.payload).to_bytes(2, "little") + self.payload
        check = 0xFF ^ covered[0] ^ covered[1] ^ covered[2] ^ covered[3]
        crc = crc16(covered).to_bytes(2, "little")
        return bytes([SYNC]) + covered[:4] + bytes([check]) + self.payload + crc


class Decoder:
    """Finds frames among bytes of any kind."""

    def __init__(self) -> None:
        self.held = bytearray()
        self.damaged = 0

    def push(self, data: bytes) -> None:
        self.held += data

    def clear(self) -> None:
        self.held.clear()

    def next(self) -> Optional[Frame]:
        """The next frame, if it is there as a whole. After a damaged one the search goes on behind its sync byte."""
        while True:
            start = self.held.find(SYNC)
            del self.held[: len(self.held) if start < 0 else start]
            if len(self.held) < 6:
                return None
            kind, tag, low, high, check = self.held[1:6]
            if check != 0xFF ^ kind ^ tag ^ low ^ high:
                del self.held[:1]
                continue
            end = 6 + (low | high << 8)
            if len(self.held) < end + 2:
                return None
            payload = bytes(self.held[6:end])
            if crc16(bytes(self.held[1:5]) + payload) != self.held[end] | self.held[end + 1] << 8:
                self.damaged += 1
                del self.held[:1]
                continue
            del self.held[: end + 2]
            return Frame(kind, tag, payload)


WIDTHS = ["class", "sum", "sumsq", "votes", "passes", "probability", "squares", "entropy", "information"]


@dataclass
class Identity:
    """The answer to HELLO."""

    buffers: int
    pending: int
    signed: bool
    has_flag: bool
    fingerprint: str
    features: int
    input_bits: int
    probability_bits: int
    beat: int
    classes: int
    max_passes: int
    lanes: int
    frac_bits: int
    code_bits: int
    widths: Dict[str, int] = field(default_factory=dict)

    @classmethod
    def parse(cls, payload: bytes) -> "Identity":
        """Raises ValueError with the reason if the payload is none."""
        if not payload or payload[0] != 1:
            raise ValueError(f"it speaks version {payload[0] if payload else None} of the protocol, this client version 1")
        if len(payload) < 35:
            raise ValueError(f"an answer to HELLO of {len(payload)} bytes; version 1 has 35")
        short = lambda at: payload[at] | payload[at + 1] << 8
        found = cls(
            buffers=payload[1],
            pending=payload[2],
            signed=bool(payload[3] & 1),
            has_flag=bool(payload[3] & 2),
            fingerprint=payload[4:12].hex(),
            features=short(12),
            input_bits=payload[14],
            probability_bits=payload[15],
            beat=short(16),
            classes=short(18),
            max_passes=short(20),
            lanes=short(22),
            frac_bits=payload[24],
            code_bits=payload[25],
            widths=dict(zip(WIDTHS, payload[26:35])),
        )
        sound = (
            found.buffers > 0
            and 1 <= found.input_bits <= 16
            and found.beat > 0
            and found.features % found.beat == 0
            and found.classes > 0
            and max(found.widths.values()) <= 64
        )
        if not sound:
            raise ValueError(f"an answer to HELLO that makes no sense: {found}")
        return found

    def range(self):
        """Smallest and largest value of an input."""
        half = 1 << (self.input_bits - 1)
        return (-half, half - 1) if self.signed else (0, 2 * half - 1)

    def pack(self, values: np.ndarray) -> bytes:
        """The payload of IMAGE."""
        width = self.beat * self.input_bits
        bits = (np.asarray(values, dtype=np.int64)[:, None] >> np.arange(self.input_bits)) & 1
        # Beats that share a byte are one string of bits, else each begins with a byte.
        rows = bits.reshape(1, -1) if width < 8 and 8 % width == 0 else bits.reshape(-1, width)
        return np.packbits(rows.astype(np.uint8), axis=1, bitorder="little").tobytes()

    def result_bytes(self) -> int:
        size = lambda *names: sum((self.widths[name] + 7) // 8 for name in names)
        once = size("class", "passes", "entropy", "information") + self.has_flag
        return once + self.classes * size("sum", "sumsq", "votes", "probability", "squares")

    def unpack(self, payload: bytes) -> dict:
        """A result; fields that the design does not have are None. Raises ValueError if it is none."""
        if len(payload) != self.result_bytes():
            raise ValueError(f"a result of {len(payload)} bytes, expected {self.result_bytes()}")
        at = 0

        def take(name: str, signed: bool = False) -> Optional[int]:
            nonlocal at
            size = (self.widths[name] + 7) // 8
            at += size
            return int.from_bytes(payload[at - size : at], "little", signed=signed) if size else None

        found = {name: take(name) for name in ["class", "passes", "entropy", "information"]}
        found["flag"] = None
        if self.has_flag:
            found["flag"] = bool(payload[at])
            at += 1
        each: Dict[str, List] = {name: [] for name in ["sum", "sumsq", "votes", "probability", "squares"]}
        for _ in range(self.classes):
            for name, values in each.items():
                values.append(take(name, signed=name == "sum"))
        found.update({name: None if values[0] is None else values for name, values in each.items()})
        if found["passes"] is None:
            # Each pass votes for one class.
            found["passes"] = sum(found["votes"])
        if found["class"] >= self.classes:
            raise ValueError(f"a result of class {found['class']}; there are {self.classes}")
        return found
