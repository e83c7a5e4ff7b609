"""The operator's listener: console, admin API, metrics. Never on the public port."""

from fastapi import APIRouter, FastAPI
from starlette.staticfiles import StaticFiles

from pontlevis import __version__
from pontlevis.web import errors
from pontlevis.web.api import error_responses
from pontlevis.web.context import WebContext
from pontlevis.web.operator_accounts import create_operator_accounts_router
from pontlevis.web.operator_api import create_operator_api_router
from pontlevis.web.operator_console import create_console_router
from pontlevis.web.operator_desk import create_desk_router
from pontlevis.web.operator_gate import create_operator_gate_router
from pontlevis.web.operator_gate_pages import create_operator_gate_pages_router
from pontlevis.web.operator_incidents import create_operator_incidents_router
from pontlevis.web.operator_investigation import create_investigation_router
from pontlevis.web.operator_keys import create_operator_keys_router
from pontlevis.web.operator_keys_pages import create_operator_keys_pages_router
from pontlevis.web.operator_live import create_live_router
from pontlevis.web.operator_login import create_operator_login_router
from pontlevis.web.operator_maintenance import create_operator_maintenance_router
from pontlevis.web.operator_metrics import create_metrics_router
from pontlevis.web.operator_overview import Overviews
from pontlevis.web.operator_pages import create_pages_router
from pontlevis.web.operator_passkeys import create_operator_passkeys_router
from pontlevis.web.operator_policy import create_policy_pages_router
from pontlevis.web.operator_posture import create_operator_posture_router
from pontlevis.web.operator_reports import create_reports_router
from pontlevis.web.operator_respond import create_operator_respond_router
from pontlevis.web.operator_respond_pages import create_respond_pages_router
from pontlevis.web.operator_roles import create_roles_pages_router, create_roles_router
from pontlevis.web.operator_safety import create_operator_safety_router
from pontlevis.web.operator_safety_page import create_safety_page_router
from pontlevis.web.operator_sources import create_sources_router
from pontlevis.web.operator_telling import create_operator_telling_router
from pontlevis.web.operator_visitor import OperatorGate
from pontlevis.web.public import STATIC
from pontlevis.web.security import SecurityMiddleware


def create_operator_app(context: WebContext, *, trusted: bool) -> FastAPI:
    """``trusted`` is for the private socket, whose file permissions already say who may call."""
    settings = context.settings
    app = FastAPI(
        title=f"{settings.name}: operator",
        version=__version__,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.base_url = settings.base_url
    app.state.service_name = settings.name
    errors.install(app, pages=True)
    overviews = Overviews(context)
    gate = OperatorGate(context, trusted=trusted)
    app.state.gate = gate
    app.include_router(create_metrics_router(context, overviews))
    api = APIRouter(prefix="/api", responses=error_responses(400, 401, 403, 404))
    for create in (
        create_operator_api_router,
        create_operator_posture_router,
        create_operator_accounts_router,
        create_operator_keys_router,
        create_operator_incidents_router,
        create_operator_maintenance_router,
        create_operator_telling_router,
        create_operator_gate_router,
        create_sources_router,
        create_operator_safety_router,
        create_roles_router,
        create_operator_respond_router,
    ):
        api.include_router(create(context))
    app.include_router(api)
    app.include_router(create_console_router(context, overviews))
    app.include_router(create_live_router(context, overviews))
    app.include_router(create_operator_login_router(context))
    app.include_router(create_desk_router(context))
    app.include_router(create_operator_gate_pages_router(context))
    for create in (
        create_roles_pages_router,
        create_pages_router,
        create_operator_keys_pages_router,
        create_policy_pages_router,
        create_reports_router,
        create_respond_pages_router,
        create_operator_passkeys_router,
        create_safety_page_router,
        create_investigation_router,
    ):
        app.include_router(create(context))
    app.mount("/static", StaticFiles(directory=STATIC))
    names = {settings.operator_host, "127.0.0.1", "localhost", "[::1]"}
    hosts = frozenset(f"{name}:{settings.operator_port}" for name in names)
    app.add_middleware(SecurityMiddleware, hosts=hosts)
    return app
