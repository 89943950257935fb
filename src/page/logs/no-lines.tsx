/** Why there is no line: the filter leaves all out, or none came in the range. */
import type { JSX } from 'preact';
import { param, setParams } from '../state/router.ts';
import { Empty } from '../ui/states.tsx';

export function NoLines(): JSX.Element {
  if (param('q') === '') {
    const action = (
      <a class="btn sm" href="/?connect=1">
        Connect a service
      </a>
    );
    return <Empty text="No log line has a time within this range." action={action} />;
  }
  const action = (
    <button type="button" class="btn sm" onClick={() => setParams({ q: undefined, line: undefined })}>
      Show all lines
    </button>
  );
  return <Empty text="No line of this range matches the filter." action={action} />;
}
