import dgram from 'node:dgram';
import http2 from 'node:http2';
import net from 'node:net';
import { readFileSync } from 'node:fs';
import tls from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import type { DnsSpec, GrpcSpec, StepSpec, TcpSpec, WebSpec } from '../../../../src/monitor/targets/check.ts';
import { performanceData } from '../../../../src/monitor/targets/kinds/exec.ts';
import { hasOpenssl, makeAuthority, type Leaf } from '../../../stack/balancer/tls/certificate-files.ts';
import { DENIED_HOSTS } from '../../../support/denied-hosts.ts';
import { check, closeServers, FAMILY, httpSpec, NO_EXPECT, serve, serveHttp, TLS, valueOf } from '../rig.ts';

afterEach(closeServers);

describe('tcp', () => {
  const spec = (port: number, dialogue: TcpSpec['dialogue'] = []): TcpSpec => ({
    kind: 'tcp',
    host: '127.0.0.1',
    port,
    family: FAMILY,
    startTls: TLS,
    dialogue,
  });

  test('connects, and holds a dialogue with groups', async () => {
    const heard: string[] = [];
    const port = await serve(
      net.createServer((socket) => {
        socket.write('NOTICE hello\r\nPING :4711\r\n');
        socket.on('data', (data) => {
          heard.push(String(data));
          socket.write(':server 001\n');
        });
      }),
    );
    expect((await check(spec(port))).success).toBe(true);
    const talk = [{ expect: 'PING :([^ ]+)', send: 'PONG ${1}' }, { expect: '^:[^ ]+ 001' }];
    expect((await check(spec(port, talk))).success).toBe(true);
    expect(heard).toEqual(['PONG 4711\n']);
  });

  test('targets of the API reach the inside by no spelling, over HTTP or a bare connection', async () => {
    let connections = 0;
    const server = net.createServer((socket) => {
      connections += 1;
      socket.destroy();
    });
    const port = await serve(server);
    for (const host of DENIED_HOSTS) {
      const web = await check(httpSpec(`http://${host}:${port}/`), { origin: 'api' });
      expect([host, web.success, web.evidence.address]).toEqual([host, false, '']);
      expect([host, web.reason]).toEqual([host, expect.stringMatching(/ is (?:a|an|the) .*address/)]);
      const bare = await check({ ...spec(port), host }, { origin: 'api' });
      expect([host, bare.success, bare.evidence.address]).toEqual([host, false, '']);
    }
    expect(connections).toBe(0);
    expect((await check(spec(port))).success, 'the server can be reached').toBe(true);
  });

  test('an answer that does not match fails by pattern', async () => {
    const port = await serve(net.createServer((socket) => void socket.end('no\n')));
    const result = await check(spec(port, [{ expect: '^SSH' }]));
    expect(result.reason).toBe('The answer has no line that matches.');
    expect(valueOf(result, 'probe_failed_due_to_regex')).toBe(1);
    expect(result.evidence.excerpt).toBe('no\n');
    expect((await check(spec(1))).reason).toBe('The connection was refused.');
  });
});

