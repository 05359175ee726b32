"""The inference runtime: threads, memory, telemetry."""

import os
import subprocess
import sys

import pytest

from scgm.errors import ModelError, UsageError
from scgm.segmenters import runtime
from scgm.segmenters.runtime import is_out_of_memory, processors, start_session, thread_count
from tests.helpers.standin import standin_graph


@pytest.mark.parametrize("asked", ["1000", "100000", "99999999999", "9" * 5000, "007"])
def test_there_are_never_more_threads_than_processors(
    monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    monkeypatch.setattr(runtime, "processors", lambda: 3)
    monkeypatch.setenv("SCGM_THREADS", asked)

    assert thread_count() == 3


def test_fewer_threads_are_taken_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "processors", lambda: 3)

    assert [thread_count(asked) for asked in (1, 2, 3, 4)] == [1, 2, 3, 3]


def test_without_a_wish_all_processors_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SCGM_THREADS", raising=False)

    assert thread_count() == processors()


@pytest.mark.parametrize("asked", ["0", "000", "-1", "1.5", "two", "1e3", "²", "٣", " 2"])
def test_what_is_no_number_of_threads_is_refused(
    monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    monkeypatch.setenv("SCGM_THREADS", asked)

    with pytest.raises(UsageError, match="SCGM_THREADS"):
        thread_count()


@pytest.mark.parametrize(
    "text", ["std::bad_alloc", "Failed to allocate memory for requested buffer of size 9"]
)
def test_too_little_memory_is_not_called_a_bad_graph(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(text)

    monkeypatch.setattr("onnxruntime.InferenceSession", fail)

    assert is_out_of_memory(RuntimeError(text))
    with pytest.raises(ModelError, match="not enough memory"):
        start_session(standin_graph(), "some.onnx")


@pytest.mark.parametrize("module", ["scgm.segmenters.runtime", "scgm.segmenters.registry"])
def test_telemetry_is_off_before_the_runtime_is_loaded(module: str) -> None:
    """Whatever the user has set."""
    program = (
        "import os, sys\n"
        "class Watch:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name == 'onnxruntime':\n"
        "            print(os.environ.get('ORT_DISABLE_TELEMETRY'))\n"
        "sys.meta_path.insert(0, Watch())\n"
        f"import {module}\n"
    )
    env = {**os.environ, "ORT_DISABLE_TELEMETRY": "0"}
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=env
    )

    assert run.stdout.split() == ["1"]


def test_an_unknown_device_is_not_taken_for_another() -> None:
    with pytest.raises(UsageError, match="no device 'gpu'; known: auto, cpu, cuda"):
        start_session(standin_graph(), "graph", device="gpu")  # type: ignore[arg-type]


def test_the_processor_is_no_substitute_for_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CPUExecutionProvider"])

    with pytest.raises(ModelError, match="finds no usable CUDA"):
        start_session(standin_graph(), "graph", device="cuda", threads=1)
