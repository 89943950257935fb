import { expect, test } from 'vitest';
import { escaped, markup, Markup } from '../../../src/monitor/status/markup.ts';

test('values are escaped in text and attributes, and markup is not escaped twice', () => {
  const inner = markup`<b title="${'"\'`'}">${'<&>'}</b>`;
  expect(markup`<p>${inner}${[inner, 1, undefined]}</p>`.text).toBe(
    '<p><b title="&#34;&#39;&#96;">&lt;&amp;&gt;</b><b title="&#34;&#39;&#96;">&lt;&amp;&gt;</b>1</p>',
  );
  expect(markup`${new Markup('<i>')}`.text).toBe('<i>');
});

test('characters that XML forbids are replaced', () => {
  expect(escaped('a\u{0}\u{b}\u{1f}\u{7f}\u{fffe}\u{d800}b\t\n\u{1f600}')).toBe(
    'a\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}b\t\n\u{1f600}',
  );
});
