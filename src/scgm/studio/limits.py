"""How much the server takes, and for how long."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of the server.

    Parameters
    ----------
    upload_bytes : int
        Largest file that can be sent.
    body_bytes : int
        Largest body of any other request.
    stored_bytes : int
        All files that are kept at once; the oldest are removed first.
    memory_bytes : int
        Address space of the process that works on an image, on systems that can limit it.
    job_s : float
        Seconds after which a job is ended.
    waiting : int
        Jobs that can wait.
    kept : int
        Finished jobs whose results are kept.
    """

    upload_bytes: int = 1024 * MIB
    body_bytes: int = MIB
    stored_bytes: int = 4096 * MIB
    memory_bytes: int = 8192 * MIB
    job_s: float = 600.0
    waiting: int = 8
    kept: int = 20


DEFAULT_LIMITS = Limits()
