"""Fetching: right files from any place, and every wrong one refused in one line."""

import gzip
import hashlib
import re
import resource
import time
import zipfile
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from mirror import (
    content,
    dripping,
    redirection,
    serve,
    silence,
    status,
    trickle,
)
from refusals import pattern_of, rows

from fetch import fetch
from scanline.data.content import raw_content
from scanline.data.fetch import fetch_files
from scanline.data.published import MNIST_FILES as FILES
from scanline.data.published import SOURCES, Source
from scanline.data.raw import Shape
from scanline.data.sources import Folder, Mirror, ZipArchive
from scanline.provenance.stage import main


@pytest.fixture
def out(tmp_path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def source(raw, *sources) -> Source:
    sums = {name: hashlib.sha256(body).hexdigest() for name, body in raw.items()}
    return Source("digits", sums, sources, Shape(4, 4, True), 10, "", "")


def held(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_mirror_gives_all(server, raw, out):
    serve(server, raw)
    fetch_files(source(raw, server.mirror), out)
    assert held(out) == raw


def test_a_folder_comes_first_raw_or_compressed(server, raw, out, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / FILES[0]).write_bytes(raw[FILES[0]])
    (folder / f"{FILES[1]}.gz").write_bytes(gzip.compress(raw[FILES[1]]))
    serve(server, raw)
    fetch_files(source(raw, server.mirror), out, folder)
    assert held(out) == raw
    assert server.requests == [f"{name}.gz" for name in FILES[2:]]


@pytest.mark.parametrize(
    ("fault", "requests", "message"),
    [
        (status(404), 1, "it answers 404 Not Found"),
        (status(503), 3, "it answers 503 Service Unavailable"),
        (silence, 3, "no answer in time"),
        (trickle, 1, "too slow: .* bytes in"),
        (content(b"<!DOCTYPE html><p>Sign in"), 1, "refused: .*gz is an HTML or XML page"),
        (content(b"Not found"), 1, "refused: .*gz is not gzip data: it starts with b'Not found'"),
        (content(gzip.compress(b"123" * 99)[:-9]), 1, r"refused: .*gz is gzip data cut short"),
        (
            content(gzip.compress(b"other")),
            1,
            "refused: train-images-idx3-ubyte from .* has sha256",
        ),
    ],
)
def test_a_mirror_that_fails_is_named_and_the_next_asked(
    server, raw, out, tmp_path, fault, requests, message
):
    serve(server, raw)
    server.answers[f"{FILES[0]}.gz"] = fault
    with pytest.raises(ValueError, match=f"no place gave .*{message}.* pass it with --folder") as e:
        fetch_files(source(raw, server.mirror), out)
    assert "\n" not in str(e.value)
    assert len(server.requests) == requests
    assert held(out) == {}
    fetch_files(source(raw, server.mirror, Folder(tmp_path / "idx")), out)
    assert held(out) == raw


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (dripping(b"HTTP/1.1 200 OK\r\nX-A: ", b"a"), "too slow: no end of an answer in 2 s"),
        (
            dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
            "too slow: no end of an answer in 1 s",
        ),
        (dripping(b"HTTP/1.1 302 Found\r\nLocation: ", b"a"), "too slow: no end of an answer"),
        (redirection(f"/{FILES[0]}.gz"), "it redirects more than 5 times"),
        (content(b"", announced=1 << 34), "gz would have 17,179,869,184 bytes, beyond"),
        (dripping(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", b"a"), "too slow: "),
    ],
    ids=["headers", "chunks", "redirection", "redirections' bodies", "length", "no length"],
)
def test_an_answer_without_end_is_given_up(server, raw, out, fault, message):
    serve(server, raw)
    server.answers[f"{FILES[0]}.gz"] = fault
    hasty = replace(server.mirror, timeout=(1.0, 0.5), patience=0.5)
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError, match=f"no place gave .*{message}"):
        fetch_files(source(raw, hasty), out)
    assert time.monotonic() - began < 30
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB
    assert held(out) == {}


@pytest.mark.parametrize("times", [1, 5])
def test_redirections_are_followed(server, raw, out, times):
    serve(server, raw)
    places = [f"{FILES[0]}.gz", *(f"{n}.gz" for n in range(times))]
    server.answers[places[-1]] = server.answers[places[0]]
    for place, further in pairwise(places):
        server.answers[place] = redirection(further)
    fetch_files(source(raw, server.mirror), out)
    assert held(out) == raw


def test_a_wrong_file_is_refused_with_both_hashes(raw, out, tmp_path):
    wrong = raw[FILES[2]][:-1] + b"?"
    (tmp_path / "idx" / FILES[2]).write_bytes(wrong)
    found, wanted = (hashlib.sha256(body).hexdigest() for body in (wrong, raw[FILES[2]]))
    with pytest.raises(ValueError, match=f"{FILES[2]} from .* has sha256 {found}; wanted {wanted}"):
        fetch_files(source(raw), out, tmp_path / "idx")
    assert FILES[2] not in held(out)


def test_no_network_says_what_was_tried(out, monkeypatch, capfd):
    # .invalid never resolves (RFC 2606); nothing listens on port 9 of the loopback.
    lost = (Mirror("http://scanline.invalid/"), Mirror("http://127.0.0.1:9/", pauses=(0.01,)))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")  # as the command sets it
    monkeypatch.setitem(SOURCES, "mnist", replace(SOURCES["mnist"], places=lost))
    row = rows()["`tests/data/test_fetch.py::test_no_network_says_what_was_tried`"]
    with pytest.raises(SystemExit) as exit_:
        main(fetch, arguments=["--source", "mnist", "--out", str(out)])
    *before, line = capfd.readouterr().err.splitlines()
    assert re.fullmatch(pattern_of(row.line), line)
    assert "http://127.0.0.1:9/ (the connection failed" in line
    assert len(before) == len(lost)
    assert exit_.value.code == row.exit
    assert held(out) == {}


def test_unknown_sources_and_folders_are_refused(out):
    with pytest.raises(ValueError, match="source is 'mnits'; allowed: mnist, fashion-mnist,"):
        fetch(source="mnits", out=out)
    with pytest.raises(ValueError, match="folder is 'nowhere', which is not an existing folder"):
        fetch(source="mnist", folder="nowhere", out=out)


def test_damaged_gzip_is_refused(tmp_path):
    body = bytearray(gzip.compress(bytes(range(256)) * 9))
    body[-8] ^= 1  # the checksum
    (tmp_path / "file.gz").write_bytes(body)
    with pytest.raises(ValueError, match=r"file.gz is damaged gzip data \(CRC"):
        raw_content(tmp_path / "file.gz")


def test_every_source_has_sums_places_and_a_card():
    for known in SOURCES.values():
        assert known.places
        assert known.licence
        assert known.citation
        sums = [each for each in known.sha256.values() if each]
        sums += [place.sha256 for place in known.places if isinstance(place, ZipArchive)]
        assert sums, f"{known.name}: nothing that comes is checked"
        assert all(re.fullmatch("[0-9a-f]{64}", each) for each in sums)


def test_an_archive_gives_its_files_and_another_one_is_refused(server, raw, out, tmp_path):
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for name, body in raw.items():
            archive.writestr(f"gzip/{name}.gz", gzip.compress(body))
    packed = (tmp_path / "all.zip").read_bytes()
    server.answers["all.zip"] = content(packed)
    mirror = replace(server.mirror, suffix="")
    sha256 = hashlib.sha256(packed).hexdigest()
    without_sums = dict.fromkeys(raw)
    for wanted in ("0" * 64, sha256):
        place = ZipArchive(mirror, "all.zip", wanted, "gzip")
        known = Source("digits", without_sums, (place,), Shape(4, 4, True), 10, "", "")
        if wanted != sha256:
            with pytest.raises(ValueError, match=f"it has sha256 {sha256}; wanted 000"):
                fetch_files(known, out)
            assert held(out) == {}
        else:
            fetch_files(known, out)
    assert held(out) == raw


def test_a_sum_may_be_that_of_the_compressed_file(server, raw, out):
    """As TensorFlow Datasets publishes them of KMNIST."""
    packed = {name: gzip.compress(body) for name, body in raw.items()}
    for name, body in packed.items():
        server.answers[f"{name}.gz"] = content(body)
    sums = {name: hashlib.sha256(body).hexdigest() for name, body in packed.items()}
    known = Source("digits", sums, (server.mirror,), Shape(4, 4, True), 10, "", "")
    fetch_files(known, out)
    assert held(out) == raw
