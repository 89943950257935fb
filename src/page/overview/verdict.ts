/**
 * The verdict in one sentence: the problem that users feel most, its place and its start, the route and the upstream that
 * cause it, or that everything works. Pure.
 */
import type {
  AlertView,
  CurrentFigures,
  LiveFrame,
  Phase,
  RouteLedger,
  ServiceRow,
} from '../../monitor/api/contract.ts';
import { aboutOf, summaryOf } from '../alerts/alert-text.ts';
import { questionOf, type TraceQuestion } from '../alerts/trace-question.ts';
import { age, digits, duration, joined, percent, rate } from '../state/format.ts';
import { visibleName } from '../state/visible-name.ts';
import type { Status } from '../ui/status.ts';
import type { Concern } from './concern.ts';
import { concernOf, CONCERNS } from './concern.ts';

export interface VerdictPart {
  readonly text: string;
  readonly strong?: boolean;
}

export interface Verdict {
  readonly status: Status;
  readonly parts: readonly VerdictPart[];
  /** Which trace shows the problem; absent when no request has it. */
  readonly cause?: TraceQuestion | undefined;
}

/** One problem; the one of the first concern, worst first, becomes the verdict. */
interface Problem extends Verdict {
  readonly concern: Concern;
  /** What it is about: two problems of one subject count once. */
  readonly subject: string;
}

const strong = (text: string): VerdictPart => ({ text, strong: true });
const plain = (text: string): VerdictPart => ({ text });
const named = (name: string): string => visibleName(name, 60).text;

/** A route with fewer failures than this part of its requests is not named as a cause. */
const SOME_ERRORS = 0.01;

/** The phase of a route that grew most against its usual time, and by how many seconds; undefined when none grew. */
export function grewMost(route: RouteLedger): { phase: Phase; seconds: number } | undefined {
  if (route.before === null) return undefined;
  let most: { phase: Phase; seconds: number } | undefined;
  for (const [phase, seconds] of Object.entries(route.phases) as [Phase, number][]) {
    const grown = seconds - route.before.phases[phase];
    if (grown > (most?.seconds ?? 0.0005)) most = { phase, seconds: grown };
  }
  return most;
}

const PHASE_WORDS: Readonly<Record<Phase, string>> = {
  queue: 'waiting in the queue',
  cache: 'looking into the cache',
  connect: 'connecting',
  upstream: 'waiting for the upstream',
  transfer: 'transferring the answer',
};

const routeName = ({ method, route }: RouteLedger): string => `${method} ${named(route)}`;

function slowCause(routes: readonly RouteLedger[]): VerdictPart[] {
  let worst: { route: RouteLedger; phase: Phase; seconds: number } | undefined;
  for (const route of routes) {
    const grown = grewMost(route);
    if (grown === undefined) continue;
    if (grown.seconds * route.requests_per_second > (worst ? worst.seconds * worst.route.requests_per_second : 0)) {
      worst = { route, ...grown };
    }
  }
  if (worst === undefined || worst.seconds < 0.005) return [];
  return [
    plain(' Most of the added time is '),
    strong(PHASE_WORDS[worst.phase]),
    plain(` of ${routeName(worst.route)}.`),
  ];
}

/** The route and the upstream with the most failures. */
function failingCause({ routes, upstreams }: CurrentFigures): VerdictPart[] {
  const failures = (route: RouteLedger): number => route.error_ratio * route.requests_per_second;
  const route = routes
    .filter(({ error_ratio: ratio }) => ratio >= SOME_ERRORS)
    .toSorted((a, b) => failures(b) - failures(a))
    .at(0);
  const bad = upstreams.filter(({ errors }) => errors > 0).toSorted((a, b) => b.errors - a.errors);
  const all = bad.reduce((sum, { errors }) => sum + errors, 0);
  // With several upstreams and failures at each alike, none of them is the cause.
  const upstream = upstreams.length > 1 && bad.length > 0 && bad[0].errors > all * 0.6 ? bad[0].upstream : undefined;
  const out = upstreams.filter(({ up }) => !up);
  const parts: VerdictPart[] = [];
  if (route !== undefined) {
    parts.push(
      plain(' Most failures are of '),
      strong(routeName(route)),
      plain(` (${joined(percent(route.error_ratio))})`),
    );
    parts.push(plain(upstream === undefined ? '.' : `, from ${named(upstream)}.`));
  } else if (upstream !== undefined) parts.push(plain(` Most failures come from ${named(upstream)}.`));
  if (out.length > 0) parts.push(plain(` ${out.map((one) => named(one.upstream)).join(', ')} takes no traffic.`));
  return parts;
}

function causeOf(concern: Concern, current: CurrentFigures): VerdictPart[] {
  if (concern === 'failing') return failingCause(current);
  return concern === 'slow' ? slowCause(current.routes) : [];
}

