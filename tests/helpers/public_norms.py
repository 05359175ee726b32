"""A stand-in for the public metrics in the space of PAM50, in exactly their format."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

FOLDER = "spinal_cord/spine-generic_multi-subject"
COLUMNS = (
    "Timestamp,SCT Version,Filename,Slice (I->S),VertLevel,DistancePMJ,MEAN(area),STD(area),"
    "MEAN(angle_AP),STD(angle_AP),MEAN(angle_RL),STD(angle_RL),MEAN(diameter_AP),"
    "STD(diameter_AP),MEAN(diameter_RL),STD(diameter_RL),MEAN(eccentricity),STD(eccentricity),"
    "MEAN(orientation),STD(orientation),MEAN(solidity),STD(solidity),SUM(length)"
)
PEOPLE = "participant_id\tsex\tage\theight\tinstitution\tpathology\tnotes\n"


def table(name: str, area: float) -> str:
    """Return the table of one person: levels 20 (not covered), 4 and 3, rows as they are there."""
    start = f"2025-01-30 15:37:30,git-master,{name}/anat/{name}_T2w_label-SC_seg.nii.gz"
    lines = [COLUMNS, *(f"{start},{z},20,{',' * 17}" for z in (40, 41))]
    for z, level, of_slice in ((834, 4, area), (835, 4, area + 1), (890, 3, area + 9)):
        shape = "7.25,0.0,11.5,0.0,0.78,0.0,2.5,0.0,0.97,0.0,"
        lines.append(f"{start},{z},{level},,{of_slice},0.0,-0.7,0.0,8.1,0.0,{shape}")
    return "\n".join(lines) + "\n"


def files(people: int = 24, *, patient: bool = True) -> dict[str, str]:
    """Return the files of one folder: women and men in turn, aged 20 to 43, and a patient."""
    found, lines = {}, [PEOPLE]
    for n in range(people):
        name = f"sub-site{n:02}"
        found[f"{name}_T2w_PAM50.csv"] = table(name, 60 + n % 5)
        lines.append(f'{name}\t{"FM"[n % 2]}\t{20 + n}\t170\t"a, b"\tHC\t"mild, C5/6"\n')
    if patient:
        found["sub-sick_T2w_PAM50.csv"] = table("sub-sick", 5)
        lines.append("sub-sick\tF\t30\tn/a\tc\tMS\tn/a\n")
    return found | {"participants.tsv": "".join(lines), "dataset_description.json": "{}\n"}


def archive(of_folder: Mapping[str, str], root: str = "PAM50-normalized-metrics-r1") -> bytes:
    """Return the archive that a server packs of the repository: one folder with all in it."""
    content = {f"{root}/{FOLDER}/{name}": text for name, text in of_folder.items()}
    content |= {
        f"{root}/LICENSE": "MIT",
        f"{root}/README.md": "metrics",
        f"{root}/other.txt": "no",
        f"{root}/spinal_cord/AOMIC/sub-1_T1w_PAM50.csv": "no",
        f"{root}/{FOLDER}/deep/sub-2_T2w_PAM50.csv": "no",
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as out:
        for name, text in content.items():
            out.writestr(zipfile.ZipInfo(name), text)
    return packed.getvalue()
