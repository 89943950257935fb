/** A pipeline under a moved clock, with receivers that record what they get, and a real state.db. */
import { rmSync } from 'node:fs';
import { z } from 'zod';
import { seededRandom } from '../../../src/base/random.ts';
import type { Delivery, Notification } from '../../../src/monitor/alerts/notify/notification.ts';
import { assembled } from '../../../src/monitor/alerts/notify/assemble.ts';
import type { PipelineConfig } from '../../../src/monitor/alerts/notify/deliveries.ts';
import type { OnCallPlan } from '../../../src/monitor/alerts/oncall/config.ts';
import { readNotifyFile } from '../../../src/monitor/alerts/notify/file/read.ts';
import { Pipeline } from '../../../src/monitor/alerts/notify/pipeline.ts';
import { bool } from '../../../src/monitor/alerts/notify/receivers/fields.ts';
import type { ReceiverKind } from '../../../src/monitor/alerts/notify/receivers/kind.ts';
import { Ledger, type StoredEvent } from '../../../src/monitor/alerts/notify/state/ledger.ts';
import { MADE_OWNER } from '../../../src/monitor/alerts/made/book.ts';
import { NOTIFY_OWNER } from '../../../src/monitor/alerts/notify/state/tables.ts';
import type { FlappingOptions } from '../../../src/monitor/alerts/notify/steps/flapping.ts';
import type { Dependencies } from '../../../src/monitor/alerts/notify/steps/topology.ts';
import type { PostedAlert } from '../../../src/monitor/alerts/notify/steps/intake.ts';
import { Renderer } from '../../../src/monitor/alerts/notify/template/renderer.ts';
import { RECORDING_TABLES } from '../../../src/monitor/store/state/recordings.ts';
import { openStateDatabase, type StateDatabase } from '../../../src/monitor/store/state/state-database.ts';
import { movedClock, type MovedClock } from '../moved-clock.ts';
import { freshDir } from '../program.ts';
import { recordingLogger } from '../recording-logger.ts';
import { receiverTools } from './notifications.ts';

export const START = Date.UTC(2026, 10, 30, 12, 0, 0);

/** What one message said: `+`/`-` for firing and resolved, and each alert's `id` label or name. */
export interface Sent {
  readonly to: string;
  /** Seconds since the start. */
  readonly at: number;
  readonly reason: string;
  readonly alerts: string;
  readonly notification: Notification;
}

export interface Rig extends AsyncDisposable {
  readonly clock: MovedClock;
  readonly sent: Sent[];
  readonly figures: string[];
  pipeline: Pipeline;
  ledger: Ledger;
  /** The database now: a restart opens it again. */
  readonly state: () => StateDatabase;
  /** Failures that were reported: of writing the state. */
  readonly failures: unknown[];
  /** How the next deliveries to a receiver end; a promise that stays open is a receiver that hangs. */
  answer: (to: string, tries: number) => Delivery | Promise<Delivery>;
  fire(id: string, labels?: Record<string, string>, more?: Partial<PostedAlert>): Promise<string[]>;
  resolve(id: string, labels?: Record<string, string>): Promise<string[]>;
  advance(seconds: number): Promise<void>;
  /** Kills the pipeline without a goodbye and starts another one on the same files. */
  restart(config?: string): Promise<void>;
  reload(config: string): Promise<void>;
  events(fingerprintOrType?: { alert?: string; type?: string }): StoredEvent[];
  /** `to@at reason alerts` for each message. */
  lines(): string[];
}

export interface RigOptions {
  readonly oncall?: OnCallPlan | undefined;
  readonly startMs?: number;
  readonly topology?: Dependencies;
  readonly flapping?: FlappingOptions;
}

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 12; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

