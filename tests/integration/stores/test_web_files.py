"""Files from the web: fetched once, checked always, and never half of one."""

import hashlib
import io
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pandas as pd
import pytest

from rookery.core.task import Source
from rookery.errors import InputError, Refused, Unavailable
from rookery.stores.sources import open_source

TRAIN = b"39, State-gov, <=50K\n50, ?, >50K\n\n"
TEST = b"|1x3 Cross validator\n25, Private, <=50K.\n\n"


class Site(ThreadingHTTPServer):
    """Answers as it is told, and counts what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.pages: dict[str, bytes] = {}
        self.promised: dict[str, int] = {}  # bytes that the header says, where they are others
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        page = self.server.pages.get(self.path)
        if page is None:
            self.send_error(404)
            return
        self.send_response(200)
        length = self.server.promised.get(self.path, len(page))
        if length:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def running() -> Iterator[Site]:
    with Site() as site:
        thread = threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield site
        finally:
            site.shutdown()
            thread.join()


@pytest.fixture
def site() -> Iterator[Site]:
    with running() as made:
        made.pages = {"/x.zip": zipped(TRAIN, TEST), "/x.data": TRAIN, "/x.test": TEST}
        yield made


def zipped(train: bytes, test: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("folder/x.data", train)
        archive.writestr("folder/x.test", test)
    return packed.getvalue()


@pytest.fixture
def opened(site, tmp_path):
    """Opens the two files of the site, some keys of the source changed."""

    def opening(local=None, single=False, **changes):
        files = [
            {"name": "x.data", "sha256": sha256(TRAIN), "add": {"part": "train"}},
            {"name": "x.test", "sha256": sha256(TEST), "add": {"part": "test"}, "skip_lines": 1},
        ]
        web = {"archive": f"{site.url}/x.zip", "header": ["age", "work", "income"]}
        if single:
            web["archive"] = None
            files = [file | {"url": f"{site.url}/{file['name']}"} for file in files]
        source = Source.model_validate({"web": web | {"files": files} | changes})
        return open_source(source, tmp_path, None, tmp_path / "cache", local)

    return opening


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


EXPECTED = {
    "age": ["39", "50", "25"],
    "work": [" State-gov", " ?", " Private"],
    "income": [" <=50K", " >50K", " <=50K."],
    "part": ["train", "train", "test"],
}


@pytest.mark.parametrize("single", [False, True])
def test_the_rows_of_all_files_follow_one_another(opened, single):
    batch = opened(single=single)
    assert batch.columns == list(EXPECTED)
    assert pd.concat(batch.chunks()).to_dict("list") == EXPECTED


def test_what_was_fetched_is_not_fetched_again(opened, site):
    first, asked = opened(), list(site.asked)
    assert asked
    site.pages.clear()
    again = opened()
    assert site.asked == asked
    assert again.id == first.id
    assert pd.concat(again.chunks()).to_dict("list") == EXPECTED


def test_a_kept_file_that_was_changed_is_fetched_again(opened, site, tmp_path):
    opened()
    (kept,) = (tmp_path / "cache").rglob("x.data")
    kept.write_bytes(TRAIN[:-5])
    assert pd.concat(opened().chunks()).to_dict("list") == EXPECTED


def nothing_kept(tmp_path) -> bool:
    return not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


@pytest.mark.parametrize("single", [False, True])
def test_an_answer_that_breaks_off_is_noticed(opened, site, tmp_path, single):
    for path, page in list(site.pages.items()):
        site.pages[path], site.promised[path] = page[:-9], len(page)
    with pytest.raises(Unavailable) as caught:
        opened(single=single)
    assert site.url in caught.value.message
    assert "SOURCE_FILES" in caught.value.next
    assert nothing_kept(tmp_path)


@pytest.mark.parametrize("single", [False, True])
def test_a_short_answer_of_unknown_length_is_refused(opened, site, tmp_path, single):
    for path, page in list(site.pages.items()):
        site.pages[path], site.promised[path] = page[:-9], 0
    with pytest.raises(Refused):
        opened(single=single)
    assert nothing_kept(tmp_path)


@pytest.mark.parametrize("single", [False, True])
def test_another_content_is_refused_with_both_digests(opened, site, tmp_path, single):
    other = TRAIN.replace(b"39", b"93")
    site.pages |= {"/x.zip": zipped(other, TEST), "/x.data": other}
    with pytest.raises(Refused) as caught:
        opened(single=single)
    assert sha256(TRAIN) in caught.value.message
    assert sha256(other) in caught.value.message
    assert nothing_kept(tmp_path)


def test_an_archive_without_the_file_says_what_it_has(opened, site):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("readme.txt", "moved")
    site.pages["/x.zip"] = packed.getvalue()
    with pytest.raises(Refused) as caught:
        opened()
    assert "x.data" in caught.value.message
    assert caught.value.allowed == "readme.txt"


def test_a_page_instead_of_the_archive_is_refused(opened, site):
    site.pages["/x.zip"] = b"<html>Moved</html>"
    with pytest.raises(Refused, match="zip"):
        opened()


@pytest.mark.parametrize("gone", ["/x.zip", "server"])
def test_a_source_that_does_not_answer_is_named_with_the_way_out(opened, site, gone):
    site.pages.clear()
    if gone == "server":
        site.server_close()
    with pytest.raises(Unavailable) as caught:
        opened()
    assert f"{site.url}/x.zip" in caught.value.message
    assert "SOURCE_FILES" in caught.value.next


@pytest.mark.parametrize("below", [".", "x"])
def test_a_folder_of_copies_is_taken_instead_of_the_web(opened, site, tmp_path, below):
    folder = tmp_path / "copies"
    (folder / below).mkdir(parents=True)
    (folder / below / "x.data").write_bytes(TRAIN)
    (folder / below / "x.test").write_bytes(TEST)
    assert pd.concat(opened(local=folder).chunks()).to_dict("list") == EXPECTED
    assert site.asked == []
    (folder / below / "x.test").write_bytes(TEST + b"1, 2, 3\n")
    with pytest.raises(Refused, match="SHA-256"):
        opened(local=folder)
    (folder / below / "x.test").unlink()
    with pytest.raises(InputError, match=r"no file x\.test"):
        opened(local=folder)


def test_the_same_files_read_in_another_way_are_another_batch(opened):
    assert opened().id == opened().id
    assert opened(header=["age", "work", "wage"]).id != opened().id
