"""What an image is built from."""

import shutil
import stat
from pathlib import Path

import pytest

from rookery.errors import InputError
from rookery.stores.image_context import DOCKERFILE, SOURCES, require_sources, write_context

ROOT = Path(__file__).parents[3]


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """The folder of an image, with a model that only its owner may read."""
    place = tmp_path / "context"
    (place / "model" / "predictor").mkdir(parents=True, mode=0o700)
    (place / "model" / "model.json").write_text("{}")
    (place / "model" / "model.json").chmod(0o600)
    write_context(ROOT, place, "c0ffee")
    return place


def test_the_repository_has_all_that_an_image_is_built_from():
    require_sources(ROOT)


@pytest.mark.parametrize("missing", SOURCES)
def test_a_folder_that_lacks_a_source_is_no_clone(tmp_path, missing):
    for name in set(SOURCES) - {missing}:
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
    if (tmp_path / missing).exists():  # it holds another one
        shutil.rmtree(tmp_path / missing)
    with pytest.raises(InputError) as caught:
        require_sources(tmp_path)
    assert str(tmp_path) in caught.value.message
    assert caught.value.next


def test_everything_that_the_dockerfile_copies_is_in_the_folder(context):
    lines = (context / DOCKERFILE).read_text(encoding="utf-8").splitlines()
    copied = [line.split()[1:-1] for line in lines if line.startswith("COPY ")]
    ours = [name for names in copied for name in names if not names[0].startswith("--")]
    assert "src" in ours
    for name in ours:
        for kind in ("converted", "pipeline"):
            pattern = name.replace("$KIND", kind).removeprefix("./")
            assert list(context.glob(pattern)), name


def test_it_holds_the_commit_and_nothing_that_was_left_by_running(context):
    assert (context / "HEAD").read_text() == "c0ffee\n"
    assert not [path for path in context.rglob("*") if path.suffix == ".pyc"]
    assert not list(context.rglob("__pycache__"))


def test_another_user_may_read_the_model(context):
    for path in (context / "model", *(context / "model").rglob("*")):
        wanted = 0o755 if path.is_dir() else 0o644
        assert stat.S_IMODE(path.stat().st_mode) == wanted


def test_every_package_of_an_image_has_a_hash_and_is_the_one_that_is_tested():
    tested = pinned(ROOT / "requirements" / "local.txt")
    for kind in ("converted", "pipeline"):
        text = (ROOT / "deploy" / "image" / f"{kind}.txt").read_text(encoding="utf-8")
        found = pinned(ROOT / "deploy" / "image" / f"{kind}.txt")
        assert len(found) > 15
        assert text.count("==") <= text.count("--hash=sha256:")
        assert {name: found[name] for name in found if tested.get(name) != found[name]} == {}


def pinned(path: Path) -> dict[str, str]:
    """Versions by the names of packages."""
    lines = path.read_text(encoding="utf-8").splitlines()
    found = (line.split()[0].split("==") for line in lines if "==" in line and line[0].isalpha())
    return dict(found)
