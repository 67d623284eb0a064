"""Does the picture check tell pictures of a kind that it was never shown?

A network is trained as the packaged one, but without the pictures of FOLDER/not-chest and
FOLDER/covid-ct and without drawn CT slices: drawings, shuffled radiographs and pieces without lungs
alone stand for what is no chest. It is calibrated as the packaged one. Prints how many of all
pictures of these two folders it refuses, with 95% intervals.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import cv2

from pneumoscope.inference import PictureChecker
from pneumoscope.lab.lungs.examples import WITHOUT_LUNGS, pictures
from pneumoscope.lab.picture_check.measure import rate
from pneumoscope.lab.picture_check.pictures import gather, kind_of, readable
from pneumoscope.lab.picture_check.run import train_and_calibrate
from pneumoscope.lab.picture_check.train import STEPS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="holds the labelled folders")
    parser.add_argument("--steps", type=int, default=STEPS)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    pool = gather(given.folder)
    pool = replace(pool, others=pool.others[:0], kinds=())
    checker = PictureChecker(*train_and_calibrate(pool, given.folder, given.steps))
    told: dict[str, list[tuple[bool, str]]] = {}
    for source in WITHOUT_LUNGS:
        for example, pixels in readable(pictures(given.folder, source)):
            refused = bool(checker.look(pixels).refusals)
            told.setdefault(kind_of(example), []).append((refused, example.image.patient_id))
    for kind, rows in told.items():
        row = rate([refused for refused, _ in rows], [patient for _, patient in rows])
        low, high = row["ci95"]
        print(f"{kind}: {row['hits']} of {row['pictures']} refused ({low:.3f} to {high:.3f})")


if __name__ == "__main__":
    main()
