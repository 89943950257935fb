/**
 * The same bodies as Prometheus 3, warnings, infos and errors included, on series where engines differ: native histograms with
 * all their layouts and hints, `anchored` and `smoothed` ranges, sums that lose digits, NaN, `info()`, `limit_ratio`, and
 * `stats`. Numbers are compared as text. test/fixtures/promql/to-the-letter.txt lists the expressions.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingPrograms, programPath, type Server } from '../../support/program.ts';
import { startPrometheus } from '../../support/programs/observability-programs.ts';
import { mixedSamples, nativeSamples } from '../../support/promql/native-samples.ts';
import { embeddedMetrics, type EmbeddedMetrics } from '../../support/promql/querier-data.ts';
import { remoteWrite } from '../../support/telemetry/remote-write.ts';

const FEATURES = [
  'promql-experimental-functions',
  'promql-extended-range-selectors',
  'promql-binop-fill-modifiers',
  'promql-delayed-name-removal',
];
const EXPRESSIONS = readFileSync(path.join(import.meta.dirname, '../../fixtures/promql/to-the-letter.txt'), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'));

interface Body {
  data?: { resultType?: string; result?: unknown; stats?: { timings?: object; samples?: { peakSamples?: number } } };
  warnings?: string[];
  infos?: string[];
}

async function ask(base: string, target: string): Promise<Body> {
  const response = await fetch(base + target);
  const body = (await response.json()) as Body;
  // A vector has no order, and neither have messages.
  if (body.data?.resultType === 'vector')
    (body.data.result as { metric: object }[]).sort((a, b) => (keyOf(a.metric) < keyOf(b.metric) ? -1 : 1));
  body.warnings?.sort();
  body.infos?.sort();
  const stats = body.data?.stats;
  // Times and peaks are those of the engine; that they are there is compared.
  if (stats?.timings !== undefined) stats.timings = Object.keys(stats.timings).sort();
  if (stats?.samples?.peakSamples !== undefined) stats.samples.peakSamples = 0;
  return { status: response.status, ...body } as Body;
}

const keyOf = (labels: object): string => JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));

const program = programPath('prometheus3');
if (program === undefined) missingPrograms('PromQL to the letter', 'prometheus3');

describe.skipIf(program === undefined)('as Prometheus 3 answers', () => {
  const endMs = Math.floor(Date.now() / 60_000) * 60_000;
  // No window begins or ends on a sample.
  const at = (endMs + 1) / 1_000;
  let peer: Server;
  let ours: EmbeddedMetrics;

  beforeAll(async () => {
    peer = await startPrometheus({ program, flags: [`--enable-feature=${FEATURES.join(',')}`] });
    ours = await embeddedMetrics();
    const [before, after] = mixedSamples(endMs);
    for (const series of [nativeSamples(endMs), before, after])
      for (const url of [peer.url, ours.url]) await remoteWrite(url, series);
  });
  afterAll(async () => {
    await peer?.[Symbol.asyncDispose]();
    await ours?.[Symbol.asyncDispose]();
  });

  const same = async (target: string): Promise<void> => {
    const [mine, theirs] = await Promise.all([ask(ours.url, target), ask(peer.url, target)]);
    expect(mine).toEqual(theirs);
  };

  it.each(EXPRESSIONS)('%s', async (expression) => {
    const query = encodeURIComponent(expression);
    // Prometheus reads a histogram without its buckets where only the count or the sum is asked for, and then counts it as fewer samples.
    const stats = /histogram_(count|sum)\(/.test(expression) ? '' : '&stats=all';
    await same(`/api/v1/query?query=${query}&time=${at}${stats}`);
    await same(`/api/v1/query_range?query=${query}&start=${at - 420}&end=${at}&step=60${stats}`);
  });
});
