"""``benchmarks/gpu.py`` runs, at toy size on a CPU: whoever has a GPU gets figures, not an error."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "gpu.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("gpu_benchmark", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture
def measure(script, tmp_path, monkeypatch):
    def run(*options):
        out = tmp_path / "figures"
        monkeypatch.setattr(sys, "argv", ["gpu.py", f"--out={out}", "--toy", "--limits=step=0,extraction=0", *options])
        script.main()
        return json.loads(out.with_suffix(".json").read_text())["parts"], out.with_suffix(".md").read_text()

    return run


def test_every_part_gives_its_figures(measure):
    parts, table = measure()
    assert [*parts] == ["step", "round", "extraction", "neighbours"]
    assert min(parts["step"][name] for name in ("images_per_second", "bare_loop", "ratio", "peak_gib")) > 0
    assert [*parts["round"]["seconds"]] == [
        "training",
        "extraction",
        "extraction of the test set",
        "clustering",
        "evaluation",
    ]
    assert parts["round"]["round_seconds"] == pytest.approx(sum(parts["round"]["seconds"].values()))
    assert parts["neighbours"]["equal_sets"] == 1
    assert "| step | bare loop |" in table


def test_a_part_that_fails_costs_no_other(measure, script, monkeypatch, tmp_path):
    def fails(bench, until):
        raise RuntimeError("out of memory")

    monkeypatch.setitem(script.PARTS, "step", fails)
    with pytest.raises(SystemExit):
        measure("--parts=step,neighbours")
    parts = json.loads((tmp_path / "figures.json").read_text())["parts"]
    assert "out of memory" in parts["step"]["failed"]
    assert parts["neighbours"]["equal_sets"] == 1
