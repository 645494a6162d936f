"""The documentation site: it builds without a warning, and a reader's browser fetches nothing from elsewhere."""

import html
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
FETCHED = re.compile(
    r"""<(?:script|img|iframe|source|video|audio)\b[^>]*\bsrc=["']?((?:https?:)?//[^\s"'>]+)
      | <link\b(?![^>]*\brel=["']?canonical)[^>]*\bhref=["']?((?:https?:)?//[^\s"'>]+)
      | url\(["']?((?:https?:)?//[^\s"')]+) | @import\s+["']((?:https?:)?//[^"']+)""",
    re.VERBOSE,
)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", f"--site-dir={folder}"]
    quiet = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=REPOSITORY, env=quiet, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    return folder


def article(page):
    text = page.read_text("utf-8")
    return text[text.index("<article") : text.index("</article>")]


def test_every_document_is_a_page_and_the_readme_is_the_first(site):
    documents = {path.stem for path in (REPOSITORY / "docs").glob("*.md")}
    pages = {path.stem for path in site.glob("*.html")}
    assert pages == documents | {"index", "contributing", "changelog", "404"}
    assert "with as few" in article(site / "index.html")
    assert 'href="own-folder.html"' in article(site / "index.html")
    assert 'href="index.html#what-it-may-be-used-for"' in article(site / "security.html")


def test_no_markup_is_left_as_text(site):
    for page in site.glob("*.html"):
        if page.stem == "404":
            continue
        for paragraph in re.findall(r"<(?:p|li|td)>(.*?)</(?:p|li|td)>", article(page), re.DOTALL):
            text = re.sub(r"<[^>]+>", "", re.sub(r"<code>.*?</code>", "", paragraph, flags=re.DOTALL))
            assert not re.search(r"\n\s*(?:[-*|]|\d\.) |\]\(|\*\*|`|:(?:func|class|attr|mod):", html.unescape(text)), (
                page.name,
                text,
            )


def test_the_api_has_signatures_shapes_and_errors(site):
    text = article(site / "api.html")
    for name in (
        "whosame.clustering.cluster",
        "whosame.evaluation.evaluate_retrieval",
        "whosame.memory.LabelMemory",
        "whosame.simulation.simulate",
        "whosame.strategies.base.Strategy",
        "whosame.testing.check_strategy",
    ):
        assert f'id="{name}"' in text
    assert "int64[N]" in text
    assert "InputError" in text


def test_the_path_of_a_pair_names_modules_that_exist():
    drawn = (REPOSITORY / "docs" / "pictures" / "path-of-a-pair.dot").read_text("utf-8")
    named = re.findall(r"(?:[a-z_]+/)+(?:[a-z_]+\.py)?", drawn.replace("docs/pictures/", ""))
    assert len(named) > 20
    assert [path for path in named if not (REPOSITORY / "src" / "whosame" / path).exists()] == []


def test_no_file_names_anything_to_fetch_from_elsewhere(site):
    for path in site.rglob("*"):
        if path.suffix in {".html", ".css"}:
            assert FETCHED.findall(path.read_text("utf-8")) == [], path


def test_read_from_the_disk_it_fetches_nothing_and_finds_words(site, browser):
    page = browser.new_page()
    requested, errors = [], []
    page.on("request", lambda request: requested.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    for name in ("architecture.html", "index.html"):
        page.goto((site / name).as_uri())
    page.get_by_role("textbox", name="Search").fill("reciprocal")
    page.locator(".md-search-result__link").first.wait_for(timeout=20_000)
    page.close()
    assert [url for url in requested if not url.startswith(("file:", "data:", "blob:", "about:"))] == []
    assert errors == []
