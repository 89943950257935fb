/** Objectives: the figures of the window and of the months, the budget that is left, the burn rate, and the rule file. */
import { RecentMap } from '../../../base/bounded.ts';
import type { Clock } from '../../../base/clock.ts';
import { VitrineError } from '../../../base/errors.ts';
import { parseDurationMs, parseRatio } from '../../../base/units.ts';
import type { Querier } from '../../../model/ports.ts';
import { targetId } from '../../targets/config/compile.ts';
import { budgetOf, burnRuleFile, badQuery, powerText } from '../../targets/objectives/burn-rules.ts';
import { eventFilters, type EventFilter } from '../../targets/objectives/event-filter.ts';
import type { PastEvents } from '../../targets/objectives/past-events.ts';
import type { EventCounts } from '../../targets/objectives/request-events.ts';
import { objectiveConfig, type ObjectiveConfig } from '../../targets/objectives/schema.ts';
import type { Route } from '../routes.ts';
import type { ObjectiveJson, ObjectivesJson } from './contract.ts';

const MONTHS = 2;
const PRESENT_MS = 300_000;
/** A query over a month is expensive, and its answer changes slowly. */
const REMEMBER_MS = 300_000;
/** One is counted at a time: more than these would wait for minutes. */
const MAX_PREVIEWS = 4;

export interface SloParts {
  readonly objectives: () => readonly ObjectiveConfig[];
  readonly querier: Querier;
  /** Counts rows of the ledger. */
  readonly past: Pick<PastEvents, 'counts'>;
  readonly clock: Clock;
}

export function sloRoutes(parts: SloParts): Route[] {
  const { objectives, clock } = parts;
  const months = new MonthFigures();
  let previews = 0;
  return [
    {
      method: 'GET',
      path: '/api/slo/preview',
      async handler({ query }): Promise<ObjectiveJson> {
        const config = previewed(query);
        if (previews >= MAX_PREVIEWS) throw new VitrineError('overloaded', 'Too many objectives are tried at once.');
        previews += 1;
        try {
          return await objectiveJson(config, parts, months, clock.now());
        } finally {
          previews -= 1;
        }
      },
    },
    {
      method: 'GET',
      path: '/api/slo',
      async handler(): Promise<ObjectivesJson> {
        const nowMs = clock.now();
        return { objectives: await Promise.all(objectives().map((one) => objectiveJson(one, parts, months, nowMs))) };
      },
    },
    {
      method: 'GET',
      path: '/api/slo/rules',
      handler({ ctx }) {
        ctx.type = 'application/yaml';
        ctx.body = burnRuleFile(objectives());
      },
    },
  ];
}

/** An objective over the ledger that is not configured. Throws VitrineError `bad_request` with the key. */
function previewed(query: URLSearchParams): ObjectiveConfig {
  const given = (key: string): string | undefined => query.get(key) ?? undefined;
  const read = objectiveConfig.safeParse({
    name: given('name') ?? 'preview',
    objective: given('objective') ?? '99.9%',
    window: given('window'),
    requests: { total: given('total'), good: given('good') ?? '' },
  });
  if (read.success) return read.data;
  const [{ path, message }] = read.error.issues;
  throw new VitrineError('bad_request', `${path.join('.')}: ${message}`, {
    hint: 'For example `good=status:<500 duration:<300ms` and `total=route:/checkout*`.',
  });
}

interface Month {
  readonly month: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** The present month, which ends now, and those before it. */
function monthsUntil(nowMs: number): Month[] {
  const now = new Date(nowMs);
  const begin = (back: number): number => Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - back, 1);
  return Array.from({ length: MONTHS }, (_, back) => ({
    month: new Date(begin(back)).toISOString().slice(0, 7),
    fromMs: begin(back),
    toMs: back === 0 ? nowMs : begin(back - 1),
  }));
}

/** Shares of bad events of one objective; null without data. */
interface Figures {
  window(): Promise<{ readonly bad: number | null; readonly events: EventCounts | null }>;
  month(fromMs: number, toMs: number): Promise<number | null>;
  /** The present share of bad events over the budget. */
  burn(): Promise<number | null>;
}

