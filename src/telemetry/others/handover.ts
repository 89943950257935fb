/**
 * An application with telemetry of its own keeps it: what it registers with OpenTelemetry's API takes effect as it would without
 * the preload, and Vitrine records beside it. The API accepts one registration a process, and the preload's comes first; so
 * the functions that register are replaced on each copy of the API that the application loads, and lead here.
 */
import type {
  ContextManager,
  DiagLogger,
  DiagLoggerOptions,
  DiagLogLevel,
  MeterProvider,
  ProxyTracerProvider,
  TextMapPropagator,
  TracerProvider,
} from '@opentelemetry/api';
import * as ownApi from '@opentelemetry/api';
import { createRequire } from 'node:module';
import { setForeignTracers, foreignTracers, type MirrorParts } from '../spans/mirrored-spans.ts';
import {
  followingProvider,
  SwitchingPropagator,
  SwitchingTracerProvider,
  type SwitchingContextManager,
} from './switching.ts';
import { TeeLoggerProvider } from './tee-loggers.ts';
import { TeeMeterProvider } from './tee-meters.ts';

type LoggerProvider = ReturnType<typeof ownApi.logs.getLoggerProvider>;

/** A copy of the API; older ones have no logs. */
interface Api {
  readonly trace?: object;
  readonly context?: object;
  readonly propagation?: object;
  readonly metrics?: object;
  readonly logs?: object;
  readonly diag?: object;
}

export interface Handover {
  /** For spans that Vitrine makes: the application's SDK takes them too, so that no trace there misses a part. */
  readonly tracers: TracerProvider;
  /** Vitrine's SDK alone. */
  readonly own: TracerProvider;
}

interface Slots {
  readonly tracers: SwitchingTracerProvider;
  readonly contexts: SwitchingContextManager;
  readonly propagator: SwitchingPropagator;
  readonly meters: TeeMeterProvider;
  readonly loggers: TeeLoggerProvider;
  readonly mirror: MirrorParts;
}

let slots: Slots | undefined;

/** What the API itself says of a second registration. */
function refuse(what: string): false {
  const error = new Error(`@opentelemetry/api: Attempted duplicate registration of API: ${what}`);
  ownApi.diag.error(error.stack ?? error.message);
  return false;
}

function takeTracers({ tracers, mirror }: Slots, provider: TracerProvider): boolean {
  if (tracers.theirs !== undefined) return refuse('trace');
  setForeignTracers(provider, mirror);
  tracers.theirs = provider;
  return true;
}

function leaveTracers({ tracers, mirror }: Slots): void {
  tracers.theirs = undefined;
  setForeignTracers(undefined, mirror);
}

function takeContexts({ contexts }: Slots, manager: ContextManager): boolean {
  if (contexts.isTheirs) return refuse('context');
  contexts.use(manager);
  return true;
}

function takePropagator({ propagator }: Slots, given: TextMapPropagator): boolean {
  if (propagator.theirs !== undefined) return refuse('propagation');
  propagator.theirs = given;
  return true;
}

let hasMeters = false;
let hasLoggers = false;
let hasLogger = false;

function takeMeters({ meters }: Slots, provider: MeterProvider): boolean {
  if (hasMeters) return refuse('metrics');
  hasMeters = true;
  meters.join(provider);
  return true;
}

function takeLoggers({ loggers }: Slots, provider: LoggerProvider): boolean {
  if (hasLoggers) return refuse('logs');
  hasLoggers = true;
  loggers.theirs = provider;
  return true;
}

/** The first one replaces Vitrine's, about which the application must not be warned. */
function takeDiagLogger(logger: DiagLogger, given?: DiagLoggerOptions | DiagLogLevel): boolean {
  const options = typeof given === 'object' ? given : { logLevel: given ?? ownApi.DiagLogLevel.INFO };
  const isFirst = !hasLogger;
  hasLogger = true;
  return ownApi.diag.setLogger(logger, isFirst ? { ...options, suppressOverrideMessage: true } : options);
}

