"""The site as it is built: no link leads nowhere, nothing is fetched from elsewhere, every picture has words.

And in a browser: it fits on a phone, is searched, and is walked through with keys alone.
"""

import functools
import http.server
import importlib.util
import posixpath
import threading
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
from books import each_lesson
from chromium import IN_BROWSER

from scripts.publish import make_site as site

PHONE = {"width": 360, "height": 740}
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("sphinx_book_theme") is None, reason="the site needs the extra `docs`"),
]


class Page(HTMLParser):
    """What a page points at, what may be pointed at in it, and its pictures."""

    def __init__(self, text):
        super().__init__()
        self.anchors, self.links, self.resources, self.pictures = set(), [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.anchors |= {found[name] for name in ("id", "name") if found.get(name)}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if tag == "link" and "href" in found and "stylesheet" in found.get("rel", ""):
            self.resources.append(found["href"])
        if tag in ("script", "img", "iframe", "video") and "src" in found:
            self.resources.append(found["src"])
        if tag == "img":
            self.pictures.append(found.get("alt"))


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The site, built by the one command."""
    out = tmp_path_factory.mktemp("site") / "site"
    site.build(out)
    return out


@pytest.fixture(scope="module")
def pages(built):
    paths = list(built.rglob("*.html"))
    assert len(paths) > 60
    return {path.relative_to(built).as_posix(): Page(path.read_text(encoding="utf-8")) for path in paths}


@pytest.mark.smoke
def test_no_link_leads_nowhere_and_nothing_is_fetched_from_elsewhere(built, pages):
    wrong = []
    for name, page in pages.items():
        for link in page.links + page.resources:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                if link in page.resources and parts.scheme != "data":
                    wrong.append(f"{name} fetches {link}")
                continue
            path = posixpath.join(posixpath.dirname(name), unquote(parts.path)) if parts.path else name
            target, anchor = posixpath.normpath(path), unquote(parts.fragment)
            if not (built / target).is_file() or (anchor and target in pages and anchor not in pages[target].anchors):
                wrong.append(f"{name} -> {link}")
    assert wrong == []


@each_lesson
def test_a_notebook_is_there_with_all_its_outputs_and_words_for_its_pictures(built, pages, path):
    page = pages[f"notebooks/{path.stem}.html"]
    outputs = [output for cell in nbformat.read(path, 4).cells for output in cell.get("outputs", [])]
    drawn = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(page.pictures) == len(drawn) > 2
    assert all(words and len(words) > 20 for words in page.pictures)
    text = (built / "notebooks" / f"{path.stem}.html").read_text(encoding="utf-8")
    assert "google.colab" not in text, "nobody reads that cell here"
    assert text.count('class="cell_output') >= 20
    assert "<details>" in text, "answers are folded"


def test_every_module_has_a_page_with_its_public_functions(built):
    for name in (name for names in site.grouped().values() for name in names):
        assert "tutorial_lib" in (built / "library" / f"{name}.html").read_text(encoding="utf-8")
    assert site.grouped().keys() >= {path.parent.name for path in (site.TOP / "tutorial_lib").glob("*/__init__.py")}
    text = (built / "library" / "models.equivariant.html").read_text(encoding="utf-8")
    for name in ("Graph", "neighbour_graph", "representation", "spherical_harmonics"):
        assert f'id="tutorial_lib.models.equivariant.{name}"' in text
    assert "Raises" in text


def test_pages_have_one_title_and_the_first_leads_in(built, pages):
    for name in set(pages) - {"index.html", "genindex.html", "py-modindex.html", "search.html"}:
        article = (built / name).read_text(encoding="utf-8").split("<article", 1)[1].split("</article>")[0]
        assert article.count("<h1") == 1, name
    assert 'url=docs/index.html"' in (built / "index.html").read_text(encoding="utf-8")


def test_a_link_that_leads_nowhere_stops_the_building(monkeypatch, tmp_path, capfd):
    def one_page(folder: Path) -> None:
        (folder / "docs").mkdir(parents=True)
        (folder / "docs" / "index.md").write_text("# A page\n\n[a link](nowhere.md)\n")

    monkeypatch.setattr(site, "stage", one_page)
    with pytest.raises(SystemExit, match="the site was not built"):
        site.build(tmp_path / "site")
    assert "nowhere.md" in capfd.readouterr().err


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *words):
        pass


@pytest.fixture(scope="module")
def address(built):
    """The site on loopback."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=built)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture
def opened(browser, address):
    """A function that opens a page of the site; nothing may be asked of anybody else, and nothing may go wrong."""
    windows, asked, wrong = [], [], []

    def open_(path="docs/index.html", **size):
        window = browser.new_page(viewport=size or {"width": 1200, "height": 900})
        windows.append(window)
        window.on("request", lambda request: asked.append(request.url))
        window.on("pageerror", lambda error: wrong.append(str(error)))
        window.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        window.goto(address + path)
        return window

    yield open_
    for window in windows:
        window.close()
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []
    assert wrong == []


class TestInABrowser:
    pytestmark = IN_BROWSER

    def test_every_page_fits_on_a_phone(self, opened, pages, address):
        window, wide = opened(**PHONE), {}
        for name in sorted(set(pages) - {"index.html"}):
            window.goto(address + name)
            wide[name] = window.evaluate("document.documentElement.scrollWidth")
        assert {name: width for name, width in wide.items() if width > PHONE["width"]} == {}

    def test_pictures_of_atoms_are_stills_and_are_seen(self, opened):
        window = opened("notebooks/01_invariance.html")
        pictures = window.locator(".bd-article .cell_output img")
        assert pictures.count() > 5
        for i in range(pictures.count()):
            pictures.nth(i).scroll_into_view_if_needed()
            window.wait_for_function("i => document.querySelectorAll('.cell_output img')[i].naturalWidth > 100", arg=i)
        assert window.locator("canvas").count() == 0

    def test_what_is_searched_is_found(self, opened):
        window = opened("search.html?q=synchronise")
        window.locator("#search-results a", has_text="From invariants back to atoms").first.wait_for(timeout=20_000)
        window.locator("#search-results a", has_text="synchronisation").first.click()
        window.wait_for_url("**/library/representations.synchronisation.html**")
        assert "synchronis" in window.locator("main").inner_text().lower()

    def test_it_is_walked_through_with_keys(self, opened):
        window = opened("notebooks/01_invariance.html")
        window.keyboard.press("Tab")
        assert window.evaluate("document.activeElement.textContent.trim()") == "Skip to main content"
        window.keyboard.press("Enter")
        assert window.url.endswith("#main-content")
        window.keyboard.press("ArrowRight")
        window.wait_for_url("**/notebooks/02_gram_vae.html")
        window.keyboard.press("ArrowLeft")
        window.wait_for_url("**/notebooks/01_invariance.html")
        window.keyboard.press("Control+k")
        window.wait_for_function("document.activeElement.tagName == 'INPUT'")
        window.keyboard.type("wigner")
        window.keyboard.press("Enter")
        window.wait_for_url("**/search.html?q=wigner**")
