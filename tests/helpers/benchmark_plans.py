"""Plans of a benchmark on scans that are made here."""

from collections.abc import Sequence
from pathlib import Path

from scgm.benchmark.plan import BenchmarkOptions, PlannedRun, make_plan, read_methods
from scgm.datasets import DataCase, DataSet, Reference
from tests.helpers.standin import save_scan, write_model


def case(folder: Path, name: str = "scan", site: str | None = "UCL") -> DataCase:
    image = folder / f"{name}.nii.gz"
    if not image.exists():
        save_scan(image)
    return DataCase(name, image, site, "subject", {"r1": Reference(gm=image)})


def plan(
    cases: Sequence[DataCase], asked: Sequence[str], options: BenchmarkOptions | None = None
) -> tuple[PlannedRun, ...]:
    dataset = DataSet("data", "table", cases[0].image.parent, tuple(cases))
    return make_plan(dataset, read_methods(asked), options or BenchmarkOptions())


def model(folder: Path, name: str, *sites: str) -> Path:
    return write_model(folder, name=name, training={"sites": list(sites)})
