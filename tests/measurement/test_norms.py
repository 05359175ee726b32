"""Norms of people whose distribution is known, and scores against them."""

import csv
from collections.abc import Mapping
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest

from scgm.errors import DataSetError, UsageError
from scgm.measurement.controls import Controls, Person, read_controls
from scgm.measurement.levels import LevelKind, Levels
from scgm.measurement.masks import structures_from_masks
from scgm.measurement.measure import measure
from scgm.measurement.norms import Norms, _distribution, build_norms, read_norms
from scgm.measurement.options import MeasureOptions
from scgm.measurement.table import Table
from tests.helpers.drawn_shapes import CORD, GRAY, Grid
from tests.helpers.public_norms import files

# 99 people whose areas are the 1st to 99th centile of a normal distribution. Their SD is 3.5 %
# smaller than its SD, since nobody lies beyond.
NORMAL = NormalDist(70, 8)
PEOPLE = {f"sub-{n:02}": NORMAL.inv_cdf(n / 100) for n in range(1, 100)}
GRID = Grid(shape=(80, 60, 4))


def controls(
    levels: Mapping[str, Mapping[str, float]],
    people: Mapping[str, Person] | None = None,
    label: str = "SC",
) -> Controls:
    names = {name for one in levels.values() for name in one}
    return Controls(
        LevelKind.VERTEBRAL,
        {(level, label, "area_mm2"): one for level, one in levels.items()},
        {name: (people or {}).get(name, Person()) for name in names},
        other_program=False,
    )


def measured(norms: Path, **choices: object) -> Table:
    """Measure a cord of CORD.area at C4 and C3."""
    drawn = structures_from_masks("a", GRID.volume(GRID.mask(GRAY)), GRID.volume(GRID.mask([CORD])))
    levels = Levels(("C4", "C4", "C3", "C3"), LevelKind.VERTEBRAL, "text file")
    return measure(drawn, levels, MeasureOptions(norms=norms, **choices))  # type: ignore[arg-type]


def saved(path: Path, norms: Norms) -> Path:
    path.write_text(norms.text(), encoding="utf-8")
    return path


def test_a_known_normal_distribution_comes_back() -> None:
    made, notes = build_norms(controls({"C3": PEOPLE}))
    (norm,) = made.norms

    assert notes == ()
    assert norm.people == 99
    assert norm.plain.mean == pytest.approx(70)
    assert norm.plain.sd == pytest.approx(8 * 0.965, rel=0.001)
    for centile, offset in norm.plain.centiles.items():
        expected = NORMAL.inv_cdf(float(centile) / 100) - 70
        assert offset == pytest.approx(expected, abs=0.02 * 8)


def test_numbers_get_their_z_and_centile(tmp_path: Path) -> None:
    """The cord of the phantom is made the value at z = 1.2816, which 90 % do not reach."""
    area = next(
        row["area_mm2"] for row in measured(saved(tmp_path / "a.json", build_norms(
            controls({"C3": PEOPLE}))[0])) if row["label"] == "SC"
    )  # fmt: skip
    assert isinstance(area, float)
    at_90 = NORMAL.inv_cdf(0.9)
    moved = {name: value + area - at_90 for name, value in PEOPLE.items()}
    table = measured(saved(tmp_path / "b.json", build_norms(controls({"C3": moved}))[0]))
    rows = {(row["level"], row["label"]): row for row in table}
    scored = rows["C3", "SC"]

    assert scored["area_mm2_z"] == pytest.approx(1.2816 / 0.965, rel=0.001)
    assert scored["area_mm2_centile"] == pytest.approx(90, abs=0.01)
    assert rows["C4", "SC"]["area_mm2_z"] is None
    assert rows["C3", "GM"]["area_mm2_z"] is None
    assert any("no norms of C4" in note for note in table.warnings)
    assert table.columns[-2:] == ("area_mm2_z", "area_mm2_centile")
    mean, half = sum(moved.values()) / 99, 1.96 * 8 * 0.965
    limits = [scored["normal_low_mm2"], scored["normal_high_mm2"]]
    assert limits == pytest.approx([mean - half, mean + half], rel=1e-3)
    assert rows["C4", "SC"]["normal_low_mm2"] is None
    with table.write(tmp_path / "t.csv").open(encoding="utf-8", newline="") as file:
        assert tuple(next(csv.reader(file))) == table.columns