describe.skipIf(!hasOpenssl)('tls', () => {
  const cleanups: (() => void | Promise<void>)[] = [];
  let leaf: Leaf;
  let ca: string;
  beforeAll(async () => {
    const authority = await makeAuthority({ add: (stop) => void cleanups.push(stop) });
    leaf = await authority.issue('good', ['DNS:good.test', 'IP:127.0.0.1']);
    ca = readFileSync(authority.caFile, 'utf8');
  });
  afterAll(async () => {
    for (const stop of cleanups) await stop();
  });

  const server = (): Promise<number> =>
    serve(
      tls.createServer({ cert: readFileSync(leaf.cert_file), key: readFileSync(leaf.key_file) }, (socket) => {
        socket.on('error', () => {});
        socket.write('ready\n');
      }),
    );
  const spec = { kind: 'tls', host: '127.0.0.1', family: FAMILY, certificateDays: 0 } as const;

  test('handshake, chain, name, expiry', async () => {
    const port = await server();
    const good = await check({ ...spec, port, tls: { ca, insecure: false } });
    expect(good.reason).toBe('');
    expect(valueOf(good, 'probe_tls_version_info', { version: 'TLS 1.3' })).toBe(1);
    expect(valueOf(good, 'probe_ssl_last_chain_info', { subjectalternative: 'good.test' })).toBe(1);
    const wrongName = await check({ ...spec, port, tls: { ca, insecure: false, serverName: 'other.test' } });
    expect(wrongName.reason).toContain('The certificate is not accepted');
    expect(wrongName.evidence.certificate?.names).toContain('DNS:good.test');
    const unknown = await check({ ...spec, port, tls: { insecure: false } });
    expect(unknown.success).toBe(false);
    const soon = await check({ ...spec, port, tls: { ca, insecure: false }, certificateDays: 30 });
    expect(soon.reason).toMatch(/expires on \d{4}-\d\d-\d\d, in less than 30 days/);
    const any = await check({ ...spec, port, tls: { insecure: true } });
    expect(valueOf(any, 'probe_ssl_last_chain_expiry_timestamp_seconds')).toBe(-62_135_596_800);
    expect((await check({ ...spec, port: 1, tls: TLS })).reason).toBe('The connection was refused.');
  });

  test('a TCP dialogue over TLS and after STARTTLS', async () => {
    const port = await server();
    const over: TcpSpec = {
      kind: 'tcp',
      host: '127.0.0.1',
      port,
      family: FAMILY,
      tls: { ca, insecure: false },
      startTls: { ca, insecure: false },
      dialogue: [{ expect: 'ready' }],
    };
    expect((await check(over)).reason).toBe('');
    const context = tls.createSecureContext({
      cert: readFileSync(leaf.cert_file),
      key: readFileSync(leaf.key_file),
    });
    const starts = await serve(
      net.createServer((socket) => {
        socket.write('220 ready\n');
        socket.once('data', () => {
          socket.write('220 go\n', () => {
            const secure = new tls.TLSSocket(socket, { isServer: true, secureContext: context });
            secure.on('error', () => {});
            secure.write('250 safe\n');
          });
        });
      }),
    );
    const dialogue = [
      { expect: '^220', send: 'STARTTLS' },
      { expect: '^220', startTls: true },
      { expect: '^250 safe' },
    ];
    const result = await check({ ...over, tls: undefined, port: starts, dialogue });
    expect(result.reason).toBe('');
    expect(valueOf(result, 'probe_tls_version_info')).toBe(1);
  });

  test('https with conditions on the certificate', async () => {
    const port = await serve(
      (await import('node:https')).createServer(
        { cert: readFileSync(leaf.cert_file), key: readFileSync(leaf.key_file) },
        (_request, response) => void response.end('secure'),
      ),
    );
    const url = `https://127.0.0.1:${port}/`;
    const good = await check(httpSpec(url, { tls: { ca, insecure: false } }));
    expect(good.reason).toBe('');
    expect(valueOf(good, 'probe_http_ssl')).toBe(1);
    const soon = await check(
      httpSpec(url, { tls: { ca, insecure: false }, expect: { ...NO_EXPECT, certificateDays: 30 } }),
    );
    expect(soon.reason).toContain('The certificate expires on');
    const bad = await check(httpSpec(url));
    expect(bad.reason).toContain('The certificate is not accepted');
    expect(bad.series.some(({ name }) => name.startsWith('probe_ssl'))).toBe(false);
  });
});

