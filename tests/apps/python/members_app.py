"""A ledger with members: signed in by Flask-Login, forms guarded by Flask-WTF, both as they come.

LEDGER_DEBUG=1 turns the debugger on.
"""

import os

from flask import Flask, jsonify, redirect, request, session
from flask_login import LoginManager, UserMixin, current_user, login_required, login_user, logout_user
from flask_wtf.csrf import CSRFProtect, generate_csrf
from markupsafe import escape
from werkzeug.middleware.proxy_fix import ProxyFix

app = Flask(__name__)
app.secret_key = os.environ["LEDGER_SIGNING_KEY"]
# The proxy says by which scheme its clients come; without TLS, Flask-WTF would not look at the referrer.
app.wsgi_app = ProxyFix(app.wsgi_app)
CSRFProtect(app)
members = LoginManager(app)


class Member(UserMixin):
    def __init__(self, name):
        self.id = name


members.user_loader(Member)


@members.unauthorized_handler
def sign_in_first():
    return redirect("/login")


def page(title, body):
    return f"<!doctype html>\n<html lang=en><title>{title}</title>\n<h1>{title}</h1>\n{body}\n"


def form(path, fields):
    token = f'<input type=hidden name=csrf_token value="{generate_csrf()}">'
    return f"<form method=post action={path}>{token}{fields}</form>"


@app.get("/")
def home():
    return page("Ledger", "<p>All accounts are settled.</p>")


@app.get("/login")
def login_form():
    return page("Sign in", form("/login", "<input name=user><input name=password type=password><button>Sign in</button>"))


@app.post("/login")
def login():
    login_user(Member(request.form["user"]), remember=True)
    session["tenant"] = os.environ["LEDGER_SESSION"]
    return redirect("/account")


@app.get("/account")
@login_required
def account():
    notes = "".join(f"<li>{escape(note)}" for note in session.get("notes", []))
    write = form("/notes", "<input name=note><button>Write down</button>") + "<script>document.title += ', by script'</script>"
    return page(f"Account of {escape(current_user.id)}", f"<ul>{notes}</ul>{write}{form('/logout', '<button>Sign out</button>')}")


@app.post("/notes")
@login_required
def write_down():
    session["notes"] = [*session.get("notes", []), request.form["note"]]
    return redirect("/account")


@app.post("/logout")
def logout():
    session.clear()
    logout_user()
    return redirect("/")


@app.get("/cookies")
def cookies():
    return jsonify(sorted(request.cookies))


@app.get("/settle")
@login_required
def settle():
    raise ConnectionError(f"account of {os.environ['LEDGER_CUSTOMER']}: {dict(session)!r}")


if __name__ == "__main__":
    debug = os.environ.get("LEDGER_DEBUG") == "1"
    app.run("127.0.0.1", int(os.environ["PORT"]), debug=debug, use_reloader=False, threaded=True)
