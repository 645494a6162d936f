"""Tables by hand; what is excluded; a report that needs nothing else and mixes nothing."""

import re

import numpy as np
import pandas as pd
import pytest

from whosame.comparison.arms import Arm, ExcludedRun, gather
from whosame.comparison.figures import draw
from whosame.comparison.published import SOURCES, published_results
from whosame.comparison.report import render, write_report
from whosame.comparison.run_history import RunHistory
from whosame.comparison.tables import tabulate
from whosame.errors import InputError


def history(
    strategy="none", seed=0, mAP=0.3, *, aware=True, centred=True, digest="d" * 32, budget=20, asked=None, **more
):
    asked = (0 if strategy in ("none", "supervised") else budget) if asked is None else asked
    metrics = {
        "retrieval/mAP": mAP,
        "retrieval/rank1": mAP + 0.1,
        "clusters/ari": 0.5,
        "clusters/pairwise_f1": 0.6,
        "annotation/asked_total": asked,
        "annotation/same_total": asked / 4,
        "annotation/different_total": 3 * asked / 4,
        "annotation/within_same_total": asked / 4,
        "annotation/between_different_total": 3 * asked / 4,
        "annotation/changed_total": asked / 2,
        "time/round_seconds": 5.0,
    }
    first = {**metrics, "retrieval/mAP": mAP / 2, "annotation/asked_total": asked / 2}
    configuration = {
        "strategy": strategy,
        "budget": str(budget),
        "seed": str(seed),
        "rounds": "2",
        "annotator": "oracle",
        "precision": "float32",
        "clustering.distance": "auto" if aware else "jaccard",
        "clustering.centre_cameras": str(centred),
        "clustering.eps": "0.5",
        "strategies.dcps.gamma": "0.5",
        "strategies.dcps.schedule": "early",
        "strategies.random.schedule": "early",
        **more.pop("configuration", {}),
    }
    shares = np.array([0.5, 0.25, 0.25]) if asked else np.zeros(3)
    counts = {"images": 60, "train": 40, "query": 10, "gallery": 10}
    name = more.pop("run", f"r-{strategy}-{aware:d}{centred:d}-{budget}-s{seed}")
    return RunHistory(name, configuration, "synthetic", digest, counts, (first, metrics), shares=shares, **more)


def runs():
    return [
        *(history("none", seed, mAP) for seed, mAP in enumerate((0.20, 0.30, 0.40))),
        *(history("none", seed, mAP, aware=False) for seed, mAP in enumerate((0.50, 0.60))),
        *(history("dcps", seed, mAP) for seed, mAP in enumerate((0.25, 0.37))),
        *(history("random", seed, mAP) for seed, mAP in ((1, 0.28), (2, 0.50))),
        history("supervised", 0, 0.7),
    ]


def row(table, **wanted):
    (found,) = table[np.logical_and.reduce([table[name] == value for name, value in wanted.items()])].to_dict("records")
    return found


def test_mean_and_spread_over_seeds_by_hand():
    arms = tabulate(gather("c", runs())).arms
    base = row(arms, strategy="none", cameras="")
    assert base["mAP_mean"] == pytest.approx(0.30)
    assert base["mAP_sd"] == pytest.approx(0.10)  # sqrt((.01 + 0 + .01) / 2)
    assert base["mAP_n"] == 3
    assert base["budget"] == 0  # whatever was typed: it asks nothing
    assert base["seconds_mean"] == 10
    one = row(arms, strategy="supervised")
    assert one["mAP_n"] == 1
    assert np.isnan(one["mAP_sd"])
    assert row(arms, strategy="dcps")["asked_mean"] == 20
    assert list(zip(arms["strategy"], arms["cameras"], strict=True)) == [
        ("none", ""), ("none", "cameras centred"), ("dcps", ""), ("random", ""), ("supervised", "")
    ]  # fmt: skip


def test_differences_are_taken_over_the_seeds_that_both_have():
    table = tabulate(gather("c", runs())).differences
    dcps = row(table, strategy="dcps", against="none", figure="mAP")
    assert (dcps["mean"], dcps["sd"], dcps["n"]) == pytest.approx((0.06, 0.02 / 2**0.5, 2))  # .05 and .07
    rival = row(table, strategy="random", against="none", figure="mAP")
    assert (rival["mean"], rival["sd"], rival["n"]) == pytest.approx((0.04, 0.12 / 2**0.5, 2))  # -.02 and .10
    single = row(table, strategy="random", against="dcps", figure="mAP")
    assert (single["mean"], single["n"]) == pytest.approx((-0.09, 1))  # seed 1 only
    assert np.isnan(single["sd"])
    centred = row(table, strategy="dcps", against="none, cameras centred", figure="mAP")
    assert centred["mean"] == pytest.approx(-0.24)  # -.25 and -.23
    own = table[(table["strategy"] == "none") & (table["figure"] == "mAP")]  # against what uses cameras less
    assert list(zip(own["cameras"], own["against"], own["mean"], strict=True)) == [
        ("", "none, cameras centred", pytest.approx(-0.30))
    ]


