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
  /** Absent: no rules, no alerts. */
  readonly rules?: RuleSource | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Of Vitrine. */
  readonly version: string;
  readonly startedMs: number;
  /** No query may ask for more. */
  readonly timeoutMs: number;
  /** Form bodies beyond it are refused with 413. */
  readonly maxFormBytes: number;
  /** As configured, for status/runtimeinfo (`30d`). */
  readonly retention: string;
  readonly headStats?: ((limit: number) => HeadStats) | undefined;
}

/** Answers, or throws an error that is sent in the error envelope. */
export type Handler = (ctx: Context, params: URLSearchParams, api: PrometheusApi) => Promise<void>;
