/** Rows A10 to A15, A19 and A23: malformed, truncated, forged, oversized and unusual messages. */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { MALFORMED, OBFUSCATED_CODINGS, post } from '../../support/http/hostile-requests.ts';
import { freshDir, startServer } from '../../support/program.ts';
import { freePort, MAIN } from '../../support/programs/vitrine-process.ts';
import { familiesOf } from '../../support/telemetry/exposition-text.ts';
import { raw } from '../../stack/balancer/rig.ts';
import { runScripts } from '../../vtc/run-scripts.ts';
import type { Outcome, Row } from '../row.ts';

interface Front extends AsyncDisposable {
  readonly port: number;
  /** Bytes that reached the upstream. */
  reached(): string;
}

/** The balancer in front of an upstream of plain sockets. Health checks are off, so that all bytes come from clients. */
async function front(answer: (socket: Socket, head: string) => void, env: Record<string, string> = {}): Promise<Front> {
  let bytes = '';
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    socket.on('data', (data) => {
      const text = data.toString('latin1');
      bytes += text;
      answer(socket, text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const [dir, port] = [freshDir('rel'), await freePort()];
  const config = path.join(dir, 'vitrine.json');
  const upstreams = [`http://127.0.0.1:${(server.address() as AddressInfo).port}`];
  writeFileSync(config, JSON.stringify({ balancer: { upstreams, health_check: { interval: '0s' } } }));
  const args = ['start', '--role', 'balancer', '--config', config, '--listen', `127.0.0.1:${port}`];
  const balancer = await startServer(process.execPath, [MAIN, ...args, '--data', path.join(dir, 'data')], {
    readyUrl: `http://127.0.0.1:${port}/-/readyz`,
    ownDir: dir,
    env,
  });
  return {
    port,
    reached: () => bytes,
    async [Symbol.asyncDispose]() {
      await balancer[Symbol.asyncDispose]();
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const plain = (socket: Socket): void => void socket.write(OK);
const CLOSE = 'Connection: close\r\n';

const smuggle: Row = {
  id: 'A10',
  name: 'smuggle',
  goal: 'no malformed message reaches the upstream; each gets its status',
  async run() {
    await using it = await front(plain);
    let wrong = 0;
    for (const [, bytes, status] of MALFORMED) {
      const answer = await raw(it.port, bytes, /HTTP\/1\.1 [45]\d\d[^]*\}\n$/);
      if (answer.status !== status) wrong += 1;
    }
    return {
      figure: { messages: MALFORMED.length, wrongStatus: wrong, bytesReached: it.reached().length },
      pass: wrong === 0 && it.reached() === '',
    };
  },
};

const obfuscated: Row = {
  id: 'A11',
  name: 'te-obfuscations',
  goal: 'each of 100 and more obfuscated codings is refused, or forwarded in one canonical form, in 1 s',
  async run() {
    await using it = await front(plain);
    let bad = 0;
    for (const [, fields] of OBFUSCATED_CODINGS) {
      const bytes = post(`${CLOSE}Content-Length: 5\r\n${fields}`, '0\r\n\r\n');
      const answer = await raw(it.port, bytes, undefined, 1_000);
      if (!answer.closed || answer.status === 0) bad += 1;
    }
    const heads = it.reached().split(/(?=POST \/ HTTP)/);
    const doubtful = heads.filter(
      (head) => /^transfer-encoding[ \t]*:/im.test(head) && /^content-length[ \t]*:/im.test(head),
    ).length;
    return {
      figure: { forms: OBFUSCATED_CODINGS.length, notAnswered: bad, doubtful },
      pass: bad === 0 && doubtful === 0 && OBFUSCATED_CODINGS.length >= 100,
    };
  },
};

const semantics: Row = {
  id: 'A13',
  name: 'vtc',
  goal: 'every script of test/vtc passes, 60 at least',
  async run(): Promise<Outcome> {
    const results = await runScripts();
    if (results === undefined) return { figure: { skipped: 'varnishtest is not installed' }, pass: false };
    const failing = results.filter(({ passed }) => !passed).map(({ name }) => name);
    return {
      figure: { scripts: results.length, failing: failing.join(' ') },
      pass: failing.length === 0 && results.length >= 60,
    };
  },
};

const truncated: Row = {
  id: 'A14',
  name: 'truncated',
  goal: 'a body that is cut short closes the client connection in 1 s and is never ended as complete',
  async run() {
    const heads = {
      length: 'HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 100\r\n\r\nhalf',
      chunks: 'HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n',
      chunk: 'HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n\r\n40\r\nhalf',
    };
    let [cut, stored, slowestMs] = [0, 0, 0];
    for (const bytes of Object.values(heads))
      for (const how of ['end', 'resetAndDestroy'] as const) {
        await using it = await front((socket) => {
          socket.write(bytes);
          setTimeout(() => socket[how](), 100);
        });
        const get = 'GET /t HTTP/1.1\r\nHost: a\r\n\r\n';
        const one = await raw(it.port, get, undefined, 3_000);
        slowestMs = Math.max(slowestMs, one.ms - 100);
        if (one.closed && !one.text.endsWith('\r\n0\r\n\r\n')) cut += 1;
        if (/cache-status:[^\r]*hit/i.test((await raw(it.port, get, undefined, 3_000)).text)) stored += 1;
      }
    return {
      figure: { cut, stored, slowestMs: Math.round(slowestMs) },
      pass: cut === 6 && stored === 0 && slowestMs <= 1_000,
    };
  },
};

const SPOOFS = [
  'X-Forwarded-For: 6.6.6.6',
  'X-Forwarded-Host: evil',
  'X-Forwarded-Proto: evil',
  'X-Forwarded-Port: 666',
  'X-Forwarded-Server: evil',
  'X-Forwarded-Prefix: /evil',
  'X-Real-IP: 6.6.6.6',
  'Forwarded: for=6.6.6.6;host=evil',
  'X_Forwarded_Proto: evil',
  'X_Forwarded-For: 6.6.6.6',
  'X_Real_IP: 6.6.6.6',
  'Connection: X-Forwarded-For, X-Forwarded-Host',
];

const forged: Row = {
  id: 'A15',
  name: 'forwarded',
  goal: '0 of 12 forged forwarding fields reach the upstream; its own are always there',
  async run() {
    await using it = await front(plain);
    for (const field of SPOOFS) await raw(it.port, `GET / HTTP/1.1\r\nHost: a\r\n${CLOSE}${field}\r\n\r\n`);
    const heads = it.reached().split(/(?=GET \/ HTTP)/);
    const through = heads.filter((head) => /6\.6\.6\.6|evil|666/.test(head)).length;
    const whole = heads.filter((head) => head.includes('X-Forwarded-For: 127.0.0.1\r\n')).length;
    return {
      figure: { forms: SPOOFS.length, through, forwarded: heads.length },
      pass: through === 0 && whole === heads.length,
    };
  },
};

const oversize: Row = {
  id: 'A19',
  name: 'oversize',
  goal: '431, 414, 431 and 413 in 100 ms (each the best of 5), the next request is served',
  async run() {
    await using it = await front(plain);
    const many = Array.from({ length: 101 }, (_, at) => `X-${at}: 1\r\n`).join('');
    const cases: readonly (readonly [string, number])[] = [
      [`GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(17 * 1024)}\r\n\r\n`, 431],
      [`GET /${'x'.repeat(9 * 1024)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414],
      [`GET / HTTP/1.1\r\nHost: a\r\n${many}\r\n`, 431],
      ['POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n', 413],
    ];
    let [wrong, slowestMs, next] = [0, 0, 0];
    for (const [bytes, status] of cases) {
      let bestMs = Infinity;
      for (let at = 0; at < 5; at += 1) {
        const answer = await raw(it.port, bytes, /\}\n$/);
        if (answer.status !== status) wrong += 1;
        bestMs = Math.min(bestMs, answer.ms);
      }
      slowestMs = Math.max(slowestMs, bestMs);
      if ((await raw(it.port, `GET / HTTP/1.1\r\nHost: a\r\n${CLOSE}\r\n`)).status === 200) next += 1;
    }
    return {
      figure: { wrong, slowestMs: Math.round(slowestMs), nextServed: next },
      pass: wrong === 0 && slowestMs <= 100 && next === cases.length,
    };
  },
};

const labels: Row = {
  id: 'A23',
  name: 'label-growth',
  goal: '10,000 unknown methods and paths make 2 series of durations at most',
  async run() {
    const scrape = await freePort();
    await using it = await front((socket) => void socket.write('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n'), {
      OTEL_METRICS_EXPORTER: 'prometheus',
      OTEL_EXPORTER_PROMETHEUS_PORT: String(scrape),
    });
    const methods = [
      'PROPFIND',
      'LOCK',
      'PURGE',
      'REPORT',
      'SEARCH',
      'MKCOL',
      'X1',
      'X2',
      'X3',
      'X4',
      'X5',
      'X6',
      'X7',
    ];
    for (let at = 0; at < 10_000; at += 50) {
      const head = (one: number): string =>
        `${methods[one % methods.length]} /p${one}/x${one * 7} HTTP/1.1\r\nHost: a\r\n`;
      const batch = Array.from({ length: 49 }, (_, one) => `${head(at + one)}\r\n`).join('');
      await raw(it.port, `${batch}${head(at + 49)}${CLOSE}\r\n`);
    }
    const text = await (await fetch(`http://127.0.0.1:${scrape}/metrics`)).text();
    const family = familiesOf(text).get('http_server_request_duration_seconds');
    const series = [...(family?.samples.keys() ?? [])].filter((name) => name.includes('_count{')).length;
    return { figure: { series }, pass: series > 0 && series <= 2 };
  },
};

export const MESSAGE_ROWS: readonly Row[] = [smuggle, obfuscated, semantics, truncated, forged, oversize, labels];
