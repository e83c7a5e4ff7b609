"""Time stamps by a real authority, made with openssl and asked over HTTP on loopback."""

import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from evidence_house import House, act

from pontlevis.evidence.stamps import CONTENT_TYPE, NoStamp, Stamper
from pontlevis.evidence.verify import verify

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl here")

CONFIG = """
[ tsa ]
default_tsa = tsa1
[ tsa1 ]
dir = {dir}
serial = {dir}/serial
signer_cert = {dir}/signer.pem
signer_key = {dir}/signer.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
accuracy = secs:1
ess_cert_id_alg = sha256
[ signer ]
extendedKeyUsage = critical,timeStamping
keyUsage = critical,digitalSignature
basicConstraints = CA:FALSE
[ root ]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
[ req ]
distinguished_name = name
prompt = no
[ name ]
CN = Authority in a test
"""


def openssl(*words: str) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Address and certificates of a time-stamping authority."""
    there = tmp_path_factory.mktemp("tsa")
    config = there / "tsa.cnf"
    config.write_text(CONFIG.format(dir=there))
    (there / "serial").write_text("01")
    ec = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-config", str(config))
    openssl("req", "-x509", *ec, "-keyout", str(there / "root.key"), "-out", str(there / "root.pem"), "-extensions", "root", "-days", "30")  # fmt: skip
    openssl(
        "req",
        *ec,
        "-subj",
        "/CN=Signer",
        "-keyout",
        str(there / "signer.key"),
        "-out",
        str(there / "signer.csr"),
    )
    openssl("x509", "-req", "-in", str(there / "signer.csr"), "-CA", str(there / "root.pem"), "-CAkey", str(there / "root.key"), "-CAcreateserial", "-out", str(there / "signer.pem"), "-extfile", str(config), "-extensions", "signer", "-days", "20")  # fmt: skip

    class Desk(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            (there / "query").write_bytes(self.rfile.read(int(self.headers["content-length"])))
            openssl("ts", "-reply", "-queryfile", str(there / "query"), "-out", str(there / "reply"), "-config", str(config))  # fmt: skip
            self.send_response(200)
            self.end_headers()
            self.wfile.write((there / "reply").read_bytes())

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Desk)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    both = there / "trusted.pem"
    both.write_bytes((there / "root.pem").read_bytes() + (there / "signer.pem").read_bytes())
    yield f"http://127.0.0.1:{server.server_port}", both
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_stamp_is_kept_in_the_chain_and_checked(authority: tuple[str, Path], tmp_path: Path) -> None:
    """Its time stands in the report; a stamp of another hash, or one that was exchanged, does not hold."""
    url, certificates = authority
    stamper = Stamper(certificates)
    house = House(tmp_path)
    for _ in range(3):
        house.batch([act(house.now)])
    house.keeper.close(house.now)
    head = house.keeper.head
    asked = Request(url, stamper.request(head), {"content-type": CONTENT_TYPE})
    with urlopen(asked, timeout=20) as answer:
        token = answer.read()
    at = stamper.check(token, head.hash)
    with pytest.raises(NoStamp):
        stamper.check(token, "0" * 64)
    with pytest.raises(NoStamp):
        stamper.check(b"nonsense", head.hash)
    again = House(tmp_path)
    again.batch([act(again.now)])
    again.keeper.stamped(head, token, at)
    again.batch([])
    again.close()
    found = verify(again.folder, known_head=again.keeper.head, check_stamp=stamper.check)
    assert (found.broken, found.stamps, found.stamped_at) == ("", 1, at)
    assert "was not checked" in " ".join(verify(again.folder).notes)
    (kept,) = (again.folder / "stamps").iterdir()
    kept.write_bytes(token[:-1] + bytes([token[-1] ^ 1]))
    assert verify(again.folder, check_stamp=stamper.check).broken.startswith("stamps/")


def test_certificates_of_no_use_are_an_error_in_words(tmp_path: Path) -> None:
    """A missing file, and one that is none."""
    with pytest.raises(NoStamp, match="No such file"):
        Stamper(tmp_path / "none.pem")
    (tmp_path / "bad.pem").write_text("hello")
    with pytest.raises(NoStamp, match=r"bad\.pem"):
        Stamper(tmp_path / "bad.pem")
