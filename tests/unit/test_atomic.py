"""A file is written whole, by one writer at a time: one that had to wait neither fails nor touches the first one's."""

from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import suppress

import pytest

from whosame.atomic import writing


def write(path, content):
    with writing(path) as file:
        file.write(content)


@pytest.mark.parametrize("error", [None, KeyError], ids=["the first one finishes", "the first one fails"])
def test_a_writer_that_had_to_wait_writes_its_own_file(tmp_path, error):
    path = tmp_path / "a"
    with ThreadPoolExecutor() as pool:
        with suppress(KeyError), writing(path) as file:
            file.write(b"first")
            second = pool.submit(write, path, b"second")
            assert not wait_for([second], timeout=0.3).done
            if error is not None:
                raise error
        second.result(60)
    assert path.read_bytes() == b"second"
    assert list(tmp_path.iterdir()) == [path]
