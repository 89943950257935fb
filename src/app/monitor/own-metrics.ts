/** The latest collection of the stack and of the monitor itself, for `GET /metrics`. */
import type { Frame } from '../../model/frame.ts';
import type { Attributes } from '../../model/records.ts';
import { expositionOf, type CollectedProcess } from '../../monitor/api/exposition.ts';

export class OwnMetrics {
  readonly #processes = new Map<string, CollectedProcess>();

  /** Only the first frame of a connection carries the resource. */
  push(connection: string, frame: Frame): void {
    const resource: Attributes = frame.resource ?? this.#processes.get(connection)?.resource ?? {};
    this.#processes.set(connection, { resource, metrics: frame.metrics });
  }

  page(): string {
    return expositionOf([...this.#processes.values()]);
  }
}
