"""`earmark find`: the main job."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earmark.cli.console import (
    AudioStreamOption,
    ForceOption,
    IgnoreSidecarsOption,
    LibraryOption,
    RecogniserOption,
    VerboseOption,
    WorkersOption,
    clock,
    library_folder,
    listen_to,
    progress_on_stderr,
    say,
    write_out,
)
from earmark.errors import FormatError, UsageError
from earmark.settings import FindSettings, IndexSettings

if TYPE_CHECKING:
    from earmark.library import Catalogue
    from earmark.records import Moment

EXAMPLE = 'Example: earmark find "it was the season of darkness" talk.mp4 ~/podcasts --clips moments/'


def find(
    text: Annotated[
        str,
        typer.Argument(
            metavar="TEXT",
            help="What you want to hear. “said: …” looks for these words only, “heard: …” for sounds only, “meaning: "
            "…” for what was said in other words.",
            show_default=False,
        ),
    ],
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[PATH…]",
            help="Files and folders to look in. Default: everything indexed.",
            show_default=False,
        ),
    ] = None,
    library: LibraryOption = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Moments at most.")] = FindSettings.limit,
    min_score: Annotated[
        float | None,
        typer.Option(
            "--min-score",
            min=0.0,
            max=1.0,
            help=f"Leave out moments less probable than this. Default: {FindSettings.min_probability:g}; the nearest "
            "few are shown where none reaches that.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write the moments as labels; the extension tells the format: .srt, .vtt, .csv, .rttm, .jsonl, …",
            show_default=False,
        ),
    ] = None,
    force: ForceOption = False,
    clips: Annotated[
        Path | None,
        typer.Option("--clips", metavar="DIR", help="Write each moment as an audio file.", show_default=False),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            "--plot", metavar="FILE", help="Draw waveform, curve and moments: .png, .pdf or .svg.", show_default=False
        ),
    ] = None,
    context: Annotated[
        float, typer.Option("--context", metavar="SECONDS", min=0.0, help="Audio kept around each clip.")
    ] = 0.0,
    language: Annotated[
        str | None,
        typer.Option(
            "--language",
            metavar="CODE",
            help="The query's language: en, fa, … Default: told by its script.",
            show_default=False,
        ),
    ] = None,
    spot: Annotated[
        bool,
        typer.Option(
            "--spot",
            help="Look for the words in the sound itself, too: for names that no recogniser writes. It listens again "
            "each time. English; Persian is experimental.",
        ),
    ] = False,
    system: Annotated[
        str | None,
        typer.Option(
            "--system",
            metavar="NAME",
            help="Rank stretches of some ten seconds by what they are about: cascade (by the keywords of what was "
            "recognised), contrastive (by the sound of the speech, without its words), fused (by both), or ranked "
            "(fused where the library can, else cascade). Default: words, sounds and meaning.",
            show_default=False,
        ),
    ] = None,
    about: Annotated[bool, typer.Option("--about", help="Tell what is talked about around each moment.")] = False,
    recogniser: RecogniserOption = None,
    ignore_sidecars: IgnoreSidecarsOption = False,
    audio_stream: AudioStreamOption = 0,
    workers: WorkersOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Find the moments where something was said or heard.

    Files that have not been heard yet are listened to first; asking again costs no pass over the audio.
    Nothing found is an answer too: a note, and exit code 0.
    """
    from earmark import finding, formats
    from earmark.finding import picture
    from earmark.finding.gaps import gaps_in
    from earmark.finding.languages import check_language
    from earmark.library import Catalogue
    from earmark.media.files import check_free

    # What cannot be is refused before hours of listening.
    kinds, asked_text = finding.kinds_asked(text)
    jobs = finding.jobs_asked(text)
    chosen = None
    if system is not None:
        from earmark.finding.systems import check_system, jobs_of, rank_chunks, subject_asked

        chosen = check_system(system)
        asked_text = subject_asked(text)
    if output is not None:
        formats.format_of(output)
    if plot is not None:
        picture.check_picture(plot)
    for target in (output, plot):
        if target is not None and str(target) != "-":
            check_free(target, force=force)
    if clips is not None:
        check_clips(clips)
    folder = library_folder(library)
    if language is not None:
        check_language(language, Catalogue.load(folder))
    wanted = None
    failed = False
    if paths:
        # Whoever asks for a sound alone does not wait for the words.
        words = "words" in jobs or about or spot or chosen is not None or recogniser is not None
        settings = IndexSettings(
            recogniser=(recogniser or IndexSettings.recogniser) if words else None,
            sidecars=not ignore_sidecars,
            keep_words=recogniser is None,
            speech="contrastive" if chosen in ("contrastive", "fused") else None,
            audio_stream=audio_stream,
            workers=workers,
        )
        report = listen_to(paths, folder, settings, verbose)
        failed = bool(report.failed)
        wanted = set(report.recordings)
    catalogue = Catalogue.load(folder)
    if wanted is None:  # a recording whose every path holds something else by now is not asked
        wanted = {id_ for id_ in catalogue.recordings if catalogue.paths_of(id_)}
    if not catalogue.recordings:
        say(f"note: the library in {folder} is empty. Pass files to look in, or run: earmark index PATH…")
    asked = settings_of(limit, min_score, language)
    if chosen is not None:
        moments = rank_chunks(asked_text, chosen, catalogue, wanted, asked, on_note=note)
    else:
        moments = finding.find(text, catalogue, wanted, asked, on_note=note)
    if spot:
        from earmark.finding.spotting import find_spotted

        known = [each for id_, each in catalogue.recordings.items() if id_ in wanted]
        with progress_on_stderr() as draw:
            spotted = find_spotted(asked_text, known, asked, draw)
        moments = finding.ranked([*moments, *spotted])[: asked.limit]
    if about:
        from earmark.finding.about import with_topics

        moments = with_topics(moments, catalogue)
    moments = located(moments, catalogue, paths or [])
    if output is not None:
        check_one_a_file(output, moments)
    for number, moment in enumerate(moments, 1):
        write_out(as_line(moment) if as_json else as_text(number, moment))
    if not moments and wanted:
        old = chosen is None and "heard" in kinds and finding.stale(catalogue, wanted)
        if old or gaps_in(catalogue, wanted, jobs if chosen is None else jobs_of(chosen, catalogue, wanted)):
            verdict, where = "not found", " in what was listened for"
        else:
            verdict, where = "not here", ""
        say(f"{verdict}: nothing like {text[:80]!r} with a score of {asked.min_probability:g} or more{where}")
    if output is not None:
        recordings = list({moment.recording.id: moment.recording for moment in moments}.values())
        shown = [moment if moment.text else replace(moment, text=NO_WORDS) for moment in moments]
        formats.write(map(formats.label_of_moment, shown), output, recordings=recordings, force=force)
        say(f"wrote {output}")
    if plot is not None and not moments:
        say("no picture: nothing was found")
    elif plot is not None:
        picture.draw(plot, text, moments, catalogue, asked.min_probability, force)
        say(f"wrote {plot}")
    if clips is not None and moments:
        failed = not write_clips(moments, clips, context) or failed
    if failed:
        raise typer.Exit(1)