def test_beyond_all_controls_the_centile_is_the_outermost_known_one(tmp_path: Path) -> None:
    """Of 19 people the outermost known centiles are the 5th and the 95th."""
    few = {f"p{n}": 20 + n / 10 for n in range(1, 20)}
    made, notes = build_norms(controls({"C3": few, "C4": few}))
    table = measured(saved(tmp_path / "n.json", made))

    assert list(made.norms[0].plain.centiles) == ["5", "10", "25", "50", "75", "90", "95"]
    assert any("only 19 people" in note for note in notes)
    assert {row["area_mm2_centile"] for row in table if row["label"] == "SC"} == {95}


def test_levels_are_smoothed_along_the_cord() -> None:
    """A bump of 6 mm2 counts 1 / (1 + 2 exp(-2) + 2 exp(-8)) of itself; a slope stays a slope."""
    spread = np.linspace(-2, 2, 25)
    bump, slope = (
        {f"C{n}": {f"p{k}": base + d for k, d in enumerate(spread)} for n, base in of.items()}
        for of in ({3: 10, 4: 10, 5: 16, 6: 10, 7: 10}, {3: 20, 4: 18, 5: 16, 6: 14, 7: 12})
    )
    means = [
        [norm.plain.mean for norm in build_norms(controls(one))[0].norms] for one in (bump, slope)
    ]

    assert means[0][2] == pytest.approx(10 + 6 / (1 + 2 * np.exp(-2) + 2 * np.exp(-8)))
    assert means[1] == pytest.approx([20, 18, 16, 14, 12])


def aged() -> tuple[dict[str, float], dict[str, Person]]:
    """Areas of 70 - 0.2 (age - 45), men 3 mm2 more, and each twice, 1 mm2 above and below."""
    values: dict[str, float] = {}
    people: dict[str, Person] = {}
    for age in (25, 35, 45, 55, 65):
        for sex, more in (("M", 1.5), ("F", -1.5)):
            for rest in (-1, 1, -1, 1):
                name = f"p{len(values)}"
                values[name] = 70 - 0.2 * (age - 45) + more + rest
                people[name] = Person(float(age), sex)
    return values, people


def test_age_and_sex_are_allowed_for(tmp_path: Path) -> None:
    values, people = aged()
    made, _ = build_norms(controls({"C3": values, "C4": values}, people))
    fitted = made.norms[0].fitted

    assert made.fitted_by == ("age", "sex")
    assert fitted is not None
    assert (fitted.mean, fitted.age_slope, fitted.male_less_female) == pytest.approx((70, -0.2, 3))
    assert fitted.sd == pytest.approx(np.sqrt(40 / 37))
    assert made.norms[0].plain.sd > 3
    path = saved(tmp_path / "n.json", made)
    table = measured(path, age=55, sex="M")
    row = next(row for row in table if row["label"] == "SC")
    assert isinstance(row["area_mm2"], float)
    assert row["area_mm2_z"] == pytest.approx((row["area_mm2"] - 69.5) / np.sqrt(40 / 37))
    plain = measured(path)
    assert any("give --age and --sex" in note for note in plain.warnings)
    assert any("nobody of 90 years" in note for note in measured(path, age=90, sex="F").warnings)
    with pytest.raises(UsageError, match="give --sex, too"):
        measured(path, age=55)


def test_a_level_with_few_people_has_no_norms_for_age(tmp_path: Path) -> None:
    values, people = aged()
    few = dict(list(values.items())[:12])
    path = saved(tmp_path / "n.json", build_norms(controls({"C3": values, "C4": few}, people))[0])
    table = measured(path, age=50, sex="F")
    z = {row["level"]: row["area_mm2_z"] for row in table if row["label"] == "SC"}

    assert z["C4"] is None
    assert isinstance(z["C3"], float)
    assert any("no norms of C4" in note for note in table.warnings)


