"""The public listener's pages and API."""

from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from pontlevis import __version__
from pontlevis.web import errors
from pontlevis.web.api import create_api_router
from pontlevis.web.context import WebContext
from pontlevis.web.factor_api import create_factor_router
from pontlevis.web.gate_api import create_gate_router
from pontlevis.web.gate_pages import create_gate_pages_router
from pontlevis.web.keys_api import create_keys_router
from pontlevis.web.keys_pages import create_keys_pages_router
from pontlevis.web.login_steps import create_login_steps_router
from pontlevis.web.oidc_pages import create_oidc_pages_router
from pontlevis.web.own_data import create_own_data_api, create_own_data_pages
from pontlevis.web.pages import create_pages_router
from pontlevis.web.security import SecurityMiddleware
from pontlevis.web.security_pages import create_security_pages_router
from pontlevis.web.session_api import create_session_router
from pontlevis.web.status import create_status_router
from pontlevis.web.subscriptions import create_subscriptions_router

STATIC = Path(str(files("pontlevis.web").joinpath("static")))


def create_public_app(context: WebContext) -> FastAPI:
    """Everything on the public port that is not the inference API."""
    app = FastAPI(
        title=f"{context.settings.name}: accounts and status",
        version=__version__,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # such a redirect would be to the Host that the request names
    )
    app.state.base_url = context.settings.base_url
    app.state.service_name = context.settings.name
    errors.install(app, pages=True)
    app.include_router(create_api_router(context))
    app.include_router(create_keys_router(context))
    app.include_router(create_gate_router(context))
    app.include_router(create_session_router(context))
    app.include_router(create_factor_router(context))
    app.include_router(create_own_data_api(context), prefix="/api")
    app.include_router(create_own_data_pages(context))
    app.include_router(create_status_router(context))
    app.include_router(create_subscriptions_router(context))
    app.include_router(create_pages_router(context))
    app.include_router(create_keys_pages_router(context))
    app.include_router(create_gate_pages_router(context))
    app.include_router(create_login_steps_router(context))
    app.include_router(create_security_pages_router(context))
    app.include_router(create_oidc_pages_router(context))
    app.mount("/static", StaticFiles(directory=STATIC))
    app.add_middleware(SecurityMiddleware, own=context.settings.base_url)
    return app
