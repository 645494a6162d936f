"""Commands of the documents: each is understood by this version, and each is typed by a test or listed with why not.

``tests/commands.yml`` is the list: patterns of commands, as in a shell, with the test that types them or the reason. A
test that is named exists, and its module has the words, options and parameters of the commands.
"""

import ast
import re
import shlex
from fnmatch import fnmatchcase
from pathlib import Path

import click
import pytest
import yaml

from whosame.app.config.typed_parameters import declared
from whosame.cli import cli
from whosame.configuration import Configuration
from whosame.strategies import registry

REPOSITORY = Path(__file__).resolve().parents[2]
LISTED = yaml.safe_load((REPOSITORY / "tests" / "commands.yml").read_text("utf-8"))
PAGES = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
PROGRAMS = "kedro|make|python|pip|mlflow|sqlite3"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(rf"^ {{4}}(?:\$ )?((?:{PROGRAMS}) .*)$", re.MULTILINE)
INLINE = re.compile(rf"`((?:{PROGRAMS}) [^`]*)`")
PLUGINS = {"mlflow", "viz"}  # commands that Kedro's plugins bring


def indented(fence):
    """Return a fenced block of the shell's as an indented one, and nothing for another language."""
    return re.sub("^", "    ", fence[2], flags=re.MULTILINE) if fence[1] in {"", "bash", "sh"} else ""


def documented():
    """Return where each command is written, of blocks and within text, without comments; and those of blocks."""
    places, blocks = {}, set()
    for page in PAGES:
        text = page.read_text("utf-8").replace("\\\n", " ")
        text = FENCE.sub(indented, text)
        lines = [re.split(r"\s+#\s", line)[0] for line in BLOCK.findall(text)]
        lines = [" ".join(part.split()) for line in lines for part in line.split(" && ")]
        blocks |= set(lines)
        for command in lines + INLINE.findall(text):
            places.setdefault(command, page.name)
    return places, blocks


PLACES, BLOCKS = documented()
WRITTEN_OUT = sorted(command for command in PLACES if "…" not in command.removesuffix(",…"))


def words_of(command):
    return shlex.split(command.removesuffix(",…"))


@pytest.mark.parametrize("command", [line for line in WRITTEN_OUT if line.startswith("kedro ")])
def test_kedro_understands(command):
    words, group = words_of(command)[1:], cli
    if words[0] in PLUGINS:
        return
    while isinstance(group, click.Group):
        if not words:
            return  # the name of a group, in a text
        group, words = group.commands[words[0]], words[1:]
    inline = command not in BLOCKS
    try:
        context = group.make_context("documented", list(words))
    except click.MissingParameter:
        assert inline  # in a text a command may be named alone
        return
    except click.BadParameter as error:
        if "does not exist" not in error.message:  # a file of the reader's need not
            raise
        return
    for name in re.findall(r"(?:^|,)([\w.-]+)=", " ".join(word for word in words if word.startswith("--params="))[9:]):
        if not name.startswith("strategies.nearest-apart."):  # the reader's own, of docs/strategies.md
            assert declared(Configuration, name.split(".")) is not None, name
    compared = (context.params.get("strategies") or "none").split(",")
    strategies = {*compared, (context.params.get("params") or {}).get("strategy", "none")}
    assert strategies <= {*registry.names(), "nearest-apart"}
    environment = context.params.get("env")
    assert environment is None or (REPOSITORY / "conf" / environment).is_dir()


@pytest.mark.parametrize("command", [line for line in WRITTEN_OUT if line.startswith(("make ", "python "))])
def test_a_target_or_a_script_and_its_options_are_there(command):
    words = words_of(command)
    if words[0] == "make":
        targets = re.findall(r"^([\w-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
        assert words[1] in targets
        return
    if words[1] == "-m":
        return
    script = (REPOSITORY / words[1]).read_text("utf-8")
    for option in words[2:]:
        if option.startswith("--"):
            assert f'"{option.partition("=")[0]}"' in script


def entries():
    """Return (pattern, test) and (pattern, reason)."""
    typed = [(pattern, test) for test, patterns in LISTED["typed"].items() for pattern in patterns]
    return typed, [(pattern, reason) for reason, patterns in LISTED["not typed"].items() for pattern in patterns]


@pytest.mark.parametrize("command", sorted(BLOCKS))
def test_it_is_typed_by_a_test_or_listed_with_why_not(command):
    typed, untyped = entries()
    tests = [test for pattern, test in typed if fnmatchcase(command, pattern)]
    reasons = [reason for pattern, reason in untyped if fnmatchcase(command, pattern)]
    assert tests or reasons, f"{PLACES[command]}: name the test that types it in tests/commands.yml"
    for test in tests:
        source = (REPOSITORY / test.partition("::")[0]).read_text("utf-8")
        words = words_of(command)[1:]
        names = words[: 2 if words[0] in {"annotators", "answers", "models", "runs"} else 1]
        options = [word.partition("=")[0] for word in words if word.startswith("--")]
        missing = [word for word in dict.fromkeys(names + options) if word not in source]
        assert not missing, f"{test} types no {missing}"


def test_every_entry_is_of_a_command_and_a_test_that_exist():
    typed, untyped = entries()
    for pattern, _ in typed + untyped:
        assert any(fnmatchcase(command, pattern) for command in BLOCKS), pattern
    for test in {test for _, test in typed}:
        path, _, name = test.partition("::")
        functions = {
            node.name for node in ast.walk(ast.parse((REPOSITORY / path).read_text())) if hasattr(node, "name")
        }
        assert name in functions, test
