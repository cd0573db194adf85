"""`earmark evaluate`: how good the answers in a file are, with chance and confidence beside every figure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from earmark.errors import EarmarkError, FormatError, UsageError

if TYPE_CHECKING:
    from earmark.evaluation.inputs import References
    from earmark.evaluation.ranking import OperatingPoints
    from earmark.evaluation.scores import Score

app = typer.Typer(
    no_args_is_help=True,
    help="Measure answers against a reference: grounding, detection, retrieval, spoken terms, segmentation.",
)

Reference = Annotated[Path, typer.Argument(help="JSON lines: recording, query, start, end.", metavar="REFERENCE")]
Estimated = Annotated[
    Path, typer.Argument(help="JSON lines: recording, query, start, end, probability.", metavar="ESTIMATED")
]
Threshold = Annotated[float, typer.Option(help="An answer counts at or above this probability.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line instead of the table.")]
Plot = Annotated[Path | None, typer.Option(help="Write PR and DET curves to this picture.", metavar="PNG")]
Repeats = Annotated[int, typer.Option("--bootstrap", min=0, help="Resamples of the recordings; 0 for no intervals.")]
Seed = Annotated[int, typer.Option(help="Seed of everything drawn at random.")]
Skip = Annotated[bool, typer.Option("--skip-broken", help="Leave broken lines out; count and list them.")]

Broken: TypeAlias = list[EarmarkError]

PICTURES = (".png", ".pdf", ".svg")


def _on_broken(skip: bool, broken: Broken) -> Callable[[EarmarkError], None]:
    from earmark.evaluation.inputs import refuse

    return broken.append if skip else refuse


def _asked(references: References, path: Path) -> References:
    """The reference, if it asks anything."""
    if not references.spans:
        raise FormatError(
            path,
            expected="lines with a query",
            found="transcripts only",
            hint="Transcripts are measured by `earmark evaluate spoken-terms`.",
        )
    return references


def _show(task: str, scores: Sequence[Score], as_json: bool, broken: Broken) -> None:
    from earmark.evaluation.tables import json_lines, table

    typer.echo(json_lines(task, scores) if as_json else table(scores))
    _tell(broken)


def _tell(broken: Broken) -> None:
    if broken:
        typer.echo(f"left out {len(broken)}:", err=True)
        for error in broken:
            typer.echo(f"  {error}", err=True)


@app.command()
def grounding(
    reference: Reference,
    estimated: Estimated,
    threshold: Threshold = 0.5,
    as_json: AsJson = False,
    plot: Plot = None,
    repeats: Repeats = 1000,
    seed: Seed = 0,
    skip_broken: Skip = False,
) -> None:
    """Text to spans: is the right place first, and is "not here" said where it is not.

    Example: earmark evaluate grounding truth.jsonl answers.jsonl
    """
    from earmark.evaluation.grounding import grounding_scores, presence_labels
    from earmark.evaluation.inputs import read_estimates, read_references

    broken: Broken = []
    references = _asked(read_references(reference, _on_broken(skip_broken, broken)), reference)
    estimates = read_estimates(estimated, references, _on_broken(skip_broken, broken))
    if plot is not None:
        _plot(plot, "is the query there?", *presence_labels(references, estimates))
    scores = grounding_scores(references, estimates, threshold=threshold, repeats=repeats, seed=seed)
    _show("grounding", scores, as_json, broken)


@app.command()
def detection(
    reference: Reference,
    scores: Annotated[Path, typer.Argument(help="Frame scores: .npz, .tsv or a folder of .tsv.")],
    threshold: Threshold = 0.5,
    min_max: Annotated[
        bool, typer.Option("--min-max", help="Stretch every curve to [0, 1] first, as Xie et al. do.")
    ] = False,
    as_json: AsJson = False,
    plot: Plot = None,
    repeats: Repeats = 1000,
    seed: Seed = 0,
    skip_broken: Skip = False,
) -> None:
    """Curves of scores: frames, events and PSDS.

    Example: earmark evaluate detection truth.jsonl curves.npz --plot det.png
    """
    from earmark.evaluation.detection import detection_scores, frames_of, paired_curves
    from earmark.evaluation.detection import min_max as stretched
    from earmark.evaluation.inputs import read_references
    from earmark.evaluation.score_files import read_curves

    broken: Broken = []
    on_broken = _on_broken(skip_broken, broken)
    references = _asked(read_references(reference, on_broken), reference)
    curves = paired_curves(references, read_curves(scores, on_broken), on_broken)
    if min_max:
        curves = {pair: stretched(curve) for pair, curve in curves.items()}
    if plot is not None:
        frames = frames_of(references, curves)
        _plot(plot, "frames", frames.scores, frames.labels)
    figures = detection_scores(references, curves, threshold=threshold, repeats=repeats, seed=seed)
    _show("detection", figures, as_json, broken)


@app.command()
def retrieval(
    reference: Reference,
    scores: Annotated[Path, typer.Argument(help="Scores of every caption for every clip: .npz or JSON lines.")],
    as_json: AsJson = False,
    repeats: Repeats = 1000,
    seed: Seed = 0,
    skip_broken: Skip = False,
) -> None:
    """Captions to clips and back: recall, mAP@10, and the 30- and 6-candidate protocols.

    Example: earmark evaluate retrieval truth.jsonl scores.npz
    """
    from earmark.evaluation.inputs import read_references
    from earmark.evaluation.retrieval import retrieval_scores
    from earmark.evaluation.score_files import read_score_matrix

    broken: Broken = []
    on_broken = _on_broken(skip_broken, broken)
    references = _asked(read_references(reference, on_broken), reference)
    matrix, queries, recordings = read_score_matrix(scores, on_broken)
    figures = retrieval_scores(references, matrix, queries, recordings, repeats=repeats, seed=seed, on_broken=on_broken)
    _show("retrieval", figures, as_json, broken)


@app.command("spoken-terms")
def spoken_terms(
    reference: Reference,
    estimated: Estimated,
    threshold: Threshold = 0.5,
    as_json: AsJson = False,
    plot: Plot = None,
    repeats: Repeats = 1000,
    seed: Seed = 0,
    skip_broken: Skip = False,
) -> None:
    """Spoken terms: ATWV, MTWV, precision at N; WER and CER of lines that carry a "text".

    Example: earmark evaluate spoken-terms truth.jsonl hits.jsonl
    """
    from earmark.evaluation.inputs import read_estimates, read_references
    from earmark.evaluation.spoken_terms import detections_of, spoken_term_scores, term_operating_points

    broken: Broken = []
    references = read_references(reference, _on_broken(skip_broken, broken))
    estimates = read_estimates(estimated, references, _on_broken(skip_broken, broken))
    figures = spoken_term_scores(references, estimates, threshold=threshold, repeats=repeats, seed=seed)
    if plot is not None and references.spans:
        found = detections_of(references, [estimates.of(pair) for pair in references.pairs])
        _write_plot(plot, "spoken terms", term_operating_points(found, sum(references.durations.values())))
    _show("spoken-terms", figures, as_json, broken)


@app.command()
def segmentation(
    reference: Reference,
    estimated: Estimated,
    curves: Annotated[
        Path | None, typer.Option("--scores", help="Frame scores of the classes, for the ROC AUC.")
    ] = None,
    as_json: AsJson = False,
    repeats: Repeats = 1000,
    seed: Seed = 0,
    skip_broken: Skip = False,
) -> None:
    """Classes over time: precision, recall, F1, ROC AUC and boundary error of each.

    Example: earmark evaluate segmentation truth.jsonl segments.jsonl
    """
    from earmark.evaluation.inputs import read_estimates, read_references
    from earmark.evaluation.score_files import read_curves
    from earmark.evaluation.segmentation import segmentation_scores

    broken: Broken = []
    on_broken = _on_broken(skip_broken, broken)
    references = _asked(read_references(reference, on_broken), reference)
    estimates = read_estimates(estimated, references, on_broken, crossed=True)
    figures = segmentation_scores(
        references,
        estimates,
        None if curves is None else read_curves(curves, on_broken),
        repeats=repeats,
        seed=seed,
    )
    _show("segmentation", figures, as_json, broken)


@app.command()
def alignment(
    checkpoint: Annotated[Path, typer.Argument(help="The best.pt that `earmark train align` wrote.")],
    data: Annotated[str, typer.Argument(help="Folder of AudioGrounding, or a CSV of file,caption,split,…")],
    split: Annotated[str, typer.Option(help="Which part to measure on.")] = "test",
    features: Annotated[
        Path | None, typer.Option(metavar="H5", help="Where features are kept. Default: beside the checkpoint.")
    ] = None,
    as_json: AsJson = False,
    plot: Plot = None,
    repeats: Repeats = 1000,
    seed: Seed = 0,
    skip_broken: Skip = False,
) -> None:
    """A trained alignment model: retrieval, and its phrases with the per-clip min-max of the paper and without.

    Example: earmark evaluate alignment run/best.pt AudioGrounding
    """
    import dataclasses

    import numpy as np

    from earmark.cli.console import progress_on_stderr
    from earmark.evaluation.detection import detection_scores, frames_of, min_max
    from earmark.evaluation.inputs import References
    from earmark.evaluation.retrieval import retrieval_scores
    from earmark.timeline import ScoreCurve
    from earmark.training.align.dataset import keep_known
    from earmark.training.align.features import store_features
    from earmark.training.align.job import read_splits, with_features
    from earmark.training.align.loop import load_checkpoint
    from earmark.training.align.scoring import phrase_curves, retrieval_matrix

    broken: Broken = []
    on_broken = _on_broken(skip_broken, broken)
    model, vectors, settings = load_checkpoint(checkpoint)
    splits = read_splits(dataclasses.replace(settings, data=data), on_broken)
    if split not in splits:
        raise UsageError(
            "--split", expected=f"one of {', '.join(splits)}", found=repr(split), hint="Name a part the data has."
        )
    held = keep_known(splits[split], vectors.__contains__, on_broken)
    with progress_on_stderr() as on_progress:
        path = features or checkpoint.parent / "features.h5"
        with store_features(path, held.files, settings.most_seconds, on_broken, on_progress) as store:
            held = with_features(held, store)
            captions = list({caption.text: caption for caption in held.captions}.values())
            matrix = retrieval_matrix(model, captions, held.clips, store, vectors, settings.reduction, on_progress)
            curves = {
                over: phrase_curves(model, held.phrases, store, vectors, over, on_progress) for over in ("mean", "max")
            }
    pairs = References({(c.clip, c.text): () for c in held.captions}, {}, {})
    texts = [caption.text for caption in captions]
    tables = {"retrieval": retrieval_scores(pairs, matrix, texts, held.clips, repeats=repeats, seed=seed)}
    if held.phrases:
        truth = References({(p.clip, p.text): p.spans for p in held.phrases}, {}, {})
        rng = np.random.default_rng(seed)
        curves["random"] = {
            pair: ScoreCurve(rng.random(curve.num_frames).astype(np.float32), curve.step_seconds)
            for pair, curve in curves["mean"].items()
        }
        for over, found in curves.items():
            name = over if over == "random" else f"{over} over words"
            stretched = {pair: min_max(curve) for pair, curve in found.items()}
            tables[f"phrases, {name}, min-max"] = detection_scores(truth, stretched, repeats=repeats, seed=seed)
            if over != "random":
                tables[f"phrases, {name}"] = detection_scores(truth, found, repeats=repeats, seed=seed)
        if plot is not None:
            frames = frames_of(truth, curves["mean"])
            _plot(plot, "phrases, mean over words", frames.scores, frames.labels)
    for name, scores in tables.items():
        if not as_json:
            typer.echo(f"\n{name}")
        _show(f"alignment: {name}", scores, as_json, [])
    _tell(broken)


@app.command()
def scenes(
    folder: Annotated[Path, typer.Argument(help="Labelled clips: a folder with a CSV of file,start,end,caption.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Folder for the scenes.")],
    seed: Annotated[int, typer.Option(help="The same seed and clips give the same scenes.")] = 1,
    count: Annotated[int, typer.Option(min=1, help="How many scenes.")] = 20,
    seconds: Annotated[float, typer.Option(min=1.0, help="Length of each.")] = 60.0,
    events: Annotated[int, typer.Option(min=1, help="Sounds to ask for in each.")] = 5,
    absent: Annotated[int, typer.Option(min=0, help="Queries in each for sounds that are not there.")] = 5,
    distractors: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Clips that may lie between, unasked.")
    ] = None,
    backgrounds: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Recordings to lie under it all. Default: hiss.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Write over scenes that are there.")] = False,
) -> None:
    """Build scenes with exact times from labelled clips, and the reference to measure answers against.

    Example: earmark evaluate scenes clips --seed 1 -o scenes
    """
    from earmark.cli.console import progress_on_stderr
    from earmark.evaluation.scene_files import write_scenes
    from earmark.scenes.builder import SceneSettings
    from earmark.scenes.clips import read_clips

    with progress_on_stderr() as on_progress:
        truth = write_scenes(
            output,
            read_clips(folder),
            count=count,
            seed=seed,
            distractors=read_clips(distractors) if distractors else (),
            backgrounds=read_clips(backgrounds) if backgrounds else (),
            absent=absent,
            settings=SceneSettings(seconds=seconds, events=events),
            force=force,
            on_progress=on_progress,
        )
    typer.echo(truth)


def _plot(path: Path, title: str, scores: object, labels: object) -> None:
    from earmark.evaluation.ranking import operating_points

    _write_plot(path, title, operating_points(scores, labels))  # type: ignore[arg-type]


def _write_plot(path: Path, title: str, points: OperatingPoints) -> None:
    from earmark.evaluation.plotting import plot_operating_points

    if path.suffix.lower() not in PICTURES:
        raise UsageError(
            path,
            expected=f"a picture name ending in {', '.join(PICTURES)}",
            found=path.suffix or "no ending",
            hint="Try --plot curves.png.",
        )
    plot_operating_points(path, title, points)
