/** `/probe?target=&module=`: the blackbox exporter's page, for a Prometheus that scrapes it. */
import { VitrineError } from '../../../base/errors.ts';
import type { Origin } from '../../outbound/guard.ts';
import { probePage } from '../../targets/probe/exposition.ts';
import { moduleSpec, type Modules, type ReadFile } from '../../targets/probe/modules.ts';
import type { CheckRunner } from '../../targets/target-parts.ts';
import type { Call, Route } from '../routes.ts';

export interface ProbeRoutesOptions {
  readonly modules: Modules;
  readonly read: ReadFile;
  readonly runner: CheckRunner;
  /** Who stands behind a target: the owner of the file for addresses that the configuration names, else the caller. */
  readonly originOf: (target: string) => Origin;
}

const DEFAULT_TIMEOUT_S = 120;
/** As the exporter: its answer must arrive before the scraper's own time-out. */
const OFFSET_S = 0.5;
const PAGE_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

function timeoutMs(header: string, moduleMs: number | undefined): number {
  const scrape = Number(header) || DEFAULT_TIMEOUT_S;
  const seconds = Math.min(DEFAULT_TIMEOUT_S, Math.max(0.1, scrape - OFFSET_S));
  return Math.min(seconds * 1_000, moduleMs ?? Infinity);
}

export function probeRoutes(options: ProbeRoutesOptions): Route[] {
  return [{ method: 'GET', path: '/probe', handler: (call) => probe(options, call) }];
}

async function probe(
  { modules, read, runner, originOf }: ProbeRoutesOptions,
  { ctx, query }: Call,
): Promise<undefined> {
  const name = query.get('module') ?? 'http_2xx';
  const module = modules.get(name);
  if (module === undefined) throw new VitrineError('bad_request', `Unknown module "${name}"`);
  const target = query.get('target') ?? '';
  if (target === '') throw new VitrineError('bad_request', 'Target parameter is missing');
  const made = moduleSpec(module, target, read);
  const hostname = query.get('hostname');
  const spec =
    made.kind === 'http' && hostname !== null ? { ...made, headers: { ...made.headers, Host: hostname } } : made;
  const limit = timeoutMs(ctx.get('X-Prometheus-Scrape-Timeout-Seconds'), module.timeout);
  const result = await runner.probe(spec, originOf(target), limit);
  ctx.set('Content-Type', PAGE_TYPE);
  ctx.body =
    query.get('debug') === 'true' ? debugPage(name, target, probePage(result), result.reason) : probePage(result);
  return undefined;
}

const debugPage = (module: string, target: string, page: string, reason: string): string =>
  `Module: ${module}\nTarget: ${target}\n${reason === '' ? 'The check succeeded.' : reason}\n\nMetrics that would have been returned:\n${page}`;
