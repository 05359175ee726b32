"""nibabel is imported without pydicom, and pydicom can be imported afterwards."""

import subprocess
import sys
from pathlib import Path

LOUD = "import pathlib\npathlib.Path('imported').touch()\nName = 'pydicom'\n"


def test_pydicom_is_imported_by_nobody_but_who_wants_it(tmp_path: Path) -> None:
    (tmp_path / "pydicom.py").write_text(LOUD)
    alone = "import os, scgm; scgm.segment; import nibabel; print(os.path.exists('imported'))"
    wanted = f"{alone}; import pydicom; print(pydicom.Name)"

    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, '.'); {wanted}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.split() == ["False", "pydicom"]
