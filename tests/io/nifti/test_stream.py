from __future__ import annotations

import errno
import gzip
import hashlib
import os
import socket
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scgm.errors import ImageReadError
from scgm.io.nifti.stream import Stream
from scgm.io.nifti.write import as_nifti
from scgm.io.read import ReadOptions, read_labels, read_volume
from tests.helpers.nifti_files import (
    SHAPE,
    content,
    refusal,
    scan,
    write,
    write_scan,
)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("read", [read_volume, read_labels])
def test_a_named_pipe_is_refused_at_once(tmp_path: Path, read: Callable[[Path], object]) -> None:
    """In another process, with a limit: a pipe without a writer would be waited for forever."""
    os.mkfifo(tmp_path / "a.nii.gz")
    code = f"from scgm.io.read import {read.__name__} as f; f({str(tmp_path / 'a.nii.gz')!r})"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert "named pipe" in done.stderr
    assert "ImageReadError" in done.stderr


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this system has no /dev/zero")
@pytest.mark.parametrize("linked", [False, True])
def test_a_device_is_refused(tmp_path: Path, linked: bool) -> None:
    path = Path("/dev/zero")
    if linked:
        path = tmp_path / "a.nii"
        path.symlink_to("/dev/zero")
    assert "device" in refusal(path)


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="this system has no such sockets")
def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as end:
        end.bind("a.nii")
        assert "socket" in refusal(tmp_path / "a.nii")


def test_a_link_that_leads_back_to_itself_is_explained(tmp_path: Path) -> None:
    (tmp_path / "a.nii").symlink_to(tmp_path / "b.nii")
    (tmp_path / "b.nii").symlink_to(tmp_path / "a.nii")
    assert "leads back to itself" in refusal(tmp_path / "a.nii")


@pytest.mark.parametrize("name", ["a\0.nii", "a" * 300 + ".nii", "file/b.nii"])
def test_a_name_that_no_file_can_have_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    refusal(tmp_path / name)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems allow UTF-8 names only")
def test_a_name_that_is_not_utf_8_is_read(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"M\xfcller.nii")
    write_scan(path)
    assert np.array_equal(read_volume(path).voxels, scan())


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_the_checksum_is_that_of_the_bytes_that_were_read(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, content() + bytes(100))
    data = path.read_bytes()
    volume = read_volume(path)
    path.unlink()
    assert volume.sha256 == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("after", [b"\n", b"garbage", bytes(3) + b"\r\n"])
def test_what_follows_the_gzip_data_is_ignored_with_a_warning(tmp_path: Path, after: bytes) -> None:
    path = tmp_path / "a.nii.gz"
    path.write_bytes(packed() + after)
    volume = read_volume(path)
    assert np.array_equal(volume.voxels, scan())
    assert volume.sha256 == hashlib.sha256(packed() + after).hexdigest()
    count = len(after.lstrip(b"\0"))
    assert volume.warnings[0].startswith(f"{count} byte")
    assert "after the gzip data" in volume.warnings[0]


def test_zeros_after_the_gzip_data_are_as_usual(tmp_path: Path) -> None:
    path = tmp_path / "a.nii.gz"
    path.write_bytes(packed() + bytes(700))
    assert read_volume(path).warnings == ()


def test_gzip_data_may_come_in_several_members(tmp_path: Path) -> None:
    data = content()
    path = tmp_path / "a.nii.gz"
    path.write_bytes(b"".join(gzip.compress(part) for part in (data[:100], b"", data[100:])))
    assert np.array_equal(read_volume(path).voxels, scan())


def test_a_file_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_scan(tmp_path / "a.nii")
    skip = Stream.skip

    def skip_and_append(stream: Stream, count: int) -> int:
        with path.open("ab") as file:
            file.write(b"more")
        return skip(stream, count)

    monkeypatch.setattr(Stream, "skip", skip_and_append)
    assert "changed while it was read" in refusal(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("../../.git/annex/objects/1K/2Z/SHA256E-s35--d7.nii.gz/SHA256E-s35--d7.nii.gz", "annex"),
        ("/annex/objects/SHA256E-s3563254--d7bc1e2a0c1b0e6c\n", "git annex get"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:4d\nsize 35632\n", "git lfs pull"),
    ],
)
def test_a_pointer_is_named_with_the_way_to_its_content(
    tmp_path: Path, text: str, words: str
) -> None:
    (tmp_path / "a.nii.gz").write_text(text)
    message = refusal(tmp_path / "a.nii.gz")
    assert "pointer" in message
    assert words in message


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "a.nii.gz")


def test_a_folder_is_no_image(tmp_path: Path) -> None:
    assert "folder" in refusal(tmp_path)


