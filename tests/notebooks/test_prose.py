"""What the notebooks say: numbers that a cell computed, and terms that the glossary explains."""

import re

from books import LESSONS, NOTEBOOKS, SOLUTIONS, cells, each_lesson, each_notebook

UNITS = (
    r"%|per cent|Å[²³]?|ångströms?|degrees?(?! of freedom)|eV|meV|K|GB|MB|kB|bytes?|nats?|bits?|seconds?|minutes?|ps|fs"
)
NUMBER = re.compile(rf"(?<![\w.,^−-])(\d[\d,]*(?:\.\d+)?(?:e-?\d+)?)\s?(?:{UNITS})(?!\w)")
LIMIT = {"1 GB": "benchmarks/harness/budget.py, enforced by the suite"}
# Numbers that no cell of the notebook computes, each with what it rests on.
ALLOWED = {
    "00_ten_minutes": LIMIT,
    "01_invariance": LIMIT | {"2,048 bits": "the default of molecules.fingerprint", "8 by 8": "scikit-learn's digits"},
    "02_gram_vae": LIMIT,
    "03_synchronisation": LIMIT,
    "10_found_levels": {"5.85 meV": "U0 of QM9, K. T. Schütt et al., arXiv:2102.03150"},
}


def prose(path):
    """The markdown of a notebook, cell by cell, without formulas, code and addresses."""
    for cell in cells(path, "markdown"):
        yield re.sub(r"\$\$.*?\$\$|\$[^$]+\$|```.*?```|`[^`]*`", " ", cell.source, flags=re.DOTALL)


@each_notebook
def test_numbers_in_prose_come_from_a_cell(path):
    outputs = [output for cell in cells(path, "code") for output in cell.outputs]
    printed = "\n".join(o.get("text", "") + o.get("data", {}).get("text/plain", "") for o in outputs)
    computed = set(re.findall(r"\d[\d,]*(?:\.\d+)?(?:e-?\d+)?", printed))
    found = [match for text in prose(path) for match in NUMBER.finditer(text) if match[1] not in computed]
    assert [m[0] for m in found if " ".join(m[0].split()) not in ALLOWED.get(path.stem, {})] == []


@each_lesson
def test_every_allowance_is_used(path):
    text = " ".join(" ".join(prose(path)).split())
    assert [number for number in ALLOWED.get(path.stem, {}) if number not in text] == [], "delete the allowance"


GLOSSARY = (NOTEBOOKS / "glossary.md").read_text(encoding="utf-8").split("## glossary")[1]
HEADINGS = re.findall(r"^### (.+)$", GLOSSARY, flags=re.MULTILINE)
TERMS = {heading.replace(" ", "-"): heading for heading in HEADINGS}


def first_appearance(text, words, longer):
    """The match of a term where a text first says it, headings, addresses and longer terms left out."""
    left_out = "|".join([r"^#+ .*$", r"(?<=\])\([^)]*\)", *(re.escape(term) for term in longer)])
    blanked = re.sub(left_out, lambda m: " " * len(m[0]), text, flags=re.MULTILINE | re.IGNORECASE)
    return re.search(rf"\b{re.escape(words)}(?:s|es)?\b".replace("\\ ", r"[\s-]"), blanked, flags=re.IGNORECASE)


@each_lesson
def test_a_term_is_linked_where_it_first_appears(path):
    opening, *texts = prose(path)  # the opening's question also stands in the README, where links would break
    text, terms = "\n\n".join(texts), {slug: words for slug, words in TERMS.items() if f"#{slug})" not in opening}
    for slug, words in terms.items():
        if match := first_appearance(text, words, [term for term in terms.values() if words in term and words != term]):
            links = re.finditer(rf"\[([^\]]*)\]\((?:\.\./)?glossary\.md#{slug}\)", text)
            assert any(link.start(1) <= match.start() and match.end() <= link.end(1) for link in links), words


@each_notebook
def test_links_lead_somewhere(path):
    anchors = {"conventions", "glossary", *TERMS}
    for text in prose(path):
        for file, anchor in re.findall(r"\]\(([^)#:\s]*)(?:#([^)\s]*))?\)", text):
            target = path.parent / file if file else path
            assert target.exists(), file
            if target.name == "glossary.md" and anchor:
                assert anchor in anchors, anchor


def test_every_entry_of_the_glossary_is_linked_and_says_something():
    texts = "\n".join(text for path in LESSONS + SOLUTIONS for text in prose(path))
    assert set(TERMS) <= set(re.findall(r"glossary\.md#([\w-]+)", texts))
    entries = re.split(r"^### .+$", GLOSSARY, flags=re.MULTILINE)[1:]
    assert all(len(entry.split()) >= 8 for entry in entries)
    assert sorted(HEADINGS) == HEADINGS, "in alphabetical order"
    assert all(heading == heading.lower() for heading in HEADINGS), "two renderers make anchors of small letters alike"
