/** Notes in the history when targets are in maintenance, as it is seen: a window that is removed later leaves the past as it was. */
import type { CheckFile } from './check-file.ts';

export class MaintenanceNotes<T extends { readonly id: string }> {
  readonly #isOpen: (target: T, nowMs: number) => boolean;
  readonly #since = new Map<string, number>();

  constructor(isOpen: (target: T, nowMs: number) => boolean) {
    this.#isOpen = isOpen;
  }

  note(targets: Iterable<T>, file: CheckFile, nowMs: number): void {
    for (const target of targets) {
      const open = this.#isOpen(target, nowMs);
      const since = this.#since.get(target.id);
      if (open && since === undefined) this.#since.set(target.id, nowMs);
      if (open || since !== undefined) file.setMaintenance(target.id, { fromMs: since ?? nowMs, toMs: nowMs });
      if (!open) this.#since.delete(target.id);
    }
  }
}
