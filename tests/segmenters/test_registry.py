"""The table of methods, and starting one by its name."""

from pathlib import Path

import pytest

from scgm.artifacts.atlases import atlas_names, read_atlas
from scgm.artifacts.models import model_names, read_model
from scgm.errors import ModelError, UsageError
from scgm.segmenters.methods import METHODS, resolve
from scgm.segmenters.registry import MethodSettings, load_model, methods, open_method
from tests.helpers.standin import run_scgm, write_model


def test_every_function_that_the_table_names_is_there() -> None:
    for method in METHODS.values():
        for reference in filter(None, (method.open, method.build)):
            assert callable(resolve(reference)), method.name


@pytest.mark.parametrize("name", METHODS)
def test_an_entry_is_whole(name: str) -> None:
    method = METHODS[name]

    assert method.name == name
    assert method.about
    assert "\n" not in method.about
    assert (method.build is not None) == (method.learned == "atlas")
    assert (method.open is not None) == (method.learned in ("atlas", "nothing"))
    assert (method.train is not None) == (method.learned == "graph")


def test_the_package_carries_what_each_method_needs() -> None:
    learned = {method.learned: set[str]() for method in METHODS.values()}
    for method in METHODS.values():
        learned[method.learned].add(method.name)

    assert learned["graph"] <= set(model_names())
    assert learned["atlas"] <= set(atlas_names())


@pytest.mark.parametrize("name", [name for name in METHODS if METHODS[name].learned != "published"])
def test_every_method_starts_and_names_itself_in_one_line(name: str) -> None:
    method = open_method(name, MethodSettings(device="cpu", threads=1))

    assert method.name == name
    assert len(repr(method)) < 2000
    assert "array(" not in repr(method)


@pytest.mark.parametrize("name", ["deepseg", "sct"])
def test_what_shares_its_name_with_a_known_tool_says_so(name: str) -> None:
    assert "it is not" in METHODS[name].about


def test_the_published_network_says_what_it_needs() -> None:
    about = METHODS["ddc-published"].about

    assert "torch" in about
    assert "challenge_model.hdf5" in about


def test_the_list_shows_what_each_method_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")

    shown = run_scgm(capsys, "models").out

    for name in methods():
        assert METHODS[name].about in shown


def test_a_model_of_another_method_is_refused(tmp_path: Path) -> None:
    path = write_model(tmp_path, method="ddc")

    with pytest.raises(ModelError, match="is for method ddc, not for default; use --method ddc"):
        open_method("default", MethodSettings(model=path))
    assert open_method("ddc", MethodSettings(model=path)).name == "standin"


def test_a_model_of_a_method_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    path = write_model(tmp_path, method="no such method")

    with pytest.raises(ModelError, match="use another --model"):
        open_method("default", MethodSettings(model=path))


@pytest.mark.parametrize("field", ["model", "cord_model"])
@pytest.mark.parametrize("name", ["", " "])
def test_an_empty_name_is_not_the_default(field: str, name: str) -> None:
    with pytest.raises(UsageError, match="is empty"):
        MethodSettings(**{field: name})  # type: ignore[arg-type]


def test_a_method_that_learns_nothing_takes_no_model() -> None:
    with pytest.raises(UsageError, match="has no trained model; omit --model"):
        open_method("gsbme", MethodSettings(model="default"))


def test_a_method_that_uses_no_cord_takes_no_model_of_it() -> None:
    with pytest.raises(UsageError, match="uses no cord"):
        open_method("ddc-published", MethodSettings(cord_model="default"))


def test_what_was_loaded_says_itself_in_one_line() -> None:
    model, file, atlas = load_model(threads=1), read_model(), read_atlas("sct", "sct")

    for loaded in (model, file, file.card, atlas, atlas.card):
        assert len(repr(loaded)) < 400
        assert "\n" not in repr(loaded)
    assert repr(model).startswith("<OnnxModel 'default'")
