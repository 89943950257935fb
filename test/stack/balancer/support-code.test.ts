/** The support code of an answer is made of the balancer's own span id, for its own errors and the failures it passes on. */
import { trace } from '@opentelemetry/api';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { supportCode } from '../../../src/model/text/support-code.ts';
import { until } from '../../support/until.ts';
import { answering, raw as rawAnswer, Rig } from './rig.ts';

const spans = new InMemorySpanExporter();
let rig: Rig;
beforeAll(() => {
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: spans })] }));
});
afterAll(() => trace.disable());
beforeEach(() => {
  spans.reset();
  rig = new Rig();
});
afterEach(() => rig[Symbol.asyncDispose]());

const raw = async (port: number, request: string): Promise<string> => (await rawAnswer(port, request)).text;
const get = (path: string, fields = ''): string =>
  `GET ${path} HTTP/1.1\r\nHost: a\r\n${fields}Connection: close\r\n\r\n`;
const answer = (status: string, fields = ''): string => `HTTP/1.1 ${status}\r\n${fields}Content-Length: 2\r\n\r\nok`;
const codesIn = (text: string): string[] => [...text.matchAll(/^x-support-code: (.*)\r$/gim)].map(([, code]) => code);

async function serverCode(): Promise<string> {
  const server = () => spans.getFinishedSpans().filter(({ parentSpanContext }) => parentSpanContext === undefined);
  await until(() => server().length > 0);
  return supportCode(server()[0].spanContext().spanId);
}

it('stands on a failure that is passed on, in place of the upstream’s own', async () => {
  const upstream = await rig.tcp(answering(answer('500 Internal Server Error', 'X-Support-Code: UPSTREAM\r\n')));
  const { port } = await rig.balancer({ upstreams: [upstream.url] });
  expect(codesIn(await raw(port, get('/a')))).toEqual([await serverCode()]);
});

it('stands on no other answer, whatever client and upstream send', async () => {
  let head = '';
  const upstream = await rig.tcp((socket) => {
    socket.on('data', (bytes) => {
      head = bytes.toString('latin1');
      socket.write(answer(head.includes('/missing') ? '404 Not Found' : '200 OK', 'x-support-code: UPSTREAM\r\n'));
    });
  });
  const { port } = await rig.balancer({ upstreams: [upstream.url] });
  for (const path of ['/a', '/missing'])
    expect(codesIn(await raw(port, get(path, 'X-Support-Code: CLIENT00\r\n')))).toEqual([]);
  expect(head).not.toMatch(/support-code/i);
});

it('stands on the balancer’s own errors, in the head and in the body', async () => {
  const upstream = await rig.tcp(() => {});
  upstream.server.close();
  const { port } = await rig.balancer({ upstreams: [upstream.url] });
  const text = await raw(port, get('/a'));
  expect(text).toMatch(/^HTTP\/1\.1 503 /);
  const code = await serverCode();
  expect(codesIn(text)).toEqual([code]);
  expect(JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4))).toMatchObject({ support_code: code });
});

it('says what the ledger needs in the span', async () => {
  const upstream = await rig.tcp(answering(answer('200 OK')));
  const { port } = await rig.balancer({ upstreams: [upstream.url] });
  await raw(port, get('/a', 'X-Request-Id: abc-1234567890\r\n'));
  await serverCode();
  const [server] = spans.getFinishedSpans().filter(({ parentSpanContext }) => parentSpanContext === undefined);
  expect(server.attributes).toMatchObject({
    'vitrine.upstream': new URL(upstream.url).host,
    'vitrine.tries': 1,
    'http.response.body.size': 2,
    request_id: 'abc-1234567890',
  });
  expect(server.attributes['vitrine.duration']).toBeGreaterThan(0);
});
