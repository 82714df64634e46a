"""Setting a station up as systemd services, upgrading it, and taking it away again; what fails is backed out."""

from monitor.service.installation.errors import InstallError
from monitor.service.installation.files import Part
from monitor.service.installation.installing import InstallWish, install, upgrade
from monitor.service.installation.places import Places
from monitor.service.installation.removing import uninstall

__all__ = ["InstallError", "InstallWish", "Part", "Places", "install", "uninstall", "upgrade"]
