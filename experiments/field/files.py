"""Situations of files and names: packing, pointers, letters."""

import gzip
import os
from pathlib import Path

from experiments.field.situation import SCAN, Situation, copy_scan, path_of

KEY = "MD5E-s884736--0cc175b9c0f1b6a831c399e269772661.nii.gz"
LATIN_1 = os.fsdecode(b"Kr\xfcger.nii.gz")
LONG = "n" * 240 + ".nii.gz"
CHINESE = "\u810a\u9ad3\u68c0\u67e5.nii.gz"


def _annex(folder: Path) -> None:
    (folder / SCAN).write_text(f"/annex/objects/{KEY}\n", encoding="ascii")


def _annex_link(folder: Path) -> None:
    (folder / SCAN).write_text(f"../../.git/annex/objects/Xk/0q/{KEY}/{KEY}", encoding="ascii")


def _lfs(folder: Path) -> None:
    text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0f' * 32}\nsize 884736\n"
    (folder / SCAN).write_text(text, encoding="ascii")


def _latin_1(folder: Path) -> None:
    copy_scan(folder, "cropped", LATIN_1)


def _long(folder: Path) -> None:
    copy_scan(folder, "cropped", LONG)


def _chinese(folder: Path) -> None:
    copy_scan(folder, "cropped", CHINESE)


def _newline(folder: Path) -> None:
    (folder / SCAN).write_bytes(path_of("cropped").read_bytes() + b"\n")


def _unpacked(folder: Path) -> None:
    (folder / SCAN).write_bytes(gzip.decompress(path_of("cropped").read_bytes()))


_POINTER = r"(?i)annex|git-lfs|pointer"
_NAMES = "rordenlab/dcm2niix#425"

SITUATIONS = (
    Situation(
        number="21",
        name="pointer of git-annex",
        report="spine-generic/data-multi-subject#78",
        before="unclear message",
        build=_annex,
        wanted="doubt",
        says=_POINTER,
    ),
    Situation(
        number="21",
        name="target of a link of git-annex",
        report="spine-generic/data-multi-subject#78",
        before="unclear message",
        build=_annex_link,
        wanted="doubt",
        says=_POINTER,
    ),
    Situation(
        number="21",
        name="pointer of git-lfs",
        report="spine-generic/data-multi-subject#78",
        before="unclear message",
        build=_lfs,
        wanted="doubt",
        says=_POINTER,
    ),
    Situation(
        number="22",
        name="name not in UTF-8",
        report=_NAMES,
        before="crash",
        build=_latin_1,
        scan="cropped",
        arguments=(LATIN_1,),
    ),
    Situation(
        number="22",
        name="name of 247 bytes",
        report=_NAMES,
        before="crash",
        build=_long,
        scan="cropped",
        wanted="doubt",
        says=r"(?i)name|long|bytes",
        arguments=(LONG,),
    ),
    Situation(
        number="22",
        name="Chinese name, with a picture",
        report=_NAMES,
        before="unclear message",
        build=_chinese,
        scan="cropped",
        arguments=(CHINESE, "--qc"),
    ),
    Situation(
        number="23",
        name="newline after the gzip stream",
        report="lhotse-speech/lhotse#564",
        before="wrong refusal",
        build=_newline,
        scan="cropped",
    ),
    Situation(
        number="24",
        name="not packed, but named .nii.gz",
        report="nipy/nibabel#898",
        before="right",
        build=_unpacked,
        scan="cropped",
    ),
)
