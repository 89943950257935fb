/**
 * The one way to show data that was asked for: nothing for 200 ms, then a placeholder, after two seconds with Cancel; old
 * data stays, dimmed while newer data loads; data that could not be renewed says its age and why; an empty answer says why
 * and offers one action.
 */
import type { ComponentChildren, JSX } from 'preact';
import type { Resource } from '../state/api.ts';
import { clockTime } from '../state/format.ts';
import { Failed, Loading } from './states.tsx';

interface LoadedProps<T> {
  readonly of: Resource<T>;
  /** Height of the placeholder, so that nothing moves when the data comes. */
  readonly height: number;
  readonly isEmpty?: (data: T) => boolean;
  /** An `Empty` with the reason and one action. */
  readonly empty?: JSX.Element;
  readonly children: (data: T) => ComponentChildren;
}

export function Loaded<T>({ of, height, isEmpty, empty, children }: LoadedProps<T>): JSX.Element {
  const { data, error, slow, loadedAtMs, reload, cancel } = of;
  if (data === undefined) {
    return error === undefined ? <Loading height={height} cancel={cancel} /> : <Failed error={error} retry={reload} />;
  }
  return (
    <div class={slow ? 'loaded dim' : 'loaded'} aria-busy={slow}>
      {error !== undefined && (
        <p class="renew" role="status">
          <span>
            Of {clockTime(loadedAtMs)}. It could not be renewed: {error.message}
          </span>
          <button type="button" class="btn sm" onClick={reload}>
            Retry
          </button>
        </p>
      )}
      {empty !== undefined && isEmpty?.(data) === true ? empty : children(data)}
    </div>
  );
}
