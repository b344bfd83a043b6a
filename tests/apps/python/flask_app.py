"""A ledger as one meets it: written in a hurry, and its errors show.

LEDGER_DEBUG=1 turns the debugger on; without it the same routes answer as in production.
"""

import os
import sqlite3
import traceback

from flask import Flask, jsonify, request, session

app = Flask(__name__)
app.secret_key = os.environ.get("LEDGER_SIGNING_KEY", "settings-CANARY_CONFIG")
DATABASE_URL = "postgresql://ledger:{}@ledger-db.internal:5432/ledger".format(os.environ["LEDGER_DB_PASSWORD"])


@app.get("/")
def home():
    return "<!doctype html>\n<html lang=en><title>Ledger</title>\n<h1>Ledger</h1>\n<p>All accounts are settled.</p>\n"


@app.get("/api/health")
def health():
    return jsonify(status="ok", accounts=[{"id": 1, "balance": "12.50"}, {"id": 2, "balance": "0.00"}])


@app.get("/api/missing")
def missing():
    return jsonify(error="account not found", code="ACCOUNT_NOT_FOUND"), 404


@app.get("/login")
def login_form():
    return "<!doctype html>\n<form method=post><input name=user><input name=password type=password><button>Log in</button></form>\n"


@app.post("/login")
def login():
    session["user"] = request.form["user"]
    session["tenant"] = os.environ["LEDGER_SESSION"]
    return "<!doctype html>\n<p>Welcome.</p>\n"


@app.get("/settle")
def settle():
    dsn = DATABASE_URL
    rounding_rule = "half-even CANARY_SOURCE"
    raise ConnectionError(f"account of {os.environ['LEDGER_CUSTOMER']}: could not connect to {dsn}, key {app.secret_key}")


@app.get("/session")
def show_session():
    raise KeyError(f"no ledger for session {dict(session)!r}")


@app.get("/sql")
def sql():
    with sqlite3.connect(":memory:") as database:
        database.execute("SELECT balance FROM accounts_CANARY_SOURCE WHERE owner = ?", (os.environ["LEDGER_CUSTOMER"],))
    return "settled"


@app.get("/environment")
def environment():
    lines = [f"{name}={value}" for name, value in sorted(os.environ.items())]
    return "\n".join(lines), 200, {"Content-Type": "text/plain; charset=utf-8"}


@app.get("/api/settle")
def api_settle():
    try:
        settle()
    except ConnectionError as error:
        return jsonify(error=str(error), traceback=traceback.format_exc()), int(request.args.get("status", 500))


if __name__ == "__main__":
    debug = os.environ.get("LEDGER_DEBUG") == "1"
    app.run("127.0.0.1", int(os.environ["PORT"]), debug=debug, use_reloader=False)
