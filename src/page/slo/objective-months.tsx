/** The months of an objective, what was counted, and what its alerts can see. */
import type { JSX } from 'preact';
import type { ObjectiveJson } from '../../monitor/api/targets/contract.ts';
import { digits } from '../state/format.ts';
import { Empty } from '../ui/states.tsx';
import { percentText } from './objective-text.ts';

export function Months({ of, withWindow = false }: { of: ObjectiveJson; withWindow?: boolean }): JSX.Element {
  const { figure, budget_left, breached } = of;
  const window = withWindow ? [{ month: `last ${of.window}`, figure, budget_left, breached }] : [];
  return (
    <>
      {of.months.length === 0 ? (
        <Empty text="Months are not known for this objective." />
      ) : (
        <table class="months">
          <thead>
            <tr>
              <th scope="col">{withWindow ? 'range' : 'month'}</th>
              <th scope="col" class="num">
                good
              </th>
              <th scope="col" class="num">
                budget left
              </th>
              <th scope="col">promise</th>
            </tr>
          </thead>
          <tbody>
            {[...window, ...of.months].map(({ month, figure, budget_left: left, breached }) => (
              <tr key={month}>
                <td>{month}</td>
                <td class="num">{percentText(figure)}</td>
                <td class="num">{left === null ? '–' : `${digits(left * 100)} %`}</td>
                <td class={breached === true ? 'crit bad' : ''}>
                  {breached === null ? '–' : breached ? 'missed' : 'kept'}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {of.events !== null && (
        <p class="foot">
          {digits(of.events.total - of.events.good)} of {digits(of.events.total)} requests of the window were bad,
          counted row by row
        </p>
      )}
      {of.power !== '' && <p class="foot">{of.power.replace(`${of.name}: `, '')}</p>}
    </>
  );
}
