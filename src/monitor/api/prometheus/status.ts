/** /status/*, /targets and the other endpoints that tell clients which server this is. */
import { VitrineError } from '../../../base/errors.ts';
import type { HeadStats } from '../../../model/head-stats.ts';
import { answer } from './answer.ts';
import { successBody } from './envelope.ts';
import type { Handler } from './handler.ts';

/**
 * The version of Prometheus whose API this is. Clients use it to find out which requests are supported (Grafana uses label
 * matchers in label requests from 2.24), so it must be a version of Prometheus and not Vitrine's own. There is no `features`
 * field, because Grafana takes that field as a sign of Mimir.
 */
const API_VERSION = '3.14.0';

export const buildInfo: Handler = async (ctx, _params, api) => {
  await answer(
    ctx,
    successBody({
      version: API_VERSION,
      revision: `vitrine-${api.version}`,
      branch: '',
      buildUser: '',
      buildDate: '',
      goVersion: '',
    }),
  );
};

export const runtimeInfo: Handler = async (ctx, _params, api) => {
  await answer(
    ctx,
    successBody({
      startTime: new Date(api.startedMs).toISOString(),
      CWD: '',
      hostname: '',
      serverTime: new Date(api.clock.now()).toISOString(),
      reloadConfigSuccess: true,
      lastConfigTime: new Date(api.startedMs).toISOString(),
      corruptionCount: 0,
      goroutineCount: 0,
      GOMAXPROCS: 1,
      GOMEMLIMIT: 0,
      GOGC: '',
      GODEBUG: '',
      storageRetention: api.retention,
    }),
  );
};

const DEFAULT_LIMIT = 10;
const MAX_LIMIT = 10_000;

/** Of a server without a store of its own. */
const NO_STATS: HeadStats = {
  series: 0,
  chunks: 0,
  minTimeMs: 0,
  maxTimeMs: 0,
  labelPairs: 0,
  seriesByMetric: [],
  valuesByLabel: [],
  memoryByLabel: [],
  seriesByPair: [],
};

/** `limit`: entries of each list. Throws VitrineError `bad_request` when it is no number from 1. */
export const tsdb: Handler = async (ctx, params, api) => {
  const limit = Number(params.get('limit') ?? DEFAULT_LIMIT);
  if (!Number.isInteger(limit) || limit < 1) throw new VitrineError('bad_request', 'limit must be a positive number');
  const stats = api.headStats?.(Math.min(limit, MAX_LIMIT)) ?? NO_STATS;
  await answer(
    ctx,
    successBody({
      headStats: {
        numSeries: stats.series,
        numLabelPairs: stats.labelPairs,
        chunkCount: stats.chunks,
        minTime: stats.minTimeMs,
        maxTime: stats.maxTimeMs,
      },
      seriesCountByMetricName: stats.seriesByMetric,
      labelValueCountByLabelName: stats.valuesByLabel,
      memoryInBytesByLabelName: stats.memoryByLabel,
      seriesCountByLabelValuePair: stats.seriesByPair,
    }),
  );
};

/** One version of Grafana takes any response with status 200 here as a sign of Thanos. */
export const flags: Handler = () =>
  Promise.reject(new VitrineError('not_found', 'there are no flags: the configuration is in vitrine.yaml'));

/** Always empty: Vitrine receives telemetry and scrapes no targets. */
export const targets: Handler = async (ctx) => {
  await answer(ctx, successBody({ activeTargets: [], droppedTargets: [], droppedTargetCounts: {} }));
};
