/**
 * What readers of the status page cost: `node test/bench/page/status.ts [readers] [seconds] [components]`. Each reader loads the
 * page again once a minute, at a moment of its own; half of them as browsers do, with the tag of the last answer. The page is
 * made of 90 days with outages for each component. The port runs in a process of its own, and only that one is measured.
 */
import { fork } from 'node:child_process';
import { Agent, createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as time } from 'node:timers/promises';
import { systemClock } from '../../../src/base/clock.ts';
import { statusPageConfig } from '../../../src/monitor/status/config.ts';
import { statusListener } from '../../../src/monitor/status/listener.ts';
import { Notices, STATUS_OWNER } from '../../../src/monitor/status/notices.ts';
import { Publisher } from '../../../src/monitor/status/publisher.ts';
import { openStateDatabase } from '../../../src/monitor/store/state/state-database.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import type { Run } from '../../../src/monitor/targets/history/runs.ts';
import { freshDir } from '../../support/program.ts';
import { cpuSeconds } from '../../support/programs/process-cost.ts';

const DAY_MS = 86_400_000;
const EVERY_MS = 60_000;
const [readers = 1_000, seconds = 60, components = 20] = process.argv.slice(2).map(Number);

/** An outage of ten minutes every third day. */
function runsOf(nowMs: number): Run[] {
  const runs: Run[] = [];
  for (let fromMs = nowMs - 90 * DAY_MS; fromMs < nowMs; fromMs += 3 * DAY_MS) {
    runs.push({ fromMs, toMs: fromMs + 600_000, state: 'down' });
    runs.push({ fromMs: fromMs + 600_000, toMs: Math.min(nowMs, fromMs + 3 * DAY_MS), state: 'up' });
  }
  return runs;
}

function serve(): void {
  const dir = freshDir('status-bench');
  const state = openStateDatabase({ dir, owners: [STATUS_OWNER], clock: systemClock, logger: silentLogger });
  const config = statusPageConfig.parse({
    components: Array.from({ length: components }, (_, at) => ({ name: `Component ${at}`, targets: [`target-${at}`] })),
  });
  const runs = runsOf(Date.now());
  const publisher = new Publisher({
    config,
    targets: {
      now: () => ({ state: 'up', maintenance: false }),
      past: (_, { fromMs }) => ({ runs: runs.filter(({ toMs }) => toMs > fromMs), maintenance: [] }),
    },
    notices: new Notices(state),
    announced: () => [],
    clock: systemClock,
    onError(error) {
      throw error;
    },
  });
  const server = createServer(statusListener(publisher));
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
}

async function measure(): Promise<void> {
  const child = fork(import.meta.filename, [readers, seconds, components].map(String).concat('serve'));
  const port = await new Promise<number>((resolve) => child.once('message', (message) => resolve(message as number)));
  const agent = new Agent({ keepAlive: true, maxSockets: Infinity });
  let [answers, unchanged, bytes] = [0, 0, 0];
  const read = (tag: string | undefined): Promise<string> =>
    new Promise((resolve, reject) => {
      const headers = { 'accept-encoding': 'gzip', ...(tag === undefined ? {} : { 'if-none-match': tag }) };
      get({ port, host: '127.0.0.1', agent, headers }, (response) => {
        answers += 1;
        if (response.statusCode === 304) unchanged += 1;
        response.on('data', (part: Buffer) => (bytes += part.length));
        response.on('end', () => resolve(response.headers.etag ?? ''));
      }).on('error', reject);
    });
  await read(undefined);
  const before = cpuSeconds(child.pid ?? 0);
  const endMs = performance.now() + seconds * 1_000;
  const reader = async (at: number): Promise<void> => {
    await time((at / readers) * EVERY_MS);
    for (let tag: string | undefined; performance.now() < endMs; await time(EVERY_MS)) {
      const last = await read(tag);
      tag = at % 2 === 0 ? last : undefined;
    }
  };
  for (let at = 0; at < readers; at += 1) reader(at).catch(() => {});
  await time(seconds * 1_000);
  const share = (cpuSeconds(child.pid ?? 0) - before) / seconds;
  console.log(
    `${readers} readers, each once a minute, ${components} components: ${(share * 100).toFixed(2)} % of a core; ` +
      `${answers} answers, ${unchanged} unchanged, ${(bytes / Math.max(1, answers - unchanged) / 1_024).toFixed(1)} KiB each`,
  );
  child.kill();
  agent.destroy();
  process.exit(0);
}

if (process.argv.at(-1) === 'serve') serve();
else await measure();
