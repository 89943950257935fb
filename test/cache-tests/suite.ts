/**
 * The public test suite for HTTP caches (cache-tests.fyi, `http-cache-tests` on npm): its origin server on a free port of
 * this process, a balancer process in front of it, and the client of the suite against the balancer. The suite is
 * installed in this folder from its own lock file, so it is no dependency of the product.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { freshDir, runToEnd, startProgram, untilReady } from '../support/program.ts';
import { freePort, MAIN } from '../support/programs/vitrine-process.ts';

const HERE = import.meta.dirname;
/** Tests of one group run together; some of them have two seconds between two steps. */
const AT_ONCE = 50;

export type Kind = 'required' | 'optimal' | 'check';
/** `pass` includes the positive answer to a question (kind `check`); `skipped` is a test whose dependency did not pass. */
export type Verdict = 'pass' | 'fail' | 'skipped';

export interface CaseResult {
  readonly id: string;
  readonly group: string;
  readonly name: string;
  readonly kind: Kind;
  readonly verdict: Verdict;
  /** The message of the suite for a test that did not pass. */
  readonly reason: string;
}

interface SuiteCase {
  readonly id: string;
  readonly name: string;
  readonly kind?: Kind;
  readonly browser_only?: boolean;
  dump?: boolean;
}
interface SuiteGroup {
  readonly id: string;
  readonly tests: readonly SuiteCase[];
}
type Outcome = true | readonly [string, string];
type Handler = (segments: string[], request: IncomingMessage, response: ServerResponse) => void;

/** Installs the suite into this folder unless it is there, in minutes where the registry is slow. Throws when npm fails. */
export async function installSuite(): Promise<void> {
  if (existsSync(path.join(HERE, 'node_modules/http-cache-tests/package.json'))) return;
  const npm = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
  const { code, stderr } = await runToEnd('npm', npm, { cwd: HERE, limitMs: 400_000 });
  if (code !== 0) throw new Error(`npm ci failed in test/cache-tests: ${stderr.slice(-500)}`);
}

async function load<T>(file: string): Promise<T> {
  return (await import(pathToFileURL(path.join(HERE, 'node_modules', file)).href)) as T;
}

/** The origin of the suite, on loopback; its own entry file listens on every address. */
async function startOrigin(): Promise<{ readonly port: number; readonly close: () => void }> {
  const handler = async (name: string): Promise<Handler> =>
    (await load<{ default: Handler }>(`http-cache-tests/server/handle-${name}.mjs`)).default;
  const handlers = new Map<string, Handler>();
  for (const name of ['config', 'test', 'state']) handlers.set(name, await handler(name));
  const server = createServer((request, response) => {
    const [, name, ...segments] = new URL(request.url ?? '/', 'http://origin').pathname.split('/');
    const handle = handlers.get(name);
    if (handle !== undefined) return handle(segments, request, response);
    response.statusCode = 404;
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return { port: (server.address() as AddressInfo).port, close };
}

export interface SuiteOptions {
  /** Runs one test and prints its messages. */
  readonly only?: string | undefined;
  /** The section `cache` of the configuration, as YAML. */
  readonly cacheConfig?: string | undefined;
}

/** Runs the whole suite, in about a minute and a half. It can run once in a process, because the suite has global state. */
export async function runSuite({ only, cacheConfig = '{}' }: SuiteOptions = {}): Promise<readonly CaseResult[]> {
  await installSuite();
  const { default: groups } = await load<{ default: SuiteGroup[] }>('http-cache-tests/tests/index.mjs');
  const client = await load<{
    runTests(
      groups: readonly SuiteGroup[],
      fetch: unknown,
      browser: boolean,
      base: string,
      atOnce: number,
    ): Promise<void>;
    getResults(): Readonly<Record<string, Outcome>>;
  }>('http-cache-tests/client/runner.mjs');
  const { default: fetch } = await load<{ default: unknown }>('node-fetch/lib/index.js');
  const { determineTestResult } = await load<{
    determineTestResult: (
      groups: readonly SuiteGroup[],
      id: string,
      results: object,
      dependencies: boolean,
    ) => readonly string[];
  }>('http-cache-tests/lib/display.mjs');

  const origin = await startOrigin();
  await using stack = new AsyncDisposableStack();
  stack.defer(origin.close);
  const port = await freePort();
  const dir = freshDir('vitrine-cache-tests');
  const config = path.join(dir, 'vitrine.yaml');
  writeFileSync(
    config,
    `balancer: { listen: "127.0.0.1:${port}", upstreams: ["http://127.0.0.1:${origin.port}"] }\ncache: ${cacheConfig}\n`,
  );
  const balancer = stack.use(
    startProgram(process.execPath, [MAIN, 'start', '--role', 'balancer', '--config', config, '--data', dir], {
      ownDir: dir,
    }),
  );
  const base = `http://127.0.0.1:${port}`;
  await untilReady(balancer, [`${base}/-/readyz`]);

  const chosen = groups.map((group) => ({
    ...group,
    tests: group.tests.filter((test) => only === undefined || test.id === only),
  }));
  if (only !== undefined) for (const { tests } of chosen) for (const test of tests) test.dump = true;
  await client.runTests(chosen, fetch, false, base, AT_ONCE);
  const results = client.getResults();
  return chosen.flatMap((group) =>
    group.tests
      .filter((test) => test.browser_only !== true)
      .map((test) => {
        const outcome = results[test.id];
        const symbol = determineTestResult(groups, test.id, results, only === undefined)[2];
        const skipped = symbol === '⚪️' || symbol === '-';
        const verdict: Verdict = symbol === '✅' || symbol === 'Y' ? 'pass' : skipped ? 'skipped' : 'fail';
        const reason = outcome === true || outcome === undefined ? '' : outcome[1];
        const { id, name, kind = 'required' } = test;
        return { id, group: group.id, name, kind, verdict, reason };
      }),
  );
}

export interface Totals {
  readonly passed: number;
  readonly of: number;
}

export function totals(results: readonly CaseResult[], kind: Kind): Totals {
  const those = results.filter((one) => one.kind === kind);
  return { passed: those.filter((one) => one.verdict === 'pass').length, of: those.length };
}
