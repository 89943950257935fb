/** How far the escalation of each group has come, kept over a restart. */
import { escalated, type EscalationFacts, type EscalationLook, type EscalationState } from '../../oncall/policy.ts';
import { Records, type StateStore } from './records.ts';

export class Escalations {
  readonly #records: Records<EscalationState>;
  readonly #onFailure: (error: unknown) => void;

  constructor(state: StateStore, onFailure: (error: unknown) => void) {
    this.#records = new Records(state, 'notify_escalations', 'key', (body) => body as EscalationState);
    this.#onFailure = onFailure;
  }

  has(groupId: string): boolean {
    return this.#records.get(groupId) !== undefined;
  }

  of(groupId: string): EscalationState | undefined {
    return this.#records.get(groupId);
  }

  /** Receivers that were told by steps, as far as they still exist. */
  told<T>(groupId: string, receivers: ReadonlyMap<string, T>): T[] {
    return (this.#records.get(groupId)?.told ?? []).flatMap((name) => receivers.get(name) ?? []);
  }

  /** Looks at the group now. The new state is written with the other changes of this turn, before anything is sent. */
  look(groupId: string, facts: EscalationFacts): EscalationLook {
    const before = this.#records.get(groupId);
    const found = escalated(before, facts);
    if (found.state === undefined) {
      if (before !== undefined) this.#records.drop(groupId).catch(this.#onFailure);
    } else if (JSON.stringify(found.state) !== JSON.stringify(before)) {
      this.#records.hold(groupId, found.state).catch(this.#onFailure);
    }
    return found;
  }

  /** Forgets groups that do not exist any more. */
  async sweep(groupIds: ReadonlySet<string>): Promise<void> {
    for (const [id] of this.#records.entries()) if (!groupIds.has(id)) await this.#records.drop(id);
  }
}