def test_a_link_without_its_content_is_explained(tmp_path: Path) -> None:
    (tmp_path / "a.nii").symlink_to(tmp_path / "annex")
    assert "link" in refusal(tmp_path / "a.nii")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (PermissionError(errno.EACCES, "Permission denied"), "permission"),
        (OSError(errno.EIO, "Input/output error"), "Input/output error"),
        (MemoryError(), "memory"),
    ],
)
def test_what_the_system_refuses_is_said_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, words: str
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    path = write_scan(tmp_path / "a.nii")
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", fail)
        message = refusal(path)
    assert words in message


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"x,y\n1,2\n", "not a NIfTI image"),
        (b"x" * 5000, "not a NIfTI image"),
        (b"\x89PNG\r\n\x1a\n" + bytes(500), "PNG"),
        (content()[:200], "not a NIfTI image"),
        (content(kind=nib.Nifti2Image)[:400], "not a NIfTI image"),
        (content(fields={"sizeof_hdr": 349}), "not a NIfTI image"),
        (content(fields={"magic": b"ni1"}), ".hdr and .img"),
        (content(fields={"magic": b""}), "Analyze"),
    ],
)
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_what_is_not_nifti_is_told_apart(
    tmp_path: Path, name: str, data: bytes, words: str
) -> None:
    assert words in refusal(write(tmp_path / name, data))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a.img", "one half of a pair .hdr and .img; join them"),
        ("a.IMG.GZ", "one half of a pair .hdr and .img; join them"),
        ("a.mgz", "an image of FreeSurfer, not a NIfTI image; convert it"),
        ("a.mha", "a MetaImage file, not a NIfTI image; convert it"),
    ],
)
def test_formats_without_a_mark_are_known_by_their_names(
    tmp_path: Path, name: str, words: str
) -> None:
    assert words in refusal(write(tmp_path / name, b"\x00\x00\x00\x01" * 100))


def test_dicom_that_is_packed_like_nifti_is_told_apart(tmp_path: Path) -> None:
    packed = write(tmp_path / "a.nii.gz", bytes(128) + b"DICM" + bytes(500))

    assert "it is a DICOM file, not a NIfTI image" in refusal(packed)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"dim": [0, 6, 7, 5, 1, 1, 1, 1]}, "0 dimensions"),
        ({"dim": [8, 6, 7, 5, 1, 1, 1, 1]}, "8 dimensions"),
        ({"dim": [1, 210, 1, 1, 1, 1, 1, 1]}, "single row"),
        ({"dim": [3, 6, 0, 5, 1, 1, 1, 1]}, "6 x 0 x 5"),
        ({"dim": [3, -6, 7, 5, 1, 1, 1, 1]}, "-6 x 7 x 5"),
        ({"dim": [5, 2, 7, 5, 1, 3, 1, 1], "intent_code": 1007}, "vectors"),
        ({"dim": [5, 6, 7, 1, 5, 3, 1, 1]}, "more than four dimensions (6 x 7 x 1 x 5 x 3)"),
        ({"dim": [3, 6, 7, 6, 1, 1, 1, 1]}, "cut short"),
        ({"dim": [3, 32767, 32767, 32767, 1, 1, 1, 1]}, "memory"),
        ({"datatype": 77}, "unknown type 77"),
        ({"vox_offset": np.nan}, "byte nan"),
        ({"vox_offset": -352}, "byte -352"),
        ({"vox_offset": 348}, "byte 348"),
        ({"vox_offset": np.inf}, "byte inf"),
        ({"vox_offset": 1e6}, "cut short"),
    ],
)
def test_a_header_that_describes_no_image_is_refused(
    tmp_path: Path, fields: Mapping[str, Any], words: str
) -> None:
    assert words in refusal(write_scan(tmp_path / "a.nii", fields=fields))


@pytest.mark.parametrize(
    ("dtype", "words"),
    [
        (np.dtype("c8"), "magnitude"),
        (np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")]), "colors"),
        (np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1"), ("A", "u1")]), "colors"),
    ],
)
def test_what_is_no_gray_value_is_refused_with_advice(
    tmp_path: Path, dtype: np.dtype[Any], words: str
) -> None:
    assert words in refusal(write_scan(tmp_path / "a.nii", np.zeros(SHAPE, dtype)))


def packed() -> bytes:
    # Not compressed: each voxel is stored as it is. Without the time, the same bytes each time.
    return gzip.compress(content(), compresslevel=0, mtime=0)


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :] if at != -1 else data[:-1]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (lambda: content()[:-1], "the file holds 771"),
        (lambda: content()[:352], "the file holds 352"),
        (lambda: packed()[:-1], "gzip"),
        (lambda: packed()[:-8], "gzip"),
        (lambda: packed()[:500], "gzip"),
        (lambda: packed()[:100], "gzip"),
        (lambda: packed()[:2], "gzip"),
        (lambda: flipped(packed(), len(packed()) - 5), "gzip"),  # the sum
        (lambda: flipped(packed(), len(packed()) - 20), "gzip"),  # a voxel
        (lambda: flipped(packed(), 3), "gzip"),
        (lambda: packed() + b"\x1f\x8bgarbage", "gzip"),
        (lambda: gzip.compress(content()[:-1]), "it has 419"),
    ],
)
def test_a_damaged_file_is_never_read(
    tmp_path: Path, data: Callable[[], bytes], words: str
) -> None:
    path = tmp_path / "a.nii.gz"
    path.write_bytes(data())
    message = refusal(path)
    assert words in message
    assert "copy or download it again" in message


