/**
 * Every query of every panel on two engines: Vitrine's, with data from the stack, and real Prometheus, with data from the Collector.
 * Same series, same labels, and values that agree as far as two collections a second apart can.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DASHBOARDS } from '../../../src/dashboards/all.ts';
import * as computed from '../../../src/dashboards/computed.ts';
import { missingPrograms, programPath } from '../../support/program.ts';
import { until } from '../../support/until.ts';
import { askRange, startWholePicture, type Answer, type WholePicture } from '../../support/programs/whole-picture.ts';

const missing = missingPrograms('dashboards on both engines', 'otelcol', 'prometheus', 'prometheus-alertmanager');

const WINDOW_SECONDS = 20;
const STEP_SECONDS = 5;
/** The range of rates in src/dashboards/queries.ts. */
const LOOK_BACK_SECONDS = 60;
/** Two engines agree when the middle of their common values differs by less than this factor. */
const FACTOR = 1.5;
/** A quantile is estimated from buckets: one request more or less moves it by a bucket. */
const QUANTILE_FACTOR = 4;
/** Values below this count as zero in any unit: one request in a window whose first sample only one engine saw. */
const NOTHING = 0.1;

/** A healthy stack refuses, misses and drops nothing: these may have no series, on both engines. */
const QUIET = [
  'vitrine_balancer_shed_total',
  'vitrine_server_rate_limit_refusals_total',
  'vitrine_ingest_rejected_total',
  'vitrine_ingest_requests_refused_total',
  'vitrine_ingest_frames_skipped_total',
  'vitrine_alert_evaluation_failures_total',
  'vitrine_alert_evaluations_missed_total',
  'vitrine_cache_evictions_total',
  'vitrine_store_time_to_full_seconds',
  '"5.."',
  '"3.."',
];

const panelQueries = DASHBOARDS.flatMap(({ id, panels }) =>
  panels.flatMap((panel) => panel.queries.map(({ expr }) => ({ panel: `${id}/${panel.id}`, expr, unit: panel.unit }))),
);
/** Those behind tiles and tables, which people copy as well; each once. */
const tileQueries = [
  ...Object.values(computed.KPIS),
  computed.LEDGER,
  computed.UPSTREAMS,
  computed.SERVICE_LIST,
  computed.TRAFFIC,
  computed.CACHE,
]
  .flatMap(({ title, queries: of }) => of.map(({ name, expr, unit }) => ({ panel: `${title}/${name}`, expr, unit })))
  .filter(({ expr }, at, all) => all.findIndex((other) => other.expr === expr) === at)
  .filter(({ expr }) => !panelQueries.some((other) => other.expr === expr));
const queries = [...panelQueries, ...tileQueries];

const middle = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;

/** Comparisons of one value with another, and of a value with nothing: the second must stay the exception. */
interface Tally {
  both: number;
  once: number;
}
const tally: Tally = { both: 0, once: 0 };

/** One message for each difference; compared values are added to `counted`. */
function differences(ours: Answer, theirs: Answer, factor = FACTOR, counted: Tally = { both: 0, once: 0 }): string[] {
  const lacking = (from: Answer, of: Answer, who: string): string[] =>
    [...of.keys()].filter((labels) => !from.has(labels)).map((labels) => `${who} lacks ${labels}`);
  const found = [...lacking(ours, theirs, 'Vitrine'), ...lacking(theirs, ours, 'Prometheus')];
  for (const [labels, values] of ours) {
    const other = theirs.get(labels);
    if (other === undefined) continue;
    const common = [...values].flatMap(([at, value]): [number, number][] =>
      other.has(at) ? [[value, other.get(at) ?? NaN]] : [],
    );
    const [mine, its] = [middle(common.map(([value]) => value)), middle(common.map(([, value]) => value))];
    // 0/0: that engine saw the series with its first request, and no other since.
    const unknown = Number.isNaN(mine) || Number.isNaN(its);
    // The same for a counter that began with a burst: its first scrape held all of it.
    const once = (mine === 0) !== (its === 0);
    if (!unknown) counted[once ? 'once' : 'both'] += 1;
    const near = once || Math.abs(mine - its) < NOTHING || Math.max(mine, its) < factor * Math.min(mine, its);
    if (!unknown && !near) found.push(`${labels} is ${mine} here and ${its} there`);
  }
  return found;
}

describe('differences', () => {
  const answer = (entries: Record<string, number>): Answer =>
    new Map(Object.entries(entries).map(([labels, value]) => [labels, new Map([[5, value]])]));
  it('are found in labels and in values', () => {
    expect(differences(answer({ a: 1, b: 2 }), answer({ a: 1.2, c: 2 }))).toEqual([
      'Vitrine lacks c',
      'Prometheus lacks b',
    ]);
    expect(differences(answer({ a: 1 }), answer({ a: 2 }))).toEqual(['a is 1 here and 2 there']);
    expect(differences(answer({ a: 0 }), answer({ a: 0.01 }))).toEqual([]);
  });
});

