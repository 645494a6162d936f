"""What a review needs beside the table: images of an identity that differ, none of its less central half."""

import numpy as np

from whosame.naming.nearest_identities import nearest_identities, varied_images


def unit(angles):
    radians = np.radians(angles)
    return np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)


def test_images_of_an_identity_that_differ():
    vectors = unit([0, 1, -30, 2, 31, -1, 80, 81, 82, 83])
    assert varied_images(vectors, np.array([0, 1, 5, 3, 2, 4, 6, 7, 8, 9]))[:3] == [0, 2, 3]  # the half: 0 to 2
    assert varied_images(vectors, np.array([3])) == [3]
    found = nearest_identities(vectors, ["a"] * 6 + ["b"] * 2 + ["c", ""], b"table")
    assert set(found["varied"][0].tolist()) == {0, 1, 3, 5}
    assert found["varied"][1].tolist()[2:] == [-1, -1]
    assert found["varied"][2].tolist() == [8, -1, -1, -1]
