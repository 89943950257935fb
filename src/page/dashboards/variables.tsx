/** The variables of a dashboard: service, route and instance, with the values that the server knows. The address holds them. */
import type { JSX } from 'preact';
import { useResource } from '../state/api.ts';
import { param, setParams } from '../state/router.ts';
import { visibleName } from '../state/visible-name.ts';

interface Values {
  readonly data: readonly string[];
}

const VARIABLES = [
  ['service', 'Service', 'job'],
  ['route', 'Route', 'http_route'],
  ['instance', 'Instance', 'instance'],
] as const;

const MAX_VALUES = 500;

/** Label matchers of what the address says. */
export const chosenMatchers = (): readonly string[] =>
  VARIABLES.filter(([name]) => param(name) !== '').map(([name, , label]) => `${label}=${param(name)}`);

/** The values of a label, of the chosen service when there is one. */
function pathOf(label: string): string {
  const params = new URLSearchParams({ limit: String(MAX_VALUES) });
  const service = param('service');
  if (label !== 'job' && service !== '') params.set('match[]', `{job=${JSON.stringify(service)}}`);
  return `/api/v1/label/${label}/values?${params}`;
}

function Choice({ name, title, label }: { name: string; title: string; label: string }): JSX.Element {
  const values = useResource<Values>(pathOf(label));
  const chosen = param(name);
  const list = values.data?.data ?? [];
  // A value of a link may be gone by now: it stays, so that the page does what the address says.
  const all = chosen === '' || list.includes(chosen) ? list : [chosen, ...list];
  return (
    <label>
      {title}
      <select
        value={chosen}
        onChange={(event) =>
          setParams({ [name]: event.currentTarget.value, ...(name === 'service' ? { route: '', instance: '' } : {}) })
        }
      >
        <option value="">all</option>
        {all.map((value) => (
          <option key={value} value={value}>
            {visibleName(value, 80).text}
          </option>
        ))}
      </select>
    </label>
  );
}

export function Variables(): JSX.Element {
  return (
    <>
      {VARIABLES.map(([name, title, label]) => (
        <Choice key={name} name={name} title={title} label={label} />
      ))}
    </>
  );
}
