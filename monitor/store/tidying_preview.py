"""What retention would do, asked beside the writer: nothing is changed, no lock is taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar
from urllib.parse import quote

from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from monitor.clock import Instant
from monitor.errors import StoreUnusableError
from monitor.settings.retention import RetentionSettings
from monitor.store.driver import missing_driver
from monitor.store.failures import explain
from monitor.store.location import locate
from monitor.store.store_file import require_file
from monitor.store.tidying import Tidied, tidy

Answer = TypeVar("Answer")


def preview_tidy(database: str, wanted: RetentionSettings, now: Instant, station: str | None) -> list[Tidied]:
    """What would be done, run by run, of the station's runs where one is named. Raises `StoreUnusableError`."""
    location = locate(database)
    if location.path is not None:
        require_file(location.path)
        address = f"sqlite+pysqlite:///file:{quote(str(location.path.resolve()))}?mode=ro&uri=true"
        engine = create_engine(address, poolclass=NullPool, paramstyle="qmark")
    else:
        try:
            engine = create_engine(location.url, poolclass=NullPool, paramstyle="format")
        except ModuleNotFoundError as error:
            raise missing_driver() from error
    try:
        with engine.connect() as connection:

            def ask(
                work: Callable[[Connection], Answer],
                doing: str,  # nothing fails here
                *,
                check_references: bool = True,  # and nothing is written
            ) -> Answer:
                answer = work(connection)
                connection.rollback()
                return answer

            return [step for step in tidy(ask, wanted, now, station, dry_run=True) if step is not None]
    except DBAPIError as error:
        raise StoreUnusableError(explain(error, location, "reading")) from error
    finally:
        engine.dispose()
