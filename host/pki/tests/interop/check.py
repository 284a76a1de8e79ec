"""Checks documents of this room with the Python package gmssl, an SM2, SM3 and SM4 of its own.

    check.py verify KEY SIGNED SIGNATURE     each a file: 64 bytes X Y, the signed part, 64 bytes r s
    check.py open ENVELOPE SIGN_KEY          the DER enveloped key, 32 bytes private sign key

`verify` prints true or false. `open` prints the private key in hexadecimal and whether it belongs to the public key
beside it.
"""

import sys
from pathlib import Path

from Cryptodome.Util.asn1 import DerBitString, DerOctetString, DerSequence
from gmssl.sm2 import CryptSM2
from gmssl.sm4 import SM4_DECRYPT, CryptSM4


def crypt(private_key: str, public_key: str) -> CryptSM2:
    sm2 = CryptSM2(private_key=private_key, public_key="", mode=1)
    # Set afterwards: the constructor strips every leading 0 and 4 of a key that begins with 04, even of X itself.
    sm2.public_key = public_key
    return sm2


def verify(key: bytes, signed: bytes, signature: bytes) -> None:
    print(str(bool(crypt("", key.hex()).verify_with_sm3(signature.hex(), signed))).lower())


def open_envelope(envelope: bytes, sign_key: bytes) -> None:
    _algorithm, cipher, public_key, encrypted = DerSequence().decode(envelope)
    x, y, digest, body = DerSequence().decode(cipher)
    raw = x.to_bytes(32, "big") + y.to_bytes(32, "big") + DerOctetString().decode(digest).payload
    symmetric_key = crypt(sign_key.hex(), "").decrypt(raw + DerOctetString().decode(body).payload)

    sm4 = CryptSM4()
    sm4.set_key(symmetric_key, SM4_DECRYPT)
    encrypted = DerBitString().decode(encrypted).value
    # Block by block: the package's own ECB takes padding away, which there is none of.
    blocks = [encrypted[i : i + 16] for i in range(0, len(encrypted), 16)]
    plain = b"".join(bytes(sm4.one_round(sm4.sk, list(block))) for block in blocks)
    private_key = plain[-32:]

    sm2 = crypt("", "")
    point = sm2._kg(int.from_bytes(private_key, "big"), sm2.ecc_table["g"])
    belongs = plain[:-32].strip(b"\0") == b"" and "04" + point == DerBitString().decode(public_key).value.hex()
    print(private_key.hex(), str(belongs).lower())


if __name__ == "__main__":
    action = {"verify": verify, "open": open_envelope}[sys.argv[1]]
    action(*(Path(name).read_bytes() for name in sys.argv[2:]))
