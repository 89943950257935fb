/** Type, help and unit of metrics by name; a later value replaces an earlier one. Bounded; saved with the next commit. */
import type { MetricMetadata } from '../../../model/series.ts';

const METRICS_MAX = 20_000;
const TEXT_CHARS_MAX = 2_048;

export class MetadataTable {
  readonly #byName = new Map<string, MetricMetadata>();
  readonly #unsaved = new Set<string>();

  restore(entry: MetricMetadata): void {
    this.#byName.set(entry.name, entry);
  }

  note({ name, type, help, unit }: MetricMetadata): void {
    const known = this.#byName.get(name);
    const short = help.slice(0, TEXT_CHARS_MAX);
    if (known !== undefined && known.type === type && known.help === short && known.unit === unit) return;
    if ((known === undefined && this.#byName.size >= METRICS_MAX) || name.length > TEXT_CHARS_MAX) return;
    this.#byName.set(name, { name, type, help: short, unit });
    this.#unsaved.add(name);
  }

  typeOf(name: string): MetricMetadata['type'] | undefined {
    return this.#byName.get(name)?.type;
  }

  /** Sorted by name. */
  list(): MetricMetadata[] {
    return [...this.#byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  unsaved(): MetricMetadata[] {
    return [...this.#unsaved].map((name) => this.#byName.get(name) as MetricMetadata);
  }

  saved(): void {
    this.#unsaved.clear();
  }
}
