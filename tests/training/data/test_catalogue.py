"""Downloads go on where they stopped and are verified; `ghostnote data` shows what it found."""

import hashlib
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from cli.main import run
from ghostnote.errors import InputError, MissingError
from training.data import catalogue
from training.data.catalogue import CATALOGUE, Entry, download, find_entry

BODY = bytes(range(256)) * 4000
SIZE = len(BODY)
DIGEST = hashlib.sha256(BODY).hexdigest()


@dataclass
class Site:
    """What the local server does, and the Range headers that it was sent."""

    url: str = ""
    resumes: bool = True
    cut: int | None = None
    """Close the connection after this many bytes."""
    ranges: list[str | None] = field(default_factory=list)


@pytest.fixture
def site():
    state = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            state.ranges.append(self.headers["Range"])
            if self.path != "/set.zip":
                return self.send_error(404)
            start = 0
            if state.resumes and self.headers["Range"]:
                start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
            if start >= len(BODY):
                return self.send_error(416)
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(BODY) - start))
            self.end_headers()
            self.wfile.write(BODY[start : state.cut])

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        state.url = f"http://127.0.0.1:{server.server_port}/set.zip"
        yield state
        server.shutdown()
        thread.join()


def entry(site, sha256=DIGEST, size=SIZE):
    return Entry("set", "A set", "CC0", site.url, size, sha256)


def ignore(have, total):
    del have, total


def test_a_download_is_verified_and_its_progress_told(site, tmp_path):
    steps = []
    path, digest = download(entry(site), tmp_path / "new", lambda have, total: steps.append((have, total)))
    assert path == tmp_path / "new" / "set.zip" and path.read_bytes() == BODY and digest == DIGEST
    assert steps[-1] == (len(BODY), len(BODY)) and steps == sorted(steps)
    assert [file.name for file in path.parent.iterdir()] == ["set.zip"]


def test_a_broken_download_goes_on_where_it_stopped(site, tmp_path):
    site.cut = 300_000
    with pytest.raises(MissingError, match=r"300,000 of 1,024,000 bytes.*run again"):
        download(entry(site), tmp_path, ignore)
    site.cut = None
    path, _ = download(entry(site), tmp_path, ignore)
    assert path.read_bytes() == BODY
    assert site.ranges == [None, "bytes=300000-"]


def test_a_server_that_cannot_resume_sends_all_of_it_again(site, tmp_path):
    (tmp_path / "set.zip.part").write_bytes(BODY[:1000])
    site.resumes = False
    assert download(entry(site), tmp_path, ignore)[0].read_bytes() == BODY


def test_a_part_that_is_already_whole_is_accepted(site, tmp_path):
    (tmp_path / "set.zip.part").write_bytes(BODY)
    assert download(entry(site), tmp_path, ignore)[0].read_bytes() == BODY


def test_a_finished_file_is_not_fetched_again(site, tmp_path):
    (tmp_path / "set.zip").write_bytes(BODY)
    assert download(entry(site), tmp_path, ignore)[1] == DIGEST
    assert not site.ranges


@pytest.mark.parametrize("name", ["set.zip.part", "set.zip"])
def test_a_wrong_checksum_is_told_and_the_file_set_aside(site, tmp_path, name):
    (tmp_path / name).write_bytes(b"x" * len(BODY))
    with pytest.raises(InputError, match=DIGEST):
        download(entry(site), tmp_path, ignore)
    assert [file.name for file in tmp_path.iterdir()] == ["set.zip.corrupt"]


def test_without_a_known_checksum_the_computed_one_is_returned(site, tmp_path):
    assert download(entry(site, sha256=None), tmp_path, ignore)[1] == DIGEST


def test_an_unreachable_address_is_named(site, tmp_path):
    lost = Entry("set", "A set", "CC0", site.url + "x", 1, None)
    with pytest.raises(MissingError, match="Not Found"):
        download(lost, tmp_path, ignore)


def test_a_full_disk_is_told_before_the_download(site, tmp_path):
    with pytest.raises(InputError, match="free"):
        download(entry(site, size=1 << 60), tmp_path, ignore)
    assert not site.ranges


def test_an_unknown_corpus_is_answered_with_the_names():
    with pytest.raises(InputError, match="groove"):
        find_entry("grove")


def test_the_list_shows_every_corpus_with_licence_address_and_checksum(capsys):
    assert run(["data", "list"]) == 0
    shown = capsys.readouterr().out
    for known in CATALOGUE:
        assert all(text in shown for text in (known.name, known.licence, known.url, known.sha256 or "not publicly"))


@pytest.mark.parametrize(("sha256", "verdict"), [(DIGEST, "(verified)"), (None, "NOT verified")])
def test_the_command_downloads_and_tells_whether_it_verified(site, tmp_path, monkeypatch, capsys, sha256, verdict):
    monkeypatch.setattr(catalogue, "CATALOGUE", (entry(site, sha256),))
    assert run(["data", "download", "set", "--to", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert DIGEST in shown and verdict in shown
    assert (tmp_path / "set.zip").read_bytes() == BODY


def test_check_counts_and_fails_on_problems(tmp_path, capsys):
    columns = "drummer,id,style,bpm,beat_type,time_signature,midi_filename,duration,split"
    (tmp_path / "info.csv").write_text(f"{columns}\nd,d/1,rock,100,beat,4-4,gone.mid,1,train\n")
    assert run(["data", "check", "groove", str(tmp_path)]) == 1
    shown = capsys.readouterr().out
    assert "0 MIDI files" in shown and "gone.mid: listed in info.csv, but missing" in shown


def test_check_refuses_a_corpus_that_it_cannot_read(tmp_path, capsys):
    assert run(["data", "check", "lakh", str(tmp_path)]) == 2
    assert "groove" in capsys.readouterr().err
