/** The values of the most useful fields with their counts. A click on a value narrows the filter to it, or takes it out. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { FieldsAnswer, ValuesAnswer } from '../../monitor/api/records/contract.ts';
import { useResource } from '../state/api.ts';
import { hasTerm, termOf, toggled } from '../state/filter-text.ts';
import { digits } from '../state/format.ts';
import { address, param, setParams } from '../state/router.ts';
import { Loaded } from '../ui/loaded.tsx';
import { Name } from '../ui/name.tsx';
import { Empty } from '../ui/states.tsx';
import { facetsOf } from './log-parts.ts';

const VALUES = '6';
/** Wide enough for a column beside the lines. */
const WIDE = '(min-width: 1000px)';

type Question = Readonly<Record<string, string>>;

function Value(props: { field: string; value: ValuesAnswer['values'][number]; most: number }): JSX.Element {
  const { field, value, most } = props;
  const filter = param('q');
  const term = termOf(field, value.value);
  const chosen = hasTerm(filter, term);
  return (
    <li>
      <button
        type="button"
        aria-pressed={chosen}
        title={chosen ? 'Do not filter by this value' : 'Only lines with this value'}
        onClick={() => setParams({ q: toggled(filter, term), line: undefined })}
      >
        <span class="cut">
          <Name of={value.value} most={60} />
        </span>
        <span class="num">
          {value.error === undefined ? '' : '≤\u2009'}
          {digits(value.count)}
        </span>
        <i style={{ width: `${(value.count / most) * 100}%` }} />
      </button>
    </li>
  );
}

function Facet({
  field,
  question,
  everyMs,
}: {
  field: string;
  question: Question;
  everyMs: number | undefined;
}): JSX.Element {
  const values = useResource<ValuesAnswer>(address('/api/logs/values', { ...question, field, limit: VALUES }), everyMs);
  const cardinality = values.data?.cardinality ?? 0;
  const shownCount = values.data?.values.length ?? 0;
  return (
    <section class="facet" aria-label={`Values of ${field}`}>
      <h3>
        <Name of={field} most={40} />
        {cardinality > shownCount && <span class="muted"> {digits(cardinality)} values</span>}
      </h3>
      <Loaded
        of={values}
        height={60}
        isEmpty={(answer) => answer.values.length === 0}
        empty={<p class="none">No line has it.</p>}
      >
        {(answer) => {
          const most = Math.max(1, ...answer.values.map(({ count }) => count));
          return (
            <ul>
              {answer.values.map((value) => (
                <Value key={value.value} field={field} value={value} most={most} />
              ))}
            </ul>
          );
        }}
      </Loaded>
    </section>
  );
}

export function FieldsCard({ question, everyMs }: { question: Question; everyMs: number | undefined }): JSX.Element {
  const fields = useResource<FieldsAnswer>(address('/api/logs/fields', question), everyMs);
  const [open] = useState(() => matchMedia(WIDE).matches);
  return (
    <section class="card facets" aria-label="Fields">
      <details open={open}>
        <summary>
          <h2>Fields</h2>
        </summary>
        <Loaded
          of={fields}
          height={240}
          isEmpty={(answer) => answer.fields.length === 0}
          empty={<Empty text="Without lines there are no fields." />}
        >
          {(answer) =>
            facetsOf(answer.fields).map((field) => (
              <Facet key={field} field={field} question={question} everyMs={everyMs} />
            ))
          }
        </Loaded>
      </details>
    </section>
  );
}
