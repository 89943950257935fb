/**
 * Hands alerts over to a real Alertmanager, as Prometheus does: the newest state of each alert is sent in batches; what could
 * not be sent waits, in a bounded queue, and newer states replace older ones.
 */
import { BoundedMap } from '../../../base/bounded.ts';
import { wait, type Clock } from '../../../base/clock.ts';
import type { Logger } from '../../../base/logger.ts';
import type { Random } from '../../../base/random.ts';
import { Labels } from '../../../model/labels.ts';
import { OutboundGuard } from '../../outbound/guard.ts';
import { send } from '../../outbound/request.ts';
import type { PostedAlert } from './steps/intake.ts';
import { retryPauseMs } from './steps/retry.ts';

export interface HandOverOptions {
  readonly url: string;
  readonly bearer?: string | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: Random;
}

const MAX_WAITING = 10_000;
const BATCH = 64;
const TIMEOUT_MS = 10_000;

const keyOf = ({ labels }: PostedAlert): string => Labels.from(Object.entries(labels)).key;

export class HandOver {
  readonly #options: HandOverOptions;
  readonly #guard = new OutboundGuard();
  readonly #waiting = new BoundedMap<string, PostedAlert>(MAX_WAITING);
  readonly #stop = new AbortController();
  #sending: Promise<void> | undefined;

  constructor(options: HandOverOptions) {
    this.#options = options;
  }

  add(alerts: readonly PostedAlert[]): void {
    for (const alert of alerts) this.#waiting.set(keyOf(alert), alert);
    this.#sending ??= this.#sendAll().finally(() => (this.#sending = undefined));
  }

  async #sendAll(): Promise<void> {
    const { clock, logger, random } = this.#options;
    for (let failures = 0; this.#waiting.size > 0 && !this.#stop.signal.aborted;) {
      const batch = [...this.#waiting.values()].slice(0, BATCH);
      try {
        await this.#send(batch);
        // An alert that changed while it was sent stays.
        for (const alert of batch) if (this.#waiting.get(keyOf(alert)) === alert) this.#waiting.delete(keyOf(alert));
        failures = 0;
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        failures += 1;
        if (failures === 1) logger.warn({ error: (error as Error).message }, 'Alerts could not be handed over');
        await wait(clock, retryPauseMs(failures, random), this.#stop.signal).catch(() => {});
      }
    }
  }

  async #send(alerts: readonly PostedAlert[]): Promise<void> {
    const { url, bearer } = this.#options;
    const iso = (ms: number | undefined): string | undefined =>
      ms === undefined ? undefined : new Date(ms).toISOString();
    const body = alerts.map(({ labels, annotations, startsAtMs, endsAtMs, generatorUrl }) => ({
      labels,
      annotations,
      startsAt: iso(startsAtMs),
      endsAt: iso(endsAtMs),
      generatorURL: generatorUrl,
    }));
    const { status } = await send(this.#guard, {
      url: new URL(`${url.replace(/\/+$/, '')}/api/v2/alerts`),
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
      },
      body: JSON.stringify(body),
      origin: 'file',
      timeoutMs: TIMEOUT_MS,
      maxBodyBytes: 16_384,
      maxRedirects: 3,
      signal: this.#stop.signal,
    });
    // 4xx would come again for the same alerts: they are given up, as Prometheus does.
    if (status >= 500 || status === 429) throw new Error(`it answered ${status}`);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#sending;
  }
}
