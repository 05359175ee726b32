"""A configuration out of a TOML file, with single values changed by the user."""

import difflib
import reprlib
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from scgm.errors import ConfigError
from scgm.io.key_value import read_key_value
from scgm.training.config.settings import TrainConfig

RECIPES = Path(__file__).parents[1] / "recipes"
DEFAULT_RECIPE = RECIPES / "default.toml"
EXAMPLE = "segmenter.steps=500"
MOST_BYTES = 10_000_000  # of a configuration file


def read_config(path: Path, changes: Sequence[str] = ()) -> TrainConfig:
    """Read a TOML file and apply changes such as ``segmenter.steps=500``.

    Raises
    ------
    ConfigError
        If the file is missing or not TOML, a key is unknown, or a value makes no sense.
    UsageError
        If a change is not KEY=VALUE.
    """
    content = _read_toml(path)
    keys = []
    for change in changes:
        key, value = read_key_value(change, EXAMPLE)
        _set(content, key, value)
        keys.append(key)
    try:
        return TrainConfig.model_validate(content)
    except ValidationError as error:
        changed = any(f"{key}.".startswith(f"{_place(error)}.") for key in keys)
        msg = f"{'--set' if changed else path}: {_in_words(error)}"
        raise ConfigError(msg) from error


def find_recipe(name: str) -> Path:
    """Return the file of a recipe that comes with the package.

    Raises
    ------
    ConfigError
        If there is none of that name.
    """
    known = sorted(path.stem for path in RECIPES.glob("*.toml"))
    if name not in known:
        msg = f"there is no recipe {name!r}; known: {', '.join(known)}"
        raise ConfigError(msg)
    return RECIPES / f"{name}.toml"


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        if path.exists() and not path.is_file():
            msg = f"{path}: this is not a file; give a training configuration (TOML)"
            raise ConfigError(msg)
        if path.stat().st_size > MOST_BYTES:
            msg = f"{path}: it is larger than {MOST_BYTES / 1e6:.0f} MB; give a configuration"
            raise ConfigError(msg)
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        msg = f"{path}: cannot be read ({error.strerror}); give a training configuration (TOML)"
        raise ConfigError(msg) from error
    except UnicodeDecodeError as error:
        msg = f"{path}: this is not text in UTF-8; save it with that encoding"
        raise ConfigError(msg) from error
    except RecursionError as error:
        msg = f"{path}: its values are nested too deeply; give a training configuration"
        raise ConfigError(msg) from error
    except ValueError as error:  # TOMLDecodeError, and numbers of too many digits
        msg = f"{path}: not a TOML file ({error}); correct that line"
        raise ConfigError(msg) from error


def _set(content: dict[str, Any], key: str, value: object) -> None:
    """Set one value at ``section.key``."""
    *sections, last = key.split(".")
    place = content
    for section in sections:
        inner = place.setdefault(section, {})
        if not isinstance(inner, dict):
            msg = f"--set {key}: {section} is not a section; expected such as {EXAMPLE}"
            raise ConfigError(msg)
        place = inner
    place[last] = value


def _place(error: ValidationError) -> str:
    return ".".join(str(part) for part in error.errors()[0]["loc"])


def _in_words(error: ValidationError) -> str:
    """Say what is wrong with the first value, or which key may have been meant."""
    first, place = error.errors()[0], _place(error)
    if first["type"] == "extra_forbidden":
        named = ".".join(part for part in first["loc"] if isinstance(part, str))
        return f"there is no key {reprlib.repr(place)}; {_nearest(named)}"
    found = "" if first["type"] == "value_error" else f", found {reprlib.repr(first['input'])}"
    return f"{place}: {first['msg'].removeprefix('Value error, ')}{found}"


def _nearest(key: str) -> str:
    """Say which known key is most like one that is not known."""
    known = sorted(_keys(TrainConfig))
    by_last = {name.rpartition(".")[2]: name for name in reversed(known)}
    last = key.rpartition(".")[2]
    near = difflib.get_close_matches(key, known, 1, 0.75)
    near += [by_last[name] for name in difflib.get_close_matches(last, by_last, 1)]
    section = key.rpartition(".")[0]
    beside = [name.rpartition(".")[2] for name in known if name.rpartition(".")[0] == section]
    return f"did you mean {near[0]}?" if near else f"known there: {', '.join(beside) or 'none'}"


def _keys(section: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Yield all keys of a section, and of the sections within it."""
    for name, field in section.model_fields.items():
        kinds = (field.annotation, *get_args(field.annotation))
        inner = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
        yield f"{prefix}{name}"
        if inner:
            yield from _keys(inner[0], f"{prefix}{name}.")
