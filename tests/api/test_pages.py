"""The page's files, and pages of lists."""

import gzip
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from api.errors import speak_problems
from api.instants import BadPage, last_key, next_path
from api.pages import page_over
from api.static import Pages
from tests.api.conftest import InProcess

PAGE = "<!doctype html><script>hello()</script><title>Coldchain</title>"


@pytest.fixture
def built(tmp_path: Path) -> Path:
    directory = tmp_path / "dist"
    (directory / "assets").mkdir(parents=True)
    (directory / "index.html").write_text(PAGE)
    (directory / "index.html.gz").write_bytes(gzip.compress(PAGE.encode()))
    (directory / "assets" / "index-B2x9_aQk.js").write_text("hello()")
    (tmp_path / "secret.txt").write_text("secret")
    return directory


def ask(directory: Path | None, path: str, method: str = "GET", **headers: str) -> httpx.Response:
    app = Starlette()
    speak_problems(app)
    app.router.default = Pages(directory, app.router.default)
    with httpx.Client(base_url="http://desk", transport=InProcess(app)) as http:
        return http.request(method, path, headers=headers)


def test_every_address_of_the_page_is_the_page(built: Path):
    for path in ("/", "/index.html", "/points/0198c3a0", "/sign-in"):
        answer = ask(built, path)
        assert (answer.status_code, answer.text) == (200, PAGE)
        assert answer.headers["cache-control"] == "no-cache"
        assert answer.headers["content-type"].startswith("text/html")


def test_a_packed_file_is_sent_packed_to_whoever_takes_it(built: Path):
    packed = ask(built, "/", **{"accept-encoding": "gzip, br"})
    plain = ask(built, "/", **{"accept-encoding": "identity"})

    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.text == plain.text == PAGE


def test_a_file_whose_name_changes_with_its_content_is_kept_for_ever(built: Path):
    answer = ask(built, "/assets/index-B2x9_aQk.js")

    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"].startswith("text/javascript")


def test_a_file_that_is_known_already_is_not_sent_again(built: Path):
    etag = ask(built, "/").headers["etag"]

    assert ask(built, "/", **{"if-none-match": etag}).status_code == 304


def test_only_the_page_s_own_script_is_allowed_in_it(built: Path):
    policy = ask(built, "/").headers["content-security-policy"]

    assert "script-src 'self' 'sha256-" in policy
    assert "script-src 'self' 'unsafe-inline'" not in policy


@pytest.mark.parametrize("path", ["/secret.txt", "/../secret.txt", "/%2e%2e/secret.txt", "/assets/missing.js", "/a.b"])
def test_what_is_no_file_of_the_page_is_404(built: Path, path: str):
    assert ask(built, path).status_code == 404


def test_the_page_can_only_be_read(built: Path):
    assert ask(built, "/", "POST").status_code == 405
    assert ask(built, "/", "HEAD").status_code == 200


def test_without_a_built_page_there_is_none():
    assert ask(None, "/").status_code == 404


def test_a_page_of_several_subtrees_is_merged_in_order():
    shelves = {"/a/": [1, 4, 5, 9], "/b/": [2, 3, 8]}
    page, last = page_over(list(shelves), lambda path: shelves[path], lambda item: item, 4)

    assert (page, last) == ([1, 2, 3, 4], 4)
    assert page_over(["/a/"], lambda path: shelves[path], lambda item: item, 4) == ([1, 4, 5, 9], None)


def test_the_next_path_brings_back_its_key():
    path = next_path("/api/v1/x", {"place": "p", "withdrawn": True, "from": None}, [5, "id"])

    assert path.startswith("/api/v1/x?place=p&withdrawn=true&after=")
    assert last_key(path.rsplit("=", 1)[1], int, str) == (5, "id")
    with pytest.raises(BadPage):
        last_key(path.rsplit("=", 1)[1], str, int)
