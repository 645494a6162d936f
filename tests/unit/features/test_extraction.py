"""Features of images and the rows of the maxima, and centring by camera."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from whosame.errors import ParameterError
from whosame.features import ExtractionConfig, NetworkConfig, build_network, centre_by_camera, extract
from whosame.features.batches import ahead, read_ahead
from whosame.features.device import find_device
from whosame.features.extraction import rows_of_maxima


class Pictures:
    def __init__(self, n=23, height=32, width=16):
        self.array = np.random.default_rng(0).integers(0, 256, (n, height, width, 3), dtype=np.uint8)
        self.shape = self.array.shape

    def read(self, image_ids):
        return self.array[image_ids]


@pytest.fixture
def network():
    network = build_network(NetworkConfig(widths=(4, 8, 8), weights="random"), seed=0)
    network.train()
    for _ in range(3):  # running statistics that differ from a batch's
        network(torch.randn(16, 3, 32, 16, generator=torch.Generator().manual_seed(1)))
    return network


def test_features_equal_the_network_image_by_image(network):
    pixels = Pictures()
    ids = np.array([5, 0, 22, 5])
    found = extract(network, pixels, ids, ExtractionConfig(batch_size=3), device="cpu", vertical=True)
    network.eval()
    for row, image_id in enumerate(ids):
        image = pixels.array[image_id] / 255
        with torch.inference_mode():
            feature_map = network.feature_map(torch.from_numpy(image.transpose(2, 0, 1)[None].astype("f4")))
            vector = network.embed(feature_map)[0].numpy()
        np.testing.assert_allclose(found.vectors[row], vector, atol=1e-5)
        flat = feature_map[0].numpy()
        expected = [np.argwhere(channel == channel.max())[0, 0] for channel in flat]
        np.testing.assert_array_equal(found.vertical[row], expected)
    assert found.vectors.dtype == np.float32
    assert found.vertical.dtype == np.uint8
    assert found.map_height == 8
    np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=1), 1, atol=1e-6)


def test_the_topmost_row_wins_ties():
    feature_map = torch.zeros(1, 3, 4, 2)
    feature_map[0, 1, 2, 1] = feature_map[0, 1, 3, 0] = 1.0  # rows 2 and 3 tie
    feature_map[0, 2, 3, 0] = 2.0
    assert rows_of_maxima(feature_map).tolist() == [[0, 2, 3]]


def test_extraction_leaves_the_network_as_it_was(network):
    before = {k: v.clone() for k, v in network.state_dict().items()}
    first = extract(network, Pictures(), np.arange(23), ExtractionConfig(), device="cpu")
    assert network.training
    assert all(torch.equal(before[k], v) for k, v in network.state_dict().items())
    again = extract(network, Pictures(), np.arange(23), ExtractionConfig(), device="cpu")
    np.testing.assert_array_equal(first.vectors, again.vectors)
    assert first.vertical is None


def test_no_images(network):
    found = extract(network, Pictures(), np.empty(0, np.int64), ExtractionConfig(), device="cpu", vertical=True)
    assert found.vectors.shape == found.vertical.shape == (0, 8)
    assert found.map_height == 8


def test_reading_ahead_keeps_the_order_and_passes_errors_on():
    pixels = Pictures()
    batches = [np.array([3, 1]), np.array([2]), np.array([7, 7, 0])]
    for (ids, images), batch in zip(read_ahead(pixels, batches, torch.device("cpu")), batches, strict=True):
        np.testing.assert_array_equal(ids, batch)
        np.testing.assert_array_equal(images.numpy(), pixels.array[batch])
    with pytest.raises(IndexError):
        list(read_ahead(pixels, [np.array([0]), np.array([99])], torch.device("cpu")))


def test_the_thread_that_reads_ahead_has_one_core_and_no_other_thread_loses_any():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert [cores for _, cores in ahead(lambda _: torch.get_num_threads(), range(1))] == [1]
        assert torch.get_num_threads() == 2
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(torch.get_num_threads).result() == 2
    finally:
        torch.set_num_threads(before)


def test_device_names(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert find_device("auto").type == find_device("cpu").type == "cpu"
    with pytest.raises(ParameterError, match="torch sees no GPU"):
        find_device("cuda")
    with pytest.raises(ParameterError, match="takes auto, cpu or cuda"):
        find_device("gpu")


def test_bfloat16_is_only_a_little_different_and_refused_where_a_gpu_lacks_it(network, monkeypatch):
    def vectors(precision):
        arguments = (network, Pictures(), np.arange(23), ExtractionConfig())
        return extract(*arguments, device="cpu", precision=precision).vectors

    exact, rough = vectors("float32"), vectors("bfloat16")
    assert 0 < np.abs(exact - rough).max() < 0.1
    np.testing.assert_array_equal(rough, vectors("bfloat16"))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: False)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Tesla T4")
    assert find_device("cuda", "float32").type == "cuda"
    with pytest.raises(ParameterError, match="Tesla T4 does not compute with it: use precision=float32"):
        find_device("cuda", "bfloat16")


def test_centring_takes_each_cameras_mean_out():
    rng = np.random.default_rng(0)
    cameras = np.array([2, -1, 2, 0, -1, 2, 0, 5])
    vectors = rng.standard_normal((8, 4)).astype("f4") + 3
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = centre_by_camera(vectors, cameras)
    for camera in (2, -1, 0):
        own = vectors[cameras == camera]
        centred = own - own.mean(axis=0)
        expected = centred / np.linalg.norm(centred, axis=1, keepdims=True)
        np.testing.assert_allclose(found[cameras == camera], expected, atol=1e-5)
    np.testing.assert_array_equal(found[7], vectors[7])  # alone with its camera: nothing would be left
    assert found.dtype == np.float32
    for unknown in (np.full(8, -1), np.where(cameras == 2, 2, -1)):  # no view to tell from another
        np.testing.assert_array_equal(centre_by_camera(vectors, unknown), vectors)
    assert centre_by_camera(vectors[:0], cameras[:0]).shape == (0, 4)
