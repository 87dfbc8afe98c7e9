"""The exporters of a declarative file: OTLP over HTTP and gRPC, OTLP in files, the console, Prometheus.

The schema's names from version 0.4 on are read, older ones of an option too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import unquote

from heliograph.settings.kinds import flag, whole
from heliograph.settings.loading.declarative.entry import Entry
from heliograph.settings.loading.declarative.node import Node, Reader, ignored, nothing, put, read_choice, read_mapping, unless
from heliograph.settings.loading.declarative.values import chosen, longest, written
from heliograph.settings.loading.layer import Place
from heliograph.settings.loading.opentelemetry_endpoint import has_scheme, is_exact_url, with_scheme
from heliograph.settings.loading.opentelemetry_otlp_rows import header_remarks, read_headers

_COMPRESSIONS: Final = ("gzip", "none")
_TEMPORALITIES: Final = {"cumulative": "cumulative", "delta": "delta", "low_memory": "low_memory"}
_HISTOGRAMS: Final = {"explicit_bucket_histogram": "explicit", "base2_exponential_bucket_histogram": "exponential"}
_STRATEGIES: Final = ("underscore_escaping_with_suffixes", "UnderscoreEscapingWithSuffixes")
_ALWAYS_CUMULATIVE: Final = "it is OTLP that has it; this exporter shows all so far, in explicit buckets"


def read_exporter(node: Node, section: str) -> None:
    """One exporter that ``section`` pushes to."""
    if node.value is None:
        return
    readers: dict[str, Reader] = {
        "otlp_http": lambda inner: _read_otlp(inner, section, "http"),
        "otlp_grpc": lambda inner: _read_otlp(inner, section, "grpc"),
        "otlp_file/development": lambda inner: _read_file(inner, section),
        "console": lambda inner: _read_console(inner, section),
    }
    read_choice(node, readers, f"exporter of {section}")


def read_pull_exporter(node: Node) -> None:
    """One exporter that metrics are fetched through."""
    if node.value is not None:
        read_choice(node, {"prometheus/development": _read_prometheus}, "pull exporter")


def _to(entry: Entry, kind: Callable[[Any], Any], *option: str) -> Reader:
    def read(node: Node) -> None:
        value = node.read(kind)
        if value is not None:
            _put(entry, option, value, node)

    return read


def _put(entry: Entry, option: Place, value: Any, node: Node) -> None:
    try:
        entry.put(option, value, node.place)
    except ValueError as error:
        node.blame(str(error))


def _read_otlp(node: Node, section: str, protocol: str) -> None:
    entry = Entry(section, "otlp", node.place)
    entry.values["protocol"] = protocol
    older: dict[str, Reader] = {
        "certificate_file": _to(entry, written, "tls", "ca_file"),
        "client_certificate_file": _to(entry, written, "tls", "cert_file"),
        "client_key_file": _to(entry, written, "tls", "key_file"),
        **({"insecure": nothing} if protocol == "grpc" else {}),  # read with the endpoint
    }
    tls = {name: _to(entry, written, "tls", name) for name in ("ca_file", "cert_file", "key_file")} | older
    readers: dict[str, Reader] = {
        "endpoint": lambda inner: _read_endpoint(inner, node.value, entry),
        "tls": lambda inner: read_mapping(inner, tls),
        "headers": lambda inner: _read_headers(inner, entry),
        "headers_list": lambda inner: _read_headers_list(inner, entry),
        "compression": lambda inner: _read_compression(inner, entry),
        "timeout": _to(entry, longest, "timeout"),
        **older,
    }
    if protocol == "http":
        readers["encoding"] = _read_encoding
    if section == "metrics":
        readers["temporality_preference"] = _to(entry, chosen(_TEMPORALITIES), "temporality")
        readers["default_histogram_aggregation"] = _to(entry, chosen(_HISTOGRAMS), "histogram_aggregation")
    read_mapping(Node(node.draft, _in_order(node.value, "headers_list"), node.place), readers)
    _leave_out_tls(node, entry)
    node.draft.add(section, entry)


def _leave_out_tls(node: Node, entry: Entry) -> None:
    """Over http:// there is none; examples of the schema have both."""
    endpoint = str(entry.values.get("endpoint", "http://localhost"))
    if "tls" in entry.values and endpoint.lower().startswith("http:"):
        del entry.values["tls"]
        node.draft.note((*node.place, "tls"), "is ignored: the endpoint is http://, where nothing is encrypted or checked")


def _in_order(values: Mapping[str, Any], first: str) -> Mapping[str, Any]:
    """``values`` with ``first`` before the others, which win over it."""
    return {first: values[first], **values} if first in values else values


