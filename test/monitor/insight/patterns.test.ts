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
