"""Compares the predictions of two versions, to the last bit.

``python -m experiments.same_predictions write FILE`` segments every image of the data folder and
writes one checksum for each map; ``... compare FILE OTHER`` prints what differs and exits with 1
if anything does. It uses public names alone, so an older version can write its own file::

    cd OLDER_CHECKOUT && python NEWER_CHECKOUT/experiments/same_predictions.py write before.json
"""

import hashlib
import json
import os
import sys
from pathlib import Path

import numpy as np

import scgm
from scgm.errors import ScgmError
from scgm.segmenters.registry import METHODS

DATA = Path(os.environ.get("SCGM_DATA", "../shared/data"))

# The other methods take seconds for a slice: they run on the images that have labels by hand.
FEW = (
    "gm-challenge/sub-9418/anat/sub-9418_run-1_T2starw.nii.gz",
    "sct-testing/t2s/t2s.nii.gz",
    "sct-testing/mt/mt1.nii.gz",
)
WEIGHTS = "published-ddc/challenge_model.hdf5"


def checksums(path: Path, method: str) -> dict[str, str]:
    """Return the checksum of each map and of the table, or the sentence of refusal.

    What an image is refused for may be said in other words; that it is refused may not change.
    """
    model = DATA / WEIGHTS if METHODS[method].learned == "published" else None
    try:
        result = scgm.segment(path, method=method, model=model, volume=None, device="cpu")
    except ScgmError as error:
        return {"refused": type(error).__name__}
    maps = {}
    for label in result.labels:
        maps[f"{label}_seg"] = _digest(result.mask(label))
        maps[f"{label}_probseg"] = _digest(result.probability(label))
    areas = [row.area_mm2 for row in result.measurements()]
    maps["areas"] = hashlib.sha256(repr(areas).encode()).hexdigest()
    maps["status"] = ", ".join(map(str, result.status))
    return maps


def _digest(image: object) -> str:
    values = np.asanyarray(image.dataobj)  # type: ignore[attr-defined]
    content = values.tobytes() + np.asarray(image.affine).tobytes()  # type: ignore[attr-defined]
    return hashlib.sha256(content).hexdigest()


def write(target: Path) -> None:
    """Segment everything and write the checksums."""
    images = sorted(str(path.relative_to(DATA)) for path in DATA.rglob("*.nii.gz"))
    runs = [(image, "default") for image in images]
    runs += [(image, method) for method in scgm.methods() if method != "default" for image in FEW]
    found = {}
    for image, method in runs:
        found[f"{method} {image}"] = checksums(DATA / image, method)
        print(method, image, found[f"{method} {image}"].get("refused", "done"), flush=True)
    target.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def compare(one: Path, other: Path) -> int:
    """Print every map that differs; return 1 if there is any."""
    first, second = (json.loads(file.read_text("utf-8")) for file in (one, other))
    differences = [
        f"{run}: {what}"
        for run in sorted({*first, *second})
        for what in sorted({*first.get(run, {}), *second.get(run, {})})
        if first.get(run, {}).get(what) != second.get(run, {}).get(what)
    ]
    print(*differences, sep="\n")
    print(f"{len(differences)} differences in {len(first)} and {len(second)} runs")
    return int(bool(differences))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["write", target]:
            write(Path(target))
        case ["compare", one, other]:
            sys.exit(compare(Path(one), Path(other)))
        case _:
            sys.exit(__doc__)
