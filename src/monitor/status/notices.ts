/**
 * Incidents and announced maintenance in `state.db`, as people wrote them. All are in memory, so that readers of the page never
 * touch the disk, and the page goes on when the disk takes no write; a change is in memory when it is on the disk, not before.
 */
import { randomHex } from '../../base/random.ts';
import { VitrineError } from '../../base/errors.ts';
import type { StateDatabase, StateOwner } from '../store/state/state-database.ts';

export const STATUS_OWNER: StateOwner = {
  name: 'status',
  json: ['notices.body'],
  migrations: ['CREATE TABLE notices (id TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;'],
};

export const STAGES = ['investigating', 'identified', 'monitoring', 'resolved', 'planned', 'underway'] as const;
export type Stage = (typeof STAGES)[number];
export const IMPACTS = ['none', 'degraded', 'outage'] as const;
export type Impact = (typeof IMPACTS)[number];

export interface NoticeUpdate {
  readonly atMs: number;
  readonly stage: Stage;
  readonly text: string;
}

export interface NoticeContent {
  readonly kind: 'incident' | 'maintenance';
  readonly title: string;
  readonly impact: Impact;
  /** Names of components. */
  readonly components: readonly string[];
  readonly startMs: number;
  /** Of maintenance: its planned end. Of an incident: when it was resolved; null while it goes on. */
  readonly endMs: number | null;
}

export interface Notice extends NoticeContent {
  readonly id: string;
  /** Oldest first. */
  readonly updates: readonly NoticeUpdate[];
  /** Fingerprint of the alert that it came from; never published. */
  readonly alert: string | null;
  /** It is resolved when the alert has ended. */
  readonly follow: boolean;
  /** Never published. */
  readonly createdBy: string;
  readonly createdMs: number;
}

const MAX_NOTICES = 1_000;
const MAX_UPDATES = 100;

const isOver = ({ kind, endMs }: NoticeContent, nowMs: number): boolean =>
  endMs !== null && (kind === 'incident' || endMs <= nowMs);

export class Notices {
  readonly #state: Pick<StateDatabase, 'db' | 'change'>;
  readonly #max: number;
  readonly #all = new Map<string, Notice>();
  #version = 0;
  #removed = 0;

  constructor(state: Pick<StateDatabase, 'db' | 'change'>, max = MAX_NOTICES) {
    this.#state = state;
    this.#max = max;
    for (const { body } of state.db.prepare('SELECT body FROM notices').all()) {
      const notice = JSON.parse(String(body)) as Notice;
      this.#all.set(notice.id, notice);
    }
  }

  /** Changes with every change of a notice. */
  get version(): number {
    return this.#version;
  }

  /** Notices that gave way to newer ones. */
  get removed(): number {
    return this.#removed;
  }

  /** Newest start first. */
  all(): Notice[] {
    return [...this.#all.values()].sort((a, b) => b.startMs - a.startMs || (a.id < b.id ? -1 : 1));
  }

  /** Throws VitrineError `not_found`. */
  get(id: string): Notice {
    const found = this.#all.get(id);
    if (found !== undefined) return found;
    throw new VitrineError('not_found', `There is no incident ${id}.`, { hint: '`GET /api/status` lists them.' });
  }

  /** Resolves when it is on the disk. Throws VitrineError `conflict` when there are too many that are not over. */
  async create(
    content: NoticeContent,
    first: NoticeUpdate,
    { by, alert, follow }: { readonly by: string; readonly alert: string | null; readonly follow: boolean },
    nowMs: number,
  ): Promise<Notice> {
    const gone = this.#all.size < this.#max ? undefined : this.#oldestOver(nowMs);
    const id = randomHex(6);
    const made = { ...content, id, updates: [first], alert, follow, createdBy: by, createdMs: nowMs };
    await this.#keep(made, gone);
    if (gone !== undefined) this.#removed += 1;
    return made;
  }

  #oldestOver(nowMs: number): string {
    const over = this.all().findLast((one) => isOver(one, nowMs));
    if (over !== undefined) return over.id;
    throw new VitrineError('conflict', `There are ${this.#max} incidents that go on.`, {
      hint: 'Resolve or delete some of them.',
    });
  }

  async #keep(notice: Notice, gone?: string): Promise<void> {
    await this.#state.change((db) => {
      if (gone !== undefined) db.prepare('DELETE FROM notices WHERE id = ?').run(gone);
      db.prepare('INSERT OR REPLACE INTO notices (id, body) VALUES (?, ?)').run(notice.id, JSON.stringify(notice));
    });
    if (gone !== undefined) this.#all.delete(gone);
    this.#all.set(notice.id, notice);
    this.#version += 1;
  }

  /** Replaces what is said of it; the updates stay. Throws VitrineError `not_found`. */
  async edit(id: string, content: Partial<NoticeContent>): Promise<Notice> {
    const edited = { ...this.get(id), ...content };
    await this.#keep(edited);
    return edited;
  }

  /** Adds an update; `resolved` ends the incident or the maintenance. Throws VitrineError `not_found` and `conflict`. */
  async update(id: string, update: NoticeUpdate, impact?: Impact): Promise<Notice> {
    const before = this.get(id);
    if (before.updates.length >= MAX_UPDATES) {
      throw new VitrineError('conflict', `An incident may have ${MAX_UPDATES} updates.`, { hint: 'Write a new one.' });
    }
    const next = {
      ...before,
      impact: impact ?? before.impact,
      updates: [...before.updates, update],
      endMs: endAfter(before, update),
    };
    await this.#keep(next);
    return next;
  }

  /** Throws VitrineError `not_found`. */
  async remove(id: string): Promise<void> {
    this.get(id);
    await this.#state.change((db) => void db.prepare('DELETE FROM notices WHERE id = ?').run(id));
    this.#all.delete(id);
    this.#version += 1;
  }

  /** Those that end with their alert and are not over. */
  following(): Notice[] {
    return [...this.#all.values()].filter(({ follow, alert, endMs }) => follow && alert !== null && endMs === null);
  }
}

function endAfter({ kind, startMs, endMs }: Notice, { stage, atMs }: NoticeUpdate): number | null {
  if (kind === 'incident') return stage === 'resolved' ? Math.max(atMs, startMs) : null;
  // Maintenance that ends early is over now; one that ended before stays as long as it was.
  return stage === 'resolved' && (endMs === null || atMs < endMs) ? Math.max(atMs, startMs) : endMs;
}
