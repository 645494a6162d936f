"""What the documents tell people to install and type: extras leave the checkout in place, nothing warns in vain."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
TEXTS = [
    path
    for pattern in ("*.md", "Makefile", "docs/*.md", "conf/**/*.yml", "src/**/*.py")
    for path in REPOSITORY.glob(pattern)
]


def test_an_extra_never_replaces_the_checkout_by_a_copy():
    lines = [line for path in TEXTS for line in path.read_text().splitlines() if "pip install" in line]
    own = [line for line in lines if re.search(r"pip install[^#&]*?['\" ]\.", line)]
    assert any(".[viz]" in line for line in own)
    assert [line for line in own if "--editable" not in line] == []
    for line in own:
        assert set(re.findall(r"\.\[(\w+)\]", line)) <= set(PROJECT["optional-dependencies"])


def test_no_package_index_is_asked_for_this_project():
    """It is on none: whoever took the name there would be installed."""
    for path in TEXTS:
        assert not re.search(r"pip install[^\n]*[ '\"]whosame\b", path.read_text()), path


def test_no_option_of_kedro_that_warns_is_recommended():
    assert [path for path in TEXTS if path.name != "CHANGELOG.md" and "kedro run --pipeline=" in path.read_text()] == []


def test_programs_that_kedro_starts_warn_of_nothing_between_their_packages():
    starting = "import subprocess, sys; from whosame.telemetry import hush; hush(); "
    starting += "subprocess.run([sys.executable, '-c', 'import starlette.middleware.wsgi'], check=True)"
    assert subprocess.run([sys.executable, "-c", starting], capture_output=True, check=True).stderr == b""
