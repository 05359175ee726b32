"""The picture: what is left, right, up and down in it, and at which proportions."""

import warnings
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from scgm.errors import GeometryError
from scgm.segmentation.pipeline import segment
from scgm.segmentation.qc_figure import SHOWN_MM, four_panels
from scgm.segmentation.segmentation import Segmentation
from scgm.segmenters.registry import OnnxModel, load_model
from tests.helpers.standin import cord_voxels, scan, turned, write_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> OnnxModel:
    return load_model(write_model(tmp_path_factory.mktemp("model")))


@pytest.fixture(scope="module")
def result(model: OnnxModel) -> Segmentation:
    return segment(scan(cord_voxels(7)), segmenter=model)


def row_labels(figure: Figure) -> list[str]:
    return [panel.get_ylabel() for panel in figure.axes[::4]]


def panel_pixels(figure: Figure, panel: int) -> NDArray[Any]:
    """Draw the figure; return the brightness of one of its panels, top row first."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    box = figure.axes[panel].get_window_extent()
    picture: NDArray[Any] = np.asarray(canvas.buffer_rgba())[..., :3].mean(axis=2)
    height = picture.shape[0]
    return picture[height - int(box.y1) : height - int(box.y0), int(box.x0) : int(box.x1)]


def test_each_slice_has_four_panels(result: Segmentation) -> None:
    assert len(four_panels(result).axes) == 4 * 5
    assert len(four_panels(result, [2]).axes) == 4


def test_the_slices_are_spread_over_those_with_cord(model: OnnxModel) -> None:
    voxels = cord_voxels(12)
    voxels[..., [0, 1, 11]] = 0

    figure = four_panels(segment(scan(voxels), segmenter=model))

    labels = row_labels(figure)
    even = ["slice 2", "slice 4", "slice 6", "slice 8", "slice 10"]
    assert [label for label in labels if ":" not in label] == even


def test_flagged_slices_are_drawn_among_them(model: OnnxModel) -> None:
    voxels = cord_voxels(12)
    voxels[..., [0, 1, 11]] = 0
    voxels[..., 3] = np.minimum(voxels[..., 3], 1)

    figure = four_panels(segment(scan(voxels), segmenter=model))

    assert row_labels(figure) == [
        *("slice 0: no cord", "slice 1: no cord", "slice 2", "slice 3: no gray matter"),
        *("slice 4", "slice 6", "slice 8", "slice 10", "slice 11: no cord"),
    ]


def test_flagged_slices_do_not_make_the_picture_endless(model: OnnxModel) -> None:
    voxels = np.minimum(cord_voxels(60), 1)

    assert len(four_panels(segment(scan(voxels), segmenter=model)).axes) == 4 * 12


@pytest.mark.parametrize(
    ("choice", "drawn"),
    [
        ("all", [0, 1, 2, 3, 4, 5, 6]),
        ("flagged", [1, 5]),
        (3, [0, 3, 6]),
        (1, [0]),
        ([4, 2], [4, 2]),
    ],
)
def test_the_slices_to_draw_can_be_chosen(
    model: OnnxModel, choice: Any, drawn: Sequence[int]
) -> None:
    voxels = cord_voxels(7)
    voxels[..., [1, 5]] = np.minimum(voxels[..., [1, 5]], 1)

    figure = four_panels(segment(scan(voxels), segmenter=model), choice)

    assert [int(label.split()[1].rstrip(":")) for label in row_labels(figure)] == drawn


def test_an_unknown_choice_of_slices_is_refused(result: Segmentation) -> None:
    with pytest.raises(GeometryError, match=r"slices='some' is not a choice; give 'all'"):
        four_panels(result, "some")  # type: ignore[arg-type]


def test_where_no_slice_is_flagged_five_are_drawn(result: Segmentation) -> None:
    assert len(four_panels(result, "flagged").axes) == 4 * 5


@pytest.mark.parametrize("shape", [(12, 80), (80, 12)])
def test_a_narrow_slice_leaves_room_for_its_letters(
    model: OnnxModel, shape: tuple[int, int]
) -> None:
    """No text in the panel of the whole slice overlaps another one."""
    voxels = np.zeros((*shape, 1), np.float32)
    voxels[2:10, 20:60] = voxels[20:60, 2:10] = 1
    voxels[4:8, 30:50] = voxels[30:50, 4:8] = 2

    figure = four_panels(segment(scan(voxels), segmenter=model))
    FigureCanvasAgg(figure).draw()

    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert len(boxes) == 5
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))


@pytest.mark.parametrize(
    ("name", "drawn"),
    [
        ("plain.nii", "plain.nii"),
        ("a\tb\x07.nii", r"a\tb\x07.nii"),
        ("m\u00fcller.nii", "m\u00fcller.nii"),
        ("\udcff.nii", r"\xff.nii"),
        ("\U0001fae0.nii", "U+1FAE0.nii"),  # an emoji that no font of text has
    ],
)
def test_any_name_is_drawn_without_warning(model: OnnxModel, name: str, drawn: str) -> None:
    figure = four_panels(segment(scan(cord_voxels(1)), segmenter=model, name=name))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        FigureCanvasAgg(figure).draw()
    assert figure.texts[0].get_text().startswith(f"{drawn}   model standin")


def test_chinese_letters_are_drawn_without_warning(model: OnnxModel) -> None:
    """In a font that has them or, where none is installed, as code points."""
    figure = four_panels(segment(scan(cord_voxels(1)), segmenter=model, name="\u810a\u9ad3.nii"))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        FigureCanvasAgg(figure).draw()
    title = figure.texts[0].get_text()
    assert title.startswith(("\u810a\u9ad3.nii", "U+810AU+9AD3.nii"))


def test_a_long_name_is_cut_in_its_middle(model: OnnxModel) -> None:
    figure = four_panels(segment(scan(cord_voxels(1)), segmenter=model, name="a" * 200 + "z"))

    FigureCanvasAgg(figure).draw()
    assert figure.texts[0].get_window_extent().x1 < figure.bbox.x1
    assert "a...a" in figure.texts[0].get_text()
    assert "z   model" in figure.texts[0].get_text()


def test_a_figure_shows_itself_in_a_notebook(result: Segmentation) -> None:
    assert four_panels(result, 1)._repr_png_().startswith(b"\x89PNG")


@pytest.mark.parametrize("axes", ["RAS", "LPI", "ASL"])
def test_anterior_is_up_and_the_left_of_the_patient_is_right(model: OnnxModel, axes: str) -> None:
    voxels = cord_voxels(1)
    voxels[2:8, 40:48] = 2  # in RAS: the patient's left (small i), anterior (large j)

    figure = four_panels(segment(turned(scan(voxels), axes), segmenter=model, center=None))

    pixels = panel_pixels(figure, 0)
    rows, columns = pixels.shape
    x, y = 1 - 5 / 60, 1 - 44 / 50  # its place in the picture as fractions, from the upper left
    assert pixels[int(y * rows), int(x * columns)] > 250
    assert pixels[int((1 - y) * rows), int(x * columns)] < 5
    assert pixels[int(y * rows), int((1 - x) * columns)] < 5


def test_pixels_that_are_not_square_keep_their_proportions(model: OnnxModel) -> None:
    """An outline of 20 x 16 pixels of 0.5 x 1 mm is 10 mm wide and 16 mm high."""
    image = scan(cord_voxels(1), np.diag([0.5, 1.0, 5, 1]))

    panel = four_panels(segment(image, segmenter=model)).axes[3]

    cord = next(item for item in panel.collections if isinstance(item, LineCollection))
    corners = np.concatenate(cord.get_segments())
    assert np.ptp(corners, axis=0) == pytest.approx((10, 16))
    assert panel.get_aspect() == 1


def test_the_outline_is_the_edge_of_the_masks_pixels(result: Segmentation) -> None:
    """Gray matter: 8 x 4 pixels of 0.5 mm from column 34, row 14; edges half a pixel outside."""
    panel = four_panels(result, [3]).axes[3]

    corners = np.concatenate(panel.collections[1].get_segments())  # type: ignore[attr-defined]

    assert corners.min(axis=0) == pytest.approx((33.5 * 0.5, 13.5 * 0.5))
    assert corners.max(axis=0) == pytest.approx((41.5 * 0.5, 17.5 * 0.5))


def test_the_window_lies_around_the_cord(result: Segmentation) -> None:
    """The cord's middle is at column 39.5, row 17.5: 19.75 and 8.75 mm from the first pixel."""
    crop = four_panels(result, [3]).axes[1]

    right, left = crop.get_xlim()
    assert (left + right) / 2 == pytest.approx(19.75)
    assert np.mean(crop.get_ylim()) == pytest.approx(8.75)
    assert right - left == pytest.approx(SHOWN_MM)


