"""Damage what a training reads, in some 170 ways, and count how the program ends.

``python -m experiments.attack_training`` prints each ending that is not one clear sentence, and the
counts. Exit status 3 or a traceback is a fault of the program. Scans are phantoms; nothing outside
a temporary folder is touched.
"""

import contextlib
import io
import json
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import nibabel as nib
import numpy as np
import onnx
from safetensors.torch import load_file

from scgm.cli.main import main as scgm
from scgm.io.hashing import sha256_of_file
from scgm.training.engine.files import write_tensors
from tests.helpers.training_files import write_data

STATE = "state.safetensors"
BITS = 24

CONFIGS: dict[str, bytes] = {
    "empty": b"",
    "not utf-8": b"\xff\xfe\x00",
    "binary": bytes(range(256)),
    "deep arrays": b"seed = " + b"[" * 50_000,
    "deep tables": b"a." * 5_000 + b"b = 1",
    "long number": b"seed = " + b"9" * 6_000,
    "cut off": b"[segmenter\nsteps",
    "twice": b"seed = 1\nseed = 2",
    **{
        f"value {number}": text.encode()
        for number, text in enumerate(
            (
                "seed = -1",
                "seed = 1e400",
                "seed = 99999999999999999999",
                "phantoms = -1",
                "phantoms = 999999999999",
                "save_every = 0",
                "precision = 5",
                'precision = "float8"',
                "leave_out = 5",
                'leave_out = ["nowhere"]',
                'validate_on = ["nowhere"]',
                "name = []",
                "stepz = 1",
                "source = 5",
                "source = [5]",
                "folder = {}",
                "dataset = [{}]",
                "downloads = 5",
                "finder = 5",
                "[finder]\nwidths = []",
                "[finder]\nwidths = [0]",
                "[finder]\nwidths = [4,4,4,4,4,4,4]",
                "[finder]\nwidths = [9999999]",
                "[finder]\nsteps = -1",
                "[finder]\nsteps = 0",
                "[finder]\nbatch = 0",
                "[finder]\nbatch = 99999999",
                "[finder]\nlearning_rate = nan",
                "[finder]\nlearning_rate = -inf",
                "[finder]\nlearning_rate = 1e308",
                "[finder]\nphantom_share = 1",
                '[finder]\nstart = "nosuch"',
                '[finder]\nstart = "../../etc/passwd"',
                '[finder]\nstart = "~nosuch/x.onnx"',
                '[finder]\nstart = "none.onnx"',
                "[segmenter]\nwidths = []",
                "[segmenter]\nfilters = 0",
                '[segmenter]\nnetwork = "none"',
                '[segmenter]\nnetwork = "deepseg"\npixel_mm = 0.5',
                "[segmenter]\npixel_mm = 0",
                "[segmenter]\nreal_share = 2",
                "[segmenter]\nreal_share = 1",
                "[segmenter]\nvalidate_every = -5",
                "[segmenter]\naverage = 1",
                "[deepseg]\ndepth = 5",
                "[deepseg]\nsensitivity = [1]",
                '[[source]]\nsite = "a"',
                '[[source]]\nsite = 5\ngm = "gm.nii.gz"',
                '[[source]]\nsite = "a"\ngm = "a\\u0000b"',
                '[[source]]\nsite = "a"\ngm = "' + "x" * 5000 + '"',
                '[[source]]\nsite = "a"\ngm = "."\ncord = ["."]',
                '[[source]]\nsite = "a"\ngm = "/dev/zero"\ncord = ["/dev/zero"]',
                '[[source]]\nsite = "a"\ngm = "gm.nii.gz"\ncord = ["cord.nii.gz"]\nevery = 0',
                '[[source]]\nsite = "a"\ngm = "gm.nii.gz"\ncord = ["cord.nii.gz"]\nweight = inf',
                '[[source]]\nsite = "a"\nimage = "scan.nii.gz"\ngm_values = ["x"]',
                '[[folder]]\nsite = "a"\npath = "none"',
                '[[folder]]\nsite = "a"\npath = "scan.nii.gz"',
                '[[dataset]]\npath = "none"',
                '[[dataset]]\npath = "recipe.toml"',
                '[[dataset]]\npath = "a\\u0000b"',
                '[[dataset]]\npath = "."\nkind = "none"',
            )
        )
    },
}

RECORDS: dict[str, Callable[[dict[str, object]], object]] = {
    "list": lambda record: [],
    "number": lambda record: 5,
    "nothing": lambda record: {},
    "null": lambda record: None,
    "config list": lambda record: {**record, "config": []},
    "config widths": lambda record: {**record, "config": {"finder": {"widths": []}}},
    "config network": lambda record: {**record, "config": {"segmenter": {"network": "ddc"}}},
    "config narrow": lambda record: {**record, "config": {"segmenter": {"widths": [4]}}},
    "config key": lambda record: {**record, "config": {"x": 1}},
    "scores null": lambda record: {**record, "scores": None},
    "scores numbers": lambda record: {**record, "scores": [1, 2]},
    "scores gone": lambda record: {key: record[key] for key in record if key != "scores"},
    "sites gone": lambda record: {key: record[key] for key in record if key != "sites"},
    "sites numbers": lambda record: {**record, "sites": [1]},
    "started_with": lambda record: {**record, "started_with": 5},
}

