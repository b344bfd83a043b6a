"""What Django itself makes of a key: a session of its own, or what is in one.

    django_cookies.py make KEY sessionid USER    prints a cookie's value
    django_cookies.py read KEY sessionid VALUE   prints what is in it; fails where the key does not fit
"""

import sys

from django.conf import settings
from django.core import signing

action, key, name, word = sys.argv[1:]
settings.configure(SECRET_KEY=key)
salt = "django.contrib.sessions.backends.signed_cookies"
print(signing.dumps({"user": word}, salt=salt, compress=True) if action == "make" else signing.loads(word, salt=salt))
