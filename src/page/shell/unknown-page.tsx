/** An address that no page has: says so, and leads to the page that was probably meant. */
import type { JSX } from 'preact';
import { PAGES } from './navigation.ts';

/** The pages whose path begins alike, else all of them. */
function meant(path: string): typeof PAGES {
  const start = path.slice(0, 3).toLowerCase();
  const alike = PAGES.filter((page) => page.path !== '/' && page.path.startsWith(start));
  return path === '/' || alike.length === 0 ? PAGES : alike;
}

export function UnknownPage({ path }: { path: string }): JSX.Element {
  return (
    <section class="card c12 unknown">
      <h1 class="page-title">There is no page at this address</h1>
      <p>
        <bdi class="mono address">{path}</bdi>
      </p>
      <p class="muted">The link may be old or mistyped. These pages exist:</p>
      <ul>
        {meant(path).map((page) => (
          <li key={page.path}>
            <a class="btn" href={page.path}>
              {page.title}
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}
