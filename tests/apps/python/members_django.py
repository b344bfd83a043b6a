"""A ledger with members on Django: sessions in signed cookies, forms and scripts guarded by its csrf middleware, which
over TLS also wants to know where a form comes from. LEDGER_DEBUG=1 shows the technical error pages.
"""

import os
import sys

from django.conf import settings
from django.core.management import execute_from_command_line
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, JsonResponse
from django.middleware.csrf import get_token, rotate_token
from django.shortcuts import redirect
from django.urls import path
from django.utils.html import escape

settings.configure(
    DEBUG=os.environ.get("LEDGER_DEBUG") == "1",
    ALLOWED_HOSTS=["localhost", "127.0.0.1"],
    SECRET_KEY=os.environ["LEDGER_SIGNING_KEY"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ],
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https"),
    APPEND_SLASH=False,
    USE_TZ=True,
)
application = get_wsgi_application()


def page(title, body):
    return HttpResponse(f"<!doctype html>\n<html lang=en><title>{title}</title>\n<h1>{title}</h1>\n{body}\n")


def form(request, action, fields):
    token = f'<input type=hidden name=csrfmiddlewaretoken value="{get_token(request)}">'
    return f"<form method=post action={action}>{token}{fields}</form>"


def home(request):
    return page("Ledger", "<p>All accounts are settled.</p>")


def login(request):
    if request.method != "POST":
        fields = "<input name=user><input name=password type=password><button>Sign in</button>"
        return page("Sign in", form(request, "/login", fields))
    request.session["user"] = request.POST["user"]
    request.session["tenant"] = os.environ["LEDGER_SESSION"]
    rotate_token(request)
    return redirect("/account")


def account(request):
    user = request.session.get("user")
    if user is None:
        return redirect("/login")
    notes = "".join(f"<li>{escape(note)}" for note in request.session.get("notes", []))
    write = form(request, "/notes", "<input name=note><button>Write down</button>")
    script = "<script>document.title += ', by script'</script>"
    leave = form(request, "/logout", "<button>Sign out</button>")
    return page(f"Account of {escape(user)}", f"<ul>{notes}</ul>{write}{script}{leave}")


def write_down(request):
    if "user" not in request.session:
        return redirect("/login")
    request.session["notes"] = [*request.session.get("notes", []), request.POST["note"]]
    return redirect("/account")


def logout(request):
    request.session.flush()
    return redirect("/")


def cookies(request):
    return JsonResponse(sorted(request.COOKIES), safe=False)


def settle(request):
    session = dict(request.session)
    raise ConnectionError(f"account of {os.environ['LEDGER_CUSTOMER']}: {session!r}")


urlpatterns = [
    path("", home),
    path("login", login),
    path("account", account),
    path("notes", write_down),
    path("logout", logout),
    path("cookies", cookies),
    path("settle", settle),
]

if __name__ == "__main__":
    sys.argv[0] = __file__
    execute_from_command_line([__file__, "runserver", "--noreload", f"127.0.0.1:{os.environ['PORT']}"])
