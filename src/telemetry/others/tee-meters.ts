/**
 * Meters that record into Vitrine's SDK and, once the application has registered its own meter provider, into that one too.
 * Instruments that were made before are made again there. What Vitrine measures by itself (`OWN_WAY`) is recorded for the
 * application alone: twice under one name it would count double.
 */
import type {
  Attributes,
  BatchObservableCallback,
  Context,
  Meter,
  MeterOptions,
  MeterProvider,
  MetricOptions,
  Observable,
  ObservableCallback,
} from '@opentelemetry/api';
import { OWN_WAY } from '../instrumentation-packages.ts';
import { heardScope, suffixOf } from './scopes.ts';

const SYNCHRONOUS = ['createCounter', 'createUpDownCounter', 'createHistogram', 'createGauge'] as const;
const OBSERVABLE = ['createObservableCounter', 'createObservableUpDownCounter', 'createObservableGauge'] as const;
type Making = (typeof SYNCHRONOUS)[number] | (typeof OBSERVABLE)[number];

/** Instruments of one process that are made again for the application's provider. */
const LIMIT = 2_000;

interface Recorder {
  add?(value: number, attributes?: Attributes, from?: Context): void;
  record?(value: number, attributes?: Attributes, from?: Context): void;
  addCallback?(callback: ObservableCallback): void;
  removeCallback?(callback: ObservableCallback): void;
}

type Make = (meter: Meter) => Recorder;

/** One instrument with its copies in the SDKs that want it. */
class TeeInstrument implements Recorder {
  readonly make: Make;
  readonly copies: Recorder[] = [];
  readonly callbacks = new Set<ObservableCallback>();

  constructor(make: Make, meters: readonly Meter[]) {
    this.make = make;
    for (const meter of meters) this.join(meter);
  }

  join(meter: Meter): Recorder {
    const copy = this.make(meter);
    for (const callback of this.callbacks) copy.addCallback?.(callback);
    this.copies.push(copy);
    return copy;
  }

  add(value: number, attributes?: Attributes, from?: Context): void {
    for (const copy of this.copies) copy.add?.(value, attributes, from);
  }

  record(value: number, attributes?: Attributes, from?: Context): void {
    for (const copy of this.copies) copy.record?.(value, attributes, from);
  }

  addCallback(callback: ObservableCallback): void {
    this.callbacks.add(callback);
    for (const copy of this.copies) copy.addCallback?.(callback);
  }

  removeCallback(callback: ObservableCallback): void {
    this.callbacks.delete(callback);
    for (const copy of this.copies) copy.removeCallback?.(callback);
  }
}

interface Batch {
  readonly callback: BatchObservableCallback;
  readonly instruments: readonly TeeInstrument[];
  /** What was registered with each SDK, so that it can be removed. */
  readonly registered: [meter: Meter, callback: BatchObservableCallback, copies: Observable[]][];
}

class TeeMeter {
  readonly #meters: Meter[] = [];
  readonly #instruments: TeeInstrument[] = [];
  readonly #batches = new Map<BatchObservableCallback, Batch>();

  constructor(own: Meter | undefined) {
    if (own !== undefined) this.#meters.push(own);
    for (const name of [...SYNCHRONOUS, ...OBSERVABLE])
      Object.assign(this, { [name]: (asked: string, options?: MetricOptions) => this.#create(name, asked, options) });
  }

  join(meter: Meter): void {
    this.#meters.push(meter);
    for (const instrument of this.#instruments) instrument.join(meter);
    for (const batch of this.#batches.values()) this.#register(batch, meter);
  }

  #create(making: Making, name: string, options?: MetricOptions): TeeInstrument {
    const make: Make = (meter) => meter[making](name, options);
    const instrument = new TeeInstrument(make, this.#meters);
    if (this.#instruments.length < LIMIT) this.#instruments.push(instrument);
    return instrument;
  }

  addBatchObservableCallback(callback: BatchObservableCallback, observed: Observable[]): void {
    const instruments = observed.filter((each): each is Observable & TeeInstrument => each instanceof TeeInstrument);
    const batch: Batch = { callback, instruments, registered: [] };
    this.#batches.set(callback, batch);
    for (const meter of this.#meters) this.#register(batch, meter);
  }

  removeBatchObservableCallback(callback: BatchObservableCallback, _observed?: Observable[]): void {
    const batch = this.#batches.get(callback);
    this.#batches.delete(callback);
    for (const [meter, registered, copies] of batch?.registered ?? [])
      meter.removeBatchObservableCallback(registered, copies);
  }

  /** The callback names the tee's instruments; each SDK knows only its own. */
  #register({ callback, instruments, registered }: Batch, meter: Meter): void {
    const at = this.#meters.indexOf(meter);
    const copyOf = (instrument: unknown): Observable | undefined =>
      instrument instanceof TeeInstrument ? (instrument.copies[at] as Observable | undefined) : undefined;
    const translated: BatchObservableCallback = (result) =>
      callback({
        observe: (instrument: unknown, value: number, attributes?: Attributes) => {
          const copy = copyOf(instrument);
          if (copy !== undefined) result.observe(copy, value, attributes);
        },
      });
    const copies = instruments.map(copyOf).filter((copy) => copy !== undefined);
    meter.addBatchObservableCallback(translated, copies);
    registered.push([meter, translated, copies]);
  }
}

export class TeeMeterProvider implements MeterProvider {
  readonly #own: MeterProvider;
  readonly #meters = new Map<string, { tee: TeeMeter; asked: [string, string?, MeterOptions?] }>();
  readonly #sharesOwn: boolean;
  #theirs: MeterProvider | undefined;

  /** `sharesOwn`: the other provider is one that Vitrine set up, and gets Vitrine's own metrics too. */
  constructor(own: MeterProvider, sharesOwn = false) {
    this.#own = own;
    this.#sharesOwn = sharesOwn;
  }

  get theirs(): MeterProvider | undefined {
    return this.#theirs;
  }

  /** Once: an instrument cannot leave an SDK. */
  join(theirs: MeterProvider): void {
    this.#theirs = theirs;
    for (const { tee, asked } of this.#meters.values()) tee.join(theirs.getMeter(...asked));
  }

  getMeter(name: string, version?: string, options?: MeterOptions): Meter {
    heardScope(name);
    // Vitrine's own metrics are no concern of the application's exporters.
    if (name.startsWith('vitrine') && !this.#sharesOwn) return this.#own.getMeter(name, version, options);
    const key = `${name}@${version ?? ''}:${options?.schemaUrl ?? ''}`;
    const known = this.#meters.get(key);
    if (known !== undefined) return known.tee as unknown as Meter;
    const isSecond = OWN_WAY.has(suffixOf(name) ?? '');
    const tee = new TeeMeter(isSecond ? undefined : this.#own.getMeter(name, version, options));
    if (this.#theirs !== undefined) tee.join(this.#theirs.getMeter(name, version, options));
    if (this.#meters.size < LIMIT) this.#meters.set(key, { tee, asked: [name, version, options] });
    return tee as unknown as Meter;
  }
}