describe('dns', () => {
  const spec = (port: number, more: Partial<DnsSpec> = {}): DnsSpec => ({
    kind: 'dns',
    host: '127.0.0.1',
    port,
    family: FAMILY,
    transport: 'udp',
    queryName: 'shop.test',
    queryType: 'A',
    recursion: true,
    rcodes: ['NOERROR'],
    answer: NONE,
    authority: NONE,
    additional: NONE,
    ...more,
  });
  const NONE = { failIfMatches: [], failIfAllMatch: [], failIfNotMatches: [], failIfNoneMatches: [] };

  /** Answers every question with one address, a mail server and a text. */
  function answered(query: Buffer, rcode = 0): Buffer {
    const head = Buffer.from(query.subarray(0, 12));
    head.writeUInt16BE(0x8180 | rcode, 2);
    head.writeUInt16BE(rcode === 0 ? 4 : 0, 6);
    const record = (type: number, data: readonly number[]): Buffer =>
      Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, data.length, ...data]);
    const soa = [0xc0, 12, 0xc0, 12, 0, 0, 0, 42, ...Array<number>(16).fill(0)];
    const records = [
      record(1, [192, 0, 2, 7]),
      record(15, [0, 10, 0xc0, 12]),
      record(16, [2, 104, 105]),
      record(6, soa),
    ];
    return Buffer.concat([head, query.subarray(12), ...(rcode === 0 ? records : [])]);
  }

  async function udpServer(
    answer: (query: Buffer) => Buffer | undefined,
  ): Promise<{ port: number; close: () => void }> {
    const socket = dgram.createSocket('udp4');
    socket.on('message', (query, from) => {
      const bytes = answer(query);
      if (bytes !== undefined) socket.send(bytes, from.port, from.address);
    });
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    return { port: socket.address().port, close: () => socket.close() };
  }

  test('over UDP and TCP, with patterns over the records', async () => {
    const udp = await udpServer((query) => answered(query));
    const result = await check(spec(udp.port));
    expect(result.reason).toBe('');
    expect(valueOf(result, 'probe_dns_answer_rrs')).toBe(4);
    expect(result.evidence.excerpt).toContain('shop.test.\t60\tIN\tA\t192.0.2.7');
    expect(result.evidence.excerpt).toContain('shop.test.\t60\tIN\tMX\t10 shop.test.');
    expect(result.evidence.excerpt).toContain('TXT\t"hi"');
    const serial = await check(spec(udp.port, { queryType: 'SOA' }));
    expect(valueOf(serial, 'probe_dns_serial')).toBe(42);
    const patterns: [Partial<DnsSpec['answer']>, string][] = [
      [{ failIfMatches: ['192\\.0'] }, 'A record of the answer section matches 192\\.0.'],
      [{ failIfNotMatches: ['192\\.0'] }, 'A record of the answer section does not match 192\\.0.'],
      [{ failIfAllMatch: ['shop'] }, 'All records of the answer section match shop.'],
      [{ failIfNoneMatches: ['nothing'] }, 'No record of the answer section matches nothing.'],
      [{ failIfNoneMatches: ['192\\.0'] }, ''],
    ];
    for (const [matches, reason] of patterns) {
      expect((await check(spec(udp.port, { answer: { ...NONE, ...matches } }))).reason).toBe(reason);
    }
    const tcp = await serve(
      net.createServer((socket) =>
        socket.on('data', (data) => {
          const bytes = answered(data.subarray(2));
          const length = Buffer.alloc(2);
          length.writeUInt16BE(bytes.length);
          socket.write(length);
          socket.write(bytes);
        }),
      ),
    );
    expect((await check(spec(tcp, { transport: 'tcp' }))).reason).toBe('');
    udp.close();
  });

  test('a refusal, a silent server, garbage, and a name that is none', async () => {
    const refuses = await udpServer((query) => answered(query, 5));
    expect((await check(spec(refuses.port))).reason).toBe('The answer is REFUSED, not NOERROR.');
    const silent = await udpServer(() => undefined);
    expect((await check(spec(silent.port), { timeoutMs: 40 })).reason).toBe('No answer within 40 ms.');
    const garbage = await udpServer(() => Buffer.from([1, 2, 3]));
    expect((await check(spec(garbage.port))).reason).toBe('The answer is no DNS message.');
    expect((await check(spec(garbage.port, { queryName: 'x'.repeat(70) }))).reason).toContain('is no name of the DNS');
    for (const server of [refuses, silent, garbage]) server.close();
  });
});

