"""Data sets for training: collections, splits and their certificates, augmentation, batches."""

from pneumoscope.lab.datasets.augmentation import Augmentation, augment
from pneumoscope.lab.datasets.certificate import (
    DataIdentity,
    certify,
    digest,
    document,
    fold_facts,
)
from pneumoscope.lab.datasets.collection import Collection, collect
from pneumoscope.lab.datasets.evidence import LABEL_ONLY, UNKNOWN, EvidenceLessons, Lesson
from pneumoscope.lab.datasets.loading import PrefetchingLoader
from pneumoscope.lab.datasets.lung_outline import mend, only_lungs, random_outline
from pneumoscope.lab.datasets.lungs import LungChanges, find_lungs
from pneumoscope.lab.datasets.sampling import Draw, EpochSampler
from pneumoscope.lab.datasets.schemes import SCHEMES, Scheme, SchemeSettings, draw
from pneumoscope.lab.datasets.split import (
    FOUR_WAY,
    PARTS,
    By,
    Fold,
    Split,
    Units,
    linked_groups,
    split_four_ways,
    units_of,
)
from pneumoscope.lab.datasets.split_file import (
    CertificateError,
    certificate_path,
    read_split,
    write_split,
)
from pneumoscope.lab.datasets.split_folders import (
    identify,
    scheme_settings,
    split_folders,
)
from pneumoscope.lab.datasets.torch_data import HIDDEN, RadiographDataset

__all__ = [
    "FOUR_WAY",
    "HIDDEN",
    "LABEL_ONLY",
    "PARTS",
    "SCHEMES",
    "UNKNOWN",
    "Augmentation",
    "By",
    "CertificateError",
    "Collection",
    "DataIdentity",
    "Draw",
    "EpochSampler",
    "EvidenceLessons",
    "Fold",
    "Lesson",
    "LungChanges",
    "PrefetchingLoader",
    "RadiographDataset",
    "Scheme",
    "SchemeSettings",
    "Split",
    "Units",
    "augment",
    "certificate_path",
    "certify",
    "collect",
    "digest",
    "document",
    "draw",
    "find_lungs",
    "fold_facts",
    "identify",
    "linked_groups",
    "mend",
    "only_lungs",
    "random_outline",
    "read_split",
    "scheme_settings",
    "split_folders",
    "split_four_ways",
    "units_of",
    "write_split",
]
