"""The client against `neuspin serve`: real frames, real digits, a design simulated at its serial line.

NEUSPIN names the command.
"""

import json
import os
import socket
import subprocess
import threading

import numpy as np
import pytest

from neuspin import Board, Decoder, Frame, Identity, LostError, PortError, SilentError, TakenError, crc16

NEUSPIN = os.environ.get("NEUSPIN", "neuspin")
MODEL = "digits-spindrop"
PASSES, IMAGES = 4, 12


@pytest.fixture(scope="module")
def golden(tmp_path_factory):
    path = tmp_path_factory.mktemp("golden") / "golden.json"
    arguments = ["evaluate", MODEL, "--passes", str(PASSES), "--limit", str(IMAGES), "--results", str(path)]
    subprocess.run([NEUSPIN, *arguments], check=True, capture_output=True)
    return json.loads(path.read_text())


class Served:
    def __init__(self, *arguments):
        command = [NEUSPIN, "serve", MODEL, "--passes", str(PASSES), "--json", *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.port = json.loads(self.process.stdout.readline())["port"]

    def end(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def served():
    board = Served()
    yield board
    board.end()


def values(golden):
    return np.array([image["values"] for image in golden["images"]])


def same(found, golden):
    for name, array in [("class", found.klass), ("sum", found.sum), ("sumsq", found.sumsq), ("votes", found.votes)]:
        expected = np.array([image[name] for image in golden["images"]])
        assert np.array_equal(array, expected), name


def test_digits_are_exact_and_again_after_a_reconnect(served, golden):
    seen = []
    with Board(served.port, timeout=20) as board:
        found = board.run(values(golden), passes=PASSES, each=lambda n, fields: seen.append(n))
        assert board.identity.classes == 10
    same(found, golden)
    assert seen == list(range(IMAGES))
    assert found.mean_logits.shape == (IMAGES, 10)
    assert np.array_equal(found.mean_logits.argmax(axis=1), found.klass)
    assert np.allclose(found.agreement, [i["votes"][i["class"]] / PASSES for i in golden["images"]])
    # A client that broke off in mid-frame.
    host, _, port = served.port[6:].rpartition(":")
    with socket.create_connection((host, int(port))) as broken:
        broken.sendall(bytes(Frame(4, 1, bytes(32)))[:19])
    with Board(served.port, timeout=20) as board:
        same(board.run(values(golden), passes=PASSES), golden)


def test_an_empty_run_and_wrong_images(served, golden):
    with Board(served.port, timeout=20) as board:
        assert len(board.run(np.zeros((0, 64), dtype=int))) == 0
        with pytest.raises(ValueError, match="N x 64"):
            board.run(np.zeros((2, 63), dtype=int))
        with pytest.raises(ValueError, match="the board reads 0 to 15"):
            board.run(np.full((1, 64), 16))
        with pytest.raises(ValueError, match="integers"):
            board.run(np.zeros((1, 64)))
        with pytest.raises(ValueError, match="room for 1 to 64"):
            board.restart(passes=65)


def test_a_second_client_is_refused(served):
    with Board(served.port, timeout=20):
        with pytest.raises((TakenError, LostError), match="another client has the line"):
            Board(served.port, timeout=20)


def test_uncertainty_comes_along_and_a_lost_connection_is_taken_up(golden):
    folding = ["--pe", "8,4,1", "--simd", "32,64,16", "--lanes", "2"]
    board = Served("--uncertainty", "all", *folding)
    host, _, port = board.port[6:].rpartition(":")
    # A proxy whose first connection breaks after some bytes.
    listener = socket.create_server(("127.0.0.1", 0))
    limits = [900, None]

    def carry():
        for limit in limits:
            client, _ = listener.accept()
            there = socket.create_connection((host, int(port)))
            back = threading.Thread(target=pump, args=(there, client, None), daemon=True)
            back.start()
            pump(client, there, limit)
            for end in (there, client):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
            back.join()
            there.close()
            client.close()

    def pump(source, sink, limit):
        carried = 0
        try:
            while data := source.recv(256):
                sink.sendall(data)
                carried += len(data)
                if limit is not None and carried > limit:
                    return
        except OSError:
            pass

    threading.Thread(target=carry, daemon=True).start()
    try:
        with Board(f"tcp://127.0.0.1:{listener.getsockname()[1]}", timeout=20) as client:
            found = client.run(values(golden), passes=PASSES)
        with Board(board.port, timeout=20) as client:
            exact = client.run(values(golden), passes=PASSES)
    finally:
        board.end()
    assert len(found) == IMAGES and (found.votes.sum(axis=1) == PASSES).all()
    same(exact, golden)
    assert np.allclose(exact.probability.sum(axis=1), 1, atol=0.01)
    assert (exact.entropy >= 0).all() and exact.entropy.max() < np.log(10) + 0.01
    assert (exact.mutual_information <= exact.entropy + 0.01).all()
    assert (exact.probability_variance >= 0).all() and not exact.flag.any()


def test_ports_that_cannot_be_used_say_why():
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        with pytest.raises(SilentError, match="no answer in 0"):
            Board(f"tcp://127.0.0.1:{port}", timeout=0.3)
    with pytest.raises(PortError, match="start the board first"):
        Board(f"tcp://127.0.0.1:{port}", timeout=0.3)
    with pytest.raises(PortError, match="tcp://HOST:PORT"):
        Board("tcp://nowhere")
    with pytest.raises(PortError, match="/dev/no-such-port"):
        Board("/dev/no-such-port")


def test_frames_are_found_among_garbage_and_damaged_ones():
    assert crc16(b"123456789") == 0x29B1
    one, two = Frame(0x84, 1, bytes([0xA5] * 9)), Frame(0x84, 2)
    damaged = bytearray(bytes(Frame(0x84, 3, b"abc")))
    damaged[7] ^= 4
    decoder = Decoder()
    decoder.push(b"\xa5\x84\x00\xa5" + bytes(one) + bytes(damaged) + b"\xa5" + bytes(two))
    assert [decoder.next(), decoder.next(), decoder.next()] == [one, two, None]
    assert decoder.damaged == 1


def identity(features, beat, bits):
    head = bytes([1, 2, 0, 0]) + bytes(8) + features.to_bytes(2, "little") + bytes([bits, 0]) + beat.to_bytes(2, "little")
    return Identity.parse(head + bytes([3, 0, 8, 0, 1, 0, 4, 8, 2, 9, 17, 4, 0, 0, 0, 0, 0]))


def test_values_stand_where_the_protocol_says():
    assert identity(5, 1, 4).pack(np.array([1, 2, 3, 4, 5])) == bytes([0x21, 0x43, 0x05])
    assert identity(6, 3, 4).pack(np.array([1, 2, 3, -1, 5, 6])) == bytes([0x21, 0x03, 0x5F, 0x06])
    assert identity(4, 1, 3).pack(np.array([1, 7, -1, 4])) == bytes([1, 7, 7, 4])
    assert identity(9, 9, 1).pack(np.array([1, 0, 1, 0, 0, 0, 0, 0, 1])) == bytes([5, 1])
