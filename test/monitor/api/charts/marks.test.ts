import { describe, expect, it } from 'vitest';
import { VitrineError } from '../../../../src/base/errors.ts';
import { Labels } from '../../../../src/model/labels.ts';
import type { MatrixSeries, Querier } from '../../../../src/model/ports.ts';
import {
  deploysIn,
  firingIn,
  marksIn,
  MAX_MARKS,
  reloadsIn,
  restartsIn,
} from '../../../../src/monitor/api/charts/marks.ts';
import type { Annotation } from '../../../../src/monitor/store/state/annotations.ts';
import { fakeQuerier } from '../../../support/page/fake-stack.ts';

const series = (labels: Record<string, string>, points: readonly (readonly [number, number])[]): MatrixSeries => ({
  labels: Labels.from(labels),
  t: Float64Array.from(points, ([t]) => t),
  v: Float64Array.from(points, ([, v]) => v),
});
const range = { fromMs: 100_000, toMs: 1_000_000 };
const info = (job: string, version: string, ...times: number[]): MatrixSeries =>
  series(
    { job, service_version: version },
    times.map((t) => [t, 1] as const),
  );

describe('marks', () => {
  it('are deploys where a service has a version that it did not have before', () => {
    const found = deploysIn(
      [
        info('shop', 'v1', 50_000, 100_000),
        info('shop', 'v2', 300_000, 400_000),
        info('shop', 'v3', 2_000_000),
        info('new', 'v1', 200_000),
        info('pair', 'v1', 50_000),
        info('pair', 'v2', 50_000),
        info('gone', 'v9'),
      ],
      range,
    );
    expect(found).toMatchObject([{ kind: 'deploy', timeMs: 300_000, text: 'v2', subject: 'shop', endMs: null }]);
  });

  it('are restarts where an uptime falls, at the time of the start', () => {
    const uptime = series({ job: 'shop', instance: 'a:1' }, [
      [200_000, 100],
      [215_000, 115.3],
      [230_000, 4],
      [245_000, 19],
      // A gap, after which the process is younger than the gap is long.
      [900_000, 30],
    ]);
    const found = restartsIn(
      [
        uptime,
        series({}, [
          [2_000_000, 50],
          [2_015_000, 1],
        ]),
      ],
      range,
    );
    expect(found.map(({ timeMs, subject }) => [timeMs, subject])).toEqual([[226_000, 'a:1']]);
    expect(
      restartsIn(
        [
          series({}, [
            [200_000, 9],
            [300_000, 5],
          ]),
        ],
        range,
      ),
    ).toHaveLength(1);
  });

  it('are reloads at the times that the configuration was read again', () => {
    const found = reloadsIn(
      [
        series({ job: 'b', instance: 'i' }, [
          [1, 90],
          [2, 120],
          [3, 120],
          [4, 500],
        ]),
      ],
      range,
    );
    expect(found.map(({ timeMs }) => timeMs)).toEqual([120_000, 500_000]);
  });

  it('are bars while an alert fires, one for each run', () => {
    const alert = { alertname: 'Slow', severity: 'warning', job: 'shop' };
    const found = firingIn(
      [
        series(alert, [
          [0, 1],
          [15_000, 1],
          [30_000, 1],
          [90_000, 1],
        ]),
        series({ alertname: 'Other' }, [[5, 1]]),
      ],
      15_000,
    );
    expect(found.map(({ timeMs, endMs, subject, tags }) => [timeMs, endMs, subject, tags])).toEqual([
      [0, 30_000, 'shop', ['warning']],
      [90_000, 90_000, 'shop', ['warning']],
      [5, 5, '', []],
    ]);
  });

  const annotation = (id: number, timeMs: number, tags: readonly string[] = [], endMs = timeMs): Annotation => ({
    id,
    timeMs,
    endMs,
    createdMs: 0,
    text: 'x'.repeat(300),
    tags,
    who: '',
  });

  it('join annotations with what the series say, oldest first, and name what failed', async () => {
    const querier: Querier = {
      ...fakeQuerier(0),
      range(expr) {
        if (expr.includes('ALERTS')) throw new VitrineError('query_timeout', 'too slow');
        const found = expr.includes('target_info') ? [info('s', 'v1', 50_000), info('s', 'v2', 300_000)] : [];
        return Promise.resolve({ value: { kind: 'matrix', series: found }, warnings: [], infos: [] });
      },
    };
    const made = [annotation(1, 900_000, ['load'], 950_000), annotation(2, 200_000), annotation(3, 250_000, ['drill'])];
    const answer = await marksIn(querier, made, range, new AbortController().signal);
    expect(answer.warnings).toEqual(['alerts: too slow']);
    expect(answer.more).toBe(false);
    expect(answer.marks.map(({ kind, id, endMs, text }) => [kind, id, endMs, text.length])).toEqual([
      ['note', 2, null, 201],
      ['drill', 3, null, 201],
      ['deploy', null, null, 2],
      ['load', 1, 950_000, 201],
    ]);
  });

  it('are limited to the newest', async () => {
    const many = Array.from({ length: MAX_MARKS + 5 }, (_, at) => annotation(at, 100_000 + at));
    const querier: Querier = {
      ...fakeQuerier(0),
      range: () => Promise.resolve({ value: { kind: 'scalar', t: 0, v: 0 }, warnings: [], infos: [] }),
    };
    const answer = await marksIn(querier, many, range, new AbortController().signal);
    expect([answer.more, answer.marks.length, answer.marks[0].id]).toEqual([true, MAX_MARKS, 5]);
    const broken: Querier = { ...querier, range: () => Promise.reject(new Error('ours')) };
    await expect(marksIn(broken, [], range, new AbortController().signal)).rejects.toThrow('ours');
  });
});