def test_questions_by_kind_and_their_yield():
    table = tabulate(gather("c", runs())).questions
    whole = row(table, strategy="dcps", kind="all")
    assert (whole["asked"], whole["same_share"], whole["changed_share"]) == (20, 0.25, 0.5)
    assert row(table, strategy="dcps", kind="between")["same_share"] == 0
    assert np.isnan(row(table, strategy="dcps", kind="pool")["same_share"])
    assert set(table["strategy"]) == {"dcps", "random"}


def test_what_cannot_be_compared_is_excluded_with_the_reason():
    strangers = [
        history("dcps", 5, 0.99, digest="e" * 32, run="elsewhere"),
        history("dcps", 6, 0.99, finished=False, run="cut"),
        history("dcps", 7, 0.99, forked_from="x:3", run="forked"),
        history("dcps", 0, 0.25, created=9, run="again"),
    ]
    comparison = gather("c", [*runs(), *strangers], excluded=[ExcludedRun("gone", "failed: no space")])
    why = {found.run: found.why for found in comparison.excluded}
    assert why.keys() == {"gone", "elsewhere", "cut", "forked", "r-dcps-11-20-s0"}
    assert why["elsewhere"].startswith("other images: synthetic, manifest eeeeeeeeeeee")
    assert why["cut"] == "unfinished: 2 of 2 rounds"
    assert "fork of x:3" in why["forked"]
    assert why["r-dcps-11-20-s0"] == "the same as again, which is newer"
    pd.testing.assert_frame_equal(tabulate(comparison).arms, tabulate(gather("c", runs())).arms)


def test_the_images_of_most_runs_count_and_of_the_newest_where_that_is_a_tie():
    old, new = history(digest="a" * 32, created=1), history("dcps", digest="b" * 32, created=2)
    assert gather("c", [new, old]).histories == [new]
    assert new not in gather("c", [new, old, history("random", digest="a" * 32)]).histories


def test_nothing_finished_is_an_error_that_says_what_there_is():
    with pytest.raises(InputError, match=r"(?s)no finished run.*cut: unfinished"):
        gather("c", [history(finished=False, run="cut")])


def test_runs_that_differ_in_more_than_their_seed_are_arms_of_their_own():
    other = history("dcps", 0, 0.5, configuration={"clustering.eps": "0.7"})
    comparison = gather("c", [*runs(), other])
    assert Arm("dcps", 20, rest="clustering.eps=0.7") in comparison.arms
    assert comparison.differing() == {
        "clustering.eps": {
            "0.5": ["none", "none, cameras centred", "dcps (clustering.eps=0.5)", "random"],
            "0.7": ["dcps (clustering.eps=0.7)"],
        }
    }
    assert gather("c", runs()).differing() == {}
    # the baseline's runs are equal whoever would have answered
    silent = history("none", 3, 0.3, configuration={"annotator": "noisy-oracle", "strategies.dcps.gamma": "0"})
    assert len(gather("c", [*runs(), silent]).arms) == 5


def report_of(comparison):
    tables = tabulate(comparison)
    return render(comparison, tables, {name: f"data:,{name}" for name in draw(comparison, tables)})


def native_runs():
    """Return two bases of two seeds: dcps alone on the first; ucal, and ucal with answers kept, on the second."""
    own = {"clustering.base": "spcl", "training.loss": "hybrid-memory"}
    kept, forgot = ({**own, "clustering.reuse": value} for value in ("True", "False"))
    arms = [
        ("none", 0.20, {}), ("dcps", 0.32, {}), ("supervised", 0.70, {}),
        ("none", 0.30, own), ("supervised", 0.60, own), ("ucal", 0.33, forgot), ("ucal", 0.45, kept),
    ]  # fmt: skip
    return [
        history(strategy, seed, mAP + seed / 100, configuration=more, run=f"{strategy}-{mAP}-{seed}")
        for strategy, mAP, more in arms
        for seed in (0, 1)
    ]


def test_a_method_is_read_against_the_floor_and_the_ceiling_of_its_own_base():
    comparison = gather("c", native_runs(), mode="native")
    methods = [arm.method for arm in comparison.arms]
    assert methods == [
        *("none (as dcps)", "none (as ucal)", "dcps"),
        *("ucal (clustering.reuse=False)", "ucal (clustering.reuse=True)"),
        *("supervised (as dcps)", "supervised (as ucal)"),
    ]
    table = tabulate(comparison).differences
    against = {name: set(found["against"]) - {"dcps"} for name, found in table.groupby("strategy")}
    assert against == {
        "dcps": {"none (as dcps)", "supervised (as dcps)"},
        "ucal": {"none (as ucal)", "supervised (as ucal)"},
        "supervised": {"none (as dcps)", "none (as ucal)"},
    }
    gain = row(table, strategy="ucal", rest="clustering.reuse=True", against="none (as ucal)", figure="mAP")
    assert (gain["mean"], gain["n"]) == pytest.approx((0.15, 2))
    figures = draw(comparison, tabulate(comparison))
    drawn = [tick.get_text() for tick in figures["ranking-20"].axes[0].get_yticklabels()]
    assert sorted(drawn) == sorted(methods)
    text = re.sub(r"\s+", " ", report_of(comparison))
    assert "12.0 above its floor, none (as dcps), 38.0 below its ceiling, supervised (as dcps)" in text
    assert "3.0 above its floor, none (as ucal), 27.0 below its ceiling, supervised (as ucal)" in text


