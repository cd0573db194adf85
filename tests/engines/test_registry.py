from __future__ import annotations

import subprocess
import sys

import pytest

from earmark.engines.registry import ENGINES, PULLED, load, names
from earmark.errors import UsageError


def test_a_near_spelling_is_offered() -> None:
    with pytest.raises(UsageError) as caught:
        load("recogniser", "moonshin")
    assert str(caught.value) == (
        "moonshin: expected one of the recogniser engines moonshine, whisper, vosk, found an unknown name. "
        "Did you mean moonshine?"
    )


def test_a_far_spelling_gets_the_default() -> None:
    with pytest.raises(UsageError) as caught:
        load("activity", "xyz")
    assert str(caught.value) == ("xyz: expected one of the activity engines silero, found an unknown name. Use silero.")


def test_unknown_job_is_a_bug_not_a_user_error() -> None:
    with pytest.raises(KeyError, match="taster"):
        load("taster", "silero")


@pytest.mark.parametrize("job", sorted(set(ENGINES) - {"sound", "speech_text"}))
def test_every_engine_loads_and_knows_its_name(job: str) -> None:
    for name in (name for name in names(job) if name not in PULLED):
        assert load(job, name).name == name


def test_listing_engines_imports_none() -> None:
    code = (
        "import sys, earmark.engines.registry as r; r.names('recogniser');"
        "heavy = ('onnxruntime', 'pocketsphinx', 'faster_whisper', 'moonshine_voice');"
        "print([m for m in heavy if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_loading_imports_neither_carrier() -> None:
    code = (
        "import sys; from earmark.engines.registry import load;"
        "load('activity', 'silero'); load('recogniser', 'moonshine');"
        "print([m for m in ('faster_whisper', 'moonshine_voice', 'torch') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
