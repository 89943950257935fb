/**
 * Errors as issues: exceptions of spans and lines, grouped by service, type and normalised stack. A group is new for a day, can
 * be resolved, and is regressed when it is seen again afterwards. One failing request usually records its exception several
 * times (in each span that it passes, and in a line), so a trace counts once in a group.
 */
import { createHash } from 'node:crypto';
import { BoundedMap } from '../../base/bounded.ts';
import type { Clock } from '../../base/clock.ts';
import { VitrineError } from '../../base/errors.ts';
import type { AppendResult, LogSink, SpanSink } from '../../model/ports.ts';
import { attributeText } from '../../model/attribute-text.ts';
import { fieldValue } from '../../model/record-fields.ts';
import { serviceOf, type AttributeValue, type LogRecord, type Resource, type SpanRecord } from '../../model/records.ts';
import type { JsonFile } from '../store/state/json-file.ts';
import { groupOf, type Group } from './error-group.ts';
import { exceptionOfLine, exceptionsOfSpan, groupText, normalStack, type Exception } from './exceptions.ts';

export type ErrorState = 'new' | 'open' | 'regressed' | 'resolved';

export interface ErrorIssue {
  readonly id: string;
  readonly service: string;
  readonly type: string;
  readonly message: string;
  readonly stack: string;
  readonly frames: readonly string[];
  readonly state: ErrorState;
  readonly count: number;
  /** Distinct users, as far as records name them; 100 stands for 100 or more. */
  readonly users: number;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
  readonly resolvedAtMs: number | undefined;
  readonly firstVersion: string;
  readonly lastVersion: string;
  /** '' when no trace was recorded with it. */
  readonly traceId: string;
}

const MAX_GROUPS = 1_000;
const MAX_USERS = 100;
const MAX_RECENT = 20_000;
const DAY_MS = 86_400_000;

interface Seen {
  readonly exception: Exception;
  readonly resource: Resource;
  readonly timeMs: number;
  readonly traceId: string;
  readonly user: AttributeValue | undefined;
}

export class ErrorGroups {
  readonly #clock: Clock;
  readonly #file: JsonFile;
  readonly #groups = new Map<string, Group>();
  /** Traces that were counted in a group. */
  readonly #recent = new BoundedMap<string, true>(MAX_RECENT);
  #evicted = 0;

  constructor(clock: Clock, file: JsonFile) {
    this.#clock = clock;
    this.#file = file;
  }

  /** Groups that gave way to newer ones. */
  get evicted(): number {
    return this.#evicted;
  }

  /** Sinks that count what passes through them. */
  spanSink(sink: SpanSink): SpanSink {
    return {
      append: (spans): AppendResult | Promise<AppendResult> => {
        for (const span of spans) this.#takeSpan(span);
        return sink.append(spans);
      },
    };
  }

  logSink(sink: LogSink): LogSink {
    return {
      append: (records): AppendResult | Promise<AppendResult> => {
        for (const record of records) this.#takeLine(record);
        return sink.append(records);
      },
    };
  }

  /** The last seen first. */
  list(): ErrorIssue[] {
    return [...this.#groups.values()]
      .map((group) => this.#issue(group))
      .sort((a, b) => b.lastSeenMs - a.lastSeenMs || (a.id < b.id ? -1 : 1));
  }

  /** @throws VitrineError `not_found` */
  get(id: string): ErrorIssue {
    return this.#issue(this.#group(id));
  }

  /** @throws VitrineError `not_found` */
  async resolve(id: string): Promise<ErrorIssue> {
    const group = this.#group(id);
    group.resolvedAtMs = this.#clock.now();
    group.regressed = false;
    await this.save();
    return this.#issue(group);
  }

  /** @throws VitrineError `not_found` */
  async reopen(id: string): Promise<ErrorIssue> {
    const group = this.#group(id);
    group.resolvedAtMs = undefined;
    group.regressed = false;
    await this.save();
    return this.#issue(group);
  }

  /** Removes the samples of deleted traces: message, stack, users and the trace itself. Counts stay. */
  async dropTraces(traceIds: ReadonlySet<string>): Promise<void> {
    for (const group of this.#groups.values()) {
      if (!traceIds.has(group.traceId)) continue;
      group.message = '';
      group.stack = '';
      group.traceId = '';
      group.users.clear();
    }
    await this.save();
  }

  /** Removes what a group shows of a deleted line or span: its message, its stack, its user. Counts stay. */
  forgetLine(line: LogRecord): void {
    const exception = exceptionOfLine(line);
    if (exception !== undefined) this.#forget(line.resource, exception, fieldValue('logs', line, 'user'));
  }

  forgetSpan(span: SpanRecord): void {
    const [exception] = exceptionsOfSpan(span);
    if (exception !== undefined) this.#forget(span.resource, exception, fieldValue('traces', span, 'user'));
  }

  #forget(resource: Resource, exception: Exception, user: AttributeValue | undefined): void {
    const group = this.#groups.get(groupId(serviceOf(resource), exception));
    if (group === undefined) return;
    if (group.message === exception.message) group.message = '';
    // A stack begins with its message, and it may be that of another line with the same one.
    const isOf =
      group.stack === exception.stack || (exception.message !== '' && group.stack.includes(exception.message));
    if (isOf) group.stack = '';
    if (user !== undefined) group.users.delete(userText(user));
  }

  async save(): Promise<void> {
    const groups = [...this.#groups.values()].map((group) => ({ ...group, users: [...group.users] }));
    await this.#file.write({ version: 1, groups });
  }

  async restore(): Promise<void> {
    const saved = await this.#file.read();
    if (typeof saved !== 'object' || saved === null || !('groups' in saved) || !Array.isArray(saved.groups)) return;
    for (const row of saved.groups as readonly unknown[]) {
      const group = groupOf(row);
      if (group !== undefined && this.#groups.size < MAX_GROUPS) this.#groups.set(group.id, group);
    }
  }

  #group(id: string): Group {
    const group = this.#groups.get(id);
    if (group !== undefined) return group;
    throw new VitrineError('not_found', 'This error is not here.', { hint: 'GET /api/errors lists those that are.' });
  }

  #issue(group: Group): ErrorIssue {
    const { users, regressed, ...rest } = group;
    let state: ErrorState = this.#clock.now() - group.firstSeenMs < DAY_MS ? 'new' : 'open';
    if (group.resolvedAtMs !== undefined) state = 'resolved';
    else if (regressed) state = 'regressed';
    return { ...rest, state, users: users.size, frames: normalStack(group.stack) };
  }

  #takeSpan(span: SpanRecord): void {
    const [exception] = exceptionsOfSpan(span);
    if (exception === undefined) return;
    const { resource, traceId } = span;
    const user = fieldValue('traces', span, 'user');
    this.#take({ exception, resource, timeMs: toMs(span.endUnixNano), traceId, user });
  }

