"""A security key in software (Web Authentication, ES256), and the part of a browser that speaks to it."""
import base64
import hashlib
import json

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

TOUCHED = 0b101  # user present, user verified
ATTESTED = 0b100_0000  # a new key comes along


def b64(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def cbor_bytes(raw):
    return b"\x58" + bytes([len(raw)]) + raw if len(raw) < 256 else b"\x59" + len(raw).to_bytes(2, "big") + raw


def cbor_text(text):
    return bytes([0x60 + len(text)]) + text.encode()


class Authenticator:
    """Holds the keys that it makes, so it does for passkeys too."""

    def __init__(self, origin="http://localhost:4455"):
        self.origin, self.keys = origin, []

    def create(self, options):
        """`navigator.credentials.create` with the options of a form; gives back what a script sends."""
        options = options["publicKey"]
        private = ec.generate_private_key(ec.SECP256R1())
        point = private.public_key().public_numbers()
        id_ = hashlib.sha256(point.x.to_bytes(32, "big")).digest()
        key = {"id": id_, "private": private, "rp": options["rp"]["id"], "user": unb64(options["user"]["id"]), "count": 1}
        self.keys.append(key)
        cose = b"\xa5\x01\x02\x03\x26\x20\x01\x21" + cbor_bytes(point.x.to_bytes(32, "big")) + b"\x22" + cbor_bytes(point.y.to_bytes(32, "big"))
        data = self.data(key, TOUCHED | ATTESTED) + bytes(16) + len(id_).to_bytes(2, "big") + id_ + cose
        attestation = b"\xa3" + cbor_text("fmt") + cbor_text("none") + cbor_text("attStmt") + b"\xa0" + cbor_text("authData") + cbor_bytes(data)
        return self.answer(id_, {"attestationObject": b64(attestation), "clientDataJSON": self.client_data("webauthn.create", options)})

    def get(self, options):
        """`navigator.credentials.get` with the options of a form; gives back what a script sends."""
        options = options["publicKey"]
        key = self.keys[-1]
        key["count"] += 1
        client_data = self.client_data("webauthn.get", options)
        data = self.data(key, TOUCHED)
        signature = key["private"].sign(data + hashlib.sha256(unb64(client_data)).digest(), ec.ECDSA(hashes.SHA256()))
        return self.answer(key["id"], {"authenticatorData": b64(data), "clientDataJSON": client_data, "signature": b64(signature), "userHandle": b64(key["user"])})

    def client_data(self, kind, options):
        return b64(json.dumps({"type": kind, "challenge": options["challenge"], "origin": self.origin}).encode())

    @staticmethod
    def data(key, flags):
        return hashlib.sha256(key["rp"].encode()).digest() + bytes([flags]) + key["count"].to_bytes(4, "big")

    @staticmethod
    def answer(id_, response):
        return json.dumps({"id": b64(id_), "rawId": b64(id_), "type": "public-key", "response": response})
