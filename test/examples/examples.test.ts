/** Every example by the command of examples/README.md, before a monitor that is there for real. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LogsAnswer } from '../../src/monitor/api/contract.ts';
import { runToEnd, startProgram, type Program } from '../support/program.ts';
import { tableCommands } from '../support/docs/readme-commands.ts';
import { until } from '../support/until.ts';
import { freePort, json, REPOSITORY, startVitrine, type Vitrine } from '../support/programs/vitrine-process.ts';

const commands = tableCommands(readFileSync(path.join(REPOSITORY, 'examples/README.md'), 'utf8'));
const built = existsSync(path.join(REPOSITORY, 'dist/telemetry/register.js'));
const python = (await runToEnd('python3', ['--version'], { cwd: tmpdir() })).code === 0;
if (!built) console.log('skipped: the examples need `npm run build` (vitrine/register is compiled)');
if (!python) console.log('skipped: the example of another language needs python3');

let vitrine: Vitrine;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'vitrine-examples-'));
  vitrine = await startVitrine({ command: ['start', '--role', 'monitor'], ready: false });
  await until(
    async () => (await fetch(`${vitrine.monitor}/readyz`)).ok || undefined,
    30_000,
    () => vitrine.output(),
  );
}, 40_000);
afterAll(async () => {
  await vitrine[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

interface Service extends AsyncDisposable {
  readonly program: Program;
  readonly url: string;
}

/** Starts the example of that row on a free port, telling the monitor of this test. */
async function start(row: string, more: Record<string, string | undefined> = {}): Promise<Service> {
  const command = commands.get(row);
  if (command === undefined) throw new Error(`examples/README.md has no row "${row}"`);
  const port = await freePort();
  const [file, ...args] = command.words;
  const program = startProgram(file, args, {
    cwd: REPOSITORY,
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: vitrine.otlpHttp,
      OTEL_METRIC_EXPORT_INTERVAL: '300',
      OTEL_METRIC_EXPORT_TIMEOUT: '300',
      OTEL_BSP_SCHEDULE_DELAY: '100',
      ...command.env,
      PORT: String(port),
      ...more,
    },
  });
  const url = `http://127.0.0.1:${port}`;
  try {
    await until(async () => (await fetch(`${url}/orders/7`)).ok || undefined, 20_000, program.output);
  } catch (error) {
    await program.stop();
    throw error;
  }
  return { program, url, [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() };
}

interface Vector {
  readonly data: {
    readonly result: readonly { readonly metric: Record<string, string>; readonly value: [number, string] }[];
  };
}
const query = async (expression: string): Promise<Vector['data']['result']> =>
  (await json<Vector>(`${vitrine.monitor}/api/v1/query?query=${encodeURIComponent(expression)}`)).data.result;
const counted = (job: string, more = ''): Promise<unknown> =>
  until(
    async () => (await query(`http_server_request_duration_seconds_count{job="${job}"${more}} > 0`))[0],
    20_000,
    () => `no requests of ${job} in the monitor`,
  );
const traced = (service: string): Promise<unknown> =>
  until(
    async () => {
      const { traces } = await json<{ traces: unknown[] }>(`${vitrine.monitor}/api/traces?limit=100`);
      return JSON.stringify(traces).includes(service) || undefined;
    },
    20_000,
    () => `no trace of ${service} in the monitor`,
  );

it('has a row for each example, and each row names files that are there', () => {
  expect(commands.size).toBe(6);
  for (const [name, { words, env }] of commands)
    for (const file of [...words, ...Object.values(env)].filter((word) => word.includes('examples/')))
      expect(existsSync(path.join(REPOSITORY, file)), `${file} of ${name}`).toBe(true);
});

