"""An application under Flask's development server with one thread: it does one thing at a time."""

import os

from flask import Flask, request

app = Flask(__name__)
LINE = b"The market opens at nine, and all accounts are settled.\n"


@app.get("/")
def home():
    return "<!doctype html>\n<html lang=en><title>Ledger</title>\n<h1>Ledger</h1>\n<p>All accounts are settled.</p>\n"


@app.post("/upload")
def upload():
    return f"{len(request.get_data())} bytes\n"


@app.get("/report")
def report():
    return LINE * int(request.args.get("lines", 100_000)), 200, {"Content-Type": "text/plain"}


if __name__ == "__main__":
    app.run("127.0.0.1", int(os.environ["PORT"]), threaded=False)
