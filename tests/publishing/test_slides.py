"""Slides: all of a notebook is there, predictions come before their answers, and nothing is fetched or cut off."""

import html
import re
import tomllib

import nbformat
import pytest
from chromium import IN_BROWSER

from scripts.publish import make_slides as script
from scripts.publish.slides import reading
from tutorial_lib.course.runs import lessons

pytest.importorskip("sphinx_revealjs", reason="sphinx-revealjs is not installed (extra `docs`)")
LESSONS = [
    pytest.param(path, id=path.stem, marks=[pytest.mark.slow, *([pytest.mark.smoke] if path.stem[:2] == "02" else [])])
    for path in lessons([])
]
# What of a slide is cut off, and which code has to be scrolled.
CUT_OFF = """() => {
  const slide = Reveal.getCurrentSlide(), frame = slide.getBoundingClientRect(), cut = [];
  const shown = [...slide.querySelectorAll("*")].filter(part => !part.closest("aside"));
  for (const part of shown.filter(part => !part.closest("pre") || part.matches("pre"))) {
    const box = part.getBoundingClientRect();
    if (box.bottom > frame.bottom - 20 || box.right > frame.right - 20 || box.top < frame.top || box.left < frame.left)
      cut.push(`${part.tagName} reaches ${Math.round(box.right)}, ${Math.round(box.bottom)}`);
  }
  for (const part of [slide, ...shown.filter(part => part.matches("pre"))])
    if (part.scrollHeight > part.clientHeight + 1 || part.scrollWidth > part.clientWidth + 1)
      cut.push(`${part.tagName} holds ${part.scrollWidth} x ${part.scrollHeight}`);
  for (const part of shown.filter(part => part.matches("img")))
    if (part.clientHeight < 250) cut.push(`a picture is only ${part.clientHeight} high`);
  return cut;
}"""
PRINTED = """[...document.querySelectorAll(".pdf-page section")].map(slide => {
  const style = getComputedStyle(slide);
  return `${slide.offsetHeight} ${style.display} ${style.paddingLeft}`;
})"""


