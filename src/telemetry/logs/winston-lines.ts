/**
 * Log records of winston. Its instrumentation only adds trace ids to lines: for records it needs a transport package that is
 * not made for this SDK. So every line that passes the level of a logger is recorded where the logger's stream transforms
 * it.
 */
import { logs } from '@opentelemetry/api';
import { emitLine, quietly, severityOf } from './line-records.ts';

type Info = Readonly<Record<string, unknown>>;
type Transform = (this: Winston, info: Info, ...rest: unknown[]) => unknown;
interface Winston {
  readonly silent?: boolean;
  isLevelEnabled?(level: string): boolean;
}

const LEVEL = Symbol.for('level');
const TIED = Symbol.for('vitrine.tied');

/** Takes the exports of `winston`. */
export function tieWinston(exported: unknown): void {
  const { Logger } = exported as { Logger?: { prototype?: { _transform?: Transform } } };
  const prototype = Logger?.prototype;
  const original = prototype?._transform;
  if (prototype === undefined || original === undefined || TIED in original) return;
  const logger = logs.getLogger('winston');
  const transform: Transform & { [TIED]?: true } = function (info, ...rest) {
    const { level, message, timestamp: _timestamp, ...fields } = info;
    const plain = Reflect.get(info, LEVEL) ?? level;
    const isOn = this.silent !== true && (this.isLevelEnabled?.(String(plain)) ?? true);
    if (isOn) emitLine(logger, { body: String(message), level: severityOf(plain) ?? severityOf('info'), fields });
    return quietly(() => original.call(this, info, ...rest));
  };
  transform[TIED] = true;
  prototype._transform = transform;
}
