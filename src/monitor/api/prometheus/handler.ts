/** The types shared by the endpoints of the Prometheus API. */
import type { Context } from 'koa';
import type { Clock } from '../../../base/clock.ts';
import type { Logger } from '../../../base/logger.ts';
import type { HeadStats } from '../../../model/head-stats.ts';
import type { Querier } from '../../../model/ports.ts';
import type { RuleSource } from '../../alerts/rules/view.ts';
import type { ResultSender } from './result-sender.ts';

export interface PrometheusApi {
  readonly querier: Querier;
  readonly sender: ResultSender;
  /** When absent, there are no rules and no alerts. */
  readonly rules?: RuleSource | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The version of Vitrine. */
  readonly version: string;
  readonly startedMs: number;
  /** The longest timeout that a query may request. */
  readonly timeoutMs: number;
  /** Larger form bodies are refused with 413. */
  readonly maxFormBytes: number;
  /** The configured value, for status/runtimeinfo (`30d`). */
  readonly retention: string;
  readonly headStats?: ((limit: number) => HeadStats) | undefined;
}

/** Sends the response, or throws an error that is sent in the error envelope. */
export type Handler = (ctx: Context, params: URLSearchParams, api: PrometheusApi) => Promise<void>;
