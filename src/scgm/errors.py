"""Every error that this package raises on purpose.

::

    ScgmError                    exit 1: the message is enough
      ImageReadError                 a file is not an image that can be segmented
        PatientNamedError                results would be called by the patient's name
      GeometryError                  shapes or affines do not describe or fit a volume
      CordNotFoundError              no slice of the image shows a spinal cord
      CordMaskError                  what is given as cord or center line cannot be that
      ModelError                     a model file is unknown, damaged or does not fit
      OutputError                    a result cannot be written (it exists, disk full, ...)
      ConfigError                    parameters (of a training run, of a phantom) make no sense
      DataSetError                   a folder or a table is not a data set
      RecordError                    a result cannot be shown: its record or image is not right
      DownloadError                  a public data set cannot be fetched
        NoConnectionError                its server cannot be reached at all
    UsageError                   exit 2: the command line contradicts itself or makes no sense
    anything else                exit 3: a fault of ours
    ScgmWarning                  no error: a result, or a part of it, needs a look

A message is one sentence: which file, what was found, what to do.
"""

from __future__ import annotations


def sentence_of(error: Exception) -> str | None:
    """Say in one sentence what went wrong; None for a fault of this program."""
    if isinstance(error, ScgmError | UsageError):
        return str(error)
    if isinstance(error, MemoryError):
        return "there is not enough memory; close other programs or crop the image"
    if isinstance(error, OSError) and error.strerror:  # a disk, a permission, a name
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}; check the file, its folder and the disk"
    return None


def missing_library(what: str, library: str | None, extra: str) -> str:
    """Return the message for a library that an extra of the package installs.

    >>> missing_library("DICOM", "pydicom.errors", "dicom").split(";")[0]
    'DICOM needs pydicom, which is not installed'
    """
    name = (library or "a library").partition(".")[0]
    return (
        f"{what} needs {name}, which is not installed; in the folder of scgm's source code run: "
        f"pip install '.[{extra}]'"
    )


class ScgmError(Exception):
    """Base of every error that a user's input can cause."""


class ImageReadError(ScgmError):
    """A file is not an image, is damaged, or holds nothing that can be segmented."""


class PatientNamedError(ImageReadError):
    """A file or folder of DICOM is called by the patient, so that its results would be, too.

    Its message shows ``[removed]`` in place of what names the patient.
    """


class GeometryError(ScgmError, ValueError):
    """A shape or an affine cannot describe a volume, or two of them do not fit."""


class CordNotFoundError(ScgmError):
    """No slice of an image shows a spinal cord."""


class CordMaskError(ScgmError):
    """A mask of the cord or a center line, given by the user, cannot be one."""


class ModelError(ScgmError):
    """A model is unknown, damaged or does not fit its card, or a method cannot start."""


class OutputError(ScgmError):
    """A result cannot be written."""


class ConfigError(ScgmError, ValueError):
    """Parameters of a training run or of a phantom, or the data they name, make no sense."""


class DataSetError(ScgmError, ValueError):
    """A folder or a table is not a data set, or contradicts itself."""


class RecordError(ScgmError):
    """A result cannot be shown: its record or a file that belongs to it is not right."""


class DownloadError(ScgmError):
    """A public data set is unknown, or a file of it cannot be fetched."""


class NoConnectionError(DownloadError):
    """A server cannot be reached, so no other file can be fetched either."""


class UsageError(Exception):
    """The options of a command contradict each other or make no sense."""


class ScgmWarning(UserWarning):
    """A result, or a part of it, needs a look before it is used.

    `scgm.segment` gives it, for example for slices of low confidence. To silence it, as every
    Python warning: ``warnings.simplefilter("ignore", scgm.errors.ScgmWarning)``; "error" in place
    of "ignore" makes it an exception.
    """
