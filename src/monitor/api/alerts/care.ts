/** The acts of people on alerts and silences, each with its event in the ledger. Both APIs use these functions. */
import type { Clock } from '../../../base/clock.ts';
import { VitrineError } from '../../../base/errors.ts';
import { Labels, type Matcher } from '../../../model/labels.ts';
import { matchersText, matchesAll } from '../../alerts/notify/file/matchers.ts';
import { silenceData } from '../../alerts/notify/journal.ts';
import type { Pipeline } from '../../alerts/notify/pipeline.ts';
import type { Care, CareAction } from '../../alerts/notify/state/care.ts';
import type { Ledger } from '../../alerts/notify/state/ledger.ts';
import type { Delivery } from '../../alerts/notify/notification.ts';
import type { Trials } from '../../alerts/notify/trial.ts';
import type { AlertContext } from '../../alerts/notify/notification-data.ts';
import type { AlertingSpec } from '../../alerts/rules/spec.ts';
import { compileMatchers, type NewSilence, type Silence } from '../../alerts/notify/state/silences.ts';
import type { MaintenanceWindow } from '../../alerts/notify/state/maintenance.ts';
import { fingerprintOf } from '../../alerts/notify/steps/fingerprint.ts';
import type { StoredAlert } from '../../alerts/notify/steps/intake.ts';

export interface AlertCareOptions {
  readonly pipeline: Pipeline;
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly version: string;
  /** What other parts know of an alert. */
  readonly about: AlertFacts;
}

interface Outcome {
  readonly kind: string;
  readonly index: number;
  readonly ok: boolean;
  readonly message: string;
}

/** The name of a receiver that stands in no configuration. */
const TRIAL = 'trial';

export interface AlertFacts {
  /** Tries what is not saved. */
  readonly trials: Trials;
  readonly contextOf: (alert: StoredAlert) => Promise<AlertContext>;
  /** The rule of an alert with these labels, when it is one of Vitrine's. */
  readonly ruleOf: (labels: Labels) => AlertingSpec | undefined;
}

const ACTION_TEXT: Readonly<Record<CareAction['kind'], (action: CareAction) => string>> = {
  ack: ({ by }) => `was acknowledged by ${by}: repetitions stop while nothing new happens`,
  unack: ({ by }) => `is no longer acknowledged (${by})`,
  assign: (action) => `was assigned to ${'to' in action ? action.to : ''} by ${action.by}`,
  snooze: (action) =>
    `was snoozed by ${action.by}${'untilMs' in action ? ` until ${new Date(action.untilMs).toISOString()}` : ''}`,
  comment: (action) => `${action.by}: ${'text' in action ? action.text : ''}`,
};

const EVENTS: Readonly<Record<CareAction['kind'], `vitrine_${string}`>> = {
  ack: 'vitrine_alert_acknowledged',
  unack: 'vitrine_alert_unacknowledged',
  assign: 'vitrine_alert_assigned',
  snooze: 'vitrine_alert_snoozed',
  comment: 'vitrine_alert_commented',
};

export class AlertCare {
  readonly pipeline: Pipeline;
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly version: string;
  readonly startedAtMs: number;
  readonly about: AlertFacts;

  constructor({ pipeline, ledger, clock, version, about }: AlertCareOptions) {
    this.about = about;
    this.pipeline = pipeline;
    this.ledger = ledger;
    this.clock = clock;
    this.version = version;
    this.startedAtMs = clock.now();
  }

  /** Throws VitrineError `not_found`. */
  alert(fingerprint: string): StoredAlert {
    const alert = this.pipeline.alerts.get(fingerprint);
    if (alert === undefined) {
      throw new VitrineError('not_found', `There is no alert ${fingerprint}.`, {
        hint: '`vitrine alerts` lists them.',
      });
    }
    return alert;
  }

  async act(fingerprint: string, action: CareAction): Promise<Care> {
    this.alert(fingerprint);
    const nowMs = this.clock.now();
    const care = await this.pipeline.care.act(fingerprint, action, nowMs);
    const text = ACTION_TEXT[action.kind](action);
    await this.ledger.record({ type: EVENTS[action.kind], alerts: [fingerprint], text, data: { ...action } }, nowMs);
    return care;
  }

  async setSilence(given: NewSilence): Promise<Silence> {
    const nowMs = this.clock.now();
    const { silence, isNew } = await this.pipeline.silences.set(given, nowMs);
    const alerts = this.wouldMute(silence.matchers).map(({ fingerprint }) => fingerprint);
    const what = isNew ? 'made' : 'changed';
    const text = `silence ${silence.id} ${matchersText(silence.matchers)} was ${what} by ${silence.createdBy}`;
    const type = isNew ? 'silence_created' : 'silence_updated';
    await this.ledger.record({ type, alerts, text, data: { silence: silenceData(silence) } }, nowMs);
    return silence;
  }

