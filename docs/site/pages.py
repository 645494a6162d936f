"""Pages of the documentation site: README.md, CONTRIBUTING.md and CHANGELOG.md join those of docs/ where they are.

Links are those of the repository, so that the same text is right on a code host and on the site. Here they become links
between pages; a link to a file that is no page keeps its text.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from posixpath import normpath
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

PAGES = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
ROLE = re.compile(r":(?:func|class|attr|mod|meth):<code>~?(?:[\w.]*\.)?(\w+)</code>")  # Sphinx's, in docstrings
LINK = re.compile(r"(?P<text>\[(?:[^\]\n]|\](?!\())+\])\((?P<target>[^)\s:#]+)(?P<anchor>#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are not in docs/, and to the contents, under "More", those that mkdocs.yml does not name."""
    root = Path(config.config_file_path).parent
    for path, page in PAGES.items():
        files.append(File.generated(config, page, content=(root / path).read_text("utf-8")))
    named = set(_named(config.nav))
    if more := [file.src_uri for file in files.documentation_pages() if file.src_uri not in named]:
        config.nav.append({"More": more})
    return files


def _named(nav: Any) -> Iterator[str]:
    """Return the pages of a part of the contents."""
    if isinstance(nav, str):
        yield nav
    for part in nav.values() if isinstance(nav, dict) else nav if isinstance(nav, list) else ():
        yield from _named(part)


def on_page_markdown(markdown: str, page: Any, config: MkDocsConfig, **_: Any) -> str:
    """Turn the links of a page from paths in the repository to paths on the site."""
    root = Path(config.config_file_path).parent
    folder = "" if page.file.src_uri in PAGES.values() else "docs"
    return LINK.sub(lambda link: _on_the_site(link, folder, root), markdown)


def on_page_content(html: str, **_: Any) -> str:
    """Finish a page: roles of Sphinx are code, and a bar that a table's source escapes in code is a bar."""
    return ROLE.sub(r"<code>\1</code>", html).replace(r"\|", "|")


def _on_the_site(link: re.Match[str], folder: str, root: Path) -> str:
    """Return a link of a page in a folder of the repository as one of the site."""
    path = normpath(f"{folder}/{link['target']}") if folder else normpath(link["target"])
    if path in PAGES:
        return f"{link['text']}({PAGES[path]}{link['anchor'] or ''})"
    if path.startswith("docs/"):
        return f"{link['text']}({path.removeprefix('docs/')}{link['anchor'] or ''})"
    if (root / path).exists():
        return link["text"][1:-1]
    return link[0]
