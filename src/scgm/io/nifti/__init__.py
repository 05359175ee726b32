"""NIfTI files: the bytes, the header, reading and writing.

Where pydicom is installed, nibabel imports it, which takes half a second and opens a socket through
libraries of its own. No NIfTI file needs it, so nibabel is imported as if it were not there.
"""

import sys


def _import_nibabel_alone() -> None:
    """Import nibabel without pydicom, unless one of them is imported already."""
    if "nibabel" in sys.modules or "pydicom" in sys.modules:
        return
    sys.modules["pydicom"] = None  # type: ignore[assignment]  # an import of it then fails
    try:
        import nibabel  # noqa: F401, PLC0415
    finally:
        del sys.modules["pydicom"]


_import_nibabel_alone()