describe.skipIf(!built)('under --import vitrine/register', () => {
  it.each([
    ['Express', 'express-orders', ',http_route="/orders/:id"'],
    ['Fastify', 'fastify-orders', ',http_route="/orders/:id"'],
    ['Node.js alone', 'plain-orders', ''],
  ])('%s: metrics, routes and traces arrive', async (row, job, labels) => {
    await using service = await start(row);
    await counted(job, labels);
    await traced(job);
    expect((await fetch(`${service.url}/broken`)).ok).toBe(false);
    expect(await service.program.stop()).not.toBe(1);
  });

  it('a service without the preload is found out', async () => {
    const port = await freePort();
    await using program = startProgram('node', ['examples/plain-node/server.js'], {
      cwd: REPOSITORY,
      env: { PORT: String(port), OTEL_SERVICE_NAME: 'blind-orders' },
    });
    await until(async () => (await fetch(`http://127.0.0.1:${port}/orders/1`)).ok || undefined, 20_000, program.output);
    await program.stop();
    expect(await query('http_server_request_duration_seconds_count{job="blind-orders"}')).toEqual([]);
  });

  it('your own exporter gets the spans', async () => {
    const file = path.join(folder, 'spans.ndjson');
    await using _service = await start('your own exporter', {
      SPANS_FILE: file,
      OTEL_SERVICE_NAME: 'own-exporter',
    });
    const line = await until(
      () => (existsSync(file) ? readFileSync(file, 'utf8').split('\n')[0] : undefined) || undefined,
      20_000,
      () => 'no spans',
    );
    expect(JSON.parse(line)).toMatchObject({ trace: expect.stringMatching(/^[0-9a-f]{32}$/), service: 'own-exporter' });
  });

  it('an exporter that is not there stops the start and says so', async () => {
    const command = commands.get('your own exporter');
    const { code, stderr } = await runToEnd('node', command?.words.slice(1) ?? [], {
      cwd: REPOSITORY,
      env: { OTEL_TRACES_EXPORTER: './examples/custom-exporter/gone.mjs', PORT: '0' },
    });
    expect(code).toBe(3);
    expect(stderr).toContain('gone.mjs');
  });
});

describe.skipIf(!python)('another language, by OTLP', () => {
  it('spans and a histogram arrive under the names of the semantic conventions', async () => {
    await using service = await start('another language, by OTLP');
    const trace = 'a'.repeat(31) + '7';
    await fetch(`${service.url}/orders/9`, { headers: { traceparent: `00-${trace}-${'b'.repeat(16)}-01` } });
    await counted('python-orders', ',http_route="/orders/{id}"');
    await traced('python-orders');
    const one = await until(
      async () => json<unknown>(`${vitrine.monitor}/api/traces/${trace}`),
      10_000,
      () => 'the trace is not continued',
    );
    expect(JSON.stringify(one)).toContain('GET /orders/{id}');
    const { logs } = await until(
      async () => {
        const found = await json<LogsAnswer>(`${vitrine.monitor}/api/logs?trace_id=${trace}`);
        return found.logs.length > 0 ? found : undefined;
      },
      10_000,
      () => 'no log line of the trace',
    );
    expect(logs).toEqual([
      expect.objectContaining({
        traceId: trace,
        message: 'order 9 was read',
        service: 'python-orders',
        severity: 'info',
      }),
    ]);
    const span = JSON.stringify(one).includes(logs[0].spanId);
    expect(span, 'the line names the span beside it').toBe(true);
    const quantile = await query(
      'histogram_quantile(0.9, sum by (le) (http_server_request_duration_seconds_bucket{job="python-orders"}))',
    );
    expect(Number(quantile[0].value[1])).toBeGreaterThan(0);
    expect(service.program.output()).not.toContain('not sent');
    expect(await service.program.stop()).toBe(0);
  });

  it('a monitor that is not there is said and harms nothing', async () => {
    await using service = await start('another language, by OTLP', {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await freePort()}`,
    });
    await until(() => service.program.output().includes('not sent') || undefined, 10_000, service.program.output);
    expect((await fetch(`${service.url}/orders/1`)).ok).toBe(true);
  });
});
