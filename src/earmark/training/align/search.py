"""A search over settings on Ray Tune: the config's `search` names the values to try.

    search:
      learning_rate: [0.0003, 0.001, 0.003]
      reduction: [stsq, mqst, mtsq]

Trials are drawn at random from the lists, report their validation loss after every epoch, and those that fall
behind are stopped (ASHA: Li et al., MLSys 2020). On a cluster Ray spreads them; the folder must be shared.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from earmark.errors import EarmarkError, EngineError, FormatError
from earmark.training.align.settings import AlignSettings, read_settings

__all__ = ["read_choices", "search_settings"]


def read_choices(config: Path) -> dict[str, list[Any]]:
    """The lists of the config's `search`.

    Raises:
        FormatError: if there are none, a name is not a setting, or a value is not a list.
    """
    import yaml

    found = (yaml.safe_load(config.read_text(encoding="utf-8")) or {}).get("search")
    if not isinstance(found, dict) or not found:
        raise FormatError(
            config,
            expected="`search` with a list of values per setting",
            found="none",
            hint="Add, for example, `search: {learning_rate: [0.0003, 0.001]}`.",
        )
    names = {field.name for field in dataclasses.fields(AlignSettings)}
    for name, values in found.items():
        if name not in names or not isinstance(values, list) or not values:
            raise FormatError(
                config,
                expected="in `search` settings with lists of values",
                found=f"{name}: {values!r}",
                hint="Check the spelling; write values in square brackets.",
            )
    return found


def search_settings(
    config: Path,
    out: Path,
    trials: int,
    changes: dict[str, object] | None = None,
    on_broken: Callable[[EarmarkError], None] | None = None,
) -> Path:
    """Tries settings, trains a model on each, and returns the path of the best one's checkpoint.

    Raises:
        EngineError: if Ray is not installed.
    """
    try:
        from ray import tune
        from ray.tune.schedulers import ASHAScheduler
    except ImportError as error:
        raise EngineError(
            "--search",
            expected="Ray Tune",
            found="no such package",
            hint="Install it with `pip install 'earmark[train,cluster]'`.",
        ) from error
    from earmark.training.align.job import read_data

    choices = read_choices(config)
    out = out.resolve()  # a trial runs in a folder of its own
    base = read_settings(config, **(changes or {}))
    base = dataclasses.replace(base, data=_whole(base.data), words=_whole(base.words), spellings=_whole(base.spellings))
    with read_data(base, out, on_broken).features:
        pass  # made once, before the trials share them

    def trial(chosen: dict[str, Any]) -> None:
        from earmark.training.align.features import FeatureStore
        from earmark.training.align.job import read_splits_and_vectors, with_features
        from earmark.training.align.loop import train_alignment

        settings = dataclasses.replace(base, **chosen)
        splits, vectors = read_splits_and_vectors(settings, lambda error: None)
        with FeatureStore(out / "features.h5") as features:
            train_alignment(
                {name: with_features(split, features) for name, split in splits.items()},
                features,
                vectors,
                settings,
                out / "trials" / tune.get_context().get_trial_id(),
                on_epoch=lambda epoch: tune.report({"val_loss": epoch.val_loss}),
            )

    tuner = tune.Tuner(
        trial,
        param_space={name: tune.choice(values) for name, values in choices.items()},
        run_config=tune.RunConfig(storage_path=str(out / "tune")),
        tune_config=tune.TuneConfig(
            metric="val_loss",
            mode="min",
            num_samples=trials,
            scheduler=ASHAScheduler(max_t=base.epochs, grace_period=min(5, base.epochs)),
        ),
    )
    best = tuner.fit().get_best_result(metric="val_loss", mode="min")
    return out / "trials" / str((best.metrics or {})["trial_id"]) / "best.pt"


def _whole(path: str) -> str:
    return str(Path(path).expanduser().resolve()) if path else ""
