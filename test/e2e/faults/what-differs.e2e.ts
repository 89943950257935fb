/**
 * The comparison of traces on a real Express service over real sockets: a fault that only one tier of customers feels, and a
 * version that asks forty-one times where the one before asked three times.
 */
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TracesAnswer } from '../../../src/monitor/api/contract.ts';
import type { CompareAnswer } from '../../../src/monitor/api/records/contract.ts';
import { randomHex } from '../../../src/base/random.ts';
import { freshDir, startProgram, untilReady, type Program } from '../../support/program.ts';
import { BUILT, freePorts, json, portsEnvironment, REPOSITORY } from '../../support/programs/vitrine-process.ts';
import { until } from '../../support/until.ts';

const APP = path.join(REPOSITORY, 'test/fixtures/express-app');
const REGISTER = path.join(REPOSITORY, 'dist/telemetry/register.js');
const TIERS = ['bronze', 'silver', 'gold'];
/** A timer may end a little early, and the others may be slow on a busy machine. */
const [FAULT_MS, SLOW_MS] = [250, 200];
const AT_ONCE = 12;
const ORDERS = 120;
const PAGES = 25;
/** A test that is repeated must not find the traces of its first run. */
const newName = (): string => `shop-${randomHex(4)}`;

describe('what differs', () => {
  const started = new AsyncDisposableStack();
  let monitor = '';
  let otlp = '';
  beforeAll(async () => {
    const ports = await freePorts();
    const dir = freshDir();
    const vitrine = startProgram(process.execPath, [BUILT, 'start', '--role', 'monitor', '--data', dir], {
      ownDir: dir,
      env: portsEnvironment(ports),
    });
    started.use(vitrine);
    [monitor, otlp] = [`http://127.0.0.1:${ports.monitor}`, `http://127.0.0.1:${ports.otlpHttp}`];
    await untilReady(vitrine, [`${monitor}/readyz`]);
  }, 60_000);
  afterAll(() => started.disposeAsync());

  async function shop(service: string, version: string, stockCalls: number): Promise<string> {
    const app: Program = startProgram(process.execPath, ['--import', REGISTER, 'shop.js'], {
      cwd: APP,
      env: {
        OTEL_SERVICE_NAME: service,
        OTEL_RESOURCE_ATTRIBUTES: `service.version=${version}`,
        OTEL_EXPORTER_OTLP_ENDPOINT: otlp,
        OTEL_BSP_SCHEDULE_DELAY: '200',
        STOCK_CALLS: String(stockCalls),
      },
    });
    started.use(app);
    const port = await until(
      async () => /listening on (\d+)/.exec(app.output())?.[1],
      30_000,
      () => `the shop does not listen\n${app.output()}`,
    );
    return `http://127.0.0.1:${port}`;
  }

  /** Waits until all traces of a filter are there, with as many spans as a whole one has. */
  async function arrived(q: string, count: number, spans: number): Promise<void> {
    const asked = `${monitor}/api/traces?limit=500&q=${encodeURIComponent(q)}`;
    const whole = async (): Promise<number> =>
      (await json<TracesAnswer>(asked)).traces.filter((trace) => trace.spans >= spans).length;
    await until(
      async () => (await whole()) >= count || undefined,
      60_000,
      () => `not all of ${count} traces of ${q} have come`,
    );
  }

  const compared = (parameters: Record<string, string>): Promise<CompareAnswer> =>
    json<CompareAnswer>(`${monitor}/api/traces/compare?${new URLSearchParams(parameters)}`);

  it('names the tier of the customers that a fault slows, before everything else', async () => {
    const service = newName();
    const url = await shop(service, '1.0.0', 3);
    const drill = { method: 'POST', headers: { 'content-type': 'application/json' } };
    await fetch(`${url}/drill`, { ...drill, body: JSON.stringify({ tier: 'gold', ms: FAULT_MS }) });
    const beganMs = Date.now();
    const orders = Array.from({ length: ORDERS }, (_, id) => {
      const about = { tier: TIERS[id % 3], region: id % 2 === 0 ? 'eu' : 'us', campaign: `c${id % 5}` };
      return `${url}/orders/${id}?${new URLSearchParams(about)}`;
    });
    for (let at = 0; at < ORDERS; at += AT_ONCE)
      await Promise.all(orders.slice(at, at + AT_ONCE).map(async (order) => (await fetch(order)).text()));
    const endedMs = Date.now();
    const asked = `service:${service} route:"/orders/:id"`;
    await arrived(asked, ORDERS, 1);

    const slow = await compared({ q: `${asked} duration:>=${SLOW_MS}ms`, against: `${asked} duration:<${SLOW_MS}ms` });
    expect(slow.selection).toBeGreaterThanOrEqual(ORDERS / 3);
    expect(slow.attributes[0]).toMatchObject({ name: 'user.tier', kind: 'attribute' });
    expect(slow.attributes[0].values[0]).toMatchObject({ value: 'gold', baseline: 0 });

    const box = `${beganMs},${endedMs},${SLOW_MS},100000`;
    const drawn = await compared({ q: asked, box });
    expect(drawn.attributes[0].name).toBe('user.tier');
  }, 120_000);

  it('names the call that a new version makes forty-one times instead of three times', async () => {
    const service = newName();
    for (const [version, calls] of [
      ['2.0.0', 3],
      ['2.1.0', 41],
    ] as const) {
      const url = await shop(service, version, calls);
      for (let at = 0; at < PAGES; at += 1) await (await fetch(`${url}/articles`)).text();
      await arrived(`service:${service} version:${version} route:/articles`, PAGES, 1 + 2 * calls);
    }
    const pages = `service:${service} route:/articles`;
    const found = await compared({ q: `${pages} version:2.1.0`, against: `${pages} version:2.0.0` });
    expect(found).toMatchObject({ selection: PAGES, baseline: PAGES });
    expect(found.attributes[0]).toMatchObject({ kind: 'calls', means: { selection: 41, baseline: 3 } });
    expect(found.attributes[0].name).toMatch(/ (?:GET|GET \/stock\/:sku)$/);
  }, 120_000);
});