export async function pipelineRig(
  config: string,
  resolveThroughMutes = true,
  { oncall, startMs = START, topology, flapping }: RigOptions = {},
): Promise<Rig> {
  const dir = freshDir('vitrine-notify');
  const clock = movedClock(startMs);
  const sent: Sent[] = [];
  const figures: string[] = [];
  const failures: unknown[] = [];
  const logger = recordingLogger();
  const tools = { ...receiverTools('file', clock), logger };
  const tries = new Map<string, number>();
  let state: StateDatabase = openState();

  function openState(): StateDatabase {
    return openStateDatabase({ dir, owners: [NOTIFY_OWNER, MADE_OWNER, RECORDING_TABLES], clock, logger });
  }

  const kind: ReceiverKind<{ to: string; send_resolved: boolean }> = {
    name: 'webhook',
    key: 'webhook_configs',
    schema: z.strictObject({ to: z.string(), send_resolved: bool().default(true) }),
    create: ({ to, send_resolved: sendResolved }) => ({
      kind: 'webhook',
      sendResolved,
      async send(notification) {
        const count = (tries.get(to) ?? 0) + 1;
        tries.set(to, count);
        const delivery = await rig.answer(to, count);
        if (delivery.kind === 'delivered') {
          const alerts = notification.alerts
            .map(
              ({ status, labels }) => `${status === 'firing' ? '+' : '-'}${labels['id'] ?? labels['alertname'] ?? ''}`,
            )
            .join(' ');
          sent.push({ to, at: (clock.now() - startMs) / 1_000, reason: notification.reason, alerts, notification });
        }
        return delivery;
      },
    }),
  };

  function configOf(text: string): PipelineConfig {
    const read = readNotifyFile(text, 'am.yml', [kind]);
    if (read.config === undefined) throw new Error(read.issues.join('\n'));
    return assembled(read.config, tools, new Renderer(), oncall);
  }

  function makePipeline(text: string): Pipeline {
    rig.ledger = new Ledger(state, { retentionMs: 90 * 86_400_000, maxEvents: 100_000 }, (error) =>
      failures.push(error),
    );
    return new Pipeline({
      config: configOf(text),
      state,
      ledger: rig.ledger,
      clock,
      random: seededRandom(1),
      sources: {
        externalUrl: 'http://vitrine',
        contextOf: () => Promise.resolve({}),
        pictureOf: () => Promise.resolve(undefined),
      },
      resolveThroughMutes,
      topology,
      flapping,
      figures: {
        notified: (receiver, name) => figures.push(`notified ${receiver} ${name}`),
        failed: (receiver, name, reason) => figures.push(`failed ${receiver} ${name} ${reason}`),
        suppressed: (reason, count) => figures.push(`suppressed ${reason} ${count}`),
        refused: (reason, count) => figures.push(`refused ${reason} ${count}`),
      },
      onFailure: (error) => failures.push(error),
    });
  }

  let written = config;
  const rig = {
    clock,
    sent,
    figures,
    failures,
    state: () => state,
    answer: () => ({ kind: 'delivered' }),
    fire: (id, labels = {}, more = {}) =>
      rig.pipeline.take([
        {
          labels: { alertname: 'Down', ...labels, id },
          startsAtMs: clock.now(),
          endsAtMs: clock.now() + 86_400_000,
          ...more,
        },
      ]),
    resolve: (id, labels = {}) =>
      rig.pipeline.take([{ labels: { alertname: 'Down', ...labels, id }, endsAtMs: clock.now() }]),
    async advance(seconds) {
      // In small steps, so that what a timer starts has ended before the next one is due.
      const step = seconds > 600 ? 10_000 : 1_000;
      for (let left = seconds * 1_000; left > 0; left -= step) {
        await clock.advance(Math.min(step, left));
        await settle();
      }
    },
    async restart(text = written) {
      written = text;
      const dead = rig.pipeline;
      await settle();
      await state[Symbol.asyncDispose]();
      state = openState();
      rig.pipeline = makePipeline(text);
      await dead.close();
      await settle();
    },
    async reload(text) {
      written = text;
      await rig.pipeline.reload(configOf(text));
    },
    events: ({ alert, type } = {}) => rig.ledger.query({ alert, type, limit: 1_000 }),
    lines: () => sent.map(({ to, at, reason, alerts }) => `${to}@${at} ${reason}: ${alerts}`),
    async [Symbol.asyncDispose]() {
      await rig.pipeline.close();
      await state[Symbol.asyncDispose]();
      rmSync(dir, { recursive: true });
    },
  } as Partial<Rig> as Rig;
  rig.pipeline = makePipeline(config);
  return rig;
}
