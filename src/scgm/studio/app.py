"""The requests that the page makes, and their answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from scgm.segmenters.methods import METHODS
from scgm.studio.guard import Access, Guard
from scgm.studio.jobs import Job, Jobs, QueueFullError
from scgm.studio.library import Library
from scgm.studio.limits import DEFAULT_LIMITS, Limits
from scgm.studio.order import JobOrder
from scgm.studio.sections import packed_sections
from scgm.studio.tasks import BLOCKS
from scgm.studio.uploads import TooLargeError, Uploads
from scgm.version import __version__

_UPLOAD_S = 600.0


class RefusedError(Exception):
    """A request that cannot be answered: a status and one sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class StudioSettings:
    """What a server serves.

    Parameters
    ----------
    access : Access
        Who may ask.
    page : Path
        Folder of the built page.
    scratch : Path
        Folder for uploads and results, which somebody else removes.
    library : Library
        The user's images.
    limits : Limits
        How much, and for how long.
    """

    access: Access
    page: Path
    scratch: Path
    library: Library = field(default_factory=Library)
    limits: Limits = DEFAULT_LIMITS


def studio_app(settings: StudioSettings) -> Guard:
    """Return the server as an ASGI application."""
    handlers = _Handlers(settings)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await handlers.jobs.start()
        try:
            yield
        finally:
            await handlers.jobs.stop()

    routes = [
        Route("/site.json", _site),
        Route("/api/about", handlers.about),
        Route("/api/sections", _sections),
        Route("/api/files", handlers.files),
        Route("/api/files/{file}", handlers.file_content),
        Route("/api/scans", handlers.receive, methods=["POST"]),
        Route("/api/jobs", handlers.submit, methods=["POST"]),
        Route("/api/jobs/{job}", handlers.state, methods=["GET"]),
        Route("/api/jobs/{job}", handlers.cancel, methods=["DELETE"]),
        Route("/api/jobs/{job}/{file}", handlers.made, methods=["GET"]),
        Mount("/", StaticFiles(directory=settings.page, html=True)),
    ]
    app = Starlette(
        routes=routes,
        lifespan=lifespan,
        exception_handlers={RefusedError: _refused},
    )
    return Guard(app, settings.access, settings.limits)


class _Handlers:
    """One function for each request."""

    def __init__(self, settings: StudioSettings) -> None:
        self._settings = settings
        uploads, jobs = settings.scratch / "uploads", settings.scratch / "jobs"
        for folder in (uploads, jobs):
            folder.mkdir()
        self._uploads = Uploads(uploads, settings.limits)
        self.jobs = Jobs(jobs, settings.limits)

    async def about(self, _: Request) -> Response:
        methods = [
            {"name": method.name, "about": method.about}
            for method in METHODS.values()
            if method.learned != "published"
        ]
        return JSONResponse({"version": __version__, "methods": methods})

    async def files(self, _: Request) -> Response:
        found = await asyncio.to_thread(self._settings.library.files)
        listed = [{"id": each.id, "name": each.name, "size": each.size} for each in found]
        return JSONResponse({"files": listed, "folder": self._settings.library.folder is not None})

    async def file_content(self, request: Request) -> Response:
        """Send a file of the folder as it is, for labels that the page reads itself."""
        found = await asyncio.to_thread(self._settings.library.find, request.path_params["file"])
        if found is None or not found.path.is_file():
            raise RefusedError(404, "this file is not in the folder any more")
        return FileResponse(found.path, media_type="application/octet-stream")

    async def receive(self, request: Request) -> Response:
        name = unquote(request.headers.get("x-file-name", "image.nii.gz"))
        try:
            async with asyncio.timeout(_UPLOAD_S):
                upload = await self._uploads.receive(name, request.stream())
        except TooLargeError as error:
            raise RefusedError(413, str(error)) from error
        except TimeoutError as error:
            raise RefusedError(408, "the file did not arrive in time; send it again") from error
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it
        return JSONResponse({"upload": upload.id, "name": upload.name})

    async def submit(self, request: Request) -> Response:
        try:
            order = JobOrder.model_validate_json(await self._body(request))
        except ValidationError as error:
            raise RefusedError(422, _first(error)) from error
        if problem := order.problem():
            raise RefusedError(422, problem)
        task = {**order.model_dump(), "path": await self._path(order), **self._corrected(order)}
        try:
            return JSONResponse(self.jobs.submit(task).shown())
        except QueueFullError as error:
            raise RefusedError(429, str(error)) from error

    async def state(self, request: Request) -> Response:
        return JSONResponse(self._job(request).shown())

    async def cancel(self, request: Request) -> Response:
        job = self._job(request)
        await self.jobs.cancel(job)
        return JSONResponse(job.shown())

    async def made(self, request: Request) -> Response:
        """Send a file that a job has made; it is named as the job has listed it."""
        job, name = self._job(request), request.path_params["file"]
        if name not in job.ready:
            raise RefusedError(404, "there is no such file")
        place = job.folder if name in BLOCKS else job.folder / "files"
        return FileResponse(place / name, media_type="application/octet-stream")

    async def _path(self, order: JobOrder) -> str | None:
        """Return where the image lies."""
        if order.upload is not None:
            upload = self._uploads.find(order.upload)
            if upload is None:
                raise RefusedError(404, "this image was removed from the server; open it again")
            return str(upload.path)
        if order.file is not None:
            found = await asyncio.to_thread(self._settings.library.find, order.file)
            if found is None:
                raise RefusedError(404, "this file is not in the folder any more")
            return str(found.path)
        return None

    def _corrected(self, order: JobOrder) -> dict[str, str]:
        """Return where corrected masks lie, and the folder that they are saved to."""
        if order.corrected is None:
            return {}
        upload, folder = self._uploads.find(order.corrected), self._settings.library.folder
        if upload is None or folder is None:
            raise RefusedError(404, "there is no folder to save to, or the masks did not arrive")
        return {"masks": str(upload.path), "root": str(folder)}

    async def _body(self, request: Request) -> bytes:
        body = bytearray()
        async for piece in request.stream():
            body += piece
            if len(body) > self._settings.limits.body_bytes:
                raise RefusedError(413, "this request is too long")
        return bytes(body)

    def _job(self, request: Request) -> Job:
        job = self.jobs.find(request.path_params["job"])
        if job is None:
            raise RefusedError(404, "this job is not known; the server may have been started anew")
        return job


async def _site(_: Request) -> Response:
    """Tell the page that a server answers."""
    return JSONResponse({"mode": "server", "version": __version__})


async def _sections(_: Request) -> Response:
    """Send the cross-sections to learn from."""
    content = await asyncio.to_thread(packed_sections)
    return Response(content, media_type="application/octet-stream")


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)
    return JSONResponse({"error": str(error)}, error.status)


def _first(error: ValidationError) -> str:
    """Say in one sentence what is wrong with an order."""
    found = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(map(str, found["loc"])) or "the request"
    return f"{where}: {found['msg']}"