def test_the_last_round_and_the_best_round_are_both_reported():
    found = [history("none", seed, 0.3) for seed in (0, 1)]
    peak = [history("dcps", seed, 0.4) for seed in (0, 1)]
    for one in peak:  # the first round is the best
        one.rounds[0]["retrieval/mAP"], one.rounds[0]["retrieval/rank1"] = 0.5, 0.8
    tables = tabulate(gather("c", [*found, *peak]))
    dcps = row(tables.arms, strategy="dcps")
    assert (dcps["mAP_mean"], dcps["mAP_best_mean"]) == pytest.approx((0.4, 0.5))
    assert (dcps["rank1_mean"], dcps["rank1_best_mean"]) == pytest.approx((0.5, 0.8))
    assert row(tables.differences, strategy="dcps", against="none", figure="mAP_best")["mean"] == pytest.approx(0.2)
    html = report_of(gather("c", [*found, *peak]))
    assert "mAP % (last round)" in html
    assert "mAP % (best round, chosen on the test set)" in html


def test_the_report_escapes_every_name():
    bad = '<script>alert("x")</script>'
    comparison = gather(
        bad, [*runs(), history(finished=False, run=bad)], notes=[bad], excluded=[ExcludedRun("r", f"failed: {bad}")]
    )
    html = report_of(comparison)
    assert "<script" not in html
    assert html.count("&lt;script&gt;") >= 4


def test_the_report_says_what_was_compared_and_keeps_published_figures_apart():
    html = report_of(gather("c", [*runs(), history(digest="e" * 32, run="elsewhere")], mode="selection"))
    measured, published = html.split('<section class="published">')
    text = re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", measured))
    for said in ("60 images, 40 to train on", "d" * 32, "only the questions differ", "elsewhere other images", "Precision float32",
                 "31.0 ± 8.5", "mAP 55.0 ± 7.1 % (n = 2)", "random: mAP 39.0 ± 15.6 % (n = 2), 32.0 below the strongest baseline"):  # fmt: skip
        assert said in text
    rows = published_results()
    assert len(rows) == 98
    assert {source.split(" Table")[0] for source in rows["source"]} == SOURCES.keys()
    assert "Ours-GEMpooling" in published
    assert "Ours-GEMpooling" not in measured
    assert published.count("<tr>") == 98 + rows["source"].nunique()


def test_the_report_needs_nothing_from_outside(tmp_path):
    comparison = gather("c", runs())
    tables = tabulate(comparison)
    path = write_report(comparison, tables, draw(comparison, tables), tmp_path)
    html = path.read_text()
    assert not re.search(r"<(script|link|iframe)|url\(|@import", html)
    sources = re.findall(r'src="([^"]*)"', html)
    assert len(sources) >= 5
    assert all(source.startswith("data:image/svg+xml;base64,") for source in sources)
    names = {found.name for found in tmp_path.iterdir()}
    assert {"arms.csv", "runs.csv", "rounds.csv", "differences.csv", "questions.csv"} <= names
    assert {"ranking-20.png", "accuracy-20.png", "purity-20.png", "p_j-20.png", "questions.png"} <= names
    before = {found.name: found.read_bytes() for found in tmp_path.iterdir()}
    again = tabulate(comparison)
    write_report(comparison, again, draw(comparison, again), tmp_path)
    assert {found.name: found.read_bytes() for found in tmp_path.iterdir()} == before


def test_figures_show_the_numbers():
    comparison = gather("c", [*runs(), *(history("dcps", seed, 0.6, budget=40) for seed in (0, 1))])
    figures = draw(comparison, tabulate(comparison))
    assert figures.keys() >= {"accuracy", "accuracy-20", "accuracy-40", "p_j-20", "p_j-40"}
    axes = figures["accuracy"].axes[0]
    curves = {drawn.get_label(): drawn for drawn in axes.containers}
    mean = curves["dcps"].lines[0].get_ydata()
    assert mean == pytest.approx([31, 60])
    levels = {line.get_label(): line.get_ydata()[0] for line in axes.get_lines() if line.get_label() == "supervised"}
    assert levels == {"supervised": pytest.approx(70)}
    by_round = {line.get_label(): line for line in figures["accuracy-20"].axes[0].get_lines()}
    assert by_round["dcps"].get_xdata() == pytest.approx([10, 20])
    assert by_round["dcps"].get_ydata() == pytest.approx([15.5, 31])


def test_a_comparison_of_nothing_but_baselines_has_a_report():
    html = report_of(gather("c", runs()[:3]))
    assert "Where the questions went" not in html
    assert "Without questions (none)" in html
