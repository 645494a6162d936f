"""A strategy in somebody's own package: found by its entry point, given its parameters, and held to the contract."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import invalidate_caches
from pathlib import Path

import pytest

from whosame.errors import ParameterError
from whosame.strategies import registry

REPOSITORY = Path(__file__).resolve().parents[2]
DOCS = REPOSITORY / "docs"


@pytest.fixture
def package(tmp_path):
    """The package that docs/strategies.md describes, as an installer leaves it: files, metadata, entry points."""
    (described,) = re.findall(r"```toml\n(.*?)```", (DOCS / "strategies.md").read_text("utf-8"), re.DOTALL)
    project = tomllib.loads(described)["project"]
    ((name, target),) = project["entry-points"][registry.ENTRY_POINTS].items()
    module = tmp_path / (target.partition(":")[0].replace(".", "/") + ".py")
    module.parent.mkdir()
    (module.parent / "__init__.py").touch()
    shutil.copy(DOCS / "template_strategy.py", module)
    about = tmp_path / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    (about / "entry_points.txt").write_text(f"[{registry.ENTRY_POINTS}]\n{name} = {target}\n")
    return tmp_path


@pytest.fixture
def installed(package, monkeypatch):
    monkeypatch.syspath_prepend(package)
    invalidate_caches()
    yield
    for module in [name for name in sys.modules if name.partition(".")[0] == "my_reid"]:
        del sys.modules[module]


def test_it_is_not_there_before():
    assert "nearest-apart" not in registry.names()


def test_it_is_found_by_its_entry_point_and_given_its_parameters(installed):
    assert {"nearest-apart", "dcps"} <= set(registry.names())
    made = registry.make("nearest-apart", {"nearest-apart": {"farthest": 0.5}, "dcps": {}})
    assert type(made).__module__ == "my_reid.nearest_apart"
    assert made.config.farthest == 0.5
    assert registry.make("nearest-apart").config.farthest == 0.6


def test_its_parameters_are_checked_like_any_others(installed):
    with pytest.raises(ParameterError, match=r"did you mean 'strategies\.nearest-apart\.farthest'"):
        registry.make("nearest-apart", {"nearest-apart": {"fartest": 0.5}})
    with pytest.raises(ParameterError, match="did you mean 'nearest-apart'"):
        registry.make("nearest-appart")


def test_the_template_is_at_most_forty_lines_and_passes_the_contract_suite(package):
    assert len((DOCS / "template_strategy.py").read_text("utf-8").splitlines()) <= 40
    paths = [str(package), *filter(None, [os.environ.get("PYTHONPATH")])]
    suite = "tests/contract/test_strategies.py"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", suite, "-k", "nearest-apart", "-q", "-p", "no:cacheprovider"],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) > 50
    assert "failed" not in done.stdout
