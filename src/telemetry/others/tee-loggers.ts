/** Loggers that emit into Vitrine's SDK and into the logger provider that the application registered itself. */
import { logs } from '@opentelemetry/api';

type LoggerProvider = ReturnType<typeof logs.getLoggerProvider>;
type Asked = Parameters<LoggerProvider['getLogger']>;
type Logger = ReturnType<LoggerProvider['getLogger']>;

/** Vitrine makes these records itself; the application's exporters did not have them without it. */
const OWN: ReadonlySet<string> = new Set(['console', 'stderr', 'stdout', 'vitrine', 'winston']);
/** They repeat the lines of `winston`. */
const SECOND = /^@opentelemetry\/(?:winston-transport|instrumentation-winston)$/;

class TeeLogger implements Logger {
  readonly #provider: TeeLoggerProvider;
  readonly #asked: Asked;
  readonly #own: Logger | undefined;
  #from: LoggerProvider | undefined;
  #theirs: Logger | undefined;

  constructor(provider: TeeLoggerProvider, asked: Asked) {
    this.#provider = provider;
    this.#asked = asked;
    this.#own = SECOND.test(asked[0]) ? undefined : provider.own.getLogger(...asked);
  }

  get #other(): Logger | undefined {
    const { theirs } = this.#provider;
    if (theirs !== this.#from) {
      this.#from = theirs;
      this.#theirs = theirs?.getLogger(...this.#asked);
    }
    return this.#theirs;
  }

  emit(record: Parameters<Logger['emit']>[0]): void {
    this.#own?.emit(record);
    this.#other?.emit(record);
  }

  enabled(...options: Parameters<Logger['enabled']>): boolean {
    return (this.#own?.enabled(...options) ?? false) || (this.#other?.enabled(...options) ?? false);
  }
}

export class TeeLoggerProvider implements LoggerProvider {
  readonly own: LoggerProvider;
  /** The application's. */
  theirs: LoggerProvider | undefined;

  readonly #sharesOwn: boolean;

  /** `sharesOwn`: the other provider is one that Vitrine set up, and gets the records that Vitrine makes too. */
  constructor(own: LoggerProvider, sharesOwn = false) {
    this.own = own;
    this.#sharesOwn = sharesOwn;
  }

  getLogger(...asked: Asked): Logger {
    return OWN.has(asked[0]) && !this.#sharesOwn ? this.own.getLogger(...asked) : new TeeLogger(this, asked);
  }
}
