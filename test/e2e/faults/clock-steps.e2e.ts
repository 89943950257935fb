/**
 * The wall clock of a whole Vitrine steps by hours, forward and back, as it does when a machine wakes up or NTP corrects a wrong
 * start (libfaketime; the monotonic clock goes on). Rules go on ticking, figures go on being kept, and nobody is alarmed.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as time } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AlertsAnswer } from '../../../src/monitor/api/contract.ts';
import { json, startVitrine, type Vitrine } from '../../support/programs/vitrine-process.ts';
import { until } from '../../support/until.ts';

const LIBRARY = [
  '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1',
  '/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1',
].find(existsSync);
if (LIBRARY === undefined) console.log('skipped: steps of the clock need the Debian package faketime');
/** Each from the true time. The first is back, the second far forward, the third back over both. */
const STEPS_S = [-2 * 3_600, 5 * 3_600, -600, 0];

interface Groups {
  readonly data: { readonly groups: readonly { readonly name: string; readonly lastEvaluation: string }[] };
}

describe.skipIf(LIBRARY === undefined)('steps of the wall clock', () => {
  let vitrine: Vitrine;
  let dir = '';
  const traffic = new AbortController();
  const file = (): string => path.join(dir, 'faketime');
  const stepTo = (seconds: number): void => writeFileSync(file(), `${seconds >= 0 ? '+' : ''}${seconds}s\n`);

  beforeAll(async () => {
    dir = mkdtempSync(path.join(tmpdir(), 'vitrine-clock-'));
    stepTo(0);
    vitrine = await startVitrine({
      env: {
        LD_PRELOAD: LIBRARY ?? '',
        FAKETIME_TIMESTAMP_FILE: file(),
        FAKETIME_NO_CACHE: '1',
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
      },
    });
    void (async () => {
      while (!traffic.signal.aborted) {
        await fetch(`${vitrine.balancer}/api/accounts`).then(
          (response) => response.arrayBuffer(),
          () => {},
        );
        await time(50);
      }
    })();
  });
  afterAll(async () => {
    traffic.abort();
    await vitrine?.[Symbol.asyncDispose]();
    rmSync(dir, { recursive: true, force: true });
  });

  const lastTick = async (): Promise<number> => {
    const { data } = await json<Groups>(`${vitrine.monitor}/api/v1/rules`);
    return Date.parse(data.groups.find(({ name }) => name === 'vitrine-stack')?.lastEvaluation ?? '');
  };
  const requests = async (): Promise<number> => {
    const query = encodeURIComponent('sum(http_server_request_duration_seconds_count{job="vitrine-balancer"})');
    const { data } = await json<{ data: { result: { value: [number, string] }[] } }>(
      `${vitrine.monitor}/api/v1/query?query=${query}`,
    );
    return Number(data.result[0]?.value[1] ?? 0);
  };
  const calm = async (): Promise<void> => {
    const { alerts } = await json<AlertsAnswer>(`${vitrine.monitor}/api/alerts`);
    const loud = alerts.filter(({ severity, firedAtMs }) => severity !== 'info' && firedAtMs !== null);
    expect(loud.map(({ name, reason }) => `${name}: ${reason}`)).toEqual([]);
  };

  it('neither stop the rules nor lose figures nor alarm anybody', { timeout: 240_000 }, async () => {
    await until(
      async () => (await requests()) > 20 || undefined,
      60_000,
      () => 'no figures before the first step',
    );
    for (const seconds of STEPS_S) {
      const [tickBefore, requestsBefore] = [await lastTick(), await requests()];
      stepTo(seconds);
      await until(
        async () => (await lastTick()) > tickBefore || undefined,
        60_000,
        () => `no rule was evaluated after a step to ${seconds} s`,
      );
      // Only a step forward is followed at once; it also shows that the clock was stepped at all.
      if (seconds === STEPS_S[1]) expect((await lastTick()) - tickBefore).toBeGreaterThan(4 * 3_600_000);
      await until(
        async () => (await requests()) >= requestsBefore + 40 || undefined,
        60_000,
        () => `no figures were kept after a step to ${seconds} s`,
      );
      await calm();
    }
  });
});
