"""The published experiments, run again: one file each, with a `STUDY` that the command finds."""

from pneumoscope.lab.studies.study import SCALES, Context, Study, run_study, studies

__all__ = ["SCALES", "Context", "Study", "run_study", "studies"]
