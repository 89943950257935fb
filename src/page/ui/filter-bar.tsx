/** The one field for a filter in the grammar. The address holds the filter; a mistake is said beneath the field. */
import type { JSX } from 'preact';
import { ApiError } from '../state/api.ts';
import { param, setParams } from '../state/router.ts';
import { Icon } from './icons.tsx';
import '../styles/records.css';

/** A filter that the server cannot read; every other error belongs to the card that asked. */
export const filterErrorOf = (error: Error | undefined): ApiError | undefined =>
  error instanceof ApiError && error.status === 400 ? error : undefined;

interface FilterBarProps {
  /** What is filtered: the name of the form. */
  readonly of: string;
  readonly example: string;
  readonly error: Error | undefined;
}

export function FilterBar({ of, example, error }: FilterBarProps): JSX.Element {
  const filter = param('q');
  const wrong = filterErrorOf(error);
  return (
    <form
      class="card c12 filter-bar"
      role="search"
      aria-label={`Filter ${of}`}
      onSubmit={(event) => {
        event.preventDefault();
        const text = new FormData(event.currentTarget).get('q');
        setParams({ q: typeof text === 'string' ? text.trim() : '', line: undefined });
      }}
    >
      <div class="bar">
        <Icon name="search" small />
        <input
          key={filter}
          name="q"
          class="mono"
          data-filter
          defaultValue={filter}
          placeholder={example}
          spellcheck={false}
          autocomplete="off"
          aria-label={`Filter ${of}`}
          aria-invalid={wrong !== undefined}
          {...(wrong === undefined ? {} : { 'aria-describedby': 'filter-error' })}
        />
        {filter !== '' && (
          <button type="button" class="btn sm ghost" onClick={() => setParams({ q: undefined, line: undefined })}>
            Clear
          </button>
        )}
        <button type="submit" class="btn sm">
          Search
        </button>
      </div>
      {wrong === undefined ? (
        <p class="grammar">
          <span class="mono">key:value</span> equals · <span class="mono">:&gt;=</span> at least ·{' '}
          <span class="mono">"…"</span> phrase · <span class="mono">-</span> leaves out ·{' '}
          <span class="mono">a or b</span> either
        </p>
      ) : (
        <p class="wrong" id="filter-error" role="alert">
          <b>The filter cannot be read.</b> {wrong.message.replace(/\.$/, '')}. {wrong.hint}
        </p>
      )}
    </form>
  );
}
