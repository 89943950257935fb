/**
 * The hostile clients of `monitor-attack.ts`, in a process of their own, so that what they read does not delay the probes.
 * Forked with the addresses of the monitor and of its OTLP port: attacks from the message `begin` to the message `end`, and
 * answers the latter with how many requests ended with each status.
 */
import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import { setTimeout as time } from 'node:timers/promises';

const [monitor, otlpHttp] = process.argv.slice(2);
const CLIENTS = 20;
const agent = new Agent({ keepAlive: true });
const A = 'a{0,1000}'.repeat(3);
const LONG = 'a'.repeat(500);
const QUERIES = [
  'quantile(0.9, x)',
  'topk(100, x) by (job)',
  'count_values("v", x)',
  'sort_by_label(x, "instance", "job")',
  'x * on (instance) group_left (job) x',
  'x or x unless x',
  'max_over_time(rate(x[1m])[1h:5s])',
  'quantile_over_time(0.9, x[1h])',
  `x{instance=~"${A}"}`,
  `label_replace(label_replace(label_replace(vector(1), "a", "${LONG}", "", ""), "a", "${'$1'.repeat(16)}", "a", "(.*)"), "b", "x", "a", "${A}")`,
  'label_join(label_join(label_join(x, "a", "-", "instance", "job"), "b", "-", "a", "a", "a"), "c", "", "b", "b", "b")',
  '{__name__=~".+"}',
  'histogram_quantile(0.9, x)',
  'sum by (instance) ({__name__=~".+", instance!~"(i-1|i-2)*[0-9]{1,9}"})',
];

/** Half a megabyte of a name that is refused. */
const LARGE = JSON.stringify({
  resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: 'n'.repeat(500_000) }] }] }],
});

function query(): Attack {
  const end = Date.now() / 1_000;
  const range = { start: String(end - 3_600), end: String(end), step: '5' };
  const text = QUERIES[Math.floor(Math.random() * QUERIES.length)];
  const target = Math.random() < 0.5 ? 'query' : 'query_range';
  const body = new URLSearchParams({ query: text, timeout: '20s', ...(target === 'query' ? {} : range) });
  const type = 'application/x-www-form-urlencoded';
  return { url: `${monitor}/api/v1/${target}`, type, body: body.toString() };
}

const large = (): Attack => ({ url: `${otlpHttp}/v1/metrics`, type: 'application/json', body: LARGE });

interface Attack {
  readonly url: string;
  readonly type: string;
  readonly body: string;
}

/** Reads the answer to its end, keeps none of it, and gives its status. */
async function send({ url, type, body }: Attack, signal: AbortSignal): Promise<number> {
  const headers = { 'content-type': type, 'content-length': Buffer.byteLength(body) };
  const message = request(url, { method: 'POST', headers, signal, agent });
  message.end(body);
  const [response] = (await once(message, 'response')) as [IncomingMessage];
  response.resume();
  await once(response, 'end');
  return response.statusCode ?? 0;
}

async function attack(which: number, signal: AbortSignal, statuses: Map<number, number>): Promise<void> {
  while (!signal.aborted) {
    try {
      const status = await send(which % 5 === 4 ? large() : query(), signal);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    } catch {
      // The connection was refused, or the round has ended.
      await time(20);
    }
  }
}

let abort = new AbortController();
let clients: Promise<void>[] = [];
let statuses = new Map<number, number>();
process.on('message', (message) => {
  if (message === 'begin') {
    abort = new AbortController();
    statuses = new Map();
    clients = Array.from({ length: CLIENTS }, (_, i) => attack(i, abort.signal, statuses));
  } else {
    abort.abort();
    void Promise.all(clients).then(() => process.send?.([...statuses]));
  }
});
