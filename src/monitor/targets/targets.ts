/**
 * The targets of this installation: those of the configuration file and those made by API, their checks, states, history and
 * series. The file with the history is opened with the first target, so an installation without one costs nothing.
 */
import { VitrineError } from '../../base/errors.ts';
import { Labels } from '../../model/labels.ts';
import type { CheckResult } from './check.ts';
import { compileTarget, type Target } from './config/compile.ts';
import { causeOf, madeTargets, targetProblems } from './config/joined.ts';
import { targetConfig } from './config/schema.ts';
import { allSeries } from './probe/exposition.ts';
import type { Span } from './history/availability.ts';
import type { CheckFile } from './history/check-file.ts';
import { MaintenanceNotes } from './history/maintenance-notes.ts';
import { Heartbeats } from './history/heartbeats.ts';
import { presentRun, stateAt, type Run } from './history/runs.ts';
import { SampleWriter, TARGETS_JOB } from './history/sample-writer.ts';
import type { ScheduledResult } from './schedule/messages.ts';
import type { TargetsOptions, TargetStatus } from './target-parts.ts';

/** The labels by which silences and maintenance windows know a target. */
const labelsOf = ({ name, instance, group }: Target): Labels =>
  Labels.from({ alertname: 'TargetDown', job: TARGETS_JOB, instance, target: name, group });

const MAX_TARGETS = 5_000;
/** Prometheus looks back five minutes; a longer interval needs its values said again. */
const REPEAT_MS = 60_000;
const LONG_INTERVAL_MS = 120_000;
const HEARTBEAT_EVERY_MS = 15_000;
const PRUNE_EVERY_MS = 3_600_000;

export class Targets {
  readonly #options: TargetsOptions;
  readonly #heartbeats: Heartbeats;
  readonly #writer: SampleWriter;
  #file: CheckFile | undefined;
  #fromFile: readonly Target[] = [];
  #all = new Map<string, Target>();
  readonly #last = new Map<string, CheckResult>();
  readonly #maintenance: MaintenanceNotes<Target>;
  #heartbeatsAtMs = 0;
  #repeatedAtMs = 0;
  #prunedAtMs = 0;

  constructor(options: TargetsOptions) {
    this.#options = options;
    this.#heartbeats = new Heartbeats(options.tables);
    this.#writer = new SampleWriter(options.samples);
    this.#maintenance = new MaintenanceNotes<Target>((target, nowMs) => options.inMaintenance(labelsOf(target), nowMs));
  }

  /** Takes up what the monitor before this one has left. Call it once, before the first tick. */
  async resume(): Promise<void> {
    if (this.#options.tables.beats().size === 0) return;
    await this.#heartbeats.resume(this.#history.aliveMs, this.#options.clock.now());
  }

  get #history(): CheckFile {
    this.#file ??= this.#options.openFile();
    return this.#file;
  }

  get size(): number {
    return this.#all.size;
  }

  /** The targets of the configuration file; those made by API stay. Throws VitrineError `bad_request`. */
  replaceFile(targets: readonly Target[]): void {
    this.#fromFile = targets;
    this.#refresh();
  }

