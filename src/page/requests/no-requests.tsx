/** Why there is no request: the filter leaves all out, or none came in the range. */
import type { JSX } from 'preact';
import { param, setParams } from '../state/router.ts';
import { Empty } from '../ui/states.tsx';

export function NoRequests(): JSX.Element {
  if (param('q') === '') {
    const action = (
      <a class="btn sm" href="/?connect=1">
        Connect a service
      </a>
    );
    return <Empty text="The balancer saw no request in this range." action={action} />;
  }
  const action = (
    <button type="button" class="btn sm" onClick={() => setParams({ q: undefined })}>
      Show all requests
    </button>
  );
  return <Empty text="No request of this range matches the filter." action={action} />;
}