RAW: dict[str, bytes] = {
    "empty": b"",
    "not utf-8": b"\xff",
    "cut off": b'{"config": {',
    "deep": b"[" * 100_000,
    "zeros": bytes(1000),
}


@dataclass(frozen=True)
class Place:
    """The folder of an attack: data, a finished training, one that was interrupted, a model."""

    root: Path

    def fresh(self, name: str) -> Path:
        """Return a copy of one of them that may be damaged."""
        copy = self.root / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.root / name, copy)
        return copy


def call(*arguments: object) -> tuple[int, str]:
    """Run the program; return its exit status and what it printed."""
    printed = io.StringIO()
    status = 0
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            scgm([str(argument) for argument in arguments])
        except SystemExit as end:
            status = int(end.code or 0)
        except BaseException as error:
            status, name = 99, type(error).__name__
            printed.write(f"Traceback: {name}: {error}")
    return status, printed.getvalue()


def prepare(root: Path) -> Place:
    """Make data, train on them, interrupt a training, and export a model."""
    data = root / "data"
    data.mkdir()
    write_data(data)
    recipe = data / "recipe.toml"
    base = ("--config", recipe, "--data", data, "--device", "cpu", "--quiet")
    _require(call("train", *base, "--output", root / "done"))
    with patch("scgm.training.engine.stages.window_batch", side_effect=_interrupted()):
        call("train", *base, "--output", root / "stopped")
    _require(call("export", root / "done", "--output", root / "model" / "m.onnx"))
    return Place(root)


def _interrupted() -> Iterator[object]:
    yield KeyboardInterrupt


def _require(ended: tuple[int, str]) -> None:
    if ended[0]:
        msg = f"the attack cannot start: {ended[1]}"
        raise SystemExit(msg)


def attacks(place: Place) -> Iterator[tuple[str, tuple[int, str]]]:
    """Yield the name of each attack and how it ended."""
    yield from on_configurations(place)
    yield from on_records(place)
    yield from on_states(place)
    yield from on_data(place)
    yield from on_starts(place)


def on_configurations(place: Place) -> Iterator[tuple[str, tuple[int, str]]]:
    """Train by damaged configurations."""
    data, recipe = place.root / "data", place.root / "damaged.toml"
    for name, content in CONFIGS.items():
        recipe.write_bytes(content)
        output = place.root / "run"
        shutil.rmtree(output, ignore_errors=True)
        small = ("--set", "phantoms=0") if b"phantoms" not in content else ()
        yield (
            f"configuration, {name}",
            call("train", "--config", recipe, "--data", data, "--output", output, *small),
        )


def on_records(place: Place) -> Iterator[tuple[str, tuple[int, str]]]:
    """Export damaged checkpoints."""
    for name, change in RECORDS.items():
        folder = place.fresh("done")
        record = json.loads((folder / "checkpoint.json").read_text())
        (folder / "checkpoint.json").write_text(json.dumps(change(record)))
        yield f"record, {name}", call("export", folder, "-o", place.root / "x.onnx")
    for name, content in RAW.items():
        for file in ("checkpoint.json", "segmenter.safetensors"):
            folder = place.fresh("done")
            (folder / file).write_bytes(content)
            yield f"{file}, {name}", call("export", folder, "-o", place.root / "x.onnx")
    for value in (np.nan, np.inf):
        folder = place.fresh("done")
        tensors = load_file(folder / "finder.safetensors")
        tensors["unet.predict.bias"].fill_(value)
        write_tensors(folder / "finder.safetensors", tensors)
        yield f"weights of {value}", call("export", folder, "-o", place.root / "x.onnx")


def on_states(place: Place) -> Iterator[tuple[str, tuple[int, str]]]:
    """Resume from damaged states."""
    content = (place.root / "stopped" / STATE).read_bytes()
    damaged = dict(RAW)
    for bit in np.linspace(0, 8 * len(content) - 1, BITS).astype(int):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << int(bit) % 8
        damaged[f"bit {bit}"] = bytes(flipped)
    for share in (0.1, 0.5, 0.99):
        damaged[f"{share:.0%} of it"] = content[: int(share * len(content))]
    for name, state in damaged.items():
        folder = place.fresh("stopped")
        (folder / STATE).write_bytes(state)
        yield (
            f"state, {name}",
            call("train", "--resume", "--output", folder, "--data", place.root / "data"),
        )