  #takeLine(record: LogRecord): void {
    const exception = exceptionOfLine(record);
    if (exception === undefined) return;
    const { resource, traceId } = record;
    const user = fieldValue('logs', record, 'user');
    this.#take({ exception, resource, timeMs: toMs(record.timeUnixNano), traceId, user });
  }

  #take({ exception, resource, timeMs, traceId, user }: Seen): void {
    const service = serviceOf(resource);
    const id = groupId(service, exception);
    const version = resource.attributes['service.version'];
    const lastVersion = typeof version === 'string' ? version : '';
    const group =
      this.#groups.get(id) ?? this.#begin({ id, service, exception, timeMs, traceId, version: lastVersion });
    if (!this.#isRepeated(traceId, id)) group.count += 1;
    if (user !== undefined && group.users.size < MAX_USERS) group.users.add(userText(user));
    if (group.stack === '' && exception.stack !== '') group.stack = exception.stack;
    if (group.resolvedAtMs !== undefined && timeMs > group.resolvedAtMs) {
      group.resolvedAtMs = undefined;
      group.regressed = true;
    }
    if (timeMs < group.lastSeenMs) return;
    group.lastSeenMs = timeMs;
    group.lastVersion = lastVersion;
    group.message = exception.message;
    group.traceId = traceId || group.traceId;
  }

  #isRepeated(traceId: string, id: string): boolean {
    if (traceId === '') return false;
    const repeated = this.#recent.get(`${traceId} ${id}`) === true;
    this.#recent.set(`${traceId} ${id}`, true);
    return repeated;
  }

  #begin(first: {
    readonly id: string;
    readonly service: string;
    readonly exception: Exception;
    readonly timeMs: number;
    readonly traceId: string;
    readonly version: string;
  }): Group {
    if (this.#groups.size >= MAX_GROUPS) this.#evict();
    const { id, service, exception, timeMs, traceId, version } = first;
    const { type, message, stack } = exception;
    const group: Group = {
      id,
      service,
      type,
      message,
      stack,
      traceId,
      count: 0,
      users: new Set(),
      regressed: false,
      firstSeenMs: timeMs,
      lastSeenMs: timeMs,
      resolvedAtMs: undefined,
      firstVersion: version,
      lastVersion: version,
    };
    this.#groups.set(id, group);
    return group;
  }

  /** A resolved group gives way first, then the one that was not seen for longest. */
  #evict(): void {
    const [oldest] = [...this.#groups.values()].sort(
      (a, b) =>
        Number(b.resolvedAtMs !== undefined) - Number(a.resolvedAtMs !== undefined) || a.lastSeenMs - b.lastSeenMs,
    );
    this.#groups.delete(oldest.id);
    this.#evicted += 1;
  }
}

const groupId = (service: string, exception: Exception): string =>
  createHash('sha1').update(groupText(service, exception)).digest('hex').slice(0, 12);
const userText = (user: AttributeValue): string => attributeText(user).slice(0, 200);
const toMs = (nanos: bigint): number => Number(nanos / 1_000_000n);
