"""The ledger on Django, in one file. LEDGER_DEBUG=1 shows the technical error pages."""

import os
import sqlite3
import sys
import traceback

from django.conf import settings
from django.core.management import execute_from_command_line
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, JsonResponse
from django.urls import path

settings.configure(
    DEBUG=os.environ.get("LEDGER_DEBUG") == "1",
    ALLOWED_HOSTS=["*"],
    SECRET_KEY=os.environ.get("LEDGER_SIGNING_KEY", "signing-" + "k" * 50),
    ROOT_URLCONF=__name__,
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    LEDGER_ROUNDING="settings-CANARY_CONFIG",
    USE_TZ=True,
)
application = get_wsgi_application()


def home(request):
    return HttpResponse("<!doctype html>\n<title>Ledger</title>\n<p>All accounts are settled.</p>\n")


def health(request):
    return JsonResponse({"status": "ok", "accounts": [{"id": 1, "balance": "12.50"}]})


def login(request):
    if request.method == "POST":
        request.session["tenant"] = os.environ["LEDGER_SESSION"]
    return HttpResponse("<!doctype html>\n<form method=post><input name=user><button>Log in</button></form>\n")


def settle(request):
    dsn = "postgresql://ledger:{}@ledger-db.internal/ledger".format(os.environ["LEDGER_DB_PASSWORD"])
    tenant = dict(request.session)
    rounding_rule = "half-even CANARY_SOURCE"
    raise ConnectionError(f"account of {os.environ['LEDGER_CUSTOMER']}: no connection")


def sql(request):
    with sqlite3.connect(":memory:") as database:
        database.execute("SELECT balance FROM accounts_CANARY_SOURCE")


def api_settle(request):
    try:
        settle(request)
    except ConnectionError as error:
        return JsonResponse({"error": str(error), "trace": traceback.format_exc()}, status=500)


urlpatterns = [
    path("", home),
    path("api/health", health),
    path("login", login),
    path("settle", settle),
    path("sql", sql),
    path("api/settle", api_settle),
    path("internal/ledger-CANARY_SOURCE/export", home),
]

if __name__ == "__main__":
    sys.argv[0] = __file__
    execute_from_command_line([__file__, "runserver", "--noreload", f"127.0.0.1:{os.environ['PORT']}"])
