"""Who may reach the metrics: nobody from elsewhere without a token, and nothing listens that was not asked for."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from monitor.settings.metrics import MetricsSettings

TOKEN = {"file": "/etc/crystal-monitor/metrics.token"}


def test_nothing_listens_unless_asked() -> None:
    assert MetricsSettings().listen == ""


@pytest.mark.parametrize(
    ("listen", "address"),
    [
        ("127.0.0.1:9464", ("127.0.0.1", 9464)),
        ("[::1]:9464", ("::1", 9464)),
        ("127.3.2.1:1", ("127.3.2.1", 1)),
    ],
)
def test_this_machine_itself_needs_no_token(listen: str, address: tuple[str, int]) -> None:
    settings = MetricsSettings(listen=listen)
    assert settings.on_this_machine_only
    assert settings.address == address


@pytest.mark.parametrize("listen", ["0.0.0.0:9464", "[::]:9464", "192.0.2.7:9464", "[2001:db8::7]:9464"])
def test_elsewhere_it_needs_a_token(listen: str) -> None:
    with pytest.raises(ValidationError, match=r"from other machines, and there is no metrics\.token"):
        MetricsSettings(listen=listen)
    with pytest.raises(ValidationError, match=r"there is no metrics\.token"):
        MetricsSettings.model_validate({"listen": listen, "certificate": "a.crt", "key": "a.key"})
    assert not MetricsSettings.model_validate({"listen": listen, "token": TOKEN}).on_this_machine_only


@pytest.mark.parametrize(
    "listen", ["9464", "localhost:9464", "127.0.0.1", "127.0.0.1:http", "127.0.0.1:70000", "::1"]
)
def test_what_is_no_address_is_refused_with_an_example(listen: str) -> None:
    with pytest.raises(ValidationError, match=r"no address and port: write e\.g\. 127\.0\.0\.1:9464"):
        MetricsSettings(listen=listen)


def test_a_certificate_needs_its_key() -> None:
    with pytest.raises(ValidationError, match="belong together"):
        MetricsSettings.model_validate({"listen": "127.0.0.1:9464", "certificate": "a.crt"})
