import { describe, expect, it } from 'vitest';
import { itemsOf, pastedItem } from '../../src/page/shell/palette-items.ts';

const ORIGIN = 'http://127.0.0.1:4000';
const TRACE = '0af7651916cd43dd8448eb211c80319c';

describe('a pasted text', () => {
  const opens = (text: string): unknown => pastedItem(text, ORIGIN)?.open;

  it.each([
    [TRACE, `/traces/${TRACE}`],
    [` ${TRACE.toUpperCase()} `, `/traces/${TRACE}`],
    [`00-${TRACE}-b7ad6b7169203331-01`, `/traces/${TRACE}`],
    [`${ORIGIN}/explore?q=up`, '/explore?q=up'],
    ['T-42-9981', '/traces?id=T-42-9981'],
    ['01JD8QK3M5', '/traces?id=01JD8QK3M5'],
  ])('%s opens %s', (text, target) => expect(opens(text)).toBe(target));

  it.each(['', 'pay', 'payments', 'GET /a 1', '<img src=1>', 'x1'.repeat(200)])('%j is a search', (text) => {
    expect(opens(text)).toBeUndefined();
  });
});

describe('what the palette finds', () => {
  const data = {
    pages: [{ path: '/', title: 'Overview', icon: 'overview', key: 'o' }],
    services: [{ service: 'a&b?', reason: 'errors 3 %' }],
    routes: [{ method: 'GET', route: '/a' }],
    alerts: [{ fingerprint: 'f', name: 'Slow', state: 'firing', labels: { job: 'pay' } }],
    metrics: ['up'],
    actions: [{ id: 'do x', title: 'Pause', detail: '', keys: 'space', icon: 'pause', open: () => {} }],
  } as unknown as Parameters<typeof itemsOf>[0];

  it('has an address for each thing, escaped', () => {
    const items = itemsOf(data, 'x');
    expect(items.map(({ title, detail, open }) => [title, detail, typeof open === 'string' ? open : ''])).toEqual([
      ['Overview', '', '/'],
      ['Pause', '', ''],
      ['Slow', 'pay, firing', '/alerts/f'],
      ['a&b?', 'errors 3 %', '/service?service=a%26b%3F'],
      ['GET /a', '', '/traces?q=route%3A%22%2Fa%22'],
      ['up', '', '/explore?q=up'],
    ]);
    expect(new Set(items.map(({ id }) => id)).size).toBe(items.length);
  });

  it('leaves the many metrics out until something is typed', () => {
    expect(itemsOf(data, ' ').map(({ title }) => title)).not.toContain('up');
  });
});
