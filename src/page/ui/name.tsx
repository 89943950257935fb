/** A name that came from outside: isolated, so that it cannot turn the text around it, and shown whole on demand. */
import type { JSX } from 'preact';
import { visibleName, visibleText } from '../state/visible-name.ts';

export function Name({ of, mono = false, most }: { of: string; mono?: boolean; most?: number }): JSX.Element {
  const { text, whole, blank } = visibleName(of, most);
  return (
    <bdi class={`name${mono ? ' mono' : ''}${blank ? ' muted' : ''}`} title={whole ?? text}>
      {text}
    </bdi>
  );
}

/** A value or a message from outside: whole, isolated, its lines kept, and no hidden character in it. */
export function Value({ of }: { of: string }): JSX.Element {
  return <bdi>{of.split('\n').map(visibleText).join('\n')}</bdi>;
}
