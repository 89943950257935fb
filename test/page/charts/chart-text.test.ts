import { describe, expect, it } from 'vitest';
import { meanOfEither, observationsOf, quantileOfEither } from '../../../src/dashboards/queries.ts';
import type { ChartAnswer } from '../../../src/monitor/api/charts/contract.ts';
import { axisRange, columnsOf, isolated, nearest } from '../../../src/page/charts/chart-model.ts';
import type { TimeChartProps } from '../../../src/page/charts/chart-model.ts';
import { dotsOf, MAX_DOTS } from '../../../src/page/charts/data/exemplars.ts';
import { csvCell, csvOf, curlOf, fileName, promqlOf } from '../../../src/page/charts/data/export-text.ts';
import { figureOf, scaleFor, ucumOf, unitOfExpr } from '../../../src/page/charts/data/unit-scale.ts';
import { earlierBy } from '../../../src/page/charts/data/compare.ts';
import { alertName, apiRuleOf, ruleFileOf, type ChartRule } from '../../../src/page/charts/data/rule-file.ts';
import { pinchedRange } from '../../../src/page/charts/touch.ts';
import { parseRuleFile } from '../../../src/monitor/alerts/rules/file.ts';

const ruleOf = (title: string, expr: string, above: number): ChartRule => ({
  name: alertName(title),
  title,
  expr,
  above,
});

describe('two fingers', () => {
  it('zoom so that what lay under each stays under it', () => {
    // From 100 to 200 of 400 px, then from 50 to 250: twice as large, around the same times.
    expect(pinchedRange([0, 4_000], 400, { fromX: 100, toX: 200 }, { fromX: 50, toX: 250 })).toEqual([750, 2_750]);
  });

  it('move the range when they stay as far apart, and never ask for one without an end', () => {
    expect(pinchedRange([0, 4_000], 400, { fromX: 100, toX: 200 }, { fromX: 200, toX: 300 })).toEqual([-1_000, 3_000]);
    const [from, to] = pinchedRange([0, 4_000], 400, { fromX: 100, toX: 300 }, { fromX: 200, toX: 200 });
    expect([Number.isFinite(from), Number.isFinite(to), to > from]).toEqual([true, true, true]);
  });
});

describe('units', () => {
  it.each([
    ['s', 3e-9, 'ns', 3],
    ['s', 5e-5, 'µs', 50],
    ['s', 0.268, 'ms', 268],
    ['s', 1.18, 'ms', 1_180],
    ['s', 42, 's', 42],
    ['s', 600, 'min', 10],
    ['s', 18_000, 'h', 5],
    ['s', 400_000, 'd', 4.63],
    ['s', 0, 'ms', 0],
    ['ms', 3_000, 'ms', 3_000],
    ['us', 7, 'µs', 7],
    ['ns', 2e10, 's', 20],
    ['By', 2_048, 'KiB', 2],
    ['By', 100, 'B', 100],
    ['By/s', 3_145_728, 'MiB/s', 3],
    ['1', 0.0163, '%', 1.63],
    ['{request}/s', 120, 'req/s', 120],
    ['1/s', 2, '/s', 2],
    ['s/s', 2, 's/s', 2],
    ['{cpu}', 0.4, 'cores', 0.4],
    ['', 12, '', 12],
    ['{item}', 3, 'item', 3],
  ])('of %s up to %d are in %s', (unit, largest, word, value) => {
    const scale = scaleFor(unit, largest);
    expect(scale.unit).toBe(word);
    expect(Number((largest * scale.factor).toPrecision(3))).toBe(value);
  });

  it('follow from the panel, the name or the form of an expression', () => {
    expect(ucumOf('requests_per_second')).toBe('{request}/s');
    expect(ucumOf('By/s')).toBe('By/s');
    expect(figureOf(null, 's')).toEqual({ value: '–', unit: '' });
    expect(figureOf(Infinity, 's')).toEqual({ value: '–', unit: '' });
    expect(scaleFor('s', NaN)).toEqual({ factor: 1e3, unit: 'ms' });
  });

  it.each([
    ['histogram_quantile(0.95, sum by (le) (rate(a_seconds_bucket[1m])))', 's'],
    ['sum(rate(a_total[1m]))', '1/s'],
    ['sum(rate(a_bytes_total{x="/"}[1m]))', 'By/s'],
    ['rate(process_cpu_time_seconds_total[1m])', '{cpu}'],
    ['a_seconds_sum / a_seconds_count', 's'],
    [observationsOf('a_seconds', { by: 'job' }), '1/s'],
    [meanOfEither('a_seconds', { by: 'job' }), 's'],
    [quantileOfEither(0.5, 'a_seconds', { by: '' }), 's'],
    ['histogram_count(a_seconds)', ''],
    ['sum(rate(a_total[1m])) / sum(rate(b_total[1m]))', ''],
    ['a_ratio', '1'],
    ['node_bytes', 'By'],
    ['up', ''],
    ['rate(up[1m])', ''],
  ])('of %s are %s', (expr, unit) => expect(unitOfExpr(expr)).toBe(unit));
});

