"""The names that outsiders rely on."""

import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest

import scgm


def test_the_public_names_are_these() -> None:
    assert scgm.__all__ == [
        "SegmentOptions",
        "Segmentation",
        "__version__",
        "evaluate",
        "load_model",
        "methods",
        "segment",
    ]


@pytest.mark.parametrize("name", scgm.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(scgm, name) is not None
    assert name in dir(scgm)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        scgm.nonsense  # noqa: B018  (looking it up is the test)


def test_the_methods_have_names() -> None:
    assert "default" in scgm.methods()


def test_a_result_offers_what_is_promised() -> None:
    for name in ("gm", "wm", "cord", "probability", "measurements", "save", "figure"):
        assert hasattr(scgm.Segmentation, name)


def test_the_package_is_typed() -> None:
    assert (Path(scgm.__file__).parent / "py.typed").is_file()


@pytest.mark.parametrize(
    "module",
    [
        module.name
        for module in pkgutil.walk_packages(scgm.__path__, "scgm.")
        if not module.name.endswith("__main__")
    ],
)
def test_what_a_module_offers_is_described(module: str) -> None:
    loaded = importlib.import_module(module)
    public = [
        value
        for name, value in vars(loaded).items()
        if not name.startswith("_")
        and (inspect.isfunction(value) or inspect.isclass(value))
        and value.__module__ == module
    ]

    assert loaded.__doc__ or not public
    assert [value.__qualname__ for value in public if not inspect.getdoc(value)] == []
