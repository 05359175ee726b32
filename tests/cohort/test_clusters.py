"""The file that says how a batch system starts workers, and what is done with it."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from scgm.cohort import clusters
from scgm.cohort.clusters import batch_workers, read_job_settings
from scgm.errors import ConfigError, UsageError

PAGE = Path(__file__).parents[2] / "docs" / "cohorts.md"


def job_file(folder: Path, text: str) -> Path:
    path = folder / "slurm.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_example_of_the_page_is_read(tmp_path: Path) -> None:
    example = re.search(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert example is not None

    settings = read_job_settings(job_file(tmp_path, example[1]))

    assert (settings.system, settings.jobs, settings.cores) == ("slurm", 20, 8)
    assert (settings.memory, settings.walltime, settings.queue) == ("16GB", "08:00:00", "normal")
    assert settings.options == {"log_directory": "logs"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('system = "slurm"\njobs = 2\n', "memory: field required"),
        ('system = "cron"\njobs = 2\nmemory = "1GB"\n', "system: input should be 'slurm', 'pbs'"),
        ('system = "slurm"\njobs = 0\nmemory = "1GB"\n', "jobs: input should be greater than"),
        ('system = "slurm"\njobs = 2\nmemory = "1GB"\njob = 3\n', "job: extra inputs"),
        ("system = slurm\n", "it cannot be read"),
    ],
)
def test_a_file_that_makes_no_sense_is_named(tmp_path: Path, text: str, words: str) -> None:
    path = job_file(tmp_path, text)

    with pytest.raises(ConfigError) as refused:
        read_job_settings(path)

    message = str(refused.value)
    assert message.startswith(f"{path}: ")
    assert words in message
    assert message.endswith("docs/cohorts.md has an example")
    assert "\n" not in message


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml: it cannot be read"):
        read_job_settings(tmp_path / "none.toml")


class Jobs:
    """Stands in for a cluster of dask-jobqueue."""

    made: Any = None

    def __init__(self, **given: Any) -> None:
        self.given = given
        self.jobs, self.closed = 0, False
        Jobs.made = self

    def scale(self, *, jobs: int) -> None:
        """Start so many jobs."""
        self.jobs = jobs

    def close(self) -> None:
        """End them."""
        self.closed = True


@contextmanager
def jobqueue(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    library = ModuleType("dask_jobqueue")
    library.SLURMCluster = Jobs  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "dask_jobqueue", library)
    monkeypatch.setattr(clusters, "_client", lambda _: ModuleType("client"))
    yield


def test_each_core_of_a_job_is_a_process_and_the_jobs_end_with_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("dask")
    text = (
        'system = "slurm"\njobs = 3\ncores = 4\nmemory = "8GB"\n[options]\nlog_directory = "l"\n'
        'job_script_prologue = ["module load python"]\n'
    )
    with jobqueue(monkeypatch), batch_workers(job_file(tmp_path, text)):
        made = Jobs.made
        assert made.jobs == 3
        assert not made.closed

    expected = {"cores": 4, "processes": 4, "memory": "8GB", "log_directory": "l"}
    first, *others = made.given.pop("job_script_prologue")
    assert first == "export DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED=False"
    assert others == ["module load python"]
    assert made.given == expected
    assert made.closed


def test_without_the_library_one_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "dask_jobqueue", None)
    path = job_file(tmp_path, 'system = "slurm"\njobs = 3\nmemory = "8GB"\n')

    with (
        pytest.raises(UsageError, match=r"dask-jobqueue.*pip install '\.\[cohort\]'"),
        batch_workers(path),
    ):
        pass
