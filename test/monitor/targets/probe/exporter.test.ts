/**
 * The same modules against the same servers, by Debian's blackbox exporter and by the checks here: the same success, series
 * names, labels, and the values that do not measure time.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import dgram from 'node:dgram';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../../src/base/clock.ts';
import { OutboundGuard } from '../../../../src/monitor/outbound/guard.ts';
import { runCheck } from '../../../../src/monitor/targets/kinds/table.ts';
import { nameResolver } from '../../../../src/monitor/targets/net/names.ts';
import { probePage } from '../../../../src/monitor/targets/probe/exposition.ts';
import { moduleSpec, readModules, type Modules } from '../../../../src/monitor/targets/probe/modules.ts';
import { hasOpenssl, makeAuthority } from '../../../stack/balancer/tls/certificate-files.ts';
import { until } from '../../../support/until.ts';
import { closeServers, listening, serve, serveHttp } from '../rig.ts';

const EXPORTER = process.env['BLACKBOX_EXPORTER'] ?? 'prometheus-blackbox-exporter';
const hasExporter = spawnSync(EXPORTER, ['--version']).status === 0;
/** Both probe alone, so a loaded machine slows both; the slow servers wait far longer than this. */
const TIMEOUT = '3s';

const MODULES = (ca: string): string => `
modules:
  http: { prober: http, timeout: ${TIMEOUT} }
  short: { prober: http, timeout: 1s }
  http4: { prober: http, timeout: ${TIMEOUT}, http: { preferred_ip_protocol: ip4 } }
  no_follow: { prober: http, timeout: ${TIMEOUT}, http: { follow_redirects: false, valid_status_codes: [302] } }
  post: { prober: http, timeout: ${TIMEOUT}, http: { method: POST, body: 'a=1', headers: { Content-Type: application/x-www-form-urlencoded } } }
  codes: { prober: http, timeout: ${TIMEOUT}, http: { valid_status_codes: [404, 410] } }
  version2: { prober: http, timeout: ${TIMEOUT}, http: { valid_http_versions: ['HTTP/2.0'] } }
  no_ssl: { prober: http, timeout: ${TIMEOUT}, http: { fail_if_ssl: true, tls_config: { ca_file: ${ca} } } }
  only_ssl: { prober: http, timeout: ${TIMEOUT}, http: { fail_if_not_ssl: true } }
  body_bad: { prober: http, timeout: ${TIMEOUT}, http: { fail_if_body_matches_regexp: ['err.r'] } }
  body_good: { prober: http, timeout: ${TIMEOUT}, http: { fail_if_body_not_matches_regexp: ['^all', 'well$'] } }
  header_bad: { prober: http, timeout: ${TIMEOUT}, http: { fail_if_header_matches: [{ header: X-State, regexp: down }] } }
  header_good: { prober: http, timeout: ${TIMEOUT}, http: { fail_if_header_not_matches: [{ header: X-State, regexp: '^up$' }] } }
  header_missing: { prober: http, timeout: ${TIMEOUT}, http: { fail_if_header_not_matches: [{ header: X-None, regexp: x, allow_missing: true }] } }
  basic: { prober: http, timeout: ${TIMEOUT}, http: { basic_auth: { username: me, password: it is } } }
  gzip: { prober: http, timeout: ${TIMEOUT}, http: { compression: gzip, headers: { Accept-Encoding: gzip } } }
  tls: { prober: http, timeout: ${TIMEOUT}, http: { tls_config: { ca_file: ${ca} } } }
  tls_any: { prober: http, timeout: ${TIMEOUT}, http: { tls_config: { insecure_skip_verify: true } } }
  tls_name: { prober: http, timeout: ${TIMEOUT}, http: { tls_config: { ca_file: ${ca}, server_name: other.test } } }
  h2_only: { prober: http, timeout: ${TIMEOUT}, http: { valid_http_versions: ['HTTP/2.0'], tls_config: { ca_file: ${ca} } } }
  h2_off: { prober: http, timeout: ${TIMEOUT}, http: { enable_http2: false, tls_config: { ca_file: ${ca} } } }
  h2_post: { prober: http, timeout: ${TIMEOUT}, http: { method: POST, body: 'a=1', headers: { Content-Type: text/plain }, tls_config: { ca_file: ${ca} } } }
  h2_header: { prober: http, timeout: ${TIMEOUT}, http: { fail_if_header_not_matches: [{ header: X-State, regexp: '^up$' }], tls_config: { ca_file: ${ca} } } }
  h2_body: { prober: http, timeout: ${TIMEOUT}, http: { fail_if_body_not_matches_regexp: ['^all'], tls_config: { ca_file: ${ca} } } }
  h2_gzip: { prober: http, timeout: ${TIMEOUT}, http: { compression: gzip, headers: { Accept-Encoding: gzip }, tls_config: { ca_file: ${ca} } } }
  h2_short: { prober: http, timeout: 1s, http: { tls_config: { ca_file: ${ca} } } }
  tcp: { prober: tcp, timeout: ${TIMEOUT} }
  tcp_short: { prober: tcp, timeout: 1s, tcp: { query_response: [{ expect: never }] } }
  tcp_tls: { prober: tcp, timeout: ${TIMEOUT}, tcp: { tls: true, tls_config: { ca_file: ${ca} } } }
  banner: { prober: tcp, timeout: ${TIMEOUT}, tcp: { query_response: [{ expect: '^220 (\\w+)', send: 'HELO \${1}' }, { expect: '^250' }] } }
  dns: { prober: dns, timeout: ${TIMEOUT}, dns: { query_name: shop.test, query_type: A } }
  dns_short: { prober: dns, timeout: 1s, dns: { query_name: silent.test, query_type: A } }
  dns_answer: { prober: dns, timeout: ${TIMEOUT}, dns: { query_name: shop.test, query_type: A, validate_answer_rrs: { fail_if_not_matches_regexp: ['192.0.2.7'] } } }
  dns_bad: { prober: dns, timeout: ${TIMEOUT}, dns: { query_name: shop.test, query_type: A, validate_answer_rrs: { fail_if_matches_regexp: ['192.0.2.7'] } } }
  dns_soa: { prober: dns, timeout: ${TIMEOUT}, dns: { query_name: zone.test, query_type: SOA } }
  grpc: { prober: grpc, timeout: ${TIMEOUT}, grpc: { service: shop } }
`;