describe.skipIf(missing.length > 0)('panels', () => {
  let picture: WholePicture;

  beforeAll(async () => {
    const program = programPath('prometheus3');
    picture = await startWholePicture({ prometheus: program });
    await picture.load(4).exited;
    const known = 'count({__name__=~"http_server_request_duration_seconds_count|payments_.*",job="payments"})';
    await until(
      async () => (await ask(picture.prometheus.url, known)).size > 0,
      30_000,
      () => `Prometheus hears nothing\n${picture.prometheus.output()}`,
    );
    await using load = picture.load(170);
    // One upstream is killed in the middle, so that ejections, retries and an alert can be compared.
    await until(
      async () => (await ask(picture.vitrine.monitor, 'sum(vitrine_balancer_upstream_requests_total) > 300')).size > 0,
      30_000,
      () => `no traffic\n${load.output()}`,
    );
    // An engine knows nothing of what was counted before its first scrape of a series, and the two had theirs at different
    // instants: only windows are compared that begin later than both, and later than the sign-in of each user.
    const bornMs = Date.now();
    await missPages();
    await picture.services[1].stop('SIGKILL');
    await until(
      async () => {
        const firing = 'ALERTS{alertname="UpstreamDown",alertstate="firing"}';
        const sizes = await Promise.all(engines().map(async (engine) => (await ask(engine, firing)).size));
        return sizes.every((size) => size > 0) || undefined;
      },
      60_000,
      () => 'UpstreamDown does not fire on both engines',
    );
    const grownMs = bornMs + (LOOK_BACK_SECONDS + WINDOW_SECONDS + 5) * 1_000;
    await until(
      () => Date.now() > grownMs || undefined,
      120_000,
      () => 'the clock stands still',
    );
  }, 240_000);
  afterAll(async () => picture?.[Symbol.asyncDispose]());

  const missPages = async (): Promise<void> => {
    for (let count = 0; count < 10; count += 1) await fetch(`${picture.vitrine.balancer}/api/nothing-here`);
  };
  const engines = (): [string, string] => [picture.vitrine.monitor, picture.prometheus.url];
  const ask = (engine: string, expr: string, endSeconds = Math.floor(Date.now() / 1_000) - 2): Promise<Answer> =>
    askRange(engine, expr, endSeconds - WINDOW_SECONDS, endSeconds, STEP_SECONDS);

  /**
   * The engines look at different instants, so an alert of a second may be in one alone: only the lasting one is compared. A
   * window of a day begins before the first scrape: the same is asked of a minute.
   */
  const lasting = (expr: string): string =>
    expr.replaceAll(/\b(ALERTS(?:_FOR_STATE)?)\{/g, '$1{alertname="UpstreamDown",').replaceAll('[1d]', '[1m]');

  it.each(queries)('$panel gives the same series on both engines: $expr', async (query) => {
    const expr = lasting(query.expr);
    let found: string[] = [];
    let count = 0;
    await until(
      async () => {
        const end = Math.floor(Date.now() / 1_000) - 2;
        const [ours, theirs] = await Promise.all(engines().map((engine) => ask(engine, expr, end)));
        const counted: Tally = { both: 0, once: 0 };
        found = differences(ours, theirs, expr.startsWith('histogram_quantile') ? QUANTILE_FACTOR : FACTOR, counted);
        count = ours.size;
        if (found.length > 0) return undefined;
        // An answer that did not match yet is asked again, so it does not count.
        tally.both += counted.both;
        tally.once += counted.once;
        return true;
      },
      30_000,
      () => found.join('\n'),
    );
    if (!QUIET.some((text) => expr.includes(text))) expect(count).toBeGreaterThan(0);
  });

  it('have values on both engines, but for a few', () => {
    console.log(`compared: ${tally.both} values, and ${tally.once} that one engine has at nothing`);
    expect(tally.both).toBeGreaterThan(100);
    expect(tally.once).toBeLessThan(tally.both / 10);
  });

  it('would notice a label that one engine lacks', async () => {
    const [ours, theirs] = await Promise.all([
      ask(picture.vitrine.monitor, 'sum by (job) (nodejs_eventloop_time_seconds_total)'),
      ask(picture.prometheus.url, 'sum by (job, instance) (nodejs_eventloop_time_seconds_total)'),
    ]);
    expect(differences(ours, theirs).length).toBeGreaterThan(3);
  });

  it('counts to the same number once the traffic is over', async () => {
    const expr =
      'sum by (job, http_route, http_response_status_code) (http_server_request_duration_seconds_count{http_route=~"/api/.*"})';
    await until(
      async () => {
        const end = Math.floor(Date.now() / 1_000) - 1;
        const [ours, theirs] = await Promise.all(engines().map((engine) => askRange(engine, expr, end, end, 1)));
        const rows = (answer: Answer): string[] =>
          [...answer].map(([key, values]) => `${key} ${[...values.values()].join(' ')}`).sort();
        expect(rows(ours).length).toBeGreaterThan(3);
        expect(rows(ours)).toEqual(rows(theirs));
        return true;
      },
      60_000,
      () => 'the engines count differently',
    );
  });
});
