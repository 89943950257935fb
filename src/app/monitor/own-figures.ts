/**
 * The metrics of Vitrine's own processes and their host, in memory: rules about them are evaluated on these while the store
 * cannot write, because monitoring must not depend on the part that it monitors.
 */
import { createNoopMeter } from '@opentelemetry/api';
import type { Clock } from '../../base/clock.ts';
import type { Frame } from '../../model/frame.ts';
import type { LogSink, SpanSink } from '../../model/ports.ts';
import type { OwnFigures } from '../../monitor/alerts/rules/environment.ts';
import { IngestCounters } from '../../monitor/ingest/checks/counters.ts';
import { FrameReceiver } from '../../monitor/ingest/request/frames.ts';
import { Intake } from '../../monitor/ingest/request/intake.ts';
import { embeddedQuerier } from '../../monitor/promql/embedded.ts';
import { compileMatcher } from '../../monitor/promql/syntax/matchers.ts';
import { RECENT_SAMPLES_DEFAULTS, RecentSamples } from '../../monitor/store/recent/recent-samples.ts';

/** Names that the rules of `FILES` read. None of them is a histogram, which would take many series. */
const NAMES = /^(?:system|vitrine\.(?:store|ingest|telemetry|alerts?|config|component))\./;
const FILES = new Set(['rules/pipeline.yaml', 'rules/hosts.yaml']);
const NOWHERE: SpanSink & LogSink = { append: () => ({ accepted: 0, rejected: [] }) };

export class OwnSamples implements OwnFigures {
  readonly querier: OwnFigures['querier'];
  readonly #intake: Intake;
  readonly #receivers = new Map<string, FrameReceiver>();

  constructor(clock: Clock) {
    const samples = new RecentSamples({ ...RECENT_SAMPLES_DEFAULTS, compileMatcher });
    this.querier = embeddedQuerier(samples, { clock });
    this.#intake = new Intake({
      sinks: { samples, spans: NOWHERE, logs: NOWHERE },
      clock,
      // The same frames are counted on their way into the store.
      counters: new IngestCounters(createNoopMeter()),
    });
  }

  readonly covers: OwnFigures['covers'] = ({ file }) => FILES.has(file);

  /** `connection` names the channel by which the frame came. */
  async push(connection: string, frame: Frame): Promise<void> {
    let receiver = this.#receivers.get(connection);
    if (receiver === undefined) {
      receiver = new FrameReceiver(this.#intake);
      this.#receivers.set(connection, receiver);
    }
    const metrics = frame.metrics.filter(({ name, kind }) => NAMES.test(name) && (kind === 'gauge' || kind === 'sum'));
    await receiver.receive({ ...frame, metrics, spans: [], logs: [] });
  }
}