const PORTS = {
  plain: 0,
  plain6: 0,
  tls: 0,
  h2: 0,
  expired: 0,
  hang: 0,
  reset: 0,
  slow: 0,
  cut: 0,
  banner: 0,
  dns: 0,
  grpc: 0,
};
type Port = keyof typeof PORTS;

const CASES: readonly (readonly [module: string, target: (port: Record<Port, number>) => string])[] = [
  ['http', ({ plain }) => `http://127.0.0.1:${plain}/`],
  ['http', ({ plain }) => `127.0.0.1:${plain}`],
  ['http4', ({ plain }) => `http://localhost:${plain}/`],
  ['http', ({ plain6 }) => `http://[::1]:${plain6}/`],
  ['http', ({ plain }) => `http://127.0.0.1:${plain}/once`],
  ['http', ({ plain }) => `http://127.0.0.1:${plain}/loop`],
  ['no_follow', ({ plain }) => `http://127.0.0.1:${plain}/once`],
  ['http', ({ plain }) => `http://127.0.0.1:${plain}/missing`],
  ['codes', ({ plain }) => `http://127.0.0.1:${plain}/missing`],
  ['http', ({ plain }) => `http://127.0.0.1:${plain}/error`],
  ['http', ({ plain }) => `http://127.0.0.1:${plain}/chunked`],
  ['post', ({ plain }) => `http://127.0.0.1:${plain}/echo`],
  ['version2', ({ plain }) => `http://127.0.0.1:${plain}/`],
  ['no_ssl', ({ tls }) => `https://127.0.0.1:${tls}/`],
  ['only_ssl', ({ plain }) => `http://127.0.0.1:${plain}/`],
  ['body_bad', ({ plain }) => `http://127.0.0.1:${plain}/error-text`],
  ['body_good', ({ plain }) => `http://127.0.0.1:${plain}/`],
  ['body_good', ({ plain }) => `http://127.0.0.1:${plain}/error-text`],
  ['header_bad', ({ plain }) => `http://127.0.0.1:${plain}/down`],
  ['header_good', ({ plain }) => `http://127.0.0.1:${plain}/`],
  ['header_good', ({ plain }) => `http://127.0.0.1:${plain}/down`],
  ['header_missing', ({ plain }) => `http://127.0.0.1:${plain}/`],
  ['basic', ({ plain }) => `http://127.0.0.1:${plain}/private`],
  ['gzip', ({ plain }) => `http://127.0.0.1:${plain}/gzip`],
  ['tls', ({ tls }) => `https://127.0.0.1:${tls}/`],
  ['tls_any', ({ tls }) => `https://127.0.0.1:${tls}/`],
  ['tls_name', ({ tls }) => `https://127.0.0.1:${tls}/`],
  ['http', ({ tls }) => `https://127.0.0.1:${tls}/`],
  ['tls', ({ expired }) => `https://127.0.0.1:${expired}/`],
  ['http', ({ plain }) => `https://127.0.0.1:${plain}/`],
  ['http', () => 'http://127.0.0.1:1/'],
  ['http', () => 'http://nowhere.invalid/'],
  ['short', ({ hang }) => `http://127.0.0.1:${hang}/`],
  ['http', ({ reset }) => `http://127.0.0.1:${reset}/`],
  ['http', ({ slow }) => `http://127.0.0.1:${slow}/`],
  ['http', ({ cut }) => `http://127.0.0.1:${cut}/`],
  ['tcp', ({ plain }) => `127.0.0.1:${plain}`],
  ['tcp', () => '127.0.0.1:1'],
  ['tcp_short', ({ hang }) => `127.0.0.1:${hang}`],
  ['tcp_tls', ({ tls }) => `127.0.0.1:${tls}`],
  ['tcp_tls', ({ plain }) => `127.0.0.1:${plain}`],
  ['banner', ({ banner }) => `127.0.0.1:${banner}`],
  ['dns', ({ dns }) => `127.0.0.1:${dns}`],
  ['dns_short', ({ dns }) => `127.0.0.1:${dns}`],
  ['dns_answer', ({ dns }) => `127.0.0.1:${dns}`],
  ['dns_bad', ({ dns }) => `127.0.0.1:${dns}`],
  ['dns_soa', ({ dns }) => `127.0.0.1:${dns}`],
  ['grpc', ({ grpc }) => `127.0.0.1:${grpc}`],
  ['grpc', ({ plain }) => `127.0.0.1:${plain}`],
  ['tls', ({ h2 }) => `https://127.0.0.1:${h2}/`],
  ['h2_only', ({ h2 }) => `https://127.0.0.1:${h2}/`],
  ['h2_only', ({ tls }) => `https://127.0.0.1:${tls}/`],
  ['h2_off', ({ h2 }) => `https://127.0.0.1:${h2}/`],
  ['tls', ({ h2 }) => `https://127.0.0.1:${h2}/once`],
  ['tls', ({ h2 }) => `https://127.0.0.1:${h2}/missing`],
  ['h2_post', ({ h2 }) => `https://127.0.0.1:${h2}/echo`],
  ['h2_header', ({ h2 }) => `https://127.0.0.1:${h2}/down`],
  ['h2_body', ({ h2 }) => `https://127.0.0.1:${h2}/error-text`],
  ['h2_gzip', ({ h2 }) => `https://127.0.0.1:${h2}/gzip`],
  ['h2_short', ({ h2 }) => `https://127.0.0.1:${h2}/silent`],
];

