"""Labelled folders: what is read, and everything that a user can get wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pneumoscope.errors import DataError
from pneumoscope.evaluation import LabelledImage, read_manifest
from pneumoscope.tables import MAX_TABLE_BYTES


def touch(folder, *files):
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(b"")


def table(folder, text, encoding="utf-8"):
    (folder / "labels.csv").write_bytes(text.encode(encoding))


def refused(folder, **options):
    with pytest.raises(DataError) as caught:
        read_manifest(folder, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert str(folder) in message
    return message


def test_a_table_is_read_in_its_order_with_its_other_columns(tmp_path):
    touch(tmp_path, "b.png", "sub/a.dcm")
    table(tmp_path, "file,label,patient_id,age\nsub/a.dcm,PNEUMONIA,p1,7\n b.png , NORMAL ,p1,\n")
    manifest = read_manifest(tmp_path)
    assert manifest.images == (
        LabelledImage(tmp_path / "sub/a.dcm", "sub/a.dcm", "PNEUMONIA", "p1", {"age": "7"}),
        LabelledImage(tmp_path / "b.png", "b.png", "NORMAL", "p1", {"age": ""}),
    )
    assert manifest.has_patients
    assert manifest.labels == ("NORMAL", "PNEUMONIA")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_what_spreadsheets_write_is_read(tmp_path, encoding, ending):
    touch(tmp_path, "Müller, 1.png")
    lines = ["label,file", 'NORMAL,"Müller, 1.png"', ",", ""]
    table(tmp_path, ending.join(lines), encoding)
    (image,) = read_manifest(tmp_path).images
    assert (image.file, image.label, image.path.is_file()) == ("Müller, 1.png", "NORMAL", True)


def test_without_patients_each_image_is_its_own(tmp_path):
    touch(tmp_path, "a.png", "b.png")
    table(tmp_path, "file,label\na.png,X\nb.png,X\n")
    manifest = read_manifest(tmp_path)
    assert not manifest.has_patients
    assert [image.patient_id for image in manifest.images] == ["a.png", "b.png"]


PAPERS = (
    "file,label,paper,list\na.png,X,P 1,train\nb.png,Y,P 2,val\nc.png,X,P 1,val\nd.png,X,P 3,\n"
)


@pytest.fixture
def papers(tmp_path):
    """Four pictures of three papers, on two lists and on none."""
    touch(tmp_path, "a.png", "b.png", "c.png", "d.png")
    table(tmp_path, PAPERS)
    return tmp_path


def test_another_column_stands_for_the_patients(papers):
    manifest = read_manifest(papers, patient_column="paper")
    assert (manifest.has_patients, manifest.patient_column) == (True, "paper")
    assert [image.patient_id for image in manifest.images] == ["P 1", "P 2", "P 1", "P 3"]
    assert {tuple(image.extra) for image in manifest.images} == {("list",)}
    assert read_manifest(papers).patient_column is None


@pytest.mark.parametrize("column", ["papre", "file", "label"])
def test_a_named_column_of_patients_must_be_there(papers, column):
    message = refused(papers, patient_column=column)
    assert f"no column {column!r}" in message
    assert "paper, list" in message


def test_an_empty_cell_in_the_named_column_is_refused(papers):
    assert "line 5: list is empty" in refused(papers, patient_column="list")


def test_values_of_one_patient_are_joined(tmp_path):
    touch(tmp_path, *(f"{i}.png" for i in range(5)))
    rows = "".join(f"{i}.png,X,p{i},{'ab'[i // 3]}\n" for i in range(5))
    table(tmp_path, f"file,label,patient_id,list\n{rows}")
    # What does not occur is passed over: it may be in another part of the set.
    groups = [["p3", "p1"], ["absent", "p0"]]
    joined = read_manifest(tmp_path, same_patient=groups)
    assert [image.patient_id for image in joined.images] == ["absent", "p3", "p2", "p3", "p4"]
    part = read_manifest(tmp_path, same_patient=groups, where={"list": "a"})
    assert [image.patient_id for image in part.images] == ["absent", "p3", "p2"]
    for twice in ([["p0", "p1"], ["p1", "p2"]], [["p0", "p0"]]):
        assert "twice" in refused(tmp_path, same_patient=twice)


def test_class_folders_have_no_column_of_patients(tmp_path):
    touch(tmp_path, "X/a.png")
    assert "class folders have no column 'paper'" in refused(tmp_path, patient_column="paper")


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        ({"list": "val"}, ["b.png", "c.png"]),
        ({"list": "val", "paper": "P 1"}, ["c.png"]),
        ({"list": ""}, ["d.png"]),
        ({}, ["a.png", "b.png", "c.png", "d.png"]),
        (None, ["a.png", "b.png", "c.png", "d.png"]),
    ],
)
def test_images_are_chosen_by_their_columns(papers, where, kept):
    manifest = read_manifest(papers, where=where)
    assert [image.file for image in manifest.images] == kept
    assert dict(manifest.where) == (where or {})
    everything = read_manifest(papers).images
    assert sorted([*manifest.images, *manifest.others], key=lambda i: i.file) == list(everything)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"lists": "val"}, "no column 'lists' to choose images by; the further columns of"),
        ({"label": "X"}, "no column 'label' to choose"),
        ({"list": "test"}, "no image has list=test"),
        ({"list": "train", "paper": "P 2"}, "no image has list=train, paper=P 2"),
    ],
)
def test_a_choice_that_no_image_fits_is_refused(papers, where, message):
    assert message in refused(papers, where=where)


def test_a_choice_excuses_no_other_line(papers):
    """An official list is worth nothing if an image of it is in another list, too."""
    table(papers, PAPERS + "a.png,X,P 1,val\n")
    assert "listed twice" in refused(papers, where={"list": "val"})


def test_class_folders_have_nothing_to_choose_by(tmp_path):
    touch(tmp_path, "X/a.png")
    assert "has no further column" in refused(tmp_path, where={"list": "val"})


def test_class_folders_are_read_in_order_at_any_depth(tmp_path):
    files = ["NORMAL/b.JPEG", "NORMAL/deep/er/a.png", "PNEUMONIA/c.dcm", "PNEUMONIA/d.tif"]
    touch(tmp_path, *files, "NORMAL/notes.txt", "NORMAL/._b.jpeg", "README.md", "EMPTY/x.csv")
    manifest = read_manifest(tmp_path)
    assert [image.file for image in manifest.images] == files
    assert manifest.labels == ("NORMAL", "PNEUMONIA")
    assert not manifest.has_patients
    for image in manifest.images:
        assert image.label == image.file.split("/")[0]
        assert image.patient_id == image.file
        assert image.path == tmp_path / image.file


def test_files_without_an_image_ending_in_class_folders_are_told(tmp_path):
    """CDs and PACS exports name DICOM objects so: half the images may be missing otherwise."""
    touch(tmp_path, "PNEUMONIA/b.dcm", "PNEUMONIA/IM0002", "PNEUMONIA/IM0001", "NORMAL/cd/IM0003.1")
    manifest = read_manifest(tmp_path)
    assert [image.file for image in manifest.images] == ["PNEUMONIA/b.dcm"]
    assert manifest.unread == ("NORMAL/cd/IM0003.1", "PNEUMONIA/IM0001", "PNEUMONIA/IM0002")
    (warning,) = manifest.warnings
    assert (warning.code, warning.values["count"]) == ("files_not_read", 3)
    assert warning.values["first"] == "NORMAL/cd/IM0003.1"
    assert ".dcm" in warning.values["endings"]


def test_hidden_files_and_files_of_no_class_stay_silent(tmp_path):
    touch(tmp_path, "X/a.png", "X/._b", "X/.DS_Store", "X/.thumbs/c", "README")
    manifest = read_manifest(tmp_path)
    assert (manifest.unread, manifest.warnings) == ((), ())


def test_what_a_table_does_not_list_is_left_out_on_purpose(tmp_path):
    touch(tmp_path, "X/IM0001", "X/IM0002")
    table(tmp_path, "file,label\nX/IM0001,X\n")
    manifest = read_manifest(tmp_path)
    assert [image.file for image in manifest.images] == ["X/IM0001"]
    assert manifest.warnings == ()


def test_a_folder_of_files_without_an_ending_is_told_which_endings_count(tmp_path):
    touch(tmp_path, "X/IM0001")
    message = refused(tmp_path)
    assert "no labelled image" in message
    assert ".jpg, .jpeg, .png, .tif, .tiff, .dcm" in message


def test_a_table_goes_before_class_folders(tmp_path):
    touch(tmp_path, "NORMAL/a.png", "NORMAL/b.png")
    table(tmp_path, "file,label\nNORMAL/a.png,PNEUMONIA\n")
    assert read_manifest(tmp_path).labels == ("PNEUMONIA",)


def test_no_folder(tmp_path):
    assert "no such folder" in refused(tmp_path / "absent")
    touch(tmp_path, "file.png")
    assert "no such folder" in refused(tmp_path / "file.png")


def test_nothing_labelled(tmp_path):
    assert "no labelled image" in refused(tmp_path)
    touch(tmp_path, "NORMAL/readme.txt", "loose.png")
    assert "no labelled image" in refused(tmp_path)


def test_an_image_beside_the_class_folders_is_not_passed_over(tmp_path):
    touch(tmp_path, "NORMAL/a.png", "loose.png")
    assert "1 images lie outside the class folders (first: 'loose.png')" in refused(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty; its first line must be"),
        ("\n  \n", "empty; its first line must be"),
        ("file,label\n", "lists no image"),
        ("name,label\na.png,X\n", "no column 'file'"),
        ("file,class\na.png,X\n", "no column 'label'"),
        ("file;label\na.png;X\n", "separated by commas"),
        ("file,label,label\na.png,X,Y\n", "two columns are named 'label'"),
        ("file,label\na.png,\n", "line 2: label is empty"),
        ("file,label\na.png,X\n,X\n", "line 3: file is empty"),
        ("file,label,patient_id\na.png,X, \n", "line 2: patient_id is empty"),
        ("file,label\na.png\n", "line 2: 1 values for 2 columns"),
        ("file,label\na.png,X,Y\n", "line 2: 3 values for 2 columns"),
        ('file,label\n"a.png,X\n', "malformed CSV"),
        ('file,label\n"a"b.png,X\n', "malformed CSV"),
        ("file,label\na.png,X\0\n", "not plain text"),
        ("file,label\na.png,X\na.png,Y\n", "'a.png' is listed twice"),
        ("file,label\na.png,X\n./a.png,X\n", "'./a.png' is listed twice"),
        ("file,label\na.png,X\nb.png,X\nc.png,X\n", "2 listed files are missing (first: 'b.png')"),
        (f"file,label\n{'x' * 4000}.png,X\n", "1 listed files are missing"),
        ("file,label\nsub,X\n", "1 listed files are missing (first: 'sub')"),
        ('file,label\n"a\nb.png",X\n', r"(first: 'a\nb.png')"),
    ],
)
def test_a_wrong_table(tmp_path, text, message):
    touch(tmp_path, "a.png", "sub/b.png")
    table(tmp_path, text)
    assert message in refused(tmp_path)


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_a_table_that_is_not_utf8(tmp_path, encoding):
    table(tmp_path, "file,label\nä.png,X\n", encoding)
    assert "save it as CSV (UTF-8)" in refused(tmp_path)


def test_a_table_that_cannot_be_opened(tmp_path):
    (tmp_path / "labels.csv").mkdir()
    assert "cannot be read" in refused(tmp_path)


def test_a_table_that_is_too_large(tmp_path):
    touch(tmp_path, "X/a.png")
    with (tmp_path / "labels.csv").open("wb") as stream:
        stream.write(b"file,label\nX/a.png,X\n")
        stream.truncate(MAX_TABLE_BYTES + 1)  # a hole: it takes no place on the disk
    assert "larger than 64 MiB" in refused(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes there")
def test_a_table_that_is_a_pipe_is_not_waited_for(tmp_path):
    touch(tmp_path, "X/a.png")
    os.mkfifo(tmp_path / "labels.csv")
    assert "not a plain file" in refused(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "Doe,Jane,1970-01-02,Doe\na.png,X,Y,Z\n",
        "Doe;Jane;1970-01-02\n",
        "file,Doe,Jane,Doe\n",
        "file,label,name\nDoe,Jane\n",
        'file,label\n"Doe"Jane,1970-01-02\n',
        "file,label\nDoe,\n",
    ],
    ids=["no header", "semicolons", "no label", "too few values", "quotes", "no value"],
)
def test_a_malformed_table_is_refused_without_quoting_it(tmp_path, text):
    table(tmp_path, text)
    message = refused(tmp_path)
    assert not any(cell in message for cell in ("Doe", "Jane", "1970"))


@pytest.mark.parametrize(
    "file", ["../out.png", "sub/../a.png", "sub/../../out.png", "..\\out.png", "C:\\out.png"]
)
def test_a_path_that_climbs_out(tmp_path, file):
    folder = tmp_path / "data"
    touch(tmp_path, "out.png", "data/a.png", "data/sub/b.png")
    table(folder, f"file,label\n{file},X\n")
    assert "leads outside" in refused(folder)


def test_an_absolute_path_even_into_the_folder(tmp_path):
    touch(tmp_path, "a.png")
    table(tmp_path, f"file,label\n{tmp_path / 'a.png'},X\n")
    assert "leads outside" in refused(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
class TestLinks:
    def test_a_link_out_of_the_folder(self, tmp_path):
        touch(tmp_path, "out.png", "data/X/a.png")
        (tmp_path / "data/X/link.png").symlink_to(tmp_path / "out.png")
        assert "leads outside" in refused(tmp_path / "data")
        table(tmp_path / "data", "file,label\nX/link.png,X\n")
        assert "leads outside" in refused(tmp_path / "data")

    def test_a_class_folder_that_is_a_link_out(self, tmp_path):
        touch(tmp_path, "elsewhere/a.png")
        (tmp_path / "data").mkdir()
        (tmp_path / "data/X").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
        assert "leads outside" in refused(tmp_path / "data")

    @pytest.mark.parametrize("target", ["out.csv", "absent.csv", "/dev/zero"])
    def test_a_table_that_is_a_link_out(self, tmp_path, target):
        touch(tmp_path, "data/X/a.png")
        (tmp_path / "out.csv").write_text("file,label\nX/a.png,X\n", "utf-8")
        (tmp_path / "data/labels.csv").symlink_to(tmp_path / target)
        assert "labels.csv: a link that leads outside" in refused(tmp_path / "data")

    @pytest.mark.parametrize("target", ["absent.csv", "labels.csv"])
    def test_a_table_that_is_a_broken_link_is_not_passed_over(self, tmp_path, target):
        touch(tmp_path, "X/a.png")
        (tmp_path / "labels.csv").symlink_to(target)
        refused(tmp_path)

    def test_a_table_that_is_a_link_within_the_folder_is_read(self, tmp_path):
        touch(tmp_path, "X/a.png")
        (tmp_path / "v2.csv").write_text("file,label\nX/a.png,Y\n", "utf-8")
        (tmp_path / "labels.csv").symlink_to("v2.csv")
        assert read_manifest(tmp_path).labels == ("Y",)

    def test_a_link_to_itself(self, tmp_path):
        (tmp_path / "loop.png").symlink_to("loop.png")
        table(tmp_path, "file,label\nloop.png,X\n")
        refused(tmp_path)

    def test_one_image_under_two_names_is_listed_twice(self, tmp_path):
        touch(tmp_path, "a.png")
        (tmp_path / "b.png").symlink_to("a.png")
        table(tmp_path, "file,label\na.png,X\nb.png,X\n")
        assert "'b.png' is listed twice" in refused(tmp_path)

    def test_a_folder_reached_by_a_link_is_fine(self, tmp_path):
        touch(tmp_path, "data/X/a.png")
        (tmp_path / "alias").symlink_to(tmp_path / "data", target_is_directory=True)
        assert len(read_manifest(tmp_path / "alias").images) == 1


@pytest.fixture(scope="module")
def shared_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("any")


@given(data=st.binary(max_size=200) | st.text(alphabet='file,label\n"\r;ä./', max_size=80))
def test_any_table_is_read_or_refused_with_one_line(shared_folder: Path, data):
    content = data if isinstance(data, bytes) else f"file,label\n{data}".encode()
    (shared_folder / "labels.csv").write_bytes(content)
    try:
        read_manifest(shared_folder)
    except DataError as error:
        assert "\n" not in str(error)  # noqa: PT017 - either outcome is right


@pytest.mark.parametrize(
    ("written", "age"),
    [
        ("0", 0),
        ("7.5", 7.5),
        ("130", 130),
        ("155", None),
        ("-1", None),
        ("050Y", None),
        ("nan", None),
        ("", None),
    ],
)
def test_the_age_of_an_image_is_one_that_is_possible(tmp_path, written, age):
    touch(tmp_path, "a.png")
    table(tmp_path, f"file,label,age,view\na.png,NORMAL,{written},ap\n")
    (image,) = read_manifest(tmp_path).images
    assert image.age == age
    assert image.view == "AP"


def test_an_image_without_such_columns_has_neither_age_nor_view(tmp_path):
    touch(tmp_path, "NORMAL/a.png")
    (image,) = read_manifest(tmp_path).images
    assert (image.age, image.view) == (None, "")