NO_WORDS = "(no words recognised)"
"""Shown where speech was found by its sound alone."""


def note(line: str) -> None:
    say(f"note: {line}")


def check_clips(folder: Path) -> None:
    """Whether clips could be written there, asked before listening.

    Raises:
        UsageError: if the folder, or one it would lie in, is a file.
        FormatError: if it may not be written to.
    """
    there = next(each for each in (folder, *folder.absolute().parents) if os.path.lexists(each))
    if not there.is_dir():
        raise UsageError(
            f"--clips {folder}",
            expected="a folder to write into",
            found="a file" if there == folder else f"a file, {there}, in its place",
            hint="Choose another name.",
        )
    if not os.access(there, os.W_OK):
        raise FormatError(
            f"--clips {folder}",
            expected="a folder you may write to",
            found="one you may not",
            hint="Write elsewhere.",
        )


def check_one_a_file(output: Path, moments: Sequence[Moment]) -> None:
    """Whether the format of `output` can hold these moments.

    Raises:
        UsageError: if they are of several recordings, and it names none.
    """
    from earmark import formats

    count = len({moment.recording.id for moment in moments})
    if formats.format_of(output) in formats.ONE_A_FILE and count > 1:
        raise UsageError(
            str(output),
            expected=f"moments of one recording, for {output.suffix} names none",
            found=f"those of {count}",
            hint="Use .csv, .rttm or .jsonl, or name the one recording to look in.",
        )


