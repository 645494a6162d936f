"""PK batches: aligned blocks whatever the sizes, other cameras first, deterministic, no crash on nearly no classes."""

import numpy as np
import pytest

from whosame.training.sampler import draw_images, pk_batches


def batches(labels, cameras=None, *, clusters=4, images=4, count=12, seed=0):
    labels = np.asarray(labels)
    cameras = np.zeros(len(labels), np.int64) if cameras is None else np.asarray(cameras)
    rng = np.random.default_rng(seed)
    return list(pk_batches(labels, cameras, clusters=clusters, images=images, batches=count, rng=rng))


UNEVEN = np.repeat([-1, 0, 1, 2, 3, 4, 5, 6], [9, 5, 2, 3, 4, 17, 40, 5])


def test_blocks_are_aligned_and_classes_distinct():
    shuffled = np.random.default_rng(1).permutation(UNEVEN)
    found = batches(shuffled)
    assert len(found) == 12
    for batch in found:
        blocks = shuffled[batch].reshape(4, 4)
        assert (blocks == blocks[:, :1]).all()
        assert len(set(blocks[:, 0])) == 4
        assert (blocks >= 0).all()


def test_every_class_is_drawn_about_equally_often():
    drawn = np.concatenate([UNEVEN[batch][::4] for batch in batches(UNEVEN, count=350)])
    counts = np.bincount(drawn, minlength=7)
    assert counts.sum() == 1400
    assert counts.min() > 150  # 200 expected: sizes 1 to 40 do not matter


def test_replacement_only_where_the_class_is_small():
    for batch in batches(UNEVEN, count=100):
        for block in batch.reshape(4, 4):
            size = (UNEVEN[block[0]] == UNEVEN).sum()
            assert len(set(block)) == 4 or size < 4


@pytest.mark.parametrize(("groups", "singles"), [(3, 9), (0, 8), (0, 7), (2, 1), (1, 2)])
def test_single_images_share_blocks_and_are_drawn_once_where_a_cluster_is_drawn_k_times(groups, singles):
    labels = np.concatenate([np.repeat(np.arange(groups), 6), groups + np.arange(singles)])
    packs = -(-singles // 4)
    found = batches(labels, clusters=groups + packs, count=40)  # a batch is a pass over all blocks
    alone = np.flatnonzero(labels >= groups)
    for batch in found:
        blocks = batch.reshape(groups + packs, 4)
        assert all(len(set(block)) == 4 for block in blocks.tolist())
        assert np.isin(alone, batch).all()
        counts = np.bincount(batch, minlength=len(labels))[alone]
        assert (counts == 1).all() or groups == 0
        assert sum(len(set(block)) == 1 for block in labels[blocks].tolist()) == groups
    packs_seen = {frozenset(set(block) & set(alone)) for batch in found for block in batch.reshape(-1, 4).tolist()}
    assert len(packs_seen) > 10 or singles < 7  # others at every pass


def test_single_images_are_repeated_only_where_there_are_no_others():
    for batch in batches([0, 1, 2]):
        assert set(batch) == {0, 1, 2}
        assert len(batch) == 4


@pytest.mark.parametrize(
    ("cameras", "distinct"),
    [
        ([0, 0, 0, 0, 1, 2, 3, 3], 4),
        ([0, 0, 0, 0, 0, 1], 2),  # an image of another camera is repeated before one of the own is taken
    ],
)
def test_other_cameras_come_first(cameras, distinct):
    cameras, rng = np.array(cameras), np.random.default_rng(0)
    for _ in range(200):
        block = draw_images(np.arange(len(cameras)), cameras, 4, rng)
        assert (cameras[block[1:]] != cameras[block[0]]).all()
        assert len(set(block)) >= distinct


def test_one_camera_falls_back_to_the_rest_of_the_cluster():
    rng = np.random.default_rng(0)
    for _ in range(50):
        assert len(set(draw_images(np.arange(10, 15), np.full(20, -1), 4, rng))) == 4


def test_fewer_clusters_than_asked_for():
    for batch in batches([0, 0, 1, 1, 2, 2, -1], clusters=16):
        assert len(batch) == 12


@pytest.mark.parametrize("labels", [[], [-1, -1], [0, 0, 0], [-1, 5, 5]])
def test_nothing_to_tell_apart_gives_no_batches(labels):
    assert batches(labels) == []


def test_the_generator_decides():
    def same(a, b):
        return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))

    assert same(batches(UNEVEN, seed=5), batches(UNEVEN, seed=5))
    assert not same(batches(UNEVEN, seed=5), batches(UNEVEN, seed=6))
