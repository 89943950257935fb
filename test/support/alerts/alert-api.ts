/** The API of alerts over real HTTP, on the pipeline of a rig. */
import { AlertCare } from '../../../src/monitor/api/alerts/care.ts';
import { alertCareRoutes } from '../../../src/monitor/api/alerts/care-routes.ts';
import { alertmanagerRoutes } from '../../../src/monitor/api/alerts/v2-routes.ts';
import { MadeRules } from '../../../src/monitor/alerts/made/book.ts';
import { RuleDesk } from '../../../src/monitor/alerts/made/desk.ts';
import { parseRuleFile } from '../../../src/monitor/alerts/rules/file.ts';
import type { GroupSpec } from '../../../src/monitor/alerts/rules/spec.ts';
import { recordingRoutes } from '../../../src/monitor/api/alerts/recording-routes.ts';
import { Recordings } from '../../../src/monitor/store/state/recordings.ts';
import { oncallRoutes } from '../../../src/monitor/api/alerts/oncall-routes.ts';
import type { RuleGroupView } from '../../../src/monitor/alerts/rules/view.ts';
import type { AlertView } from '../../../src/monitor/api/contract.ts';
import { ruleRoutes } from '../../../src/monitor/api/alerts/rule-routes.ts';
import { embeddedQuerier } from '../../../src/monitor/promql/embedded.ts';
import { MemorySource } from '../promql/memory-source.ts';
import { startPageServer, type PageServer } from '../page/page-server.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { RECEIVER_KINDS } from '../../../src/monitor/alerts/notify/receivers/table.ts';
import { Trials } from '../../../src/monitor/alerts/notify/trial.ts';
import type { GuardOptions } from '../../../src/monitor/outbound/guard.ts';
import { receiverTools } from './notifications.ts';
import { recordingLogger, type LogLine } from '../recording-logger.ts';
import type { Rig } from './pipeline-rig.ts';
import { ArrayRecords } from '../records/array-records.ts';

export interface AlertApi extends PageServer {
  /** The groups that the engine was given, one entry for each change. */
  readonly applied: (readonly GroupSpec[])[];
  /** The rules as the engine would show them. */
  readonly views: RuleGroupView[];
  /** The alerts of now, as the page shows them. */
  readonly shown: AlertView[];
  /** The log of the API and of the channels that it tries. */
  readonly logged: readonly LogLine[];
  /** What rules read. */
  readonly samples: MemorySource;
  readonly recordings: Recordings;
  /** What the recorder finds around alerts. */
  readonly records: ArrayRecords;
  get(path: string): Promise<{ status: number; body: unknown }>;
  send(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<{ status: number; body: unknown }>;
}

const FILE = 'groups: [{ name: g, interval: 5s, rules: [{ alert: FromFile, expr: "load > 1" }] }]';

/** `allowed`: what channels that are tried by the API may reach. */
export async function startAlertApi(rig: Rig, allowed: GuardOptions = {}): Promise<AlertApi> {
  const samples = new MemorySource();
  const applied: (readonly GroupSpec[])[] = [];
  const views: RuleGroupView[] = [];
  const shown: AlertView[] = [];
  const logger = recordingLogger();
  const desk = new RuleDesk({
    made: new MadeRules(rig.state()),
    ledger: rig.ledger,
    pipeline: rig.pipeline,
    resolveThroughMutes: true,
    clock: rig.clock,
    querier: embeddedQuerier(samples),
    intervalMs: 1_000,
    files: parseRuleFile(FILE, 'r.yaml'),
    views: () => views,
    apply: (groups) => {
      applied.push(groups);
      return Promise.resolve();
    },
  });
  const care = new AlertCare({
    pipeline: rig.pipeline,
    ledger: rig.ledger,
    clock: rig.clock,
    version: '0.1.0',
    about: {
      contextOf: () =>
        Promise.resolve({
          errorLine: { text: 'boom', service: 'shop', atMs: rig.clock.now(), link: 'http://v/logs' },
          trace: { traceId: 'abc', name: 'GET /', durationMs: 1_200, failed: true, link: 'http://v/traces/abc' },
        }),
      trials: new Trials(RECEIVER_KINDS, () => ({ ...receiverTools('api', systemClock, allowed), logger })),
      ruleOf: (labels) => desk.ruleOf(labels),
    },
  });
  const recordings = new Recordings({
    state: rig.state(),
    beforeMs: 600_000,
    afterMs: 300_000,
    onError(error) {
      throw error;
    },
  });
  const records = new ArrayRecords();
  const routes = [
    ...recordingRoutes({ recordings }, records, 14 * 86_400_000),
    ...alertmanagerRoutes(care),
    ...ruleRoutes(desk, care, () => shown),
    ...oncallRoutes(care),
    ...alertCareRoutes(care),
  ];
  const server = await startPageServer({ kind: 'empty', overrides: { routes, logger } });
  const call = async (path: string, init?: RequestInit): Promise<{ status: number; body: unknown }> => {
    const answer = await fetch(`${server.url}${path}`, init);
    const text = await answer.text();
    const isJson = /json/.test(answer.headers.get('content-type') ?? '');
    return { status: answer.status, body: text === '' || !isJson ? text : (JSON.parse(text) as unknown) };
  };
  return {
    ...server,
    applied,
    views,
    shown,
    logged: logger.lines,
    samples,
    recordings,
    records,
    get: (path) => call(path),
    send: (method, path, body) =>
      call(path, {
        method,
        ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      }),
  };
}
