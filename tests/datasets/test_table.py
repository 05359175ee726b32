"""Tables of paths."""

from pathlib import Path

import pytest

from scgm.datasets import DataCase, Reference, read_dataset
from scgm.errors import DataSetError
from tests.helpers.dataset_files import put


def table(root: Path, text: str, name: str = "set.csv") -> Path:
    path = root / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def files(tmp_path: Path) -> Path:
    return put(
        tmp_path, *("a.nii.gz", "b.nii.gz", "gm.nii.gz", "gm2.nii.gz", "c.nii.gz", "levels.txt")
    )


def test_a_row_is_an_image_with_all_that_is_known(files: Path) -> None:
    path = table(
        files,
        "image,gm,wm,cord,rater,site,subject,levels\n"
        "a.nii.gz,gm.nii.gz,gm2.nii.gz,c.nii.gz,ann,London,S1,levels.txt\n",
    )

    dataset = read_dataset(path)

    assert (dataset.kind, dataset.name, dataset.root) == ("table", "set", files)
    reference = Reference(gm=files / "gm.nii.gz", wm=files / "gm2.nii.gz", cord=files / "c.nii.gz")
    assert dataset.cases == (
        DataCase("a", files / "a.nii.gz", "London", "S1", {"ann": reference}, files / "levels.txt"),
    )


def test_a_row_names_the_label_that_means_a_tissue(files: Path) -> None:
    text = "image,gm,gm_value,wm,wm_value,cord,cord_value\n"
    text += "a.nii.gz,gm.nii.gz,1,gm.nii.gz,2,c.nii.gz,\n"

    (case,) = read_dataset(table(files, text)).cases

    labels, cord = files / "gm.nii.gz", files / "c.nii.gz"
    expected = Reference(gm=labels, wm=labels, cord=cord, gm_value=1, wm_value=2)
    assert case.references == {"labels": expected}


@pytest.mark.parametrize("cell", ["gray", "0", "-1", "1.5", "65536", "\u0661"])
def test_a_label_that_is_no_whole_number_is_refused(files: Path, cell: str) -> None:
    path = table(files, f"image,gm,gm_value\na.nii.gz,gm.nii.gz,{cell}\n")

    with pytest.raises(DataSetError, match=r"line 2, column gm_value: '.*' is no label; give a"):
        read_dataset(path)


def test_rows_of_one_image_are_its_raters(files: Path) -> None:
    text = "image,gm,rater\na.nii.gz,gm.nii.gz,ann\nb.nii.gz,,\n./a.nii.gz,gm2.nii.gz,bob\n"

    dataset = read_dataset(table(files, text))

    assert [(case.name, case.raters) for case in dataset.cases] == [
        ("a", ("ann", "bob")),
        ("b", ()),
    ]
    assert dataset.cases[0].references["bob"].gm == files / "gm2.nii.gz"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("set.tsv", "image\tgm\na.nii.gz\tgm.nii.gz\n"),
        ("set.csv", "image;gm\na.nii.gz;gm.nii.gz\n"),
        ("set.CSV", "\ufeffImage, GM\r\n\r\na.nii.gz, gm.nii.gz\r\n"),
        ("set.csv", 'image,gm\n"a.nii.gz","gm.nii.gz"\n'),
    ],
)
def test_tables_of_every_program_are_read(files: Path, name: str, text: str) -> None:
    (case,) = read_dataset(table(files, text, name)).cases

    assert case.image == files / "a.nii.gz"
    assert case.references == {"labels": Reference(gm=files / "gm.nii.gz")}
    assert (case.name, case.subject, case.site) == ("a", "a", None)


def test_paths_start_from_the_folder_of_the_table(tmp_path: Path) -> None:
    put(tmp_path, "images/a.nii.gz", "labels/a.nii.gz", "lists/nothing")
    text = "image,gm\n../images/a.nii.gz,../labels/a.nii.gz\n"

    (case,) = read_dataset(table(tmp_path / "lists", text)).cases

    assert case.image == tmp_path / "images/a.nii.gz"


