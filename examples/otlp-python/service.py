"""A service in another language: OTLP/JSON over HTTP (opentelemetry-proto, JSON mapping) with Python's standard library alone.

Answers GET on PORT and sends a span, a log line and a histogram of each request to OTEL_EXPORTER_OTLP_ENDPOINT. A real service
would use opentelemetry-distro; this shows that nothing else than the open protocol is needed.
"""

import json
import os
import secrets
import signal
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ENDPOINT = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318").rstrip("/")
NAME = os.environ.get("OTEL_SERVICE_NAME", "python-orders")
PORT = int(os.environ.get("PORT", "3004"))
TOKEN = os.environ.get("VITRINE_TOKEN")
BOUNDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1]
STARTED = time.time_ns()

counts = [0] * (len(BOUNDS) + 1)
total = 0.0
lock = threading.Lock()


def attributes(**pairs):
    def value(of):
        return {"intValue": str(of)} if isinstance(of, int) else {"stringValue": of}

    return [{"key": key.replace("__", "."), "value": value(of)} for key, of in pairs.items()]


RESOURCE = {"attributes": attributes(service__name=NAME, service__instance__id=f"127.0.0.1:{PORT}")}
SCOPE = {"name": "examples/otlp-python"}
ROUTE = {"http__request__method": "GET", "http__route": "/orders/{id}", "url__scheme": "http"}


def send(signal_name, body):
    request = urllib.request.Request(f"{ENDPOINT}/v1/{signal_name}", json.dumps(body).encode(), {"content-type": "application/json"})
    if TOKEN:
        request.add_header("authorization", f"Bearer {TOKEN}")
    try:
        urllib.request.urlopen(request, timeout=3).read()
    except OSError as error:  # A failure of telemetry must not fail the service.
        print(f"{signal_name} not sent: {error}", flush=True)


def observe(path, started, ended, parent):
    """One request: its span, the log line beside it, and the histogram so far (cumulative)."""
    global total
    trace_id, parent_id = parent or (secrets.token_hex(16), None)
    span_id = secrets.token_hex(8)
    span = {
        "traceId": trace_id,
        "spanId": span_id,
        "name": "GET /orders/{id}",
        "kind": 2,
        "startTimeUnixNano": str(started),
        "endTimeUnixNano": str(ended),
        "attributes": attributes(**ROUTE, http__response__status_code=200, url__path=path),
    }
    if parent_id:
        span["parentSpanId"] = parent_id
    log = {
        "timeUnixNano": str(ended),
        "severityNumber": 9,
        "severityText": "INFO",
        "body": {"stringValue": f"order {path.rsplit('/', 1)[-1]} was read"},
        "traceId": trace_id,
        "spanId": span_id,
    }
    with lock:
        seconds = (ended - started) / 1e9
        total += seconds
        counts[sum(seconds > bound for bound in BOUNDS)] += 1
        point = {
            "startTimeUnixNano": str(STARTED),
            "timeUnixNano": str(ended),
            "count": str(sum(counts)),
            "sum": total,
            "bucketCounts": [str(count) for count in counts],
            "explicitBounds": BOUNDS,
            "attributes": attributes(**ROUTE, http__response__status_code=200),
        }
    histogram = {"aggregationTemporality": 2, "dataPoints": [point]}
    metric = {"name": "http.server.request.duration", "unit": "s", "histogram": histogram}
    send("traces", {"resourceSpans": [{"resource": RESOURCE, "scopeSpans": [{"scope": SCOPE, "spans": [span]}]}]})
    send("logs", {"resourceLogs": [{"resource": RESOURCE, "scopeLogs": [{"scope": SCOPE, "logRecords": [log]}]}]})
    send("metrics", {"resourceMetrics": [{"resource": RESOURCE, "scopeMetrics": [{"scope": SCOPE, "metrics": [metric]}]}]})


class Orders(BaseHTTPRequestHandler):
    def do_GET(self):
        started = time.time_ns()
        body = json.dumps({"id": self.path.rsplit("/", 1)[-1]}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        # W3C Trace Context: version-traceid-parentid-flags.
        parts = self.headers.get("traceparent", "").split("-")
        parent = (parts[1], parts[2]) if len(parts) == 4 else None
        threading.Thread(target=observe, args=(self.path, started, time.time_ns(), parent), daemon=True).start()

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", PORT), Orders)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever()