/** An alert whose rule has a summary says that; another says what is wrong with what. */
function fromAlert(alert: AlertView, current: CurrentFigures, nowMs: number): Problem {
  const subject = aboutOf(alert);
  const concern = concernOf(alert);
  const since = age(nowMs - (alert.firedAtMs ?? alert.activeAtMs));
  const status = alert.severity === 'critical' ? 'crit' : 'warn';
  const cause = concern === 'failing' || concern === 'slow' ? questionOf(alert) : undefined;
  const text = summaryOf(alert);
  const tail = [plain(`, for ${since}.`), ...causeOf(concern, current)];
  if (text !== '' && alert.annotations.summary !== undefined) {
    const unnamed = subject !== '' && !text.includes(subject) ? `${named(subject)}: ` : '';
    return { status, concern, subject, cause, parts: [strong(`${unnamed}${text}`), ...tail] };
  }
  const head =
    subject === '' ? alert.name : concern === 'slow' ? `${named(subject)} is slow` : `${named(subject)}: ${alert.name}`;
  // Within a sentence; a word in capitals is a name.
  const why = /^[A-Z][a-z ]/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text;
  return { status, concern, subject, cause, parts: [strong(head), plain(why === '' ? '' : `: ${why}`), ...tail] };
}

/** The strip of a service is of this time. */
const STRIP_MS = 15 * 60_000;

function fromService(row: ServiceRow, current: CurrentFigures, nowMs: number): Problem {
  const concern = /errors/.test(row.reason) ? 'failing' : 'slow';
  return {
    status: row.state === 'unhealthy' ? 'crit' : 'warn',
    concern,
    subject: row.service,
    cause: { service: row.service, errors: concern === 'failing', from: String(nowMs - STRIP_MS), to: undefined },
    parts: [strong(`${named(row.service)} needs a look`), plain(`: ${row.reason}.`), ...causeOf(concern, current)],
  };
}

function problemsOf({ health, current, alerts, timeMs }: LiveFrame, services: readonly ServiceRow[]): Problem[] {
  const down = Object.entries(health.components)
    .filter(([, { status }]) => status === 'unhealthy')
    .map(([name, { reason }]): Problem => {
      const concern = name === 'monitor' ? 'monitor' : 'failing';
      const parts = [strong(`${name} is unhealthy`), plain(`: ${reason ?? 'see its row below'}.`)];
      return { status: 'crit', concern, subject: name, parts: [...parts, ...causeOf(concern, current)] };
    });
  const firing = alerts
    .filter(({ state, severity }) => state === 'firing' && severity !== 'info')
    .map((alert) => fromAlert(alert, current, timeMs));
  const bad = services
    .filter(({ state }) => state === 'unhealthy' || state === 'degraded')
    .map((row) => fromService(row, current, timeMs));
  const out = current.upstreams.filter(({ up }) => !up);
  const problems = [...down, ...firing, ...bad];
  if (out.length === 0) return problems;
  const text = `${digits(out.length)} of ${current.upstreams.length} upstreams out of rotation`;
  const names = out.map(({ upstream }) => named(upstream)).join(', ');
  return [
    ...problems,
    { status: 'warn', concern: 'ahead', subject: 'upstreams', parts: [strong(text), plain(`: ${names}.`)] },
  ];
}

/** The sort is stable: of two alike the one found first leads. */
function worstFirst(problems: readonly Problem[]): readonly Problem[] {
  const rank = ({ concern, status }: Problem): number => CONCERNS.indexOf(concern) * 2 + (status === 'crit' ? 0 : 1);
  return problems.toSorted((a, b) => rank(a) - rank(b));
}

function resolvedNote(alerts: readonly AlertView[], nowMs: number): VerdictPart[] {
  const ended = alerts
    .filter(({ state, severity }) => state === 'resolved' && severity !== 'info')
    .toSorted((a, b) => (b.resolvedAtMs ?? 0) - (a.resolvedAtMs ?? 0));
  const last = ended.at(0);
  if (last === undefined) return [];
  const subject = aboutOf(last);
  const of = subject === '' ? '' : ` of ${named(subject)}`;
  const more = ended.length > 1 ? ` and ${ended.length - 1} more` : '';
  return [plain(` ${last.name}${of} was resolved ${age(nowMs - (last.resolvedAtMs ?? nowMs))} ago${more}.`)];
}

function calm({ current, alerts, timeMs }: LiveFrame): Verdict {
  const { balancer, server } = current;
  const note = resolvedNote(alerts, timeMs);
  if (balancer === null && server !== null) {
    const text = ` in the last minute; the services were asked directly, ${joined(rate(server.requests_per_second))}.`;
    return { status: 'unknown', parts: [strong('No request came through the balancer'), plain(text), ...note] };
  }
  if (balancer === null) {
    const text = ' in the last minute. Requests to the balancer show here.';
    return { status: 'unknown', parts: [strong('No traffic'), plain(text), ...note] };
  }
  const errors = balancer.errors === 0 ? 'no errors' : `${joined(percent(balancer.error_ratio))} errors`;
  return {
    status: 'ok',
    parts: [
      strong('All is well'),
      plain(`: ${joined(rate(balancer.requests_per_second))}, p95 `),
      strong(joined(duration(balancer.p95_seconds))),
      plain(`, ${errors}.`),
      ...note,
    ],
  };
}

export function verdictOf(frame: LiveFrame | undefined, services: readonly ServiceRow[]): Verdict {
  if (frame === undefined) return { status: 'unknown', parts: [plain('Waiting for the first data.')] };
  const problems = worstFirst(problemsOf(frame, services));
  const first = problems.at(0);
  if (first === undefined) return calm(frame);
  const others = new Set(problems.map(({ subject }) => subject));
  others.delete(first.subject);
  const more = others.size === 0 ? [] : [plain(` ${others.size} more ${others.size === 1 ? 'needs' : 'need'} a look.`)];
  return { status: first.status, cause: first.cause, parts: [...first.parts, ...more] };
}
