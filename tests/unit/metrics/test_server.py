"""The endpoint: who gets the metrics, and that no client can hold up the others or the process."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from monitor.errors import SettingsError
from monitor.metrics import MetricsServer, StationMetrics
from monitor.settings.metrics import MetricsSettings


def get(
    port: int, path: str = "/metrics", *, token: str = "", context: ssl.SSLContext | None = None
) -> tuple[int, str]:
    scheme = "http" if context is None else "https"
    headers = {"Authorization": token} if token else {}
    request = urllib.request.Request(f"{scheme}://127.0.0.1:{port}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10, context=context) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_the_metrics_are_at_their_path_alone(metrics: StationMetrics) -> None:
    with MetricsServer(MetricsSettings(listen="127.0.0.1:0"), metrics.registry) as server:
        status, text = get(server.port)
        assert status == 200
        assert 'crystal_monitor_build_info{python="' in text
        assert get(server.port, "/") == (404, "the metrics are at /metrics\n")
        assert get(server.port, "/metrics/../../etc/passwd")[0] == 404


def test_a_token_that_is_asked_for_must_be_right(metrics: StationMetrics, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("s3cret\n")
    file.chmod(0o600)
    settings = MetricsSettings.model_validate({"listen": "127.0.0.1:0", "token": {"file": str(file)}})
    with MetricsServer(settings, metrics.registry) as server:
        assert get(server.port, token="Bearer s3cret")[0] == 200, "the control"
        for wrong in ("", "Bearer", "Bearer s3cre", "Bearer s3cret2", "Basic s3cret", "s3cret", "Bearer ÿ"):
            status, text = get(server.port, token=wrong)
            assert status == 401, wrong
            assert "s3cret" not in text
            assert "crystal_monitor" not in text


def test_a_token_that_cannot_be_read_is_the_users_to_mend(metrics: StationMetrics, tmp_path: Path) -> None:
    settings = MetricsSettings.model_validate(
        {"listen": "127.0.0.1:0", "token": {"file": str(tmp_path / "nowhere")}}
    )
    with pytest.raises(SettingsError, match="nowhere cannot be read"):
        MetricsServer(settings, metrics.registry)


def test_a_port_that_is_taken_is_said_with_another(metrics: StationMetrics) -> None:
    with (
        MetricsServer(MetricsSettings(listen="127.0.0.1:0"), metrics.registry) as server,
        pytest.raises(SettingsError, match=f"Choose another port, e.g. 127.0.0.1:{server.port + 1}"),
    ):
        MetricsServer(MetricsSettings(listen=f"127.0.0.1:{server.port}"), metrics.registry)


def test_with_a_certificate_nothing_goes_in_the_clear(metrics: StationMetrics, tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed, which makes the certificate")
    certificate, key = tmp_path / "m.crt", tmp_path / "m.key"
    make = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    make += ["-keyout", str(key), "-out", str(certificate), "-days", "2", "-subj", "/CN=station"]
    subprocess.run([*make, "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    settings = MetricsSettings(listen="127.0.0.1:0", certificate=certificate, key=key)
    with MetricsServer(settings, metrics.registry) as server:
        trusting = ssl.create_default_context(cafile=str(certificate))
        assert get(server.port, context=trusting)[0] == 200
        with pytest.raises(OSError, match=r"."):
            get(server.port)
        assert get(server.port, context=trusting)[0] == 200, "a client that does not greet harms nobody"
    broken = MetricsSettings(listen="127.0.0.1:0", certificate=key, key=certificate)
    with pytest.raises(SettingsError, match=r"metrics\.certificate: .* cannot be used"):
        MetricsServer(broken, metrics.registry)


def test_clients_that_hang_hold_up_nobody(metrics: StationMetrics) -> None:
    with MetricsServer(MetricsSettings(listen="127.0.0.1:0"), metrics.registry) as server:
        hanging = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(6)]
        try:
            hanging[0].sendall(b"GET /metrics HTTP/1.1\r\n")
            began = time.monotonic()
            assert get(server.port)[0] == 200
            assert time.monotonic() - began < 2, "it was answered beside them"
        finally:
            for each in hanging:
                each.close()


def test_a_flood_is_turned_away_and_passes(metrics: StationMetrics) -> None:
    with MetricsServer(MetricsSettings(listen="127.0.0.1:0"), metrics.registry) as server:
        hanging = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(40)]
        turned_away = 0
        for each in hanging[8:]:
            each.settimeout(5)
            turned_away += each.recv(1) == b""
        assert turned_away == 32, "beyond eight at once it closes"
        for each in hanging:
            each.close()
        end = time.monotonic() + 20
        while True:
            try:
                assert get(server.port)[0] == 200
                break
            except OSError:
                assert time.monotonic() < end
                time.sleep(0.05)