def settings_of(limit: int, min_score: float | None, language: str | None) -> FindSettings:
    """A score the user names is kept to; the nearest are shown only where none was named."""
    if min_score is None:
        return FindSettings(limit=limit, language=language)
    return FindSettings(limit=limit, min_probability=min_score, nearest=0, language=language)


def as_line(moment: Moment) -> str:
    """One moment as a line of JSON; `start` and `end` in seconds on the media's own clock."""
    from earmark.formats import label_of_moment
    from earmark.formats.jsonlines import dump_json, record_of

    return dump_json(record_of(label_of_moment(moment)) | {"evidence": dict(moment.evidence)}) + "\n"


def as_text(number: int, moment: Moment) -> str:
    """Two lines for a person: where, how probable and found by what, then the text with the match marked."""
    from earmark.formats.bidi import isolate

    way = moment.evidence.get("way", "exact")
    by = "" if way == "exact" else f" ({way})"
    where = f"{clock(moment.span.start)}–{clock(moment.span.end)}"
    head = f"{number:>3}. {moment.probability:.2f}  {moment.recording.path}  {where}  {moment.kind}{by}"
    about = moment.evidence.get("about")
    topics = f"     about: {isolate(', '.join(about))}\n" if isinstance(about, list) and about else ""
    return f"{head}\n     {isolate(excerpt(moment.text or NO_WORDS, moment.match))}\n{topics}"


def excerpt(text: str, match: tuple[int, int] | None, reach: int = 60) -> str:
    """The match and some text around it; the match bold on a terminal, in [brackets] elsewhere."""
    if match is None:
        return text
    first, last = match
    before, hit, after = text[:first], text[first:last], text[last:]
    if len(before) > reach:
        before = "…" + before[-reach:].split(" ", 1)[-1]
    if len(after) > reach:
        after = after[:reach].rsplit(" ", 1)[0] + "…"
    return f"{before}\x1b[1m{hit}\x1b[0m{after}" if sys.stdout.isatty() else f"{before}[{hit}]{after}"


def write_clips(moments: Sequence[Moment], folder: Path, context: float) -> bool:
    """Cuts every moment it can; False where a file was missing or could not be read."""
    from earmark.errors import MediaError
    from earmark.media.clips import clip_name, write_clip

    folder.mkdir(parents=True, exist_ok=True)
    written, broken = 0, []
    for moment in moments:
        path = folder / clip_name(moment.recording, moment.span, label=moment.kind)
        if path.exists():
            say(f"kept: {path} is there already")
            continue
        try:
            write_clip(path, moment.recording, moment.span.widen(context))
            written += 1
        except MediaError as error:
            broken.append(error)
    say(f"wrote {written} clip{'' if written == 1 else 's'} to {folder}")
    for reason in broken:
        say(f"not cut: {' '.join(str(reason).split())}")
    return not broken


def located(moments: Sequence[Moment], catalogue: Catalogue, asked: Sequence[Path]) -> list[Moment]:
    """Each moment with a path that exists, among those asked for if it can be; one whose file is gone says so."""
    tops = [path.absolute() for path in asked]
    chosen: dict[str, str] = {}
    for recording in {moment.recording.id: moment.recording for moment in moments}.values():
        known = sorted(catalogue.paths_of(recording.id) or [recording.path])
        there = [path for path in known if Path(path).exists()]
        under = [path for path in there if any(Path(path) == top or top in Path(path).parents for top in tops)]
        best = (under or there or [recording.path])[0]
        chosen[recording.id] = recording.path if recording.path in (under or there) else best
        if not there:
            say(f"note: {recording.path} is not there any more")
        others = [path for path in (under or there) if path != chosen[recording.id]]
        if others:
            say(f"note: {chosen[recording.id]} is also {', '.join(others[:5])}{' …' if len(others) > 5 else ''}")
    return [
        replace(moment, recording=replace(moment.recording, path=chosen[moment.recording.id])) for moment in moments
    ]
