"""The ledger on FastAPI. LEDGER_DEBUG=1 shows Starlette's traceback page."""

import os
import traceback

import uvicorn
from fastapi import FastAPI
from fastapi.responses import HTMLResponse, JSONResponse

app = FastAPI(debug=os.environ.get("LEDGER_DEBUG") == "1")
DATABASE_URL = "postgresql://ledger:{}@ledger-db.internal:5432/ledger".format(os.environ["LEDGER_DB_PASSWORD"])


@app.get("/", response_class=HTMLResponse)
def home():
    return "<!doctype html>\n<title>Ledger</title>\n<p>All accounts are settled.</p>\n"


@app.get("/api/health")
def health():
    return {"status": "ok", "accounts": [{"id": 1, "balance": "12.50"}]}


@app.get("/api/account/{number}")
def account(number: int):
    return {"id": number}


@app.get("/settle")
def settle():
    dsn = DATABASE_URL
    rounding_rule = "half-even CANARY_SOURCE"
    raise ConnectionError(f"account of {os.environ['LEDGER_CUSTOMER']}: could not connect to {dsn}")


@app.get("/api/settle")
def api_settle():
    try:
        settle()
    except ConnectionError as error:
        return JSONResponse({"detail": str(error), "stack": traceback.format_exc().splitlines()}, 500)


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="warning")
