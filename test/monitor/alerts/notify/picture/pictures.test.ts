import { describe, expect, it } from 'vitest';
import { Labels } from '../../../../../src/model/labels.ts';
import type { Querier, QueryResult } from '../../../../../src/model/ports.ts';
import {
  chartSvg,
  HEIGHT,
  WIDTH,
  type AlertChart,
} from '../../../../../src/monitor/alerts/notify/picture/chart-svg.ts';
import { LIMIT_MS, Pictures, type PictureResult } from '../../../../../src/monitor/alerts/notify/picture/pictures.ts';
import { pngOf } from '../../../../../src/monitor/alerts/notify/picture/png.ts';
import { shortNumber, ticksOf, timeTicksOf } from '../../../../../src/monitor/alerts/notify/picture/ticks.ts';
import type { StoredAlert } from '../../../../../src/monitor/alerts/notify/steps/intake.ts';
import { parseRuleFile } from '../../../../../src/monitor/alerts/rules/file.ts';
import type { AlertingSpec } from '../../../../../src/monitor/alerts/rules/spec.ts';
import { embeddedQuerier } from '../../../../../src/monitor/promql/embedded.ts';
import { movedClock } from '../../../../support/moved-clock.ts';
import { MemorySource } from '../../../../support/promql/memory-source.ts';

const START = Date.UTC(2026, 10, 30, 12, 0, 0);
const MINUTE = 60_000;

const chart = (more: Partial<AlertChart> = {}): AlertChart => ({
  title: 'ErrorRate  service=checkout',
  subtitle: '0.23 (limit > 0.1), since 2026-11-30 12:20 UTC',
  lines: [
    {
      t: Array.from({ length: 60 }, (_point, i) => START + i * 30_000),
      v: Array.from({ length: 60 }, (_point, i) => (i > 40 ? 0.2 + i / 1_000 : 0.03 + (i % 5) / 500)),
    },
  ],
  limits: [{ op: '>', limit: 0.1 }],
  fromMs: START,
  toMs: START + 30 * MINUTE,
  stepMs: 30_000,
  beganMs: START + 20 * MINUTE,
  ...more,
});

describe('the drawing', () => {
  it('has the line of the limit, the side on which the rule fires, and the time of the beginning', () => {
    const svg = chartSvg(chart());
    expect(svg).toContain('&gt; 0.1</text>');
    expect(svg).toContain('stroke-dasharray="6 4"');
    expect(svg).toContain('fill-opacity="0.08"');
    expect(svg).toContain('alert began');
    expect(svg).toContain('ErrorRate  service=checkout');
  });

  it('becomes a PNG with letters, whatever the texts are', async () => {
    const hostile = '<script>&"\'\u0000\u0007\ud800\uffff \u202e]]> ÄЖΩ';
    const png = await pngOf(chartSvg(chart({ title: hostile, subtitle: hostile })));
    expect(png.subarray(0, 8).toString('latin1')).toBe('\u0089PNG\r\n\u001a\n');
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([WIDTH, HEIGHT]);
    const blank = await pngOf(chartSvg(chart({ title: '', subtitle: '' })));
    // The letters are drawn: without a font both pictures would be the same.
    expect(png.equals(blank)).toBe(false);
    expect(png.length).toBeLessThan(60_000);
  });

  it('leaves gaps where there is no value, and says when there is nothing', () => {
    const [line] = chart().lines;
    const gap = { t: [line?.t[0] ?? 0, line?.t[1] ?? 0, line?.t[9] ?? 0], v: [1, 2, 3] };
    expect(
      chartSvg(chart({ lines: [gap] }))
        .match(/d="M[^"]*"/g)
        ?.some((path) => path.split('M').length === 3),
    ).toBe(true);
    expect(chartSvg(chart({ lines: [] }))).toContain('no data in this time');
    expect(chartSvg(chart({ lines: [{ t: [START], v: [NaN] }] }))).toContain('no data in this time');
  });

  it.each([
    ['a limit far above the values', [{ op: '>', limit: 1e6 }], 'outside'],
    ['a limit below', [{ op: '<', limit: 0.01 }], '&lt; 0.01'],
    ['a limit that is no number', [{ op: '>', limit: NaN }], '<svg'],
    ['an equation', [{ op: '==', limit: 0 }], '== 0'],
  ] as const)('draws %s', (_name, limits, expected) => {
    const svg = chartSvg(chart({ limits }));
    expect(svg).toContain(expected);
    expect(svg).not.toMatch(/NaN|Infinity/);
  });

  it.each([[[1e300, -1e300]], [[0, 0]], [[-5, -1]], [[1e-9, 2e-9]], [[Infinity, 1]]])('scales to %j', (v) => {
    const svg = chartSvg(chart({ lines: [{ t: [START, START + 1_000], v }], limits: [] }));
    expect(svg).not.toMatch(/NaN|Infinity/);
  });

  it('draws ten lines at most', () => {
    const [line] = chart().lines;
    const svg = chartSvg(chart({ lines: Array.from({ length: 500 }, () => line ?? { t: [], v: [] }) }));
    expect(svg.match(/stroke-linejoin/g)).toHaveLength(10);
  });

  it('has round numbers and times at its axes', () => {
    expect(ticksOf(0, 0.23).map(({ text }) => text)).toEqual(['0', '0.1', '0.2', '0.3']);
    expect(ticksOf(0, 12_000).map(({ text }) => text)).toEqual(['0', '5000', '10k', '15k']);
    expect(ticksOf(-1, 1).map(({ text }) => text)).toEqual(['-1', '-0.5', '0', '0.5', '1']);
    expect(shortNumber(3_456_789)).toBe('3.46M');
    expect(timeTicksOf(START + 1, START + 30 * MINUTE).map(({ text }) => text)).toEqual([
      '12:05',
      '12:10',
      '12:15',
      '12:20',
      '12:25',
      '12:30',
    ]);
    expect(timeTicksOf(START, START + 7 * 86_400_000)[0]?.text).toBe('12-01');
    expect(timeTicksOf(START, START + 1e12).length).toBeLessThanOrEqual(9);
  });
});

