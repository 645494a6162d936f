"""The examples in docstrings give what they show."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import whosame

ROOT = Path(whosame.__file__).parent
EXAMPLES = [
    ".".join(["whosame", *path.relative_to(ROOT).with_suffix("").parts])
    for path in sorted(ROOT.rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples(name):
    assert doctest.testmod(import_module(name)).failed == 0
