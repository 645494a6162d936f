"""``kedro audit``, typed in a project: the oracle answers, and typed again it goes on."""

import re
import shutil

import pytest

pytestmark = pytest.mark.xdist_group("rounds")


def asked(done):
    """Return how many questions an audit has asked, by what it prints."""
    return int(re.search(r"audit of run 'calm' after 4 rounds: .* (\d+) questions asked", done.stdout)[1])


def test_an_audit_goes_on_with_its_answers_and_another_draws_other_pairs(calm, type_kedro, tmp_path_factory):
    folder = shutil.copytree(calm, tmp_path_factory.mktemp("audited") / "project")
    first = type_kedro(folder, "audit", "--run=calm", "--questions=20")
    assert 0 < asked(first) <= 20
    assert "precision" in first.stdout
    assert asked(type_kedro(folder, "audit", "--run=calm", "--questions=20")) == asked(first)
    assert asked(first) <= asked(type_kedro(folder, "audit", "--run=calm", "--questions=40")) <= 40
    assert asked(type_kedro(folder, "audit", "--run=calm", "--questions=20", "--seed=1")) > 0
    nobody = type_kedro(folder, "audit", "--run=calmer", check=False)
    assert nobody.returncode != 0
    assert "calm" in nobody.stderr