def test_people_whom_age_and_sex_explain_to_the_last_digit_have_no_norms_for_them() -> None:
    """Nobody would be normal: the SD around what is expected is zero."""
    values, people = aged()
    exact = {
        name: 70 - 0.2 * (person.age - 45) + (3 if person.sex == "M" else 0)
        for name, person in people.items()
        if person.age is not None
    }
    (norm,) = build_norms(controls({"C3": exact}, people))[0].norms

    assert len(exact) == len(values)
    assert norm.plain.sd > 1
    assert norm.fitted is None


def test_people_who_are_all_the_same_make_no_norms() -> None:
    with pytest.raises(DataSetError, match="all people are the same"):
        build_norms(controls({"C3": dict.fromkeys(PEOPLE, 70.3)}))


def test_a_spread_that_smoothing_made_negative_is_none() -> None:
    known = _distribution(np.array([70.0, -1.3e-18, -1.0, 1.0]), (), (5.0, 95.0))

    assert (known.mean, known.sd) == (70, 0)


def test_age_that_is_not_known_of_all_is_not_used() -> None:
    values, people = aged()
    people["p0"] = Person(None, "M")
    made, notes = build_norms(controls({"C3": values}, people))

    assert made.fitted_by == ("sex",)
    assert any("age of 1 people is not known" in note for note in notes)


def test_age_is_refused_where_norms_do_not_know_it(tmp_path: Path) -> None:
    path = saved(tmp_path / "n.json", build_norms(controls({"C3": PEOPLE}))[0])

    with pytest.raises(UsageError, match="do not allow for age; leave --age out"):
        measured(path, age=40)


def test_norms_of_other_levels_are_refused(tmp_path: Path) -> None:
    made = build_norms(controls({"C3": PEOPLE}))[0]
    other = made.model_copy(update={"level_kind": LevelKind.SPINAL})

    with pytest.raises(UsageError, match="by spinal levels"):
        measured(saved(tmp_path / "n.json", other))


def test_a_slice_has_the_normal_range_of_its_level_and_no_score(tmp_path: Path) -> None:
    path = saved(tmp_path / "n.json", build_norms(controls({"C3": PEOPLE}))[0])
    table = measured(path, by="slice")
    lows = {row["slice_is"]: row["normal_low_mm2"] for row in table if row["label"] == "SC"}

    assert table.columns[-2:] == ("normal_low_mm2", "normal_high_mm2")
    assert lows[0] is lows[1] is None
    assert lows[2] == lows[3] == pytest.approx(70 - 1.96 * 8 * 0.965, rel=1e-3)
    assert all(row["normal_low_mm2"] is None for row in table if row["label"] == "GM")


def test_no_normal_range_starts_below_an_area_of_zero(tmp_path: Path) -> None:
    wide = {name: 70 + 10 * (value - 70) for name, value in PEOPLE.items()}
    table = measured(saved(tmp_path / "n.json", build_norms(controls({"C3": wide}))[0]))
    low = {(row["level"], row["label"]): row["normal_low_mm2"] for row in table}

    assert low["C3", "SC"] == 0


def test_norms_without_levels_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "n.json", build_norms(controls({"C3": PEOPLE}))[0])
    drawn = structures_from_masks("a", GRID.volume(GRID.mask(GRAY)), GRID.volume(GRID.mask([CORD])))

    with pytest.raises(UsageError, match="norms are by level; give a label image"):
        measure(drawn, None, MeasureOptions(norms=path, by="slice"))