@pytest.mark.parametrize("axes", [(0, 1, 2), (1, 0, 2)])
def test_a_slice_is_shown_in_the_middle_of_a_square(
    model: OnnxModel, axes: tuple[int, ...]
) -> None:
    """One of 60 x 30 pixels of 0.5 mm: 30 x 15 mm, from -0.25 to 29.75 and to 14.75 mm."""
    voxels = cord_voxels(2)[:, :30].transpose(axes)

    panel = four_panels(segment(scan(voxels), segmenter=model)).axes[0]

    limits = [panel.get_xlim()[::-1], panel.get_ylim()]
    expected = [(-0.25, 29.75), (-7.75, 22.25)]
    np.testing.assert_allclose(limits, expected if axes[0] == 0 else expected[::-1])


def has_scale_bar(panel: Any, mm: int) -> bool:
    """Tell whether there is a scale bar of that length, and says so."""
    (text,) = [each.get_text() for each in panel.texts if each.get_text().endswith(" mm")]
    (bar,) = [each for each in panel.lines if each.get_color() == "white"]
    length = abs(float(np.subtract(*bar.get_xdata())))
    return text == f"{mm} mm" and length == pytest.approx(mm)


def test_scale_bars_are_as_long_as_they_say_and_less_than_a_third(result: Segmentation) -> None:
    """The whole slice is shown in 30 mm, the window has 32 mm."""
    whole, crop, *_ = four_panels(result, [2]).axes

    assert has_scale_bar(whole, 5)
    assert has_scale_bar(crop, 10)