describe('websocket', () => {
  test('upgrades, sends, and waits for a message that matches', async () => {
    const server = (await import('node:http')).createServer((_request, response) => {
      response.writeHead(404);
      response.end();
    });
    const sockets = new WebSocketServer({ noServer: true });
    server.on('upgrade', (request, socket, head) => {
      if (request.url === '/no') socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n');
      else
        sockets.handleUpgrade(request, socket, head, (client) => {
          client.on('message', (data) => client.send(`echo ${(data as Buffer).toString()}`));
        });
    });
    const port = await serve(server);
    const spec = {
      kind: 'websocket',
      url: `ws://127.0.0.1:${port}/ws`,
      headers: {},
      family: FAMILY,
      tls: TLS,
    } as const;
    const plain = await check(spec);
    expect(plain.reason).toBe('');
    expect(valueOf(plain, 'probe_websocket_status_code')).toBe(101);
    expect((await check({ ...spec, send: 'hi', expect: '^echo hi$' })).reason).toBe('');
    const mismatch = await check({ ...spec, send: 'hi', expect: 'never' }, { timeoutMs: 300 });
    expect(valueOf(mismatch, 'probe_websocket_failed_due_to_regex')).toBe(1);
    const refused = await check({ ...spec, url: `ws://127.0.0.1:${port}/no` });
    expect(refused.reason).toBe('The server answers 403 in place of an upgrade.');
  });
});

describe('grpc', () => {
  test.each([
    [1, '0', ''],
    [2, '0', 'The service is NOT_SERVING.'],
    [0, '0', 'The service is UNKNOWN.'],
    [undefined, '5', 'The service is not known to the server.'],
    [undefined, '13', 'The call ended with gRPC status 13.'],
  ])('status %s with code %s', async (serving, code, reason) => {
    let asked = Buffer.alloc(0);
    const server = http2.createServer();
    server.on('stream', (stream) => {
      stream.on('data', (part: Buffer) => (asked = Buffer.concat([asked, part])));
      stream.on('end', () => {
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': code }));
        if (serving === undefined) stream.end();
        else stream.end(serving === 0 ? Buffer.from([0, 0, 0, 0, 0]) : Buffer.from([0, 0, 0, 0, 2, 8, serving]));
      });
    });
    const port = await serve(server);
    const spec: GrpcSpec = { kind: 'grpc', host: '127.0.0.1', port, family: FAMILY, service: 'shop' };
    const result = await check(spec);
    expect(result.reason).toBe(reason);
    expect(asked.toString('latin1')).toContain('shop');
    expect(valueOf(result, 'probe_grpc_status_code')).toBe(Number(code));
  });

  test('no HTTP/2 behind the port', async () => {
    const port = await serveHttp((_request, response) => void response.end());
    const spec: GrpcSpec = { kind: 'grpc', host: '127.0.0.1', port, family: FAMILY, service: '' };
    const result = await check(spec);
    expect(result.success).toBe(false);
    expect(valueOf(result, 'probe_grpc_status_code')).toBe(14);
    expect((await check({ ...spec, host: 'nowhere.test' })).reason).toBe('The name has no address.');
  });
});

describe('exec', () => {
  const run = (command: readonly string[], warningIsUp = true, timeoutMs = 20_000) =>
    check({ kind: 'exec', command, warningIsUp }, { timeoutMs });

  test("Nagios' exit codes, output and performance data", async () => {
    const ok = await run(['/bin/sh', '-c', 'echo "DISK OK | \'/var\'=70%;80;90 time=12ms"; exit 0']);
    expect(ok.reason).toBe('');
    expect(valueOf(ok, 'probe_exec_performance_data', { label: '/var', unit: 'ratio' })).toBeCloseTo(0.7);
    expect(valueOf(ok, 'probe_exec_performance_data', { label: 'time', unit: 'seconds' })).toBeCloseTo(0.012);
    const warning = ['/bin/sh', '-c', 'echo WARN; exit 1'];
    expect((await run(warning)).success).toBe(true);
    expect((await run(warning, false)).reason).toBe('WARNING: WARN');
    expect((await run(['/bin/sh', '-c', 'echo bad; exit 2'])).reason).toBe('CRITICAL: bad');
    expect((await run(['/nonexistent/program'])).reason).toBe('The program cannot be started: ENOENT.');
    expect(performanceData('no data')).toEqual([]);
  });

  test('runs without a shell and with a bare environment', async () => {
    process.env['TARGETS_SECRET'] = 'hidden';
    const result = await run(['/usr/bin/env']);
    delete process.env['TARGETS_SECRET'];
    expect(result.evidence.excerpt).not.toContain('hidden');
    expect((await run(['/bin/echo', '$(id)', ';', 'ls'])).evidence.excerpt).toBe('$(id) ; ls\n');
  });

  test('the process group ends at the time-out, with a grandchild that holds the pipe', async () => {
    const result = await run(['/bin/sh', '-c', 'sleep 1000 & echo $!; wait'], true, 500);
    expect(result.reason).toContain('did not end within 500 ms');
    const grandchild = Number(result.evidence.excerpt);
    const state = (): string => {
      try {
        return readFileSync(`/proc/${grandchild}/stat`, 'utf8').split(') ')[1][0];
      } catch {
        return 'gone';
      }
    };
    await expect.poll(state, { timeout: 10_000 }).toMatch(/Z|gone/);
  });
});

