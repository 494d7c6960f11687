"""The site as it is built: no link leads nowhere, nothing is fetched from elsewhere, every picture has words.

And in a browser: nothing is cut off, answers wait for a prediction, it is searched, and walked through with keys alone.
"""

import functools
import http.server
import importlib.util
import posixpath
import re
import threading
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
from books import BOOKS, LESSONS, each_lesson
from chromium import IN_BROWSER

from scripts.publish import make_site as site

# What is wider than its box: the page, code (which wraps), what it printed (which may scroll, but not on paper), and
# words of tables that stand in two lines.
CUT_OFF = """() => {
  const wide = element => element.scrollWidth > element.clientWidth, paper = matchMedia('print').matches
  const scrolls = pre => !paper && !pre.closest('.cell_input') && getComputedStyle(pre).overflowX == 'auto'
  const found = [...document.querySelectorAll('.bd-article pre')].filter(pre => wide(pre) && !scrolls(pre))
  const words = [], range = document.createRange()
  for (const cell of document.querySelectorAll('.bd-article td, .bd-article th')) {
    const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT)
    while (texts.nextNode()) for (const word of texts.currentNode.data.matchAll(/\\p{L}+/gu)) {
      range.setStart(texts.currentNode, word.index)
      range.setEnd(texts.currentNode, word.index + word[0].length)
      if (range.getClientRects().length > 1) words.push(word[0])
    }
  }
  return [...(wide(document.documentElement) ? ['the page'] : []), ...found.map(pre => pre.textContent), ...words]
}"""
# Whether what comes out of the cells that follow a Predict is seen.
SEEN = """() => [...document.querySelectorAll('blockquote')].flatMap(box => {
  const seen = [], predict = box.textContent.includes('Predict.')
  for (let cell = box.nextElementSibling; predict && cell?.matches('.cell'); cell = cell.nextElementSibling)
    seen.push(...[...cell.querySelectorAll('.cell_output')].map(output => output.checkVisibility()))
  return seen
})"""
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("sphinx_copybutton") is None, reason="the site needs the extra `docs`"),
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
    (download,) = (link for link in page.links if link.endswith(f"/{path.stem}.ipynb"))
    copy = nbformat.read(built / "notebooks" / download, 4)
    assert len(copy.cells) == len(nbformat.read(path, 4).cells)
    assert not any(cell.get("outputs") for cell in copy.cells)
    text = (built / "notebooks" / f"{path.stem}.html").read_text(encoding="utf-8")
    assert "google.colab" not in text, "nobody reads that cell here"
    assert text.count('class="cell_output') >= 20
    assert "<details>" in text, "answers are folded"


def test_the_gallery_has_a_picture_and_the_question_of_each_notebook(built, pages):
    text = (built / "docs" / "gallery.html").read_text(encoding="utf-8")
    assert sum(map(bool, pages["docs/gallery.html"].pictures)) == len(BOOKS)
    for book in (nbformat.read(path, 4) for path in BOOKS):
        assert book.cells[0].source.split("\n\n")[1].strip("*") in text
        assert sum("thumbnail" in cell.metadata.get("tags", []) for cell in book.cells) == 1


def test_a_picture_with_two_pixels_for_one_is_as_wide_as_its_output_says():
    book = nbformat.read(LESSONS[0], 4)
    cell = next(cell for cell in book.cells if "thumbnail" in cell.metadata.get("tags", []))
    cell.outputs[0].metadata["image/png"]["width"] = 150
    site.prepared(book)
    assert cell.metadata.mystnb.image.width == "150px"


def test_every_module_has_a_page_with_its_public_functions(built):
    index = (built / "docs" / "library.html").read_text(encoding="utf-8")
    for name in (name for names in site.grouped().values() for name in names):
        assert "tutorial_lib" in (built / "library" / f"{name}.html").read_text(encoding="utf-8")
        assert re.search(rf'title="{name}".*\n<td><p>.{{20}}', index), f"the library's index says what {name} is"
    assert set(site.FLOW) == {path.parent.name for path in (site.TOP / "tutorial_lib").glob("*/__init__.py")}
    text = (built / "library" / "tutorial_lib.models.equivariant.html").read_text(encoding="utf-8")
    for name in ("Graph", "neighbour_graph", "representation", "spherical_harmonics"):
        assert f'id="tutorial_lib.models.equivariant.{name}"' in text
    assert "Raises" in text


def test_pages_have_one_title_and_the_first_leads_in(built, pages):
    for name in set(pages) - {"index.html", "genindex.html", "py-modindex.html", "search.html"}:
        article = (built / name).read_text(encoding="utf-8").split("<article", 1)[1].split("</article>")[0]
        assert article.count("<h1") == 1, name
    assert not [path for path in (site.TOP / "docs").rglob("*.md") if "```{" in path.read_text(encoding="utf-8")]
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

    def test_on_no_screen_and_not_on_paper_is_anything_cut_off(self, opened, pages, address):
        window, wrong = opened(), {}
        for name in sorted(set(pages) - {"index.html"}):
            window.goto(address + name)
            for width in (1280, 768, 718, 390, 360):
                window.emulate_media(media="print" if width == 718 else "screen")  # A4 within its margins
                window.set_viewport_size({"width": width, "height": 800})
                if found := window.evaluate(CUT_OFF):
                    wrong[name, width] = found
        assert wrong == {}

    def test_code_is_copied_and_what_follows_a_predict_is_seen_when_asked_for_or_printed(self, opened, address):
        window = opened()
        for lesson in LESSONS:
            window.goto(f"{address}notebooks/{lesson.stem}.html")
            assert window.locator(".cell_input .copybtn").count() == window.locator(".cell_input").count() > 20
            assert len(seen := window.evaluate(SEEN)) >= 4
            assert not any(seen)
            window.emulate_media(media="print")
            assert all(window.evaluate(SEEN))
            window.emulate_media(media="screen")
            for summary in window.locator("details.hide summary").all():
                summary.click()
            assert all(window.evaluate(SEEN))
            window.wait_for_function("[...document.images].every(image => image.naturalWidth > 100)")
            assert window.locator("canvas").count() == 0, "atoms are stills here"

    def test_what_is_searched_is_found(self, opened):
        window = opened("search.html?q=synchronise")
        window.locator("#search-results a", has_text="From invariants back to atoms").first.wait_for(timeout=20_000)
        window.locator("#search-results a", has_text="synchronisation").first.click()
        window.wait_for_url("**/library/tutorial_lib.representations.synchronisation.html**")
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
