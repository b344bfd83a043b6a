"""What Flask and Flask-Login themselves make of a key: a session of theirs, or what is in one.

    flask_cookies.py make KEY session|remember_token USER    prints a cookie's value
    flask_cookies.py read KEY session|remember_token VALUE   prints what is in it; fails where the key does not fit
"""

import sys

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from flask_login.utils import decode_cookie, encode_cookie

action, key, name, word = sys.argv[1:]
app = Flask(__name__)
app.secret_key = key
sessions = SecureCookieSessionInterface().get_signing_serializer(app)
with app.app_context():
    if action == "make":
        print(encode_cookie(word) if name == "remember_token" else sessions.dumps({"_user_id": word, "_fresh": True}))
    else:
        content = decode_cookie(word) if name == "remember_token" else sessions.loads(word)
        sys.exit("no such cookie") if content is None else print(content)