def on_data(place: Place) -> Iterator[tuple[str, tuple[int, str]]]:
    """Train on damaged images and labels."""
    for file in ("scan.nii.gz", "gm.nii.gz", "cord.nii.gz"):
        for name, damage in DAMAGES.items():
            data, output = place.fresh("data"), place.root / "run"
            shutil.rmtree(output, ignore_errors=True)
            damage(data / file)
            base = ("--config", data / "recipe.toml", "--data", data, "--output", output)
            yield f"{file}, {name}", call("train", *base, "--set", "phantoms=0")


def changed(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], None]:
    """Return a damage of the voxels of an image."""

    def damage(path: Path) -> None:
        image = nib.load(path)
        values = change(np.asarray(image.dataobj, np.float32))
        nib.save(nib.Nifti1Image(values, image.affine), path)

    return damage


def other_kind(make: Callable[[Path], object]) -> Callable[[Path], None]:
    """Return a damage that puts something else in the place of a file."""

    def damage(path: Path) -> None:
        path.unlink()
        make(path)

    return damage


DAMAGES: dict[str, Callable[[Path], object]] = {
    "removed": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:500]),
    "folder": other_kind(Path.mkdir),
    "loop": other_kind(lambda path: path.symlink_to(path)),
    "pipe": other_kind(os.mkfifo),
    "zeros": changed(np.zeros_like),
    "ones": changed(np.ones_like),
    "NaN": changed(lambda values: np.full_like(values, np.nan)),
    "large": changed(lambda values: values * 1e30),
    "one slice": changed(lambda values: values[..., :1]),
    "cropped": changed(lambda values: values[1:]),
}


def on_starts(place: Place) -> Iterator[tuple[str, tuple[int, str]]]:
    """Fine-tune damaged models."""
    for name, damage in STARTS.items():
        folder, output = place.fresh("model"), place.root / "run"
        shutil.rmtree(output, ignore_errors=True)
        graph = onnx.load(folder / "m.onnx")
        content = damage(graph)
        (folder / "m.onnx").write_bytes(graph.SerializeToString() if content is None else content)
        card = json.loads((folder / "m.json").read_text())
        card["sha256"] = sha256_of_file(folder / "m.onnx")
        (folder / "m.json").write_text(json.dumps(card))
        data, start = place.root / "data", folder / "m.onnx"
        starts = ("--set", f"finder.start={start}", "--set", f"segmenter.start={start}")
        base = ("--config", data / "recipe.toml", "--data", data, "--output", output)
        yield f"start, {name}", call("train", *base, *starts, "--set", "phantoms=0")


def _external(graph: onnx.ModelProto) -> None:
    first = graph.graph.initializer[0]
    first.ClearField("raw_data")
    first.data_location = onnx.TensorProto.EXTERNAL
    entry = first.external_data.add()
    entry.key, entry.value = "location", "../data/scan.nii.gz"


def _nan(graph: onnx.ModelProto) -> None:
    first = graph.graph.initializer[0]
    shape = tuple(first.dims)
    first.CopyFrom(onnx.numpy_helper.from_array(np.full(shape, np.nan, np.float32), first.name))


def _text(graph: onnx.ModelProto) -> None:
    first = graph.graph.initializer[0]
    first.CopyFrom(onnx.numpy_helper.from_array(np.array(["a"], object), first.name))


def _alias(graph: onnx.ModelProto) -> None:
    graph.metadata_props.add(key="x", value="nowhere")


def _short(graph: onnx.ModelProto) -> None:
    graph.graph.initializer[0].raw_data = b"1"


def _none(graph: onnx.ModelProto) -> None:
    del graph.graph.initializer[:]


STARTS: dict[str, Callable[[onnx.ModelProto], bytes | None]] = {
    "empty": lambda graph: b"",
    "text": lambda graph: b"not a graph",
    "zeros": lambda graph: bytes(1000),
    "cut off": lambda graph: graph.SerializeToString()[:2000],
    "external": _external,
    "NaN": _nan,
    "texts": _text,
    "alias": _alias,
    "short": _short,
    "no weights": _none,
}


def run() -> int:
    """Make all attacks; return 1 if one ended in a fault of the program."""
    os.environ["SCGM_CACHE"] = ""
    counts: Counter[int] = Counter()
    faults = 0
    with tempfile.TemporaryDirectory() as name:
        for what, (status, printed) in attacks(prepare(Path(name))):
            counts[status] += 1
            errors = [line for line in printed.splitlines() if line.startswith("error: ")]
            fault = status not in (0, 1, 2) or "Traceback" in printed
            faults += fault
            if fault or (status and len(errors) != 1) or not status:
                print(f"{what}: status {status}: {printed.strip()[-300:]!r}")
    print(f"{sum(counts.values())} attacks; exit statuses {dict(sorted(counts.items()))}")
    print(f"tracebacks and exit status 3: {faults}")
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(run())