@pytest.mark.parametrize("by", ["range", "whole"])
def test_norms_are_by_level_alone(by: str) -> None:
    with pytest.raises(UsageError, match=f"a table by {by} cannot be compared"):
        MeasureOptions(norms="n.json", by=by, levels="C3" if by == "range" else None)


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"age": 40}, "give norms, too"),
        ({"norms": "n.json", "age": -1, "sex": "M"}, "no number of years"),
        ({"norms": "n.json", "age": 4, "sex": "x"}, "give M or F"),
    ],
)
def test_ages_and_sexes_that_make_no_sense_are_refused(
    choices: dict[str, object], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        MeasureOptions(**choices)  # type: ignore[arg-type]


def test_too_few_people_make_no_norms() -> None:
    with pytest.raises(DataSetError, match="no level shows 5 people or more"):
        build_norms(controls({"C3": dict(list(PEOPLE.items())[:4])}))
    some = dict(list(PEOPLE.items())[:4])
    made, notes = build_norms(controls({"C3": PEOPLE, "T1": some, "C7": some}))

    assert {norm.level for norm in made.norms} == {"C3"}
    assert any("fewer than 5 people at C7, T1" in note for note in notes)


def one_norm(plain: str, more: str = '"label": "SC", "column": "area_mm2"') -> str:
    return (
        '{"version": "1", "people": 9, "level_kind": "vertebral", "norms": [{"level": "C4", '
        f'"people": 9, {more}, "plain": {{{plain}, "centiles": {{}}}}}}]}}'
    )


def test_a_norm_that_was_written_by_hand_is_read(tmp_path: Path) -> None:
    (tmp_path / "n.json").write_text(one_norm('"mean": 80, "sd": 5'), encoding="utf-8")

    assert read_norms(tmp_path / "n.json").norms[0].plain.sd == 5


@pytest.mark.parametrize(
    "content",
    [
        *("", "{}", '{"made_by": "somebody"}'),
        one_norm('"mean": 80, "sd": 0'),
        one_norm('"mean": 80, "sd": -1'),
        one_norm('"mean": NaN, "sd": 1'),
        one_norm('"mean": 80, "sd": 1').replace('"centiles": {}', '"centiles": {"x": 1}'),
        one_norm('"mean": 80, "sd": 1').replace('"centiles": {}', '"centiles": {"5": 1, "9": 0}'),
        one_norm('"mean": 80, "sd": 1', '"label": "SC", "column": "status"'),
        one_norm('"mean": 80, "sd": 1', '"label": "X", "column": "area_mm2"'),
    ],
)
def test_a_file_that_holds_no_norms_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "n.json").write_text(content, encoding="utf-8")

    with pytest.raises(DataSetError, match=r"n\.json: it is no file of norms"):
        read_norms(tmp_path / "n.json")
    with pytest.raises(DataSetError, match=r"m\.json: there is no such file"):
        read_norms(tmp_path / "m.json")


def table_of(path: Path, *lines: str) -> Path:
    head = "file,by,slice,level,level_kind,level_from,label,area_mm2,status"
    path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    return path


def test_slices_of_a_level_and_scans_of_a_person_are_one_number(tmp_path: Path) -> None:
    table = table_of(
        tmp_path / "t.csv",
        "sub-1_ses-1_T2w.nii,slice,0,C3,vertebral,discs,SC,70,ok",
        "sub-1_ses-1_T2w.nii,slice,1,C3,vertebral,discs,SC,74,ok",
        "sub-1_ses-1_T2w.nii,slice,2,C3,vertebral,discs,SC,999,low confidence",
        "sub-1_ses-2_T2w.nii,slice,0,C3,vertebral,discs,SC,78,ok",
        "sub-2_T2w.nii,slice,0,C3,vertebral,discs,SC,80,ok",
        "sub-2_T2w.nii,whole,,,,,SC,500,",
        "sub-2_T2w.nii,slice,4,,,,SC,500,ok",
    )
    (tmp_path / "p.tsv").write_text(
        "participant_id\tage\tsex\nsub-1\t40\tM\nsub-2\tn/a\tfemale\n", encoding="utf-8"
    )
    found = read_controls([table], tmp_path / "p.tsv")

    assert found.values == {("C3", "SC", "area_mm2"): {"sub-1": pytest.approx(74), "sub-2": 80}}
    assert found.people == {"sub-1": Person(40, "M"), "sub-2": Person(None, "F")}
    assert not found.other_program