const RULE = `groups: [{ name: g, rules: [{ alert: Load, expr: 'load{job="a"} > 5 and load > 1', labels: { severity: critical } }] }]`;
const spec = parseRuleFile(RULE, 'r.yaml')[0]?.rules[0] as AlertingSpec;

const alert = (more: Partial<StoredAlert> = {}): StoredAlert => ({
  labels: Labels.from({ alertname: 'Load', severity: 'critical', job: 'a', instance: 'h1' }),
  fingerprint: 'f1',
  annotations: {},
  startsAtMs: START,
  endsAtMs: START + 3_600_000,
  updatedAtMs: START,
  isTimeout: false,
  generatorUrl: '',
  value: 7,
  threshold: '> 5',
  ...more,
});

interface Rig {
  readonly pictures: Pictures;
  readonly results: PictureResult[];
  readonly svgs: string[];
  readonly clock: ReturnType<typeof movedClock>;
  readonly failures: unknown[];
}

function rigOf(querier: Querier, png?: (svg: string) => Promise<Buffer>): Rig {
  const [results, svgs, failures]: [PictureResult[], string[], unknown[]] = [[], [], []];
  const clock = movedClock(START + 10 * MINUTE);
  const pictures = new Pictures({
    clock,
    sources: () => ({ querier, ruleOf: (labels) => (labels.get('alertname') === 'Load' ? spec : undefined) }),
    png: (svg) => {
      svgs.push(svg);
      return png === undefined ? Promise.resolve(Buffer.from('png')) : png(svg);
    },
    count: (result) => results.push(result),
    onFailure: (error) => failures.push(error),
  });
  return { pictures, results, svgs, clock, failures };
}

const never = (): Promise<never> => new Promise(() => {});
const querierOf = (range: () => Promise<QueryResult>): Querier => ({ range }) as unknown as Querier;

describe('pictures of alerts', () => {
  it('draw the figure of the rule for the series of the alert, with the limit of the rule', async () => {
    const source = new MemorySource();
    const times = Array.from({ length: 41 }, (_point, i) => START + (i - 30) * MINUTE);
    for (const instance of ['h1', 'h2']) {
      const labels = Labels.from({ __name__: 'load', job: 'a', instance });
      source.add(
        labels,
        times.map((t, i) => ({ t, v: instance === 'h1' ? i / 5 : 100 })),
      );
    }
    const { pictures, svgs, results } = rigOf(embeddedQuerier(source));
    expect(await pictures.of(alert())).toEqual({
      png: Buffer.from('png'),
      alt: 'Chart of Load: 7 (limit > 5), since 2026-11-30 12:00 UTC',
    });
    expect(results).toEqual(['drawn']);
    expect(svgs[0]).toContain('Load  instance=h1 job=a');
    expect(svgs[0]).toContain('&gt; 5</text>');
    // The condition after `and` is no limit of the figure.
    expect(svgs[0]).not.toContain('&gt; 1</text>');
    // One line: the other host is not this alert, and its 100 would stretch the axis.
    expect(svgs[0]?.match(/stroke-linejoin/g)).toHaveLength(1);
    expect(svgs[0]).not.toContain('>100<');
  });

  it('share a drawing for ten seconds', async () => {
    const rig = rigOf(
      querierOf(() => Promise.resolve({ value: { kind: 'matrix', series: [] }, warnings: [], infos: [] })),
    );
    await Promise.all([rig.pictures.of(alert()), rig.pictures.of(alert())]);
    await rig.pictures.of(alert());
    expect(rig.svgs).toHaveLength(1);
    rig.clock.jump(11_000);
    await rig.pictures.of(alert());
    expect(rig.svgs).toHaveLength(2);
  });

  it.each([
    ['the query hangs', (): Rig => rigOf(querierOf(never))],
    [
      'the drawing hangs',
      (): Rig =>
        rigOf(
          querierOf(() => Promise.resolve({ value: { kind: 'matrix', series: [] }, warnings: [], infos: [] })),
          never,
        ),
    ],
  ])('are given up in time when %s', async (_name, make) => {
    const { pictures, clock, results } = make();
    const asked = [1, 2, 3, 4].map((at) => pictures.of(alert({ fingerprint: `f${at}` })));
    await clock.advance(LIMIT_MS);
    expect(await Promise.all(asked)).toEqual([undefined, undefined, undefined, undefined]);
    expect(results).toEqual(['late', 'late', 'late', 'late']);
  });

  it('refuse more than can wait', async () => {
    const { pictures, clock, results } = rigOf(querierOf(never));
    const asked = Array.from({ length: 60 }, (_one, at) => pictures.of(alert({ fingerprint: `f${at}` })));
    await clock.advance(LIMIT_MS);
    await Promise.all(asked);
    expect(results.filter((one) => one === 'busy')).toHaveLength(8);
    expect(results.filter((one) => one === 'late')).toHaveLength(52);
  });

  it('are absent for alerts of other programs, and when the drawing fails', async () => {
    const failing = rigOf(querierOf(() => Promise.reject(new Error('no'))));
    expect(await failing.pictures.of(alert({ labels: Labels.from({ alertname: 'Foreign' }) }))).toBeUndefined();
    expect(failing.results).toEqual([]);
    expect(await failing.pictures.of(alert())).toBeUndefined();
    expect(failing.results).toEqual(['failed']);
    expect(failing.failures).toHaveLength(1);
  });
});
