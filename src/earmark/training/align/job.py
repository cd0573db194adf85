"""From a config to a trained checkpoint: read the data, make the features, train."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from earmark.errors import EarmarkError, UsageError
from earmark.progress import Progress, ignore
from earmark.training.align.captions import SPELLINGS, read_spellings
from earmark.training.align.dataset import Split, keep_known, read_audio_grounding, read_csv, refuse
from earmark.training.align.features import FeatureStore, store_features
from earmark.training.align.loop import Epoch, train_alignment
from earmark.training.align.settings import AlignSettings
from earmark.training.align.words import WordVectors, own_vectors, read_word2vec

__all__ = ["Data", "read_data", "read_splits", "read_splits_and_vectors", "run", "with_features"]

OnBroken = Callable[[EarmarkError], None]


@dataclass
class Data:
    """All a training run needs. The store is open; close it."""

    splits: dict[str, Split]
    vectors: WordVectors
    features: FeatureStore


def read_splits(settings: AlignSettings, on_broken: OnBroken = refuse) -> dict[str, Split]:
    """The data set a config names: a folder of AudioGrounding, or a CSV."""
    if not settings.data:
        raise UsageError(
            "data",
            expected="a folder of AudioGrounding or a CSV of file,caption",
            found="nothing",
            hint="Write `data: PATH` in the config, or pass --data.",
        )
    spellings = read_spellings(Path(settings.spellings)) if settings.spellings else SPELLINGS
    path = Path(settings.data).expanduser()
    if path.suffix.lower() == ".csv":
        return read_csv(path, on_broken, spellings)
    return read_audio_grounding(path, on_broken, spellings)


def read_splits_and_vectors(
    settings: AlignSettings, on_broken: OnBroken = refuse
) -> tuple[dict[str, Split], WordVectors]:
    """Captions and phrases with the words that have a vector, and the vectors."""
    splits = read_splits(settings, on_broken)
    wanted = [
        word
        for split in splits.values()
        for words in (*(c.words for c in split.captions), *(p.words for p in split.phrases))
        for word in words
    ]
    vectors = read_word2vec(Path(settings.words).expanduser(), wanted) if settings.words else own_vectors(wanted)
    return {name: keep_known(split, vectors.__contains__, on_broken) for name, split in splits.items()}, vectors


def read_data(
    settings: AlignSettings, out: Path, on_broken: OnBroken | None = None, on_progress: Progress = ignore
) -> Data:
    """Captions with known words, their vectors, and features of every clip in `out`/features.h5.

    Args:
        on_broken: called with what is broken, which is then left out; None raises it.
    """
    splits, vectors = read_splits_and_vectors(settings, on_broken or refuse)
    if "train" not in splits or not splits["train"].captions:
        raise UsageError(
            settings.data,
            expected="at least one clip to train on",
            found="none",
            hint="Leave `split` empty or write train.",
        )
    files = {clip: file for split in splits.values() for clip, file in split.files.items()}
    features = store_features(out / "features.h5", files, settings.most_seconds, on_broken, on_progress)
    return Data({name: with_features(split, features) for name, split in splits.items()}, vectors, features)


def with_features(split: Split, features: FeatureStore) -> Split:
    """The split without clips whose features could not be made."""
    return Split(
        {clip: file for clip, file in split.files.items() if clip in features},
        tuple(caption for caption in split.captions if caption.clip in features),
        tuple(phrase for phrase in split.phrases if phrase.clip in features),
    )


def run(
    settings: AlignSettings,
    out: Path,
    *,
    resume: bool = False,
    on_broken: OnBroken | None = None,
    on_progress: Progress = ignore,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> Path:
    """Trains, and returns the path of the best checkpoint.

    Raises:
        UsageError: if `out` holds another run and `resume` is not asked for.
    """
    if (out / "last.pt").exists() and not resume:
        raise UsageError(
            out,
            expected="a folder without a run",
            found="last.pt",
            hint="Go on from it with --resume, or name another folder.",
        )
    data = read_data(settings, out, on_broken, on_progress)
    with data.features as features:
        train_alignment(
            data.splits,
            features,
            data.vectors,
            settings,
            out,
            resume=resume,
            on_progress=on_progress,
            on_epoch=on_epoch,
        )
    return out / "best.pt"