def test_tables_of_the_spinal_cord_toolbox_are_read(tmp_path: Path) -> None:
    """As in the public metrics in the space of PAM50: a row for each slice, levels as numbers."""
    path = tmp_path / "sub-amu01_T2w_PAM50.csv"
    path.write_text(
        "Timestamp,SCT Version,Filename,Slice (I->S),VertLevel,DistancePMJ,MEAN(area),STD(area),"
        "MEAN(diameter_AP)\n"
        "2025,7.0,sub-amu01/anat/sub-amu01_T2w_seg.nii.gz,980,3,,77,0,8.5\n"
        "2025,7.0,sub-amu01/anat/sub-amu01_T2w_seg.nii.gz,981,3.0,,79,0,8.7\n"
        "2025,7.0,sub-amu01/anat/sub-amu01_T2w_seg.nii.gz,982,,,1,0,1\n"
        "2025,7.0,sub-amu01/anat/sub-amu01_T2w_seg.nii.gz,983,8,,nan,0,7\n",
        encoding="utf-8",
    )
    found = read_controls([path])

    assert found.values == {
        ("C3", "SC", "area_mm2"): {"sub-amu01": 78},
        ("C3", "SC", "diameter_ap_mm"): {"sub-amu01": pytest.approx(8.6)},
        ("T1", "SC", "diameter_ap_mm"): {"sub-amu01": 7},
    }
    assert (found.kind, found.other_program) == (LevelKind.VERTEBRAL, True)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("t.csv", "a,b\n1,2\n", "neither the columns of scgm measure"),
        ("t.json", "{}", "no .csv or .tsv file"),
        ("t.csv", "file,by,level,level_kind,label\na,whole,,,SC\n", "none of its rows has a level"),
        ("t.csv", None, "there is no such file"),
        ("t.csv", "\0\xff", "t.csv"),
    ],
)
def test_tables_that_cannot_be_used_are_named(
    tmp_path: Path, name: str, content: str | None, words: str
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content, encoding="latin-1")

    with pytest.raises(DataSetError) as raised:
        read_controls([tmp_path / name])
    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a\tb\n1\t2\n", "participant_id"),
        ("participant_id\tage\na\told\n", "age 'old'"),
        ("participant_id\tsex\na\t1\n", "sex '1' is neither F nor M"),
        ("participant_id\tage\nb\t40\n", r"it lists none of the people of the tables \(a, "),
    ],
)
def test_a_table_of_people_that_cannot_be_used_is_named(
    tmp_path: Path, content: str, words: str
) -> None:
    table = table_of(tmp_path / "t.csv", "a,slice,0,C3,vertebral,discs,SC,70,ok")
    (tmp_path / "p.tsv").write_text(content, encoding="utf-8")

    with pytest.raises(DataSetError, match=words):
        read_controls([table], tmp_path / "p.tsv")


def test_tables_with_both_kinds_of_level_are_refused(tmp_path: Path) -> None:
    table = table_of(
        tmp_path / "t.csv",
        "a,slice,0,C3,vertebral,discs,SC,70,ok",
        "b,slice,0,C3,spinal,label image,SC,70,ok",
    )

    with pytest.raises(DataSetError, match="levels of one kind"):
        read_controls([table])


