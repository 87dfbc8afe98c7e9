"""A certificate authority for a test session, and certificates that are good or wrong in one way each.

Made with the ``openssl`` command, since the project needs no library that could; without it the tests that need it say so.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.processes import needed

_CONFIG = """
[ca]
default_ca = authority
[authority]
database = {folder}/index.txt
serial = {folder}/serial
new_certs_dir = {folder}
certificate = {folder}/ca.pem
private_key = {folder}/ca.key
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
[authority_extensions]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
"""
_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
_LONG_AGO, _YESTERYEAR, _FAR_AHEAD = "20010101000000Z", "20020101000000Z", "20490101000000Z"


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """The PEM files of a certificate and of its key."""

    cert_file: str
    key_file: str


class Authority:
    """Issues certificates that are trusted by whoever trusts ``ca_file``."""

    def __init__(self, folder: Path) -> None:
        needed("openssl")
        folder.mkdir()
        self._folder = folder
        self._config = folder / "openssl.cnf"
        self._config.write_text(_CONFIG.format(folder=folder))
        (folder / "index.txt").touch()
        (folder / "serial").write_text("01\n")
        self.ca_file = str(folder / "ca.pem")
        files = ["-keyout", f"{folder}/ca.key", "-out", self.ca_file]
        self._run("req", "-x509", *_NEW_KEY, *files, "-subj", "/CN=Test authority", "-extensions", "authority_extensions")

    def issue(self, name: str, *alternatives: str, is_expired: bool = False) -> Certificate:
        """A certificate called ``name`` for ``alternatives`` such as ``DNS:localhost`` and ``IP:127.0.0.1``."""
        stem = self._folder / name
        made = Certificate(cert_file=f"{stem}.pem", key_file=f"{stem}.key")
        self._run("req", "-new", *_NEW_KEY, "-keyout", made.key_file, "-out", f"{stem}.csr", "-subj", f"/CN={name}")
        extensions = f"subjectAltName = {', '.join(alternatives)}\n" if alternatives else "basicConstraints = CA:FALSE\n"
        Path(f"{stem}.ext").write_text(extensions)
        dates = ["-startdate", _LONG_AGO, "-enddate", _YESTERYEAR if is_expired else _FAR_AHEAD]
        files = ["-in", f"{stem}.csr", "-out", made.cert_file, "-extfile", f"{stem}.ext"]
        self._run("ca", "-batch", "-notext", *files, *dates)
        return made

    def _run(self, command: str, *arguments: str) -> None:
        run_openssl([command, "-config", str(self._config), *arguments])


def run_openssl(arguments: Sequence[str]) -> None:
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """``good``, ``expired`` and ``elsewhere`` (another host's) are servers'; ``strange`` ones an unknown authority issued."""

    ca_file: str
    good: Certificate
    expired: Certificate
    elsewhere: Certificate
    strange: Certificate
    client: Certificate
    strange_client: Certificate
    expired_client: Certificate


def make_certificates(folder: Path) -> Certificates:
    """Make all of them below ``folder``."""
    known, strange = Authority(folder / "known"), Authority(folder / "strange")
    here = ("DNS:localhost", "DNS:collector.test", "IP:127.0.0.1", "IP:::1")
    return Certificates(
        ca_file=known.ca_file,
        good=known.issue("good", *here),
        expired=known.issue("expired", *here, is_expired=True),
        elsewhere=known.issue("elsewhere", "DNS:elsewhere.test"),
        strange=strange.issue("strange", *here),
        client=known.issue("client"),
        strange_client=strange.issue("strange-client"),
        expired_client=known.issue("expired-client", is_expired=True),
    )