const data = {
  timesMs: [0, 15_000],
  lines: [
    { key: 'a', name: '=cmd|"x"', labels: {}, query: 0, colour: 's1', main: false, values: [1.5, null] },
    { key: 'b', name: 'b,c', labels: {}, query: 0, colour: 's2', main: false, values: [undefined, -2] },
  ],
  stepMs: 15_000,
  fromMs: 0,
  toMs: 15_000,
};

describe('exports', () => {
  it.each([
    ['=1+1', "'=1+1"],
    ['+a', "'+a"],
    ['-a', "'-a"],
    ['@a', "'@a"],
    ['\ta', "'\ta"],
    ['a "b"', '"a ""b"""'],
    ['a\nb', '"a\nb"'],
    ['=a,b', '"\'=a,b"'],
    [-2, '-2'],
    [null, ''],
    [undefined, ''],
  ])('write the cell %j as %j', (value, cell) => expect(csvCell(value)).toBe(cell));

  it('have units and zone in the head of the CSV', () => {
    expect(csvOf(data, 's')).toBe(
      'time (UTC),"\'=cmd|""x"" (s)","b,c (s)"\r\n1970-01-01T00:00:00.000Z,1.5,\r\n1970-01-01T00:00:15.000Z,,-2\r\n',
    );
    expect(csvOf({ ...data, lines: [] }, '')).toContain('time (UTC)\r\n');
    expect(fileName('Latency / p95', Date.UTC(2026, 0, 2, 3, 4), 'csv')).toBe('latency-p95-2026-01-02T03-04.csv');
    expect(fileName('?', 0, 'png')).toBe('chart-1970-01-01T00-00.png');
  });

  it('quote a curl command so that no name runs', () => {
    const asked = {
      fromMs: 0,
      toMs: 30_000,
      width: 9,
      queries: [{ expr: `a{b="'; rm"}`, startMs: 0, stepMs: 15_000, count: 3 }],
    };
    expect(curlOf(asked as unknown as ChartAnswer, 'http://h')).toBe(
      [
        "curl -G 'http://h/api/v1/query_range' \\",
        `  --data-urlencode 'query=a{b="'\\''; rm"}' \\`,
        '  -d start=0 -d end=30 -d step=15',
      ].join('\n'),
    );
    expect(promqlOf(asked as unknown as ChartAnswer)).toBe(`a{b="'; rm"}`);
  });

  it('write a rule that the rule engine reads', () => {
    const file = ruleFileOf(ruleOf('Latency p95: all', 'sum by (job) (\n  up\n)', 0.5));
    const [{ rules }] = parseRuleFile(file, 'x.yaml');
    expect(rules).toMatchObject([{ name: 'LatencyP95All', expr: expect.stringMatching(/> 0\.5\s*$/) }]);
    expect(ruleFileOf(ruleOf('…', 'a', 1))).toContain('alert: Alert');
    expect(apiRuleOf(ruleOf('…', 'a', 1))).toMatchObject({ name: 'Alert', expr: 'a > 1', for: '1m' });
  });
});