  /** Throws VitrineError `not_found`. */
  async expireSilence(id: string, by = ''): Promise<Silence> {
    const nowMs = this.clock.now();
    const silence = await this.pipeline.silences.expire(id, nowMs);
    if (silence === undefined) throw new VitrineError('not_found', `There is no silence ${id}.`);
    const alerts = this.wouldMute(silence.matchers).map(({ fingerprint }) => fingerprint);
    const text = `silence ${id} was ended${by === '' ? '' : ` by ${by}`}`;
    await this.ledger.record({ type: 'silence_updated', alerts, text, data: { silence: silenceData(silence) } }, nowMs);
    return silence;
  }

  /** The alerts of now that these matchers match. Throws VitrineError `bad_request`. */
  wouldMute(matchers: readonly Matcher[]): StoredAlert[] {
    const compiled = compileMatchers(matchers);
    return this.pipeline.alerts.active(this.clock.now()).filter(({ labels }) => matchesAll(compiled, labels));
  }

  async setMaintenance(window: MaintenanceWindow): Promise<void> {
    await this.pipeline.maintenance.set(window);
    const text = `maintenance window "${window.name}" was set by ${window.createdBy}`;
    await this.ledger.record(
      { type: 'vitrine_maintenance_set', alerts: [], text, data: { ...window } },
      this.clock.now(),
    );
  }

  /** Throws VitrineError `not_found`. */
  async deleteMaintenance(name: string): Promise<void> {
    if (!(await this.pipeline.maintenance.delete(name))) {
      throw new VitrineError('not_found', `There is no maintenance window "${name}".`);
    }
    const text = `maintenance window "${name}" was deleted`;
    await this.ledger.record(
      { type: 'vitrine_maintenance_deleted', alerts: [], text, data: { name } },
      this.clock.now(),
    );
  }

  /** A message to every integration of a receiver. Throws VitrineError `not_found`. */
  async test(receiver: string, by: string): Promise<Outcome[]> {
    const channels = this.pipeline.config.channels.get(receiver);
    if (channels === undefined) throw new VitrineError('not_found', `There is no receiver "${receiver}".`);
    const results = await this.pipeline.tests.test(receiver, channels, this.#sampleAlert(receiver, by));
    return this.#tested(receiver, results, `receiver ${receiver} was tested by ${by}`);
  }

  /** A message to a channel that is not saved. Throws VitrineError `bad_request` and `too_many_requests`. */
  async tryChannel(kind: string, entry: unknown, by: string): Promise<Outcome[]> {
    const { trials } = this.about;
    const channel = trials.channel(kind, entry);
    const alert = this.#sampleAlert(TRIAL, by);
    const results = await trials.one(() => this.pipeline.tests.test(TRIAL, [channel], alert));
    return this.#tested(TRIAL, results, `a ${channel.kind.name} channel that is not saved was tried by ${by}`);
  }

  /** What a template makes of an alert, or of an example. Throws VitrineError `bad_request` and `not_found`. */
  async tryTemplate(template: string, fingerprint: string | undefined, by: string): Promise<string> {
    const alert = fingerprint === undefined ? this.#sampleAlert(TRIAL, by) : this.alert(fingerprint);
    const about = await this.pipeline.tests.sample(TRIAL, alert, fingerprint === undefined);
    return this.about.trials.template(template, about);
  }

  async #tested(
    receiver: string,
    results: readonly { readonly kind: string; readonly index: number; readonly delivery: Delivery }[],
    text: string,
  ): Promise<Outcome[]> {
    const outcome = results.map(({ kind, index, delivery }) => ({
      kind,
      index,
      ok: delivery.kind === 'delivered',
      message: delivery.kind === 'delivered' ? 'delivered' : delivery.message,
    }));
    const event = { type: 'vitrine_receiver_tested', alerts: [], receiver, text, data: { outcome } } as const;
    await this.ledger.record(event, this.clock.now());
    return outcome;
  }

  #sampleAlert(receiver: string, by: string): StoredAlert {
    const nowMs = this.clock.now();
    const labels = Labels.from({ alertname: 'VitrineTest', severity: 'info', receiver });
    return {
      labels,
      fingerprint: fingerprintOf(labels),
      annotations: { summary: `A test of receiver ${receiver}, asked for by ${by}` },
      startsAtMs: nowMs,
      endsAtMs: nowMs + 60_000,
      updatedAtMs: nowMs,
      isTimeout: true,
      generatorUrl: '',
      value: 0.12,
      threshold: '> 0.1',
    };
  }
}