  #refresh(): void {
    const { tables, tools, runner, onError, clock } = this.#options;
    const made = madeTargets(tables.made(), new Set(this.#fromFile.map(({ id }) => id)), tools, onError);
    const before = this.#all;
    this.#all = new Map([...this.#fromFile, ...made].map((target) => [target.id, target]));
    for (const [id, target] of before) {
      if (this.#all.has(id)) continue;
      this.#last.delete(id);
      this.#writer.end(target, clock.now()).catch(onError);
    }
    runner.replace(
      [...this.#all.values()].flatMap(({ id, spec, enabled, origin, intervalMs, timeoutMs, retryMs, rules }) =>
        spec === undefined || !enabled
          ? []
          : [{ id, spec, origin, intervalMs, timeoutMs, retryMs, failures: rules.failures }],
      ),
    );
  }

  /** Results of the schedule: history first, then series. */
  async take(results: readonly ScheduledResult[]): Promise<void> {
    const known = results.flatMap(({ target, result }) => {
      const found = this.#all.get(target);
      return found === undefined ? [] : [{ target: found, result }];
    });
    if (known.length === 0) return;
    for (const { target, result } of known) this.#last.set(target.id, result);
    this.#history.append(known.map(({ target, result }) => ({ target: target.id, result, rules: target.rules })));
    await this.#writer.write(
      known.map(({ target, result }) => ({
        owner: target,
        timeMs: result.timeMs,
        series: this.#seriesOf(target, result, result.timeMs),
      })),
    );
  }

  #seriesOf(target: Target, result: CheckResult, nowMs: number) {
    const state = stateAt(this.#history.runState(target.id), nowMs);
    const suppressed = target.competitor || this.causeOf(target, nowMs) !== undefined;
    return [
      ...allSeries(result),
      { name: 'probe_timeout_seconds', value: target.timeoutMs / 1_000 },
      ...(state === 'unknown' ? [] : [{ name: 'vitrine_target_up', value: state === 'up' ? 1 : 0 }]),
      { name: 'vitrine_target_suppressed', value: suppressed ? 1 : 0 },
    ];
  }

  /** The name of the nearest parent that is down; undefined when none is. */
  causeOf(target: Target, nowMs: number): string | undefined {
    return causeOf(target, this.#all, (id) => stateAt(this.#history.runState(id), nowMs));
  }

  /** The periodic work; call it each second or so. */
  async tick(): Promise<void> {
    if (this.#all.size === 0) return;
    const nowMs = this.#options.clock.now();
    if (nowMs - this.#heartbeatsAtMs >= HEARTBEAT_EVERY_MS) {
      this.#heartbeatsAtMs = nowMs;
      this.#history.setAlive(nowMs);
      this.#maintenance.note(this.#all.values(), this.#history, nowMs);
      await this.#checkHeartbeats(nowMs);
    }
    if (nowMs - this.#repeatedAtMs >= REPEAT_MS) {
      this.#repeatedAtMs = nowMs;
      await this.#repeat(nowMs);
    }
    if (nowMs - this.#prunedAtMs >= PRUNE_EVERY_MS) {
      this.#prunedAtMs = nowMs;
      this.#history.prune(nowMs);
    }
  }

  async #checkHeartbeats(nowMs: number): Promise<void> {
    const results: ScheduledResult[] = [];
    for (const { id, heartbeat, enabled } of this.#all.values()) {
      if (heartbeat === undefined || !enabled) continue;
      results.push({ target: id, lateMs: 0, result: this.#heartbeats.check(id, heartbeat, nowMs) });
    }
    await this.take(results);
  }

  async #repeat(nowMs: number): Promise<void> {
    const long = [...this.#all.values()].filter(({ intervalMs }) => intervalMs > LONG_INTERVAL_MS);
    await this.#writer.write(
      long.flatMap((target) => {
        const last = this.#last.get(target.id);
        const isStill = last !== undefined && nowMs - last.timeMs < target.rules.holdMs;
        return isStill ? [{ owner: target, timeMs: nowMs, series: this.#seriesOf(target, last, nowMs) }] : [];
      }),
    );
  }

  list(): TargetStatus[] {
    return [...this.#all.values()].map((target) => this.#statusOf(target));
  }

  /** Throws VitrineError `not_found`. */
  status(id: string): TargetStatus {
    return this.#statusOf(this.#get(id));
  }

  /** Those of its alerts that maintenance windows match. Throws VitrineError `not_found`. */
  labels(id: string): Labels {
    return labelsOf(this.#get(id));
  }

  #get(id: string): Target {
    const found = this.#all.get(id);
    if (found === undefined) throw new VitrineError('not_found', `There is no target "${id}".`);
    return found;
  }

  #statusOf(target: Target): TargetStatus {
    const nowMs = this.#options.clock.now();
    const runs = this.#history.runState(target.id);
    return {
      target,
      state: stateAt(runs, nowMs),
      sinceMs: runs.fromMs,
      last: this.#last.get(target.id),
      cause: this.causeOf(target, nowMs),
      maintenance: this.#options.inMaintenance(labelsOf(target), nowMs),
    };
  }

  /** The runs of a range with the one that goes on, and the maintenance in it. */
  past(id: string, range: Span): { readonly runs: readonly Run[]; readonly maintenance: readonly Span[] } {
    const { id: known } = this.#get(id);
    const present = presentRun(this.#history.runState(known), this.#options.clock.now());
    const runs = this.#history.runs(known, range);
    return {
      runs: present === undefined ? runs : [...runs, present],
      maintenance: this.#history.maintenance(known, range),
    };
  }

  /** Single checks, hourly figures and evidence. Throws VitrineError `not_found`. */
  history(id: string): { readonly file: CheckFile; readonly target: Target } {
    return { file: this.#history, target: this.#get(id) };
  }

  tokenOf(id: string): string {
    return this.#options.tables.tokenOf(this.#get(id).id);
  }

  heartbeat(id: string): { readonly lastMs: number | undefined; readonly deadlineMs: number } | undefined {
    const { heartbeat } = this.#get(id);
    if (heartbeat === undefined) return undefined;
    const deadlineMs = this.#heartbeats.deadlineMs(id, heartbeat, this.#options.clock.now());
    return { lastMs: this.#heartbeats.last(id)?.beatMs, deadlineMs };
  }

  /** Resolves when the beat is on the disk. Throws VitrineError `not_found`. */
  async beat(token: string, ok: boolean, message: string): Promise<void> {
    const { clock, tables } = this.#options;
    const found = [...this.#all.values()].find(
      ({ id, heartbeat }) => heartbeat !== undefined && tables.tokenOf(id) === token,
    );
    if (found?.heartbeat === undefined) throw new VitrineError('not_found', 'No heartbeat has this token.');
    const nowMs = clock.now();
    // Silence up to now is kept as the outage that it was, before the beat ends it.
    const before = this.#heartbeats.check(found.id, found.heartbeat, nowMs - 1);
    await this.#heartbeats.beat(found.id, nowMs, ok, message);
    const after = this.#heartbeats.check(found.id, found.heartbeat, nowMs);
    // A check of this moment may be there already: the beat is later.
    const timeMs = Math.max(nowMs, (this.#history.runState(found.id).lastMs ?? 0) + 1);
    const results = [before, { ...after, timeMs }];
    await this.take(results.map((result) => ({ target: found.id, lateMs: 0, result })));
  }

  /** Makes or replaces a target. Resolves with it when it is on the disk. Throws VitrineError `bad_request` and `conflict`. */
  async make(written: unknown, replaces?: string): Promise<Target> {
    const read = targetConfig.safeParse(written);
    if (!read.success) {
      const [issue] = read.error.issues;
      throw new VitrineError('bad_request', `${issue.path.join('.') || 'target'}: ${issue.message}`);
    }
    const target = compileTarget(read.data, 'api', this.#options.tools);
    if (replaces !== undefined) this.#refuseFile(replaces);
    if (this.#all.has(target.id) && target.id !== replaces) {
      throw new VitrineError('conflict', `There is a target "${target.id}" already.`);
    }
    if (this.#all.size >= (this.#options.maxTargets ?? MAX_TARGETS)) {
      throw new VitrineError('conflict', 'There are too many targets.');
    }
    const others = [...this.#all.values()].filter(({ id }) => id !== target.id && id !== replaces);
    const problem = targetProblems([...others, target]).find(({ at }) => at === others.length);
    if (problem !== undefined) throw new VitrineError('bad_request', `${problem.key}: ${problem.message}`);
    if (replaces !== undefined && replaces !== target.id) await this.#options.tables.remove(replaces);
    await this.#options.tables.make(target.id, written);
    this.#refresh();
    return target;
  }

  /** Throws VitrineError `not_found` and `conflict`. */
  async remove(id: string): Promise<void> {
    this.#refuseFile(id);
    await this.#options.tables.remove(id);
    this.#refresh();
  }

  #refuseFile(id: string): void {
    if (this.#get(id).origin === 'file') {
      throw new VitrineError('conflict', `"${id}" is a target of the configuration file.`, {
        hint: 'Change it there.',
      });
    }
  }

  /** One check now, beside the schedule; it is not part of the history. */
  async checkNow(id: string): Promise<CheckResult> {
    const { spec, origin, timeoutMs, heartbeat } = this.#get(id);
    if (spec !== undefined) return this.#options.runner.probe(spec, origin, timeoutMs);
    return this.#heartbeats.check(id, heartbeat ?? { periodMs: 0, graceMs: 0 }, this.#options.clock.now());
  }

  close(): void {
    if (this.#file === undefined) return;
    this.#file.setAlive(this.#options.clock.now());
    this.#file[Symbol.dispose]();
  }
}
