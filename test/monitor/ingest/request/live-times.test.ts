/** Live data go on over steps of any process's clock; everything else keeps its times. */
import { describe, expect, it } from 'vitest';
import { steadyClock } from '../../../../src/base/clock.ts';
import type { Frame } from '../../../../src/model/frame.ts';
import { frameSkewMs, shiftedFrame } from '../../../../src/monitor/ingest/request/frame-times.ts';
import { RejectionTally } from '../../../../src/monitor/ingest/checks/rejections.ts';
import { SampleColumns } from '../../../../src/monitor/ingest/metrics/sample-columns.ts';
import { ingestRig, NOW_MS } from '../../../support/telemetry/ingest-bench.ts';
import { movedClock } from '../../../support/moved-clock.ts';

const HOUR = 3_600_000;
const frameAt = (timeMs: number, machineMs: number): Frame => ({
  kind: 'frame',
  sequence: 1,
  timeMs,
  machineMs,
  metrics: [
    {
      name: 'x',
      unit: '',
      description: '',
      kind: 'gauge',
      monotonic: false,
      points: [{ attributes: {}, startMs: 1, endMs: timeMs, value: 1 }],
    },
  ],
  spans: [],
  logs: [],
  skippedFrames: 0,
  droppedSpans: 0,
  droppedLogs: 0,
});

describe('frames', () => {
  it.each([-9 * HOUR, -HOUR, -2_000, 0, 2_000, HOUR])(
    'of a process whose clock differs by %i ms get the time of the monitor, wherever they waited',
    (difference) => {
      const clock = movedClock(NOW_MS);
      // Made seven seconds ago, and taken only now.
      const sent = frameAt(NOW_MS - 7_000 + difference, 50_000);
      const { timeMs, metrics } = shiftedFrame(sent, frameSkewMs(sent, clock, 57_000));
      expect(timeMs).toBe(NOW_MS - 7_000);
      expect(metrics[0].points[0]).toMatchObject({ startMs: 1, endMs: NOW_MS - 7_000 });
    },
  );

  it.each([2_000, HOUR])('that the clock was set back in by %i ms keep the times from before', (step) => {
    const clock = movedClock(NOW_MS);
    const nanos = (ms: number): bigint => BigInt(ms) * 1_000_000n;
    const { metrics: made } = frameAt(NOW_MS - 30, 0);
    const span = {
      startUnixNano: nanos(NOW_MS - 40),
      endUnixNano: nanos(NOW_MS - step - 10),
    } as Frame['spans'][number];
    const sent = { ...frameAt(NOW_MS - step, 50_000), metrics: made, spans: [span] };
    const { timeMs, metrics, spans } = shiftedFrame(sent, frameSkewMs(sent, clock, 50_000));
    expect(timeMs).toBe(NOW_MS);
    expect(metrics[0].points[0].endMs).toBe(NOW_MS - 30);
    expect(spans).toEqual([{ startUnixNano: nanos(NOW_MS - 40), endUnixNano: nanos(NOW_MS - 10) }]);
  });

  it('keep their times when the clocks differ by less than a quarter of a second', () => {
    const sent = frameAt(NOW_MS - 200, 0);
    expect(shiftedFrame(sent, frameSkewMs(sent, movedClock(NOW_MS), 0))).toBe(sent);
  });
});

const metricsAt = (timeMs: number) => [
  {
    key: 'r',
    resource: { 'service.name': 'shop', 'service.instance.id': '1' },
    metrics: [
      {
        name: 'x',
        unit: '',
        description: '',
        kind: 'gauge' as const,
        points: [{ key: '', attributes: {}, startMs: 0, timeMs, stale: false, exemplars: undefined, value: 1 }],
      },
    ],
  },
];

describe('requests of other senders', () => {
  const bench = () => {
    const wall = movedClock(NOW_MS);
    const clock = steadyClock(wall);
    const rig = ingestRig({ clock, aheadMs: () => clock.aheadMs() });
    const times = (series: string): number[] =>
      rig.sinks.samples.labels.flatMap((labels, at) =>
        labels.name === series ? rig.sinks.samples.samples[at].map(({ t }) => t) : [],
      );
    return { wall, clock, rig, times };
  };

  it.each([-9 * HOUR, -600_000, -5_000])('continue after a %i ms step of the whole machine', async (step) => {
    const { wall, rig, times } = bench();
    await rig.intake.metrics(metricsAt(wall.now()), 'otlp_http');
    wall.step(step);
    for (let i = 0; i < 5; i += 1) {
      wall.jump(1_000);
      await rig.intake.metrics(metricsAt(wall.now()), 'otlp_http');
    }
    const seen = times('x');
    expect(seen).toHaveLength(6);
    for (let i = 1; i < 6; i += 1) expect(Math.abs(seen[i] - seen[i - 1] - 950)).toBeLessThanOrEqual(51);
  });

  it('keep their times when their clock made no step, and when they are old', async () => {
    const { wall, rig, times } = bench();
    wall.step(-HOUR);
    await rig.intake.metrics(metricsAt(NOW_MS + 1), 'otlp_http');
    await rig.intake.metrics(metricsAt(NOW_MS - HOUR - 61_000), 'otlp_http');
    expect(times('x')).toEqual([NOW_MS + 1, NOW_MS - HOUR - 61_000]);
  });

  it('are moved in remote write too', async () => {
    const { wall, clock, rig, times } = bench();
    wall.step(-HOUR);
    const { Labels } = await import('../../../../src/model/labels.ts');
    const columns = new SampleColumns();
    columns.add(rig.sinks.samples.resolve(Labels.from({ __name__: 'w' })), wall.now(), 1, false, 0);
    await rig.intake.samples(columns, 1, new RejectionTally(), 'remote_write');
    expect(times('w')).toEqual([Math.round(clock.now())]);
  });
});
