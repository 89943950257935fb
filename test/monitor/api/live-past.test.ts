import { describe, expect, it } from 'vitest';
import { Labels } from '../../../src/model/labels.ts';
import { MemoryStore } from '../../../src/monitor/alerts/rules/memory-store.ts';
import { LiveState } from '../../../src/monitor/api/live.ts';
import { pastOf } from '../../../src/monitor/api/live-past.ts';
import { SampleColumns } from '../../../src/monitor/ingest/metrics/sample-columns.ts';
import { embeddedQuerier } from '../../../src/monitor/promql/embedded.ts';

const NOW = Date.parse('2026-11-20T12:00:00Z');

describe('the sparklines of a monitor that has just started', () => {
  it('show the figures of the store, and its own from then on', async () => {
    const store = new MemoryStore();
    const columns = new SampleColumns();
    const add = (name: string, labels: Record<string, string>, perSecond: number): void => {
      const ref = store.resolve(Labels.from({ __name__: name, job: 'vitrine-balancer', instance: 'a', ...labels }));
      for (let s = -600; s <= -60; s += 1) columns.add(ref, NOW + s * 1_000, perSecond * (s + 600), false, 0);
    };
    const requests = 'http_server_request_duration_seconds';
    add(`${requests}_count`, { http_response_status_code: '200' }, 8);
    add(`${requests}_count`, { http_response_status_code: '502' }, 2);
    add(`${requests}_sum`, {}, 1);
    for (const [le, share] of [
      ['0.1', 5],
      ['0.2', 10],
      ['+Inf', 10],
    ] as const)
      add(`${requests}_bucket`, { le }, share);
    add('vitrine_cache_lookups_total', { vitrine_cache_result: 'hit' }, 3);
    add('vitrine_cache_lookups_total', { vitrine_cache_result: 'miss' }, 1);
    add('process_cpu_time_seconds_total', {}, 0.25);
    await store.append(columns.batch());
    const live = new LiveState();
    live.remember(await pastOf(embeddedQuerier(store), live.history(NOW)));
    const history = live.history(NOW);
    const at = history.timesMs.indexOf(NOW - 300_000);
    const figures = Object.entries(history).map(([name, list]) => [name, Array.isArray(list) ? list[at] : list]);
    expect(Object.fromEntries(figures)).toEqual({
      stepMs: 15_000,
      timesMs: NOW - 300_000,
      requestsPerSecond: 10,
      serverRequestsPerSecond: null,
      averageSeconds: 0.1,
      p95Seconds: 0.19,
      errorRatio: 0.2,
      hitRatio: 0.75,
      cpuCores: 0.25,
    });
    // Nothing was there before, and nothing is made up for the time without a monitor.
    expect([history.requestsPerSecond[0], history.requestsPerSecond.at(-1)]).toEqual([null, null]);
    // The window moves on.
    expect(live.history(NOW + 60_000).requestsPerSecond[at - 4]).toBe(10);
  });
});