/** `name{labels}` → value. */
function seriesOf(page: string): Map<string, number> {
  const lines = page.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))] as const;
    }),
  );
}

/** Names whose values measure time, or depend on the client (its User-Agent is part of an echo). */
const MEASURED = /duration|lookup_time/;

/** What the responses of HTTP/1.1 and HTTP/2 have in common. */
interface Response {
  setHeader(name: string, value: string): unknown;
  writeHead(status: number, fields?: http.OutgoingHttpHeaders): unknown;
  write(text: string): unknown;
  end(body?: string | Uint8Array): unknown;
}

function answers(request: Pick<http.IncomingMessage, 'url' | 'headers'>, response: Response): void {
  const { url = '' } = request;
  response.setHeader('X-State', url === '/down' ? 'down' : 'up');
  response.setHeader('Last-Modified', 'Wed, 21 Oct 2026 07:28:00 GMT');
  if (url === '/once' || url === '/loop') {
    response.writeHead(302, { location: url === '/once' ? '/' : '/loop' });
    response.end();
  } else if (url === '/missing') {
    response.writeHead(404);
    response.end('nothing');
  } else if (url === '/error') {
    response.writeHead(500);
    response.end('broken');
  } else if (url === '/chunked') {
    response.write('part one');
    response.end('part two');
  } else if (url === '/private') {
    const right = request.headers.authorization === `Basic ${Buffer.from('me:it is').toString('base64')}`;
    response.writeHead(right ? 200 : 401);
    response.end();
  } else if (url === '/silent') {
    // No answer.
  } else if (url === '/gzip') {
    response.setHeader('Content-Encoding', 'gzip');
    response.end(gzipSync('hello hello hello hello'));
  } else response.end(url === '/error-text' ? 'some error here' : 'all is well');
}

