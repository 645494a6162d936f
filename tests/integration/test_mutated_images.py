"""Damaged and disguised image files, from the index to the annotation page; the benchmark takes 20,000 of them."""

import importlib.util
from pathlib import Path

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "mutated_images.py"


def test_what_is_indexed_can_be_decoded_and_shown_and_the_rest_is_named(tmp_path):
    spec = importlib.util.spec_from_file_location("mutated_images", BENCHMARK)
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    report = benchmark.check(range(400), tmp_path)
    assert report.faults == []
    assert set(report.accepted) == {f".{suffix}" for suffix in benchmark.MAKERS}
    assert report.accepted.total() + report.refused.total() == 400
    assert min(report.accepted.total(), report.refused.total()) > 100
