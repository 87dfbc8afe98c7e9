"""Configuration files that are broken: what is wrong, the file and what is in it, and each fault."""

from heliograph.settings.metrics import MetricsSettings
from heliograph.settings.server import ServerSettings

URL = "a URL such as 'http://localhost:4318', with scheme http or https and a host"
DURATION = "a duration above zero: seconds as a number, or text with a unit such as '250ms', '5s', '10m', '1h', '7d'"
METRICS = ", ".join(MetricsSettings.fields)
SERVER = ", ".join(ServerSettings.fields)
TRACE_EXPORTERS = "one of 'otlp', 'jaeger', 'console', 'file', 'memory'"

FILES = [
    (
        "a name that is nearly right",
        "heliograph.yaml",
        "service_name: shop\ntracing:\n  sample_rat: 0.5\n",
        ["heliograph.yaml:3: tracing.sample_rat: given 0.5, expected no setting of this name; did you mean 'sample_rate'?"],
    ),
    (
        "a number that is too large",
        "heliograph.yaml",
        "# rates\ntracing:\n\n  sample_rate: 1.5\n",
        ["heliograph.yaml:4: tracing.sample_rate: given 1.5, expected at most 1"],
    ),
    (
        "text instead of a number",
        "heliograph.yml",
        "server:\n  port: http\n",
        ["heliograph.yml:2: server.port: given 'http', expected a whole number"],
    ),
    (
        "true instead of a number",
        "heliograph.yaml",
        "server: {host: localhost,\n  port: true}\n",
        ["heliograph.yaml:2: server.port: given True, expected a number, not true or false"],
    ),
    (
        "a list instead of a section",
        "heliograph.yaml",
        "metrics:\n  - prometheus\n",
        ["heliograph.yaml:1: metrics: given ['prometheus'], expected a mapping of settings"],
    ),
    (
        "text instead of a list",
        "heliograph.yaml",
        "logs:\n  exporters: console\n",
        ["heliograph.yaml:2: logs.exporters: given 'console', expected a list"],
    ),
    (
        "an exporter that there is not, in its short form",
        "heliograph.yaml",
        "tracing:\n  exporters:\n    - console\n    - Zipkin\n",
        [f"heliograph.yaml:4: tracing.exporters[1].type: given 'zipkin', expected {TRACE_EXPORTERS}"],
    ),
    (
        "an exporter that there is not, by its name",
        "heliograph.yaml",
        "tracing:\n  exporters:\n    - Zipkin:\n        endpoint: http://zipkin\n",
        [f"heliograph.yaml:3: tracing.exporters[0].type: given 'zipkin', expected {TRACE_EXPORTERS}"],
    ),
    (
        "an option that is missing",
        "heliograph.yaml",
        "tracing:\n  exporters:\n    - console\n    - type: file\n      max_files: 2\n",
        ["heliograph.yaml:4: tracing.exporters[1].path: given nothing, expected a value"],
    ),
    (
        "an endpoint that is no URL, in an exporter by its name",
        "heliograph.yaml",
        "tracing:\n  exporters:\n    - Jaeger:\n        compression: gzip\n        endpoint: jaeger:4318\n",
        [f"heliograph.yaml:5: tracing.exporters[0].endpoint: given 'jaeger:4318', expected {URL}"],
    ),
    (
        "two exporters of one name",
        "heliograph.yaml",
        "tracing:\n  exporters:\n    - otlp\n    - type: otlp\n      endpoint: http://b\n",
        [
            (
                "heliograph.yaml:4: tracing.exporters[1].name: given 'otlp', expected a name that no other exporter of this"
                " signal has; set 'name' to tell them apart"
            )
        ],
    ),
    (
        "a duration without a meaning, and one below zero",
        "heliograph.yaml",
        "metrics:\n  collection_interval: soon\nhealth:\n  cache_ttl: -1\n",
        [
            f"heliograph.yaml:2: metrics.collection_interval: given 'soon', expected {DURATION}",
            f"heliograph.yaml:4: health.cache_ttl: given -1, expected {DURATION}",
        ],
    ),
    (
        "a host that is open to others",
        "heliograph.yaml",
        "service_name: shop\nserver:\n  host: 0.0.0.0\n  port: 9090\n",
        [
            (
                "heliograph.yaml:2: server.allow_unauthenticated: given False, expected true, since host '0.0.0.0' is open"
                " to other machines; or a loopback host such as '127.0.0.1'"
            )
        ],
    ),
    (
        "a name twice",
        "heliograph.yaml",
        "tracing:\n  sample_rate: 1\nlogs:\n  level: INFO\ntracing:\n  enabled: false\n",
        ["heliograph.yaml:5: tracing: given a second time, expected each name once; it is on line 1 already"],
    ),
    (
        "a tab in YAML",
        "heliograph.yaml",
        "tracing:\n\tsample_rate: 1\n",
        [
            (
                "heliograph.yaml:2: file: given what is no YAML, expected YAML that can be read; found character '\\t' that"
                " cannot start any token; indent with spaces, and put them after a colon"
            )
        ],
    ),
    (
        "a list without an end",
        "heliograph.yaml",
        "tracing:\n  exporters: [console\n",
        [
            (
                "heliograph.yaml:2: file: given what is no YAML, expected YAML that can be read; expected ',' or ']', but got"
                " '<stream end>'"
            )
        ],
    ),
    (
        "a quoted text without an end, which may be a password",
        "heliograph.yaml",
        "tracing:\n  exporters:\n    - Otlp:\n        headers:\n          authorization: 'hunter2\n",
        ["heliograph.yaml:5: file: given what is no YAML, expected YAML that can be read; found unexpected end of stream"],
    ),
    (
        "a name without a colon",
        "heliograph.yaml",
        "service_name: shop\nenvironment\nlog_level: INFO\n",
        ["heliograph.yaml:2: file: given what is no YAML, expected YAML that can be read; could not find expected ':'"],
    ),
    (
        "a tag before a mapping",
        "heliograph.yaml",
        "resource: !!set {team}\n",
        ["heliograph.yaml:1: file: given what is no YAML, expected YAML that can be read; a tag before a list or a mapping"],
    ),
    (
        "headers where an exporter or its options belong",
        "heliograph.yaml",
        "tracing:\n  exporters:\n    - authorization: hunter2\n    - Otlp:\n        - x-tenant: hunter2\n",
        [
            (
                f"heliograph.yaml:{line}: tracing.exporters[{line - 3}]: given [REDACTED], expected a name such as 'console',"
                " or a mapping with 'type'"
            )
            for line in (3, 4)
        ],
    ),
    (
        "secrets where there is no setting for them",
        "heliograph.yaml",
        "metrics:\n  apiKey: hunter2\nserver:\n  apiKey: hunter2\nresource:\n  PASSWORD: [hunter2]\n",
        [
            "heliograph.yaml:6: resource.PASSWORD: given [REDACTED], expected text, true or false, or a number",
            f"heliograph.yaml:2: metrics.apiKey: given [REDACTED], expected no setting of this name; there are {METRICS}",
            f"heliograph.yaml:4: server.apiKey: given [REDACTED], expected no setting of this name; there are {SERVER}",
        ],
    ),
    (
        "an alias of nothing, which may be a password",
        "heliograph.yaml",
        "service_name: shop\nenvironment: *hunter2\n",
        ["heliograph.yaml:2: file: given what is no YAML, expected YAML that can be read; found undefined alias '...'"],
    ),
    (
        "a list as a file",
        "heliograph.yaml",
        "\n- tracing\n",
        ["heliograph.yaml:2: file: given a list, expected a mapping of settings"],
    ),
    (
        "two documents",
        "heliograph.yaml",
        "enabled: true\n---\nenabled: false\n",
        [
            (
                "heliograph.yaml:2: file: given what is no YAML, expected YAML that can be read; expected a single document"
                " in the stream, but found another document"
            )
        ],
    ),
    (
        "a variable that is not set",
        "heliograph.yaml",
        "service_name: ${SHOP_NAME}\n",
        [
            (
                "heliograph.yaml:1: service_name: given '${SHOP_NAME}', expected the variable SHOP_NAME to be set; set it, or"
                " give a default: ${SHOP_NAME:-...}"
            )
        ],
    ),
    (
        "a variable that is set to what does not fit",
        "heliograph.yaml",
        "tracing:\n  exporters:\n    - type: otlp\n      endpoint: ${SECRET}\n      timeout: ${SECRET}\n",
        [
            f"heliograph.yaml:4: tracing.exporters[0].endpoint: given '${{SECRET}}', expected {URL}",
            f"heliograph.yaml:5: tracing.exporters[0].timeout: given '${{SECRET}}', expected {DURATION}",
        ],
    ),
    (
        "a variable in a section that does not fit",
        "heliograph.yaml",
        "tracing:\n  exporters:\n    endpoint: ${SECRET}\n",
        ["heliograph.yaml:2: tracing.exporters: given {'endpoint': '${SECRET}'}, expected a list"],
    ),
    (
        "a reference that is none",
        "heliograph.toml",
        'service_name = "${SHOP-NAME}"\n',
        [
            (
                "heliograph.toml:1: service_name: given '${SHOP-NAME}', expected ${NAME}, ${NAME:-default} or ${env:NAME},"
                " with nothing of these inside; for a plain $ write $$"
            )
        ],
    ),
    (
        "a header that cannot be sent",
        "heliograph.yaml",
        "tracing:\n  exporters:\n    - type: otlp\n      headers:\n        authorization: Bearer ü-secret\n",
        [
            (
                "heliograph.yaml:5: tracing.exporters[0].headers.authorization: given [REDACTED], expected printable ASCII"
                " text: a header cannot carry anything else"
            )
        ],
    ),
    (
        "JSON with a comma missing",
        "heliograph.json",
        '{\n\t"tracing": {\n\t\t"enabled": true\n\t\t"sample_rate": 1\n\t}\n}\n',
        ["heliograph.json:4: file: given what is no JSON, expected JSON that can be read; Expecting ',' delimiter (column 3)"],
    ),
    (
        "JSON with a fault below telemetry",
        "heliograph.json",
        '{\n\t"telemetry": {\n\t\t"metrics": {\n\t\t\t"exporters": [\n\t\t\t\t{"Prometheus": {"port": 99999}}]}}}',
        ["heliograph.json:5: metrics.exporters[0].port: given 99999, expected at most 65535"],
    ),
    (
        "JSON with a name twice",
        "heliograph.json",
        '{"service_name": "a",\n "logs": {"level": "INFO",\n  "level": "DEBUG"}}',
        ["heliograph.json:3: logs.level: given a second time, expected each name once; it is on line 2 already"],
    ),
    (
        "JSON with a number that is none",
        "heliograph.json",
        '{"tracing":\n {"sample_rate": NaN}}',
        ["heliograph.json:2: file: given what is no JSON, expected JSON that can be read; NaN is no number in JSON"],
    ),
    (
        "an empty JSON file",
        "heliograph.json",
        "",
        ["heliograph.json:1: file: given what is no JSON, expected JSON that can be read; Expecting value (column 1)"],
    ),
    (
        "TOML with a number in quotes of one kind",
        "heliograph.toml",
        "[tracing]\nsample_rate = \"0.5'\n",
        [
            (
                "heliograph.toml:2: file: given what is no TOML, expected TOML that can be read; Illegal character '\\n'"
                " (column 20)"
            )
        ],
    ),
    (
        "TOML with a table twice",
        "heliograph.toml",
        "[tracing]\nsample_rate = 1\n\n[tracing]\nenabled = true\n",
        [
            (
                "heliograph.toml:4: file: given what is no TOML, expected TOML that can be read; Cannot declare"
                " ('tracing',) twice (column 9)"
            )
        ],
    ),
    (
        "TOML with a fault in an array of tables",
        "heliograph.toml",
        '[[tracing.exporters]]\ntype = "console"\n\n[[tracing.exporters]]\ntype = "otlp"\nprotocol = "thrift"\n',
        ["heliograph.toml:6: tracing.exporters[1].protocol: given 'thrift', expected one of 'http' or 'grpc'"],
    ),
    (
        "TOML with a number as a version",
        "heliograph.toml",
        "service_version = 1.10\n",
        ["heliograph.toml:1: service_version: given 1.1, expected text"],
    ),
    (
        "pyproject.toml with a fault",
        "pyproject.toml",
        '[project]\nname = "shop"\n\n[tool.heliograph]\nlogs.level = "LOUD"\n',
        ["pyproject.toml:5: logs.level: given 'LOUD', expected one of 'DEBUG', 'INFO', 'WARNING', 'ERROR' or 'CRITICAL'"],
    ),
    (
        "bytes that are no text",
        "heliograph.yaml",
        b"service_name: shop\nenvironment: caf\xe9\n",
        ["heliograph.yaml:2: file: given bytes that are no text, expected text in UTF-8"],
    ),
    (
        "a preset that there is not",
        "heliograph.yaml",
        "preset: prod\n",
        ["heliograph.yaml:1: preset: given 'prod', expected one of 'development', 'production' or 'high_load'"],
    ),
    (
        "a view that keeps and excludes",
        "heliograph.yaml",
        "metrics:\n  views:\n    - instrument: http.*\n      keep: [a]\n      exclude: [b]\n",
        ["heliograph.yaml:5: metrics.views[0].exclude: given ['b'], expected either keep or exclude, not both"],
    ),
    (
        "OpenTelemetry's file where it has no version",
        "otel.yaml",
        "resource: {}\n",
        [
            (
                "otel.yaml: file_format: given nothing, expected the version of OpenTelemetry's declarative configuration,"
                " such as"
                ' "1.0"; HELIOGRAPH_CONFIG_FILE names others'
            )
        ],
    ),
]