def plain(markup):
    """The words of a piece of HTML."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", markup)).split())


@pytest.fixture(scope="module", params=LESSONS)
def lesson(request):
    return request.param


@pytest.fixture(scope="module")
def book(lesson):
    return nbformat.read(lesson, 4)


@pytest.fixture(scope="module")
def built(lesson, tmp_path_factory):
    return script.make([lesson], tmp_path_factory.mktemp("slides"))[0]


def sections(path):
    """The slides of a deck, each as what is shown and what is the speaker's."""
    found = re.findall(r"<section .*?</section>", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    parts = [slide.partition('<aside class="notes">') for slide in found]
    return [(shown, notes) for shown, _, notes in parts]


def test_every_prediction_is_alone_on_its_slide_just_before_its_answer(book, built):
    slides = sections(built)
    assert 20 <= len(slides) <= 100
    n_predictions = 0
    for i, cell in enumerate(book.cells):
        if cell.cell_type != "markdown" or "> **Predict.**" not in cell.source:
            continue
        n_predictions += 1
        words = re.search(r"> \*\*Predict\.\*\* ([\w ,]+)", cell.source)[1].strip()
        (at,) = [j for j, (shown, _) in enumerate(slides) if f"Predict. {words}" in plain(shown)]
        assert slides[at][0].startswith('<section class="predict"')
        assert "<pre" not in slides[at][0]
        assert "<img" not in slides[at][0]
        answer = next(after.source for after in book.cells[i + 1 :] if after.cell_type == "code")
        assert [j for j, slide in enumerate(slides) if holds(slide, answer)] == [at + 1]
    assert n_predictions > 5


def holds(slide, source):
    """Whether a slide, or its notes, has the code of a cell."""
    return source.strip() in html.unescape(re.sub(r"<[^>]+>", "", "".join(slide)))


def test_every_picture_is_there_with_its_words_and_its_caption_below(book, built):
    outputs = [o for cell in book.cells for o in cell.get("outputs", []) if "image/png" in o.get("data", {})]
    drawn = {o.data["image/png"].replace("\n", ""): o.metadata.get("image/png", {}).get("alt") for o in outputs}
    text = built.read_text(encoding="utf-8")
    found = {png: alt for alt, png in re.findall(r'<img alt="([^"]+)" src="data:image/png;base64,([^"]*)">', text)}
    assert len(drawn) > 3
    assert found.keys() == drawn.keys()
    for png, alt in drawn.items():
        assert not alt or html.unescape(found[png]) == re.sub(r"\[(.+?)\]\(.+?\)", r"\1", alt)
    figures = [cell.source for cell in book.cells if cell.source.startswith("*Figure: ")]
    captions = [plain(re.search(r"\*Figure: (.{20})", figure)[1]).lower()[:15] for figure in figures]
    below = [plain(words).lower()[:15] for words in re.findall(r'class="caption">(.*)', text)]
    assert below == captions


def test_no_word_of_the_prose_is_lost(book, built):
    prose = "\n".join(cell.source for cell in book.cells if cell.cell_type == "markdown")
    lesson, _, exercises = prose.partition("\n## Exercises")
    prose = lesson + exercises.partition("\n## Sources")[2]
    prose = re.sub(r"\$\$.+?\$\$|\$[^$]+\$|\]\([^)]*\)|<[^>]+>", " ", prose, flags=re.DOTALL)
    said = " ".join(plain("".join(slide)) for slide in sections(built))
    words, kept = (set(re.findall(r"[^\W\d_]{3,}", text.lower())) for text in (prose, said))
    assert len(words) > 500
    assert words - kept <= {"figure", "answers"}


def test_of_exercises_only_titles_are_shown(book, built):
    slides = sections(built)
    prose = "\n".join(cell.source for cell in book.cells if cell.cell_type == "markdown")
    titles = re.findall(r"^\*\*(\d+\.\d+ .+?)\.?\*\*", prose, flags=re.MULTILINE)
    assert plain(slides[-1][0]) == " ".join(["Exercises", *(plain(title) for title in titles)])
    todo = [cell.source for cell in book.cells if "exercises.check_" in cell.source]
    assert len(todo) == len(titles) >= 4
    assert not any(holds(slide, source) for slide in slides for source in todo)


def test_answers_of_the_quiz_wait_for_a_key(book, built):
    quiz = [shown for shown, _ in sections(built) if 'class="quiz"' in shown]
    (cell,) = [cell.source for cell in book.cells if "<summary>Answers" in cell.source]
    asked = re.search(r"## Questions(.*?)<details>", cell, flags=re.DOTALL)[1]
    assert len(quiz) == len(re.findall(r"^\d\. ", asked, flags=re.MULTILINE))
    assert all(slide.index('class="asked"') < slide.index('class="answer fragment"') for slide in quiz)


def test_a_section_can_be_left_out(book):
    titles = list(dict.fromkeys(slide.title for slide in script.Deck(book).slides))
    shorter = script.Deck(book, [plain(titles[3]).upper()])
    assert shorter.left_out == [titles[3]]
    assert [title for title in titles if title not in {slide.title for slide in shorter.slides}] == [titles[3]]


@pytest.mark.parametrize("path", lessons([]), ids=lambda path: path.stem)
def test_the_slides_of_50_minutes_are_few_and_lead_from_the_question_to_the_plans_exercises(path):
    plans = tomllib.loads((reading.TOP / "docs" / "teaching" / "plans.toml").read_text(encoding="utf-8"))
    plan, book = plans[path.stem]["50"], nbformat.read(path, 4)
    slides = script.Deck(book, plan=plan).slides
    assert 18 <= len(slides) <= 27
    titles, kinds = list(dict.fromkeys(slide.title for slide in slides)), [slide.kind for slide in slides]
    assert [plain(title) for title in titles[1:-1]] == plan["sections"][1:]
    assert (kinds[0], kinds[1], *kinds[-2:]) == ("opening", "section", "closing", "exercises")
    assert re.findall(r"<p>(\S+)", slides[-1].body) == list(plan["exercises"])
    assert {kinds[i + 1] for i, kind in enumerate(kinds) if kind == "predict"} <= {"code", "picture"}
    said = html.unescape("".join("".join(slide.code) + slide.notes for slide in slides))
    whole = [slide for slide in script.Deck(book).slides if slide.title in titles and slide.code[:1] == ("code",)]
    assert all(slide.code[1] in said for slide in whole), "code that is on no slide is the speaker's"


def test_words_that_no_heading_has_are_said(tmp_path):
    with pytest.raises(ValueError, match="no heading has the words 'unheard of'"):
        script.make(lessons([])[:1], tmp_path, ["unheard of"])


def test_a_picture_without_words_is_refused():
    silent = nbformat.v4.new_output("display_data", {"image/png": "iVBORw0KGgo="})
    with pytest.raises(ValueError, match="a picture has no words"):
        reading.pictures(nbformat.v4.new_code_cell(outputs=[silent]))


def test_long_lines_of_output_are_wrapped_and_none_is_lost():
    line = " ".join(f"word{i}" for i in range(60))
    output = nbformat.v4.new_output("stream", name="stdout", text=f"{line}\n\n  end\n")
    text = reading.printed(nbformat.v4.new_code_cell(outputs=[output]))
    assert max(map(len, text.split("\n"))) <= 98
    assert text.split() == f"{line} end".split()
    assert text.endswith("\n\n  end")


@pytest.fixture
def opened(browser):
    """A function that opens a deck as a file; console, requests and errors are watched."""
    asked, wrong = [], []
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    context.on("request", lambda request: asked.append(request.url))
    context.on("console", lambda message: wrong.append(message.text))
    context.on("weberror", lambda error: wrong.append(str(error.error)))

    def open_(path):
        page = context.new_page()
        page.goto(path.as_uri())
        page.wait_for_function("Reveal.isReady()")
        return page

    yield open_
    context.close()
    assert [url for url in asked if not url.startswith(("file:", "data:", "about:"))] == [], "it calls somebody else"
    assert wrong == []


def walked(page):
    """Walk to the last slide by one key: what was cut off, by slide."""
    n_slides = page.evaluate("Reveal.getTotalSlides()")
    cut = {}
    for _ in range(3 * n_slides):
        cut[page.evaluate("Reveal.getSlidePastCount()")] = page.evaluate(CUT_OFF)
        if page.evaluate("Reveal.isLastSlide() && !Reveal.availableFragments().next"):
            break
        page.keyboard.press("ArrowRight")
    assert len(cut) == n_slides, "the arrow key does not lead to the end"
    return {slide: parts for slide, parts in cut.items() if parts}


class TestInABrowser:
    pytestmark = IN_BROWSER

    def test_an_arrow_key_leads_through_all_slides_and_nothing_is_cut_off(self, opened, built):
        assert walked(opened(built)) == {}

    def test_the_speakers_window_has_the_notes_and_leads(self, opened, built):
        page = opened(built)
        page.keyboard.press("ArrowRight")
        with page.expect_popup() as popup:
            page.keyboard.press("s")
        notes = popup.value.locator(".speaker-controls-notes .value")
        notes.locator("p").first.wait_for(timeout=20_000)
        assert plain(sections(built)[1][1])[:40] in " ".join(notes.inner_text().split())
        popup.value.keyboard.press("ArrowRight")
        page.wait_for_function("Reveal.getSlidePastCount() === 2", timeout=20_000)

    def test_printed_it_has_one_page_a_slide(self, opened, built, tmp_path):
        page = opened(built)
        n_slides = page.evaluate("Reveal.getTotalSlides()")
        page.goto(f"{built.as_uri()}?print-pdf")
        page.wait_for_function(f"document.querySelectorAll('.pdf-page').length === {n_slides}", timeout=30_000)
        looks = page.evaluate(PRINTED)
        assert set(looks) == {"720 flex 50px"}, "on paper a slide looks otherwise than on the screen"
        page.pdf(path=tmp_path / "deck.pdf", prefer_css_page_size=True, print_background=True)
        assert len(re.findall(rb"/Type\s*/Page\b", (tmp_path / "deck.pdf").read_bytes())) == n_slides