/** Shares of months that were asked of the querier. */
class MonthFigures {
  readonly #known = new RecentMap<string, { readonly atMs: number; readonly bad: Promise<number | null> }>(1_000);

  async of(key: string, nowMs: number, ask: () => Promise<number | null>): Promise<number | null> {
    const known = this.#known.get(key);
    if (known !== undefined && nowMs - known.atMs < REMEMBER_MS) return known.bad;
    const bad = ask();
    this.#known.set(key, { atMs: nowMs, bad });
    return bad;
  }
}

async function objectiveJson(
  config: ObjectiveConfig,
  parts: SloParts,
  months: MonthFigures,
  nowMs: number,
): Promise<ObjectiveJson> {
  const { name, objective, window, target, requests } = config;
  const budget = budgetOf(config);
  const windowMs = parseDurationMs(window) ?? 0;
  const [filter] = eventFilters([config]);
  const figures =
    filter === undefined
      ? querierFigures(config, parts.querier, months, nowMs)
      : ledgerFigures(filter, budget, parts.past, nowMs, windowMs);
  const judged = (bad: number | null): Pick<ObjectiveJson, 'figure' | 'budget_left' | 'breached'> => ({
    figure: bad === null ? null : 1 - bad,
    budget_left: bad === null ? null : 1 - bad / budget,
    breached: bad === null ? null : bad > budget,
  });
  const [{ bad, events }, burn, ofMonths] = await Promise.all([
    figures.window(),
    figures.burn(),
    Promise.all(
      monthsUntil(nowMs).map(async ({ month, fromMs, toMs }) => ({
        month,
        ...judged(await figures.month(fromMs, toMs)),
      })),
    ),
  ]);
  return {
    name,
    objective: parseRatio(objective) ?? 0,
    window,
    window_seconds: windowMs / 1_000,
    target: target ?? null,
    target_id: target === undefined ? null : targetId(target),
    requests: requests ?? null,
    events,
    ...judged(bad),
    burn_rate: burn,
    months: ofMonths,
    power: powerText(config),
  };
}

/** Exact, and there at once: rows are counted. */
function ledgerFigures(
  filter: EventFilter,
  budget: number,
  past: SloParts['past'],
  nowMs: number,
  windowMs: number,
): Figures {
  const shareOf = ({ good, total }: EventCounts): number | null => (total === 0 ? null : (total - good) / total);
  return {
    async window() {
      const events = await past.counts(filter, nowMs - windowMs, nowMs);
      return { bad: shareOf(events), events };
    },
    month: async (fromMs, toMs) => shareOf(await past.counts(filter, fromMs, toMs)),
    async burn() {
      const share = shareOf(await past.counts(filter, nowMs - PRESENT_MS, nowMs));
      return share === null ? null : share / budget;
    },
  };
}

function querierFigures(config: ObjectiveConfig, querier: Querier, months: MonthFigures, nowMs: number): Figures {
  const { name, window } = config;
  const value = async (expr: string, atMs: number): Promise<number | null> => {
    const { value: answer } = await querier.instant(expr, atMs);
    const v = answer.kind === 'vector' ? answer.series[0]?.point.v : undefined;
    return v === undefined || Number.isNaN(v) ? null : v;
  };
  const recorded = (series: string, lookbackMs: number): Promise<number | null> =>
    value(`last_over_time(${series}{slo=${JSON.stringify(name)}}[${lookbackMs / 1_000}s])`, nowMs);
  return {
    async window() {
      return { bad: await recorded(`slo:sli_error:ratio_rate${window}`, 900_000), events: null };
    },
    month(fromMs, toMs) {
      const over = `${Math.max(1, Math.round((toMs - fromMs) / 1_000))}s`;
      const key = JSON.stringify([config, fromMs]);
      return months.of(key, nowMs, () => value(badQuery(config, over), toMs));
    },
    burn: () => recorded('slo:current_burn_rate:ratio', 120_000),
  };
}
