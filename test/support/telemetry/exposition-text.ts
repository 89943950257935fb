/** A page in Prometheus' text format, read back: families with type and help, samples with labels. */

export interface Family {
  readonly type: string;
  readonly help: string;
  /** Every sample's labels as sorted `a="b",…` behind the sample's own name → value. */
  readonly samples: Map<string, number>;
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"(?:,|$)/gy;

function labelsOf(text: string): Map<string, string> {
  const labels = new Map<string, string>();
  LABEL.lastIndex = 0;
  for (let found = LABEL.exec(text); found !== null; found = LABEL.exec(text)) labels.set(found[1], found[2]);
  return labels;
}

const SUFFIXES = /_(bucket|sum|count)$/;

/** `keep` picks samples by their labels; `without` are label names left out of what is kept. */
export function familiesOf(
  page: string,
  { keep = () => true, without = [] }: { keep?: (labels: Map<string, string>) => boolean; without?: string[] } = {},
): Map<string, Family> {
  const families = new Map<string, { type: string; help: string; samples: Map<string, number> }>();
  const familyOf = (name: string) => {
    const known = families.get(name);
    if (known !== undefined) return known;
    const made = { type: '', help: '', samples: new Map<string, number>() };
    families.set(name, made);
    return made;
  };
  for (const line of page.split('\n')) {
    const meta = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line);
    if (meta !== null) {
      const family = familyOf(meta[2]);
      if (meta[1] === 'HELP') family.help = meta[3];
      else family.type = meta[3];
      continue;
    }
    if (line === '' || line.startsWith('#')) continue;
    const sample = SAMPLE.exec(line);
    if (sample === null) throw new Error(`not a sample: ${line}`);
    const labels = labelsOf(sample[2] ?? '');
    if (!keep(labels)) continue;
    for (const name of without) labels.delete(name);
    const base = sample[1].replace(SUFFIXES, '');
    const family = families.get(families.has(sample[1]) ? sample[1] : base) ?? familyOf(sample[1]);
    const text = [...labels].map(([name, value]) => `${name}="${value}"`).sort();
    family.samples.set(`${sample[1]}{${text.join(',')}}`, Number(sample[3]));
  }
  for (const [name, { samples }] of families) if (samples.size === 0) families.delete(name);
  return families;
}

/** Of all samples of `name` whose labels hold `part`. */
export function sumOf(families: Map<string, Family>, name: string, part = ''): number {
  let total = 0;
  for (const { samples } of families.values()) {
    for (const [key, value] of samples) if (key.startsWith(`${name}{`) && key.includes(part)) total += value;
  }
  return total;
}
