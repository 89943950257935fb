/** One application in all its modes: bare twice, under `run` and under the bundle's register; and what differs. */
import { rmSync } from 'node:fs';
import { startCollector, type Collector } from '../../telemetry/collector.ts';
import { freePort } from '../../support/programs/vitrine-process.ts';
import { freshDir } from '../../support/program.ts';
import { until } from '../../support/until.ts';
import { ask, differences, type Answer } from './answers.ts';
import { probesOf, type Application, type Place, type Probe } from './application.ts';
import { end, launch, untilUp, type Ended, type Mode } from './launch.ts';
import { routedInMonitor, routedRequests, type Routed } from './spans.ts';

interface Result extends Ended {
  readonly answers: readonly Answer[];
  readonly steps: string;
  readonly output: string;
  readonly routed: readonly Routed[];
}

export interface Comparison {
  readonly name: string;
  readonly probes: number;
  /** Everything that is not as it is bare, a line each; empty when all is. */
  readonly differences: readonly string[];
  /**
   * Requests to which the bundle's register gave a route and `run` none, with that route. The texts may differ: for a list of
   * paths in Express the bundle names all of them, Vitrine the one that matched.
   */
  readonly missedRoutes: readonly string[];
  readonly routes: number;
  readonly bundleRoutes: number;
  readonly code: number;
}

async function runIn(app: Application, mode: Mode, at: Place, probes: readonly Probe[]): Promise<Result> {
  const collector = await startCollector();
  try {
    await using launched = await launch(app, mode, at, collector.url);
    await untilUp(app, launched);
    const answers: Answer[] = [];
    const hasPort = app.ready !== undefined;
    for (const probe of hasPort ? probes : []) answers.push(await ask(launched.target, probe));
    const running = { ...at, url: launched.url, output: launched.output };
    const steps = JSON.stringify((await app.steps?.(running)) ?? null);
    if (mode !== 'bare' && hasPort) await untilSpans(collector);
    let routed = routedRequests(collector.bodies);
    if (routed.length === 0 && hasPort && launched.ports !== undefined)
      routed = await routedInMonitor(`http://127.0.0.1:${launched.ports.monitor}`);
    // The bundle's register listens to SIGTERM itself and keeps a server alive: its end says nothing.
    const ended = mode === 'bundle' ? { code: 0, left: [] } : await end(app, launched);
    return { ...ended, answers, steps, output: launched.output(), routed };
  } finally {
    await collector.close();
  }
}

/** Batches go every 100 ms; an application without spans in this mode has none after a second either. */
async function untilSpans(collector: Collector): Promise<void> {
  let seen = -1;
  await until(() => {
    const grown = collector.bodies.length !== seen;
    seen = collector.bodies.length;
    return seen > 0 && !grown;
  }, 2_000).catch(() => {});
}

const BANNER = /\n {2}vitrine [\s\S]*?\n {2}Config .*\n\n?/;

/** Lines of ours on the console beside the banner. */
function ownLines(output: string): string[] {
  return output
    .replace(BANNER, '')
    .split('\n')
    .filter((line) => /^vitrine: |"service":"vitrine-/.test(line));
}

function differencesOf(app: Application, probes: readonly Probe[], [first, second]: Result[], run: Result): string[] {
  const found: string[] = [];
  probes.forEach((probe, at) => {
    if (first.answers[at] === undefined) return;
    const one = differences(first.answers[at], second.answers[at], run.answers[at]);
    found.push(...one.map((text) => `${probe.method ?? 'GET'} ${probe.path}: ${text}`));
  });
  if (first.steps === second.steps && first.steps !== run.steps)
    found.push(`steps: ${first.steps} became ${run.steps}`);
  if (first.code !== run.code) found.push(`exit code: ${first.code} became ${run.code}`);
  if (run.left.length > 0) found.push(`left: ${run.left.join(', ')}`);
  if (app.flags === undefined) found.push(...ownLines(run.output).map((line) => `a line on the console: ${line}`));
  return found;
}

export async function compare(app: Application, packages: string, withBundle = true): Promise<Comparison> {
  const at: Place = { dir: freshDir('app'), port: await freePort(), packages };
  const probes = probesOf(app);
  try {
    const bare = [await runIn(app, 'bare', at, probes), await runIn(app, 'bare', at, probes)];
    const run = await runIn(app, 'run', at, probes);
    const bundle = withBundle ? await runIn(app, 'bundle', at, probes) : undefined;
    const known = new Set(run.routed.map(({ request }) => request));
    const missed = (bundle?.routed ?? []).filter(({ request }) => !known.has(request));
    return {
      name: app.name,
      probes: app.ready === undefined ? 0 : probes.length,
      differences: differencesOf(app, probes, bare, run),
      missedRoutes: [...new Set(missed.map(({ request, route }) => `${request} (${route})`))],
      routes: new Set(run.routed.map(({ route }) => route)).size,
      bundleRoutes: new Set(bundle?.routed.map(({ route }) => route)).size,
      code: run.code,
    };
  } finally {
    rmSync(at.dir, { recursive: true, force: true });
  }
}