def _read_endpoint(node: Node, around: Mapping[str, Any], entry: Entry) -> None:
    endpoint = node.read(written)
    if endpoint is None:
        return
    if entry.values["protocol"] == "grpc" and not has_scheme(endpoint):
        endpoint = with_scheme(endpoint, is_insecure=_is_insecure(node, around))
    _put(entry, ("endpoint",), endpoint, node)
    is_exact = entry.values["protocol"] == "grpc" or "endpoint" not in entry.values or is_exact_url(endpoint, entry.section)
    if not is_exact:
        _put(entry, ("append_path",), value=False, node=node)


def _is_insecure(node: Node, around: Mapping[str, Any]) -> bool:
    tls = around.get("tls")
    given = tls.get("insecure") if isinstance(tls, Mapping) else around.get("insecure")
    try:
        return given is not None and flag(given)
    except ValueError:
        node.draft.blame((*node.place[:-1], "tls", "insecure"), given, "true or false")
        return False


def _read_headers(node: Node, entry: Entry) -> None:
    for pair in node.entries():
        if not isinstance(pair.value, Mapping) or not isinstance(pair.value.get("name"), str):
            pair.blame("a mapping with 'name' and 'value'")
            continue
        for name in set(pair.value) - {"name", "value"}:
            pair.at(name).blame("'name' and 'value' only")
        value = pair.at("value").read(written)
        if value is not None:  # null: the header is not sent
            headers = {**entry.values.get("headers", {}), pair.value["name"]: value}
            _put(entry, ("headers",), headers, pair)
            entry.places["headers", pair.value["name"]] = pair.place


def _read_headers_list(node: Node, entry: Entry) -> None:
    headers = node.read(lambda value: read_headers(written(value)))
    if headers is not None:
        _put(entry, ("headers",), headers, node)
        for remark in header_remarks(written(node.value)):
            node.note(f"- {remark}")


def _read_compression(node: Node, entry: Entry) -> None:
    compression = node.read(written)
    if compression in _COMPRESSIONS:
        _put(entry, ("compression",), compression, node)
    elif compression is not None:
        node.note(f"is ignored: requests go out uncompressed, since {compression!r} is not spoken here; gzip is")


def _read_encoding(node: Node) -> None:
    if node.read(chosen({"protobuf": "protobuf", "json": "json"})) == "json":
        node.note("is ignored: protobuf is sent instead of JSON")


def _read_console(node: Node, section: str) -> None:
    readers = {}
    if section == "metrics":
        readers = dict.fromkeys(("temporality_preference", "default_histogram_aggregation"), ignored(_ALWAYS_CUMULATIVE))
    read_mapping(node, readers)
    node.draft.add(section, Entry(section, "console", node.place))


def _read_file(node: Node, section: str) -> None:
    """OTLP in a file; on standard output there is none."""
    entry = Entry(section, "file", node.place)
    readers: dict[str, Reader] = {"output_stream": lambda inner: _read_stream(inner, entry)}
    if section == "metrics":
        readers |= dict.fromkeys(("temporality_preference", "default_histogram_aggregation"), ignored(_ALWAYS_CUMULATIVE))
    read_mapping(node, readers)
    if "path" in entry.values:
        node.draft.add(section, entry)
    elif not isinstance(node.value.get("output_stream"), str) or node.value["output_stream"] == "stdout":
        node.note("is ignored: OTLP goes to files only; name one as output_stream: file:///path, or use console")


def _read_stream(node: Node, entry: Entry) -> None:
    stream = node.read(written)
    if stream is None or stream == "stdout":
        return
    found = re.fullmatch(r"file://(?:localhost)?(/[^?#]*[^/?#])", stream)
    if found is None:
        node.blame("stdout, or file:///path/to/a/file")
        return
    _put(entry, ("path",), unquote(found[1]), node)


def _read_prometheus(node: Node) -> None:
    entry = Entry("metrics", "prometheus", node.place)
    names = "metrics are named as Prometheus' own rules have it, with units and types"
    readers: dict[str, Reader] = {
        "host": _read_host,
        "port": _to(entry, whole(0, 65535), "port"),
        "scope_info_enabled": _to(entry, flag, "scope_labels"),
        "without_scope_info": _to(entry, lambda value: not flag(value), "scope_labels"),
        "target_info_enabled/development": unless(usual=True, why="target_info is there always"),
        "without_target_info": unless(usual=False, why="target_info is there always"),
        "resource_constant_labels": ignored("attributes of the resource are in target_info; join with that"),
        "with_resource_constant_labels": ignored("attributes of the resource are in target_info; join with that"),
        "translation_strategy": lambda inner: _read_strategy(inner, names),
        "without_units": unless(usual=False, why=names),
        "without_type_suffix": unless(usual=False, why=names),
    }
    read_mapping(node, readers)
    node.draft.add("metrics", entry)


def _read_strategy(node: Node, why: str) -> None:
    if node.value not in _STRATEGIES:
        node.note(f"is ignored: {why}")


def _read_host(node: Node) -> None:
    host = node.read(written)
    if host is not None:
        put(node, ("server", "host"), host)
