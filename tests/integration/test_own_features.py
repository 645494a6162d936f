"""The user's own features in the whole loop: a head is trained on them, and nothing is computed from pixels."""

import shutil

import numpy as np
import pandas as pd
import torch

from whosame.runs import Run


def test_a_head_is_trained_on_features_of_the_user(project, type_kedro):
    drawn = next((project / "data" / "01_raw").iterdir())
    images, rng = project / "crops", np.random.default_rng(0)
    images.mkdir()
    rows = []
    centres = rng.normal(size=(40, 24))
    for path in sorted(drawn.rglob("*.jpg")):
        person = path.name.split("_")[0]
        if person in ("-1", "0000"):
            continue
        name = f"{path.parent.name}_{path.name}"
        shutil.copy(path, images / name)
        rows.append({"path": name, "feature": centres[int(person)] + 0.6 * rng.normal(size=24)})
    pd.DataFrame(rows).sample(frac=1, random_state=0).to_parquet(project / "own.parquet")
    pattern = r"folder.pattern=(?P<identity>\d+)_c(?P<camera>\d)[^/]*$"
    wanted = f"--params=images=crops,features=own.parquet,run=own,rounds=3,budget=20,training.iterations=8,pictures.at_end=false,{pattern}"
    done = type_kedro(project, "rounds", wanted)
    assert "ARI" in done.stdout
    run = Run(project / "data" / "runs" / "own")
    configuration = run.about()["configuration"]
    assert (configuration["network"]["architecture"], configuration["strategy"]) == ("features/24", "gain")
    assert configuration["annotator"] == "oracle"
    metrics = run.metrics()
    assert metrics[-1]["annotation/asked_total"] > 0
    assert metrics[0]["clusters_before/ari"] > 0.5  # the features are good, and the first round has them as they are
    assert metrics[-1]["retrieval/mAP"] > 0.8
    first, last = (torch.load(run.round(n) / "checkpoint.pt", weights_only=True)["network"] for n in (0, 2))
    assert not torch.equal(first["backbone.trained.straight.weight"], last["backbone.trained.straight.weight"])

    again = type_kedro(project, "rounds", "--params=run=own,rounds=4")  # with what it was started with
    assert run.completed() == 4, again.stdout
    np.save(project / "few.npy", np.ones((7, 24)))
    refused = type_kedro(project, "rounds", "--params=images=crops,features=few.npy,run=few", check=False)
    assert refused.returncode == 1
    assert "has 7 rows" in refused.stderr
