"""Sources that are there, and those that are not."""

import pytest

from rookery.errors import InputError


def test_the_package_gives_the_344_penguins(opened):
    batch = opened(package="palmerpenguins")
    assert sum(len(part) for part in batch.chunks()) == 344
    assert batch.columns[:2] == ["species", "island"]
    assert batch.id == opened(package="palmerpenguins").id


@pytest.mark.parametrize("path", ["nowhere.csv", "."])
def test_a_file_that_is_not_there_is_named(opened, tmp_path, path):
    with pytest.raises(InputError) as caught:
        opened(csv=path)
    assert str(tmp_path / path) in caught.value.message
    assert "--from" in caught.value.next