describe('web', () => {
  test('loads the page with its resources, and says which are broken', async () => {
    const port = await serveHttp((request, response) => {
      if (request.url === '/') {
        response.setHeader('content-type', 'text/html');
        response.end(
          '<link rel=stylesheet href="/a.css"><link rel="canonical" href="/no"><script src=\'/b.js\'></script><img src=/gone.png><img src="data:x">',
        );
      } else if (request.url === '/gone.png') {
        response.writeHead(404);
        response.end();
      } else response.end('xx');
    });
    const { kind: _, ...rest } = httpSpec(`http://127.0.0.1:${port}/`);
    const spec: WebSpec = { ...rest, kind: 'web', maxResources: 50 };
    const result = await check(spec);
    expect(result.success).toBe(true);
    expect(valueOf(result, 'probe_web_resources', { state: 'ok' })).toBe(2);
    expect(valueOf(result, 'probe_web_resources', { state: 'broken' })).toBe(1);
    expect(valueOf(result, 'probe_web_page_load_seconds')).toBeGreaterThan(0);
    expect(result.evidence.notes?.[0]).toContain('/gone.png: The status is 404');
    const strict = await check({ ...spec, maxBroken: 0 });
    expect(strict.reason).toContain('1 of 3 resources of the page are broken');
  });
});

describe('steps', () => {
  test('share values, and end at the first that fails, without showing what they share', async () => {
    const port = await serveHttp((request, response) => {
      if (request.url === '/login') response.end('{"token":"t0psecret"}');
      else if (request.headers['authorization'] === 'Bearer t0psecret') response.end('{"paid":true,"t":"t0psecret"}');
      else {
        response.writeHead(401);
        response.end('who are you');
      }
    });
    const step = (name: string, path: string, more: Partial<StepSpec> = {}): StepSpec => {
      const { kind: _, ...rest } = httpSpec(`http://127.0.0.1:${port}${path}`);
      return { ...rest, name, save: {}, ...more };
    };
    const login = step('sign in', '/login', { method: 'POST', body: '{}', save: { token: '$.token' } });
    const pay = step('pay', '/pay', {
      headers: { authorization: 'Bearer ${token}' },
      expect: { ...NO_EXPECT, json: ['$.paid == true'] },
    });
    const good = await check({ kind: 'steps', steps: [login, pay] });
    expect(good.reason).toBe('');
    expect(valueOf(good, 'probe_step_success', { step: 'pay' })).toBe(1);
    expect(JSON.stringify(good)).not.toContain('t0psecret');
    const bad = await check({ kind: 'steps', steps: [{ ...login, save: { token: '$.none' } }, pay] });
    expect(bad.reason).toBe('Step "sign in": The answer has no value for "token" ($.none).');
    const denied = await check({ kind: 'steps', steps: [{ ...pay, name: 'alone' }] });
    expect(denied.reason).toBe('Step "alone": The status is 401, not 2xx.');
    const others = step('other', '/login', { save: { a: 'header:date', b: 'regex:"(t0p\\w+)"' } });
    expect((await check({ kind: 'steps', steps: [others] })).reason).toBe('');
  });
});
