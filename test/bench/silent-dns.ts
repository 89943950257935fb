/**
 * A name server that never answers, under a whole monitor: `node test/bench/silent-dns.ts [seconds]`. 250 targets have names that only
 * that server could tell, 250 ask it as a check of their own; 500 others are good. Counted are the evaluations of a rule group of one
 * second, and how late the good targets were asked. Goal: no evaluation missed, no good check later than a second. The monitor runs in
 * a mount namespace with a resolv.conf of its own (root, `unshare`). Needs `dist/` (npm run build).
 */
import { spawnSync } from 'node:child_process';
import dgram from 'node:dgram';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { freshDir } from '../support/program.ts';
import { startMonitorProcess } from '../support/programs/monitor-process.ts';
import { json } from '../support/programs/vitrine-process.ts';
import { until } from '../support/until.ts';

const SERVER = '127.0.0.9';
const INTERVAL_MS = 10_000;
const GOAL_LATE_MS = 1_000;

if (process.env['SILENT_RESOLV'] === undefined) {
  const file = path.join(freshDir('vitrine-resolv'), 'resolv.conf');
  writeFileSync(file, `nameserver ${SERVER}\n`);
  const bound = 'mount --bind "$SILENT_RESOLV" /etc/resolv.conf && exec "$@"';
  const { status } = spawnSync(
    'unshare',
    ['-m', 'sh', '-c', bound, '_', process.execPath, import.meta.filename, ...process.argv.slice(2)],
    { stdio: 'inherit', env: { ...process.env, SILENT_RESOLV: file } },
  );
  process.exitCode = status ?? 1;
} else await measure(Number(process.argv[2] ?? 60));

async function measure(seconds: number): Promise<void> {
  let asked = 0;
  const silent = dgram.createSocket('udp4', () => (asked += 1));
  await new Promise<void>((resolve) => silent.bind(53, SERVER, resolve));
  const at = new Map<string, number[]>();
  const server = createServer(({ url = '' }, response) => {
    const times = at.get(url);
    if (times === undefined) at.set(url, [performance.now()]);
    else times.push(performance.now());
    response.end('good');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const common = { interval: `${INTERVAL_MS}ms`, timeout: '5s' };
  const each = (count: number, one: (n: number) => object): object[] =>
    Array.from({ length: count }, (_, n) => ({ ...common, ...one(n) }));
  const targets = [
    ...each(250, (n) => ({ name: `name-${n}`, url: `http://host-${n}.shop.test/` })),
    ...each(250, (n) => ({ name: `dns-${n}`, dns: { server: SERVER, name: `q${n}.shop.test` } })),
    ...each(500, (n) => ({ name: `good-${n}`, url: `http://127.0.0.1:${port}/${n}` })),
  ];
  const dir = freshDir('vitrine-silent');
  const rules = [{ record: 'bench_tick', expr: 'vector(time())' }];
  writeFileSync(path.join(dir, 'rules.yml'), JSON.stringify({ groups: [{ name: 'tick', interval: '1s', rules }] }));
  await using monitor = await startMonitorProcess({
    dir,
    built: true,
    config: JSON.stringify({ rules: ['rules.yml'], targets }),
  });
  const down = async (): Promise<number> =>
    (await json<{ targets: unknown[] }>(`${monitor.url}/api/targets?state=down`)).targets.length;
  await until(async () => (await down()) >= 500, 120_000);

  at.clear();
  const before = asked;
  const beginMs = Date.now();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  const query = `bench_tick[${Math.round((Date.now() - beginMs) / 1_000)}s]`;
  const { data } = await json<{ data: { result: { values: [number, string][] }[] } }>(
    `${monitor.url}/api/v1/query?${new URLSearchParams({ query, time: String(Date.now() / 1_000) })}`,
  );
  const ticks = data.result[0].values.map(([time]) => time);
  const gaps = ticks.slice(1).map((time, n) => (time - ticks[n]) * 1_000);
  // A jitter of 2 % either way is the schedule's own.
  const allowed = INTERVAL_MS * 1.04;
  const late = [...at.values()].flatMap((times) => times.slice(1).map((time, n) => time - times[n] - allowed));
  const figures = {
    silent_questions_per_second: Number(((asked - before) / seconds).toFixed(1)),
    rule_evaluations: ticks.length,
    longest_between_ms: Math.max(...gaps),
    good_checks: late.length,
    late_max_ms: Math.max(0, Math.round(Math.max(...late))),
    targets_down: await down(),
  };
  console.log(JSON.stringify(figures));
  silent.close();
  server.closeAllConnections();
  server.close();
  const isKept = figures.longest_between_ms <= 1_500 && figures.late_max_ms <= GOAL_LATE_MS;
  process.exitCode = isKept && figures.targets_down === 500 ? 0 : 5;
}
