"""Errors travel whole: from worker processes, and to the person who can act."""

import pickle
from pathlib import Path

import pytest

from pipeline import errors
from pipeline.errors import JixiangError, Problem

PROBLEMS = (
    Problem(place=Path("script.md"), line=3, cause="标题是空的", fix="写上标题", code="JX-A21"),
    Problem(place=Path("recording.mp3"), cause="只有 0.4 秒", fix="重新导出", code="JX-S03"),
)
KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, JixiangError)]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not JixiangError])
def test_an_error_comes_back_whole_from_another_process(kind: type[JixiangError]) -> None:
    again = pickle.loads(pickle.dumps(kind(PROBLEMS)))  # noqa: S301  (our own bytes)
    assert type(again) is kind
    assert again.problems == PROBLEMS


def test_every_problem_is_in_the_message_with_place_and_code() -> None:
    text = str(errors.AuthorError(PROBLEMS))
    assert "script.md 第 3 行：标题是空的。写上标题。[JX-A21]" in text
    assert "recording.mp3：只有 0.4 秒。重新导出。[JX-S03]" in text


def test_an_error_without_a_problem_is_a_bug() -> None:
    with pytest.raises(ValueError, match="nobody what to mend"):
        errors.MachineError(())


def test_the_exit_codes_are_the_documented_ones() -> None:
    assert {kind.__name__: kind.exit_code for kind in KINDS if kind is not JixiangError} == {
        "AuthorError": 1,
        "RecordingError": 1,
        "DesignError": 1,
        "MachineError": 3,
        "PublishError": 4,
        "PromiseError": 5,
        "LockedError": 75,
    }
