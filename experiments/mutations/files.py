"""Faults in what reads, keeps and writes files."""

from experiments.mutations.fault import faults_in

FILES = (
    *faults_in(
        "io/transaction.py",
        "io/test_transaction.py",
        (
            "moves are not taken back",
            "        except BaseException:\n            _back(work, target.folder, journal)\n",
            "        except BaseException:\n",
        ),
        (
            "what a dead process left is not finished",
            "if _exists(work / _JOURNAL):\n                _resolve",
            "if False:\n                _resolve",
        ),
        ("links are replaced", "if path.is_symlink() or not path.is_file():", "if False:"),
        (
            "changed files are replaced",
            "if claimed.get(name_text(path.name)) != sha256_of_file(path):",
            "if name_text(path.name) not in claimed:",
        ),
        (
            "nothing is checked again before the move",
            "        _repair(target)\n        target.check()\n        present",
            "        _repair(target)\n        present",
        ),
        (
            "a living process's files are removed",
            "(is_abandoned(path / _ALIVE) or _is_empty(path))",
            "True",
        ),
        ("a journal may name any path", "sound = all(_is_plain(name)", "sound = all(True"),
    ),
    *faults_in(
        "io/locks.py",
        "io/test_locks.py",
        ("locks keep nobody out", "fcntl.LOCK_SH if shared else fcntl.LOCK_EX", "fcntl.LOCK_SH"),
        ("a lock that others share is removed", "if not shared or _has_alone(handle):", "if True:"),
        ("the file of a lock stays", "                file.unlink()\n", "                pass\n"),
        ("a removed lock is taken for held", "if _is_still(handle, file):", "if True:"),
        (
            "a living owner counts as dead",
            "nobody can tell\n        return False",
            "nobody can tell\n        return True",
        ),
        (
            "a folder without locks cannot be used",
            "                if error.errno not in _NO_LOCKS:\n                    raise",
            "                if True:\n                    raise",
        ),
    ),
    *faults_in(
        "io/nifti/stream.py",
        "io/nifti/test_stream.py",
        ("only the first gzip member is read", "self._packed.startswith(_GZIP)", "False"),
        (
            "a file that changes is read",
            "if (after.st_size, after.st_mtime_ns) != (",
            "if False and () != (",
        ),
        ("the checksum ends with the voxels", "while self.read(CHUNK):", "while False:"),
        ("a lying header takes memory", "if count > self.most:", "if False:"),
        ("a pipe is waited for", "_require_regular(path.stat().st_mode)", "path.stat()"),
        (
            "megabytes may follow the voxels",
            "if max(trailing, garbage) > _TRAILING_LIMIT:",
            "if False:",
        ),
    ),
    *faults_in(
        "io/nifti/placement.py",
        "io/nifti/test_placement.py",
        ("templates give the voxel size", "_TEMPLATE_CODES = (3, 4, 5)", "_TEMPLATE_CODES = ()"),
        ("sizes may differ by a tenth", "_SIZE_TOLERANCE = 0.01", "_SIZE_TOLERANCE = 0.1"),
        (
            "the thickness counts as area",
            "_, *in_plane = axis_map(sform).order",
            "*in_plane, _ = (0, 1, 2)",
        ),
        (
            "areas the other way round",
            "claims.sizes[in_plane] / _lengths(sform)[in_plane]",
            "_lengths(sform)[in_plane] / claims.sizes[in_plane]",
        ),
        (
            "the choice of pixdim keeps the sform's size",
            "        affine[:3, :3] *= claims.sizes / _lengths(affine)\n",
            "",
        ),
    ),
    *faults_in(
        "io/nifti/placement.py",
        "io/nifti/test_header.py",
        (
            "handedness of the qform is ignored",
            'handed = -1 if header["pixdim"][0] < 0 else 1',
            "handed = 1",
        ),
        ("meters count as millimeters", '("meters", 1e3)', '("meters", 1.0)'),
        (
            "forms that disagree are not named",
            "if shift <= _FORM_TOLERANCE * min(by_sform.voxel_size_mm):",
            "if True:",
        ),
    ),
    *faults_in(
        "io/nifti/voxels.py",
        "io/nifti/test_read.py",
        (
            "the mean divides by one more",
            "    total /= count\n    return total\n",
            "    total /= count + 1\n    return total\n",
        ),
        (
            "the mean square ignores the scale",
            "piece.astype(np.float64) * slope + inter",
            "piece.astype(np.float64)",
        ),
        (
            "levels of one scan are averaged",
            'if choice in ("mean", "rms") and not layout.may_be_slices:',
            'if choice in ("mean", "rms"):',
        ),
        (
            "the next volume is taken",
            "return range(choice, choice + 1)",
            "return range(count - 1, count)",
        ),
    ),
    *faults_in(
        "io/nifti/voxels.py",
        "io/nifti/test_stream.py",
        ("colors are read as gray", 'elif dtype.kind not in "iufb":', 'elif dtype.kind == "S":'),
        (
            "a file that is cut short is filled up",
            "    if found < size * layout.count:\n",
            "    if False:\n",
        ),
    ),
    *faults_in(
        "io/nifti/write.py",
        "io/nifti/test_write.py",
        ("viewers show labels from 0 to 1", "stored.max() if dtype is np.uint8 else 1", "1"),
        (
            "viewers stretch probabilities",
            "stored.max() if dtype is np.uint8 else 1",
            "stored.max()",
        ),
    ),
    *faults_in(
        "io/tables.py",
        "io/test_tables.py",
        ("@ starts a formula", '"-", "@", ', '"-", '),
        ("numbers below 0 become text", "and not _is_number(text)", ""),
    ),
    *faults_in(
        "artifacts/store.py",
        "artifacts/test_store.py",
        ("damaged files are used", "if found != card.sha256:", "if False:"),
        (
            "the user's own hides what the package carries",
            "if text in self._names(SHIPPED):",
            "if False:",
        ),
        (
            "a card alone can be replaced",
            "except (ModelError, OSError):\n            return {}",
            "except (ModelError, OSError):\n            return {path.name: sha256_of_file(path)}",
        ),
        ("a large card is read", "or found.st_size > most:", "or False:"),
    ),
    *faults_in(
        "artifacts/graphs.py",
        "training/test_checkpoints.py",
        (
            "weights in other files are read",
            "if field == _TENSOR_EXTERNAL or (field == _TENSOR_LOCATION and value != 0):",
            "if False:",
        ),
    ),
)
