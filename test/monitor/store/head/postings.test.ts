import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Labels } from '../../../../src/model/labels.ts';
import type { Matcher } from '../../../../src/model/labels.ts';
import { Postings, Selector } from '../../../../src/monitor/store/head/postings.ts';
import { compileMatcher } from '../store-fixture.ts';

const names = fc.constantFrom('__name__', 'job', 'code', 'path', '__proto__');
const values = fc.constantFrom('', 'a', 'b', 'ab', 'constructor', '500');
const labelSet = fc.array(fc.tuple(names, values), { maxLength: 5 }).map((pairs) => Labels.from(pairs));
const matcher = fc.record({
  name: names,
  op: fc.constantFrom<Matcher['op']>('=', '!=', '=~', '!~'),
  value: fc.oneof(values, fc.constantFrom('a|b', '.*', '.+', 'a.*', '')),
});

function naive(labels: Labels, { name, op, value }: Matcher): boolean {
  const found = labels.get(name);
  if (op === '=') return found === value;
  if (op === '!=') return found !== value;
  return new RegExp(`^(?:${value})$`, 'su').test(found) === (op === '=~');
}

describe('postings', () => {
  it('find the same series as a plain filter, also after removals', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(labelSet, { maxLength: 40 }),
        fc.array(matcher, { maxLength: 4 }),
        fc.integer({ min: 1, max: 5 }),
        async (sets, matchers, every) => {
          const postings = new Postings();
          sets.forEach((labels, id) => postings.add(id, labels));
          const gone = new Set(sets.map((_, id) => id).filter((id) => id % every === 0));
          const wanted = (id: number): boolean => matchers.every((one) => naive(sets[id], one));
          const selector = new Selector(matchers, compileMatcher);
          const ids = sets.map((_, id) => id);
          expect((await postings.match(selector, () => undefined)).sort((a, b) => a - b)).toEqual(ids.filter(wanted));
          postings.remove(gone);
          const left = ids.filter((id) => !gone.has(id));
          expect((await postings.match(selector, () => undefined)).sort((a, b) => a - b)).toEqual(left.filter(wanted));
          expect(postings.size).toBe(left.length);
          expect(new Set(postings.names())).toEqual(new Set(left.flatMap((id) => [...sets[id]].map(([name]) => name))));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('run a pattern once per value, not per series', async () => {
    const postings = new Postings();
    for (let id = 0; id < 1_000; id += 1) postings.add(id, Labels.from({ job: `job-${id % 10}`, id: String(id) }));
    let calls = 0;
    const selector = new Selector([{ name: 'job', op: '=~', value: 'job-[0-4]' }], (one) => {
      const test = compileMatcher(one);
      return (value) => {
        calls += 1;
        return test(value);
      };
    });
    expect(await postings.match(selector, () => undefined)).toHaveLength(500);
    expect(calls).toBeLessThanOrEqual(11);
  });

  it('share the strings of equal labels and return label sets unchanged', () => {
    const postings = new Postings();
    const labels = Labels.from({ __name__: 'x', ['__proto__']: 'y', odd: '\ud800\u0000"' });
    expect(postings.add(7, labels).key).toBe(labels.key);
    expect(postings.labelsOf(7)?.pairs).toEqual(labels.pairs);
    expect([...postings.values('odd')]).toEqual(['\ud800\u0000"']);
    expect([...postings.values('none')]).toEqual([]);
  });
});