def test_images_of_one_name_are_called_by_their_folders(tmp_path: Path) -> None:
    put(tmp_path, "s1/t2s.nii.gz", "s2/t2s.nii.gz")

    dataset = read_dataset(table(tmp_path, "image,gm\ns1/t2s.nii.gz,\ns2/t2s.nii.gz,\n"))

    assert [case.name for case in dataset.cases] == ["s1-t2s", "s2-t2s"]


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("image,gm,mask\n", 1, "no column 'mask'"),
        ("image\n", 1, "the column 'gm' is missing"),
        ("", 1, "the column 'image' is missing"),
        ("image,gm,gm\n", 1, "the column 'gm' is there twice"),
        ("image,gm\na.nii.gz,gm.nii.gz\nb.nii.gz\n", 3, "it has 1 cells"),
        ("image,gm\n,gm.nii.gz\n", 2, "the cell 'image' is empty"),
        (
            "image,gm\na.nii.gz,\n\nx.nii.gz,\n",
            4,
            "column image: .*x.nii.gz: there is no such file",
        ),
        ("image,gm\na.nii.gz,nothing.nii\n", 2, "column gm: .*nothing.nii: there is no such file"),
        ("image,gm\n.,gm.nii.gz\n", 2, "this is a folder"),
        (
            "image,gm\na.nii.gz,gm.nii.gz\na.nii.gz,gm2.nii.gz\n",
            3,
            "the same image and rater as line 2",
        ),
        (
            "image,gm,rater,site\na.nii.gz,gm.nii.gz,x,Rome\na.nii.gz,gm2.nii.gz,y,Oslo\n",
            3,
            "site is 'Oslo' here, but 'Rome' in line 2",
        ),
    ],
)
def test_a_fault_is_one_sentence_with_its_line(
    files: Path, text: str, line: int, reason: str
) -> None:
    path = table(files, text)

    with pytest.raises(DataSetError, match=reason) as caught:
        read_dataset(path)
    assert str(caught.value).startswith(f"{path}, line {line}")
    assert "\n" not in str(caught.value)


def test_every_spelling_of_a_path_is_the_same_image(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (files / "link.nii.gz").symlink_to(files / "a.nii.gz")
    monkeypatch.chdir(files)
    spellings = ("a.nii.gz", files / "a.nii.gz", "./x/../a.nii.gz", "link.nii.gz")
    rows = "".join(f"{name},gm.nii.gz,r{n}\n" for n, name in enumerate(spellings))
    table(files, f"image,gm,rater\n{rows}b.nii.gz,,\n")

    dataset = read_dataset(Path("set.csv"))

    assert [(case.name, case.image) for case in dataset.cases] == [
        ("a", files / "a.nii.gz"),
        ("b", files / "b.nii.gz"),
    ]
    assert dataset.cases[0].raters == ("r0", "r1", "r2", "r3")


def test_images_of_one_name_in_and_out_of_the_folder_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "here/t2s.nii.gz", "there/t2s.nii.gz")
    table(tmp_path / "here", f"image,gm\nt2s.nii.gz,\n{tmp_path / 'there/t2s.nii.gz'},\n")
    monkeypatch.chdir(tmp_path / "here")

    dataset = read_dataset(Path("set.csv"))

    assert [case.name for case in dataset.cases] == ["here-t2s", "there-t2s"]


def test_a_home_that_nobody_has_is_one_sentence_with_its_line(files: Path) -> None:
    with pytest.raises(DataSetError, match=r"line 2, column image: ~nosuch.*no such home"):
        read_dataset(table(files, "image,gm\n~nosuch-user/a.nii.gz,\n"))


def test_a_cell_that_is_too_large_is_one_sentence_with_its_line(files: Path) -> None:
    with pytest.raises(DataSetError, match=r"set\.csv, line 2: this is no table"):
        read_dataset(table(files, f"image,gm\n{'a' * 200_000},\n"))


def test_a_site_in_two_spellings_is_one_site(files: Path) -> None:
    text = "image,gm,rater,site\na.nii.gz,gm.nii.gz,r1,CEITEC\na.nii.gz,gm2.nii.gz,r2,ceitec\n"

    dataset = read_dataset(table(files, f"{text}b.nii.gz,,,Cei-Tec\nc.nii.gz,,,Rome\n"))

    assert [case.site for case in dataset.cases] == ["CEITEC", "CEITEC", "Rome"]
    assert dataset.warnings == ("the sites 'CEITEC' and 'Cei-Tec' are taken as one",)


def test_a_table_in_another_encoding_is_refused(files: Path) -> None:
    (files / "set.csv").write_bytes("image,gm\nä.nii.gz,\n".encode("latin-1"))

    with pytest.raises(DataSetError, match=r"set\.csv: this is not text in UTF-8"):
        read_dataset(files / "set.csv")