function dnsAnswer(query: Buffer): Buffer | undefined {
  const text = query.toString('latin1');
  if (text.includes('silent')) return undefined;
  const isSoa = text.includes('zone');
  const head = Buffer.from(query.subarray(0, 12));
  head.writeUInt16BE(0x8580, 2);
  head.writeUInt16BE(1, 6);
  head.writeUInt16BE(0, 10);
  const end = query.indexOf(0, 12) + 5;
  const data = isSoa ? [0xc0, 12, 0xc0, 12, 0, 0, 0, 99, ...Array<number>(16).fill(0)] : [192, 0, 2, 7];
  const record = [0xc0, 12, 0, isSoa ? 6 : 1, 0, 1, 0, 0, 0, 60, 0, data.length, ...data];
  return Buffer.concat([head, query.subarray(12, end), Buffer.from(record)]);
}

async function grpcServer(): Promise<net.Server> {
  const server = http2.createServer();
  server.on('stream', (stream) => {
    stream.on('error', () => {});
    stream.resume();
    stream.on('end', () => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(Buffer.from([0, 0, 0, 0, 2, 8, 1]));
    });
  });
  return server;
}

describe.skipIf(!hasExporter || !hasOpenssl)('beside the blackbox exporter', () => {
  const cleanups: (() => unknown)[] = [];
  let exporter: ChildProcess;
  let page: (module: string, target: string) => Promise<string>;
  let modules: Modules;

  beforeAll(async () => {
    const dir = mkdtempSync(path.join(tmpdir(), 'blackbox-'));
    cleanups.push(() => rmSync(dir, { recursive: true }));
    const authority = await makeAuthority({ add: (stop) => void cleanups.push(stop) });
    const leaf = await authority.issue('good', ['DNS:good.test', 'IP:127.0.0.1']);
    const tls = { cert: readFileSync(leaf.cert_file), key: readFileSync(leaf.key_file) };
    const old = expiredCertificate(dir);
    PORTS.plain = await serveHttp(answers);
    const six = http.createServer(answers);
    await new Promise<void>((resolve) => six.listen(0, '::1', resolve));
    cleanups.push(() => six.close());
    PORTS.plain6 = (six.address() as net.AddressInfo).port;
    PORTS.tls = await serve(https.createServer(tls, answers));
    const both = http2.createSecureServer({ ...tls, allowHTTP1: true });
    both.on('request', answers);
    both.on('session', (session) => {
      cleanups.push(() => session.destroy());
    });
    PORTS.h2 = await serve(both);
    PORTS.expired = await serve(https.createServer(old, answers));
    PORTS.hang = await serve(net.createServer(() => {}));
    PORTS.reset = await serve(net.createServer((socket) => socket.once('data', () => socket.resetAndDestroy())));
    PORTS.slow = await serveHttp((_request, response) => {
      systemClock.after(300, () => {
        response.write('a');
        systemClock.after(300, () => response.end('b'));
      });
    });
    PORTS.cut = await serve(
      net.createServer((socket) =>
        socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 50\r\nX-State: up\r\n\r\nhello')),
      ),
    );
    PORTS.banner = await serve(
      net.createServer((socket) => {
        socket.write('220 mail ready\r\n');
        socket.once('data', (data) => socket.write(String(data) === 'HELO mail\n' ? '250 hi\r\n' : '500 what\r\n'));
      }),
    );
    const udp = dgram.createSocket('udp4');
    udp.on('message', (query, from) => {
      const answer = dnsAnswer(query);
      if (answer !== undefined) udp.send(answer, from.port, from.address);
    });
    await new Promise<void>((resolve) => udp.bind(0, '127.0.0.1', resolve));
    cleanups.push(() => udp.close());
    PORTS.dns = udp.address().port;
    PORTS.grpc = await serve(await grpcServer());
    const file = path.join(dir, 'blackbox.yml');
    const text = MODULES(authority.caFile);
    writeFileSync(file, text);
    modules = readModules(text, file);
    const free = net.createServer();
    const port = await listening(free);
    await new Promise((resolve) => free.close(resolve));
    exporter = spawn(EXPORTER, [`--config.file=${file}`, `--web.listen-address=127.0.0.1:${port}`], {
      stdio: 'ignore',
    });
    cleanups.push(() => exporter.kill('SIGKILL'));
    page = async (module, target) => {
      const query = new URLSearchParams({ module, target });
      return (await fetch(`http://127.0.0.1:${port}/probe?${query}`)).text();
    };
    await until(async () => (await fetch(`http://127.0.0.1:${port}/-/healthy`)).ok, 30_000);
  }, 60_000);

  afterAll(async () => {
    for (const stop of cleanups.reverse()) await stop();
    await closeServers();
  });

  test.each(CASES.map(([module, target], at) => [at + 1, module, target] as const))(
    'case %i: %s %s',
    async (_number, module, target) => {
      const address = target(PORTS);
      const known = modules.get(module);
      if (known === undefined) throw new Error(`no module ${module}`);
      const [theirs, ours] = await Promise.all([
        page(module, address),
        runCheck(
          moduleSpec(known, address, (file) => readFileSync(file, 'utf8')),
          {
            guard: new OutboundGuard(),
            origin: 'file',
            names: nameResolver(),
            clock: systemClock,
            timeoutMs: known.timeout ?? 60_000,
            tracePrefix: '',
          },
        ),
      ]);
      const [wanted, got] = [seriesOf(theirs), seriesOf(probePage(ours))];
      expect([...got.keys()].toSorted(), ours.reason).toEqual([...wanted.keys()].toSorted());
      for (const [series, value] of wanted) {
        if (!MEASURED.test(series)) expect(`${series} ${got.get(series)}`).toBe(`${series} ${value}`);
      }
      if (ours.success && wanted.has('probe_http_version')) {
        const phases = [...got].filter(([series]) => series.startsWith('probe_http_duration_seconds'));
        const sum = phases.reduce((total, [, seconds]) => total + seconds, 0);
        expect(sum).toBeCloseTo(ours.durationSeconds, 9);
      }
    },
    60_000,
  );
});

function expiredCertificate(dir: string): { cert: Buffer; key: Buffer } {
  const [key, cert] = [path.join(dir, 'old.key'), path.join(dir, 'old.crt')];
  const openssl = (...args: string[]): void => {
    const { status, stderr } = spawnSync(process.env['OPENSSL'] ?? 'openssl', args);
    if (status !== 0) throw new Error(String(stderr));
  };
  const request = path.join(dir, 'old.csr');
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-batch'];
  openssl('req', ...kind, '-keyout', key, '-out', request, '-subj', '/CN=old');
  openssl('x509', '-req', '-in', request, '-signkey', key, '-days', '-1', '-out', cert);
  return { cert: readFileSync(cert), key: readFileSync(key) };
}
