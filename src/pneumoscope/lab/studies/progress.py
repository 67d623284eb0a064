"""Many experiments of one study: several at a time, and how long they will take."""

from __future__ import annotations

import logging
import multiprocessing
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from typing import Any, TypeVar

from pneumoscope.errors import InputError
from pneumoscope.lab.studies.answers import (
    Answers,
    kept_answers,
    kept_experiments,
    write_answers,
)
from pneumoscope.lab.studies.experiment import Experiment, run_kept
from pneumoscope.lab.studies.study import Context

Key = TypeVar("Key")
Value = TypeVar("Value")

_log = logging.getLogger(__name__)


def run_experiments(context: Context, answers: Answers, experiments: Sequence[Experiment]) -> None:
    """Train what is not trained yet, and add every result to the answers.

    What is kept beside the page, of this study or of another in its folder, is taken and not
    trained again. After every training the answers are written there, and a line tells what is
    done, what is left and about how long it will take.

    Parameters
    ----------
    context : Context
    answers : Answers
        Filled.
    experiments : sequence of Experiment

    Raises
    ------
    InputError
        See `run_kept` and `kept_experiments`.
    """
    kept = kept_experiments(context.page)
    earlier = kept_answers(context.page)
    planned = {experiment.name: experiment for experiment in experiments}
    # What an earlier run kept and this one has not come to yet stays, but no other recipe's.
    still_good = {
        name: body
        for name, body in earlier.experiments.items()
        if name not in planned or planned[name].key() == body["key"]
    }
    left = []
    for experiment in experiments:
        body = kept.get(experiment.key())
        if body is None:
            left.append(experiment)
        else:
            answers.experiments[experiment.name] = body
    total, began = len(experiments), time.monotonic()
    _log.info("%d of %d trainings are kept, %d are left", total - len(left), total, len(left))
    to_do = {each.name: (context, each) for each in left}
    for done, (name, body) in enumerate(side_by_side(context, run_kept, to_do), start=1):
        answers.experiments[name] = body
        so_far = replace(
            answers,
            facts={**earlier.facts, **answers.facts},
            experiments={**still_good, **answers.experiments},
        )
        write_answers(context.page, so_far)
        ahead = len(left) - done
        seconds = (time.monotonic() - began) / done * ahead
        _log.info(
            "%s: done; %d of %d trainings, %d left%s",
            name,
            total - ahead,
            total,
            ahead,
            f", about {in_words(seconds)}" if ahead else "",
        )
    context.commits.update(answers.made_with("commit"))


def side_by_side(
    context: Context, function: Callable[..., Value], arguments: Mapping[Key, Sequence[Any]]
) -> Iterator[tuple[Key, Value]]:
    """Call a function many times, in so many processes as the context allows.

    Parameters
    ----------
    context : Context
    function : callable
        Of a module, so that a process can find it.
    arguments : mapping
        Of each call, by a key of the caller's.

    Yields
    ------
    key, value
        As each is done.

    Raises
    ------
    InputError
        A process was ended from outside. Whatever is raised ends the others, too.
    """
    if context.jobs == 1:
        for key, given in arguments.items():
            yield key, function(*given)
        return
    # A process that has used torch's threads cannot be forked.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(context.jobs, mp_context=spawn) as pool:
        running = {pool.submit(function, *given): key for key, given in arguments.items()}
        try:
            for future in as_completed(running):
                yield running[future], future.result()
        except BaseException as error:
            pool.shutdown(wait=False, cancel_futures=True)
            # Trainings go on from their last epoch when the study is run again.
            for child in multiprocessing.active_children():
                child.terminate()
            if isinstance(error, BrokenProcessPool):
                raise InputError(
                    "the process of a training was ended, perhaps for want of memory; run the "
                    "study again, with fewer --jobs (what is finished is kept)"
                ) from None
            raise


def in_words(seconds: float) -> str:
    """Write a time that is only about right: "40 s", "12 min", "3 h 10 min".

    Parameters
    ----------
    seconds : float
        At least 0.
    """
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
