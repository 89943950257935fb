/** The processes of a command under `run`: each reports for itself, all hear the end, and none is left. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { freshDir } from '../support/program.ts';
import { until } from '../support/until.ts';
import {
  freePorts,
  json,
  MAIN,
  portsEnvironment,
  startVitrine,
  type Vitrine,
} from '../support/programs/vitrine-process.ts';
import { arePackagesInstalled, packagesFolder } from './harness/packages.ts';

const LIMIT_MS = 60_000;

function processesWith(mark: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const line = `${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')}`;
        return line.includes(mark) ? [line] : [];
      } catch {
        return [];
      }
    });
}

const allGone = (mark: string): Promise<boolean> =>
  until(
    () => processesWith(mark).length === 0,
    20_000,
    () => `left: ${processesWith(mark).join('\n')}`,
  );

function appFile(text: string): string {
  const file = path.join(freshDir('app'), 'app.cjs');
  writeFileSync(file, text);
  return file;
}

const SERVE =
  "require('node:http').createServer((q, r) => r.end('ok')).listen(process.env.PORT, () => console.log('app is up'));";
const CLUSTER = `const c = require('node:cluster'); if (c.isPrimary) { for (let i = 0; i < 3; i++) c.fork(); } else ${SERVE}`;
const THREAD = `new (require('node:worker_threads').Worker)('setInterval(() => {}, 500)', { eval: true }); ${SERVE}`;

interface Vector {
  readonly data: {
    readonly result: readonly { readonly metric: Record<string, string>; readonly value: [number, string] }[];
  };
}

const query = async (it: Vitrine, expr: string): Promise<Vector['data']['result']> =>
  (await json<Vector>(`${it.monitor}/api/v1/query?query=${encodeURIComponent(expr)}`)).data.result;

const untilUp = (it: Vitrine): Promise<boolean> =>
  until(async () => (await fetch(it.balancer)).ok, LIMIT_MS, it.output);

/** Sends requests to a command under `run` until the sum over its instances is the balancer's count; gives the instances. */
async function countedInstances(
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
  requests = 40,
): Promise<string[]> {
  await using it = await startVitrine({
    command: ['run', '--', ...command],
    env: { OTEL_SERVICE_NAME: 'counted', ...env },
  });
  await untilUp(it);
  for (let i = 0; i < requests; i += 1) await fetch(it.balancer);
  const series = await until(
    async () => {
      const found = await query(it, 'sum by (instance) (http_server_request_duration_seconds_count{job="counted"})');
      const sum = found.reduce((total, { value }) => total + Number(value[1]), 0);
      // The requests until it was up count too.
      return sum >= requests + 1 ? found : undefined;
    },
    LIMIT_MS,
    it.output,
  );
  const [balancer] = await query(
    it,
    'sum(http_server_request_duration_seconds_count{job="vitrine-balancer",http_response_status_code="200"})',
  );
  expect(series.reduce((total, { value }) => total + Number(value[1]), 0)).toBe(Number(balancer.value[1]));
  return series.map(({ metric }) => metric['instance']).sort();
}

describe('who reports', () => {
  test.each([
    ['a cluster of three', CLUSTER, /^[^/]+:\d+\/\d+$/],
    ['a server with a worker thread', THREAD, /^[^/]+:\d+$/],
  ])(
    '%s: the sum over its instances is the count of the client',
    async (_name, text, instance) => {
      const instances = await countedInstances([process.execPath, appFile(text)]);
      expect(instances.length).toBeGreaterThan(0);
      for (const each of instances) expect(each).toMatch(instance);
    },
    150_000,
  );

  test.skipIf(!arePackagesInstalled()).each([
    ['two workers of pm2-runtime', ['-i', '2'], ['/0', '/1']],
    ['one fork of pm2-runtime', [], ['/0']],
  ])(
    '%s have an instance each, and pm2 itself has none',
    async (_name, flags, indexes) => {
      const pm2 = path.join(packagesFolder(), '.bin/pm2-runtime');
      const home = freshDir('pm2');
      const instances = await countedInstances([pm2, appFile(SERVE), ...flags], { PM2_HOME: home });
      expect(instances.map((each) => each.slice(each.lastIndexOf('/')))).toEqual(indexes);
      for (const each of instances) expect(each).toMatch(/^[^/]+:\d+\/\d$/);
    },
    180_000,
  );
});

test('a second port is named, and the first one keeps the requests', async () => {
  const text =
    "const h = require('node:http'); h.createServer((q, r) => r.end('first')).listen(0, () => setTimeout(() => { const s = h.createServer((q, r) => r.end('second')).listen(0, () => console.log('second is', s.address().port)); }, 500));";
  await using it = await startVitrine({ command: ['run', '--', process.execPath, appFile(text)] });
  const port = await until(() => /second is (\d+)/.exec(it.output())?.[1], LIMIT_MS, it.output);
  await until(() => it.output().includes(`"--upstream-port ${port}"`), LIMIT_MS, it.output);
  expect(await (await fetch(it.balancer)).text()).toBe('first');
}, 120_000);

describe('the end', () => {
  const start = async (text: string) => {
    const dir = freshDir();
    const file = path.join(dir, 'app.cjs');
    writeFileSync(file, text);
    const child = spawn(
      process.execPath,
      [MAIN, 'run', '--data', path.join(dir, 'data'), '--', process.execPath, file],
      {
        env: { ...process.env, NODE_OPTIONS: '', ...portsEnvironment(await freePorts()) },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    await until(
      () => output.includes('app is up'),
      LIMIT_MS,
      () => output,
    );
    return { child, dir, ended };
  };

  test('nothing is left when `run` itself is killed', async () => {
    const { child, dir } = await start(
      `require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', __filename]); ${SERVE}`,
    );
    child.kill('SIGKILL');
    await allGone(dir);
  }, 120_000);

  test('children of a command that has ended end too', async () => {
    const { dir, ended } = await start(
      `require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', __filename], { detached: true, stdio: 'ignore' }).unref(); console.log('app is up'); setTimeout(() => process.exit(6), 500);`,
    );
    expect(await ended).toBe(6);
    await allGone(dir);
  }, 120_000);

  test('a second interrupt ends a command that ignores the first', async () => {
    const { child, dir, ended } = await start(`process.on('SIGINT', () => console.log('ignored')); ${SERVE}`);
    child.kill('SIGINT');
    child.kill('SIGINT');
    // Node merges two signals that are pending at once.
    const again = setInterval(() => child.kill('SIGINT'), 500);
    expect(await ended).toBe(137);
    clearInterval(again);
    await allGone(dir);
  }, 120_000);
});
