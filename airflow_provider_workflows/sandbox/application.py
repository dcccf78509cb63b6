"""The sandbox as one web application: the vendors' mounts, the control API and the start page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from airflow_provider_workflows.sandbox.control_routes import add_error_answer, control_router
from airflow_provider_workflows.sandbox.exchange import VendorMount
from airflow_provider_workflows.sandbox.page import page_router
from airflow_provider_workflows.sandbox.sandbox import Sandbox


def create_application(sandbox: Sandbox) -> FastAPI:
    """The ASGI application; its end removes the uploaded files."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        sandbox.close()

    app = FastAPI(
        title="Workflow sandbox", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan
    )
    app.include_router(control_router(sandbox))
    app.include_router(page_router(sandbox))
    add_error_answer(app)
    for name, vendor in sandbox.vendors.items():
        app.mount(f"/{name}", VendorMount(vendor, faults=sandbox.faults, spool=sandbox.spool))
    return app
