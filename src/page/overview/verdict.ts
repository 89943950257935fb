/** The verdict in one sentence: the problem, its place and its start, or that everything works. Pure. */
import type {
  AlertView,
  CurrentFigures,
  LiveFrame,
  Phase,
  RouteLedger,
  ServiceRow,
} from '../../monitor/api/contract.ts';
import { summaryOf } from '../alerts/alert-text.ts';
import { age, digits, duration, joined, percent, rate } from '../state/format.ts';
import type { Status } from '../ui/status.ts';

export interface VerdictPart {
  readonly text: string;
  readonly strong?: boolean;
}

export interface Verdict {
  readonly status: Status;
  readonly parts: readonly VerdictPart[];
}

const strong = (text: string): VerdictPart => ({ text, strong: true });
const plain = (text: string): VerdictPart => ({ text });

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

function causeOf(routes: readonly RouteLedger[]): VerdictPart[] {
  let worst: { route: RouteLedger; phase: Phase; seconds: number } | undefined;
  for (const route of routes) {
    const grown = grewMost(route);
    if (grown === undefined) continue;
    if (grown.seconds * route.requests_per_second > (worst ? worst.seconds * worst.route.requests_per_second : 0)) {
      worst = { route, ...grown };
    }
  }
  if (worst === undefined || worst.seconds < 0.005) return [];
  const { route, phase } = worst;
  return [
    plain(' Most of the added time is '),
    strong(PHASE_WORDS[phase]),
    plain(` of ${route.method} ${route.route}.`),
  ];
}

function fromAlert(alert: AlertView, current: CurrentFigures, nowMs: number): Verdict {
  const about = alert.labels.service ?? alert.labels.job ?? '';
  const since = age(nowMs - (alert.firedAtMs ?? alert.activeAtMs));
  const slow = /slow|latency|duration|response/i.test(alert.name);
  const cause = slow ? causeOf(current.routes) : [];
  const status = alert.severity === 'critical' ? 'crit' : 'warn';
  const text = summaryOf(alert);
  if (text !== '' && alert.annotations.summary !== undefined) {
    return { status, parts: [strong(text), plain(`, for ${since}.`), ...cause] };
  }
  const head = about === '' ? alert.name : slow ? `${about} is slow` : `${about}: ${alert.name}`;
  // Within a sentence; a word in capitals is a name.
  const why = /^[A-Z][a-z ]/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text;
  return { status, parts: [strong(head), plain(`${why === '' ? '' : `: ${why}`}, for ${since}.`), ...cause] };
}

function calm(current: CurrentFigures): Verdict {
  const { balancer } = current;
  if (balancer === null) {
    return {
      status: 'unknown',
      parts: [strong('No traffic'), plain(' in the last minute. Requests to the balancer show here.')],
    };
  }
  const errors = balancer.errors === 0 ? 'no errors' : `${joined(percent(balancer.error_ratio))} errors`;
  return {
    status: 'ok',
    parts: [
      strong('All is well'),
      plain(`: ${joined(rate(balancer.requests_per_second))}, p95 `),
      strong(joined(duration(balancer.p95_seconds))),
      plain(`, ${errors}.`),
    ],
  };
}

export function verdictOf(frame: LiveFrame | undefined, services: readonly ServiceRow[]): Verdict {
  if (frame === undefined) return { status: 'unknown', parts: [plain('Waiting for the first data.')] };
  const { health, current, alerts, timeMs } = frame;
  const firing = alerts.find(({ state, severity }) => state === 'firing' && severity !== 'info');
  const down = Object.entries(health.components).find(([, { status }]) => status === 'unhealthy');
  if (down !== undefined) {
    return {
      status: 'crit',
      parts: [strong(`${down[0]} is unhealthy`), plain(`: ${down[1].reason ?? 'see its row below'}.`)],
    };
  }
  if (firing !== undefined) return fromAlert(firing, current, timeMs);
  const bad = services.find(({ state }) => state === 'unhealthy' || state === 'degraded');
  if (bad !== undefined) {
    const status = bad.state === 'unhealthy' ? 'crit' : 'warn';
    return {
      status,
      parts: [strong(`${bad.service} needs a look`), plain(`: ${bad.reason}.`), ...causeOf(current.routes)],
    };
  }
  const out = current.upstreams.filter(({ up }) => !up);
  if (out.length > 0 && current.upstreams.length > 0) {
    const text = `${digits(out.length)} of ${current.upstreams.length} upstreams out of rotation`;
    return { status: 'warn', parts: [strong(text), plain(`: ${out.map(({ upstream }) => upstream).join(', ')}.`)] };
  }
  return calm(current);
}
