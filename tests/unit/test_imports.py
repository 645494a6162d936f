"""No import cycle, late imports and imports for types included. The layers are import-linter's (pyproject.toml)."""

import grimp
import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

import whosame


def cycles(package):
    """Return the modules of each strongly connected component of the import graph with more than one."""
    graph = grimp.build_graph(package, cache_dir=None)
    modules = sorted(graph.modules)
    position = {module: row for row, module in enumerate(modules)}
    pairs = [(position[m], position[i]) for m in modules for i in graph.find_modules_directly_imported_by(m)]
    rows, columns = np.array(pairs).reshape(-1, 2).T
    links = csr_array((np.ones(len(pairs)), (rows, columns)), shape=(len(modules), len(modules)))
    _, component = connected_components(links, connection="strong")
    found = [[modules[row] for row in np.flatnonzero(component == c)] for c in np.unique(component)]
    return [names for names in found if len(names) > 1]


def test_the_package_has_no_cycle():
    assert cycles(whosame.__name__) == []


@pytest.mark.parametrize(
    ("package", "low", "cycle"),
    [
        ("", "import fake.top", ["fake.low", "fake.middle", "fake.top"]),
        ("", "def late():\n    from fake.top import top", ["fake.low", "fake.middle", "fake.top"]),
        (
            "",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from fake import top",
            ["fake.low", "fake.middle", "fake.top"],
        ),
        ("from fake.low import VALUE", "VALUE = 1\ndef late():\n    from fake import VALUE", ["fake", "fake.low"]),
    ],
    ids=["plain", "late", "for a type", "through the package itself"],
)
def test_every_kind_of_cycle_is_found(package, low, cycle, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "fake").mkdir()
    modules = {"__init__": package, "top": "import fake.middle", "middle": "import fake.low", "low": ""}
    for name, source in modules.items():
        (tmp_path / "fake" / f"{name}.py").write_text(source)
    assert cycles("fake") == []
    (tmp_path / "fake" / "low.py").write_text(low)
    assert cycles("fake") == [cycle]