def public_folder(folder: Path, of_folder: Mapping[str, str] | None = None) -> Path:
    """Write 24 healthy people (60.5 to 64.5 mm2 at C4, 69 to 73 at C3) and a patient."""
    folder.mkdir(parents=True)
    for name, text in (files() if of_folder is None else of_folder).items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_a_folder_as_the_public_metrics_are_published_is_norms(tmp_path: Path) -> None:
    """The patient, who has 5 mm2, is left out; age and sex are those of the participants.tsv."""
    table = measured(public_folder(tmp_path / "public"))
    low = {row["level"]: row["normal_low_mm2"] for row in table if row["label"] == "SC"}
    controls_read = read_controls([tmp_path / "public"])
    made, _ = build_norms(controls_read)

    assert len(controls_read.people) == 24
    assert controls_read.people["sub-site03"] == Person(23, "M")
    assert made.fitted_by == ("age", "sex")
    plain = {norm.level: norm.plain for norm in made.norms if norm.column == "area_mm2"}
    for level, base in (("C4", 60.5), ("C3", 69)):
        mean = base + np.mean([n % 5 for n in range(24)])
        assert plain[level].mean == pytest.approx(mean, abs=1e-6)
        assert low[level] == pytest.approx(mean - 1.96 * plain[level].sd, abs=1e-6)
    told = " ".join(table.warnings)
    assert "left out, since not healthy (pathology other than HC): 1 of 25" in told
    assert "the norms are those of another program" in told


def test_another_list_of_people_does_not_bring_patients_back(tmp_path: Path) -> None:
    """Its ages go before those beside the tables."""
    (tmp_path / "p.tsv").write_text("participant_id\tage\tsex\nsub-site00\t99\tM\n")
    found = read_controls([public_folder(tmp_path / "public")], tmp_path / "p.tsv")

    assert len(found.people) == 24
    assert found.people["sub-site00"] == Person(99, "M")
    assert found.people["sub-site01"] == Person(21, "M")


def test_a_patient_who_is_listed_without_sub_is_left_out(tmp_path: Path) -> None:
    folder = public_folder(tmp_path / "public")
    people = tmp_path / "p.tsv"
    people.write_text("participant_id\tage\tsex\tpathology\nsite00\t41\tF\tDCM\n01\t9\tF\tHC\n")
    found = read_controls([folder], people)

    assert "sub-site00" not in found.people
    assert len(found.people) == 23


@pytest.mark.parametrize(("table", "people"), [("sub-02", "02"), ("02", "sub-02"), ("a2", "A2")])
def test_a_patient_is_known_however_the_name_is_written(
    tmp_path: Path, table: str, people: str
) -> None:
    rows = [f"{name},slice,0,C3,vertebral,discs,SC,70,ok" for name in ("sub-01", table)]
    listed = f"participant_id\tage\tpathology\nsub-01\t30\tHC\n{people}\t30\tMS\n"
    (tmp_path / "p.tsv").write_text(listed, encoding="utf-8")

    found = read_controls([table_of(tmp_path / "t.csv", *rows)], tmp_path / "p.tsv")

    assert set(found.people) == {"sub-01"}


def test_people_whom_no_list_names_are_told(tmp_path: Path) -> None:
    rows = [f"{name},slice,0,C3,vertebral,discs,SC,70,ok" for name in ("a", "b", "c")]
    (tmp_path / "p.tsv").write_text("participant_id\tage\nb\t30\n", encoding="utf-8")

    found = read_controls([table_of(tmp_path / "t.csv", *rows)], tmp_path / "p.tsv")

    assert len(found.people) == 3
    assert "2 of 3 people are in no list of people (a, ...): they are taken as healthy" in (
        found.warnings
    )


def test_norms_that_were_fetched_are_known_by_their_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCGM_HOME", str(tmp_path))
    public_folder(tmp_path / "data" / "pam50-norms")

    table = measured(Path("pam50-norms"))

    assert "area_mm2_z" in table.columns
    with pytest.raises(DataSetError, match="or fetch those of the cord by scgm data get"):
        measured(Path("pam50-norm"))


def test_a_folder_of_folders_asks_which_one(tmp_path: Path) -> None:
    public_folder(tmp_path / "spinal_cord" / "AOMIC")

    with pytest.raises(DataSetError, match="choose one of its folders: spinal_cord/AOMIC"):
        read_controls([tmp_path])
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataSetError, match="give a folder that has some"):
        read_controls([tmp_path / "empty"])
