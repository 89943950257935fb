/** Overrides that people make while Vitrine runs, above the schedules of the configuration. */
import { randomUUID } from 'node:crypto';
import { VitrineError } from '../../../../base/errors.ts';
import type { OnCallPlan } from '../../oncall/config.ts';
import type { Override, Schedule } from '../../oncall/schedule.ts';
import { Records, type StateStore } from './records.ts';

export interface MadeOverride extends Override {
  readonly id: string;
  readonly schedule: string;
  readonly createdBy: string;
}

const MAX_OVERRIDES = 1_000;
const LONGEST_MS = 366 * 86_400_000;
/** Overrides that are over are kept this long, so that the past can be explained. */
const RETENTION_MS = 30 * 86_400_000;

export class OnCallBook {
  readonly #records: Records<MadeOverride>;

  constructor(state: StateStore) {
    this.#records = new Records(state, 'notify_overrides', 'id', (body) => body as MadeOverride);
  }

  all(): MadeOverride[] {
    return [...this.#records.values()].sort((a, b) => a.fromMs - b.fromMs);
  }

  /** The schedules with these overrides. */
  schedules({ schedules }: OnCallPlan): ReadonlyMap<string, Schedule> {
    if (this.#records.size === 0) return schedules;
    const made = Map.groupBy(this.all(), ({ schedule }) => schedule);
    return new Map(
      [...schedules].map(([name, one]) => [name, { ...one, overrides: [...one.overrides, ...(made.get(name) ?? [])] }]),
    );
  }

  /** Resolves when it is on the disk. Throws VitrineError `bad_request`, `not_found` and `conflict`. */
  async add(given: Omit<MadeOverride, 'id'>, { schedules, people }: OnCallPlan): Promise<MadeOverride> {
    const { schedule, person, fromMs, toMs } = given;
    const found = schedules.get(schedule);
    if (found === undefined) throw new VitrineError('not_found', `There is no schedule ${JSON.stringify(schedule)}.`);
    const known = new Set([...people.keys(), ...found.rotations.flatMap((one) => one.people)]);
    if (!known.has(person)) {
      throw new VitrineError('bad_request', `${JSON.stringify(person)} is nobody that can be told.`, {
        hint: `Known are ${[...known].join(', ')}.`,
      });
    }
    if (!(toMs > fromMs && toMs - fromMs <= LONGEST_MS))
      throw new VitrineError('bad_request', 'An override lasts more than nothing and at most a year.');
    if (this.#records.size >= MAX_OVERRIDES)
      throw new VitrineError('conflict', `There are ${MAX_OVERRIDES} overrides; delete some first.`);
    const made = { ...given, id: randomUUID() };
    await this.#records.set(made.id, made);
    return made;
  }

  /** Throws VitrineError `not_found`. */
  async delete(id: string): Promise<MadeOverride> {
    const found = this.#records.get(id);
    if (found === undefined) throw new VitrineError('not_found', `There is no override ${id}.`);
    await this.#records.delete(id);
    return found;
  }

  async sweep(nowMs: number): Promise<void> {
    for (const { id, toMs } of this.all()) if (nowMs - toMs > RETENTION_MS) await this.#records.delete(id);
  }
}
