"""What becomes of a result when something fails later."""

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from scgm.cohort import derivatives, image_task
from scgm.cohort.bids_images import BidsImages
from scgm.cohort.choices import CohortChoices
from scgm.cohort.derivatives import FAILED
from scgm.cohort.filters import read_filters
from scgm.cohort.image_task import Outcome, failed, process
from scgm.cohort.scans import Scan
from scgm.cohort.schedule import WorkerLostError
from scgm.errors import ImageReadError
from scgm.segmentation.options import SegmentOptions
from tests.helpers.standin import cord_voxels, save_scan, write_model

Fails = Callable[[Scan, CohortChoices, pytest.MonkeyPatch], Outcome]


@pytest.fixture
def choices(tmp_path: Path) -> CohortChoices:
    data = tmp_path / "data"
    image = data / "sub-01" / "anat" / "sub-01_T2starw.nii.gz"
    image.parent.mkdir(parents=True)
    save_scan(image)
    (tmp_path / "results").mkdir()
    model = write_model(tmp_path)
    return CohortChoices(
        data=data, output=tmp_path / "results", options=SegmentOptions(model=model)
    )


@pytest.fixture
def scan(choices: CohortChoices) -> Scan:
    return next(iter(BidsImages(choices.data, read_filters({}))))


def files(choices: CohortChoices) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (choices.output / "sub-01/anat").iterdir()}


def in_another_version(
    scan: Scan, choices: CohortChoices, monkeypatch: pytest.MonkeyPatch
) -> Outcome:
    monkeypatch.setattr(image_task, "__version__", "0.0.1")
    return process(scan, choices)


def in_a_lost_worker(scan: Scan, choices: CohortChoices, _: pytest.MonkeyPatch) -> Outcome:
    return failed(scan, choices, WorkerLostError("the process ended twice"))


def while_nothing_can_be_read(
    scan: Scan, choices: CohortChoices, monkeypatch: pytest.MonkeyPatch
) -> Outcome:
    def broken(*_: object) -> str:
        raise OSError(5, "Input/output error")

    def refused(*_: object, **__: object) -> object:
        msg = "it cannot be read (Input/output error)"
        raise ImageReadError(msg)

    monkeypatch.setattr(derivatives, "image_checksum", broken)
    monkeypatch.setattr(image_task, "segment", refused)
    return process(scan, choices)


@pytest.mark.parametrize("fails", [in_a_lost_worker, while_nothing_can_be_read])
def test_a_finished_result_outlives_a_failure_that_is_not_its_images(
    choices: CohortChoices, scan: Scan, fails: Fails, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert process(scan, choices).state == "done"
    before = files(choices)

    outcome = fails(scan, choices, monkeypatch)

    assert outcome.state == "failed"
    assert outcome.reason.endswith("; the result of an earlier run is kept")
    assert files(choices) == before
    monkeypatch.undo()
    assert process(scan, choices).state == "done already"


def test_a_worker_of_another_version_writes_nothing(
    choices: CohortChoices, scan: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = in_another_version(scan, choices, monkeypatch)

    assert outcome.state == "failed"
    assert "this worker has version 0.0.1 of scgm" in outcome.reason
    assert not list(choices.output.iterdir())
    monkeypatch.undo()
    process(scan, choices)
    before = files(choices)
    in_another_version(scan, choices, monkeypatch)
    assert files(choices) == before


def test_the_result_of_an_image_that_is_another_one_now_is_removed_when_that_fails(
    choices: CohortChoices, scan: Scan
) -> None:
    process(scan, choices)
    save_scan(scan.image, 0 * cord_voxels())

    assert process(scan, choices).state == "failed"
    assert list(files(choices)) == [f"{scan.name}{FAILED}"]


def test_the_result_of_other_options_is_removed_when_these_fail(
    choices: CohortChoices, scan: Scan
) -> None:
    process(scan, choices)
    others = replace(choices, options=replace(choices.options, threshold=0.9))

    assert failed(scan, others, WorkerLostError("the process ended twice")).state == "failed"
    assert list(files(choices)) == [f"{scan.name}{FAILED}"]


@pytest.mark.parametrize("what", ["model", "soft"])
def test_the_result_of_another_model_or_without_wanted_files_is_removed_when_these_fail(
    choices: CohortChoices, scan: Scan, what: str
) -> None:
    process(scan, choices)
    others = replace(choices, soft=True)
    if what == "model":
        write_model(choices.data.parent, version="2")
        image_task._segmenter.cache_clear()
        others = choices

    assert failed(scan, others, WorkerLostError("the process ended twice")).state == "failed"
    assert list(files(choices)) == [f"{scan.name}{FAILED}"]


def test_a_method_that_cannot_be_started_costs_no_result(
    choices: CohortChoices, scan: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    process(scan, choices)
    before = files(choices)

    def broken(_: SegmentOptions) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(image_task, "segmenter_of", broken)

    assert process(scan, choices).state == "failed"
    assert files(choices) == before


def test_a_failure_is_forgotten_when_the_result_is_there(
    choices: CohortChoices, scan: Scan
) -> None:
    process(scan, choices)
    before = set(files(choices))
    content = '{"source": "sub-01/anat/sub-01_T2starw.nii.gz", "reason": "it was not there"}'
    (choices.output / "sub-01/anat" / f"{scan.name}{FAILED}").write_text(content)

    assert process(scan, choices).state == "done already"
    assert set(files(choices)) == before


@pytest.mark.parametrize(
    "text", ["file;label;area_mm2\na;GM;1\n", "label,status,area_mm2\nGM,ok,8 mm\n", "x" * 200_000]
)
def test_a_table_that_somebody_changed_ends_no_cohort_and_is_named(
    choices: CohortChoices, scan: Scan, text: str
) -> None:
    process(scan, choices)
    table = choices.output / "sub-01" / "anat" / "sub-01_T2starw_measurements.csv"
    table.write_text(text, encoding="utf-8")

    assert process(scan, choices).state == "edited"
    assert table.read_text(encoding="utf-8") == text
    images = choices.output / "sub-01" / "sub-01_images.tsv"
    with images.open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file, delimiter="\t")
    assert (row["state"], row["slices_ok"], row["GM_area_mm2"]) == ("done", "5", "")
    assert row["reason"].startswith("sub-01_T2starw_measurements.csv: it was changed or is missing")
