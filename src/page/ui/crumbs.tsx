/** The way back: a list is linked as it was left, with its filters, and the last part is the page itself. */
import type { JSX } from 'preact';
import { lastAddressOf } from '../state/router.ts';
import { CopyButton } from './copy.tsx';
import { Icon } from './icons.tsx';
import { Name } from './name.tsx';

export function Crumbs(props: { list: string; path: string; name: string; id?: string }): JSX.Element {
  const { list, path, name, id } = props;
  return (
    <nav class="crumbs" aria-label="Breadcrumb">
      <a href={lastAddressOf(path)}>{list}</a>
      <Icon name="right" small />
      <h1 aria-current="page">
        <Name of={name} most={80} />
      </h1>
      {id !== undefined && (
        <>
          <span class="mono id">{id}</span>
          <CopyButton text={id} what="Id" />
        </>
      )}
    </nav>
  );
}
