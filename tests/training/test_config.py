"""What a configuration may say, and how a mistake in it is explained."""

from pathlib import Path

import pytest

from scgm.datasets.download import public_sets
from scgm.errors import ConfigError, UsageError
from scgm.training.config.methods import configured, data_folder
from scgm.training.config.read import DEFAULT_RECIPE, read_config
from scgm.training.config.settings import TrainConfig
from scgm.training.config.sources import Source
from scgm.training.data.checks import check_files
from scgm.training.export import _card


def written(folder: Path, content: bytes | str) -> Path:
    path = folder / "recipe.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("segmenter.stepz", "segmenter.steps"),
        ("segmentr.steps", "segmenter"),
        ("sead", "seed"),
        ("learningrate", "learning_rate"),
        ("finder.width", "finder.widths"),
        ("deepseg.gray.bach", "deepseg.gray.batch"),
    ],
)
def test_a_key_that_is_not_known_is_named_with_the_nearest(key: str, meant: str) -> None:
    message = rf"there is no key '{key.split('.', maxsplit=1)[0]}.*did you mean"
    with pytest.raises(ConfigError, match=message) as at:
        read_config(DEFAULT_RECIPE, (f"{key}=1",))

    assert meant in str(at.value)
    assert str(at.value).startswith("--set: there is no key")


def test_a_wrong_key_of_the_file_is_named_with_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "sead = 1\n")
    with pytest.raises(ConfigError) as at:
        read_config(path, ("seed=2",))

    assert str(at.value).startswith(f"{path}: there is no key 'sead'")


def test_a_key_of_a_source_that_is_like_no_other_is_named_with_those_that_are_known(
    tmp_path: Path,
) -> None:
    path = written(tmp_path, '[[source]]\nsite = "a"\nxyzzy = 1\n')
    with pytest.raises(
        ConfigError, match=r"no key 'source\.0\.xyzzy'; known there: centers, cord, "
    ) as at:
        read_config(path)

    assert len(str(at.value)) < 400


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfe", "not text in UTF-8"),
        (b"seed = " + b"[" * 100_000, "nested too deeply"),
        (b"seed = " + b"9" * 5000, "not a TOML file"),
        (b"seed = ", "not a TOML file"),
        (b"seed = -1", "seed: Input should be greater than or equal to 0, found -1"),
        (b"seed = 4294967296", "seed"),
        (b"[segmenter]\nwidths = []", r"segmenter\.widths.*at least 1 item"),
        (b"[finder]\nwidths = []", r"finder\.widths.*at least 1 item"),
        (b"[finder]\nwidths = [4, 4, 4, 4, 4, 4]", "6 levels"),
        (b"[finder]\nwidths = [0]", r"finder\.widths\.0: Input should be greater than 0"),
        (b"[finder]\nwidths = [9999999]", r"finder\.widths\.0: Input should be less"),
        (b"[finder]\nlearning_rate = inf", r"finder\.learning_rate: Input should be a finite"),
        (b"[finder]\nlearning_rate = nan", r"finder\.learning_rate: Input should be"),
        (b"[finder]\nbatch = 100000000", r"finder\.batch"),
        (b'finder = "x"', "finder: Input should be"),
        (b'[[source]]\nsite = "a"\ngm = "a\\u0000b"', "zero byte"),
        (b"precision = [[[[[[[[[[[[1]]]]]]]]]]]]", "precision"),
    ],
)
def test_a_configuration_that_is_damaged_is_refused_in_one_sentence(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = written(tmp_path, content)
    with pytest.raises(ConfigError, match=message) as at:
        read_config(path)

    assert str(at.value).startswith(f"{path}: ")
    assert len(str(at.value)) < 500


def test_a_configuration_that_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="this is not a file"):
        read_config(tmp_path)


@pytest.mark.parametrize("change", ["segmenter.steps", "=5", " = 5"])
def test_a_change_is_a_key_and_a_value(change: str) -> None:
    with pytest.raises(UsageError, match=r"expected KEY=VALUE, such as segmenter\.steps=500"):
        read_config(DEFAULT_RECIPE, (change,))


def test_a_change_below_what_is_no_section_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"--set seed\.x: seed is not a section"):
        read_config(DEFAULT_RECIPE, ("seed.x=1",))


def test_sites_are_the_same_however_they_are_spelled() -> None:
    sources = tuple(
        Source(site=site, image=Path("i"), gm=Path("g")) for site in ("CEITEC", "ceitec", "ucl")
    )
    config = TrainConfig(source=sources, leave_out=("Ceitec",), validate_on=("UCL",))
    config.require_sites()

    assert [source.site for source in config.left_out()] == ["CEITEC", "ceitec"]
    assert [source.site for source in config.validated()] == ["ucl"]
    assert config.kept() == []


def test_relative_paths_need_a_folder_that_they_start_from(tmp_path: Path) -> None:
    config = read_config(DEFAULT_RECIPE)
    with pytest.raises(ConfigError, match=r"relative paths, such as .*--data.*scgm data get NAME"):
        data_folder(config, None)
    with pytest.raises(ConfigError, match="no such folder"):
        data_folder(config, tmp_path / "none")

    assert data_folder(config, tmp_path) == tmp_path
    # With data sets that are named, nothing is relative.
    assert data_folder(configured(None, "fine-tune", None, (), (tmp_path,)), None) == Path()


def test_what_scgm_data_get_fetches_is_what_the_recipe_learns_from(tmp_path: Path) -> None:
    """Each file of the shipped recipe is in a listed set, and is found where that set goes."""
    for dataset in public_sets():
        for file in dataset.files:
            path = tmp_path / dataset.name / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    for recipe in ("default", "ddc-2018"):
        config = configured(None, recipe, None, (), ()).expanded(tmp_path)

        check_files(config.source, tmp_path, config.downloads)
        assert config.source


def test_files_that_are_missing_are_counted_and_the_commands_that_fetch_them_named(
    tmp_path: Path,
) -> None:
    config = read_config(DEFAULT_RECIPE).expanded(tmp_path)
    message = (
        r"PAM50_gm\.nii\.gz: there is no such file \(and \d+ more of \d+ files\); fetch .*"
        r"scgm data get PAM50; .*scgm data get gm-challenge-data; .*scgm data get template_AMU7T"
    )
    with pytest.raises(ConfigError, match=message):
        check_files(config.source, tmp_path, config.downloads)


def test_a_file_of_the_data_folder_comes_before_that_of_a_download(tmp_path: Path) -> None:
    source = Source(site="a", gm=Path("x/gm.nii"), cord=(Path("x/cord.nii"),))
    for path in ("x/gm.nii", "set/x/gm.nii", "set/x/cord.nii"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    found = source.found(tmp_path, {"x": "set/x"})

    assert found.files == (Path("x/gm.nii"), Path("set/x/cord.nii"))


def test_the_card_of_a_configuration_without_a_name_names_no_recipe(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("seed = 1\n", encoding="utf-8")
    own, shipped = read_config(tmp_path / "mine.toml"), read_config(DEFAULT_RECIPE)

    recipes = [_card(each, {}, description="")["training"]["recipe"] for each in (own, shipped)]

    assert recipes == ["", "default"]


def test_the_page_tells_the_defaults_of_name_and_precision() -> None:
    page = (Path(__file__).parents[2] / "docs" / "training.md").read_text(encoding="utf-8")
    config = TrainConfig()

    assert f'| `name` | "{config.name}" |' in page
    assert f'| `precision` | "{config.precision}" |' in page
