/**
 * The rules that people made, in `state.db`: all in memory, each change written through before it is acknowledged. A draft is
 * kept and not judged. Names are unique, because a rule is found by its name and is a group of its own.
 */
import { randomUUID } from 'node:crypto';
import { VitrineError } from '../../../base/errors.ts';
import type { StateOwner } from '../../store/state/state-database.ts';
import { Records, type StateStore } from '../notify/state/records.ts';
import type { GroupSpec } from '../rules/spec.ts';
import { groupOf, ruleForm, specOf, type RuleForm } from './form.ts';

export const MADE_OWNER: StateOwner = {
  name: 'made-rules',
  json: ['made_rules.body'],
  migrations: ['CREATE TABLE made_rules (id TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;'],
};

export interface MadeRule {
  readonly id: string;
  readonly form: RuleForm;
  readonly createdBy: string;
  readonly createdAtMs: number;
  readonly updatedBy: string;
  readonly updatedAtMs: number;
}

/** Each rule costs an evaluation a second. */
export const MAX_MADE_RULES = 500;

/** A row that this version cannot read is left out of the rules, and stays in the file. */
function readRow(body: unknown): MadeRule | undefined {
  const row = body as MadeRule;
  const form = ruleForm.safeParse(row.form);
  if (!form.success) return undefined;
  try {
    specOf(form.data);
    return { ...row, form: form.data };
  } catch (error) {
    if (error instanceof VitrineError) return undefined;
    throw error;
  }
}

export class MadeRules {
  readonly #records: Records<MadeRule>;

  constructor(state: StateStore) {
    this.#records = new Records(state, 'made_rules', 'id', readRow);
  }

  all(): MadeRule[] {
    return [...this.#records.values()].sort((a, b) => (a.form.name < b.form.name ? -1 : 1));
  }

  /** Throws VitrineError `not_found`. */
  get(id: string): MadeRule {
    const found = this.#records.get(id);
    if (found !== undefined) return found;
    throw new VitrineError('not_found', `There is no rule ${id} that was made in the page or by the API.`, {
      hint: '`GET /api/alerts` lists them; rules of files are changed in their files.',
    });
  }

  named(name: string): MadeRule | undefined {
    return [...this.#records.values()].find(({ form }) => form.name === name);
  }

  /** Drafts are left out. */
  groups(): GroupSpec[] {
    return this.all().flatMap(({ form }) => (form.draft ? [] : [groupOf(specOf(form))]));
  }

  /** Resolves when it is on the disk. Throws VitrineError `bad_request` and `conflict`. */
  async create(form: RuleForm, by: string, nowMs: number): Promise<MadeRule> {
    if (this.#records.size >= MAX_MADE_RULES) {
      throw new VitrineError('conflict', `There are ${MAX_MADE_RULES} rules, more are not kept.`, {
        hint: 'Write rules into a rule file (`rules:` in vitrine.yaml).',
      });
    }
    return this.#keep({
      id: randomUUID(),
      form,
      createdBy: by,
      createdAtMs: nowMs,
      updatedBy: by,
      updatedAtMs: nowMs,
    });
  }

  /** Throws VitrineError `not_found`, `bad_request` and `conflict`. */
  async replace(id: string, form: RuleForm, by: string, nowMs: number): Promise<MadeRule> {
    return this.#keep({ ...this.get(id), form, updatedBy: by, updatedAtMs: nowMs });
  }

  async #keep(rule: MadeRule): Promise<MadeRule> {
    const { id, form } = rule;
    specOf(form);
    const same = this.named(form.name);
    if (same !== undefined && same.id !== id) {
      throw new VitrineError('conflict', `There is a rule named ${form.name} already.`, {
        hint: `Its id is ${same.id}.`,
      });
    }
    await this.#records.set(id, rule);
    return rule;
  }

  /** Throws VitrineError `not_found`. */
  async delete(id: string): Promise<MadeRule> {
    const rule = this.get(id);
    await this.#records.delete(id);
    return rule;
  }
}
