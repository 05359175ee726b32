"""The two networks of a run: how each starts, what it learns from, and its training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from scgm.synthesis.draw import Draw
from scgm.synthesis.scenes import SceneBatch, Scenes, scene_batch
from scgm.synthesis.windows import (
    Crops,
    WindowBatch,
    fine_batch,
    joined,
    told_pixel_size,
    window_batch,
)
from scgm.training.config.settings import FinderStage, SegmenterStage
from scgm.training.data.augmentation import paper_batch, require_scans
from scgm.training.data.examples import LabeledStack
from scgm.training.engine.checkpoints import (
    build_finder,
    build_segmenter,
    load_weights,
    round_weights,
    save_weights,
)
from scgm.training.engine.deepseg import planned_cascade, train_cascade
from scgm.training.engine.estimate import Planned
from scgm.training.engine.learned import FINDER, SEGMENTER
from scgm.training.engine.loop import Task, fit
from scgm.training.engine.losses import place_loss, segmentation_loss
from scgm.training.engine.session import Session
from scgm.training.engine.start import StartModel
from scgm.training.engine.state import Place
from scgm.training.engine.validation import Validation, validate


@dataclass(frozen=True, slots=True, eq=False)
class Networks:
    """Both networks of a run: what they learn from, and the models that they start from."""

    session: Session
    scenes: Scenes
    crops: Crops
    fine: Crops | None
    deciding: Sequence[LabeledStack]
    starts: Mapping[str, StartModel]

    def plan(self) -> list[Planned]:
        """Return what is going to be trained; with random numbers of its own."""
        config, crops = self.session.config, self.crops
        planned = [Planned(self.finder, self.finder_task(self._draw(1)))]
        if config.segmenter.network == "deepseg":
            return planned + planned_cascade(config.deepseg, crops, self.session)
        return [*planned, Planned(self.segmenter, self.segmenter_task(self._draw(2)))]

    def finder(self) -> nn.Module:
        """Make the cord finder as it starts."""
        stage = self.session.config.finder
        return self._started(build_finder(stage), stage, FINDER)

    def segmenter(self) -> nn.Module:
        """Make the segmentation network as it starts."""
        config = self.session.config
        return self._started(build_segmenter(config), config.segmenter, SEGMENTER)

    def trained_finder(self) -> nn.Module:
        """Train the cord finder and save it; read it if an earlier part of the run did."""
        session, path = self.session, self.session.folder / f"{FINDER}.safetensors"
        network = self.finder()
        if not session.reached(FINDER) and session.earlier is not None:
            return load_weights(network, path)
        finder, _ = fit(network, self.finder_task(self._draw(1)), session)
        round_weights(finder)
        if session.team.lead:
            save_weights(finder, path)
        return finder

    def trained_segmenter(self) -> tuple[nn.Module, Place]:
        """Train the segmentation network; also return where its training ended."""
        session, config = self.session, self.session.config
        if config.segmenter.network == "deepseg":
            return train_cascade(config.deepseg, self.crops, session)
        task = self.segmenter_task(self._draw(2))
        segmenter, place = fit(self.segmenter(), task, session)
        round_weights(segmenter)
        return segmenter, place

    def finder_task(self, draw: Draw) -> Task[SceneBatch]:
        """Return the task of the cord finder."""
        session, stage = self.session, self.session.config.finder

        def loss(network: nn.Module, batch: SceneBatch, _: float) -> Tensor:
            return place_loss(session.compute(network, batch.images), batch.targets, batch.weight)

        return Task(FINDER, stage, draw, lambda: scene_batch(self.scenes, stage.batch, draw), loss)

    def segmenter_task(self, draw: Draw) -> Task[WindowBatch]:
        """Return the task of the segmentation network."""
        session, stage = self.session, self.session.config.segmenter
        if stage.augmentation == "ddc-2018":
            require_scans(self.crops)

        def loss(network: nn.Module, batch: WindowBatch, _: float) -> Tensor:
            logits = session.compute(network, batch.images)
            weight = 0.0 if stage.loss == "dice" else 5.0
            return segmentation_loss(logits, batch.targets, batch.known, entropy_weight=weight)

        def judge(network: nn.Module) -> Validation:
            return validate(network, self.deciding, stage.windows)

        return Task(
            SEGMENTER,
            stage,
            draw,
            lambda: self._windows(draw),
            loss,
            validate=judge if self.deciding else None,
            every=stage.validate_every,
            patience=stage.patience,
            keep=stage.keep,
        )

    def _windows(self, draw: Draw) -> WindowBatch:
        """Make a batch of windows; all in one, as batch normalization takes statistics from it."""
        stage, size = self.session.config.segmenter, self.session.config.segmenter.learned_size
        if stage.augmentation == "ddc-2018":
            return paper_batch(self.crops, stage.batch, draw, stage.pixel_mm, size)
        finer, parts = stage.fine_windows, {}
        if finer < stage.batch:
            ordinary, share = stage.batch - finer, stage.real_share
            parts[stage.pixel_mm] = window_batch(
                self.crops, ordinary, share, draw, stage.pixel_mm, size
            )
        if self.fine is not None:
            parts[stage.finest_mm] = fine_batch(self.fine, finer, draw, stage.finest_mm, size)
        if stage.tells_pixel:
            parts = {pixel: told_pixel_size(part, pixel) for pixel, part in parts.items()}
        return joined(list(parts.values()))

    def _draw(self, number: int) -> Draw:
        """Return the random numbers of one of the networks."""
        team = self.session.team
        return Draw(team.seed(self.session.config.seed + number), team.device)

    def _started(
        self, network: nn.Module, stage: FinderStage | SegmenterStage, part: str
    ) -> nn.Module:
        """Give a network the weights that it starts from, if its stage names any."""
        if stage.start:
            self.starts[part].load_into(network, part)
        return network.to(self.session.team.device)
