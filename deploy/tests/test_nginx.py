"""What Nginx does between a client and scripted replicas, with the configuration of deploy/nginx."""

import http.client
import json
import re
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import nginx as proxy
from places import NGINX


@pytest.mark.parametrize("program", [proxy.current, proxy.debian])
@pytest.mark.parametrize("form", ["nginx.conf", "nginx.static.conf"])
def test_nginx_takes_the_configuration(tmp_path, program, form):
    config = proxy.rendered(tmp_path).with_name(form)
    tested = subprocess.run([program(), "-t", "-c", config], capture_output=True, text=True)
    if (program, form) == (proxy.debian, "nginx.conf"):
        # Names that are looked up again and again need 1.27.3; the file says so.
        assert 'invalid parameter "resolve"' in tested.stderr
    else:
        assert tested.returncode == 0, tested.stderr


def test_gixy_finds_nothing():
    checked = subprocess.run(["gixy", NGINX / "nginx.conf"], capture_output=True, text=True)
    assert "No issues found" in checked.stdout, checked.stdout + checked.stderr


def seconds(file, name):
    return int(re.search(rf"^\s*{name} (\d+)s;", (NGINX / file).read_text(), re.M)[1])


def setting_ms(name):
    declaration = Path(NGINX.parents[1] / "crates/server/src/settings/declaration.rs").read_text()
    number, unit = re.search(rf'{name}: Duration = "(\d+)(ms|s|m|h)"', declaration).groups()
    return int(number) * {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}[unit]


def test_times_of_nginx_fit_those_of_the_services():
    idle = seconds("upstream.conf", "keepalive_timeout") * 1000
    assert idle < setting_ms("idle_timeout_ms"), "Nginx must close idle connections first"
    assert idle < setting_ms("drain_quiet_ms"), "a draining replica waits for Nginx to let go"
    assert seconds("proxy.conf", "proxy_read_timeout") * 1000 > setting_ms("request_timeout_ms")
    for form in ("resolve", "static"):
        text = (NGINX / f"upstreams.{form}.conf").read_text()
        servers = re.findall(r"^\s*server .*;", text, re.M)
        assert servers and text.count("zone ") == text.count("include upstream.conf;") == 2
        for server in servers:
            assert "max_fails=3" in server
            banned = int(re.search(r"fail_timeout=(\d+)s", server)[1]) * 1000
            assert banned <= setting_ms("drain_delay_ms"), server
    proxied = (NGINX / "proxy.conf").read_text()
    assert "non_idempotent" not in re.sub(r"#.*", "", proxied), "a POST must never be repeated"


class Replica:
    """A service that does what a test says, and notes what it is asked."""

    def __init__(self, behave):
        self.asked, replica = [], self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                length = int(self.headers.get("Content-Length") or 0)
                self.body = self.rfile.read(length)
                replica.asked.append((self.command, self.path, dict(self.headers)))
                behave(self)

            do_GET = do_POST = do_PATCH = do_DELETE = do_HEAD = handle_any

            def answer(self, status, body=b"{}", **headers):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def cut(self):
                self.close_connection = True
                self.connection.close()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def count(self, method, path):
        return sum((asked[0], asked[1]) == (method, path) for asked in self.asked)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def start(tmp_path):
    """Starts Nginx before replicas of one behaviour each, which serve both names."""
    running = []

    def begin(*behaviours, program=proxy.current, changes=()):
        replicas = [Replica(behave) for behave in behaviours]
        ports = [replica.port for replica in replicas]
        port = proxy.free_port()
        config = proxy.rendered(tmp_path / str(port), port, ports, ports, changes)
        server = proxy.Nginx(program(), config, port)
        running.extend([server, *replicas])
        return server, replicas

    yield begin
    for one in running:
        one.__exit__() if isinstance(one, proxy.Nginx) else one.close()


