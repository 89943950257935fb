/** Row G5: the table of routes, each under many spellings, asked by callers of every role. */
import type { RoutesAnswer, RouteView } from '../../../src/monitor/api/care-contract.ts';
import { startVitrine } from '../../support/programs/vitrine-process.ts';
import { ask, bearer, TOKEN } from '../ask.ts';
import type { Row } from '../row.ts';

const RANK = { none: -1, ingest: -1, open: -1, viewer: 0, editor: 1, admin: 2 } as const;
type Caller = 'none' | 'ingest' | 'viewer' | 'editor';

/** Other ways to write a path, with which a guard and a router may disagree. */
const SPELLINGS: readonly ((path: string) => string)[] = [
  (path) => path,
  (path) => `/${path}`,
  (path) => `/.${path}`,
  (path) => `/x/..${path}`,
  (path) => `/%2e${path}`,
  (path) => `/x/%2e%2e${path}`,
  (path) => path.replace(/\/(\w)/, '//$1'),
  (path) => path.replace(/.\/(?=[^/]*$)/, (found) => `${found[0]}%2f`),
  (path) => path.replace(/.\/(?=[^/]*$)/, (found) => `${found[0]}%5c`),
  (path) => path.replace(/.\/(?=[^/]*$)/, (found) => `${found[0]}\\`),
  (path) => `${path}/`,
  (path) => `${path}//`,
  (path) => `${path}/.`,
  (path) => `${path}.`,
  (path) => `${path};x`,
  (path) => `${path}%00`,
  (path) => `${path}%20`,
  (path) => `${path}?x=/livez`,
  (path) => path.toUpperCase(),
  (path) => path.replace(/\w(?=\w*$)/, (first) => `%${first.charCodeAt(0).toString(16)}`),
  (path) => `http://127.0.0.1${path}`,
];

/** What must not happen: a caller below the role of a route gets its answer. */
const refused = (answer: number): boolean => answer >= 400 && answer < 500;

async function tokensOf(base: string): Promise<Readonly<Record<Caller, Readonly<Record<string, string>>>>> {
  const made = async (role: string): Promise<Readonly<Record<string, string>>> => {
    const answer = await ask(base, '/api/tokens', {
      method: 'POST',
      headers: bearer(TOKEN),
      body: { name: role, role },
    });
    return bearer((JSON.parse(answer.body) as { token: string }).token);
  };
  return { none: {}, ingest: await made('ingest'), viewer: await made('viewer'), editor: await made('editor') };
}

/** Of one route: the questions that were asked, and those that were answered to a caller who may not ask them. */
async function tried(
  base: string,
  route: RouteView,
  callers: Awaited<ReturnType<typeof tokensOf>>,
): Promise<{ asked: number; wrong: string[]; denied: string[] }> {
  const path = route.path.replaceAll(/:\w+/g, 'x');
  const [wrong, denied]: [string[], string[]] = [[], []];
  let asked = 0;
  for (const [caller, headers] of Object.entries(callers)) {
    const may = RANK[caller as Caller] >= RANK[route.role] && caller !== 'ingest';
    if (may) {
      // A question that changes nothing must be answered, or the table would be kept by refusing everything.
      if (route.method !== 'GET') continue;
      asked += 1;
      const { status: got } = await ask(base, path, { headers });
      if (got === 401 || got === 403) denied.push(`${caller} ${path} ${got}`);
      continue;
    }
    // Telemetry is what such a token is for.
    const sends = caller === 'ingest' && ['/api/logs', '/api/v1/write'].includes(route.path) && route.method === 'POST';
    if (sends) continue;
    for (const spelled of SPELLINGS) {
      for (const method of route.method === 'GET' ? ['GET', 'HEAD'] : [route.method]) {
        asked += 1;
        const body = method === 'POST' || method === 'PUT' ? {} : undefined;
        const asks = { ...headers, 'x-http-method-override': 'GET' };
        const { status: got } = await ask(base, spelled(path), { method, headers: asks, body });
        if (!refused(got)) wrong.push(`${caller} ${method} ${spelled(path)} ${got}`);
      }
    }
  }
  return { asked, wrong, denied };
}

const matrix: Row = {
  id: 'G5',
  name: 'authz-matrix',
  goal: 'every route × 21 spellings × callers without a token, with a token for telemetry, viewers and editors: 100 % refused below the role of the route, and what a role may read is answered',
  async run() {
    await using it = await startVitrine({ env: { VITRINE_TOKEN: TOKEN } });
    const base = it.monitor;
    const { routes } = JSON.parse((await ask(base, '/api/routes', { headers: bearer(TOKEN) })).body) as RoutesAnswer;
    const callers = await tokensOf(base);
    const guarded = routes.filter(({ role }) => role !== 'open');
    const outcomes: Awaited<ReturnType<typeof tried>>[] = [];
    for (const route of guarded) outcomes.push(await tried(base, route, callers));
    const wrong = outcomes.flatMap((one) => one.wrong);
    const denied = outcomes.flatMap((one) => one.denied);
    return {
      figure: {
        routes: guarded.length,
        open: routes.length - guarded.length,
        questions: outcomes.reduce((sum, one) => sum + one.asked, 0),
        answered_without_right: wrong.length,
        denied_with_right: denied.length,
        first: [...wrong, ...denied].slice(0, 5).join('; '),
      },
      pass: guarded.length > 60 && wrong.length === 0 && denied.length === 0,
    };
  },
};

export const MATRIX_ROWS: readonly Row[] = [matrix];
