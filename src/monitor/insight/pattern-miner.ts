/**
 * Patterns of messages, after Drain (He et al. 2017): a message is cut into words; numbers, ids and addresses become `<*>` at
 * once; a tree by service, number of words and first words leads to a few candidates, and the most similar one takes the message
 * if half of their words agree. Words that differ then become `<*>`. Every message belongs to exactly one pattern: beyond the
 * limit a service's further messages are counted under `<other>`, so that counts add up to the lines.
 */

export interface Pattern {
  /** Never given twice. */
  readonly id: number;
  readonly service: string;
  /** `<*>` stands for a word that differs. */
  words: string[];
}

export interface MinerLimits {
  readonly patternsPerService: number;
  readonly services: number;
}

export const MINER_LIMITS: MinerLimits = { patternsPerService: 500, services: 200 };
export const OTHER = '<other>';
export const ANY = '<*>';

const MAX_WORDS = 40;
const MAX_WORD_LENGTH = 120;
const SIMILARITY = 0.5;
/** Words of the tree's path after the number of words. */
const DEPTH = 2;
/** A word that holds a digit, or a value after `=` or `:` that does, is a variable: ids, numbers, addresses, times. */
const VARIABLE = /\d/;
const QUOTED = /^(["'`]).*\1[,.;:)]?$/;
const KEY_VALUE = /^([A-Za-z_][\w.-]*[=:])(.+)$/;

/** The words of a message with its variables masked. */
export function maskedWords(message: string): string[] {
  const line = message.split('\n', 1)[0].trim();
  const words = line.split(/\s+/u, MAX_WORDS + 1);
  const masked = words.slice(0, MAX_WORDS).map(mask);
  if (words.length > MAX_WORDS) masked.push('…');
  return masked;
}

function mask(word: string): string {
  const cut = word.slice(0, MAX_WORD_LENGTH);
  const [, key, value] = KEY_VALUE.exec(cut) ?? [];
  if (key !== undefined && !cut.includes('://'))
    return VARIABLE.test(value) || QUOTED.test(value) ? `${key}${ANY}` : cut;
  return VARIABLE.test(cut) || QUOTED.test(cut) ? ANY : cut;
}

interface Branch {
  readonly candidates: Pattern[];
}

export class PatternMiner {
  readonly #limits: MinerLimits;
  readonly #branches = new Map<string, Branch>();
  readonly #sizes = new Map<string, number>();
  readonly #others = new Map<string, Pattern>();
  #nextId = 1;
  /** Changes with each change of the patterns: until then, equal messages have the same pattern. */
  version = 0;

  constructor(limits: MinerLimits = MINER_LIMITS) {
    this.#limits = limits;
  }

  /** The pattern of a message; a new one when none is similar. */
  add(service: string, message: string): Pattern {
    const words = maskedWords(message);
    const found = this.#find(service, words);
    if (found !== undefined) {
      if (generalise(found, words)) this.version += 1;
      return found;
    }
    const size = this.#sizes.get(service) ?? 0;
    if (size >= this.#limits.patternsPerService || (size === 0 && this.#sizes.size >= this.#limits.services)) {
      return this.#other(size === 0 ? OTHER : service);
    }
    const pattern = { id: this.#nextId, service, words };
    this.#insert(pattern);
    return pattern;
  }

  /** The pattern of a message, which is not changed by it; undefined when none is similar. */
  match(service: string, message: string): Pattern | undefined {
    return this.#find(service, maskedWords(message)) ?? this.#others.get(service);
  }

  /** Takes a pattern of an earlier run. */
  restore(pattern: Pattern): void {
    this.version += 1;
    if (pattern.words[0] === OTHER) {
      this.#others.set(pattern.service, pattern);
      this.#nextId = Math.max(this.#nextId, pattern.id + 1);
    } else this.#insert(pattern);
  }

  /** Forgets a pattern; a later message like it begins a new one. */
  remove(pattern: Pattern): void {
    this.version += 1;
    if (this.#others.get(pattern.service) === pattern) {
      this.#others.delete(pattern.service);
      return;
    }
    const key = branchKey(pattern.service, pattern.words);
    const left = this.#branches.get(key)?.candidates.filter(({ id }) => id !== pattern.id) ?? [];
    if (left.length === 0) this.#branches.delete(key);
    else this.#branches.set(key, { candidates: left });
    const size = (this.#sizes.get(pattern.service) ?? 1) - 1;
    if (size === 0) this.#sizes.delete(pattern.service);
    else this.#sizes.set(pattern.service, size);
  }

  #other(service: string): Pattern {
    let other = this.#others.get(service);
    if (other === undefined) {
      other = { id: this.#nextId, service, words: [OTHER] };
      this.#nextId += 1;
      this.#others.set(service, other);
    }
    return other;
  }

  #insert(pattern: Pattern): void {
    this.version += 1;
    this.#nextId = Math.max(this.#nextId, pattern.id + 1);
    const key = branchKey(pattern.service, pattern.words);
    const branch = this.#branches.get(key);
    if (branch === undefined) this.#branches.set(key, { candidates: [pattern] });
    else branch.candidates.push(pattern);
    this.#sizes.set(pattern.service, (this.#sizes.get(pattern.service) ?? 0) + 1);
  }

  #find(service: string, words: readonly string[]): Pattern | undefined {
    let best: Pattern | undefined;
    let bestShare = 0;
    for (const candidate of this.#branches.get(branchKey(service, words))?.candidates ?? []) {
      const share = similarity(candidate.words, words);
      if (share > bestShare) [best, bestShare] = [candidate, share];
    }
    return bestShare >= SIMILARITY ? best : undefined;
  }
}

const branchKey = (service: string, words: readonly string[]): string =>
  `${service}\n${words.length}\n${words.slice(0, DEPTH).join(' ')}`;

/** The share of words that agree; a masked word agrees with every word. */
function similarity(pattern: readonly string[], words: readonly string[]): number {
  let same = 0;
  for (let at = 0; at < words.length; at += 1) if (pattern[at] === words[at] || pattern[at] === ANY) same += 1;
  return words.length === 0 ? 1 : same / words.length;
}

/** Whether the pattern changed. */
function generalise(pattern: Pattern, words: readonly string[]): boolean {
  let changed = false;
  for (let at = 0; at < words.length; at += 1) {
    if (pattern.words[at] === words[at] || pattern.words[at] === ANY) continue;
    pattern.words[at] = ANY;
    changed = true;
  }
  return changed;
}
