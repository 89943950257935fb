/** Frames of a stack process take the same road as everything else. */
import { describe, expect, it } from 'vitest';
import type { Frame } from '../../../../src/model/frame.ts';
import { FrameReceiver } from '../../../../src/monitor/ingest/request/frames.ts';
import { NOW_MS, NOW_NANOS, ingestRig } from '../../../support/telemetry/ingest-bench.ts';

const point = (
  value: Frame['metrics'][0]['points'][0]['value'],
  attributes = {},
): Frame['metrics'][0]['points'][0] => ({
  attributes,
  startMs: NOW_MS - 5000,
  endMs: NOW_MS,
  value,
});

const frame = (more: Partial<Frame> = {}): Frame => ({
  kind: 'frame',
  sequence: 1,
  timeMs: NOW_MS,
  metrics: [],
  spans: [],
  logs: [],
  skippedFrames: 0,
  droppedSpans: 0,
  droppedLogs: 0,
  ...more,
});

describe('FrameReceiver', () => {
  it('stores metrics, spans and logs with the resource of the first frame', async () => {
    const rig = ingestRig();
    const receiver = new FrameReceiver(rig.intake);
    const resource = { 'service.name': 'vitrine-balancer', 'service.instance.id': 'h:1' };
    const metric = { unit: '', description: '', monotonic: false };
    const histogram = { kind: 'histogram' as const, bounds: [1], counts: [2, 1], sum: 4, count: 3 };
    const buckets = { offset: 0, counts: [1] };
    const exponential = {
      kind: 'exponential' as const,
      scale: 0,
      zeroCount: 0,
      zeroThreshold: 0,
      positive: buckets,
      negative: { offset: 0, counts: [] },
      sum: 1,
      count: 1,
    };
    const metrics: Frame['metrics'] = [
      {
        ...metric,
        name: 'vitrine.cache.lookups',
        kind: 'sum',
        monotonic: true,
        points: [point(3, { 'vitrine.cache.result': 'hit' }), point(1, { 'vitrine.cache.result': 'miss' })],
      },
      { ...metric, name: 'vitrine.balancer.queue.size', kind: 'gauge', points: [point(2), point(histogram)] },
      { ...metric, name: 'd', unit: 's', kind: 'histogram', points: [point(histogram), point(1)] },
      { ...metric, name: 'e', kind: 'exponential_histogram', points: [point(exponential), point(histogram)] },
    ];
    const span = {
      traceId: '1'.repeat(32),
      spanId: '2'.repeat(16),
      parentSpanId: '',
      name: 's',
      kind: 'server' as const,
      startUnixNano: NOW_NANOS,
      endUnixNano: NOW_NANOS,
      status: 'ok' as const,
      statusMessage: '',
      attributes: {},
      events: [],
      links: [],
      scope: { name: '', version: '' },
    };
    const log = {
      timeUnixNano: NOW_NANOS,
      observedUnixNano: NOW_NANOS,
      severityNumber: 9,
      severityText: '',
      body: 'b',
      attributes: {},
      traceId: '',
      spanId: '',
      scope: span.scope,
    };
    expect(await receiver.receive(frame({ resource, metrics }))).toEqual({ accepted: 5, rejected: [] });
    expect(await receiver.receive(frame({ sequence: 2, metrics, spans: [span], logs: [log] }))).toMatchObject({
      accepted: 7,
    });
    const target = 'instance="h:1",job="vitrine-balancer"';
    expect(rig.sinks.samples.last()).toEqual({
      [`vitrine_cache_lookups_total{${target},vitrine_cache_result="hit"}`]: 3,
      [`vitrine_cache_lookups_total{${target},vitrine_cache_result="miss"}`]: 1,
      [`vitrine_balancer_queue_size{${target}}`]: 2,
      [`d_seconds_sum{${target}}`]: 4,
      [`d_seconds_count{${target}}`]: 3,
      [`d_seconds_bucket{${target},le="1"}`]: 2,
      [`d_seconds_bucket{${target},le="+Inf"}`]: 3,
      [`e{${target}}`]: NaN,
    });
    expect(rig.sinks.samples.resolved).toBe(8);
    expect(rig.sinks.spans.spans[0].resource.attributes).toEqual(resource);
    expect(rig.sinks.logs.records[0].resource).toBe(receiver.resource);
    expect(rig.counters.totals().get('accepted traces')).toBe(1);
  });

  it('rejects with the error of the sink, so that the frame is not acknowledged', async () => {
    const rig = ingestRig();
    rig.sinks.samples.verdict = new Error('disk');
    const metrics: Frame['metrics'] = [
      { name: 'g', unit: '', description: '', kind: 'gauge', monotonic: false, points: [point(1)] },
    ];
    await expect(new FrameReceiver(rig.intake).receive(frame({ metrics }))).rejects.toThrow('disk');
    expect(rig.counters.totals().get('rejected metrics queue_full')).toBe(1);
  });
});
