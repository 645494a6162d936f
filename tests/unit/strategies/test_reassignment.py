"""Labels after a round: splits by seeds, then unions."""

import numpy as np

from whosame.memory import LabelMemory
from whosame.strategies.reassignment import split_by_seeds, unite


def labelled(*labels):
    return np.array(labels, np.int64)


def floats(*rows):
    return np.array(rows, np.float32)


def test_a_split_sends_images_to_the_nearer_seed():
    memory = LabelMemory()
    memory.add(0, 3, same=False)
    features = floats([0.0], [0.4], [0.6], [1.0], [0.1])
    labels = split_by_seeds(labelled(5, 5, 5, 5, 2), features, memory, [(0, 3)])
    assert labels.tolist() == [5, 5, 6, 6, 2]


def test_must_link_groups_move_as_a_block_by_their_mean():
    memory = LabelMemory()
    memory.add(0, 4, same=False)
    memory.add(1, 3, same=True)
    features = floats([0.0], [0.3], [0.45], [0.9], [1.0])  # the block 1, 3 has mean .6
    assert split_by_seeds(labelled(0, 0, 0, 0, 0), features, memory, [(0, 4)]).tolist() == [0, 1, 0, 1, 1]
    memory.add(0, 1, same=True)  # now it is the seed's own block
    assert split_by_seeds(labelled(0, 0, 0, 0, 0), features, memory, [(0, 4)]).tolist() == [0, 0, 0, 0, 1]


def test_an_image_apart_from_one_seed_goes_with_the_other():
    memory = LabelMemory()
    memory.add(0, 3, same=False)
    memory.add(0, 1, same=False)
    features = floats([0.0], [0.1], [0.9], [1.0])
    assert split_by_seeds(labelled(0, 0, 0, 0), features, memory, [(0, 3)]).tolist() == [0, 1, 1, 1]


def test_no_split_without_need():
    memory = LabelMemory()
    memory.add(0, 1, same=True)
    features, labels = floats([0.0], [1.0], [2.0]), labelled(0, 0, -1)
    assert split_by_seeds(labels, features, memory, [(0, 1), (0, 2), (1, 2)]).tolist() == [0, 0, -1]


def test_unions_chain_to_the_smallest_label():
    memory = LabelMemory()
    memory.add(0, 2, same=True)
    memory.add(3, 4, same=True)
    labels = labelled(7, 7, 3, 3, 5, 9)
    assert unite(labels, memory, [(0, 2), (3, 4)]).tolist() == [3, 3, 3, 3, 3, 9]
    assert labels.tolist() == [7, 7, 3, 3, 5, 9]


def test_a_union_that_would_violate_an_answer_is_left_out(caplog):
    memory = LabelMemory()
    memory.add(1, 3, same=False)
    memory.add(0, 2, same=True)
    with caplog.at_level("INFO", "whosame.strategies.reassignment"):
        assert unite(labelled(0, 0, 1, 1), memory, [(0, 2)]).tolist() == [0, 0, 1, 1]
    assert "clusters 0 and 1 stay apart" in caplog.text


def test_outliers_join_with_their_must_link_group():
    memory = LabelMemory()
    memory.add(0, 1, same=True)
    memory.add(1, 3, same=True)
    memory.add(2, 5, same=True)
    assert unite(labelled(-1, -1, -1, 0, 0, -1), memory, [(1, 3), (2, 5)]).tolist() == [0, 0, 1, 0, 0, 1]
