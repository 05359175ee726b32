"""Results as the validator of BIDS sees them."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.cohort_files import bids_folder
from tests.helpers.standin import run_scgm, write_model

VALIDATOR = shutil.which("bids-validator-deno", path=str(Path(sys.executable).parent))
# Each has another reason to be named in its own way.
SCANS = tuple(
    f"sub-{subject}/{session}anat/sub-{subject}_{name}"
    for subject, session, name in (
        ("01", "", "T2starw"),
        ("01", "", "T2w"),
        ("01", "", "acq-ax_run-02_T2starw"),
        ("02", "ses-a/", "ses-a_flip-1_mt-on_MTS"),
        ("02", "ses-a/", "ses-a_inv-1_MP2RAGE"),
        ("02", "ses-a/", "ses-a_echo-2_part-mag_MEGRE"),
        ("02", "ses-b/", "ses-b_ce-x_rec-y_T2starw"),
    )
)


@pytest.mark.slow
@pytest.mark.skipif(VALIDATOR is None, reason="needs bids-validator-deno")
def test_the_validator_finds_no_error(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    data, out = bids_folder(tmp_path / "data", SCANS), tmp_path / "out"
    bad = data / "sub-01" / "anat" / "sub-01_run-9_T2starw.nii.gz"
    bad.write_bytes(b"no image")
    suffixes = ("T2starw", "T2w", "MTS", "MP2RAGE", "MEGRE")
    options = ("--n-procs", 1, "--model", write_model(tmp_path), "--soft", "--qc")

    made = run_scgm(capsys, "cohort", data, out, "participant", "--suffix", *suffixes, *options)
    run_scgm(capsys, "cohort", data, out, "group", "--n-procs", 1)

    assert "8 images: 7 done, 1 failed" in made.out
    command = [str(VALIDATOR), str(out), "--json"]
    checked = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    issues = json.loads(checked.stdout)["issues"]["issues"]
    errors = [issue for issue in issues if issue.get("severity") == "error"]
    assert (checked.returncode, errors) == (0, [])
    assert {issue["code"] for issue in issues} <= {
        "TOO_FEW_AUTHORS",
        "SIDECAR_KEY_RECOMMENDED",
        "NIFTI_UNIT",  # as in the stand-in's images, whose header names no unit
    }
