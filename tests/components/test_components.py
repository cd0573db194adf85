"""Taking a recording apart, with a separator that keeps a band and the ears that ship."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from earmark.components import (
    Component,
    ComponentSettings,
    Present,
    earlier_files,
    file_names,
    forget,
    remove_earlier,
    take_apart,
)
from earmark.components.again import evidence_of
from earmark.components.laying import on_silence
from earmark.errors import FormatError
from earmark.records import Recording
from earmark.timeline import Span, Waveform

ANYTHING = ComponentSettings(least_evidence=0.0, least_again=0.0, among=99)
Samples = Callable[[Path], tuple[NDArray[np.float32], int]]
ALARM = Present("smoke alarm", "alarm", Span(4.0, 8.0), 0.9)
HUM = Present("a low hum", "hum", Span(10.0, 12.0), 0.7)


def apart(recording: Recording, present: list[Present], folder: Path, bands: Any, **options: Any) -> list[Component]:
    options.setdefault("settings", ANYTHING)
    return take_apart(recording, present, folder, bands, workers=1, **options)


def names_in(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir() if each.name != "street.wav")


def test_each_sound_gets_a_file_as_long_as_the_recording(
    street: Recording, tmp_path: Path, bands: Any, samples: Samples
) -> None:
    found = apart(street, [ALARM, HUM], tmp_path, bands)
    assert [component.file for component in found] == ["alarm.wav", "hum.wav"]
    mixture, rate = samples(tmp_path / "street.wav")
    alarm, alarm_rate = samples(tmp_path / "alarm.wav")
    assert (alarm.shape, alarm_rate) == (mixture.shape, rate)
    pad = ComponentSettings.pad_seconds
    inside = slice(round((4.0 - pad + 0.1) * rate), round((8.0 + pad - 0.1) * rate))
    assert np.abs(alarm[:, inside] - mixture[:, inside]).max() < 1e-4  # sample by sample where it was
    fade = ComponentSettings.fade_seconds
    assert not alarm[:, : round((4.0 - pad - fade) * rate)].any()
    assert not alarm[:, round((8.0 + pad + fade) * rate) :].any()
    assert np.abs(alarm[1, inside]).max() < 1e-4, "the alarm is on the left alone"


def test_the_separator_is_asked_for_each_sound_only_where_it_is(
    street: Recording, tmp_path: Path, bands: Any, samples: Samples
) -> None:
    both = Present("a low hum", "hum", Span(3.0, 12.0), 0.7)  # over the alarm too, which is not low
    found = apart(street, [ALARM, both], tmp_path, bands)
    assert sorted({text for text, _ in bands.asked}) == ["a low hum", "smoke alarm"]
    context = max(ComponentSettings.context_seconds, bands.context_seconds)
    seconds = {text: count / 16_000 for text, count in bands.asked}
    assert seconds["smoke alarm"] == pytest.approx(4.0 + 2 * (context + ComponentSettings.pad_seconds), abs=0.01)
    hum, rate = samples(tmp_path / found[1].file)
    assert np.abs(hum[0, 5 * rate : 7 * rate]).max() < 0.06, "beeps at 3.1 kHz are above the band, but for their edges"
    assert np.abs(hum[1, round(10.5 * rate) : round(11.5 * rate)]).max() == pytest.approx(0.2, abs=0.01)


def test_what_is_not_itself_any_more_is_left_out(street: Recording, tmp_path: Path, bands: Any) -> None:
    dog = Present("a dog barking", "dog", Span(4.0, 8.0), 0.6)
    nothing = Present("nothing", "nothing", Span(4.0, 8.0), 0.6)
    names = ["smoke alarm", "beeping", "rain", "a cat meowing", "a man speaking"]
    found = apart(street, [ALARM, dog, nothing], tmp_path, bands, vocabulary=names,
                  settings=ComponentSettings(least_evidence=0.0, least_again=0.0, among=1, alike=0.9))  # fmt: skip
    assert [bool(component.file) for component in found] == [True, False, False]
    forget(tmp_path)
    assert names_in(tmp_path) == ["alarm.wav"]
    assert found[1].parts[0].kept is False and found[1].parts[0].named in {"smoke alarm", "beeping"}
    assert found[1].parts[0].probability == 0.6 and found[1].parts[0].span == Span(4.0, 8.0)
    assert found[1].parts[0].reason == "sounds more like another"
    assert found[2].parts[0].reason == "too little of it to take"
    assert (found[2].parts[0].named, found[2].parts[0].again) == ("", 0.0)  # what was separated is silence
    strict = apart(street, [ALARM], tmp_path, bands, force=True, settings=ComponentSettings(least_again=1.1))
    assert not strict[0].file and strict[0].parts[0].again > 0.0
    assert strict[0].parts[0].reason == "no longer heard when alone"


def test_evidence_is_odds_times_share() -> None:
    assert evidence_of(0.5, 1.0) == pytest.approx(0.5)
    assert evidence_of(0.9, 1 / 9) == pytest.approx(0.5)
    assert evidence_of(0.8, 0.5) == pytest.approx(2 / 3)
    assert evidence_of(0.9, 0.0) == 0.0 and evidence_of(0.0, 1.0) == 0.0 and 0.99 < evidence_of(1.0, 1.0) < 1.0


def test_a_faint_part_needs_a_surer_sound(street: Recording, tmp_path: Path, bands: Any) -> None:
    """Of beeps and hum, the hum alone lies below 1 kHz: too little for any but the surest."""
    for probability, kept in ((0.6, False), (0.999, True)):
        low = Present("a low hum", "hum", Span(4.0, 12.0), probability)
        strict = ComponentSettings(least_evidence=0.7, least_again=0.0, among=99)
        found = apart(street, [low], tmp_path, bands, settings=strict)
        (part,) = found[0].parts
        assert 0.3 < part.share < 0.95
        assert part.kept is kept and bool(found[0].file) is kept
        assert part.reason == ("" if kept else "too little of it to take")


def test_places_of_one_sound_that_nearly_touch_are_one(street: Recording, tmp_path: Path, bands: Any) -> None:
    first, second = Present("smoke alarm", "alarm", Span(4.0, 5.5), 0.6), Present("smoke alarm", "alarm",
                                                                                  Span(5.8, 8.0), 0.9)  # fmt: skip
    found = apart(street, [first, second, Present("smoke alarm", "alarm", Span(10.0, 12.0), 0.5)], tmp_path, bands)
    assert [(part.span, part.probability) for part in found[0].parts] == [
        (Span(4.0, 8.0), 0.9),
        (Span(10.0, 12.0), 0.5),
    ]


def test_a_long_sound_is_separated_in_pieces_that_join(
    street: Recording, tmp_path: Path, bands: Any, samples: Samples
) -> None:
    rain = Present("rain", "rain", Span(0.0, 14.0), 0.9)
    apart(
        street,
        [rain],
        tmp_path,
        bands,
        settings=ComponentSettings(least_evidence=0.0, least_again=0.0, among=99, piece_seconds=3.0),
    )
    assert len(bands.asked) == 5
    assert max(count for _, count in bands.asked) <= 16_000 * (3.0 + 2 * ComponentSettings.context_seconds)
    mixture, _ = samples(tmp_path / "street.wav")
    found, _ = samples(tmp_path / "rain.wav")
    assert found.shape == mixture.shape
    assert np.abs(found - mixture).max() < 2e-4


def test_a_long_sound_that_is_none_costs_one_piece(street: Recording, tmp_path: Path, bands: Any) -> None:
    never = ComponentSettings(least_again=1.1, piece_seconds=3.0)
    apart(street, [Present("rain", "rain", Span(0.0, 14.0), 0.9)], tmp_path, bands, settings=never)
    assert len(bands.asked) == 1


def test_nothing_present_is_nothing_written(street: Recording, tmp_path: Path, bands: Any) -> None:
    assert apart(street, [], tmp_path, bands) == []
    assert names_in(tmp_path) == [] and bands.asked == []


# --- files ---


def test_what_an_earlier_run_left_is_what_its_summary_and_its_journal_list(
    street: Recording, tmp_path: Path, bands: Any
) -> None:
    summary, journal = tmp_path / "components.json", tmp_path / ".components.jsonl"
    assert earlier_files(summary, journal) == []
    apart(street, [ALARM], tmp_path, bands)
    names = ["dog.wav", "../x.wav", "/x.wav", "a\\x.wav", ".x.wav", "..", "notes.txt", None, 3, "alarm.wav"]
    summary.write_text(json.dumps({"components": [{"file": name} for name in names]}), encoding="utf-8")
    assert earlier_files(summary, journal) == ["alarm.wav", "dog.wav"]
    for other in ("[]", "{", '{"components": 3}'):
        summary.write_text(other, encoding="utf-8")
        assert earlier_files(summary, journal) == ["alarm.wav"]


def test_files_of_an_earlier_run_go_but_not_links_folders_and_new_ones(tmp_path: Path) -> None:
    for name in ("old.wav", "new.wav", "target.wav"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "link.wav").symlink_to(tmp_path / "target.wav")
    (tmp_path / "folder.wav").mkdir()
    names = ["old.wav", "new.wav", "link.wav", "folder.wav", "gone.wav"]
    assert remove_earlier(tmp_path, names, [tmp_path / "new.wav", tmp_path / "none.wav"]) == ["old.wav"]
    assert names_in(tmp_path) == ["folder.wav", "link.wav", "new.wav", "target.wav"]


def test_a_taken_name_is_refused_before_anything_is_separated(street: Recording, tmp_path: Path, bands: Any) -> None:
    (tmp_path / "hum.wav").write_bytes(b"mine")
    with pytest.raises(FormatError) as caught:
        apart(street, [ALARM, HUM], tmp_path, bands)
    assert str(caught.value) == (
        f"{tmp_path}/hum.wav: expected a free name, found a file that is already there. "
        "Choose another name, or pass --force to write over it."
    )
    assert bands.asked == [] and names_in(tmp_path) == ["hum.wav"]
    apart(street, [ALARM, HUM], tmp_path, bands, force=True)
    assert (tmp_path / "hum.wav").stat().st_size > 1000


def test_the_recording_itself_is_never_written_over(street: Recording, tmp_path: Path, bands: Any) -> None:
    before = Path(street.path).read_bytes()
    (tmp_path / "hum.wav").symlink_to(street.path)
    with pytest.raises(FormatError, match="hum.wav: expected another file than the recording itself"):
        apart(street, [ALARM, HUM], tmp_path, bands, force=True)
    assert Path(street.path).read_bytes() == before and bands.asked == []


def test_a_full_disk_leaves_what_is_complete_and_no_half_file(
    street: Recording, tmp_path: Path, bands: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import earmark.components.apart as module

    write = module.write_sparse_wav

    def full(path: Path, blocks: Any, *, force: bool = False) -> int:
        def some() -> Any:
            yield next(iter(blocks))
            raise OSError(errno.ENOSPC, "No space left on device")

        return write(path, some() if path.name == "hum.wav" else blocks, force=force)

    monkeypatch.setattr(module, "write_sparse_wav", full)
    with pytest.raises(FormatError) as caught:
        apart(street, [ALARM, HUM], tmp_path, bands)
    assert str(caught.value) == (
        f"{tmp_path}/hum.wav: expected room on the disk, found none left. Free some, or write elsewhere."
    )
    assert names_in(tmp_path) == [".components.jsonl", "alarm.wav"]
    monkeypatch.undo()
    bands.asked.clear()
    found = apart(street, [ALARM, HUM], tmp_path, bands)
    assert {text for text, _ in bands.asked} == {"a low hum"}, "what was complete is not separated again"
    assert [component.file for component in found] == ["alarm.wav", "hum.wav"]
    assert found[0].parts[0].span == ALARM.span and names_in(tmp_path) == [".components.jsonl", "alarm.wav", "hum.wav"]
    forget(tmp_path)
    assert names_in(tmp_path) == ["alarm.wav", "hum.wav"]


def test_stopped_it_goes_on_after_what_is_complete(street: Recording, tmp_path: Path, bands: Any) -> None:
    def stop(stage: str, completed: float, total: float) -> None:
        assert 0 < completed <= total
        raise KeyboardInterrupt

    present = [ALARM, HUM, Present("rain", "rain", Span(10.0, 12.0), 0.5)]
    with pytest.raises(KeyboardInterrupt):
        apart(street, present, tmp_path, bands, on_progress=stop)
    assert not [name for name in names_in(tmp_path) if name.endswith(".part.wav")]
    complete = [name for name in names_in(tmp_path) if name.endswith(".wav")]
    assert "alarm.wav" in complete and ".components.jsonl" in names_in(tmp_path)
    bands.asked.clear()
    apart(street, present, tmp_path, bands)
    assert "smoke alarm" not in {text for text, _ in bands.asked}
    assert names_in(tmp_path) == [".components.jsonl", "alarm.wav", "hum.wav", "rain.wav"]


def test_other_settings_do_not_take_up_what_an_interrupted_run_left(
    street: Recording, tmp_path: Path, bands: Any
) -> None:
    def stop(stage: str, completed: float, total: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        apart(street, [ALARM, HUM], tmp_path, bands, on_progress=stop)
    with pytest.raises(FormatError, match="a file that is already there"):
        apart(
            street,
            [ALARM, HUM],
            tmp_path,
            bands,
            settings=ComponentSettings(least_evidence=0.0, least_again=0.0, pad_seconds=0.1),
        )


def test_file_names_are_safe_and_apart() -> None:
    assert file_names(["door closes", "Door closes", "cat/dog: \n“x”", "♪", "موسیقی", ".."]) == [
        "door_closes.wav",
        "Door_closes_2.wav",
        "cat_dog_x.wav",
        "sound.wav",
        "موسیقی.wav",
        "sound_2.wav",
    ]
    assert len(file_names(["ä" * 300])[0].encode()) <= 104


# --- laying ---


def laid_slowly(pieces: list[Waveform], seconds: float, fade_seconds: float) -> NDArray[np.float32]:
    """Every sample of every piece added where it belongs, one by one."""
    rate = pieces[0].sample_rate
    out = np.zeros((pieces[0].num_channels, round(seconds * rate)), np.float64)
    fade = round(fade_seconds * rate)
    for piece in pieces:
        first = round(piece.start_seconds * rate)
        last = first + piece.num_samples
        for n in range(max(0, first), min(last, out.shape[1])):
            gain = 1.0
            if first > 0:
                gain = min(gain, (n - first + 0.5) / fade)
            if last < out.shape[1]:
                gain = min(gain, (last - n - 0.5) / fade)
            out[:, n] += gain * piece.samples[:, n - first]
    return out.astype(np.float32)


@pytest.mark.parametrize(
    "times",
    [[(0.0, 1.0)], [(0.3, 0.6)], [(0.0, 0.52), (0.48, 1.0)], [(0.1, 0.3), (0.5, 0.74), (0.7, 0.94)], [(0.6, 1.4)]],
)
def test_pieces_are_laid_as_a_slow_twin_lays_them(times: list[tuple[float, float]]) -> None:
    generator = np.random.default_rng(3)
    pieces = []
    for start, end in times:
        noise = generator.uniform(-1, 1, (2, round(end * 1000) - round(start * 1000))).astype(np.float32)
        pieces.append(Waveform(noise, 1000, start))
    blocks = list(on_silence(pieces, Span(0.0, 1.0), 0.04))
    found = np.concatenate([block.samples for block in blocks], axis=1)
    assert found.shape == (2, 1000)
    assert np.abs(found - laid_slowly(pieces, 1.0, 0.04)).max() < 1e-6
    at = 0
    for block in blocks:
        assert block.start_seconds == pytest.approx(at / 1000)
        at += block.num_samples


def test_long_silence_comes_in_blocks() -> None:
    piece = Waveform(np.ones((1, 100), np.float32), 100, 3600.0)
    sizes = [block.num_samples for block in on_silence([piece], Span(0.0, 3602.0), 0.1)]
    assert sum(sizes) == 360_200 and max(sizes) <= 1000
