"""Which images to evaluate on, with their labels: a folder with `labels.csv`, or of classes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath, PureWindowsPath

from pneumoscope.errors import DataError
from pneumoscope.findings import About, Message, Value
from pneumoscope.imaging import IMAGE_SUFFIXES
from pneumoscope.tables import read_rows

LABELS_FILE = "labels.csv"
PATIENT_COLUMN = "patient_id"
AGE_COLUMN = "age"
VIEW_COLUMN = "view"
MAX_AGE = 130
_ENDINGS = ", ".join(IMAGE_SUFFIXES)


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """One image and what is known of it.

    Attributes
    ----------
    path : Path
        Where it lies: the folder joined with `file`.
    file : str
        Relative to the folder, as written in `labels.csv`; with forward slashes for class folders.
    label : str
        The true class, as written.
    patient_id : str
        The patient, or whatever the column of the patients names (such as the paper that a picture
        is from); the file itself where no patient is known.
    extra : mapping of str to str
        The other columns of `labels.csv`.
    """

    path: Path
    file: str
    label: str
    patient_id: str
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def age(self) -> float | None:
        """The column `age` in years; None where it states no age of 0 to 130."""
        try:
            years = float(self.extra.get(AGE_COLUMN, ""))
        except ValueError:
            return None
        return years if 0 <= years <= MAX_AGE else None

    @property
    def view(self) -> str:
        """The column `view` in capitals, such as "AP"; empty where it states none."""
        return self.extra.get(VIEW_COLUMN, "").upper()


@dataclass(frozen=True, slots=True)
class Manifest:
    """The images of a labelled folder.

    Attributes
    ----------
    images : tuple of LabelledImage
        In the order of `labels.csv`; sorted by path for class folders.
    patient_column : str or None
        The column of the patients. None where patients are not known: every image then counts as
        its own patient, and intervals are too narrow if some share one.
    where : mapping of str to str
        The columns and values that the images were chosen by; empty for all images of the folder.
    others : tuple of LabelledImage
        The images of the folder that were not chosen.
    unread : tuple of str
        Files in class folders that are no images by their ending, relative to the folder; hidden
        ones left out. DICOM objects often have no ending.
    """

    images: tuple[LabelledImage, ...]
    patient_column: str | None
    where: Mapping[str, str] = field(default_factory=dict)
    others: tuple[LabelledImage, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def has_patients(self) -> bool:
        """Whether patients are known."""
        return self.patient_column is not None

    @property
    def labels(self) -> tuple[str, ...]:
        """The distinct labels, sorted."""
        return tuple(sorted({image.label for image in self.images}))

    @property
    def warnings(self) -> tuple[Message, ...]:
        """What a user of the images must know of the others."""
        if not self.unread:
            return ()
        told: dict[str, Value] = {
            "count": len(self.unread),
            "first": self.unread[0],
            "endings": _ENDINGS,
        }
        return (Message("files_not_read", About.DATA, told),)


def read_manifest(
    folder: Path,
    *,
    patient_column: str = PATIENT_COLUMN,
    where: Mapping[str, str] | None = None,
    same_patient: Sequence[Sequence[str]] = (),
) -> Manifest:
    """Read which images a labelled folder holds; no image is opened.

    With a `labels.csv` (UTF-8, with or without a byte order mark; columns `file` and `label`,
    optionally `patient_id` and others; blanks around a value do not count) the images are those
    that it lists. Without one, each folder inside names a class, and its images (.jpg, .jpeg, .png,
    .tif, .tiff, .dcm; at any depth; hidden files left out) have that label.

    Parameters
    ----------
    folder : Path
        The data folder.
    patient_column : str
        The column that names what must stay together and what intervals resample: the patient, or
        the nearest thing to one that is known. Only the default one may be absent.
    where : mapping of str to str, optional
        Keep the images that have these values in these further columns, such as an official list's
        (``{"official_split": "val"}``). The whole table is checked all the same.
    same_patient : sequence of sequence of str
        Values of `patient_column` that are, or may be, of one patient: the first of each group
        stands for all of it. Those that do not occur are passed over, so that a part of a set can
        be read with the groups of the whole.

    Returns
    -------
    Manifest
        At least one image.

    Raises
    ------
    DataError
        If the folder does not exist or holds no labelled image; if an image lies beside the class
        folders; if `labels.csv` cannot be read, is over 64 MiB, is malformed, lacks a column or has
        an empty file, label or patient; if a file is missing or listed twice; if a file or
        `labels.csv` lies outside the folder, links included; if there is no image of `where`; if
        a value is in two groups of `same_patient`.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; give a folder with {LABELS_FILE} or classes")
    table = folder / LABELS_FILE
    try:
        # A broken link has no content, but must not pass for "no table".
        if table.is_symlink() or table.exists():
            manifest = _from_table(folder, table, patient_column)
        else:
            manifest = _from_class_folders(folder, patient_column)
    except OSError as error:
        raise DataError(
            f"{folder}: cannot be read ({error.strerror}); check its files and their rights"
        ) from error
    manifest = _joined(folder, manifest, same_patient)
    return _chosen(folder, manifest, where) if where else manifest


