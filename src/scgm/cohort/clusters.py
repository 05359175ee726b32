"""Workers: on this machine, of a Dask cluster that runs already, or of a batch system."""

from __future__ import annotations

import logging
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from scgm.errors import ConfigError, OutputError, UsageError, missing_library

_SYSTEMS = {
    "slurm": "SLURMCluster",
    "pbs": "PBSCluster",
    "sge": "SGECluster",
    "lsf": "LSFCluster",
    "htcondor": "HTCondorCluster",
    "oar": "OARCluster",
    "moab": "MoabCluster",
}
_CONNECT_S = 20.0
_PAUSE_S = 1.0
_SETTINGS = {
    # An image whose worker dies is tried once more; a second death is the image's.
    "distributed.scheduler.allowed-failures": 1,
    # No worker holds an image that another one could begin.
    "distributed.scheduler.worker-saturation": 1.0,
    "distributed.scheduler.work-stealing": False,
    # What a worker keeps of where it spends its time grows for an hour, by 100 kB a second.
    "distributed.worker.profile.enabled": False,
}


class Cluster:
    """Workers and the connection to them.

    Parameters
    ----------
    connect : callable
        Opens a connection, a `distributed.Client`.
    """

    def __init__(self, connect: Callable[[], Any]) -> None:
        self._connect = connect
        self._client = connect()

    def client(self) -> Any:
        """Return the connection."""
        return self._client

    def begin(self, function: Callable[..., object], *arguments: object) -> None:
        """Run a function in each worker, without waiting; what becomes of it does not matter."""
        with suppress(Exception):
            self._client.run(function, *arguments, wait=False, on_error="ignore")

    def reconnect(self, most_s: float) -> None:
        """Open a new connection when the scheduler is there again.

        Raises
        ------
        OutputError
            If it does not come back in *most_s* seconds.
        """
        with suppress(Exception):
            self._client.close(timeout=1)
        until = time.monotonic() + most_s
        while True:
            try:
                self._client = self._connect()
            except OSError as error:
                if time.monotonic() > until:
                    msg = "the scheduler is lost; start it, and run the same command again"
                    raise OutputError(msg) from error
                time.sleep(_PAUSE_S)
            else:
                return

    @property
    def dashboard(self) -> str:
        """Address of the page that shows what the workers do; empty if there is none."""
        has_one = "dashboard" in self._client.scheduler_info().get("services", {})
        return str(self._client.dashboard_link or "") if has_one else ""

    @property
    def workers(self) -> int:
        """How many processes work now."""
        return len(self._client.nthreads())

    def close(self) -> None:
        """Leave the scheduler; what was submitted and has not begun is dropped."""
        with suppress(Exception):
            self._client.close(timeout=2)


class JobSettings(BaseModel):
    """The file of ``--cluster``: how a batch system starts workers.

    Everything in the table ``options`` goes to dask-jobqueue as it is.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    system: Literal["slurm", "pbs", "sge", "lsf", "htcondor", "oar", "moab"]
    jobs: Annotated[int, Field(ge=1)]
    cores: Annotated[int, Field(ge=1)] = 1
    memory: str
    walltime: str | None = None
    queue: str | None = None
    account: str | None = None
    options: dict[str, Any] = {}


@contextmanager
def local_workers(processes: int | None) -> Iterator[Cluster]:
    """Start processes on this machine, by default one for each core; end them at the end.

    Raises
    ------
    UsageError
        If Dask is not installed.
    """
    distributed = _library("distributed")
    with _quiet(), import_module("dask").config.set(_SETTINGS):
        cluster = distributed.LocalCluster(
            n_workers=processes or import_module("dask.system").CPU_COUNT,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,
        )
        with _connected(lambda: _client(cluster), cluster.close) as connected:
            yield connected


@contextmanager
def running_cluster(address: str) -> Iterator[Cluster]:
    """Join a Dask cluster that runs already.

    Raises
    ------
    UsageError
        If Dask is not installed, or no scheduler answers.
    """
    _library("distributed")
    with _quiet():
        try:
            with _connected(lambda: _client(address)) as connected:
                yield connected
        except (ValueError, TypeError) as error:
            msg = f"{address!r} is no address of a scheduler; give one as tcp://host:8786"
            raise UsageError(msg) from error


@contextmanager
def batch_workers(file: Path) -> Iterator[Cluster]:
    """Start workers as jobs of a batch system; end them at the end.

    Raises
    ------
    ConfigError
        If the file makes no sense.
    UsageError
        If a library is missing.
    """
    settings = read_job_settings(file)
    jobqueue = _library("dask_jobqueue")
    with _quiet(), import_module("dask").config.set(_SETTINGS):
        given = {name: getattr(settings, name) for name in ("walltime", "queue", "account")}
        try:
            cluster = getattr(jobqueue, _SYSTEMS[settings.system])(
                cores=settings.cores,
                processes=settings.cores,
                memory=settings.memory,
                **{name: value for name, value in given.items() if value is not None},
                **_with_prologue(settings.options),
            )
            cluster.scale(jobs=settings.jobs)
        except (TypeError, ValueError, RuntimeError, OSError) as error:
            msg = f"{file}: {settings.system} cannot start workers ({error}); correct the file"
            raise ConfigError(msg) from error
        with _connected(lambda: _client(cluster), cluster.close) as connected:
            yield connected


def _with_prologue(options: dict[str, Any]) -> dict[str, Any]:
    """Give workers, which read no settings of this process, those that concern them."""
    lines = [
        f"export DASK_{name.upper().replace('.', '__').replace('-', '_')}={value}"
        for name, value in _SETTINGS.items()
        if ".worker." in name
    ]
    return {**options, "job_script_prologue": [*lines, *options.get("job_script_prologue", ())]}


def read_job_settings(file: Path) -> JobSettings:
    """Read the file of ``--cluster``.

    Raises
    ------
    ConfigError
        If it cannot be read, or makes no sense.
    """
    try:
        return JobSettings.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        msg = f"{file}: {where}: {first['msg'].lower()}; docs/cohorts.md has an example"
        raise ConfigError(msg) from error
    except (OSError, ValueError) as error:
        msg = f"{file}: it cannot be read ({error}); docs/cohorts.md has an example"
        raise ConfigError(msg) from error


@contextmanager
def _connected(
    connect: Callable[[], Any], close: Callable[[], None] = lambda: None
) -> Iterator[Cluster]:
    try:
        try:
            cluster = Cluster(connect)
        except OSError as error:
            msg = f"no scheduler answers ({error}); check its address, and that it runs"
            raise UsageError(msg) from error
        try:
            yield cluster
        finally:
            cluster.close()
    finally:
        with suppress(Exception):
            close()


def _client(place: Any) -> Any:
    return _library("distributed").Client(place, timeout=_CONNECT_S, set_as_default=False)


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        what = missing_library("more than one process", name.replace("_", "-"), "cohort")
        raise UsageError(what) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Say nothing of how workers and connections end; what matters is said by us."""
    names = ("distributed", "distributed.nanny", "distributed.scheduler", "tornado", "bokeh")
    loggers = [logging.getLogger(name) for name in names]
    earlier = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, earlier, strict=True):
            logger.setLevel(level)
