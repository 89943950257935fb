import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LogPatterns } from '../../../src/monitor/insight/log-patterns.ts';
import { ANY, maskedWords, OTHER, PatternMiner } from '../../../src/monitor/insight/pattern-miner.ts';
import { JsonFile } from '../../../src/monitor/store/state/json-file.ts';
import { movedClock } from '../../support/moved-clock.ts';
import { lineOf } from '../../support/records/plain-records.ts';
import { MemoryLogSink } from '../../support/telemetry/memory-sinks.ts';

const NOW = Date.UTC(2026, 10, 30, 12);

describe('the miner', () => {
  it('masks numbers, ids, addresses and quoted texts', () => {
    expect(maskedWords('user 42 from 10.0.0.1:80 order=4bf92f35 name="ann" took 5ms at /v2/x\nstack').join(' ')).toBe(
      `user ${ANY} from ${ANY} order=${ANY} name=${ANY} took ${ANY} at ${ANY}`,
    );
  });

  it('joins messages that differ in a few words, and keeps others apart', () => {
    const miner = new PatternMiner();
    const first = miner.add('a', 'user ann logged in from berlin today');
    expect(miner.add('a', 'user ann logged in from paris today')).toBe(first);
    expect(first.words.join(' ')).toBe(`user ann logged in from ${ANY} today`);
    expect(miner.add('a', 'payment of 5 EUR failed')).not.toBe(first);
    expect(miner.add('b', 'user ann logged in from berlin today')).not.toBe(first);
    expect(miner.match('a', 'user ann logged in from rome today')).toBe(first);
    expect(miner.match('a', 'quite another text')).toBeUndefined();
  });

  it('says when its patterns change, and equal messages have one pattern until then', () => {
    const word = fc.constantFrom('a', 'b', 'c', '1', 'x=5');
    const message = fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join(' '));
    fc.assert(
      fc.property(fc.array(fc.tuple(message, fc.nat(9)), { maxLength: 60 }), (lines) => {
        const miner = new PatternMiner({ patternsPerService: 4, services: 2 });
        let known = new Map<string, unknown>();
        let { version } = miner;
        for (const [text, chance] of lines) {
          const pattern = miner.add('s', text);
          if (miner.version !== version) known = new Map();
          else expect(known.get(text) ?? pattern).toBe(pattern);
          known.set(text, pattern);
          if (chance === 0) miner.remove(pattern);
          if (chance === 0) known = new Map();
          ({ version } = miner);
        }
      }),
    );
  });

  it('gives every message one pattern, also beyond its limits', () => {
    const word = fc.constantFrom('a', 'b', 'c', 'd', '1', '22', 'x=5', '');
    const message = fc.array(word, { maxLength: 6 }).map((words) => words.join(' '));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom('s', 't', 'u'), message), { maxLength: 200 }), (lines) => {
        const miner = new PatternMiner({ patternsPerService: 5, services: 2 });
        const counts = new Map<number, number>();
        for (const [service, text] of lines) {
          const { id } = miner.add(service, text);
          counts.set(id, (counts.get(id) ?? 0) + 1);
        }
        expect([...counts.values()].reduce((sum, count) => sum + count, 0)).toBe(lines.length);
        // Five and the rest for two services, and the rest of all further services.
        expect(counts.size).toBeLessThanOrEqual(13);
      }),
    );
    const full = new PatternMiner({ patternsPerService: 1, services: 1 });
    full.add('s', 'one');
    expect([full.add('s', 'two two').words, full.add('t', 'x').service]).toEqual([[OTHER], OTHER]);
  });
});

describe('patterns of the lines that come in', () => {
  it('count each line once, in the pattern that the miner gives it', () => {
    const message = fc.constantFrom('a b', 'a c', 'a b 1', 'x', 'y', 'y y', 'z'.repeat(300));
    const line = fc.record({ body: message, service: fc.constantFrom('s', 't') });
    fc.assert(
      fc.property(fc.array(fc.array(line, { maxLength: 12 }), { maxLength: 8 }), fc.nat(7), (batches, forgotten) => {
        const patterns = new LogPatterns({
          sink: new MemoryLogSink(),
          clock: movedClock(NOW),
          file: new JsonFile('unused'),
          onNew: () => {},
        });
        const miner = new PatternMiner();
        const counts = new Map<string, number>();
        for (const [at, batch] of batches.entries()) {
          void patterns.append(batch.map((one) => lineOf({ timeMs: NOW, ...one })));
          for (const { service, body } of batch) {
            const { id } = miner.add(service, body);
            counts.set(`${service} ${id}`, (counts.get(`${service} ${id}`) ?? 0) + 1);
          }
          if (at !== forgotten) continue;
          for (const { service, body } of batch) {
            const pattern = miner.match(service, body);
            const key = `${service} ${pattern?.id}`;
            const left = (counts.get(key) ?? 0) - 1;
            patterns.forget(service, body);
            if (left > 0) counts.set(key, left);
            else if (pattern !== undefined && counts.delete(key)) miner.remove(pattern);
          }
        }
        expect(new Map(patterns.list().map(({ service, id, count }) => [`${service} ${id}`, count]))).toEqual(counts);
      }),
    );
  });

  it('add up over a restart, with first seen, version, and new ones told', async () => {
    const dir = await mkdtemp(path.join(tmpdir(), 'vitrine-patterns-'));
    const file = new JsonFile(path.join(dir, 'log-patterns.json'));
    const clock = movedClock(NOW);
    const added: string[] = [];
    const open = (): LogPatterns =>
      new LogPatterns({
        sink: new MemoryLogSink(),
        clock,
        file,
        onNew: (service, level) => added.push(`${service} ${level}`),
      });
    const write = (log: LogPatterns, body: string, version: string, severity = 9): unknown =>
      log.append([lineOf({ timeMs: clock.now(), body, service: 'shop', version, severity })]);
    const first = open();
    await write(first, 'order 1 placed', '1.0');
    await write(first, 'order 2 placed', '1.1');
    await write(first, 'card declined', '1.1', 17);
    expect(added).toEqual([]);
    await first.save();
    clock.jump(700_000);
    const second = open();
    await second.restore();
    await write(second, 'order 3 placed', '2.0');
    await write(second, 'cache is cold', '2.0', 13);
    expect(added).toEqual(['shop warn']);
    const list = second.list();
    expect(list.reduce((sum, { count }) => sum + count, 0)).toBe(5);
    expect(list[0]).toEqual({
      id: 1,
      service: 'shop',
      template: `order ${ANY} placed`,
      count: 3,
      firstSeenMs: NOW,
      lastSeenMs: NOW + 700_000,
      version: '1.0',
      level: 'info',
    });
    expect(second.match('shop', 'order 9 placed')?.count).toBe(3);
    await writeFile(path.join(dir, 'log-patterns.json'), '{"patterns":[{"id":"x"},5,{"id":1,"count":1}]}');
    const third = open();
    await third.restore();
    expect(third.list()).toEqual([]);
    await rm(dir, { recursive: true });
  });
});