const tied = new WeakSet<object>();

/** Takes the exports of a copy of `@opentelemetry/api`. */
export function tieApi(exported: unknown): void {
  const own = slots;
  const api = exported as Api;
  if (own === undefined || api.trace === undefined || tied.has(api.trace)) return;
  tied.add(api.trace);
  const isOwn = api.trace === ownApi.trace;
  Object.assign(api.trace, {
    setGlobalTracerProvider: (provider: TracerProvider) => takeTracers(own, provider),
    disable: () => leaveTracers(own),
  });
  Object.assign(api.context ?? {}, {
    setGlobalContextManager: (manager: ContextManager) => takeContexts(own, manager),
    disable: () => own.contexts.use(undefined),
  });
  Object.assign(api.propagation ?? {}, {
    setGlobalPropagator: (propagator: TextMapPropagator) => takePropagator(own, propagator),
    disable: () => {
      own.propagator.theirs = undefined;
    },
  });
  Object.assign(api.metrics ?? {}, {
    setGlobalMeterProvider: (provider: MeterProvider) => takeMeters(own, provider),
    disable: () => {},
  });
  Object.assign(api.logs ?? {}, {
    setGlobalLoggerProvider: (provider: LoggerProvider) => takeLoggers(own, provider),
    disable: () => {},
  });
  // Vitrine's own copy sets the loggers of all.
  if (!isOwn) Object.assign(api.diag ?? {}, { setLogger: takeDiagLogger });
}

/** The place of all registrations, which every copy of the API uses. */
function registered(): { readonly propagation?: TextMapPropagator } {
  return (Reflect.get(globalThis, Symbol.for('opentelemetry.js.api.1')) as object | undefined) ?? {};
}

const NO_PROPAGATOR: TextMapPropagator = { inject() {}, extract: (into) => into, fields: () => [] };

interface Flushing {
  forceFlush?(): Promise<void>;
}

/** Flushes the providers that were registered beside Vitrine's. Never rejects. */
export async function flushTheirs(): Promise<void> {
  const providers: readonly unknown[] = [slots?.tracers.theirs, slots?.meters.theirs, slots?.loggers.theirs];
  await Promise.allSettled(providers.map(async (provider) => (provider as Flushing | undefined)?.forceFlush?.()));
}

/** Call once the SDK has started, before the application runs. `sharesOwn`: as in the tees. */
export function prepareHandover(mirror: MirrorParts, contexts: SwitchingContextManager, sharesOwn = false): Handover {
  const { trace, propagation, metrics, logs } = ownApi;
  const proxy = trace.getTracerProvider() as ProxyTracerProvider;
  const tracers = new SwitchingTracerProvider(proxy.getDelegate());
  proxy.setDelegate(tracers);
  const propagator = new SwitchingPropagator(registered().propagation ?? NO_PROPAGATOR);
  propagation.disable();
  propagation.setGlobalPropagator(propagator);
  const meters = new TeeMeterProvider(metrics.getMeterProvider(), sharesOwn);
  metrics.disable();
  metrics.setGlobalMeterProvider(meters);
  const loggers = new TeeLoggerProvider(logs.getLoggerProvider(), sharesOwn);
  logs.disable();
  logs.setGlobalLoggerProvider(loggers);
  slots = { tracers, contexts, propagator, meters, loggers, mirror };
  return { own: tracers.own, tracers: followingProvider(() => currentTracers(tracers)) };
}

const currentTracers = ({ own, theirs }: SwitchingTracerProvider): TracerProvider =>
  theirs !== undefined && foreignTracers()?.isSdk === true ? theirs : own;

/** Both builds of Vitrine's own copy, which is the application's too where npm installs one for both. */
export function tieOwnApi(): void {
  tieApi(ownApi);
  tieApi(createRequire(import.meta.url)('@opentelemetry/api'));
}
