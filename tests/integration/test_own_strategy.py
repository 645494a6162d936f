"""A strategy in a package of its own: found by its entry point, given its parameters, and checked without our checkout."""

import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from importlib import invalidate_caches
from pathlib import Path

import pytest

from whosame.errors import ParameterError
from whosame.strategies import registry

REPOSITORY = Path(__file__).resolve().parents[2]
TEMPLATE = REPOSITORY / "docs" / "template_strategy.py"
CHECK = """
import sys
whosame_wheel, mine, libraries, repository = sys.argv[1:]
sys.path[1:1] = [whosame_wheel, mine]
sys.path.append(libraries)  # not by site.py, which would follow the .pth file of an editable installation
sys.modules["pytest"] = None  # cannot be imported

import whosame
from whosame.strategies import registry
from whosame.testing import check_strategy

assert whosame.__file__.startswith(whosame_wheel), whosame.__file__
assert not any(path.startswith(repository) for path in sys.path[:-1]), sys.path
made = registry.make("nearest-apart", {"nearest-apart": {"farthest": 0.5}})
assert sys.modules[type(made).__module__].__file__.startswith(mine)
check_strategy(made)
print("passed", made.config.farthest)
"""


def install(project, folder):
    """Build a project's wheel and install it, alone, into a folder."""
    wheels = folder.with_suffix(".wheels")
    python = [sys.executable, "-m"]
    subprocess.run(
        [*python, "hatchling", "build", "-t", "wheel", "-d", str(wheels)], cwd=project, check=True, timeout=60
    )
    (wheel,) = wheels.glob("*.whl")
    offline = ["--quiet", "--no-index", "--no-deps", "--no-compile", "--disable-pip-version-check"]
    subprocess.run([*python, "pip", "install", *offline, "--target", str(folder), str(wheel)], check=True, timeout=60)
    return folder


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    """The folder in which the package that docs/strategies.md describes is installed."""
    (described,) = re.findall(r"```toml\n(.*?)```", TEMPLATE.with_name("strategies.md").read_text("utf-8"), re.DOTALL)
    ((_, target),) = tomllib.loads(described)["project"]["entry-points"][registry.ENTRY_POINTS].items()
    project = tmp_path_factory.mktemp("my-reid")
    module = project / (target.partition(":")[0].replace(".", "/") + ".py")
    module.parent.mkdir()
    (module.parent / "__init__.py").touch()
    (project / "pyproject.toml").write_text(described, "utf-8")
    shutil.copy(TEMPLATE, module)
    return install(project, tmp_path_factory.mktemp("installed") / "my_reid")


@pytest.fixture
def installed(mine, monkeypatch):
    monkeypatch.syspath_prepend(mine)
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


def test_it_passes_the_checks_from_an_installed_wheel_without_our_repository(mine, tmp_path):
    assert len(TEMPLATE.read_text("utf-8").splitlines()) <= 40
    wheel = install(REPOSITORY, tmp_path / "whosame")
    paths = [str(wheel), str(mine), sysconfig.get_path("purelib"), str(REPOSITORY / "src")]
    done = subprocess.run(
        [sys.executable, "-S", "-P", "-c", CHECK, *paths],
        cwd=tmp_path,
        env={},  # PYTHONPATH may name our source
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout == "passed 0.5\n", done.stderr