describe('a chart', () => {
  const props = (more: Partial<TimeChartProps>): TimeChartProps =>
    ({
      data,
      stacked: false,
      scale: { factor: 10, unit: '' },
      axis: 'zero',
      limits: [],
      marks: [],
      dots: [],
      ...more,
    }) as never;

  it('has columns in the unit of its axis, stacked from below, without zero on a logarithmic axis', () => {
    expect(columnsOf(props({}))).toEqual([
      [0, 15],
      [15, null],
      [undefined, -20],
    ]);
    const stack = {
      ...data,
      lines: data.lines.map((line, at) => ({ ...line, values: [at + 1, at === 0 ? null : 3] })),
    };
    expect(columnsOf(props({ data: stack, stacked: true }))).toEqual([
      [0, 15],
      [10, null],
      [30, 30],
    ]);
    expect(columnsOf(props({ axis: 'log' }))[2]).toEqual([undefined, null]);
  });

  it('draws an earlier time at the times of the present one', () => {
    const ghost = { ...data, timesMs: [100, 14_000], lines: [data.lines[0]] };
    expect(columnsOf(props({ ghost })).at(-1)).toEqual([15, null]);
    const far = { ...ghost, timesMs: [900_000, 915_000] };
    expect(columnsOf(props({ ghost: far })).at(-1)).toEqual([null, null]);
  });

  it('finds points that no line shows, and the value of a line near a time', () => {
    expect(isolated([1, null, undefined, 2, null, 3, 4])).toEqual([0, 3]);
    expect(isolated([5])).toEqual([0]);
    expect(nearest({ values: [undefined, undefined, 3, null] }, 0)).toBe(3);
    expect(nearest({ values: [1, undefined, null] }, 1)).toBe(1);
    expect(nearest({ values: [] }, 1)).toBeUndefined();
  });

  it.each([
    ['zero', 0, 268, [200], [0, 300]],
    ['zero', 0, 5, [200], [0, 6]],
    ['zero', 0, 0, [200], [0, 300]],
    ['zero', -3, 4, [], [-4, 5]],
    ['zero', 0, 0, [], [0, 1]],
    ['whole', 0, 3, [], [0, 100]],
    ['whole', 0, 130, [], [0, 150]],
    ['log', 0.5, 300, [], [0.1, 1_000]],
    ['log', 0, 100, [], [0.1, 100]],
  ] as const)('has an axis %s for %d to %d with limits %j', (axis, low, high, limits, range) => {
    const [from, to] = axisRange(axis, low, high, limits);
    expect([Number(from.toPrecision(6)), Number(to.toPrecision(6))]).toEqual(range);
  });

  it('compares with an earlier time', () => {
    expect(['', 'before', 'day', 'week', 'x'].map((text) => earlierBy(text, 900))).toEqual([
      0, 900, 86_400_000, 604_800_000, 0,
    ]);
  });

  it('has the slowest exemplars with a trace, in the order of time', () => {
    const exemplar = (value: string, timestamp: number, traceId?: string) => ({
      labels: (traceId === undefined ? {} : { trace_id: traceId }) as Record<string, string>,
      value,
      timestamp,
    });
    const id = 'a'.repeat(32);
    expect(
      dotsOf({
        data: [
          { exemplars: [exemplar('2', 20, id), exemplar('NaN', 1, id), exemplar('1', 5), exemplar('1', 6, '<b>')] },
        ],
      }),
    ).toEqual([{ timeMs: 20_000, value: 2, traceId: id }]);
    const many = Array.from({ length: 100 }, (_, at) => exemplar(String(at), 200 - at, id));
    const dots = dotsOf({ data: [{ exemplars: many }] });
    expect(dots).toHaveLength(MAX_DOTS);
    expect([dots[0].value, dots.at(-1)?.value]).toEqual([99, 40]);
  });
});
