"""The endpoint as a WSGI application, to be mounted into Flask, Django or any other (PEP 3333)."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

from heliograph.endpoint.answers import Answers, Request
from heliograph.endpoint.mounting import remembered

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


def wsgi_app(answers: Answers) -> WSGIApplication:
    """Build the application."""

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answer = answers.answer(
            Request(
                method=environ.get("REQUEST_METHOD", "GET"),
                path=_decoded(environ.get("PATH_INFO", "/")),
                query=_decoded(environ.get("QUERY_STRING", "")),
                accept=environ.get("HTTP_ACCEPT", ""),
                accept_encoding=environ.get("HTTP_ACCEPT_ENCODING", ""),
                client=environ.get("REMOTE_ADDR", ""),
            )
        )
        start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", answer.header_items())
        return [] if environ.get("REQUEST_METHOD") == "HEAD" else [answer.body]

    return remembered(application)


def _decoded(said: str) -> str:
    # PEP 3333: the bytes, decoded as Latin-1.
    return said.encode("latin-1", "replace").decode("utf-8", "replace")