def _from_table(folder: Path, table: Path, patient_column: str) -> Manifest:
    if not _inside(table, folder.resolve()):
        raise DataError(f"{table}: a link that leads outside {folder}; put the table itself there")
    header, rows = read_rows(table, "file,label[,patient_id,...]")
    for column in ("file", "label"):
        if column not in header:
            raise DataError(
                f"{table}: no column {column!r}; the first line must be "
                "file,label[,patient_id,...], separated by commas"
            )
    # Only now: without these two the first line may be a patient's, and no header.
    for column in header:
        if header.count(column) > 1:
            raise DataError(f"{table}: two columns are named {column!r}; rename one")
    further = [column for column in header if column not in ("file", "label")]
    has_patients = patient_column in further
    if not has_patients and patient_column != PATIENT_COLUMN:
        raise DataError(
            f"{table}: no column {patient_column!r} to tell the patients by; {_there(further)}"
        )
    filled = ("file", "label", patient_column)[: 3 if has_patients else 2]
    images = []
    for line, values in rows:
        row = dict(zip(header, values, strict=True))
        empty = next((column for column in filled if not row[column]), None)
        if empty is not None:
            raise DataError(f"{table}, line {line}: {empty} is empty; fill it in")
        file, label = row.pop("file"), row.pop("label")
        patient = row.pop(patient_column, file)
        images.append(LabelledImage(folder / file, file, label, patient, row))
    if not images:
        raise DataError(f"{table}: lists no image; add one line per image")
    _check_files(folder, images, table)
    return Manifest(tuple(images), patient_column if has_patients else None)


def _joined(folder: Path, manifest: Manifest, groups: Sequence[Sequence[str]]) -> Manifest:
    """Name each patient by the first value of its group."""
    first: dict[str, str] = {}
    for group in groups:
        for value in group:
            if value in first:
                raise DataError(f"{folder}: same_patient names {value!r} twice; keep one")
            first[value] = group[0]
    images = tuple(
        replace(image, patient_id=first.get(image.patient_id, image.patient_id))
        for image in manifest.images
    )
    return replace(manifest, images=images)


def _chosen(folder: Path, manifest: Manifest, where: Mapping[str, str]) -> Manifest:
    """Keep the images that have the asked values."""
    known = manifest.images[0].extra
    for column in where:
        if column not in known:
            raise DataError(
                f"{folder}: no column {column!r} to choose images by; {_there(list(known))}"
            )
    images: list[LabelledImage] = []
    others: list[LabelledImage] = []
    for image in manifest.images:
        fits = all(image.extra[column] == value for column, value in where.items())
        (images if fits else others).append(image)
    if not images:
        asked = ", ".join(f"{column}={value}" for column, value in where.items())
        raise DataError(f"{folder}: no image has {asked}; give a value that occurs")
    return replace(manifest, images=tuple(images), where=dict(where), others=tuple(others))


def _there(columns: Sequence[str]) -> str:
    if not columns:
        return f"{LABELS_FILE} has no further column"
    return f"the further columns of {LABELS_FILE} are: {', '.join(columns)}"


def _from_class_folders(folder: Path, patient_column: str) -> Manifest:
    stray = sorted(entry.name for entry in folder.iterdir() if _is_image(entry))
    classes = sorted(entry for entry in folder.iterdir() if entry.is_dir())
    images, unread = [], []
    for class_folder in classes:
        for path in sorted(class_folder.rglob("*")):
            file = path.relative_to(folder).as_posix()
            if _is_image(path):
                images.append(LabelledImage(path, file, class_folder.name, file))
            elif path.is_file() and not _is_hidden(file):
                unread.append(file)
    if not images:
        raise DataError(
            f"{folder}: no labelled image; add {LABELS_FILE} (file,label[,patient_id]) "
            f"or one folder of images ({_ENDINGS}) per class"
        )
    if stray:
        raise DataError(
            f"{folder}: {len(stray)} images lie outside the class folders (first: {stray[0]!r}); "
            f"move them into one or write {LABELS_FILE}"
        )
    if patient_column != PATIENT_COLUMN:
        raise DataError(
            f"{folder}: class folders have no column {patient_column!r}; write {LABELS_FILE}"
        )
    _check_files(folder, images, folder)
    return Manifest(tuple(images), patient_column=None, unread=tuple(unread))


def _is_image(path: Path) -> bool:
    # Hidden files: macOS leaves "._name.jpeg" beside each image that it unpacks.
    hidden = path.name.startswith(".")
    return path.suffix.lower() in IMAGE_SUFFIXES and not hidden and path.is_file()


def _is_hidden(file: str) -> bool:
    """Whether a file or a folder on the way to it is hidden."""
    return any(part.startswith(".") for part in PurePosixPath(file).parts)


def _check_files(folder: Path, images: Iterable[LabelledImage], where: Path) -> None:
    """Make sure that every file exists, lies inside the folder and is listed once."""
    root, seen, missing = folder.resolve(), set(), []
    for image in images:
        real = None if _climbs(image.file) else _resolve(image.path)
        if real is None or not real.is_relative_to(root):
            raise DataError(
                f"{where}: {image.file!r} leads outside {folder}; list files inside it only"
            )
        if real in seen:
            raise DataError(f"{where}: {image.file!r} is listed twice; remove one line or link")
        seen.add(real)
        if not _exists(real):
            missing.append(image.file)
    if missing:
        raise DataError(
            f"{where}: {len(missing)} listed files are missing (first: {missing[0]!r}); "
            "add them or remove their lines"
        )


def _climbs(file: str) -> bool:
    """Whether a path is absolute or holds "..", on any system."""
    return any(
        bool(path.anchor) or ".." in path.parts
        for path in (PurePosixPath(file), PureWindowsPath(file))
    )


def _inside(path: Path, root: Path) -> bool:
    real = _resolve(path)
    return real is not None and real.is_relative_to(root)


def _resolve(path: Path) -> Path | None:
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # a link that leads to itself has no real place
        return None


def _exists(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # such as a name that is too long for the file system
        return False