def ask(server, path, method="GET", body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer, text


def fine(request):
    request.answer(200, b'{"replica": "fine"}', Content_Type="application/json")


def unavailable(request):
    request.answer(503, b'{"replica": "unavailable"}', Retry_After="3")


def hangs_up(request):
    request.cut()


@pytest.mark.parametrize("program", [proxy.current, proxy.debian])
def test_a_post_is_never_sent_twice_and_a_get_is_tried_elsewhere(start, program):
    server, replicas = start(hangs_up, fine, program=program)
    for number in range(20):
        answer, _ = ask(server, f"/contacts/{number}")
        assert answer.status == 200
    for number in range(20):
        for method in ("POST", "PATCH"):
            path = f"/contacts/{method}{number}"
            answer, _ = ask(server, path, method, b"{}")
            assert answer.status in (200, 502)
            assert sum(replica.count(method, path) for replica in replicas) == 1


def test_a_post_goes_to_the_next_replica_if_the_first_takes_no_connection(start):
    server, replicas = start(fine, fine)
    replicas[0].close()
    for number in range(40):
        answer, _ = ask(server, f"/contacts/{number}", "POST", b"{}")
        assert answer.status == 200


def test_a_get_leaves_a_replica_that_cannot_serve_and_a_post_keeps_its_answer(start):
    server, _ = start(unavailable, fine)
    for number in range(20):
        assert ask(server, f"/contacts/{number}")[0].status == 200
    seen = set()
    for number in range(20):
        answer, text = ask(server, f"/contacts/{number}", "POST", b"{}")
        seen.add((answer.status, text, answer.headers["Retry-After"]))
    assert seen <= {
        (200, b'{"replica": "fine"}', None),
        (503, b'{"replica": "unavailable"}', "3"),
    }
    # When all are unavailable the answer is theirs.
    server, _ = start(unavailable, unavailable)
    answer, text = ask(server, "/contacts")
    assert (answer.status, text) == (503, b'{"replica": "unavailable"}')


def numbers(request):
    time.sleep(0.3)
    size = 1000 if "count=10001" not in request.path else 5_000_000
    request.answer(200, b"1" * size, Cache_Control="public, max-age=1", ETag='"1"',
                   X_Request_Id="of the service", Apitrace="of the service")


@pytest.mark.parametrize("program", [proxy.current, proxy.debian])
def test_a_missing_answer_is_fetched_once_however_many_ask(start, program):
    server, (replica,) = start(numbers, program=program)
    path = "/fibonacci/list?count=77"
    threads = [threading.Thread(target=ask, args=(server, path)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert replica.count("GET", path) == 1


def test_an_old_answer_is_given_while_it_is_renewed_and_when_nobody_can_renew_it(start):
    server, (replica,) = start(numbers)
    path = "/fibonacci/list?count=78"
    assert ask(server, path)[0].headers["X-Cache"] == "MISS"
    assert ask(server, path)[0].headers["X-Cache"] == "HIT"
    time.sleep(2.1)
    began = time.monotonic()
    assert ask(server, path)[0].headers["X-Cache"] == "STALE"
    assert time.monotonic() - began < 0.25, "the client waited for the renewal"
    time.sleep(0.6)
    assert replica.count("GET", path) == 2
    replica.close()
    time.sleep(2.1)
    answer, text = ask(server, path)
    assert (answer.status, text) == (200, b"1" * 1000)


def test_a_kept_answer_has_the_request_id_and_the_trace_of_its_own_request(start):
    server, _ = start(numbers)
    path = "/fibonacci/list?count=79"
    for name in ("one", "two"):
        answer, _ = ask(server, path, headers={"X-Request-Id": name, "Apitrace": f"trace-{name}"})
        assert answer.headers.get_all("X-Request-Id") == [name]
        assert answer.headers.get_all("Apitrace") == [f"trace-{name}"]
    answer, _ = ask(server, path, headers={"X-Request-Id": 'a"b c'})
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-Id"])
    assert answer.headers.get_all("Apitrace") is None


def test_a_large_list_is_not_kept_and_can_be_resumed(start, tmp_path):
    server, (replica,) = start(numbers)
    path = "/fibonacci/list?count=10001"
    answer, text = ask(server, path, headers={"Range": "bytes=5-"})
    assert (answer.status, len(text)) == (200, 5_000_000)
    assert replica.asked[0][2]["Range"] == "bytes=5-"
    written = [file for file in tmp_path.rglob("cache/**/*") if file.is_file()]
    assert sum(file.stat().st_size for file in written) < 100_000, written


def test_a_large_list_comes_while_it_is_made(start):
    more = threading.Event()

    def slowly(request):
        request.send_response(200)
        request.send_header("Content-Length", str(400_000))
        request.end_headers()
        request.wfile.write(b"1" * 200_000)
        request.wfile.flush()
        assert more.wait(30)
        request.wfile.write(b"1" * 200_000)

    server, _ = start(slowly)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request("GET", "/fibonacci/list?count=20000")
    answer = connection.getresponse()
    assert len(answer.read(100_000)) == 100_000, "nothing comes before the answer is whole"
    more.set()
    assert len(answer.read()) == 300_000


def test_a_feed_that_asks_for_it_is_not_buffered(start):
    more = threading.Event()

    def feed(request):
        request.send_response(200)
        request.send_header("X-Accel-Buffering", "no")
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        request.wfile.write(b"5\r\nfirst\r\n")
        request.wfile.flush()
        assert more.wait(30)
        request.wfile.write(b"0\r\n\r\n")

    server, _ = start(feed)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request("GET", "/contacts")
    answer = connection.getresponse()
    assert answer.read(5) == b"first"
    more.set()
    assert answer.read() == b""


def test_forwarded_headers_are_those_of_nginx(start):
    server, (replica,) = start(fine)
    lies = {name: "10.9.8.7" for name in ("X-Forwarded-For", "X-Real-IP", "Forwarded")}
    ask(server, "/contacts", headers={**lies, "traceparent": "00-1-2-01", "Host": "shop.example"})
    headers = replica.asked[0][2]
    assert headers["X-Forwarded-For"] == headers["X-Real-IP"] == "127.0.0.1"
    assert headers["X-Forwarded-Proto"] == "http"
    assert headers["Host"] == headers["X-Forwarded-Host"] == "shop.example"
    assert headers["traceparent"] == "00-1-2-01"
    assert "Forwarded" not in headers


def test_what_nginx_answers_itself_is_json(start):
    server, replicas = start(fine)
    answer, text = ask(server, "/contacts", "POST", b"1" * 2_000_000)
    assert (answer.status, answer.headers["Content-Type"]) == (413, "application/vnd.api+json")
    assert json.loads(text)["errors"][0]["code"] == "body_too_large"
    answer, text = ask(server, "/contacts?" + "a" * 10_000)
    assert (answer.status, json.loads(text)["errors"][0]["status"]) == (414, "414")
    replicas[0].close()
    answer, text = ask(server, "/contacts")
    assert answer.status == 502 and answer.headers["Retry-After"] == "1"
    assert json.loads(text)["errors"][0]["code"] == "service_unreachable"
    answer, text = ask(server, "/fibonacci/5")
    assert (answer.status, answer.headers["Content-Type"]) == (502, "application/json")
    assert json.loads(text) == {"error": "ERR_PROXY: The service is unreachable"}
    assert answer.headers["X-Request-Id"] and "nginx/" not in answer.headers["Server"]


def test_a_client_with_too_many_requests_is_told_when_to_come_back(start):
    slower = [("limits.conf", "rate=200r/s", "rate=1r/s"), ("limits.conf", "burst=400", "burst=5")]
    server, _ = start(fine, changes=slower)
    answers = [ask(server, "/contacts") for _ in range(12)]
    assert [answer.status for answer, _ in answers[:6]] == [200] * 6
    refused = next(pair for pair in answers if pair[0].status != 200)
    answer, text = refused
    assert (answer.status, answer.headers["Retry-After"]) == (429, "1")
    assert json.loads(text)["errors"][0]["code"] == "too_many_requests"


@pytest.mark.parametrize("path", ["/metrics", "/info", "/-/liveness", "/startup"])
def test_what_is_for_operators_is_not_passed_on(start, path):
    server, (replica,) = start(fine)
    answer, text = ask(server, path)
    assert (answer.status, json.loads(text)["errors"][0]["code"]) == (404, "not_found")
    assert replica.asked == []