def test_the_smallest_slice_has_a_scale_bar(model: OnnxModel) -> None:
    """It has 4 mm, the least in which a cord fits."""
    voxels = np.zeros((8, 8, 2), np.float32)
    voxels[:7, :7] = 1
    voxels[2:4, 2:4] = 2

    figure = four_panels(segment(scan(voxels), segmenter=model))

    assert has_scale_bar(figure.axes[0], 1)


def test_a_slice_that_is_not_there_is_an_error(result: Segmentation) -> None:
    with pytest.raises(GeometryError, match=r"slices 0 to 6, not \[7\]"):
        four_panels(result, [7])


def test_a_slice_without_cord_can_be_drawn(model: OnnxModel) -> None:
    voxels = cord_voxels(3)
    voxels[..., 1] = 0

    figure = four_panels(segment(scan(voxels), segmenter=model), [1])

    assert panel_pixels(figure, 3).size


def test_a_picture_is_drawn_without_warning(result: Segmentation) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        FigureCanvasAgg(four_panels(result)).draw()


@pytest.mark.parametrize(
    ("empty", "text"),
    [
        ((), ""),
        ((3,), "Look at slice 3"),
        ((1, 3), "Look at slices 1, 3"),
        (range(25), f"Look at slices {', '.join(map(str, range(20)))} and 5 more (see the table)"),
    ],
)
def test_flagged_slices_are_named_even_if_not_drawn(
    model: OnnxModel, empty: Sequence[int], text: str
) -> None:
    voxels = cord_voxels(27)
    voxels[..., list(empty)] = 0

    figure = four_panels(segment(scan(voxels), segmenter=model), [25])

    untold = "Confidence not available: look at every slice"
    expected = f"{text}. {untold}" if text else untold
    assert expected in [each.get_text() for each in figure.texts]
    assert figure.axes[0].get_ylabel() == "slice 25"


def test_the_title_names_file_model_and_version(result: Segmentation) -> None:
    texts = [text.get_text() for text in four_panels(result).texts]

    assert any("image" in text and "standin" in text and "scgm" in text for text in texts)
    assert any("Each row is one axial slice" in text for text in texts)
