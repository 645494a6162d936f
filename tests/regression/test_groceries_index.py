"""The real products: what the environment groceries makes of the folder, and that its seed draws other products."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from whosame.data.indexing import index_images
from whosame.data.manifest import split
from whosame.data.readers import FolderReader
from whosame.data.source import SourceConfig
from whosame.evaluation.queries import count_without_match
from whosame.parameters import parse

REPOSITORY = Path(__file__).parents[2]
IMAGES = REPOSITORY.parent / "shared" / "data" / "groceries"

pytestmark = pytest.mark.skipif(not IMAGES.is_dir(), reason="../shared/data/groceries is not here")


def test_36_products_to_train_on_and_18_others_to_test_on(tmp_path):
    written = yaml.safe_load((REPOSITORY / "conf" / "groceries" / "parameters.yml").read_text())
    tested = []
    for seed in range(3):
        folder = parse(FolderReader, {**written["folder"], "seed": seed}, "folder")
        train, truth, test = split(
            index_images(SourceConfig(layout="folder", images=str(IMAGES), folder=folder), tmp_path)
        )
        assert len(np.unique(truth.identities)) == 36
        held_out = np.concatenate([test.query_identities, test.gallery_identities])
        assert len(np.unique(held_out)) == 18
        assert not set(held_out) & set(truth.identities)
        assert len(train) + len(held_out) == 3554
        assert (train.cameras == -1).all()
        assert count_without_match(test, "auto") == (len(held_out), 0)  # every test image is a query
        tested.append(frozenset(held_out))
    assert len(set(tested)) == 3