@pytest.mark.parametrize(
    "data",
    [
        content(fields={"dim": [3, 800, 800, 800, 1, 1, 1, 1]}),
        content(fields={"dim": [4, 800, 800, 100, 1000, 1, 1, 1]}),
        content(fields={"vox_offset": 1e12}),
        content() + bytes(50_000_000),
    ],
    ids=["dims", "volumes", "offset", "bomb"],
)
def test_a_lying_header_takes_no_memory(tmp_path: Path, data: bytes) -> None:
    path = write(tmp_path / "a.nii.gz", data)
    del data
    tracemalloc.start()
    try:
        refusal(path, volume="mean")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 5_000_000


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs the peak from /proc")
@pytest.mark.parametrize("value", [0, 7])
def test_a_large_image_of_one_value_is_found_in_little_memory(tmp_path: Path, value: int) -> None:
    """A few kilobytes that hold 33 million voxels of 2 bytes each."""
    shape = (512, 512, 128)
    path = tmp_path / "a.nii.gz"
    fields = {"dim": [3, *shape, 1, 1, 1, 1]}
    row = np.full(shape[0] * shape[1], value, np.int16).tobytes()
    with gzip.open(path, "wb", 1) as file:
        file.write(content(fields=fields)[:352])
        for _ in range(shape[2]):
            file.write(row)
    code = (
        "import sys; from scgm.io.read import read_volume\n"
        "peak = lambda: int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])\n"
        "before = peak()\n"
        "try: read_volume(sys.argv[1])\n"
        "except Exception as error: print(error)\n"
        "print(peak() - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True, check=True
    )
    message, kilobytes = done.stdout.splitlines()
    assert f"all of its voxels are {value}" in message
    assert int(kilobytes) < 200_000  # a copy of all voxels as double takes 268 MB


@pytest.mark.parametrize("value", [0, 7])
def test_an_image_of_one_value_is_refused(tmp_path: Path, value: int) -> None:
    message = refusal(write_scan(tmp_path / "a.nii", np.full(SHAPE, value, np.int16)))
    assert f"all of its voxels are {value}" in message


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_image_without_numbers_is_refused(tmp_path: Path, value: float) -> None:
    message = refusal(write_scan(tmp_path / "a.nii", np.full(SHAPE, value, np.float32)))
    assert "finite" in message


def test_values_that_are_replaced_are_counted_in_the_warnings(tmp_path: Path) -> None:
    values = np.linspace(10, 20, 210, dtype=np.float32).reshape(SHAPE)
    values[3, 3, :3] = np.nan, -np.inf, 1e30
    volume = read_volume(write_scan(tmp_path / "a.nii", values))
    assert volume.voxels[3, 3, :2] == pytest.approx([values.flat[2]] * 2)  # 1 % of 210 are below
    assert 19 < volume.voxels[3, 3, 2] <= 20
    assert volume.missing is not None
    assert np.argwhere(volume.missing).tolist() == [[3, 3, 0], [3, 3, 1]]
    assert [warning.split()[0] for warning in volume.warnings] == ["1", "2"]


@settings(
    max_examples=300, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    data=st.sampled_from([content(), content(order=">"), content(kind=nib.Nifti2Image)]),
    changes=st.lists(
        st.tuples(
            st.one_of(st.integers(4, 347), st.integers(40, 123), st.integers(252, 347)),
            st.one_of(st.integers(0, 255), st.sampled_from([0, 127, 128, 251, 255])),
        ),
        min_size=1,
        max_size=6,
    ),
)
@pytest.mark.filterwarnings("error")
def test_no_damage_to_a_header_escapes_as_another_error(
    tmp_path: Path, data: bytes, changes: list[tuple[int, int]]
) -> None:
    damaged = bytearray(data)
    for place, value in changes:
        damaged[place] = value
    path = write(tmp_path / "a.nii", bytes(damaged))
    try:
        volume = read_volume(path, ReadOptions(volume="mean"))
    except ImageReadError:
        return
    result = as_nifti(volume.voxels, volume, dtype=np.float32)
    assert type(result).from_bytes(result.to_bytes()).shape == volume.native_shape
