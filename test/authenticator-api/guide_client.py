"""The flow of AuthenticatorAPI.com's own guide, with Python's standard library alone.

Usage: guide_client.py BASE_URL
"""
import base64
import hashlib
import hmac
import re
import secrets
import string
import struct
import sys
import time
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import urlopen

BASE_URL = sys.argv[1]
WRONG = 11


def call(page, parameters):
    with urlopen(f"{BASE_URL}/{page}?{urlencode(parameters)}", timeout=10) as response:
        return response.read().decode("utf-8")


def pair(app_name, user, secret):
    return call("pair.aspx", {"AppName": app_name, "AppInfo": user, "SecretCode": secret})


def validate(pin, secret):
    return call("Validate.aspx", {"Pin": pin, "SecretCode": secret}).strip().lower() == "true"


def code(key, step):
    """What an authenticator app shows (RFC 6238)."""
    mac = hmac.new(key, struct.pack(">Q", step), hashlib.sha1).digest()
    offset = mac[-1] & 15
    return "%06d" % ((struct.unpack(">I", mac[offset:offset + 4])[0] & 0x7FFFFFFF) % 1000000)


def main():
    alphabet = string.ascii_uppercase + "234567"
    secret = "".join(secrets.choice(alphabet) for _ in range(32))

    html = pair("My App", "john@example.com", secret)
    manual = re.search(r"title='Manually pair with ([A-Z2-7]+)'", html).group(1)
    key = base64.b32decode(manual + "=" * (-len(manual) % 8))
    assert key == secret.encode("ascii"), "the key is the SecretCode's characters"

    image = re.search(r"src='([^']+)'", html).group(1)
    uri = parse_qs(urlsplit(image).query)["data"][0]
    assert uri.startswith("otpauth://totp/"), uri
    assert parse_qs(urlsplit(uri).query)["secret"] == [manual]
    with urlopen(image, timeout=10) as response:
        assert response.headers["Content-Type"].startswith("image/")
        assert response.read(4) == b"\x89PNG"

    step = int(time.time()) // 30
    near = {code(key, step + distance) for distance in range(-WRONG, WRONG + 1)}
    wrong = next(pin for pin in ("%06d" % number for number in range(100)) if pin not in near)
    assert validate(code(key, step), secret), "the app's code is right"
    assert not validate(wrong, secret), "another one is wrong"
    assert not validate(code(key, step), secret[::-1]), "and so is the code of another SecretCode"

    assert call("pair.aspx", {"AppName": "My App"}) == "Pass 'AppInfo' in QueryString"
    print("paired and validated")


main()
